/* SPDX-License-Identifier: Apache-2.0 */
/* flow.c - which functions are put where they are called from: variables, parameters, fields, results. Containers and
 * pointers
 * are one with what is in them. Rounds until nothing new is called. */
#include "audit/go/go.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 8
#define DEPTH_MAX 60

static uint32_t node_add(struct golang *g)
{
	if (g->node_count == g->node_cap) {
		g->node_cap = g->node_cap ? g->node_cap * 2 : 256;
		g->nodes = xreallocarray(g->nodes, g->node_cap, sizeof(*g->nodes));
	}
	memset(&g->nodes[g->node_count], 0, sizeof(*g->nodes));
	return g->node_count++;
}

static uint32_t node_of_binding(uint32_t binding)
{
	return binding;
}
static uint32_t node_of_result(const struct golang *g, uint32_t definition)
{
	return g->x.binding_count + definition;
}

/* The node of a field of a struct, by the place of the struct. */
static uint32_t node_of_field(struct golang *g, uint32_t source, uint32_t node, text_t name)
{
	uint32_t at, i;

	if ((g->field_count + 1) * 2 > g->field_hash_cap) {
		free(g->field_hash);
		g->field_hash_cap = g->field_hash_cap ? g->field_hash_cap * 2 : 256;
		g->field_hash = xcalloc(g->field_hash_cap, sizeof(*g->field_hash));
		for (i = 0; i < g->field_count; i++) {
			at = (g->fields[i].source * 31 + g->fields[i].node) * 0x9e3779b1u ^ g->fields[i].name * 0x85ebca6bu;
			for (; g->field_hash[at &= g->field_hash_cap - 1]; at++)
				;
			g->field_hash[at] = i + 1;
		}
	}
	at = (source * 31 + node) * 0x9e3779b1u ^ name * 0x85ebca6bu;
	for (; (i = g->field_hash[at &= g->field_hash_cap - 1]) != 0; at++)
		if (g->fields[i - 1].source == source && g->fields[i - 1].node == node && g->fields[i - 1].name == name)
			return g->fields[i - 1].flow;
	if (g->field_count == g->field_cap) {
		g->field_cap = g->field_cap ? g->field_cap * 2 : 64;
		g->fields = xreallocarray(g->fields, g->field_cap, sizeof(*g->fields));
	}
	g->fields[g->field_count].source = source;
	g->fields[g->field_count].node = node;
	g->fields[g->field_count].name = name;
	g->fields[g->field_count].flow = node_add(g);
	g->field_hash[at] = ++g->field_count;
	return g->fields[g->field_count - 1].flow;
}

static void queue_add(struct golang *g, uint32_t node)
{
	if (g->nodes[node].is_queued)
		return;
	if (g->queue_count == g->queue_cap) {
		g->queue_cap = g->queue_cap ? g->queue_cap * 2 : 256;
		g->queue = xreallocarray(g->queue, g->queue_cap, sizeof(*g->queue));
	}
	g->queue[g->queue_count++] = node;
	g->nodes[node].is_queued = true;
}

static bool put(struct golang *g, uint32_t node, uint32_t definition)
{
	struct go_node *n = &g->nodes[node];

	for (uint32_t i = 0; i < n->n; i++)
		if (n->v[i] == definition)
			return false;
	if (n->n == sizeof(n->v) / sizeof(*n->v))
		return false;
	n->v[n->n++] = definition;
	queue_add(g, node);
	return true;
}

static void flow_add(struct golang *g, uint32_t from, uint32_t to)
{
	if (from == to)
		return;
	if (g->flow_count == g->flow_cap) {
		g->flow_cap = g->flow_cap ? g->flow_cap * 2 : 256;
		g->flows = xreallocarray(g->flows, g->flow_cap, sizeof(*g->flows));
	}
	g->flows[g->flow_count++] = (struct go_flow){ from, to, g->nodes[from].out };
	g->nodes[from].out = g->flow_count;
	if (g->nodes[from].n)
		queue_add(g, from);
}

