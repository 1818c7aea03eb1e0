/* SPDX-License-Identifier: Apache-2.0 */
/* ui_tests.c - tests by state; one test: its results as a strip, its durations as a chart with the points at which they
 * changed for good. */
#include "base/mem.h"
#include "history/change.h"
#include "history/flaky.h"
#include "serve/ui_part.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MOST 1000
#define RESULTS_MOST 200
#define WIDTH 720.0
#define HEIGHT 180.0
#define LEFT 70.0
#define FOOT 24.0

static void state_links(struct call *c, const char *state)
{
	struct str *out = &c->a->body;

	str_add(out, "<ul class=\"choice\" aria-label=\"States\">\n");
	for (int i = -1; i < FLAKY_STATE_COUNT; i++) {
		const char *name = i < 0 ? "all" : flaky_state_text[i];
		bool current = i < 0 ? !state : state && strcmp(state, name) == 0;

		str_addf(out, "<li><a href=\"%s/ui/tests%s%s\"%s>%s</a></li>\n", c->sv->prefix, i < 0 ? "" : "?state=",
			 i < 0 ? "" : name, current ? " aria-current=\"true\"" : "", name);
	}
	str_add(out, "</ul>\n");
}

static void tests_row(struct call *c, const struct flaky_row *r)
{
	struct str *out = &c->a->body;

	str_add(out, "<tr><td>");
	ui_badge(out, flaky_state_text[flaky_state_of(&r->t)]);
	str_add(out, "</td><td>");
	html_middle(out, r->suite, 120);
	str_add(out, "</td><td><a href=\"");
	ui_test_href(c->sv, out, r->suite, r->case_id);
	str_add(out, "\">");
	html_middle(out, *r->case_id ? r->case_id : "(no name)", 300);
	str_addf(out, "</a></td><td class=\"n\">%u</td><td class=\"n\">%u</td><td class=\"n\">%u</td></tr>\n", r->t.attempts,
		 r->t.failures, r->t.hangs);
}

static int tests_table(struct call *c, struct err *e)
{
	const char *state = call_query(c, "state");
	int wanted = state ? view_flaky_state(state) : -1;
	struct str *out = &c->a->body;
	size_t shown = 0, all = 0;
	struct flaky f;
	int rc = flaky_read(c->s, c->now_real_ns, NULL, 0, &f, e);

	str_add(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Tests\">\n<table>\n<thead><tr>"
		"<th scope=\"col\">state</th><th scope=\"col\">suite</th><th scope=\"col\">test</th>"
		"<th scope=\"col\" class=\"n\">attempts</th><th scope=\"col\" class=\"n\">failures</th>"
		"<th scope=\"col\" class=\"n\">hangs</th></tr></thead>\n<tbody>\n");
	for (int s = 0; rc == 0 && s < FLAKY_STATE_COUNT; s++)
		for (size_t i = 0; i < f.n; i++)
			if ((int)flaky_state_of(&f.rows[i].t) == s && (wanted < 0 || wanted == s) && all++ < ROWS_MOST &&
			    out->len < UI_PAGE_MOST) {
				tests_row(c, &f.rows[i]);
				shown++;
			}
	str_add(out, "</tbody>\n</table>\n</div>\n");
	if (all > shown)
		str_addf(out, "<p class=\"hint\">%zu more: choose a state, or <a href=\"%s/tests\">all as JSON</a>.</p>\n",
			 all - shown, c->sv->prefix);
	else if (!all)
		str_add(out, "<p>None.</p>\n");
	flaky_release(&f);
	return rc;
}

int ui_tests(struct call *c, struct err *e)
{
	const char *state = call_query(c, "state");
	auto_free char *name = xasprintf("tests %s", state ? state : "");
	struct str *out = &c->a->body;
	int rc;

	if (state && view_flaky_state(state) < 0)
		return err_set(e, ERR_USAGE, "state: accepted are flaky, broken, suspect, new and stable");
	ui_begin(c->sv, out, "Tests", "/ui/tests", 0);
	str_add(out, "<p class=\"hint\">Of the last 14 days. Flaky: one clean commit passed and failed. Broken: the"
		     " last three attempts failed. Suspect: it changes between passing and failing.</p>\n");
	state_links(c, state);
	rc = ui_cached(c, name, tests_table, e);
	ui_end(out);
	return rc;
}

/* ---- one test ---- */

struct result {
	char *run_id, *when, *result, *branch, *rev;
	double ms;      /* NaN: unknown */
};
struct results {
	struct result v[RESULTS_MOST]; /* oldest first, once they are read */
	size_t n;
};

