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
	ui_run_badge(out, query_text(q, 0), query_text(q, 1));
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
			 (long long)h.v[0].count, h.v[0].count == 1 ? "" : "s", h.v[0].rate * 100);
		ui_link(c->sv, out, "/ui/hangs/", signature, "its history");
		str_add(out, ".</p>\n");
	}
	hangs_release(&h);
	return rc;
}

/* ---- lists of rows ---- */

#define TABLE(label, columns) "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"" label "\">\n<table>\n" \
	"<thead><tr>" columns "</tr></thead>\n<tbody>\n"
#define TABLE_END "</tbody>\n</table>\n</div>\n"
#define COLUMN(name) "<th scope=\"col\">" name "</th>"
#define NUMBER(name) "<th scope=\"col\" class=\"n\">" name "</th>"
#define LIST(title) "<section>\n<h2>" title "</h2>\n<ul class=\"plain\">\n"
#define LIST_END "</ul>\n</section>\n"

/* A part of the page: nothing where there is no row. */
struct list {
	const char *sql; /* its parameters: the run, and how many rows at most */
	int64_t most;
	const char *begin, *end;
	void (*row)(struct call *c, struct query *q);
};

static int list(struct call *c, const struct list *l, int64_t *n, struct err *e)
{
	auto_query *q = query_new(c->s, l->sql, e);
	int rc;

	*n = 0;
	if (!q)
		return -1;
	query_bind(q, "ti", c->arg[0], l->most);
	while ((rc = query_step(q, e)) == 1) {
		str_add(&c->a->body, (*n)++ ? "" : l->begin);
		l->row(c, q);
	}
	str_add(&c->a->body, *n ? l->end : "");
	return rc;
}

static void finding_row(struct call *c, struct query *q)
{
	struct str *out = &c->a->body;

	str_add(out, "<li>");
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

static void metric_row(struct call *c, struct query *q)
{
	struct str *out = &c->a->body;

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

static void hotspot_row(struct call *c, struct query *q)
{
	struct str *out = &c->a->body;

	str_add(out, "<tr><td><code>");
	html_middle(out, query_text(q, 0), 200);
	str_add(out, "</code> ");
	if (query_text(q, 1))
		html_place(out, query_text(q, 1), query_int(q, 2));
	str_addf(out, "</td><td class=\"n\">%.1f %%</td><td class=\"n\">%.1f %%</td></tr>\n", query_real(q, 4) * 100,
		 query_real(q, 5) * 100);
}

static void file_row(struct call *c, struct query *q)
{
	struct str *out = &c->a->body;

	str_add(out, "<li>");
	ui_link(c->sv, out, "/artifacts/", query_text(q, 0), query_text(q, 1));
	str_addf(out, " <span class=\"dim\">%lld bytes</span></li>\n", (long long)query_int(q, 2));
}

static void child_row(struct call *c, struct query *q)
{
	struct str *out = &c->a->body;

	str_add(out, "<li>");
	ui_badge(out, query_text(q, 1));
	str_addc(out, ' ');
	ui_link(c->sv, out, "/ui/runs/", query_text(q, 0), query_text(q, 2));
	str_add(out, "</li>\n");
}

static const struct list findings = {
	"SELECT pattern_id, location, summary, confidence, proved FROM findings WHERE run_id = ? ORDER BY rank LIMIT ?", 50,
	"<h2>Why</h2>\n<ol>\n", "</ol>\n", finding_row
};
static const struct list tests = { /* those that failed first */
	"SELECT suite, case_id, attempt, result, duration_ms FROM v_test_results WHERE run_id = ? ORDER BY CASE WHEN result"
	" IN ('fail', 'error', 'timeout', 'stalled') THEN 0 ELSE 1 END, suite, case_id, attempt LIMIT ?", TESTS_MOST,
	"<h2>Tests</h2>\n" TABLE("Tests", COLUMN("result") COLUMN("suite") COLUMN("test") NUMBER("time")),
	TABLE_END, test_row
};
static const struct list metrics = {
	"SELECT metric_name, value, unit, scope, tags_json FROM metrics WHERE run_id = ? AND metric_name <> 'top_hotspots'"
	" ORDER BY scope, metric_name, tags_json LIMIT ?", METRICS_MOST,
	"<section>\n<h2>Metrics</h2>\n" TABLE("Metrics", COLUMN("metric") NUMBER("value") COLUMN("unit")),
	TABLE_END "</section>\n", metric_row
};
static const struct list hotspots = {
	"SELECT symbol, file_path, line_start, score, self_share, total_share FROM hotspots WHERE run_id = ? ORDER BY"
	" ranker, rank LIMIT ?", 50,
	"<section>\n<h2>Hotspots</h2>\n" TABLE("Hotspots", COLUMN("function") NUMBER("self") NUMBER("total")),
	TABLE_END "</section>\n", hotspot_row
};
static const struct list children = {
	"SELECT run_id, status, kind FROM runs WHERE parent_run_id = ? ORDER BY created_at, run_id LIMIT ?", 200,
	LIST("Its runs"), LIST_END, child_row
};
static const struct list files = {
	"SELECT artifact_id, kind, bytes FROM artifacts WHERE run_id = ? ORDER BY kind, artifact_id LIMIT ?", 200,
	LIST("Files"), LIST_END, file_row
};

static int more_tests(struct call *c, int64_t shown, struct err *e)
{
	int64_t all;

	if (store_one_int(c->s, &all, 0, e, "SELECT COUNT(*) FROM v_test_results WHERE run_id = ?", "t", c->arg[0]) < 0)
		return -1;
	if (all > shown)
		str_addf(&c->a->body, "<p class=\"hint\">%lld more: <a href=\"%s/runs/%s/tests\">all as JSON</a></p>\n",
			 (long long)(all - shown), c->sv->prefix, c->arg[0]);
	return 0;
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
	int64_t n;
	bool live;
	int rc = call_run(c, c->arg[0], e);

	if (rc != 0)
		return rc;
	q = query_new(c->s,
		      "SELECT status, ended_by, exit_code, command, workload_id, device_id, branch, repo_rev,"
		      " repo_uri, created_at, duration_ms, parent_run_id FROM runs WHERE run_id = ?",
		      e);
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
	if (hang(c, e) < 0 || list(c, &findings, &n, e) < 0 || list(c, &tests, &n, e) < 0 || more_tests(c, n, e) < 0 ||
	    pictures(c, e) < 0)
		return -1;
	str_add(&c->a->body, "<div class=\"cards\">\n");
	if (list(c, &metrics, &n, e) < 0 || list(c, &hotspots, &n, e) < 0 || list(c, &children, &n, e) < 0 ||
	    list(c, &files, &n, e) < 0)
		return -1;
	str_add(&c->a->body, "</div>\n");
	ui_end(&c->a->body);
	return 0;
}