/* Until nothing is left to hand on. A node is queued once for each that it holds, nine at most. */
static void propagate(struct golang *g)
{
	for (uint32_t at = 0; at < g->queue_count; at++) {
		uint32_t from = g->queue[at];

		g->nodes[from].is_queued = false;
		for (uint32_t i = g->nodes[from].out; i; i = g->flows[i - 1].next)
			for (uint32_t k = 0; k < g->nodes[from].n; k++)
				put(g, g->flows[i - 1].to, g->nodes[from].v[k]);
	}
	g->queue_count = 0;
}

static void read_into(struct golang *g, uint32_t source, uint32_t node, uint32_t to, int depth);

static struct go_call *call_at(struct golang *g, uint32_t source, uint32_t node)
{
	enum tree_kind kind = GNODE(g, source, node)->kind;
	uint32_t i = kind == K_call_expression || kind == K_type_conversion_expression ? g->x.sources[source].link[node] : 0;

	return i ? &g->calls[i - 1] : NULL;
}

/* The values of a composite literal: those of a struct go to its fields, others are what the literal holds. */
static void literal_read(struct golang *g, uint32_t source, uint32_t body, uint32_t type, uint32_t to, int depth)
{
	struct go_type t = *go_type_at(g, go_underlying(g, type));
	uint32_t element = t.kind == T_SLICE ? t.a : t.kind == T_MAP ? t.b : 0, i = 0;

	if (t.kind == T_POINTER)
		t = *go_type_at(g, go_underlying(g, t.a));
	for (uint32_t c = body ? GNODE(g, source, body)->first : 0; c; c = GNODE(g, source, c)->next) {
		bool keyed = GNODE(g, source, c)->kind == K_keyed_element;
		uint32_t key = keyed ? go_field(g, source, c, F_key) : 0, value = keyed ? go_field(g, source, c,
			F_value) : c;
		uint32_t at = to, own = element;

		while (value && GNODE(g, source, value)->kind == K_literal_element)
			value = GNODE(g, source, value)->first;
		while (key && GNODE(g, source, key)->kind == K_literal_element)
			key = GNODE(g, source, key)->first;
		if (!value || GNODE(g, source, c)->kind == K_TOKEN)
			continue;
		if (t.kind == T_STRUCT) {
			text_t name = key ? syntax_text(&g->x, source, key) : 0;
			uint32_t list = GNODE(g, t.a, t.b)->first, n = 0;

			for (uint32_t f = !key && list ? GNODE(g, t.a, list)->first : 0; f && !name; f = GNODE(g, t.a,
				f)->next)
				for (uint32_t k = GNODE(g, t.a, f)->first; k; k = GNODE(g, t.a, k)->next)
					if (GNODE(g, t.a, k)->kind == K_field_identifier && n++ == i)
						name = syntax_text(&g->x, t.a, k);
			at = name ? node_of_field(g, t.a, t.b, name) : to;
			own = name ? go_member_find(g, type, name).type : 0;
		}
		i++;
		if (GNODE(g, source, value)->kind == K_literal_value)
			literal_read(g, source, value, go_type_at(g, own)->kind == T_POINTER ? go_type_at(g, own)->a :
				own, at,
				depth + 1);
		else
			read_into(g, source, value, at, depth + 1);
	}
}

/* A method value: x.M without a call. */
static void selector_read(struct golang *g, uint32_t source, uint32_t node, uint32_t to)
{
	uint32_t operand = go_field(g, source, node, F_operand), field = go_field(g, source, node, F_field), type;
	struct go_member m;
	text_t path = operand ? go_package_path(g, source, operand) : 0;

	if (!operand || !field)
		return;
	if (path) {
		uint32_t package = go_package_find(g, graph_text(g->x.g, path));
		const struct go_name *n = package != GRAPH_NONE ? go_name_find(g, package, syntax_text(&g->x, source,
			field)) : NULL;

		if (n && n->kind == OBJECT_FUNCTION)
			put(g, to, n->index);
		else if (n && n->kind == OBJECT_VARIABLE)
			flow_add(g, node_of_binding(n->index), to);
		return;
	}
	type = go_named_type(g, source, operand);
	type = type ? type : go_expression_type(g, source, operand);
	m = go_member_find(g, type, syntax_text(&g->x, source, field));
	if (m.kind == MEMBER_METHOD)
		put(g, to, m.definition);
	else if (m.kind == MEMBER_FIELD)
		flow_add(g, node_of_field(g, m.source, m.node, syntax_text(&g->x, source, field)), to);
	else if (m.kind == MEMBER_INTERFACE) {
		const struct go_implementers *all = go_implementers_of(g, m.source, m.node);

		for (uint32_t i = 0; i < all->n && i < GRAPH_TARGETS_MAX; i++) {
			struct go_member one = go_member_find(g, go_type_make(g, T_NAMED, all->v[i], 0, 0),
				syntax_text(&g->x, source, field));

			if (one.kind == MEMBER_METHOD)
				put(g, to, one.definition);
		}
	}
}

