/* SPDX-License-Identifier: Apache-2.0 */
/* effects.c - what statements write and read. */
#include "audit/syntax/syntax.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static bool is_chain(const struct syntax *x, uint32_t source, uint32_t node)
{
	uint32_t object, property;

	while (syntax_member(x, source, node, &object, &property))
		node = object;
	return syntax_node(x, source, node)->kind == K_identifier || syntax_node(x, source, node)->kind == K_this;
}

static void chain_add(const struct syntax *x, uint32_t source, uint32_t node, struct str *out)
{
	uint32_t object, property;

	if (syntax_member(x, source, node, &object, &property)) {
		chain_add(x, source, object, out);
		str_addc(out, '.');
		node = property;
	}
	str_addn(out, syntax_at(x, source, node), syntax_length(x, source, node));
}

/* A name or a chain without the ? of a?.b; anything else as it is written. */
static text_t shown(struct syntax *x, uint32_t source, uint32_t node)
{
	auto_str text = STR_INIT;

	if (is_chain(x, source, node)) {
		chain_add(x, source, node, &text);
		return graph_squeeze(x->g, str_cstr(&text), text.len, 80);
	}
	return graph_squeeze(x->g, syntax_at(x, source, node), syntax_length(x, source, node), 80);
}

static bool has_word(const struct syntax *x, uint32_t source, uint32_t node, const char *word)
{
	return memmem(syntax_at(x, source, node), syntax_length(x, source, node), word, strlen(word)) != NULL;
}

/* module.exports.x = …, C.prototype.m = … in a module's own body are its definitions. */
static bool is_definition(struct syntax *x, uint32_t source, uint32_t node, uint32_t owner)
{
	return x->definitions[owner].kind == SYNTAX_MODULE && x->language == LANGUAGE_JAVASCRIPT &&
	       (has_word(x, source, node, "exports") || has_word(x, source, node, ".prototype") ||
		syntax_scope(x, source, node) == SCOPE_GLOBAL);
}

static void target_add(struct syntax *x, uint32_t source, uint32_t node)
{
	const struct tree_node *n = syntax_node(x, source, node);
	uint32_t object, other, owner = syntax_owner(x, source, node);
	struct graph_mutation m = { .line = n->line, .file = x->sources[source].file->file,
		.function = x->definitions[owner].function };
	const struct syntax_binding *b;

	if (m.function == GRAPH_NONE)
		return;
	if (syntax_member(x, source, node, &object, &other)) {
		if (is_definition(x, source, node, owner))
			return;
		m.target = shown(x, source, node);
		m.scope = syntax_scope(x, source, node);
		m.kind = m.scope == SCOPE_MODULE ? MUTATION_GLOBAL : MUTATION_ATTR_WRITE;
	} else if (syntax_subscript(x, source, node, &object, &other)) {
		m.target = shown(x, source, object);
		m.scope = syntax_scope(x, source, object);
		m.kind = MUTATION_CONTAINER;
	} else if (n->kind == K_identifier) {
		b = syntax_binding_of(x, source, node);
		if (!b || b->is_block || b->is_import || x->definitions[b->definition].kind != SYNTAX_MODULE ||
		    x->definitions[owner].kind == SYNTAX_MODULE)
			return;
		m.target = shown(x, source, node);
		m.kind = MUTATION_GLOBAL;
		m.scope = SCOPE_GLOBAL;
	} else if (n->kind == K_unary_expression && *syntax_at(x, source, node) == '*') {
		m.target = shown(x, source, node);
		m.scope = syntax_scope(x, source, node);
		m.kind = MUTATION_ATTR_WRITE;
	} else {
		for (uint32_t c = n->first; c && n->kind != K_call_expression; c = syntax_node(x, source, c)->next)
			if (syntax_node(x, source, c)->field != F_key && !syntax_is_function(syntax_node(x, source,
				c)->kind))
				target_add(x, source, c);
		return;
	}
	if (m.scope == SCOPE_MODULE)
		m.scope = SCOPE_GLOBAL;
	graph_add_mutation(x->g, m);
}

