/* SPDX-License-Identifier: Apache-2.0 */
/* builtin.c - what the language's own functions call and give back, and those of node's modules. */
#include "audit/javascript/js.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_word(const char *const *list, const char *s, size_t n)
{
	for (; *list; list++)
		if (strlen(*list) == n && memcmp(*list, s, n) == 0)
			return true;
	return false;
}

bool js_is_global(const char *name, size_t n)
{
	static const char *const names[] = { "console", "Math", "JSON", "Object", "Array", "String", "Number", "Boolean",
		"Symbol", "BigInt", "Promise", "Map", "Set", "WeakMap", "WeakSet", "WeakRef", "FinalizationRegistry", "Date",
		"RegExp", "Error", "TypeError", "RangeError", "SyntaxError", "ReferenceError", "EvalError", "URIError",
		"AggregateError", "Function", "Proxy", "Reflect", "Intl", "ArrayBuffer", "SharedArrayBuffer", "DataView",
		"Atomics", "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array",
		"Uint32Array", "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array", "WebAssembly",
		"parseInt", "parseFloat", "isNaN", "isFinite", "encodeURI", "encodeURIComponent", "decodeURI",
		"decodeURIComponent", "escape", "unescape", "eval", "setTimeout", "setInterval", "setImmediate",
		"clearTimeout", "clearInterval", "clearImmediate", "queueMicrotask", "structuredClone", "fetch", "Request",
		"Response", "Headers", "URL", "URLSearchParams", "TextEncoder", "TextDecoder", "AbortController",
		"AbortSignal", "FormData", "Blob", "File", "FileReader", "XMLHttpRequest", "WebSocket", "Worker",
		"EventSource", "EventTarget", "Event", "CustomEvent", "MessageChannel", "BroadcastChannel", "process",
		"Buffer", "require", "performance", "crypto", "atob", "btoa", "document", "navigator", "location", "history",
		"localStorage", "sessionStorage", "alert", "confirm", "prompt", "requestAnimationFrame",
		"cancelAnimationFrame", "requestIdleCallback", "addEventListener", "removeEventListener", "postMessage",
		"getComputedStyle", "matchMedia", "MutationObserver", "IntersectionObserver", "ResizeObserver", "Image",
		"Audio", "Iterator", "__dirname", "__filename", NULL };

	return is_word(names, name, n);
}

/* Modules of node whose functions call what they are given. */
static bool is_core(const char *path)
{
	static const char *const modules[] = { "assert", "async_hooks", "buffer", "child_process", "cluster",
		"crypto", "dgram",
		"diagnostics_channel", "dns", "domain", "events", "fs", "fs/promises", "http", "http2", "https", "inspector",
		"module", "net", "os", "path", "perf_hooks", "process", "querystring", "readline",
			"readline/promises", "repl",
		"stream", "stream/promises", "string_decoder", "timers", "timers/promises", "tls", "tty", "url",
			"util", "v8",
		"vm", "worker_threads", "zlib", "test", "assert/strict", NULL };

	return is_word(modules, path, strcspn(path, "."));
}

static value_t native(struct frame *f, const char *type)
{
	return value_of(H, object_new(H, O_NATIVE, KEY(type), 0));
}

static value_t argument(const struct arguments *a, uint32_t i)
{
	return i < a->count ? a->v[i] : a->rest;
}

static value_t call_with(struct frame *f, uint32_t node, value_t function, value_t x, value_t y, value_t self)
{
	struct arguments b = { .v = { x, y, js_some_number(f) }, .count = x ? y ? 3 : 1 : 0 };
	value_t out = 0;

	/* what is no function here is passed over without a word: a callback may be left out */
	for (uint32_t i = 0; i < value_count(H, function); i++) {
		uint32_t o = value_at(H, function, i);

		if (js_is_callable(f, o) && H->objects[o].kind != O_CLASS)
			out = value_join(H, out, js_call_value(f, node, value_of(H, o), self ? self : value_of(H,
				OBJECT_NONE), &b));
	}
	return out;
}