static void identifier_read(struct golang *g, uint32_t source, uint32_t node, uint32_t to)
{
	const struct syntax_binding *b = syntax_binding_of(&g->x, source, node);
	const struct go_name *n = b ? NULL : go_name_find(g, g->package_of[source], syntax_text(&g->x, source, node));

	if (b)
		flow_add(g, node_of_binding((uint32_t)(b - g->x.bindings)), to);
	else if (n && n->kind == OBJECT_FUNCTION)
		put(g, to, n->index);
}

/* The functions that an expression may be go to a node. */
static void read_into(struct golang *g, uint32_t source, uint32_t node, uint32_t to, int depth)
{
	const struct tree_node *n = GNODE(g, source, node);
	uint32_t a;
	struct go_call *c;

	if (depth > DEPTH_MAX)
		return;
	switch (n->kind) {
	case K_identifier: identifier_read(g, source, node, to); return;
	case K_func_literal:
		if (g->x.sources[source].link[node])
			put(g, to, g->x.sources[source].link[node] - 1);
		return;
	case K_selector_expression: selector_read(g, source, node, to); return;
	case K_composite_literal:
		a = go_field(g, source, node, F_type);
		literal_read(g, source, go_field(g, source, node, F_body), a ? go_type_of_node(g, source, a) : 0, to, depth);
		return;
	case K_call_expression: case K_type_conversion_expression:
		c = call_at(g, source, node);
		if (c) {
			if (!c->node) {
				a = node_add(g);
				c->node = a;
			}
			flow_add(g, c->node, to);
		}
		a = go_field(g, source, node, F_operand);
		if (n->kind == K_type_conversion_expression && a)
			read_into(g, source, a, to, depth + 1);
		return;
	case K_index_expression: case K_slice_expression: case K_unary_expression: case K_type_assertion_expression:
		a = go_field(g, source, node, F_operand);
		if (a)
			read_into(g, source, a, to, depth + 1);
		return;
	case K_parenthesized_expression: case K_literal_element: case K_variadic_argument: case K_expression_list:
		if (n->first)
			read_into(g, source, n->first, to, depth + 1);
		return;
	default: return;
	}
}

/* The node that a left side writes; GRAPH_NONE: none. */
static uint32_t written_node(struct golang *g, uint32_t source, uint32_t node)
{
	const struct tree_node *n = GNODE(g, source, node);
	const struct syntax_binding *b;
	uint32_t operand, field, path;
	struct go_member m;

	switch (n->kind) {
	case K_identifier:
		b = syntax_binding_of(&g->x, source, node);
		return b ? node_of_binding((uint32_t)(b - g->x.bindings)) : GRAPH_NONE;
	case K_selector_expression:
		operand = go_field(g, source, node, F_operand);
		field = go_field(g, source, node, F_field);
		path = operand ? go_package_path(g, source, operand) : 0;
		if (!operand || !field)
			return GRAPH_NONE;
		if (path) {
			uint32_t package = go_package_find(g, graph_text(g->x.g, path));
			const struct go_name *o = package != GRAPH_NONE ?
				go_name_find(g, package, syntax_text(&g->x, source, field)) : NULL;

			return o && o->kind == OBJECT_VARIABLE ? node_of_binding(o->index) : GRAPH_NONE;
		}
		m = go_member_find(g, go_expression_type(g, source, operand), syntax_text(&g->x, source, field));
		return m.kind == MEMBER_FIELD ? node_of_field(g, m.source, m.node, syntax_text(&g->x, source,
			field)) : GRAPH_NONE;
	case K_index_expression: case K_unary_expression:
		operand = go_field(g, source, node, F_operand);
		return operand ? written_node(g, source, operand) : GRAPH_NONE;
	case K_parenthesized_expression: return n->first ? written_node(g, source, n->first) : GRAPH_NONE;
	default: return GRAPH_NONE;
	}
}

