/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/write.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char *write_mutation_kind(enum graph_mutation_kind k)
{
	static const char *const names[] = { "attr_write", "container_mutate", "file_write", "ipc_emit",
		"global_write" };

	return names[k];
}

const char *write_scope(enum graph_scope s)
{
	static const char *const names[] = { "self", "parameter", "local", "global", "closure", "outside", "global" };

	return names[s];
}

static void text_write(struct json *j, const char *key, const struct graph *g, text_t t)
{
	json_strn(j, key, graph_text(g, t), t ? g->texts.v[t].length : 0);
}

void write_op(struct json *j, const struct graph *g, const struct op *o)
{
	json_object(j, NULL);
	text_write(j, "callee", g, o->callee);
	text_write(j, "cost_class", g, o->cost_class);
	if (o->size < 0)
		json_null(j, "data_size_estimate");
	else
		json_int(j, "data_size_estimate", o->size);
	json_int(j, "line", o->line);
	json_int(j, "weight", o->weight);
	text_write(j, "function", g, g->functions[o->function].name);
	text_write(j, "file", g, g->files[o->file].path);
	text_write(j, "base_class", g, o->base_class);
	json_int(j, "base_weight", o->base_weight);
	json_int(j, "loop_bound", o->loop_bound);
	json_bool(j, "loop_bound_known", o->loop_known);
	json_bool(j, "expensive", o->expensive);
	json_str(j, "source", o->measured ? "measured" : "heuristic");
	if (o->measured) {
		json_int(j, "heuristic_weight", o->heuristic_weight);
		json_int(j, "measured_ns", o->measured_ns);
		json_int(j, "samples", o->samples);
	}
	json_object_end(j);
}

void write_mutation(struct json *j, const struct graph *g, const struct graph_mutation *m, bool wide)
{
	json_object(j, NULL);
	text_write(j, "target", g, m->target);
	json_str(j, "kind", write_mutation_kind(m->kind));
	json_int(j, "line", m->line);
	json_str(j, "scope", write_scope(m->scope));
	if (wide) {
		text_write(j, "function", g, g->functions[m->function].name);
		text_write(j, "file", g, g->files[m->file].path);
	}
	json_object_end(j);
}

static const char *last_name(const char *s)
{
	const char *dot = strrchr(s, '.'), *colon = strrchr(s, ':');

	if (colon > dot)
		return colon + 1;
	return dot ? dot + 1 : s;
}

uint32_t unresolved_candidates(const struct graph *g, const struct graph_call *c, uint32_t out[5])
{
	const char *name = c->method ? graph_text(g, c->method) : last_name(graph_text(g, c->text));
	uint32_t n = 5;
	const struct graph_last *found;

	if (!*name || !(isalpha((unsigned char)*name) || *name == '_' || (unsigned char)*name >= 0x80))
		return 0;
	found = graph_find_last(g, name, &n);
	for (uint32_t i = 0; i < n; i++)
		out[i] = found[i].function;
	return n;
}

void write_unresolved(struct json *j, const struct graph *g, const struct graph_call *c)
{
	uint32_t candidates[5], n = unresolved_candidates(g, c, candidates);

	json_object(j, NULL);
	text_write(j, "function", g, g->functions[c->caller].name);
	text_write(j, "file", g, g->files[c->file].path);
	json_int(j, "line", c->line);
	text_write(j, "callee", g, c->text);
	json_str(j, "cost_class", "unresolved");
	json_int(j, "weight", 0);
	json_str(j, "reason", graph_reason_text(c->reason));
	json_array(j, "candidates");
	for (uint32_t i = 0; i < n; i++)
		text_write(j, NULL, g, g->functions[candidates[i]].name);
	json_array_end(j);
	json_object_end(j);
}

