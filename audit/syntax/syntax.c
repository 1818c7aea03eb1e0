/* SPDX-License-Identifier: Apache-2.0 */
/* syntax.c - definitions, bindings, scopes. */
#include "audit/syntax/syntax.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void syntax_release(struct syntax *x)
{
	for (uint32_t i = 0; i < x->definition_count; i++)
		free(x->definitions[i].name);
	for (uint32_t i = 0; i < x->source_count; i++) {
		free(x->sources[i].module);
		free(x->sources[i].link);
		free(x->sources[i].parents);
		tree_free_nodes(&x->sources[i].tree);
	}
	free(x->definitions);
	free(x->bindings);
	free(x->sources);
	memset(x, 0, sizeof(*x));
}

char *syntax_module(const char *path)
{
	char *name = xstrndup(path, strlen(path) - strlen(strrchr(path, '.')));

	if (str_ends(path, ".d.ts"))
		name[strlen(name) - 2] = '\0';
	for (char *c = name; *c; c++)
		if (*c == '/')
			*c = '.';
	return name;
}

text_t syntax_text(const struct syntax *x, uint32_t source, uint32_t node)
{
	return text_of(&x->g->texts, syntax_at(x, source, node), syntax_length(x, source, node));
}

bool syntax_is_text(const struct syntax *x, uint32_t source, uint32_t node, const char *text)
{
	size_t n = strlen(text);

	return node && syntax_length(x, source, node) == n && memcmp(syntax_at(x, source, node), text, n) == 0;
}

bool syntax_is_function(enum tree_kind kind)
{
	switch (kind) {
	case K_arrow_function: case K_function_expression: case K_function_declaration: case K_generator_function:
	case K_generator_function_declaration: case K_method_definition: case K_method_declaration: case K_func_literal:
		return true;
	default:
		return false;
	}
}

uint32_t syntax_definition_add(struct syntax *x, struct syntax_definition d)
{
	if (x->definition_count == x->definition_cap) {
		x->definition_cap = x->definition_cap ? x->definition_cap * 2 : 64;
		x->definitions = xreallocarray(x->definitions, x->definition_cap, sizeof(*x->definitions));
	}
	x->definitions[x->definition_count] = d;
	return x->definition_count++;
}

uint32_t syntax_binding_add(struct syntax *x, struct syntax_binding b)
{
	if (x->binding_count == x->binding_cap) {
		x->binding_cap = x->binding_cap ? x->binding_cap * 2 : 64;
		x->bindings = xreallocarray(x->bindings, x->binding_cap, sizeof(*x->bindings));
	}
	x->bindings[x->binding_count] = b;
	return x->binding_count++;
}

static bool is_name(enum tree_kind kind)
{
	return kind == K_identifier || kind == K_shorthand_property_identifier || kind == K_package_identifier ||
	       kind == K_shorthand_property_identifier_pattern || kind == K_type_identifier;
}

const struct syntax_binding *syntax_binding_of(const struct syntax *x, uint32_t source, uint32_t node)
{
	uint32_t i = is_name(syntax_node(x, source, node)->kind) ? x->sources[source].link[node] : 0;

	return i ? &x->bindings[i - 1] : NULL;
}

uint32_t syntax_parent(struct syntax *x, uint32_t source, uint32_t node)
{
	struct syntax_source *s = &x->sources[source];

	if (!s->parents) {
		s->parents = xcalloc((size_t)s->tree.count + 1, sizeof(*s->parents));
		for (uint32_t i = 1; i < s->tree.count; i++)
			for (uint32_t c = s->tree.nodes[i].first; c; c = s->tree.nodes[c].next)
				s->parents[c] = i;
	}
	return s->parents[node];
}

void syntax_parents_drop(struct syntax *x, uint32_t source)
{
	mem_free_ptr(&x->sources[source].parents);
}

uint32_t syntax_owner(struct syntax *x, uint32_t source, uint32_t node)
{
	const struct syntax_source *s = &x->sources[source];
	uint32_t child = node;

	for (uint32_t at = syntax_parent(x, source, node); at; child = at, at = syntax_parent(x, source, at))
		if (s->link[at] && syntax_is_function(s->tree.nodes[at].kind) &&
		    (s->tree.nodes[child].field == F_body || s->tree.nodes[child].field == F_parameters ||
		     s->tree.nodes[child].field == F_parameter))
			return s->link[at] - 1;
	return s->body;
}

bool syntax_member(const struct syntax *x, uint32_t source, uint32_t node, uint32_t *object, uint32_t *property)
{
	enum tree_kind kind = syntax_node(x, source, node)->kind;

	if (kind != K_member_expression && kind != K_selector_expression && kind != K_nested_identifier)
		return false;
	*object = syntax_field(x, source, node, kind == K_selector_expression ? F_operand : F_object);
	*property = syntax_field(x, source, node, kind == K_selector_expression ? F_field : F_property);
	return *object && *property;
}