static value_t pair(struct frame *f, value_t x, value_t y)
{
	uint32_t o = object_new(H, O_LIST, 0, 0);

	slot_set(H, o, KEY("0"), x, false);
	slot_set(H, o, KEY("1"), y, false);
	H->objects[o].b = 2;
	return value_of(H, o);
}

static value_t elements(struct frame *f, uint32_t o)
{
	value_t v = slots_join(H, o);

	return v ? v : js_unknown(f, "subscript");
}

static void push(struct frame *f, uint32_t o, const struct arguments *a)
{
	for (uint32_t i = 0; i < a->count; i++) {
		auto_free char *key = xasprintf("%u", H->objects[o].b);
		bool known = !slot_get(H, o, KEY("*")) && H->objects[o].b < 64;

		slot_set(H, o, known ? KEY(key) : KEY("*"), a->v[i], !known);
		H->objects[o].b += known;
	}
	if (a->rest)
		slot_set(H, o, KEY("*"), a->rest, true);
}

static value_t array_concat(struct frame *f, uint32_t o, const struct arguments *a)
{
	value_t items = slots_join(H, o);

	for (uint32_t i = 0; i < a->count; i++)
		for (uint32_t k = 0; k < value_count(H, a->v[i]); k++) {
			uint32_t x = value_at(H, a->v[i], k);

			items = value_join(H, items, H->objects[x].kind == O_LIST ? slots_join(H, x) : value_of(H, x));
		}
	return js_list_of(f, items);
}

/* Methods of arrays, o the array. 0: nothing is known of what comes back. */
static value_t array_call(struct frame *f, uint32_t node, const char *name, uint32_t o, const struct arguments *a)
{
	static const char *const each[] = { "forEach", "some", "every", "find", "findIndex", "findLast",
		"findLastIndex", NULL };
	static const char *const same[] = { "slice", "reverse", "sort", "toSorted", "toReversed", "fill", "splice",
		"toSpliced",
		"copyWithin", "with", NULL };
	static const char *const one[] = { "pop", "shift", "at", NULL };
	size_t n = strlen(name);
	value_t item, out;

	if (strcmp(name, "push") == 0 || strcmp(name, "unshift") == 0) {
		push(f, o, a);
		return js_some_number(f);
	}
	item = elements(f, o);
	if (is_word(each, name, n)) {
		call_with(f, node, argument(a, 0), item, js_some_number(f), argument(a, 1));
		return strncmp(name, "find", 4) == 0 && !strstr(name, "Index") ? item : js_some_number(f);
	}
	if (strcmp(name, "map") == 0 || strcmp(name, "flatMap") == 0) {
		out = call_with(f, node, argument(a, 0), item, js_some_number(f), argument(a, 1));
		return js_list_of(f, out ? name[0] == 'f' ? js_iterate(f, 0, out) : out : js_unknown(f, "return_value"));
	}
	if (strcmp(name, "filter") == 0) {
		call_with(f, node, argument(a, 0), item, js_some_number(f), argument(a, 1));
		return js_list_of(f, item);
	}
	if (strcmp(name, "reduce") == 0 || strcmp(name, "reduceRight") == 0) {
		value_t first = a->count > 1 ? a->v[1] : item;

		out = call_with(f, node, argument(a, 0), first, item, 0);
		return value_join(H, first, out);
	}
	if (strcmp(name, "concat") == 0)
		return array_concat(f, o, a);
	if (is_word(same, name, n)) {
		if (strcmp(name, "sort") == 0 || strcmp(name, "toSorted") == 0)
			call_with(f, node, argument(a, 0), item, item, 0);
		if (strcmp(name, "fill") == 0)
			slot_set(H, o, KEY("*"), argument(a, 0), true);
		return strcmp(name, "slice") == 0 ? js_list_of(f, item) : value_of(H, o);
	}
	if (is_word(one, name, n))
		return item;
	if (strcmp(name, "flat") == 0)
		return js_list_of(f, js_iterate(f, 0, item));
	if (strcmp(name, "entries") == 0)
		return js_list_of(f, pair(f, js_some_number(f), item));
	if (strcmp(name, "values") == 0)
		return js_list_of(f, item);
	return strcmp(name, "join") == 0 || strcmp(name, "toString") == 0 ? js_some_text(f) : js_some_number(f);
}

