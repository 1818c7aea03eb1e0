/* SPDX-License-Identifier: Apache-2.0 */
/* html_graph.c - who waits for whom, drawn by us: threads in layers, each below those that wait for it.
 * A member of a ring is red, the end of the chain of waiting orange, a wait whose holder is only
 * possible dashed. The order of rows decides everything: the same facts, the same picture. */
#include "findings/report/html.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define NODES_MAX 24
#define WAITS_MAX 64
#define NODE_WIDTH 240
#define NODE_HEIGHT 62
#define GAP_X 32
#define GAP_Y 66
#define MARGIN 16
#define NODES_A_ROW 4
#define UNSET UINT32_MAX

struct node {
	int64_t pid, tid;
	const struct fact_row *thread; /* NULL: outside the tree that was looked at */
	const char *comm;
	bool root, cycle, waits; /* waits: for somebody who is drawn */
	uint32_t layer, column;
	double x, y; /* of its left upper corner */
};

struct wait {
	const struct fact_row *edge;
	unsigned from, to;
};

struct graph {
	const struct facts *f;
	struct node node[NODES_MAX];
	struct wait wait[WAITS_MAX];
	unsigned n, n_waits, layers;
	size_t left_out; /* waits that are not drawn */
	double width, height;
};

/* ---- what is drawn ---- */

static const struct fact_row *thread_of(const struct facts *f, int64_t pid, int64_t tid)
{
	const struct fact_table *t = &f->table[FACT_THREAD];

	for (size_t i = 0; i < t->n; i++)
		if (fact_int(t->rows[i], FC_THREAD_pid, -1) == pid && fact_int(t->rows[i], FC_THREAD_tid, -1) == tid)
			return t->rows[i];
	return NULL;
}

/* The index of the thread's node, made where there is room; -1 where there is none. */
static int node_of(struct graph *g, int64_t pid, int64_t tid, const char *comm)
{
	struct node *x;

	tid = tid > 0 ? tid : pid;
	for (unsigned i = 0; i < g->n; i++)
		if (g->node[i].pid == pid && g->node[i].tid == tid)
			return (int)i;
	if (g->n == NODES_MAX)
		return -1;
	x = &g->node[g->n];
	x->pid = pid;
	x->tid = tid;
	x->comm = comm;
	x->thread = thread_of(g->f, pid, tid);
	x->root = x->thread && fact_bool(x->thread, FC_THREAD_root);
	x->layer = UNSET;
	return (int)g->n++;
}

/* Rings first, then the chain from the command, then the rest: whatever does not fit, the answer does. */
static int edge_pass(const struct fact_row *e)
{
	return fact_get(e, FC_EDGE_cycle)->known ? 0
	       : fact_bool(e, FC_EDGE_root)      ? 1
	       : fact_bool(e, FC_EDGE_on_chain)  ? 2
						 : 3;
}

static void take_edge(struct graph *g, const struct fact_row *e)
{
	int from, to;

	if (g->n_waits == WAITS_MAX) {
		g->left_out++;
		return;
	}
	from = node_of(g, fact_int(e, FC_EDGE_pid, 0), fact_int(e, FC_EDGE_tid, 0), fact_text(e, FC_EDGE_comm));
	to = node_of(g, fact_int(e, FC_EDGE_holder_pid, 0), fact_int(e, FC_EDGE_holder_tid, 0),
		     fact_text(e, FC_EDGE_holder_comm));
	if (from < 0 || to < 0) {
		g->left_out++;
		return;
	}
	for (unsigned i = 0; i < g->n_waits; i++)
		if (g->wait[i].from == (unsigned)from && g->wait[i].to == (unsigned)to)
			return;
	if (from == to)
		return;
	g->node[from].waits = true;
	if (fact_get(e, FC_EDGE_cycle)->known)
		g->node[from].cycle = g->node[to].cycle = true;
	g->wait[g->n_waits++] = (struct wait){ e, (unsigned)from, (unsigned)to };
}

