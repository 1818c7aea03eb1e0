/* SPDX-License-Identifier: Apache-2.0 */
/* module.c - which file an import names, what it exports, and the order in which everything is run. */
#include "audit/javascript/js.h"

#include "base/mem.h"
#include "base/path.h"

#include <stdlib.h>
#include <string.h>

#define REEXPORTS_MAX 16

static int source_find(const struct js *m, const char *path)
{
	uint32_t from = 0, to = m->x.source_count;

	while (from < to) {
		uint32_t middle = (from + to) / 2;
		int c = strcmp(path, m->x.sources[middle].file->path);

		if (c == 0)
			return (int)middle;
		if (c < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return -1;
}

/* path, path.js …, path/index.js …; where TypeScript writes ./a.js for a.ts, that. */
static int source_named(const struct js *m, const char *path)
{
	static const char *const endings[] = { "", ".js", ".ts", ".tsx", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".d.ts",
		"/index.js", "/index.ts", "/index.tsx", "/index.jsx", "/index.mjs", "/index.cjs", "/index.d.ts", NULL };
	static const char *const written[][3] = { { ".js", ".ts", ".tsx" }, { ".mjs", ".mts", "" }, { ".cjs", ".cts", "" },
		{ ".jsx", ".tsx", "" } };
	int found = -1;

	for (size_t i = 0; endings[i] && found < 0; i++) {
		auto_free char *whole = xasprintf("%s%s", path, endings[i]);

		found = source_find(m, whole);
	}
	for (size_t i = 0; found < 0 && i < sizeof(written) / sizeof(*written); i++) {
		size_t n = strlen(written[i][0]), length = strlen(path);

		for (size_t k = 1; k < 3 && found < 0 && length > n && str_ends(path, written[i][0]); k++) {
			auto_free char *whole = xasprintf("%.*s%s", (int)(length - n), path, written[i][k]);

			found = source_find(m, whole);
		}
	}
	return found;
}

/* dir + relative, with . and .. taken out; NULL: it leaves the root. */
static char *resolve(const char *dir, size_t n, const char *relative)
{
	auto_str out = STR_INIT;

	str_addn(&out, dir, n);
	for (const char *s = relative; *s;) {
		size_t part = strcspn(s, "/");

		if (part == 2 && memcmp(s, "..", 2) == 0) {
			const char *slash;

			if (!out.len)
				return NULL;
			slash = memrchr(out.data, '/', out.len);
			out.len = slash ? (size_t)(slash - out.data) : 0;
		} else if (part && !(part == 1 && *s == '.')) {
			if (out.len)
				str_addc(&out, '/');
			str_addn(&out, s, part);
		}
		s += part + (s[part] == '/');
	}
	return xstrndup(out.len ? out.data : "", out.len);
}

/* The audited file that a specifier names; -1: none. */
static int specifier_find(const struct js *m, uint32_t source, const char *specifier)
{
	const char *path = m->x.sources[source].file->path, *slash = strrchr(path, '/');
	auto_free char *whole = NULL;
	int found;

	if (specifier[0] == '.') {
		whole = resolve(path, slash ? (size_t)(slash - path) : 0, specifier);
		found = whole && *whole ? source_named(m, whole) : -1;
		if (found < 0 && whole && !*whole)
			found = source_named(m, "index");
		return found;
	}
	found = source_named(m, specifier[0] == '/' ? specifier + 1 : specifier);
	for (size_t i = 0; found < 0 && i < m->o->root_count; i++) {
		auto_free char *below = xasprintf("%s/%s", m->o->roots[i], specifier);

		found = source_named(m, below);
	}
	return found;
}

static value_t outside(struct frame *f, const char *specifier)
{
	if (strncmp(specifier, "node:", 5) == 0)
		specifier += 5;
	if (!*specifier || specifier[0] == '.' || specifier[0] == '/' || strncmp(specifier, "@/", 2) == 0 ||
	    specifier[0] == '~' || specifier[0] == '#')
		return js_unknown(f, "missing_import");
	return value_of(H, object_intern(H, O_EXTERNAL, KEY(specifier), 0));
}

/* module.exports of a CommonJS file. */
static value_t common_exports(struct frame *f, uint32_t source)
{
	return slot_get(H, f->m->modules[source].module, KEY("exports"));
}

static struct frame module_frame(struct js *m, uint32_t source)
{
	return (struct frame){ .m = m, .source = source, .def = m->x.sources[source].body, .env = m->modules[source].env };
}

value_t js_export_get(struct frame *f, uint32_t source, uint32_t name, int depth)
{
	struct js *m = f->m;
	struct frame of = module_frame(m, source);
	bool is_default = strcmp(H->texts[name], "default") == 0;
	uint32_t star = KEY("*");

	js_module_run(m, source);
	if (!m->modules[source].is_esm)
		return is_default ? common_exports(f, source) : js_property_get(f, 0, common_exports(f, source), name);
	for (uint32_t i = 0; i < m->export_count && depth < REEXPORTS_MAX; i++) {
		const struct js_export *e = &m->exports[i];
		int from;
		value_t v;

		if (e->source != source || (e->name != name && (e->name != star || is_default)))
			continue;
		if (e->binding)
			return js_binding_get(&of, e->binding - 1);
		from = specifier_find(m, source, H->texts[e->from]);
		if (e->name != name) {
			v = from >= 0 ? js_export_get(f, (uint32_t)from, name, depth + 1) : 0;
			if (from >= 0 && v != js_unknown(f, "attribute") && v != js_unknown(f, "missing_import"))
				return v;
			if (from < 0 && outside(f, H->texts[e->from]) != js_unknown(f, "missing_import"))
				return js_property_get(f, 0, outside(f, H->texts[e->from]), name);
			continue;
		}
		if (from < 0)
			return e->from_name == star ? outside(f, H->texts[e->from]) :
				js_property_get(f, 0, outside(f, H->texts[e->from]), e->from_name);
		if (e->from_name == star)
			return value_of(H, m->modules[from].env);
		return js_export_get(f, (uint32_t)from, e->from_name, depth + 1);
	}
	if (is_default && m->modules[source].fallback)
		return m->modules[source].fallback;
	return js_unknown(f, "missing_import");
}

static value_t import_value(struct frame *f, uint32_t from, uint32_t name)
{
	int source = specifier_find(f->m, f->source, H->texts[from]);
	const char *text = H->texts[name];

	if (source < 0)
		return strcmp(text, "*") == 0 || strcmp(text, "=") == 0 ? outside(f, H->texts[from]) :
			js_property_get(f, 0, outside(f, H->texts[from]), name);
	js_module_run(f->m, (uint32_t)source);
	if (strcmp(text, "=") == 0)
		return js_require_value(f, from);
	if (strcmp(text, "*") == 0)
		return f->m->modules[source].is_esm ? value_of(H, f->m->modules[source].env) :
			common_exports(f, (uint32_t)source);
	return js_export_get(f, (uint32_t)source, name, 0);
}

/* Modules may hand on to each other, round and round, what none of them has. */
value_t js_import_value(struct frame *f, uint32_t from, uint32_t name)
{
	value_t v;

	if (f->m->importing >= REEXPORTS_MAX)
		return js_unknown(f, "missing_import");
	f->m->importing++;
	v = import_value(f, from, name);
	f->m->importing--;
	return v;
}

value_t js_require_value(struct frame *f, uint32_t from)
{
	int source = specifier_find(f->m, f->source, H->texts[from]);
	value_t v;

	if (source < 0)
		return str_ends(H->texts[from], ".json") ? js_unknown(f, "outside_type") : outside(f, H->texts[from]);
	js_module_run(f->m, (uint32_t)source);
	if (!f->m->modules[source].is_esm)
		return common_exports(f, (uint32_t)source);
	v = slot_get(H, f->m->modules[source].module, KEY("exports"));
	if (v != slot_get(H, f->m->modules[source].module, KEY("#exports")))
		return v; /* export = x */
	return value_of(H, f->m->modules[source].env);
}

void js_modules_init(struct js *m)
{
	for (uint32_t i = 0; i < m->x.source_count; i++) {
		struct js_module *mod = &m->modules[i];
		uint32_t exports = object_new(&m->h, O_DICT, 0, 0);

		mod->env = object_new(&m->h, O_MODULE, i, 0);
		mod->module = object_new(&m->h, O_DICT, 0, 0);
		slot_set(&m->h, mod->module, heap_textz(&m->h, "exports"), value_of(&m->h, exports), false);
		slot_set(&m->h, mod->module, heap_textz(&m->h, "#exports"), value_of(&m->h, exports), false);
	}
}

void js_module_hoist(struct js *m, uint32_t source)
{
	struct frame own = module_frame(m, source), *f = &own;

	for (uint32_t c = m->x.sources[source].tree.count > 1 ? NODE(f, 1)->first : 0; c; c = NODE(f, c)->next) {
		uint32_t at = NODE(f, c)->kind == K_export_statement ? field(f, c, F_declaration) : c, name;

		if (!at || (NODE(f, at)->kind != K_function_declaration &&
			    NODE(f, at)->kind != K_generator_function_declaration))
			continue;
		name = field(f, at, F_name);
		if (name)
			js_name_set(f, name, value_of(H, js_function_make(f, at, 0)));
	}
}

/* What a file imports is run first. */
void js_module_run(struct js *m, uint32_t source)
{
	struct frame own = module_frame(m, source), *f = &own;

	if (m->modules[source].started)
		return;
	m->modules[source].started = true;
	if (m->x.sources[source].tree.count < 2)
		return;
	f->self = slot_get(H, m->modules[source].module, KEY("#exports"));
	for (uint32_t c = NODE(f, 1)->first; c; c = NODE(f, c)->next) {
		uint32_t from = NODE(f, c)->kind == K_import_statement || NODE(f, c)->kind == K_export_statement ?
			field(f, c, F_source) : 0;
		auto_str text = STR_INIT;
		int other = -1;

		if (from && syntax_literal(&m->x, source, from, &text))
			other = specifier_find(m, source, str_cstr(&text));
		if (other >= 0)
			js_module_run(m, (uint32_t)other);
	}
	js_block_run(f, 1);
	js_leaving_apply(f);
}

/* A function that nobody called: its parameters may be anything, but this is what it was defined on. */
static void run_uncalled(struct js *m, uint32_t def)
{
	const struct syntax_definition *d = &m->x.definitions[def];
	struct frame own = module_frame(m, d->source), *f = &own;
	struct js_state *state = &m->state[def];
	uint32_t o = state->object, home;
	value_t self = js_unknown(f, "attribute");

	/* made again since by a function that was called after all: with what that one was given */
	if (d->kind == SYNTAX_MODULE || !o || state->runs > state->alone || (state->runs && state->alone_object == o))
		return;
	if (d->kind == SYNTAX_CLASS) {
		state->alone = 1;
		state->alone_object = o;
		js_fields_run(m, o, value_of(H, js_open_instance(f, o)), false);
		return;
	}
	home = H->objects[o].c;
	if (home && H->objects[home].kind == O_DICT && H->objects[home].a)
		self = value_of(H, js_open_instance(f, H->objects[home].a));
	else if (home)
		self = value_of(H, home);
	state->alone++;
	state->alone_object = o;
	js_function_run(m, o, self, 0, &(struct arguments){ 0 }, true);
}

void js_run(struct js *m)
{
	js_modules_init(m);
	for (uint32_t i = 0; i < m->x.source_count; i++)
		js_module_hoist(m, i);
	for (uint32_t i = 0; i < m->x.source_count; i++)
		js_module_run(m, i);
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < m->x.definition_count; i++)
			run_uncalled(m, i);
}