static value_t promise_call(struct frame *f, uint32_t node, const char *name, uint32_t o, const struct arguments *a)
{
	value_t v = slot_get(H, o, KEY("#value")), out;

	v = v ? v : js_unknown(f, "parameter");
	if (strcmp(name, "then") == 0) {
		out = call_with(f, node, argument(a, 0), v, 0, 0);
		out = value_join(H, out, call_with(f, node, argument(a, 1), js_unknown(f, "parameter"), 0, 0));
		return js_promise_of(f, out ? out : v);
	}
	if (strcmp(name, "catch") == 0)
		return js_promise_of(f, value_join(H, v, call_with(f, node, argument(a, 0), js_unknown(f,
			"parameter"), 0, 0)));
	call_with(f, node, argument(a, 0), 0, 0, 0);
	return js_promise_of(f, v);
}

static value_t keyed_call(struct frame *f, uint32_t node, const char *type, const char *name, uint32_t o,
			  const struct arguments *a)
{
	uint32_t keys[VALUE_TARGETS_MAX], n = a->count ? js_keys_of(f, a->v[0], keys) : 0;
	bool map = strstr(type, "Map") != NULL;
	value_t all = slots_join(H, o), v;

	if (strcmp(name, "set") == 0 || strcmp(name, "add") == 0) {
		v = argument(a, map ? 1 : 0);
		slot_set(H, o, n == 1 && map ? keys[0] : KEY("*"), v, n != 1 || !map);
		slot_set(H, o, KEY("#keys"), argument(a, 0), true);
		return value_of(H, o);
	}
	if (strcmp(name, "get") == 0) {
		v = n == 1 ? value_join(H, slot_get(H, o, keys[0]), slot_get(H, o, KEY("*"))) : all;
		return v ? v : js_unknown(f, "subscript");
	}
	if (strcmp(name, "forEach") == 0) {
		v = map ? slot_get(H, o, KEY("#keys")) : all;
		call_with(f, node, argument(a, 0), all ? all : js_unknown(f, "subscript"), v ? v : js_unknown(f,
			"subscript"), 0);
	}
	if (strcmp(name, "values") == 0)
		return js_list_of(f, all);
	if (strcmp(name, "keys") == 0)
		return js_list_of(f, map ? slot_get(H, o, KEY("#keys")) : all);
	if (strcmp(name, "entries") == 0)
		return js_list_of(f, pair(f, map ? slot_get(H, o, KEY("#keys")) : all, all));
	return js_some_number(f);
}

static value_t generator_call(struct frame *f, const char *name, uint32_t o)
{
	uint32_t result = object_new(H, O_DICT, 0, 0);

	(void)name;
	slot_set(H, result, KEY("value"), slot_get(H, o, KEY("#yield")), false);
	slot_set(H, result, KEY("done"), js_some_number(f), false);
	return value_of(H, result);
}

static value_t bind(struct frame *f, uint32_t function, const struct arguments *a)
{
	uint32_t o = object_new(H, O_PARTIAL, 0, 0);

	slot_set(H, o, KEY("#fn"), value_of(H, function), false);
	slot_set(H, o, KEY("#this"), argument(a, 0), false);
	for (uint32_t i = 1; i < a->count; i++) {
		auto_free char *key = xasprintf("%u", i - 1);

		slot_set(H, o, KEY(key), a->v[i], false);
		H->objects[o].b = i;
	}
	return value_of(H, o);
}

