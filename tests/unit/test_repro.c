/* SPDX-License-Identifier: Apache-2.0 */
/* What `repro` decides without running anything: intervals, settings, turns, selections, shrinking. */
#include "runner/repro/attempt.h"
#include "runner/repro/plan.h"
#include "runner/repro/rate.h"
#include "runner/repro/setting.h"
#include "runner/repro/shrink.h"
#include "runner/repro/target.h"

#include "base/mem.h"
#include "liveness/dialect.h"
#include "liveness/dialect_select.h"
#include "tests/tap.h"

#include <math.h>
#include <stdlib.h>

static bool close_to(double a, double b)
{
	return fabs(a - b) < 5e-5;
}

static void test_rates(void)
{
	struct rate r = rate_of(0, 0);

	ok(r.low == 0 && r.high == 1, "nothing is known without runs");
	r = rate_of(1, 10); /* figures of R's prop.test(correct = FALSE) */
	ok(close_to(r.low, 0.01788) && close_to(r.high, 0.40415), "1 of 10: %.5f to %.5f", r.low, r.high);
	r = rate_of(50, 100);
	ok(close_to(r.low, 0.40383) && close_to(r.high, 0.59617), "50 of 100: %.5f to %.5f", r.low, r.high);
	r = rate_of(0, 100);
	ok(r.low == 0 && close_to(r.high, 0.03699), "0 of 100: up to %.5f", r.high);
	r = rate_of(100, 100);
	ok(close_to(r.low, 0.96301) && r.high == 1, "100 of 100: from %.5f", r.low);
	is_int(rate_runs_to_confirm(0.5, 0.99), 7, "ln 0.01 / ln 0.5");
	is_int(rate_runs_to_confirm(0.1, 0.99), 44, "ln 0.01 / ln 0.9");
	is_int(rate_runs_to_confirm(1, 0.99), 1, "what always hangs");
	ok(rate_runs_to_confirm(0, 0.99) == INT64_MAX, "what may never hang");
	is_int(rate_runs_to_see(0.5, 0.05, 60), 5, "a rate of a half is missed five times in a row 1 time in 32");
	is_int(rate_runs_to_see(0.001, 0.05, 60), 60, "bounded");
}

/* The interval covers the true rate as often as it promises. */
static void test_coverage(void)
{
	static const double rates[] = { 0.5, 0.1, 0.02 };
	uint64_t g = 20261130;

	for (size_t k = 0; k < 3; k++) {
		int covered = 0;

		for (int round = 0; round < 2000; round++) {
			int64_t hits = 0;
			struct rate r;

			for (int i = 0; i < 200; i++)
				hits += (double)(setting_random(&g) >> 11) * 0x1p-53 < rates[k];
			r = rate_of(hits, 200);
			covered += r.low <= rates[k] && rates[k] <= r.high;
		}
		ok(covered >= 1860, "p = %.2f is covered in %d of 2000 (at least 93 %%)", rates[k], covered);
	}
}

static bool happens(uint64_t *g, double p)
{
	return (double)(setting_random(g) >> 11) * 0x1p-53 < p;
}

/* One measurement of a hang that comes with p, then --confirm-fix without any fix. true: it says "gone". */
static bool says_gone(uint64_t *g, double p, double confidence)
{
	int64_t hits = 0, needed;
	struct rate r;

	for (int i = 0; i < 100; i++) /* --runs 100 --until end */
		hits += happens(g, p);
	r = rate_of(hits, 100);
	needed = rate_runs_to_confirm(r.low, confidence);
	needed = needed > 20 ? needed : 20;
	if (r.low <= 0)
		return false; /* inconclusive */
	for (int64_t i = 0; i < needed; i++)
		if (happens(g, p))
			return false;
	return true;
}

/* A hang that is still there is called gone as seldom as --confidence promises, and somewhat more seldom. */
static void test_confirm(void)
{
	static const double rates[] = { 0.5, 0.1, 0.02 };
	uint64_t g = 41;

	for (size_t k = 0; k < 3; k++) {
		int wrong = 0;

		for (int round = 0; round < 2000; round++)
			wrong += says_gone(&g, rates[k], 0.99);
		ok(wrong <= 30, "p = %.2f is called gone in %d of 2000 (at most 1.5 %%)", rates[k], wrong);
	}
}

