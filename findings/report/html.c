/* SPDX-License-Identifier: Apache-2.0 */
/* html.c - the page as a whole: its head, the answer on top, every finding with its evidence. */
#include "findings/report/html.h"

#include "base/embed.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

EMBED(html_style, "findings/report/page.css");
EMBED(html_script, "findings/report/page.js");

void html_cut(struct str *out, const char *s, size_t max)
{
	auto_str line = STR_INIT;

	report_add_line(&line, s, max);
	for (const char *p = str_cstr(&line); *p; p++) {
		if (*p == '&')
			str_add(out, "&amp;");
		else if (*p == '<')
			str_add(out, "&lt;");
		else if (*p == '>')
			str_add(out, "&gt;");
		else if (*p == '"')
			str_add(out, "&quot;");
		else if (*p == '\'')
			str_add(out, "&#39;");
		else
			str_addc(out, *p);
	}
}

void html_middle(struct str *out, const char *s, size_t max)
{
	size_t n = strlen(s), head, tail;
	auto_str cut = STR_INIT;

	if (n <= max) {
		html_cut(out, s, max);
		return;
	}
	head = utf8_cut(s, n, max / 3);
	for (tail = n - (max - head); tail < n && ((unsigned char)s[tail] & 0xc0) == 0x80; tail++)
		;
	str_addn(&cut, s, head);
	str_add(&cut, "…");
	str_add(&cut, s + tail);
	html_cut(out, str_cstr(&cut), max + 8);
}

void html_text(struct str *out, const char *s)
{
	html_cut(out, s, 4000);
}

void html_element(struct str *out, const char *name, const char *s)
{
	str_addf(out, "<%s>", name);
	html_text(out, s);
	str_addf(out, "</%.*s>", (int)strcspn(name, " "), name);
}

void html_duration(struct str *out, double ms)
{
	if (ms < 1000)
		str_addf(out, "%.1f ms", ms);
	else if (ms < 60000)
		str_addf(out, "%.2f s", ms / 1000);
	else
		str_addf(out, "%lld min %lld s", (long long)(ms / 60000), (long long)(ms / 1000) % 60);
}

/* ---- a finding ---- */

/* The ring of a deadlock: each wait on a line of its own, and the summary without it. */
static void summary_add(struct str *out, const struct finding *x)
{
	size_t before = 0;
	const char *s = report_ring(x, &before), *next;
	auto_str head = STR_INIT;

	str_add(&head, x->summary);
	if (s)
		head.data[head.len = before] = '\0';
	html_element(out, "p class=\"lead\"", str_cstr(&head));
	if (!s)
		return;
	str_add(out, "\n<ol class=\"ring\">\n");
	for (; *s; s = next) {
		auto_str one = STR_INIT;

		next = strstr(s, "; ");
		str_addn(&one, s, next ? (size_t)(next - s) : strlen(s));
		html_element(out, "li", str_cstr(&one));
		str_addc(out, '\n');
		next = next ? next + 2 : s + strlen(s);
	}
	str_add(out, "</ol>\n");
}

static void list_add(struct str *out, const char *title, const struct strv *l)
{
	if (!l->n)
		return;
	str_addf(out, "<h4>%s</h4>\n<ul>\n", title);
	for (size_t i = 0; i < l->n; i++) {
		html_element(out, "li", l->v[i]);
		str_addc(out, '\n');
	}
	str_add(out, "</ul>\n");
}

static void sure_add(struct str *out, const struct finding *x)
{
	str_addf(out, "<span class=\"pill %s\">%s, %.2f</span>", x->proved ? "proved" : "possible",
		 x->proved ? "confirmed" : "likely", x->confidence);
}

