/* SPDX-License-Identifier: Apache-2.0 */
/* page.c - report.html of a loop: the same as report.md, with the KPIs as charts. No script, nothing from elsewhere. */
#include "base/mem.h"
#include "base/plain.h"
#include "history/stats.h"
#include "runner/optimize/nodes.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHART_WIDTH 480

static void range(const struct sample_metric *m, double *least, double *most)
{
	for (size_t i = 0; m && i < m->n; i++) {
		*least = fmin(*least, m->v[i]);
		*most = fmax(*most, m->v[i]);
	}
}

/* Each sample a dot, the median a line. */
static void row(struct str *out, const char *name, const struct sample_metric *m, double least, double most, int y)
{
	auto_free double *v = xreallocarray(NULL, m->n + 1, sizeof(double));
	double span = most > least ? most - least : 1, median;

	memcpy(v, m->v, m->n * sizeof(double));
	median = stats_median(v, m->n);
	str_addf(out, "<text x=\"0\" y=\"%d\">%s</text>", y + 4, name);
	for (size_t i = 0; i < m->n; i++)
		str_addf(out, "<circle cx=\"%.1f\" cy=\"%d\" r=\"3\"/>", 90 + (m->v[i] - least) / span * CHART_WIDTH, y);
	str_addf(out, "<rect x=\"%.1f\" y=\"%d\" width=\"2\" height=\"20\"><title>median %.6g</title></rect>",
		 89 + (median - least) / span * CHART_WIDTH, y - 10, median);
}

static void charts(struct loop *l, struct str *out)
{
	struct sample_set base, best;
	struct err ignored = { 0 };

	if (!l->st.best_iteration || l->st.goal == GOAL_HANG || samples_read(l, "confirm", &base, &best, &ignored) < 0)
		return;
	str_add(out, "<h2>KPIs, fresh samples taken in turn</h2>\n");
	for (size_t i = 0; i < base.n; i++) {
		const struct sample_metric *b = sample_metric_of(&best, base.m[i].name);
		double least = INFINITY, most = -INFINITY;

		if (!b || !b->n || !base.m[i].n)
			continue;
		range(&base.m[i], &least, &most);
		range(b, &least, &most);
		str_add(out, "<h3>");
		plain_html(out, base.m[i].name);
		str_addf(out, "</h3>\n<svg width=\"%d\" height=\"70\" role=\"img\">", CHART_WIDTH + 100);
		row(out, "baseline", &base.m[i], least, most, 15);
		row(out, "best", b, least, most, 45);
		str_addf(out,
			"<text x=\"90\" y=\"68\">%.6g</text><text x=\"%d\" y=\"68\" "
			"text-anchor=\"end\">%.6g</text></svg>\n", least,
			 90 + CHART_WIDTH, most);
	}
	sample_set_release(&base);
	sample_set_release(&best);
}

static void rounds(const struct loop *l, struct str *out)
{
	str_add(out, "<h2>Candidates</h2>\n<table><tr><th>iteration</th><th>applied</th><th>correct</th><th>verdict</th>"
		"<th>change</th><th>reason</th></tr>\n");
	for (size_t i = 0; i < l->st.n_rounds; i++) {
		const struct optimize_round *r = &l->st.rounds[i];

		str_addf(out, "<tr><td>%" PRId64 "%s</td><td>%s</td><td>%s</td><td>%s</td><td>", r->iteration,
			 r->confirmed ? " (best)" : "", r->apply_status[0] ? r->apply_status : "no patch",
			 r->correct < 0 ? "-" : r->correct ? "yes" : "no", r->verdict[0] ? r->verdict : "-");
		if (!isnan(r->change))
			str_addf(out, "%+.1f %%", r->change * 100);
		str_add(out, "</td><td>");
		plain_html(out, r->reason);
		str_add(out, "</td></tr>\n");
	}
	str_add(out, "</table>\n");
}

void loop_page(struct loop *l, const char *markdown, struct str *out)
{
	str_add(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Optimisation ");
	plain_html(out, l->st.run_id);
	str_add(out, "</title><style>body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
		"table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:2px 8px;text-align:left}"
		"pre{background:#f4f4f4;padding:1em;overflow:auto}circle{fill:#2a6fb0;opacity:.6}rect{fill:#c0392b}"
		"text{font-size:12px}</style></head><body>\n<h1>Optimisation ");
	plain_html(out, l->st.run_id);
	str_add(out, "</h1>\n<p>");
	if (l->st.confirmed && !isnan(l->st.change))
		str_addf(out, "Better than the baseline: %+.1f %%, confirmed with fresh samples.", l->st.change * 100);
	else
		str_add(out, l->st.confirmed ? "Better than the baseline, and confirmed." :
			"Nothing was found that is better than the baseline and was confirmed.");
	str_add(out, "</p>\n");
	charts(l, out);
	rounds(l, out);
	str_add(out, "<h2>The whole report</h2>\n<pre>");
	plain_html(out, markdown);
	str_add(out, "</pre>\n</body></html>\n");
}
