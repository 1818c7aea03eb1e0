/* SPDX-License-Identifier: Apache-2.0 */
/* type.c - types: what a node of a type is, fields and methods with promoted ones, which types implement an interface. */
#include "audit/go/go.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 60
#define EMBEDDED_MAX 8
#define METHODS_MAX 64

static uint32_t mix(uint32_t h, uint32_t v)
{
	h = (h ^ v) * 0x9e3779b1u;
	return h ^ (h >> 15);
}

static uint32_t hash_of(const struct go_type *t)
{
	return mix(mix(mix(mix(17, t->kind), t->a), t->b), t->c);
}

uint32_t go_type_make(struct golang *g, enum go_kind kind, uint32_t a, uint32_t b, uint32_t c)
{
	struct go_type t = { .kind = kind, .a = a, .b = b, .c = c };
	uint32_t at, i;

	if ((g->type_count + 1) * 2 > g->type_hash_cap) {
		free(g->type_hash);
		g->type_hash_cap = g->type_hash_cap ? g->type_hash_cap * 2 : 1024;
		g->type_hash = xcalloc(g->type_hash_cap, sizeof(*g->type_hash));
		for (i = 1; i < g->type_count; i++) {
			for (at = hash_of(&g->types[i]); g->type_hash[at &= g->type_hash_cap - 1]; at++)
				;
			g->type_hash[at] = i;
		}
	}
	for (at = hash_of(&t); (i = g->type_hash[at &= g->type_hash_cap - 1]) != 0; at++)
		if (memcmp(&g->types[i], &t, sizeof(t)) == 0)
			return i;
	if (g->type_count + 1 >= g->type_cap) {
		g->type_cap = g->type_cap ? g->type_cap * 2 : 256;
		g->types = xreallocarray(g->types, g->type_cap, sizeof(*g->types));
	}
	if (!g->type_count)
		memset(&g->types[g->type_count++], 0, sizeof(*g->types));
	g->types[g->type_count] = t;
	g->type_hash[at] = g->type_count;
	return g->type_count++;
}

uint32_t go_list_make(struct golang *g, const uint32_t *v, uint32_t n)
{
	uint32_t at;

	if (!g->list_count) {
		g->list_cap = 1024;
		g->lists = xcalloc(g->list_cap, sizeof(*g->lists));
		g->list_count = 1; /* 0: empty */
	}
	/* equal lists are often made one after the other */
	for (at = 1; n && at < g->list_count && g->list_count < 4096; at += g->lists[at] + 1)
		if (g->lists[at] == n && memcmp(&g->lists[at + 1], v, n * sizeof(*v)) == 0)
			return at;
	if (!n)
		return 0;
	if (g->list_count + n + 1 > g->list_cap) {
		g->list_cap = g->list_cap * 2 + n + 1;
		g->lists = xreallocarray(g->lists, g->list_cap, sizeof(*g->lists));
	}
	at = g->list_count;
	g->lists[at] = n;
	memcpy(&g->lists[at + 1], v, n * sizeof(*v));
	g->list_count += n + 1;
	return at;
}

static bool is_basic(const char *s, size_t n)
{
	static const char *const names[] = { "bool", "string", "int", "int8", "int16", "int32", "int64", "uint",
		"uint8", "uint16",
		"uint32", "uint64", "uintptr", "byte", "rune", "float32", "float64", "complex64", "complex128", "any",
			"error",
		"comparable", NULL };

	for (size_t i = 0; names[i]; i++)
		if (strlen(names[i]) == n && memcmp(names[i], s, n) == 0)
			return true;
	return false;
}

text_t go_package_path(const struct golang *g, uint32_t source, uint32_t node)
{
	uint32_t i = g->x.sources[source].link[node];
	enum tree_kind kind = GNODE(g, source, node)->kind;

	if ((kind != K_identifier && kind != K_package_identifier) || !i || g->bindings[i - 1].how != HOW_PACKAGE)
		return 0;
	return g->bindings[i - 1].path;
}

