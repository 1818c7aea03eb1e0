/* SPDX-License-Identifier: Apache-2.0 */
/* define.c - the scopes of a source, what is declared in them, the functions and classes with their names, and what
 * each name
 * means. Two walks: a name may be used before it is declared. */
#include "audit/javascript/scope.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void walk_node(struct walk *w, uint32_t node, struct place at);

static struct js_import *import_of(struct js *m, uint32_t binding)
{
	if (binding >= m->import_cap) {
		uint32_t cap = binding * 2 + 64;

		m->imports = xreallocarray(m->imports, cap, sizeof(*m->imports));
		memset(m->imports + m->import_cap, 0, (cap - m->import_cap) * sizeof(*m->imports));
		m->import_cap = cap;
	}
	return &m->imports[binding];
}

static char *join(const char *prefix, const char *s, size_t n)
{
	return xasprintf("%s.%.*s", prefix, (int)n, s);
}

/* Another one of a name that can be reached, too, is name@2. */
static char *unique(struct js *m, char *name, bool again)
{
	uint32_t text = heap_textz(&m->h, name);
	char *out;

	if (text >= m->name_cap) {
		uint32_t cap = text * 2 + 256;

		m->names = xreallocarray(m->names, cap, sizeof(*m->names));
		memset(m->names + m->name_cap, 0, (cap - m->name_cap) * sizeof(*m->names));
		m->name_cap = cap;
	}
	if (m->names[text]++ == 0 || again)
		return name;
	out = xasprintf("%s@%u", name, m->names[text]);
	free(name);
	return out;
}

static bool has_token(const struct walk *w, uint32_t node, uint32_t before, const char *word)
{
	for (uint32_t c = node_of(w, node)->first; c && c != before; c = node_of(w, c)->next)
		if (node_of(w, c)->kind == K_TOKEN && text_is(w, c, word))
			return true;
	return false;
}

/* What stands before a method's name: static, get, set, *. */
static bool has_word(const struct walk *w, uint32_t node, uint32_t name, const char *word)
{
	uint32_t from = node_of(w, node)->start, to = node_of(w, name)->start;
	const char *text = w->m->x.sources[w->source].file->text;
	size_t n = strlen(word);

	for (uint32_t c = node_of(w, node)->first; c && c != name; c = node_of(w, c)->next)
		if (node_of(w, c)->kind == K_decorator)
			from = node_of(w, c)->end;
	for (; from + n <= to; from++)
		if (memcmp(text + from, word, n) == 0 && (n == 1 || from + n == to ||
			!isalnum((unsigned char)text[from + n])))
			return true;
	return false;
}

static void parameters_declare(struct walk *w, uint32_t function, uint32_t scope)
{
	uint32_t list = field_of(w, function, F_parameters), one = field_of(w, function, F_parameter), names[64], n = 0;

	if (one)
		names[n++] = one;
	for (uint32_t c = list ? node_of(w, list)->first : 0; c && n < 64; c = node_of(w, c)->next) {
		uint32_t pattern = field_of(w, c, F_pattern);

		names[n++] = pattern ? pattern : c;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t left = node_of(w, names[i])->kind == K_assignment_pattern ? field_of(w, names[i], F_left) :
			names[i];

		if (left && node_of(w, left)->kind == K_identifier) {
			uint32_t b = js_scope_declare(w, scope, left, GRAPH_NONE);

			w->m->x.bindings[b].is_parameter = true;
		}
	}
	for (uint32_t i = 0; i < n; i++)
		js_scope_declare_pattern(w, names[i], scope, GRAPH_NONE);
}

static bool is_anonymous(enum tree_kind kind)
{
	return kind == K_arrow_function || kind == K_function_expression || kind == K_generator_function;
}

/* The name of a function: its own, the one it is given where it is written, or lambda and a number. */
static char *function_name(struct walk *w, uint32_t node, const struct place *at)
{
	uint32_t name = field_of(w, node, F_name);
	struct syntax_definition *d = &w->m->x.definitions[at->def];

	if (name) {
		const char *s = syntax_at(&w->m->x, w->source, name);
		size_t n = syntax_length(&w->m->x, w->source, name);

		if (node_of(w, name)->kind == K_string && n > 2)
			return join(at->prefix, s + 1, n - 2);
		return join(at->prefix, s, n);
	}
	if (at->hint)
		return join(at->prefix, at->hint, strlen(at->hint));
	return xasprintf("%s.<lambda%u>", d->name, ++d->lambdas);
}