/* The items of a list as arguments. */
static struct arguments spread(struct frame *f, value_t list)
{
	struct arguments out = { 0 };
	uint32_t o = value_count(H, list) == 1 ? value_at(H, list, 0) : 0;

	for (uint32_t i = 0; H->objects[o].kind == O_LIST && i < H->objects[o].b && i < ARGUMENTS_MAX; i++) {
		auto_free char *key = xasprintf("%u", i);

		out.v[out.count++] = slot_get(H, o, KEY(key));
	}
	out.rest = H->objects[o].kind == O_LIST ? slot_get(H, o, KEY("*")) : list ? js_iterate(f, 0, list) : 0;
	return out;
}

static value_t function_call(struct frame *f, uint32_t node, const char *name, uint32_t o, const struct arguments *a)
{
	struct arguments b = { 0 };

	if (strcmp(name, "bind") == 0)
		return bind(f, o, a);
	if (strcmp(name, "apply") == 0) {
		b = spread(f, argument(a, 1));
	} else if (strcmp(name, "call") == 0) {
		b = *a;
		b.count = a->count ? a->count - 1 : 0;
		memmove(b.v, b.v + 1, (ARGUMENTS_MAX - 1) * sizeof(*b.v));
	} else {
		return js_some_text(f);
	}
	if (H->objects[o].kind == O_CLASS)
		return js_unknown(f, "return_value");
	return js_call_value(f, node, value_of(H, o), argument(a, 0), &b);
}

static value_t copy_into(struct frame *f, value_t to, const struct arguments *a)
{
	for (uint32_t i = 1; i < a->count; i++)
		for (uint32_t k = 0; k < value_count(H, a->v[i]); k++)
			for (uint32_t s = H->objects[value_at(H, a->v[i], k)].slots; s; s = H->slots[s].next)
				if (H->slots[s].v && H->texts[H->slots[s].key][0] != '#') {
					uint32_t key = H->slots[s].key;

					for (uint32_t t = 0; t < value_count(H, to); t++)
						js_home_set(f, H->slots[s].v, value_at(H, to, t));
					js_property_set(f, 0, to, key, H->slots[s].v);
				}
	return to;
}

static void define(struct frame *f, value_t object, uint32_t key, value_t description)
{
	static const char *const which[] = { "get", "set" };
	value_t v = js_property_get(f, 0, description, KEY("value"));

	for (uint32_t i = 0; i < value_count(H, object); i++) {
		for (int k = 0; k < 2; k++) {
			value_t fn = value_count(H, description) ? js_find(f, value_at(H, description, 0),
				KEY(which[k])) : 0;

			if (fn) {
				js_home_set(f, fn, value_at(H, object, i));
				js_accessor_set(f, value_at(H, object, i), key, which[k], fn);
				v = 0;
			}
		}
	}
	if (v)
		js_property_set(f, 0, object, key, v);
}

static value_t object_static(struct frame *f, const char *name, const struct arguments *a)
{
	value_t first = argument(a, 0), out = 0, of;
	uint32_t keys[VALUE_TARGETS_MAX], o;

	if (strcmp(name, "assign") == 0)
		return copy_into(f, first, a);
	if (strcmp(name, "create") == 0) {
		o = object_new(H, O_DICT, 0, 0);
		slot_set(H, o, KEY("#proto"), first, false);
		return value_of(H, o);
	}
	if (strcmp(name, "setPrototypeOf") == 0) {
		js_property_set(f, 0, first, KEY("__proto__"), argument(a, 1));
		return first;
	}
	if (strcmp(name, "getPrototypeOf") == 0)
		return js_property_get(f, 0, first, KEY("__proto__"));
	if (strcmp(name, "defineProperty") == 0) {
		if (js_keys_of(f, argument(a, 1), keys) == 1)
			define(f, first, keys[0], argument(a, 2));
		return first;
	}
	if (strcmp(name, "defineProperties") == 0) {
		of = argument(a, 1);
		for (uint32_t s = value_count(H, of) ? H->objects[value_at(H, of, 0)].slots : 0; s; s = H->slots[s].next)
			define(f, first, H->slots[s].key, H->slots[s].v);
		return first;
	}
	for (uint32_t i = 0; i < value_count(H, first); i++)
		out = value_join(H, out, slots_join(H, value_at(H, first, i)));
	out = out ? out : js_unknown(f, "subscript");
	if (strcmp(name, "values") == 0)
		return js_list_of(f, out);
	if (strcmp(name, "entries") == 0)
		return js_list_of(f, pair(f, js_some_text(f), out));
	if (strcmp(name, "keys") == 0 || strcmp(name, "getOwnPropertyNames") == 0)
		return js_list_of(f, js_some_text(f));
	if (strcmp(name, "fromEntries") == 0) {
		o = object_new(H, O_DICT, 0, 0);
		slot_set(H, o, KEY("*"), js_property_get(f, 0, js_iterate(f, 0, first), KEY("1")), true);
		return value_of(H, o);
	}
	return first ? first : js_some_number(f); /* freeze, seal … */
}

