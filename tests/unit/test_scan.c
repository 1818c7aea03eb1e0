/* SPDX-License-Identifier: Apache-2.0 */
/* file.scan: the search for many strings against a naive one, globs, patterns and their plain parts, and
 * whole scans over a small tree. */
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/cases/fixed_set.h"
#include "runner/cases/glob.h"
#include "runner/cases/regex.h"
#include "runner/cases/scan.h"
#include "tests/tap.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static uint32_t seed = 12345;

static uint32_t dice(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

struct tally {
	uint64_t hits[64];
	size_t last[64];
	bool disorder, false_hit;
	const struct fixed_set *s;
	const char *text;
};

static void tally_hit(void *ctx, uint32_t id, size_t at)
{
	struct tally *t = ctx;

	if (t->hits[id] && at <= t->last[id])
		t->disorder = true;
	if (memcmp(t->text + at, fixed_set_text(t->s, id), fixed_set_len(t->s, id)) != 0)
		t->false_hit = true;
	t->hits[id]++;
	t->last[id] = at;
}

static void test_fixed_set(void)
{
	unsigned wrong = 0, disorder = 0;
	uint64_t total = 0;

	for (int round = 0; round < 3000; round++) {
		struct fixed_set *s = fixed_set_new();
		size_t n = dice(300);
		char *text = xmalloc(n + 1); /* exactly sized: a read too far is seen by ASan */
		uint32_t letters = 1 + dice(4), count = 1 + dice(40);
		struct tally t = { .s = s, .text = text };

		for (size_t i = 0; i < n; i++)
			text[i] = (char)('a' + dice(letters));
		for (uint32_t i = 0; i < count; i++) {
			char p[40];
			size_t len = 1 + dice(dice(3) ? 6 : 36);

			for (size_t k = 0; k < len; k++)
				p[k] = (char)('a' + dice(letters));
			fixed_set_add(s, p, len);
		}
		fixed_set_compile(s);
		text = xrealloc(text, n ? n : 1);
		t.text = text;
		fixed_set_find(s, text, n, tally_hit, &t);
		for (uint32_t id = 0; id < fixed_set_count(s); id++) {
			uint64_t want = 0;
			size_t len = fixed_set_len(s, id);

			for (size_t at = 0; at + len <= n; at++)
				want += memcmp(text + at, fixed_set_text(s, id), len) == 0;
			wrong += want != t.hits[id];
			total += want;
		}
		disorder += t.disorder || t.false_hit;
		free(text);
		fixed_set_free(s);
	}
	ok(wrong == 0 && total > 10000, "3,000 random sets find what a naive search finds (%llu)",
	   (unsigned long long)total);
	is_int(disorder, 0, "occurrences of one string come in rising order, and are real");
}

static void test_globs(void)
{
	static const struct {
		const char *glob, *path;
		bool match;
	} rows[] = {
		{ "*.c", "a.c", true }, { "*.c", "d/a.c", false }, { "**/*.c", "a.c", true },
		{ "**/*.c", "d/e/a.c", true }, { "d/**", "d/e/a.c", true }, { "d/**", "d", false },
		{ "d/", "d/x/y", true }, { "**", ".hidden", false }, { "**", "a/.b/c", false },
		{ ".h*", ".hidden", true }, { "**/.h", "a/.h", true }, { "a?c", "abc", true },
		{ "a?c", "a/c", false }, { "[a-c]x", "bx", true }, { "[!a-c]x", "bx", false },
		{ "[]]x", "]x", true }, { "a\\*", "a*", true }, { "a\\*", "ab", false },
		{ "{a,b}/*.{c,h}", "b/x.h", true }, { "{a,b}/*.{c,h}", "c/x.h", false },
		{ "x{a,{b,c}}", "xc", true }, { "a/**/b", "a/b", true }, { "a/**/b", "a/x/y/b", true },
		{ "a/**/b", "a/x/y/c", false }, { "*a*b*c*", "xxaxxbxxcxx", true },
		{ "*a*b*c*", "xxaxxcxxbxx", false }, { "./a", "a", true }, { "a{b", "a{b", true },
	};
	static char text[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	struct glob_set *s = glob_set_new();
	struct err e = { 0 };
	char *bad[] = { "[a" }, *many[] = { "{1,2,3,4,5,6,7,8}{1,2,3,4,5,6,7,8}{1,2,3,4,5,6,7,8}" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ok(glob_match_path(rows[i].glob, rows[i].path) == rows[i].match, "'%s' %s '%s'", rows[i].glob,
		   rows[i].match ? "selects" : "does not select", rows[i].path);
	ok(!glob_match_name("*a*a*a*a*a*a*a*a*a*a*a*a*b", text), "many stars end soon");
	is_int(glob_set_add(s, bad, 1, &e), -1, "a set that is not closed is refused");
	ok(strstr(e.msg, "'[' is not closed") != NULL, "and named: %s", e.msg);
	is_int(glob_set_add(s, many, 1, &e), -1, "512 alternatives are refused");
	glob_set_free(s);
}

static void literal_is(const char *pattern, const char *want)
{
	struct regex *r = NULL;
	struct err e = { 0 };
	size_t n;
	const char *got;

	if (!ok(regex_new(&r, pattern, &e) == 0, "'%s' is a pattern %s", pattern, e.msg))
		return;
	got = regex_literal(r, &n);
	is_str(got ? got : "", want, "the plain part of '%s' is '%s'", pattern, want);
	regex_free(r);
}

static void test_regex(void)
{
	struct regex *r = NULL;
	struct regex_space *space = regex_space_new();
	struct regex_match m;
	struct err e = { 0 };
	static char as[40000];

	literal_is("abcd", "abcd");
	literal_is("abcd|efgh", "");
	literal_is("(abcd|ef)ghijk", "ghijk");
	literal_is("abcdx?efg", "abcd");
	literal_is("abcx*defgh", "defgh");
	literal_is("[a-z|]+void foo\\(", "void foo(");
	literal_is("(?i)abcd", "");
	literal_is("abc{|defgh", "");
	literal_is("abc\\x41|defgh", "");
	literal_is("abcd{0,2}ef", "abc");
	literal_is("a+bcde", "bcde");
	literal_is("([)]|x)klmn", "klmn");
	is_int(regex_new(&r, "x(", &e), -1, "an open group is refused");
	ok(strstr(e.msg, "at offset 2") != NULL, "with its offset: %s", e.msg);
	is_int(regex_new(&r, "^b$", &e), 0, "a pattern");
	is_int(regex_find(r, space, "a\nb\nc", 5, 0, &m, &e), 1, "^ and $ are at each line");
	regex_free(r);
	memset(as, 'a', sizeof(as));
	regex_new(&r, "^(a+)+$", &e);
	is_int(regex_find(r, space, as, sizeof(as), 0, &m, &e), 1, "all a match");
	as[sizeof(as) - 1] = 'b';
	e.kind = ERR_NONE;
	is_int(regex_find(r, space, as, sizeof(as), 0, &m, &e), -1, "a pattern that would run for ever is given up");
	ok(strstr(e.msg, "given up") != NULL, "and said: %s", e.msg);
	regex_free(r);
	regex_space_free(space);
}

static void put(const char *dir, const char *name, const char *text)
{
	auto_free char *path = path_join(dir, name);
	struct err e = { 0 };

	BUG_ON(file_write(path, text, strlen(text), &e) < 0);
}

struct wanted {
	const char *glob;
	enum scan_role role;
	const char *a, *b;     /* tokens; "/x" is the pattern x */
	const char *count;
	bool each;
	const char *report;    /* "" holds */
};

static const struct wanted wanted[] = {
	{ "**", SCAN_PRESENT, "alpha", NULL, NULL, false, "" },
	{ "**", SCAN_PRESENT, "nowhere", NULL, NULL, false, "'nowhere' is in none of the 4 files\n" },
	{ "**", SCAN_PRESENT, "alpha", NULL, NULL, true, "two.txt: 'alpha' is missing\nzero.txt: 'alpha' is missing\n" },
	{ "**", SCAN_ABSENT, "nowhere", NULL, NULL, false, "" },
	{ "**", SCAN_ABSENT, "gamma", NULL, NULL, false,
	  "d/three.txt:2: 'gamma' must not be there\none.txt:3: 'gamma' must not be there\n" },
	{ "*.txt", SCAN_COUNT, "aa", NULL, "== 2", false, "" },
	{ "*.txt", SCAN_COUNT, "aa", NULL, "> 2", false, "'aa' occurs 2 times in 3 files, wanted > 2\n" },
	{ "one.txt", SCAN_ORDERED, "alpha", "gamma", NULL, false, "" },
	{ "one.txt", SCAN_ORDERED, "gamma", "alpha", NULL, false,
	  "none of the 1 files holds the tokens from 'gamma' on in this order\n" },
	{ "one.txt", SCAN_ORDERED, "/^al", "/^ga", NULL, false, "" },
	{ "**", SCAN_COUNT, "/^[a-z]+$", NULL, "== 6", false, "" },
	{ "**", SCAN_ABSENT, "/gam+a", NULL, NULL, false,
	  "d/three.txt:2: 'gam+a' must not be there\none.txt:3: 'gam+a' must not be there\n" },
	{ "*.none", SCAN_ABSENT, "x", NULL, NULL, false, "no file matches '*.none'\n" },
	{ "d", SCAN_PRESENT, "gamma", NULL, NULL, false, "" },
	{ "one.txt", SCAN_COUNT, "alpha", NULL, "1", true, "" },
	{ "*.txt", SCAN_COUNT, "alpha", NULL, "1", true,
	  "two.txt: 'alpha' occurs 0 times, wanted == 1\nzero.txt: 'alpha' occurs 0 times, wanted == 1\n" },
};
#define WANTED (sizeof(wanted) / sizeof(wanted[0]))

static void add_token(struct scan_spec *spec, const struct wanted *w, const char *token)
{
	struct err e = { 0 };
	bool regex = token[0] == '/';

	BUG_ON(scan_spec_add(spec, w->role, token + regex, strlen(token + regex), regex, &e) < 0);
	if (w->count)
		BUG_ON(scan_parse_count(w->count, &spec->items[spec->item_count - 1].op,
					&spec->items[spec->item_count - 1].n, &e) < 0);
}

static void test_scan(const char *dir, unsigned threads)
{
	struct scan *s = scan_new();
	struct scan_spec specs[WANTED] = { 0 };
	struct err e = { 0 };

	for (size_t i = 0; i < WANTED; i++) {
		strv_add(&specs[i].paths, wanted[i].glob);
		specs[i].each = wanted[i].each;
		add_token(&specs[i], &wanted[i], wanted[i].a);
		if (wanted[i].b)
			add_token(&specs[i], &wanted[i], wanted[i].b);
		is_int(scan_add(s, &specs[i], &e), i, "check %zu is added", i);
	}
	is_int(scan_run(s, dir, threads, &e), 0, "the tree is read with %u threads %s", threads, e.msg);
	for (size_t i = 0; i < WANTED; i++) {
		auto_str out = STR_INIT;

		scan_report(s, (int)i, &out);
		is_str(str_cstr(&out), wanted[i].report, "check %zu reports as it should", i);
	}
	is_int(scan_files_read(s), 4, "every file is read once");
	scan_free(s);
	for (size_t i = 0; i < WANTED; i++)
		scan_spec_release(&specs[i]);
}

/* 1,000 files in which the same five places must come out, whatever the threads. */
static void test_threads(const char *dir)
{
	struct scan_spec spec = { 0 };
	struct err e = { 0 };
	auto_str first = STR_INIT;

	for (int i = 0; i < 1000; i++) {
		char name[40];

		snprintf(name, sizeof(name), "many/f%03d.txt", i);
		put(dir, name, i % 7 == 3 ? "fine\nbroken here\n" : "fine\n");
	}
	strv_add(&spec.paths, "many/*.txt");
	scan_spec_add(&spec, SCAN_ABSENT, "broken", 6, false, &e);
	for (unsigned threads = 1; threads <= 4; threads++) {
		struct scan *s = scan_new();
		auto_str out = STR_INIT;

		scan_add(s, &spec, &e);
		scan_run(s, dir, threads, &e);
		scan_report(s, 0, &out);
		if (threads == 1)
			str_add(&first, str_cstr(&out));
		is_str(str_cstr(&out), str_cstr(&first), "%u threads tell the same", threads);
		scan_free(s);
	}
	ok(str_starts(str_cstr(&first), "many/f003.txt:2:") && strstr(str_cstr(&first), "and 138 more"),
	   "the first five, and how many more");
	scan_spec_release(&spec);
}

int main(void)
{
	char dir[] = "/tmp/test-scan-XXXXXX";
	struct err e = { 0 };

	test_fixed_set();
	test_globs();
	test_regex();
	BUG_ON(!mkdtemp(dir));
	put(dir, "one.txt", "alpha\nbeta\ngamma\n");
	put(dir, "two.txt", "beta\naaaaa\n");
	put(dir, "zero.txt", "");
	put(dir, "d/three.txt", "alpha beta\ngamma\n");
	put(dir, ".hidden/x.txt", "nowhere gamma\n");
	test_scan(dir, 1);
	test_scan(dir, 3);
	test_threads(dir);
	ok(path_remove_tree(dir, &e) == 0, "the tree is removed");
	return tap_done();
}
