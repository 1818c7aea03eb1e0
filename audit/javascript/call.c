/* SPDX-License-Identifier: Apache-2.0 */
/* call.c - what a call reaches, and what comes back. */
#include "audit/javascript/js.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define RUNS_MAX 24
#define DEPTH_MAX 40
/* Calls within calls, functions or not. */
#define NESTED_MAX 200

static struct syntax_site *site_of(struct frame *f, uint32_t node)
{
	struct js *m = f->m;
	enum tree_kind kind = NODE(f, node)->kind;
	uint32_t *at = &m->x.sources[f->source].link[node];

	if (!node || syntax_is_function(kind) || kind == K_identifier || kind == K_class || kind == K_class_declaration ||
	    kind == K_shorthand_property_identifier || kind == K_type_identifier || kind == K_abstract_class_declaration ||
	    kind == K_shorthand_property_identifier_pattern)
		return NULL; /* their link means something else */
	if (*at)
		return &m->sites[*at - 1];
	if (m->site_count == m->site_cap) {
		m->site_cap = m->site_cap ? m->site_cap * 2 : 256;
		m->sites = xreallocarray(m->sites, m->site_cap, sizeof(*m->sites));
	}
	*at = m->site_count + 1;
	m->sites[m->site_count] = (struct syntax_site){ .caller = f->def, .source = f->source, .node = node };
	return &m->sites[m->site_count++];
}

void js_site_target(struct frame *f, uint32_t node, const char *name)
{
	struct syntax_site *s = site_of(f, node);
	uint32_t text = text_ofz(&f->m->x.g->texts, name);

	for (uint32_t i = 0; s && i < s->count; i++)
		if (s->targets[i] == text)
			return;
	if (s && s->count < 2 * GRAPH_TARGETS_MAX)
		s->targets[s->count++] = text;
}

void js_site_reason(struct frame *f, uint32_t node, enum graph_reason reason)
{
	struct syntax_site *s = site_of(f, node);

	if (s)
		s->reason = s->reason ? s->reason : reason;
}

static value_t rest_list(struct frame *f, const struct arguments *a, uint32_t from, bool uncalled)
{
	uint32_t o = object_new(H, O_LIST, 0, 0);

	for (uint32_t k = 0; from + k < a->count; k++) {
		auto_free char *key = xasprintf("%u", k);

		slot_set(H, o, KEY(key), a->v[from + k], false);
		H->objects[o].b = k + 1;
	}
	slot_set(H, o, KEY("*"), uncalled ? js_unknown(f, "parameter") : a->rest, true);
	return value_of(H, o);
}

/* A parameter of TypeScript: its type says what it is where nobody is known to call; a modifier makes it a field. */
static void typed_parameter(struct frame *f, uint32_t node, value_t v, bool given)
{
	uint32_t pattern = field(f, node, F_pattern), value = field(f, node, F_value), type = field(f, node, F_type);
	value_t typed = !given && type ? js_typed_instance(f, type) : 0;
	bool property = false;

	if (!pattern || NODE(f, pattern)->kind == K_this)
		return;
	v = typed ? typed : v;
	if (value && !given)
		v = typed ? typed : js_expression(f, value);
	js_pattern_set(f, pattern, v);
	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next)
		property |= NODE(f, c)->kind == K_accessibility_modifier || NODE(f, c)->kind == K_override_modifier;
	property |= strncmp(syntax_at(&f->m->x, f->source, node), "readonly ", 9) == 0;
	if (property && NODE(f, pattern)->kind == K_identifier)
		js_property_set(f, 0, f->self, js_node_text(f, pattern), js_name_get(f, pattern));
}