static void test_settings(void)
{
	struct setting_bounds b = { .passing_ns = 500000000, .cpus = 4, .available = (1u << PERTURB_COUNT) - 1 };
	struct setting a, again, other;
	uint32_t kinds;
	bool automatic;
	struct err e = { 0 };
	int over = 0;

	is_int(setting_parse_kinds("auto", &kinds, &automatic, &e), 0, "auto");
	ok(automatic && kinds == b.available, "is every kind, in turn");
	is_int(setting_parse_kinds("delay,order", &kinds, &automatic, &e), 0, "a list");
	ok(!automatic && kinds == (1u << PERTURB_DELAY | 1u << PERTURB_ORDER), "is these kinds");
	is_int(setting_parse_kinds("none", &kinds, &automatic, &e), 0, "none");
	is_int(kinds, 0, "is nothing");
	is_int(setting_parse_kinds("delay,,x", &kinds, &automatic, &e), -1, "another word is an error: %s", e.msg);
	is_int(setting_parse_kinds("", &kinds, &automatic, &e), -1, "so is none at all");
	setting_draw(&a, 7, 3, b.available, &b);
	setting_draw(&again, 7, 3, b.available, &b);
	setting_draw(&other, 7, 4, b.available, &b);
	ok(memcmp(&a, &again, sizeof(a)) == 0, "the same seed and run, the same setting");
	ok(memcmp(&a, &other, sizeof(a)) != 0, "another run, another setting");
	for (int64_t n = 1; n <= 2000; n++) {
		setting_draw(&a, 99, n, b.available, &b);
		over += a.delay_us < 1 || a.delay_us > 2000000 || a.budget_ms > 2000 || a.cpus > 4 ||
			a.pause_ms > 1000 || a.delay_us > a.budget_ms * 1000 || a.delay_ppm > 1000000 || a.pause_ms < 1;
	}
	is_int(over, 0, "2,000 settings within their bounds: added time below four passing runs");
}

/* What was measured is never twice the same; the settings are. */
static void test_settings_repeat(void)
{
	struct setting_bounds b = { .passing_ns = 61000000, .limit_ns = 2000000000, .cpus = 4,
				    .available = (1u << PERTURB_COUNT) - 1,
				    .calls = { [DELAY_MUTEX] = { 900, 90 }, [DELAY_SIGNAL] = { 2, 2 } } };
	struct setting_bounds again = b, close = b;
	int other = 0, over = 0, rare = 0, alone = 0;

	again.passing_ns = 75000000;
	again.calls[DELAY_MUTEX] = (struct delayable){ 1000, 80 };
	close.limit_ns = 100000000;
	for (int64_t n = 1; n <= 1000; n++) {
		struct setting x, y, z;

		setting_draw(&x, 3, n, b.available, &b);
		setting_draw(&y, 3, n, b.available, &again);
		setting_draw(&z, 3, n, b.available, &close);
		other += memcmp(&x, &y, sizeof(x)) != 0;
		over += z.budget_ms > 25 || x.budget_ms > 4 * 61 || x.budget_ms < 61;
		rare += x.delay_groups == 1u << DELAY_SIGNAL;
		alone += x.delay_thread > 0;
	}
	is_int(other, 0, "runs that take a little longer get the same settings");
	is_int(over, 0, "delays stay below four passing runs and a quarter of the limit");
	ok(rare > 250 && rare < 500, "calls that are made twice are not lost among 900 (%d of 1000)", rare);
	ok(alone > 200 && alone < 500, "one thread alone is delayed in %d of 1000", alone);
}

