/* SPDX-License-Identifier: Apache-2.0 */
/* Test results for others: the XML writer, and a trace as JUnit, TAP and JSON. */
#include "base/json_read.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/schema.h"
#include "findings/report/junit_xml.h"
#include "findings/report/results.h"
#include "tests/tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ID(n) "\"00000000000000" n "\""
#define SPAN(id, parent, name, status, attrs, error) \
	"{\"span_id\":" id ",\"parent_span_id\":" parent ",\"name\":\"" name "\",\"start_ns\":1000000000,\"end_ns\":3500000000," \
	"\"status\":\"" status "\",\"attrs\":{" attrs "},\"error\":" error "}"
#define CASE(id, status, attrs, error) \
	SPAN(ID(id), ID("a4"), "case.run", status, "\"dialect\":\"go\",\"suite\":\"p\"," attrs, error)
#define TIMEOUT "{\"category\":\"watchdog\",\"message\":\"it was running\",\"reason_token\":\"timeout.case.harness\"}"
#define RUN "\"run_id\":\"run-20261121T000000Z-00000001\""

static const char trace_text[] =
	"{\"version\":1," RUN ",\"started_at\":\"2026-11-21T00:00:00.000Z\",\"status\":\"fail\",\"exit_code\":124,"
	"\"command\":\"run\",\"args\":[\"x\"],\"spans\":["
	SPAN(ID("a1"), "null", "run.total", "timeout", "", "null") ","
	SPAN(ID("a2"), ID("a1"), "runner.dispatch", "timeout", "", "null") ","
	SPAN(ID("a3"), ID("a2"), "subprocess.exec", "timeout", "\"argv\":[\"go\",\"a b\"],\"exit_code\":124", TIMEOUT) ","
	SPAN(ID("a4"), ID("a3"), "subprocess.wait", "timeout", "\"pid\":7", TIMEOUT) ","
	CASE("b1", "ok", "\"case_id\":\"A\",\"result\":\"pass\",\"test_duration_ms\":12.5,\"file\":\"a.go\",\"line\":3", "null") ","
	CASE("b2", "ok", "\"case_id\":\"A/sub\",\"result\":\"pass\",\"nested\":true", "null") ","
	CASE("b3", "error", "\"case_id\":\"B<\",\"result\":\"fail\"", "{\"category\":\"expectation\",\"message\":\"no\"}") ","
	CASE("b4", "ok", "\"case_id\":\"C # 1\",\"result\":\"xfail\"", "null") ","
	CASE("b5", "timeout", "\"case_id\":\"D\",\"result\":\"unfinished\"", TIMEOUT)
	"],\"events\":[{\"ts_ns\":2,\"kind\":\"checkpoint\",\"span_id\":" ID("a4") ",\"attrs\":{\"event\":\"test.plan\","
	"\"dialect\":\"go\",\"plan\":7}}],\"summary\":{\"recording\":{\"complete\":false}}}";
static const char findings_text[] =
	"{\"version\":1," RUN ",\"findings\":[{\"pattern_id\":\"hang.x\",\"location\":\"f:g:1\",\"summary\":\"it sleeps\"}]}";

static char folder[] = "/tmp/test-results-XXXXXX";

