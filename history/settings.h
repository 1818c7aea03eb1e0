/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - what the user may say to the verbs of this wing. The rows that fill it are in
 * runner/config/options_history.def; numbers that may have a fraction stay texts and are read where they are
 * used. NULL or an empty list: not said. */
#ifndef HISTORY_SETTINGS_H
#define HISTORY_SETTINGS_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct history_settings {
	/* the store */
	char *where;                 /* folder, "on" or "off" */
	int64_t record_ms;           /* how long a run waits for its recording */
	int64_t keep_days, keep_runs, keep_bytes; /* 0: for ever */
	bool network_ok;
	char *beside;                /* record: where findings of the trace are, besides its own folder */
	/* what a run was of */
	char *workload, *device, *toolchain;
	char *repo_uri, *repo_rev, *branch;
	bool repo_dirty;
	/* reading */
	char *run_id, *since, *artifacts;
	bool dry_run;
	char *limit;
	/* ingest, analyze, evidence */
	struct strv paths;
	char *kind, *rev, *columns, *unit, *refresh_hz, *damping;
	int64_t top;
	bool is_static, is_runtime;
	char *finding, *symbol;
	int64_t max_prompt_tokens;
	bool fold_pid, fold_tid, fold_kernel, fold_jit, fold_all, fold_addrs;
	char *event_filter;
	/* compare, regressions */
	struct strv metrics;
	char *alpha, *min_effect, *equivalence;
	bool any_device, no_common_mode;
	char *method, *series, *max_pvalue, *min_magnitude;
	int64_t window, last;
	/* shard */
	char *plan_key, *plan_out, *plan;
	/* bisect */
	char *good, *bad, *runs, *signature;
	bool fail;
};

#endif