static char *copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static int read_results(struct call *c, int64_t test_no, struct results *r, struct err *e)
{
	auto_query *q = query_new(c->s,
				  "SELECT k.run_id, k.created_at, CASE r.result WHEN 0 THEN 'pass' WHEN 1 THEN"
				  " 'fail' WHEN 2 THEN 'error' WHEN 3 THEN 'skip' WHEN 4 THEN 'xfail' WHEN 5 THEN"
				  " 'timeout' WHEN 6 THEN 'stalled' WHEN 7 THEN 'cancelled' ELSE 'unknown' END,"
				  " r.duration_us, u.branch, u.repo_rev FROM (SELECT run_no, run_id, created_at FROM"
				  " run_keys ORDER BY created_at DESC, run_id DESC LIMIT 20000) k JOIN results r ON"
				  " r.run_no = k.run_no AND r.test_no = ? JOIN runs u ON u.run_id = k.run_id ORDER"
				  " BY k.created_at DESC, k.run_id DESC, r.attempt DESC LIMIT ?",
				  e);
	int rc;

	if (!q)
		return -1;
	query_bind(q, "ii", test_no, (int64_t)RESULTS_MOST);
	while ((rc = query_step(q, e)) == 1)
		r->v[r->n++] = (struct result){
			copy(query_text(q, 0)), copy(query_text(q, 1)),
			copy(query_text(q, 2)), copy(query_text(q, 4)),
			copy(query_text(q, 5)), query_kind(q, 3) == QUERY_NULL ? NAN : query_real(q, 3) / 1000
		};
	for (size_t i = 0; i < r->n / 2; i++) {
		struct result x = r->v[i];

		r->v[i] = r->v[r->n - 1 - i];
		r->v[r->n - 1 - i] = x;
	}
	return rc;
}

static void results_free(struct results *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].run_id);
		free(r->v[i].when);
		free(r->v[i].result);
		free(r->v[i].branch);
		free(r->v[i].rev);
	}
	free(r);
}

static void strip(struct call *c, const struct results *r)
{
	struct str *out = &c->a->body;

	str_add(out, "<h2>Results</h2>\n<p class=\"hint\">Newest first: ✓ passed, ✗ failed, H hung,"
		" – something else.</p>\n"
		"<ul class=\"heat\">\n");
	for (size_t i = r->n; i-- > 0;) {
		const char *w = r->v[i].result;
		bool hung = strcmp(w, "timeout") == 0 || strcmp(w, "stalled") == 0;
		bool bad = hung || strcmp(w, "fail") == 0 || strcmp(w, "error") == 0, good = strcmp(w, "pass") == 0;

		str_addf(out, "<li><a class=\"%s\" href=\"%s/ui/runs/", good ? "good" : bad ? "bad" : "none", c->sv->prefix);
		url_add(out, r->v[i].run_id, "");
		str_addf(out, "\" aria-label=\"%s, ", w);
		html_cut(out, r->v[i].when, 16);
		str_addf(out, "\">%s</a></li>\n", good ? "✓" : hung ? "H" : bad ? "✗" : "–");
	}
	str_add(out, "</ul>\n");
}

struct scale {
	double most;
	size_t n;
};
static double x_of(const struct scale *s, size_t i)
{
	return LEFT + (WIDTH - LEFT - 10) * (s->n > 1 ? (double)i / (double)(s->n - 1) : 0.5);
}
static double y_of(const struct scale *s, double v)
{
	return (HEIGHT - FOOT) - (HEIGHT - FOOT - 10) * (s->most > 0 ? v / s->most : 0);
}

static void chart_marks(struct str *out, const struct scale *s, const double *v, size_t n, struct str *words)
{
	struct change_options o = { .window = 50, .max_p = 0.001, .min_effect = 0.20, .min_difference = 1 };
	struct change *list = NULL;
	size_t found = 0;

	change_robust(v, n, &o, &list, &found);
	for (size_t i = 0; i < found; i++) {
		double x = x_of(s, list[i].index);

		str_addf(out, "<line class=\"mark\" x1=\"%.1f\" y1=\"10\" x2=\"%.1f\" y2=\"%.1f\"/>\n", x, x, HEIGHT - FOOT);
		str_addf(words, "<li>from value %zu on: ", list[i].index + 1);
		html_duration(words, list[i].before);
		str_add(words, " → ");
		html_duration(words, list[i].after);
		str_add(words, "</li>\n");
	}
	free(list);
}