static value_t array_static(struct frame *f, uint32_t node, const char *name, const struct arguments *a)
{
	value_t item, out;
	uint32_t o;

	if (strcmp(name, "isArray") == 0)
		return js_some_number(f);
	if (strcmp(name, "of") == 0) {
		o = object_new(H, O_LIST, 0, 0);
		push(f, o, a);
		return value_of(H, o);
	}
	item = js_iterate(f, 0, argument(a, 0));
	out = a->count > 1 ? call_with(f, node, a->v[1], item, js_some_number(f), 0) : item;
	return js_list_of(f, out);
}

static value_t promise_static(struct frame *f, const char *name, const struct arguments *a)
{
	value_t first = argument(a, 0);

	if (strcmp(name, "resolve") == 0)
		return js_promise_of(f, first ? first : value_of(H, OBJECT_NONE));
	if (strcmp(name, "reject") == 0)
		return js_promise_of(f, js_unknown(f, "parameter"));
	if (strcmp(name, "all") == 0) {
		uint32_t from = value_count(H, first) == 1 ? value_at(H, first, 0) : 0, o = object_new(H, O_LIST, 0, 0);

		for (uint32_t s = H->objects[from].kind == O_LIST ? H->objects[from].slots : 0; s; s = H->slots[s].next)
			slot_set(H, o, H->slots[s].key, js_awaited(f, H->slots[s].v), false);
		H->objects[o].b = H->objects[from].kind == O_LIST ? H->objects[from].b : 0;
		if (H->objects[from].kind != O_LIST)
			slot_set(H, o, KEY("*"), js_awaited(f, js_iterate(f, 0, first)), true);
		return js_promise_of(f, value_of(H, o));
	}
	return js_promise_of(f, js_iterate(f, 0, first));
}

/* The function that an executor gets to settle its promise with. */
static value_t settle_call(struct frame *f, uint32_t promise, const struct arguments *a)
{
	slot_set(H, promise, KEY("#value"), js_awaited(f, argument(a, 0)), true);
	return value_of(H, OBJECT_NONE);
}

static value_t reflect_call(struct frame *f, uint32_t node, const char *name, const struct arguments *a)
{
	struct arguments b;
	uint32_t keys[VALUE_TARGETS_MAX];

	if (strcmp(name, "apply") == 0) {
		b = spread(f, argument(a, 2));
		return js_call_value(f, node, argument(a, 0), argument(a, 1), &b);
	}
	if (strcmp(name, "construct") == 0) {
		b = spread(f, argument(a, 1));
		return js_construct(f, node, argument(a, 0), &b);
	}
	if (strcmp(name, "get") == 0 && js_keys_of(f, argument(a, 1), keys) == 1)
		return js_property_get(f, node, argument(a, 0), keys[0]);
	if (strcmp(name, "set") == 0 && js_keys_of(f, argument(a, 1), keys) == 1)
		js_property_set(f, node, argument(a, 0), keys[0], argument(a, 2));
	return js_unknown(f, "outside_type");
}

