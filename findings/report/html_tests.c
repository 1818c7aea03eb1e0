/* SPDX-License-Identifier: Apache-2.0 */
/* html_tests.c - the tests of the page: those that failed or hung first, with place, reason and output; those that
 * passed folded away. */
#include "findings/report/html.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define FAILURES_SHOWN 200
#define OUTPUTS_SHOWN 50
#define PASSED_SHOWN 1000

/* Where the file can be read on the web, when the CI system says it. False: it does not. */
static bool link_begin(struct str *out, const char *file, int64_t line)
{
	const char *server = getenv("GITHUB_SERVER_URL"), *repo = getenv("GITHUB_REPOSITORY"), *sha = getenv("GITHUB_SHA");
	const char *project = getenv("CI_PROJECT_URL"), *commit = getenv("CI_COMMIT_SHA");
	const char *root = getenv("GITHUB_WORKSPACE") ? getenv("GITHUB_WORKSPACE") : getenv("CI_PROJECT_DIR");
	auto_str url = STR_INIT;
	size_t n = root ? strlen(root) : 0;

	if (n && strncmp(file, root, n) == 0 && file[n] == '/')
		file += n + 1;
	file += strncmp(file, "./", 2) == 0 ? 2 : 0;
	if (!*file || *file == '/' || strstr(file, ".."))
		return false;
	if (server && repo && sha)
		str_addf(&url, "%s/%s/blob/%s/%s#L%lld", server, repo, sha, file, (long long)line);
	else if (project && commit)
		str_addf(&url, "%s/-/blob/%s/%s#L%lld", project, commit, file, (long long)line);
	else
		return false;
	if (!str_starts(str_cstr(&url), "https://") && !str_starts(str_cstr(&url), "http://"))
		return false;
	str_add(out, "<a href=\"");
	html_text(out, str_cstr(&url));
	str_add(out, "\">");
	return true;
}

void html_place(struct str *out, const char *file, int64_t line)
{
	auto_str text = STR_INIT;
	bool linked = link_begin(out, file, line);

	str_add(&text, file);
	if (line > 0)
		str_addf(&text, ":%lld", (long long)line);
	html_element(out, "code", str_cstr(&text));
	str_add(out, linked ? "</a>" : "");
}

void html_source(struct str *out, const struct facts *f, const char *file, int64_t line)
{
	const struct fact_table *t = &f->table[FACT_SOURCE];
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		int64_t at = fact_int(t->rows[i], FC_SOURCE_line, 0);

		if (strcmp(fact_text(t->rows[i], FC_SOURCE_file), file) != 0 || at < line - 1 || at > line + 1)
			continue;
		str_addf(out, "%s%s%6lld  ", n++ ? "" : "<pre class=\"source\">", at == line ? "<b>" : "", (long long)at);
		html_cut(out, fact_text(t->rows[i], FC_SOURCE_text), 300);
		str_add(out, at == line ? "</b>\n" : "\n");
	}
	str_add(out, n ? "</pre>\n" : "");
}

static void output_add(struct str *out, const char *output)
{
	str_add(out, "<details><summary>output</summary>\n<pre>");
	for (const char *p = output, *end; *p; p = end) {
		auto_str line = STR_INIT;

		end = strchr(p, '\n');
		end = end ? end + 1 : p + strlen(p);
		str_addn(&line, p, (size_t)(end - p) - (end[-1] == '\n'));
		html_cut(out, str_cstr(&line), 2000);
		str_addc(out, '\n');
	}
	str_add(out, "</pre></details>\n");
}

