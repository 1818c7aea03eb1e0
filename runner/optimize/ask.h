/* SPDX-License-Identifier: Apache-2.0 */
/* ask.h - asking a model, so that a loop that is killed asks nothing twice: the request is in the store before the first
 * byte
 * goes out, the answer before it is used. */
#ifndef RUNNER_OPTIMIZE_ASK_H
#define RUNNER_OPTIMIZE_ASK_H

#include "optimize/agents.h"
#include "runner/optimize/loop.h"

enum ask_outcome { ASK_ANSWERED, ASK_UNANSWERED, ASK_BUDGET, ASK_BLOCKED };

/* Asks an agent in this node and iteration. text: its redacted answer. Outside of a transaction. -1: own failure, or a
 * signal. */
int ask(struct loop *l, const char *agent, const struct str *user, enum ask_outcome *outcome, struct str *text,
	struct err *e);
/* An embedding of a text; only where the route is configured. */
int ask_embedding(struct loop *l, const char *agent, const struct str *input, enum ask_outcome *outcome, float **v,
		  size_t *dim, struct err *e);

/* What the policy says of the configuration: false and a line where something is blocked (host, rule, key to change). */
bool ask_allowed(const struct loop *l, struct str *why);
/* A row of agent_messages that says so; within a transaction. */
int ask_note_blocked(struct loop *l, struct err *e);

/* Names of internal hosts that are hidden in what is sent (redact.hosts). */
void ask_hosts(const struct setup *s, struct strv *out);

/* The agents' nodes (conduct.c). */
int ask_conductor(struct loop *l, struct optimize_result *r, struct err *e);
int ask_coder(struct loop *l, const char *path, struct optimize_result *r, struct err *e);
/* recall.c: what became better is remembered as a vector, and the nearest are told. */
int recall_remember(struct loop *l, const char *delta, struct err *e);
/* The code and the words of an evidence pack, as CodeChunk and TraceSummary. */
int recall_pack(struct loop *l, const struct str *pack, struct err *e);
int recall_nearest(struct loop *l, const struct str *about, struct str *out, struct err *e);

#endif
