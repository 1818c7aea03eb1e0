/* SPDX-License-Identifier: Apache-2.0 */
/* ui_run.c - the page of a run: what it was, why it failed, and the pictures of its report. */
#include "base/mem.h"
#include "history/hangs.h"
#include "serve/ui_part.h"

#include <string.h>

#define TESTS_MOST 500
#define METRICS_MOST 200

static void field(struct str *out, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	str_addf(out, "<dt>%s</dt><dd>", name);
	html_text(out, value);
	str_add(out, "</dd>\n");
}

static void head(struct call *c, struct query *q)
{
	struct str *out = &c->a->body;

	str_add(out, "<p>");
	ui_badge(out, query_text(q, 0));
	if (query_text(q, 1) && strcmp(query_text(q, 1), "watchdog") == 0)
		str_add(out, " <span class=\"badge bad\">hung</span>");
	str_add(out, "</p>\n<dl>\n");
	field(out, "command", query_text(q, 3));
	field(out, "run", c->arg[0]);
	field(out, "workload", query_text(q, 4));
	field(out, "device", query_text(q, 5));
	field(out, "branch", query_text(q, 6));
	field(out, "commit", query_text(q, 7));
	field(out, "repository", query_text(q, 8));
	str_add(out, "<dt>began</dt><dd>");
	ui_time(out, query_text(q, 9));
	str_add(out, "</dd>\n");
	if (query_kind(q, 10) != QUERY_NULL) {
		str_add(out, "<dt>took</dt><dd>");
		html_duration(out, query_real(q, 10));
		str_add(out, "</dd>\n");
	}
	if (query_kind(q, 2) != QUERY_NULL)
		str_addf(out, "<dt>exit code</dt><dd>%lld</dd>\n", (long long)query_int(q, 2));
	if (query_text(q, 11)) {
		str_add(out, "<dt>part of</dt><dd>");
		ui_link(c->sv, out, "/ui/runs/", query_text(q, 11), query_text(q, 11));
		str_add(out, "</dd>\n");
	}
	str_add(out, "</dl>\n");
}

static int hang(struct call *c, struct err *e)
{
	auto_free char *signature = NULL;
	struct str *out = &c->a->body;
	struct hangs h;
	int rc = hang_of_run(c->s, c->arg[0], &signature, e);

	if (rc <= 0)
		return rc;
	rc = hangs_read(c->s, signature, NULL, &h, e);
	if (rc == 0 && h.n) {
		str_addf(out, "<p class=\"notice\">This hang was seen %lld time%s, in %.0f %% of its runs: ",
				(long long)h.v[0].count,
			 h.v[0].count == 1 ? "" : "s", h.v[0].rate * 100);
		ui_link(c->sv, out, "/ui/hangs/", signature, "its history");
		str_add(out, ".</p>\n");
	}
	hangs_release(&h);
	return rc;
}

static int findings(struct call *c, struct err *e)
{
	auto_query *q = query_new(c->s, "SELECT pattern_id, location, summary, confidence, proved FROM findings WHERE"
			" run_id = ?"
				  " ORDER BY rank LIMIT 50", e);
	struct str *out = &c->a->body;
	int rc, n = 0;

	if (!q)
		return -1;
	query_bind(q, "t", c->arg[0]);
	while ((rc = query_step(q, e)) == 1) {
		str_add(out, n++ ? "<li>" : "<h2>Why</h2>\n<ol>\n<li>");
		html_element(out, "strong", query_text(q, 0));
		if (query_text(q, 1)) {
			str_add(out, " at <code>");
			html_middle(out, query_text(q, 1), 200);
			str_add(out, "</code>");
		}
		str_addf(out, " <span class=\"dim\">%s, confidence %.2f</span><br>\n", query_int(q, 4) ? "proved" : "likely",
			 query_real(q, 3));
		html_text(out, query_text(q, 2) ? query_text(q, 2) : "");
		str_add(out, "</li>\n");
	}
	str_add(out, n ? "</ol>\n" : "");
	return rc;
}

static void test_row(struct call *c, struct query *q)
{
	struct str *out = &c->a->body;

	str_add(out, "<tr><td>");
	ui_badge(out, query_text(q, 3));
	str_add(out, "</td><td>");
	html_middle(out, query_text(q, 0), 120);
	str_add(out, "</td><td><a href=\"");
	ui_test_href(c->sv, out, query_text(q, 0), query_text(q, 1));
	str_add(out, "\">");
	html_middle(out, *query_text(q, 1) ? query_text(q, 1) : "(no name)", 300);
	str_add(out, "</a>");
	if (query_int(q, 2) > 1)
		str_addf(out, " <span class=\"dim\">attempt %lld</span>", (long long)query_int(q, 2));
	str_add(out, "</td><td class=\"n\">");
	if (query_kind(q, 4) == QUERY_NULL)
		str_add(out, "–");
	else
		html_duration(out, query_real(q, 4));
	str_add(out, "</td></tr>\n");
}