/* A declared type; of an alias what it stands for. */
static uint32_t declared(struct golang *g, uint32_t declaration, uint32_t args)
{
	struct go_declaration *d = &g->declarations[declaration];

	if (d->is_alias && g->depth < DEPTH_MAX) {
		uint32_t type = go_field(g, d->source, d->node, F_type), out;

		g->depth++;
		out = type ? go_type_of_node(g, d->source, type) : 0;
		g->depth--;
		return out;
	}
	return go_type_make(g, T_NAMED, declaration, args, 0);
}

static uint32_t qualified(struct golang *g, text_t path, text_t name, uint32_t args)
{
	uint32_t package = go_package_find(g, graph_text(g->x.g, path));
	const struct go_name *n = package != GRAPH_NONE ? go_name_find(g, package, name) : NULL;

	if (n)
		return n->kind == OBJECT_TYPE ? declared(g, n->index, args) : 0;
	if (package != GRAPH_NONE)
		return 0;
	auto_free char *whole = xasprintf("%s.%s", graph_text(g->x.g, path), graph_text(g->x.g, name));

	return go_type_make(g, T_OUTSIDE, text_ofz(&g->x.g->texts, whole), 0, 0);
}

static uint32_t type_by_name(struct golang *g, uint32_t source, uint32_t node, uint32_t args)
{
	uint32_t i = g->x.sources[source].link[node];
	const struct go_name *n;

	if (i) {
		const struct go_binding *b = &g->bindings[i - 1];

		if (b->how == HOW_TYPE_PARAMETER)
			return go_type_make(g, T_PARAM, i - 1, 0, 0);
		return b->how == HOW_TYPE_NAME ? declared(g, b->declaration, args) : 0;
	}
	n = go_name_find(g, g->package_of[source], syntax_text(&g->x, source, node));
	if (n)
		return n->kind == OBJECT_TYPE ? declared(g, n->index, args) : 0;
	if (is_basic(syntax_at(&g->x, source, node), syntax_length(&g->x, source, node)))
		return go_type_make(g, T_BASIC, syntax_text(&g->x, source, node), 0, 0);
	return 0;
}

static uint32_t arguments_of(struct golang *g, uint32_t source, uint32_t list)
{
	uint32_t v[8] = { 0 }, n = 0;

	for (uint32_t c = list ? GNODE(g, source, list)->first : 0; c && n < 8; c = GNODE(g, source, c)->next)
		if (GNODE(g, source, c)->kind != K_TOKEN)
			v[n++] = go_type_of_node(g, source, c);
	return go_list_make(g, v, n);
}

static uint32_t type_of(struct golang *g, uint32_t source, uint32_t node)
{
	const struct tree_node *n = GNODE(g, source, node);
	uint32_t a, b;

	switch (n->kind) {
	case K_type_identifier: case K_identifier: return type_by_name(g, source, node, 0);
	case K_qualified_type:
		a = go_field(g, source, node, F_package);
		b = go_field(g, source, node, F_name);
		return a && b && go_package_path(g, source, a) ?
			qualified(g, go_package_path(g, source, a), syntax_text(&g->x, source, b), 0) : 0;
	case K_generic_type:
		a = go_field(g, source, node, F_type);
		b = arguments_of(g, source, go_field(g, source, node, F_type_arguments));
		if (a && GNODE(g, source, a)->kind == K_qualified_type) {
			uint32_t p = go_field(g, source, a, F_package), name = go_field(g, source, a, F_name);

			return p && name && go_package_path(g, source, p) ?
				qualified(g, go_package_path(g, source, p), syntax_text(&g->x, source, name), b) : 0;
		}
		return a ? type_by_name(g, source, a, b) : 0;
	case K_pointer_type: return n->first ? go_type_make(g, T_POINTER, go_type_of_node(g, source, n->first), 0, 0) : 0;
	case K_parenthesized_type: case K_type_elem: case K_type_constraint:
		return n->first ? go_type_of_node(g, source, n->first) : 0;
	case K_slice_type: case K_array_type: case K_implicit_length_array_type:
		a = go_field(g, source, node, F_element);
		return a ? go_type_make(g, T_SLICE, go_type_of_node(g, source, a), 0, 0) : 0;
	case K_map_type:
		a = go_field(g, source, node, F_key);
		b = go_field(g, source, node, F_value);
		return a && b ? go_type_make(g, T_MAP, go_type_of_node(g, source, a), go_type_of_node(g, source, b), 0) : 0;
	case K_channel_type:
		a = go_field(g, source, node, F_value);
		return a ? go_type_make(g, T_CHAN, go_type_of_node(g, source, a), 0, 0) : 0;
	case K_function_type: return go_type_make(g, T_FUNC, source, node, 0);
	case K_struct_type: return go_type_make(g, T_STRUCT, source, node, 0);
	case K_interface_type: return go_type_make(g, T_INTERFACE, source, node, 0);
	default: return 0;
	}
}

