/* SPDX-License-Identifier: Apache-2.0 */
/* expression.c - what an expression may be. */
#include "audit/python/frame.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>


value_t unknown(struct frame *f, const char *reason)
{
	return value_of(H, object_intern(H, O_UNKNOWN, heap_literal(H, reason), 0)); /* reasons are literals */
}

/* The name of a constant key, or "*". */
uint32_t item_key(struct frame *f, value_t v)
{
	if (value_count(H, v) == 1) {
		const struct object *o = &H->objects[value_at(H, v, 0)];

		if (o->kind == O_TEXT || o->kind == O_NUMBER)
			return o->a;
	}
	return KEY("*");
}

#define CONSTANT_BYTES 100

static value_t constant(struct frame *f, enum object_kind kind, const char *prefix, const char *s, size_t n)
{
	char text[CONSTANT_BYTES + 3];

	if (n > CONSTANT_BYTES) /* no key, and no name */
		return value_of(H, object_intern(H, kind, KEY("*"), 0));
	memcpy(text, prefix, 2);
	memcpy(text + 2, s, n);
	/* one object a text, so that sets of them stay small */
	return value_of(H, object_intern(H, kind, heap_text(H, text, n + 2), 0));
}

value_t some_number(struct frame *f)
{
	return value_of(H, object_intern(H, O_NUMBER, KEY("*"), 0));
}

value_t some_text(struct frame *f)
{
	return value_of(H, object_intern(H, O_TEXT, KEY("*"), 0));
}

value_t index_of(struct frame *f, uint32_t i)
{
	return value_of(H, object_intern(H, O_NUMBER, heap_index(H, i), 0));
}

static bool is_weak_site(struct frame *f)
{
	return f->m->defs[f->def].runs > 16;
}

static value_t collection(struct frame *f, uint32_t node, enum object_kind kind)
{
	uint32_t o = object_new(H, kind, 0, 0), i = 0;
	bool ordered = true;

	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		if (NODE(f, c)->kind == K_list_splat) {
			slot_set(H, o, KEY("*"), iterate(f, c, expression(f, NODE(f, c)->first)), true);
			ordered = false;
		} else if (NODE(f, c)->kind == K_dictionary_splat) {
			value_t from = expression(f, NODE(f, c)->first);

			for (uint32_t k = 0; k < value_count(H, from); k++)
				for (uint32_t s = H->objects[value_at(H, from, k)].slots; s; s = H->slots[s].next)
					slot_set(H, o, H->slots[s].key, H->slots[s].v, false);
		} else if (NODE(f, c)->kind == K_pair) {
			value_t key = expression(f, node_field(f, c, F_key));

			slot_set(H, o, item_key(f, key), expression(f, node_field(f, c, F_value)), false);
			slot_set(H, o, KEY("#keys"), key, true);
		} else {
			value_t v = expression(f, c);

			slot_set(H, o, ordered ? heap_index(H, i++) : KEY("*"), v, !ordered);
		}
	}
	H->objects[o].b = ordered ? i : 0;
	H->objects[o].weak = is_weak_site(f);
	return value_of(H, o);
}

bool is_filled(struct frame *f, value_t v)
{
	return value_count(H, v) == 1 && H->objects[value_at(H, v, 0)].b > 0 &&
	       (H->objects[value_at(H, v, 0)].kind == O_LIST || H->objects[value_at(H, v, 0)].kind == O_TUPLE);
}

static value_t iterate_instance(struct frame *f, uint32_t node, uint32_t o)
{
	bool later = !class_find(f, H->objects[o].a, KEY("__iter__"), 0) &&
		     class_find(f, H->objects[o].a, KEY("__aiter__"), 0); /* async for */
	value_t it = method_call(f, node, o, later ? "__aiter__" : "__iter__", &(struct arguments){ 0 }), out = 0;

	for (uint32_t k = 0; k < value_count(H, it); k++) {
		uint32_t n = value_at(H, it, k);

		out = value_join(H, out, H->objects[n].kind == O_INSTANCE ?
			method_call(f, node, n, later ? "__anext__" : "__next__", &(struct arguments){ 0 }) :
			iterate(f, node, value_of(H, n)));
	}
	return out;
}

