/* SPDX-License-Identifier: Apache-2.0 */
/* define.c - functions, types and variables of packages, the scopes of functions, and what each name is bound to. */
#include "audit/go/go.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct walk {
	struct golang *g;
	uint32_t source, def;
	struct { uint32_t name, binding; } *scope; /* names that are seen, the innermost last */
	uint32_t count, cap;
};

static void walk_node(struct walk *w, uint32_t node);

static const struct tree_node *node_of(const struct walk *w, uint32_t node)
{
	return GNODE(w->g, w->source, node);
}
static uint32_t field_of(const struct walk *w, uint32_t node, enum tree_field f)
{
	return go_field(w->g, w->source, node, f);
}

static struct go_binding *binding_at(struct golang *g, uint32_t i)
{
	if (i >= g->binding_cap) {
		uint32_t cap = i * 2 + 256;

		g->bindings = xreallocarray(g->bindings, cap, sizeof(*g->bindings));
		memset(g->bindings + g->binding_cap, 0, (cap - g->binding_cap) * sizeof(*g->bindings));
		g->binding_cap = cap;
	}
	return &g->bindings[i];
}

static struct go_function *function_at(struct golang *g, uint32_t i)
{
	if (i >= g->function_cap) {
		uint32_t cap = i * 2 + 256;

		g->functions = xreallocarray(g->functions, cap, sizeof(*g->functions));
		memset(g->functions + g->function_cap, 0, (cap - g->function_cap) * sizeof(*g->functions));
		g->function_cap = cap;
	}
	return &g->functions[i];
}

static void see(struct walk *w, text_t name, uint32_t binding)
{
	if (w->count == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 64;
		w->scope = xreallocarray(w->scope, w->cap, sizeof(*w->scope));
	}
	w->scope[w->count].name = name;
	w->scope[w->count++].binding = binding;
}

static uint32_t bind(struct walk *w, uint32_t node, struct go_binding how, bool local)
{
	struct golang *g = w->g;
	text_t name = syntax_text(&g->x, w->source, node);
	uint32_t b = syntax_binding_add(&g->x, (struct syntax_binding){ .name = name, .definition = w->def,
		.source = w->source, .node = node, .writes = 1,
		.value = how.how == HOW_VALUE ? how.value : 0, .is_block = local });

	*binding_at(g, b) = how;
	g->x.sources[w->source].link[node] = b + 1;
	if (local && !go_is_text(g, w->source, node, "_"))
		see(w, name, b);
	return b;
}

static void name_add(struct golang *g, uint32_t package, text_t name, enum go_object kind, uint32_t index)
{
	if (g->name_count == g->name_cap) {
		g->name_cap = g->name_cap ? g->name_cap * 2 : 256;
		g->names = xreallocarray(g->names, g->name_cap, sizeof(*g->names));
	}
	g->names[g->name_count++] = (struct go_name){ package, name, kind, index };
}

static uint32_t lookup(const struct walk *w, text_t name)
{
	for (uint32_t i = w->count; i--;)
		if (w->scope[i].name == name)
			return w->scope[i].binding + 1;
	return 0;
}

/* Type parameters: "[K comparable, V any]". */
static void type_parameters(struct walk *w, uint32_t list, struct go_declaration *d)
{
	for (uint32_t c = list ? node_of(w, list)->first : 0; c; c = node_of(w, c)->next)
		for (uint32_t n = node_of(w, c)->first; n; n = node_of(w, n)->next) {
			uint32_t b;

			if (node_of(w, n)->field != F_name || node_of(w, n)->kind == K_TOKEN)
				continue;
			b = bind(w, n, (struct go_binding){ .how = HOW_TYPE_PARAMETER, .type_node = field_of(w, c,
				F_type) }, true);
			if (d && d->parameter_count < 8)
				d->parameters[d->parameter_count++] = b;
		}
}

