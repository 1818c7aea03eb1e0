/* SPDX-License-Identifier: Apache-2.0 */
/* facts_effects.c - what statements write and read. */
#include "audit/python/facts.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static text_t squeezed(struct python *p, struct graph *g, uint32_t source, uint32_t node)
{
	return pyfacts_squeeze(p, g, source, node, 80);
}

static bool is_declared_global(struct python *p, uint32_t source, uint32_t node)
{
	const struct definition *d = &p->m.defs[pyfacts_scope(p, source, node)];
	uint32_t name = machine_node_text(&p->m, &p->sources[source], node);

	for (uint32_t i = 0; i < d->global_count; i++)
		if (d->globals[i] == name)
			return true;
	return false;
}

static void target_add(struct python *p, struct graph *g, uint32_t source, uint32_t node)
{
	const struct tree_node *n = pyfacts_node(p, source, node);
	uint32_t object = 0;
	struct graph_mutation m = { .line = n->line, .file = p->files[source], .function = pyfacts_owner(p, source,
		node) };

	if (n->kind == K_attribute) {
		object = pyfacts_field(p, source, node, F_object);
		m.target = squeezed(p, g, source, node);
		m.scope = pyfacts_scope_of(p, source, node);
		m.kind = MUTATION_ATTR_WRITE;
		if (m.scope == SCOPE_MODULE && object && pyfacts_node(p, source, object)->kind != K_subscript) {
			m.kind = MUTATION_GLOBAL;
			m.scope = SCOPE_GLOBAL;
		}
	} else if (n->kind == K_subscript) {
		object = pyfacts_field(p, source, node, F_value);
		m.target = object ? squeezed(p, g, source, object) : 0;
		m.scope = object ? pyfacts_scope_of(p, source, object) : SCOPE_OUTSIDE;
		m.kind = MUTATION_CONTAINER;
		if (!object)
			return;
	} else if (n->kind == K_identifier) {
		if (!is_declared_global(p, source, node))
			return;
		m.target = squeezed(p, g, source, node);
		m.kind = MUTATION_GLOBAL;
		m.scope = SCOPE_GLOBAL;
	} else {
		for (uint32_t c = n->first; c && n->kind != K_call; c = pyfacts_node(p, source, c)->next)
			target_add(p, g, source, c);
		return;
	}
	if (m.scope == SCOPE_MODULE)
		m.scope = SCOPE_GLOBAL;
	if (m.function != GRAPH_NONE)
		graph_add_mutation(g, m);
}

/* setattr(x, "name", v) with the name as a constant. */
static void setattr_add(struct python *p, struct graph *g, uint32_t source, uint32_t node)
{
	uint32_t function = pyfacts_field(p, source, node, F_function), list = pyfacts_field(p, source, node,
		F_arguments), in;
	uint32_t object = list ? pyfacts_node(p, source, list)->first : 0, name = object ? pyfacts_node(p, source,
		object)->next : 0;
	const struct tree_node *f = function ? pyfacts_node(p, source, function) : NULL, *o;
	const char *text = p->sources[source].text;
	auto_str key = STR_INIT, target = STR_INIT;

	if (!f || f->kind != K_identifier || f->end - f->start != 7 || memcmp(text + f->start, "setattr", 7) != 0 ||
		!name ||
	    pyfacts_lookup(p, source, function, &in) || !pyfacts_string(p, source, name, &key))
		return;
	o = pyfacts_node(p, source, object);
	str_addn(&target, text + o->start, o->end - o->start);
	str_addf(&target, ".%s", str_cstr(&key));
	struct graph_mutation m = { .line = pyfacts_node(p, source, node)->line, .file = p->files[source],
		.function = pyfacts_owner(p, source, node), .kind = MUTATION_ATTR_WRITE, .scope = pyfacts_scope_of(p,
			source, object) };

	m.target = graph_squeeze(g, str_cstr(&target), target.len, 80);
	if (m.scope == SCOPE_MODULE) {
		m.kind = MUTATION_GLOBAL;
		m.scope = SCOPE_GLOBAL;
	}
	if (m.function != GRAPH_NONE)
		graph_add_mutation(g, m);
}

void pyfacts_mutations(struct python *p, struct graph *g, uint32_t s)
{
	for (uint32_t i = 1; i < p->sources[s].tree.count; i++) {
		uint32_t t = 0;

		switch (pyfacts_node(p, s, i)->kind) {
		case K_assignment:
			t = pyfacts_field(p, s, i, F_right) ? pyfacts_field(p, s, i, F_left) : 0;
			break;
		case K_augmented_assignment: case K_for_statement: case K_for_in_clause:
			t = pyfacts_field(p, s, i, F_left);
			break;
		case K_as_pattern_target: case K_delete_statement:
			t = i;
			break;
		case K_call:
			setattr_add(p, g, s, i);
			break;
		default:
			break;
		}
		if (t)
			target_add(p, g, s, t);
	}
}