/* Gives each parameter its value; `uncalled`: nobody is known to call it. */
static void parameters_bind(struct frame *f, uint32_t node, const struct arguments *a, bool uncalled)
{
	uint32_t list = field(f, node, F_parameters), one = field(f, node, F_parameter), i = 0;

	for (uint32_t c = one ? one : list ? NODE(f, list)->first : 0; c; c = one ? 0 : NODE(f, c)->next) {
		enum tree_kind kind = NODE(f, c)->kind;
		uint32_t pattern = field(f, c, F_pattern), rest = kind == K_rest_pattern ? c : 0;
		bool given = i < a->count || a->rest;
		value_t v;

		if (kind == K_TOKEN || kind == K_decorator || (pattern && NODE(f, pattern)->kind == K_this))
			continue;
		if (pattern && NODE(f, pattern)->kind == K_rest_pattern)
			rest = pattern;
		if (rest) {
			js_pattern_set(f, rest, rest_list(f, a, i, uncalled));
			continue;
		}
		v = i < a->count ? a->v[i] : a->rest ? a->rest : uncalled ? js_unknown(f, "parameter") : value_of(H,
			OBJECT_NONE);
		i++;
		if (kind == K_required_parameter || kind == K_optional_parameter)
			typed_parameter(f, c, v, given);
		else
			js_pattern_set(f, c, v);
	}
}

static value_t result_of(struct frame *f, const struct syntax_definition *d)
{
	value_t out = f->returned;
	uint32_t o;

	if (d->is_generator) {
		o = object_new(H, O_GENERATOR, 0, 0);
		slot_set(H, o, KEY("#yield"), js_awaited(f, f->yielded), true);
		return value_of(H, o);
	}
	out = out ? out : value_of(H, OBJECT_NONE);
	return d->is_async ? js_promise_of(f, out) : out;
}

/* A function expression's name is known within it. */
static void own_name(struct frame *f, uint32_t node, uint32_t function)
{
	enum tree_kind kind = NODE(f, node)->kind;
	uint32_t name = kind == K_function_expression || kind == K_generator_function ? field(f, node, F_name) : 0;

	if (name)
		js_name_set(f, name, value_of(H, function));
}

value_t js_function_run(struct js *m, uint32_t function, value_t self, uint32_t making, const struct arguments *a,
		     bool uncalled)
{
	struct object fn = m->h.objects[function];
	const struct syntax_definition *d = &m->x.definitions[fn.a];
	struct js_state *state = &m->state[fn.a];
	struct frame own = { .m = m, .source = d->source, .def = fn.a, .env = fn.b, .home = fn.c, .self = self,
		.making = making, .args = d->is_arrow ? NULL : a }, *f = &own;
	value_t out;

	if (state->runs >= RUNS_MAX || state->on_stack > 1 || m->depth > DEPTH_MAX || m->steps > m->max_steps || !d->body)
		return state->returned ? state->returned : js_unknown(f, d->body ? "return_value" : "attribute");
	state->runs++;
	state->on_stack++;
	m->depth++;
	f->env = object_new(H, O_ENV, fn.a, fn.b);
	if (d->is_arrow) {
		value_t of = slot_get(H, function, KEY("#making"));

		f->self = slot_get(H, function, KEY("#this"));
		f->making = value_count(H, of) ? value_at(H, of, 0) : 0;
	}
	own_name(f, d->node, function);
	parameters_bind(f, d->node, a, uncalled);
	if (NODE(f, d->body)->kind == K_statement_block)
		js_block_run(f, d->body);
	else
		f->returned = js_expression(f, d->body);
	js_leaving_apply(f);
	d = &m->x.definitions[fn.a];
	state = &m->state[fn.a];
	m->depth--;
	state->on_stack--;
	out = result_of(f, d);
	state->returned = value_join(H, state->returned, out);
	return out;
}

bool js_is_callable(struct frame *f, uint32_t object)
{
	switch (H->objects[object].kind) {
	case O_FUNCTION: case O_CLASS: case O_PARTIAL: case O_BUILTIN: case O_METHOD: case O_EXTERNAL: return true;
	default: return false;
	}
}

/* A function of bind(): #fn, #this and the first arguments. */
static value_t bound_call(struct frame *f, uint32_t node, uint32_t object, const struct arguments *a)
{
	struct arguments b = { .rest = a->rest };

	for (uint32_t i = 0; i < H->objects[object].b && b.count < ARGUMENTS_MAX; i++) {
		auto_free char *key = xasprintf("%u", i);

		b.v[b.count++] = slot_get(H, object, KEY(key));
	}
	for (uint32_t i = 0; i < a->count && b.count < ARGUMENTS_MAX; i++)
		b.v[b.count++] = a->v[i];
	return js_call_value(f, node, slot_get(H, object, KEY("#fn")), slot_get(H, object, KEY("#this")), &b);
}

