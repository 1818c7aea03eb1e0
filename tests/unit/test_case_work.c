/* SPDX-License-Identifier: Apache-2.0 */
/* The planner of cases, with a supervisor that is played here: orders, chains, limits, retries, exports,
 * expectations, and what is left when a run is interrupted. No process is started. */
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "runner/cases/case_out.h"
#include "runner/cases/case_work.h"
#include "runner/cases/select.h"
#include "tests/tap.h"

#include <stdlib.h>

#define MS NS_PER_MS

struct play {
	struct case_set set;
	struct case_work *work;
	uint32_t *order, count;
	struct str told;       /* ids and results in the order of reporting */
	struct str started;    /* argv[0] in the order of starting */
	int64_t now;
};

static void told(void *ctx, uint32_t which, const struct spec_case *c, const struct case_outcome *o)
{
	struct play *p = ctx;

	(void)which;
	str_addf(&p->told, "%s=%s ", c->id, case_result_text[o->result]);
}

static bool play_stops; /* --fail-fast */

static void play_open(struct play *p, const char *cases, unsigned retries)
{
	auto_str text = STR_INIT;
	struct err e = { 0 };
	struct case_work_config cfg = { .root = "/r", .check_program = "/check", .jobs = 2, .retries = retries,
					.stop_at_failure = play_stops, .report = told, .ctx = p };
	struct case_selection all = { 0 };

	memset(p, 0, sizeof(*p));
	str_addf(&text, "version: 1\nsuite: s\ncases:\n%s", cases);
	case_set_init(&p->set);
	if (case_set_read_text(&p->set, "t.spec.yaml", str_cstr(&text), text.len, &e) < 0 ||
	    case_set_resolve(&p->set, &e) < 0)
		printf("Bail out! %s\n", e.msg);
	for (uint32_t i = 0; i < p->set.count; i++)
		p->set.cases[i].selected = strncmp(p->set.cases[i].id, "STEP", 4) != 0;
	p->order = case_select(&p->set, &all, &p->count);
	cfg.set = &p->set;
	cfg.order = p->order;
	cfg.count = p->count;
	p->work = case_work_new(&cfg);
	case_work_attach(p->work, NULL, 0);
	p->now = 1000 * MS;
}

static void play_close(struct play *p)
{
	case_work_free(p->work);
	free(p->order);
	str_release(&p->told);
	str_release(&p->started);
	case_set_release(&p->set);
}

static enum work_next next(struct play *p, struct command_spec *spec)
{
	enum work_next n = case_work_next(p->work, spec, p->now);

	if (n == WORK_START)
		str_addf(&p->started, "%s ", spec->argv[0]);
	return n;
}

/* Ends a command: its output and code. */
static void done(struct play *p, const struct command_spec *spec, int code, const char *out)
{
	struct command_result r = { .exit_code = code, .out = out, .out_bytes = strlen(out), .out_total = strlen(out),
				    .err = "", .status = code ? STATUS_ERROR : STATUS_OK, .duration_ns = 5 * MS };

	p->now += 5 * MS;
	case_work_done(p->work, spec->user, &r, p->now);
}

static void ended(struct play *p, const struct command_spec *spec, enum token token)
{
	struct command_result r = { .exit_code = 124, .ended_by_watchdog = true, .tokens = 1u << token, .out = "", .err = "",
				    .status = STATUS_TIMEOUT, .duration_ns = 7 * MS };

	case_work_done(p->work, spec->user, &r, p->now);
}

static struct case_outcome outcome(struct play *p, uint32_t which)
{
	struct case_outcome o;

	case_work_outcome(p->work, which, &o);
	return o;
}

#define CASE(id, argv0) "  - {id: " id ", harness: {type: cli.run, argv: [" argv0 "]}}\n"

static void test_order(void)
{
	struct command_spec a, b, c;
	struct play p;

	play_open(&p, CASE("A", "a") CASE("B", "b") CASE("C", "c"), 0);
	is_int(next(&p, &a), WORK_START, "a starts");
	is_int(next(&p, &b), WORK_START, "b starts beside it");
	is_str(a.cwd, "/r", "a case runs at the root");
	ok(a.capture && a.own_tmpdir && a.stdin_bytes == 0 && a.stdin_text, "with TMPDIR and nothing on stdin");
	done(&p, &b, 0, "");
	is_str(str_cstr(&p.told), "", "b has ended first and is told after a");
	is_int(next(&p, &c), WORK_START, "c starts");
	is_int(next(&p, &b), WORK_WAIT, "nothing more to start");
	done(&p, &c, 1, "");
	done(&p, &a, 0, "");
	is_str(str_cstr(&p.told), "A=pass B=pass C=fail ", "told in their order");
	is_int(next(&p, &a), WORK_END, "all is done");
	is_int(case_work_end(p.work, false, p.now), 1, "one has failed");
	is_str(outcome(&p, 2).message, "exit code 1", "and says why");
	play_close(&p);
}

