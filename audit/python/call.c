/* SPDX-License-Identifier: Apache-2.0 */
/* call.c - what a call reaches, and what comes back. */
#include "audit/python/frame.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 40
/* Calls within calls, functions or not: an instance may be its own __call__. */
#define NESTED_MAX 200

static struct call_site *site_of(struct frame *f, uint32_t node)
{
	struct machine *m = f->m;

	uint32_t *at = &m->node_site[f->source][node];

	if (*at)
		return &m->sites[*at - 1];
	if (m->site_count == m->site_cap) {
		m->site_cap = m->site_cap ? m->site_cap * 2 : 256;
		m->sites = xreallocarray(m->sites, m->site_cap, sizeof(*m->sites));
	}
	*at = m->site_count + 1;
	m->sites[m->site_count] = (struct call_site){ .caller = machine_owner(m, f->def), .source = f->source,
		.node = node };
	return &m->sites[m->site_count++];
}

void site_target(struct frame *f, uint32_t node, uint32_t text)
{
	struct call_site *s = site_of(f, node);

	for (uint32_t i = 0; i < s->target_count; i++)
		if (s->targets[i] == text)
			return;
	if (s->target_count < 2 * VALUE_TARGETS_MAX)
		s->targets[s->target_count++] = text;
}

void site_reason(struct frame *f, uint32_t node, const char *reason)
{
	struct call_site *s = site_of(f, node);

	s->reason = s->reason ? s->reason : reason;
}

/* Gives each parameter its value; `uncalled`: nobody is known to call it. */
static void bind_parameters(struct frame *f, uint32_t function, const struct arguments *a, bool uncalled)
{
	uint32_t list = node_field(f, f->m->defs[f->def].node, F_parameters), i = 0;
	bool used[16] = { false };

	for (uint32_t c = list ? NODE(f, list)->first : 0; c; c = NODE(f, c)->next) {
		uint32_t kind = NODE(f, c)->kind, field = node_field(f, c, F_name);
		uint32_t at = field ? field : kind == K_identifier ? c : NODE(f, c)->first;
		value_t v = 0;

		if (kind == K_keyword_separator || kind == K_positional_separator || !at)
			continue;
		if (kind == K_typed_parameter && NODE(f, at)->kind != K_identifier) {
			kind = NODE(f, at)->kind;
			at = NODE(f, at)->first;
		}
		uint32_t name = node_text(f, at), o;
		value_t type = slot_get(H, function, heap_prefixed(H, PREFIX_TYPE, name));

		if (kind == K_list_splat_pattern) {
			o = object_new(H, O_TUPLE, 0, 0);
			for (uint32_t k = 0; i < a->count; i++, k++) {
				slot_set(H, o, heap_index(H, k), a->position[i], false);
				H->objects[o].b = k + 1;
			}
			slot_set(H, o, KEY("*"), uncalled ? unknown(f, "parameter") : a->rest, true);
			v = value_of(H, o);
		} else if (kind == K_dictionary_splat_pattern) {
			o = object_new(H, O_DICT, 0, 0);
			for (uint32_t k = 0; k < a->named; k++)
				if (!used[k])
					slot_set(H, o, heap_prefixed(H, PREFIX_ITEM, a->name[k]), a->keyword[k], false);
			slot_set(H, o, KEY("*"), uncalled ? unknown(f, "parameter") : a->named_rest, true);
			v = value_of(H, o);
		} else {
			if (i < a->count)
				v = a->position[i++];
			for (uint32_t k = 0; k < a->named && !v; k++)
				if (a->name[k] == name) {
					v = a->keyword[k];
					used[k] = true;
				}
			v = v ? v : value_join(H, a->rest, a->named_rest);
			if (!v)
				v = slot_get(H, function, heap_prefixed(H, PREFIX_DEFAULT, name));
			if ((!v || uncalled) && !(a->count >= i && i && v)) {
				if (!type) /* a class that is defined after the function */
					type = annotation_classes(f, node_field(f, c, F_type));
				v = value_join(H, v, annotation_instances(f, type));
			}
			v = v ? v : unknown(f, "parameter");
		}
		slot_set(H, f->env, name, v, false);
	}
}