static void function_define(struct walk *w, uint32_t node, struct place at)
{
	enum tree_kind kind = node_of(w, node)->kind;
	uint32_t name = field_of(w, node, F_name), body = field_of(w, node, F_body), scope = at.scope, own;
	struct syntax_definition d = { .source = w->source, .node = node, .body = body, .parent = at.def,
		.kind = kind == K_method_definition ? SYNTAX_METHOD : !name && !at.hint ? SYNTAX_LAMBDA : SYNTAX_FUNCTION,
		.is_arrow = kind == K_arrow_function };
	bool declaration = kind == K_function_declaration || kind == K_generator_function_declaration, again = false;

	d.is_async = has_token(w, node, name ? name : body, "async");
	d.is_generator = kind == K_generator_function || kind == K_generator_function_declaration ||
			 (kind == K_method_definition && name && has_word(w, node, name, "*"));
	d.is_static = kind == K_method_definition && name && has_word(w, node, name, "static");
	if (name && declaration) {
		again = w->hash_cap && js_scope_lookup(w, at.scope, name_of(w, name)) != 0;
		js_scope_declare(w, at.scope, name, GRAPH_NONE);
	}
	d.name = unique(w->m, function_name(w, node, &at), again);
	own = syntax_definition_add(&w->m->x, d);
	w->m->x.sources[w->source].link[node] = own + 1;
	if (name && is_anonymous(kind)) { /* its own name is seen within it alone */
		scope = js_scope_add(w, name, scope, own, false);
		js_scope_declare(w, scope, name, GRAPH_NONE);
	}
	scope = js_scope_add(w, node, scope, own, false);
	parameters_declare(w, node, scope);
	auto_free char *prefix = xstrdup(d.name);

	for (uint32_t c = node_of(w, node)->first; c; c = node_of(w, c)->next) {
		struct place inner = { .scope = scope, .def = own, .prefix = prefix };

		if (c == name && node_of(w, c)->kind != K_computed_property_name)
			continue;
		if (node_of(w, c)->kind == K_decorator || c == name)
			walk_node(w, c, (struct place){ .scope = at.scope, .def = at.def, .prefix = at.prefix });
		else if (c == body && node_of(w, c)->kind == K_statement_block)
			for (uint32_t k = node_of(w, c)->first; k; k = node_of(w, k)->next)
				walk_node(w, k, inner);
		else
			walk_node(w, c, inner);
	}
}

static void class_define(struct walk *w, uint32_t node, struct place at)
{
	uint32_t name = field_of(w, node, F_name), body = field_of(w, node, F_body), own, scope;
	struct syntax_definition d = { .kind = SYNTAX_CLASS, .source = w->source, .node = node, .body = body,
		.parent = at.def };

	if (name)
		d.name = join(at.prefix, syntax_at(&w->m->x, w->source, name), syntax_length(&w->m->x, w->source, name));
	else if (at.hint)
		d.name = join(at.prefix, at.hint, strlen(at.hint));
	else
		d.name = xasprintf("%s.<class%u>", at.prefix, node_of(w, node)->line);
	d.name = unique(w->m, d.name, false);
	own = syntax_definition_add(&w->m->x, d);
	w->m->x.sources[w->source].link[node] = own + 1;
	if (name && node_of(w, node)->kind != K_class)
		js_scope_declare(w, at.scope, name, GRAPH_NONE);
	scope = js_scope_add(w, node, at.scope, at.def, true);
	if (name && node_of(w, node)->kind == K_class)
		js_scope_declare(w, scope, name, GRAPH_NONE);
	auto_free char *prefix = xstrdup(d.name);

	for (uint32_t c = node_of(w, node)->first; c; c = node_of(w, c)->next) {
		struct place around = { .scope = scope, .def = at.def, .prefix = at.prefix };

		if (c != body) {
			if (c != name)
				walk_node(w, c, around);
			continue;
		}
		around.prefix = prefix;
		for (uint32_t k = node_of(w, c)->first; k; k = node_of(w, k)->next)
			walk_node(w, k, around);
	}
}

