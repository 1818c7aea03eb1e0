/* SPDX-License-Identifier: Apache-2.0 */
/* samples.h - values of the workload's metrics, of two sides taken in turn, and what they say. */
#ifndef RUNNER_OPTIMIZE_SAMPLES_H
#define RUNNER_OPTIMIZE_SAMPLES_H

#include "history/compare.h"
#include "runner/optimize/loop.h"

struct sample_metric {
	char *name;
	double *v;
	size_t n;
};
struct sample_set {
	struct sample_metric *m;
	size_t n;
	int64_t runs, failed, hung;
	char *why;              /* of the first failed one */
	char *hang;             /* finding_id of the first that hung */
};
void sample_set_release(struct sample_set *s);
const struct sample_metric *sample_metric_of(const struct sample_set *s, const char *name);
/* More than one in five failed, or there is none. */
bool sample_set_fails(const struct sample_set *s);

/* Takes samples of one side (b NULL), or of two in turn: A B B A A B … after a warmup of each. Returns 1 where the budget
 * ended it. */
int samples_take(struct loop *l, int64_t side_a, struct sample_set *a, int64_t side_b, struct sample_set *b, const char *tag,
		 struct err *e);

/* One sample; into NULL: a run that does not count. */
int sample_once(struct loop *l, int64_t side, const char *tag, struct sample_set *into, struct err *e);

/* Files in the loop's folder. */
int samples_write(struct loop *l, const char *name, const struct sample_set *a, const struct sample_set *b, struct err *e);
int samples_read(struct loop *l, const char *name, struct sample_set *a, struct sample_set *b, struct err *e);

/* The metric that decides: its name, and whether less is better. False: the values name none. */
bool samples_primary(const struct loop *l, const struct sample_set *s, const char **name, bool *lower);

struct sample_verdict {
	enum compare_verdict primary;
	double change;          /* NaN: none */
	bool guard_regressed;
	char guard[64];         /* the first that did */
};
/* Candidate against the best and against the baseline; delta: delta_metrics_json. */
void samples_judge(const struct loop *l, const struct sample_set *best, const struct sample_set *candidate,
		   const struct sample_set *baseline, struct sample_verdict *v, struct str *delta);

#endif