static void assignment_read(struct golang *g, uint32_t source, uint32_t node)
{
	uint32_t left = go_field(g, source, node, F_left), right = go_field(g, source, node, F_right);
	uint32_t l = left ? GNODE(g, source, left)->first : 0, r = right ? GNODE(g, source, right)->first : 0;

	for (; l; l = GNODE(g, source, l)->next) {
		uint32_t to = GNODE(g, source, l)->kind == K_TOKEN ? GRAPH_NONE : written_node(g, source, l);

		if (to != GRAPH_NONE && r)
			read_into(g, source, r, to, 0);
		if (r && GNODE(g, source, r)->next)
			r = GNODE(g, source, r)->next;
	}
}

static void return_read(struct golang *g, uint32_t source, uint32_t node)
{
	uint32_t owner = syntax_owner(&g->x, source, node), list = GNODE(g, source, node)->first;

	for (uint32_t c = list ? GNODE(g, source, list)->first : 0; c; c = GNODE(g, source, c)->next)
		read_into(g, source, c, node_of_result(g, owner), 0);
}

/* Types of which a value is made. */
static void made(struct golang *g, uint32_t type)
{
	for (int i = 0; i < 4; i++) {
		struct go_type t = *go_type_at(g, type);

		if (t.kind == T_NAMED)
			g->declarations[t.a].is_made = true;
		if (t.kind != T_POINTER && t.kind != T_SLICE && t.kind != T_MAP)
			return;
		type = t.kind == T_MAP ? t.b : t.a;
	}
}

static void made_by(struct golang *g, uint32_t source, uint32_t node)
{
	uint32_t type = go_field(g, source, node, F_type), list, first;

	switch (GNODE(g, source, node)->kind) {
	case K_composite_literal: case K_type_conversion_expression: case K_var_spec: case K_field_declaration:
		if (type)
			made(g, go_type_of_node(g, source, type));
		return;
	case K_const_spec: /* iota */
		if (type)
			made(g, go_type_of_node(g, source, type));
		return;
	case K_call_expression: /* new(T), T(x) */
		list = go_field(g, source, node, F_arguments);
		first = list ? GNODE(g, source, list)->first : 0;
		if (go_is_text(g, source, go_field(g, source, node, F_function), "new") && first)
			made(g, go_named_type(g, source, first));
		else if (go_field(g, source, node, F_function))
			made(g, go_named_type(g, source, go_field(g, source, node, F_function)));
		return;
	default: return;
	}
}

static void call_find(struct golang *g, uint32_t source, uint32_t node)
{
	if (g->call_count == g->call_cap) {
		g->call_cap = g->call_cap ? g->call_cap * 2 : 256;
		g->calls = xreallocarray(g->calls, g->call_cap, sizeof(*g->calls));
	}
	memset(&g->calls[g->call_count], 0, sizeof(*g->calls));
	g->calls[g->call_count].site = (struct syntax_site){ .caller = syntax_owner(&g->x, source, node), .source = source,
		.node = node };
	g->x.sources[source].link[node] = ++g->call_count;
}

static void bindings_read(struct golang *g)
{
	for (uint32_t i = 0; i < g->x.binding_count; i++) {
		const struct go_binding *b = &g->bindings[i];

		if ((b->how == HOW_VALUE || b->how == HOW_ELEMENT) && b->value && b->index < 2)
			read_into(g, g->x.bindings[i].source, b->value, node_of_binding(i), 0);
	}
}

static void sends_read(struct golang *g, uint32_t source, uint32_t node)
{
	uint32_t channel = go_field(g, source, node, F_channel), value = go_field(g, source, node, F_value), to;

	to = channel ? written_node(g, source, channel) : GRAPH_NONE;
	if (to != GRAPH_NONE && value)
		read_into(g, source, value, to, 0);
}

static void target_name(struct golang *g, struct go_call *c, text_t name)
{
	for (uint32_t i = 0; i < c->site.count; i++)
		if (c->site.targets[i] == name)
			return;
	if (c->site.count < 2 * GRAPH_TARGETS_MAX)
		c->site.targets[c->site.count++] = name;
	(void)g;
}

