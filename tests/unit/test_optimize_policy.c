/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the gateway may ask, by the words of the configuration alone; what is taken of answers; which sentences are kept. */
#include "base/json_read.h"
#include "base/mem.h"
#include "optimize/answer.h"
#include "optimize/call.h"
#include "optimize/explain.h"
#include "optimize/policy.h"
#include "tests/tap.h"

#include <stdlib.h>
#include <string.h>

static const char *judge(const struct gateway_setup *g, const char *url, const char *model)
{
	struct gateway_url u;
	struct err e = { 0 };

	if (gateway_url_parse(url, &u, &e) < 0)
		return "refused";
	return policy_judge(g, &u, model).allowed ? "allowed" : "blocked";
}

static void test_default(void)
{
	static const struct { const char *url, *want; } rows[] = {
		{ "http://127.0.0.1:8000/v1", "allowed" }, { "http://127.1/v1", "allowed" }, { "http://2130706433/", "allowed" },
		{ "http://0x7f.1/", "allowed" }, { "http://017700000001/", "allowed" }, { "http://[::1]:80/v1", "allowed" },
		{ "http://[::ffff:127.0.0.1]/", "allowed" }, { "http://[::ffff:10.0.0.1]/", "allowed" },
		{ "http://10.90.56.33:20010/v1", "allowed" }, { "http://192.168.1.1/", "allowed" }, { "http://172.16.0.1/", "allowed" },
		{ "http://172.32.0.1/", "blocked" }, { "http://169.254.1.1/", "allowed" }, { "http://[fd00::1]/", "allowed" },
		{ "http://[fe80::1]/", "allowed" }, { "http://LOCALHOST/v1", "allowed" }, { "http://localhost./v1", "blocked" },
		{ "http://8.8.8.8/v1", "blocked" }, { "http://134744072/", "blocked" }, { "http://[2001:db8::1]/", "blocked" },
		{ "http://[::ffff:8.8.8.8]/", "blocked" }, { "http://[::8.8.8.8]/", "blocked" },
		{ "https://api.example.com/v1", "blocked" }, { "http://127.0.0.1.evil.example/", "blocked" },
		{ "http://10.0.0.1.nip.io/", "blocked" }, { "http://localhost.evil.example/", "blocked" },
		{ "http://3221225991/", "blocked" }, { "http://127.0.0.1:80@evil.example/", "refused" },
		{ "http://user:pw@127.0.0.1/", "refused" }, { "ftp://127.0.0.1/", "refused" }, { "file:///etc/passwd", "refused" },
		{ "http://127.0.0.1#@evil/", "refused" }, { "http://127.0.0.1\\@evil/", "refused" }, { "http:///v1", "refused" },
		{ "http://127.0.0.1:99999/", "refused" }, { "http://[::1/", "refused" }, { "http://[127.0.0.1]/", "allowed" },
		{ "http://999.1.1.1/", "refused" }, { "http://%31%32%37.0.0.1/", "refused" },
	};
	struct gateway_setup g;

	gateway_setup_init(&g);
	g.models[ROUTE_GENERAL] = xstrdup("A");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		is_str(judge(&g, rows[i].url, "A"), rows[i].want, "%s: %s", rows[i].url, rows[i].want);
	is_str(judge(&g, "http://127.0.0.1/", "B"), "blocked", "a model that is not configured is blocked");
	gateway_setup_release(&g);
}

