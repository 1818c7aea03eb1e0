/* SPDX-License-Identifier: Apache-2.0 */
/* object.c - attributes, classes and the order of their bases, decorators. */
#include "audit/python/frame.h"

#include "base/mem.h"

#include <string.h>

#define H (&f->m->h)
#define KEY(z) heap_textz(H, z)
#define ORDER_MAX 64

/* The method resolution order; `after`: only what follows that class. Bases are walked depth first, and a class that comes
 * again later moves to its last place: C3 for all hierarchies that Python accepts but for exotic ones. */
static uint32_t order_of(struct frame *f, uint32_t class_object, uint32_t out[ORDER_MAX], uint32_t n, uint32_t depth)
{
	if (n == ORDER_MAX || depth > 16)
		return n;
	for (uint32_t i = 0; i < n; i++)
		if (out[i] == class_object) {
			memmove(out + i, out + i + 1, (n - i - 1) * sizeof(*out));
			n--;
			break;
		}
	out[n++] = class_object;
	for (uint32_t i = 0;; i++) {
		auto_free char *name = xasprintf("#base%u", i);
		value_t v = slot_get(H, class_object, KEY(name));

		if (!v)
			return n;
		for (uint32_t k = 0; k < value_count(H, v); k++)
			n = order_of(f, value_at(H, v, k), out, n, depth + 1);
	}
}

value_t class_find(struct frame *f, uint32_t class_object, uint32_t name, uint32_t after)
{
	uint32_t order[ORDER_MAX], n = order_of(f, class_object, order, 0, 0);
	bool on = !after;

	for (uint32_t i = 0; i < n; i++) {
		const struct object *o = &H->objects[order[i]];
		value_t v = on && o->kind == O_CLASS ? slot_get(H, order[i], name) : 0;

		if (v)
			return v;
		if (on && o->kind == O_EXTERNAL) {
			auto_free char *path = xasprintf("%s.%s", H->texts[o->a], H->texts[name]);

			return value_of(H, object_new(H, O_EXTERNAL, KEY(path), 0));
		}
		on |= order[i] == after;
	}
	return 0;
}

uint32_t generic_instance(struct frame *f, uint32_t class_object)
{
	struct definition *d = &f->m->defs[H->objects[class_object].a];

	if (!d->generic) {
		d->generic = object_new(H, O_INSTANCE, class_object, 0);
		H->objects[d->generic].weak = true;
	}
	return d->generic;
}

static value_t bind(struct frame *f, uint32_t node, value_t found, uint32_t self, bool on_class)
{
	value_t out = 0;

	for (uint32_t i = 0; i < value_count(H, found); i++) {
		uint32_t o = value_at(H, found, i);
		const struct object *p = &H->objects[o];

		if (p->kind == O_FUNCTION && !on_class)
			out = value_join(H, out, value_of(H, object_new(H, O_BOUND, o, self)));
		else if (p->kind == O_CLASSMETHOD)
			out = value_join(H, out, value_of(H, object_new(H, O_BOUND, p->a, p->kind == O_CLASSMETHOD &&
				H->objects[self].kind == O_INSTANCE ? H->objects[self].a : self)));
		else if (p->kind == O_STATIC)
			out = value_join(H, out, value_of(H, p->a));
		else if (p->kind == O_PROPERTY && !on_class)
			out = value_join(H, out, call_value(f, node, slot_get(H, o, KEY("get")),
							    &(struct arguments){ .count = 1, .position = { value_of(H,
								self) } }));
		else
			out = value_join(H, out, value_of(H, o));
	}
	return out;
}

static bool is_property(struct frame *f, value_t v)
{
	return value_count(H, v) == 1 && H->objects[value_at(H, v, 0)].kind == O_PROPERTY;
}

static value_t instance_get(struct frame *f, uint32_t node, uint32_t o, uint32_t name)
{
	uint32_t class_object = H->objects[o].a;
	value_t own = slot_get(H, o, name), found = class_find(f, class_object, name, 0);

	if (own && !is_property(f, found))
		return own;
	if (!found)
		own = slot_get(H, generic_instance(f, class_object), name);
	if (found || own)
		return found ? bind(f, node, found, o, false) : own;
	found = class_find(f, class_object, KEY("__getattr__"), 0);
	return found ? call_value(f, node, bind(f, node, found, o, false), &(struct arguments){ .count = 1 }) : 0;
}

static const char *builtin_type(enum object_kind kind)
{
	switch (kind) {
	case O_LIST: return "list";
	case O_TUPLE: return "tuple";
	case O_DICT: return "dict";
	case O_SET: return "set";
	case O_TEXT: return "str";
	case O_NUMBER: return "int";
	case O_GENERATOR: return "generator";
	default: return NULL;
	}
}

static value_t one_attribute(struct frame *f, uint32_t node, uint32_t o, uint32_t name)
{
	struct object p = H->objects[o];
	const char *type = builtin_type(p.kind), *text = H->texts[name];
	auto_free char *path = NULL;
	value_t v;

	switch (p.kind) {
	case O_UNKNOWN: return value_of(H, o);
	case O_INSTANCE: v = instance_get(f, node, o, name); break;
	case O_CLASS: v = bind(f, node, class_find(f, o, name, 0), o, true); break;
	case O_SUPER:
		v = bind(f, node, class_find(f, H->objects[p.b].kind == O_INSTANCE ? H->objects[p.b].a : p.b, name,
			p.a), p.b, false);
		break;
	case O_MODULE:
		v = slot_get(H, o, name);
		path = xasprintf("%s.%s", f->m->sources[p.a].module, text);
		v = v ? v : import_name(f, f->m->sources[p.a].module, name);
		break;
	case O_EXTERNAL: case O_BUILTIN:
		path = xasprintf("%s.%s", H->texts[p.a], text);
		return value_of(H, object_new(H, p.kind, KEY(path), 0));
	case O_PROPERTY:
		return value_of(H, object_new(H, O_METHOD, name, o));
	default:
		v = slot_get(H, o, name);
		if (type && !v) {
			path = xasprintf("<builtin>.%s.%s", type, text);
			return value_of(H, object_new(H, O_METHOD, KEY(path), o));
		}
		break;
	}
	return v ? v : unknown(f, "attribute");
}

