/* SPDX-License-Identifier: Apache-2.0 */
/* ui_runs.c - the first page: the last runs as a map, what is broken, what hangs again, what got slower, and a list. */
#include "base/mem.h"
#include "history/change.h"
#include "history/flaky.h"
#include "history/hangs.h"
#include "serve/ui_part.h"

#include <stdlib.h>
#include <string.h>

#define MAP_RUNS 400       /* of all workloads together */
#define MAP_LANES 12
#define MAP_LANE_RUNS 48
#define LIST_RUNS 50
#define ROWS 10

/* ---- the map ---- */

struct lane {
	char *workload;
	size_t n;
	struct str cells;
};

static struct lane *lane_of(struct lane *lanes, size_t *n, const char *workload)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(lanes[i].workload, workload) == 0)
			return &lanes[i];
	if (*n == MAP_LANES)
		return NULL;
	lanes[*n] = (struct lane){ .workload = xstrdup(workload) };
	return &lanes[(*n)++];
}

static void map_cell(struct serve *sv, struct str *out, struct query *q)
{
	static const char *const states[][3] = { { "succeeded", "good", "✓" },
						 { "failed", "bad", "✗" },
						 { "stopped", "odd", "–" },
						 { "running", "odd", "…" },
						 { "created", "none", "·" } };
	const char *status = query_text(q, 2), *ended_by = query_text(q, 5);
	size_t i = 0;

	while (i < 4 && strcmp(states[i][0], status) != 0)
		i++;
	str_addf(out, "<li><a class=\"%s\" href=\"%s/ui/runs/", states[i][1], sv->prefix);
	url_add(out, query_text(q, 0), "");
	str_add(out, "\" aria-label=\"");
	html_text(out, status);
	str_add(out, ended_by && strcmp(ended_by, "watchdog") == 0 ? ", hung, " : ", ");
	html_cut(out, query_text(q, 3), 16);
	str_addf(out, "\">%s</a></li>\n", ended_by && strcmp(ended_by, "watchdog") == 0 ? "H" : states[i][2]);
}

static int map(struct call *c, struct err *e)
{
	auto_query *q = query_new(c->s,
				  "SELECT run_id, COALESCE(workload_id, ''), status, created_at, branch, ended_by"
				  " FROM runs WHERE parent_run_id IS NULL ORDER BY created_at DESC, run_id DESC"
				  " LIMIT ?",
				  e);
	struct lane lanes[MAP_LANES];
	struct str *out = &c->a->body;
	size_t n = 0;
	int rc;

	if (!q)
		return -1;
	query_bind(q, "i", (int64_t)MAP_RUNS);
	while ((rc = query_step(q, e)) == 1) {
		struct lane *l = lane_of(lanes, &n, query_text(q, 1));

		if (l && l->n++ < MAP_LANE_RUNS)
			map_cell(c->sv, &l->cells, q);
	}
	if (n)
		str_add(out, "<h2>The last runs</h2>\n<p class=\"hint\">Newest first: ✓ succeeded, ✗ failed, H hung,"
			     " – stopped, … running.</p>\n");
	for (size_t i = 0; i < n; i++) {
		str_add(out, "<section>\n<h3>");
		html_text(out, *lanes[i].workload ? lanes[i].workload : "(no workload)");
		str_addf(out, "</h3>\n<ul class=\"heat\">\n%s</ul>\n</section>\n", str_cstr(&lanes[i].cells));
		str_release(&lanes[i].cells);
		mem_free_ptr(&lanes[i].workload);
	}
	return rc;
}

/* ---- what wants attention ---- */

static int broken(struct call *c, struct err *e)
{
	struct str *out = &c->a->body;
	struct flaky f;
	size_t shown = 0, all = 0;
	int rc = flaky_read(c->s, c->now_real_ns, NULL, 0, &f, e);

	str_add(out, "<section>\n<h2>Broken and flaky tests</h2>\n");
	for (int state = FLAKY_FLAKY; rc == 0 && state <= FLAKY_BROKEN; state++) {
		int wanted = state == FLAKY_FLAKY ? FLAKY_BROKEN : FLAKY_FLAKY; /* broken first */

		for (size_t i = 0; i < f.n; i++) {
			if ((int)flaky_state_of(&f.rows[i].t) != wanted || all++ >= ROWS)
				continue;
			str_add(out, shown++ ? "<li>" : "<ul class=\"plain\">\n<li>");
			ui_badge(out, flaky_state_text[wanted]);
			str_add(out, " <a href=\"");
			ui_test_href(c->sv, out, f.rows[i].suite, f.rows[i].case_id);
			str_add(out, "\">");
			html_text(out, f.rows[i].case_id);
			str_addf(out, "</a> <span class=\"dim\">%u of %u failed</span></li>\n", f.rows[i].t.failures,
				 f.rows[i].t.attempts);
		}
	}
	str_add(out, shown ? "</ul>\n" : "<p>None in the last 14 days.</p>\n");
	if (all > ROWS)
		str_addf(out, "<p><a href=\"%s/ui/tests?state=broken\">all %zu</a></p>\n", c->sv->prefix, all);
	str_add(out, "</section>\n");
	flaky_release(&f);
	return rc;
}

