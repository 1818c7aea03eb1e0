/* SPDX-License-Identifier: Apache-2.0 */
/* builtin.c - builtin names, and what calls of them do to values. */
#include "audit/python/frame.h"

#include "base/mem.h"

#include <string.h>


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

/* Once, for most names that are no variables are builtins. */
static void builtins_index(struct machine *m)
{
	for (size_t i = 0; builtins[i]; i++) {
		auto_free char *path = xasprintf("<builtin>.%s", builtins[i]);
		uint32_t name = heap_textz(&m->h, builtins[i]), text = heap_textz(&m->h, path);

		if (name >= m->builtin_count) {
			m->builtin_values = xreallocarray(m->builtin_values, name + 1, sizeof(*m->builtin_values));
			memset(m->builtin_values + m->builtin_count, 0,
			       (name + 1 - m->builtin_count) * sizeof(*m->builtin_values));
			m->builtin_count = name + 1;
		}
		m->builtin_values[name] = value_of(&m->h, object_intern(&m->h, O_BUILTIN, text, 0));
	}
}

value_t builtin_name(struct frame *f, uint32_t name)
{
	if (!f->m->builtin_values)
		builtins_index(f->m);
	if (name < f->m->builtin_count && f->m->builtin_values[name])
		return f->m->builtin_values[name];
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

static bool is_one_of(const char *name, const char *words)
{
	size_t n = strlen(name);

	for (const char *p = strstr(words, name); p; p = strstr(p + 1, name))
		if ((p == words || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
			return true;
	return false;
}

/* What d.get(key, default) and the like return; got: the item of that key. A key that is known to be missing is the
 * default, as long as all keys are known. */
static value_t default_join(struct frame *f, uint32_t o, value_t got, const char *method, const struct arguments *a)
{
	value_t other = a->count > 1 ? a->position[a->count - 1] : 0;
	bool pops = strncmp(method, "pop", 3) == 0, dict = H->objects[o].kind == O_DICT;
	bool known = a->count && item_key(f, a->position[0]) != KEY("*") && !slot_get(H, o, KEY("*"));

	if (got && dict && known && !H->objects[o].weak)
		return value_join(H, got, pops ? 0 : other);
	if (!got && dict && known && other && !pops)
		return other;
	return value_join(H, got ? got : slots_join(H, o), pops ? 0 : other);
}

static const char *const texts_methods = "join strip lstrip rstrip lower upper title replace format center ljust rjust "
	"removeprefix removesuffix capitalize";

/* Is nothing known of a method of a builtin type but its name? */
static bool is_plain_method(struct frame *f, uint32_t text, const char *last)
{
	uint32_t *answer = heap_memo(H, MEMO_PLAIN, text, 1);

	if (!*answer)
		*answer = is_one_of(last, "append add insert appendleft extend extendleft update get pop popleft setdefault "
			"values keys items copy send split rsplit splitlines") || is_one_of(last, texts_methods) ? 2 : 1;
	return *answer == 1;
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
	if (H->objects[o.b].kind == O_CLASS)
		return class_call(f, node, o.b, a); /* type.__call__ */
	site_target(f, node, o.a);
	last = last ? last + 1 : name;
	if (is_plain_method(f, o.a, last))
		return unknown(f, "return_value");
	if (strcmp(last, "append") == 0 || strcmp(last, "add") == 0 || strcmp(last, "insert") == 0 || strcmp(last,
		"appendleft") == 0)
		slot_set(H, o.b, KEY("*"), v, true);
	else if ((strcmp(last, "extend") == 0 || strcmp(last, "extendleft") == 0) && v)
		slot_set(H, o.b, KEY("*"), iterate(f, node, v), true);
	else if (strcmp(last, "update") == 0)
		for (uint32_t i = 0; i < value_count(H, v); i++)
			for (uint32_t s = H->objects[value_at(H, v, i)].slots; s; s = H->slots[s].next)
				slot_set(H, o.b, H->slots[s].key, H->slots[s].v, H->slots[s].key == KEY("*"));
	if (strcmp(last, "get") == 0 || strcmp(last, "pop") == 0 || strcmp(last, "popleft") == 0 ||
	    strcmp(last, "setdefault") == 0) {
		value_t got = a->count ? slot_get(H, o.b, item_key(f, a->position[0])) : 0;

		return default_join(f, o.b, got, last, a);
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
		return generator_send(f, o.b, v);
	if (H->objects[o.b].kind == O_TEXT && is_one_of(last, texts_methods))
		return some_text(f);
	if (H->objects[o.b].kind == O_TEXT && is_one_of(last, "split rsplit splitlines"))
		return wrap(f, O_LIST, "*", some_text(f));
	return unknown(f, "return_value");
}

static value_t take_attribute(struct frame *f, uint32_t node, const struct arguments *a)
{
	uint32_t key = a->count > 1 ? item_key(f, a->position[1]) : KEY("*");

	if (strncmp(H->texts[key], "s:", 2) == 0)
		return attribute_get(f, node, a->position[0], heap_textz(H, H->texts[key] + 2));
	return unknown(f, "getattr");
}

value_t dunder_call(struct frame *f, uint32_t node, value_t v, const char *method, const char *otherwise,
		    const struct arguments *a)
{
	value_t out = 0;

	for (uint32_t i = 0; i < value_count(H, v); i++) {
		uint32_t o = value_at(H, v, i), class_object = H->objects[o].a;
		const char *name = method;
		value_t found;

		if (H->objects[o].kind != O_INSTANCE)
			continue;
		found = class_find(f, class_object, KEY(name), 0);
		if (!found && otherwise)
			found = class_find(f, class_object, KEY(name = otherwise), 0);
		if (found && H->objects[value_at(H, found, 0)].kind != O_EXTERNAL)
			out = value_join(H, out, method_call(f, node, o, name, a));
	}
	return out;
}

/* Builtins that call a method of what they are handed. */
static const struct {
	const char *builtin, *method, *otherwise;
} asking[] = {
	{ "len", "__len__", NULL }, { "str", "__str__", "__repr__" }, { "repr", "__repr__", NULL },
	{ "print", "__str__", "__repr__" }, { "format", "__format__", "__str__" }, { "bool", "__bool__", "__len__" },
	{ "hash", "__hash__", NULL }, { "abs", "__abs__", NULL }, { "int", "__int__", "__index__" },
	{ "float", "__float__", NULL }, { "round", "__round__", NULL }, { "dir", "__dir__", NULL },
	{ "reversed", "__reversed__", NULL }, { "bytes", "__bytes__", NULL },
};

static void builtin_asks(struct frame *f, uint32_t node, const char *name, const struct arguments *a)
{
	for (size_t i = 0; i < sizeof(asking) / sizeof(*asking); i++)
		for (uint32_t k = 0; strcmp(asking[i].builtin, name) == 0 && k < a->count; k++)
			dunder_call(f, node, a->position[k], asking[i].method, asking[i].otherwise,
				    &(struct arguments){ 0 });
}

value_t class_of(struct frame *f, value_t v)
{
	value_t out = 0;

	for (uint32_t i = 0; i < value_count(H, v); i++) {
		const struct object *o = &H->objects[value_at(H, v, i)];

		out = value_join(H, out, o->kind == O_INSTANCE ? value_of(H, o->a) : unknown(f, "return_value"));
	}
	return out;
}

/* Builtins that are about functions, classes and attributes; 0: it is none of them. */
static value_t builtin_of_objects(struct frame *f, uint32_t node, const char *name, const struct arguments *a)
{
	value_t first = a->count ? a->position[0] : 0;
	uint32_t key = a->count > 1 ? item_key(f, a->position[1]) : 0;

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
	if (strcmp(name, "type") == 0 && a->count == 1)
		return class_of(f, first);
	if (is_one_of(name, "object.__new__ type.__new__") && value_count(H, first) == 1 &&
	    H->objects[value_at(H, first, 0)].kind == O_CLASS)
		return object_make(f, value_at(H, first, 0));
	if (is_one_of(name, "eval exec"))
		site_reason(f, node, "eval_exec");
	if (strcmp(name, "setattr") == 0 && a->count > 2 && strncmp(H->texts[key], "s:", 2) == 0)
		attribute_set(f, node, first, heap_textz(H, H->texts[key] + 2), a->position[2]);
	return 0;
}

static value_t dict_make(struct frame *f, const struct arguments *a)
{
	uint32_t o = object_new(H, O_DICT, 0, 0);

	for (uint32_t i = 0; i < a->named; i++)
		slot_set(H, o, heap_prefixed(H, PREFIX_ITEM, a->name[i]), a->keyword[i], false);
	return value_of(H, o);
}

/* Tuples of an item of each argument, of which the first `from` places are not known. */
static value_t tuples_of(struct frame *f, uint32_t node, const struct arguments *a, uint32_t from)
{
	uint32_t t = object_new(H, O_TUPLE, 0, a->count + from);

	for (uint32_t i = 0; i < a->count; i++)
		slot_set(H, t, heap_index(H, i + from), iterate(f, node, a->position[i]), false);
	return wrap(f, O_LIST, "*", value_of(H, t));
}

/* Builtins that go over items. */
static value_t builtin_of_items(struct frame *f, uint32_t node, const char *name, const struct arguments *a)
{
	value_t first = a->count ? a->position[0] : 0, v;

	if (is_one_of(name, "map filter") && a->count > 1) {
		v = call_items(f, node, first, iterate(f, node, a->position[1]));
		return wrap(f, O_LIST, "*", name[0] == 'm' ? v : iterate(f, node, a->position[1]));
	}
	if (is_one_of(name, "next anext")) {
		v = dunder_call(f, node, first, name[0] == 'n' ? "__next__" : "__anext__", NULL, &(struct arguments){ 0 });
		return v ? v : iterate(f, node, first);
	}
	if (strcmp(name, "enumerate") == 0)
		return tuples_of(f, node, &(struct arguments){ .count = a->count ? 1 : 0, .position = { first } }, 1);
	if (strcmp(name, "zip") == 0)
		return tuples_of(f, node, a, 0);
	if (is_one_of(name, "max min"))
		return a->count > 1 ? value_join(H, first, a->position[1]) : iterate(f, node, first);
	if (is_one_of(name, "sum any all"))
		return first ? iterate(f, node, first) : 0;
	if (strcmp(name, "iter") == 0 && a->count > 1) /* until it returns the second */
		return wrap(f, O_LIST, "*", call_value(f, node, first, &(struct arguments){ 0 }));
	if (is_one_of(name, "list sorted tuple iter reversed set frozenset"))
		return wrap(f, O_LIST, "*", first ? iterate(f, node, first) : 0);
	return 0;
}

/* Is nothing known of a builtin but its name? */
static bool is_plain(struct frame *f, uint32_t text)
{
	uint32_t *answer = heap_memo(H, MEMO_PLAIN, text, 0);
	const char *name = H->texts[text];

	if (*answer)
		return *answer == 1;
	name += str_starts(name, "<builtin>.") ? strlen("<builtin>.") : 0;
	*answer = name[0] != '#' && !is_one_of(name, "super property staticmethod classmethod getattr type object.__new__ "
		"type.__new__ eval exec setattr map filter next anext enumerate zip max min sum any all iter list sorted "
		"tuple reversed set frozenset dict str repr ascii format chr hex oct bin input len int ord hash id") ? 1 : 2;
	for (size_t i = 0; i < sizeof(asking) / sizeof(*asking); i++)
		if (strcmp(asking[i].builtin, name) == 0)
			*answer = 2;
	return *answer == 1;
}

value_t builtin_call(struct frame *f, uint32_t node, uint32_t object, const struct arguments *a)
{
	struct object o = H->objects[object];
	const char *name = H->texts[o.a];
	value_t first = a->count ? a->position[0] : 0, v;
	bool plain;

	if (o.kind == O_METHOD)
		return method_of(f, node, o, a);
	if (strcmp(name, "#same") == 0)
		return first;
	if (strcmp(name, "#dataclass") == 0) {
		dataclass_mark(f, first);
		return first;
	}
	site_target(f, node, H->objects[object].a);
	name += strlen("<builtin>.");
	plain = is_plain(f, o.a);
	v = plain ? 0 : builtin_of_objects(f, node, name, a);
	if (v)
		return v;
	for (uint32_t i = 0; i < a->named; i++)
		if (strcmp(H->texts[a->name[i]], "key") == 0)
			call_items(f, node, a->keyword[i], first ? iterate(f, node, first) : 0);
	if (plain)
		return unknown(f, "return_value");
	builtin_asks(f, node, name, a);
	v = builtin_of_items(f, node, name, a);
	if (v)
		return v;
	if (strcmp(name, "dict") == 0)
		return dict_make(f, a);
	if (is_one_of(name, "str repr ascii format chr hex oct bin input"))
		return some_text(f);
	if (is_one_of(name, "len int ord hash id"))
		return some_number(f);
	return unknown(f, "return_value");
}
