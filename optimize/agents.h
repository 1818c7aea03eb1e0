/* SPDX-License-Identifier: Apache-2.0 */
/* agents.h - optimize/agents.yaml: prompts, classes, strategies. */
#ifndef OPTIMIZE_AGENTS_H
#define OPTIMIZE_AGENTS_H

#include "base/err.h"
#include "base/str.h"
#include "optimize/setup.h"

struct agent {
	const char *name, *system;
	enum gateway_route route;
};
struct strategy { const char *id, *class_, *when, *title, *text; };

struct agents; /* the file, read once */
struct agents *agents_new(struct err *e);
void agents_free(struct agents *a);
const struct agent *agents_find(const struct agents *a, const char *name); /* never NULL for a name of ours */
const struct strv *agents_classes(const struct agents *a);
size_t agents_strategies(const struct agents *a, const struct strategy **list);

/* POST /chat/completions for an agent, with every text redacted here, last of all. hosts: names that are hidden, too. */
struct redactor;
void request_body(struct redactor *r, const struct strv *hosts, const struct agent *a, const char *model, const char *user,
		  size_t user_len, int64_t max_tokens, struct str *out);
/* POST /embeddings {model, input}. */
void request_embedding(struct redactor *r, const struct strv *hosts, const char *model, const char *text, size_t n,
		       struct str *out);
/* A text as it may leave this machine, or be kept. */
void request_clean(struct redactor *r, const struct strv *hosts, const char *text, size_t n, struct str *out);

#endif
