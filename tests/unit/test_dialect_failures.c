/* SPDX-License-Identifier: Apache-2.0 */
/* test_dialect_failures.c - which test failed, where and why, in the words of each tool (tests/fixtures/dialects). */
#include "liveness/dialect.h"

#include "base/mem.h"
#include "base/path.h"
#include "tests/tap.h"

#include <stdint.h>
#include <stdlib.h>

static struct dialect_set *set;
static struct err err;

static char *fixture_text(const char *name, size_t *n)
{
	auto_free char *path = xasprintf("tests/fixtures/dialects/%s.txt", name);
	char *text = NULL;

	if (file_read(path, 1 << 20, &text, n, &err) < 0) {
		printf("# %s\n", err.msg);
		*n = 0;
		return xstrdup("");
	}
	return text;
}

/* Of each tool that says so: which test failed, where, why. Joined by the end of the name, as reports do. */
struct failure_told {
	const char *file, *command, *test, *place, *message;
};

static const struct failure_told failures_told[] = {
	{ "automake/verbose.done", "automake check", "fails.sh", "", "1 is not 2" },
	{ "bun/plain.done", "sh", "fails to add", "/src/a.test.js:3",
	  "expect(received).toBe(expected), Expected: 2, Received: 1" },
	{ "deno/plain.done", "sh", "fails to add", "/src/a_test.js:2", "Error: 1 is not 2" },
	{ "dotnet/plain.done", "sh", "CalcTests.Fails", "/src/CalcTests.cs:12",
	  "Assert.Equal() Failure: Values differ, Expected: 1, Actual:   2" },
	{ "gradle/plain.done", "sh", "fails()", "CalcTest.java:12",
	  "org.opentest4j.AssertionFailedError: expected: <1> but was: <2>" },
	{ "playwright/dot.done", "sh", "fails to add", "/src/a.spec.js:3",
	  "Error: expect(received).toBe(expected) // Object.is equality, Expected: 2, Received: 1" },
	{ "cargo/threads.done", "sh", "tests::fails", "src/lib.rs:7", "assertion `left == right` failed, left: 1, right: 2" },
	{ "ctest/plain.done", "sh", "fails_to_add", "", "Failed" },
	{ "exunit/trace.done", "sh", "fails to add", "calc_test.exs:5", "Assertion with == failed, left:  1, right: 2" },
	{ "go/json.done", "sh", "TestFails", "calc_test.go:4", "1 != 2" },
	{ "go/v.done", "sh", "TestFails", "calc_test.go:4", "1 != 2" },
	{ "go/plain.done", "sh", "TestTable/b_c", "calc_test.go:6", "bad" },
	{ "gtest/plain.done", "sh", "Fails", "t.cc:6", "Expected equality of these values: 1, 2" },
	{ "jest/plain.done", "sh", "fails to add", "a.test.js:1",
	  "expect(received).toBe(expected) // Object.is equality, Expected: 2, Received: 1" },
	{ "junit5/tree.done", "sh", "fails()", "CalcTest.java:5", "AssertionFailedError: expected: <1> but was: <2>" },
	{ "meson/plain.done", "sh", "fails to add", "", "exit status 1" },
	{ "minitest/v.done", "sh", "test_fails", "t.rb:4", "Expected: 1, Actual: 2" },
	{ "mocha/spec.done", "mocha", "fails to add", "a.js:3", "AssertionError [ERR_ASSERTION]: 1 == 2" },
	{ "node/spec.done", "node --test", "fails to add", "/src/node/a.test.js:2", "AssertionError [ERR_ASSERTION]: 1 == 2" },
	{ "phpunit/plain.done", "sh", "testFails", "/src/phpunit/CalcTest.php:5", "Failed asserting that 2 is identical to 1." },
	{ "pytest/q.done", "pytest", "test_param[2]", "test_a.py:18", "assert 2 == 1" },
	{ "pytest/plain.done", "pytest", "test_fails", "test_a.py:4", "AssertionError: 1 != 2" },
	{ "pytest/v.done", "pytest", "test_error", "test_a.py:9", "RuntimeError: boom" },
	{ "pytest/xdist.done", "pytest", "test_fails", "test_a.py:4", "AssertionError: 1 != 2" },
	{ "rspec/doc.done", "rspec", "fails to add", "./t_spec.rb:3", "expected: 2, got: 1" },
	{ "rspec/dots.done", "rspec", "Calc fails to add", "./t_spec.rb:3", "expected: 2, got: 1" },
	{ "surefire/v3.done", "mvn", "fails", "ATest.java:10", "java.lang.AssertionError: expected:<3> but was:<2>" },
	{ "tap/bats.done", "sh", "fails to add", "a.bats:2", "`@test \"fails to add\" { [ 1 -eq 2 ]; }' failed" },
	{ "tap/node.done", "node --test", "fails to add", "/src/node/a.test.js:2", "1 == 2" },
	{ "tap/prove.done", "prove", "a.t", "", "Wstat: 256 (exited 1) Tests: 5 Failed: 1" },
	{ "teamcity/phpunit.done", "sh", "testFails", "/src/phpunit/CalcTest.php:5",
	  "Failed asserting that 2 is identical to 1." },
	{ "unittest/v.done", "sh", "test_fails", "/src/py/ut_a.py:4", "AssertionError: 1 != 2" },
	{ "vitest/plain.done", "sh", "fails to add", "a.test.js:1",
	  "AssertionError: expected 1 to be 2 // Object.is equality" },
};

