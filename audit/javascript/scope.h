/* SPDX-License-Identifier: Apache-2.0 */
/* scope.h - the scopes of one source while its names are declared and settled. */
#ifndef AUDIT_JAVASCRIPT_SCOPE_H
#define AUDIT_JAVASCRIPT_SCOPE_H

#include "audit/javascript/js.h"

struct scope {
	uint32_t parent, function; /* function: the scope of the function around it */
	uint32_t definition;
	bool is_block;
};

struct walk {
	struct js *m;
	uint32_t source;
	struct scope *scopes;
	uint32_t scope_count, scope_cap;
	uint32_t *scope_at; /* node -> the scope that it opens */
	uint64_t *hash;     /* scope and name, + the binding */
	uint32_t hash_cap, hash_count;
	bool in_namespace;
};

/* Where a node stands. */
struct place {
	uint32_t scope, def;
	const char *prefix; /* full name of what is around */
	const char *hint;   /* the name that a function gets which has none */
	bool is_var;
};

static inline const struct tree_node *node_of(const struct walk *w, uint32_t node)
{
	return syntax_node(&w->m->x, w->source, node);
}
static inline uint32_t field_of(const struct walk *w, uint32_t node, enum tree_field which)
{
	return node ? syntax_field(&w->m->x, w->source, node, which) : 0;
}
static inline bool text_is(const struct walk *w, uint32_t node, const char *text)
{
	return syntax_is_text(&w->m->x, w->source, node, text);
}
static inline uint32_t name_of(const struct walk *w, uint32_t node)
{
	return heap_text(&w->m->h, syntax_at(&w->m->x, w->source, node), syntax_length(&w->m->x, w->source, node));
}

uint32_t js_scope_add(struct walk *w, uint32_t node, uint32_t parent, uint32_t definition, bool is_block);
/* The binding of a name in a scope itself, + 1; 0: none. */
uint32_t js_scope_lookup(const struct walk *w, uint32_t scope, uint32_t name);
/* Declares a name; value: what it is given, GRAPH_NONE: something, 0: nothing yet. Returns the binding. */
uint32_t js_scope_declare(struct walk *w, uint32_t scope, uint32_t node, uint32_t value);
/* Every name that a pattern binds. */
void js_scope_declare_pattern(struct walk *w, uint32_t node, uint32_t scope, uint32_t value);
/* The second walk: what each name below a node means, and how often it is written. */
void js_scope_resolve(struct walk *w, uint32_t node, uint32_t scope);
/* The binding that a name has there, + 1. */
uint32_t js_scope_resolve_name(struct walk *w, uint32_t node, uint32_t scope);

#endif
