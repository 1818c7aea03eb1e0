/* SPDX-License-Identifier: Apache-2.0 */
/* analyze.h - the graph of calls and the hotspots of a stored run, out of the stacks that were taken in with it. */
#ifndef HISTORY_ANALYZE_H
#define HISTORY_ANALYZE_H

#include "history/ingest/samples.h"
#include "history/settings.h"
#include "history/store.h"

/* The stacks of a run's artifacts. 1: it has none. */
int analyze_samples(struct store *s, const char *run_id, struct samples *samples, struct strv *artifact_ids, struct err *e);

/* Writes the graph (PCG) and the hotspots, in place of those of an earlier analysis; appends what was found
 * to out. 1: no stacks. */
int analyze_runtime(struct store *s, const char *run_id, const struct history_settings *settings, double damping, bool json,
		    struct str *out, struct err *e);

#endif