static uint32_t declaration_add(struct walk *w, uint32_t spec)
{
	struct golang *g = w->g;
	uint32_t name = field_of(w, spec, F_name), list = field_of(w, spec, F_type_parameters), before = w->count;

	if (g->declaration_count == g->declaration_cap) {
		g->declaration_cap = g->declaration_cap ? g->declaration_cap * 2 : 64;
		g->declarations = xreallocarray(g->declarations, g->declaration_cap, sizeof(*g->declarations));
	}
	struct go_declaration *d = &g->declarations[g->declaration_count];

	*d = (struct go_declaration){ .source = w->source, .node = spec, .package = g->package_of[w->source],
		.name = name ? syntax_text(&g->x, w->source, name) : 0, .is_alias = node_of(w, spec)->kind == K_type_alias };
	type_parameters(w, list, d);
	if (field_of(w, spec, F_type))
		walk_node(w, field_of(w, spec, F_type));
	w->count = before;
	return g->declaration_count++;
}

static void parameters_bind(struct walk *w, uint32_t list, struct go_function *f, bool is_self)
{
	for (uint32_t c = list ? node_of(w, list)->first : 0; c; c = node_of(w, c)->next) {
		bool variadic = node_of(w, c)->kind == K_variadic_parameter_declaration, named = false;
		uint32_t type = field_of(w, c, F_type);

		if (type)
			walk_node(w, type);
		for (uint32_t n = node_of(w, c)->first; n; n = node_of(w, n)->next) {
			uint32_t b;

			if (node_of(w, n)->kind != K_identifier || node_of(w, n)->field == F_type)
				continue;
			named = true;
			b = bind(w, n, (struct go_binding){ .how = HOW_TYPE, .type_node = type, .variadic =
				variadic }, true);
			w->g->x.bindings[b].is_block = false;
			w->g->x.bindings[b].is_parameter = true;
			w->g->x.bindings[b].is_self = is_self;
			if (f) {
				f->first = f->count ? f->first : b;
				f->count++;
			}
		}
		if (f && !named && type)
			f->count += !f->count ? 0 : 1;
		if (f)
			f->is_variadic |= variadic;
	}
}

static void results_bind(struct walk *w, uint32_t result)
{
	if (!result)
		return;
	if (node_of(w, result)->kind == K_parameter_list)
		parameters_bind(w, result, NULL, false);
	else
		walk_node(w, result);
	for (uint32_t c = node_of(w, result)->kind == K_parameter_list ? node_of(w, result)->first : 0; c;
	     c = node_of(w, c)->next)
		for (uint32_t n = node_of(w, c)->first; n; n = node_of(w, n)->next) {
			uint32_t i = node_of(w, n)->kind == K_identifier ? w->g->x.sources[w->source].link[n] : 0;

			if (i)
				w->g->x.bindings[i - 1].is_parameter = false;
		}
}

/* The receiver's own names of a generic type's parameters are those of its declaration. */
static void receiver_bind(struct walk *w, uint32_t list, struct go_function *f)
{
	uint32_t c = list ? node_of(w, list)->first : 0, type = c ? field_of(w, c, F_type) : 0, i = 0, name;
	const struct go_name *n;

	while (type && (node_of(w, type)->kind == K_pointer_type || node_of(w, type)->kind == K_parenthesized_type))
		type = node_of(w, type)->first;
	name = type && node_of(w, type)->kind == K_generic_type ? field_of(w, type, F_type) : type;
	n = name ? go_name_find(w->g, w->g->package_of[w->source], syntax_text(&w->g->x, w->source, name)) : NULL;
	if (n && n->kind == OBJECT_TYPE) {
		const struct go_declaration *d = &w->g->declarations[n->index];
		uint32_t args = name != type ? field_of(w, type, F_type_arguments) : 0;

		f->receiver = n->index + 1;
		for (uint32_t a = args ? node_of(w, args)->first : 0; a && i < d->parameter_count; a = node_of(w, a)->next) {
			uint32_t id = node_of(w, a)->kind == K_type_elem ? node_of(w, a)->first : a;

			if (id && node_of(w, id)->kind == K_type_identifier)
				see(w, syntax_text(&w->g->x, w->source, id), d->parameters[i++]);
		}
	}
	i = w->g->x.binding_count;
	parameters_bind(w, list, NULL, true);
	f->self = w->g->x.binding_count > i ? w->g->x.binding_count : 0;
}