/* Functions that call what they are given at some time: setTimeout, x.addEventListener … */
static bool is_scheduler(const char *last)
{
	static const char *const names[] = { "setTimeout", "setInterval", "setImmediate", "queueMicrotask", "nextTick",
		"requestAnimationFrame", "requestIdleCallback", "addEventListener", "on", "once", "addListener", "off",
		"prependListener", "prependOnceListener", "then", "catch", "finally", "listen", "forEach", "map", "filter",
		"reduce", "some", "every", "find", "findIndex", "sort", "replace", "replaceAll", "write", "end", "pipe",
		"parse", "stringify", "kill", "send", "exec", "run", "watch", NULL };

	return is_word(names, last, strlen(last)) && strcmp(last, "off") != 0;
}

static value_t text_result(struct frame *f, const char *last)
{
	static const char *const lists[] = { "split", "match", "matchAll", NULL };
	static const char *const numbers[] = { "length", "indexOf", "lastIndexOf", "search", "charCodeAt",
		"codePointAt", "includes",
		"startsWith", "endsWith", "localeCompare", "test", NULL };

	if (is_word(lists, last, strlen(last)))
		return js_list_of(f, js_some_text(f));
	return is_word(numbers, last, strlen(last)) ? js_some_number(f) : js_some_text(f);
}

/* What a builtin without a case of its own gives back. */
static value_t builtin_result(struct frame *f, const char *path, const char *last)
{
	static const char *const texts[] = { "String", "encodeURIComponent", "decodeURIComponent", "encodeURI", "decodeURI",
		"atob", "btoa", "escape", "unescape", NULL };
	static const char *const numbers[] = { "parseInt", "parseFloat", "isNaN", "isFinite", "Number", "Boolean",
		"BigInt", NULL };

	if (strncmp(path, "Math.", 5) == 0 || strcmp(path, "Date.now") == 0 || is_word(numbers, path, strlen(path)) ||
	    strncmp(path, "Number.is", 9) == 0)
		return js_some_number(f);
	if (is_word(texts, path, strlen(path)) || strcmp(path, "JSON.stringify") == 0 || strncmp(path, "String.", 7) == 0 ||
	    strncmp(path, "Number.to", 9) == 0)
		return js_some_text(f);
	if (strcmp(path, "fetch") == 0)
		return js_promise_of(f, native(f, "Response"));
	if (strcmp(path, "Symbol") == 0 || strcmp(path, "Symbol.for") == 0)
		return native(f, "Symbol");
	if (strncmp(path, "Buffer.", 7) == 0)
		return native(f, "Buffer");
	(void)last;
	return js_unknown(f, "outside_type");
}

static value_t method_call(struct frame *f, uint32_t node, const char *type, const char *name, uint32_t of,
			   const struct arguments *a)
{
	enum object_kind kind = H->objects[of].kind;

	if (kind == O_LIST)
		return array_call(f, node, name, of, a);
	if (kind == O_FUNCTION || kind == O_CLASS || kind == O_PARTIAL)
		return function_call(f, node, name, of, a);
	if (kind == O_GENERATOR && strcmp(name, "next") == 0)
		return generator_call(f, name, of);
	if (kind == O_NATIVE && strcmp(type, "Promise") == 0)
		return promise_call(f, node, name, of, a);
	if (kind == O_NATIVE && (strstr(type, "Map") || strstr(type, "Set")))
		return keyed_call(f, node, type, name, of, a);
	if (kind == O_NATIVE && strcmp(type, "#settle") == 0)
		return settle_call(f, H->objects[of].b, a);
	if (is_scheduler(name))
		js_callbacks_call(f, node, a, 0, js_unknown(f, "parameter"));
	if (kind == O_TEXT || kind == O_NUMBER || strcmp(type, "RegExp") == 0)
		return text_result(f, name);
	if (strcmp(type, "Response") == 0)
		return js_promise_of(f, js_unknown(f, "outside_type"));
	return js_unknown(f, "outside_type");
}

