/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c - how often a loop runs, as far as constants tell. */
#include "audit/syntax/syntax.h"

#include <string.h>

#define BOUND_DEPTH 8

static int64_t bound_of(const struct syntax *x, uint32_t source, uint32_t node, int depth);

static uint32_t first_argument(const struct syntax *x, uint32_t source, uint32_t call)
{
	uint32_t list = syntax_field(x, source, call, F_arguments), first;

	first = list ? syntax_node(x, source, list)->first : 0;
	return first && syntax_node(x, source, first)->kind != K_spread_element ? first : 0;
}

static bool is_one_of(const struct syntax *x, uint32_t source, uint32_t node, const char *const *words)
{
	for (; *words; words++)
		if (syntax_is_text(x, source, node, *words))
			return true;
	return false;
}

/* Object.keys(c), c.entries() and the like. */
static int64_t call_bound(const struct syntax *x, uint32_t source, uint32_t node, int depth)
{
	static const char *const of_argument[] = { "keys", "values", "entries", "getOwnPropertyNames", "from", NULL };
	static const char *const same[] = { "keys", "values", "entries", "reverse", "sort", "map", "toSorted",
		"toReversed", NULL };
	uint32_t function = syntax_field(x, source, node, F_function), object, name, first;

	if (!function || !syntax_member(x, source, function, &object, &name))
		return -1;
	first = first_argument(x, source, node);
	if (syntax_node(x, source, object)->kind == K_identifier && !syntax_binding_of(x, source, object)) {
		bool known = syntax_is_text(x, source, object, "Object") || (syntax_is_text(x, source, object, "Array") &&
			syntax_is_text(x, source, name, "from"));

		if (known)
			return first && is_one_of(x, source, name, of_argument) ? bound_of(x, source, first, depth + 1) : -1;
	}
	return is_one_of(x, source, name, same) ? bound_of(x, source, object, depth + 1) : -1;
}

static int64_t characters(const char *s, size_t n)
{
	int64_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += ((unsigned char)s[i] & 0xc0) != 0x80;
	return count;
}

/* How often a loop over an expression runs. */
static int64_t bound_of(const struct syntax *x, uint32_t source, uint32_t node, int depth)
{
	uint32_t at = syntax_constant(x, &source, node);
	auto_str text = STR_INIT;
	int64_t n;

	if (depth > BOUND_DEPTH)
		return -1;
	if (at && syntax_literal(x, source, at, &text))
		return characters(str_cstr(&text), text.len);
	if (at && x->language == LANGUAGE_GO && syntax_integer(x, source, at, &n))
		return n > 0 ? n : 0;
	if (at)
		return syntax_elements(x, source, at);
	while (syntax_node(x, source, node)->kind == K_parenthesized_expression && syntax_node(x, source, node)->first)
		node = syntax_node(x, source, node)->first;
	return syntax_node(x, source, node)->kind == K_call_expression ? call_bound(x, source, node, depth) : -1;
}

/* A number, or the length of a constant: c.length, len(c). */
static bool limit_of(const struct syntax *x, uint32_t source, uint32_t node, int64_t *out)
{
	uint32_t object, name, function, first;

	if (syntax_integer(x, source, node, out))
		return true;
	if (syntax_member(x, source, node, &object, &name) && syntax_is_text(x, source, name, "length")) {
		*out = bound_of(x, source, object, 1);
		return *out >= 0;
	}
	function = syntax_node(x, source, node)->kind == K_call_expression ? syntax_field(x, source, node, F_function) : 0;
	first = function && syntax_is_text(x, source, function, "len") ? first_argument(x, source, node) : 0;
	if (!first || x->language != LANGUAGE_GO || syntax_binding_of(x, source, function))
		return false;
	*out = bound_of(x, source, first, 1);
	return *out >= 0;
}

/* The variable that the first part of a for gives a number, and that number. */
static const struct syntax_binding *counter_of(const struct syntax *x, uint32_t source, uint32_t node, int64_t *from)
{
	const struct tree_node *n = syntax_node(x, source, node);
	uint32_t name = 0, value = 0;

	if (n->kind == K_lexical_declaration || n->kind == K_variable_declaration) {
		uint32_t c = n->first;

		while (c && syntax_node(x, source, c)->kind != K_variable_declarator)
			c = syntax_node(x, source, c)->next;
		name = c ? syntax_field(x, source, c, F_name) : 0;
		value = c ? syntax_field(x, source, c, F_value) : 0;
	} else if (n->kind == K_assignment_expression || n->kind == K_short_var_declaration ||
		   n->kind == K_assignment_statement) {
		name = syntax_field(x, source, node, F_left);
		value = syntax_field(x, source, node, F_right);
	} else if (n->kind == K_expression_statement && n->first) {
		return counter_of(x, source, n->first, from);
	}
	while (name && syntax_node(x, source, name)->kind == K_expression_list)
		name = syntax_node(x, source, name)->first;
	if (!name || !value || !syntax_integer(x, source, value, from))
		return NULL;
	return syntax_binding_of(x, source, name);
}

