/* html.c - one page that needs nothing: no script, no style sheet, no network. Jenkins and others show
 * archived pages under a policy that blocks scripts and inline styles, so all looks come from plain
 * elements and from presentation attributes of SVG. */
#include "findings/report.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_SHOWN 2000
#define TREE_DEPTH 40
#define CHART_WIDTH 900
#define CHART_ROW 16
#define CHART_ROWS 200
#define CHART_LEFT 220

static void text_add(struct str *out, const char *s)
{
	auto_str line = STR_INIT;

	report_add_line(&line, s, 4000);
	for (const char *p = str_cstr(&line); *p; p++) {
		if (*p == '&')
			str_add(out, "&amp;");
		else if (*p == '<')
			str_add(out, "&lt;");
		else if (*p == '>')
			str_add(out, "&gt;");
		else if (*p == '"')
			str_add(out, "&quot;");
		else
			str_addc(out, *p);
	}
}

static void element_add(struct str *out, const char *name, const char *text)
{
	str_addf(out, "<%s>", name);
	text_add(out, text);
	str_addf(out, "</%s>", name);
}

static void list_add(struct str *out, const char *title, const struct strv *l)
{
	if (!l->n)
		return;
	str_addf(out, "<h4>%s</h4>\n<ul>\n", title);
	for (size_t i = 0; i < l->n; i++) {
		element_add(out, "li", l->v[i]);
		str_addc(out, '\n');
	}
	str_add(out, "</ul>\n");
}

/* ---- findings ---- */

static void evidence_add(struct str *out, const struct finding *x)
{
	auto_str text = STR_INIT;

	str_add(out, "<h4>Observed</h4>\n<table border=\"1\" cellpadding=\"4\">\n"
		     "<tr><th>fact</th><th>value</th><th>from</th></tr>\n");
	for (size_t i = 0; i < x->n_evidence; i++) {
		const struct evidence *ev = &x->evidence[i];

		str_add(out, "<tr>");
		element_add(out, "td", ev->name);
		str_reset(&text);
		report_add_value(&text, ev);
		str_add(out, "<td><code>");
		text_add(out, str_cstr(&text));
		str_add(out, "</code></td>");
		str_reset(&text);
		report_add_source(&text, ev);
		element_add(out, "td", str_cstr(&text));
		str_add(out, "</tr>\n");
	}
	str_add(out, "</table>\n");
}

static void finding_add(struct str *out, const struct finding *x, size_t number)
{
	auto_str sure = STR_INIT;

	str_addf(out, "<section>\n<h3 id=\"%s\">%zu. ", x->id, number);
	text_add(out, x->pattern->title);
	str_add(out, "</h3>\n<p><strong>");
	text_add(out, x->summary);
	str_add(out, "</strong></p>\n<p><code>");
	text_add(out, x->pattern->id);
	str_add(out, "</code>");
	if (x->location) {
		str_add(out, ", at <code>");
		text_add(out, x->location);
		str_add(out, "</code>");
	}
	report_add_confidence(&sure, x);
	str_addf(out, ", confidence %s, id <code>%s</code>", str_cstr(&sure), x->id);
	if (x->occurrences > 1)
		str_addf(out, ", %llu times", (unsigned long long)x->occurrences);
	str_add(out, "</p>\n");
	evidence_add(out, x);
	str_add(out, "<h4>What it means</h4>\n");
	element_add(out, "p", x->pattern->meaning);
	list_add(out, "How sure", &x->basis);
	list_add(out, "What to try", &x->suggestions);
	list_add(out, "How to verify", &x->verify);
	str_add(out, "</section>\n");
}

/* ---- timeline ---- */

struct chart {
	struct str *out;
	double end_ms;
	unsigned row;
};

static double chart_x(const struct chart *c, double ms)
{
	double share = c->end_ms > 0 ? ms / c->end_ms : 0;

	return CHART_LEFT + (CHART_WIDTH - CHART_LEFT) * (share < 0 ? 0 : share > 1 ? 1 : share);
}

static void chart_label(struct chart *c, const char *label)
{
	auto_str cut = STR_INIT;

	report_add_line(&cut, label, 34);
	str_addf(c->out, "<text x=\"4\" y=\"%u\" font-size=\"11\" font-family=\"sans-serif\">", c->row * CHART_ROW + 12);
	text_add(c->out, str_cstr(&cut));
	str_add(c->out, "</text>\n");
}