static int hanging(struct call *c, struct err *e)
{
	struct str *out = &c->a->body;
	struct hangs h;
	int rc = hangs_read(c->s, NULL, NULL, &h, e);

	str_add(out, "<section>\n<h2>Hangs</h2>\n");
	if (rc == 0 && h.n)
		str_add(out, "<ul class=\"plain\">\n");
	for (size_t i = 0; rc == 0 && i < h.n && i < ROWS; i++) {
		str_add(out, "<li>");
		ui_link(c->sv, out, "/ui/hangs/", h.v[i].signature, h.v[i].pattern_id);
		str_add(out, " <code>");
		html_middle(out, h.v[i].location ? h.v[i].location : "", 60);
		str_addf(out, "</code> <span class=\"dim\">%lld time%s, last ", (long long)h.v[i].count,
			 h.v[i].count == 1 ? "" : "s");
		ui_time(out, h.v[i].last_seen);
		str_add(out, "</span></li>\n");
	}
	str_add(out, rc == 0 && h.n ? "</ul>\n" : "<p>None.</p>\n");
	if (rc == 0 && h.n > ROWS)
		str_addf(out, "<p><a href=\"%s/ui/hangs\">all %zu</a></p>\n", c->sv->prefix, h.n);
	str_add(out, "</section>\n");
	hangs_release(&h);
	return rc;
}

#define SLOWER_RUNS 300

struct lately {
	char *run_id[SLOWER_RUNS], *rev[SLOWER_RUNS];
	double ms[SLOWER_RUNS];
	size_t n;
};

/* The last succeeded runs like the newest one, oldest first. */
static int read_lately(struct call *c, struct lately *l, struct err *e)
{
	auto_query *q = query_new(c->s,
				  "SELECT r.run_id, r.repo_rev, r.duration_ms FROM runs r JOIN (SELECT workload_id,"
				  " device_id, branch FROM runs WHERE status = 'succeeded' AND duration_ms IS NOT"
				  " NULL ORDER BY created_at DESC, run_id DESC LIMIT 1) n ON r.workload_id ="
				  " n.workload_id AND r.device_id = n.device_id AND COALESCE(r.branch, '') ="
				  " COALESCE(n.branch, '') WHERE r.status = 'succeeded' AND r.duration_ms IS NOT"
				  " NULL ORDER BY r.created_at DESC, r.run_id DESC LIMIT ?",
				  e);
	int rc;

	if (!q)
		return -1;
	query_bind(q, "i", (int64_t)SLOWER_RUNS);
	while ((rc = query_step(q, e)) == 1) {
		size_t at = SLOWER_RUNS - 1 - l->n++;

		l->run_id[at] = xstrdup(query_text(q, 0));
		l->rev[at] = query_text(q, 1) ? xstrdup(query_text(q, 1)) : NULL;
		l->ms[at] = query_real(q, 2);
	}
	return rc;
}

static void slower_row(struct call *c, const struct change *x, const char *run_id, const char *rev)
{
	struct str *out = &c->a->body;

	str_add(out, "<li>");
	ui_badge(out, x->after > x->before ? "regressed" : "improved");
	str_addf(out, " %+.0f %% <span class=\"dim\">", (x->after / x->before - 1) * 100);
	html_duration(out, x->before);
	str_add(out, " → ");
	html_duration(out, x->after);
	str_add(out, "</span> since ");
	ui_link(c->sv, out, "/ui/runs/", run_id, rev ? rev : run_id);
	str_add(out, "</li>\n");
}

