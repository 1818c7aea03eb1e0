/* SPDX-License-Identifier: Apache-2.0 */
/* flags.h - regression_flags: what a comparison found, kept with the runs that it is of, one row a metric: value 1 where it
 * regressed, else 0; tags {metric, verdict, base}. */
#ifndef HISTORY_FLAGS_H
#define HISTORY_FLAGS_H

#include "history/compare.h"

/* Flags of every run of the candidate. Metrics with too few values get none, tests only where they are better or worse.
 * A run that has the same flag already gets no second one. s is open for writing. */
int flags_of_comparison(struct store *s, const struct comparison *c, const struct compare_side *base,
			const struct compare_side *candidate, struct err *e);
/* Those of the run's own evaluation (delta_metrics_json); none where it was never evaluated. */
int flags_of_evaluation(struct store *s, const char *run_id, struct err *e);

#endif
