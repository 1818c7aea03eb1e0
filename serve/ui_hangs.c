/* SPDX-License-Identifier: Apache-2.0 */
/* ui_hangs.c - hangs by signature; one of them: who waits for whom, how often over time, in which runs. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/value.h"
#include "history/hangs.h"
#include "serve/ui_part.h"

#include <string.h>

#define ROWS_MOST 500
#define WEEKS 26
#define WEEK_NS (INT64_C(7) * 24 * 3600 * NS_PER_S)

static void hangs_row(struct call *c, const struct hang *h)
{
	struct str *out = &c->a->body;

	str_add(out, "<tr><td>");
	ui_link(c->sv, out, "/ui/hangs/", h->signature, h->pattern_id);
	str_add(out, "</td><td><code>");
	html_middle(out, h->location ? h->location : "–", 100);
	str_addf(out, "</code></td><td class=\"n\">%lld</td><td class=\"n\">%.1f %%</td><td>", (long long)h->count,
		 h->rate * 100);
	ui_rev(out, h->first_rev);
	str_add(out, "</td><td>");
	ui_time(out, h->last_seen);
	str_add(out, "</td></tr>\n");
}

static int hangs_table(struct call *c, struct err *e)
{
	struct str *out = &c->a->body;
	struct hangs h;
	int rc = hangs_read(c->s, NULL, NULL, &h, e);

	str_add(out, "<p class=\"hint\">The same hang has the same signature, wherever it is seen. Rate: of the runs"
		     " of its workloads since it was first seen.</p>\n"
		     "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Hangs\">\n"
		     "<table>\n"
		     "<thead><tr><th scope=\"col\">what</th><th scope=\"col\">where</th><th scope=\"col\""
		     " class=\"n\">times</th><th scope=\"col\" class=\"n\">rate</th><th scope=\"col\">since</th><th"
		     " scope=\"col\">last seen</th></tr></thead>\n"
		     "<tbody>\n");
	for (size_t i = 0; rc == 0 && i < h.n && i < ROWS_MOST && out->len < UI_PAGE_MOST; i++)
		hangs_row(c, &h.v[i]);
	str_add(out, "</tbody>\n</table>\n</div>\n");
	if (!h.n)
		str_add(out, "<p>None.</p>\n");
	hangs_release(&h);
	return rc;
}

int ui_hangs(struct call *c, struct err *e)
{
	int rc;

	ui_begin(c->sv, &c->a->body, "Hangs", "/ui/hangs", 0);
	rc = ui_cached(c, "hangs", hangs_table, e);
	ui_end(&c->a->body);
	return rc;
}

/* ---- one ---- */

static void facts_of(struct call *c, const struct hang *h)
{
	struct str *out = &c->a->body;

	str_add(out, "<dl>\n<dt>where</dt><dd><code>");
	html_text(out, h->location ? h->location : "–");
	str_addf(out, "</code></dd>\n<dt>seen</dt><dd>%lld time%s in %lld runs (%.1f %%)</dd>\n<dt>first</dt><dd>",
		 (long long)h->count, h->count == 1 ? "" : "s", (long long)h->runs, h->rate * 100);
	ui_time(out, h->first_seen);
	str_add(out, " at ");
	ui_rev(out, h->first_rev);
	str_add(out, "</dd>\n<dt>last good commit before</dt><dd>");
	ui_rev(out, h->last_good_rev);
	str_add(out, "</dd>\n<dt>last</dt><dd>");
	ui_time(out, h->last_seen);
	str_add(out, "</dd>\n<dt>branches</dt><dd>");
	for (size_t i = 0; i < h->branches.n && i < 50; i++) {
		str_add(out, i ? ", " : "");
		html_cut(out, h->branches.v[i], 80);
	}
	str_add(out, h->branches.n ? "</dd>\n" : "–</dd>\n");
	if (h->cases.n)
		str_add(out, "<dt>tests</dt><dd>");
	for (size_t i = 0; i < h->cases.n && i < 50; i++) {
		str_addf(out, "%s<a href=\"", i ? ", " : "");
		ui_test_href(c->sv, out, h->suites.v[i], h->cases.v[i]);
		str_add(out, "\">");
		html_middle(out, h->cases.v[i], 120);
		str_add(out, "</a>");
	}
	str_add(out, h->cases.n ? "</dd>\n</dl>\n" : "</dl>\n");
}