static void test_add(struct str *out, const struct facts *f, const struct fact_row *r, size_t number)
{
	const char *file = fact_text(r, FC_CASE_file), *message = fact_text(r, FC_CASE_message);
	auto_str name = STR_INIT;

	report_add_test(&name, r);
	str_addf(out, "<details class=\"test\"%s>\n<summary><span class=\"mark bad\">failed</span> <code>",
		 number <= 3 ? " open" : "");
	html_middle(out, str_cstr(&name), 160);
	str_add(out, "</code></summary>\n");
	if (*message)
		html_element(out, "p class=\"lead\"", message);
	if (*file) {
		str_add(out, "<p>At ");
		html_place(out, file, fact_int(r, FC_CASE_line, 0));
		str_add(out, "</p>\n");
		if (number <= OUTPUTS_SHOWN)
			html_source(out, f, file, fact_int(r, FC_CASE_line, 0));
	}
	if (number <= OUTPUTS_SHOWN && *fact_text(r, FC_CASE_output))
		output_add(out, fact_text(r, FC_CASE_output));
	str_add(out, "</details>\n");
}

static void running_add(struct str *out, const struct facts *f)
{
	const struct fact_table *t = &f->table[FACT_CASE];
	size_t shown = 0;

	for (size_t i = 0; i < t->n && shown < FAILURES_SHOWN; i++) {
		const struct fact_row *r = t->rows[i];
		auto_str name = STR_INIT;

		if (!fact_bool(r, FC_CASE_running))
			continue;
		shown++;
		report_add_test(&name, r);
		str_add(out, "<p><span class=\"mark warn\">running</span> <code>");
		html_middle(out, str_cstr(&name), 160);
		str_add(out, "</code>, for ");
		html_duration(out, fact_num(r, FC_CASE_duration_ms, 0));
		str_add(out, "</p>\n");
	}
}

static void others_add(struct str *out, const struct facts *f)
{
	const struct fact_table *t = &f->table[FACT_CASE];
	const struct fact_row *run = f->table[FACT_RUN].rows[0];
	size_t named = 0;

	for (size_t i = 0; i < t->n; i++)
		named += strcmp(fact_text(t->rows[i], FC_CASE_status), "ok") == 0 && *fact_text(t->rows[i], FC_CASE_case_id);
	if (fact_int(run, FC_RUN_tests_passed, 0) < 1)
		return;
	str_addf(out, "<details><summary>%lld that did not fail</summary>\n",
		 (long long)fact_int(run, FC_RUN_tests_passed, 0));
	str_add(out, named ? "<ol class=\"rows\">\n" : "<p>Their tool does not name them.</p>\n");
	named = 0;
	for (size_t i = 0; i < t->n && named < PASSED_SHOWN; i++) {
		const struct fact_row *r = t->rows[i];
		auto_str name = STR_INIT;

		if (strcmp(fact_text(r, FC_CASE_status), "ok") != 0 || !*fact_text(r, FC_CASE_case_id))
			continue;
		named++;
		report_add_test(&name, r);
		str_add(out, "<li>");
		html_middle(out, str_cstr(&name), 200);
		if (*fact_text(r, FC_CASE_result) && strcmp(fact_text(r, FC_CASE_result), "pass") != 0)
			str_addf(out, " <span class=\"soft\">%s</span>", fact_text(r, FC_CASE_result));
		str_add(out, "</li>\n");
	}
	str_add(out, named ? "</ol></details>\n" : "</details>\n");
}

void html_tests(struct str *out, const struct facts *f)
{
	struct report_failures l;

	if (!f->table[FACT_CASE].n || !f->table[FACT_RUN].n)
		return;
	report_failures_get(&l, f);
	str_add(out, "<section id=\"tests\">\n<h2>");
	if (l.total)
		report_add_failed(out, &l);
	else
		str_addf(out, "%lld test%s", (long long)l.tests, l.tests == 1 ? "" : "s");
	str_add(out, "</h2>\n");
	running_add(out, f);
	for (size_t i = 0; i < l.n && i < FAILURES_SHOWN; i++)
		test_add(out, f, l.rows[i], i + 1);
	if (l.total > FAILURES_SHOWN)
		str_addf(out, "<p>and %zu more</p>\n", l.total - FAILURES_SHOWN);
	others_add(out, f);
	str_add(out, "</section>\n");
	report_failures_release(&l);
}