value_t iterate(struct frame *f, uint32_t node, value_t v)
{
	value_t out = 0;

	for (uint32_t i = 0; i < value_count(H, v); i++) {
		uint32_t o = value_at(H, v, i);

		switch (H->objects[o].kind) {
		case O_LIST: case O_TUPLE: case O_SET: out = value_join(H, out, slots_join(H, o)); break;
		case O_DICT: out = value_join(H, out, slot_get(H, o, KEY("#keys"))); break;
		case O_GENERATOR: out = value_join(H, out, slot_get(H, o, KEY("yield"))); break;
		case O_INSTANCE: out = value_join(H, out, iterate_instance(f, node, o)); break;
		case O_CLASS:
			out = value_join(H, out, is_enumeration(f, o) ? value_of(H, generic_instance(f, o)) :
				unknown(f, "return_value"));
			break;
		default: out = value_join(H, out, unknown(f, "return_value")); break;
		}
	}
	return out;
}

value_t with_enter(struct frame *f, uint32_t node, value_t v)
{
	value_t out = 0;

	for (uint32_t i = 0; i < value_count(H, v); i++) {
		uint32_t o = value_at(H, v, i);

		if (H->objects[o].kind == O_INSTANCE && !class_find(f, H->objects[o].a, KEY("__enter__"), 0)) {
			out = value_join(H, out, method_call(f, node, o, "__aenter__", &(struct arguments){ 0 }));
			method_call(f, node, o, "__aexit__", &(struct arguments){ 0 });
		} else if (H->objects[o].kind == O_INSTANCE) {
			out = value_join(H, out, method_call(f, node, o, "__enter__", &(struct arguments){ 0 }));
			method_call(f, node, o, "__exit__", &(struct arguments){ 0 });
		} else if (H->objects[o].kind == O_GENERATOR) {
			out = value_join(H, out, slot_get(H, o, KEY("yield")));
		} else if (H->objects[o].kind == O_EXTERNAL && (H->objects[o].a == KEY("contextlib.ExitStack") ||
							       H->objects[o].a == KEY("contextlib.AsyncExitStack"))) {
			out = value_join(H, out, value_of(H, o));
		} else {
			out = value_join(H, out, unknown(f, "return_value"));
		}
	}
	return out;
}

/* C[k]: a member of an enumeration, what the class makes of it, else itself with parameters of types. */
static value_t class_item(struct frame *f, uint32_t node, uint32_t class_object, value_t key)
{
	value_t hook = class_find(f, class_object, KEY("__class_getitem__"), 0);

	if (is_enumeration(f, class_object))
		return value_of(H, generic_instance(f, class_object));
	if (hook && H->objects[value_at(H, hook, 0)].kind == O_FUNCTION)
		return call_value(f, node, hook, &(struct arguments){ .count = 2,
			.position = { value_of(H, class_object), key } });
	return value_of(H, class_object);
}

value_t item_get(struct frame *f, uint32_t node, value_t v, value_t key)
{
	value_t out = 0;
	uint32_t k = item_key(f, key);

	for (uint32_t i = 0; i < value_count(H, v); i++) {
		uint32_t o = value_at(H, v, i);
		const struct object *p = &H->objects[o];

		if (p->kind == O_LIST || p->kind == O_TUPLE || p->kind == O_DICT) {
			value_t one = k == KEY("*") ? slots_join(H, o) : slot_get(H, o, k);

			if (!one && p->kind == O_DICT) {
				one = item_made(f, node, o, k);
				p = &H->objects[o];
			}
			const char *text = H->texts[k];

			if (!one && text[0] == 'i' && text[2] == '-' && p->b) {
				auto_free char *at = xasprintf("i:%d", (int)p->b + (int)strtol(text + 2, NULL, 10));

				one = slot_get(H, o, KEY(at));
			}
			out = value_join(H, out, k == KEY("*") ? one : value_join(H, one, slot_get(H, o, KEY("*"))));
		} else if (p->kind == O_INSTANCE) {
			out = value_join(H, out, method_call(f, node, o, "__getitem__",
				&(struct arguments){ .count = 1, .position = { key } }));
		} else if (p->kind == O_CLASS) {
			out = value_join(H, out, class_item(f, node, o, key));
		} else {
			out = value_join(H, out, unknown(f, "subscript"));
		}
	}
	return out ? out : unknown(f, "subscript");
}

