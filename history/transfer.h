/* SPDX-License-Identifier: Apache-2.0 */
/* transfer.h - a store as lines of JSON, and back: between folders, between SQLite and PostgreSQL. */
#ifndef HISTORY_TRANSFER_H
#define HISTORY_TRANSFER_H

#include "history/settings.h"
#include "history/store.h"

struct transfer {
	struct store *s;
	const struct history_settings *settings; /* since, run_id, artifacts */
	int64_t now_real_ns;
	uint64_t imported, known;
	struct strv conflicts;  /* runs that are in the store with other content; the caller releases it */
};

/* Everything, or the runs since a time or one run. 1: no such run. */
int transfer_export(struct transfer *t, const char *path, struct err *e);
#define TRANSFER_NO_SUCH 1 /* the file or folder is not there */
/* Each run is a transaction of its own. A run that is there is passed over; with other content it is a conflict. */
int transfer_import(struct transfer *t, const char *path, struct err *e);
/* Another store's folder, with its artifacts. */
int transfer_merge(struct transfer *t, const char *dir, bool network_ok, struct err *e);

#endif
