/* SPDX-License-Identifier: Apache-2.0 */
#include "findings/report/junit_xml.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* One character that is not plain, at p (n bytes are left): its bytes. */
static size_t add_character(struct str *out, const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t len = utf8_sequence(p, n);

	/* U+FFFE and U+FFFF are UTF-8, but no XML; nor are control characters but tab and line ends.
	 * U+007F is allowed, discouraged, and no reader shows it. */
	if (!len || (len == 3 && u[0] == 0xEF && u[1] == 0xBF && u[2] >= 0xBE) || u[0] < 0x20 || u[0] == 0x7f)
		str_add(out, REPLACEMENT);
	else
		str_addn(out, p, len);
	return len ? len : 1;
}

/* Bytes at the beginning of p that stand for themselves. */
static size_t plain_bytes(const char *p, size_t left)
{
	size_t n = 0;

	while (n < left && (unsigned char)p[n] >= 0x20 && (unsigned char)p[n] < 0x7f && !strchr("&<>\":#", p[n]))
		n++;
	return n;
}

/* GitHub forgives blanks before the `::`. */
static bool begins_line(const char *text, const char *p)
{
	while (p > text && (p[-1] == ' ' || p[-1] == '\t' || p[-1] == '\r'))
		p--;
	return p == text || p[-1] == '\n';
}

static size_t add_special(struct str *out, const char *text, const char *p, size_t left, bool attribute)
{
	switch (*p) {
	case '&': str_add(out, "&amp;"); return 1;
	case '<': str_add(out, "&lt;"); return 1;
	case '>': str_add(out, "&gt;"); return 1;
	case '"': str_add(out, attribute ? "&quot;" : "\""); return 1;
	case ':': str_add(out, left > 1 && p[1] == ':' && begins_line(text, p) ? "&#58;" : ":"); return 1;
	case '#': str_add(out, left > 2 && p[1] == '#' && p[2] == '[' ? "&#35;" : "#"); return 1;
	case '\n': case '\t':
		/* a reader would make blanks of them in an attribute */
		str_addf(out, attribute ? "&#%d;" : "%c", *p);
		return 1;
	case '\r': str_add(out, "&#13;"); return 1; /* which would else become a line feed */
	default: return add_character(out, p, left);
	}
}

static void add_text(struct str *out, const char *text, bool attribute)
{
	size_t left = text ? strlen(text) : 0;

	for (const char *p = text; left;) {
		size_t n = plain_bytes(p, left);

		if (n)
			str_addn(out, p, n); /* most of it is plain: taken at once */
		else
			n = add_special(out, text, p, left, attribute);
		p += n;
		left -= n;
	}
}

void junit_add_attribute(struct str *out, const char *text)
{
	add_text(out, text, true);
}

void junit_add_body(struct str *out, const char *text)
{
	add_text(out, text, false);
}

static void add_named(struct str *out, const char *name, const char *value)
{
	str_addf(out, " %s=\"", name);
	junit_add_attribute(out, value);
	str_addc(out, '"');
}

static void add_time(struct str *out, int64_t ns)
{
	str_addf(out, " time=\"%.3f\"", ns > 0 ? (double)ns / NS_PER_S : 0.0);
}

static void add_counts(struct str *out, const struct junit_counts *s)
{
	str_addf(out, " tests=\"%" PRIu64 "\" failures=\"%" PRIu64 "\" errors=\"%" PRIu64 "\"", s->tests, s->failures,
		 s->errors);
}

void junit_document_begin(struct str *out, const struct junit_counts *sum)
{
	str_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"spec-runner\"");
	add_counts(out, sum);
	add_time(out, sum->time_ns);
	str_add(out, ">\n");
}

void junit_document_end(struct str *out)
{
	str_add(out, "</testsuites>\n");
}

void junit_suite_begin(struct str *out, const struct junit_suite *s)
{
	str_add(out, "  <testsuite");
	add_named(out, "name", s->name);
	add_counts(out, &s->sum);
	str_addf(out, " skipped=\"%" PRIu64 "\"", s->sum.skipped);
	add_time(out, s->sum.time_ns);
	if (s->timestamp)
		add_named(out, "timestamp", s->timestamp);
	str_add(out, ">\n");
}

void junit_suite_end(struct str *out)
{
	str_add(out, "  </testsuite>\n");
}

void junit_properties(struct str *out, unsigned depth, const struct junit_property *p)
{
	int indent = (int)depth * 2;
	bool any = false;

	for (; p->name; p++) {
		if (!p->value)
			continue;
		if (!any)
			str_addf(out, "%*s<properties>\n", indent, "");
		any = true;
		str_addf(out, "%*s<property", indent + 2, "");
		add_named(out, "name", p->name);
		add_named(out, "value", p->value);
		str_add(out, "/>\n");
	}
	if (any)
		str_addf(out, "%*s</properties>\n", indent, "");
}

void junit_case_begin(struct str *out, const struct junit_case *c)
{
	str_add(out, "    <testcase");
	add_named(out, "classname", c->classname);
	add_named(out, "name", c->name);
	if (c->file_too && c->file && *c->file)
		add_named(out, "file", c->file);
	add_time(out, c->time_ns);
	str_addc(out, '>');
}

void junit_case_end(struct str *out)
{
	str_add(out, "</testcase>\n");
}

void junit_problem(struct str *out, const char *element, const char *type, const char *message, const char *body)
{
	str_addf(out, "<%s", element);
	add_named(out, "message", message);
	add_named(out, "type", type);
	str_addc(out, '>');
	junit_add_body(out, body ? body : message);
	str_addf(out, "</%s>", element);
}

void junit_skipped(struct str *out, const char *why)
{
	/* no attribute: junit-4 knows none, and GitLab reads the body */
	str_add(out, "<skipped>");
	junit_add_body(out, why);
	str_add(out, "</skipped>");
}

void junit_add_place(struct str *body, const char *file, int64_t line)
{
	if (!file || !*file)
		return;
	str_addf(body, "%sat %s", body->len && body->data[body->len - 1] != '\n' ? "\n" : "", file);
	if (line > 0)
		str_addf(body, ":%" PRId64, line);
}

void junit_output(struct str *out, const char *element, const char *text)
{
	if (!text)
		return;
	str_addf(out, "<%s>", element);
	junit_add_body(out, text);
	str_addf(out, "</%s>", element);
}