bool syntax_subscript(const struct syntax *x, uint32_t source, uint32_t node, uint32_t *object, uint32_t *index)
{
	enum tree_kind kind = syntax_node(x, source, node)->kind;

	if (kind != K_subscript_expression && kind != K_index_expression)
		return false;
	*object = syntax_field(x, source, node, kind == K_index_expression ? F_operand : F_object);
	*index = syntax_field(x, source, node, F_index);
	return *object != 0;
}

/* The name that an expression begins with: of a.b[0], of (a), of *a, of a!, of a(b).c none. */
static uint32_t first_name(const struct syntax *x, uint32_t source, uint32_t node)
{
	uint32_t object, other;

	for (uint32_t steps = 0; node && steps < TREE_DEPTH_MAX; steps++) {
		const struct tree_node *n = syntax_node(x, source, node);

		if (syntax_member(x, source, node, &object, &other) || syntax_subscript(x, source, node, &object, &other))
			node = object;
		else if (n->kind == K_parenthesized_expression || n->kind == K_non_null_expression ||
			 n->kind == K_as_expression)
			node = n->first;
		else if (n->kind == K_unary_expression && strchr("*&", *syntax_at(x, source, node)))
			node = syntax_field(x, source, node, F_operand);
		else
			return node;
	}
	return 0;
}

enum graph_scope syntax_scope(struct syntax *x, uint32_t source, uint32_t node)
{
	uint32_t name = first_name(x, source, node), owner;
	const struct syntax_binding *b;
	enum tree_kind kind;

	if (!name)
		return SCOPE_OUTSIDE;
	kind = syntax_node(x, source, name)->kind;
	if (kind == K_this || kind == K_super)
		return SCOPE_SELF;
	b = syntax_binding_of(x, source, name);
	if (!b)
		return SCOPE_OUTSIDE;
	if (b->is_import)
		return SCOPE_MODULE;
	if (x->definitions[b->definition].kind == SYNTAX_MODULE && !b->is_block)
		return SCOPE_GLOBAL;
	owner = syntax_owner(x, source, name);
	if (b->definition != owner)
		return SCOPE_CLOSURE;
	return b->is_self ? SCOPE_SELF : b->is_parameter ? SCOPE_PARAMETER : SCOPE_LOCAL;
}

static enum graph_kind graph_kind_of(enum syntax_kind k)
{
	return k == SYNTAX_MODULE ? GRAPH_MODULE : k == SYNTAX_LAMBDA ? GRAPH_LAMBDA :
	       k == SYNTAX_METHOD ? GRAPH_METHOD : GRAPH_FUNCTION;
}

/* The decorators' names as they are written, without their arguments. */
static struct graph_list decorators_of(struct syntax *x, const struct syntax_definition *d)
{
	const struct tree_node *nodes = x->sources[d->source].tree.nodes;
	uint32_t list[16], n = 0;

	for (uint32_t c = d->kind == SYNTAX_MODULE ? 0 : nodes[d->node].first; c && n < 16; c = nodes[c].next) {
		uint32_t name = nodes[c].kind == K_decorator ? nodes[c].first : 0;

		while (name && nodes[name].kind == K_call_expression)
			name = nodes[name].first;
		if (name)
			list[n++] = graph_squeeze(x->g, syntax_at(x, d->source, name), syntax_length(x, d->source,
				name), 80);
	}
	return graph_add_list(x->g, list, n);
}

void syntax_functions_add(struct syntax *x)
{
	struct graph_list *parameters = xcalloc((size_t)x->definition_count + 1, sizeof(*parameters));
	uint32_t names[32], n = 0, at = 0;

	/* the parameters of a definition are one run of bindings, in order */
	for (uint32_t i = 0; i <= x->binding_count; i++) {
		const struct syntax_binding *b = i < x->binding_count ? &x->bindings[i] : NULL;

		if (n && (!b || !b->is_parameter || b->definition != at)) {
			parameters[at] = graph_add_list(x->g, names, n);
			n = 0;
		}
		if (b && b->is_parameter && n < 32 && (n || !parameters[b->definition].n)) {
			at = b->definition;
			if (!n && x->language == LANGUAGE_JAVASCRIPT && x->definitions[at].kind == SYNTAX_METHOD)
				names[n++] = text_ofz(&x->g->texts, "this");
			names[n++] = b->name;
		}
	}
	for (uint32_t i = 0; i < x->definition_count; i++) {
		struct syntax_definition *d = &x->definitions[i];
		const struct syntax_source *s = &x->sources[d->source];
		bool module = d->kind == SYNTAX_MODULE;

		d->function = GRAPH_NONE;
		if (d->kind == SYNTAX_CLASS || (!module && !d->body))
			continue;
		d->function = graph_add_function(x->g, (struct graph_function){ .name = text_ofz(&x->g->texts, d->name),
			.kind = graph_kind_of(d->kind), .language = x->language, .file = s->file->file,
			.line = module ? 1 : s->tree.nodes[d->node].line, .start = s->tree.nodes[d->node].start,
			.end_line = module ? (s->tree.lines ? s->tree.lines : 1) : s->tree.nodes[d->node].end_line,
			.decorators = decorators_of(x, d), .parameters = parameters[i], .is_async = d->is_async, .key = i });
	}
	free(parameters);
}
