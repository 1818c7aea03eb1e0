/* SPDX-License-Identifier: Apache-2.0 */
/* html_timeline.c - spans as bars in the order of their tree, events as marks above them, and the time in
 * which nothing moved as a band behind them. Of very many spans the chart shows those that ended
 * badly and the slowest, with what is around them; a list holds all. */
#include "findings/report/html.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define CHART_WIDTH 1120
#define CHART_LEFT 330
#define CHART_RIGHT 12
#define ROW_HEIGHT 20
#define AXIS_HEIGHT 22
#define SPANS_SHOWN 64
#define EVENTS_SHOWN 14
#define DEPTH_MAX 12

struct span {
	const struct fact_row *row;
	double start, length;
	size_t parent, order; /* parent: index, or SIZE_MAX */
	unsigned depth;
	bool shown;
};

struct timeline {
	struct str *out;
	const struct facts *f;
	struct span *v;
	size_t n, shown;
	double end_ms;
	unsigned y;
};

/* ---- the tree ---- */

static bool is_good(const struct span *s)
{
	return strcmp(fact_text(s->row, FC_SPAN_status), "ok") == 0;
}

/* Parents before their children: the earlier, then the longer. */
static int by_start(const void *pa, const void *pb)
{
	const struct span *a = pa, *b = pb;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->length != b->length)
		return a->length > b->length ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

static int by_id(const void *pa, const void *pb)
{
	const struct span *const *a = pa, *const *b = pb;

	return strcmp(fact_text((*a)->row, FC_SPAN_id), fact_text((*b)->row, FC_SPAN_id));
}

/* What matters most first. */
static int by_weight(const void *pa, const void *pb)
{
	const struct span *a = *(struct span *const *)pa, *b = *(struct span *const *)pb;

	if (is_good(a) != is_good(b))
		return is_good(a) ? 1 : -1;
	if (a->length != b->length)
		return a->length > b->length ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

static void find_parents(struct timeline *t, struct span **sorted)
{
	for (size_t i = 0; i < t->n; i++) {
		struct span *s = &t->v[i];
		const char *want = fact_text(s->row, FC_SPAN_parent);
		size_t lo = 0, hi = t->n;

		s->parent = SIZE_MAX;
		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;

			if (strcmp(fact_text(sorted[mid]->row, FC_SPAN_id), want) < 0)
				lo = mid + 1;
			else
				hi = mid;
		}
		/* A parent stands before its child, so no damaged trace makes a ring. */
		if (*want && lo < t->n && sorted[lo] < s && strcmp(fact_text(sorted[lo]->row, FC_SPAN_id), want) == 0) {
			s->parent = (size_t)(sorted[lo] - t->v);
			s->depth = t->v[s->parent].depth + 1;
		}
	}
}

static void choose(struct timeline *t, struct span **sorted)
{
	qsort(sorted, t->n, sizeof(*sorted), by_weight);
	for (size_t i = 0; i < t->n && t->shown < SPANS_SHOWN; i++)
		for (struct span *s = sorted[i]; !s->shown; s = &t->v[s->parent]) {
			s->shown = true;
			t->shown++;
			if (s->parent == SIZE_MAX)
				break;
		}
}

static void timeline_init(struct timeline *t)
{
	const struct fact_table *rows = &t->f->table[FACT_SPAN];
	auto_free struct span **sorted = xreallocarray(NULL, rows->n + 1, sizeof(*sorted));

	t->n = rows->n;
	t->v = xcalloc(rows->n + 1, sizeof(*t->v));
	for (size_t i = 0; i < t->n; i++) {
		t->v[i].row = rows->rows[i];
		t->v[i].start = fact_num(rows->rows[i], FC_SPAN_start_ms, 0);
		t->v[i].length = fact_num(rows->rows[i], FC_SPAN_duration_ms, 0);
		t->v[i].order = i;
		if (t->v[i].start + t->v[i].length > t->end_ms)
			t->end_ms = t->v[i].start + t->v[i].length;
	}
	if (!t->n)
		return;
	qsort(t->v, t->n, sizeof(*t->v), by_start);
	for (size_t i = 0; i < t->n; i++) {
		t->v[i].order = i;
		sorted[i] = &t->v[i];
	}
	qsort(sorted, t->n, sizeof(*sorted), by_id);
	find_parents(t, sorted);
	choose(t, sorted);
}