/* A bound of a slice as written: *given where it is a number, false where it is computed. */
static bool slice_bound(const char *s, size_t n, int32_t *value, bool *given)
{
	char text[16], *end;

	while (n && isspace((unsigned char)*s))
		s++, n--;
	while (n && isspace((unsigned char)s[n - 1]))
		n--;
	*given = n > 0;
	if (!n)
		return true;
	if (n >= sizeof(text))
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	*value = (int32_t)strtol(text, &end, 10);
	return *end == '\0';
}

/* Which items [from, to) of a sequence of n a slice without a step takes; false where that is not to be seen. */
static bool slice_range(struct frame *f, uint32_t slice, uint32_t n, uint32_t *from, uint32_t *to)
{
	const struct tree_node *t = NODE(f, slice);
	const char *s = f->s->text + t->start, *colon = memchr(s, ':', t->end - t->start);
	size_t rest = colon ? t->end - t->start - (size_t)(colon + 1 - s) : 0;
	int32_t a = 0, b = 0;
	bool has_a, has_b;

	if (!colon || memchr(colon + 1, ':', rest) || !slice_bound(s, (size_t)(colon - s), &a, &has_a) ||
	    !slice_bound(colon + 1, rest, &b, &has_b))
		return false;
	a = has_a && a < 0 ? a + (int32_t)n : a;
	b = !has_b ? (int32_t)n : b < 0 ? b + (int32_t)n : b;
	*from = a < 0 ? 0 : a > (int32_t)n ? n : (uint32_t)a;
	*to = b < 0 ? 0 : b > (int32_t)n ? n : (uint32_t)b;
	return true;
}

static uint32_t sequence_part(struct frame *f, uint32_t o, uint32_t slice)
{
	uint32_t part = object_new(H, H->objects[o].kind, 0, 0), from, to;

	if (!H->objects[o].b || slot_get(H, o, KEY("*")) || !slice_range(f, slice, H->objects[o].b, &from, &to)) {
		slot_set(H, part, KEY("*"), slots_join(H, o), true);
		return part;
	}
	for (uint32_t i = from; i < to; i++) {
		slot_set(H, part, heap_index(H, i - from), slot_get(H, o, heap_index(H, i)), false);
		H->objects[part].b = i - from + 1;
	}
	return part;
}

static value_t slice_get(struct frame *f, uint32_t node, value_t v, uint32_t slice)
{
	value_t out = 0;

	for (uint32_t c = NODE(f, slice)->first; c; c = NODE(f, c)->next)
		if (NODE(f, c)->kind != K_TOKEN)
			expression(f, c);
	for (uint32_t i = 0; i < value_count(H, v); i++) {
		uint32_t o = value_at(H, v, i);

		switch (H->objects[o].kind) {
		case O_LIST: case O_TUPLE: out = value_join(H, out, value_of(H, sequence_part(f, o, slice))); break;
		case O_TEXT: out = value_join(H, out, some_text(f)); break;
		case O_INSTANCE:
			out = value_join(H, out, method_call(f, node, o, "__getitem__",
							     &(struct arguments){ .count = 1, .position = {
								unknown(f, "parameter") } }));
			break;
		default: out = value_join(H, out, unknown(f, "subscript")); break;
		}
	}
	return out ? out : unknown(f, "subscript");
}

static void targets_set(struct frame *f, uint32_t node, value_t v)
{
	uint32_t i = 0, after = 0, length = 0;
	bool starred = false;

	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next)
		starred ? after++ : (starred = NODE(f, c)->kind == K_list_splat_pattern);
	if (value_count(H, v) == 1)
		length = H->objects[value_at(H, v, 0)].b;
	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next, i++) {
		if (NODE(f, c)->kind == K_list_splat_pattern) {
			uint32_t o = object_new(H, O_LIST, 0, 0), n = 0;

			for (; is_filled(f, v) && i + after < length; i++, n++)
				slot_set(H, o, heap_index(H, n), item_get(f, c, v, index_of(f, i)), false);
			if (!is_filled(f, v))
				slot_set(H, o, KEY("*"), iterate(f, c, v), true);
			H->objects[o].b = n;
			target_set(f, NODE(f, c)->first, value_of(H, o));
			i--;
		} else {
			bool plain = value_count(H, v) && (H->objects[value_at(H, v, 0)].kind == O_TUPLE ||
				H->objects[value_at(H, v, 0)].kind == O_LIST);

			target_set(f, c, plain ? item_get(f, c, v, index_of(f, i)) : iterate(f, c, v));
		}
	}
}