/* A sweep leaves out no call of the threads after the first, however few its settings are. */
static void test_sweep(void)
{
	struct setting_bounds b = { .passing_ns = 100000000, .cpus = 2, .available = 1u << PERTURB_DELAY, .threads = 3,
				    .made = { 9000, 27, 20 } };
	uint32_t times[3][27] = { 0 };
	int missed = 0, other = 0;

	for (b.sweep = 1; b.sweep <= 128; b.sweep++) {
		struct setting s;

		setting_draw(&s, 1, b.sweep, b.available, &b);
		if (s.delay_thread < 2 || s.delay_thread > 3 || s.delay_from >= b.made[s.delay_thread - 1])
			other++;
		else
			times[s.delay_thread - 1][s.delay_from]++;
		other += s.delay_ppm < 500000 || s.delay_us > s.budget_ms * 1000;
	}
	for (uint32_t t = 1; t < 3; t++)
		for (uint32_t i = 0; i < b.made[t]; i++)
			missed += times[t][i] == 0;
	is_int(other, 0, "a sweep delays one thread alone, from one of its calls on");
	is_int(missed, 0, "each call of 47 in 128 settings");
	b.threads = 0;
	memset(b.made, 0, sizeof(b.made));
	struct setting unknown;
	setting_draw(&unknown, 1, 1, b.available, &b);
	ok(unknown.delay_us > 0 && unknown.delay_ppm > 0, "what is not known yet is drawn");
}

static void test_setting_json(void)
{
	struct setting_bounds b = { .passing_ns = 500000000, .cpus = 4, .available = (1u << PERTURB_COUNT) - 1 };
	struct setting a, back;
	struct err e = { 0 };
	int wrong = 0;

	for (int64_t n = 1; n <= 200; n++) {
		auto_str text = STR_INIT;
		const struct json_value *v;
		struct json_reader *r;
		struct json j;

		setting_draw(&a, 5, n, (uint32_t)n % b.available, &b);
		json_init(&j, &text);
		json_object(&j, NULL);
		setting_json(&a, &j);
		json_object_end(&j);
		json_finish(&j);
		r = json_reader_text(text.data, text.len, "t");
		wrong += json_take(r, &v, &e) < 0 || setting_read(&back, v, &e) < 0 ||
			 memcmp(&a, &back, sizeof(a)) != 0;
		json_reader_free(r);
	}
	is_int(wrong, 0, "settings are read back as they were written");
}

static int read_text(const char *text, struct setting *s)
{
	struct json_reader *r = json_reader_text(text, strlen(text), "t");
	const struct json_value *v;
	struct err e = { 0 };
	int rc = json_take(r, &v, &e) < 0 ? -2 : setting_read(s, v, &e);

	json_reader_free(r);
	return rc;
}

static void test_read_pauses(void)
{
	struct setting s;

	is_int(read_text("{\"kinds\":[\"pause\"],\"pause_ms\":5,\"pause_every_ms\":40}", &s), 0, "a setting without microseconds");
	is_int(s.pause_every_us, 40000, "has its milliseconds");
	is_int(read_text("{\"kinds\":[\"pause\"],\"pause_every_ms\":1,\"pause_every_us\":250}", &s), 0, "one with both");
	is_int(s.pause_every_us, 250, "has its microseconds");
	is_int(read_text("{\"kinds\":[\"pause\"],\"pause_every_us\":9223372036854775807}", &s), -1, "one of 292,000 years is refused");
	is_int(read_text("{\"kinds\":[\"pause\"],\"pause_every_ms\":9223372036854775807}", &s), -1, "in milliseconds, too");
}

