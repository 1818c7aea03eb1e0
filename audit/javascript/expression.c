/* SPDX-License-Identifier: Apache-2.0 */
/* expression.c - the values of expressions. */
#include "audit/javascript/js.h"

#include "base/mem.h"

#include <ctype.h>
#include <string.h>

value_t js_unknown(struct frame *f, const char *reason)
{
	return value_of(H, object_intern(H, O_UNKNOWN, KEY(reason), 0));
}

value_t js_some_text(struct frame *f)
{
	return value_of(H, object_intern(H, O_TEXT, KEY("*"), 0));
}

value_t js_some_number(struct frame *f)
{
	return value_of(H, object_intern(H, O_NUMBER, KEY("*"), 0));
}

static value_t native(struct frame *f, const char *type)
{
	return value_of(H, object_new(H, O_NATIVE, KEY(type), 0));
}

uint32_t js_node_text(struct frame *f, uint32_t node)
{
	return heap_text(H, syntax_at(&f->m->x, f->source, node), syntax_length(&f->m->x, f->source, node));
}

value_t js_promise_of(struct frame *f, value_t v)
{
	value_t out = native(f, "Promise");

	slot_set(H, value_at(H, out, 0), KEY("#value"), js_awaited(f, v), false);
	return out;
}

value_t js_awaited(struct frame *f, value_t v)
{
	value_t out = 0;

	for (uint32_t i = 0; i < value_count(H, v); i++) {
		uint32_t o = value_at(H, v, i);

		if (H->objects[o].kind == O_NATIVE && H->objects[o].a == KEY("Promise"))
			out = value_join(H, out, slot_get(H, o, KEY("#value")));
		else
			out = value_join(H, out, value_of(H, o));
	}
	return out;
}

value_t js_list_of(struct frame *f, value_t items)
{
	uint32_t o = object_new(H, O_LIST, 0, 0);

	slot_set(H, o, KEY("*"), items, true);
	return value_of(H, o);
}

static uint32_t text_key(struct frame *f, uint32_t literal)
{
	auto_str text = STR_INIT;

	if (!syntax_literal(&f->m->x, f->source, literal, &text))
		return 0;
	return heap_text(H, str_cstr(&text), text.len);
}

uint32_t js_keys_of(struct frame *f, value_t v, uint32_t out[VALUE_TARGETS_MAX])
{
	uint32_t n = 0;

	if (value_count(H, v) > VALUE_TARGETS_MAX)
		return 0;
	for (uint32_t i = 0; i < value_count(H, v); i++) {
		const struct object *o = &H->objects[value_at(H, v, i)];
		uint32_t key = o->a;

		if (o->kind == O_BUILTIN && strncmp(H->texts[o->a], "<builtin>.Symbol.", 17) == 0) {
			auto_free char *symbol = xasprintf("@@%s", H->texts[o->a] + 17);

			key = KEY(symbol);
		} else if ((o->kind != O_TEXT && o->kind != O_NUMBER) || strcmp(H->texts[o->a], "*") == 0) {
			return 0;
		}
		out[n++] = key;
	}
	return n;
}

uint32_t js_key_of(struct frame *f, uint32_t node)
{
	uint32_t keys[VALUE_TARGETS_MAX];

	switch (NODE(f, node)->kind) {
	case K_string: return text_key(f, node);
	case K_computed_property_name:
		if (!NODE(f, node)->first || js_keys_of(f, js_expression(f, NODE(f, node)->first), keys) != 1)
			return 0;
		return keys[0];
	default: return js_node_text(f, node);
	}
}

/* Texts keep their value so that they are keys: a + b of two known ones is known. */
static value_t text_join(struct frame *f, value_t a, value_t b)
{
	uint32_t x[VALUE_TARGETS_MAX], y[VALUE_TARGETS_MAX];

	if (value_count(H, a) != 1 || value_count(H, b) != 1 || js_keys_of(f, a, x) != 1 || js_keys_of(f, b, y) != 1)
		return js_some_text(f);
	if (strlen(H->texts[x[0]]) + strlen(H->texts[y[0]]) > 200)
		return js_some_text(f);
	auto_free char *both = xasprintf("%s%s", H->texts[x[0]], H->texts[y[0]]);

	return value_of(H, object_intern(H, O_TEXT, KEY(both), 0));
}

