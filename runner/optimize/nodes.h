/* SPDX-License-Identifier: Apache-2.0 */
/* nodes.h - the nodes of the loop, and what several of them do alike. */
#ifndef RUNNER_OPTIMIZE_NODES_H
#define RUNNER_OPTIMIZE_NODES_H

#include "runner/optimize/adapter.h"
#include "runner/optimize/loop.h"
#include "runner/optimize/samples.h"

loop_node node_init, node_snapshot, node_baseline_test, node_baseline_profile, node_runtime;               /* baseline.c */
loop_node node_static;                                                                                   /* source.c */
loop_node node_pack, node_decide, node_generate;                                                         /* propose.c */
loop_node node_apply, node_verify, node_profile, node_evaluate, node_continue;                           /* candidate.c */
loop_node node_report, node_export;                                                                      /* finish.c */

/* l->row for a run of that kind; at must live until the commit. */
void node_row(struct loop *l, const char *run_id, const char *kind, char at[STORE_TIME_SIZE]);
int node_end_run(struct loop *l, const char *run_id, const char *status, struct err *e);
int node_write_tests(struct loop *l, const struct adapter_run *t, struct err *e);
int node_write_log(struct loop *l, const char *run_id, const char *kind, const struct adapter_run *t, struct err *e);
int node_write_metrics(struct loop *l, const char *run_id, const struct sample_set *s, struct err *e);
int node_write_profile(struct loop *l, int64_t side, const struct adapter_run *p, const char *run_id, struct err *e);
/* Hotspots of a run out of its stacks. 1: it has none. */
int node_analyze(struct loop *l, const char *run_id, struct err *e);
/* Runs the profiler in the folder of a side. 1: the budget is used up. */
int node_profile_run(struct loop *l, int64_t side, struct adapter_run *p, struct err *e);
/* The folder of a side that was built before. */
int node_side(struct loop *l, int64_t side, const char *commit, struct err *e);
double node_median(double *v, size_t n); /* sorts v */

/* Runs of one side, one after the other, for how often it hangs; a candidate until the first hang. 1: the budget is
 * used up. */
int samples_runs(struct loop *l, int64_t side, int64_t n, struct sample_set *s, struct err *e);

/* collect.c: our own collector on the workload: folded stacks in p->log. */
int collect_samples(struct loop *l, int64_t side, const char *tag, struct adapter_run *p, struct err *e);

/* pack.c: the evidence pack of this iteration. 1: nothing is known. */
int pack_make(struct loop *l, struct str *out, struct err *e);
/* The highest ranked hotspots of the best run. */
int pack_hotspots(struct loop *l, struct strv *out, struct err *e);

#endif
