/* SPDX-License-Identifier: Apache-2.0 */
/* object.c - properties: own ones, those of prototypes, accessors, methods of the language's own types. */
#include "audit/javascript/js.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define PROTOTYPES_MAX 16

uint32_t js_open_instance(struct frame *f, uint32_t class_object)
{
	return instance_of_all(H, class_object, INSTANCE_OPEN);
}

value_t js_prototype_of(struct frame *f, uint32_t function)
{
	value_t v = slot_get(H, function, KEY("prototype"));

	if (!v) {
		v = value_of(H, object_new(H, O_DICT, function, 0));
		slot_set(H, function, KEY("prototype"), v, false);
	}
	return v;
}

static value_t path_of(struct frame *f, uint32_t o, uint32_t name)
{
	const char *path = H->texts[H->objects[o].a], *last = H->texts[name];

	if (strcmp(last, "default") == 0 && H->objects[o].kind == O_EXTERNAL)
		return value_of(H, o);
	if (strcmp(last, "prototype") == 0 || strlen(path) > 200)
		return value_of(H, o);
	if (strcmp(path, "<builtin>.globalThis") == 0)
		return js_global_get(f, last, strlen(last));
	auto_free char *full = xasprintf("%s.%s", path, last);

	return value_of(H, object_intern(H, H->objects[o].kind, KEY(full), 0));
}

static value_t find_in(struct frame *f, uint32_t object, uint32_t name, uint32_t depth)
{
	struct object o = H->objects[object];
	value_t own, proto, out = 0;

	if (o.kind == O_EXTERNAL || o.kind == O_BUILTIN)
		return path_of(f, object, name);
	if (o.kind == O_NONE || o.kind == O_UNKNOWN || o.kind == O_MODULE || o.kind == O_ABSENT)
		return 0;
	own = slot_get(H, object, name);
	if (own && !value_has(H, own, OBJECT_ABSENT) && !H->objects[object].weak)
		return own;
	if (o.kind == O_INSTANCE && H->objects[object].weak)
		own = value_join(H, own, slot_get(H, instance_of_all(H, o.a, INSTANCE_GENERIC), name));
	own = value_without(H, own, OBJECT_ABSENT);
	proto = o.kind == O_INSTANCE ? slot_get(H, o.a, KEY("prototype")) : slot_get(H, object, KEY("#proto"));
	for (uint32_t i = 0; depth < PROTOTYPES_MAX && i < value_count(H, proto); i++)
		if (value_at(H, proto, i) != object)
			out = value_join(H, out, find_in(f, value_at(H, proto, i), name, depth + 1));
	/* a field that every instance has hides what the class has of that name; an outside parent is asked last */
	if (own && value_count(H, out) == 1 && (H->objects[value_at(H, out, 0)].kind == O_EXTERNAL ||
		H->objects[value_at(H, out, 0)].kind == O_BUILTIN))
		return own;
	return value_join(H, own, out);
}

value_t js_find(struct frame *f, uint32_t object, uint32_t name)
{
	return find_in(f, object, name, 0);
}

/* What the subclasses of a class, down to the last, have of that name. */
static value_t subclasses_find(struct frame *f, uint32_t class_object, uint32_t name, uint32_t depth)
{
	value_t subs = slot_get(H, class_object, KEY("#subclasses")), out = 0;

	for (uint32_t i = 0; depth && i < value_count(H, subs); i++) {
		uint32_t c = value_at(H, subs, i);
		value_t proto = slot_get(H, c, KEY("prototype"));

		for (uint32_t k = 0; k < value_count(H, proto); k++)
			out = value_join(H, out, slot_get(H, value_at(H, proto, k), name));
		if (!out)
			out = value_join(H, out, slot_get(H, instance_of_all(H, c, INSTANCE_GENERIC), name));
		out = value_join(H, out, subclasses_find(f, c, name, depth - 1));
	}
	return out;
}

static const char *type_of(struct frame *f, const struct object *o)
{
	switch (o->kind) {
	case O_LIST: return "Array";
	case O_TEXT: return "String";
	case O_NUMBER: return "Number";
	case O_GENERATOR: return "Generator";
	case O_NATIVE: return H->texts[o->a];
	case O_FUNCTION: case O_CLASS: case O_PARTIAL: return "Function";
	case O_DICT: case O_INSTANCE: return "Object";
	default: return NULL;
	}
}

