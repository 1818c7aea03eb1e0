/* SPDX-License-Identifier: Apache-2.0 */
/* answer.h - what a model said, as data. An answer chooses nothing but what is asked here: a diff's text, one of the words
 * continue and stop, names of hotspots and strategies that exist. */
#ifndef OPTIMIZE_ANSWER_H
#define OPTIMIZE_ANSWER_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* The body of POST /chat/completions: the message's text and what the server counted. */
struct completion {
	struct str text;
	int64_t prompt_tokens, output_tokens; /* -1: the server does not say */
};
/* False: it is not such a body. */
bool completion_read(struct completion *c, const char *body, size_t n);
void completion_release(struct completion *c);

/* The coder's: JSON {diff, rationale, strategy, risk}, or text with exactly one fenced `diff` block. False: anything
 * else. */
bool answer_diff(const char *text, size_t n, struct str *diff);

struct decision {
	bool stop;
	char *hotspot, *strategy, *justification; /* NULL: not said */
};
/* The conductor's: {action: continue|stop, hotspot, strategy, justification}. False: not usable. */
bool answer_decision(const char *text, size_t n, struct decision *d);
void decision_release(struct decision *d);

/* The analyst's: {classes: [...]}; words that are not of the taxonomy are left out. False: not usable. */
bool answer_classes(const char *text, size_t n, const struct strv *taxonomy, struct strv *out);

/* Embeddings: {data: [{embedding: [...]}]}. Values appended; false: not usable. */
bool answer_embedding(const char *body, size_t n, float **v, size_t *dim);

#endif
