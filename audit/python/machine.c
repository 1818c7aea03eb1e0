/* SPDX-License-Identifier: Apache-2.0 */
/* machine.c - statements: order, branches, loops, definitions and imports. */
#include "audit/python/frame.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

uint32_t node_field(const struct frame *f, uint32_t node, enum tree_field field)
{
	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next)
		if (NODE(f, c)->field == field)
			return c;
	return 0;
}

uint32_t machine_node_text(struct machine *m, struct source *s, uint32_t node)
{
	const struct tree_node *n = &s->tree.nodes[node];
	uint32_t *known;

	if (n->kind != K_identifier)
		return heap_text(&m->h, s->text + n->start, n->end - n->start);
	known = &s->names[n->name];
	if (*known == 0)
		*known = heap_text(&m->h, s->text + n->start, n->end - n->start);
	return *known;
}

uint32_t node_text(struct frame *f, uint32_t node)
{
	return machine_node_text(f->m, f->s, node);
}

const char *node_name(struct frame *f, uint32_t node)
{
	uint32_t text = node_text(f, node); /* first: it may move the table */

	return f->m->h.texts[text];
}

bool node_is_text(const struct frame *f, uint32_t node, const char *text)
{
	const struct tree_node *n = NODE(f, node);

	return node && n->end - n->start == strlen(text) && memcmp(f->s->text + n->start, text, strlen(text)) == 0;
}

static bool has_name(const uint32_t *list, uint32_t n, uint32_t name)
{
	while (n)
		if (list[--n] == name)
			return true;
	return false;
}

/* The object that holds a name for a scope: its own variables, or those of a scope around it. */
static uint32_t scope_of(struct frame *f, uint32_t env, uint32_t name, bool write)
{
	struct heap *h = &f->m->h;

	while (env && h->objects[env].kind == O_ENV) {
		const struct definition *d = &f->m->defs[h->objects[env].a];

		if (h->objects[env].c) { /* a comprehension's */
			if (slot_get(h, env, name) || (write && f->in_targets))
				return env;
		} else if (has_name(d->globals, d->global_count, name)) {
			return f->m->sources[d->source].object;
		} else if (!has_name(d->nonlocals, d->nonlocal_count, name) && has_name(d->locals, d->local_count,
			name)) {
			return env;
		}
		env = h->objects[env].b;
	}
	return env;
}

value_t name_get(struct frame *f, uint32_t name)
{
	struct heap *h = &f->m->h;
	uint32_t scope;
	value_t v = f->class_object ? slot_get(h, f->class_object, name) : 0;

	if (v)
		return v;
	scope = scope_of(f, f->env, name, false);
	v = scope ? slot_get(h, scope, name) : 0;
	if (v)
		return v;
	if (scope && h->objects[scope].kind == O_ENV)
		return unknown(f, "attribute");
	return builtin_name(f, name);
}

void name_set(struct frame *f, uint32_t name, value_t v)
{
	const struct definition *d = &f->m->defs[f->def];
	uint32_t scope;

	if (f->class_object && !has_name(d->globals, d->global_count, name)) {
		slot_set(&f->m->h, f->class_object, name, v, false);
		return;
	}
	scope = scope_of(f, f->env, name, true);
	slot_set(&f->m->h, scope ? scope : f->s->object, name, v, false);
}

void block_run(struct frame *f, uint32_t node)
{
	for (uint32_t c = node ? NODE(f, node)->first : 0; c && !f->dead; c = NODE(f, c)->next)
		statement_run(f, c);
}

/* What a path that leaves the function has written is visible to its caller, except for local variables. */
static void keep_leaving(struct frame *f, struct changes *c)
{
	f->leaving = xreallocarray(f->leaving, f->leaving_count + 1, sizeof(*f->leaving));
	f->leaving[f->leaving_count++] = *c;
}

struct side side_begin(struct frame *f)
{
	return (struct side){ .mark = f->m->h.trail_count, .objects = f->m->h.object_count };
}

void side_end(struct frame *f, struct side *s)
{
	s->changes = trail_take(&f->m->h, s->mark);
	s->dead = f->dead;
	f->dead = false;
}