/* What every object has; what functions have. */
static bool is_common(enum object_kind kind, const char *name)
{
	static const char *const object[] = { "hasOwnProperty", "toString", "valueOf", "isPrototypeOf", "toLocaleString",
		"propertyIsEnumerable", NULL };
	static const char *const function[] = { "call", "apply", "bind", NULL };

	for (size_t i = 0; object[i]; i++)
		if (strcmp(object[i], name) == 0)
			return true;
	for (size_t i = 0; function[i] && (kind == O_FUNCTION || kind == O_CLASS || kind == O_PARTIAL); i++)
		if (strcmp(function[i], name) == 0)
			return true;
	return kind != O_FUNCTION && kind != O_CLASS && kind != O_PARTIAL && kind != O_DICT && kind != O_INSTANCE;
}

static value_t method_value(struct frame *f, uint32_t o, const char *type, const char *name)
{
	auto_free char *path = NULL;

	if (!is_common(H->objects[o].kind, name))
		return 0;
	path = xasprintf("<builtin>.%s.%s", type, name);
	return value_of(H, object_intern(H, O_METHOD, KEY(path), o));
}

/* Accessors are called; anything else is itself. */
static value_t read(struct frame *f, uint32_t node, value_t v, value_t self)
{
	value_t out = 0, getter;

	for (uint32_t i = 0; i < value_count(H, v); i++) {
		uint32_t o = value_at(H, v, i);

		if (H->objects[o].kind != O_PROPERTY) {
			out = value_join(H, out, value_of(H, o));
			continue;
		}
		getter = slot_get(H, o, KEY("get"));
		if (getter)
			out = value_join(H, out, js_call_value(f, node, getter, self, &(struct arguments){ 0 }));
	}
	return out;
}

static value_t one_property(struct frame *f, uint32_t node, uint32_t o, uint32_t name)
{
	struct object p = H->objects[o];
	const char *text = H->texts[name], *type = type_of(f, &p);
	value_t v;

	switch (p.kind) {
	case O_UNKNOWN: return value_of(H, o);
	case O_NONE: case O_ABSENT: return 0;
	case O_EXTERNAL: case O_BUILTIN: return path_of(f, o, name);
	case O_MODULE: return js_export_get(f, p.a, name, 0);
	default: break;
	}
	if ((p.kind == O_FUNCTION || p.kind == O_CLASS) && strcmp(text, "prototype") == 0)
		return js_prototype_of(f, o);
	if (p.kind == O_INSTANCE && strcmp(text, "constructor") == 0)
		return value_of(H, p.a);
	if (strcmp(text, "__proto__") == 0)
		return p.kind == O_INSTANCE ? js_prototype_of(f, p.a) : slot_get(H, o, KEY("#proto"));
	if ((p.kind == O_LIST || p.kind == O_TEXT || p.kind == O_FUNCTION) && strcmp(text, "length") == 0)
		return js_some_number(f);
	v = js_find(f, o, name);
	if (p.kind == O_INSTANCE && p.b == INSTANCE_OPEN)
		v = value_join(H, v, subclasses_find(f, p.a, name, 8));
	if (!v || p.kind == O_LIST)
		v = value_join(H, v, p.kind == O_DICT || (p.kind == O_LIST && text[0] >= '0' && text[0] <= '9') ?
			slot_get(H, o, KEY("*")) : 0);
	if (v)
		return read(f, node, v, value_of(H, o));
	if (p.kind == O_LIST && text[0] >= '0' && text[0] <= '9')
		return js_unknown(f, "subscript");
	v = type ? method_value(f, o, type, text) : 0;
	return v ? v : js_unknown(f, "attribute");
}

value_t js_property_get(struct frame *f, uint32_t node, value_t v, uint32_t name)
{
	value_t out = 0;

	for (uint32_t i = 0; i < value_count(H, v); i++)
		out = value_join(H, out, one_property(f, node, value_at(H, v, i), name));
	return out ? out : js_unknown(f, "attribute");
}

static value_t any_item(struct frame *f, uint32_t node, uint32_t o)
{
	struct object p = H->objects[o];

	switch (p.kind) {
	case O_LIST: case O_DICT: case O_FUNCTION: case O_CLASS: {
		value_t v = read(f, node, slots_join(H, o), value_of(H, o));

		return v ? v : js_unknown(f, "subscript");
	}
	case O_TEXT: return js_some_text(f);
	default: return js_unknown(f, "subscript");
	}
}

value_t js_item_get(struct frame *f, uint32_t node, value_t v, value_t key)
{
	uint32_t keys[VALUE_TARGETS_MAX], n = js_keys_of(f, key, keys);
	value_t out = 0;

	for (uint32_t k = 0; k < n; k++)
		out = value_join(H, out, js_property_get(f, node, v, keys[k]));
	for (uint32_t i = 0; !n && i < value_count(H, v); i++)
		out = value_join(H, out, any_item(f, node, value_at(H, v, i)));
	return out ? out : js_unknown(f, "subscript");
}

