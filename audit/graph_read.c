/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/graph_read.h"

#include "base/json_read.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct reading {
	struct graph *g;
	struct costs *c;
	const char *name;
	struct ops ops; /* function: index before graph_finish() */
};

static text_t text_member(struct graph *g, const struct json_value *v, const char *key)
{
	const char *s = json_get_text(v, key);

	return s ? text_ofz(&g->texts, s) : 0;
}

static int64_t int_member(const struct json_value *v, const char *key, int64_t fallback)
{
	const struct json_value *m = json_get(v, key);

	return m && m->is_integer ? m->integer : fallback;
}

static bool bool_member(const struct json_value *v, const char *key)
{
	const struct json_value *m = json_get(v, key);

	return m && m->kind == JSON_TRUE;
}

static int word_of(const char *text, const char *const words[], int n, int fallback)
{
	for (int i = 0; text && i < n; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	return fallback;
}

static uint32_t file_of(struct graph *g, text_t path, enum graph_language language)
{
	for (uint32_t i = g->file_count; i-- > 0;)
		if (g->files[i].path == path)
			return i;
	return graph_add_file(g, (struct graph_file){ .path = path, .language = language });
}

static enum graph_language language_of(const char *text)
{
	for (int l = 0; text && l < LANGUAGE_COUNT; l++)
		if (strcmp(text, graph_language_text((enum graph_language)l)) == 0)
			return (enum graph_language)l;
	return LANGUAGE_PYTHON;
}

static void ops_take(struct reading *r, const struct json_value *list, uint32_t function, uint32_t file)
{
	struct graph *g = r->g;

	if (!list || list->kind != JSON_ARRAY)
		return;
	json_each(item, list) {
		struct op o = { .call = GRAPH_NONE, .function = function, .file = file, .callee = text_member(g, item,
			"callee"),
			.cost_class = text_member(g, item, "cost_class"), .base_class = text_member(g, item,
				"base_class"),
			.size = int_member(item, "data_size_estimate", -1), .line = (uint32_t)int_member(item, "line", 0),
			.weight = int_member(item, "weight", 0), .base_weight = int_member(item, "base_weight", 0),
			.loop_bound = int_member(item, "loop_bound", 1), .loop_known = bool_member(item,
				"loop_bound_known"),
			.expensive = bool_member(item, "expensive"), .heuristic_weight = int_member(item,
			"heuristic_weight", 0),
			.measured_ns = int_member(item, "measured_ns", 0), .samples = int_member(item, "samples", 0) };
		const char *source = json_get_text(item, "source");

		o.base_class = o.base_class ? o.base_class : o.cost_class;
		o.in_loop = strcmp(graph_text(g, o.cost_class), "loop_amplified") == 0;
		o.measured = source && strcmp(source, "measured") == 0;
		if (o.callee)
			ops_add(&r->ops, o);
	}
}

static void mutations_take(struct reading *r, const struct json_value *list, uint32_t function, uint32_t file)
{
	static const char *const kinds[] = { "attr_write", "container_mutate", "file_write", "ipc_emit", "global_write" };
	static const char *const scopes[] = { "self", "parameter", "local", "global", "closure", "outside" };

	if (!list || list->kind != JSON_ARRAY)
		return;
	json_each(item, list)
		graph_add_mutation(r->g, (struct graph_mutation){ .function = function, .file = file,
			.line = (uint32_t)int_member(item, "line", 0), .target = text_member(r->g, item, "target"),
			.kind = (enum graph_mutation_kind)word_of(json_get_text(item, "kind"), kinds, 5, 0),
			.scope = (enum graph_scope)word_of(json_get_text(item, "scope"), scopes, 6, SCOPE_OUTSIDE) });
}

static uint32_t node_take(struct reading *r, const char *name, const struct json_value *v)
{
	static const char *const kinds[] = { "module", "function", "method", "lambda", "external", "builtin" };
	struct graph *g = r->g;
	const char *file = json_get_text(v, "file");
	struct graph_function f = { .name = text_ofz(&g->texts, name), .file = GRAPH_NONE,
		.kind = (enum graph_kind)word_of(json_get_text(v, "kind"), kinds, 6, GRAPH_FUNCTION),
		.language = language_of(json_get_text(v, "language")), .line = (uint32_t)int_member(v, "line", 0),
		.end_line = (uint32_t)int_member(v, "end_line", 0), .is_async = bool_member(v, "is_async") };
	const struct json_value *decorators = json_get(v, "decorators");
	uint32_t list[16], n = 0, at;

	if (f.kind != GRAPH_EXTERNAL && f.kind != GRAPH_BUILTIN)
		f.file = file_of(g, text_ofz(&g->texts, file ? file : ""), f.language);
	if (decorators && decorators->kind == JSON_ARRAY)
		json_each(d, decorators)
			if (n < 16 && d->kind == JSON_STRING)
				list[n++] = text_ofz(&g->texts, d->text);
	f.decorators = graph_add_list(g, list, n);
	at = graph_add_function(g, f);
	if (f.file != GRAPH_NONE) {
		ops_take(r, json_get(v, "expensive_ops"), at, f.file);
		mutations_take(r, json_get(v, "state_mutations"), at, f.file);
	}
	return at;
}

static uint32_t *index_make(const struct graph *g)
{
	uint32_t *at = xcalloc((size_t)g->texts.n + 1, sizeof(*at));

	for (uint32_t i = 0; i < g->function_count; i++)
		at[g->functions[i].name] = i + 1;
	return at;
}

/* Callers that have no node: a graph may be written by hand. */
static void callers_add(struct graph *g, const struct json_value *edges)
{
	auto_free uint32_t *at = index_make(g);
	uint32_t known = g->texts.n;

	json_each(from, edges) {
		text_t name = text_of(&g->texts, from->key, from->key_len);

		if (name >= known || !at[name])
			graph_add_function(g, (struct graph_function){ .name = name, .kind = GRAPH_FUNCTION,
				.file = file_of(g, text_ofz(&g->texts, ""), LANGUAGE_PYTHON) });
	}
}

static void edges_take(struct reading *r, const struct json_value *edges)
{
	struct graph *g = r->g;
	uint32_t *at;

	callers_add(g, edges);
	at = index_make(g);
	json_each(from, edges) {
		text_t name = text_find(&g->texts, from->key);
		uint32_t caller = name ? at[name] : 0, order = 0;

		if (!caller || from->kind != JSON_ARRAY || g->functions[caller - 1].file == GRAPH_NONE)
			continue;
		json_each(to, from)
			if (to->kind == JSON_STRING) {
				text_t target = text_ofz(&g->texts, to->text);

				graph_add_call(g, (struct graph_call){ .caller = caller - 1,
					.file = g->functions[caller - 1].file,
					.line = g->functions[caller - 1].line, .start = order++, .text = target,
					.targets = graph_add_list(g, &target, 1), .is_expression = true });
			}
	}
	free(at);
}

static void unresolved_take(struct reading *r, const struct json_value *list)
{
	struct graph *g = r->g;
	auto_free uint32_t *at = index_make(g);
	uint32_t texts = g->texts.n, order = 1u << 30;

	json_each(item, list) {
		text_t name = text_member(g, item, "function");
		const char *reason = json_get_text(item, "reason");
		enum graph_reason why = reason ? graph_reason_of(reason) : REASON_attribute;

		if (!name || name >= texts || !at[name] || g->functions[at[name] - 1].file == GRAPH_NONE)
			continue;
		graph_add_call(g, (struct graph_call){ .caller = at[name] - 1, .file = g->functions[at[name] - 1].file,
			.line = (uint32_t)int_member(item, "line", 0), .start = order++, .is_expression = true,
			.text = text_member(g, item, "callee"), .reason = why == REASON_COUNT ? REASON_attribute : why });
	}
}

static void document_take(struct reading *r, const struct json_value *v)
{
	const struct json_value *nodes = json_get(v, "nodes"), *edges = json_get(v, "edges"), *list = json_get(v,
		"unresolved");

	json_each(node, nodes) {
		auto_free char *name = xstrndup(node->key, node->key_len);

		node_take(r, name, node);
	}
	if (edges && edges->kind == JSON_OBJECT)
		edges_take(r, edges);
	if (list && list->kind == JSON_ARRAY)
		unresolved_take(r, list);
}

/* Operations and mutations were read under the names of functions: those have new numbers now. */
static void costs_fill(struct reading *r, const text_t *names)
{
	struct graph *g = r->g;

	memset(r->c, 0, sizeof(*r->c));
	for (uint32_t i = 0; i < r->ops.n; i++) {
		r->ops.v[i].function = graph_find(g, names[r->ops.v[i].function]);
		ops_add(&r->c->ops, r->ops.v[i]);
	}
	r->c->mutations = xcalloc((size_t)g->mutation_count + 1, sizeof(*r->c->mutations));
	if (g->mutation_count)
		memcpy(r->c->mutations, g->mutations, g->mutation_count * sizeof(*g->mutations));
	r->c->mutation_count = r->c->mutation_cap = g->mutation_count;
	costs_sort(r->c, g);
}

int graph_read(struct graph *g, struct costs *c, const char *text, size_t n, const char *name, struct err *e)
{
	struct json_reader *j = json_reader_text(text, n, name);
	struct reading r = { .g = g, .c = c, .name = name };
	const struct json_value *v;
	text_t *names;
	int rc = json_take(j, &v, e);

	if (rc == 0)
		rc = json_end(j, e);
	if (rc == 0 && (v->kind != JSON_OBJECT || !json_get(v, "nodes") || json_get(v, "nodes")->kind != JSON_OBJECT))
		rc = err_set(e, ERR_USAGE, "%s: not a call_graph.json: it has no nodes", name);
	if (rc < 0) {
		e->kind = ERR_USAGE;
		json_reader_free(j);
		return -1;
	}
	document_take(&r, v);
	names = xcalloc((size_t)g->function_count + 1, sizeof(*names));
	for (uint32_t i = 0; i < g->function_count; i++)
		names[i] = g->functions[i].name;
	if (!g->file_count)
		graph_add_file(g, (struct graph_file){ .path = text_ofz(&g->texts, "") });
	graph_finish(g, GRAPH_TARGETS_MAX);
	costs_fill(&r, names);
	free(names);
	free(r.ops.v);
	json_reader_free(j);
	return 0;
}
