/* SPDX-License-Identifier: Apache-2.0 */
/* html_profile.c - where the time went: flame graphs and the hottest functions, of the whole run and of its slowest tests,
 * by CPU time, wall time and waits; what processes used over time. Plain SVG: all of it can be read with scripts blocked. */
#include "findings/report/html.h"
#include "findings/report/prof_trace.h"

#include "base/fd.h"
#include "base/json_read.h"
#include "base/mem.h"
#include "base/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOWEST = 10, FUNCTIONS = 20, LEVELS_RUN = 80, LEVELS_TEST = 40, CHART_W = 380, CHART_H = 90, POINTS_MAX = 5000 };
#define SERIES_BYTES_MAX ((size_t)4 << 20)
static const enum prof_weight weights[] = { PROF_CPU, PROF_WALL, PROF_WAIT };
static const char *const headings[] = { "CPU time", "Wall time", "Waits" };

/* ---- functions ---- */

struct hot {
	const struct prof_frame *frame;
	int64_t self, total;
	size_t last;     /* sample that was counted into total, + 1 */
};

static const struct profile *sorted; /* for qsort's comparison; never two at once */

static const char *home_of(const struct prof_frame *f)
{
	return f->file ? f->file : f->module ? f->module : "";
}

static int by_function(const void *a, const void *b)
{
	const struct prof_frame *x = &sorted->frames[*(const uint32_t *)a], *y = &sorted->frames[*(const uint32_t *)b];
	int order = strcmp(x->function ? x->function : "", y->function ? y->function : "");

	if (!order)
		order = strcmp(home_of(x), home_of(y));
	return order ? order : strcmp(x->language, y->language);
}

/* Frames of one function, whatever its line, are one. The number of functions; to[]: by frame. */
static size_t functions_of(const struct profile *p, uint32_t *to, struct hot *v)
{
	auto_free uint32_t *order = xcalloc(p->frame_index.n + 1, sizeof(*order));
	size_t n = 0;

	for (uint32_t i = 0; i < p->frame_index.n; i++)
		order[i] = i;
	sorted = p;
	if (p->frame_index.n)
		qsort(order, p->frame_index.n, sizeof(*order), by_function);
	for (uint32_t i = 0; i < p->frame_index.n; i++) {
		if (i == 0 || by_function(&order[i - 1], &order[i]) != 0)
			v[n++] = (struct hot){ .frame = &p->frames[order[i]] };
		to[order[i]] = (uint32_t)n - 1;
	}
	return n;
}

static int hottest_first(const void *a, const void *b)
{
	const struct hot *x = a, *y = b;

	if (x->self != y->self)
		return x->self > y->self ? -1 : 1;
	if (x->total != y->total)
		return x->total > y->total ? -1 : 1;
	return x->frame < y->frame ? -1 : x->frame > y->frame;
}

static double share(int64_t part, int64_t all)
{
	return 100.0 * (double)part / (double)all;
}

static void function_row(struct str *out, const struct hot *h, int64_t all)
{
	auto_str name = STR_INIT;

	prof_frame_text(h->frame, &name);
	str_addf(out, "<tr><td class=\"n\">%.1f %%</td><td class=\"n\">%.1f ms</td><td class=\"n\">%.1f %%</td>"
		 "<td class=\"n\">%.1f ms</td><td><code>", share(h->self, all), (double)h->self / 1e6, share(h->total, all),
		 (double)h->total / 1e6);
	html_middle(out, str_cstr(&name), 120);
	str_add(out, "</code></td><td><code>");
	html_middle(out, home_of(h->frame), 100);
	str_add(out, "</code></td></tr>\n");
}

