/* SPDX-License-Identifier: Apache-2.0 */
/* compare.h - two sides of values by metric: regressed, improved, unchanged, or not to be told. Pure but for
 * compare_side_runs (compare_sides.c). */
#ifndef HISTORY_COMPARE_H
#define HISTORY_COMPARE_H

#include "history/settings.h"
#include "history/store.h"

struct compare_metric {
	char *name, *unit;
	int better;              /* 1 higher, -1 lower */
	bool is_test;            /* "test:ID", in milliseconds */
	double *values;
	size_t n;
};
struct compare_side {
	char *words;             /* as the user gave it */
	struct compare_metric *v; /* by name, after compare_side_sort */
	size_t n;
	struct strv runs;        /* run ids; empty for a file */
	char *workload, *device; /* of the runs; NULL for a file, or where they differ */
};
void compare_side_release(struct compare_side *s);
/* The metric of that name, made where it is new. */
struct compare_metric *compare_side_metric(struct compare_side *s, const char *name, const char *unit, int better,
					   bool is_test);
void compare_metric_add(struct compare_metric *m, double value);
void compare_side_sort(struct compare_side *s);

/* {version: 1, metrics: {NAME: {values, unit, better}}} */
int compare_side_file(struct compare_side *s, const char *path, struct err *e);
/* Run ids joined by commas, rev:REV, branch:NAME[:N], last:N. wanted: --metric NAME:lower|higher. 1: no run. ERR_USAGE where
 * the runs are of several workloads or devices and any_device is not set. */
int compare_side_runs(struct store *s, const char *words, const struct strv *wanted, bool any_device,
		      struct compare_side *side, struct err *e);
/* 1 higher, -1 lower, 0: not known. */
int compare_better_of(const char *metric);

enum compare_verdict { COMPARE_REGRESSED, COMPARE_IMPROVED, COMPARE_UNCHANGED, COMPARE_INCONCLUSIVE, COMPARE_INSUFFICIENT,
		       COMPARE_VERDICT_COUNT };
extern const char *const compare_verdict_text[];

struct compare_options {
	double alpha, min_effect, equivalence;
	bool common_mode;
};
struct compare_result {
	const struct compare_metric *base, *candidate; /* either may be NULL: on one side alone */
	double median_base, median_candidate, change, low, high, p, p_adjusted; /* NaN: none */
	enum compare_verdict verdict;
};
struct comparison {
	struct compare_result *v;
	size_t n;
	bool has_common_mode, applied; /* there were tests enough */
	double shift;
	size_t common_n;
};
/* Candidate durations of tests are divided by the common shift in place, where there is one. */
void compare_sides(struct compare_side *base, struct compare_side *candidate, const struct compare_options *o,
		   struct comparison *c);
void comparison_release(struct comparison *c);
size_t comparison_count(const struct comparison *c, enum compare_verdict v);

void comparison_json(const struct comparison *c, const struct compare_side *base, const struct compare_side *candidate,
		     struct str *out);
void comparison_text(const struct comparison *c, struct str *out);

#endif