static void body_walk(struct walk *w, uint32_t node, uint32_t def)
{
	struct golang *g = w->g;
	uint32_t before = w->count, around = w->def, body = field_of(w, node, F_body);
	struct go_function f = { .signature = node, .package = g->package_of[w->source] };
	const struct go_function *old = function_at(g, def);

	f.receiver = old->receiver;
	f.name = old->name;
	w->def = def;
	if (node_of(w, node)->kind == K_method_declaration)
		receiver_bind(w, field_of(w, node, F_receiver), &f);
	type_parameters(w, field_of(w, node, F_type_parameters), NULL);
	if (field_of(w, node, F_type_parameters))
		for (uint32_t c = node_of(w, field_of(w, node, F_type_parameters))->first; c; c = node_of(w, c)->next)
			if (field_of(w, c, F_type))
				walk_node(w, field_of(w, c, F_type));
	parameters_bind(w, field_of(w, node, F_parameters), &f, false);
	results_bind(w, field_of(w, node, F_result));
	*function_at(g, def) = f;
	if (body)
		walk_node(w, body);
	w->count = before;
	w->def = around;
}

/* "init" may be there several times in one file: all are run. */
static uint32_t definition_of(struct walk *w, uint32_t node)
{
	struct golang *g = w->g;
	uint32_t name = field_of(w, node, F_name), type = 0, list = field_of(w, node, F_receiver), own, again = 1;
	struct syntax_definition d = { .source = w->source, .node = node, .body = field_of(w, node, F_body), .parent =
		w->def,
		.kind = list ? SYNTAX_METHOD : SYNTAX_FUNCTION };
	const char *module = g->x.sources[w->source].module;

	for (uint32_t c = list ? node_of(w, list)->first : 0; c; c = node_of(w, c)->next)
		type = field_of(w, c, F_type);
	while (type && node_of(w, type)->kind != K_type_identifier)
		type = node_of(w, type)->kind == K_generic_type ? field_of(w, type, F_type) : node_of(w, type)->first;
	d.name = xasprintf("%s.%.*s%s%.*s", module, type ? (int)syntax_length(&g->x, w->source, type) : 0,
			   type ? syntax_at(&g->x, w->source, type) : "", type ? "." : "",
			   name ? (int)syntax_length(&g->x, w->source, name) : 1, name ? syntax_at(&g->x, w->source,
				name) : "?");
	for (uint32_t i = g->x.sources[w->source].body + 1; !list && go_is_text(g, w->source, name, "init") &&
	     i < g->x.definition_count; i++)
		again += g->x.definitions[i].source == w->source &&
			 strncmp(g->x.definitions[i].name, d.name, strlen(d.name)) == 0 &&
			 (!g->x.definitions[i].name[strlen(d.name)] || g->x.definitions[i].name[strlen(d.name)] == '@');
	if (again > 1) {
		char *other = xasprintf("%s@%u", d.name, again);

		free(d.name);
		d.name = other;
	}
	own = syntax_definition_add(&g->x, d);
	g->x.sources[w->source].link[node] = own + 1;
	function_at(g, own)->name = name ? syntax_text(&g->x, w->source, name) : 0;
	return own;
}

static void literal_define(struct walk *w, uint32_t node)
{
	struct golang *g = w->g;
	struct syntax_definition *around = &g->x.definitions[w->def];
	struct syntax_definition d = { .source = w->source, .node = node, .body = field_of(w, node, F_body), .parent =
		w->def,
		.kind = SYNTAX_LAMBDA, .is_arrow = true };
	uint32_t own;

	d.name = xasprintf("%s.<lambda%u>", around->name, ++around->lambdas);
	own = syntax_definition_add(&g->x, d);
	g->x.sources[w->source].link[node] = own + 1;
	body_walk(w, node, own);
}