uint32_t go_type_of_node(struct golang *g, uint32_t source, uint32_t node)
{
	uint32_t out;

	if (g->depth > DEPTH_MAX || g->steps++ > g->max_steps)
		return 0;
	g->depth++;
	out = type_of(g, source, node);
	g->depth--;
	return out;
}

uint32_t go_named_type(struct golang *g, uint32_t source, uint32_t node)
{
	const struct tree_node *n = GNODE(g, source, node);
	uint32_t a, b;

	switch (n->kind) {
	case K_identifier: return type_by_name(g, source, node, 0);
	case K_parenthesized_expression: return n->first ? go_named_type(g, source, n->first) : 0;
	case K_unary_expression:
		a = *syntax_at(&g->x, source, node) == '*' ? go_field(g, source, node, F_operand) : 0;
		a = a ? go_named_type(g, source, a) : 0;
		return a ? go_type_make(g, T_POINTER, a, 0, 0) : 0;
	case K_selector_expression:
		a = go_field(g, source, node, F_operand);
		b = go_field(g, source, node, F_field);
		if (!a || !b || !go_package_path(g, source, a) ||
		    go_package_find(g, graph_text(g->x.g, go_package_path(g, source, a))) == GRAPH_NONE)
			return 0;
		return qualified(g, go_package_path(g, source, a), syntax_text(&g->x, source, b), 0);
	case K_index_expression: case K_type_instantiation_expression:
		a = go_field(g, source, node, n->kind == K_index_expression ? F_operand : F_type);
		return a ? go_named_type(g, source, a) : 0;
	case K_pointer_type: case K_slice_type: case K_array_type: case K_map_type: case K_channel_type:
	case K_function_type: case K_struct_type: case K_interface_type: case K_generic_type: case K_qualified_type:
	case K_parenthesized_type:
	case K_type_identifier:
		return go_type_of_node(g, source, node);
	default: return 0;
	}
}

/* Pairs of a T_PARAM's binding and what it stands for. */
uint32_t go_substitute(struct golang *g, uint32_t type, uint32_t substitution)
{
	struct go_type t = *go_type_at(g, type);
	uint32_t n = substitution ? g->lists[substitution] : 0, v[8], count;

	if (!type || !n || g->depth > DEPTH_MAX)
		return type;
	switch (t.kind) {
	case T_PARAM:
		for (uint32_t i = 0; i + 1 < n; i += 2)
			if (g->lists[substitution + 1 + i] == t.a)
				return g->lists[substitution + 2 + i];
		return type;
	case T_POINTER: case T_SLICE: case T_CHAN:
		g->depth++;
		t.a = go_substitute(g, t.a, substitution);
		g->depth--;
		return go_type_make(g, t.kind, t.a, 0, 0);
	case T_MAP:
		g->depth++;
		t.a = go_substitute(g, t.a, substitution);
		t.b = go_substitute(g, t.b, substitution);
		g->depth--;
		return go_type_make(g, T_MAP, t.a, t.b, 0);
	case T_FUNC: case T_STRUCT: case T_INTERFACE:
		return t.c ? type : go_type_make(g, t.kind, t.a, t.b, substitution);
	case T_NAMED: case T_TUPLE:
		t.b = t.kind == T_TUPLE ? t.a : t.b;
		count = t.b ? g->lists[t.b] : 0;
		if (!count || count > 8)
			return type;
		g->depth++;
		for (uint32_t i = 0; i < count; i++)
			v[i] = go_substitute(g, g->lists[t.b + 1 + i], substitution);
		g->depth--;
		t.b = go_list_make(g, v, count);
		return t.kind == T_TUPLE ? go_type_make(g, T_TUPLE, t.b, 0, 0) : go_type_make(g, T_NAMED, t.a, t.b, 0);
	default: return type;
	}
}

