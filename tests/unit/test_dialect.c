/* SPDX-License-Identifier: Apache-2.0 */
/* test_dialect.c - every dialect against what the real tool printed (tests/fixtures/dialects): once to its
 * end (NAME.done), once cut off in a test that hangs (NAME.hang). The sources of those suites are in
 * tests/fixtures/dialects/README.md. */
#include "liveness/dialect.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "tests/tap.h"

#include <stdlib.h>

#define DIR "tests/fixtures/dialects/"

struct fixture {
	const char *file, *command, *dialect; /* the dialect that spoke last */
	uint64_t done[DIALECT_RESULTS];       /* pass fail error skip xfail unknown */
	int64_t plan;
	const char *running;                  /* the one started last: "suite|test", "" none */
	const char *last;                     /* the one that ended last */
};

static const struct fixture fixtures[] = {
	{ "automake/check.done", "make check", "automake",
	  { 2, 1, 1, 1, 1, 0 }, -1, "", "|sub/deep.sh" },
	{ "automake/verbose.done", "make check", "automake",
	  { 2, 1, 1, 1, 1, 0 }, -1, "", "|sub/deep.sh" },
	{ "ava/plain.done", "ava x", "ava",
	  { 1, 1, 0, 2, 0, 0 }, -1, "", "|fails to add" },
	{ "bazel/plain.done", "bazel test x", "bazel",
	  { 2, 1, 0, 0, 0, 0 }, -1, "", "|//calc:fails_test" },
	{ "bun/plain.done", "sh x", "bun",
	  { 2, 1, 0, 1, 0, 0 }, -1, "", "calc|deepest" },
	{ "deno/plain.done", "sh x", "deno",
	  { 2, 1, 0, 1, 0, 0 }, 4, "", "|calc" },
	{ "dotnet/plain.done", "sh x", "dotnet",
	  { 3, 1, 0, 0, 0, 0 }, -1, "", "|CalcTests.Fails" },
	{ "gradle/plain.done", "sh x", "gradle",
	  { 1, 1, 0, 1, 0, 0 }, -1, "", "CalcTest|skipped()" },
	{ "nextest/plain.done", "sh x", "nextest",
	  { 2, 1, 1, 0, 0, 0 }, 4, "", "calc|tests::panics" },
	{ "playwright/list.done", "playwright test", "playwright",
	  { 2, 1, 0, 1, 0, 0 }, 4, "", "calc|deepest" },
	{ "playwright/dot.done", "sh x", "playwright",
	  { 2, 1, 0, 0, 0, 0 }, 4, "", "|fails to add" },
	{ "playwright/line.done", "sh x", "playwright",
	  { 2, 1, 0, 0, 0, 0 }, 4, "", "|fails to add" },
	{ "cargo/single.done", "sh x", "cargo",
	  { 3, 1, 0, 1, 0, 0 }, 5, "", "|tests::skipped" },
	{ "cargo/single.hang", "sh x", "cargo",
	  { 1, 1, 0, 0, 0, 0 }, 5, "|tests::hangs", "|tests::fails" },
	{ "cargo/threads.done", "sh x", "cargo",
	  { 3, 1, 0, 1, 0, 0 }, 5, "", "|tests::fails" },
	{ "cargo/threads.hang", "sh x", "cargo",
	  { 2, 1, 0, 1, 0, 0 }, 5, "", "|tests::skipped" },
	{ "catch2/durations.done", "sh x", "catch2",
	  { 2, 1, 0, 0, 1, 0 }, -1, "", "|" },
	{ "catch2/durations.hang", "sh x", "catch2",
	  { 0, 0, 0, 0, 0, 0 }, -1, "", "|" },
	{ "catch2/plain.done", "sh x", "catch2",
	  { 2, 1, 0, 0, 1, 0 }, -1, "", "|" },
	{ "catch2/plain.hang", "sh x", "catch2",
	  { 0, 0, 0, 0, 0, 0 }, -1, "", "|" },
	{ "catch2/xml.hang", "sh x", "catch2",
	  { 2, 1, 0, 0, 1, 0 }, -1, "|hangs", "|may fail" },
	{ "ctest/j2.done", "sh x", "ctest",
	  { 3, 1, 1, 2, 0, 0 }, 7, "", "|skipped" },
	{ "ctest/j2.hang", "sh x", "ctest",
	  { 2, 1, 1, 2, 0, 0 }, 7, "|hangs", "|disabled" },
	{ "ctest/plain.done", "sh x", "ctest",
	  { 3, 1, 1, 2, 0, 0 }, 7, "", "|hangs" },
	{ "ctest/plain.hang", "sh x", "ctest",
	  { 2, 1, 1, 2, 0, 0 }, 7, "|hangs", "|disabled" },
	{ "exunit/trace.done", "sh x", "exunit",
	  { 3, 1, 0, 1, 0, 0 }, -1, "", "CalcTest|zz hangs here" },
	{ "exunit/trace.hang", "sh x", "exunit",
	  { 2, 1, 0, 1, 0, 0 }, -1, "CalcTest|zz hangs here", "CalcTest|deep works" },
	{ "go/json.done", "sh x", "go-json",
	  { 6, 3, 0, 1, 0, 0 }, -1, "", "example.com/calc|TestPar1" },
	{ "go/json.hang", "sh x", "go-json",
	  { 3, 3, 0, 1, 0, 0 }, -1, "example.com/calc|TestHangs", "example.com/calc/sub|TestSub" },
	{ "go/plain.done", "sh x", "go",
	  { 0, 2, 0, 0, 0, 0 }, -1, "", "|TestTable/b_c" },
	{ "go/serial.done", "sh x", "go",
	  { 5, 3, 0, 1, 0, 0 }, -1, "", "|TestPar1" },
	{ "go/serial.hang", "sh x", "go",
	  { 2, 3, 0, 1, 0, 0 }, -1, "|TestHangs", "|TestTable/b_c" },
	{ "go/v.done", "sh x", "go",
	  { 5, 3, 0, 1, 0, 0 }, -1, "", "|TestPar1" },
	{ "go/v.hang", "sh x", "go",
	  { 2, 3, 0, 1, 0, 0 }, -1, "|TestHangs", "|TestTable/b_c" },
	{ "gtest/plain.done", "sh x", "gtest",
	  { 3, 2, 0, 1, 0, 0 }, 6, "", "Ns/P|Odd/1" },
	{ "gtest/plain.hang", "sh x", "gtest",
	  { 1, 1, 0, 1, 0, 0 }, 6, "Calc|Hangs", "Calc|Skipped" },
	{ "jest/plain.done", "sh x", "jest",
	  { 5, 1, 0, 2, 0, 0 }, -1, "", "|./b.test.js" },
	{ "jest/plain.hang", "sh x", "jest",
	  { 0, 1, 0, 0, 0, 0 }, -1, "", "./a.test.js|fails to add" },
	{ "jest/verbose.done", "sh x", "jest",
	  { 5, 1, 0, 2, 0, 0 }, -1, "", "./b.test.js|hangs here" },
	{ "jest/verbose.hang", "sh x", "jest",
	  { 3, 1, 0, 2, 0, 0 }, -1, "", "./a.test.js|deepest" },
	{ "junit5/tree.done", "sh x", "junit5",
	  { 4, 1, 0, 2, 0, 0 }, -1, "", "CalcTest > Deep|works()" },
	{ "junit5/verbose.done", "sh x", "junit5",
	  { 4, 1, 0, 2, 0, 0 }, 7, "", "Deep|works()" },
	{ "junit5/verbose.hang", "sh x", "junit5",
	  { 2, 1, 0, 2, 0, 0 }, 7, "CalcTest|zhangs()", "CalcTest|skippedLater()" },
	{ "meson/plain.done", "sh x", "meson",
	  { 3, 1, 1, 1, 1, 0 }, 7, "", "calc|hangs" },
	{ "meson/plain.hang", "sh x", "meson",
	  { 2, 1, 1, 1, 1, 0 }, 7, "", "calc:extra|in suite" },
	{ "meson/v.done", "sh x", "meson",
	  { 3, 1, 1, 1, 1, 0 }, 7, "", "calc|hangs" },
	{ "meson/v.hang", "sh x", "meson",
	  { 2, 1, 1, 1, 1, 0 }, 7, "calc|hangs", "calc:extra|in suite" },
	{ "minitest/v.done", "sh x", "minitest",
	  { 2, 1, 1, 1, 0, 0 }, -1, "", "CalcTest|test_hangs" },
	{ "minitest/v.hang", "sh x", "minitest",
	  { 1, 1, 1, 1, 0, 0 }, -1, "CalcTest|test_hangs", "CalcTest|test_adds" },
	{ "mocha/spec.done", "mocha a.js", "mocha",
	  { 4, 1, 0, 2, 0, 0 }, -1, "", "calc > deep|deepest" },
	{ "mocha/spec.hang", "mocha a.js", "mocha",
	  { 2, 1, 0, 2, 0, 0 }, -1, "", "calc|pending one" },
	{ "node/spec.done", "node --test a.js", "node-spec",
	  { 3, 2, 0, 1, 1, 0 }, -1, "", "|hangs here" },
	{ "node/spec.hang", "node --test a.js", "node-spec",
	  { 2, 2, 0, 1, 1, 0 }, -1, "", "|calc" },
	{ "phpunit/debug.done", "sh x", "phpunit",
	  { 0, 0, 0, 0, 0, 9 }, -1, "", "CalcTest|testHangs" },
	{ "phpunit/debug.hang", "sh x", "phpunit",
	  { 0, 0, 0, 0, 0, 8 }, -1, "CalcTest|testHangs", "CalcTest|testData with data set \"two\" (2)" },
	{ "phpunit/plain.done", "sh x", "phpunit",
	  { 4, 2, 1, 2, 0, 0 }, 9, "", "|" },
	{ "phpunit/plain.hang", "sh x", "phpunit",
	  { 3, 2, 1, 2, 0, 0 }, -1, "", "|" },
	{ "phpunit/testdox.done", "sh x", "phpunit",
	  { 4, 3, 0, 2, 0, 0 }, -1, "", "Calc|Hangs" },
	{ "phpunit/testdox.hang", "sh x", "phpunit",
	  { 3, 3, 0, 2, 0, 0 }, -1, "", "Calc|Data with data set \"two\"" },
	{ "pytest/plain.done", "python3 -m pytest", "pytest",
	  { 7, 3, 0, 1, 1, 0 }, 12, "", "test_a.py|" },
	{ "pytest/plain.hang", "python3 -m pytest", "pytest",
	  { 4, 2, 0, 1, 1, 0 }, 12, "", "test_a.py|" },
	{ "pytest/q.done", "python3 -m pytest", "pytest",
	  { 7, 3, 0, 1, 1, 0 }, -1, "", "|" },
	{ "pytest/q.hang", "python3 -m pytest", "pytest",
	  { 4, 2, 0, 1, 1, 0 }, -1, "", "|" },
	{ "pytest/v.done", "python3 -m pytest", "pytest",
	  { 7, 3, 0, 1, 1, 0 }, 12, "", "test_a.py|test_zz_after" },
	{ "pytest/v.hang", "python3 -m pytest", "pytest",
	  { 4, 2, 0, 1, 1, 0 }, 12, "test_a.py::Calc|test_zhangs", "test_a.py::Calc|test_xfail" },
	{ "pytest/vs.done", "python3 -m pytest", "pytest",
	  { 7, 3, 0, 1, 1, 0 }, 12, "", "test_a.py|test_zz_after" },
	{ "pytest/vs.hang", "python3 -m pytest", "pytest",
	  { 4, 2, 0, 1, 1, 0 }, 12, "test_a.py::Calc|test_zhangs", "test_a.py::Calc|test_xfail" },
	{ "pytest/xdist.done", "python3 -m pytest", "pytest",
	  { 7, 3, 0, 1, 1, 0 }, 12, "", "test_a.py::Calc|test_zhangs" },
	{ "pytest/xdist.hang", "python3 -m pytest", "pytest",
	  { 6, 3, 0, 1, 1, 0 }, 12, "test_a.py::Calc|test_zhangs", "test_a.py|test_zz_after" },
	{ "regrtest/j2.done", "sh x", "regrtest",
	  { 3, 0, 0, 0, 0, 0 }, 3, "", "|test_int" },
	{ "regrtest/json.done", "sh x", "regrtest",
	  { 167, 0, 0, 1, 0, 0 }, -1, "", "|test_json" },
	{ "regrtest/plain.done", "sh x", "regrtest",
	  { 1, 0, 0, 0, 0, 0 }, 1, "", "|test_zhang" },
	{ "regrtest/plain.hang", "sh x", "regrtest",
	  { 0, 0, 0, 0, 0, 0 }, 1, "|test_zhang", "|" },
	{ "regrtest/v.done", "sh x", "regrtest",
	  { 2, 0, 0, 0, 0, 0 }, -1, "", "|test_zhang" },
	{ "regrtest/v.hang", "sh x", "unittest",
	  { 1, 0, 0, 0, 0, 0 }, -1, "test_zhang.Z|test_hangs", "test_zhang.Z|test_before" },
	{ "rspec/doc.done", "rspec x", "rspec",
	  { 3, 1, 0, 2, 0, 0 }, -1, "", "Calc > when deep|works (really)" },
	{ "rspec/doc.hang", "rspec x", "rspec",
	  { 1, 1, 0, 2, 0, 0 }, -1, "", "Calc|not written" },
	{ "rspec/dots.done", "rspec x", "rspec",
	  { 3, 1, 0, 2, 0, 0 }, -1, "", "|" },
	{ "rspec/dots.hang", "rspec x", "rspec",
	  { 1, 1, 0, 2, 0, 0 }, -1, "", "|" },
	{ "surefire/plain.done", "mvn test", "surefire",
	  { 3, 1, 1, 1, 0, 0 }, -1, "", "|calc.BTest" },
	{ "surefire/plain.hang", "mvn test", "surefire",
	  { 3, 1, 1, 1, 0, 0 }, -1, "|calc.CTest", "|calc.BTest" },
	{ "surefire/v3.done", "mvn test", "surefire",
	  { 3, 1, 1, 1, 0, 0 }, -1, "", "|calc.BTest" },
	{ "tap/bats.done", "sh x", "tap",
	  { 3, 1, 0, 1, 0, 0 }, 5, "", "|never starts when hung" },
	{ "tap/bats.hang", "sh x", "tap",
	  { 1, 1, 0, 1, 0, 0 }, 5, "", "|skipped one" },
	{ "tap/node.done", "node --test a.js", "node",
	  { 3, 2, 0, 1, 1, 0 }, -1, "", "|hangs here" },
	{ "tap/node.hang", "node --test a.js", "node",
	  { 2, 2, 0, 1, 1, 0 }, -1, "", "|calc" },
	{ "tap/prove-v.done", "prove a.t b.t", "prove",
	  { 4, 1, 0, 1, 1, 0 }, 7, "", "|b.t" },
	{ "tap/prove-v.hang", "prove a.t b.t", "prove",
	  { 2, 1, 0, 1, 1, 0 }, 5, "", "|a.t" },
	{ "tap/prove-v-timer.hang", "prove a.t b.t", "prove",
	  { 2, 1, 0, 1, 1, 0 }, 5, "", "|a.t" },
	{ "tap/prove.done", "prove a.t b.t", "prove",
	  { 1, 1, 0, 0, 0, 0 }, -1, "", "|b.t" },
	{ "tap/prove.hang", "prove a.t b.t", "prove",
	  { 0, 1, 0, 0, 0, 0 }, -1, "", "|a.t" },
	{ "tap/raw.hang", "sh x", "tap",
	  { 1, 0, 0, 0, 0, 0 }, -1, "", "|before the hang" },
	{ "teamcity/phpunit.done", "sh x", "phpunit",
	  { 3, 4, 0, 2, 0, 0 }, -1, "", "/src/phpunit > CalcTest|testHangs" },
	{ "teamcity/phpunit.hang", "sh x", "teamcity",
	  { 2, 4, 0, 2, 0, 0 }, -1, "/src/phpunit > CalcTest|testHangs", "/src/phpunit > CalcTest > testData|testData with data set \"two\"" },
	{ "unittest/v.done", "sh x", "unittest",
	  { 5, 1, 1, 1, 1, 0 }, -1, "", "ut_a.Calc|test_zhangs" },
	{ "unittest/v.hang", "sh x", "unittest",
	  { 4, 1, 1, 1, 1, 0 }, -1, "ut_a.Calc|test_zhangs", "ut_a.Calc|test_xfail" },
	{ "vitest/plain.done", "sh x", "vitest",
	  { 5, 1, 0, 2, 0, 0 }, -1, "", "b.test.js|" },
	{ "vitest/plain.hang", "sh x", "vitest",
	  { 3, 1, 0, 2, 0, 0 }, -1, "", "a.test.js|deepest" },
	{ "vitest/verbose.done", "sh x", "vitest",
	  { 5, 1, 0, 2, 0, 0 }, -1, "", "b.test.js|hangs here" },
	{ "vitest/verbose.hang", "sh x", "vitest",
	  { 4, 1, 0, 2, 0, 0 }, -1, "", "b.test.js|other file" },
};