static value_t template_value(struct frame *f, uint32_t node)
{
	value_t out = value_of(H, object_intern(H, O_TEXT, KEY(""), 0));

	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		if (NODE(f, c)->kind == K_template_substitution)
			out = text_join(f, out, NODE(f, c)->first ? js_expression(f, NODE(f, c)->first) : 0);
		else
			out = text_join(f, out, value_of(H, object_intern(H, O_TEXT, js_node_text(f, c), 0)));
	}
	return out;
}

static void list_add(struct frame *f, uint32_t list, value_t v)
{
	auto_free char *key = xasprintf("%u", H->objects[list].b);

	slot_set(H, list, KEY(key), v, false);
	H->objects[list].b++;
}

/* The items of a list whose places are all known, in order; false: there are others. */
static bool known_items(struct frame *f, value_t v, value_t out[ARGUMENTS_MAX], uint32_t *n)
{
	uint32_t o = value_count(H, v) == 1 ? value_at(H, v, 0) : 0;

	if (!o || H->objects[o].kind != O_LIST || slot_get(H, o, KEY("*")) || H->objects[o].b > ARGUMENTS_MAX)
		return false;
	for (*n = 0; *n < H->objects[o].b; (*n)++) {
		auto_free char *key = xasprintf("%u", *n);

		out[*n] = slot_get(H, o, KEY(key));
	}
	return true;
}

static value_t array_value(struct frame *f, uint32_t node)
{
	uint32_t o = object_new(H, O_LIST, 0, 0), n;
	value_t items[ARGUMENTS_MAX];

	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		value_t v = js_expression(f, c);

		if (NODE(f, c)->kind != K_spread_element) {
			list_add(f, o, v);
			continue;
		}
		if (known_items(f, v, items, &n))
			for (uint32_t i = 0; i < n; i++)
				list_add(f, o, items[i]);
		else
			slot_set(H, o, KEY("*"), js_iterate(f, c, v), true);
	}
	return value_of(H, o);
}

static void method_add(struct frame *f, uint32_t o, uint32_t node)
{
	uint32_t name = field(f, node, F_name), key = name ? js_key_of(f, name) : 0, to = NODE(f, name)->start;
	const char *s = syntax_at(&f->m->x, f->source, node);
	size_t n = to - NODE(f, node)->start;
	value_t v = js_definition_at(f, node) ? value_of(H, js_function_make(f, node, o)) : js_unknown(f, "syntax_error");

	if (n >= 4 && (strncmp(s, "get ", 4) == 0 || strncmp(s, "set ", 4) == 0))
		js_accessor_set(f, o, key ? key : KEY("*"), s[0] == 'g' ? "get" : "set", v);
	else
		slot_set(H, o, key ? key : KEY("*"), v, !key);
}

static void spread_into(struct frame *f, uint32_t o, value_t v)
{
	for (uint32_t i = 0; i < value_count(H, v); i++) {
		uint32_t from = value_at(H, v, i);

		for (uint32_t s = H->objects[from].slots; s; s = H->slots[s].next)
			if (H->slots[s].v && H->texts[H->slots[s].key][0] != '#')
				slot_set(H, o, H->slots[s].key, H->slots[s].v, value_count(H, v) > 1);
		if (H->objects[from].kind == O_UNKNOWN)
			slot_set(H, o, KEY("*"), value_of(H, from), true);
	}
}

static value_t object_value(struct frame *f, uint32_t node)
{
	uint32_t o = object_new(H, O_DICT, 0, 0), key;
	value_t v;

	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		switch (NODE(f, c)->kind) {
		case K_pair:
			key = field(f, c, F_key) ? js_key_of(f, field(f, c, F_key)) : 0;
			v = field(f, c, F_value) ? js_expression(f, field(f, c, F_value)) : 0;
			js_home_set(f, v, o);
			if (key && strcmp(H->texts[key], "__proto__") == 0)
				key = KEY("#proto");
			slot_set(H, o, key ? key : KEY("*"), v, !key);
			break;
		case K_shorthand_property_identifier:
			slot_set(H, o, js_node_text(f, c), js_name_get(f, c), false);
			break;
		case K_method_definition: method_add(f, o, c); break;
		case K_spread_element: spread_into(f, o, js_expression(f, c)); break;
		default: break;
		}
	}
	return value_of(H, o);
}

