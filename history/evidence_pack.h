/* SPDX-License-Identifier: Apache-2.0 */
/* evidence_pack.h - what is known of a run's hotspots or hang, in one JSON text of bounded size: for whoever
 * reasons about it.
 * The same store gives the same bytes. */
#ifndef HISTORY_EVIDENCE_PACK_H
#define HISTORY_EVIDENCE_PACK_H

#include "history/settings.h"
#include "history/store.h"
#include "trace/redact.h"

struct pack_request {
	struct store *s;
	const struct history_settings *settings; /* run_id, finding, symbol, max_prompt_tokens */
	struct redactor *redactor;
	const char *root;                        /* where source code is read from */
};
/* 1: no such run, finding or symbol, or nothing is known of it. */
int pack_write(const struct pack_request *q, const char *run_id, struct str *out, struct err *e);

#endif