static void chart_bar(struct chart *c, const char *label, double from, double length, const char *colour)
{
	double x = chart_x(c, from), w = chart_x(c, from + length) - x;

	chart_label(c, label);
	str_addf(c->out, "<rect x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%d\" fill=\"%s\"><title>", x,
		 c->row * CHART_ROW + 2, w < 1 ? 1 : w, CHART_ROW - 4, colour);
	text_add(c->out, label);
	str_addf(c->out, ": %.1f ms from %.1f ms</title></rect>\n", length, from);
	c->row++;
}

static void chart_mark(struct chart *c, const char *label, double at)
{
	chart_label(c, label);
	str_addf(c->out, "<circle cx=\"%.1f\" cy=\"%u\" r=\"4\" fill=\"#b00020\"><title>", chart_x(c, at),
		 c->row * CHART_ROW + 8);
	text_add(c->out, label);
	str_addf(c->out, " at %.1f ms</title></circle>\n", at);
	c->row++;
}

static void timeline_add(struct str *out, const struct facts *f)
{
	const struct fact_row *run = f->table[FACT_RUN].n ? f->table[FACT_RUN].rows[0] : NULL;
	const struct fact_table *cases = &f->table[FACT_CASE], *tokens = &f->table[FACT_TIMEOUT];
	auto_str body = STR_INIT;
	struct chart c = { .out = &body };
	size_t left = 0;

	if (!run)
		return;
	c.end_ms = fact_num(run, FC_RUN_duration_ms, 0);
	chart_bar(&c, "run", 0, c.end_ms, "#90a4ae");
	for (size_t i = 0; i < cases->n; i++) {
		const struct fact_row *r = cases->rows[i];

		if (c.row >= CHART_ROWS) {
			left++;
			continue;
		}
		chart_bar(&c, fact_text(r, FC_CASE_case_id), fact_num(r, FC_CASE_started_ms, 0),
			  fact_num(r, FC_CASE_duration_ms, 0),
			  fact_bool(r, FC_CASE_running) ? "#e65100" :
			  strcmp(fact_text(r, FC_CASE_status), "ok") == 0 ? "#66bb6a" : "#e53935");
	}
	for (size_t i = 0; i < tokens->n; i++) {
		if (c.row >= 2 * CHART_ROWS) {
			left++;
			continue;
		}
		chart_mark(&c, fact_text(tokens->rows[i], FC_TIMEOUT_token),
			   fact_num(tokens->rows[i], FC_TIMEOUT_at_ms, 0));
	}
	str_addf(out, "<h2>Timeline</h2>\n<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" "
		      "aria-label=\"Timeline of the run\" width=\"%d\" height=\"%u\" viewBox=\"0 0 %d %u\">\n",
		 CHART_WIDTH, c.row * CHART_ROW + 4, CHART_WIDTH, c.row * CHART_ROW + 4);
	str_addn(out, str_cstr(&body), body.len);
	str_addf(out, "</svg>\n<p>%.1f ms in all.", c.end_ms);
	if (left)
		str_addf(out, " %zu more rows are not drawn.", left);
	str_add(out, "</p>\n");
}

/* ---- processes ---- */

static void process_line(struct str *out, const struct fact_row *p)
{
	str_addf(out, "<code>%lld</code> <strong>", (long long)fact_int(p, FC_PROCESS_pid, 0));
	text_add(out, fact_text(p, FC_PROCESS_comm));
	str_add(out, "</strong> ");
	text_add(out, fact_text(p, FC_PROCESS_argv));
	if (*fact_text(p, FC_PROCESS_state)) {
		str_add(out, ", state ");
		text_add(out, fact_text(p, FC_PROCESS_state));
	}
	if (*fact_text(p, FC_PROCESS_wchan)) {
		str_add(out, ", in ");
		text_add(out, fact_text(p, FC_PROCESS_wchan));
	}
	if (fact_get(p, FC_PROCESS_cpu_ms)->known)
		str_addf(out, ", %.0f ms of CPU", fact_num(p, FC_PROCESS_cpu_ms, 0));
}

static void subtree_add(struct str *out, const struct fact_table *t, const struct fact_row *p, int depth,
			size_t *budget)
{
	bool open = false;

	str_add(out, "<li>");
	process_line(out, p);
	for (size_t i = 0; i < t->n && depth < TREE_DEPTH && *budget; i++) {
		if (t->rows[i] == p || fact_int(t->rows[i], FC_PROCESS_ppid, -1) != fact_int(p, FC_PROCESS_pid, -2))
			continue;
		if (!open)
			str_add(out, "\n<ul>\n");
		open = true;
		(*budget)--;
		subtree_add(out, t, t->rows[i], depth + 1, budget);
	}
	str_add(out, open ? "</ul>\n</li>\n" : "</li>\n");
}

