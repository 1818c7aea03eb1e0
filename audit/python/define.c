/* SPDX-License-Identifier: Apache-2.0 */
/* define.c - the functions, lambdas, classes and local names of a file. */
#include "audit/python/machine.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static uint32_t def_add(struct machine *m, struct definition d)
{
	if (m->def_count == m->def_cap) {
		m->def_cap = m->def_cap ? m->def_cap * 2 : 64;
		m->defs = xreallocarray(m->defs, m->def_cap, sizeof(*m->defs));
	}
	m->defs[m->def_count] = d;
	return m->def_count++;
}

uint32_t machine_owner(const struct machine *m, uint32_t def)
{
	while (m->defs[def].kind == DEF_CLASS)
		def = m->defs[def].parent;
	return def;
}

static void add_name(uint32_t **list, uint32_t *n, uint32_t name)
{
	for (uint32_t i = 0; i < *n; i++)
		if ((*list)[i] == name)
			return;
	*list = xreallocarray(*list, *n + 1, sizeof(**list));
	(*list)[(*n)++] = name;
}

static uint32_t def_text(struct machine *m, const struct source *s, uint32_t node)
{
	const struct tree_node *n = &s->tree.nodes[node];

	return heap_text(&m->h, s->text + n->start, n->end - n->start);
}

/* Every identifier below a target is bound, but for those within attributes and subscripts. */
static void bind_targets(struct machine *m, uint32_t source, uint32_t node, uint32_t def)
{
	const struct source *s = &m->sources[source];
	const struct tree_node *n = &s->tree.nodes[node];

	if (n->kind == K_identifier)
		add_name(&m->defs[def].locals, &m->defs[def].local_count, def_text(m, s, node));
	if (n->kind == K_attribute || n->kind == K_subscript || n->kind == K_call)
		return;
	for (uint32_t c = n->first; c; c = s->tree.nodes[c].next)
		bind_targets(m, source, c, def);
}

static uint32_t field(const struct source *s, uint32_t node, enum tree_field f)
{
	for (uint32_t c = s->tree.nodes[node].first; c; c = s->tree.nodes[c].next)
		if (s->tree.nodes[c].field == f)
			return c;
	return 0;
}

static void walk(struct machine *m, uint32_t source, uint32_t node, uint32_t def);

static void bind_parameters(struct machine *m, uint32_t source, uint32_t list, uint32_t def)
{
	const struct source *s = &m->sources[source];

	for (uint32_t c = s->tree.nodes[list].first; list && c; c = s->tree.nodes[c].next) {
		uint32_t name = field(s, c, F_name);

		bind_targets(m, source, name ? name : s->tree.nodes[c].kind == K_identifier ?
			c : s->tree.nodes[c].first, def);
	}
}

static void define(struct machine *m, uint32_t source, uint32_t node, uint32_t def)
{
	const struct source *s = &m->sources[source];
	const struct tree_node *n = &s->tree.nodes[node];
	struct definition d = { .kind = n->kind == K_lambda ? DEF_LAMBDA : n->kind == K_class_definition ?
		DEF_CLASS : DEF_FUNCTION,
				.source = source, .node = node, .parent = def };
	uint32_t name = field(s, node, F_name), own, body = field(s, node, F_body), params = field(s, node,
		F_parameters);

	if (d.kind == DEF_LAMBDA) {
		d.name = xasprintf("%s.<lambda%u>", m->defs[def].name, ++m->defs[def].lambdas);
	} else {
		d.name = xasprintf("%s.%.*s", m->defs[def].name, name ?
			(int)(s->tree.nodes[name].end - s->tree.nodes[name].start) : 0,
				   name ? s->text + s->tree.nodes[name].start : "");
		if (name)
			bind_targets(m, source, name, def);
	}
	d.is_method = m->defs[def].kind == DEF_CLASS && d.kind == DEF_FUNCTION;
	d.is_async = n->first && s->tree.nodes[n->first].kind == K_TOKEN;
	own = def_add(m, d);
	m->node_def[source][node] = own;
	bind_parameters(m, source, params, own);
	for (uint32_t c = s->tree.nodes[node].first; c; c = s->tree.nodes[c].next)
		if (c != body)
			walk(m, source, c, def); /* defaults and bases belong to the scope around */
	if (body)
		walk(m, source, body, own);
}

static void walk(struct machine *m, uint32_t source, uint32_t node, uint32_t def)
{
	const struct source *s = &m->sources[source];
	const struct tree_node *n = &s->tree.nodes[node];
	struct definition *d = &m->defs[def];
	uint32_t t = 0;

	switch (n->kind) {
	case K_function_definition: case K_lambda: case K_class_definition:
		define(m, source, node, def);
		return;
	case K_global_statement: case K_nonlocal_statement:
		for (uint32_t c = n->first; c; c = s->tree.nodes[c].next)
			if (n->kind == K_global_statement)
				add_name(&d->globals, &d->global_count, def_text(m, s, c));
			else
				add_name(&d->nonlocals, &d->nonlocal_count, def_text(m, s, c));
		return;
	case K_assignment: case K_augmented_assignment: case K_for_statement:
		t = field(s, node, F_left);
		break;
	case K_named_expression:
		t = field(s, node, F_name);
		break;
	case K_as_pattern_target: case K_case_pattern: case K_import_statement: case K_import_from_statement:
	case K_delete_statement:
		t = node;
		break;
	case K_yield:
		d->is_generator = true;
		break;
	default:
		break;
	}
	if (t)
		bind_targets(m, source, t, def);
	for (uint32_t c = n->first; c; c = s->tree.nodes[c].next)
		walk(m, source, c, def);
}

void machine_define(struct machine *m, uint32_t source)
{
	struct source *s = &m->sources[source];
	struct definition d = { .kind = DEF_MODULE, .source = source, .node = 1, .name = xstrdup(s->module) };

	m->node_def[source] = xcalloc(s->tree.count + 1, sizeof(uint32_t));
	s->body = def_add(m, d);
	m->node_def[source][1] = s->body;
	walk(m, source, 1, s->body);
}
