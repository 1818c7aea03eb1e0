/* SPDX-License-Identifier: Apache-2.0 */
/* spool.h - traces that could not be recorded when their runs ended: DIR/spool/RUN_ID.json. Every writer takes them in
 * first, in order; one that cannot be read becomes .bad. */
#ifndef HISTORY_SPOOL_H
#define HISTORY_SPOOL_H

#include "history/record.h"

struct spool_result {
	uint64_t taken, bad;
	char *first_bad; /* its path; caller frees */
};

/* 0, or -1 where the store failed: what is left stays. */
int spool_take(struct store *s, const struct record_request *q, struct spool_result *r, struct err *e);

#endif