/* The words of "a.b.c" behind what a definition's name has already: of X.prototype.m "X.m", of exports.f and this.f "f". */
static bool chain_hint(struct walk *w, uint32_t node, struct str *out)
{
	uint32_t object, property;

	if (!syntax_member(&w->m->x, w->source, node, &object, &property)) {
		if (node_of(w, node)->kind == K_this || text_is(w, node, "module"))
			return true;
		if (node_of(w, node)->kind != K_identifier)
			return false;
		if (!text_is(w, node, "exports"))
			str_addn(out, syntax_at(&w->m->x, w->source, node), syntax_length(&w->m->x, w->source, node));
		return true;
	}
	if (!chain_hint(w, object, out))
		return false;
	if (text_is(w, property, "prototype") || text_is(w, property, "exports"))
		return true;
	if (out->len)
		str_addc(out, '.');
	str_addn(out, syntax_at(&w->m->x, w->source, property), syntax_length(&w->m->x, w->source, property));
	return out->len < 200;
}

/* What is assigned to this.m in a method or constructor function is a method of the class. */
static const char *method_prefix(struct walk *w, const struct place *at, uint32_t left, char **made)
{
	uint32_t object, property;
	const struct syntax_definition *d = &w->m->x.definitions[at->def];

	if (!syntax_member(&w->m->x, w->source, left, &object, &property) || node_of(w, object)->kind != K_this ||
	    d->kind != SYNTAX_METHOD)
		return at->prefix;
	*made = xstrndup(d->name, (size_t)(strrchr(d->name, '.') - d->name));
	return *made;
}

static void value_walk(struct walk *w, uint32_t node, struct place at, const char *hint, size_t n)
{
	auto_free char *text = hint ? xstrndup(hint, n) : NULL;

	at.hint = text;
	if (node)
		walk_node(w, node, at);
}

static void named_walk(struct walk *w, uint32_t value, struct place at, uint32_t name)
{
	bool plain = name && (node_of(w, name)->kind == K_identifier || node_of(w, name)->kind == K_property_identifier ||
		node_of(w, name)->kind == K_private_property_identifier || node_of(w, name)->kind == K_number ||
		node_of(w, name)->kind == K_string);
	const char *s = plain ? syntax_at(&w->m->x, w->source, name) : NULL;
	size_t n = plain ? syntax_length(&w->m->x, w->source, name) : 0;

	if (plain && node_of(w, name)->kind == K_string && n > 2) {
		s++;
		n -= 2;
	}
	value_walk(w, value, at, s, n);
}

static bool is_require(const struct walk *w, uint32_t node)
{
	uint32_t object, property, function;

	while (node && syntax_member(&w->m->x, w->source, node, &object, &property))
		node = object;
	function = node && node_of(w, node)->kind == K_call_expression ? field_of(w, node, F_function) : 0;
	return function && text_is(w, function, "require");
}

static void mark_imports(struct walk *w, uint32_t node)
{
	const struct tree_node *n = node_of(w, node);
	uint32_t i = w->m->x.sources[w->source].link[node];

	if ((n->kind == K_identifier || n->kind == K_shorthand_property_identifier_pattern) && i)
		w->m->x.bindings[i - 1].is_import = true;
	for (uint32_t c = n->first; c; c = node_of(w, c)->next)
		mark_imports(w, c);
}

static void declarator_walk(struct walk *w, uint32_t node, struct place at)
{
	uint32_t name = field_of(w, node, F_name), value = field_of(w, node, F_value);
	uint32_t scope = at.is_var ? w->scopes[at.scope].function : at.scope;

	at.is_var = false;
	if (!name)
		return;
	js_scope_declare_pattern(w, name, scope, value);
	if (value && is_require(w, value))
		mark_imports(w, name);
	if (node_of(w, name)->kind != K_identifier)
		walk_node(w, name, at);
	named_walk(w, value, at, name);
}

static void import_declare(struct walk *w, uint32_t local, uint32_t from, uint32_t name, uint32_t scope)
{
	uint32_t b = js_scope_declare(w, scope, local, GRAPH_NONE);

	w->m->x.bindings[b].is_import = true;
	*import_of(w->m, b) = (struct js_import){ from, name };
}

static uint32_t specifier_of(struct walk *w, uint32_t node)
{
	auto_str text = STR_INIT;

	if (!node || !syntax_literal(&w->m->x, w->source, node, &text))
		return 0;
	return heap_text(&w->m->h, str_cstr(&text), text.len);
}

static uint32_t quoted_name(struct walk *w, uint32_t node)
{
	return node_of(w, node)->kind == K_string ? specifier_of(w, node) : name_of(w, node);
}