static void test_plan(void)
{
	struct setting_bounds b = { .cpus = 2, .available = (1u << PERTURB_COUNT) - 1 };
	struct setting s, hit = { 0 };
	struct plan p;
	int plain = 0, family, near = 0;

	plan_init(&p, 1, b.available, true, &b);
	for (int64_t n = 1; n <= 100; n++) {
		plan_next(&p, n, &s, &family);
		plain += !s.kinds;
		if (n <= 5)
			ok(!s.kinds, "run %d of auto is plain", (int)n);
		plan_result(&p, &s, family, n == 6);
		if (n == 6)
			hit = s;
	}
	is_int(plain, 15, "then one in ten");
	for (int64_t n = 101; n <= 200; n++) {
		plan_next(&p, n, &s, &family);
		near += s.kinds == hit.kinds && family >= 0;
		plan_result(&p, &s, family, family >= 0);
	}
	ok(near >= 30, "what hit is preferred (%d of 100)", near);
	ok(plan_best(&p)->hits > 1 && plan_best(&p)->origin.kinds == hit.kinds, "and is the best");
	plan_init(&p, 1, b.available, true, &b);
	s = (struct setting){ 0 };
	for (int i = 0; i < 5; i++)
		plan_result(&p, &s, -1, i == 3);
	is_int(plan_best(&p)->origin.kinds, 0, "a hit without perturbation is the best as long as there is no other");
	for (int i = 0; i < 9; i++)
		plan_result(&p, &hit, i ? 0 : -1, true);
	ok(plan_best(&p)->origin.kinds == hit.kinds, "but not one of five beside nine of nine");
	plan_init(&p, 1, 0, false, &b);
	plan_next(&p, 50, &s, &family);
	is_int(s.kinds, 0, "none: every run is plain");
	plan_init(&p, 1, 1u << PERTURB_LOAD, false, &b);
	plan_next(&p, 1, &s, &family);
	is_int(s.kinds, 1u << PERTURB_LOAD, "a list: every run is of these kinds");
}

/* Every set of up to three needed tests of n is found, and how many questions that takes at most. */
static void test_shrink(void)
{
	int wrong = 0, most = 0;
	const size_t n = 40;
	uint8_t mask[40];

	for (size_t a = 0; a <= n; a++)
		for (size_t b = a; b <= n; b += 3)
			for (size_t c = b; c <= n; c += 7) {
				struct shrink s;
				int questions = 0;

				shrink_init(&s, n);
				while (shrink_ask(&s, mask) && questions < 1000) {
					bool hangs = (a == n || mask[a]) && (b == n || mask[b]) && (c == n || mask[c]);

					questions++;
					shrink_answer(&s, hangs);
				}
				for (size_t i = 0; i < n; i++)
					wrong += s.needed[i] != (i == a || i == b || i == c);
				most = questions > most ? questions : most;
				shrink_release(&s);
			}
	is_int(wrong, 0, "exactly the needed tests");
	ok(most <= 3 * 7 + 1, "of 40, three in %d questions at most", most);
}

static struct found finding(const char *id, const char *pattern, const char *location)
{
	return (struct found){ (char *)id, (char *)pattern, (char *)location, NULL };
}

static void test_outcomes(void)
{
	struct target t = { .finding_id = (char *)"f1",
			    .pattern_id = (char *)"hang.lock.held",
			    .location = (char *)"a.py:take:5" };
	struct found same = finding("f1", "hang.lock.held", "a.py:take:5"),
		     drifted = finding("f2", "hang.lock.held", "b.py:take:9");
	struct found other = finding("f3", "hang.spin", "a.py:take:5"),
		     fails = finding("f4", "fail.assertion", "a.py:t:1");
	struct found none = { 0 };

	is_str(outcome_text[outcome_of(0, false, &none, &t)], "pass", "exit 0");
	is_str(outcome_text[outcome_of(124, false, &same, &t)], "hang.same", "the recorded finding");
	is_str(outcome_text[outcome_of(124, false, &drifted, &t)], "hang.similar",
	       "its pattern and function elsewhere");
	is_str(outcome_text[outcome_of(124, false, &other, &t)], "hang.other", "another hang");
	is_str(outcome_text[outcome_of(124, false, &none, &t)], "limit", "ended without a hang");
	is_str(outcome_text[outcome_of(1, false, &fails, &t)], "fail", "it failed");
	is_str(outcome_text[outcome_of(143, true, &none, &t)], "unfinished", "ended by us");
}