/* What a single object gives when it is looped over. */
static value_t iterate_one(struct frame *f, uint32_t node, uint32_t o)
{
	const struct object *p = &H->objects[o];
	const char *type = p->kind == O_NATIVE ? H->texts[p->a] : "";
	value_t iterator, next;

	switch (p->kind) {
	case O_LIST: return slots_join(H, o);
	case O_TEXT: return js_some_text(f);
	case O_GENERATOR: return slot_get(H, o, KEY("#yield"));
	case O_NATIVE:
		if (strcmp(type, "Map") == 0) {
			uint32_t pair = object_new(H, O_LIST, 0, 0);

			slot_set(H, pair, KEY("0"), slot_get(H, o, KEY("#keys")), false);
			slot_set(H, pair, KEY("1"), slots_join(H, o), false);
			H->objects[pair].b = 2;
			return value_of(H, pair);
		}
		return strcmp(type, "Set") == 0 ? slots_join(H, o) : 0;
	case O_INSTANCE: case O_DICT:
		iterator = js_find(f, o, KEY("@@iterator"));
		iterator = iterator ? iterator : js_find(f, o, KEY("@@asyncIterator"));
		if (!iterator)
			return 0;
		iterator = js_awaited(f, js_call_value(f, node, iterator, value_of(H, o), &(struct arguments){ 0 }));
		if (value_count(H, iterator) != 1 || value_at(H, iterator, 0) == o ||
		    H->objects[value_at(H, iterator, 0)].kind == O_GENERATOR) {
			o = value_count(H, iterator) == 1 ? value_at(H, iterator, 0) : 0;
			if (H->objects[o].kind == O_GENERATOR)
				return slot_get(H, o, KEY("#yield"));
		}
		next = js_property_get(f, 0, iterator, KEY("next"));
		return js_property_get(f, 0, js_awaited(f, js_call_value(f, node, next, iterator, &(struct arguments){ 0 })),
			KEY("value"));
	default: return 0;
	}
}

value_t js_iterate(struct frame *f, uint32_t node, value_t v)
{
	value_t out = 0, one;

	for (uint32_t i = 0; i < value_count(H, v); i++) {
		one = iterate_one(f, node, value_at(H, v, i));
		out = value_join(H, out, one ? one : js_unknown(f, "subscript"));
	}
	return out ? out : js_unknown(f, "subscript");
}

void js_arguments_read(struct frame *f, uint32_t list, struct arguments *out)
{
	uint32_t n;
	value_t items[ARGUMENTS_MAX];

	memset(out, 0, sizeof(*out));
	for (uint32_t c = list ? NODE(f, list)->first : 0; c; c = NODE(f, c)->next) {
		value_t v;

		if (NODE(f, c)->kind == K_TOKEN)
			continue;
		v = js_expression(f, c);
		if (NODE(f, c)->kind == K_spread_element) {
			if (!out->rest && known_items(f, v, items, &n))
				for (uint32_t i = 0; i < n && out->count < ARGUMENTS_MAX; i++)
					out->v[out->count++] = items[i];
			else
				out->rest = value_join(H, out->rest, js_iterate(f, c, v));
		} else if (out->rest) {
			out->rest = value_join(H, out->rest, v);
		} else if (out->count < ARGUMENTS_MAX) {
			out->v[out->count++] = v ? v : js_unknown(f, "attribute");
		}
	}
}

static void tag_arguments(struct frame *f, uint32_t template, struct arguments *out)
{
	memset(out, 0, sizeof(*out));
	out->v[out->count++] = js_list_of(f, js_some_text(f));
	for (uint32_t c = NODE(f, template)->first; c; c = NODE(f, c)->next)
		if (NODE(f, c)->kind == K_template_substitution && NODE(f, c)->first && out->count < ARGUMENTS_MAX)
			out->v[out->count++] = js_expression(f, NODE(f, c)->first);
}

/* The objects that super.x is looked for in. */
static value_t super_value(struct frame *f)
{
	value_t v = f->home ? slot_get(H, f->home, KEY("#proto")) : 0;

	return v ? v : js_unknown(f, "attribute");
}

static value_t import_call(struct frame *f, uint32_t list)
{
	uint32_t keys[VALUE_TARGETS_MAX], n;
	struct arguments a;
	value_t out = 0;

	js_arguments_read(f, list, &a);
	n = a.count ? js_keys_of(f, a.v[0], keys) : 0;
	for (uint32_t i = 0; i < n; i++)
		out = value_join(H, out, js_import_value(f, keys[i], KEY("*")));
	return js_promise_of(f, n ? out : js_unknown(f, "missing_import"));
}

