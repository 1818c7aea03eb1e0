/* SPDX-License-Identifier: Apache-2.0 */
/* machine.c - statements: order, branches, loops, declarations. */
#include "audit/javascript/js.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct side js_side_begin(struct frame *f)
{
	return (struct side){ .mark = H->trail_count, .objects = H->object_count };
}

void js_side_end(struct frame *f, struct side *s)
{
	s->changes = trail_take(H, s->mark);
	s->dead = f->dead;
	f->dead = false;
}

/* What a path that leaves the function has written is visible to its caller, except for local variables. */
static void keep_leaving(struct frame *f, struct changes *c)
{
	f->leaving = xreallocarray(f->leaving, f->leaving_count + 1, sizeof(*f->leaving));
	f->leaving[f->leaving_count++] = *c;
}

void js_sides_join(struct frame *f, struct side *a, struct side *b)
{
	trail_join(H, a->dead ? NULL : &a->changes, b->dead ? NULL : &b->changes, a->objects);
	f->dead = a->dead && b->dead;
	for (int i = 0; i < 2; i++) {
		struct side *s = i ? b : a;

		if (s->dead && s->changes.n)
			keep_leaving(f, &s->changes);
		else
			free(s->changes.v);
	}
}

void js_leaving_apply(struct frame *f)
{
	for (uint32_t i = 0; i < f->leaving_count; i++) {
		trail_apply(H, &f->leaving[i], true);
		free(f->leaving[i].v);
	}
	free(f->leaving);
	f->leaving = NULL;
	f->leaving_count = 0;
}

static void hoist(struct frame *f, uint32_t node)
{
	enum tree_kind kind = NODE(f, node)->kind;
	uint32_t name, declaration;

	if (kind == K_export_statement) {
		declaration = field(f, node, F_declaration);
		if (declaration)
			hoist(f, declaration);
		return;
	}
	if (kind != K_function_declaration && kind != K_generator_function_declaration)
		return;
	name = field(f, node, F_name);
	if (name && js_definition_at(f, node))
		js_name_set(f, name, value_of(H, js_function_make(f, node, 0)));
}

void js_block_run(struct frame *f, uint32_t node)
{
	uint32_t first = node ? NODE(f, node)->first : 0;

	for (uint32_t c = first; c; c = NODE(f, c)->next)
		hoist(f, c);
	for (uint32_t c = first; c && !f->dead; c = NODE(f, c)->next)
		if (NODE(f, c)->kind != K_TOKEN)
			js_statement_run(f, c);
}

static bool is_unknown(struct frame *f, value_t v)
{
	for (uint32_t i = 0; i < value_count(H, v); i++)
		if (H->objects[value_at(H, v, i)].kind != O_UNKNOWN)
			return false;
	return true;
}

/* x instanceof C says what a name of which nothing is known is. */
void js_narrow(struct frame *f, uint32_t node, bool holds)
{
	const struct tree_node *n = NODE(f, node);
	uint32_t left = field(f, node, F_left), right = field(f, node, F_right), operator = field(f, node, F_operator);
	value_t classes, then = 0;

	if (n->kind == K_parenthesized_expression && n->first) {
		js_narrow(f, n->first, holds);
	} else if (n->kind == K_unary_expression && operator && is_text(f, operator, "!")) {
		js_narrow(f, field(f, node, F_argument), !holds);
	} else if (n->kind == K_binary_expression && operator && is_text(f, operator, holds ? "&&" : "||")) {
		js_narrow(f, left, holds);
		js_narrow(f, right, holds);
	} else if (holds && n->kind == K_binary_expression && operator && is_text(f, operator, "instanceof") &&
		   NODE(f, left)->kind == K_identifier && is_unknown(f, js_name_get(f, left))) {
		classes = js_expression(f, right);
		for (uint32_t i = 0; i < value_count(H, classes); i++) {
			uint32_t o = value_at(H, classes, i);

			if (H->objects[o].kind == O_CLASS || H->objects[o].kind == O_FUNCTION)
				then = value_join(H, then, value_of(H, js_open_instance(f, o)));
		}
		if (then)
			js_name_set(f, left, then);
	}
}

static void if_run(struct frame *f, uint32_t node)
{
	uint32_t condition = field(f, node, F_condition), other = field(f, node, F_alternative);
	struct side a, b;

	if (condition)
		js_expression(f, condition);
	a = js_side_begin(f);
	if (condition)
		js_narrow(f, condition, true);
	if (field(f, node, F_consequence))
		js_statement_run(f, field(f, node, F_consequence));
	js_side_end(f, &a);
	b = js_side_begin(f);
	if (condition)
		js_narrow(f, condition, false);
	if (other && NODE(f, other)->first)
		js_statement_run(f, NODE(f, other)->first);
	js_side_end(f, &b);
	js_sides_join(f, &a, &b);
}

static void target_declare(struct frame *f, uint32_t left, value_t v)
{
	js_pattern_set(f, left, v);
}

