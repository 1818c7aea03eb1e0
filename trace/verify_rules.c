/* SPDX-License-Identifier: Apache-2.0 */
/* Two rules over a trace: nothing secret stands in it (contract 7), and its summary agrees with
 * what it sums up (contract 5). */
#include "trace/read.h"
#include "trace/verify_internal.h"

#include "base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- secrets ------------------------------------------------------------------------------- */

/* under: the secret name that the value or one of its parents stands under, or NULL. */
static void check_text(struct verify *v, const struct json_value *value, const char *under,
		       const struct schema_place *at)
{
	auto_free char *key = at->key ? xstrndup(at->key, at->key_len) : NULL;
	const char *label = redact_finds(v->redactor, under ? under : key, value->text, value->len);

	if (label && under)
		verify_say(v, at, "a value under a secret name must be <redacted:…>");
	else if (label)
		verify_say(v, at, "holds a secret that is not redacted (%s)", label);
}

static void check_number(struct verify *v, const struct json_value *value, const char *under,
			 const struct schema_place *at)
{
	char text[40];

	if (!under)
		return;
	snprintf(text, sizeof(text), "%.17g", value->number);
	if (redact_finds(v->redactor, under, text, strlen(text)))
		verify_say(v, at, "a value under a secret name must be <redacted:…>");
}

/* "--password", "hunter2": the second is a secret because of the first. */
static void check_argv(struct verify *v, const struct json_value *list, const struct schema_place *at)
{
	struct strv clean = STRV_INIT;
	auto_free char **argv = xcalloc((size_t)list->count + 1, sizeof(*argv));
	struct schema_place here = { at, NULL, 0, 0 };
	size_t n = 0;

	json_each(item, list) {
		if (item->kind != JSON_STRING)
			return;
		argv[n++] = (char *)item->text; /* only read */
	}
	redact_argv(v->redactor, argv, &clean);
	for (; here.index < n; here.index++)
		if (strcmp(clean.v[here.index], argv[here.index]) != 0)
			verify_say(v, &here, "holds a secret that is not redacted");
	strv_release(&clean);
}

static void walk(struct verify *v, const struct json_value *value, const char *under, const struct schema_place *at)
{
	struct schema_place here = { at, NULL, 0, 0 };

	switch (value->kind) {
	case JSON_STRING: check_text(v, value, under, at); break;
	case JSON_NUMBER: check_number(v, value, under, at); break;
	case JSON_ARRAY:
		if (!under && value->count && value->first->kind == JSON_STRING) {
			check_argv(v, value, at);
			break;
		}
		json_each(item, value) {
			walk(v, item, under, &here);
			here.index++;
		}
		break;
	case JSON_OBJECT:
		json_each(member, value) {
			auto_free char *key = xstrndup(member->key, member->key_len);

			here.key = member->key;
			here.key_len = member->key_len;
			walk(v, member, redact_is_secret_name(v->redactor, key, member->key_len) ? key : under, &here);
		}
		break;
	default: break;
	}
}

void verify_secrets_at(struct verify *v, const struct json_value *value, const struct schema_place *at)
{
	walk(v, value, NULL, at);
}

void verify_secrets(struct verify *v, const struct json_value *value, const struct schema_place *up)
{
	struct schema_place here = { up, NULL, 0, 0 };

	if (!value)
		return;
	here.key = value->key ? value->key : "";
	here.key_len = value->key_len;
	walk(v, value, NULL, &here);
}

/* ---- summary ------------------------------------------------------------------------------- */

static void slow_keep(struct verify *v, const struct json_value *rows, const struct schema_place *at)
{
	struct schema_place list = { at, "slowest_spans", 13, 0 }, here = { &list, NULL, 0, 0 };
	double last = INFINITY;

	if (!rows || rows->kind != JSON_ARRAY)
		return;
	json_each(row, rows) {
		const struct json_value *d = json_get(row, "duration_ms");
		struct slow_row *slow = &v->slow[v->slow_count];

		if (v->slow_count == sizeof(v->slow) / sizeof(v->slow[0]))
			break;
		slow->duration_ms = d && d->kind == JSON_NUMBER ? d->number : -1;
		slow->known = trace_id_parse(json_get_text(row, "span_id"), &slow->id);
		if (slow->duration_ms > last)
			verify_say(v, &here, "is slower than the one before it");
		last = slow->duration_ms;
		here.index++;
		v->slow_count++;
	}
}

void verify_summary_keep(struct verify *v, const struct json_value *value, const struct schema_place *at)
{
	const struct json_value *tokens = json_get(value, "reason_tokens");
	const char *status = json_get_text(value, "status");

	if (value->kind != JSON_OBJECT)
		return;
	v->has_summary = true;
	v->summary_status = !status ? -1 : strcmp(status, "pass") == 0 ? 0 : 1;
	v->says_spans = json_get_int(value, "span_count", -1);
	v->says_events = json_get_int(value, "event_count", -1);
	v->says_timeouts = json_get_int(value, "timeout_span_count", -1);
	v->says_warnings = json_get_int(value, "stall_warning_count", -1);
	v->says_progress_ns = json_get_int(json_get(value, "last_progress_event"), "ts_ns", -1);
	for (int i = 1; i < TOKEN_COUNT; i++) {
		const struct json_value *m = json_get(tokens, token_text[i]);

		v->says_tokens[i] = m ? json_get_int(tokens, token_text[i], -1) : 0;
	}
	v->slow_count = 0;
	slow_keep(v, json_get(value, "slowest_spans"), at);
}

static void compare(struct verify *v, const struct schema_place *summary, const char *key, int64_t said,
		    uint64_t counted)
{
	struct schema_place here = { summary, key, strlen(key), 0 };

	if (said >= 0 && (uint64_t)said != counted)
		verify_say(v, &here, "says %" PRId64 ", but there are %" PRIu64, said, counted);
}

void verify_summary_check(struct verify *v)
{
	const struct schema_place root = { 0 }, summary = { &root, "summary", 7, 0 };
	struct schema_place tokens = { &summary, "reason_tokens", 13, 0 };
	struct schema_place list = { &summary, "slowest_spans", 13, 0 }, here = { &list, NULL, 0, 0 };

	if (!v->has_summary)
		return;
	compare(v, &summary, "span_count", v->says_spans, v->result->span_count);
	compare(v, &summary, "event_count", v->says_events, v->result->event_count);
	compare(v, &summary, "timeout_span_count", v->says_timeouts, v->timeouts);
	compare(v, &summary, "stall_warning_count", v->says_warnings, v->stall_warnings);
	for (int i = 1; i < TOKEN_COUNT; i++)
		compare(v, &tokens, token_text[i], v->says_tokens[i], v->tokens[i]);
	if (v->summary_status >= 0 && v->status >= 0 && v->summary_status != v->status)
		verify_say(v, &summary, "status is not that of the run");
	for (size_t i = 0; i < v->slow_count; i++) {
		const struct verify_span *s = v->slow[i].known ? verify_span_find(v, v->slow[i].id) : NULL;

		here.index = i;
		if (v->slow[i].known && !s)
			verify_say(v, &here, "names a span that does not exist");
		else if (s && v->slow[i].duration_ms >= 0 &&
			 fabs(v->slow[i].duration_ms - (double)(s->end_ns - s->start_ns) / 1e6) > 0.000501)
			verify_say(v, &here, "duration_ms is not that of the span");
	}
}
