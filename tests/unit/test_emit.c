/* SPDX-License-Identifier: Apache-2.0 */
/* What is recorded: attributes, spans, events, levels, times. */
#include "tests/unit/trace_double.h"

#include "base/clock.h"
#include "base/json_scan.h"
#include "base/json_write.h"
#include "base/utf8.h"

#include <limits.h>

#define RUN_ID "run-20261121T002609Z-0123abcd"

static void test_attrs(void)
{
	struct trace *t = test_open(NULL, RUN_ID, LEVEL_DEBUG);
	auto_attrs a = { 0 };
	auto_str big = STR_INIT;
	char *argv[] = { "curl", "--password", "open-sesame", "x", NULL };

	attrs_init(&a, t);
	attrs_int(&a, "low", INT64_MIN);
	attrs_int(&a, "high", INT64_MAX);
	attrs_int(&a, "zero", 0);
	attrs_int(&a, "nine", 9);
	attrs_int(&a, "ten", 10);
	attrs_int(&a, "a_key_of_more_than_sixteen_bytes", 1000000);
	attrs_ms(&a, "ms", 1234567);
	attrs_bool(&a, "yes", true);
	is_str(a.json.data, "\"low\":-9223372036854775808,\"high\":9223372036854775807,\"zero\":0,\"nine\":9,"
			    "\"ten\":10,\"a_key_of_more_than_sixteen_bytes\":1000000,\"ms\":1.235,\"yes\":true",
	       "integers, milliseconds and booleans are rendered exactly");
	attrs_init(&a, t);
	for (int64_t v = 1; v <= INT64_MAX / 10; v *= 10) {
		char want[32];
		auto_str got = STR_INIT;

		attrs_init(&a, t);
		attrs_int(&a, "v", v - 1);
		snprintf(want, sizeof(want), "\"v\":%lld", (long long)v - 1);
		str_add(&got, a.json.data);
		if (strcmp(got.data, want) != 0)
			ok(false, "%s came out as %s", want, got.data);
	}
	attrs_init(&a, t);
	attrs_word(&a, "reason_token", "timeout.subprocess.wait");
	attrs_str(&a, "api_token", "hunter3-hunter3");
	attrs_str(&a, "text", "a\xff\"\n");
	attrs_str(&a, "none", NULL);
	ok(json_scan_members(a.json.data, a.json.len), "foreign bytes become valid JSON");
	ok(strstr(a.json.data, "\"reason_token\":\"timeout.subprocess.wait\"") != NULL, "our words are kept");
	ok(!strstr(a.json.data, "hunter3"), "a secret value is not");
	ok(strstr(a.json.data, "\"none\":null") != NULL, "NULL is null");
	attrs_init(&a, t);
	attrs_strv(&a, "argv", argv);
	ok(!strstr(a.json.data, "sesame") && strstr(a.json.data, "\"curl\""), "an argv is redacted as one");
	for (int i = 0; i < 9000; i++)
		str_add(&big, "\xc3\xa4\xc3\xb6");
	attrs_init(&a, t);
	attrs_str(&a, "long", big.data);
	ok(a.json.len < 17000 && json_scan_members(a.json.data, a.json.len), "a long string is cut between letters");
	trace_close(t, true);
}