/* Two passes, each of which may not happen: what the first one wrote is seen by the second. */
static void loop_run(struct frame *f, uint32_t node, value_t item, bool is_do)
{
	uint32_t left = NODE(f, node)->kind == K_for_in_statement ? field(f, node, F_left) : 0;
	uint32_t body = field(f, node, F_body), condition = field(f, node, F_condition), step = field(f, node, F_increment);

	for (int pass = 0; pass < 2; pass++) {
		struct side a = js_side_begin(f), b;

		if (left)
			target_declare(f, left, item);
		if (condition && !is_do)
			js_statement_run(f, condition);
		if (body)
			js_statement_run(f, body);
		if (!f->dead && step)
			js_expression(f, step);
		if (!f->dead && condition && is_do)
			js_expression(f, condition);
		if (is_do && !pass && !f->dead) {
			continue; /* there is a first time */
		}
		js_side_end(f, &a);
		b = js_side_begin(f);
		js_side_end(f, &b);
		js_sides_join(f, &a, &b);
	}
}

static void for_in_run(struct frame *f, uint32_t node)
{
	uint32_t right = field(f, node, F_right), operator = field(f, node, F_operator);
	value_t all = right ? js_expression(f, right) : 0, item;

	if (operator && is_text(f, operator, "in"))
		item = js_some_text(f);
	else
		item = js_iterate(f, node, js_awaited(f, all));
	loop_run(f, node, js_awaited(f, item), false);
}

static void try_run(struct frame *f, uint32_t node)
{
	struct side all = js_side_begin(f), base;
	uint32_t handler = field(f, node, F_handler), last = field(f, node, F_finalizer), body = field(f, node, F_body);
	bool dead;

	js_block_run(f, body);
	js_side_end(f, &all);
	base = js_side_begin(f);
	trail_apply(H, &all.changes, true); /* anything of the body may have happened */
	if (handler) {
		if (field(f, handler, F_parameter))
			js_pattern_set(f, field(f, handler, F_parameter), js_unknown(f, "parameter"));
		js_block_run(f, field(f, handler, F_body));
	} else {
		f->dead = true;
	}
	js_side_end(f, &base);
	js_sides_join(f, &all, &base);
	if (!last)
		return;
	dead = f->dead;
	f->dead = false;
	js_block_run(f, field(f, last, F_body));
	f->dead |= dead;
}

static void switch_run(struct frame *f, uint32_t node)
{
	uint32_t body = field(f, node, F_body), value = field(f, node, F_value);

	if (value)
		js_expression(f, value);
	for (uint32_t c = body ? NODE(f, body)->first : 0; c; c = NODE(f, c)->next)
		for (uint32_t k = NODE(f, c)->first; k; k = NODE(f, k)->next)
			hoist(f, k);
	for (uint32_t c = body ? NODE(f, body)->first : 0; c; c = NODE(f, c)->next) {
		struct side a = js_side_begin(f), b;

		for (uint32_t k = NODE(f, c)->first; k && !f->dead; k = NODE(f, k)->next)
			if (NODE(f, k)->field == F_value)
				js_expression(f, k);
			else if (NODE(f, k)->kind != K_TOKEN)
				js_statement_run(f, k);
		js_side_end(f, &a);
		b = js_side_begin(f);
		js_side_end(f, &b);
		js_sides_join(f, &a, &b);
	}
}

static void declaration_run(struct frame *f, uint32_t node)
{
	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		uint32_t name, value;

		if (NODE(f, c)->kind != K_variable_declarator)
			continue;
		name = field(f, c, F_name);
		value = field(f, c, F_value);
		if (value && name) {
			js_pattern_set(f, name, js_expression(f, value));
		} else if (name && NODE(f, name)->kind == K_identifier && NODE(f, node)->kind == K_lexical_declaration) {
			uint32_t type = field(f, c, F_type);
			value_t v = type ? js_typed_instance(f, type) : 0;

			js_name_set(f, name, v ? v : value_of(H, OBJECT_NONE));
		}
	}
}

/* In a namespace what is exported becomes a property of its object. */
static void export_to_space(struct frame *f, uint32_t node)
{
	const struct tree_node *n = NODE(f, node);
	uint32_t name;

	switch (n->kind) {
	case K_identifier: case K_shorthand_property_identifier_pattern: case K_type_identifier:
		slot_set(H, f->space, js_node_text(f, node), js_name_get(f, node), false);
		return;
	case K_lexical_declaration: case K_variable_declaration: case K_object_pattern: case K_array_pattern:
		for (uint32_t c = n->first; c; c = NODE(f, c)->next)
			export_to_space(f, c);
		return;
	default:
		name = field(f, node, F_name);
		while (name && NODE(f, name)->kind == K_nested_identifier)
			name = NODE(f, name)->first;
		if (name)
			export_to_space(f, name);
		return;
	}
}

