/* SPDX-License-Identifier: Apache-2.0 */
/* made.c - what Python's own library makes: the methods of dataclasses and NamedTuple, the members of enumerations, the
 * containers of collections. */
#include "audit/python/frame.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 32

/* Does a class come from one outside whose path begins with prefix? */
static bool comes_from(struct frame *f, uint32_t class_object, const char *prefix)
{
	const struct class_order *order = class_order(f, class_object);

	for (uint32_t i = 0; order && i < order->n; i++) {
		const struct object *o = &H->objects[order->v[i]];

		if (o->kind == O_EXTERNAL && str_starts(H->texts[o->a], prefix))
			return true;
	}
	return false;
}

bool is_enumeration(struct frame *f, uint32_t class_object)
{
	return comes_from(f, class_object, "enum.");
}

void field_declare(struct frame *f, uint32_t name)
{
	value_t list = slot_get(H, f->class_object, KEY("#fields"));
	uint32_t o = list ? value_at(H, list, 0) : object_new(H, O_LIST, 0, 0), n = H->objects[o].b;
	value_t text = value_of(H, object_intern(H, O_TEXT, heap_prefixed(H, PREFIX_ITEM, name), 0));

	for (uint32_t i = 0; i < n; i++)
		if (slot_get(H, o, heap_index(H, i)) == text)
			return;
	if (n == FIELDS_MAX)
		return;
	slot_set(H, o, heap_index(H, n), text, false);
	H->objects[o].b = n + 1;
	slot_set(H, f->class_object, KEY("#fields"), value_of(H, o), false);
}

/* "x" of the constant text "x"; 0: it is not one. */
static uint32_t plain_name(struct frame *f, value_t text)
{
	uint32_t key = text ? item_key(f, text) : 0;

	return key && str_starts(H->texts[key], "s:") ? heap_textz(H, H->texts[key] + 2) : 0;
}

/* The fields of a class in the order of its parameters: those of its bases first. */
static uint32_t fields_of(struct frame *f, uint32_t class_object, uint32_t out[FIELDS_MAX])
{
	const struct class_order *order = class_order(f, class_object);
	uint32_t n = 0;

	for (uint32_t i = order ? order->n : 0; i-- > 0;) {
		value_t list = slot_get(H, order->v[i], KEY("#fields"));
		uint32_t o = list ? value_at(H, list, 0) : 0;

		for (uint32_t k = 0; list && k < H->objects[o].b; k++) {
			value_t text = slot_get(H, o, heap_index(H, k));
			uint32_t name = plain_name(f, text), at = 0;

			while (at < n && out[at] != name)
				at++;
			if (name && at == n && n < FIELDS_MAX)
				out[n++] = name;
		}
	}
	return n;
}

static bool is_dataclass(struct frame *f, uint32_t class_object)
{
	const struct class_order *order = class_order(f, class_object);

	for (uint32_t i = 0; order && i < order->n; i++)
		if (H->objects[order->v[i]].kind == O_CLASS && slot_get(H, order->v[i], KEY("#dataclass")))
			return true;
	return false;
}

uint32_t field_name(struct frame *f, uint32_t class_object, uint32_t i)
{
	uint32_t names[FIELDS_MAX], n = is_dataclass(f, class_object) ? fields_of(f, class_object, names) : 0;

	return i < n ? names[i] : 0;
}

/* A default that field(default_factory=…) gives is called. */
static value_t default_of(struct frame *f, uint32_t node, uint32_t class_object, uint32_t name)
{
	value_t v = class_find(f, class_object, name, 0);
	uint32_t o = value_count(H, v) == 1 ? value_at(H, v, 0) : 0;

	if (!v || H->objects[o].kind != O_PARTIAL || !slot_get(H, o, KEY("#field")))
		return v;
	return call_value(f, node, H->objects[o].a, &(struct arguments){ 0 });
}

void made_init(struct frame *f, uint32_t node, uint32_t class_object, uint32_t instance, const struct arguments *a)
{
	bool data = is_dataclass(f, class_object);
	uint32_t names[FIELDS_MAX], n;
	value_t after;

	if (!data && !comes_from(f, class_object, "typing.NamedTuple") &&
	    !comes_from(f, class_object, "collections.namedtuple"))
		return;
	n = fields_of(f, class_object, names);
	for (uint32_t i = 0; i < n; i++) {
		value_t v = i < a->count ? a->position[i] : 0;

		for (uint32_t k = 0; k < a->named && !v; k++)
			v = a->name[k] == names[i] ? a->keyword[k] : 0;
		v = v ? v : value_join(H, a->rest, a->named_rest);
		v = v ? v : default_of(f, node, class_object, names[i]);
		attribute_set(f, node, value_of(H, instance), names[i], v ? v : unknown(f, "parameter"));
	}
	after = data ? class_find(f, class_object, KEY("__post_init__"), 0) : 0;
	if (after && H->objects[value_at(H, after, 0)].kind == O_FUNCTION)
		method_call(f, node, instance, "__post_init__", &(struct arguments){ 0 });
}

void dataclass_mark(struct frame *f, value_t classes)
{
	for (uint32_t i = 0; i < value_count(H, classes); i++)
		if (H->objects[value_at(H, classes, i)].kind == O_CLASS)
			slot_set(H, value_at(H, classes, i), KEY("#dataclass"), value_of(H, 0), false);
}

