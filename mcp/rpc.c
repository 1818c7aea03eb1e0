/* SPDX-License-Identifier: Apache-2.0 */
/* rpc.c - JSON-RPC and the methods of both eras. */
#include "base/clock.h"
#include "base/json_scan.h"
#include "base/mem.h"
#include "base/value.h"
#include "history/guard.h"
#include "mcp/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEW_ERA "2026-07-28"
#define META "io.modelcontextprotocol/"
#define TTL_MS 300000 /* tools do not change while a process lives */

enum { PARSE_ERROR = -32700, INVALID_REQUEST = -32600, METHOD_NOT_FOUND = -32601, INVALID_PARAMS = -32602,
       INTERNAL_ERROR = -32603, UNSUPPORTED_VERSION = -32022 };

/* Newest first: what an unknown version is answered with. */
static const char *const old_eras[] = { "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07", NULL };

struct request {
	struct mcp *m;
	const struct json_value *id;  /* NULL: a notification */
	const char *method;
	const struct json_value *params;
	bool new_era;
	int64_t now_real_ns;
	struct json *j;               /* the answer: members of its object */
};

/* ---- answers ---- */

static void begin(struct json *j, const struct json_value *id)
{
	json_object(j, NULL);
	json_str(j, "jsonrpc", "2.0");
	if (id && id->kind == JSON_STRING)
		json_strn(j, "id", id->text, id->len);
	else if (id && id->kind == JSON_NUMBER)
		json_int(j, "id", id->integer);
	else
		json_null(j, "id");
}

static void put_error(struct json *j, int code, const char *message)
{
	json_object(j, "error");
	json_int(j, "code", code);
	json_str(j, "message", message);
	json_object_end(j);
}

/* "result": { and what the new era wants in each. */
static void begin_result(const struct request *q, bool cacheable)
{
	struct json *j = q->j;

	json_object(j, "result");
	if (!q->new_era)
		return;
	json_str(j, "resultType", "complete");
	if (cacheable) {
		json_int(j, "ttlMs", TTL_MS);
		json_str(j, "cacheScope", "private");
	}
}

static void server_info(struct json *j, const char *key, const struct mcp *m)
{
	json_object(j, key);
	json_str(j, "name", "spec-runner");
	json_str(j, "title", "spec-runner history");
	json_str(j, "version", m->version);
	json_object_end(j);
}

static void capabilities(struct json *j)
{
	json_object(j, "capabilities");
	json_object(j, "tools");
	json_object_end(j);
	json_object_end(j);
}

static const char instructions[] =
	"Runs of tests and commands that spec-runner recorded. Begin with history_runs; run_findings says why one"
	" failed or hung; hang_history and flaky_tests say whether it was seen before; history_sql answers the rest"
	" (tables runs, metrics, findings, hotspots; views v_test_results, v_hangs).";

/* ---- methods ---- */

static void initialize(const struct request *q)
{
	const char *asked = json_get_text(q->params, "protocolVersion"), *version = old_eras[0];

	if (!asked) {
		put_error(q->j, INVALID_PARAMS, "initialize needs protocolVersion");
		return;
	}
	for (int i = 0; old_eras[i]; i++)
		if (strcmp(asked, old_eras[i]) == 0)
			version = old_eras[i];
	q->m->batches = strcmp(version, "2025-03-26") == 0;
	begin_result(q, false);
	json_str(q->j, "protocolVersion", version);
	capabilities(q->j);
	server_info(q->j, "serverInfo", q->m);
	json_str(q->j, "instructions", instructions);
	json_object_end(q->j);
}

static void discover(const struct request *asked)
{
	struct request q = *asked;

	q.new_era = true; /* the method is of that era, whatever the request carries */
	begin_result(&q, true);
	json_array(q.j, "supportedVersions");
	json_str(q.j, NULL, NEW_ERA);
	json_array_end(q.j);
	capabilities(q.j);
	server_info(q.j, "serverInfo", q.m);
	json_str(q.j, "instructions", instructions);
	json_object(q.j, "_meta");
	server_info(q.j, META "serverInfo", q.m);
	json_object_end(q.j);
	json_object_end(q.j);
}

static void list_tools(const struct request *q)
{
	if (json_get(q->params, "cursor")) {
		put_error(q->j, INVALID_PARAMS, "tools/list: there is one page, and no cursor");
		return;
	}
	begin_result(q, true);
	tools_list(q->m, q->j);
	json_object_end(q->j);
}