static void test_chain(void)
{
	struct command_spec s;
	struct play p;

	play_open(&p,
		  "  - {id: A, chain: {steps: [{id: one, ref: '#STEP1'}, {id: two, ref: '#STEP2'}]}, harness: {type: cli.run, "
		  "argv: ['a-${one.v}-${HOME}-$${x.y}']}}\n"
		  "  - {id: B, chain: {steps: [{id: one, ref: '#STEP1'}]}, harness: {type: cli.run, argv: [b]}}\n"
		  "  - {id: STEP1, harness: {type: cli.run, argv: [s1]}, export: {v: {target: stdout, matches: 'v=(\\w+)'}}}\n"
		  "  - {id: STEP2, harness: {type: cli.run, argv: ['s2-${one.v}']}}\n",
		  0);
	next(&p, &s);
	is_str(s.argv[0], "s1", "the first step comes first");
	{
		struct command_spec other;

		is_int(next(&p, &other), WORK_WAIT, "B waits for the step that A has begun");
	}
	done(&p, &s, 0, "v=seven\n");
	next(&p, &s);
	is_str(s.argv[0], "b", "the shared step is not run again");
	{
		struct command_spec two;

		next(&p, &two);
		is_str(two.argv[0], "s2-seven", "the second step reads what the first exports");
		done(&p, &two, 0, "");
	}
	done(&p, &s, 0, "");
	next(&p, &s);
	is_str(s.argv[0], "a-seven-${HOME}-${x.y}", "only ${step.name} is ours");
	done(&p, &s, 0, "");
	is_int(next(&p, &s), WORK_END, "the end");
	is_int(case_work_end(p.work, false, p.now), 0, "all pass");
	play_close(&p);
}

static void test_chain_failures(void)
{
	static const char text[] =
		"  - {id: A, chain: {fail_fast: %s, steps: [{id: one, ref: '#STEP1', allow_continue: %s}, {id: two, ref: "
		"'#STEP2'}]}, harness: {type: cli.run, argv: [a]}}\n" CASE("STEP1", "s1") CASE("STEP2", "s2");
	static const struct {
		const char *fail_fast, *allow, *started;
		enum case_result result;
	} rows[] = {
		{ "true", "false", "s1 ", CASE_FAIL },
		{ "false", "false", "s1 s2 a ", CASE_FAIL },
		{ "true", "true", "s1 s2 a ", CASE_PASS },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct command_spec s;
		struct play p;
		char cases[600];

		snprintf(cases, sizeof(cases), text, rows[i].fail_fast, rows[i].allow);
		play_open(&p, cases, 0);
		while (next(&p, &s) == WORK_START)
			done(&p, &s, strcmp(s.argv[0], "s1") == 0, "");
		case_work_end(p.work, false, p.now);
		is_str(str_cstr(&p.started), rows[i].started, "fail_fast %s, allow_continue %s: what ran",
		       rows[i].fail_fast, rows[i].allow);
		is_int(outcome(&p, 0).result, rows[i].result, "and what came of it");
		play_close(&p);
	}
}

static void test_chain_limit(void)
{
	struct command_spec s;
	struct play p;
	enum token token = TOKEN_NONE;
	int64_t begin;

	play_open(&p, "  - {id: A, chain: {timeout_ms: 100, steps: [{id: one, ref: '#STEP1'}, {id: two, ref: '#STEP2'}]}, "
		      "harness: {type: cli.run, argv: [a]}}\n" CASE("STEP1", "s1") CASE("STEP2", "s2"), 3);
	begin = p.now;
	next(&p, &s);
	is_int(case_work_due(p.work), begin + 100 * MS, "the limit counts from the chain's begin");
	case_work_tick(p.work, begin + 99 * MS);
	ok(!case_work_end_early(p.work, &token), "not ended before");
	case_work_tick(p.work, begin + 100 * MS);
	ok(case_work_due(p.work) <= begin + 100 * MS, "due at once");
	ok(case_work_end_early(p.work, &token) == s.user && token == TOKEN_CASE_CHAIN, "its command is to be ended");
	ok(!case_work_end_early(p.work, &token), "which is said once");
	p.now = begin + 101 * MS;
	ended(&p, &s, TOKEN_CASE_CHAIN);
	is_int(next(&p, &s), WORK_END, "nor is the step tried again: the chain is over");
	is_int(case_work_end(p.work, false, p.now), 124, "exit code 124");
	ok(strstr(outcome(&p, 0).message, "timeout.case.chain") != NULL, "%s", outcome(&p, 0).message);
	ok(!strstr(str_cstr(&p.started), "s2") && !strstr(str_cstr(&p.started), "a "), "no later step was begun");
	play_close(&p);
}

