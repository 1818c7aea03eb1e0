/* SPDX-License-Identifier: Apache-2.0 */
/* class.c - functions and classes as they are made; enums, decorators, the classes that types name. */
#include "audit/javascript/js.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

uint32_t js_definition_at(const struct frame *f, uint32_t node)
{
	enum tree_kind kind = NODE(f, node)->kind;
	uint32_t i = f->m->x.sources[f->source].link[node];

	if (!syntax_is_function(kind) && kind != K_class && kind != K_class_declaration &&
	    kind != K_abstract_class_declaration)
		return 0;
	return i ? i - 1 : 0;
}

/* home: the object it is a method of; for an arrow its maker's. */
uint32_t js_function_make(struct frame *f, uint32_t node, uint32_t home)
{
	uint32_t def = js_definition_at(f, node), o = object_new(H, O_FUNCTION, def, f->env);

	if (f->m->x.definitions[def].is_arrow) {
		home = f->home;
		slot_set(H, o, KEY("#this"), f->self, false);
		slot_set(H, o, KEY("#making"), f->making ? value_of(H, f->making) : 0, false);
	}
	H->objects[o].c = home;
	f->m->state[def].object = o;
	return o;
}

/* The words before a member's name: static, get, set. */
static bool has_word(struct frame *f, uint32_t node, uint32_t name, const char *word)
{
	uint32_t from = NODE(f, node)->start, to = NODE(f, name)->start;
	const char *text = f->m->x.sources[f->source].file->text;
	size_t n = strlen(word);

	for (uint32_t c = NODE(f, node)->first; c && c != name; c = NODE(f, c)->next)
		if (NODE(f, c)->kind == K_decorator)
			from = NODE(f, c)->end;
	for (; from + n < to; from++)
		if (memcmp(text + from, word, n) == 0 && strchr(" \t\n\r*[#", text[from + n]))
			return true;
	return false;
}

/* extends and implements: what is inherited, and whom a class is a subclass of. */
static value_t heritage(struct frame *f, uint32_t node, uint32_t o)
{
	value_t super = 0;

	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		if (NODE(f, c)->kind != K_class_heritage && NODE(f, c)->kind != K_extends_type_clause)
			continue;
		for (uint32_t k = NODE(f, c)->first; k; k = NODE(f, k)->next) {
			enum tree_kind kind = NODE(f, k)->kind;
			value_t v = 0;

			if (kind == K_extends_clause) {
				v = super = field(f, k, F_value) ? js_expression(f, field(f, k, F_value)) : 0;
			} else if (kind == K_implements_clause || kind == K_type_identifier || kind == K_generic_type) {
				for (uint32_t t = kind == K_implements_clause ? NODE(f, k)->first : k; t;
				     t = kind == K_implements_clause ? NODE(f, t)->next : 0) {
					uint32_t name = NODE(f, t)->kind == K_generic_type ? NODE(f, t)->first : t;

					if (NODE(f, name)->kind == K_type_identifier)
						v = value_join(H, v, js_name_get(f, name));
				}
			} else if (kind != K_TOKEN && kind != K_type_arguments) {
				v = super = js_expression(f, k);
			}
			for (uint32_t i = 0; i < value_count(H, v); i++)
				if (H->objects[value_at(H, v, i)].kind == O_CLASS)
					slot_set(H, value_at(H, v, i), KEY("#subclasses"), value_of(H, o), true);
		}
	}
	return super;
}

static void method_make(struct frame *f, uint32_t node, uint32_t o, uint32_t proto)
{
	uint32_t name = field(f, node, F_name), key;
	bool is_static = name && has_word(f, node, name, "static");
	uint32_t home = is_static ? o : proto;
	value_t v;

	if (!name || !js_definition_at(f, node))
		return;
	key = js_key_of(f, name);
	v = value_of(H, js_function_make(f, node, home));
	js_decorators_run(f, node, NULL);
	if (!is_static && key && strcmp(H->texts[key], "constructor") == 0)
		slot_set(H, o, KEY("#constructor"), v, false);
	else if (has_word(f, node, name, "get"))
		js_accessor_set(f, home, key ? key : KEY("*"), "get", v);
	else if (has_word(f, node, name, "set"))
		js_accessor_set(f, home, key ? key : KEY("*"), "set", v);
	else
		slot_set(H, home, key ? key : KEY("*"), v, !key);
}