static void leave(struct frame *f)
{
	for (uint32_t i = 0; i < f->leaving_count; i++) {
		trail_apply(H, &f->leaving[i], true);
		free(f->leaving[i].v);
	}
	free(f->leaving);
}

/* What a function is called with. */
static uint32_t call_hash(uint32_t function, value_t sent, const struct arguments *a)
{
	uint32_t h = function * 0x9e3779b1u ^ a->rest * 31 ^ a->named_rest * 37 ^ sent * 41;

	for (uint32_t i = 0; i < a->count; i++)
		h = (h ^ a->position[i]) * 0x9e3779b1u;
	for (uint32_t i = 0; i < a->named; i++)
		h = (h ^ a->name[i] * 7 ^ a->keyword[i]) * 0x9e3779b1u;
	return h;
}

/* The same call again says little that is new, and what a function may cost is better spent on others. */
static bool was_run(const struct definition *d, uint32_t call)
{
	for (uint32_t i = 0; i < d->runs; i++)
		if (d->seen[i] == call)
			return true;
	return false;
}

/* It has no return, or what it returns is not known. */
static bool returns_nothing_known(const struct frame *f)
{
	for (uint32_t i = 0; i < value_count(H, f->returned); i++)
		if (H->objects[value_at(H, f->returned, i)].kind != O_UNKNOWN)
			return false;
	return true;
}

static value_t returned_by_type(struct frame *f, uint32_t node)
{
	value_t classes = annotation_classes(f, node_field(f, node, F_return_type));

	return classes ? annotation_instances(f, classes) : f->returned;
}

value_t function_run(struct frame *caller, uint32_t function, const struct arguments *a, bool uncalled)
{
	struct machine *m = caller->m;
	struct object fn = m->h.objects[function];
	struct definition *d = &m->defs[fn.a];
	struct frame own = { .m = m, .s = &m->sources[d->source], .source = d->source, .def = fn.a,
		.method_class = fn.c, .last_step = m->steps + m->options->max_steps }, *f = &own;
	uint32_t body = node_field(f, d->node, F_body), call = call_hash(function, d->sent, a);

	if ((d->runs && !uncalled && was_run(d, call)) || d->runs >= RUNS_MAX || d->on_stack > 1 ||
	    m->depth > DEPTH_MAX || m->steps > m->max_steps)
		return d->returned ? d->returned : unknown(f, "return_value");
	d->seen[d->runs++] = call;
	d->on_stack++;
	m->depth++;
	f->env = object_new(H, O_ENV, fn.a, fn.b);
	f->self = a->count ? a->position[0] : 0;
	bind_parameters(f, function, a, uncalled);
	if (d->kind == DEF_LAMBDA)
		f->returned = expression(f, body);
	else
		block_run(f, body);
	leave(f);
	d = &m->defs[fn.a];
	m->depth--;
	d->on_stack--;
	if (d->is_generator) {
		uint32_t o = object_new(H, O_GENERATOR, function, 0), of = object_new(H, O_TUPLE, 0, 0);

		slot_set(H, o, KEY("yield"), f->yielded, true);
		for (uint32_t i = 0; i < a->count; i++)
			slot_set(H, of, heap_index(H, i), a->position[i], false);
		H->objects[of].b = a->count;
		slot_set(H, o, KEY("#of"), value_of(H, of), false);
		f->returned = value_of(H, o);
	}
	if (returns_nothing_known(f))
		f->returned = returned_by_type(f, d->node);
	d = &m->defs[fn.a];
	d->returned = value_join(H, d->returned, f->returned);
	return f->returned ? f->returned : value_of(H, 0);
}