static void processes_add(struct str *out, const struct facts *f)
{
	const struct fact_table *t = &f->table[FACT_PROCESS];
	size_t budget = 500;

	if (!t->n)
		return;
	str_add(out, "<h2>Processes</h2>\n<ul>\n");
	for (size_t i = 0; i < t->n && budget; i++) {
		if (fact_int(t->rows[i], FC_PROCESS_depth, 0) > 0)
			continue;
		budget--;
		subtree_add(out, t, t->rows[i], 0, &budget);
	}
	str_add(out, "</ul>\n");
}

/* ---- tables of rows ---- */

static void rows_add(struct str *out, const struct facts *f, enum fact_kind kind, const char *title,
		     const enum fact_col *cols, size_t n)
{
	const struct fact_table *t = &f->table[kind];
	auto_str text = STR_INIT;

	if (!t->n)
		return;
	str_addf(out, "<h2>%s</h2>\n<table border=\"1\" cellpadding=\"4\">\n<tr>", title);
	for (size_t c = 0; c < n; c++)
		element_add(out, "th", fact_columns[cols[c]].name);
	str_add(out, "</tr>\n");
	for (size_t i = 0; i < t->n && i < ROWS_SHOWN; i++) {
		str_add(out, "<tr>");
		for (size_t c = 0; c < n; c++) {
			const struct fact_value *v = fact_get(t->rows[i], cols[c]);

			str_reset(&text);
			if (v->known)
				fact_value_add(&text, cols[c], v);
			element_add(out, "td", str_cstr(&text));
		}
		str_add(out, "</tr>\n");
	}
	str_add(out, "</table>\n");
	if (t->n > ROWS_SHOWN)
		str_addf(out, "<p>%zu more rows are not shown.</p>\n", t->n - ROWS_SHOWN);
}

static void tables_add(struct str *out, const struct facts *f)
{
	static const enum fact_col threads[] = { FC_THREAD_pid, FC_THREAD_tid, FC_THREAD_comm, FC_THREAD_name,
						 FC_THREAD_state, FC_THREAD_waits_kind, FC_THREAD_waits_resource,
						 FC_THREAD_root, FC_THREAD_stack, FC_THREAD_file, FC_THREAD_line };
	static const enum fact_col edges[] = { FC_EDGE_comm, FC_EDGE_tid, FC_EDGE_kind, FC_EDGE_resource,
					       FC_EDGE_proved, FC_EDGE_holder_comm, FC_EDGE_holder_pid,
					       FC_EDGE_holder_tid, FC_EDGE_holder_function, FC_EDGE_holder_waits,
					       FC_EDGE_cycle };
	static const enum fact_col denials[] = { FC_DENIAL_collector, FC_DENIAL_status, FC_DENIAL_comm,
						 FC_DENIAL_pid, FC_DENIAL_reason };
	static const enum fact_col points[] = { FC_CHECKPOINT_at_ms, FC_CHECKPOINT_event, FC_CHECKPOINT_comm,
						FC_CHECKPOINT_pid, FC_CHECKPOINT_reason };

	rows_add(out, f, FACT_THREAD, "Threads and what they wait for", threads, sizeof(threads) / sizeof(threads[0]));
	rows_add(out, f, FACT_EDGE, "Who waits for whom", edges, sizeof(edges) / sizeof(edges[0]));
	rows_add(out, f, FACT_DENIAL, "What could not be seen", denials, sizeof(denials) / sizeof(denials[0]));
	rows_add(out, f, FACT_CHECKPOINT, "Checkpoints", points, sizeof(points) / sizeof(points[0]));
}

void report_html(const struct report *r, struct str *out)
{
	str_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		     "<meta name=\"viewport\" content=\"width=device-width\">\n<title>spec-runner: ");
	text_add(out, r->head.run_id);
	str_add(out, "</title>\n</head>\n<body>\n<h1>What spec-runner found</h1>\n<p>Run <code>");
	text_add(out, r->head.run_id);
	str_add(out, "</code>: <code>");
	text_add(out, r->head.command);
	str_addc(out, ' ');
	text_add(out, r->head.args);
	str_add(out, "</code>: <strong>");
	text_add(out, r->head.status);
	str_add(out, "</strong>");
	if (r->head.has_exit_code)
		str_addf(out, ", exit code %lld", (long long)r->head.exit_code);
	str_add(out, ".</p>\n<h2>Findings</h2>\n");
	if (!r->findings->n)
		str_add(out, "<p>Nothing was found: no pattern matches the facts of this run.</p>\n");
	for (size_t i = 0; i < r->findings->n; i++)
		finding_add(out, r->findings->v[i], i + 1);
	timeline_add(out, r->facts);
	processes_add(out, r->facts);
	tables_add(out, r->facts);
	str_add(out, "</body>\n</html>\n");
}