static uint32_t field_name(struct frame *f, uint32_t node)
{
	uint32_t name = field(f, node, F_property);

	return name ? name : field(f, node, F_name);
}

static bool is_field(enum tree_kind kind)
{
	return kind == K_field_definition || kind == K_public_field_definition;
}

/* The frame in which a class's fields are given their values: of its constructor, else of what is around the class. */
static struct frame fields_frame(struct js *m, uint32_t class_object, value_t self)
{
	struct object o = m->h.objects[class_object];
	const struct syntax_definition *d = &m->x.definitions[o.a];
	struct frame f = { .m = m, .source = d->source, .def = d->parent, .env = o.b, .self = self };
	value_t own = slot_get(&m->h, class_object, heap_textz(&m->h, "#constructor"));
	value_t proto = slot_get(&m->h, class_object, heap_textz(&m->h, "prototype"));

	if (value_count(&m->h, own) == 1)
		f.def = m->h.objects[value_at(&m->h, own, 0)].a;
	f.home = value_count(&m->h, proto) ? value_at(&m->h, proto, 0) : 0;
	return f;
}

void js_fields_run(struct js *m, uint32_t class_object, value_t self, bool is_static)
{
	struct frame own = fields_frame(m, class_object, self), *f = &own;
	uint32_t body = m->x.definitions[m->h.objects[class_object].a].body;
	struct js_state *state = &m->state[m->h.objects[class_object].a];

	if (is_static) {
		own.def = m->x.definitions[m->h.objects[class_object].a].parent;
		own.home = class_object;
	} else if (state->runs++ > 24) {
		return;
	}
	for (uint32_t c = body ? NODE(f, body)->first : 0; c; c = NODE(f, c)->next) {
		enum tree_kind kind = NODE(f, c)->kind;
		uint32_t name = is_field(kind) ? field_name(f, c) : 0, value, key, type;
		value_t v = 0;

		if (kind == K_class_static_block && is_static && field(f, c, F_body))
			js_block_run(f, field(f, c, F_body));
		if (!name || has_word(f, c, name, "static") != is_static)
			continue;
		key = js_key_of(f, name);
		value = field(f, c, F_value);
		type = field(f, c, F_type);
		if (value)
			v = js_expression(f, value);
		else if (type)
			v = js_typed_instance(f, type);
		if (key && v)
			js_property_set(f, 0, self, key, v);
	}
	js_leaving_apply(f);
}

value_t js_class_make(struct frame *f, uint32_t node)
{
	uint32_t def = js_definition_at(f, node), o = object_new(H, O_CLASS, def, f->env), body = field(f, node, F_body);
	uint32_t proto = object_new(H, O_DICT, o, 0), name = field(f, node, F_name), home = f->home;
	value_t super, v = value_of(H, o), protos = 0;

	slot_set(H, o, KEY("prototype"), value_of(H, proto), false);
	super = heritage(f, node, o);
	if (!def)
		return v; /* an interface */
	f->m->state[def].object = o;
	if (super) {
		slot_set(H, o, KEY("#super"), super, false);
		slot_set(H, o, KEY("#proto"), super, false);
		for (uint32_t i = 0; i < value_count(H, super); i++) {
			uint32_t s = value_at(H, super, i);

			protos = value_join(H, protos, H->objects[s].kind == O_CLASS || H->objects[s].kind == O_FUNCTION ?
				js_prototype_of(f, s) : value_of(H, s));
		}
		slot_set(H, proto, KEY("#proto"), protos, false);
	}
	if (name && syntax_binding_of(&f->m->x, f->source, name))
		js_name_set(f, name, v);
	js_decorators_run(f, node, &v);
	f->home = proto;
	for (uint32_t c = body ? NODE(f, body)->first : 0; c; c = NODE(f, c)->next) {
		if (NODE(f, c)->kind == K_method_definition)
			method_make(f, c, o, proto);
		else if (is_field(NODE(f, c)->kind))
			js_decorators_run(f, c, NULL);
		else if (NODE(f, c)->kind == K_decorator && NODE(f, c)->first) /* TypeScript: before its member */
			js_call_value(f, c, js_expression(f, NODE(f, c)->first), value_of(H, OBJECT_NONE),
				&(struct arguments){ .v = { value_of(H, o) }, .count = 1 });
	}
	f->home = home;
	js_fields_run(f->m, o, value_of(H, o), true);
	return v;
}