/* What an assignment, an increment or a delete writes; 0: nothing. */
static uint32_t written(const struct syntax *x, uint32_t source, uint32_t node)
{
	const struct tree_node *n = syntax_node(x, source, node);
	uint32_t c = n->first;

	switch (n->kind) {
	case K_assignment_expression: case K_augmented_assignment_expression: case K_assignment_statement:
		return syntax_field(x, source, node, F_left);
	case K_range_clause:
		return memmem(syntax_at(x, source, node), n->end - n->start, ":=", 2) ? 0 : syntax_field(x, source,
			node, F_left);
	case K_for_in_statement:
		return syntax_field(x, source, node, F_kind) ? 0 : syntax_field(x, source, node, F_left);
	case K_update_expression: case K_inc_statement: case K_dec_statement:
		while (c && syntax_node(x, source, c)->kind == K_TOKEN)
			c = syntax_node(x, source, c)->next;
		return c;
	case K_unary_expression:
		if (syntax_length(x, source, node) > 6 && memcmp(syntax_at(x, source, node), "delete", 6) == 0)
			return syntax_field(x, source, node, F_argument);
		return 0;
	default:
		return 0;
	}
}

/* Object.defineProperty(o, "name", …), and delete(m, k) of Go. */
static void call_mutation(struct syntax *x, uint32_t source, uint32_t node)
{
	uint32_t function = syntax_field(x, source, node, F_function), list = syntax_field(x, source, node, F_arguments);
	uint32_t object = list ? syntax_node(x, source, list)->first : 0, name = object ?
		syntax_node(x, source, object)->next : 0;
	auto_str key = STR_INIT, target = STR_INIT;
	struct graph_mutation m = { .file = x->sources[source].file->file };
	bool go = x->language == LANGUAGE_GO;

	if (!function || !name || !syntax_is_text(x, source, function, go ? "delete" : "Object.defineProperty") ||
	    (go && syntax_binding_of(x, source, function)) || (!go && !syntax_string(x, source, name, &key)))
		return;
	chain_add(x, source, object, &target);
	if (!go)
		str_addf(&target, ".%s", str_cstr(&key));
	m.line = syntax_node(x, source, node)->line;
	m.function = x->definitions[syntax_owner(x, source, node)].function;
	m.kind = go ? MUTATION_CONTAINER : MUTATION_ATTR_WRITE;
	m.scope = syntax_scope(x, source, object);
	m.target = graph_squeeze(x->g, str_cstr(&target), target.len, 80);
	if (m.function != GRAPH_NONE && (go || !is_definition(x, source, object, syntax_owner(x, source, node))))
		graph_add_mutation(x->g, m);
}

void syntax_mutations(struct syntax *x)
{
	for (uint32_t s = 0; s < x->source_count; s++) {
		for (uint32_t i = 1; i < x->sources[s].tree.count; i++) {
			uint32_t t = written(x, s, i);

			if (t)
				target_add(x, s, t);
			else if (syntax_node(x, s, i)->kind == K_call_expression)
				call_mutation(x, s, i);
		}
		syntax_parents_drop(x, s);
	}
}

/* Reads and writes of one statement while it is walked. */
struct effects {
	struct syntax *x;
	uint32_t source;
	uint32_t *reads, *writes, read_count, write_count, read_cap, write_cap;
};

static void effect_add(struct effects *e, uint32_t node, bool write, uint32_t flag)
{
	uint32_t **list = write ? &e->writes : &e->reads, *n = write ? &e->write_count : &e->read_count;
	uint32_t *cap = write ? &e->write_cap : &e->read_cap;

	if (*cap < *n + 2) {
		*cap = *cap ? *cap * 2 : 16;
		*list = xreallocarray(*list, *cap, sizeof(**list));
	}
	(*list)[(*n)++] = (uint32_t)syntax_scope(e->x, e->source, node) | flag;
	(*list)[(*n)++] = shown(e->x, e->source, node);
}

static void expression_effects(struct effects *e, uint32_t node);

static void children_effects(struct effects *e, uint32_t node, void (*each)(struct effects *e, uint32_t node))
{
	for (uint32_t c = syntax_node(e->x, e->source, node)->first; c; c = syntax_node(e->x, e->source, c)->next)
		each(e, c);
}

static void target_effects(struct effects *e, uint32_t node)
{
	const struct tree_node *n = syntax_node(e->x, e->source, node);
	uint32_t object, other;

	if (n->kind == K_identifier || n->kind == K_shorthand_property_identifier_pattern || n->kind == K_this ||
	    (syntax_member(e->x, e->source, node, &object, &other) && is_chain(e->x, e->source, node))) {
		effect_add(e, node, true, 0);
	} else if (syntax_member(e->x, e->source, node, &object, &other)) {
		expression_effects(e, object);
	} else if (syntax_subscript(e->x, e->source, node, &object, &other)) {
		if (is_chain(e->x, e->source, object))
			effect_add(e, object, true, 0);
		children_effects(e, node, expression_effects);
	} else if (n->kind == K_unary_expression && syntax_field(e->x, e->source, node, F_operand)) {
		target_effects(e, syntax_field(e->x, e->source, node, F_operand));
	} else if (n->kind != K_call_expression) {
		children_effects(e, node, target_effects);
	}
}