/* a, b := f() and a, b := 1, 2: each name's own value where there are as many. */
static struct go_binding value_of(struct walk *w, uint32_t list, uint32_t names, uint32_t i, uint32_t type)
{
	uint32_t n = 0, at = 0;

	for (uint32_t c = list ? node_of(w, list)->first : 0; c; c = node_of(w, c)->next)
		if (node_of(w, c)->kind != K_TOKEN && n++ == i)
			at = c;
	if (list && node_of(w, list)->kind != K_expression_list)
		return (struct go_binding){ .how = HOW_VALUE, .value = list, .type_node = type, .index = names > 1 ?
			i + 1 : 0 };
	if (!n)
		return (struct go_binding){ .how = HOW_TYPE, .type_node = type };
	if (n == names)
		return (struct go_binding){ .how = HOW_VALUE, .value = at, .type_node = type };
	return (struct go_binding){ .how = HOW_VALUE, .value = node_of(w, list)->first, .type_node = type, .index = i + 1 };
}

static uint32_t count_names(const struct walk *w, uint32_t node, enum tree_field which)
{
	uint32_t n = 0;

	for (uint32_t c = node_of(w, node)->first; c; c = node_of(w, c)->next)
		n += node_of(w, c)->field == which && node_of(w, c)->kind != K_TOKEN;
	return n;
}

static void spec_bind(struct walk *w, uint32_t spec, bool local)
{
	uint32_t type = field_of(w, spec, F_type), value = field_of(w, spec, F_value), i = 0;
	uint32_t names = count_names(w, spec, F_name);

	for (uint32_t c = node_of(w, spec)->first; c; c = node_of(w, c)->next) {
		struct go_binding how;
		uint32_t b;

		if (node_of(w, c)->field != F_name || node_of(w, c)->kind == K_TOKEN)
			continue;
		how = value_of(w, value, names, i++, type);
		b = bind(w, c, how, local);
		if (how.index)
			w->g->x.bindings[b].value = 0;
		if (!local && !go_is_text(w->g, w->source, c, "_") && !w->g->is_out[w->source])
			name_add(w->g, w->g->package_of[w->source], w->g->x.bindings[b].name, OBJECT_VARIABLE, b);
	}
}

static void short_bind(struct walk *w, uint32_t node, uint32_t from)
{
	uint32_t left = field_of(w, node, F_left), right = field_of(w, node, F_right), i = 0;
	uint32_t names = 0;

	for (uint32_t c = left ? node_of(w, left)->first : 0; c; c = node_of(w, c)->next)
		names += node_of(w, c)->kind != K_TOKEN;
	for (uint32_t c = left ? node_of(w, left)->first : 0; c; c = node_of(w, c)->next) {
		uint32_t known = 0;
		struct go_binding how;

		if (node_of(w, c)->kind == K_TOKEN)
			continue;
		how = value_of(w, right, names, i++, 0);
		/* a name that this block has already is assigned to */
		for (uint32_t k = w->count; k-- > from && !known;)
			if (w->scope[k].name == syntax_text(&w->g->x, w->source, c))
				known = w->scope[k].binding + 1;
		if (known) {
			w->g->x.sources[w->source].link[c] = known;
			w->g->x.bindings[known - 1].writes++;
			w->g->x.bindings[known - 1].value = 0;
		} else {
			uint32_t b = bind(w, c, how, true);

			if (how.index)
				w->g->x.bindings[b].value = 0;
		}
	}
}

static void children_walk(struct walk *w, uint32_t node)
{
	for (uint32_t c = node_of(w, node)->first; c; c = node_of(w, c)->next)
		walk_node(w, c);
}

