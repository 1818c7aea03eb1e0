/* SPDX-License-Identifier: Apache-2.0 */
/* facts_call.c - loops around a call and its arguments. */
#include "audit/python/facts.h"

#include "base/mem.h"

#include <string.h>

#define ARGUMENTS_MAX 16
#define CONSTANT_TEXT_MAX 4096

static bool text_is(const struct python *p, uint32_t source, uint32_t node, const char *z)
{
	const struct tree_node *n = pyfacts_node(p, source, node);

	return n->end - n->start == strlen(z) && memcmp(p->sources[source].text + n->start, z, strlen(z)) == 0;
}

/* The i-th positional argument; 0 where there is none, or where a splat stands before it. */
static uint32_t argument_at(const struct python *p, uint32_t source, uint32_t call, uint32_t i)
{
	uint32_t list = pyfacts_field(p, source, call, F_arguments);

	if (list && pyfacts_node(p, source, list)->kind != K_argument_list)
		return 0;
	for (uint32_t c = list ? pyfacts_node(p, source, list)->first : 0; c; c = pyfacts_node(p, source, c)->next) {
		enum tree_kind kind = pyfacts_node(p, source, c)->kind;

		if (kind == K_list_splat)
			return 0;
		if (kind == K_TOKEN || kind == K_keyword_argument || kind == K_dictionary_splat)
			continue;
		if (!i--)
			return c;
	}
	return 0;
}

static int64_t bound_of(struct python *p, uint32_t source, uint32_t node, int depth);

/* range(a), range(a, b), range(a, b, c) of constants. -1: unknown. */
static int64_t range_bound(struct python *p, uint32_t source, uint32_t call)
{
	int64_t v[3] = { 0, 0, 1 }, span;
	uint32_t n = 0, at;

	for (; n < 3 && (at = argument_at(p, source, call, n)); n++)
		if (!pyfacts_integer(p, source, at, &v[n]))
			return -1;
	if (!n || argument_at(p, source, call, 3) || !v[2])
		return -1;
	if (n == 1) {
		v[1] = v[0];
		v[0] = 0;
	}
	span = v[2] > 0 ? v[1] - v[0] : v[0] - v[1];
	if (v[2] < 0)
		v[2] = -v[2];
	return span <= 0 ? 0 : (span - 1) / v[2] + 1;
}

static int64_t zip_bound(struct python *p, uint32_t source, uint32_t call, int depth)
{
	int64_t least = -1;
	uint32_t at;

	for (uint32_t i = 0; (at = argument_at(p, source, call, i)); i++) {
		int64_t b = bound_of(p, source, at, depth + 1);

		if (b < 0)
			return -1;
		least = least < 0 || b < least ? b : least;
	}
	return least;
}

static int64_t call_bound(struct python *p, uint32_t source, uint32_t node, int depth)
{
	static const char *const same[] = { "enumerate", "reversed", "sorted", "list", "tuple", "iter", NULL };
	static const char *const views[] = { "items", "keys", "values", NULL };
	uint32_t function = pyfacts_field(p, source, node, F_function), first = argument_at(p, source, node, 0), in;

	if (!function)
		return -1;
	if (pyfacts_node(p, source, function)->kind == K_attribute) {
		uint32_t name = pyfacts_field(p, source, function, F_attribute), object = pyfacts_field(p, source,
			function, F_object);

		for (size_t i = 0; name && object && views[i]; i++)
			if (text_is(p, source, name, views[i]))
				return bound_of(p, source, object, depth + 1);
		return -1;
	}
	if (pyfacts_node(p, source, function)->kind != K_identifier || pyfacts_lookup(p, source, function, &in))
		return -1; /* the sources have a function of that name */
	if (text_is(p, source, function, "range"))
		return range_bound(p, source, node);
	if (text_is(p, source, function, "zip"))
		return zip_bound(p, source, node, depth);
	for (size_t i = 0; first && same[i]; i++)
		if (text_is(p, source, function, same[i]))
			return bound_of(p, source, first, depth + 1);
	return -1;
}