static void languages_write(struct json *j, const struct graph *g)
{
	json_object(j, "languages");
	for (enum graph_language l = 0; l < LANGUAGE_COUNT; l++) {
		int64_t files = 0, lines = 0, functions = 0, any = 0;

		for (uint32_t i = 0; i < g->file_count; i++) {
			any += g->files[i].language == l;
			files += g->files[i].language == l && !g->files[i].skipped;
			lines += g->files[i].language == l ? g->files[i].lines : 0;
		}
		if (!any)
			continue;
		for (uint32_t i = 0; i < g->function_count; i++)
			functions += g->functions[i].language == l && g->functions[i].file != GRAPH_NONE &&
				     g->functions[i].kind != GRAPH_MODULE;
		json_object(j, graph_language_text(l));
		json_int(j, "files", files);
		json_int(j, "lines", lines);
		json_int(j, "functions", functions);
		for (int skipped = 0; skipped < 2; skipped++) {
			json_array(j, skipped ? "skipped" : "parse_errors");
			for (uint32_t i = 0; i < g->file_count; i++)
				if (g->files[i].language == l && (skipped ?
					g->files[i].skipped : g->files[i].has_errors))
					text_write(j, NULL, g, g->files[i].path);
			json_array_end(j);
		}
		json_object_end(j);
	}
	json_object_end(j);
}

void write_node(struct json *j, const struct graph *g, const struct costs *c, uint32_t i)
{
	static const char *const kinds[] = { "module", "function", "method", "lambda", "external", "builtin" };
	const struct graph_function *f = &g->functions[i];

	json_line(j);
	json_object(j, graph_text(g, f->name));
	text_write(j, "fqname", g, f->name);
	json_str(j, "kind", kinds[f->kind]);
	json_str(j, "language", graph_language_text(f->language));
	json_str(j, "file", f->file == GRAPH_NONE ? NULL : graph_text(g, g->files[f->file].path));
	if (f->file == GRAPH_NONE) {
		json_null(j, "line");
		json_null(j, "end_line");
	} else {
		json_int(j, "line", f->line);
		json_int(j, "end_line", f->end_line);
	}
	json_array(j, "calls");
	for (uint32_t k = g->first_call[i]; k < g->first_call[i + 1]; k++) {
		const struct graph_call *call = &g->calls[k];

		for (uint32_t t = 0; t < call->targets.n; t++)
			text_write(j, NULL, g, g->pool[call->targets.at + t]);
		if (!call->targets.n && graph_is_unresolved(call))
			text_write(j, NULL, g, call->text);
	}
	json_array_end(j);
	json_array(j, "state_mutations");
	for (uint32_t k = c->first_mutation[i]; k < c->first_mutation[i + 1]; k++)
		write_mutation(j, g, &c->mutations[k], false);
	json_array_end(j);
	json_array(j, "expensive_ops");
	for (uint32_t k = c->first_op[i]; k < c->first_op[i + 1]; k++)
		write_op(j, g, &c->ops.v[k]);
	json_array_end(j);
	json_array(j, "decorators");
	for (uint32_t k = 0; k < f->decorators.n; k++)
		text_write(j, NULL, g, g->pool[f->decorators.at + k]);
	json_array_end(j);
	json_bool(j, "is_async", f->is_async);
	if (c->self_ns && c->self_ns[i] >= 0)
		json_int(j, "measured_self_ns", c->self_ns[i]);
	json_object_end(j);
}

