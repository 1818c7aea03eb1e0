/* SPDX-License-Identifier: Apache-2.0 */
#include "history/ingest/junit.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64
#define ATTEMPTS_MAX 100

struct xml {
	const char *p, *end;
};
struct tag {
	const char *name, *attrs, *attrs_end;
	size_t name_n;
	bool closes, empty;
};

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* Behind `mark`, or the end. */
static const char *behind(const struct xml *x, const char *from, const char *mark)
{
	const char *found = memmem(from, (size_t)(x->end - from), mark, strlen(mark));

	return found ? found + strlen(mark) : x->end;
}

/* The next tag; comments, CDATA, declarations and text are passed over. */
static bool next_tag(struct xml *x, struct tag *t)
{
	while ((x->p = memchr(x->p, '<', (size_t)(x->end - x->p)))) {
		size_t left = (size_t)(x->end - x->p);
		const char *p = x->p + 1;
		char quote = 0;

		if (left >= 4 && memcmp(x->p, "<!--", 4) == 0) {
			x->p = behind(x, x->p + 4, "-->");
			continue;
		}
		if (left >= 9 && memcmp(x->p, "<![CDATA[", 9) == 0) {
			x->p = behind(x, x->p + 9, "]]>");
			continue;
		}
		if (p < x->end && (*p == '?' || *p == '!')) {
			x->p = behind(x, p, ">");
			continue;
		}
		*t = (struct tag){ .closes = p < x->end && *p == '/' };
		t->name = p += t->closes;
		while (p < x->end && !is_space(*p) && *p != '>' && *p != '/')
			p++;
		t->name_n = (size_t)(p - t->name);
		t->attrs = p;
		for (; p < x->end && (quote || *p != '>'); p++)
			quote = quote ? (*p == quote ? 0 : quote) : *p == '"' || *p == '\'' ? *p : 0;
		t->attrs_end = p;
		t->empty = p > t->attrs && p[-1] == '/';
		x->p = p < x->end ? p + 1 : p;
		return true;
	}
	return false;
}

static bool tag_is(const struct tag *t, const char *name)
{
	const char *colon = memchr(t->name, ':', t->name_n);
	const char *local = colon ? colon + 1 : t->name;
	size_t n = t->name_n - (size_t)(local - t->name);

	return strlen(name) == n && memcmp(local, name, n) == 0;
}

static void add_code(struct str *out, uint32_t c)
{
	if (c < 0x80) {
		str_addc(out, (char)c);
		return;
	}
	if (c >= 0x10000)
		str_addc(out, (char)(0xF0 | c >> 18)), str_addc(out, (char)(0x80 | (c >> 12 & 0x3F)));
	else if (c >= 0x800)
		str_addc(out, (char)(0xE0 | c >> 12));
	if (c >= 0x800)
		str_addc(out, (char)(0x80 | (c >> 6 & 0x3F)));
	else
		str_addc(out, (char)(0xC0 | c >> 6));
	str_addc(out, (char)(0x80 | (c & 0x3F)));
}

static const char *add_entity(const char *p, const char *end, struct str *out)
{
	static const struct { const char *text; char c; } known[] = {
		{ "&lt;", '<' }, { "&gt;", '>' }, { "&amp;", '&' }, { "&quot;", '"' }, { "&apos;", '\'' },
	};
	char *after;
	unsigned long code;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if ((size_t)(end - p) >= strlen(known[i].text) && memcmp(p, known[i].text, strlen(known[i].text)) == 0) {
			str_addc(out, known[i].c);
			return p + strlen(known[i].text);
		}
	if (end - p > 3 && p[1] == '#') {
		code = p[2] == 'x' ? strtoul(p + 3, &after, 16) : strtoul(p + 2, &after, 10);
		if (after < end && *after == ';' && code >= 0x20 && code < 0x110000 && !(code >= 0xD800 && code < 0xE000)) {
			add_code(out, (uint32_t)code);
			return after + 1;
		}
	}
	str_addc(out, '&'); /* a tool that does not escape */
	return p + 1;
}

static bool attribute(const struct tag *t, const char *name, struct str *out)
{
	size_t n = strlen(name);

	str_reset(out);
	for (const char *p = t->attrs; p < t->attrs_end;) {
		const char *key, *value, *end;
		size_t key_n;

		while (p < t->attrs_end && (is_space(*p) || *p == '/'))
			p++;
		key = p;
		while (p < t->attrs_end && *p != '=' && !is_space(*p))
			p++;
		key_n = (size_t)(p - key);
		while (p < t->attrs_end && (is_space(*p) || *p == '='))
			p++;
		if (p >= t->attrs_end || (*p != '"' && *p != '\''))
			return false;
		value = p + 1;
		end = memchr(value, *p, (size_t)(t->attrs_end - value));
		if (!end)
			return false;
		p = end + 1;
		if (key_n != n || memcmp(key, name, n) != 0)
			continue;
		while (value < end) {
			if (*value == '&')
				value = add_entity(value, end, out);
			else
				str_addc(out, *value++);
		}
		return true;
	}
	return false;
}