value_t attribute_get(struct frame *f, uint32_t node, value_t v, uint32_t name)
{
	value_t out = 0;

	for (uint32_t i = 0; i < value_count(H, v); i++)
		out = value_join(H, out, one_attribute(f, node, value_at(H, v, i), name));
	return out ? out : unknown(f, "attribute");
}

void attribute_set(struct frame *f, uint32_t node, value_t of, uint32_t name, value_t v)
{
	for (uint32_t i = 0; i < value_count(H, of); i++) {
		uint32_t o = value_at(H, of, i);
		enum object_kind kind = H->objects[o].kind;
		value_t found = kind == O_INSTANCE ? class_find(f, H->objects[o].a, name, 0) : 0;

		if (is_property(f, found)) {
			call_value(f, node, slot_get(H, value_at(H, found, 0), KEY("set")),
				   &(struct arguments){ .count = 2, .position = { value_of(H, o), v } });
			continue;
		}
		if (kind != O_INSTANCE && kind != O_CLASS && kind != O_MODULE && kind != O_FUNCTION)
			continue;
		slot_set(H, o, name, v, value_count(H, of) > 1);
		if (kind == O_INSTANCE)
			slot_set(H, generic_instance(f, H->objects[o].a), name, v, true);
	}
}

value_t method_call(struct frame *f, uint32_t node, uint32_t object, const char *name, const struct arguments *a)
{
	value_t found = class_find(f, H->objects[object].a, KEY(name), 0);

	return found ? call_value(f, node, bind(f, node, found, object, false), a) : 0;
}

static uint32_t class_make(struct frame *f, uint32_t node, uint32_t def)
{
	uint32_t bases = node_field(f, node, F_superclasses), o = object_new(H, O_CLASS, def, f->env), i = 0;
	uint32_t around = f->class_object, own = f->def;

	for (uint32_t c = bases ? NODE(f, bases)->first : 0; c; c = NODE(f, c)->next) {
		auto_free char *name = xasprintf("#base%u", i);

		if (NODE(f, c)->kind == K_keyword_argument)
			continue;
		value_t v = expression(f, c);
		enum object_kind kind = value_count(H, v) ? H->objects[value_at(H, v, 0)].kind : O_NONE;

		if (kind == O_CLASS || kind == O_EXTERNAL) {
			slot_set(H, o, KEY(name), v, false);
			i++;
		}
	}
	f->m->defs[def].object = o;
	f->class_object = o;
	f->def = def;
	block_run(f, node_field(f, node, F_body));
	f->class_object = around;
	f->def = own;
	value_t hook = class_find(f, o, KEY("__init_subclass__"), o);

	if (hook && H->objects[value_at(H, hook, 0)].kind == O_FUNCTION)
		call_value(f, node, hook, &(struct arguments){ .count = 1, .position = { value_of(H, o) } });
	return o;
}

static uint32_t function_make(struct frame *f, uint32_t node, uint32_t def)
{
	uint32_t o = object_new(H, O_FUNCTION, def, f->env), list = node_field(f, node, F_parameters);

	H->objects[o].c = f->class_object;
	for (uint32_t c = list ? NODE(f, list)->first : 0; c; c = NODE(f, c)->next) {
		uint32_t value = node_field(f, c, F_value), name = node_field(f, c, F_name), type = node_field(f, c,
			F_type);
		uint32_t text = node_text(f, name ? name : NODE(f, c)->kind == K_identifier ? c : NODE(f, c)->first);
		auto_free char *key = xasprintf("#default %s", H->texts[text]), *note = xasprintf("#type %s",
			H->texts[text]);

		if (value)
			slot_set(H, o, KEY(key), expression(f, value), false);
		if (type && NODE(f, type)->first && NODE(f, NODE(f, type)->first)->kind == K_identifier)
			slot_set(H, o, KEY(note), expression(f, NODE(f, type)->first), false);
	}
	f->m->defs[def].object = o;
	return o;
}

void definition_run(struct frame *f, uint32_t node)
{
	uint32_t inner = NODE(f, node)->kind == K_decorated_definition ? node_field(f, node, F_definition) : node,
		name, def, o;
	uint32_t decorators[16], n = 0;
	value_t made[16], v;

	for (uint32_t c = inner != node ? NODE(f, node)->first : 0; c && c != inner && n < 16; c = NODE(f, c)->next)
		if (NODE(f, c)->kind == K_decorator && NODE(f, c)->first) {
			decorators[n] = c;
			made[n++] = expression(f, NODE(f, c)->first);
		}
	if (!inner || !(def = f->m->node_def[f->source][inner]))
		return;
	o = NODE(f, inner)->kind == K_class_definition ? class_make(f, inner, def) : function_make(f, inner, def);
	v = value_of(H, o);
	while (n--)
		v = call_value(f, decorators[n], made[n], &(struct arguments){ .count = 1, .position = { v } });
	name = node_field(f, inner, F_name);
	if (name)
		name_set(f, node_text(f, name), v);
}
