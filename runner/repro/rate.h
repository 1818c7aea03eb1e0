/* SPDX-License-Identifier: Apache-2.0 */
/* rate.h - how often, and how sure: the Wilson interval and the runs that a statement needs. Pure. */
#ifndef RUNNER_REPRO_RATE_H
#define RUNNER_REPRO_RATE_H

#include <stdint.h>

struct rate {
	int64_t hits, runs;
	double low, high; /* Wilson score interval, 95 %; 0 and 1 without runs */
};

struct rate rate_of(int64_t hits, int64_t runs);

/* Runs without a hit after which a hang of rate `low` (0 < low <= 1) is gone at `confidence` (0 < c < 1):
 * ceil(ln(1 - c) / ln(1 - low)). INT64_MAX where low is 0 or less. */
int64_t rate_runs_to_confirm(double low, double confidence);

/* Runs needed so that a hang of rate p is missed with probability of at most `miss`; at most `most`. */
int64_t rate_runs_to_see(double p, double miss, int64_t most);

#endif