static void group_add(struct str *out, const struct finding *x, size_t first)
{
	const struct evidence *head = &x->evidence[first];
	size_t len = report_group_len(head->name);
	auto_str text = STR_INIT;

	str_addf(out, "<tr><th scope=\"row\">%.*s</th><td>", (int)len, head->name);
	for (size_t i = first; i < x->n_evidence; i++) {
		const struct evidence *ev = &x->evidence[i];

		if (!report_group_same(head, ev))
			continue;
		str_reset(&text);
		report_add_value(&text, ev);
		str_addf(out, "%s<span class=\"soft\">%s</span> <code>", i == first ? "" : "<br>",
			 ev->name + len + (len ? 1 : 0));
		html_text(out, str_cstr(&text));
		str_add(out, "</code>");
	}
	str_reset(&text);
	report_add_source(&text, head);
	str_add(out, "</td>");
	html_element(out, "td class=\"from\"", str_cstr(&text));
	str_add(out, "</tr>\n");
}

static void evidence_add(struct str *out, const struct finding *x)
{
	str_add(out, "<h4>Observed</h4>\n<div class=\"wide\"><table border=\"1\" cellpadding=\"4\">\n"
		     "<tr><th scope=\"col\">row</th><th scope=\"col\">what it says</th><th scope=\"col\">read "
		     "from</th></tr>\n");
	for (size_t i = 0; i < x->n_evidence; i++)
		if (report_group_begins(x, i))
			group_add(out, x, i);
	str_add(out, "</table></div>\n");
}

static void finding_add(struct str *out, const struct finding *x, size_t number)
{
	str_addf(out, "<details class=\"finding\" id=\"%s\"%s>\n<summary><strong>%zu. ", x->id,
		 number == 1 ? " open" : "", number);
	html_text(out, x->pattern->title);
	str_add(out, "</strong> <code>");
	html_text(out, x->pattern->id);
	str_add(out, "</code> ");
	sure_add(out, x);
	str_add(out, "</summary>\n");
	html_element(out, "p", x->summary);
	str_add(out, "<p>");
	if (x->location) {
		str_add(out, "At <code>");
		html_text(out, x->location);
		str_add(out, "</code>. ");
	}
	str_addf(out, "Finding id <code>%s</code>", x->id);
	if (x->occurrences > 1)
		str_addf(out, "; the same %llu times", (unsigned long long)x->occurrences);
	str_add(out, ".</p>\n");
	evidence_add(out, x);
	str_add(out, "<h4>What it means</h4>\n");
	html_element(out, "p", x->pattern->meaning);
	list_add(out, "Confidence: the sum of", &x->basis);
	list_add(out, "What to try", &x->suggestions);
	list_add(out, "How to verify", &x->verify);
	str_add(out, "</details>\n");
}

/* ---- the answer ---- */

static void row_add(struct str *out, const char *term, const char *value)
{
	str_addf(out, "<dt>%s</dt><dd><code>", term);
	html_text(out, value);
	str_add(out, "</code></dd>\n");
}

#define TESTS_SHOWN 3

static void tests_add(struct str *out, const struct facts *f)
{
	const struct fact_row *v[TESTS_SHOWN];
	size_t running = report_running_tests(f, v, TESTS_SHOWN);

	for (size_t i = 0; i < running && i < TESTS_SHOWN; i++) {
		const struct fact_row *r = v[i];

		str_addf(out, "<dt>%s</dt><dd><code>", i == 0 ? "Test" : "");
		html_text(out, fact_text(r, FC_CASE_suite));
		str_add(out, *fact_text(r, FC_CASE_suite) ? " " : "");
		html_text(out, fact_text(r, FC_CASE_case_id));
		str_add(out, "</code> had run for ");
		html_duration(out, fact_num(r, FC_CASE_duration_ms, 0));
		str_add(out, "</dd>\n");
	}
	if (running > TESTS_SHOWN)
		str_addf(out, "<dt></dt><dd>and %zu more</dd>\n", running - TESTS_SHOWN);
}

