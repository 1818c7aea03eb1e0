/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate.c - measured places beside operations. */
#include "audit/calibrate.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static void called_free(struct measured_call *x)
{
	free(x->file);
	free(x->function);
	free(x->callee);
	free(x->callee_file);
}

void calibration_release(struct calibration *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].function);
		free(c->v[i].file);
	}
	for (size_t i = 0; i < c->called_count; i++)
		called_free(&c->called[i]);
	free(c->called);
	free(c->read);
	free(c->v);
	free(c->slots);
	strv_release(&c->lines);
	strv_release(&c->unresolved);
	memset(c, 0, sizeof(*c));
}

static const char *last_name(const char *s)
{
	const char *dot = strrchr(s, '.'), *colon = strrchr(s, ':');

	if (colon > dot)
		return colon + 1;
	return dot ? dot + 1 : s;
}

/* Is it the function that a profiler calls `said`? */
static bool is_function(const struct graph *g, uint32_t f, const char *said)
{
	const char *name = graph_text(g, g->functions[f].name);
	size_t n = strlen(name), m = strlen(said);

	if (g->functions[f].kind == GRAPH_MODULE)
		return strcmp(said, "<module>") == 0 || strcmp(said, name) == 0;
	if (g->functions[f].kind == GRAPH_LAMBDA && strcmp(said, "<lambda>") == 0)
		return true;
	return n >= m && strcmp(name + n - m, said) == 0 && (n == m || strchr("./:", name[n - m - 1]));
}

/* The audited file that a profile names, by its longest ending: bytes that agree, 0 none. */
static size_t ending(const char *path, const char *said)
{
	size_t n = strlen(path), m = strlen(said), k = 0, whole = 0;

	while (k < n && k < m && path[n - 1 - k] == said[m - 1 - k]) {
		k++;
		if ((k == n || path[n - 1 - k] == '/') && (k == m || said[m - 1 - k] == '/'))
			whole = k;
	}
	return whole;
}

/* GRAPH_NONE: it is no audited file, or two are as near. */
static uint32_t file_of(const struct graph *g, const char *said)
{
	uint32_t best = GRAPH_NONE;
	size_t most = 0;

	for (uint32_t i = 0; i < g->file_count; i++) {
		size_t k = ending(graph_text(g, g->files[i].path), said);

		if (k > most) {
			most = k;
			best = i;
		} else if (k && k == most) {
			best = GRAPH_NONE;
		}
	}
	return best;
}

struct match {
	uint32_t file;
	const struct measured *m;
};

static int64_t each_of(int64_t ns, int64_t calls)
{
	return calls > 0 ? ns / calls : ns;
}

static void op_measure(struct op *o, const struct measured *m, const struct model *model)
{
	int64_t ns = m->total_ns ? m->total_ns : m->self_ns;

	if (!o->measured)
		o->heuristic_weight = o->weight;
	o->measured = true;
	o->measured_ns = ns;
	o->samples = m->samples;
	o->weight = each_of(ns, m->calls);
	o->expensive = o->weight > model->threshold;
}

static void ops_measure(struct calibration *c, const struct graph *g, struct costs *costs, const struct match *matches,
			const struct model *model)
{
	for (uint32_t i = 0; i < costs->ops.n; i++) {
		struct op *o = &costs->ops.v[i];

		for (size_t k = 0; k < c->n; k++)
			if (matches[k].file == o->file && c->v[k].line == o->line &&
			    (!*c->v[k].function || is_function(g, o->function, c->v[k].function))) {
				op_measure(o, &c->v[k], model);
				c->measured_ops++;
				break;
			}
	}
}

/* Is it the only operation of its function that is called so? */
static bool is_only(const struct graph *g, const struct costs *costs, uint32_t op)
{
	const struct op *o = &costs->ops.v[op];
	const char *name = last_name(graph_text(g, o->callee));

	for (uint32_t i = costs->first_op[o->function]; i < costs->first_op[o->function + 1]; i++)
		if (i != op && strcmp(last_name(graph_text(g, costs->ops.v[i].callee)), name) == 0)
			return false;
	return true;
}