static void graph_collect(struct graph *g)
{
	const struct fact_table *edges = &g->f->table[FACT_EDGE], *threads = &g->f->table[FACT_THREAD];

	for (int pass = 0; pass < 4; pass++)
		for (size_t i = 0; i < edges->n; i++)
			if (edge_pass(edges->rows[i]) == pass)
				take_edge(g, edges->rows[i]);
	for (size_t i = 0; i < threads->n; i++)
		if (fact_bool(threads->rows[i], FC_THREAD_root))
			node_of(g, fact_int(threads->rows[i], FC_THREAD_pid, 0),
				fact_int(threads->rows[i], FC_THREAD_tid, 0),
				fact_text(threads->rows[i], FC_THREAD_comm));
}

/* ---- where it stands ---- */

static bool has_waiter(const struct graph *g, unsigned at)
{
	for (unsigned i = 0; i < g->n_waits; i++)
		if (g->wait[i].to == at)
			return true;
	return false;
}

static int64_t chain_length(const struct node *x)
{
	return x->thread ? fact_int(x->thread, FC_THREAD_chain_length, INT64_MAX) : INT64_MAX;
}

/* One layer below the nearest waiter; a ring begins with the member nearest to the command. */
static void spread(struct graph *g)
{
	for (bool moved = true; moved;) {
		moved = false;
		for (unsigned i = 0; i < g->n_waits; i++) {
			const struct node *from = &g->node[g->wait[i].from];
			struct node *to = &g->node[g->wait[i].to];

			if (from->layer == UNSET || to->layer <= from->layer + 1)
				continue;
			to->layer = from->layer + 1;
			moved = true;
		}
	}
}

static void graph_layers(struct graph *g)
{
	for (unsigned i = 0; i < g->n; i++)
		if (!has_waiter(g, i))
			g->node[i].layer = 0;
	spread(g);
	for (;;) {
		struct node *best = NULL;

		for (unsigned i = 0; i < g->n; i++)
			if (g->node[i].layer == UNSET && (!best || chain_length(&g->node[i]) < chain_length(best)))
				best = &g->node[i];
		if (!best)
			break;
		best->layer = 0;
		spread(g);
	}
}

static bool has_arc(const struct graph *g)
{
	for (unsigned i = 0; i < g->n_waits; i++)
		if (g->node[g->wait[i].from].layer == g->node[g->wait[i].to].layer)
			return true;
	return false;
}

static void graph_place(struct graph *g)
{
	uint32_t used[NODES_MAX * 2] = { 0 }, widest = 1;
	uint32_t extra = 0;

	graph_layers(g);
	for (unsigned layer = 0; layer < NODES_MAX; layer++) {
		uint32_t here = 0, wrapped = 0;

		for (unsigned i = 0; i < g->n; i++) {
			struct node *x = &g->node[i];

			if (x->layer != layer)
				continue;
			wrapped = here / NODES_A_ROW;
			x->column = here++ % NODES_A_ROW;
			x->y = layer + extra + wrapped;
			used[(uint32_t)x->y] = x->column + 1;
			widest = x->column + 1 > widest ? x->column + 1 : widest;
		}
		extra += wrapped;
		if (here)
			g->layers = layer + extra + 1;
	}
	/* Room at the right and at the bottom for waits that lead up or along a row, and for their words. */
	g->width = 2 * MARGIN + widest * (NODE_WIDTH + GAP_X) + (widest < NODES_A_ROW ? 260 : 0);
	g->height = 2 * MARGIN + g->layers * (NODE_HEIGHT + GAP_Y) - (has_arc(g) ? 0 : GAP_Y);
	for (unsigned i = 0; i < g->n; i++) {
		struct node *x = &g->node[i];
		double row = (widest - used[(uint32_t)x->y]) * (NODE_WIDTH + GAP_X) / 2.0;

		x->x = MARGIN + row + x->column * (NODE_WIDTH + GAP_X);
		x->y = MARGIN + (has_arc(g) ? GAP_Y / 2 : 0) + x->y * (NODE_HEIGHT + GAP_Y);
	}
}

