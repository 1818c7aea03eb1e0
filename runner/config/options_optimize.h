/* SPDX-License-Identifier: Apache-2.0 */
/* options_optimize.h - values of optimize, gateway and explain (options_optimize.def). NULL: not said. */
#ifndef RUNNER_CONFIG_OPTIONS_OPTIMIZE_H
#define RUNNER_CONFIG_OPTIONS_OPTIMIZE_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct optimize_options {
	char *adapters, *candidates, *resume, *baseline_run_id, *branch, *env_file;
	char *goal;            /* "speed", "hang" */
	bool dry_run, all;
	int64_t iterations;    /* 0: of the configuration */
	struct strv run_ids;   /* export */
	char *explain_base, *explain_model;
};

#endif