/* ---- drawing ---- */

static double chart_x(const struct timeline *t, double ms)
{
	double share = t->end_ms > 0 ? ms / t->end_ms : 0;

	share = share < 0 ? 0 : share > 1 ? 1 : share;
	return CHART_LEFT + (CHART_WIDTH - CHART_LEFT - CHART_RIGHT) * share;
}

/* 1, 2 or 5 times a power of ten, so that about six steps fill the chart. */
static double tick_step(double end_ms)
{
	double step = 0.001;

	for (unsigned i = 0; step * 7 < end_ms && i < 60; i++)
		step *= i % 3 == 1 ? 2.5 : 2;
	return step;
}

static void axis_draw(struct timeline *t, unsigned height)
{
	double step = tick_step(t->end_ms);

	for (unsigned i = 0; i < 9 && step * i <= t->end_ms; i++) {
		double x = chart_x(t, step * i);

		str_addf(t->out,
			 "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%u\" stroke=\"#ccc\"/>"
			 "<text class=\"soft\" x=\"%.1f\" y=\"14\" font-size=\"11\" fill=\"#555\" "
			 "text-anchor=\"%s\">",
			 x, x, AXIS_HEIGHT - 4, height, x > CHART_WIDTH - 60 ? x - 3 : x + 3,
			 x > CHART_WIDTH - 60 ? "end" : "start");
		html_duration(t->out, step * i);
		str_add(t->out, "</text>\n");
	}
}

static void span_draw(struct timeline *t, const struct span *s)
{
	double x = chart_x(t, s->start), w = chart_x(t, s->start + s->length) - x;
	const char *name = fact_text(s->row, FC_SPAN_name), *label = fact_text(s->row, FC_SPAN_label);
	const char *status = fact_text(s->row, FC_SPAN_status);
	bool frame = strcmp(name, "run.total") == 0 || strcmp(name, "runner.dispatch") == 0;
	bool test = strcmp(name, "case.run") == 0;
	unsigned indent = 6 + 9 * (s->depth < DEPTH_MAX ? s->depth : DEPTH_MAX);

	str_add(t->out, "<g><title>");
	html_text(t->out, name);
	str_addc(t->out, ' ');
	html_text(t->out, label);
	str_add(t->out, ": ");
	html_text(t->out, status);
	str_add(t->out, ", ");
	html_duration(t->out, s->length);
	str_add(t->out, " from ");
	html_duration(t->out, s->start);
	str_addf(t->out, "</title><text x=\"%u\" y=\"%u\" font-size=\"12\">", indent, t->y + 14);
	if (!test || !*label) {
		str_addf(t->out, "<tspan class=\"soft\" fill=\"#555\">");
		html_text(t->out, name);
		str_add(t->out, "</tspan> ");
	}
	html_middle(t->out, label, test ? 44 - s->depth % 20 : 26);
	str_addf(t->out,
		 "</text><rect class=\"s-%s\" x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%d\" rx=\"3\" "
		 "fill=\"%s\"/></g>\n",
		 frame ? "frame" : status, x, t->y + 3, w < 2 ? 2 : w, ROW_HEIGHT - 6,
		 frame                          ? "#9aa7b4"
		 : is_good(s)                   ? "#3f9b55"
		 : strcmp(status, "error") == 0 ? "#d1242f"
						: "#d4700a");
	t->y += ROW_HEIGHT;
}