void js_accessor_set(struct frame *f, uint32_t object, uint32_t name, const char *which, value_t function)
{
	value_t v = slot_get(H, object, name);
	uint32_t p = value_count(H, v) == 1 && H->objects[value_at(H, v, 0)].kind == O_PROPERTY ?
		value_at(H, v, 0) : object_new(H, O_PROPERTY, 0, 0);

	slot_set(H, p, KEY(which), function, false);
	slot_set(H, object, name, value_of(H, p), false);
}

void js_home_set(struct frame *f, value_t functions, uint32_t home)
{
	for (uint32_t i = 0; i < value_count(H, functions); i++) {
		struct object *o = &H->objects[value_at(H, functions, i)];

		if (o->kind == O_FUNCTION && !o->c && !f->m->x.definitions[o->a].is_arrow)
			o->c = home;
	}
}

/* A function's prototype is set as a whole: what is in it are its methods. */
static void prototype_set(struct frame *f, uint32_t function, value_t v)
{
	for (uint32_t i = 0; i < value_count(H, v); i++) {
		uint32_t o = value_at(H, v, i);

		if (H->objects[o].kind != O_DICT)
			continue;
		if (!H->objects[o].a)
			H->objects[o].a = function;
		for (uint32_t s = H->objects[o].slots; s; s = H->slots[s].next)
			js_home_set(f, H->slots[s].v, o);
	}
	slot_set(H, function, KEY("prototype"), v, false);
}

static void one_set(struct frame *f, uint32_t node, uint32_t o, uint32_t name, value_t v, bool weak)
{
	enum object_kind kind = H->objects[o].kind;
	value_t found, setter;

	if (kind == O_UNKNOWN || kind == O_NONE || kind == O_ABSENT || kind == O_EXTERNAL || kind == O_BUILTIN ||
	    kind == O_MODULE || kind == O_TEXT || kind == O_NUMBER)
		return;
	found = kind == O_INSTANCE || kind == O_DICT || kind == O_CLASS ? js_find(f, o, name) : 0;
	if (value_count(H, found) == 1 && H->objects[value_at(H, found, 0)].kind == O_PROPERTY) {
		setter = slot_get(H, value_at(H, found, 0), KEY("set"));
		if (setter)
			js_call_value(f, node, setter, value_of(H, o), &(struct arguments){ .v = { v }, .count = 1 });
		return;
	}
	if (strcmp(H->texts[name], "__proto__") == 0) {
		slot_set(H, o, KEY("#proto"), v, weak);
		return;
	}
	if (kind == O_FUNCTION && strcmp(H->texts[name], "prototype") == 0) {
		prototype_set(f, o, v);
		return;
	}
	if (kind == O_DICT || kind == O_INSTANCE)
		js_home_set(f, v, o);
	slot_set(H, o, name, v, weak);
	if (kind != O_INSTANCE)
		return;
	slot_set(H, instance_of_all(H, H->objects[o].a, INSTANCE_GENERIC), name, v, true);
	/* also seen by the methods of the class that writes */
	if (f->home && H->objects[f->home].kind == O_DICT && H->objects[f->home].a &&
	    H->objects[f->home].a != H->objects[o].a)
		slot_set(H, instance_of_all(H, H->objects[f->home].a, INSTANCE_GENERIC), name, v, true);
}

void js_property_set(struct frame *f, uint32_t node, value_t of, uint32_t name, value_t v)
{
	for (uint32_t i = 0; i < value_count(H, of); i++)
		one_set(f, node, value_at(H, of, i), name, v, value_count(H, of) > 1);
}

void js_item_set(struct frame *f, uint32_t node, value_t of, value_t key, value_t v)
{
	uint32_t keys[VALUE_TARGETS_MAX], n = js_keys_of(f, key, keys);

	for (uint32_t k = 0; k < n; k++)
		for (uint32_t i = 0; i < value_count(H, of); i++)
			one_set(f, node, value_at(H, of, i), keys[k], v, n > 1 || value_count(H, of) > 1);
	for (uint32_t i = 0; !n && i < value_count(H, of); i++) {
		enum object_kind kind = H->objects[value_at(H, of, i)].kind;

		if (kind == O_LIST || kind == O_DICT || kind == O_FUNCTION || kind == O_CLASS)
			slot_set(H, value_at(H, of, i), KEY("*"), v, true);
	}
}