static void functions_add(struct str *out, const struct prof_view *v, int64_t all)
{
	const struct profile *p = v->p;
	auto_free uint32_t *to = xcalloc(p->frame_index.n + 1, sizeof(*to));
	auto_free struct hot *h = xcalloc(p->frame_index.n + 1, sizeof(*h));
	size_t n = functions_of(p, to, h);

	for (size_t i = 0; i < p->sample_count; i++) {
		const struct prof_sample *s = &p->samples[i];
		int64_t w = prof_weight_of(v, s);

		for (uint32_t k = 0; w && k < p->stack_len[s->stack]; k++) {
			struct hot *f = &h[to[p->pool[p->stack_first[s->stack] + k]]];

			f->self += k ? 0 : w;
			f->total += f->last == i + 1 ? 0 : w;
			f->last = i + 1;
		}
	}
	if (n)
		qsort(h, n, sizeof(*h), hottest_first);
	str_add(out, "<details><summary>Hottest functions</summary>\n<table><thead><tr><th colspan=\"2\">self</th>"
		     "<th colspan=\"2\">total</th><th>function</th><th>file</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < n && i < FUNCTIONS && h[i].total > 0; i++)
		function_row(out, &h[i], all);
	str_add(out, "</tbody></table></details>\n");
}

/* ---- graphs ---- */

static bool graph_add(struct str *out, struct prof_view *v, int which, int levels, bool functions)
{
	struct prof_tree t;
	auto_str title = STR_INIT;
	int64_t all;

	v->weight = weights[which];
	all = prof_total(v);
	if (all <= 0)
		return false;
	prof_tree_make(&t, v);
	str_addf(&title, "%s, %.1f ms", headings[which], (double)all / 1e6);
	str_add(out, "<div class=\"scroll flame\">\n");
	prof_flame_svg(&t, str_cstr(&title), 1100, levels, false, out);
	str_add(out, "</div>\n");
	prof_tree_release(&t);
	if (functions)
		functions_add(out, v, all);
	return true;
}

struct slow {
	size_t span;
	int64_t ns;
};

static int slowest_first(const void *a, const void *b)
{
	const struct slow *x = a, *y = b;

	return x->ns != y->ns ? (x->ns > y->ns ? -1 : 1) : x->span < y->span ? -1 : x->span > y->span;
}

/* A test whose span holds other tests' is a file or a class of them. */
static bool holds_tests(const struct prof_run *r, size_t span)
{
	for (size_t i = 0; i < r->p.span_count; i++)
		if (r->p.spans[i].is_case && r->p.spans[i].parent == (int32_t)span)
			return true;
	return false;
}

static void test_add(struct str *out, const struct prof_run *r, size_t span, int64_t ns)
{
	struct prof_view v = { .p = &r->p };
	auto_free bool *wanted = xcalloc(r->p.span_count + 1, sizeof(*wanted));
	bool any = false;

	wanted[span] = true;
	for (size_t i = 0; i < r->p.span_count; i++)
		if (r->p.spans[i].parent >= 0 && wanted[r->p.spans[i].parent])
			wanted[i] = true;
	v.span_wanted = wanted;
	str_add(out, "<details><summary><code>");
	html_middle(out, r->p.spans[span].label ? r->p.spans[span].label : r->p.spans[span].id, 200);
	str_add(out, "</code> ");
	html_duration(out, (double)ns / 1e6);
	str_add(out, "</summary>\n");
	for (int i = 0; i < 3; i++)
		any |= graph_add(out, &v, i, LEVELS_TEST, true);
	if (!any)
		str_add(out, "<p>No sample belongs to this test alone.</p>\n");
	str_add(out, "</details>\n");
}

static void tests_add(struct str *out, const struct prof_run *r)
{
	auto_free struct slow *v = xcalloc(r->p.span_count + 1, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < r->p.span_count; i++)
		if (r->p.spans[i].is_case && !holds_tests(r, i))
			v[n++] = (struct slow){ i, r->p.spans[i].end_ns - r->p.spans[i].start_ns };
	if (!n)
		return;
	qsort(v, n, sizeof(*v), slowest_first);
	str_add(out, "<h3>The slowest tests</h3>\n");
	for (size_t i = 0; i < n && i < SLOWEST; i++)
		test_add(out, r, v[i].span, v[i].ns);
}

/* ---- series ---- */

struct series {
	double v[POINTS_MAX][6]; /* time, CPU time, resident bytes, processes, threads, descriptors */
	size_t n;
};

static void series_take(struct series *s, const struct json_value *rows)
{
	json_each(row, rows) {
		size_t k = 0;

		if (s->n == POINTS_MAX || row->kind != JSON_ARRAY || row->count != 6)
			continue;
		json_each(cell, row)
			s->v[s->n][k++] = cell->is_integer ? (double)cell->integer : cell->number;
		s->n++;
	}
}

static void chart_value(struct str *out, double v, int column)
{
	if (column == 2)
		str_addf(out, "%.1f MiB", v / 1048576);
	else if (column == 1)
		str_addf(out, "%.2f processors", v);
	else
		str_addf(out, "%.0f", v);
}

/* One line over time: what a processor's share is comes from the difference of two sums. */
static void chart_add(struct str *out, const struct series *s, int column, const char *name)
{
	double most = 0, first = s->v[0][0], span = s->v[s->n - 1][0] - first, *y = xcalloc(s->n, sizeof(*y));

	for (size_t i = 0; i < s->n; i++) {
		double dt = i ? s->v[i][0] - s->v[i - 1][0] : 0;

		y[i] = column != 1 ? s->v[i][column] : dt > 0 && s->v[i][1] > s->v[i - 1][1] ?
			(s->v[i][1] - s->v[i - 1][1]) / dt : 0;
		most = y[i] > most ? y[i] : most;
	}
	str_addf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\"><title>",
		 CHART_W, CHART_H, CHART_W, CHART_H);
	html_text(out, name);
	str_addf(out, "</title><text x=\"4\" y=\"13\" font-size=\"12\">%s, at most ", name);
	chart_value(out, most, column);
	str_add(out, "</text><polyline fill=\"none\" stroke=\"#4a7ab5\" stroke-width=\"1.5\" points=\"");
	for (size_t i = 0; i < s->n; i++)
		str_addf(out, "%s%.1f,%.1f", i ? " " : "", 4 + (span > 0 ? (s->v[i][0] - first) / span : 0) * (CHART_W - 8),
			 CHART_H - 4 - (most > 0 ? y[i] / most : 0) * (CHART_H - 26));
	str_add(out, "\"/></svg>\n");
	free(y);
}