value_t js_builtin_call(struct frame *f, uint32_t node, uint32_t object, const struct arguments *a)
{
	struct object o = H->objects[object];
	auto_free char *whole = xstrdup(H->texts[o.a]);
	const char *path = strlen(whole) > 10 ? whole + 10 : "", *last = strrchr(path, '.');
	size_t type = strcspn(path, ".");

	last = last ? last + 1 : path;
	if (o.kind == O_METHOD) {
		auto_free char *name = xstrndup(path, type);

		if (strcmp(whole, "<builtin>.#settle.call") != 0 && !(H->objects[o.b].kind == O_FUNCTION ||
			H->objects[o.b].kind == O_PARTIAL) && strcmp(name, "#settle") != 0)
			js_site_target(f, node, whole);
		return method_call(f, node, name, last, o.b, a);
	}
	js_site_target(f, node, whole);
	if (strcmp(path, "eval") == 0 || strcmp(path, "Function") == 0 ||
	    (strcmp(path, "setTimeout") == 0 && a->count && value_count(H, a->v[0]) == 1 &&
	     H->objects[value_at(H, a->v[0], 0)].kind == O_TEXT)) {
		js_site_reason(f, node, REASON_eval_exec);
		return js_unknown(f, "eval_exec");
	}
	if (strncmp(path, "Object.", 7) == 0)
		return object_static(f, last, a);
	if (strncmp(path, "Array.", 6) == 0)
		return array_static(f, node, last, a);
	if (strncmp(path, "Promise.", 8) == 0)
		return promise_static(f, last, a);
	if (strncmp(path, "Reflect.", 8) == 0)
		return reflect_call(f, node, last, a);
	if (strcmp(path, "Array") == 0)
		return js_list_of(f, 0);
	if (strcmp(path, "structuredClone") == 0 || strcmp(path, "Object") == 0)
		return argument(a, 0);
	if (is_scheduler(last)) {
		struct arguments rest = { .v = { argument(a, 0) }, .count = 1 };

		if (strncmp(last, "set", 3) == 0 && a->count > 2) {
			call_with(f, node, argument(a, 0), a->v[2], a->count > 3 ? a->v[3] : 0, 0);
		} else {
			js_callbacks_call(f, node, a->count ? a : &rest, 0, js_unknown(f, "parameter"));
		}
	}
	return builtin_result(f, path, last);
}

static value_t promise_construct(struct frame *f, uint32_t node, const struct arguments *a)
{
	value_t out = native(f, "Promise"), settle;
	uint32_t promise = value_at(H, out, 0), o = object_new(H, O_NATIVE, KEY("#settle"), promise);

	settle = value_of(H, object_intern(H, O_METHOD, KEY("<builtin>.#settle.call"), o));
	call_with(f, node, argument(a, 0), settle, value_of(H, object_intern(H, O_METHOD, KEY("<builtin>.#settle.fail"),
		object_new(H, O_NATIVE, KEY("#settle"), object_new(H, O_DICT, 0, 0)))), 0);
	return out;
}

value_t js_builtin_construct(struct frame *f, uint32_t node, uint32_t object, const struct arguments *a)
{
	auto_free char *whole = xstrdup(H->texts[H->objects[object].a]);
	const char *path = strlen(whole) > 10 ? whole + 10 : "";
	value_t first = argument(a, 0), out, item;

	js_site_target(f, node, whole);
	if (strcmp(path, "Function") == 0)
		js_site_reason(f, node, REASON_eval_exec);
	if (strcmp(path, "Promise") == 0)
		return promise_construct(f, node, a);
	if (strcmp(path, "Array") == 0)
		return js_list_of(f, a->count > 1 ? first : 0);
	if (strcmp(path, "Object") == 0)
		return value_of(H, object_new(H, O_DICT, 0, 0));
	if (strcmp(path, "Proxy") == 0)
		return js_unknown(f, "getattr");
	out = native(f, path);
	if (first && (strcmp(path, "Map") == 0 || strcmp(path, "Set") == 0)) {
		item = js_iterate(f, 0, first);
		if (path[0] == 'M') {
			slot_set(H, value_at(H, out, 0), KEY("#keys"), js_property_get(f, 0, item, KEY("0")), true);
			item = js_property_get(f, 0, item, KEY("1"));
		}
		slot_set(H, value_at(H, out, 0), KEY("*"), item, true);
	}
	if (strstr(path, "Observer"))
		js_callbacks_call(f, node, a, 0, js_unknown(f, "parameter"));
	return out;
}

