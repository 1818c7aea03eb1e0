/* SPDX-License-Identifier: Apache-2.0 */
/* keep.h - what is kept how long, and whether a store is whole. */
#ifndef HISTORY_KEEP_H
#define HISTORY_KEEP_H

#include "history/settings.h"
#include "history/store.h"

struct keep_request {
	struct store *s;
	const struct history_settings *settings;
	int64_t now_real_ns;
	bool dry_run;
	bool json; /* answers are one JSON object */
};

/* Drops runs beyond days, number and bytes, oldest first, then files that no row names. Says what on out, or as {version,
 * dry_run, runs, dropped_runs, dropped_files}. */
int keep_gc(const struct keep_request *k, struct str *out, struct err *e);
/* The same after every 50th recording. */
int keep_now_and_then(struct store *s, const struct history_settings *settings, int64_t now_real_ns, struct err *e);

/* Prints each fault as a line `ERROR: …`, or {version, faults: [text]}. 0, 1 where there was one, -1. */
int keep_verify(const struct keep_request *k, struct str *out, struct err *e);


#endif