void target_set(struct frame *f, uint32_t node, value_t v)
{
	uint32_t object;
	value_t of, key;

	switch (NODE(f, node)->kind) {
	case K_identifier: name_set(f, node_text(f, node), v); break;
	case K_attribute:
		of = expression(f, node_field(f, node, F_object));
		attribute_set(f, node, of, node_text(f, node_field(f, node, F_attribute)), v);
		break;
	case K_subscript:
		of = expression(f, node_field(f, node, F_value));
		object = node_field(f, node, F_subscript);
		key = object ? expression(f, object) : 0;
		for (uint32_t i = 0; i < value_count(H, of); i++) {
			uint32_t o = value_at(H, of, i);

			if (H->objects[o].kind == O_INSTANCE)
				method_call(f, node, o, "__setitem__", &(struct arguments){ .count = 2,
					.position = { key, v } });
			else if (H->objects[o].kind != O_UNKNOWN)
				slot_set(H, o, item_key(f, key), v, item_key(f, key) == KEY("*") || value_count(H,
					of) > 1);
			if (H->objects[o].kind == O_DICT)
				slot_set(H, o, KEY("#keys"), key, true);
		}
		break;
	case K_pattern_list: case K_tuple_pattern: case K_list_pattern: case K_expression_list: case K_tuple: case K_list:
		targets_set(f, node, v);
		break;
	default:
		if (NODE(f, node)->first)
			target_set(f, NODE(f, node)->first, v);
		break;
	}
}

static void pair_add(struct frame *f, uint32_t dict, uint32_t body)
{
	value_t key = expression(f, node_field(f, body, F_key)), v = expression(f, node_field(f, body, F_value));

	slot_set(H, dict, KEY("#keys"), key, true);
	slot_set(H, dict, item_key(f, key), v, true);
}

/* {k: v for … in all}, where all has a few known items: each key has its own value. False: it is not such. */
static bool pairs_unroll(struct frame *f, uint32_t clause, uint32_t body, value_t all, uint32_t dict)
{
	uint32_t o = value_count(H, all) == 1 ? value_at(H, all, 0) : 0, n = H->objects[o].b;

	if ((H->objects[o].kind != O_TUPLE && H->objects[o].kind != O_LIST) || !n || n > VALUE_TARGETS_MAX ||
	    H->objects[o].weak || slot_get(H, o, KEY("*")) || NODE(f, clause)->next)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		f->in_targets = true;
		target_set(f, node_field(f, clause, F_left), slot_get(H, o, heap_index(H, i)));
		f->in_targets = false;
		pair_add(f, dict, body);
	}
	return true;
}

static value_t comprehension(struct frame *f, uint32_t node)
{
	enum tree_kind kind = NODE(f, node)->kind;
	uint32_t body = node_field(f, node, F_body), around = f->env, env = object_new(H, O_ENV, f->def, f->env), o;
	bool is_dict = kind == K_dictionary_comprehension, done = false;
	value_t v;

	H->objects[env].c = 1;
	o = object_new(H, kind == K_generator_expression ? O_GENERATOR : is_dict ? O_DICT : O_LIST, 0, 0);
	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		if (NODE(f, c)->kind == K_for_in_clause) {
			uint32_t right = node_field(f, c, F_right);
			value_t items = expression(f, right), all = iterate(f, right, items);

			f->env = env;
			done = is_dict && pairs_unroll(f, c, body, items, o);
			if (done)
				break;
			f->in_targets = true;
			target_set(f, node_field(f, c, F_left), all);
			f->in_targets = false;
		} else if (NODE(f, c)->kind == K_if_clause && NODE(f, c)->first) {
			expression(f, NODE(f, c)->first);
		}
	}
	if (is_dict && !done) {
		pair_add(f, o, body);
	} else if (!is_dict) {
		v = expression(f, body);
		slot_set(H, o, KEY(kind == K_generator_expression ? "yield" : "*"), v, true);
	}
	f->env = around;
	return value_of(H, o);
}

static value_t compare(struct frame *f, uint32_t node)
{
	const char *operator = "";
	value_t left = 0, out = 0;
	bool first = true;

	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		if (NODE(f, c)->field == F_operators) {
			operator = node_name(f, c);
			continue;
		}
		value_t v = expression(f, c);

		if (!first)
			out = operate(f, node, operator, left, v);
		left = v;
		first = false;
	}
	return out;
}