static void series_add(struct str *out, const char *raw)
{
	static const char *const names[] = { NULL, "CPU", "resident memory", "processes", "threads", "descriptors" };
	auto_free char *path = path_join(raw, "series-proc.json"), *text = NULL;
	auto_free struct series *s = xcalloc(1, sizeof(*s));
	struct json_reader *in;
	const struct json_value *v;
	struct err e;
	size_t n = 0;

	if (file_read(path, SERIES_BYTES_MAX, &text, &n, &e) < 0)
		return;
	in = json_reader_text(text, n, path);
	if (json_take(in, &v, &e) == 0 && json_get(v, "rows") && json_get(v, "rows")->kind == JSON_ARRAY)
		series_take(s, json_get(v, "rows"));
	json_reader_free(in);
	if (s->n < 2)
		return;
	str_add(out, "<h3>Over time</h3>\n<div class=\"charts\">\n");
	for (int i = 1; i < 6; i++)
		chart_add(out, s, i, names[i]);
	str_add(out, "</div>\n");
}

void html_profile(struct str *out, const struct prof_run *r)
{
	struct prof_view v = { .p = r ? &r->p : NULL };
	bool any = false;
	size_t before = out->len;

	if (!r)
		return;
	str_add(out, "<section id=\"profile\">\n<h2>Where the time went</h2>\n");
	for (int i = 0; i < 3; i++)
		any |= graph_add(out, &v, i, LEVELS_RUN, true);
	if (!any) {
		out->len = before;
		out->data[before] = '\0';
		return;
	}
	tests_add(out, r);
	if (r->raw)
		series_add(out, r->raw);
	str_add(out, "</section>\n");
}