static void test_internal(void)
{
	struct gateway_setup g;

	gateway_setup_init(&g);
	g.models[ROUTE_GENERAL] = xstrdup("A");
	strv_add(&g.internal_hosts, "llm.corp");
	strv_add(&g.internal_hosts, "*.inside.corp");
	strv_add(&g.internal_hosts, "203.0.113.0/24");
	strv_add(&g.internal_hosts, "2001:db8::/32");
	is_str(judge(&g, "http://llm.corp/v1", "A"), "allowed", "a name that is listed");
	is_str(judge(&g, "http://a.inside.corp/v1", "A"), "allowed", "a suffix that is listed");
	is_str(judge(&g, "http://inside.corp/v1", "A"), "blocked", "the suffix itself is not");
	is_str(judge(&g, "http://evilinside.corp/v1", "A"), "blocked", "nor what only ends alike");
	is_str(judge(&g, "http://203.0.113.9/v1", "A"), "allowed", "a network");
	is_str(judge(&g, "http://203.0.114.9/v1", "A"), "blocked", "its neighbour is not");
	is_str(judge(&g, "http://[2001:db8::9]/v1", "A"), "allowed", "a network of IPv6");
	is_str(judge(&g, "http://127.0.0.1/v1", "A"), "blocked", "with a list, loopback must be in it");
	gateway_setup_release(&g);
}

static void test_external(void)
{
	struct gateway_setup g;

	gateway_setup_init(&g);
	g.models[ROUTE_GENERAL] = xstrdup("A");
	strv_add(&g.allow_hosts, "api.example.com");
	strv_add(&g.allow_models, "A");
	is_str(judge(&g, "https://api.example.com/v1", "A"), "blocked", "an outside host needs allow_external_proxy_models");
	g.allow_external = true;
	is_str(judge(&g, "https://api.example.com/v1", "A"), "allowed", "with it, its name and its model: allowed");
	is_str(judge(&g, "http://api.example.com/v1", "A"), "blocked", "but not in clear");
	is_str(judge(&g, "https://api.example.org/v1", "A"), "blocked", "nor another host");
	g.models[ROUTE_CODING_FAST] = xstrdup("B");
	is_str(judge(&g, "https://api.example.com/v1", "B"), "blocked", "nor a model that is not in allow_models");
	gateway_setup_release(&g);
}

/* explain: loopback, or host:port exactly. */
static void test_strict(void)
{
	struct gateway_setup g;

	gateway_setup_init(&g);
	g.strict_hosts = true;
	strv_add(&g.allow_hosts, "llm.corp:8000");
	is_str(judge(&g, "http://127.0.0.1:1/v1", "A"), "allowed", "explain: loopback");
	is_str(judge(&g, "http://10.0.0.1/v1", "A"), "blocked", "explain: a private address is not loopback");
	is_str(judge(&g, "http://llm.corp:8000/v1", "A"), "allowed", "explain: host and port that are listed");
	is_str(judge(&g, "http://llm.corp:8001/v1", "A"), "blocked", "explain: another port");
	gateway_setup_release(&g);
}

static void test_answers(void)
{
	static const struct { const char *text, *want; } rows[] = {
		{ "{\"diff\": \"--- a\\n\", \"rationale\": \"x\"}", "--- a\n" },
		{ "Here:\n```diff\n--- a\n```\nbye", "--- a\n" },
		{ "```diff\na\n```\n```diff\nb\n```", NULL }, { "```diff\na\n", NULL }, { "no diff", NULL }, { "{\"patch\": 1}", NULL },
		{ "", NULL }, { "```json\n{\"diff\": \"x\"}\n```", "x" },
	};
	struct decision d;
	auto_str diff = STR_INIT;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool good = answer_diff(rows[i].text, strlen(rows[i].text), &diff);

		ok(good == (rows[i].want != NULL) && (!good || strcmp(str_cstr(&diff), rows[i].want) == 0), "answer %zu", i);
	}
#define DECIDE(text) answer_decision(text, strlen(text), &d)
	ok(DECIDE("{\"action\":\"stop\",\"justification\":\"flat\"}") && d.stop, "a conductor that ends the loop says why");
	decision_release(&d);
	ok(!DECIDE("{\"action\":\"stop\"}"), "without a reason it does not end it");
	ok(!DECIDE("{\"action\":\"rm -rf\"}") && !DECIDE("stop"), "other words are no decision");
}

