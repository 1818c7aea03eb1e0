/* SPDX-License-Identifier: Apache-2.0 */
/* call.c - loops around a call and its arguments. */
#include "audit/syntax/syntax.h"

#include "base/mem.h"

#include <string.h>

#define ARGUMENTS_MAX 16
#define CONSTANT_TEXT_MAX 4096

static void loop_add(const struct syntax *x, uint32_t source, uint32_t loop, struct graph_call *out)
{
	int64_t b = syntax_loop_bound(x, source, loop);

	out->in_loop = true;
	if (b < 0)
		out->loop_unknown = true;
	else if (__builtin_mul_overflow(out->loop_bound, b, &out->loop_bound))
		out->loop_bound = INT64_MAX;
}

/* Is a part of a loop run once only: what it begins with, what it runs over? */
static bool is_outside(const struct syntax *x, uint32_t source, uint32_t loop, uint32_t part, uint32_t below)
{
	enum tree_field field = syntax_node(x, source, part)->field;
	enum tree_kind kind = syntax_node(x, source, part)->kind;

	if (kind == K_for_clause)
		return below && syntax_node(x, source, below)->field == F_initializer;
	if (kind == K_range_clause)
		return below && syntax_node(x, source, below)->field == F_right;
	return field == F_initializer || (field == F_right && syntax_node(x, source, loop)->kind == K_for_in_statement);
}

static void loops_add(struct syntax *x, uint32_t source, uint32_t node, struct graph_call *out)
{
	uint32_t child = node, below = 0;

	out->loop_bound = 1;
	for (uint32_t at = syntax_parent(x, source, node); at; below = child, child = at, at = syntax_parent(x,
		source, at)) {
		enum tree_kind kind = syntax_node(x, source, at)->kind;

		if (syntax_is_function(kind) && x->sources[source].link[at])
			return;
		if ((kind == K_for_statement || kind == K_for_in_statement || kind == K_while_statement ||
		     kind == K_do_statement) && !is_outside(x, source, at, child, below))
			loop_add(x, source, at, out);
	}
}

static text_t squeezed(struct syntax *x, uint32_t source, uint32_t node, size_t max)
{
	return graph_squeeze(x->g, syntax_at(x, source, node), syntax_length(x, source, node), max);
}

static void constant_add(struct syntax *x, uint32_t source, text_t keyword, uint32_t position, uint32_t node)
{
	auto_str text = STR_INIT;
	struct graph_constant c = { .position = keyword ? GRAPH_NONE : position, .keyword = keyword };

	if (syntax_string(x, source, node, &text)) {
		c.kind = CONSTANT_TEXT;
		c.size = (int64_t)text.len;
		if (text.len <= CONSTANT_TEXT_MAX)
			c.text = text_of(&x->g->texts, str_cstr(&text), text.len);
	} else {
		c.kind = CONSTANT_CONTAINER;
		c.size = syntax_elements(x, source, node);
	}
	if (c.size >= 0)
		graph_add_constant(x->g, c);
}

/* The payload of a request is one of its options: fetch(url, { body: "…" }). */
static void options_add(struct syntax *x, uint32_t source, uint32_t object)
{
	static const char *const keys[] = { "data", "json", "content", "body", NULL };

	for (uint32_t c = syntax_node(x, source, object)->first; c; c = syntax_node(x, source, c)->next) {
		uint32_t key = syntax_node(x, source, c)->kind == K_pair ? syntax_field(x, source, c, F_key) : 0;
		uint32_t value = key ? syntax_field(x, source, c, F_value) : 0;

		for (size_t i = 0; value && keys[i]; i++)
			if (syntax_is_text(x, source, key, keys[i]))
				constant_add(x, source, text_ofz(&x->g->texts, keys[i]), 0, value);
	}
}

static bool is_chain(const struct syntax *x, uint32_t source, uint32_t node)
{
	uint32_t object, property;

	while (syntax_member(x, source, node, &object, &property))
		node = object;
	return syntax_node(x, source, node)->kind == K_identifier || syntax_node(x, source, node)->kind == K_this;
}

static void arguments_add(struct syntax *x, uint32_t source, uint32_t list, struct graph_call *out)
{
	uint32_t position = 0, chains[ARGUMENTS_MAX];

	out->constant = x->g->constant_count;
	for (uint32_t c = syntax_node(x, source, list)->first; c; c = syntax_node(x, source, c)->next) {
		enum tree_kind kind = syntax_node(x, source, c)->kind;

		if (kind == K_spread_element || kind == K_variadic_argument)
			break; /* what follows has no known place */
		if (kind == K_TOKEN)
			continue;
		if (position < ARGUMENTS_MAX)
			chains[position] = is_chain(x, source, c) ? squeezed(x, source, c, 200) : 0;
		if (!position)
			out->first = squeezed(x, source, c, 80);
		constant_add(x, source, 0, position++, c);
		if (kind == K_object)
			options_add(x, source, c);
	}
	out->constant_count = x->g->constant_count - out->constant;
	out->argument_texts = graph_add_list(x->g, chains, position < ARGUMENTS_MAX ? position : ARGUMENTS_MAX);
}

static void call_facts(struct syntax *x, uint32_t source, uint32_t node, struct graph_call *out)
{
	bool new = syntax_node(x, source, node)->kind == K_new_expression;
	uint32_t function = syntax_field(x, source, node, new ? F_constructor : F_function), list, object, name;

	loops_add(x, source, node, out);
	if (!out->is_expression)
		return;
	list = syntax_field(x, source, node, F_arguments);
	if (list) {
		out->arguments = graph_arguments(syntax_at(x, source, list), syntax_length(x, source, list));
		if (syntax_node(x, source, list)->kind != K_template_string)
			arguments_add(x, source, list, out);
	}
	if (function && syntax_member(x, source, function, &object, &name)) {
		bool super = syntax_node(x, source, object)->kind == K_super;

		out->receiver = super ? text_ofz(&x->g->texts, "this") : squeezed(x, source, object, 80);
		out->method = syntax_text(x, source, name);
	}
	if (function)
		out->scope = syntax_scope(x, source, function);
}

/* A chain of calls over several lines: each one's line is that of its own name. */
static uint32_t call_line(const struct syntax *x, uint32_t source, uint32_t function)
{
	uint32_t object, name;

	if (syntax_member(x, source, function, &object, &name))
		return syntax_node(x, source, name)->line;
	return syntax_node(x, source, function)->line;
}

void syntax_call_add(struct syntax *x, const struct syntax_site *site)
{
	const struct tree_node *n = syntax_node(x, site->source, site->node);
	bool new = n->kind == K_new_expression;
	uint32_t shown = new || n->kind == K_call_expression ?
		syntax_field(x, site->source, site->node, new ? F_constructor : F_function) : 0;
	struct graph_call out = { .caller = x->definitions[site->caller].function, .line = n->line, .start = n->start,
		.end = n->end, .file = x->sources[site->source].file->file, .is_expression = new || n->kind ==
			K_call_expression };

	if (out.caller == GRAPH_NONE)
		return;
	out.targets = graph_add_list(x->g, site->targets, site->count);
	shown = shown ? shown : site->node;
	out.text = squeezed(x, site->source, shown, 80);
	if (site->reason && (!site->count || site->reason == REASON_eval_exec))
		out.reason = site->reason;
	if (out.reason == REASON_none && !site->count)
		return;
	if (n->kind == K_call_expression)
		out.line = call_line(x, site->source, shown);
	call_facts(x, site->source, site->node, &out);
	graph_add_call(x->g, out);
}