/* A function is reached: its parameters get the arguments, the call its result. Returns: that is new. */
static bool reach(struct golang *g, uint32_t call, uint32_t definition)
{
	struct go_call *c = &g->calls[call];
	const struct go_function *f = &g->functions[definition];
	uint32_t source = c->site.source, list, operand, i = 0;

	for (uint32_t k = 0; k < c->reached_count; k++)
		if (c->reached[k] == definition)
			return false;
	if (c->reached_count == 2 * GRAPH_TARGETS_MAX)
		return false;
	c->reached[c->reached_count++] = definition;
	target_name(g, c, text_ofz(&g->x.g->texts, g->x.definitions[definition].name));
	if (!c->node) {
		uint32_t node = node_add(g);

		g->calls[call].node = node;
	}
	flow_add(g, node_of_result(g, definition), g->calls[call].node);
	operand = go_field(g, source, go_field(g, source, c->site.node, F_function), F_operand);
	if (f->self && operand)
		read_into(g, source, operand, node_of_binding(f->self - 1), 0);
	list = go_field(g, source, c->site.node, F_arguments);
	for (uint32_t a = list ? GNODE(g, source, list)->first : 0; a && f->count; a = GNODE(g, source, a)->next) {
		if (GNODE(g, source, a)->kind == K_TOKEN)
			continue;
		read_into(g, source, a, node_of_binding(f->first + (i < f->count ? i : f->count - 1)), 0);
		i++;
	}
	return true;
}

/* Functions that are handed to one of Go's own library are called by it. */
static bool handed(struct golang *g, uint32_t call)
{
	struct go_call *c = &g->calls[call];
	uint32_t source = c->site.source, list = go_field(g, source, c->site.node, F_arguments);
	bool changed = false;

	for (uint32_t a = list ? GNODE(g, source, list)->first : 0; a; a = GNODE(g, source, a)->next) {
		uint32_t at = a, binding = GRAPH_NONE;
		struct go_node held = { 0 };
		const struct syntax_binding *b;

		while (GNODE(g, source, at)->kind == K_parenthesized_expression && GNODE(g, source, at)->first)
			at = GNODE(g, source, at)->first;
		b = syntax_binding_of(&g->x, source, at);
		if (b)
			binding = (uint32_t)(b - g->x.bindings);
		if (binding != GRAPH_NONE && go_type_at(g, go_underlying(g, go_binding_type(g, binding)))->kind == T_FUNC) {
			held = g->nodes[node_of_binding(binding)];
		} else if (!b && (GNODE(g, source, at)->kind == K_func_literal || GNODE(g, source, at)->kind ==
			K_identifier ||
			   GNODE(g, source, at)->kind == K_selector_expression)) {
			uint32_t node = node_add(g);

			read_into(g, source, at, node, 0);
			held = g->nodes[node];
			if (GNODE(g, source, at)->kind == K_selector_expression && !held.n)
				continue;
		}
		for (uint32_t k = 0; k < held.n; k++)
			changed |= reach(g, call, held.v[k]);
	}
	return changed;
}

static bool interface_reach(struct golang *g, uint32_t call, const struct go_callee *callee)
{
	const struct go_implementers *all = go_implementers_of(g, callee->source, callee->node);
	uint32_t n = all->n;
	bool changed = false;

	if (n > GRAPH_TARGETS_MAX) {
		g->calls[call].site.reason = REASON_too_many_targets;
		return false;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t declaration = go_implementers_of(g, callee->source, callee->node)->v[i];
		struct go_member m = go_member_find(g, go_type_make(g, T_NAMED, declaration, 0, 0), callee->name);

		if (m.kind == MEMBER_METHOD)
			changed |= reach(g, call, m.definition);
		else if (m.kind == MEMBER_OUTSIDE)
			target_name(g, &g->calls[call], m.path);
	}
	if (!g->calls[call].site.count)
		g->calls[call].site.reason = REASON_attribute;
	return changed;
}