static void import_walk(struct walk *w, uint32_t node, uint32_t scope)
{
	uint32_t from = specifier_of(w, field_of(w, node, F_source));

	w->m->modules[w->source].is_esm = true;
	for (uint32_t c = node_of(w, node)->first; c; c = node_of(w, c)->next) {
		if (node_of(w, c)->kind == K_import_require_clause) {
			uint32_t local = node_of(w, c)->first;

			from = specifier_of(w, field_of(w, c, F_source));
			if (local && from)
				import_declare(w, local, from, heap_textz(&w->m->h, "="), scope);
			continue;
		}
		if (node_of(w, c)->kind != K_import_clause || !from)
			continue;
		for (uint32_t k = node_of(w, c)->first; k; k = node_of(w, k)->next) {
			enum tree_kind kind = node_of(w, k)->kind;

			if (kind == K_identifier)
				import_declare(w, k, from, heap_textz(&w->m->h, "default"), scope);
			else if (kind == K_namespace_import && node_of(w, k)->first)
				import_declare(w, node_of(w, k)->first, from, heap_textz(&w->m->h, "*"), scope);
			for (uint32_t s = kind == K_named_imports ? node_of(w, k)->first : 0; s; s = node_of(w, s)->next) {
				uint32_t name = field_of(w, s, F_name), alias = field_of(w, s, F_alias);

				if (name)
					import_declare(w, alias ? alias : name, from, quoted_name(w, name), scope);
			}
		}
	}
}

static void export_add(struct walk *w, struct js_export e)
{
	struct js *m = w->m;

	if (m->export_count == m->export_cap) {
		m->export_cap = m->export_cap ? m->export_cap * 2 : 64;
		m->exports = xreallocarray(m->exports, m->export_cap, sizeof(*m->exports));
	}
	e.source = w->source;
	m->exports[m->export_count++] = e;
}

/* The names that a declaration declares are exported. */
static void export_names(struct walk *w, uint32_t node)
{
	const struct tree_node *n = node_of(w, node);
	uint32_t i = w->m->x.sources[w->source].link[node];

	switch (n->kind) {
	case K_identifier: case K_shorthand_property_identifier_pattern: case K_type_identifier:
		if (i && !w->in_namespace)
			export_add(w, (struct js_export){ .name = name_of(w, node), .binding = i });
		return;
	case K_object_pattern: case K_array_pattern: case K_rest_pattern: case K_lexical_declaration:
	case K_variable_declaration:
		for (uint32_t c = n->first; c; c = node_of(w, c)->next)
			export_names(w, c);
		return;
	default:
		break;
	}
	static const enum tree_field fields[] = { F_name, F_value, F_left };
	size_t which = n->kind == K_pair_pattern ? 1 : n->kind == K_object_assignment_pattern ||
		n->kind == K_assignment_pattern ? 2 : 0;
	uint32_t name = field_of(w, node, fields[which]);

	if (name)
		export_names(w, name);
}

static void export_clause(struct walk *w, uint32_t clause, uint32_t from)
{
	for (uint32_t s = node_of(w, clause)->first; s; s = node_of(w, s)->next) {
		uint32_t name = field_of(w, s, F_name), alias = field_of(w, s, F_alias);
		struct js_export e = { .from = from };

		if (!name)
			continue;
		e.name = quoted_name(w, alias ? alias : name);
		if (from)
			e.from_name = quoted_name(w, name);
		else
			e.binding = GRAPH_NONE - name; /* the second walk settles it */
		export_add(w, e);
	}
}