static value_t call_one(struct frame *f, uint32_t node, uint32_t object, value_t self, const struct arguments *a)
{
	struct object o = H->objects[object];

	switch (o.kind) {
	case O_FUNCTION:
		js_site_target(f, node, f->m->x.definitions[o.a].name);
		return js_function_run(f->m, object, self, 0, a, false);
	case O_PARTIAL: return bound_call(f, node, object, a);
	case O_EXTERNAL: return js_external_call(f, node, object, a);
	case O_BUILTIN: case O_METHOD: return js_builtin_call(f, node, object, a);
	case O_UNKNOWN:
		js_site_reason(f, node, graph_reason_of(H->texts[o.a]));
		return js_unknown(f, "return_value");
	default:
		js_site_reason(f, node, REASON_attribute);
		return js_unknown(f, "return_value");
	}
}

value_t js_call_value(struct frame *f, uint32_t node, value_t callee, value_t self, const struct arguments *a)
{
	value_t out = 0;
	bool any = false;

	if (!callee)
		js_site_reason(f, node, REASON_attribute);
	if (f->m->nested > NESTED_MAX || f->m->steps > f->m->max_steps || value_count(H, callee) > VALUE_TARGETS_MAX) {
		js_site_reason(f, node, REASON_too_many_targets);
		return js_unknown(f, "return_value");
	}
	f->m->nested++;
	for (uint32_t i = 0; i < value_count(H, callee); i++)
		any |= js_is_callable(f, value_at(H, callee, i));
	for (uint32_t i = 0; i < value_count(H, callee); i++) {
		uint32_t o = value_at(H, callee, i);

		if (any && !js_is_callable(f, o) && H->objects[o].kind != O_UNKNOWN)
			continue; /* what is no function is not what is called */
		out = value_join(H, out, call_one(f, node, o, self, a));
	}
	f->m->nested--;
	return out ? out : js_unknown(f, "return_value");
}

void js_callbacks_call(struct frame *f, uint32_t node, const struct arguments *a, uint32_t from, value_t with)
{
	struct arguments b = { .v = { with, with, with }, .count = with ? 3 : 0 };

	for (uint32_t i = from; i < a->count; i++)
		for (uint32_t k = 0; k < value_count(H, a->v[i]); k++) {
			enum object_kind kind = H->objects[value_at(H, a->v[i], k)].kind;

			if (kind == O_FUNCTION || kind == O_PARTIAL)
				js_call_value(f, node, value_of(H, value_at(H, a->v[i], k)), value_of(H, OBJECT_NONE), &b);
		}
}

/* A constructor that is not in the sources: a class of an outside module or of the language, or nobody knows which. */
static void construct_outside(struct frame *f, uint32_t node, uint32_t object)
{
	const char *name = H->texts[H->objects[object].a];

	if (H->objects[object].kind == O_EXTERNAL) {
		auto_free char *path = xasprintf("%s.constructor", name);

		js_site_target(f, node, path);
	} else if (H->objects[object].kind == O_BUILTIN) {
		js_site_target(f, node, name);
	} else if (H->objects[object].kind == O_UNKNOWN) {
		js_site_reason(f, node, graph_reason_of(name));
	}
}

/* The constructor of a class or of the one that it inherits from runs on the instance. */
static void class_construct(struct frame *f, uint32_t node, uint32_t class_object, uint32_t instance,
			    const struct arguments *a, uint32_t depth)
{
	value_t own = slot_get(H, class_object, KEY("#constructor")), super = slot_get(H, class_object, KEY("#super"));

	if (depth > 16)
		return;
	if (own) {
		if (!super)
			js_fields_run(f->m, class_object, value_of(H, instance), false);
		for (uint32_t i = 0; i < value_count(H, own); i++) {
			js_site_target(f, node, f->m->x.definitions[H->objects[value_at(H, own, i)].a].name);
			js_function_run(f->m, value_at(H, own, i), value_of(H, instance), instance, a, false);
		}
		return;
	}
	for (uint32_t i = 0; i < value_count(H, super); i++) {
		uint32_t s = value_at(H, super, i);

		switch (H->objects[s].kind) {
		case O_CLASS: class_construct(f, node, s, instance, a, depth + 1); break;
		case O_FUNCTION:
			js_site_target(f, node, f->m->x.definitions[H->objects[s].a].name);
			js_function_run(f->m, s, value_of(H, instance), instance, a, false);
			break;
		default: construct_outside(f, node, s);
		}
	}
	js_fields_run(f->m, class_object, value_of(H, instance), false);
}