static void range_bind(struct walk *w, uint32_t node)
{
	uint32_t left = field_of(w, node, F_left), right = field_of(w, node, F_right), i = 0;
	bool declares = memmem(syntax_at(&w->g->x, w->source, node), syntax_length(&w->g->x, w->source, node), ":=",
		2) != NULL;

	if (right)
		walk_node(w, right);
	for (uint32_t c = left ? node_of(w, left)->first : 0; c; c = node_of(w, c)->next) {
		if (node_of(w, c)->kind == K_TOKEN)
			continue;
		if (declares && node_of(w, c)->kind == K_identifier)
			bind(w, c, (struct go_binding){ .how = i ? HOW_ELEMENT : HOW_KEY, .value = right }, true);
		else
			walk_node(w, c);
		i++;
	}
}

static void written(struct walk *w, uint32_t node)
{
	const struct tree_node *n = node_of(w, node);

	if (n->kind == K_identifier) {
		uint32_t i;

		walk_node(w, node);
		i = w->g->x.sources[w->source].link[node];
		if (i) {
			w->g->x.bindings[i - 1].writes++;
			w->g->x.bindings[i - 1].value = 0;
		}
		return;
	}
	if (n->kind == K_expression_list)
		for (uint32_t c = n->first; c; c = node_of(w, c)->next)
			written(w, c);
	else
		walk_node(w, node);
}

static void type_switch_walk(struct walk *w, uint32_t node)
{
	uint32_t alias = field_of(w, node, F_alias), value = field_of(w, node, F_value), name = alias ? node_of(w,
		alias)->first : 0;

	if (field_of(w, node, F_initializer))
		walk_node(w, field_of(w, node, F_initializer));
	if (value)
		walk_node(w, value);
	for (uint32_t c = node_of(w, node)->first; c; c = node_of(w, c)->next) {
		uint32_t before = w->count, type = 0, types = 0;

		if (node_of(w, c)->kind != K_type_case && node_of(w, c)->kind != K_default_case)
			continue;
		for (uint32_t t = node_of(w, c)->first; t; t = node_of(w, t)->next)
			if (node_of(w, t)->field == F_type && node_of(w, t)->kind != K_TOKEN) {
				type = t;
				types++;
			}
		if (name) {
			bool one = types == 1;

			bind(w, name, (struct go_binding){ .how = one ? HOW_TYPE : HOW_VALUE, .type_node = one ? type : 0,
				.value = value }, true);
		}
		children_walk(w, c);
		w->count = before;
	}
}

static void block_walk(struct walk *w, uint32_t node)
{
	uint32_t before = w->count;

	children_walk(w, node);
	w->count = before;
}

static void name_walk(struct walk *w, uint32_t node)
{
	uint32_t *link = &w->g->x.sources[w->source].link[node], i;
	const struct go_name *n;

	if (*link)
		return;
	i = lookup(w, syntax_text(&w->g->x, w->source, node));
	n = i ? NULL : go_name_find(w->g, w->g->package_of[w->source], syntax_text(&w->g->x, w->source, node));
	if (n && n->kind == OBJECT_VARIABLE)
		i = n->index + 1;
	*link = i;
}