value_t field_make(struct frame *f, const struct arguments *a)
{
	for (uint32_t i = 0; i < a->named; i++) {
		uint32_t o;

		if (a->name[i] == KEY("default"))
			return a->keyword[i];
		if (a->name[i] != KEY("default_factory"))
			continue;
		o = object_new(H, O_PARTIAL, a->keyword[i], 0);
		slot_set(H, o, KEY("#field"), value_of(H, 0), false);
		return value_of(H, o);
	}
	return unknown(f, "outside_type");
}

value_t container_make(struct frame *f, uint32_t node, const char *path, const struct arguments *a)
{
	static const char *const sequences[] = { "collections.deque", "collections.UserList" };
	static const char *const maps[] = { "collections.OrderedDict", "collections.defaultdict", "collections.Counter",
		"weakref.WeakValueDictionary", "weakref.WeakKeyDictionary" };
	value_t first = a->count ? a->position[0] : 0;
	uint32_t o;

	for (size_t i = 0; i < sizeof(sequences) / sizeof(*sequences); i++) {
		if (strcmp(path, sequences[i]) != 0)
			continue;
		o = object_new(H, O_LIST, 0, 0);
		H->objects[o].c = heap_textz(H, path);
		if (first)
			slot_set(H, o, KEY("*"), iterate(f, node, first), true);
		return value_of(H, o);
	}
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++) {
		if (strcmp(path, maps[i]) != 0)
			continue;
		o = object_new(H, O_DICT, 0, 0);
		H->objects[o].c = heap_textz(H, path);
		if (i == 1 && first)
			slot_set(H, o, KEY("#factory"), first, false);
		for (uint32_t k = 0; k < a->named; k++)
			slot_set(H, o, heap_prefixed(H, PREFIX_ITEM, a->name[k]), a->keyword[k], false);
		return value_of(H, o);
	}
	return 0;
}

value_t item_made(struct frame *f, uint32_t node, uint32_t o, uint32_t key)
{
	value_t factory = slot_get(H, o, KEY("#factory")), v = 0;
	uint32_t made = value_count(H, factory) == 1 ? value_at(H, factory, 0) : 0;
	const char *name = made && H->objects[made].kind == O_BUILTIN ? H->texts[H->objects[made].a] : "";

	if (!factory)
		return 0;
	if (strcmp(name, "<builtin>.list") == 0)
		v = value_of(H, object_new(H, O_LIST, 0, 0));
	else if (strcmp(name, "<builtin>.dict") == 0)
		v = value_of(H, object_new(H, O_DICT, 0, 0));
	else if (strcmp(name, "<builtin>.set") == 0)
		v = value_of(H, object_new(H, O_SET, 0, 0));
	else if (!*name)
		v = call_value(f, node, factory, &(struct arguments){ 0 });
	if (v)
		slot_set(H, o, key, v, true);
	return v;
}

/* namedtuple("T", "a b") or ("T", ["a", "b"]): an outside class that has fields. */
value_t namedtuple_make(struct frame *f, const struct arguments *a)
{
	uint32_t o = object_new(H, O_EXTERNAL, KEY("collections.namedtuple"), 0), list = object_new(H, O_LIST, 0, 0), n = 0;
	uint32_t from = a->count > 1 && value_count(H, a->position[1]) == 1 ? value_at(H, a->position[1], 0) : 0;

	if (H->objects[from].kind == O_TEXT && str_starts(H->texts[H->objects[from].a], "s:")) {
		auto_free char *names = xstrdup(H->texts[H->objects[from].a] + 2);
		char *rest = names, *name;

		while ((name = strtok_r(rest, ", \t\n", &rest)) && n < FIELDS_MAX) {
			uint32_t key = heap_prefixed(H, PREFIX_ITEM, heap_textz(H, name));

			slot_set(H, list, heap_index(H, n++), value_of(H, object_intern(H, O_TEXT, key, 0)), false);
		}
	} else if (H->objects[from].kind == O_LIST || H->objects[from].kind == O_TUPLE) {
		for (; n < H->objects[from].b && n < FIELDS_MAX; n++)
			slot_set(H, list, heap_index(H, n), slot_get(H, from, heap_index(H, n)), false);
	}
	H->objects[list].b = n;
	slot_set(H, o, KEY("#fields"), value_of(H, list), false);
	return value_of(H, o);
}

/* T(…) of a namedtuple; 0 for any other outside class. */
value_t namedtuple_call(struct frame *f, uint32_t class_object, const struct arguments *a)
{
	value_t list = slot_get(H, class_object, KEY("#fields"));
	uint32_t o, fields = list ? value_at(H, list, 0) : 0;

	if (!list)
		return 0;
	o = object_new(H, O_TUPLE, 0, 0); /* its items are its attributes, too */
	for (uint32_t i = 0; i < H->objects[fields].b; i++) {
		value_t v = i < a->count ? a->position[i] : 0;
		uint32_t name = plain_name(f, slot_get(H, fields, heap_index(H, i)));

		for (uint32_t k = 0; k < a->named && !v; k++)
			v = a->name[k] == name ? a->keyword[k] : 0;
		v = v ? v : unknown(f, "parameter");
		slot_set(H, o, heap_index(H, i), v, false);
		H->objects[o].b = i + 1;
		if (name)
			slot_set(H, o, name, v, false);
	}
	return value_of(H, o);
}