static void export_run(struct frame *f, uint32_t node)
{
	uint32_t declaration = field(f, node, F_declaration), value = field(f, node, F_value);
	struct js_module *mod = &f->m->modules[f->source];
	value_t v;

	if (declaration) {
		if (NODE(f, declaration)->kind == K_class_declaration ||
		    NODE(f, declaration)->kind == K_abstract_class_declaration) {
			v = js_class_make(f, declaration);
			js_decorators_run(f, node, &v);
			if (field(f, declaration, F_name))
				js_name_set(f, field(f, declaration, F_name), v);
			else
				mod->fallback = v;
		} else {
			js_statement_run(f, declaration);
			if (!field(f, declaration, F_name) && js_definition_at(f, declaration))
				mod->fallback = value_of(H, js_function_make(f, declaration, 0));
		}
		if (f->space)
			export_to_space(f, declaration);
		return;
	}
	if (value) {
		mod->fallback = js_expression(f, value);
		return;
	}
	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next)
		if (NODE(f, c)->kind == K_export_clause || NODE(f, c)->kind == K_namespace_export || NODE(f,
			c)->kind == K_string)
			return;
	if (NODE(f, node)->first) /* export = x */
		slot_set(H, mod->module, KEY("exports"), js_expression(f, NODE(f, node)->first), false);
}

static void namespace_run(struct frame *f, uint32_t node)
{
	uint32_t name = field(f, node, F_name), body = field(f, node, F_body), before = f->space, o = 0;
	value_t v = 0;

	while (name && NODE(f, name)->kind == K_nested_identifier)
		name = NODE(f, name)->first;
	if (!name || !body || NODE(f, name)->kind != K_identifier)
		return;
	if (syntax_binding_of(&f->m->x, f->source, name))
		v = js_name_get(f, name);
	if (value_count(H, v) == 1 && H->objects[value_at(H, v, 0)].kind != O_UNKNOWN)
		o = value_at(H, v, 0); /* it goes on, or belongs to a class or function */
	o = o ? o : object_new(H, O_DICT, 0, 0);
	js_name_set(f, name, value_of(H, o));
	f->space = o;
	js_block_run(f, body);
	f->space = before;
}

static void class_run(struct frame *f, uint32_t node)
{
	value_t v = js_class_make(f, node);

	if (field(f, node, F_name))
		js_name_set(f, field(f, node, F_name), v);
}

static void children_run(struct frame *f, uint32_t node)
{
	for (uint32_t c = NODE(f, node)->first; c && !f->dead; c = NODE(f, c)->next)
		if (NODE(f, c)->kind != K_TOKEN)
			js_statement_run(f, c);
}

void js_statement_run(struct frame *f, uint32_t node)
{
	uint32_t n;

	f->m->steps++;
	switch (NODE(f, node)->kind) {
	case K_if_statement: if_run(f, node); break;
	case K_for_statement:
		if (field(f, node, F_initializer))
			js_statement_run(f, field(f, node, F_initializer));
		loop_run(f, node, 0, false);
		break;
	case K_for_in_statement: for_in_run(f, node); break;
	case K_while_statement: loop_run(f, node, 0, false); break;
	case K_do_statement: loop_run(f, node, 0, true); break;
	case K_try_statement: try_run(f, node); break;
	case K_switch_statement: switch_run(f, node); break;
	case K_lexical_declaration: case K_variable_declaration: case K_using_declaration:
		declaration_run(f, node);
		break;
	case K_function_declaration: case K_generator_function_declaration: /* hoisted */
	case K_import_statement: case K_empty_statement: case K_type_alias_declaration: case K_ambient_declaration:
	case K_function_signature: case K_import_alias:
		break;
	case K_interface_declaration:
		class_run(f, node);
		break;
	case K_class_declaration: case K_abstract_class_declaration: class_run(f, node); break;
	case K_enum_declaration:
		if (field(f, node, F_name))
			js_name_set(f, field(f, node, F_name), js_enum_make(f, node));
		break;
	case K_internal_module: case K_module: namespace_run(f, node); break;
	case K_export_statement: export_run(f, node); break;
	case K_return_statement:
		n = NODE(f, node)->first;
		f->returned = value_join(H, f->returned, n ? js_expression(f, n) : value_of(H, OBJECT_NONE));
		f->dead = true;
		break;
	case K_throw_statement:
		if (NODE(f, node)->first)
			js_expression(f, NODE(f, node)->first);
		f->dead = true;
		break;
	case K_break_statement: case K_continue_statement:
		break; /* both sides join after the loop all the same */
	case K_statement_block: js_block_run(f, node); break;
	case K_labeled_statement:
		if (field(f, node, F_body))
			js_statement_run(f, field(f, node, F_body));
		break;
	case K_expression_statement: case K_ERROR: case K_with_statement: case K_else_clause: children_run(f, node); break;
	default:
		js_expression(f, node);
		break;
	}
}
