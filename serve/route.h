/* SPDX-License-Identifier: Apache-2.0 */
/* route.h - the one table of what can be asked for. /openapi.json, Allow headers and tests come of its rows. */
#ifndef SERVE_ROUTE_H
#define SERVE_ROUTE_H

#include "base/json_read.h"
#include "base/json_write.h"
#include "history/view.h"
#include "serve/serve.h"

/* A request on its way to a handler. */
struct call {
	struct serve *sv;
	struct store *s;                 /* NULL where the route has no use for it */
	const struct message *m;
	const struct url *url;
	const char *arg[2];              /* of the pattern's braces, decoded */
	struct view view;                /* JSON, with default settings */
	int64_t now_real_ns;
	struct reply *a;
};

enum route_kind {
	ROUTE_API,    /* JSON */
	ROUTE_BYTES,  /* a file */
	ROUTE_PAGE,   /* HTML */
};

struct route {
	const char *method;  /* GET (HEAD is one, too) or POST */
	const char *path;    /* {name} is one part; {name+} one or more */
	enum route_kind kind;
	bool open;           /* without a token */
	bool no_store;       /* does not read the history */
	const char *query;   /* names of parameters, by blanks; "" none */
	const char *form;    /* POST: "json", "form", else NULL */
	/* 0: the reply is filled; 1: there is no such thing, and e says what (404); -1: ERR_USAGE 400, else 503. */
	int (*handle)(struct call *c, struct err *e);
	const char *summary;
	const char *schema;  /* of the answer: a name of openapi_parts.json, NULL: none */
	const char *body_schema;
	int status;          /* of success */
};
extern const struct route routes[];
extern const size_t route_count;

/* Does the path of the target fit? Then arg is filled; a copy for {name+} is kept in joined. */
bool route_matches(const struct route *r, const struct url *t, const char *arg[2], struct str *joined);

/* ---- for handlers ---- */

static inline const char *call_query(const struct call *c, const char *name)
{
	const char *v = params_get(&c->url->query, name);

	return v && *v ? v : NULL;
}
/* A number of a parameter within bounds; otherwise where it is not given. ERR_USAGE. */
int call_number(const struct call *c, const char *name, int64_t least, int64_t most, int64_t otherwise, int64_t *v,
		struct err *e);
/* run-YYYYMMDDThhmmssZ-XXXXXXXX and in the store. 1: there is none. */
int call_run(const struct call *c, const char *id, struct err *e);
bool artifact_id_valid(const char *id);
/* "artifacts/ab/abcd….ext" as the store writes it, and nothing else. */
bool call_path_is_stored(const char *path);
/* The number of a test, by "SUITE/CASE" or, without a suite, "CASE"; 1: there is none. Callers free suite and case_id. */
int call_test(const struct call *c, int64_t *test_no, char **suite, char **case_id, struct err *e);

int api_health(struct call *c, struct err *e);
int api_openapi(struct call *c, struct err *e);
int api_runs(struct call *c, struct err *e);
int api_runs_create(struct call *c, struct err *e);
int api_run(struct call *c, struct err *e);
int api_run_metrics(struct call *c, struct err *e);
int api_run_artifacts(struct call *c, struct err *e);
int api_run_tests(struct call *c, struct err *e);
int api_run_findings(struct call *c, struct err *e);
int api_run_hotspots(struct call *c, struct err *e);
int api_run_graphs(struct call *c, struct err *e);
int api_run_patches(struct call *c, struct err *e);
int api_run_evaluations(struct call *c, struct err *e);
int api_run_report(struct call *c, struct err *e);
int api_run_optimize(struct call *c, struct err *e);
int api_artifact(struct call *c, struct err *e);
int api_tests(struct call *c, struct err *e);
int api_test(struct call *c, struct err *e);
int api_hangs(struct call *c, struct err *e);
int api_compare(struct call *c, struct err *e);

/* The members of a JSON body, each a text or null and of a name in names; number: the one that is an integer. 0, or -1 with
 * ERR_USAGE. *reader owns *v. */
int call_body(const struct call *c, const char *const names[], const char *number, struct json_reader **reader,
	      const struct json_value **v, struct err *e);

#endif
