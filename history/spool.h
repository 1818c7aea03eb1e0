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

/* The same for a command that records nothing itself. What could not be read is a line in say. */
struct spool_reader {
	char *const *envp;
	const char *root, *artifacts_dir; /* artifacts_dir below root, or absolute */
	struct redactor *redactor;
};
int spool_take_first(struct store *s, const struct spool_reader *by, struct str *say, struct err *e);

/* The spool of another store's folder, which stays as it is: nothing is renamed or removed there. */
int spool_take_from(struct store *s, const char *dir, const struct record_request *q, struct spool_result *r, struct err *e);

/* The line that says what could not be read, without a newline; nothing where all could. Releases the result. */
void spool_say(struct spool_result *r, struct str *out);

#endif