/* How often a loop over an expression runs; -1: unknown. */
static int64_t bound_of(struct python *p, uint32_t source, uint32_t node, int depth)
{
	uint32_t at = pyfacts_constant(p, source, node);
	auto_str text = STR_INIT;

	if (depth > 8)
		return -1;
	if (at && (pyfacts_node(p, source, at)->kind == K_string || pyfacts_node(p, source,
		at)->kind == K_concatenated_string)) {
		int64_t n = 0;

		if (!pyfacts_string(p, source, at, &text))
			return -1;
		if (strchr("bB", p->sources[source].text[pyfacts_node(p, source, at)->start]))
			return (int64_t)text.len;
		for (size_t i = 0; i < text.len; i++)
			n += ((unsigned char)text.data[i] & 0xc0) != 0x80;
		return n;
	}
	if (at)
		return pyfacts_elements(p, source, at);
	if (pyfacts_node(p, source, node)->kind == K_parenthesized_expression && pyfacts_node(p, source, node)->first)
		return bound_of(p, source, pyfacts_node(p, source, node)->first, depth + 1);
	return pyfacts_node(p, source, node)->kind == K_call ? call_bound(p, source, node, depth) : -1;
}

static void loop_add(struct python *p, uint32_t source, uint32_t iterable, struct graph_call *out)
{
	int64_t b = iterable ? bound_of(p, source, iterable, 0) : -1;

	if (!out->in_loop)
		out->loop_bound = 1;
	out->in_loop = true;
	if (b < 0)
		out->loop_unknown = true;
	else if (__builtin_mul_overflow(out->loop_bound, b, &out->loop_bound))
		out->loop_bound = INT64_MAX;
}

/* The clauses of a comprehension that repeat its part `child`. */
static void comprehension_add(struct python *p, uint32_t source, uint32_t node, uint32_t child, struct graph_call *out)
{
	bool body = pyfacts_node(p, source, child)->field == F_body;

	for (uint32_t c = pyfacts_node(p, source, node)->first; c && (body || c != child); c = pyfacts_node(p, source,
		c)->next)
		if (pyfacts_node(p, source, c)->kind == K_for_in_clause)
			loop_add(p, source, pyfacts_field(p, source, c, F_right), out);
}

static void loops_add(struct python *p, uint32_t source, uint32_t node, struct graph_call *out)
{
	uint32_t child = node;

	out->loop_bound = 1;
	for (uint32_t at = pyfacts_parent(p, source, node); at; child = at, at = pyfacts_parent(p, source, at)) {
		enum tree_field field = pyfacts_node(p, source, child)->field;

		switch (pyfacts_node(p, source, at)->kind) {
		case K_function_definition: case K_lambda:
			if (field == F_body)
				return;
			break;
		case K_for_statement:
			if (field != F_right && field != F_alternative)
				loop_add(p, source, pyfacts_field(p, source, at, F_right), out);
			break;
		case K_while_statement:
			if (field != F_alternative)
				loop_add(p, source, 0, out);
			break;
		case K_list_comprehension: case K_set_comprehension: case K_dictionary_comprehension:
		case K_generator_expression:
			comprehension_add(p, source, at, child, out);
			break;
		default:
			break;
		}
	}
}

/* Returns whether its text is kept: that of a file's name or of a mode may matter. */
static bool constant_add(struct python *p, struct graph *g, uint32_t source, uint32_t keyword, uint32_t position,
	uint32_t node)
{
	auto_str text = STR_INIT;
	struct graph_constant c = { .position = position };
	bool kept = keyword ? text_is(p, source, keyword, "mode") || text_is(p, source, keyword, "file") : position < 2;

	if (pyfacts_string(p, source, node, &text)) {
		c.kind = CONSTANT_TEXT;
		c.size = (int64_t)text.len;
		if (kept && text.len <= CONSTANT_TEXT_MAX)
			c.text = text_of(&g->texts, str_cstr(&text), text.len);
	} else {
		c.kind = CONSTANT_CONTAINER;
		c.size = pyfacts_elements(p, source, node);
	}
	if (c.size < 0)
		return false;
	if (keyword) {
		c.keyword = pyfacts_squeeze(p, g, source, keyword, CONSTANT_TEXT_MAX);
		c.position = GRAPH_NONE;
	}
	graph_add_constant(g, c);
	return c.text != 0;
}

static bool is_chain(const struct python *p, uint32_t source, uint32_t node)
{
	while (pyfacts_node(p, source, node)->kind == K_attribute && pyfacts_node(p, source, node)->first)
		node = pyfacts_node(p, source, node)->first;
	return pyfacts_node(p, source, node)->kind == K_identifier;
}