static value_t require_call(struct frame *f, uint32_t list)
{
	uint32_t keys[VALUE_TARGETS_MAX], n;
	struct arguments a;
	value_t out = 0;

	js_arguments_read(f, list, &a);
	n = a.count ? js_keys_of(f, a.v[0], keys) : 0;
	for (uint32_t i = 0; i < n; i++)
		out = value_join(H, out, js_require_value(f, keys[i]));
	return n ? out : js_unknown(f, "missing_import");
}

static value_t call_run(struct frame *f, uint32_t node)
{
	uint32_t function = field(f, node, F_function), list = field(f, node, F_arguments), object, other;
	struct arguments a;
	value_t callee, self = value_of(H, OBJECT_NONE);

	while (function && NODE(f, function)->kind == K_parenthesized_expression && NODE(f, function)->first)
		function = NODE(f, function)->first;
	if (!function || !list)
		return js_unknown(f, "syntax_error");
	if (NODE(f, function)->kind == K_import)
		return import_call(f, list);
	if (is_text(f, function, "require") && !syntax_binding_of(&f->m->x, f->source, function))
		return require_call(f, list);
	if (NODE(f, function)->kind == K_super) {
		js_arguments_read(f, list, &a);
		js_super_construct(f, node, &a);
		return f->self;
	}
	while (NODE(f, function)->kind == K_non_null_expression && NODE(f, function)->first)
		function = NODE(f, function)->first;
	if (syntax_member(&f->m->x, f->source, function, &object, &other)) {
		bool super = NODE(f, object)->kind == K_super;
		value_t of = super ? super_value(f) : js_expression(f, object);

		self = super ? f->self : of;
		callee = js_property_get(f, function, of, js_node_text(f, other));
	} else if (syntax_subscript(&f->m->x, f->source, function, &object, &other)) {
		self = js_expression(f, object);
		callee = js_item_get(f, function, self, other ? js_expression(f, other) : 0);
	} else {
		callee = js_expression(f, function);
	}
	if (NODE(f, list)->kind == K_template_string)
		tag_arguments(f, list, &a);
	else
		js_arguments_read(f, list, &a);
	return js_call_value(f, node, callee, self, &a);
}

/* a || b, a ?? b: a where it is an object. */
static value_t first_of(struct frame *f, value_t a, value_t b)
{
	bool truthy = value_count(H, a) > 0;

	for (uint32_t i = 0; i < value_count(H, a); i++) {
		enum object_kind kind = H->objects[value_at(H, a, i)].kind;

		truthy &= kind == O_FUNCTION || kind == O_CLASS || kind == O_DICT || kind == O_LIST || kind == O_INSTANCE ||
			  kind == O_EXTERNAL || kind == O_MODULE;
	}
	return truthy ? a : value_join(H, value_without(H, a, OBJECT_NONE), b);
}

static value_t logical(struct frame *f, uint32_t node, bool and)
{
	uint32_t left = field(f, node, F_left), right = field(f, node, F_right);
	value_t a = left ? js_expression(f, left) : 0, b;
	struct side s = js_side_begin(f), none;

	if (left)
		js_narrow(f, left, and);
	b = right ? js_expression(f, right) : 0;
	js_side_end(f, &s);
	none = js_side_begin(f);
	js_side_end(f, &none);
	js_sides_join(f, &s, &none);
	return and ? b : first_of(f, a, b);
}

static value_t binary(struct frame *f, uint32_t node)
{
	uint32_t operator = field(f, node, F_operator), left = field(f, node, F_left), right = field(f, node, F_right);
	value_t a, b;

	if (!operator || !left || !right)
		return js_unknown(f, "syntax_error");
	if (is_text(f, operator, "&&"))
		return logical(f, node, true);
	if (is_text(f, operator, "||") || is_text(f, operator, "??"))
		return logical(f, node, false);
	a = NODE(f, left)->kind == K_private_property_identifier ? 0 : js_expression(f, left);
	b = js_expression(f, right);
	if (is_text(f, operator, "+"))
		return text_join(f, a, b);
	return js_some_number(f);
}