/* A receiver or an argument: a chain is handed over, anything else is read here. */
static void handed_effects(struct effects *e, uint32_t node)
{
	if (!is_chain(e->x, e->source, node))
		expression_effects(e, node);
	else if (syntax_scope(e->x, e->source, node) != SCOPE_OUTSIDE)
		effect_add(e, node, false, FRONT_HANDED);
}

static void call_effects(struct effects *e, uint32_t node)
{
	bool new = syntax_node(e->x, e->source, node)->kind == K_new_expression;
	uint32_t function = syntax_field(e->x, e->source, node, new ? F_constructor : F_function), object, name;
	uint32_t list = syntax_field(e->x, e->source, node, F_arguments);

	if (function && syntax_member(e->x, e->source, function, &object, &name))
		function = object;
	if (function)
		handed_effects(e, function);
	if (list)
		children_effects(e, list, handed_effects);
}

/* What is updated is read, too; what is in it was looked at when it was written. */
static void read_again(struct effects *e, uint32_t node)
{
	uint32_t object, other;

	if (syntax_subscript(e->x, e->source, node, &object, &other))
		node = object;
	if (is_chain(e->x, e->source, node) && syntax_scope(e->x, e->source, node) != SCOPE_OUTSIDE)
		effect_add(e, node, false, 0);
}

static void expression_effects(struct effects *e, uint32_t node)
{
	const struct tree_node *n = syntax_node(e->x, e->source, node);
	uint32_t object, other;

	if (n->kind == K_identifier || n->kind == K_this || n->kind == K_shorthand_property_identifier) {
		if (syntax_scope(e->x, e->source, node) != SCOPE_OUTSIDE)
			effect_add(e, node, false, 0);
		return;
	}
	if (syntax_member(e->x, e->source, node, &object, &other)) {
		if (is_chain(e->x, e->source, node))
			effect_add(e, node, false, 0);
		else
			expression_effects(e, object);
		return;
	}
	if (n->kind == K_call_expression || n->kind == K_new_expression) {
		call_effects(e, node);
		return;
	}
	if (written(e->x, e->source, node)) {
		uint32_t t = written(e->x, e->source, node);
		uint32_t operator = syntax_field(e->x, e->source, node, F_operator);

		for (uint32_t c = n->first; c; c = syntax_node(e->x, e->source, c)->next)
			if (c != t)
				expression_effects(e, c);
		target_effects(e, t);
		if (n->kind != K_assignment_expression && n->kind != K_for_in_statement && n->kind != K_range_clause &&
		    !(n->kind == K_assignment_statement && operator && syntax_is_text(e->x, e->source, operator, "=")))
			read_again(e, t);
		return;
	}
	if (n->kind == K_variable_declarator || n->kind == K_short_var_declaration || n->kind == K_var_spec ||
	    n->kind == K_const_spec) {
		bool left = n->kind == K_short_var_declaration;
		uint32_t value = syntax_field(e->x, e->source, node, left ? F_right : F_value);

		if (value)
			expression_effects(e, value);
		for (uint32_t c = n->first; c; c = syntax_node(e->x, e->source, c)->next)
			if (syntax_node(e->x, e->source, c)->field == (left ? F_left : F_name))
				target_effects(e, c);
		return;
	}
	if (n->kind == K_type_annotation || n->kind == K_type_arguments || n->kind == K_import_statement)
		return;
	children_effects(e, node, expression_effects);
}

static bool ends_run(enum tree_kind kind)
{
	switch (kind) {
	case K_if_statement: case K_for_statement: case K_for_in_statement: case K_while_statement: case K_do_statement:
	case K_try_statement: case K_with_statement: case K_switch_statement: case K_labeled_statement:
	case K_function_declaration: case K_generator_function_declaration: case K_class_declaration:
	case K_abstract_class_declaration: case K_statement_block: case K_block: case K_break_statement:
	case K_continue_statement: case K_throw_statement: case K_expression_switch_statement:
	case K_type_switch_statement: case K_select_statement: case K_goto_statement: case K_fallthrough_statement:
	case K_go_statement: case K_defer_statement: case K_internal_module: case K_ERROR:
		return true;
	default:
		return false;
	}
}