/* ---- drawing ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void place_add(struct str *out, const struct node *x)
{
	const char *function = fact_text(x->thread, FC_THREAD_function), *file = fact_text(x->thread, FC_THREAD_file);
	auto_str text = STR_INIT;

	if (!*function && !*file)
		return;
	str_addf(&text, "%s%s", *function ? "in " : "", function);
	if (*file)
		str_addf(&text, " · %s:%lld", base_name(file), (long long)fact_int(x->thread, FC_THREAD_line, 0));
	str_addf(out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"12\">", x->x + 12, x->y + 37);
	html_cut(out, str_cstr(&text), 38);
	str_add(out, "</text>");
}

static void state_add(struct str *out, const struct node *x)
{
	const char *kind = fact_text(x->thread, FC_THREAD_waits_kind), *state = fact_text(x->thread, FC_THREAD_state);
	const char *resource = fact_text(x->thread, FC_THREAD_waits_resource);
	auto_str text = STR_INIT;

	if (*kind && !x->waits)
		str_addf(&text, "%s%s%s", kind, *resource ? ": " : "", resource);
	else if (*kind)
		str_addf(&text, "waits (%s)", kind);
	else
		str_add(&text, *state == 'R' ? "runs" : *state == 'Z' ? "has exited" : "state ");
	if (!*kind && *state != 'R' && *state != 'Z')
		str_add(&text, *state ? state : "unknown");
	str_addf(out, "<text class=\"soft\" x=\"%.1f\" y=\"%.1f\" font-size=\"11\" fill=\"#555\">", x->x + 12,
		 x->y + 53);
	html_cut(out, str_cstr(&text), 37);
	str_add(out, "</text>");
}

static void node_draw(struct str *out, const struct node *x)
{
	str_addf(out, "<g><title>");
	html_text(out, x->thread ? fact_text(x->thread, FC_THREAD_argv) : x->comm);
	str_addf(out,
		 "</title><rect class=\"node%s\" x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" rx=\"8\" "
		 "fill=\"%s\" stroke=\"%s\" "
		 "stroke-width=\"%s\"/>",
		 x->cycle  ? " cycle"
		 : x->root ? " root"
			   : "",
		 x->x, x->y, NODE_WIDTH, NODE_HEIGHT, x->cycle ? "#fdecea" : "#ffffff",
		 x->cycle  ? "#d1242f"
		 : x->root ? "#d4700a"
			   : "#8a929b",
		 x->cycle || x->root ? "2" : "1");
	str_addf(out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"13\"><tspan font-weight=\"bold\">", x->x + 12,
		 x->y + 19);
	html_cut(out, *x->comm ? x->comm : "?", 18);
	str_addf(out, "</tspan><tspan class=\"soft\" fill=\"#555\"> pid %lld", (long long)x->pid);
	if (x->tid != x->pid)
		str_addf(out, " thread %lld", (long long)x->tid);
	str_add(out, "</tspan></text>");
	if (x->thread) {
		place_add(out, x);
		state_add(out, x);
	} else {
		str_addf(out,
			 "<text class=\"soft\" x=\"%.1f\" y=\"%.1f\" font-size=\"11\" fill=\"#555\">not part of "
			 "this run</text>",
			 x->x + 12, x->y + 40);
	}
	str_add(out, "</g>\n");
}

/* The label stands where the arrow leaves, once for all waits of a thread that are for the same thing.
 * The line that is free: -1 where nothing is to be written. */
static int label_line(const struct graph *g, unsigned at)
{
	const struct wait *w = &g->wait[at];
	int line = 0;

	for (unsigned i = 0; i < at; i++) {
		if (g->wait[i].from != w->from)
			continue;
		if (strcmp(fact_text(g->wait[i].edge, FC_EDGE_resource), fact_text(w->edge, FC_EDGE_resource)) == 0)
			return -1;
		line++;
	}
	return line;
}

static void label_draw(struct str *out, const struct graph *g, unsigned at, double x, double y, double step)
{
	const struct fact_row *e = g->wait[at].edge;
	const char *resource = fact_text(e, FC_EDGE_resource);
	int line = label_line(g, at);
	auto_str text = STR_INIT;

	if (line < 0)
		return;
	str_addf(&text, "%s%s", *resource ? resource : fact_text(e, FC_EDGE_kind),
		 fact_bool(e, FC_EDGE_proved) ? "" : " (possible)");
	str_addf(out, "<text class=\"label\" x=\"%.1f\" y=\"%.1f\" font-size=\"12\">", x, y + step * line);
	html_cut(out, str_cstr(&text), 44);
	str_add(out, "</text>\n");
}

