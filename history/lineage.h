/* SPDX-License-Identifier: Apache-2.0 */
/* lineage.h - which runs a run is measured against: its baseline, and the best one that came of that baseline. */
#ifndef HISTORY_LINEAGE_H
#define HISTORY_LINEAGE_H

#include "base/json_write.h"
#include "history/store.h"

struct lineage {
	char *baseline, *best; /* run ids; NULL: none */
	char *deltas;          /* what the run's own evaluation measured against its baseline: JSON; NULL: it has none */
};
/* The baseline is that of the run's newest evaluation, or of its candidates' (a loop); for any other run, the run of the
 * same workload, device and branch that succeeded last before it. */
int lineage_read(struct store *s, const char *run_id, struct lineage *l, struct err *e);
void lineage_release(struct lineage *l);

struct delta {
	char *metric, *unit;
	double base, value, change; /* medians; change: value / base - 1, NaN where base is 0 */
};
struct deltas {
	struct delta *v;
	size_t n;
};
/* Metrics without tags that both runs have, by name. */
int deltas_read(struct store *s, const char *base_run, const char *run_id, struct deltas *d, struct err *e);
void deltas_release(struct deltas *d);
/* {METRIC: {base, candidate, change, unit}} */
void deltas_write(const struct deltas *d, struct json *j, const char *key);

#endif