#define FIXTURES (sizeof(fixtures) / sizeof(fixtures[0]))

/* What a caller learns through the events alone must be what the reader says. */
struct heard {
	uint64_t done[DIALECT_RESULTS];
	int64_t totals[DIALECT_RESULTS], total;
	unsigned started, ended, cuts, events;
	bool open[8192]; /* by id */
	bool twice;
};

static void hear(void *ctx, const struct dialect_event *ev)
{
	struct heard *h = ctx;

	h->events++;
	if (ev->kind == DIALECT_TEST_START && ev->id < 8192) {
		h->twice |= h->open[ev->id];
		h->open[ev->id] = true;
		h->started++;
	}
	if ((ev->kind == DIALECT_TEST_END || ev->kind == DIALECT_WITHDRAWN) && ev->id && ev->id < 8192) {
		h->twice |= !h->open[ev->id];
		h->open[ev->id] = false;
		h->ended++;
	}
	if (ev->kind == DIALECT_TEST_END && !ev->nested)
		h->done[ev->result]++;
	if (ev->kind == DIALECT_RULE_CUT)
		h->cuts++;
	if (ev->kind == DIALECT_TOTALS) {
		for (int i = 0; i < DIALECT_RESULTS; i++)
			if (ev->totals[i] >= 0)
				h->totals[i] = ev->totals[i];
		if (ev->total >= 0)
			h->total = ev->total;
	}
}