/* Those that failed first. */
static int tests(struct call *c, struct err *e)
{
	auto_query *q = query_new(c->s, "SELECT suite, case_id, attempt, result, duration_ms FROM v_test_results"
			" WHERE run_id = ? ORDER"
				  " BY CASE WHEN result IN ('fail', 'error', 'timeout', 'stalled') THEN 0 ELSE 1 END, suite,"
				  " case_id, attempt LIMIT ?", e);
	struct str *out = &c->a->body;
	int64_t n = 0, all;
	int rc;

	if (!q || store_one_int(c->s, &all, 0, e, "SELECT COUNT(*) FROM v_test_results WHERE run_id = ?", "t",
			c->arg[0]) < 0)
		return -1;
	query_bind(q, "ti", c->arg[0], (int64_t)TESTS_MOST);
	while ((rc = query_step(q, e)) == 1) {
		if (!n++)
			str_add(out, "<h2>Tests</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\""
					" aria-label=\"Tests\">\n<table>\n"
				"<thead><tr><th scope=\"col\">result</th><th scope=\"col\">suite</th><th"
						" scope=\"col\">test</th>"
				"<th scope=\"col\" class=\"n\">time</th></tr></thead>\n<tbody>\n");
		test_row(c, q);
	}
	if (n)
		str_add(out, "</tbody>\n</table>\n</div>\n");
	if (all > n)
		str_addf(out, "<p class=\"hint\">%lld more: <a href=\"%s/runs/%s/tests\">all as JSON</a></p>\n",
				(long long)(all - n),
			 c->sv->prefix, c->arg[0]);
	return rc;
}

static int metrics(struct call *c, struct err *e)
{
	auto_query *q = query_new(c->s, "SELECT metric_name, value, unit, scope, tags_json FROM metrics WHERE run_id"
			" = ? AND metric_name"
				  " <> 'top_hotspots' ORDER BY scope, metric_name, tags_json LIMIT ?", e);
	struct str *out = &c->a->body;
	int rc, n = 0;

	if (!q)
		return -1;
	query_bind(q, "ti", c->arg[0], (int64_t)METRICS_MOST);
	while ((rc = query_step(q, e)) == 1) {
		if (!n++)
			str_add(out, "<section>\n<h2>Metrics</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\""
				" aria-label=\"Metrics\">\n<table>\n<thead><tr><th scope=\"col\">metric</th>"
				"<th scope=\"col\" class=\"n\">value</th><th"
						" scope=\"col\">unit</th></tr></thead>\n<tbody>\n");
		str_add(out, "<tr><td>");
		html_text(out, query_text(q, 0));
		if (strcmp(query_text(q, 4), "{}") != 0) {
			str_add(out, " <span class=\"dim\">");
			html_cut(out, query_text(q, 4), 100);
			str_add(out, "</span>");
		}
		str_addf(out, "</td><td class=\"n\">%.6g</td><td>", query_real(q, 1));
		html_text(out, query_text(q, 2));
		str_add(out, "</td></tr>\n");
	}
	str_add(out, n ? "</tbody>\n</table>\n</div>\n</section>\n" : "");
	return rc;
}

static int hotspots(struct call *c, struct err *e)
{
	auto_query *q = query_new(c->s, "SELECT symbol, file_path, line_start, score, self_share, total_share FROM"
			" hotspots WHERE"
				  " run_id = ? ORDER BY ranker, rank LIMIT 50", e);
	struct str *out = &c->a->body;
	int rc, n = 0;

	if (!q)
		return -1;
	query_bind(q, "t", c->arg[0]);
	while ((rc = query_step(q, e)) == 1) {
		if (!n++)
			str_add(out, "<section>\n<h2>Hotspots</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\""
				" aria-label=\"Hotspots\">\n<table>\n<thead><tr><th scope=\"col\">function</th>"
				"<th scope=\"col\" class=\"n\">self</th><th scope=\"col\""
						" class=\"n\">total</th></tr></thead>\n<tbody>\n");
		str_add(out, "<tr><td><code>");
		html_middle(out, query_text(q, 0), 200);
		str_add(out, "</code> ");
		if (query_text(q, 1))
			html_place(out, query_text(q, 1), query_int(q, 2));
		str_addf(out, "</td><td class=\"n\">%.1f %%</td><td class=\"n\">%.1f %%</td></tr>\n", query_real(q, 4) * 100,
			 query_real(q, 5) * 100);
	}
	str_add(out, n ? "</tbody>\n</table>\n</div>\n</section>\n" : "");
	return rc;
}