/* The decorators of a class, whose value they may replace, or of a member. */
void js_decorators_run(struct frame *f, uint32_t node, value_t *v)
{
	uint32_t list[16], n = 0;
	value_t made[16], out;

	for (uint32_t c = NODE(f, node)->first; c && n < 16; c = NODE(f, c)->next)
		if (NODE(f, c)->kind == K_decorator && NODE(f, c)->first) {
			list[n] = c;
			made[n++] = js_expression(f, NODE(f, c)->first);
		}
	while (n--) {
		struct arguments a = { .v = { v ? *v : js_unknown(f, "parameter") }, .count = 1 };

		out = js_call_value(f, list[n], made[n], value_of(H, OBJECT_NONE), &a);
		for (uint32_t i = 0; v && i < value_count(H, out); i++)
			if (H->objects[value_at(H, out, i)].kind == O_CLASS || H->objects[value_at(H, out, i)].kind ==
				O_FUNCTION)
				*v = value_of(H, value_at(H, out, i));
	}
}

value_t js_enum_make(struct frame *f, uint32_t node)
{
	uint32_t o = object_new(H, O_DICT, 0, 0), body = field(f, node, F_body);

	for (uint32_t c = body ? NODE(f, body)->first : 0; c; c = NODE(f, c)->next) {
		uint32_t name = NODE(f, c)->kind == K_enum_assignment ? field(f, c, F_name) : c;
		uint32_t value = NODE(f, c)->kind == K_enum_assignment ? field(f, c, F_value) : 0;
		value_t v = value ? js_expression(f, value) : js_some_number(f);

		if (name && NODE(f, name)->kind != K_TOKEN)
			slot_set(H, o, js_node_text(f, name), v, false);
	}
	slot_set(H, o, KEY("*"), js_some_text(f), true);
	return value_of(H, o);
}

value_t js_typed_instance(struct frame *f, uint32_t type)
{
	value_t v, out = 0;

	while (type && (NODE(f, type)->kind == K_type_annotation || NODE(f, type)->kind == K_generic_type))
		type = NODE(f, type)->first;
	if (type && NODE(f, type)->kind == K_array_type)
		return (out = NODE(f, type)->first ? js_typed_instance(f, NODE(f, type)->first) : 0) ? js_list_of(f,
			out) : 0;
	if (type && NODE(f, type)->kind == K_union_type) {
		for (uint32_t c = NODE(f, type)->first; c; c = NODE(f, c)->next)
			out = value_join(H, out, js_typed_instance(f, c));
		return out;
	}
	if (!type || NODE(f, type)->kind != K_type_identifier || !syntax_binding_of(&f->m->x, f->source, type))
		return 0;
	v = js_name_get(f, type);
	for (uint32_t i = 0; i < value_count(H, v); i++)
		if (H->objects[value_at(H, v, i)].kind == O_CLASS)
			out = value_join(H, out, value_of(H, js_open_instance(f, value_at(H, v, i))));
		else if (H->objects[value_at(H, v, i)].kind == O_EXTERNAL)
			out = value_join(H, out, value_of(H, value_at(H, v, i)));
	return out;
}