static void test_retries(void)
{
	struct command_spec s;
	struct case_totals t;
	struct play p;
	int tries = 0;

	play_open(&p, CASE("A", "flaky") CASE("B", "broken") CASE("C", "hangs"), 2);
	while (next(&p, &s) == WORK_START) {
		if (strcmp(s.argv[0], "hangs") == 0)
			ended(&p, &s, TOKEN_CASE_HARNESS);
		else
			done(&p, &s, strcmp(s.argv[0], "broken") == 0 || ++tries < 2, "");
	}
	is_int(case_work_end(p.work, false, p.now), 124, "one was ended by a watchdog: that goes first");
	case_work_totals(p.work, &t);
	ok(t.count[CASE_FLAKY] == 1 && t.count[CASE_FAIL] == 1 && t.count[CASE_ENDED] == 1, "flaky, broken, stalled");
	is_int(outcome(&p, 0).attempts, 2, "flaky: passed when tried again");
	is_str(outcome(&p, 0).message, "exit code 1", "why it failed before is kept");
	is_int(outcome(&p, 1).attempts, 3, "broken: tried three times");
	play_close(&p);
}

static void test_stop_at_failure(void)
{
	struct command_spec a, b, c;
	struct play p;

	play_stops = true;
	play_open(&p, CASE("A", "a") CASE("B", "b") CASE("C", "c") CASE("D", "d"), 1);
	next(&p, &a);
	next(&p, &b);
	done(&p, &a, 1, "");
	is_int(next(&p, &a), WORK_START, "one that fails is tried again first");
	is_str(a.argv[0], "a", "and no other begins");
	done(&p, &a, 1, "");
	is_int(next(&p, &c), WORK_WAIT, "once it has failed nothing begins");
	done(&p, &b, 0, "");
	is_int(next(&p, &c), WORK_END, "what ran runs to its end");
	is_int(case_work_end(p.work, false, p.now), 1, "not a success");
	is_str(str_cstr(&p.told), "A=fail B=pass C=not_started D=not_started ", "the rest never started");
	play_close(&p);
	play_stops = false;
}

static void test_interrupted(void)
{
	struct command_spec a, b;
	struct play p;
	struct case_totals t;

	play_open(&p, CASE("A", "a") CASE("B", "b") CASE("C", "c") CASE("D", "d"), 0);
	next(&p, &a);
	next(&p, &b);
	done(&p, &a, 0, "");
	{
		struct command_result r = { .exit_code = 130, .cancelled = true, .out = "", .err = "",
					    .status = STATUS_CANCELLED };

		case_work_done(p.work, b.user, &r, p.now);
	}
	is_int(case_work_end(p.work, true, p.now), 1, "not a success");
	case_work_totals(p.work, &t);
	is_str(str_cstr(&p.told), "A=pass B=cancelled C=not_started D=not_started ", "done, running, never started");
	play_close(&p);
}

static void test_helper(void)
{
	struct command_spec s, other;
	struct play p;

	play_open(&p,
		  "  - {id: A, harness: {type: file.scan, paths: [x], present: [y]}}\n" CASE("B", "b")
		  "  - {id: C, harness: {type: data.validate, paths: [x], keys: [y]}}\n"
		  "  - {id: D, harness: {type: file.scan, paths: [x], present: [y]}, expect: {must: [{target: exit_code, equals: 1}, "
		  "{target: stdout, contains: none}]}}\n"
		  "  - {id: E, harness: {type: file.scan, paths: [x], absent: [y]}}\n"
		  "  - {id: F, harness: {type: file.scan, paths: [x], absent: [y], timeout_ms: 50}}\n",
		  0);
	next(&p, &s);
	is_str(s.argv[0], "/check", "checks that read files go to the helper");
	is_str(s.stdin_text, "t.spec.yaml\tA\nt.spec.yaml\tC\nt.spec.yaml\tD\nt.spec.yaml\tE\n",
	       "together, those of another limit aside");
	next(&p, &other);
	is_str(other.argv[0], "b", "others run beside them");
	done(&p, &other, 0, "");
	done(&p, &s, 0, "A 0 0\nC 1 15\nx: y: missing!\nD 1 10\nin none 1\n");
	next(&p, &s);
	is_int(s.limit_ns, 50 * MS, "the one with a limit");
	ended(&p, &s, TOKEN_CASE_HARNESS);
	is_int(case_work_end(p.work, false, p.now), 124, "ended");
	is_str(str_cstr(&p.told), "A=pass B=pass C=fail D=pass E=fail F=timeout ", "each has its own result");
	is_str(outcome(&p, 2).message, "x: y: missing!", "with the helper's words");
	ok(strstr(outcome(&p, 4).message, "no result"), "%s", outcome(&p, 4).message);
	play_close(&p);
}

