/* SPDX-License-Identifier: Apache-2.0 */
/* options_repro.h - values of `spec-runner repro` (options_repro.def). */
#ifndef RUNNER_CONFIG_OPTIONS_REPRO_H
#define RUNNER_CONFIG_OPTIONS_REPRO_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct repro_options {
	int64_t runs, for_ms, jobs;
	int until;     /* enum repro_until: match any end */
	char *perturb; /* "auto" */
	int64_t seed;  /* -1: random */
	bool whole, keep_alive, shrink;
	int64_t limit_ms; /* 0, OPTION_AUTO_MS: auto */
	char *confidence; /* "0.99" */
	char *again, *confirm_fix;
	struct strv select; /* words of a command in which {test} stands for each test; empty: the dialect's way */
};

#endif