value_t generator_send(struct frame *f, uint32_t generator, value_t v)
{
	uint32_t function = H->objects[generator].a, yielded = KEY("yield");
	value_t of = slot_get(H, generator, KEY("#of")), made;
	struct arguments a = { .count = of ? H->objects[value_at(H, of, 0)].b : 0 };

	if (H->objects[generator].kind == O_GENERATOR && H->objects[function].kind == O_FUNCTION) {
		struct definition *d = &f->m->defs[H->objects[function].a];

		d->sent = value_join(H, d->sent, v);
		for (uint32_t i = 0; i < a.count; i++)
			a.position[i] = slot_get(H, value_at(H, of, 0), heap_index(H, i));
		made = function_run(f, function, &a, false);
		for (uint32_t i = 0; i < value_count(H, made); i++)
			if (H->objects[value_at(H, made, i)].kind == O_GENERATOR)
				slot_set(H, generator, yielded, slot_get(H, value_at(H, made, i), yielded), true);
	}
	return slot_get(H, generator, yielded);
}

static struct arguments with_first(value_t self, const struct arguments *a)
{
	struct arguments b = *a;

	b.count = a->count < 16 ? a->count + 1 : 16;
	memmove(b.position + 1, a->position, (b.count - 1) * sizeof(*b.position));
	b.position[0] = self;
	return b;
}

/* Is one class the other, or above it? */
static bool is_class_of(struct frame *f, uint32_t above, uint32_t class_object)
{
	const struct class_order *order = class_order(f, class_object);

	for (uint32_t i = 0; order && i < order->n; i++)
		if (order->v[i] == above)
			return true;
	return false;
}

value_t class_call(struct frame *f, uint32_t node, uint32_t class_object, const struct arguments *a)
{
	value_t maker = class_find(f, class_object, KEY("__new__"), 0), init, made = 0;
	uint32_t o;
	struct arguments b;

	if (maker && H->objects[value_at(H, maker, 0)].kind != O_FUNCTION)
		maker = 0; /* one from outside calls our __init__ as object's does */
	if (maker) {
		b = with_first(value_of(H, class_object), a);
		made = call_value(f, node, maker, &b);
	}
	if (value_count(H, made) == 1 && H->objects[value_at(H, made, 0)].kind == O_INSTANCE)
		o = value_at(H, made, 0);
	else
		o = object_new(H, O_INSTANCE, class_object, 0);
	if (!is_class_of(f, class_object, H->objects[o].a))
		return value_of(H, o); /* of another class: it is not initialised */
	init = class_find(f, class_object, KEY("__init__"), 0);
	if (init && (!maker || H->objects[value_at(H, init, 0)].kind != O_EXTERNAL)) {
		b = with_first(value_of(H, o), a);
		call_value(f, node, init, &b);
	}
	if (!init || H->objects[value_at(H, init, 0)].kind == O_EXTERNAL)
		made_init(f, node, class_object, o, a);
	return value_of(H, o);
}

/* C(…): its metaclass may answer. */
static value_t metaclass_call(struct frame *f, uint32_t node, uint32_t class_object, const struct arguments *a)
{
	uint32_t meta = metaclass_of(f, class_object);
	value_t v = meta ? class_find(f, meta, KEY("__call__"), 0) : 0;
	struct arguments b = with_first(value_of(H, class_object), a);

	if (v && H->objects[value_at(H, v, 0)].kind == O_FUNCTION)
		return call_value(f, node, v, &b);
	return class_call(f, node, class_object, a);
}

static bool is_function(struct frame *f, value_t v)
{
	return value_count(H, v) == 1 && H->objects[value_at(H, v, 0)].kind == O_FUNCTION;
}

