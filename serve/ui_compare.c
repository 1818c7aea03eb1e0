/* SPDX-License-Identifier: Apache-2.0 */
/* ui_compare.c - two sides of runs, metric by metric, with their intervals. */
#include "base/mem.h"
#include "base/value.h"
#include "serve/ui_part.h"

#include <stdio.h>
#include <string.h>

#define ROWS_MOST 500

static void input(struct str *out, const char *name, const char *label, const char *value)
{
	str_addf(out, "<p><label for=\"%s\">%s</label>\n<input id=\"%s\" name=\"%s\" size=\"30\" required value=\"", name,
		 label, name, name);
	html_text(out, value ? value : "");
	str_add(out, "\"></p>\n");
}

static void form(struct call *c, const char *base, const char *candidate)
{
	struct str *out = &c->a->body;

	str_addf(out, "<form method=\"get\" action=\"%s/ui/compare\">\n<div class=\"row\">\n", c->sv->prefix);
	input(out, "base", "Base", base);
	input(out, "candidate", "Candidate", candidate);
	str_add(out, "<p><button>Compare</button></p>\n</div>\n<p class=\"hint\">A side: run ids joined by commas,"
		     " <code>rev:REV</code>, <code>branch:NAME:N</code> or <code>last:N</code>. Fewer than five runs"
		     " on a side tell nothing.</p>\n"
		     "</form>\n");
}

static void cell(struct str *out, const struct json_value *r, const char *key, const char *format, double factor)
{
	const struct json_value *n = json_get(r, key);
	char text[64] = "–";

	if (n && n->kind == JSON_NUMBER)
		snprintf(text, sizeof(text), strcmp(format, "g") == 0 ? "%.6g" : "%+.1f %%", n->number * factor);
	str_addf(out, "<td class=\"n\">%s</td>", text);
}

/* The change and its interval, as text and as a bar around the line of no change. */
static void interval(struct str *out, const struct json_value *r)
{
	const struct json_value *ci = json_get(r, "ci99");
	double low, high, span = 0.25, x;

	cell(out, r, "change", "%", 100);
	if (!ci || ci->kind != JSON_ARRAY || ci->count != 2 || ci->first->kind != JSON_NUMBER) {
		str_add(out, "<td>–</td>");
		return;
	}
	low = ci->first->number;
	high = ci->first->next->number;
	str_addf(out, "<td class=\"interval\">%+.1f to %+.1f %% ", low * 100, high * 100);
	low = low < -span ? -span : low > span ? span : low;
	high = high > span ? span : high < -span ? -span : high;
	x = json_get_number(r, "change", 0);
	x = x < -span ? -span : x > span ? span : x;
	str_addf(out,
		 "<svg viewBox=\"0 0 100 12\" width=\"100\" height=\"12\" aria-hidden=\"true\"><path class=\"axis\""
		 " d=\"M50 0V12\"/><rect class=\"c-none\" x=\"%.1f\" y=\"5\" width=\"%.1f\" height=\"2\"/><circle"
		 " class=\"c-link\" cx=\"%.1f\" cy=\"6\" r=\"3\"/></svg></td>",
		 50 + low / span * 50, (high - low) / span * 50 + 0.5, 50 + x / span * 50);
}

static void result_row(struct str *out, const struct json_value *r)
{
	const char *unit = json_get_text(r, "unit");

	str_add(out, "<tr><td>");
	ui_badge(out, json_get_text(r, "verdict"));
	str_add(out, "</td><td>");
	html_middle(out, json_get_text(r, "metric"), 200);
	str_add(out, " <span class=\"dim\">");
	html_text(out, unit ? unit : "");
	str_add(out, "</span></td>");
	cell(out, r, "median_base", "g", 1);
	cell(out, r, "median_candidate", "g", 1);
	interval(out, r);
	cell(out, r, "p_adjusted", "g", 1);
	str_add(out, "</tr>\n");
}

static void table(struct call *c, const struct json_value *v)
{
	static const char *const order[] = { "regressed", "improved", "inconclusive", "unchanged", "insufficient" };
	const struct json_value *results = json_get(v, "results"), *summary = json_get(v, "summary"),
			*common = json_get(v, "common_mode");
	struct str *out = &c->a->body;
	size_t n = 0, all = results ? results->count : 0;

	str_add(out, "<p>");
	for (size_t i = 0; i < 5; i++) {
		ui_badge(out, order[i]);
		str_addf(out, " %.0f ", json_get_number(summary, order[i], 0));
	}
	str_add(out, "</p>\n");
	if (json_get(common, "applied") && json_get(common, "applied")->kind == JSON_TRUE)
		str_addf(out,
			 "<p class=\"notice\">All tests together changed by %+.1f %%: a slower or faster machine, or"
			 " build. It is taken out of each.</p>\n",
			 json_get_number(common, "shift", 0) * 100);
	str_add(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Results\">\n<table>\n<thead><tr>"
		     "<th scope=\"col\">verdict</th><th scope=\"col\">metric</th><th scope=\"col\" class=\"n\">base</th>"
		     "<th scope=\"col\" class=\"n\">candidate</th><th scope=\"col\" class=\"n\">change</th><th"
		     " scope=\"col\">99 % interval</th>"
		     "<th scope=\"col\" class=\"n\">p</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < 5; i++)
		if (results)
			json_each(r, results)
				if (json_get_text(r, "verdict") && strcmp(json_get_text(r, "verdict"), order[i]) == 0 &&
				    n < ROWS_MOST && out->len < UI_PAGE_MOST) {
					result_row(out, r);
					n++;
				}
	str_add(out, "</tbody>\n</table>\n</div>\n");
	if (all > n)
		str_addf(out, "<p class=\"hint\">%zu more are in the JSON of <code>/compare</code>.</p>\n", all - n);
}

static int compare(struct call *c, const char *base, const char *candidate, struct err *e)
{
	__attribute__((cleanup(json_reader_free_ptr))) struct json_reader *r = NULL;
	const struct json_value *v;
	auto_str text = STR_INIT;
	int rc = view_compare(&c->view, base, candidate, &text, e);

	if (rc == 1 || (rc < 0 && e->kind == ERR_USAGE)) { /* said beside the form, which can be mended */
		c->a->status = rc == 1 ? 404 : 400;
		str_add(&c->a->body, "<p class=\"wrong\" role=\"alert\">");
		html_text(&c->a->body, e->msg);
		str_add(&c->a->body, "</p>\n");
		return 0;
	}
	if (rc < 0)
		return -1;
	r = json_reader_text(str_cstr(&text), text.len, "comparison");
	if (json_take(r, &v, e) < 0)
		return -1;
	table(c, v);
	return 0;
}

int ui_compare(struct call *c, struct err *e)
{
	const char *base = call_query(c, "base"), *candidate = call_query(c, "candidate");
	int rc = 0;

	ui_begin(c->sv, &c->a->body, "Compare", "/ui/compare", 0);
	form(c, base, candidate);
	if (base && candidate)
		rc = compare(c, base, candidate, e);
	ui_end(&c->a->body);
	return rc;
}