static bool is_block(enum tree_kind kind)
{
	switch (kind) {
	case K_statement_block: case K_block: case K_switch_case: case K_switch_default: case K_expression_case:
	case K_default_case: case K_type_case: case K_communication_case: case K_program: case K_source_file:
		return true;
	default:
		return false;
	}
}

struct walk {
	struct effects e;
	struct front_statements *out;
	uint32_t function, blocks;
};

static void block_walk(struct walk *w, uint32_t block);

/* The blocks below a compound statement that belong to the same function. */
static void blocks_below(struct walk *w, uint32_t node)
{
	const struct tree_node *n = syntax_node(w->e.x, w->e.source, node);

	if (syntax_is_function(n->kind))
		return;
	for (uint32_t c = n->first; c; c = syntax_node(w->e.x, w->e.source, c)->next)
		if (is_block(syntax_node(w->e.x, w->e.source, c)->kind))
			block_walk(w, c);
		else
			blocks_below(w, c);
}

/* Of a compound statement: what stands before its blocks. */
static void head_effects(struct effects *e, uint32_t node)
{
	enum tree_kind kind = syntax_node(e->x, e->source, node)->kind;

	if (is_block(kind) || syntax_is_function(kind) || kind == K_class_body || kind == K_switch_body ||
	    kind == K_else_clause || kind == K_catch_clause || kind == K_finally_clause)
		return;
	if (ends_run(kind))
		children_effects(e, node, head_effects);
	else
		expression_effects(e, node);
}

static void statement_add(struct walk *w, uint32_t node, uint32_t block)
{
	const struct tree_node *n = syntax_node(w->e.x, w->e.source, node);
	struct front_statements *o = w->out;

	w->e.read_count = w->e.write_count = 0;
	if (n->kind == K_for_in_statement && syntax_field(w->e.x, w->e.source, node, F_left))
		target_effects(&w->e, syntax_field(w->e.x, w->e.source, node, F_left));
	head_effects(&w->e, node);
	if (o->n == o->cap) {
		o->cap = o->cap ? o->cap * 2 : 64;
		o->v = xreallocarray(o->v, o->cap, sizeof(*o->v));
	}
	o->v[o->n++] = (struct front_statement){ .function = w->function, .file = w->e.x->sources[w->e.source].file->file,
		.line = n->line, .start = n->start, .end = n->end, .block = block, .ends_run = ends_run(n->kind),
		.is_return = n->kind == K_return_statement,
		.reads = graph_add_list(w->e.x->g, w->e.reads, w->e.read_count),
		.writes = graph_add_list(w->e.x->g, w->e.writes, w->e.write_count) };
}

/* What stands before the statements of a case. */
static bool is_head(enum tree_field field)
{
	return field == F_value || field == F_type || field == F_communication;
}

static void statements_walk(struct walk *w, uint32_t list, uint32_t number)
{
	for (uint32_t c = syntax_node(w->e.x, w->e.source, list)->first; c; c = syntax_node(w->e.x, w->e.source, c)->next) {
		enum tree_kind kind = syntax_node(w->e.x, w->e.source, c)->kind;

		if (kind == K_statement_list) {
			statements_walk(w, c, number);
			continue;
		}
		if (kind == K_TOKEN || is_head(syntax_node(w->e.x, w->e.source, c)->field))
			continue;
		statement_add(w, c, number);
		if (ends_run(kind))
			blocks_below(w, c);
	}
}

static void block_walk(struct walk *w, uint32_t block)
{
	statements_walk(w, block, ++w->blocks);
}

void syntax_statements(struct syntax *x, const bool *marked, struct front_statements *out)
{
	struct walk w = { .e = { .x = x }, .out = out };

	for (uint32_t i = 0; i < x->g->function_count; i++) {
		const struct graph_function *f = &x->g->functions[i];
		const struct syntax_definition *d;

		if (!marked[i] || f->file == GRAPH_NONE || f->language != x->language)
			continue;
		d = &x->definitions[f->key];
		w.e.source = d->source;
		w.function = i;
		if (is_block(syntax_node(x, d->source, d->body)->kind))
			block_walk(&w, d->body);
		else
			statement_add(&w, d->body, ++w.blocks);
	}
	free(w.e.reads);
	free(w.e.writes);
}