/* A method of contextlib's stacks of context managers. */
static value_t stack_call(struct frame *f, uint32_t node, const char *method, const struct arguments *a)
{
	struct arguments b = *a;

	if (!a->count)
		return unknown(f, "return_value");
	if (strcmp(method, "enter_context") == 0 || strcmp(method, "enter_async_context") == 0)
		return with_enter(f, node, a->position[0]);
	if (strcmp(method, "callback") == 0 || strcmp(method, "push_async_callback") == 0) {
		b.count--;
		memmove(b.position, b.position + 1, b.count * sizeof(*b.position));
		call_value(f, node, a->position[0], &b);
	}
	return a->position[0];
}

/* Does nothing of Python's own library that is known here have a path that begins like this? */
static bool is_plain(struct frame *f, uint32_t path)
{
	static const char *const known[] = { "functools.", "dataclasses.", "collections.", "importlib.", "contextlib.",
		"enum.", "typing.", "atexit.", "abc.", "asyncio.", "weakref." };
	uint32_t *answer = heap_memo(H, MEMO_PLAIN, path, 0);

	if (!*answer) {
		*answer = 1;
		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
			if (str_starts(H->texts[path], known[i]))
				*answer = 2;
	}
	return *answer == 1;
}

static value_t external_default(struct frame *f, uint32_t object)
{
	const char *path = H->texts[H->objects[object].a], *last = strrchr(path, '.');

	return isupper((unsigned char)(last ? last[1] : path[0])) ? value_of(H, object) : unknown(f, "outside_type");
}

static value_t external_call(struct frame *f, uint32_t node, uint32_t object, const struct arguments *a)
{
	const char *path = H->texts[H->objects[object].a];
	uint32_t o;
	value_t v;

	site_target(f, node, H->objects[object].a);
	if (is_plain(f, H->objects[object].a))
		return external_default(f, object);
	if (strcmp(path, "functools.lru_cache") == 0 && a->count && is_function(f, a->position[0]))
		return a->position[0];
	if (strcmp(path, "functools.cached_property") == 0 && a->count)
		return call_value(f, node, builtin_name(f, KEY("property")), a);
	if (strcmp(path, "dataclasses.dataclass") == 0) {
		if (!a->count)
			return value_of(H, object_intern(H, O_BUILTIN, KEY("#dataclass"), 0));
		dataclass_mark(f, a->position[0]);
	}
	if (strcmp(path, "dataclasses.field") == 0)
		return field_make(f, a);
	if (strcmp(path, "functools.reduce") == 0 && a->count > 1) {
		value_t item = iterate(f, node, a->position[1]), so_far = a->count > 2 ? a->position[2] : item;

		return call_value(f, node, a->position[0], &(struct arguments){ .count = 2, .position = { so_far, item } });
	}
	if (strcmp(path, "functools.wraps") == 0 || strcmp(path, "functools.lru_cache") == 0)
		return value_of(H, object_intern(H, O_BUILTIN, KEY("#same"), 0));
	if (strcmp(path, "collections.namedtuple") == 0) {
		v = namedtuple_call(f, object, a);
		return v ? v : namedtuple_make(f, a);
	}
	if (strcmp(path, "importlib.import_module") == 0 && a->count == 1 &&
	    str_starts(H->texts[item_key(f, a->position[0])], "s:"))
		return import_module(f, H->texts[item_key(f, a->position[0])] + 2);
	if (str_starts(path, "contextlib.ExitStack.") || str_starts(path, "contextlib.AsyncExitStack."))
		return stack_call(f, node, strrchr(path, '.') + 1, a);
	v = container_make(f, node, path, a);
	if (v)
		return v;
	if ((strcmp(path, "functools.cache") == 0 || strcmp(path, "functools.total_ordering") == 0 ||
	     strcmp(path, "enum.unique") == 0 || strcmp(path, "typing.final") == 0 ||
	     strcmp(path, "typing.runtime_checkable") == 0 || strcmp(path, "atexit.register") == 0 ||
	     strcmp(path, "contextlib.asynccontextmanager") == 0 || strcmp(path, "contextlib.contextmanager") == 0 ||
	     strcmp(path, "abc.abstractmethod") == 0 || strcmp(path, "dataclasses.dataclass") == 0 ||
	     strcmp(path, "asyncio.run") == 0) && a->count)
		return a->position[0];
	if (strcmp(path, "functools.partial") == 0 && a->count) {
		o = object_new(H, O_PARTIAL, a->position[0], 0);
		for (uint32_t i = 1; i < a->count; i++) {
			slot_set(H, o, heap_index(H, i - 1), a->position[i], false);
			H->objects[o].b = i;
		}
		for (uint32_t i = 0; i < a->named; i++)
			slot_set(H, o, a->name[i], a->keyword[i], false);
		return value_of(H, o);
	}
	return external_default(f, object);
}