/* Passing attempts alone: how long a failure took says nothing of the test. */
static void chart(struct call *c, const struct results *r)
{
	struct str *out = &c->a->body;
	auto_str words = STR_INIT;
	struct scale s = { 0 };
	double v[RESULTS_MOST] = { 0 };

	for (size_t i = 0; i < r->n; i++)
		if (isfinite(r->v[i].ms) && strcmp(r->v[i].result, "pass") == 0)
			v[s.n++] = r->v[i].ms;
	for (size_t i = 0; i < s.n; i++)
		s.most = v[i] > s.most ? v[i] : s.most;
	if (s.n < 2)
		return;
	str_addf(out, "<h2>Durations</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Durations\">\n"
		 "<svg role=\"img\" aria-label=\"Durations of %zu passing attempts, oldest first\" viewBox=\"0 0 %.0f %.0f\""
		 " width=\"%.0f\" height=\"%.0f\">\n", s.n, WIDTH, HEIGHT, WIDTH, HEIGHT);
	str_addf(out,
		 "<path class=\"axis\" d=\"M%.0f 10V%.0fH%.0f\"/>\n"
		 "<text x=\"%.0f\" y=\"18\" text-anchor=\"end\">",
		 LEFT, HEIGHT - FOOT, WIDTH - 10, LEFT - 6);
	html_duration(out, s.most);
	str_addf(out,
		 "</text>\n<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">0</text>\n<text x=\"%.0f\""
		 " y=\"%.0f\">oldest</text>\n"
		 "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">newest</text>\n<polyline class=\"curve\""
		 " points=\"",
		 LEFT - 6, HEIGHT - FOOT, LEFT, HEIGHT - 6, WIDTH - 10, HEIGHT - 6);
	for (size_t i = 0; i < s.n; i++)
		str_addf(out, "%.1f,%.1f ", x_of(&s, i), y_of(&s, v[i]));
	str_add(out, "\"/>\n");
	chart_marks(out, &s, v, s.n, &words);
	str_add(out, "</svg>\n</div>\n");
	if (words.len)
		str_addf(out, "<p>It changed for good:</p>\n<ul>\n%s</ul>\n", str_cstr(&words));
}

static void results_table(struct call *c, const struct results *r)
{
	struct str *out = &c->a->body;

	str_add(out, "<h2>Runs</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\""
		     " aria-label=\"Runs\">\n<table>\n<thead><tr>"
		     "<th scope=\"col\">result</th><th scope=\"col\">when</th><th scope=\"col\">branch</th><th"
		     " scope=\"col\">commit</th>"
		     "<th scope=\"col\" class=\"n\">time</th></tr></thead>\n<tbody>\n");
	for (size_t i = r->n; i-- > 0;) {
		str_add(out, "<tr><td>");
		ui_badge(out, r->v[i].result);
		str_addf(out, "</td><td><a href=\"%s/ui/runs/", c->sv->prefix);
		url_add(out, r->v[i].run_id, "");
		str_add(out, "\">");
		ui_time(out, r->v[i].when);
		str_add(out, "</a></td><td>");
		html_cut(out, r->v[i].branch ? r->v[i].branch : "–", 80);
		str_add(out, "</td><td>");
		ui_rev(out, r->v[i].rev);
		str_add(out, "</td><td class=\"n\">");
		if (isfinite(r->v[i].ms))
			html_duration(out, r->v[i].ms);
		else
			str_add(out, "–");
		str_add(out, "</td></tr>\n");
	}
	str_add(out, "</tbody>\n</table>\n</div>\n");
}

static int state_of(struct call *c, int64_t test_no, struct err *e)
{
	struct str *out = &c->a->body;
	struct flaky f;
	int rc = flaky_read(c->s, c->now_real_ns, &test_no, 1, &f, e);

	str_add(out, "<p>");
	if (rc == 0 && f.n == 1) {
		ui_badge(out, flaky_state_text[flaky_state_of(&f.rows[0].t)]);
		str_addf(out, " %u of %u attempts of the last 14 days failed", f.rows[0].t.failures, f.rows[0].t.attempts);
		for (uint32_t i = 0; i < f.rows[0].t.n_revs; i++) {
			const struct flaky_rev *r = &f.rows[0].t.revs[i];

			if (r->pass_run < 0 || r->fail_run < 0)
				continue;
			str_add(out, "; it <a href=\"");
			str_addf(out, "%s/ui/runs/%s\">passed</a> and <a href=\"%s/ui/runs/%s\">failed</a> at ",
				 c->sv->prefix, f.run_ids[r->pass_run], c->sv->prefix, f.run_ids[r->fail_run]);
			ui_rev(out, f.revs[r->rev]);
			break;
		}
	} else {
		str_add(out, "No attempts within the last 14 days.");
	}
	str_add(out, "</p>\n");
	flaky_release(&f);
	return rc;
}

int ui_test(struct call *c, struct err *e)
{
	auto_free char *suite = NULL, *case_id = NULL;
	struct results *r;
	int64_t test_no;
	int rc = call_test(c, &test_no, &suite, &case_id, e);

	if (rc != 0)
		return rc;
	ui_begin(c->sv, &c->a->body, *case_id ? case_id : "(no name)", "", 0);
	str_add(&c->a->body, "<p class=\"dim\">");
	html_text(&c->a->body, suite);
	str_add(&c->a->body, "</p>\n");
	r = xcalloc(1, sizeof(*r));
	rc = state_of(c, test_no, e) < 0 ? -1 : read_results(c, test_no, r, e);
	if (rc == 0) {
		strip(c, r);
		chart(c, r);
		results_table(c, r);
		ui_end(&c->a->body);
	}
	results_free(r);
	return rc;
}