static uint32_t name_of_list(const struct syntax *x, uint32_t source, uint32_t node)
{
	while (node && syntax_node(x, source, node)->kind == K_expression_list)
		node = syntax_node(x, source, node)->first;
	return node;
}

/* i++, i += 2, i--: the step; 0: none of these. */
static int64_t step_of(const struct syntax *x, uint32_t source, uint32_t node, const struct syntax_binding *b)
{
	const struct tree_node *n = syntax_node(x, source, node);
	const char *s = syntax_at(x, source, node);
	uint32_t left, right, operator;
	int64_t by = 0;

	if (n->kind == K_update_expression || n->kind == K_inc_statement || n->kind == K_dec_statement) {
		uint32_t name = n->first;

		while (name && syntax_node(x, source, name)->kind == K_TOKEN)
			name = syntax_node(x, source, name)->next;
		if (!name || syntax_binding_of(x, source, name) != b)
			return 0;
		return memmem(s, n->end - n->start, "++", 2) ? 1 : -1;
	}
	if (n->kind != K_augmented_assignment_expression && n->kind != K_assignment_statement)
		return 0;
	left = name_of_list(x, source, syntax_field(x, source, node, F_left));
	right = syntax_field(x, source, node, F_right);
	operator = syntax_field(x, source, node, F_operator);
	if (!left || !right || !operator || syntax_binding_of(x, source, left) != b || !syntax_integer(x, source,
		right, &by))
		return 0;
	if (syntax_is_text(x, source, operator, "-="))
		return -by;
	return syntax_is_text(x, source, operator, "+=") ? by : 0;
}

static int64_t count_of(int64_t from, int64_t to, int64_t step, const char *operator, size_t n)
{
	int64_t span = step > 0 ? to - from : from - to, by = step > 0 ? step : -step;
	bool up = n && operator[0] == '<', down = n && operator[0] == '>';

	if ((up && step < 0) || (down && step > 0) || (!up && !down && !(n == 2 && operator[0] == '!') && n != 3))
		return -1;
	if ((up || down) && n == 2)
		span++; /* <= and >= */
	if (!up && !down && (span < 0 || span % by))
		return -1;
	return span <= 0 ? 0 : (span - 1) / by + 1;
}

/* for (let i = 0; i < 10; i++), where nothing else writes i. */
static int64_t counted(const struct syntax *x, uint32_t source, uint32_t first, uint32_t condition, uint32_t update)
{
	int64_t from = 0, to = 0, step;
	const struct syntax_binding *b = first ? counter_of(x, source, first, &from) : NULL;
	uint32_t left, right, operator;

	if (condition && syntax_node(x, source, condition)->kind == K_expression_statement)
		condition = syntax_node(x, source, condition)->first;
	if (!b || !condition || !update || syntax_node(x, source, condition)->kind != K_binary_expression || b->writes != 2)
		return -1;
	left = syntax_field(x, source, condition, F_left);
	right = syntax_field(x, source, condition, F_right);
	operator = syntax_field(x, source, condition, F_operator);
	step = step_of(x, source, update, b);
	if (!left || !right || !operator || !step || syntax_binding_of(x, source, left) != b ||
	    !limit_of(x, source, right, &to))
		return -1;
	return count_of(from, to, step, syntax_at(x, source, operator), syntax_length(x, source, operator));
}

int64_t syntax_loop_bound(const struct syntax *x, uint32_t source, uint32_t loop)
{
	uint32_t right;

	if (syntax_node(x, source, loop)->kind == K_for_in_statement) {
		right = syntax_field(x, source, loop, F_right);
		return right ? bound_of(x, source, right, 0) : -1;
	}
	if (syntax_node(x, source, loop)->kind != K_for_statement)
		return -1;
	for (uint32_t c = syntax_node(x, source, loop)->first; c; c = syntax_node(x, source, c)->next) {
		if (syntax_node(x, source, c)->kind == K_range_clause) {
			right = syntax_field(x, source, c, F_right);
			return right ? bound_of(x, source, right, 0) : -1;
		}
		if (syntax_node(x, source, c)->kind == K_for_clause)
			return counted(x, source, syntax_field(x, source, c, F_initializer),
				       syntax_field(x, source, c, F_condition), syntax_field(x, source, c, F_update));
	}
	return counted(x, source, syntax_field(x, source, loop, F_initializer), syntax_field(x, source, loop, F_condition),
		       syntax_field(x, source, loop, F_increment));
}