void sides_join(struct frame *f, struct side *a, struct side *b)
{
	trail_join(&f->m->h, a->dead ? NULL : &a->changes, b->dead ? NULL : &b->changes, a->objects);
	f->dead = a->dead && b->dead;
	for (int i = 0; i < 2; i++) {
		struct side *s = i ? b : a;

		if (s->dead)
			keep_leaving(f, &s->changes);
		else
			free(s->changes.v);
	}
}

value_t instances_of(struct frame *f, value_t classes)
{
	value_t out = 0;

	for (uint32_t i = 0; i < value_count(&f->m->h, classes); i++) {
		uint32_t o = value_at(&f->m->h, classes, i);

		if (f->m->h.objects[o].kind == O_CLASS)
			out = value_join(&f->m->h, out, value_of(&f->m->h, open_instance(f, o)));
		else if (f->m->h.objects[o].kind == O_TUPLE)
			out = value_join(&f->m->h, out, instances_of(f, slots_join(&f->m->h, o)));
	}
	return out;
}

/* Where a condition holds, or where its opposite does: isinstance(name, C) says what a name of which nothing is known is. */
static void narrow(struct frame *f, uint32_t node, bool holds)
{
	uint32_t kind = NODE(f, node)->kind, first = NODE(f, node)->first, list, name, classes;
	value_t now, then;

	if (kind == K_parenthesized_expression || kind == K_not_operator) {
		narrow(f, node_field(f, node, F_argument) ? node_field(f, node, F_argument) : first,
		       kind == K_not_operator ? !holds : holds);
		return;
	}
	if (kind == K_boolean_operator && node_is_text(f, node_field(f, node, F_operator), holds ? "and" : "or")) {
		narrow(f, node_field(f, node, F_left), holds);
		narrow(f, node_field(f, node, F_right), holds);
		return;
	}
	list = kind == K_call ? node_field(f, node, F_arguments) : 0;
	if (!holds || !list || !node_is_text(f, node_field(f, node, F_function), "isinstance"))
		return;
	name = NODE(f, list)->first;
	classes = name ? NODE(f, name)->next : 0;
	if (!classes || NODE(f, name)->kind != K_identifier)
		return;
	now = name_get(f, node_text(f, name));
	for (uint32_t i = 0; i < value_count(&f->m->h, now); i++)
		if (f->m->h.objects[value_at(&f->m->h, now, i)].kind != O_UNKNOWN)
			return;
	then = instances_of(f, expression(f, classes));
	if (then)
		name_set(f, node_text(f, name), then);
}

/* The alternatives of an if from the one at `node` on: elif and else. */
static void if_run(struct frame *f, uint32_t condition, uint32_t body, uint32_t alternative)
{
	struct side a, b;

	dunder_call(f, condition, expression(f, condition), "__bool__", "__len__", &(struct arguments){ 0 });
	a = side_begin(f);
	narrow(f, condition, true);
	block_run(f, body);
	side_end(f, &a);
	b = side_begin(f);
	narrow(f, condition, false);
	if (alternative && NODE(f, alternative)->kind == K_elif_clause)
		if_run(f, node_field(f, alternative, F_condition), node_field(f, alternative, F_consequence), NODE(f,
			alternative)->next);
	else if (alternative && NODE(f, alternative)->kind == K_else_clause)
		block_run(f, node_field(f, alternative, F_body));
	side_end(f, &b);
	sides_join(f, &a, &b);
}

static void loop_run(struct frame *f, uint32_t node, value_t item, bool surely)
{
	uint32_t left = node_field(f, node, F_left), body = node_field(f, node, F_body), other = node_field(f, node,
		F_alternative);

	for (int pass = 0; pass < 2; pass++) {
		struct side a = side_begin(f), b;

		if (left)
			target_set(f, left, item);
		else
			dunder_call(f, node_field(f, node, F_condition), expression(f, node_field(f, node, F_condition)),
				    "__bool__", "__len__", &(struct arguments){ 0 });
		block_run(f, body);
		if (surely && !pass && !f->dead)
			continue; /* there is a first time */
		side_end(f, &a);
		b = side_begin(f);
		side_end(f, &b);
		sides_join(f, &a, &b);
	}
	if (other)
		block_run(f, node_field(f, other, F_body));
}