/* Seconds, in old Surefire with commas between thousands. */
static int64_t seconds_us(const struct str *text)
{
	char clean[64], *end;
	size_t n = 0;
	double v;

	for (const char *p = str_cstr(text); *p && n + 1 < sizeof(clean); p++)
		if (*p != ',')
			clean[n++] = *p;
	clean[n] = '\0';
	v = strtod(clean, &end);
	return end == clean || !isfinite(v) || v < 0 || v > 1e9 ? -1 : (int64_t)llround(v * 1e6);
}

struct junit {
	junit_told *told;
	void *arg;
	char *suites[DEPTH_MAX];
	int depth;               /* of open suites */
	bool in_case, any_suite;
	struct str suite, name, file, text;
	int64_t us, line;
	enum test_result result;
	enum test_result again[ATTEMPTS_MAX]; /* attempts before (flaky) or behind (rerun) */
	int64_t again_us[ATTEMPTS_MAX];
	int n_again;
	bool again_first;
};

static void begin_case(struct junit *j, const struct tag *t)
{
	j->in_case = true;
	j->result = TEST_PASS;
	j->n_again = 0;
	j->again_first = false;
	if (!attribute(t, "classname", &j->suite) || !j->suite.len) {
		str_reset(&j->suite);
		str_add(&j->suite, j->depth && j->suites[j->depth - 1] ? j->suites[j->depth - 1] : "");
	}
	attribute(t, "name", &j->name);
	attribute(t, "file", &j->file);
	j->line = attribute(t, "line", &j->text) ? strtoll(str_cstr(&j->text), NULL, 10) : 0;
	j->us = attribute(t, "time", &j->text) ? seconds_us(&j->text) : -1;
	if (attribute(t, "status", &j->text) &&
	    (strcmp(j->text.data, "skipped") == 0 || strcmp(j->text.data, "notrun") == 0))
		j->result = TEST_SKIP;
}

static int tell(struct junit *j, enum test_result result, int64_t us, struct err *e)
{
	struct junit_case c = { str_cstr(&j->suite),
				j->name.len ? j->name.data : "(without a name)",
				j->file.len ? j->file.data : NULL,
				result,
				us,
				j->line > 0 ? j->line : 0 };

	return j->told(j->arg, &c, e);
}

static int end_case(struct junit *j, struct err *e)
{
	int rc = 0;

	j->in_case = false;
	for (int i = 0; i < j->n_again && j->again_first && rc == 0; i++)
		rc = tell(j, j->again[i], j->again_us[i], e);
	if (rc == 0)
		rc = tell(j, j->result, j->us, e);
	for (int i = 0; i < j->n_again && !j->again_first && rc == 0; i++)
		rc = tell(j, j->again[i], j->again_us[i], e);
	return rc;
}

static void add_attempt(struct junit *j, const struct tag *t, enum test_result result, bool first)
{
	if (j->n_again == ATTEMPTS_MAX)
		return;
	j->again_us[j->n_again] = attribute(t, "time", &j->text) ? seconds_us(&j->text) : -1;
	j->again[j->n_again++] = result;
	j->again_first = first;
}

static void in_case(struct junit *j, const struct tag *t)
{
	if (tag_is(t, "failure")) {
		j->result = TEST_FAIL;
	} else if (tag_is(t, "error")) {
		j->result = j->result == TEST_FAIL ? TEST_FAIL : TEST_ERROR;
	} else if (tag_is(t, "skipped")) {
		j->result = attribute(t, "type", &j->text) && strcmp(j->text.data, "pytest.xfail") == 0 ? TEST_XFAIL
													: TEST_SKIP;
	} else if (tag_is(t, "flakyFailure")) {
		add_attempt(j, t, TEST_FAIL, true);
	} else if (tag_is(t, "flakyError")) {
		add_attempt(j, t, TEST_ERROR, true);
	} else if (tag_is(t, "rerunFailure")) {
		add_attempt(j, t, TEST_FAIL, false);
	} else if (tag_is(t, "rerunError")) {
		add_attempt(j, t, TEST_ERROR, false);
	}
}

static void suite_tag(struct junit *j, const struct tag *t)
{
	j->any_suite = true;
	if (t->closes && j->depth) {
		j->depth--;
		mem_free_ptr(&j->suites[j->depth]);
	} else if (!t->closes && !t->empty && j->depth < DEPTH_MAX) {
		attribute(t, "name", &j->text);
		j->suites[j->depth++] = xstrdup(str_cstr(&j->text));
	}
}

int junit_read(const char *text, size_t n, junit_told *told, void *arg, struct err *e)
{
	struct junit j = { .told = told, .arg = arg };
	struct xml x = { text, text + n };
	struct tag t;
	int rc = 0;

	while (rc == 0 && next_tag(&x, &t)) {
		if (tag_is(&t, "testsuite")) {
			suite_tag(&j, &t);
		} else if (tag_is(&t, "testsuites")) {
			j.any_suite = true;
		} else if (tag_is(&t, "testcase")) {
			if (!t.closes)
				begin_case(&j, &t);
			if (j.in_case && (t.closes || t.empty))
				rc = end_case(&j, e);
		} else if (j.in_case && !t.closes) {
			in_case(&j, &t);
		}
	}
	for (int i = 0; i < j.depth; i++)
		free(j.suites[i]);
	str_release(&j.suite);
	str_release(&j.name);
	str_release(&j.file);
	str_release(&j.text);
	if (rc == 0 && !j.any_suite)
		return err_set(e, ERR_USAGE, "not JUnit XML: it has no <testsuite>");
	return rc;
}
