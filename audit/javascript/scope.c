/* SPDX-License-Identifier: Apache-2.0 */
/* scope.c - which names a scope has, and what each name means. */
#include "audit/javascript/scope.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

uint32_t js_scope_add(struct walk *w, uint32_t node, uint32_t parent, uint32_t definition, bool is_block)
{
	if (w->scope_count == w->scope_cap) {
		w->scope_cap = w->scope_cap ? w->scope_cap * 2 : 64;
		w->scopes = xreallocarray(w->scopes, w->scope_cap, sizeof(*w->scopes));
	}
	w->scopes[w->scope_count] = (struct scope){ parent, is_block ? w->scopes[parent].function : w->scope_count,
		definition, is_block };
	w->scope_at[node] = w->scope_count;
	return w->scope_count++;
}

static uint32_t place_of(const struct walk *w, uint32_t scope, uint32_t name)
{
	uint64_t h = ((uint64_t)scope << 32 | name) * 0x9e3779b97f4a7c15u;
	uint32_t at = (uint32_t)(h >> 32);

	for (;; at++) {
		at &= w->hash_cap - 1;
		if (!w->hash[2 * at + 1] || w->hash[2 * at] == ((uint64_t)scope << 32 | name))
			return at;
	}
}

uint32_t js_scope_lookup(const struct walk *w, uint32_t scope, uint32_t name)
{
	return (uint32_t)w->hash[2 * place_of(w, scope, name) + 1];
}

static void hash_grow(struct walk *w)
{
	uint64_t *old = w->hash;
	uint32_t cap = w->hash_cap;

	w->hash_cap = cap ? cap * 2 : 256;
	w->hash = xcalloc((size_t)w->hash_cap * 2, sizeof(*w->hash));
	for (uint32_t i = 0; i < cap; i++) {
		uint32_t at;

		if (!old[2 * i + 1])
			continue;
		at = place_of(w, (uint32_t)(old[2 * i] >> 32), (uint32_t)old[2 * i]);
		w->hash[2 * at] = old[2 * i];
		w->hash[2 * at + 1] = old[2 * i + 1];
	}
	free(old);
}

uint32_t js_scope_declare(struct walk *w, uint32_t scope, uint32_t node, uint32_t value)
{
	uint32_t name = name_of(w, node), at, i;
	struct syntax_binding *b;

	if ((w->hash_count + 1) * 2 > w->hash_cap)
		hash_grow(w);
	at = place_of(w, scope, name);
	if (!w->hash[2 * at + 1]) {
		i = syntax_binding_add(&w->m->x, (struct syntax_binding){ .definition = w->scopes[scope].definition,
			.name = syntax_text(&w->m->x, w->source, node), .source = w->source, .node = node,
			.is_block = w->scopes[scope].is_block });
		w->hash[2 * at] = (uint64_t)scope << 32 | name;
		w->hash[2 * at + 1] = i + 1;
		w->hash_count++;
	} else {
		i = (uint32_t)w->hash[2 * at + 1] - 1;
	}
	b = &w->m->x.bindings[i];
	if (value) {
		b->value = b->writes++ || value == GRAPH_NONE ? 0 : value;
	}
	w->m->x.sources[w->source].link[node] = i + 1;
	return i;
}

void js_scope_declare_pattern(struct walk *w, uint32_t node, uint32_t scope, uint32_t value)
{
	const struct tree_node *n = node_of(w, node);

	switch (n->kind) {
	case K_identifier: case K_shorthand_property_identifier_pattern:
		js_scope_declare(w, scope, node, value);
		return;
	case K_pair_pattern:
		js_scope_declare_pattern(w, field_of(w, node, F_value), scope, GRAPH_NONE);
		return;
	case K_assignment_pattern: case K_object_assignment_pattern:
		js_scope_declare_pattern(w, field_of(w, node, F_left), scope, GRAPH_NONE);
		return;
	case K_object_pattern: case K_array_pattern: case K_rest_pattern:
		for (uint32_t c = n->first; c; c = node_of(w, c)->next)
			js_scope_declare_pattern(w, c, scope, GRAPH_NONE);
		return;
	default:
		return;
	}
}

uint32_t js_scope_resolve_name(struct walk *w, uint32_t node, uint32_t scope)
{
	uint32_t name = name_of(w, node), i, *link = &w->m->x.sources[w->source].link[node];

	for (; !*link && w->hash_cap; scope = w->scopes[scope].parent) {
		i = js_scope_lookup(w, scope, name);
		if (i)
			*link = i;
		if (!scope)
			break;
	}
	return *link;
}

static void resolve_written(struct walk *w, uint32_t node, uint32_t scope)
{
	const struct tree_node *n = node_of(w, node);

	if (n->kind == K_identifier || n->kind == K_shorthand_property_identifier_pattern) {
		uint32_t i = js_scope_resolve_name(w, node, scope);

		if (i) {
			w->m->x.bindings[i - 1].writes++;
			w->m->x.bindings[i - 1].value = 0;
		}
		return;
	}
	if (n->kind == K_object_pattern || n->kind == K_array_pattern || n->kind == K_rest_pattern ||
	    n->kind == K_pair_pattern || n->kind == K_assignment_pattern || n->kind == K_object_assignment_pattern) {
		uint32_t part = n->kind == K_pair_pattern ? field_of(w, node, F_value) : field_of(w, node, F_left);

		for (uint32_t c = n->first; c; c = node_of(w, c)->next)
			if (!part || c == part)
				resolve_written(w, c, scope);
			else
				js_scope_resolve(w, c, scope);
		return;
	}
	js_scope_resolve(w, node, scope);
}

void js_scope_resolve(struct walk *w, uint32_t node, uint32_t scope)
{
	const struct tree_node *n = node_of(w, node);
	uint32_t t, done = 0; /* done: what is walked once already */

	if (w->scope_at[node])
		scope = w->scope_at[node];
	switch (n->kind) {
	case K_identifier: case K_shorthand_property_identifier: case K_shorthand_property_identifier_pattern:
	case K_type_identifier:
		js_scope_resolve_name(w, node, scope);
		return;
	case K_import_statement:
		return;
	case K_assignment_expression: case K_augmented_assignment_expression:
		t = done = field_of(w, node, F_left);
		if (t)
			resolve_written(w, t, scope);
		break;
	case K_update_expression:
		t = done = field_of(w, node, F_argument);
		if (t)
			resolve_written(w, t, scope);
		break;
	case K_for_in_statement:
		t = field_of(w, node, F_left);
		if (t && !field_of(w, node, F_kind)) {
			done = t;
			resolve_written(w, t, scope);
		}
		break;
	case K_function_expression: case K_generator_function:
		t = field_of(w, node, F_name);
		if (t && w->scope_at[t])
			w->scopes[w->scope_at[node]].parent = w->scope_at[t];
		break;
	default:
		break;
	}
	for (uint32_t c = n->first; c; c = node_of(w, c)->next)
		if (c != done)
			js_scope_resolve(w, c, scope);
}
