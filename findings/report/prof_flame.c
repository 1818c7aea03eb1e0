/* SPDX-License-Identifier: Apache-2.0 */
/* prof_flame.c - a flame graph as SVG: no script, nothing from outside, presentation attributes alone, so that every host
 * shows it; the names that find no room stand in <title>. */
#include "findings/report/html.h"
#include "findings/report/prof.h"

#include <string.h>

enum { ROW = 17, CHAR_W = 7, MARGIN = 6, HEAD = 30 };

struct flame {
	const struct prof_tree *t;
	struct str *out;
	int width, levels, height;
	bool diff, counts;
};

/* Warm colours, the same for the same name in every picture. */
static void colour_of_name(const char *s, struct str *out)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	str_addf(out, "#%02x%02x%02x", 205 + h % 50, 90 + (h >> 8) % 130, 40 + (h >> 16) % 50);
}

static const char *colour_of_kind(const char *s)
{
	if (strncmp(s, "[wait:", 6) == 0)
		return "#8ea9c9";
	if (strcmp(s, "[kernel]") == 0)
		return "#c9a0dc";
	if (strcmp(s, "[unknown]") == 0)
		return "#c8c8c8";
	return NULL;
}

/* Red: its share has grown; blue: shrunk. */
static void colour_of_change(const struct prof_tree *t, const struct prof_node *n, struct str *out)
{
	double now = t->v[0].total ? (double)n->total / (double)t->v[0].total : 0;
	double before = t->v[0].before ? (double)n->before / (double)t->v[0].before : 0;
	double change = now - before;
	int fade = (int)(255 - (change < 0 ? -change : change) * 4 * 200);

	if (fade < 60)
		fade = 60;
	if (change > 0.0005)
		str_addf(out, "#ff%02x%02x", fade, fade);
	else if (change < -0.0005)
		str_addf(out, "#%02x%02xff", fade, fade);
	else
		str_add(out, "#f0f0f0");
}

static void title_add(const struct flame *f, const struct prof_node *n)
{
	const struct prof_tree *t = f->t;
	double share = t->v[0].total ? 100.0 * (double)n->total / (double)t->v[0].total : 0;

	html_text(f->out, n->text);
	if (f->counts)
		str_addf(f->out, " (%lld samples, %.2f%%", (long long)n->total, share);
	else
		str_addf(f->out, " (%.3f ms, %.2f%%", (double)n->total / 1e6, share);
	if (f->diff)
		str_addf(f->out, ", before %.2f%%", t->v[0].before ? 100.0 * (double)n->before / (double)t->v[0].before : 0);
	str_addc(f->out, ')');
}

/* Text that fits, in whole characters of UTF-8. */
static void label_add(struct flame *f, const char *s, int chars)
{
	size_t n = 0, shown = 0, len = strlen(s);
	bool cut = (int)len > chars;

	if (chars < 3)
		return;
	for (n = 0; n < len && (int)shown < (cut ? chars - 2 : chars);) {
		n++;
		while (n < len && ((unsigned char)s[n] & 0xc0) == 0x80)
			n++;
		shown++;
	}
	html_cut(f->out, s, n);
	if (cut && n < len)
		str_add(f->out, "..");
}

static void node_draw(struct flame *f, const struct prof_node *n, double x, double w)
{
	int y = f->height - MARGIN - (int)(n->depth + 1) * ROW;
	int chars = (int)((w - 4) / CHAR_W);

	str_add(f->out, "<g><title>");
	title_add(f, n);
	str_addf(f->out, "</title><rect x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" rx=\"1\" fill=\"", x, y, w,
		 ROW - 1);
	if (f->diff)
		colour_of_change(f->t, n, f->out);
	else if (colour_of_kind(n->text))
		str_add(f->out, colour_of_kind(n->text));
	else
		colour_of_name(n->text, f->out);
	str_add(f->out, "\"/>");
	if (chars >= 3) {
		str_addf(f->out,
			 "<text x=\"%.2f\" y=\"%d\" font-size=\"12\" font-family=\"monospace\" fill=\"#000\">",
			 x + 3, y + ROW - 5);
		label_add(f, n->text, chars);
		str_add(f->out, "</text>");
	}
	str_add(f->out, "</g>\n");
}

/* Depth first without recursion: a stack of a thousand frames must not be ours. */
static void tree_draw(struct flame *f)
{
	const struct prof_node *v = f->t->v;
	double whole = (double)(f->diff && !v[0].total ? v[0].before : v[0].total), scale = whole > 0 ?
			(f->width - 2 * MARGIN) / whole : 0;
	static double at[1200]; /* where the next child of a level begins */
	uint32_t i = 0;

	at[0] = MARGIN;
	for (;;) {
		double w = (double)v[i].total * scale;
		uint32_t depth = v[i].depth;

		if (w >= 0.1)
			node_draw(f, &v[i], at[depth], w);
		at[depth + 1] = at[depth];
		at[depth] += w;
		if (v[i].first && w >= 0.1 && (!f->levels || (int)depth + 1 < f->levels)) {
			i = v[i].first;
			continue;
		}
		while (i && !v[i].next)
			i = v[i].parent;
		if (!i)
			return;
		i = v[i].next;
	}
}

void prof_flame_svg(const struct prof_tree *t, const char *title, int width, int levels, bool diff, struct str *out)
{
	int depth = (int)t->depth + 1;
	struct flame f = { t, out, width, levels, 0, diff, false };

	if (levels && depth > levels)
		depth = levels;
	f.counts = title && strstr(title, "samples") != NULL;
	f.height = HEAD + depth * ROW + MARGIN;
	str_addf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n", width,
		 f.height, width, f.height);
	str_addf(out, "<rect x=\"0\" y=\"0\" width=\"%d\" height=\"%d\" fill=\"#fbfaf5\"/>\n", width, f.height);
	str_addf(out, "<text x=\"%d\" y=\"19\" font-size=\"14\" font-family=\"sans-serif\" fill=\"#333\">", MARGIN);
	html_text(out, title ? title : "");
	str_add(out, "</text>\n");
	if (t->v[0].total || t->v[0].before)
		tree_draw(&f);
	str_add(out, "</svg>\n");
}

void prof_flame(const struct prof_view *v, struct str *out)
{
	struct prof_tree t;
	auto_str title = STR_INIT;

	prof_tree_make(&t, v);
	str_addf(&title, "%s %s", v->name ? v->name : "profile", prof_weight_text[v->weight]);
	if (v->weight != PROF_SAMPLES)
		str_addf(&title, ", %.1f ms", (double)t.v[0].total / 1e6);
	else
		str_addf(&title, ", %lld", (long long)t.v[0].total);
	if (v->baseline)
		str_add(&title, v->p->sample_count < 30 || v->baseline->sample_count < 30 ?
				", against the baseline: too few samples to judge" :
				", against the baseline (red: a greater share than before)");
	str_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	prof_flame_svg(&t, str_cstr(&title), 1200, 0, v->baseline != NULL, out);
	prof_tree_release(&t);
}
