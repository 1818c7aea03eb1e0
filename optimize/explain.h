/* SPDX-License-Identifier: Apache-2.0 */
/* explain.h - which of a model's sentences about findings are kept: those that cite findings that are there, say no number
 * that is not in them, and promise nothing. Pure. */
#ifndef OPTIMIZE_EXPLAIN_H
#define OPTIMIZE_EXPLAIN_H

#include "base/json_read.h"
#include "base/str.h"

#include <stdbool.h>

struct explained { /* one sentence */
	char *text;
	struct strv evidence;
	const char *reason; /* why it was rejected: number, citation, promise, format; NULL: it is kept */
};
struct explanation {
	struct explained *v;
	size_t n, kept;
};

/* An answer, held against findings.json (its parsed text). False: not JSON {sentences: [...]}. */
bool explain_judge(struct explanation *x, const char *answer, size_t n, const struct json_value *findings);
void explain_release(struct explanation *x);

/* Is every number of the text one of the finding's values, after conversion of units and rounding to the digits shown? */
bool explain_numbers_ok(const char *text, const struct json_value *const findings[], size_t n);
bool explain_promises(const char *text);

#endif