/* What the arguments of a generic type stand for. */
static uint32_t substitution_of(struct golang *g, const struct go_type *t)
{
	const struct go_declaration *d = &g->declarations[t->a];
	uint32_t v[16], n = 0;

	for (uint32_t i = 0; t->b && i < g->lists[t->b] && i < d->parameter_count; i++) {
		v[n++] = d->parameters[i];
		v[n++] = g->lists[t->b + 1 + i];
	}
	return n ? go_list_make(g, v, n) : 0;
}

uint32_t go_underlying(struct golang *g, uint32_t type)
{
	for (int i = 0; i < 16 && go_type_at(g, type)->kind == T_NAMED; i++) {
		struct go_type t = *go_type_at(g, type);
		struct go_declaration *d = &g->declarations[t.a];
		uint32_t node = go_field(g, d->source, d->node, F_type);

		if (d->state == 0) {
			uint32_t source = d->source;

			d->state = 1;
			node = node ? go_type_of_node(g, source, node) : 0;
			d = &g->declarations[t.a];
			d->underlying = node;
			d->state = 2;
		}
		type = go_substitute(g, d->underlying, substitution_of(g, &t));
	}
	if (go_type_at(g, type)->kind == T_PARAM) {
		const struct go_binding *b = &g->bindings[go_type_at(g, type)->a];
		uint32_t source = g->x.bindings[go_type_at(g, type)->a].source;

		type = b->type_node ? go_type_of_node(g, source, b->type_node) : 0;
		return go_type_at(g, type)->kind == T_PARAM ? 0 : go_underlying(g, type);
	}
	return go_type_at(g, type)->kind == T_NAMED ? 0 : type;
}

uint32_t go_deref(struct golang *g, uint32_t type)
{
	struct go_type t = *go_type_at(g, type);

	if (t.kind == T_NAMED)
		t = *go_type_at(g, go_underlying(g, type));
	return t.kind == T_POINTER ? t.a : 0;
}

uint32_t go_result(struct golang *g, uint32_t function_type)
{
	struct go_type t = *go_type_at(g, function_type);
	uint32_t result, v[8], n = 0;

	if (t.kind == T_NAMED)
		t = *go_type_at(g, go_underlying(g, function_type));
	if (t.kind != T_FUNC)
		return 0;
	result = go_field(g, t.a, t.b, F_result);
	if (!result)
		return 0;
	if (GNODE(g, t.a, result)->kind != K_parameter_list)
		return go_substitute(g, go_type_of_node(g, t.a, result), t.c);
	for (uint32_t c = GNODE(g, t.a, result)->first; c && n < 8; c = GNODE(g, t.a, c)->next) {
		uint32_t type = go_field(g, t.a, c, F_type), names = 0;

		for (uint32_t k = GNODE(g, t.a, c)->first; k; k = GNODE(g, t.a, k)->next)
			names += GNODE(g, t.a, k)->field == F_name && GNODE(g, t.a, k)->kind != K_TOKEN;
		type = type ? go_substitute(g, go_type_of_node(g, t.a, type), t.c) : 0;
		for (uint32_t i = 0; i < (names ? names : 1) && n < 8; i++)
			v[n++] = type;
	}
	return n == 1 ? v[0] : go_type_make(g, T_TUPLE, go_list_make(g, v, n), 0, 0);
}

static uint32_t function_type(struct golang *g, uint32_t definition, uint32_t substitution)
{
	const struct syntax_definition *d = &g->x.definitions[definition];

	return go_type_make(g, T_FUNC, d->source, d->node, substitution);
}

static struct go_member outside(struct golang *g, text_t type, text_t name)
{
	auto_free char *path = xasprintf("%s.%s", graph_text(g->x.g, type), graph_text(g->x.g, name));