struct expect_row {
	const char *expect, *out;
	int code;
	bool pass;
};

static const struct expect_row expect_rows[] = {
	{ "must: [{target: stdout, equals: abc}]", "abc\n", 7, true },
	{ "must: [{target: stdout, equals: \"abc\\n\"}]", "abc", 0, false },
	{ "must: [{target: stdout, equals: abc}]", "abc\n\n", 0, false },
	{ "must: [{target: exit_code, one_of: [1, 7]}]", "", 7, true },
	{ "must: [{target: exit_code, not_equals: 0}]", "", 0, false },
	{ "must_not: [{target: stdout, contains: x}]", "axb", 0, false },
	{ "must_not: [{target: stdout, contains: x}]", "ab", 0, true },
	{ "may: [{target: stdout, contains: x}, {target: stdout, contains: a}]", "ab", 0, true },
	{ "may: [{target: stdout, contains: x}, {target: stdout, contains: y}]", "ab", 0, false },
	{ "must: [{target: stdout, matches: '^b$'}]", "a\nb\nc\n", 0, true },
	{ "must: [{target: stdout, not_matches: 'b'}]", "abc", 0, false },
	{ "must: [{target: stdout, starts_with: a}, {target: stdout, ends_with: c}]", "abc\n", 0, true },
	{ "must: [{target: stdout, empty: true}]", "", 0, true },
	{ "must: [{target: stdout, empty: false}]", "", 0, false },
	{ "must: [{target: duration_ms, at_most: 5}, {target: duration_ms, more_than: 4}]", "", 0, true },
	{ "must: [{target: duration_ms, less_than: 5}]", "", 0, false },
	{ "must: [{target: json, pointer: /a/1/x~1y, equals: z}]", "{\"a\":[0,{\"x/y\":\"z\"}]}", 0, true },
	{ "must: [{target: json, pointer: /a, equals: 3}]", "{\"a\":3}", 0, true },
	{ "must: [{target: json, pointer: /a, equals: '3'}]", "{\"a\":3}", 0, false },
	{ "must: [{target: json, pointer: /a, equals: '3'}]", "{\"a\":\"3\"}", 0, true },
	{ "must: [{target: json, pointer: /a, equals: true}]", "{\"a\":true}", 0, true },
	{ "must: [{target: json, pointer: /a, equals: 3.0}]", "{\"a\":3}", 0, true },
	{ "must: [{target: json, pointer: /a, contains: 2}]", "{\"a\":[1,2]}", 0, true },
	{ "must: [{target: json, pointer: /a, contains: k}]", "{\"a\":{\"k\":1}}", 0, true },
	{ "must: [{target: json, pointer: /a, length: 2}]", "{\"a\":[1,2]}", 0, true },
	{ "must: [{target: json, pointer: /a/01, exists: true}]", "{\"a\":[1,2]}", 0, false },
	{ "must: [{target: json, pointer: /b, exists: false}]", "{\"a\":1}", 0, true },
	{ "must: [{target: json, pointer: /b, not_equals: 1}]", "{\"a\":1}", 0, false },
	{ "must: [{target: json, equals: 1}]", "no json", 0, false },
	{ "must_not: [{target: json, equals: 1}]", "no json", 0, false },
	{ "must: [{target: file, path: /proc/self/status, exists: true}]", "", 0, true },
	{ "must: [{target: file, path: no/such/file, exists: false}]", "", 0, true },
	{ "must: [{target: file, path: no/such/file, contains: ''}]", "", 0, false },
};