static value_t ternary(struct frame *f, uint32_t node)
{
	uint32_t condition = field(f, node, F_condition), yes = field(f, node, F_consequence),
		no = field(f, node, F_alternative);
	struct side a, b;
	value_t x, y;

	if (condition)
		js_expression(f, condition);
	a = js_side_begin(f);
	if (condition)
		js_narrow(f, condition, true);
	x = yes ? js_expression(f, yes) : 0;
	js_side_end(f, &a);
	b = js_side_begin(f);
	y = no ? js_expression(f, no) : 0;
	js_side_end(f, &b);
	js_sides_join(f, &a, &b);
	return value_join(H, x, y);
}

static value_t augmented(struct frame *f, uint32_t node)
{
	uint32_t left = field(f, node, F_left), right = field(f, node, F_right), operator = field(f, node, F_operator);
	value_t old, new;

	if (!left || !right || !operator)
		return js_unknown(f, "syntax_error");
	old = js_expression(f, left);
	new = js_expression(f, right);
	if (is_text(f, operator, "||=") || is_text(f, operator, "\?\?="))
		new = first_of(f, old, new);
	else if (!is_text(f, operator, "&&="))
		new = js_some_text(f);
	js_pattern_set(f, left, new);
	return new;
}

static value_t jsx_value(struct frame *f, uint32_t node)
{
	uint32_t name = field(f, node, F_name), props = object_new(H, O_DICT, 0, 0);
	struct arguments a = { .v = { value_of(H, props) }, .count = 1 };
	value_t v = 0;

	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		uint32_t key = NODE(f, c)->kind == K_jsx_attribute ? NODE(f, c)->first : 0, value = key ? NODE(f,
			key)->next : 0;

		if (NODE(f, c)->kind == K_jsx_expression && NODE(f, c)->first)
			spread_into(f, props, js_expression(f, NODE(f, c)->first));
		else if (value)
			slot_set(H, props, js_node_text(f, key), js_expression(f, value), false);
	}
	if (name && (NODE(f, name)->kind != K_identifier || isupper((unsigned char)*syntax_at(&f->m->x, f->source, name))))
		v = js_expression(f, name);
	for (uint32_t i = 0; i < value_count(H, v); i++) {
		value_t one = value_of(H, value_at(H, v, i)), made;

		if (H->objects[value_at(H, v, i)].kind == O_FUNCTION) {
			js_call_value(f, node, one, value_of(H, OBJECT_NONE), &a);
		} else if (H->objects[value_at(H, v, i)].kind == O_CLASS) {
			made = js_construct(f, node, one, &a);
			js_property_set(f, 0, made, KEY("props"), value_of(H, props));
			one = js_find(f, value_at(H, made, 0), KEY("render"));
			if (one)
				js_call_value(f, node, one, made, &(struct arguments){ 0 });
		}
	}
	return native(f, "Element");
}

static value_t children_value(struct frame *f, uint32_t node)
{
	value_t v = 0;

	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next)
		if (NODE(f, c)->kind != K_TOKEN && NODE(f, c)->kind != K_type_annotation && NODE(f, c)->kind !=
			K_type_arguments)
			v = js_expression(f, c);
	return v;
}

static value_t first_value(struct frame *f, uint32_t node)
{
	return NODE(f, node)->first ? js_expression(f, NODE(f, node)->first) : js_unknown(f, "syntax_error");
}

static value_t yield_value(struct frame *f, uint32_t node)
{
	const char *s = syntax_at(&f->m->x, f->source, node);
	value_t v = NODE(f, node)->first ? js_expression(f, NODE(f, node)->first) : 0;
	bool all = memchr(s, '*', syntax_length(&f->m->x, f->source, node) < 8 ?
		syntax_length(&f->m->x, f->source, node) : 8) != NULL;

	f->yielded = value_join(H, f->yielded, all ? js_iterate(f, node, v) : v);
	return js_unknown(f, "parameter");
}

static value_t new_value(struct frame *f, uint32_t node)
{
	uint32_t constructor = field(f, node, F_constructor), list = field(f, node, F_arguments);
	value_t callee = constructor ? js_expression(f, constructor) : 0;
	struct arguments a;

	js_arguments_read(f, list, &a);
	return js_construct(f, node, callee, &a);
}