/* Bars of the last weeks, and the runs of the newest. */
static int over_time(struct call *c, const char *signature, struct err *e)
{
	auto_query *q = query_new(c->s,
				  "SELECT run_id, seen_at, branch, repo_rev FROM v_hangs WHERE signature = ? ORDER"
				  " BY seen_at DESC, run_id DESC",
				  e);
	struct str *out = &c->a->body;
	auto_str rows = STR_INIT;
	int64_t weeks[WEEKS] = { 0 }, most = 1, n = 0, at;
	int rc;

	if (!q)
		return -1;
	query_bind(q, "t", signature);
	while ((rc = query_step(q, e)) == 1) {
		int64_t week = value_time(query_text(q, 1), &at) &&
				at <= c->now_real_ns ? (c->now_real_ns - at) / WEEK_NS : 0;

		if (week < WEEKS && ++weeks[week] > most)
			most = weeks[week];
		if (n++ >= 100)
			continue;
		str_add(&rows, "<tr><td>");
		str_addf(&rows, "<a href=\"%s/ui/runs/%s\">", c->sv->prefix, query_text(q, 0));
		ui_time(&rows, query_text(q, 1));
		str_add(&rows, "</a></td><td>");
		html_cut(&rows, query_text(q, 2) ? query_text(q, 2) : "–", 80);
		str_add(&rows, "</td><td>");
		ui_rev(&rows, query_text(q, 3));
		str_add(&rows, "</td></tr>\n");
	}
	str_addf(out,
		 "<h2>Over time</h2>\n"
		 "<svg role=\"img\" aria-label=\"Times seen in each of the last %d weeks; the most in one week:"
		 " %lld\" viewBox=\"0 0 560 120\" width=\"560\" height=\"120\">\n"
		 "<path class=\"axis\" d=\"M20 10V96H550\"/>\n",
		 WEEKS, (long long)most);
	for (int i = 0; i < WEEKS; i++)
		if (weeks[i])
			str_addf(out, "<rect class=\"c-bad\" x=\"%d\" y=\"%.1f\" width=\"16\" height=\"%.1f\"/>\n",
				 22 + 20 * (WEEKS - 1 - i), 96 - 80.0 * (double)weeks[i] / (double)most,
				 80.0 * (double)weeks[i] / (double)most);
	str_addf(out, "<text x=\"20\" y=\"114\">%d weeks ago</text><text x=\"550\" y=\"114\" text-anchor=\"end\">now</text>"
		 "<text x=\"14\" y=\"20\" text-anchor=\"end\">%lld</text>\n</svg>\n", WEEKS, (long long)most);
	str_addf(out,
		 "<h2>Runs</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\""
		 " aria-label=\"Runs\">\n<table>\n<thead><tr>"
		 "<th scope=\"col\">when</th><th scope=\"col\">branch</th><th"
		 " scope=\"col\">commit</th></tr></thead>\n<tbody>\n%s"
		 "</tbody>\n</table>\n</div>\n",
		 str_cstr(&rows));
	if (n > 100)
		str_addf(out, "<p class=\"hint\">The newest 100 of %lld.</p>\n", (long long)n);
	return rc;
}

static int picture(struct call *c, const struct hang *h, struct err *e)
{
	auto_free char *summary = NULL;
	struct str *out = &c->a->body;
	struct facts f;
	int rc = store_one_text(c->s, &summary, e,
				"SELECT summary FROM findings WHERE run_id = ? AND finding_id = ? ORDER BY rank"
				" LIMIT 1",
				"tt", h->last_run_id, h->signature);

	if (rc < 0)
		return -1;
	if (summary) {
		str_add(out, "<p>");
		html_text(out, summary);
		str_add(out, "</p>\n");
	}
	rc = ui_facts(c, h->last_run_id, &f, e);
	if (rc <= 0)
		return rc;
	str_add(out, "<div class=\"report\">\n");
	ui_part(out, html_graph, &f);
	str_add(out, "</div>\n");
	facts_release(&f);
	return 0;
}

int ui_hang(struct call *c, struct err *e)
{
	char quoted[VALUE_QUOTE_SIZE];
	struct hangs h;
	int rc = hangs_read(c->s, c->arg[0], NULL, &h, e);

	if (rc == 0 && !h.n) {
		err_set(e, ERR_FAILURE, "no hang %s in the history", value_quote(c->arg[0], quoted));
		rc = 1;
	}
	if (rc == 0) {
		ui_begin(c->sv, &c->a->body, h.v[0].pattern_id, "", 0);
		facts_of(c, &h.v[0]);
		rc = picture(c, &h.v[0], e) < 0 ? -1 : over_time(c, h.v[0].signature, e);
		ui_end(&c->a->body);
	}
	hangs_release(&h);
	return rc;
}