struct failure_heard {
	const char *test;
	unsigned ended;
	char place[400], message[1100];
};

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static void hear_failure(void *ctx, const struct dialect_event *ev)
{
	struct failure_heard *h = ctx;

	if (ev->kind == DIALECT_TEST_END && strcmp(ev->test, h->test) == 0 &&
	    (ev->result == DIALECT_FAIL || ev->result == DIALECT_ERROR))
		h->ended++;
	if ((ev->kind != DIALECT_TEST_END && ev->kind != DIALECT_BODY && ev->kind != DIALECT_FAILURE) ||
	    (!ends_with(ev->test, h->test) && !ends_with(h->test, ev->test)) || !*ev->test)
		return;
	if (*ev->file && (ev->line || ev->kind != DIALECT_TEST_END) && !h->place[0])
		snprintf(h->place, sizeof(h->place), "%s:%lld", ev->file, (long long)ev->line);
	if (*ev->message && (!h->message[0] || strcmp(ev->dialect, "go-json") == 0))
		snprintf(h->message, sizeof(h->message), "%s", ev->message);
}

static void test_failures_told(void)
{
	for (size_t i = 0; i < sizeof(failures_told) / sizeof(failures_told[0]); i++) {
		const struct failure_told *f = &failures_told[i];
		char *argv[] = { (char *)(uintptr_t)f->command, NULL, NULL };
		struct failure_heard h = { .test = f->test };
		struct dialect_reader *r = NULL;
		size_t n;
		auto_free char *text = fixture_text(f->file, &n);

		if (dialect_reader_new(&r, set, "auto", argv, hear_failure, &h, &err) < 0)
			printf("# %s\n", err.msg);
		dialect_feed(r, 1, text, n, 1000);
		dialect_feed_end(r, 1, 2000);
		dialect_flush(r, 3000);
		is_int(h.ended, 1, "%s: %s failed, once", f->file, f->test);
		is_str(h.place, f->place, "and where");
		is_str(h.message, f->message, "and why");
		dialect_reader_free(r);
	}
}

int main(void)
{
	if (dialect_set_new(&set, &err) < 0)
		printf("# %s\n", err.msg);
	else
		test_failures_told();
	dialect_set_free(set);
	return tap_done();
}