static void walk_node(struct walk *w, uint32_t node)
{
	const struct tree_node *n = node_of(w, node);
	uint32_t a, name;

	switch (n->kind) {
	case K_identifier: case K_type_identifier: case K_package_identifier:
		name_walk(w, node);
		return;
	case K_selector_expression: /* the field is no name of a scope */
		a = field_of(w, node, F_operand);
		if (a)
			walk_node(w, a);
		return;
	case K_keyed_element:
		/* in a struct literal the key names a field; the type decides that later */
		children_walk(w, node);
		return;
	case K_func_literal: literal_define(w, node); return;
	case K_short_var_declaration:
		a = w->count;
		while (a && w->scope[a - 1].binding != GRAPH_NONE - 1)
			a--;
		if (field_of(w, node, F_right))
			walk_node(w, field_of(w, node, F_right));
		short_bind(w, node, a);
		return;
	case K_var_spec: case K_const_spec:
		for (uint32_t c = n->first; c; c = node_of(w, c)->next)
			if (node_of(w, c)->field == F_type || node_of(w, c)->field == F_value)
				walk_node(w, c);
		spec_bind(w, node, true);
		return;
	case K_type_spec: case K_type_alias:
		name = field_of(w, node, F_name);
		if (name) {
			bind(w, name, (struct go_binding){ .how = HOW_TYPE_NAME,
				.declaration = w->g->declaration_count }, true);
			a = declaration_add(w, node);
			binding_at(w->g, w->g->x.sources[w->source].link[name] - 1)->declaration = a;
		}
		return;
	case K_assignment_statement:
		if (field_of(w, node, F_right))
			walk_node(w, field_of(w, node, F_right));
		if (field_of(w, node, F_left))
			written(w, field_of(w, node, F_left));
		return;
	case K_inc_statement: case K_dec_statement:
		if (n->first)
			written(w, n->first);
		return;
	case K_receive_statement:
		if (field_of(w, node, F_right))
			walk_node(w, field_of(w, node, F_right));
		if (field_of(w, node, F_left) && memmem(syntax_at(&w->g->x, w->source, node), n->end - n->start, ":=", 2))
			short_bind(w, node, w->count);
		else if (field_of(w, node, F_left))
			written(w, field_of(w, node, F_left));
		return;
	case K_range_clause: range_bind(w, node); return;
	case K_type_switch_statement:
		a = w->count;
		type_switch_walk(w, node);
		w->count = a;
		return;
	case K_block: case K_if_statement: case K_for_statement: case K_expression_switch_statement: case K_expression_case:
	case K_default_case: case K_communication_case:
		a = w->count;
		see(w, 0, GRAPH_NONE - 1); /* where a block begins */
		block_walk(w, node);
		w->count = a;
		return;
	case K_function_type: /* its parameters' names are seen nowhere */
		a = w->count;
		parameters_bind(w, field_of(w, node, F_parameters), NULL, false);
		results_bind(w, field_of(w, node, F_result));
		w->count = a;
		return;
	case K_method_elem:
		a = w->count;
		parameters_bind(w, field_of(w, node, F_parameters), NULL, false);
		results_bind(w, field_of(w, node, F_result));
		w->count = a;
		return;
	default:
		children_walk(w, node);
		return;
	}
}

static void imports_bind(struct walk *w, uint32_t node)
{
	for (uint32_t c = node_of(w, node)->first; c; c = node_of(w, c)->next) {
		uint32_t path, name, b;
		auto_str text = STR_INIT;
		const char *last;

		if (node_of(w, c)->kind == K_import_spec_list) {
			imports_bind(w, c);
			continue;
		}
		path = node_of(w, c)->kind == K_import_spec ? field_of(w, c, F_path) : 0;
		name = path ? field_of(w, c, F_name) : 0;
		if (!path || !syntax_literal(&w->g->x, w->source, path, &text))
			continue;
		b = syntax_binding_add(&w->g->x, (struct syntax_binding){ .definition = w->def, .source = w->source,
			.node = c,
			.is_import = true });
		*binding_at(w->g, b) = (struct go_binding){ .how = HOW_PACKAGE, .path = text_ofz(&w->g->x.g->texts,
			str_cstr(&text)) };
		if (name) {
			w->g->x.bindings[b].name = syntax_text(&w->g->x, w->source, name);
		} else {
			uint32_t p = go_package_find(w->g, str_cstr(&text));
			auto_free char *plain = NULL;

			last = strrchr(str_cstr(&text), '/');
			last = last ? last + 1 : str_cstr(&text);
			if (last[0] == 'v' && last > str_cstr(&text) && strspn(last + 1, "0123456789") ==
				strlen(last + 1) && last[1]) {
				plain = xstrndup(str_cstr(&text), (size_t)(last - 1 - str_cstr(&text)));
				last = strrchr(plain, '/') ? strrchr(plain, '/') + 1 : plain;
			}
			auto_free char *cut = xstrndup(last, strcspn(last, "."));

			w->g->x.bindings[b].name = text_ofz(&w->g->x.g->texts, p != GRAPH_NONE ?
				w->g->packages[p].name : cut);
		}
		see(w, w->g->x.bindings[b].name, b);
	}
}