static void test_expect(void)
{
	for (size_t i = 0; i < sizeof(expect_rows) / sizeof(expect_rows[0]); i++) {
		const struct expect_row *r = &expect_rows[i];
		struct command_spec s;
		struct play p;
		char cases[400];

		snprintf(cases, sizeof(cases), "  - id: A\n    harness: {type: cli.run, argv: [a]}\n    expect: {%s}\n",
			 r->expect);
		play_open(&p, cases, 0);
		next(&p, &s);
		done(&p, &s, r->code, r->out);
		case_work_end(p.work, false, p.now);
		ok((outcome(&p, 0).result == CASE_PASS) == r->pass, "%s %s", r->expect, r->pass ? "holds" : "fails");
		play_close(&p);
	}
}

static void test_formats(void)
{
	struct command_spec s;
	struct play p;
	auto_str tap = STR_INIT;
	auto_str xml = STR_INIT;
	auto_str github = STR_INIT;
	const struct case_format *f = case_format_find("tap");
	struct case_outcome o;

	play_open(&p, "  - {id: A, title: 'a # b', harness: {type: cli.run, argv: [a]}}\n" CASE("B", "b"), 0);
	next(&p, &s);
	done(&p, &s, 0, "");
	next(&p, &s);
	done(&p, &s, 1, "<&\x01\xff]]>\n::error::x");
	case_work_end(p.work, false, p.now);
	f->begin(&tap, 2);
	o = outcome(&p, 0);
	f->one(&tap, 1, case_work_case(p.work, 0), &o);
	is_str(str_cstr(&tap), "TAP version 13\n1..2\nok 1 - A a \\# b\n", "TAP 13, '#' escaped");
	case_junit_write(&xml, p.work, 10 * MS, false);
	ok(strstr(str_cstr(&xml), "<testcase classname=\"s\" name=\"A a # b\"") != NULL, "JUnit names suite and case");
	ok(strstr(str_cstr(&xml), "stdout:\n&lt;&amp;\xEF\xBF\xBD\xEF\xBF\xBD]]&gt;\n&#58;:error::x\nat t.spec.yaml:5</failure>") != NULL,
	   "what it printed is in the failure, with its place; what XML forbids is replaced, what GitHub would obey is escaped");
	ok(strstr(str_cstr(&xml), "<property name=\"file\" value=\"t.spec.yaml\"/>") != NULL, "the suite tells the file");
	ok(strstr(str_cstr(&xml), " file=\"") == NULL, "which Jenkins does not know on a test case");
	str_reset(&xml);
	case_junit_write(&xml, p.work, 10 * MS, true);
	ok(strstr(str_cstr(&xml), "<testcase classname=\"s\" name=\"A a # b\" file=\"t.spec.yaml\"") != NULL, "GitLab does");
	f = case_format_find("tap14");
	str_reset(&tap);
	f->begin(&tap, 2);
	is_str(str_cstr(&tap), "TAP version 14\n1..2\n", "TAP 14");
	case_github_annotations(&github, p.work);
	is_str(str_cstr(&github), "::error file=t.spec.yaml,line=5,title=B::exit code 1\n", "a GitHub annotation");
	play_close(&p);
}

static void test_many(void)
{
	auto_str cases = STR_INIT;
	struct command_spec s[4];
	struct play p;
	unsigned running = 0;
	uint32_t seed = 7;

	for (int i = 0; i < 2000; i++)
		str_addf(&cases, "  - {id: C-%d, harness: {type: cli.run, argv: [c]}}\n", i);
	play_open(&p, str_cstr(&cases), 0);
	for (;;) {
		enum work_next n = running < 4 ? next(&p, &s[running]) : WORK_WAIT;

		if (n == WORK_START) {
			running++;
			continue;
		}
		if (n == WORK_END && !running)
			break;
		seed = seed * 1664525u + 1013904223u;
		{
			unsigned which = (seed >> 16) % running;

			done(&p, &s[which], 0, "");
			s[which] = s[--running];
		}
	}
	is_int(case_work_end(p.work, false, p.now), 0, "2,000 cases in any order of ending");
	{
		auto_str want = STR_INIT;

		for (int i = 0; i < 2000; i++)
			str_addf(&want, "C-%d=pass ", i);
		ok(strcmp(str_cstr(&p.told), str_cstr(&want)) == 0, "are told in their own");
	}
	play_close(&p);
}

int main(void)
{
	test_order();
	test_chain();
	test_chain_failures();
	test_chain_limit();
	test_retries();
	test_stop_at_failure();
	test_interrupted();
	test_helper();
	test_expect();
	test_formats();
	test_many();
	return tap_done();
}