static void arguments_read(struct frame *f, uint32_t list, struct arguments *a)
{
	for (uint32_t c = list ? NODE(f, list)->first : 0; c; c = NODE(f, c)->next) {
		uint32_t kind = NODE(f, c)->kind;

		if (kind == K_keyword_argument) {
			value_t v = expression(f, node_field(f, c, F_value));

			if (a->named < 16) {
				a->name[a->named] = node_text(f, node_field(f, c, F_name));
				a->keyword[a->named++] = v;
			}
		} else if (kind == K_list_splat) {
			value_t v = expression(f, NODE(f, c)->first);

			for (uint32_t i = 0; is_filled(f, v) && i < H->objects[value_at(H, v, 0)].b &&
				a->count < 16; i++)
				a->position[a->count++] = item_get(f, c, v, index_of(f, i));
			if (!is_filled(f, v))
				a->rest = value_join(H, a->rest, iterate(f, c, v));
		} else if (kind == K_dictionary_splat) {
			value_t v = expression(f, NODE(f, c)->first);

			for (uint32_t i = 0; i < value_count(H, v); i++)
				for (uint32_t s = H->objects[value_at(H, v, i)].slots; s; s = H->slots[s].next)
					if (strncmp(H->texts[H->slots[s].key], "s:", 2) == 0 && a->named < 16) {
						a->name[a->named] = heap_textz(H, H->texts[H->slots[s].key] + 2);
						a->keyword[a->named++] = H->slots[s].v;
					} else if (H->texts[H->slots[s].key][0] == '*') {
						a->named_rest = value_join(H, a->named_rest, H->slots[s].v);
					}
		} else if (kind != K_TOKEN) {
			value_t v = expression(f, c);

			if (a->count < 16)
				a->position[a->count++] = v;
			else
				a->rest = value_join(H, a->rest, v);
		}
	}
}

static value_t call_expression(struct frame *f, uint32_t node)
{
	uint32_t list = node_field(f, node, F_arguments);
	value_t callee = expression(f, node_field(f, node, F_function));
	struct arguments a = { 0 };

	if (list && NODE(f, list)->kind == K_generator_expression)
		a.position[a.count++] = expression(f, list);
	else
		arguments_read(f, list, &a);
	return call_value(f, node, callee, &a);
}

/* Appends what a string literal holds; false where a part of it is computed. */
static bool string_text(struct frame *f, uint32_t node, struct str *out)
{
	bool constant_text = true;

	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		const struct tree_node *n = NODE(f, c);

		if (n->kind == K_interpolation) {
			if (n->first)
				dunder_call(f, n->first, expression(f, n->first), "__format__", "__str__",
					    &(struct arguments){ .count = 0 });
			constant_text = false;
		} else if (n->kind == K_string_content) {
			str_addn(out, f->s->text + n->start, n->end - n->start);
		} else if (n->kind == K_string) {
			constant_text &= string_text(f, c, out);
		}
	}
	return constant_text;
}

/* A literal, or several that stand side by side. A computed text is still a text: its methods are known. */
static value_t string(struct frame *f, uint32_t node)
{
	auto_str text = STR_INIT;
	uint32_t known = *heap_memo(H, MEMO_CONSTANT, f->source, node);
	value_t v;

	if (known)
		return value_of(H, known);
	if (!string_text(f, node, &text))
		return some_text(f);
	v = constant(f, O_TEXT, "s:", str_cstr(&text), text.len);
	*heap_memo(H, MEMO_CONSTANT, f->source, node) = value_at(H, v, 0);
	return v;
}

static value_t yield_expression(struct frame *f, uint32_t node)
{
	bool from = false;

	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		if (NODE(f, c)->kind == K_TOKEN)
			from = true;
		else
			f->yielded = value_join(H, f->yielded, from ? iterate(f, c, expression(f, c)) : expression(f,
				c));
	}
	return f->m->defs[f->def].sent ? f->m->defs[f->def].sent : unknown(f, "return_value");
}

static value_t children_join(struct frame *f, uint32_t node)
{
	value_t v = 0;

	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		value_t one = NODE(f, c)->kind == K_TOKEN ? 0 : expression(f, c);

		v = value_join(H, v, one);
	}
	return v;
}