static void export_walk(struct walk *w, uint32_t node, struct place at)
{
	uint32_t source = field_of(w, node, F_source), declaration = field_of(w, node, F_declaration);
	uint32_t value = field_of(w, node, F_value), from = specifier_of(w, source), first = node_of(w, node)->first;
	bool by_default = memmem(syntax_at(&w->m->x, w->source, node), 24 < syntax_length(&w->m->x, w->source, node) ?
		24 : syntax_length(&w->m->x, w->source, node), "default", 7) != NULL && !source;
	bool clause = false;

	if (!w->in_namespace)
		w->m->modules[w->source].is_esm = true;
	for (uint32_t c = first; c; c = node_of(w, c)->next) {
		if (node_of(w, c)->kind == K_export_clause) {
			export_clause(w, c, from);
			clause = true;
		} else if (node_of(w, c)->kind == K_namespace_export && node_of(w, c)->first && from) {
			export_add(w, (struct js_export){ .name = quoted_name(w, node_of(w, c)->first), .from = from,
				.from_name = heap_textz(&w->m->h, "*") });
			clause = true;
		} else if (node_of(w, c)->kind == K_decorator) {
			walk_node(w, c, at);
		}
	}
	if (from && !clause)
		export_add(w, (struct js_export){ .name = heap_textz(&w->m->h, "*"), .from = from });
	if (declaration) {
		value_walk(w, declaration, at, by_default ? "default" : NULL, 7);
		if (!by_default)
			export_names(w, declaration);
		else if (field_of(w, declaration, F_name))
			export_add(w, (struct js_export){ .name = heap_textz(&w->m->h, "default"),
				.binding = w->m->x.sources[w->source].link[field_of(w, declaration, F_name)] });
	}
	if (value)
		value_walk(w, value, at, by_default ? "default" : NULL, 7);
	for (uint32_t c = first; c && !value && !declaration && !clause; c = node_of(w, c)->next)
		walk_node(w, c, at); /* export = x */
}

static void namespace_walk(struct walk *w, uint32_t node, struct place at)
{
	uint32_t name = field_of(w, node, F_name), body = field_of(w, node, F_body), first = name, scope;
	bool before = w->in_namespace;

	while (first && node_of(w, first)->kind == K_nested_identifier)
		first = node_of(w, first)->first;
	if (!name || !body || !first || node_of(w, first)->kind != K_identifier)
		return; /* declare module "x" */
	js_scope_declare(w, at.scope, first, GRAPH_NONE);
	auto_free char *prefix = join(at.prefix, syntax_at(&w->m->x, w->source, name),
		syntax_length(&w->m->x, w->source, name));

	scope = js_scope_add(w, body, at.scope, at.def, true);
	w->in_namespace = true;
	for (uint32_t c = node_of(w, body)->first; c; c = node_of(w, c)->next)
		walk_node(w, c, (struct place){ .scope = scope, .def = at.def, .prefix = prefix });
	w->in_namespace = before;
}

static void assignment_walk(struct walk *w, uint32_t node, struct place at)
{
	uint32_t left = field_of(w, node, F_left), right = field_of(w, node, F_right);
	auto_str hint = STR_INIT;
	auto_free char *made = NULL;
	struct place inner = at;

	if (!left || !right)
		return;
	walk_node(w, left, at);
	inner.prefix = method_prefix(w, &at, left, &made);
	if (!chain_hint(w, left, &hint) || !hint.len)
		value_walk(w, right, at, NULL, 0);
	else
		value_walk(w, right, inner, str_cstr(&hint), hint.len);
}

static void object_walk(struct walk *w, uint32_t node, struct place at)
{
	auto_free char *prefix = at.hint ? join(at.prefix, at.hint, strlen(at.hint)) : NULL;

	at.prefix = prefix ? prefix : at.prefix;
	at.hint = NULL;
	for (uint32_t c = node_of(w, node)->first; c; c = node_of(w, c)->next) {
		if (node_of(w, c)->kind == K_pair) {
			uint32_t key = field_of(w, c, F_key);

			if (key && node_of(w, key)->kind == K_computed_property_name)
				walk_node(w, key, at);
			named_walk(w, field_of(w, c, F_value), at, key);
		} else {
			walk_node(w, c, at);
		}
	}
}

static void children_walk(struct walk *w, uint32_t node, struct place at)
{
	at.hint = NULL;
	for (uint32_t c = node_of(w, node)->first; c; c = node_of(w, c)->next)
		walk_node(w, c, at);
}

static void block_walk(struct walk *w, uint32_t node, struct place at)
{
	at.scope = js_scope_add(w, node, at.scope, w->scopes[at.scope].definition, true);
	if (node_of(w, node)->kind == K_catch_clause && field_of(w, node, F_parameter))
		js_scope_declare_pattern(w, field_of(w, node, F_parameter), at.scope, GRAPH_NONE);
	if (node_of(w, node)->kind == K_for_in_statement && field_of(w, node, F_kind) && field_of(w, node, F_left))
		js_scope_declare_pattern(w, field_of(w, node, F_left), text_is(w, field_of(w, node, F_kind), "var") ?
			w->scopes[at.scope].function : at.scope, GRAPH_NONE);
	children_walk(w, node, at);
}