static int by_name(const void *a, const void *b)
{
	const struct go_name *x = a, *y = b;

	if (x->package != y->package)
		return x->package < y->package ? -1 : 1;
	if (x->name != y->name)
		return x->name < y->name ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

static void names_sort(struct golang *g)
{
	if (g->name_count)
		qsort(g->names, g->name_count, sizeof(*g->names), by_name);
}

/* pass 0: imports, functions and types; 1: variables of packages; 2: bodies and values. */
static void source_walk(struct golang *g, uint32_t source, int pass)
{
	struct walk w = { .g = g, .source = source, .def = g->x.sources[source].body };
	const struct tree *t = &g->x.sources[source].tree;
	uint32_t package = g->package_of[source];

	for (uint32_t c = t->count > 1 ? t->nodes[1].first : 0; c; c = t->nodes[c].next) {
		uint32_t name, d;

		switch (t->nodes[c].kind) {
		case K_import_declaration:
			if (pass)
				imports_bind(&w, c);
			break;
		case K_function_declaration: case K_method_declaration:
			if (pass == 0) {
				d = definition_of(&w, c);
				name = field_of(&w, c, F_name);
				if (name && t->nodes[c].kind == K_function_declaration && !g->is_out[source])
					name_add(g, package, syntax_text(&g->x, source, name), OBJECT_FUNCTION, d);
			} else if (pass == 2) {
				body_walk(&w, c, g->x.sources[source].link[c] - 1);
			}
			break;
		case K_type_declaration:
			for (uint32_t s = t->nodes[c].first; s && pass == 1; s = t->nodes[s].next) {
				name = field_of(&w, s, F_name);
				d = name ? declaration_add(&w, s) : 0;
				if (name && !g->is_out[source])
					name_add(g, package, syntax_text(&g->x, source, name), OBJECT_TYPE, d);
			}
			break;
		case K_var_declaration: case K_const_declaration:
			for (uint32_t s = t->nodes[c].first; s; s = t->nodes[s].next)
				for (uint32_t k = t->nodes[s].kind == K_var_spec_list ? t->nodes[s].first : s; k;
				     k = t->nodes[s].kind == K_var_spec_list ? t->nodes[k].next : 0) {
					if (pass == 1)
						spec_bind(&w, k, false);
					for (uint32_t v = pass == 2 ? t->nodes[k].first : 0; v; v = t->nodes[v].next)
						if (t->nodes[v].field == F_type || t->nodes[v].field == F_value)
							walk_node(&w, v);
				}
			break;
		default: break;
		}
	}
	free(w.scope);
}

/* Each method to the type that it belongs to. */
static void methods_settle(struct golang *g)
{
	for (uint32_t i = 0; i < g->x.definition_count; i++) {
		struct go_declaration *d;

		if (!function_at(g, i)->receiver || g->is_out[g->x.definitions[i].source])
			continue;
		d = &g->declarations[g->functions[i].receiver - 1];
		d->methods = xreallocarray(d->methods, d->method_count + 1, sizeof(*d->methods));
		d->methods[d->method_count++] = i;
	}
}

void go_define(struct golang *g)
{
	for (uint32_t i = 0; i < g->x.source_count; i++) {
		struct syntax_source *s = &g->x.sources[i];

		s->link = xcalloc((size_t)s->tree.count + 1, sizeof(*s->link));
		s->body = syntax_definition_add(&g->x, (struct syntax_definition){ .kind = SYNTAX_MODULE, .source = i,
			.node = 1,
			.body = 1, .name = xstrdup(s->module) });
		s->link[1] = s->body + 1;
		source_walk(g, i, 0);
	}
	names_sort(g);
	for (uint32_t i = 0; i < g->x.source_count; i++)
		source_walk(g, i, 1);
	names_sort(g);
	for (uint32_t i = 0; i < g->x.source_count; i++)
		source_walk(g, i, 2);
	binding_at(g, g->x.binding_count);
	methods_settle(g);
}