static value_t assignment(struct frame *f, uint32_t node)
{
	uint32_t left = node_field(f, node, F_left), right = node_field(f, node, F_right);
	value_t v = right ? expression(f, right) : 0;

	if (NODE(f, node)->kind == K_augmented_assignment && right) {
		value_t old = expression(f, left);
		const char *operator = node_name(f, node_field(f, node, F_operator));

		v = value_join(H, old, value_join(H, v, operate(f, node, operator, old, v)));
	}
	if (right)
		target_set(f, left, v);
	if (f->class_object && NODE(f, left)->kind == K_identifier && node_field(f, node, F_type))
		field_declare(f, node_text(f, left));
	return v;
}

static void ask_truth(struct frame *f, uint32_t node, value_t v)
{
	dunder_call(f, node, v, "__bool__", "__len__", &(struct arguments){ 0 });
}

/* a and b, a or b: the left one is asked. */
static value_t either(struct frame *f, uint32_t node)
{
	value_t left = expression(f, node_field(f, node, F_left));

	ask_truth(f, node, left);
	return value_join(H, left, expression(f, node_field(f, node, F_right)));
}

/* a if b else c */
static value_t conditional(struct frame *f, uint32_t node)
{
	value_t v = 0;
	uint32_t i = 0;

	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		value_t one = NODE(f, c)->kind == K_TOKEN ? 0 : expression(f, c);

		if (++i == 2)
			ask_truth(f, node, one);
		else
			v = value_join(H, v, one);
	}
	return v;
}

/* What `except CLASSES as e` gives e. */
static value_t caught(struct frame *f, value_t classes)
{
	value_t v = instances_of(f, classes);

	return v ? v : unknown(f, "return_value");
}

value_t expression(struct frame *f, uint32_t node)
{
	const struct tree_node *n = NODE(f, node);
	value_t v;

	if (!node)
		return 0;
	f->m->steps++;
	switch (n->kind) {
	case K_identifier: return name_get(f, node_text(f, node));
	case K_call: return call_expression(f, node);
	case K_attribute:
		v = expression(f, node_field(f, node, F_object));
		return attribute_get(f, node, v, node_text(f, node_field(f, node, F_attribute)));
	case K_subscript:
		v = expression(f, node_field(f, node, F_value));
		if (NODE(f, node_field(f, node, F_subscript))->kind == K_slice)
			return slice_get(f, node, v, node_field(f, node, F_subscript));
		return item_get(f, node, v, expression(f, node_field(f, node, F_subscript)));
	case K_string: case K_concatenated_string: return string(f, node);
	case K_integer: return constant(f, O_NUMBER, "i:", f->s->text + n->start, n->end - n->start);
	case K_unary_operator:
		v = operate_alone(f, node, node_name(f, node_field(f, node, F_operator)),
				  expression(f, node_field(f, node, F_argument)));
		if (v)
			return v;
		n = NODE(f, node);
		return constant(f, O_NUMBER, "i:", f->s->text + n->start, n->end - n->start);
	case K_list: return collection(f, node, O_LIST);
	case K_tuple: case K_expression_list: return collection(f, node, O_TUPLE);
	case K_set: return collection(f, node, O_SET);
	case K_dictionary: return collection(f, node, O_DICT);
	case K_list_comprehension: case K_set_comprehension: case K_dictionary_comprehension: case K_generator_expression:
		return comprehension(f, node);
	case K_lambda: definition_run(f, node); return value_of(H, f->m->defs[machine_def_at(f->m, f->source, node)].object);
	case K_assignment: case K_augmented_assignment: return assignment(f, node);
	case K_named_expression:
		v = expression(f, node_field(f, node, F_value));
		name_set(f, node_text(f, node_field(f, node, F_name)), v);
		return v;
	case K_conditional_expression: return conditional(f, node);
	case K_boolean_operator: return either(f, node);
	case K_not_operator:
		ask_truth(f, node, expression(f, node_field(f, node, F_argument)));
		return value_of(H, 0);
	case K_comparison_operator: return compare(f, node);
	case K_binary_operator:
		v = expression(f, node_field(f, node, F_left));
		return operate(f, node, node_name(f, node_field(f, node, F_operator)), v,
			       expression(f, node_field(f, node, F_right)));
	case K_yield: return yield_expression(f, node);
	case K_as_pattern:
		v = expression(f, n->first);
		if (node_field(f, node, F_alias))
			target_set(f, node_field(f, node, F_alias), caught(f, v));
		return v;
	case K_none: return value_of(H, 0);
	case K_true: case K_false: case K_float: case K_ellipsis: case K_type: return value_of(H, 0);
	default: return children_join(f, node);
	}
}