static int by_called(const void *a, const void *b)
{
	const struct measured_call *x = a, *y = b;
	int c = strcmp(x->file, y->file);

	c = c ? c : strcmp(x->function, y->function);
	c = c ? c : strcmp(x->callee, y->callee);
	c = c ? c : strcmp(x->callee_file, y->callee_file);
	return c ? c : (x->callee_line > y->callee_line) - (x->callee_line < y->callee_line);
}

/* What several profiles say of one caller and callee, together. */
static void called_merge(struct calibration *c)
{
	size_t kept = 0;

	if (c->called_count)
		qsort(c->called, c->called_count, sizeof(*c->called), by_called);
	for (size_t i = 0; i < c->called_count; i++) {
		struct measured_call *before = kept ? &c->called[kept - 1] : NULL;

		if (before && by_called(before, &c->called[i]) == 0) {
			before->ns = weight_plus(before->ns, c->called[i].ns);
			before->calls = weight_plus(before->calls, c->called[i].calls);
			called_free(&c->called[i]);
		} else {
			c->called[kept++] = c->called[i];
		}
	}
	c->called_count = kept;
}

/* Operations whose line was not measured, but what their function's calls of that name took. */
static void calls_measure(struct calibration *c, const struct graph *g, struct costs *costs, const struct model *model)
{
	called_merge(c);
	for (size_t k = 0; k < c->called_count; k++)
		c->called[k].in = file_of(g, c->called[k].file);
	for (uint32_t i = 0; c->called_count && i < costs->ops.n; i++) {
		struct op *o = &costs->ops.v[i];
		const char *name = last_name(graph_text(g, o->callee));
		const struct measured_call *found = NULL;
		size_t n = 0;

		for (size_t k = 0; k < c->called_count && !o->measured; k++)
			if (c->called[k].in == o->file && strcmp(c->called[k].callee, name) == 0 &&
			    is_function(g, o->function, c->called[k].function)) {
				found = &c->called[k];
				n++;
			}
		if (n != 1 || found->calls <= 0 || !is_only(g, costs, i))
			continue;
		op_measure(o, &(struct measured){ .total_ns = found->ns, .calls = found->calls }, model);
		c->measured_ops++;
	}
}

/* A function that was measured as a whole counts with its own time, as one row in place of its operations. */
static void function_measure(struct calibration *c, struct graph *g, struct costs *costs, uint32_t f,
			     const struct measured *m, const struct model *model)
{
	int64_t self = each_of(m->self_ns, m->calls), before = 0;
	text_t class = text_ofz(&g->texts, "measured_self");
	struct op o = { .call = GRAPH_NONE, .function = f, .file = g->functions[f].file, .line = g->functions[f].line,
		.callee = g->functions[f].name, .cost_class = class, .base_class = class, .size = -1, .loop_bound = 1,
		.loop_known = true, .measured = true, .measured_ns = m->self_ns, .samples = m->samples, .weight = self,
		.base_weight = self, .expensive = self > model->threshold };

	for (uint32_t i = 0; i < costs->ops.n; i++)
		if (costs->ops.v[i].function == f) {
			before = weight_plus(before, costs->ops.v[i].weight);
			costs->ops.v[i].function = GRAPH_NONE;
		}
	o.heuristic_weight = before;
	costs->self_ns[f] = self;
	ops_add(&costs->ops, o);
	c->measured_functions++;
}

static void functions_measure(struct calibration *c, struct graph *g, struct costs *costs, const struct match *matches,
			      const struct model *model)
{
	uint32_t kept = 0;

	costs->self_ns = xcalloc((size_t)g->function_count + 1, sizeof(*costs->self_ns));
	for (uint32_t i = 0; i < g->function_count; i++)
		costs->self_ns[i] = -1;
	for (size_t k = 0; k < c->n; k++) {
		const struct measured *m = &c->v[k];

		for (uint32_t f = 0; f < g->function_count; f++) {
			const struct graph_function *x = &g->functions[f];
			bool here = x->file != GRAPH_NONE && costs->self_ns[f] < 0 && *m->function &&
				    is_function(g, f, m->function);

			if (!here || (*m->file && matches[k].file != x->file) || (*m->file && m->line &&
				m->line != x->line))
				continue;
			if (!*m->file && strcmp(graph_text(g, x->name), m->function) != 0)
				continue;
			if (m->line && m->line == x->line && x->end_line == x->line)
				continue; /* a line of its own: its operations were measured */
			function_measure(c, g, costs, f, m, model);
			break;
		}
	}
	for (uint32_t i = 0; i < costs->ops.n; i++)
		if (costs->ops.v[i].function != GRAPH_NONE)
			costs->ops.v[kept++] = costs->ops.v[i];
	costs->ops.n = kept;
}