/* Reads and writes of one statement while it is walked. */
struct effects {
	struct python *p;
	struct graph *g;
	uint32_t source;
	uint32_t *reads, *writes, read_count, write_count, read_cap, write_cap;
};

static void effect_add(struct effects *x, uint32_t node, bool write, uint32_t flag)
{
	uint32_t **list = write ? &x->writes : &x->reads, *n = write ? &x->write_count : &x->read_count;
	uint32_t *cap = write ? &x->write_cap : &x->read_cap;

	if (*cap < *n + 2) {
		*cap = *cap ? *cap * 2 : 16;
		*list = xreallocarray(*list, *cap, sizeof(**list));
	}
	(*list)[(*n)++] = (uint32_t)pyfacts_scope_of(x->p, x->source, node) | flag;
	(*list)[(*n)++] = squeezed(x->p, x->g, x->source, node);
}

static void expression_effects(struct effects *x, uint32_t node);

static bool is_chain(const struct effects *x, uint32_t node)
{
	while (pyfacts_node(x->p, x->source, node)->kind == K_attribute && pyfacts_node(x->p, x->source, node)->first)
		node = pyfacts_node(x->p, x->source, node)->first;
	return pyfacts_node(x->p, x->source, node)->kind == K_identifier;
}

static void target_effects(struct effects *x, uint32_t node, bool update)
{
	const struct tree_node *n = pyfacts_node(x->p, x->source, node);
	uint32_t object;

	switch (n->kind) {
	case K_identifier:
		effect_add(x, node, true, 0);
		if (update)
			effect_add(x, node, false, 0);
		break;
	case K_attribute:
		if (is_chain(x, node)) {
			effect_add(x, node, true, 0);
			if (update)
				effect_add(x, node, false, 0);
		} else {
			expression_effects(x, n->first);
		}
		break;
	case K_subscript:
		object = pyfacts_field(x->p, x->source, node, F_value);
		if (object && is_chain(x, object))
			effect_add(x, object, true, 0);
		for (uint32_t c = n->first; c; c = pyfacts_node(x->p, x->source, c)->next)
			expression_effects(x, c);
		break;
	default:
		for (uint32_t c = n->first; c; c = pyfacts_node(x->p, x->source, c)->next)
			target_effects(x, c, update);
		break;
	}
}

/* A receiver or an argument: a chain is handed over, anything else is read here. */
static void handed_effects(struct effects *x, uint32_t node)
{
	if (!is_chain(x, node))
		expression_effects(x, node);
	else if (pyfacts_scope_of(x->p, x->source, node) != SCOPE_OUTSIDE &&
		 !pyfacts_is_comprehension_variable(x->p, x->source, node))
		effect_add(x, node, false, FRONT_HANDED);
}

static void expression_effects(struct effects *x, uint32_t node)
{
	const struct tree_node *n = pyfacts_node(x->p, x->source, node);
	uint32_t left, right;

	switch (n->kind) {
	case K_identifier:
		if (pyfacts_scope_of(x->p, x->source, node) != SCOPE_OUTSIDE &&
		    !pyfacts_is_comprehension_variable(x->p, x->source, node))
			effect_add(x, node, false, 0);
		return;
	case K_attribute:
		if (is_chain(x, node))
			effect_add(x, node, false, 0);
		else if (n->first)
			expression_effects(x, n->first);
		return;
	case K_call:
		left = pyfacts_field(x->p, x->source, node, F_function);
		right = pyfacts_field(x->p, x->source, node, F_arguments);
		if (left && pyfacts_node(x->p, x->source, left)->kind == K_attribute)
			left = pyfacts_field(x->p, x->source, left, F_object);
		if (left)
			handed_effects(x, left);
		for (uint32_t c = right ? pyfacts_node(x->p, x->source, right)->first : 0; c; c = pyfacts_node(x->p,
			x->source, c)->next)
			handed_effects(x, c);
		return;
	case K_keyword_argument:
		right = pyfacts_field(x->p, x->source, node, F_value);
		if (right)
			expression_effects(x, right);
		return;
	case K_assignment: case K_augmented_assignment: case K_named_expression:
		left = pyfacts_field(x->p, x->source, node, n->kind == K_named_expression ? F_name : F_left);
		right = pyfacts_field(x->p, x->source, node, n->kind == K_named_expression ? F_value : F_right);
		if (right)
			expression_effects(x, right);
		if (left && right)
			target_effects(x, left, n->kind == K_augmented_assignment);
		return;
	case K_delete_statement: case K_as_pattern_target:
		for (uint32_t c = n->first; c; c = pyfacts_node(x->p, x->source, c)->next)
			target_effects(x, c, false);
		return;
	case K_for_in_clause: /* its variables are its own */
		right = pyfacts_field(x->p, x->source, node, F_right);
		if (right)
			expression_effects(x, right);
		return;
	case K_block: case K_function_definition: case K_class_definition:
		return; /* statements of their own */
	case K_import_statement: case K_import_from_statement: case K_global_statement: case K_nonlocal_statement:
	case K_type:
		return;
	default:
		for (uint32_t c = n->first; c; c = pyfacts_node(x->p, x->source, c)->next)
			expression_effects(x, c);
		return;
	}
}