	return (struct go_member){ .kind = MEMBER_OUTSIDE, .path = text_ofz(&g->x.g->texts, path) };
}

static struct go_member find(struct golang *g, uint32_t type, text_t name, int depth);

/* The name of an embedded field: of *p.T and T[int] "T". */
static uint32_t embedded_name(const struct golang *g, uint32_t source, uint32_t type)
{
	for (int i = 0; type && i < 6; i++) {
		enum tree_kind kind = GNODE(g, source, type)->kind;

		if (kind == K_type_identifier)
			return type;
		type = kind == K_generic_type ? go_field(g, source, type, F_type) : kind == K_qualified_type ?
			go_field(g, source, type, F_name) : GNODE(g, source, type)->first;
	}
	return 0;
}

static struct go_member struct_find(struct golang *g, const struct go_type *t, text_t name, int depth)
{
	struct go_member best = { 0 };
	uint32_t list = GNODE(g, t->a, t->b)->first;

	/* its own fields first, then what embedded ones have */
	for (int pass = 0; pass < 2; pass++)
		for (uint32_t c = list ? GNODE(g, t->a, list)->first : 0; c; c = GNODE(g, t->a, c)->next) {
			uint32_t type = go_field(g, t->a, c, F_type), named = 0;
			bool here = false;

			if (GNODE(g, t->a, c)->kind != K_field_declaration || !type)
				continue;
			for (uint32_t k = GNODE(g, t->a, c)->first; k; k = GNODE(g, t->a, k)->next)
				if (GNODE(g, t->a, k)->field == F_name && GNODE(g, t->a, k)->kind != K_TOKEN) {
					named++;
					here |= syntax_text(&g->x, t->a, k) == name;
				}
			if (!named && !pass) {
				uint32_t own = embedded_name(g, t->a, type);

				here = own && syntax_text(&g->x, t->a, own) == name;
			}
			if (here && !pass) {
				uint32_t found = go_substitute(g, go_type_of_node(g, t->a, type), t->c);
				bool pointer = !named && memchr(syntax_at(&g->x, t->a, c), '*', GNODE(g, t->a, type)->start -
					GNODE(g, t->a, c)->start + 1) != NULL;

				return (struct go_member){ .kind = MEMBER_FIELD, .source = t->a, .node = t->b,
					.type = pointer ? go_type_make(g, T_POINTER, found, 0, 0) : found };
			}
			if (pass && !named && depth < EMBEDDED_MAX) {
				struct go_member m = find(g, go_substitute(g, go_type_of_node(g, t->a, type), t->c),
					name, depth + 1);

				/* an outside type that is embedded may have anything */
				if (m.kind != MEMBER_NONE && (best.kind == MEMBER_NONE || best.kind == MEMBER_OUTSIDE))
					best = m;
			}
		}
	return best;
}

static struct go_member interface_find(struct golang *g, const struct go_type *t, text_t name, int depth)
{
	struct go_member none = { 0 };

	for (uint32_t c = GNODE(g, t->a, t->b)->first; c; c = GNODE(g, t->a, c)->next) {
		uint32_t own = GNODE(g, t->a, c)->kind == K_method_elem ? go_field(g, t->a, c, F_name) : 0;

		if (own && syntax_text(&g->x, t->a, own) == name)
			return (struct go_member){ .kind = MEMBER_INTERFACE, .source = t->a, .node = t->b,
				.type = go_type_make(g, T_FUNC, t->a, c, t->c) };
		if (GNODE(g, t->a, c)->kind == K_type_elem && GNODE(g, t->a, c)->first && depth < EMBEDDED_MAX) {
			struct go_member m = find(g, go_type_of_node(g, t->a, c), name, depth + 1);

			if (m.kind == MEMBER_INTERFACE) {
				m.source = t->a;
				m.node = t->b;
				return m;
			}
			if (m.kind != MEMBER_NONE)
				none = m;
		}
	}
	return none;
}

static struct go_member find(struct golang *g, uint32_t type, text_t name, int depth)
{
	struct go_type t = *go_type_at(g, type);
	uint32_t below;