static void put_call_result(const struct request *q, const struct tool_call *c, const char *failure)
{
	const char *text = failure ? failure : c->text ? c->text : str_cstr(&c->json);

	begin_result(q, false);
	json_array(q->j, "content");
	json_object(q->j, NULL);
	json_str(q->j, "type", "text");
	json_str(q->j, "text", text);
	json_object_end(q->j);
	json_array_end(q->j);
	if (!failure)
		json_raw(q->j, "structuredContent", str_cstr(&c->json), c->json.len);
	json_bool(q->j, "isError", failure != NULL);
	json_object_end(q->j);
}

static int open_store(struct tool_call *c, struct store **s, struct err *e)
{
	int rc = store_open(s, &c->m->read, STORE_READ, e);

	if (rc == 1)
		err_set(e, ERR_FAILURE, "no history in '%s': record a run first (spec-runner history record)",
			c->m->read.dir);
	if (rc == 0)
		store_read_scope(*s, clock_mono_ns() + GUARD_SECONDS * NS_PER_S);
	return rc;
}

/* A message is one line: line breaks between the tokens of a document go. (Those within strings are escaped.) */
static void join_lines(struct str *json)
{
	size_t to = 0;

	for (size_t i = 0; i < json->len; i++)
		if (json->data[i] != '\n' && json->data[i] != '\r')
			json->data[to++] = json->data[i];
	json->len = to;
	if (json->data)
		json->data[to] = '\0';
}

static void run_tool(const struct request *q, const struct tool *t, const struct json_value *args)
{
	struct tool_call c = { .m = q->m, .args = args };
	size_t most = MCP_RESULT_MOST - 4096;
	auto_store *s = NULL;
	struct err e = { 0 };
	int rc = t->no_store ? 0 : open_store(&c, &s, &e);

	c.s = s;
	c.settings = (struct history_settings){ .max_prompt_tokens = q->m->settings->max_prompt_tokens,
						.window = 50,
						.last = 30 };
	c.view = (struct view){ .s = s, .settings = &c.settings, .json = true, .now_real_ns = q->now_real_ns };
	rc = rc == 0 ? t->run(&c, &e) : rc;
	join_lines(&c.json);
	if (rc == 0 && c.text)
		most = strlen(c.text) < most / 2 ? (most - strlen(c.text)) : most / 2;
	if (rc == 0 && result_cut(&c.json, most) < 0)
		rc = err_set(&e, ERR_FAILURE, "the result is larger than %zu KiB: ask for less", MCP_RESULT_MOST >> 10);
	put_call_result(q, &c, rc == 0 ? NULL : e.msg[0] ? e.msg : "failed");
	str_release(&c.json);
	free(c.text);
}

static void call_tool(const struct request *q)
{
	const char *name = json_get_text(q->params, "name");
	const struct json_value *args = json_get(q->params, "arguments");
	const struct tool *t = name ? tool_find(q->m, name) : NULL;
	struct tool_call none = { .m = q->m };
	char quoted[VALUE_QUOTE_SIZE], message[160];
	struct err e = { 0 };

	if (!t) {
		snprintf(message, sizeof(message), "unknown tool %s", name ? value_quote(name, quoted) : "(no name)");
		put_error(q->j, INVALID_PARAMS, message);
		return;
	}
	if (args && args->kind == JSON_NULL)
		args = NULL;
	if (tool_check(t, args, &e) == 0)
		run_tool(q, t, args);
	else if (t->bad_args_are_results)
		put_call_result(q, &none, e.msg);
	else
		put_error(q->j, INVALID_PARAMS, e.msg);
}

static void ping(const struct request *q)
{
	begin_result(q, false);
	json_object_end(q->j);
}

static const struct {
	const char *name;
	void (*run)(const struct request *q);
	bool old_era, new_era;
} methods[] = {
	{ "initialize", initialize, true, false },   { "ping", ping, true, false },
	{ "server/discover", discover, true, true }, { "tools/list", list_tools, true, true },
	{ "tools/call", call_tool, true, true },
};

/* ---- requests ---- */