static value_t unary(struct frame *f, uint32_t node)
{
	uint32_t operator = field(f, node, F_operator), argument = field(f, node, F_argument);
	value_t v = argument ? js_expression(f, argument) : 0;

	if (operator && is_text(f, operator, "typeof"))
		return js_some_text(f);
	if (operator && is_text(f, operator, "void"))
		return value_of(H, OBJECT_NONE);
	if (operator && is_text(f, operator, "-") && v && NODE(f, node)->first && argument &&
	    NODE(f, argument)->kind == K_number)
		return value_of(H, object_intern(H, O_NUMBER, js_node_text(f, node), 0));
	return js_some_number(f);
}

static value_t assignment(struct frame *f, uint32_t node)
{
	uint32_t left = field(f, node, F_left), right = field(f, node, F_right);
	value_t v = right ? js_expression(f, right) : 0;

	if (left)
		js_pattern_set(f, left, v);
	return v;
}

value_t js_expression(struct frame *f, uint32_t node)
{
	uint32_t object, other;

	if (f->m->steps++ > f->m->max_steps)
		return js_unknown(f, "too_many_targets");
	switch (NODE(f, node)->kind) {
	case K_identifier: case K_shorthand_property_identifier: return js_name_get(f, node);
	case K_this: return f->self ? f->self : js_unknown(f, "attribute");
	case K_super: return super_value(f);
	case K_undefined: case K_null: return value_of(H, OBJECT_NONE);
	case K_string:
		other = text_key(f, node);
		return value_of(H, object_intern(H, O_TEXT, other ? other : KEY("*"), 0));
	case K_template_string: return template_value(f, node);
	case K_number: return value_of(H, object_intern(H, O_NUMBER, js_node_text(f, node), 0));
	case K_true: case K_false: return js_some_number(f);
	case K_regex: return native(f, "RegExp");
	case K_array: return array_value(f, node);
	case K_object: return object_value(f, node);
	case K_arrow_function: case K_function_expression: case K_generator_function:
	case K_function_declaration: case K_generator_function_declaration:
		return js_definition_at(f, node) ? value_of(H, js_function_make(f, node, 0)) : js_unknown(f, "syntax_error");
	case K_class: case K_class_declaration: return js_class_make(f, node);
	case K_call_expression: return call_run(f, node);
	case K_new_expression: return new_value(f, node);
	case K_member_expression: case K_nested_identifier:
		if (!syntax_member(&f->m->x, f->source, node, &object, &other))
			return js_unknown(f, "syntax_error");
		return js_property_get(f, node, js_expression(f, object), js_node_text(f, other));
	case K_subscript_expression:
		if (!syntax_subscript(&f->m->x, f->source, node, &object, &other))
			return js_unknown(f, "syntax_error");
		return js_item_get(f, node, js_expression(f, object), other ? js_expression(f, other) : 0);
	case K_assignment_expression: return assignment(f, node);
	case K_augmented_assignment_expression: return augmented(f, node);
	case K_update_expression:
		if (field(f, node, F_argument))
			js_pattern_set(f, field(f, node, F_argument), js_some_number(f));
		return js_some_number(f);
	case K_unary_expression: return unary(f, node);
	case K_binary_expression: return binary(f, node);
	case K_ternary_expression: return ternary(f, node);
	case K_await_expression: return js_awaited(f, first_value(f, node));
	case K_yield_expression: return yield_value(f, node);
	case K_spread_element: case K_as_expression: case K_satisfies_expression: case K_non_null_expression:
		return first_value(f, node);
	case K_instantiation_expression:
		return field(f, node, F_function) ? js_expression(f, field(f, node, F_function)) : first_value(f, node);
	case K_sequence_expression: case K_parenthesized_expression: case K_type_assertion:
		return children_value(f, node);
	case K_jsx_opening_element: case K_jsx_self_closing_element: return jsx_value(f, node);
	case K_jsx_closing_element: return 0;
	case K_meta_property: return js_unknown(f, "attribute");
	default: return children_value(f, node);
	}
}

static value_t rest_of_list(struct frame *f, value_t v, uint32_t from)
{
	uint32_t o = object_new(H, O_LIST, 0, 0), n;
	value_t items[ARGUMENTS_MAX];

	if (known_items(f, v, items, &n))
		for (uint32_t i = from; i < n; i++)
			list_add(f, o, items[i]);
	else
		slot_set(H, o, KEY("*"), js_iterate(f, 0, v), true);
	return value_of(H, o);
}