static int by_number(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* For each class of the model: rows, measured rows, median of measured by heuristic, the weight that would follow. */
static void classes_report(struct calibration *c, const struct graph *g, const struct costs *costs,
			   const struct model *model)
{
	double *quotients = xcalloc((size_t)costs->ops.n + 1, sizeof(*quotients));

	for (size_t k = 0; k < model->class_count; k++) {
		const struct model_class *class = &model->classes[k];
		uint32_t rows = 0, measured = 0, n = 0;

		for (uint32_t i = 0; i < costs->ops.n; i++) {
			const struct op *o = &costs->ops.v[i];

			if (strcmp(graph_text(g, o->base_class), class->name) != 0)
				continue;
			rows++;
			measured += o->measured;
			if (o->measured && o->heuristic_weight > 0)
				quotients[n++] = (double)o->weight / (double)o->heuristic_weight;
		}
		if (!rows)
			continue;
		qsort(quotients, n, sizeof(*quotients), by_number);
		double median = n % 2 ? quotients[n / 2] : n ? (quotients[n / 2 - 1] + quotients[n / 2]) / 2 : 0;

		if (n)
			strv_take(&c->lines, xasprintf("%s\t%u\t%u\t%.2f\t%lld\t%.0f", class->name, rows, measured,
				median,
						       (long long)class->weight, (double)class->weight * median));
		else
			strv_take(&c->lines, xasprintf("%s\t%u\t%u\t\t%lld\t", class->name, rows, measured,
						       (long long)class->weight));
	}
	free(quotients);
}

struct dear {
	int64_t ns;
	uint32_t call;
};

static int by_ns(const void *a, const void *b)
{
	const struct dear *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	return (x->call > y->call) - (x->call < y->call);
}

static void unresolved_report(struct calibration *c, const struct graph *g, const struct match *matches)
{
	struct dear *list = xcalloc((size_t)g->call_count + 1, sizeof(*list));
	size_t n = 0;

	for (size_t k = 0; k < c->n; k++)
		for (uint32_t i = 0; c->v[k].line && matches[k].file != GRAPH_NONE && i < g->call_count; i++)
			if (graph_is_unresolved(&g->calls[i]) && g->calls[i].file == matches[k].file &&
			    g->calls[i].line == c->v[k].line &&
			    (!*c->v[k].function || is_function(g, g->calls[i].caller, c->v[k].function)) &&
			    n < g->call_count)
				list[n++] = (struct dear){ c->v[k].total_ns ? c->v[k].total_ns : c->v[k].self_ns, i };
	qsort(list, n, sizeof(*list), by_ns);
	for (size_t i = 0; i < n; i++) {
		const struct graph_call *call = &g->calls[list[i].call];

		if (!i || list[i].call != list[i - 1].call)
			strv_take(&c->unresolved, xasprintf("%lld %s:%u %s", (long long)list[i].ns,
				graph_text(g, g->functions[call->caller].name), call->line, graph_text(g, call->text)));
	}
	free(list);
}

void calibration_apply(struct calibration *c, struct graph *g, struct costs *costs, const struct model *m)
{
	struct match *matches = xcalloc(c->n + 1, sizeof(*matches));

	for (size_t i = 0; i < c->n; i++) {
		struct measured *x = &c->v[i];
		const char *name = strrchr(x->function, '.');

		matches[i] = (struct match){ *x->file ? file_of(g, x->file) : GRAPH_NONE, x };
		if (*x->file && name && x->function[0] != '<' && matches[i].file != GRAPH_NONE) {
			/* qualified names of profilers: "Store.load", "outer.<locals>.inner" */
			char *shorter = xstrdup(last_name(x->function));

			free(x->function);
			x->function = shorter;
		}
	}
	ops_measure(c, g, costs, matches, m);
	calls_measure(c, g, costs, m);
	classes_report(c, g, costs, m); /* before functions that were measured as a whole take their operations' place */
	functions_measure(c, g, costs, matches, m);
	costs_sort(costs, g);
	unresolved_report(c, g, matches);
	free(matches);
}