static void place_add(struct str *out, const struct facts *f, const struct finding *x)
{
	auto_free char *file = NULL, *function = NULL;
	const char *end;
	int64_t line = 0;

	if (!x->location)
		return;
	if (!report_split_location(x->location, &file, &line) || line < 1) {
		row_add(out, "Place", x->location);
		return;
	}
	str_add(out, "<dt>Place</dt><dd>");
	html_place(out, file, line);
	/* "file:function:line" */
	end = strrchr(x->location, ':');
	if (str_starts(x->location, file) && end > x->location + strlen(file) + 1) {
		function = xstrndup(x->location + strlen(file) + 1, (size_t)(end - x->location) - strlen(file) - 1);
		str_add(out, " in ");
		html_element(out, "code", function);
	}
	str_add(out, "\n");
	html_source(out, f, file, line);
	str_add(out, "</dd>\n");
}

static void answer_add(struct str *out, const struct report *r)
{
	const struct finding *x = r->findings->n ? r->findings->v[0] : NULL;
	bool failed = strcmp(r->head.status, "fail") == 0;
	auto_str head = STR_INIT;
	const struct evidence *argv = x ? report_evidence(x, "argv") : NULL, *chain = x ? report_evidence(x, "chain") : NULL;

	str_addf(out, "<section class=\"answer %s\" id=\"answer\">\n",
		 x ? pattern_severity_text[x->severity] : failed ? "error" : "none");
	if (!x) {
		str_add(out, failed ? "<h2>It failed</h2>\n<p class=\"lead\">No known form of failure was found.</p>\n"
				    : "<h2>No finding</h2>\n<p class=\"lead\">Nothing was found in this run.</p>\n");
		str_add(out, "</section>\n");
		return;
	}
	if (report_add_headline(&head, r))
		html_element(out, "h2", str_cstr(&head));
	str_add(out, "<p class=\"kicker\"><code>");
	html_text(out, x->pattern->id);
	str_add(out, "</code> ");
	sure_add(out, x);
	str_add(out, "</p>\n");
	html_element(out, head.len ? "h3" : "h2", x->pattern->title);
	str_addc(out, '\n');
	summary_add(out, x);
	str_add(out, "\n<dl>\n");
	place_add(out, r->facts, x);
	tests_add(out, r->facts);
	if (argv)
		row_add(out, "Command", argv->value.s);
	if (chain && strstr(chain->value.s, "->"))
		row_add(out, "Chain", chain->value.s);
	for (size_t i = 0; i < x->suggestions.n && i < 3; i++) {
		html_element(out, "dt", i ? "" : "Try");
		html_element(out, "dd", x->suggestions.v[i]);
		str_addc(out, '\n');
	}
	str_addf(out, "</dl>\n<p class=\"more\"><a href=\"#%s\">Evidence for it, and how to verify it</a>", x->id);
	if (r->findings->n > 1)
		str_addf(out, "; <a href=\"#findings\">%zu more finding%s</a>", r->findings->n - 1,
			 r->findings->n == 2 ? "" : "s");
	str_add(out, "</p>\n</section>\n");
}

/* ---- the page ---- */

/* The policy allows the one script by its hash: text of a run that found its way into the page as markup
 * could still run nothing and fetch nothing. */