/* What a function of node's modules makes. */
static const char *core_result(const char *path)
{
	static const char *const made[][2] = {
		{ "http.createServer", "http.Server" }, { "https.createServer", "https.Server" },
		{ "net.createServer", "net.Server" }, { "net.connect", "net.Socket" },
		{ "net.createConnection", "net.Socket" }, { "http.request", "http.ClientRequest" },
		{ "http.get", "http.ClientRequest" }, { "https.request", "http.ClientRequest" },
		{ "https.get", "http.ClientRequest" }, { "fs.createReadStream", "fs.ReadStream" },
		{ "fs.createWriteStream", "fs.WriteStream" }, { "child_process.spawn", "child_process.ChildProcess" },
		{ "child_process.exec", "child_process.ChildProcess" }, { "child_process.fork",
			"child_process.ChildProcess" },
		{ "child_process.execFile", "child_process.ChildProcess" }, { "readline.createInterface",
			"readline.Interface" },
		{ "crypto.createHash", "crypto.Hash" }, { "crypto.createHmac", "crypto.Hmac" },
		{ "crypto.Hash.update", "crypto.Hash" }, { "dgram.createSocket", "dgram.Socket" },
		{ "events", "events.EventEmitter" },
	};

	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++)
		if (strcmp(made[i][0], path) == 0)
			return made[i][1];
	return NULL;
}

value_t js_external_call(struct frame *f, uint32_t node, uint32_t object, const struct arguments *a)
{
	auto_free char *path = xstrdup(H->texts[H->objects[object].a]);
	const char *last = strrchr(path, '.'), *made = is_core(path) ? core_result(path) : NULL;
	value_t first = argument(a, 0);

	js_site_target(f, node, path);
	if (strcmp(path, "util.promisify") == 0 || strcmp(path, "util.callbackify") == 0 || strcmp(path,
		"util.deprecate") == 0)
		return first ? first : js_unknown(f, "outside_type");
	if (strcmp(path, "util.inherits") == 0 && a->count > 1) {
		for (uint32_t i = 0; i < value_count(H, first); i++)
			for (uint32_t k = 0; k < value_count(H, a->v[1]); k++) {
				uint32_t x = value_at(H, first, i), y = value_at(H, a->v[1], k);

				if (H->objects[x].kind == O_FUNCTION || H->objects[x].kind == O_CLASS)
					js_property_set(f, 0, js_prototype_of(f, x), KEY("__proto__"),
						H->objects[y].kind == O_FUNCTION || H->objects[y].kind == O_CLASS ?
						js_prototype_of(f, y) : value_of(H, y));
			}
		return value_of(H, OBJECT_NONE);
	}
	if (is_core(path) || (last && is_scheduler(last + 1) && (strcmp(last, ".on") == 0 || strcmp(last, ".once") == 0 ||
		strcmp(last, ".addListener") == 0 || strcmp(last, ".addEventListener") == 0)))
		js_callbacks_call(f, node, a, 0, js_unknown(f, "parameter"));
	if (made)
		return value_of(H, object_intern(H, O_EXTERNAL, KEY(made), 0));
	return isupper((unsigned char)(last ? last[1] : path[0])) ? value_of(H, object) : js_unknown(f, "outside_type");
}