/* Depth first, over those that are shown: children follow their parent in the order of time. */
static void spans_draw(struct timeline *t)
{
	auto_free size_t *child = xreallocarray(NULL, t->n + 1, sizeof(*child));
	auto_free size_t *next = xreallocarray(NULL, t->n + 1, sizeof(*next));
	size_t root = SIZE_MAX, at;

	for (size_t i = 0; i < t->n; i++)
		child[i] = next[i] = SIZE_MAX;
	for (size_t i = t->n; i-- > 0;) {
		size_t *list = t->v[i].parent == SIZE_MAX ? &root : &child[t->v[i].parent];

		if (!t->v[i].shown)
			continue;
		next[i] = *list;
		*list = i;
	}
	for (at = root; at != SIZE_MAX;) {
		span_draw(t, &t->v[at]);
		if (child[at] != SIZE_MAX) {
			at = child[at];
			continue;
		}
		while (at != SIZE_MAX && next[at] == SIZE_MAX)
			at = t->v[at].parent;
		at = at == SIZE_MAX ? SIZE_MAX : next[at];
	}
}

static void event_draw(struct timeline *t, const char *label, double ms, unsigned height)
{
	double x = chart_x(t, ms);
	unsigned y = t->y + ROW_HEIGHT / 2;

	str_addf(t->out, "<g><title>");
	html_text(t->out, label);
	str_add(t->out, " at ");
	html_duration(t->out, ms);
	str_addf(t->out, "</title><text x=\"6\" y=\"%u\" font-size=\"12\">", t->y + 14);
	html_middle(t->out, label, 46);
	str_addf(t->out,
		 "</text><line class=\"event-line\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%u\" y2=\"%u\" stroke=\"#d1242f\" "
		 "stroke-dasharray=\"2 3\" opacity=\"0.6\"/>"
		 "<path class=\"event\" d=\"M%.1f %u l6 6 l-6 6 l-6 -6 z\" fill=\"#d1242f\"/></g>\n",
		 x, x, y, height, x, y - 6);
	t->y += ROW_HEIGHT;
}

static unsigned events_count(const struct facts *f)
{
	size_t n = f->table[FACT_TIMEOUT].n;

	return (unsigned)(n < EVENTS_SHOWN ? n : EVENTS_SHOWN);
}

static int by_time(const void *pa, const void *pb)
{
	double a = fact_num(*(struct fact_row *const *)pa, FC_TIMEOUT_at_ms, 0);
	double b = fact_num(*(struct fact_row *const *)pb, FC_TIMEOUT_at_ms, 0);

	if (a != b)
		return a < b ? -1 : 1;
	return strcmp(fact_text(*(struct fact_row *const *)pa, FC_TIMEOUT_token),
		      fact_text(*(struct fact_row *const *)pb, FC_TIMEOUT_token));
}

static void events_draw(struct timeline *t, unsigned height)
{
	const struct fact_table *tokens = &t->f->table[FACT_TIMEOUT];
	auto_free struct fact_row **sorted = xreallocarray(NULL, tokens->n + 1, sizeof(*sorted));

	if (!tokens->n)
		return;
	memcpy(sorted, tokens->rows, tokens->n * sizeof(*sorted));
	qsort(sorted, tokens->n, sizeof(*sorted), by_time);
	/* the last ones: how it ended */
	for (size_t i = tokens->n - events_count(t->f); i < tokens->n; i++)
		event_draw(t, fact_text(sorted[i], FC_TIMEOUT_token), fact_num(sorted[i], FC_TIMEOUT_at_ms, 0), height);
}

/* The silence before the end, where there was one. */
static double idle_draw(struct timeline *t, const struct fact_row *run, unsigned height)
{
	double from = fact_num(run, FC_RUN_last_progress_ms, -1), idle = fact_num(run, FC_RUN_idle_ms, -1), x;

	if (from < 0 || idle <= 0 || !fact_bool(run, FC_RUN_stuck))
		return -1;
	x = chart_x(t, from);
	str_addf(t->out, "<g><title>no progress for ");
	html_duration(t->out, idle);
	str_addf(t->out,
		 "</title><rect class=\"band\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%u\" "
		 "fill=\"#d4700a\" opacity=\"0.13\"/></g>\n",
		 x, AXIS_HEIGHT, chart_x(t, from + idle) - x, height - AXIS_HEIGHT);
	return idle;
}

