/* SPDX-License-Identifier: Apache-2.0 */
/* name.c - what a name holds: variables of functions and modules, imports, globals. */
#include "audit/javascript/js.h"

#include "base/mem.h"

#include <string.h>

/* The object that holds the variables of a definition, seen from here; 0: it is not around. */
static uint32_t env_of(struct frame *f, uint32_t definition)
{
	uint32_t env = f->env;

	while (env && H->objects[env].kind == O_ENV) {
		if (H->objects[env].a == definition)
			return env;
		env = H->objects[env].b;
	}
	if (f->m->x.definitions[definition].kind == SYNTAX_MODULE)
		return f->m->modules[f->m->x.definitions[definition].source].env;
	return 0;
}

value_t js_binding_get(struct frame *f, uint32_t binding)
{
	const struct syntax_binding *b = &f->m->x.bindings[binding];
	uint32_t env;
	value_t v;

	if (b->is_import && binding < f->m->import_cap && f->m->imports[binding].from) {
		struct frame of = { .m = f->m, .source = b->source, .def = f->m->x.sources[b->source].body };

		of.env = f->m->modules[b->source].env;
		return js_import_value(&of, f->m->imports[binding].from, f->m->imports[binding].name);
	}
	env = env_of(f, b->definition);
	v = env ? slot_get(H, env, binding + 1) : 0;
	return v ? v : js_unknown(f, b->is_parameter ? "parameter" : "attribute");
}

void js_binding_set(struct frame *f, uint32_t binding, value_t v)
{
	uint32_t env = env_of(f, f->m->x.bindings[binding].definition);

	if (env)
		slot_set(H, env, binding + 1, v, false);
}

static value_t arguments_object(struct frame *f)
{
	uint32_t o = object_new(H, O_LIST, 0, 0);

	for (uint32_t i = 0; f->args && i < f->args->count; i++) {
		auto_free char *key = xasprintf("%u", i);

		slot_set(H, o, KEY(key), f->args->v[i], false);
		H->objects[o].b = i + 1;
	}
	slot_set(H, o, KEY("*"), f->args && f->args->count ? f->args->rest : js_unknown(f, "parameter"), true);
	return value_of(H, o);
}

value_t js_global_get(struct frame *f, const char *name, size_t n)
{
	auto_free char *path = xasprintf("<builtin>.%.*s", (int)n, name);
	static const char *const globals[] = { "window", "global", "globalThis", "self", NULL };

	for (size_t i = 0; globals[i]; i++)
		if (strlen(globals[i]) == n && memcmp(globals[i], name, n) == 0)
			return value_of(H, object_intern(H, O_BUILTIN, KEY("<builtin>.globalThis"), 0));
	if (n == 9 && memcmp(name, "undefined", 9) == 0)
		return value_of(H, OBJECT_NONE);
	if ((n == 3 && memcmp(name, "NaN", 3) == 0) || (n == 8 && memcmp(name, "Infinity", 8) == 0))
		return js_some_number(f);
	if (n == 6 && memcmp(name, "module", 6) == 0)
		return value_of(H, f->m->modules[f->source].module);
	if (n == 7 && memcmp(name, "exports", 7) == 0)
		return slot_get(H, f->m->modules[f->source].module, KEY("#exports"));
	if (!js_is_global(name, n))
		return js_unknown(f, "missing_import");
	return value_of(H, object_intern(H, O_BUILTIN, KEY(path), 0));
}

value_t js_name_get(struct frame *f, uint32_t node)
{
	const struct syntax_binding *b = syntax_binding_of(&f->m->x, f->source, node);
	const struct tree_node *n = NODE(f, node);

	if (b)
		return js_binding_get(f, (uint32_t)(b - f->m->x.bindings));
	if (is_text(f, node, "arguments") && f->args)
		return arguments_object(f);
	return js_global_get(f, f->m->x.sources[f->source].file->text + n->start, n->end - n->start);
}

void js_name_set(struct frame *f, uint32_t node, value_t v)
{
	const struct syntax_binding *b = syntax_binding_of(&f->m->x, f->source, node);

	if (b)
		js_binding_set(f, (uint32_t)(b - f->m->x.bindings), v);
}