static void tip_draw(struct str *out, const char *class, const char *colour, double x, double y, const char *shape)
{
	str_addf(out, "<path class=\"tip%s\" fill=\"%s\" d=\"M%.1f %.1f %s z\"/>", class, colour, x, y, shape);
}

/* Down to the next layer; up beside the nodes where the holder stands right above; else in an arc.
 * Words come after all arrows, so that none crosses them. */
static void wait_draw(struct str *out, struct str *words, const struct graph *g, unsigned at)
{
	const struct wait *w = &g->wait[at];
	const struct node *a = &g->node[w->from], *b = &g->node[w->to];
	bool ring = fact_get(w->edge, FC_EDGE_cycle)->known, down = b->y > a->y, level = b->y == a->y;
	const char *class = ring ? " cycle" : "", *colour = ring ? "#d1242f" : "#59636e";
	double ax = a->x + NODE_WIDTH / 2.0, bx = b->x + NODE_WIDTH / 2.0;

	str_addf(out, "<path class=\"wait%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s d=\"", class, colour,
		 fact_bool(w->edge, FC_EDGE_proved) ? "" : " stroke-dasharray=\"5 4\"");
	if (down || (level && b->x > a->x)) {
		double ay = a->y + NODE_HEIGHT, by = down ? b->y - 8 : b->y + NODE_HEIGHT + 8,
		       mid = down ? (ay + by) / 2 : ay + 40;

		str_addf(out, "M%.1f %.1f C%.1f %.1f %.1f %.1f %.1f %.1f\"/>", ax, ay, ax, mid, bx, mid, bx, by);
		tip_draw(out, class, colour, bx, down ? b->y : by - 8, down ? "l-5 -9 l10 0" : "l-5 9 l10 0");
		label_draw(words, g, at, ax + 8, ay + 17, 15);
	} else if (!level && ax == bx) {
		double right = a->x + NODE_WIDTH, ay = a->y + 24, by = b->y + 38;

		str_addf(out, "M%.1f %.1f C%.1f %.1f %.1f %.1f %.1f %.1f\"/>", right, ay, right + 46, ay, right + 46,
			 by, right + 8, by);
		tip_draw(out, class, colour, right, by, "l9 -5 l0 10");
		label_draw(words, g, at, right + 40, (ay + by) / 2 + 4, 15);
	} else {
		double mid = level ? a->y - 40 : a->y - GAP_Y / 2.0, by = level ? b->y - 8 : b->y + NODE_HEIGHT + 8;

		str_addf(out, "M%.1f %.1f C%.1f %.1f %.1f %.1f %.1f %.1f\"/>", ax + 20, a->y, ax + 20, mid, bx + 20,
			 mid, bx + 20, by);
		tip_draw(out, class, colour, bx + 20, level ? b->y : by - 8, level ? "l-5 -9 l10 0" : "l-5 9 l10 0");
		label_draw(words, g, at, ax + 28, a->y - 8, -15);
	}
	str_addc(out, '\n');
}

void html_graph(struct str *out, const struct facts *f)
{
	auto_free struct graph *g = xcalloc(1, sizeof(*g));
	auto_str words = STR_INIT;

	g->f = f;
	graph_collect(g);
	if (!g->n)
		return;
	graph_place(g);
	str_add(out, "<section id=\"graph\">\n<h2>Who waits for whom</h2>\n<div class=\"wide\">\n");
	str_addf(out,
		 "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"Graph of waiting threads "
		 "and holders; the table "
		 "below says the same\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n",
		 g->width, g->height, g->width, g->height);
	for (unsigned i = 0; i < g->n_waits; i++)
		wait_draw(out, &words, g, i);
	str_addn(out, str_cstr(&words), words.len);
	for (unsigned i = 0; i < g->n; i++)
		node_draw(out, &g->node[i]);
	str_add(out, "</svg>\n</div>\n<p class=\"legend\">An arrow leads from who waits to who could end it. Red: a "
		     "ring of waits. Orange: "
		     "where the waiting ends. Dashed: possible, not proved.");
	if (g->left_out)
		str_addf(out, " %zu more waits are in the table only.", g->left_out);
	str_add(out, "</p>\n");
	html_waits(out, f);
	str_add(out, "</section>\n");
}