static void test_delays(void)
{
	struct call_reply r = { .outcome = CALL_HTTP, .http = 429, .retry_after_s = 600 };

	is_int(call_reply_delay_ms(&r, 1), 60000, "Retry-After counts up to 60 s");
	r.retry_after_s = 0;
	ok(call_reply_delay_ms(&r, 1) == 1000 && call_reply_delay_ms(&r, 2) == 2000 && call_reply_delay_ms(&r, 3) == 4000 &&
	   call_reply_delay_ms(&r, 9) == 4000, "without it: 1, 2, 4 s");
	r.http = 403;
	ok(!call_reply_may_retry(&r, true), "403 is not tried again");
	r.http = 503;
	ok(call_reply_may_retry(&r, false), "503 is");
}

static const char findings_text[] =
	"{\"version\":1,\"run_id\":\"run-x\",\"findings\":[{\"finding_id\":\"f-1\",\"pattern_id\":\"hang.lock.held\","
	"\"location\":\"main.py:work:42\",\"summary\":\"thread T1 waits 12.5 s\",\"confidence\":0.85,\"occurrences\":2,"
	"\"suggestions\":[\"wait 99 s\"],\"evidence\":{\"wait.share\":{\"value\":0.256,\"unit\":null,\"file\":\"raw/7\",\"at\":null},"
	"\"wait.ms\":{\"value\":12500,\"unit\":\"ms\",\"file\":\"x\",\"at\":\"/1\"},\"rss\":{\"value\":1048576,\"unit\":\"bytes\","
	"\"file\":\"x\",\"at\":null}}},{\"finding_id\":\"f-2\",\"evidence\":{\"n\":{\"value\":777,\"unit\":null}}}]}";

static const char *sentence(const struct json_value *findings, const char *text, const char *ids)
{
	auto_free char *answer = xasprintf("{\"sentences\":[{\"text\":\"%s\",\"evidence\":[%s]}]}", text, ids);
	static char reason[20];
	struct explanation x;

	if (!explain_judge(&x, answer, strlen(answer), findings))
		return "unreadable";
	snprintf(reason, sizeof(reason), "%s", x.v[0].reason ? x.v[0].reason : "kept");
	explain_release(&x);
	return reason;
}

static char *replace(const char *frame, const char *value)
{
	const char *at = strstr(frame, "%s");

	return xasprintf("%.*s%s%s", (int)(at - frame), frame, value, at + 2);
}

/* Right and wrong values in every form; what surrounds them does not matter. */
static void test_explain_numbers(const struct json_value *v)
{
	static const char *const right[] = {
		"12.5 s", "12.50 seconds", "12500 ms", "12,500 ms", "13 s", "12500000 us", "12500ms", "0.21 minutes", "1048576 bytes",
		"1 MiB", "1024 KiB", "1,048,576 bytes", "1.05 MB", "25.6 %", "26 percent", "0.256", "0.26", "line 42", "2 occurrences",
		"two occurrences", "twice", "confidence 0.85", "85%", "thread T1",
	};
	static const char *const wrong[] = {
		"12.6 s", "12 s", "14 s", "12.5 minutes", "12.5 h", "12501 ms", "125 s", "1.25 s", "0.2 minutes and 1 s", "12.5 days",
		"12.5 weeks", "1048577 bytes", "2 MiB", "1 GiB", "1.1 MB", "1 KiB", "25.7 %", "27 percent", "0.27", "256 %", "line 43",
		"line 420", "3 occurrences", "three occurrences", "thrice", "confidence 0.86", "86%", "thread T2", "T11", "5 million",
		"2 million", "2 thousand times", "two hundred times", "2k times", "42k lines", "2 M", "1e6 ms", "42e3", "2x", "42nd",
		"0x42", "64bit", "-42", "-12.5 s", ("\342\210\222" "42"), "\357\274\224\357\274\222", "\331\244\331\242", "\302\275",
		"42\302\262", "\342\202\204", "half of it", "a quarter of it", "ninety percent", "ten seconds", "a dozen threads",
	};
	static const char *const frames[] = { "It is %s.", "After %s it was seen to wait.", "(%s)", "The findings say: %s; nothing else." };

	for (size_t f = 0; f < sizeof(frames) / sizeof(frames[0]); f++) {
		for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
			auto_free char *text = replace(frames[f], right[i]);

			is_str(sentence(v, text, "\"f-1\""), "kept", "right: '%s'", text);
		}
		for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
			auto_free char *text = replace(frames[f], wrong[i]);

			is_str(sentence(v, text, "\"f-1\""), "number", "wrong: '%s'", text);
			is_str(sentence(v, text, "\"f-1\",\"f-9\""), "citation", "cited wrongly, too: '%s'", text);
		}
	}
}

