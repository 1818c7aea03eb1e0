/* SPDX-License-Identifier: Apache-2.0 */
/* limits.h - limits of tests and runs out of what they took when they passed. Only passes count: a hung one would raise
 * its own limit. */
#ifndef HISTORY_LIMITS_H
#define HISTORY_LIMITS_H

#include "history/store.h"

#define LIMIT_PASSES 20          /* fewer: no limit */
#define LIMIT_TEST_MS 10000.0    /* least */
#define LIMIT_RUN_MS 60000.0

struct test_limit {
	char *suite, *case_id;
	size_t n;
	double p50_ms, p99_ms, limit_ms; /* limit_ms < 0: none */
};
struct limits {
	struct test_limit *tests; /* by suite, then case */
	size_t n;
	struct test_limit run;    /* of run_duration_ms; names NULL */
	double run_last_ms;       /* median of the last 20 succeeded runs, given 3; else < 0 */
};

/* limit = max(least_ms, 5 * p99) of the durations (ms, any order), given LIMIT_PASSES. */
void limit_of(const double *ms, size_t n, double least_ms, struct test_limit *out);

/* Of a workload on a device. run_only: the tests are left out. */
int limits_read(struct store *s, const char *workload, const char *device, bool run_only, struct limits *l, struct err *e);
void limits_release(struct limits *l);

/* The workload and device that the youngest run with a name had; NULL: any. 1: there is none. */
int limits_lane(struct store *s, const char *workload, const char *device, char **w, char **d, struct err *e);

#endif