static int files(struct call *c, struct err *e)
{
	auto_query *q = query_new(c->s, "SELECT artifact_id, kind, bytes FROM artifacts WHERE run_id = ? ORDER BY"
			" kind, artifact_id"
				  " LIMIT 200", e);
	struct str *out = &c->a->body;
	int rc, n = 0;

	if (!q)
		return -1;
	query_bind(q, "t", c->arg[0]);
	while ((rc = query_step(q, e)) == 1) {
		str_add(out, n++ ? "<li>" : "<section>\n<h2>Files</h2>\n<ul class=\"plain\">\n<li>");
		ui_link(c->sv, out, "/artifacts/", query_text(q, 0), query_text(q, 1));
		str_addf(out, " <span class=\"dim\">%lld bytes</span></li>\n", (long long)query_int(q, 2));
	}
	str_add(out, n ? "</ul>\n</section>\n" : "");
	return rc;
}

static int children(struct call *c, struct err *e)
{
	auto_query *q = query_new(c->s, "SELECT run_id, status, kind FROM runs WHERE parent_run_id = ? ORDER BY"
			" created_at, run_id LIMIT"
				  " 200", e);
	struct str *out = &c->a->body;
	int rc, n = 0;

	if (!q)
		return -1;
	query_bind(q, "t", c->arg[0]);
	while ((rc = query_step(q, e)) == 1) {
		str_add(out, n++ ? "<li>" : "<section>\n<h2>Its runs</h2>\n<ul class=\"plain\">\n<li>");
		ui_badge(out, query_text(q, 1));
		str_addc(out, ' ');
		ui_link(c->sv, out, "/ui/runs/", query_text(q, 0), query_text(q, 2));
		str_add(out, "</li>\n");
	}
	str_add(out, n ? "</ul>\n</section>\n" : "");
	return rc;
}

/* What report.html shows. */
static int pictures(struct call *c, struct err *e)
{
	struct str *out = &c->a->body;
	struct facts f;
	int rc = ui_facts(c, c->arg[0], &f, e);

	if (rc <= 0)
		return rc;
	str_add(out, "<div class=\"report\">\n");
	ui_part(out, html_graph, &f);
	ui_part(out, html_timeline, &f);
	ui_part(out, html_processes, &f);
	ui_part(out, html_stacks, &f);
	ui_part(out, html_output, &f);
	str_add(out, "</div>\n");
	facts_release(&f);
	return 0;
}

int ui_run(struct call *c, struct err *e)
{
	auto_query *q = NULL;
	bool live;
	int rc = call_run(c, c->arg[0], e);

	if (rc != 0)
		return rc;
	q = query_new(c->s, "SELECT status, ended_by, exit_code, command, workload_id, device_id, branch, repo_rev,"
			" repo_uri,"
		      " created_at, duration_ms, parent_run_id FROM runs WHERE run_id = ?", e);
	if (!q)
		return -1;
	query_bind(q, "t", c->arg[0]);
	if (query_step(q, e) != 1)
		return -1;
	live = (strcmp(query_text(q, 0), "running") == 0 || strcmp(query_text(q, 0), "created") == 0) &&
			!call_query(c, "still");
	ui_begin(c->sv, &c->a->body, query_text(q, 3) ? query_text(q, 3) : c->arg[0], "", live ? 5 : 0);
	if (live)
		str_add(&c->a->body, "<p class=\"hint\">This page asks again every 5 s. <a href=\"?still=1\">Keep it"
				" still</a></p>\n");
	head(c, q);
	if (hang(c, e) < 0 || findings(c, e) < 0 || tests(c, e) < 0 || pictures(c, e) < 0)
		return -1;
	str_add(&c->a->body, "<div class=\"cards\">\n");
	if (metrics(c, e) < 0 || hotspots(c, e) < 0 || children(c, e) < 0 || files(c, e) < 0)
		return -1;
	str_add(&c->a->body, "</div>\n");
	ui_end(&c->a->body);
	return 0;
}
