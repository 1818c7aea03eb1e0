/* SPDX-License-Identifier: Apache-2.0 */
/* github.c - GitHub annotations: the worst first, at most ten of a kind, because a step shows no
 * more. */
#include "findings/report.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define ANNOTATIONS_A_KIND 10u
#define OUTPUT_BYTES 3000

/* What is said of one failed test is said by its own annotation. */
static bool of_failed_test(const struct report *r, const struct finding *x)
{
	return r->facts && x->pattern->scope.kind[0] == FACT_CASE && str_starts(x->pattern->id, "fail.");
}

/* Workflow commands end at a line break; properties also at ',' and ':'. */
static void escape(struct str *out, const char *s, bool property)
{
	size_t len;

	for (; *s; s += len) {
		len = utf8_sequence(s, strlen(s));
		if ((!len || utf8_is_unsafe(s, len)) && !strchr("\n\r\t", *s)) {
			str_addc(out, '?');
			len = len ? len : 1;
			continue;
		}
		if (strncmp(s, "##[", 3) == 0) /* a runner looks for it anywhere in a line */
			str_addc(out, ' ');
		else if (*s == '%')
			str_add(out, "%25");
		else if (*s == '\r')
			str_add(out, "%0D");
		else if (*s == '\n')
			str_add(out, "%0A");
		else if (property && *s == ':')
			str_add(out, "%3A");
		else if (property && *s == ',')
			str_add(out, "%2C");
		else
			str_addn(out, s, len);
	}
}

static void annotation_write(const struct finding *x, struct str *out)
{
	static const char *const kinds[] = { "error", "warning", "notice" };
	auto_str title = STR_INIT;
	char *file = NULL;
	int64_t line;

	str_addf(out, "::%s ", kinds[x->severity]);
	if (report_split_location(x->location, &file, &line)) {
		str_add(out, "file=");
		escape(out, file, true);
		if (line > 0)
			str_addf(out, ",line=%lld", (long long)line);
		str_addc(out, ',');
	}
	free(file);
	str_add(out, "title=");
	str_addf(&title, "%s (%s)", x->pattern->title, x->pattern->id);
	escape(out, str_cstr(&title), true);
	str_add(out, "::");
	escape(out, x->summary, false);
	for (size_t i = 0; i < x->suggestions.n && i < 2; i++) {
		str_add(out, "%0A");
		escape(out, x->suggestions.v[i], false);
	}
	str_addc(out, '\n');
}

/* GitHub shows a place only where the path is that of the repository. */
static const char *in_workspace(const char *file)
{
	const char *root = getenv("GITHUB_WORKSPACE");
	size_t n = root ? strlen(root) : 0;

	if (n && strncmp(file, root, n) == 0 && file[n] == '/')
		return file + n + 1;
	return strncmp(file, "./", 2) == 0 ? file + 2 : file;
}

static void failure_write(const struct fact_row *r, struct str *out)
{
	const char *file = in_workspace(fact_text(r, FC_CASE_file)), *message = fact_text(r, FC_CASE_message);
	const char *output = fact_text(r, FC_CASE_output);
	auto_str name = STR_INIT, cut = STR_INIT;

	str_add(out, "::error ");
	if (*file) {
		str_add(out, "file=");
		escape(out, file, true);
		if (fact_int(r, FC_CASE_line, 0) > 0)
			str_addf(out, ",line=%lld", (long long)fact_int(r, FC_CASE_line, 0));
		str_addc(out, ',');
	}
	report_add_test(&name, r);
	str_add(out, "title=");
	escape(out, str_cstr(&name), true);
	str_add(out, "::");
	escape(out, *message ? message : "the test failed", false);
	if (*output) {
		str_addn(&cut, output, utf8_cut(output, strlen(output), OUTPUT_BYTES));
		str_add(out, "%0A%0A");
		escape(out, str_cstr(&cut), false);
		str_add(out, cut.len < strlen(output) ? "%0A[...]" : "");
	}
	str_addc(out, '\n');
}

/* Of a kind at most ten: hangs and other causes first, then the failed tests; the last one says how many are left. */
void report_github(const struct report *r, struct str *out)
{
	struct report_failures l = { 0 };

	if (r->facts)
		report_failures_get(&l, r->facts);
	for (int kind = SEVERITY_ERROR; kind <= SEVERITY_NOTE; kind++) {
		unsigned n = 0, room = ANNOTATIONS_A_KIND - (kind == SEVERITY_ERROR && l.n ? 1u : 0u);

		for (size_t i = 0; i < r->findings->n && n < room; i++)
			if ((int)r->findings->v[i]->severity == kind && !of_failed_test(r, r->findings->v[i])) {
				annotation_write(r->findings->v[i], out);
				n++;
			}
		for (size_t i = 0; kind == SEVERITY_ERROR && i < l.n && n < ANNOTATIONS_A_KIND; i++, n++)
			failure_write(l.rows[i], out);
	}
	report_failures_release(&l);
}