static bool value_reach(struct golang *g, uint32_t call, enum graph_reason reason)
{
	struct go_call *c = &g->calls[call];
	uint32_t source = c->site.source, function = go_field(g, source, c->site.node, F_function), node = GRAPH_NONE;
	struct go_node held = { 0 };
	bool changed = false;

	while (function && GNODE(g, source, function)->kind == K_parenthesized_expression)
		function = GNODE(g, source, function)->first;
	if (!function)
		return false;
	if (!c->site.reason) {
		node = node_add(g); /* once: what it reads flows to it from then on */
		read_into(g, source, function, node, 0);
		g->calls[call].site.reason = reason ? reason : REASON_attribute;
		g->calls[call].held = node;
		propagate(g);
	}
	c = &g->calls[call];
	node = c->held;
	held = g->nodes[node];
	if (held.n > GRAPH_TARGETS_MAX) {
		c->site.reason = REASON_too_many_targets;
		c->site.count = 0;
		return false;
	}
	for (uint32_t i = 0; i < held.n; i++)
		changed |= reach(g, call, held.v[i]);
	return changed;
}

static bool is_library(const char *path)
{
	size_t n = strcspn(path, "/");

	return memchr(path, '.', n) == NULL || path[n] != '/';
}

/* What append and a conversion give back holds what they are given. */
static bool arguments_flow(struct golang *g, uint32_t call)
{
	uint32_t source = g->calls[call].site.source, node = g->calls[call].node;
	uint32_t list = go_field(g, source, g->calls[call].site.node, F_arguments);

	node = node ? node : node_add(g);
	g->calls[call].node = node;
	for (uint32_t a = list ? GNODE(g, source, list)->first : 0; a; a = GNODE(g, source, a)->next)
		read_into(g, source, a, node, 0);
	return true;
}

static bool call_resolve(struct golang *g, uint32_t call)
{
	struct go_call *c = &g->calls[call];
	struct go_callee callee;

	if (c->is_closed)
		return false;
	callee = go_callee_of(g, c->site.source, c->site.node);
	c = &g->calls[call];
	switch (callee.kind) {
	case CALLEE_FUNCTION:
		c->is_closed = true;
		return reach(g, call, callee.definition);
	case CALLEE_CONVERSION:
		c->is_closed = true;
		return arguments_flow(g, call);
	case CALLEE_BUILTIN:
		target_name(g, c, callee.name);
		c->is_closed = true;
		return strcmp(graph_text(g->x.g, callee.name), "<builtin>.append") == 0 && arguments_flow(g, call);
	case CALLEE_OUTSIDE:
		target_name(g, c, callee.name);
		return is_library(graph_text(g->x.g, callee.name)) && handed(g, call);
	case CALLEE_INTERFACE: return interface_reach(g, call, &callee);
	case CALLEE_VALUE: return value_reach(g, call, callee.reason);
	default:
		c->site.reason = callee.reason ? callee.reason : REASON_attribute;
		c->is_closed = true;
		return false;
	}
}

/* One walk over a source: calls first, so that what reads them finds them. */
static void source_read(struct golang *g, uint32_t source, int pass)
{
	for (uint32_t i = 1; i < g->x.sources[source].tree.count; i++) {
		enum tree_kind kind = GNODE(g, source, i)->kind;

		if (pass == 0) {
			made_by(g, source, i);
			if (kind == K_call_expression || (kind == K_type_conversion_expression &&
			    go_callee_of(g, source, i).kind == CALLEE_FUNCTION))
				call_find(g, source, i);
		} else if (kind == K_assignment_statement) {
			assignment_read(g, source, i);
		} else if (kind == K_return_statement) {
			return_read(g, source, i);
		} else if (kind == K_send_statement) {
			sends_read(g, source, i);
		} else if (kind == K_short_var_declaration) {
			assignment_read(g, source, i);
		}
	}
}

void go_flow_read(struct golang *g)
{
	bool changed = true;

	for (uint32_t i = 0; i < g->x.binding_count + g->x.definition_count + 1; i++)
		node_add(g);
	for (uint32_t i = 0; i < g->x.source_count; i++) {
		source_read(g, i, 0);
		syntax_parents_drop(&g->x, i);
	}
	for (uint32_t i = 0; i < g->x.source_count; i++) {
		source_read(g, i, 1);
		syntax_parents_drop(&g->x, i);
	}
	bindings_read(g);
	for (int round = 0; changed && round < ROUNDS_MAX; round++) {
		changed = false;
		propagate(g);
		for (uint32_t i = 0; i < g->call_count; i++)
			changed |= call_resolve(g, i);
	}
}
