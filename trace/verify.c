/* SPDX-License-Identifier: Apache-2.0 */
/* The one pass over a trace; see verify.h. What can be said of one element is said while it
 * passes; what needs all spans (parents, nesting, the spans of events) is said at the end of the
 * spans, or at the end of the file where the events come first. */
#include "trace/verify_internal.h"

#include "base/embed.h"
#include "base/mem.h"
#include "base/value.h"
#include "trace/read.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void verify_say(struct verify *v, const struct schema_place *at, const char *fmt, ...)
{
	auto_str pointer = STR_INIT, safe = STR_INIT;
	char what[500];
	va_list ap;

	v->result->findings++;
	if (v->silent)
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	schema_place_write(at, &pointer);
	redact_text(v->redactor, str_cstr(&pointer), pointer.len, &safe);
	v->silent = !v->report(v->arg, str_cstr(&safe), what);
}

static bool say_schema(void *arg, const struct schema_place *at, const char *what)
{
	verify_say(arg, at, "%s", what);
	return true;
}

static void check(struct verify *v, const struct schema *s, const struct json_value *value,
		  const struct schema_place *at)
{
	if (s)
		schema_check(s, value, at, say_schema, v);
}

/* ---- elements ------------------------------------------------------------------------------ */

static void check_duration(struct verify *v, const struct json_value *value, const struct verify_span *s,
			   const struct schema_place *at)
{
	const struct json_value *d = json_get(value, "duration_ms");

	if (s->start_ns < 0 || s->end_ns < 0)
		return; /* the schema has said so */
	if (s->end_ns < s->start_ns)
		verify_say(v, at, "ends before it starts");
	else if (d && d->kind == JSON_NUMBER &&
		 fabs(d->number - (double)(s->end_ns - s->start_ns) / 1e6) > 0.000501)
		verify_say(v, at, "duration_ms is not end_ns - start_ns");
}

static void take_span(struct verify *v, const struct json_value *value, const struct schema_place *at)
{
	const char *kind = json_get_text(value, "kind");
	struct trace_read_span in;
	struct verify_span s;
	bool has_id;

	trace_read_span_of(value, at->index, &in);
	s = (struct verify_span){
		.name = (int8_t)in.name, .status = (int8_t)in.status, .index = (uint32_t)at->index,
		.start_ns = in.start_ns, .end_ns = in.end_ns,
	};
	s.has_parent = trace_id_parse(json_get_text(value, "parent_span_id"), &s.parent);
	has_id = trace_id_parse(json_get_text(value, "span_id"), &s.id);
	if (has_id && !verify_span_add(v, &s))
		verify_say(v, at, "span_id is used by another span");
	if (s.name >= 0 && kind && strcmp(kind, span_kind_text[(int)s.name]) != 0)
		verify_say(v, at, "a %s span must be of kind %s", span_name_text[(int)s.name],
			   span_kind_text[(int)s.name]);
	check_duration(v, value, &s, at);
	v->timeouts += s.status == STATUS_TIMEOUT;
	if (s.name == SPAN_RUN_TOTAL && v->roots++ > 0)
		verify_say(v, at, "a second run.total");
	verify_secrets(v, json_get(value, "attrs"), at);
	verify_secrets(v, json_get(value, "error"), at);
	verify_secrets(v, json_get(value, "phase"), at);
}

static void take_event(struct verify *v, const struct json_value *value, const struct schema_place *at)
{
	struct trace_read_event in;
	uint64_t id;

	trace_read_event_of(value, at->index, &in);
	if (in.ts_ns >= 0) {
		if (in.ts_ns < v->last_ts_ns)
			verify_say(v, at, "is older than the event before it");
		v->last_ts_ns = in.ts_ns;
	}
	v->stall_warnings += in.kind == EVENT_STALL_WARNING;
	if (in.kind == EVENT_WATCHDOG && in.token > TOKEN_NONE)
		v->tokens[in.token]++;
	if (in.ts_ns >= 0 && trace_id_parse(json_get_text(value, "span_id"), &id))
		verify_event_span(v, id, in.ts_ns, at);
	verify_secrets(v, json_get(value, "attrs"), at);
}

static int take_list(struct verify *v, const struct schema *s, const struct schema_place *at, bool spans,
		     struct err *e)
{
	const struct schema *item_schema = schema_items(s);
	struct schema_place here = { at, NULL, 0, 0 };
	const struct json_value *value;
	int more;

	if (json_enter(v->reader, JSON_ARRAY, e) < 0)
		return -1;
	while ((more = json_next_item(v->reader, e)) == 1) {
		if (json_take(v->reader, &value, e) < 0)
			return -1;
		check(v, item_schema, value, &here);
		if (value->kind == JSON_OBJECT && spans)
			take_span(v, value, &here);
		else if (value->kind == JSON_OBJECT)
			take_event(v, value, &here);
		here.index++;
	}
	if (more < 0)
		return -1;
	if (spans) {
		v->result->span_count = here.index;
		if (!here.index)
			verify_say(v, at, "must have at least 1 items");
		verify_spans_close(v);
	} else {
		v->result->event_count = here.index;
	}
	return 0;
}

/* ---- top level ----------------------------------------------------------------------------- */

