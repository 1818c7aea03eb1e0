/* SPDX-License-Identifier: Apache-2.0 */
/* adapter.h - build, test, workload, profiler: one run of each, under spec-runner's own supervision and in the sandbox, or
 * out of a folder of canned results. */
#ifndef RUNNER_OPTIMIZE_ADAPTER_H
#define RUNNER_OPTIMIZE_ADAPTER_H

#include "runner/optimize/loop.h"

struct adapter_test {
	char *suite, *name, *file;
	enum test_result result;
	int64_t us, line;
};

struct adapter_run {
	bool ok;
	int code;
	bool hung;                     /* a watchdog ended it */
	struct str log;
	struct adapter_test *tests;
	size_t n_tests;
	char *dir;                     /* of its trace and findings, NULL: none */
	double wall_ms, cpu_ms, rss;   /* measured; NaN not */
};
void adapter_run_release(struct adapter_run *r);

/* The folder of a side: 0 the baseline, else the iteration. Its work tree is made, and built, if it is not there: 0; 1: its
 * build fails (built: what it said); -1. */
int side_ready(struct loop *l, int64_t side, const char *commit, struct adapter_run *built, struct err *e);
void side_remove(struct loop *l, int64_t side);

/* Runs an adapter in the folder of a side. tag: of its files. measured: the command itself, for samples. */
int adapter_run(struct loop *l, enum adapter_role role, int64_t side, const char *tag, bool measured,
		struct adapter_run *r, struct err *e);

/* The same of a command as such; collect: profilers of ours that watch it, NULL none. */
int adapter_run_command(struct loop *l, const struct adapter *a, int64_t side, const char *tag, bool measured,
			const char *collect, struct adapter_run *r, struct err *e);

/* Files that differ from the side's commit, but for those that the baseline's own build and test leave. */
int side_changed(struct loop *l, int64_t side, struct strv *changed, struct err *e);
int side_note_leftovers(struct loop *l, struct err *e); /* of the baseline */

/* findings.json of a run: rows of `findings` of run_id, and an artifact. Within the transaction. */
int adapter_findings(struct loop *l, const struct adapter_run *r, const char *run_id, struct err *e);
/* The first hang finding's id and pattern; NULL where there is none. Caller frees. */
char *adapter_hang(const struct adapter_run *r);

/* dummy.c */
int dummy_run(struct loop *l, enum adapter_role role, int64_t side, struct adapter_run *r, struct err *e);

#endif
