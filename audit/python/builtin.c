/* SPDX-License-Identifier: Apache-2.0 */
/* builtin.c - builtin names, and what calls of them do to values. */
#include "audit/python/frame.h"

#include "base/mem.h"

#include <string.h>

#define H (&f->m->h)
#define KEY(z) heap_textz(H, z)

static const char *const builtins[] = {
	"abs", "aiter", "all", "anext", "any", "ascii", "bin", "bool", "breakpoint", "bytearray", "bytes", "callable",
		"chr",
	"classmethod", "compile", "complex", "delattr", "dict", "dir", "divmod", "enumerate", "eval", "exec", "filter",
	"float", "format", "frozenset", "getattr", "globals", "hasattr", "hash", "help", "hex", "id", "input", "int",
	"isinstance", "issubclass", "iter", "len", "list", "locals", "map", "max", "memoryview", "min", "next",
		"object",
	"oct", "open", "ord", "pow", "print", "property", "range", "repr", "reversed", "round", "set", "setattr",
		"slice",
	"sorted", "staticmethod", "str", "sum", "super", "tuple", "type", "vars", "zip", "__import__", "BaseException",
	"Exception", "ArithmeticError", "AssertionError", "AttributeError", "EOFError", "FileNotFoundError",
		"ImportError",
	"IndexError", "KeyError", "KeyboardInterrupt", "LookupError", "ModuleNotFoundError", "NameError",
	"NotImplementedError", "OSError", "OverflowError", "PermissionError", "RecursionError", "RuntimeError",
	"StopAsyncIteration", "StopIteration", "SystemExit", "TimeoutError", "TypeError", "UnicodeDecodeError",
		"ValueError",
	"Warning", "ZeroDivisionError", NULL
};

value_t builtin_name(struct frame *f, uint32_t name)
{
	for (size_t i = 0; builtins[i]; i++)
		if (strcmp(builtins[i], H->texts[name]) == 0) {
			auto_free char *path = xasprintf("<builtin>.%s", builtins[i]);

			return value_of(H, object_intern(H, O_BUILTIN, KEY(path), 0));
		}
	return unknown(f, "missing_import");
}

static value_t super_make(struct frame *f, const struct arguments *a)
{
	value_t self = a->count > 1 ? a->position[1] : f->self;
	uint32_t after = a->count > 1 && value_count(H, a->position[0]) ? value_at(H, a->position[0],
		0) : f->method_class;
	value_t out = 0;

	for (uint32_t i = 0; i < value_count(H, self); i++) {
		enum object_kind kind = H->objects[value_at(H, self, i)].kind;

		if (after && (kind == O_INSTANCE || kind == O_CLASS))
			out = value_join(H, out, value_of(H, object_intern(H, O_SUPER, after, value_at(H, self, i))));
	}
	return out ? out : unknown(f, "attribute");
}

/* Calls a callable for the items of what is handed over with it. */
static value_t call_items(struct frame *f, uint32_t node, value_t callee, value_t items)
{
	bool callable = false;

	for (uint32_t i = 0; i < value_count(H, callee); i++) {
		enum object_kind kind = H->objects[value_at(H, callee, i)].kind;

		callable |= kind == O_FUNCTION || kind == O_BOUND || kind == O_PARTIAL || kind == O_CLASS;
	}
	return callable ? call_value(f, node, callee, &(struct arguments){ .count = 1, .position = { items ?
		items : unknown(f, "parameter") } }) : 0;
}

static value_t wrap(struct frame *f, enum object_kind kind, const char *key, value_t v)
{
	uint32_t o = object_new(H, kind, 0, 0);

	slot_set(H, o, KEY(key), v, true);
	return value_of(H, o);
}

static value_t decorated(struct frame *f, enum object_kind kind, const struct arguments *a)
{
	uint32_t o;

	if (!a->count || !value_count(H, a->position[0]))
		return unknown(f, "decorator");
	o = object_new(H, kind, value_at(H, a->position[0], 0), 0);
	slot_set(H, o, KEY("get"), a->position[0], false);
	if (a->count > 1)
		slot_set(H, o, KEY("set"), a->position[1], false);
	return value_of(H, o);
}