void js_super_construct(struct frame *f, uint32_t node, const struct arguments *a)
{
	uint32_t class_object = f->home ? H->objects[f->home].a : 0, s;
	value_t super = class_object && H->objects[class_object].kind == O_CLASS ? slot_get(H, class_object,
		KEY("#super")) : 0;
	uint32_t instance = f->making ? f->making : value_count(H, f->self) == 1 ? value_at(H, f->self, 0) : 0;

	if (!super || !instance)
		js_site_reason(f, node, REASON_attribute);
	for (uint32_t i = 0; instance && i < value_count(H, super); i++) {
		s = value_at(H, super, i);
		switch (H->objects[s].kind) {
		case O_CLASS: class_construct(f, node, s, instance, a, 1); break;
		case O_FUNCTION: call_one(f, node, s, value_of(H, instance), a); break;
		default: construct_outside(f, node, s);
		}
	}
	if (instance && class_object && H->objects[class_object].kind == O_CLASS)
		js_fields_run(f->m, class_object, value_of(H, instance), false);
}

/* new of a function: what it returns, where that is an object, else its instance. */
static value_t function_construct(struct frame *f, uint32_t node, uint32_t function, const struct arguments *a)
{
	uint32_t o = object_new(H, O_INSTANCE, function, INSTANCE_MADE);
	value_t made = value_of(H, o), out;

	js_prototype_of(f, function);
	js_site_target(f, node, f->m->x.definitions[H->objects[function].a].name);
	out = js_function_run(f->m, function, made, o, a, false);
	for (uint32_t i = 0; i < value_count(H, out); i++) {
		enum object_kind kind = H->objects[value_at(H, out, i)].kind;

		if (kind == O_INSTANCE || kind == O_DICT || kind == O_LIST || kind == O_FUNCTION || kind == O_NATIVE)
			made = value_join(H, made, value_of(H, value_at(H, out, i)));
	}
	return made;
}

value_t js_construct(struct frame *f, uint32_t node, value_t callee, const struct arguments *a)
{
	value_t out = 0;

	if (!callee)
		js_site_reason(f, node, REASON_attribute);
	if (f->m->nested > NESTED_MAX || f->m->steps > f->m->max_steps || value_count(H, callee) > VALUE_TARGETS_MAX) {
		js_site_reason(f, node, REASON_too_many_targets);
		return js_unknown(f, "return_value");
	}
	f->m->nested++;
	for (uint32_t i = 0; i < value_count(H, callee); i++) {
		uint32_t s = value_at(H, callee, i), o;
		value_t v;

		switch (H->objects[s].kind) {
		case O_CLASS:
			o = object_new(H, O_INSTANCE, s, INSTANCE_MADE);
			class_construct(f, node, s, o, a, 0);
			out = value_join(H, out, value_of(H, o));
			break;
		case O_FUNCTION: out = value_join(H, out, function_construct(f, node, s, a)); break;
		case O_PARTIAL:
			v = slot_get(H, s, KEY("#fn"));
			out = value_join(H, out, v && v != callee ? js_construct(f, node, v, a) : 0);
			break;
		case O_EXTERNAL:
			js_external_call(f, node, s, a);
			out = value_join(H, out, value_of(H, s));
			break;
		case O_BUILTIN: out = value_join(H, out, js_builtin_construct(f, node, s, a)); break;
		case O_UNKNOWN:
			js_site_reason(f, node, graph_reason_of(H->texts[H->objects[s].a]));
			out = value_join(H, out, js_unknown(f, "return_value"));
			break;
		default: break;
		}
	}
	f->m->nested--;
	return out ? out : js_unknown(f, "return_value");
}