	if (t.kind == T_POINTER)
		return t.a && depth < 2 * EMBEDDED_MAX ? find(g, t.a, name, depth + 1) : (struct go_member){ 0 };
	if (t.kind == T_NAMED) {
		const struct go_declaration *d = &g->declarations[t.a];

		for (uint32_t i = 0; i < d->method_count; i++)
			if (g->functions[d->methods[i]].name == name)
				return (struct go_member){ .kind = MEMBER_METHOD, .definition = d->methods[i],
					.type = function_type(g, d->methods[i], substitution_of(g, &t)) };
	}
	if (t.kind == T_OUTSIDE)
		return outside(g, t.a, name);
	if (t.kind == T_BASIC && strcmp(graph_text(g->x.g, t.a), "error") == 0)
		return outside(g, text_ofz(&g->x.g->texts, "<builtin>.error"), name);
	below = t.kind == T_NAMED || t.kind == T_PARAM ? go_underlying(g, type) : type;
	t = *go_type_at(g, below);
	if (t.kind == T_POINTER && depth < EMBEDDED_MAX)
		return find(g, t.a, name, depth + 1);
	if (t.kind == T_STRUCT)
		return struct_find(g, &t, name, depth);
	if (t.kind == T_INTERFACE)
		return interface_find(g, &t, name, depth);
	if (t.kind == T_OUTSIDE)
		return outside(g, t.a, name);
	return (struct go_member){ 0 };
}

struct go_member go_member_find(struct golang *g, uint32_t type, text_t name)
{
	return find(g, type, name, 0);
}

/* The names of an interface's methods and their number of parameters; false: it has one that is not known. */
static bool methods_of(struct golang *g, uint32_t source, uint32_t node, text_t names[METHODS_MAX], uint32_t *n, int depth)
{
	for (uint32_t c = GNODE(g, source, node)->first; c; c = GNODE(g, source, c)->next) {
		uint32_t own = GNODE(g, source, c)->kind == K_method_elem ? go_field(g, source, c, F_name) : 0;

		if (own && *n < METHODS_MAX)
			names[(*n)++] = syntax_text(&g->x, source, own);
		if (GNODE(g, source, c)->kind == K_type_elem && GNODE(g, source, c)->first) {
			struct go_type t = *go_type_at(g, go_underlying(g, go_type_of_node(g, source, c)));

			if (t.kind != T_INTERFACE || depth > EMBEDDED_MAX)
				return false;
			if (!methods_of(g, t.a, t.b, names, n, depth + 1))
				return false;
		}
	}
	return true;
}

/* Is a method of a package that begins with a small letter seen from another one? */
static bool implements(struct golang *g, uint32_t declaration, const text_t *names, uint32_t n)
{
	uint32_t type = go_type_make(g, T_NAMED, declaration, 0, 0);

	if (!n || go_type_at(g, go_underlying(g, type))->kind == T_INTERFACE)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct go_member m = go_member_find(g, type, names[i]);

		if (m.kind != MEMBER_METHOD && m.kind != MEMBER_OUTSIDE && m.kind != MEMBER_INTERFACE)
			return false;
	}
	return true;
}

const struct go_implementers *go_implementers_of(struct golang *g, uint32_t source, uint32_t node)
{
	text_t names[METHODS_MAX];
	uint32_t n = 0;

	for (uint32_t i = 0; i < g->implementer_count; i++)
		if (g->implementers[i].source == source && g->implementers[i].node == node)
			return &g->implementers[i];
	g->implementers = xreallocarray(g->implementers, g->implementer_count + 1, sizeof(*g->implementers));
	g->implementers[g->implementer_count] = (struct go_implementers){ .source = source, .node = node };
	g->implementer_count++;
	methods_of(g, source, node, names, &n, 0);
	for (uint32_t i = 0; i < g->declaration_count; i++)
		if (g->declarations[i].is_made && !g->declarations[i].is_alias && implements(g, i, names, n)) {
			struct go_implementers *out = &g->implementers[g->implementer_count - 1];

			out->v = xreallocarray(out->v, out->n + 1, sizeof(*out->v));
			out->v[out->n++] = i;
		}
	return &g->implementers[g->implementer_count - 1];
}