static char *put_file(const char *name, const char *text)
{
	char *path = path_join(folder, name);
	struct err e;

	if (file_write(path, text, strlen(text), &e) < 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	return path;
}

#define NO "\xEF\xBF\xBD"

static void test_xml(void)
{
	auto_str out = STR_INIT;

	junit_add_attribute(&out, "a<b>&\"c\"\n\t\x01\x1b[1m\x7f\xff\xEF\xBF\xBF\xC3\xA4");
	is_str(str_cstr(&out), "a&lt;b&gt;&amp;&quot;c&quot;&#10;&#9;" NO NO "[1m" NO NO NO "\xC3\xA4",
	       "an attribute: escaped; what XML forbids, U+007F and what is no UTF-8 is replaced");
	str_reset(&out);
	junit_add_body(&out, "::a\n \t::b ::c\n:d ##[e] # f\r");
	is_str(str_cstr(&out), "&#58;:a\n \t&#58;:b ::c\n:d &#35;#[e] # f&#13;", "no line is a command for GitHub");
	str_reset(&out);
	junit_add_body(&out, "a\n\"b\" ]]> \xC3");
	is_str(str_cstr(&out), "a\n\"b\" ]]&gt; \xEF\xBF\xBD", "a body keeps its lines");
	str_reset(&out);
	junit_properties(&out, 0, (const struct junit_property[]){ { "a", NULL }, { NULL, NULL } });
	is_str(str_cstr(&out), "", "no empty properties");
}

static void test_junit(const struct results *t)
{
	auto_str out = STR_INIT;
	const char *x;

	results_junit(t, &out);
	x = str_cstr(&out);
	ok(strstr(x, "<testsuites name=\"spec-runner\" tests=\"6\" failures=\"1\" errors=\"1\" time=\"2.500\">") != NULL,
	   "six rows, one failure, one error");
	ok(strstr(x, "<testcase classname=\"p\" name=\"A\" time=\"0.013\"></testcase>") != NULL,
	   "a test with the tool's own time");
	ok(strstr(x, "name=\"B&lt;\" time=\"2.500\"><failure message=\"no\" type=\"fail\">") != NULL, "a failure");
	ok(strstr(x, "<error message=\"did not end: timeout.case.harness\" type=\"timeout.case.harness\">") != NULL,
	   "a test that ran has the token as its type");
	ok(strstr(x, "for 2.500 s, since 1.000 s") && strstr(x, "hang.x: it sleeps\nPlace: f:g:1</error>"),
	   "and says since when, and the finding with its place");
	/* planned 7; A, B, C, D are tests of their own, the part of A is none */
	ok(strstr(x, "<skipped>never started: 3 of 7</skipped>") != NULL, "the rest never started");
	ok(strstr(x, "value=\"incomplete\"") != NULL, "a record with gaps says so");
}

static void test_tap(const struct results *t)
{
	auto_str out = STR_INIT;

	results_tap(t, &out);
	ok(str_starts(str_cstr(&out), "TAP version 13\n1..6\n"), "TAP 13 with its plan");
	ok(strstr(str_cstr(&out), "\nnot ok 4 - p::C \\# 1 # TODO failed as expected\n") != NULL,
	   "an expected failure is a TODO, '#' is escaped");
	ok(strstr(str_cstr(&out), "\nok 6 - go::never started # SKIP never started: 3 of 7\n") != NULL, "a gap is a SKIP");
}

static bool complain(void *arg, const struct schema_place *at, const char *what)
{
	(void)arg;
	(void)at;
	printf("# %s\n", what);
	return true;
}

static void test_json(const struct results *t)
{
	struct schema *schema = NULL;
	struct json_reader *reader;
	const struct json_value *v;
	auto_str out = STR_INIT;
	struct err e = { 0 };

	results_json(t, &out);
	if (!ok(schema_read(&schema, "schemas/test_results_v1.yaml", &e) == 0, "the schema is one: %s", e.msg))
		return;
	reader = json_reader_text(str_cstr(&out), out.len, "tests");
	if (ok(json_take(reader, &v, &e) == 0, "JSON: %s", e.msg)) {
		ok(schema_check(schema, v, NULL, complain, NULL), "that obeys schemas/test_results_v1.yaml");
		is_int(json_get(json_get(v, "totals"), "never_started")->integer, 3, "and counts what never started");
	}
	json_reader_free(reader);
	schema_free(schema);
}

int main(void)
{
	auto_free char *trace = NULL, *findings = NULL, *broken = NULL;
	struct results t;
	struct err e = { 0 };

	if (!mkdtemp(folder))
		return 1;
	trace = put_file("run-trace.json", trace_text);
	findings = put_file("findings.json", findings_text);
	broken = put_file("broken.json", "{\"run_id\":\"r\",\"spans\":[{\"name\":");
	test_xml();
	if (ok(results_read(&t, trace, findings, &e) == 0, "a trace is read: %s", e.msg)) {
		test_junit(&t);
		test_tap(&t);
		test_json(&t);
	}
	results_release(&t);
	ok(results_read(&t, broken, NULL, &e) < 0 && strstr(e.msg, "broken.json"), "one that is cut is refused by name");
	results_release(&t);
	unlink(trace);
	unlink(findings);
	unlink(broken);
	rmdir(folder);
	return tap_done();
}