static value_t method_of(struct frame *f, uint32_t node, struct object o, const struct arguments *a)
{
	const char *name = H->texts[o.a], *last = strrchr(name, '.');
	uint32_t copy;
	value_t v = a->count ? a->position[a->count - 1] : 0;

	if (H->objects[o.b].kind == O_PROPERTY) {
		copy = object_new(H, O_PROPERTY, 0, 0);
		slot_set(H, copy, KEY("get"), slot_get(H, o.b, KEY("get")), false);
		slot_set(H, copy, KEY("set"), slot_get(H, o.b, KEY("set")), false);
		slot_set(H, copy, KEY(strcmp(name, "setter") == 0 ? "set" : strcmp(name, "getter") == 0 ?
			"get" : "del"), v, false);
		return value_of(H, copy);
	}
	site_target(f, node, name);
	last = last ? last + 1 : name;
	if (strcmp(last, "append") == 0 || strcmp(last, "add") == 0 || strcmp(last, "insert") == 0 || strcmp(last,
		"appendleft") == 0)
		slot_set(H, o.b, KEY("*"), v, true);
	else if (strcmp(last, "extend") == 0 && v)
		slot_set(H, o.b, KEY("*"), iterate(f, node, v), true);
	else if (strcmp(last, "update") == 0)
		for (uint32_t i = 0; i < value_count(H, v); i++)
			for (uint32_t s = H->objects[value_at(H, v, i)].slots; s; s = H->slots[s].next)
				slot_set(H, o.b, H->slots[s].key, H->slots[s].v, H->slots[s].key == KEY("*"));
	if (strcmp(last, "get") == 0 || strcmp(last, "pop") == 0 || strcmp(last, "setdefault") == 0) {
		value_t got = a->count ? slot_get(H, o.b, item_key(f, a->position[0])) : 0;

		got = got ? got : slots_join(H, o.b);
		return value_join(H, got, strcmp(last, "pop") != 0 && a->count > 1 ? v : 0);
	}
	if (strcmp(last, "values") == 0)
		return wrap(f, O_LIST, "*", slots_join(H, o.b));
	if (strcmp(last, "keys") == 0)
		return wrap(f, O_LIST, "*", slot_get(H, o.b, KEY("#keys")));
	if (strcmp(last, "items") == 0) {
		copy = object_new(H, O_TUPLE, 0, 2);
		slot_set(H, copy, KEY("i:0"), slot_get(H, o.b, KEY("#keys")), false);
		slot_set(H, copy, KEY("i:1"), slots_join(H, o.b), false);
		return wrap(f, O_LIST, "*", value_of(H, copy));
	}
	if (strcmp(last, "copy") == 0)
		return value_of(H, o.b);
	if (strcmp(last, "send") == 0)
		return slot_get(H, o.b, KEY("yield"));
	return unknown(f, "return_value");
}

static value_t take_attribute(struct frame *f, uint32_t node, const struct arguments *a)
{
	uint32_t key = a->count > 1 ? item_key(f, a->position[1]) : KEY("*");

	if (strncmp(H->texts[key], "s:", 2) == 0)
		return attribute_get(f, node, a->position[0], heap_textz(H, H->texts[key] + 2));
	return unknown(f, "getattr");
}

value_t builtin_call(struct frame *f, uint32_t node, uint32_t object, const struct arguments *a)
{
	struct object o = H->objects[object];
	const char *name = H->texts[o.a];
	value_t first = a->count ? a->position[0] : 0, v;
	uint32_t t;

	if (o.kind == O_METHOD)
		return method_of(f, node, o, a);
	if (strcmp(name, "#same") == 0)
		return first;
	site_target(f, node, name);
	name += strlen("<builtin>.");
	if (strcmp(name, "super") == 0)
		return super_make(f, a);
	if (strcmp(name, "property") == 0)
		return decorated(f, O_PROPERTY, a);
	if (strcmp(name, "staticmethod") == 0)
		return decorated(f, O_STATIC, a);
	if (strcmp(name, "classmethod") == 0)
		return decorated(f, O_CLASSMETHOD, a);
	if (strcmp(name, "getattr") == 0)
		return take_attribute(f, node, a);
	if (strcmp(name, "eval") == 0 || strcmp(name, "exec") == 0)
		site_reason(f, node, "eval_exec");
	if (strcmp(name, "setattr") == 0 && a->count > 2 && strncmp(H->texts[t = item_key(f, a->position[1])], "s:",
		2) == 0)
		attribute_set(f, node, first, heap_textz(H, H->texts[t] + 2), a->position[2]);
	for (uint32_t i = 0; i < a->named; i++)
		if (strcmp(H->texts[a->name[i]], "key") == 0)
			call_items(f, node, a->keyword[i], first ? iterate(f, node, first) : 0);
	if ((strcmp(name, "map") == 0 || strcmp(name, "filter") == 0) && a->count > 1) {
		v = call_items(f, node, first, iterate(f, node, a->position[1]));
		return wrap(f, O_LIST, "*", name[0] == 'm' ? v : iterate(f, node, a->position[1]));
	}
	if (strcmp(name, "next") == 0 || strcmp(name, "max") == 0 || strcmp(name, "min") == 0 || strcmp(name,
		"anext") == 0) {
		if (value_count(H, first) && H->objects[value_at(H, first, 0)].kind == O_INSTANCE)
			return method_call(f, node, value_at(H, first, 0), name[0] == 'n' ? "__next__" : "__iter__",
				&(struct arguments){ 0 });
		return iterate(f, node, first);
	}
	if (strcmp(name, "enumerate") == 0) {
		t = object_new(H, O_TUPLE, 0, 2);
		slot_set(H, t, KEY("i:1"), iterate(f, node, first), false);
		return wrap(f, O_LIST, "*", value_of(H, t));
	}
	if (strcmp(name, "list") == 0 || strcmp(name, "sorted") == 0 || strcmp(name, "tuple") == 0 || strcmp(name,
		"iter") == 0 ||
	    strcmp(name, "reversed") == 0 || strcmp(name, "set") == 0)
		return wrap(f, O_LIST, "*", first ? iterate(f, node, first) : 0);
	if (strcmp(name, "dict") == 0) {
		t = object_new(H, O_DICT, 0, 0);
		for (uint32_t i = 0; i < a->named; i++) {
			auto_free char *key = xasprintf("s:%s", H->texts[a->name[i]]);

			slot_set(H, t, KEY(key), a->keyword[i], false);
		}
		return value_of(H, t);
	}
	if (strcmp(name, "len") == 0 && value_count(H, first) && H->objects[value_at(H, first, 0)].kind == O_INSTANCE)
		method_call(f, node, value_at(H, first, 0), "__len__", &(struct arguments){ 0 });
	return unknown(f, "return_value");
}