static void chart_add(struct timeline *t, const struct fact_row *run)
{
	unsigned events = events_count(t->f), height = AXIS_HEIGHT + ((unsigned)t->shown + events) * ROW_HEIGHT + 4;
	double idle;

	t->y = AXIS_HEIGHT;
	str_addf(t->out,
		 "<div class=\"wide\">\n<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" "
		 "aria-label=\"Spans and events over time\" "
		 "width=\"%d\" height=\"%u\" viewBox=\"0 0 %d %u\">\n",
		 CHART_WIDTH, height, CHART_WIDTH, height);
	axis_draw(t, height);
	idle = idle_draw(t, run, height);
	events_draw(t, height);
	spans_draw(t);
	str_add(t->out, "</svg>\n</div>\n<p class=\"legend\">");
	html_duration(t->out, t->end_ms);
	str_add(t->out, " in all; bars are spans, diamonds what a watchdog recorded");
	if (idle > 0) {
		str_add(t->out, ", the band is the ");
		html_duration(t->out, idle);
		str_add(t->out, " without progress (the last was ");
		html_text(t->out, *fact_text(run, FC_RUN_last_progress) ? fact_text(run, FC_RUN_last_progress) : "not seen");
		str_addc(t->out, ')');
	}
	str_add(t->out, ".");
	if (t->f->table[FACT_TIMEOUT].n > events)
		str_addf(t->out, " %zu earlier events are not drawn.", t->f->table[FACT_TIMEOUT].n - events);
	str_add(t->out, "</p>\n");
}

/* ---- all of them ---- */

static void list_add(struct timeline *t)
{
	uint64_t dropped = t->f->table[FACT_SPAN].dropped;

	if (t->shown == t->n && !dropped)
		return;
	str_addf(t->out,
		 "<p class=\"legend\">The chart holds %zu of %llu spans: those that ended badly, the slowest, "
		 "and what is around "
		 "them.</p>\n<details class=\"all\"><summary>All spans in the order of time</summary>\n<ol "
		 "class=\"rows\">\n",
		 t->shown, (unsigned long long)(t->n + dropped));
	for (size_t i = 0; i < t->n; i++) {
		const struct span *s = &t->v[i];

		str_add(t->out, "<li>");
		html_duration(t->out, s->start);
		str_add(t->out, " + ");
		html_duration(t->out, s->length);
		str_add(t->out, is_good(s) ? " " : " <strong>");
		html_text(t->out, fact_text(s->row, FC_SPAN_status));
		str_add(t->out, is_good(s) ? " " : "</strong> ");
		html_text(t->out, fact_text(s->row, FC_SPAN_name));
		str_addc(t->out, ' ');
		html_cut(t->out, fact_text(s->row, FC_SPAN_label), 300);
		str_add(t->out, "\n");
	}
	str_add(t->out, "</ol>\n");
	if (dropped)
		str_addf(t->out, "<p>%llu more, which ended well, are in run-trace.json.</p>\n",
			 (unsigned long long)dropped);
	str_add(t->out, "</details>\n");
}

void html_timeline(struct str *out, const struct facts *f)
{
	const struct fact_row *run = f->table[FACT_RUN].n ? f->table[FACT_RUN].rows[0] : NULL;
	struct timeline t = { .out = out, .f = f };

	if (!run)
		return;
	t.end_ms = fact_num(run, FC_RUN_duration_ms, 0);
	timeline_init(&t);
	if (t.n) {
		str_add(out, "<section id=\"timeline\" data-filter=\"ol.rows > li\">\n<h2>Timeline</h2>\n");
		chart_add(&t, run);
		list_add(&t);
		str_add(out, "</section>\n");
	}
	free(t.v);
}
