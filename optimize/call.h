/* SPDX-License-Identifier: Apache-2.0 */
/* call.h - one request through the gateway's process: what is written to its standard input, and what it answers. The key
 * goes this way alone: it is in no argument, environment or file. */
#ifndef OPTIMIZE_CALL_H
#define OPTIMIZE_CALL_H

#include "base/err.h"
#include "optimize/setup.h"

/* A request: the policy that holds, and the bytes that are sent. */
struct call {
	const struct gateway_setup *g;
	const char *endpoint;    /* "/chat/completions", "/embeddings", "/models" */
	const char *model;       /* NULL: none (GET /models) */
	const char *key;         /* NULL: none */
	const char *request_id;
	const char *body;        /* NULL: GET */
	size_t body_len;
};
void call_write(const struct call *c, struct str *out);

/* The same on the other side; owned by own. */
struct call_taken {
	struct gateway_setup g;
	char *endpoint, *model, *key, *request_id;
	const char *body;        /* within the text */
	size_t body_len;
	bool has_body;
};
int call_read(struct call_taken *c, const char *text, size_t n, struct err *e);
void call_release(struct call_taken *c);

/* How it went. */
enum call_outcome { CALL_HTTP, CALL_BLOCKED, CALL_TIMEOUT, CALL_TOO_LARGE, CALL_CUT, CALL_RESET, CALL_OUTCOME_COUNT };
extern const char *const call_outcome_text[];
struct call_reply {
	enum call_outcome outcome;
	int64_t http, retry_after_s; /* 0: none */
	char rule[120], key[80], host[260], error[300];
	struct str body;
};
void call_reply_write(const struct call_reply *r, struct str *out);
int call_reply_read(struct call_reply *r, const char *text, size_t n, struct err *e);
void call_reply_release(struct call_reply *r);

/* The status of its agent_messages row; malformed: the body was no answer. */
void call_reply_status(const struct call_reply *r, bool malformed, char out[16]);
bool call_reply_may_retry(const struct call_reply *r, bool malformed);
/* Before attempt n (from 1) that follows: Retry-After, else 1, 2, 4 s. */
int64_t call_reply_delay_ms(const struct call_reply *r, int64_t attempt);

#endif