static int by_node(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Callees of a function as indices of nodes, sorted, once each. The caller frees. */
static uint32_t *callees_of(const struct graph *g, uint32_t i, const uint32_t *distance, uint32_t *count)
{
	uint32_t cap = 0, n = 0, kept = 0, *list;

	for (uint32_t k = g->first_call[i]; k < g->first_call[i + 1]; k++)
		cap += g->calls[k].targets.n;
	list = xcalloc((size_t)cap + 1, sizeof(*list));
	for (uint32_t k = g->first_call[i]; k < g->first_call[i + 1]; k++)
		for (uint32_t t = 0; t < g->calls[k].targets.n; t++)
			list[n++] = graph_find(g, g->pool[g->calls[k].targets.at + t]);
	qsort(list, n, sizeof(*list), by_node);
	for (uint32_t k = 0; k < n; k++)
		if ((!kept || list[kept - 1] != list[k]) && (!distance || distance[list[k]] != GRAPH_NONE))
			list[kept++] = list[k];
	*count = kept;
	return list;
}

void write_edges(struct json *j, const struct graph *g, const uint32_t *distance)
{
	json_object(j, "edges");
	for (uint32_t i = 0; i < g->function_count; i++) {
		uint32_t n;
		auto_free uint32_t *list = callees_of(g, i, distance, &n);

		if (!n || (distance && distance[i] == GRAPH_NONE))
			continue;
		json_line(j);
		json_array(j, graph_text(g, g->functions[i].name));
		for (uint32_t k = 0; k < n; k++)
			text_write(j, NULL, g, g->functions[list[k]].name);
		json_array_end(j);
	}
	json_object_end(j);
}

static void unresolved_write(struct json *j, const struct graph *g)
{
	uint32_t n = 0, *list = xcalloc((size_t)g->call_count + 1, sizeof(*list));

	for (uint32_t i = 0; i < g->call_count; i++)
		if (graph_is_unresolved(&g->calls[i]))
			list[n++] = i;
	qsort_r(list, n, sizeof(*list), graph_call_order, (void *)(uintptr_t)g);
	json_array(j, "unresolved");
	for (uint32_t i = 0; i < n; i++) {
		json_line(j);
		write_unresolved(j, g, &g->calls[list[i]]);
	}
	json_array_end(j);
	free(list);
}

static void document_end(struct json *j, struct str *out)
{
	json_object_end(j);
	json_finish(j);
	str_addc(out, '\n');
}

static void call_graph_write(struct json *j, const struct graph *g, const struct costs *c)
{
	json_object(j, NULL);
	json_int(j, "version", 1);
	languages_write(j, g);
	json_object(j, "nodes");
	for (uint32_t i = 0; i < g->function_count; i++)
		write_node(j, g, c, i);
	json_object_end(j);
	write_edges(j, g, NULL);
	unresolved_write(j, g);
	json_object_end(j);
	json_finish(j);
}

void write_call_graph(const struct graph *g, const struct costs *c, struct str *out)
{
	struct json j;

	json_init(&j, out);
	call_graph_write(&j, g, c);
	str_addc(out, '\n');
}

void write_call_graph_to(const struct graph *g, const struct costs *c, json_sink *sink, void *arg)
{
	struct json j;

	json_init_sink(&j, sink, arg);
	call_graph_write(&j, g, c);
	sink(arg, "\n", 1);
}

static int by_file(const void *a, const void *b, void *arg)
{
	const struct graph *g = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b, f = g->functions[x].file, h = g->functions[y].file;

	return f != h ? (f > h) - (f < h) : (x > y) - (x < y);
}

/* Functions with operations, by file. The caller frees. */
static uint32_t *expensive_functions(const struct graph *g, const struct costs *c, uint32_t *n)
{
	uint32_t *list = xcalloc((size_t)g->function_count + 1, sizeof(*list));

	*n = 0;
	for (uint32_t i = 0; i < g->function_count; i++)
		if (c->first_op[i] != c->first_op[i + 1] && g->functions[i].file != GRAPH_NONE)
			list[(*n)++] = i;
	qsort_r(list, *n, sizeof(*list), by_file, (void *)(uintptr_t)g);
	return list;
}

void write_expensive_ops(const struct graph *g, const struct costs *c, const struct model *m, struct str *out)
{
	uint32_t n, file = GRAPH_NONE;
	auto_free uint32_t *list = expensive_functions(g, c, &n);
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_int(&j, "threshold", m->threshold);
	json_object(&j, "files");
	for (uint32_t i = 0; i < n; i++) {
		const struct graph_function *f = &g->functions[list[i]];

		if (f->file != file && file != GRAPH_NONE)
			json_object_end(&j);
		if (f->file != file)
			json_object(&j, graph_text(g, g->files[f->file].path));
		file = f->file;
		json_array(&j, graph_text(g, f->name));
		for (uint32_t k = c->first_op[list[i]]; k < c->first_op[list[i] + 1]; k++) {
			json_line(&j);
			write_op(&j, g, &c->ops.v[k]);
		}
		json_array_end(&j);
	}
	if (file != GRAPH_NONE)
		json_object_end(&j);
	json_object_end(&j);
	document_end(&j, out);
}

void write_state_mutations(const struct graph *g, const struct costs *c, struct str *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_object(&j, "functions");
	for (uint32_t i = 0; i < g->function_count; i++) {
		if (c->first_mutation[i] == c->first_mutation[i + 1])
			continue;
		json_line(&j);
		json_array(&j, graph_text(g, g->functions[i].name));
		for (uint32_t k = c->first_mutation[i]; k < c->first_mutation[i + 1]; k++)
			write_mutation(&j, g, &c->mutations[k], false);
		json_array_end(&j);
	}
	json_object_end(&j);
	document_end(&j, out);
}