enum top { TOP_SPANS, TOP_EVENTS, TOP_SUMMARY, TOP_STATUS, TOP_STARTED, TOP_ENDED, TOP_EXIT_CODE, TOP_OTHER };

static void keep_time(struct verify *v, const struct json_value *value, const struct schema_place *at,
		      int64_t *out)
{
	if (value->kind == JSON_STRING && !value_time(value->text, out))
		verify_say(v, at, "is not an RFC 3339 time");
}

static void take_top(struct verify *v, enum top top, const struct json_value *value, const struct schema_place *at)
{
	switch (top) {
	case TOP_SUMMARY: verify_summary_keep(v, value, at); break;
	case TOP_STATUS:
		v->status = value->kind == JSON_STRING
				? contract_find(value->text, (const char *const[]){ "pass", "fail" }, 2)
				: -1;
		break;
	case TOP_EXIT_CODE: v->exit_code = value->is_integer ? value->integer : -1; break;
	case TOP_STARTED: keep_time(v, value, at, &v->started_ns); break;
	case TOP_ENDED: keep_time(v, value, at, &v->ended_ns); break;
	default: break;
	}
	if (at->key_len == 6 && memcmp(at->key, "run_id", 6) == 0 && value->kind == JSON_STRING)
		snprintf(v->result->run_id, sizeof(v->result->run_id), "%s", value->text);
	/* env_profile names variables, many of them secret by name, and says nothing of their values */
	if (!(at->key_len == 11 && memcmp(at->key, "env_profile", 11) == 0))
		verify_secrets_at(v, value, at);
}

static int take_member(struct verify *v, const char *key, size_t len, uint64_t *seen, struct err *e)
{
	static const char *const names[] = { "spans",	   "events",   "summary",  "status",
					     "started_at", "ended_at", "exit_code" };
	const struct schema_place root = { 0 };
	auto_free char *own = xmalloc(len + 1);
	struct schema_place at = { &root, own, len, 0 };
	enum json_kind kind;
	bool allowed;
	const struct schema *s = schema_member(v->schema, key, len, &allowed);
	const struct json_value *value;
	enum top top = TOP_SPANS;
	size_t bit = 0;

	memcpy(own, key, len);
	own[len] = '\0';
	while (top < TOP_OTHER && strcmp(names[top], own) != 0)
		top++;
	for (const char *want; (want = schema_required(v->schema, bit)); bit++)
		if (strcmp(want, own) == 0) {
			if (*seen >> bit & 1)
				verify_say(v, &at, "is here twice");
			*seen |= UINT64_C(1) << bit;
		}
	if (!allowed)
		verify_say(v, &at, "unknown member");
	if (json_peek(v->reader, &kind, e) < 0)
		return -1;
	if ((top == TOP_SPANS || top == TOP_EVENTS) && kind == JSON_ARRAY)
		return take_list(v, s, &at, top == TOP_SPANS, e);
	if (json_take(v->reader, &value, e) < 0)
		return -1;
	check(v, s, value, &at);
	take_top(v, top, value, &at);
	return 0;
}

static void check_whole(struct verify *v, uint64_t seen)
{
	const struct schema_place root = { 0 };
	const char *want;

	for (size_t bit = 0; (want = schema_required(v->schema, bit)); bit++)
		if (!(seen >> bit & 1))
			verify_say(v, &root, "'%s' is missing", want);
	if (v->started_ns >= 0 && v->ended_ns >= 0 && v->ended_ns < v->started_ns)
		verify_say(v, &root, "ended_at is before started_at");
	if (v->status >= 0 && v->exit_code >= 0 && (v->status == 0) != (v->exit_code == 0))
		verify_say(v, &root, "status and exit_code contradict each other");
	verify_events_pending(v);
	verify_summary_check(v);
}

static int verify_document(struct verify *v, struct err *e)
{
	uint64_t seen = 0;
	const char *key;
	size_t len;
	int more;

	if (json_enter(v->reader, JSON_OBJECT, e) < 0)
		return -1;
	while ((more = json_next_key(v->reader, &key, &len, e)) == 1)
		if (take_member(v, key, len, &seen, e) < 0)
			return -1;
	if (more < 0 || json_end(v->reader, e) < 0)
		return -1;
	check_whole(v, seen);
	return 0;
}

/* Parsed once a process, which may verify many traces; kept. */
static struct schema *the_schema(struct err *e)
{
	static struct schema *schema;

	if (!schema && schema_parse(&schema, "schemas/run_trace_v1.yaml", run_trace_schema,
				    EMBED_SIZE(run_trace_schema), e) < 0)
		return NULL;
	return schema;
}

int verify_run(int fd, const char *name, struct redactor *r, verify_report *report, void *arg,
	       struct verify_result *result, struct err *e)
{
	struct verify v = {
		.redactor = r, .report = report, .arg = arg, .result = result,
		.started_ns = -1, .ended_ns = -1, .status = -1, .exit_code = -1,
	};
	int rc;

	memset(result, 0, sizeof(*result));
	v.schema = the_schema(e);
	if (!v.schema)
		return -1;
	v.reader = json_reader_new(fd, name);
	rc = verify_document(&v, e);
	json_reader_free(v.reader);
	verify_release(&v);
	return rc;
}