static void try_run(struct frame *f, uint32_t node)
{
	struct side all = side_begin(f), base;
	uint32_t finally = 0, c;
	bool body_dead;

	block_run(f, node_field(f, node, F_body));
	body_dead = f->dead;
	f->dead = false;
	for (c = NODE(f, node)->first; c; c = NODE(f, c)->next)
		if (NODE(f, c)->kind == K_else_clause && !body_dead)
			block_run(f, node_field(f, c, F_body));
	body_dead |= f->dead;
	f->dead = body_dead;
	side_end(f, &all);
	base = side_begin(f);
	trail_apply(&f->m->h, &all.changes, true); /* anything of the body may have happened */
	f->dead = true;
	for (c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		struct side h = side_begin(f), none;
		bool before = f->dead;

		if (NODE(f, c)->kind == K_finally_clause)
			finally = c;
		if (NODE(f, c)->kind != K_except_clause && NODE(f, c)->kind != K_except_group_clause)
			continue;
		f->dead = false;
		for (uint32_t k = NODE(f, c)->first; k && !f->dead; k = NODE(f, k)->next)
			if (NODE(f, k)->kind == K_block)
				block_run(f, k);
			else if (NODE(f, k)->kind != K_TOKEN)
				expression(f, k);
		side_end(f, &h);
		none = side_begin(f);
		f->dead = before;
		side_end(f, &none);
		sides_join(f, &h, &none);
	}
	side_end(f, &base);
	sides_join(f, &all, &base);
	if (finally) {
		bool dead = f->dead;

		f->dead = false;
		block_run(f, NODE(f, finally)->first);
		f->dead |= dead;
	}
}

static void import_from(struct frame *f, uint32_t node)
{
	uint32_t module = node_field(f, node, F_module_name);
	auto_str path = STR_INIT;

	import_path(f, module, &path);
	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		uint32_t alias = node_field(f, c, F_alias), name = alias ? node_field(f, c, F_name) : c;

		if (c == module)
			continue;
		if (NODE(f, c)->kind == K_wildcard_import)
			import_star(f, str_cstr(&path));
		else if (NODE(f, c)->field == F_name)
			name_set(f, node_text(f, alias ? alias : name), import_name(f, str_cstr(&path), node_text(f,
				name)));
	}
}

static void import_run(struct frame *f, uint32_t node)
{
	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		uint32_t alias = node_field(f, c, F_alias), name = alias ? node_field(f, c, F_name) : c;
		const char *path = node_name(f, name);
		value_t v = import_module(f, path);

		if (alias) {
			name_set(f, node_text(f, alias), v);
		} else {
			size_t n = strcspn(path, ".");
			auto_free char *top = xstrndup(path, n);

			name_set(f, heap_textz(&f->m->h, top), path[n] ? import_module(f, top) : v);
		}
	}
}

static void with_run(struct frame *f, uint32_t node)
{
	uint32_t clause = NODE(f, node)->first;

	while (clause && NODE(f, clause)->kind != K_with_clause)
		clause = NODE(f, clause)->next;
	for (uint32_t c = clause ? NODE(f, clause)->first : 0; c; c = NODE(f, c)->next) {
		uint32_t value = node_field(f, c, F_value), alias = 0;

		if (value && NODE(f, value)->kind == K_as_pattern) {
			alias = node_field(f, value, F_alias);
			value = NODE(f, value)->first;
		}
		if (!value)
			continue;
		value_t v = with_enter(f, value, expression(f, value));

		if (alias && NODE(f, alias)->first)
			target_set(f, NODE(f, alias)->first, v);
	}
	block_run(f, node_field(f, node, F_body));
}