static void arguments_add(struct python *p, struct graph *g, uint32_t source, uint32_t list, struct graph_call *out)
{
	uint32_t position = 0, chains[ARGUMENTS_MAX];
	bool counted = true;

	out->constant = g->constant_count;
	for (uint32_t c = pyfacts_node(p, source, list)->first; c; c = pyfacts_node(p, source, c)->next) {
		const struct tree_node *n = pyfacts_node(p, source, c);

		if (n->kind == K_keyword_argument) {
			uint32_t value = pyfacts_field(p, source, c, F_value);

			if (value)
				constant_add(p, g, source, pyfacts_field(p, source, c, F_name), 0, value);
		} else if (n->kind == K_list_splat) {
			counted = false;
		} else if (n->kind != K_TOKEN && n->kind != K_dictionary_splat && counted) {
			if (position < ARGUMENTS_MAX)
				chains[position] = is_chain(p, source, c) ?
					pyfacts_squeeze(p, g, source, c, 200) : 0;
			bool known = constant_add(p, g, source, 0, position, c);

			if (!position++ && !known)
				out->first = graph_squeeze(g, p->sources[source].text + n->start, n->end - n->start,
					80);
		}
	}
	out->constant_count = g->constant_count - out->constant;
	out->argument_texts = graph_add_list(g, chains, position < ARGUMENTS_MAX ? position : ARGUMENTS_MAX);
}

/* The constant path of a call that opens a file: open("x"), Path("x"). */
static text_t path_of_call(struct python *p, struct graph *g, uint32_t source, uint32_t call, const char *function)
{
	uint32_t f = pyfacts_node(p, source, call)->kind == K_call ? pyfacts_field(p, source, call, F_function) : 0,
		first;
	auto_str text = STR_INIT;

	if (f && pyfacts_node(p, source, f)->kind == K_attribute)
		f = pyfacts_field(p, source, f, F_attribute);
	if (!f || !text_is(p, source, f, function))
		return 0;
	first = argument_at(p, source, call, 0);
	if (!first || !pyfacts_string(p, source, first, &text) || !text.len)
		return 0;
	return text_of(&g->texts, str_cstr(&text), text.len);
}

/* The file whose content an argument is: open("x").read(), Path("x").read_text(). */
static text_t path_of_content(struct python *p, struct graph *g, uint32_t source, uint32_t node)
{
	uint32_t f = pyfacts_node(p, source, node)->kind == K_call ? pyfacts_field(p, source, node, F_function) : 0,
		object, name;

	if (!f || pyfacts_node(p, source, f)->kind != K_attribute)
		return 0;
	object = pyfacts_field(p, source, f, F_object);
	name = pyfacts_field(p, source, f, F_attribute);
	if (!object || !name)
		return 0;
	if (text_is(p, source, name, "read"))
		return path_of_call(p, g, source, object, "open");
	if (text_is(p, source, name, "read_text") || text_is(p, source, name, "read_bytes"))
		return path_of_call(p, g, source, object, "Path");
	return 0;
}

void pyfacts_call(struct python *p, struct graph *g, uint32_t source, uint32_t node, struct graph_call *out)
{
	const char *text = p->sources[source].text;
	uint32_t function, list, first;

	loops_add(p, source, node, out);
	if (pyfacts_node(p, source, node)->kind != K_call)
		return;
	function = pyfacts_field(p, source, node, F_function);
	list = pyfacts_field(p, source, node, F_arguments);
	if (list) {
		const struct tree_node *n = pyfacts_node(p, source, list);

		out->arguments = graph_arguments(text + n->start, n->end - n->start);
		if (n->kind == K_argument_list)
			arguments_add(p, g, source, list, out);
	}
	if (function && pyfacts_node(p, source, function)->kind == K_attribute) {
		uint32_t object = pyfacts_field(p, source, function, F_object), name = pyfacts_field(p, source,
			function, F_attribute);

		if (object && name) {
			out->receiver = pyfacts_squeeze(p, g, source, object, 80);
			out->method = pyfacts_squeeze(p, g, source, name, CONSTANT_TEXT_MAX);
			out->opened = path_of_call(p, g, source, object, "Path");
		}
	}
	if (function)
		out->scope = pyfacts_scope_of(p, source, function);
	first = argument_at(p, source, node, 0);
	if (first && !out->opened) {
		out->opened = path_of_content(p, g, source, first);
		out->opens_read = out->opened != 0;
	}
}