static void test_explain_promises(const struct json_value *v)
{
	static const char *const promises[] = {
		"This will fix it.", "It'll be gone.", "It\342\200\231ll be gone.", "It won't hang again.", "It is going to pass.",
		"This would make it faster.", "It is 2x faster then.", "It runs 2 times faster then.", "It is twice as fast.",
		"A 2-fold gain.", "The lock is certainly the cause.", "That definitely helps.", "A timeout ensures progress.",
		"It is sure to pass.", "It is bound to pass.", "Guaranteed.", "I promise.", "You can be sure of it.", "Never again.",
	};

	for (size_t i = 0; i < sizeof(promises) / sizeof(promises[0]); i++)
		is_str(sentence(v, promises[i], "\"f-1\""), "promise", "promise: '%s'", promises[i]);
}

static void test_explain(void)
{
	static const struct { const char *text, *ids, *want; } rows[] = {
		{ "It waited 12.5 s.", "\"f-1\"", "kept" }, { "It waited 12500 ms.", "\"f-1\"", "kept" },
		{ "It waited 13 seconds.", "\"f-1\"", "kept" }, { "It waited 12 s.", "\"f-1\"", "number" },
		{ "It waited 12.5 ms.", "\"f-1\"", "number" }, { "25.6 % of the time.", "\"f-1\"", "kept" },
		{ "26% of the time.", "\"f-1\"", "kept" }, { "27% of the time.", "\"f-1\"", "number" },
		{ "It used 1 MiB.", "\"f-1\"", "kept" }, { "It used 1.0 MB.", "\"f-1\"", "kept" }, { "It used 2 MiB.", "\"f-1\"", "number" },
		{ "Line 42 of main.py holds it.", "\"f-1\"", "kept" }, { "Line 43 holds it.", "\"f-1\"", "number" },
		{ "Thread T1 waits.", "\"f-1\"", "kept" }, { "Thread T9 waits.", "\"f-1\"", "number" },
		{ "There are 777 of them.", "\"f-2\"", "kept" }, { "There are 777 of them.", "\"f-1\"", "number" },
		{ "99 s is in a suggestion only.", "\"f-1\"", "number" }, { "No number.", "\"f-1\"", "kept" },
		{ "No number.", "", "citation" }, { "No number.", "\"f-9\"", "citation" }, { "No number.", "\"f-1\",\"f-9\"", "citation" },
		{ "No number.", "7", "format" }, { "It will be 12.5 s faster.", "\"f-1\"", "promise" },
		{ "This is guaranteed.", "\"f-1\"", "promise" }, { "", "\"f-1\"", "format" },
		{ "It was seen 2 times with confidence 0.85 (85 %).", "\"f-1\"", "kept" },
	};
	struct json_reader *in = json_reader_text(findings_text, sizeof(findings_text) - 1, "findings");
	const struct json_value *v;
	struct err e = { 0 };

	is_int(json_take(in, &v, &e), 0, "the findings are read");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		is_str(sentence(v, rows[i].text, rows[i].ids), rows[i].want, "'%s' [%s]", rows[i].text, rows[i].ids);
	test_explain_numbers(v);
	test_explain_promises(v);
	json_reader_free(in);
}

int main(void)
{
	test_default();
	test_internal();
	test_external();
	test_strict();
	test_answers();
	test_delays();
	test_explain();
	return tap_done();
}