static void array_pattern_set(struct frame *f, uint32_t node, value_t v)
{
	uint32_t i = 0;
	const char *text = f->m->x.sources[f->source].file->text;
	uint32_t at = NODE(f, node)->start + 1;

	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next, i++) {
		for (; at < NODE(f, c)->start; at++)
			i += text[at] == ',' && c == NODE(f, node)->first; /* holes at the beginning */
		if (NODE(f, c)->kind == K_rest_pattern) {
			if (NODE(f, c)->first)
				js_pattern_set(f, NODE(f, c)->first, rest_of_list(f, v, i));
			continue;
		}
		auto_free char *key = xasprintf("%u", i);
		value_t one = 0;

		for (uint32_t k = 0; k < value_count(H, v); k++) {
			uint32_t o = value_at(H, v, k);

			one = value_join(H, one, H->objects[o].kind == O_LIST ? js_property_get(f, 0, value_of(H, o),
				KEY(key)) :
				js_iterate(f, node, value_of(H, o)));
		}
		js_pattern_set(f, c, one);
	}
}

static void object_pattern_set(struct frame *f, uint32_t node, value_t v)
{
	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		uint32_t key;

		switch (NODE(f, c)->kind) {
		case K_shorthand_property_identifier_pattern:
			js_name_set(f, c, js_property_get(f, node, v, js_node_text(f, c)));
			break;
		case K_object_assignment_pattern: case K_assignment_pattern:
			if (field(f, c, F_left))
				js_pattern_set(f, c, js_property_get(f, node, v, js_node_text(f, field(f, c, F_left))));
			break;
		case K_pair_pattern:
			key = field(f, c, F_key) ? js_key_of(f, field(f, c, F_key)) : 0;
			if (field(f, c, F_value))
				js_pattern_set(f, field(f, c, F_value), key ? js_property_get(f, c, v, key) :
					js_unknown(f, "subscript"));
			break;
		case K_rest_pattern:
			if (NODE(f, c)->first)
				js_pattern_set(f, NODE(f, c)->first, v);
			break;
		default: break;
		}
	}
}

/* The value of a pattern with a default: what is there, or the default where that may be missing. */
static value_t with_default(struct frame *f, uint32_t right, value_t v)
{
	bool missing = !v || value_has(H, v, OBJECT_NONE);
	value_t other;

	for (uint32_t i = 0; i < value_count(H, v); i++)
		missing |= H->objects[value_at(H, v, i)].kind == O_UNKNOWN;
	if (!missing || !right)
		return v;
	other = js_expression(f, right);
	v = value_without(H, v, OBJECT_NONE);
	if (value_count(H, v) == 1 && H->objects[value_at(H, v, 0)].kind == O_UNKNOWN &&
	    strcmp(H->texts[H->objects[value_at(H, v, 0)].a], "attribute") == 0)
		return other; /* a known object does not have it */
	return value_join(H, v, other);
}

void js_pattern_set(struct frame *f, uint32_t node, value_t v)
{
	uint32_t object, other;

	switch (NODE(f, node)->kind) {
	case K_identifier: case K_shorthand_property_identifier_pattern:
		js_name_set(f, node, v);
		break;
	case K_member_expression:
		if (syntax_member(&f->m->x, f->source, node, &object, &other))
			js_property_set(f, node, js_expression(f, object), js_node_text(f, other), v);
		break;
	case K_subscript_expression:
		if (syntax_subscript(&f->m->x, f->source, node, &object, &other) && other) {
			value_t of = js_expression(f, object);

			js_item_set(f, node, of, js_expression(f, other), v);
		}
		break;
	case K_assignment_pattern: case K_object_assignment_pattern:
		if (field(f, node, F_left))
			js_pattern_set(f, field(f, node, F_left), with_default(f, field(f, node, F_right), v));
		break;
	case K_array_pattern: array_pattern_set(f, node, v); break;
	case K_object_pattern: object_pattern_set(f, node, v); break;
	case K_parenthesized_expression: case K_as_expression: case K_non_null_expression: case K_rest_pattern:
		if (NODE(f, node)->first)
			js_pattern_set(f, NODE(f, node)->first, v);
		break;
	case K_lexical_declaration: case K_variable_declaration:
		for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next)
			js_pattern_set(f, c, v);
		break;
	default:
		break;
	}
}