/* 1: the new era; 0: an old one; -1: a version that we do not have, and the answer says so. */
static int era_of(const struct request *q)
{
	const struct json_value *meta = json_get(q->params, "_meta");
	const struct json_value *v = json_get(meta, META "protocolVersion");

	if (!v)
		return 0;
	if (v->kind == JSON_STRING && strcmp(v->text, NEW_ERA) == 0)
		return 1;
	json_object(q->j, "error");
	json_int(q->j, "code", UNSUPPORTED_VERSION);
	json_str(q->j, "message", "unsupported protocol version");
	json_object(q->j, "data");
	json_array(q->j, "supported");
	json_str(q->j, NULL, NEW_ERA);
	json_array_end(q->j);
	json_str(q->j, "requested", v->kind == JSON_STRING ? v->text : NULL);
	json_object_end(q->j);
	json_object_end(q->j);
	return -1;
}

static void dispatch(struct request *q)
{
	char quoted[VALUE_QUOTE_SIZE], message[160];
	int era;

	if (q->params && q->params->kind != JSON_OBJECT) {
		put_error(q->j, INVALID_PARAMS, "params must be an object");
		return;
	}
	era = era_of(q);
	if (era < 0)
		return;
	q->new_era = era == 1;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strcmp(methods[i].name, q->method) != 0 || !(q->new_era ? methods[i].new_era : methods[i].old_era))
			continue;
		methods[i].run(q);
		return;
	}
	snprintf(message, sizeof(message), "unknown method %s", value_quote(q->method, quoted));
	put_error(q->j, METHOD_NOT_FOUND, message);
}

static bool id_is_good(const struct json_value *id)
{
	return id->kind == JSON_STRING || (id->kind == JSON_NUMBER && id->is_integer);
}

static void refuse(struct json *j, const struct json_value *id, int code, const char *message)
{
	begin(j, id);
	put_error(j, code, message);
	json_object_end(j);
}

/* One message; false where it gets no answer. */
static bool answer_one(struct mcp *m, const struct json_value *v, int64_t now_real_ns, struct json *j)
{
	const struct json_value *id = json_get(v, "id"), *method = json_get(v, "method");
	const char *version = json_get_text(v, "jsonrpc");
	struct request q = { .m = m, .id = id, .params = json_get(v, "params"), .now_real_ns = now_real_ns, .j = j };

	if (v->kind == JSON_OBJECT && !method && (json_get(v, "result") || json_get(v, "error")))
		return false; /* an answer: we ask nothing */
	if (v->kind != JSON_OBJECT || !version || strcmp(version, "2.0") != 0 || !method || method->kind != JSON_STRING ||
	    (id && !id_is_good(id))) {
		refuse(j, id && id_is_good(id) ? id : NULL, INVALID_REQUEST, "not a JSON-RPC 2.0 request");
		return true;
	}
	if (!id)
		return false;
	q.method = method->text;
	begin(j, id);
	dispatch(&q);
	json_object_end(j);
	return true;
}

static bool answer_batch(struct mcp *m, const struct json_value *v, int64_t now_real_ns, struct json *j)
{
	if (!m->batches || !v->count) {
		refuse(j, NULL, INVALID_REQUEST, m->batches ? "an empty batch" : "batches are of protocol 2025-03-26 alone");
		return true;
	}
	json_array(j, NULL);
	json_each(item, v)
		answer_one(m, item, now_real_ns, j);
	json_array_end(j);
	return true;
}

void mcp_answer(struct mcp *m, const char *line, size_t n, int64_t now_real_ns, struct str *out)
{
	__attribute__((cleanup(json_reader_free_ptr))) struct json_reader *r = json_reader_text(line, n, "message");
	const struct json_value *v;
	struct err e = { 0 };
	auto_str text = STR_INIT;
	struct json j;
	bool answered = true;

	if (strspn(line, " \t\r") == n)
		return;
	json_init(&j, &text);
	if (json_take(r, &v, &e) < 0 || json_end(r, &e) < 0)
		refuse(&j, NULL, PARSE_ERROR, e.msg);
	else if (v->kind == JSON_ARRAY)
		answered = answer_batch(m, v, now_real_ns, &j);
	else
		answered = answer_one(m, v, now_real_ns, &j);
	json_finish(&j);
	if (!answered || strcmp(str_cstr(&text), "[]") == 0)
		return;
	str_addn(out, text.data, text.len);
	str_addc(out, '\n');
}

void mcp_answer_too_long(struct str *out)
{
	struct json j;

	json_init(&j, out);
	refuse(&j, NULL, PARSE_ERROR, "the message is longer than 16 MiB");
	json_finish(&j);
	str_addc(out, '\n');
}