/* The whole run's duration alone: a look at each test's series is what `history regressions` is for. */
static int slower(struct call *c, struct err *e)
{
	struct change_options o = { .window = 50, .max_p = 0.001, .min_effect = 0.05 };
	struct lately *l = xcalloc(1, sizeof(*l));
	int rc = read_lately(c, l, e);
	size_t first = SLOWER_RUNS - l->n, n = 0;
	struct change *list = NULL;

	str_add(&c->a->body, "<section>\n<h2>Slower or faster runs</h2>\n");
	if (rc == 0 && l->n)
		change_robust(l->ms + first, l->n, &o, &list, &n);
	if (n)
		str_add(&c->a->body, "<ul class=\"plain\">\n");
	for (size_t i = n > ROWS ? n - ROWS : 0; i < n; i++)
		slower_row(c, &list[i], l->run_id[first + list[i].index], l->rev[first + list[i].index]);
	str_add(&c->a->body, n ? "</ul>\n</section>\n" : "<p>No change for good in the last runs.</p>\n</section>\n");
	for (size_t i = first; i < SLOWER_RUNS; i++) {
		free(l->run_id[i]);
		free(l->rev[i]);
	}
	free(list);
	free(l);
	return rc;
}

/* ---- the list ---- */

static void list_row(struct call *c, struct query *q)
{
	struct str *out = &c->a->body;

	str_add(out, "<tr><td>");
	ui_run_badge(out, query_text(q, 1), query_text(q, 2));
	str_add(out, "</td><td>");
	ui_time(out, query_text(q, 3));
	str_add(out, "</td><td>");
	ui_link(c->sv, out, "/ui/runs/", query_text(q, 0), query_text(q, 5) ? query_text(q, 5) : query_text(q, 0));
	str_add(out, "</td><td>");
	html_cut(out, query_text(q, 6) ? query_text(q, 6) : "–", 60);
	str_add(out, "</td><td>");
	ui_rev(out, query_text(q, 7));
	str_add(out, "</td><td class=\"n\">");
	if (query_kind(q, 4) == QUERY_NULL)
		str_add(out, "–");
	else
		html_duration(out, query_real(q, 4));
	str_add(out, "</td></tr>\n");
}

static int list(struct call *c, const char *before, struct err *e)
{
	auto_free char *at = NULL, *last = NULL;
	struct str *out = &c->a->body;
	auto_query *q = NULL;
	int64_t n = 0;
	int rc;

	if (before && store_one_text(c->s, &at, e, "SELECT created_at FROM runs WHERE run_id = ?", "t", before) < 0)
		return -1;
	q = query_new(c->s, "SELECT run_id, status, ended_by, created_at, duration_ms, command, branch, repo_rev FROM runs"
		      " WHERE (CAST(? AS TEXT) = '' OR created_at < ? OR (created_at = ? AND run_id < ?))"
		      " ORDER BY created_at DESC, run_id DESC LIMIT ?", e);
	if (!q)
		return -1;
	at = at ? at : xstrdup("");
	query_bind(q, "tttti", at, at, at, before ? before : "", (int64_t)LIST_RUNS);
	str_add(out, "<h2>All runs</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\""
		     " aria-label=\"Runs\">\n<table>\n<thead><tr>"
		     "<th scope=\"col\">status</th><th scope=\"col\">when</th><th scope=\"col\">command</th><th"
		     " scope=\"col\">branch</th>"
		     "<th scope=\"col\">commit</th><th scope=\"col\" class=\"n\">time</th></tr></thead>\n<tbody>\n");
	while ((rc = query_step(q, e)) == 1) {
		list_row(c, q);
		mem_free_ptr(&last);
		last = xstrdup(query_text(q, 0));
		n++;
	}
	str_add(out, "</tbody>\n</table>\n</div>\n");
	if (!n)
		str_add(out, "<p>Nothing was recorded yet: <code>spec-runner run --history on -- CMD</code> does.</p>\n");
	if (n == LIST_RUNS) {
		str_addf(out, "<p><a rel=\"next\" href=\"%s/?before=", c->sv->prefix);
		url_add(out, last, "");
		str_add(out, "\">Older runs</a></p>\n");
	}
	return rc;
}

int ui_home(struct call *c, struct err *e)
{
	const char *before = call_query(c, "before");
	int rc = before ? call_run(c, before, e) : 0;

	if (rc != 0)
		return rc;
	ui_begin(c->sv, &c->a->body, "Runs", "/", 0);
	if (!before) {
		if (map(c, e) < 0)
			return -1;
		str_add(&c->a->body, "<div class=\"cards\">\n");
		if (ui_cached(c, "broken", broken, e) < 0 || ui_cached(c, "hanging", hanging, e) < 0 ||
		    ui_cached(c, "slower", slower, e) < 0)
			return -1;
		str_add(&c->a->body, "</div>\n");
	}
	rc = list(c, before, e);
	ui_end(&c->a->body);
	return rc;
}