static void apply(const struct dialect_set *set, const char *dialect, char *const command[],
		  const struct dialect_pick *picks, size_t n, const char *want, const char *want_env)
{
	const struct dialect_way *w = dialect_set_way(set, dialect, n == 0 ? WAY_SHUFFLE : WAY_SELECT);
	struct strv argv = STRV_INIT, env = STRV_INIT;
	auto_str line = STR_INIT, vars = STR_INIT;
	const char *why;

	if (w && dialect_way_apply(w, command, picks, n, 17, &argv, &env, &why))
		for (size_t i = 0; i < argv.n; i++)
			str_addf(&line, "%s%s", i ? " " : "", argv.v[i]);
	for (size_t i = 0; i < env.n; i++)
		str_addf(&vars, "%s%s", i ? " " : "", env.v[i]);
	is_str(str_cstr(&line), want, "%s: %s", dialect, want);
	is_str(str_cstr(&vars), want_env, "with '%s' in its environment", want_env);
	strv_release(&argv);
	strv_release(&env);
}
#define ARGV(...) ((char *const[]){ __VA_ARGS__, NULL })

/* All but some, for tools that name a test too late. */
static void leave_out(const struct dialect_set *set)
{
	struct dialect_pick two[] = { { "a.test.js", "one", "" }, { "a.test.js", "t(2)", "" } };
	const struct dialect_way *w = dialect_set_way(set, "jest", WAY_EXCEPT);
	struct strv argv = STRV_INIT, env = STRV_INIT;
	const char *why;

	ok(w && dialect_way_apply(w, ARGV("npx", "jest", "-i"), two, 2, 0, &argv, &env, &why) && argv.n == 5,
	   "jest can leave tests out");
	is_str(argv.n == 5 ? argv.v[4] : "", "^(?!.*(one|t\\(2\\))$)", "by a pattern that they do not fit");
	ok(!dialect_set_way(set, "gtest", WAY_EXCEPT), "a tool that names a test when it starts need not");
	strv_release(&argv);
	strv_release(&env);
}

static void test_select(void)
{
	struct dialect_pick two[] = { { "t/test_a.py::T", "test_x", "" }, { "t/test_b.py", "test_y[1-2]", "" } };
	struct dialect_pick go[] = { { "pkg", "TestA", "" }, { "pkg", "TestB.x", "" } };
	struct dialect_pick gtest[] = { { "Suite", "One", "" }, { "Suite", "Two", "" } };
	struct dialect_set *set = NULL;
	struct err e = { 0 };

	is_int(dialect_set_new(&set, &e), 0, "the dialects: %s", e.msg);
	apply(set, "pytest", ARGV("python3", "-m", "pytest", "-v", "tests/"), two, 2,
	      "python3 -m pytest -v t/test_a.py::T::test_x t/test_b.py::test_y[1-2]", "");
	apply(set, "pytest", ARGV("make", "check"), two, 1, "", "");
	apply(set, "go", ARGV("go", "test", "-v", "./..."), go, 2, "go test -v ./... -run=^(TestA|TestB\\.x)$", "");
	apply(set, "cargo", ARGV("cargo", "test"), go, 1, "cargo test -- --exact TestA", "");
	apply(set, "gtest", ARGV("./unit"), gtest, 2, "./unit", "GTEST_FILTER=Suite.One:Suite.Two");
	apply(set, "gtest", ARGV("make", "check"), NULL, 0, "make check", "GTEST_SHUFFLE=1 GTEST_RANDOM_SEED=17");
	apply(set, "jest", ARGV("npx", "jest"), NULL, 0, "npx jest --randomize --seed=17", "");
	apply(set, "node", ARGV("node", "--test", "a.js"), go, 1, "node --test-name-pattern=^(TestA)$ --test a.js", "");
	apply(set, "prove", ARGV("prove", "-v", "t/"), (struct dialect_pick[]){ { "", "t/a.t", "" } }, 1,
	      "prove -v t/a.t", "");
	leave_out(set);
	ok(!dialect_set_way(set, "nobody", WAY_SELECT), "an unknown dialect has no way");
	dialect_set_free(set);
}

int main(void)
{
	test_rates();
	test_coverage();
	test_confirm();
	test_settings();
	test_settings_repeat();
	test_sweep();
	test_setting_json();
	test_read_pauses();
	test_plan();
	test_shrink();
	test_outcomes();
	test_select();
	return tap_done();
}
