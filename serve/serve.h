/* SPDX-License-Identifier: Apache-2.0 */
/* serve.h - the history over HTTP: an API for tools and pages for people.
 *
 *   http.c    connections, limits, the library's calls     -> one struct message for each request
 *   answer.c  Host, token, route, method, body, parameters -> the handler of a row of routes.c
 *   api*.c, ui*.c  handlers: read the store, fill the reply
 *
 * Everything below http.c is a function of a message and the store, so that tests and fuzzing need no socket. Threads:
 * each has a store of its own (serve_store); what they share is read only, or behind serve->lock. */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include "history/settings.h"
#include "history/store.h"
#include "serve/url.h"
#include "trace/redact.h"

#include <pthread.h>
#include <sys/types.h>

#define SERVE_TOKEN_LEAST 16
#define SERVE_TOKEN_MOST 4096
#define SERVE_BODY_MOST ((size_t)1 << 20)
#define SERVE_SESSION_SIZE 65
#define SERVE_COOKIE "spec_runner_session"

struct job;

/* Borrowed, but for what serve_init makes. */
struct serve {
	struct store_where read, write;
	const struct history_settings *settings;
	struct redactor *redactor;     /* under lock */
	const struct strv *host_names;
	const char *prefix;            /* "" or "/x": the path that a proxy has us under */
	const char *version;
	const char *main_program;      /* for `optimize`; NULL: not installed */
	const char *root, *artifacts;
	char *const *envp;             /* of the optimisation: without the token */
	bool allow_optimize;
	/* made by serve_init */
	unsigned char token_hash[32];
	char session[SERVE_SESSION_SIZE]; /* what the cookie holds: made of the token, but not the token */
	pthread_mutex_t lock;
	struct job *jobs;              /* under lock */
	bool ending;
};
/* The token is not kept. */
void serve_init(struct serve *sv, const char *token, size_t n);
void serve_release(struct serve *sv);

/* The store of this thread, opened on first use and again when its file was replaced. NULL and why. */
struct store *serve_store(struct serve *sv, struct err *e);
/* Drops it, after a failure or at the end of the thread. */
void serve_store_drop(void);

/* ---- one request ---- */

/* Borrowed texts; NULL: no such header. */
struct message {
	const char *method, *target;
	const char *host, *authorization, *cookie, *content_type, *accept;
	const char *body;
	size_t body_n;
	bool body_too_large;
};

struct reply {
	int status;
	const char *type;      /* media type */
	struct str body;
	int fd;                /* the body is this file; -1: body */
	uint64_t fd_bytes;
	char *allow, *location, *cookie, *disposition; /* headers; NULL: none */
	bool challenge;        /* WWW-Authenticate */
	bool is_page;          /* Content-Security-Policy of pages */
};
void reply_init(struct reply *a);
void reply_release(struct reply *a);

/* In constant time. */
bool serve_token_is_right(struct serve *sv, const char *token, size_t n);

/* Always fills the reply. now_real_ns: since 1970. */
void serve_answer(struct serve *sv, const struct message *m, int64_t now_real_ns, struct reply *a);
/* May the body of such a request be of use? False: the answer will be an error, whatever it holds. */
bool serve_wants_body(struct serve *sv, const struct message *m);

/* {"error": text} */
void reply_error(struct reply *a, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Of a child of `POST /runs/{run_id}/optimize`: ends those that have ended in the store, too. Called now and then by one
 * thread. */
void jobs_reap(struct serve *sv, int64_t now_real_ns);
/* Asks all of them to end. */
void jobs_end(struct serve *sv);

#endif