static value_t partial_call(struct frame *f, uint32_t node, uint32_t object, const struct arguments *a)
{
	struct arguments b = { 0 };

	for (uint32_t i = 0; i < H->objects[object].b; i++)
		b.position[b.count++] = slot_get(H, object, heap_index(H, i));
	for (uint32_t i = 0; i < a->count && b.count < 16; i++)
		b.position[b.count++] = a->position[i];
	for (uint32_t s = H->objects[object].slots; s && b.named < 16; s = H->slots[s].next)
		if (strncmp(H->texts[H->slots[s].key], "i:", 2) != 0) {
			b.name[b.named] = H->slots[s].key;
			b.keyword[b.named++] = H->slots[s].v;
		}
	for (uint32_t i = 0; i < a->named && b.named < 16; i++) {
		b.name[b.named] = a->name[i];
		b.keyword[b.named++] = a->keyword[i];
	}
	return call_value(f, node, H->objects[object].a, &b);
}

static value_t call_one(struct frame *f, uint32_t node, uint32_t object, const struct arguments *a)
{
	struct object o = H->objects[object];
	struct arguments b;
	value_t v;

	switch (o.kind) {
	case O_FUNCTION:
		site_target(f, node, f->m->defs[o.a].text);
		return function_run(f, object, a, false);
	case O_BOUND:
		b = with_first(value_of(H, o.b), a);
		return call_value(f, node, value_of(H, o.a), &b);
	case O_CLASS: return metaclass_call(f, node, object, a);
	case O_INSTANCE:
		v = class_find(f, o.a, KEY("__call__"), 0);
		b = with_first(value_of(H, object), a);
		if (v)
			return call_value(f, node, v, &b);
		site_reason(f, node, "attribute");
		return unknown(f, "return_value");
	case O_EXTERNAL: return external_call(f, node, object, a);
	case O_PARTIAL: return partial_call(f, node, object, a);
	case O_BUILTIN: case O_METHOD: return builtin_call(f, node, object, a);
	case O_UNKNOWN:
		site_reason(f, node, H->texts[o.a]);
		return unknown(f, "return_value");
	default:
		site_reason(f, node, "return_value");
		return unknown(f, "return_value");
	}
}

value_t call_value(struct frame *f, uint32_t node, value_t callee, const struct arguments *a)
{
	value_t out = 0;

	if (!callee)
		site_reason(f, node, "attribute");
	if (f->m->nested > NESTED_MAX || f->m->steps > f->m->max_steps || f->m->steps > f->last_step) {
		site_reason(f, node, "too_many_targets");
		return unknown(f, "return_value");
	}
	if (value_count(H, callee) > VALUE_TARGETS_MAX) {
		site_reason(f, node, "too_many_targets");
		return unknown(f, "return_value");
	}
	f->m->nested++;
	for (uint32_t i = 0; i < value_count(H, callee); i++)
		out = value_join(H, out, call_one(f, node, value_at(H, callee, i), a));
	f->m->nested--;
	return out ? out : unknown(f, "return_value");
}