static void test_levels(void)
{
	struct { enum level level; int64_t events; } rows[] = {
		{ LEVEL_OFF, 0 }, { LEVEL_BASIC, 2 }, { LEVEL_DETAILED, 4 }, { LEVEL_DEBUG, 4 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct trace *t = test_open(NULL, RUN_ID, rows[i].level);
		span_id root = trace_span_begin(t, 0, SPAN_RUN_TOTAL, NULL, MONO, NULL);
		struct seal_result r;
		const struct json_value *j;

		trace_event(t, root, EVENT_HEARTBEAT, MONO, NULL);
		trace_event(t, root, EVENT_IO_READ, MONO, NULL);
		trace_checkpoint_named(t, root, "a.b", MONO, NULL);
		trace_watchdog(t, root, TOKEN_HARD_CAP, MONO, NULL);
		trace_finish(t, true, 0, STATUS_OK, MONO + 5);
		j = test_seal(trace_fd(t), false, &r);
		is_int(count_of(json_get(j, "events")), rows[i].events, "level %s keeps its kinds",
		       level_text[rows[i].level]);
		trace_close(t, true);
	}
}

static void test_spans(void)
{
	struct trace *t = test_open(NULL, RUN_ID, LEVEL_DEBUG);
	span_id root = trace_span_begin(t, 0, SPAN_RUN_TOTAL, NULL, MONO + 10, NULL);
	span_id a = trace_span_begin(t, root, SPAN_RUNNER_DISPATCH, "p", MONO + 20, NULL);
	span_id b = trace_span_begin(t, a, SPAN_SUBPROCESS_EXEC, NULL, MONO + 5, NULL); /* too early */
	span_id c = trace_span_begin(t, b, SPAN_SUBPROCESS_WAIT, NULL, MONO + 30, NULL);
	struct seal_result r;
	span_id late;
	const struct json_value *j, *s, *w;

	trace_span_end(t, b, STATUS_TIMEOUT, CATEGORY_WATCHDOG, "too long, --api-token=hunter3-hunter3",
		       TOKEN_SUBPROCESS_WAIT, MONO + 40, NULL);
	ok(!trace_span_is_open(t, b) && !trace_span_is_open(t, c), "descendants end with their span");
	ok(trace_span_is_open(t, a), "others stay open");
	trace_event(t, c, EVENT_HEARTBEAT, MONO + 45, NULL);
	late = trace_span_begin(t, c, SPAN_CASE_RUN, NULL, MONO + 46, NULL);
	trace_span_end(t, 0, STATUS_OK, CATEGORY_NONE, NULL, TOKEN_NONE, MONO, NULL);
	trace_span_end(t, 999, STATUS_OK, CATEGORY_NONE, NULL, TOKEN_NONE, MONO, NULL);
	trace_finish(t, false, 124, STATUS_ERROR, MONO + 50);
	is_int(trace_span_begin(t, root, SPAN_CASE_RUN, NULL, MONO + 60, NULL), 0, "nothing begins after the end");
	trace_event(t, root, EVENT_CHECKPOINT, MONO + 70, NULL);
	j = test_seal(trace_fd(t), false, &r);
	s = json_get(j, "spans");
	is_str(trace_fault(j) ? trace_fault(j) : "none", "none", "spans and events nest");
	is_int(count_of(s), 5, "five spans");
	is_int(count_of(json_get(j, "events")), 1, "and nothing after the finish record");
	w = item_at(s, 3);
	is_str(text_at(w, "status"), "timeout", "the descendant took the status");
	is_str(text_at(json_get(w, "error"), "reason_token"), "timeout.subprocess.wait", "and the token");
	ok(!strstr(text_at(json_get(w, "error"), "message"), "hunter3"), "a message is redacted");
	is_int(int_at(item_at(s, 2), "start_ns"), 20, "a start before the parent's is clamped");
	is_str(text_at(item_at(json_get(j, "events"), 0), "span_id"),
	       text_at(item_at(s, 1), "span_id"), "an event for an ended span goes to its open ancestor");
	is_str(text_at(item_at(s, 4), "parent_span_id"), text_at(item_at(s, 1), "span_id"),
	       "and so does a new span");
	ok(late == 5 && a == 2, "numbers count up");
	trace_close(t, true);
}

static void test_many_spans(void)
{
	struct trace *t = test_open(in_dir(RUN_ID ".journal"), RUN_ID, LEVEL_BASIC);
	span_id root = trace_span_begin(t, 0, SPAN_RUN_TOTAL, NULL, MONO, NULL), old = 0;
	struct seal_result r;
	const struct json_value *j;

	for (int i = 0; i < 20000; i++) {
		span_id s = trace_span_begin(t, root, SPAN_CASE_RUN, NULL, MONO + i, NULL);

		old = i == 5 ? s : old;
		trace_span_end(t, s, STATUS_OK, CATEGORY_NONE, NULL, TOKEN_NONE, MONO + i + 1, NULL);
	}
	trace_checkpoint_named(t, old, "long.ago", MONO + 30000, NULL);
	trace_finish(t, true, 0, STATUS_OK, MONO + 40000);
	j = test_seal(trace_fd(t), false, &r);
	is_int(r.span_count, 20001, "twenty thousand spans");
	is_str(trace_fault(j) ? trace_fault(j) : "none", "none", "that nest, an event for a forgotten one too");
	is_int(count_of(json_get(json_get(j, "summary"), "slowest_spans")), 20,
	       "twenty are the slowest");
	trace_close(t, true);
}

static void test_words(void)
{
	auto_str s = STR_INIT;
	char id[RUN_ID_SIZE], parent[TRACEPARENT_SIZE];
	struct trace *t = test_open(NULL, RUN_ID, LEVEL_BASIC);
	char *ci[] = { "HOME=/", "GITHUB_ACTIONS=true", NULL }, *no_ci[] = { "HOME=/", NULL };

	run_id_make(id, REAL);
	ok(strncmp(id, "run-20261121T002609Z-", 21) == 0 && strlen(id) == 29, "a run id: %s", id);
	trace_traceparent(t, 1, parent);
	ok(strlen(parent) == 55 && !strncmp(parent, "00-", 3) && !strcmp(parent + 52, "-01") &&
	   !strstr(parent, "-0000000000000000-"), "a traceparent: %s", parent);
	env_facts(ci, NULL, &s);
	ok(strstr(s.data, "\"ci_provider\":\"github\"") && json_scan_value(s.data, s.len), "GitHub is known");
	str_reset(&s);
	env_facts(no_ci, NULL, &s);
	ok(strstr(s.data, "\"ci_provider\":null") && strstr(s.data, "\"libraries\":{"), "no provider is null");
	trace_close(t, true);
}

static void test_json(void)
{
	static const char *good[] = { "", "\"a\":1", "\"a\":-0.5e+3,\"b\":[1,{\"c\":null}]", "\"\\u00e4\":\"\xc3\xa4\"" };
	static const char *bad[] = { "\"a\"", "\"a\":01", "\"a\":1,", "\"a\":\"\xff\"", "\"a\":\"\n\"", "{}",
				     "\"a\":tru", "\"a\":\"\\x\"", "\"a\":1 2", "\"a\":\"\xed\xa0\x80\"" };
	auto_str s = STR_INIT, deep = STR_INIT;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		ok(json_scan_members(good[i], strlen(good[i])), "accepted: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(!json_scan_members(bad[i], strlen(bad[i])), "refused: number %zu", i);
	str_add(&deep, "\"a\":");
	for (int i = 0; i < 100000; i++)
		str_addc(&deep, '[');
	ok(!json_scan_members(deep.data, deep.len), "depth is bounded");
	json_add_string(&s, "\xc3\xa4 \xe2\x82 \xf0\x9f\x98\x80 \x80\x01\x7f\"\\", 16);
	is_str(s.data, "\"\xc3\xa4 \xef\xbf\xbd\xef\xbf\xbd \xf0\x9f\x98\x80 \xef\xbf\xbd\\u0001\\u007f\\\"\\\\\"",
	       "any bytes become a JSON string");
	ok(utf8_valid(s.data, s.len) && !utf8_valid("\xc0\x80", 2) && !utf8_valid("\xf4\x90\x80\x80", 4),
	   "overlong and too high is no UTF-8");
	is_int(utf8_cut("a\xe2\x82\xac", 4, 3), 1, "a cut stands between letters");
	str_reset(&s);
	json_add_ms(&s, -1500);
	json_add_ms(&s, 999500);
	json_add_ms(&s, -400);
	is_str(s.data, "-0.0021.0000.000", "milliseconds are rounded");
}

int main(void)
{
	test_setup();
	test_attrs();
	test_levels();
	test_spans();
	test_many_spans();
	test_words();
	test_json();
	test_teardown();
	return tap_done();
}