static struct dialect_set *set;
static struct err err;

static struct dialect_reader *reader_for(const char *command, struct heard *h)
{
	struct dialect_reader *r = NULL;
	char *argv[8] = { NULL }, *copy = xstrdup(command), *save = NULL;
	size_t n = 0;

	for (char *w = strtok_r(copy, " ", &save); w && n < 7; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	memset(h, 0, sizeof(*h));
	h->total = -1;
	for (int i = 0; i < DIALECT_RESULTS; i++)
		h->totals[i] = -1;
	if (dialect_reader_new(&r, set, "auto", argv, hear, h, &err) < 0)
		printf("# %s\n", err.msg);
	free(copy);
	return r;
}

static char *fixture_text(const char *name, size_t *n)
{
	char path[200];
	char *text = NULL;

	snprintf(path, sizeof(path), DIR "%s.txt", name);
	if (file_read(path, 1 << 20, &text, n, &err) < 0) {
		printf("# %s\n", err.msg);
		*n = 0;
		return xstrdup("");
	}
	return text;
}

static bool result_is(const struct fixture *f, struct dialect_reader *r, const struct heard *h, const char *how)
{
	struct dialect_counts c;
	struct dialect_running run[1];
	const char *suite = "", *test = "";
	auto_free char *running = NULL, *last = NULL;
	bool good;

	dialect_counts(r, NULL, &c);
	running = dialect_running(r, run, 1) ? xasprintf("%s|%s", run[0].suite, run[0].test) : xstrdup("");
	dialect_last(r, &suite, &test);
	last = xasprintf("%s|%s", suite, test);
	good = memcmp(c.done, f->done, sizeof(c.done)) == 0 && c.plan == f->plan && !h->twice && h->cuts == 0 &&
		strcmp(running, f->running) == 0 && strcmp(last, f->last) == 0 &&
		strcmp(dialect_current(r) ? dialect_current(r) : "", f->dialect) == 0;
	ok(good, "%s %s", f->file, how);
	if (!good)
		printf("# %llu %llu %llu %llu %llu %llu plan %lld running '%s' last '%s' current %s twice %d cuts %u\n",
		       (unsigned long long)c.done[0], (unsigned long long)c.done[1], (unsigned long long)c.done[2],
		       (unsigned long long)c.done[3], (unsigned long long)c.done[4], (unsigned long long)c.done[5],
		       (long long)c.plan, running, last, dialect_current(r) ? dialect_current(r) : "unknown", h->twice,
		       h->cuts);
	return good;
}

/* chunk: bytes a read gives; 0: all at once. Settled only at the end, as where output comes in a burst. */
static void feed(struct dialect_reader *r, int stream, const char *p, size_t n, size_t chunk)
{
	for (size_t at = 0; at < n;) {
		size_t k = chunk && chunk < n - at ? chunk : n - at;

		dialect_feed(r, stream, p + at, k, 1000);
		at += k;
	}
	dialect_settle(r, NS_PER_S);
}

static void feed_text(struct dialect_reader *r, const char *text) { feed(r, 1, text, strlen(text), 0); }

static void test_fixtures(void)
{
	for (size_t i = 0; i < FIXTURES; i++) {
		const struct fixture *f = &fixtures[i];
		static struct heard h;
		struct dialect_reader *r;
		size_t n;
		auto_free char *text = fixture_text(f->file, &n);

		r = reader_for(f->command, &h);
		feed(r, 1, text, n, 0);
		result_is(f, r, &h, "as the tool printed it");
		dialect_reader_free(r);
		for (size_t chunk = 1; chunk < 100; chunk = chunk * 3 + 1) {
			r = reader_for(f->command, &h);
			feed(r, 2, text, n, chunk);
			if (!result_is(f, r, &h, "in pieces"))
				printf("# of %zu bytes\n", chunk);
			dialect_reader_free(r);
		}
	}
}

/* LF becomes CRLF, each line is coloured as a whole and its first word once more. */
static char *disguise(const char *text, size_t n, size_t *out_n)
{
	auto_str s = STR_INIT;
	bool begin = true;

	for (size_t i = 0; i < n; i++) {
		if (begin)
			str_add(&s, "\033[1m\033[38;5;42m\033]0;title\a");
		begin = text[i] == '\n';
		if (begin)
			str_add(&s, "\033[0m\033[K\r");
		str_addc(&s, text[i]);
		if (text[i] == ' ')
			str_add(&s, "\033[m");
	}
	*out_n = s.len;
	return str_steal(&s);
}

static void test_disguised(void)
{
	for (size_t i = 0; i < FIXTURES; i++) {
		static struct heard h;
		struct dialect_reader *r;
		size_t n, k;
		auto_free char *text = fixture_text(fixtures[i].file, &n), *colored = disguise(text, n, &k);

		r = reader_for(fixtures[i].command, &h);
		feed(r, 1, colored, k, 4096);
		result_is(&fixtures[i], r, &h, "in colours and with CRLF");
		dialect_reader_free(r);
	}
}

/* The tool's own closing line against what was counted. */
static void test_totals(void)
{
	static const char *const files[] = { "tap/node.done", "node/spec.done", "pytest/v.done", "pytest/q.done",
		"pytest/plain.done", "pytest/xdist.done", "pytest/vs.done", "unittest/v.done", "cargo/threads.done",
		"cargo/single.done", "gtest/plain.done", "jest/verbose.done", "vitest/verbose.done", "mocha/spec.done",
		"minitest/v.done", "junit5/verbose.done", "rspec/dots.done", "exunit/trace.done", "phpunit/plain.done",
		"jest/plain.done", "vitest/plain.done", "rspec/doc.done", "catch2/plain.done", "junit5/tree.done",
		"surefire/plain.done", "surefire/v3.done" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const struct fixture *f = NULL;
		static struct heard h;
		struct dialect_reader *r;
		size_t n;
		auto_free char *text = fixture_text(files[i], &n);
		uint64_t sum = 0;

		for (size_t k = 0; k < FIXTURES; k++)
			if (strcmp(fixtures[k].file, files[i]) == 0)
				f = &fixtures[k];
		r = reader_for(f ? f->command : "sh", &h);
		feed(r, 1, text, n, 0);
		dialect_flush(r, 3000); /* failures whose names did not come */
		for (int k = 0; k < DIALECT_RESULTS; k++)
			sum += h.done[k];
		ok((h.totals[DIALECT_FAIL] < 0 || (uint64_t)h.totals[DIALECT_FAIL] == h.done[DIALECT_FAIL]) &&
		   (h.totals[DIALECT_PASS] < 0 || (uint64_t)h.totals[DIALECT_PASS] == h.done[DIALECT_PASS]) &&
		   (h.total < 0 || (uint64_t)h.total == sum) &&
		   (h.total >= 0 || h.totals[DIALECT_PASS] >= 0), "%s: the tool's own closing line agrees", files[i]);
		dialect_reader_free(r);
	}
}

static uint64_t done_by(struct dialect_reader *r, const char *dialect)
{
	struct dialect_counts c;
	uint64_t sum = 0;

	dialect_counts(r, dialect, &c);
	for (int i = 0; i < DIALECT_RESULTS; i++)
		sum += c.done[i];
	return sum;
}

static void test_mixtures(void)
{
	static const char *const in_turn[] = { "unittest/v.done", "ctest/plain.done", "pytest/v.done", "gtest/plain.done",
					       "tap/bats.done", "cargo/single.done", "ctest/j2.done" };
	static const char make[] = "make[1]: Entering directory '/src'\ncc -O2 -c a.c\n";
	static struct heard h;
	struct dialect_reader *r = reader_for("make check", &h);
	size_t n, m, i = 0, k = 0;

	for (size_t f = 0; f < sizeof(in_turn) / sizeof(in_turn[0]); f++) {
		auto_free char *text = fixture_text(in_turn[f], &n);

		feed(r, 1, make, sizeof(make) - 1, 0);
		feed(r, 1, text, n, 1000);
	}
	ok(done_by(r, "unittest") == 9 && done_by(r, "ctest") == 14 && done_by(r, "pytest") == 12 &&
	   done_by(r, "gtest") == 6 && done_by(r, "tap") == 5 && done_by(r, "cargo") == 5,
	   "make check: six tools one after another are told apart (%llu %llu %llu %llu %llu %llu)",
	   (unsigned long long)done_by(r, "unittest"), (unsigned long long)done_by(r, "ctest"),
	   (unsigned long long)done_by(r, "pytest"), (unsigned long long)done_by(r, "gtest"),
	   (unsigned long long)done_by(r, "tap"), (unsigned long long)done_by(r, "cargo"));
	is_int(done_by(r, NULL), 51, "and summed");
	dialect_reader_free(r);

	r = reader_for("make -j2 check", &h);
	{ /* both streams at once, in small pieces */
		auto_free char *a = fixture_text("ctest/plain.hang", &n), *b = fixture_text("unittest/v.hang", &m);
		struct dialect_running run[4];

		while (i < n || k < m) {
			size_t step = i < n ? (n - i < 7 ? n - i : 7) : 0, other = k < m ? (m - k < 5 ? m - k : 5) : 0;

			dialect_feed(r, 1, a + i, step, 1000);
			dialect_feed(r, 2, b + k, other, 1000);
			i += step;
			k += other;
		}
		dialect_settle(r, NS_PER_S);
		is_int(dialect_running(r, run, 4), 2, "two streams interleaved: both hanging tests are known");
		ok(done_by(r, "ctest") == 6 && done_by(r, "unittest") == 8, "and counted");
	}
	dialect_reader_free(r);
}

static void test_unknown(void)
{
	static const char ordinary[] =
		"gcc -O2 -Wall -c src/a.c -o a.o\nsrc/a.c:12:3: warning: unused variable 'ok' [-Wunused]\n"
		"ok\nOK\nFAILED\nPASS\nok so far\n1 passing thought\nnot ok, he said\n... done\n.\n..F..\n"
		"running 5 miles\ntest the water ... fine\n   12 pending\n# Subtest: none\n  \342\234\223 built in 3s\n"
		"> cat prove.txt\n$ echo pytest\n[ RUN ] x\n--- a/file\n+++ b/file\n  1) first\n - item\n"
		"Tests: none\nTime: 00:01\nFAIL: x\n{\"Time\":\"now\",\"Action\":\"run\"}\n";
	static struct heard h;
	struct dialect_reader *r = reader_for("make", &h);

	feed(r, 1, ordinary, sizeof(ordinary) - 1, 0);
	dialect_feed_end(r, 1, 2000);
	ok(h.started == 0 && done_by(r, NULL) == 0, "ordinary output holds no test");
	ok(dialect_current(r) == NULL, "and its dialect is unknown");
	dialect_reader_free(r);

	r = reader_for("npm test", &h);
	feed_text(r, "\n> pkg@1.0.0 test\n> mocha a.js\n\n\n  calc\n    \342\234\224 adds\n");
	ok(done_by(r, "mocha") == 1, "the command line that npm prints chooses");
	dialect_reader_free(r);

	r = reader_for("tox -e py311", &h);
	feed_text(r, "py311: commands[0]> pytest -q\n..F\n");
	ok(done_by(r, "pytest") == 3, "the command line that tox prints chooses");
	dialect_reader_free(r);

	r = reader_for("nox", &h);
	feed_text(r, "nox > Running session tests\nnox > python -m pytest -q\n.s\n");
	ok(done_by(r, "pytest") == 2, "the command line that nox prints chooses");
	dialect_reader_free(r);
}

/* What CPython's test suites print besides their tests. */
static void test_doctest_runs(void)
{
	static struct heard h;
	struct dialect_reader *r = reader_for("python3 -m test -v test_decimal", &h);

	feed_text(r, "test_a (m.T.test_a) ... ok\n\nRan 1 test in 0.1s\n\nOK\n"
		     "doctest (decimal) ... 9 tests with zero failures\ntest_b (m.T.test_b) ... ok\n");
	is_int(done_by(r, "unittest"), 2, "a run of doctest is no test of unittest's");
	dialect_reader_free(r);
}

static void put(struct dialect_reader *r, const char *text, int64_t now)
{
	dialect_feed(r, 1, text, strlen(text), now);
}

/* Lines that have no end yet. */
static void test_settle(void)
{
	const int64_t ms = NS_PER_MS;
	static struct heard h;
	struct dialect_running run[4];
	struct dialect_reader *r = reader_for("python3 -m unittest -v", &h);

	put(r, "test_a (m.T.test_a) ... ", 100 * ms);
	is_int(dialect_settle(r, 101 * ms), 105 * ms, "a line that has just come is left alone");
	is_int(dialect_running(r, run, 4), 0, "and nothing is said of it");
	is_int(dialect_settle(r, 105 * ms), TIME_NEVER, "when it has been quiet it is read");
	ok(dialect_running(r, run, 4) == 1 && run[0].start_ns == 100 * ms, "its test began with its last bytes");
	put(r, "ok\ntest_b (m.T.test_b) ... ok\n", 200 * ms);
	is_int(done_by(r, "unittest"), 2, "its end is the end of that test");
	is_int(h.started, 1, "a test that ends in the same read has no start");
	dialect_reader_free(r);

	r = reader_for("ctest", &h);
	put(r, "Test project /src/b\n    Start 1: ad", 0);
	dialect_settle(r, NS_PER_S);
	is_int(dialect_running(r, run, 4), 0, "half a name is no name");
	put(r, "ds\n", NS_PER_S);
	ok(dialect_running(r, run, 4) == 1 && strcmp(run[0].test, "adds") == 0, "the whole one is");
	dialect_reader_free(r);

	r = reader_for("pytest -n 2 -v", &h);
	put(r, "a.py::test_x \n[gw0] [ 50%] PASSED a.py::test_x ", 0);
	dialect_settle(r, NS_PER_S);
	is_int(done_by(r, "pytest"), 1, "xdist ends a line when the next begins: the end is known before");
	put(r, "\n", NS_PER_S);
	is_int(done_by(r, "pytest"), 1, "and counted once");
	dialect_reader_free(r);

	r = reader_for("pytest", &h);
	put(r, "a.py ..", 0);
	dialect_settle(r, NS_PER_S);
	is_int(done_by(r, "pytest"), 2, "characters count when they come");
	put(r, ".\nb.py F.\n", NS_PER_S);
	is_int(done_by(r, "pytest"), 5, "each once, in each line anew");
	dialect_reader_free(r);

	r = reader_for("go test -json ./...", &h);
	put(r, "{\"Time\":\"t\",\"Action\":\"run\",\"Package\":\"p1\",\"Test\":\"TestX\"}\n"
	       "{\"Time\":\"t\",\"Action\":\"run\",\"Package\":\"p2\",\"Test\":\"TestX\"}\n"
	       "{\"Time\":\"t\",\"Action\":\"run\",\"Package\":\"p2\",\"Test\":\"Test\\u003cY\\\"\"}\n"
	       "{\"Time\":\"t\",\"Action\":\"pause\",\"Package\":\"p2\",\"Test\":\"TestX\"}\n"
	       "{\"Time\":\"t\",\"Action\":\"pass\",\"Package\":\"p1\",\"Test\":\"TestX\",\"Elapsed\":1.5}\n", 0);
	ok(dialect_running(r, run, 4) == 1 && strcmp(run[0].test, "Test<Y\"") == 0, "a paused test does not run");
	put(r, "{\"Time\":\"t\",\"Action\":\"cont\",\"Package\":\"p2\",\"Test\":\"TestX\"}\n", 0);
	ok(dialect_running(r, run, 4) == 2 && strcmp(run[1].test, "TestX") == 0 && strcmp(run[1].suite, "p2") == 0,
	   "until it goes on");
	is_int(h.started, 3, "suites keep equal names apart");
	dialect_reader_free(r);
}

static void test_hostile(void)
{
	static struct heard h;
	struct dialect_reader *r = reader_for("python3 -m pytest", &h);
	size_t big = 10 << 20;
	char *line = xmalloc(big);
	struct dialect_running run[1];

	memset(line, 'x', big);
	memcpy(line, "t.py::test_long ", 16);
	feed(r, 1, line, big, 65536);
	feed_text(r, "\nt.py::test_next PASSED\n");
	ok(done_by(r, "pytest") == 1, "a line of 10 MB passes");
	for (size_t i = 0; i < big; i++)
		line[i] = (char)(i * 2654435761u >> 13);
	feed(r, 1, line, big, 4096);
	feed_text(r, "\nt.py::test_last PASSED\n");
	ok(done_by(r, "pytest") == 2 && h.cuts == 0, "10 MB of any bytes pass, and what follows them is read");
	dialect_reader_free(r);

	r = reader_for("python3 -m pytest", &h);
	feed_text(r, "t.py::test_\377\303x PASSED\nt.py::test_\303\251[\360\237\230\200] ");
	ok(done_by(r, "pytest") == 1 && dialect_running(r, run, 1) == 1 &&
	   strcmp(run[0].test, "test_\303\251[\360\237\230\200]") == 0, "names are UTF-8 whatever the tool prints");
	dialect_reader_free(r);

	r = reader_for("python3 -m unittest", &h);
	for (int i = 0; i < 20000; i++) {
		int n = snprintf(line, 100, "{\"Time\":\"t\",\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"T%d\"}\n", i);

		dialect_feed(r, 1, line, (size_t)n, i);
	}
	{
		struct dialect_counts c;

		dialect_counts(r, NULL, &c);
		is_int(c.running, DIALECT_RUNNING_MAX, "tests that run at once are bounded");
	}
	dialect_reader_free(r);
	free(line);
}

static int add(const char *text) { return dialect_set_add_text(set, "mine.yaml", text, strlen(text), &err); }

static void test_user_dialects(void)
{
	static struct heard h;
	struct dialect_reader *r;
	char *argv[] = { (char *)"sh", NULL };
	auto_str line = STR_INIT;
	struct strv names = STRV_INIT;

	ok(add("version: 1\nname: mine\ntitle: mine\nrules:\n"
	       "  - {on: end, enter: true, match: 'DONE (?<test>\\w+)', result: pass}\n"
	       "  - {on: end, match: '(a+)+$', result: fail}\n") == 0, "a user's dialect is taken");
	ok(dialect_set_has(set, "mine") && dialect_set_has(set, "pytest"), "beside the others");
	ok(dialect_reader_new(&r, set, "mine", argv, hear, memset(&h, 0, sizeof(h)), &err) == 0, "chosen by name");
	feed_text(r, "DONE one\n");
	ok(done_by(r, "mine") == 1, "it is read");
	for (int i = 0; i < 4000; i++)
		str_addc(&line, 'a');
	str_add(&line, "b\n");
	for (int i = 0; i < 10; i++)
		feed(r, 1, line.data, line.len, 0);
	ok(h.cuts >= 1 && h.cuts <= 3, "a catastrophic pattern is cut and then dropped (%u)", h.cuts);
	feed_text(r, "DONE two\n");
	ok(done_by(r, "mine") == 2, "and the others are read on");
	dialect_reader_free(r);

	ok(dialect_reader_new(&r, set, "pytset", argv, NULL, NULL, &err) < 0, "an unknown name");
	is_str(err.msg, "no dialect 'pytset' (did you mean 'pytest'?)", "gets the nearest");
	is_int(err.kind, ERR_USAGE, "as an error of usage");
	ok(add("version: 1\nname: x\ntitle: x\nrules:\n  - {on: end, match: '(a'}\n") < 0 &&
	   strstr(err.msg, "mine.yaml:5:22: pattern: missing closing parenthesis"), "a bad pattern: %s", err.msg);
	ok(add("version: 1\nname: x\ntitle: x\nrules:\n  - {on: end, match: 'a', hsa: b}\n") < 0 &&
	   strstr(err.msg, "did you mean 'has'"), "an unknown key: %s", err.msg);
	ok(add("version: 1\nname: x\ntitle: x\nrules:\n  - {on: finish, match: 'a'}\n") < 0, "a bad word: %s", err.msg);
	ok(add("version: 1\nname: x\ntitle: x\n") < 0, "no rules: %s", err.msg);
	dialect_set_names(set, &names);
	ok(names.n >= 22, "%zu dialects", names.n);
	strv_release(&names);
}

/* Built-in patterns are compiled at need: here all of them are. */
static void test_builtin_patterns(void)
{
	struct strv names = STRV_INIT;

	dialect_set_names(set, &names);
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *path = xasprintf("liveness/dialects/%s.yaml", names.v[i]);
		struct err e = { .msg = "" };

		ok(dialect_set_add_file(set, path, &e) == 0, "%s compiles%s%s", names.v[i], e.msg[0] ? ": " : "", e.msg);
	}
	strv_release(&names);
}

int main(void)
{
	if (dialect_set_new(&set, &err) < 0) {
		printf("Bail out! %s\n", err.msg);
		return 1;
	}
	test_fixtures();
	test_disguised();
	test_totals();
	test_mixtures();
	test_unknown();
	test_doctest_runs();
	test_settle();
	test_hostile();
	test_builtin_patterns();
	test_user_dialects();
	dialect_set_free(set);
	return tap_done();
}