static void head_add(struct str *out, const struct report *r)
{
	unsigned char sum[crypto_hash_sha256_BYTES];
	char hash[sodium_base64_ENCODED_LEN(sizeof(sum), sodium_base64_VARIANT_ORIGINAL)];

	crypto_hash_sha256(sum, (const unsigned char *)html_script, EMBED_SIZE(html_script));
	sodium_bin2base64(hash, sizeof(hash), sum, sizeof(sum), sodium_base64_VARIANT_ORIGINAL);
	str_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
	str_addf(out,
		 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		 "style-src 'unsafe-inline'; script-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n",
		 hash);
	str_add(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		     "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
	if (r->findings->n) {
		html_text(out, r->findings->v[0]->pattern->title);
		str_add(out, " - ");
	}
	html_text(out, r->head.run_id);
	str_add(out, "</title>\n<style>\n");
	str_addn(out, html_style, EMBED_SIZE(html_style));
	str_add(out, "</style>\n</head>\n");
}

static void banner_add(struct str *out, const struct report *r)
{
	const struct fact_table *runs = &r->facts->table[FACT_RUN], *machines = &r->facts->table[FACT_MACHINE];
	const struct fact_row *run = runs->n ? runs->rows[0] : NULL, *m = machines->n ? machines->rows[0] : NULL;
	const char *args = *r->head.args ? r->head.args : r->head.command;

	str_add(out, "<header>\n<h1><span class=\"status ");
	html_text(out, r->head.status);
	str_add(out, "\">");
	html_text(out, strcmp(r->head.status, "pass") == 0   ? "passed"
		       : strcmp(r->head.status, "fail") == 0 ? "failed"
							     : r->head.status);
	str_add(out, "</span> <code>");
	html_text(out, str_starts(args, "-- ") ? args + 3 : args);
	str_add(out, "</code></h1>\n<p class=\"meta\"><code>");
	html_text(out, r->head.run_id);
	str_add(out, "</code>");
	if (r->head.has_exit_code)
		str_addf(out, " · exit code %lld", (long long)r->head.exit_code);
	if (run && fact_get(run, FC_RUN_duration_ms)->known) {
		str_add(out, " · ");
		html_duration(out, fact_num(run, FC_RUN_duration_ms, 0));
	}
	if (run && fact_get(run, FC_RUN_tests)->known)
		str_addf(out, " · %lld tests: %lld passed, %lld failed, %lld running at the end",
			 (long long)fact_int(run, FC_RUN_tests, 0), (long long)fact_int(run, FC_RUN_tests_passed, 0),
			 (long long)fact_int(run, FC_RUN_tests_failed, 0),
			 (long long)fact_int(run, FC_RUN_tests_running, 0));
	if (m && fact_get(m, FC_MACHINE_kernel)->known) {
		str_add(out, " · Linux ");
		html_text(out, fact_text(m, FC_MACHINE_kernel));
		str_addc(out, ' ');
		html_text(out, fact_text(m, FC_MACHINE_arch));
		str_addf(out, ", %lld processor%s",
			 (long long)fact_int(m, FC_MACHINE_cpus, 0), fact_int(m, FC_MACHINE_cpus, 0) == 1 ? "" : "s");
	}
	str_add(out, "</p>\n</header>\n");
}

static void findings_add(struct str *out, const struct report *r)
{
	const struct findings *fs = r->findings;

	if (!fs->n)
		return;
	str_add(out, "<section id=\"findings\">\n<h2>Findings and their evidence</h2>\n");
	for (size_t i = 0; i < fs->n; i++)
		finding_add(out, fs->v[i], i + 1);
	if (fs->dropped)
		str_addf(out, "<p>%llu more findings are not shown.</p>\n", (unsigned long long)fs->dropped);
	str_add(out, "</section>\n");
}

static void history_add(struct str *out, const struct report *r)
{
	if (!r->history || !r->history->n)
		return;
	str_add(out, "<section id=\"history\">\n<h2>History</h2>\n<ul>\n");
	for (size_t i = 0; i < r->history->n; i++) {
		str_add(out, "<li>");
		html_text(out, r->history->v[i]);
		str_add(out, "</li>\n");
	}
	str_add(out, "</ul>\n</section>\n");
}

void report_html(const struct report *r, struct str *out)
{
	head_add(out, r);
	str_add(out, "<body>\n");
	banner_add(out, r);
	str_add(out, "<main>\n");
	answer_add(out, r);
	html_tests(out, r->facts);
	history_add(out, r);
	html_graph(out, r->facts);
	html_timeline(out, r->facts);
	if (r->add_profile)
		r->add_profile(out, r->profile);
	html_stacks(out, r->facts);
	html_processes(out, r->facts);
	html_output(out, r->facts);
	findings_add(out, r);
	html_tables(out, r->facts);
	str_add(out, "</main>\n<footer>\n<p>Made from <code>run-trace.json</code> and <code>");
	str_add(out, "raw/");
	html_text(out, r->head.run_id);
	str_add(out, "/</code>; <code>spec-runner report --format html</code> makes the same bytes again.</p>\n"
		     "</footer>\n<script>");
	str_addn(out, html_script, EMBED_SIZE(html_script));
	str_add(out, "</script>\n</body>\n</html>\n");
}