static bool ends_run(enum tree_kind kind)
{
	switch (kind) {
	case K_if_statement: case K_for_statement: case K_while_statement: case K_try_statement: case K_with_statement:
	case K_match_statement: case K_function_definition: case K_class_definition: case K_decorated_definition:
	case K_break_statement: case K_continue_statement: case K_raise_statement: case K_ERROR:
		return true;
	default:
		return false;
	}
}

struct walk {
	struct effects x;
	struct front_statements *out;
	uint32_t function, blocks;
};

static void block_walk(struct walk *w, uint32_t block);

/* The blocks below a compound statement that belong to the same function. */
static void blocks_below(struct walk *w, uint32_t node)
{
	const struct tree_node *n = pyfacts_node(w->x.p, w->x.source, node);

	if (n->kind == K_function_definition || n->kind == K_lambda)
		return;
	for (uint32_t c = n->first; c; c = pyfacts_node(w->x.p, w->x.source, c)->next)
		if (pyfacts_node(w->x.p, w->x.source, c)->kind == K_block)
			block_walk(w, c);
		else
			blocks_below(w, c);
}

static void statement_add(struct walk *w, uint32_t node, uint32_t block)
{
	const struct tree_node *n = pyfacts_node(w->x.p, w->x.source, node);
	struct front_statements *o = w->out;

	w->x.read_count = w->x.write_count = 0;
	if (n->kind == K_for_statement) {
		uint32_t left = pyfacts_field(w->x.p, w->x.source, node, F_left);

		if (left)
			target_effects(&w->x, left, false);
	}
	if (n->kind != K_function_definition && n->kind != K_class_definition)
		expression_effects(&w->x, node);
	if (o->n == o->cap) {
		o->cap = o->cap ? o->cap * 2 : 64;
		o->v = xreallocarray(o->v, o->cap, sizeof(*o->v));
	}
	o->v[o->n++] = (struct front_statement){ .function = w->function, .file = w->x.p->files[w->x.source],
		.line = n->line,
		.start = n->start, .end = n->end, .block = block, .ends_run = ends_run(n->kind),
		.is_return = n->kind == K_return_statement,
		.reads = graph_add_list(w->x.g, w->x.reads, w->x.read_count),
		.writes = graph_add_list(w->x.g, w->x.writes, w->x.write_count) };
}

static void block_walk(struct walk *w, uint32_t block)
{
	uint32_t number = ++w->blocks;

	for (uint32_t c = pyfacts_node(w->x.p, w->x.source, block)->first; c; c = pyfacts_node(w->x.p, w->x.source,
		c)->next) {
		if (pyfacts_node(w->x.p, w->x.source, c)->kind == K_TOKEN)
			continue;
		statement_add(w, c, number);
		if (ends_run(pyfacts_node(w->x.p, w->x.source, c)->kind))
			blocks_below(w, c);
	}
}

void pyfacts_statements(void *state, struct graph *g, const bool *marked, struct front_statements *out)
{
	struct python *p = state;
	struct walk w = { .x = { .p = p, .g = g }, .out = out };
	auto_free uint32_t *source_of = xcalloc((size_t)g->file_count + 1, sizeof(*source_of));

	for (uint32_t i = 0; i < p->count; i++)
		source_of[p->files[i]] = i;
	for (uint32_t i = 0; i < g->function_count; i++) {
		const struct graph_function *f = &g->functions[i];
		const struct definition *d;
		uint32_t body;

		if (!marked[i] || f->file == GRAPH_NONE || f->language != LANGUAGE_PYTHON)
			continue;
		python_open(p, source_of[f->file]);
		d = &p->m.defs[f->key];
		w.x.source = d->source;
		w.function = i;
		body = d->kind == DEF_MODULE ? 1 : pyfacts_field(p, d->source, d->node, F_body);
		if (body && d->kind == DEF_LAMBDA)
			statement_add(&w, body, ++w.blocks);
		else if (body)
			block_walk(&w, body);
	}
	free(w.x.reads);
	free(w.x.writes);
}