static void walk_node(struct walk *w, uint32_t node, struct place at)
{
	struct place plain = at;
	uint32_t name;

	plain.hint = NULL;
	switch (node_of(w, node)->kind) {
	case K_arrow_function: case K_function_expression: case K_function_declaration: case K_generator_function:
	case K_generator_function_declaration: case K_method_definition:
		function_define(w, node, at);
		return;
	case K_class: case K_class_declaration: case K_abstract_class_declaration:
		class_define(w, node, at);
		return;
	case K_interface_declaration: case K_enum_declaration:
		name = field_of(w, node, F_name);
		if (name)
			js_scope_declare(w, at.scope, name, GRAPH_NONE);
		children_walk(w, node, plain);
		return;
	case K_internal_module: case K_module: namespace_walk(w, node, plain); return;
	case K_import_statement: import_walk(w, node, at.scope); return;
	case K_export_statement: export_walk(w, node, plain); return;
	case K_lexical_declaration: case K_using_declaration: children_walk(w, node, plain); return;
	case K_variable_declaration:
		plain.is_var = true;
		children_walk(w, node, plain);
		return;
	case K_variable_declarator: declarator_walk(w, node, plain); return;
	case K_assignment_expression: assignment_walk(w, node, plain); return;
	case K_assignment_pattern: case K_object_assignment_pattern:
		named_walk(w, field_of(w, node, F_right), plain, field_of(w, node, F_left));
		return;
	case K_required_parameter: case K_optional_parameter:
		walk_node(w, field_of(w, node, F_pattern) ? field_of(w, node, F_pattern) : node_of(w, node)->first, plain);
		named_walk(w, field_of(w, node, F_value), plain, field_of(w, node, F_pattern));
		return;
	case K_field_definition: case K_public_field_definition:
		name = field_of(w, node, F_property) ? field_of(w, node, F_property) : field_of(w, node, F_name);
		for (uint32_t c = node_of(w, node)->first; c; c = node_of(w, c)->next)
			if (node_of(w, c)->kind == K_decorator || node_of(w, c)->kind == K_computed_property_name)
				walk_node(w, c, plain);
		named_walk(w, field_of(w, node, F_value), plain, name);
		return;
	case K_object: object_walk(w, node, at); return;
	case K_statement_block: case K_switch_body: case K_for_statement: case K_for_in_statement: case K_catch_clause:
	case K_class_static_block:
		block_walk(w, node, plain);
		return;
	case K_parenthesized_expression: case K_as_expression: case K_satisfies_expression: case K_non_null_expression:
		for (uint32_t c = node_of(w, node)->first; c; c = node_of(w, c)->next)
			walk_node(w, c, at);
		return;
	case K_ambient_declaration: case K_type_alias_declaration: case K_interface_body: case K_type_annotation:
		return;
	default:
		children_walk(w, node, plain);
		return;
	}
}

static void exports_settle(struct walk *w, uint32_t from)
{
	for (uint32_t i = from; i < w->m->export_count; i++) {
		struct js_export *e = &w->m->exports[i];

		if (e->binding > GRAPH_NONE - w->m->x.sources[w->source].tree.count)
			e->binding = js_scope_resolve_name(w, GRAPH_NONE - e->binding, 0);
	}
}

void js_define(struct js *m, uint32_t source)
{
	struct syntax_source *s = &m->x.sources[source];
	struct walk w = { .m = m, .source = source };
	uint32_t from = m->export_count;
	struct syntax_definition d = { .kind = SYNTAX_MODULE, .source = source, .node = 1, .body = 1 };

	w.scope_at = xcalloc((size_t)s->tree.count + 1, sizeof(*w.scope_at));
	s->link = xcalloc((size_t)s->tree.count + 1, sizeof(*s->link));
	d.name = unique(m, xstrdup(s->module), false);
	s->body = syntax_definition_add(&m->x, d);
	s->link[1] = s->body + 1;
	js_scope_add(&w, 1, 0, s->body, false);
	auto_free char *prefix = xstrdup(d.name);

	if (s->tree.count > 1)
		children_walk(&w, 1, (struct place){ .def = s->body, .prefix = prefix });
	for (uint32_t c = s->tree.count > 1 ? s->tree.nodes[1].first : 0; c; c = s->tree.nodes[c].next)
		js_scope_resolve(&w, c, 0);
	exports_settle(&w, from);
	free(w.scopes);
	free(w.scope_at);
	free(w.hash);
}
