#include "findings/report/junit_xml.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <string.h>

/* One character, at p (n bytes are left): its bytes. */
static size_t add_character(struct str *out, const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t len = utf8_sequence(p, n);

	if (!len) {
		str_add(out, "\xEF\xBF\xBD");
		return 1;
	}
	/* U+FFFE and U+FFFF are UTF-8, but no XML; nor are control characters but tab and line ends.
	 * U+007F is allowed, discouraged, and no reader shows it. */
	if ((len == 3 && u[0] == 0xEF && u[1] == 0xBF && u[2] >= 0xBE) || u[0] < 0x20 || u[0] == 0x7f)
		return len;
	str_addn(out, p, len);
	return len;
}

static void add_text(struct str *out, const char *text, bool attribute)
{
	size_t left = text ? strlen(text) : 0;

	for (const char *p = text; left;) {
		/* most of it is plain: taken at once */
		size_t n = 0;

		while (n < left && (unsigned char)p[n] >= 0x20 && (unsigned char)p[n] < 0x7f && p[n] != '&' &&
		       p[n] != '<' && p[n] != '>' && p[n] != '"')
			n++;
		str_addn(out, p, n);
		p += n;
		left -= n;
		if (!left)
			break;
		n = 1;
		if (*p == '&')
			str_add(out, "&amp;");
		else if (*p == '<')
			str_add(out, "&lt;");
		else if (*p == '>')
			str_add(out, "&gt;");
		else if (*p == '"')
			str_add(out, attribute ? "&quot;" : "\"");
		else if (*p == '\n' || *p == '\t')
			/* a reader would make blanks of them in an attribute */
			str_addf(out, attribute ? "&#%d;" : "%c", *p);
		else
			n = add_character(out, p, left);
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

void junit_suite_begin(struct str *out, const char *name, const struct junit_counts *sum, const char *timestamp)
{
	str_add(out, "  <testsuite");
	add_named(out, "name", name);
	add_counts(out, sum);
	str_addf(out, " skipped=\"%" PRIu64 "\"", sum->skipped);
	add_time(out, sum->time_ns);
	if (timestamp)
		add_named(out, "timestamp", timestamp);
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
	if (c->file && *c->file)
		add_named(out, "file", c->file);
	if (c->line > 0)
		str_addf(out, " line=\"%" PRId64 "\"", c->line);
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

void junit_skipped(struct str *out, const char *message)
{
	str_add(out, "<skipped");
	add_named(out, "message", message);
	str_add(out, "/>");
}

void junit_output(struct str *out, const char *element, const char *text)
{
	if (!text)
		return;
	str_addf(out, "<%s>", element);
	junit_add_body(out, text);
	str_addf(out, "</%s>", element);
}