static void match_run(struct frame *f, uint32_t node)
{
	value_t subject = expression(f, node_field(f, node, F_subject));
	uint32_t body = node_field(f, node, F_body);

	for (uint32_t c = body ? NODE(f, body)->first : 0; c; c = NODE(f, c)->next) {
		struct side a = side_begin(f), b;

		for (uint32_t k = NODE(f, c)->first; k; k = NODE(f, k)->next)
			if (NODE(f, k)->kind == K_case_pattern)
				pattern_set(f, k, subject);
			else if (NODE(f, k)->kind == K_if_clause)
				expression(f, NODE(f, k)->first);
		block_run(f, node_field(f, c, F_consequence));
		side_end(f, &a);
		b = side_begin(f);
		side_end(f, &b);
		sides_join(f, &a, &b);
	}
}

static void raise_run(struct frame *f, uint32_t node)
{
	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		value_t v = NODE(f, c)->kind == K_TOKEN ? 0 : expression(f, c);

		for (uint32_t i = 0; i < value_count(&f->m->h, v); i++)
			if (f->m->h.objects[value_at(&f->m->h, v, i)].kind == O_CLASS)
				call_value(f, c, value_of(&f->m->h, value_at(&f->m->h, v, i)),
					&(struct arguments){ 0 });
	}
	f->dead = true;
}

/* del a, b[k], c.d */
static void delete_run(struct frame *f, uint32_t node)
{
	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		uint32_t kind = NODE(f, c)->kind, part;
		value_t v, key;

		if (kind == K_subscript) {
			v = expression(f, node_field(f, c, F_value));
			part = node_field(f, c, F_subscript);
			key = part ? expression(f, part) : 0;
			dunder_call(f, c, v, "__delitem__", NULL, &(struct arguments){ .count = 1, .position = { key } });
		} else if (kind == K_attribute) {
			attribute_delete(f, c, expression(f, node_field(f, c, F_object)), node_text(f, node_field(f, c,
				F_attribute)));
		} else if (kind != K_TOKEN && kind != K_identifier) {
			delete_run(f, c);
		}
	}
}

static void each_expression(struct frame *f, uint32_t node)
{
	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next)
		if (NODE(f, c)->kind != K_TOKEN)
			expression(f, c);
}

void statement_run(struct frame *f, uint32_t node)
{
	uint32_t n;

	f->m->steps++;
	switch (NODE(f, node)->kind) {
	case K_if_statement:
		for (n = NODE(f, node)->first; n && NODE(f, n)->field != F_alternative; n = NODE(f, n)->next)
			;
		if_run(f, node_field(f, node, F_condition), node_field(f, node, F_consequence), n);
		break;
	case K_for_statement:
		n = node_field(f, node, F_right);
		value_t all = expression(f, n);

		loop_run(f, node, iterate(f, n, all), is_filled(f, all));
		break;
	case K_while_statement:
		loop_run(f, node, 0, NODE(f, node_field(f, node, F_condition))->kind == K_true);
		break;
	case K_try_statement: try_run(f, node); break;
	case K_with_statement: with_run(f, node); break;
	case K_match_statement: match_run(f, node); break;
	case K_function_definition: case K_class_definition: case K_decorated_definition:
		definition_run(f, node);
		break;
	case K_return_statement:
		n = NODE(f, node)->first;
		f->returned = value_join(&f->m->h, f->returned, n ? expression(f, n) : value_of(&f->m->h, 0));
		f->dead = true;
		break;
	case K_raise_statement: raise_run(f, node); break;
	case K_break_statement: case K_continue_statement:
		break; /* both sides join after the loop all the same */
	case K_import_statement: import_run(f, node); break;
	case K_import_from_statement: import_from(f, node); break;
	case K_delete_statement: delete_run(f, node); break;
	case K_global_statement: case K_nonlocal_statement: case K_pass_statement: case K_future_import_statement:
	case K_type_alias_statement:
		break;
	case K_block: case K_ERROR: block_run(f, node); break;
	case K_assert_statement:
		each_expression(f, node);
		if (NODE(f, node)->first)
			narrow(f, NODE(f, node)->first, true);
		break;
	case K_expression_statement: each_expression(f, node); break;
	default:
		expression(f, node);
		break;
	}
}
