/* SPDX-License-Identifier: Apache-2.0 */
/* operator.c - what operators call, and what they make. */
#include "audit/python/frame.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

#define TEXT_BYTES 100 /* longer ones are no names */

struct operator {
	const char *text, *method, *in_place, *reflected;
};
static const struct operator operators[] = {
	{ "+", "__add__", "__iadd__", "__radd__" }, { "-", "__sub__", "__isub__", "__rsub__" },
	{ "*", "__mul__", "__imul__", "__rmul__" }, { "/", "__truediv__", "__itruediv__", "__rtruediv__" },
	{ "//", "__floordiv__", "__ifloordiv__", "__rfloordiv__" }, { "%", "__mod__", "__imod__", "__rmod__" },
	{ "**", "__pow__", "__ipow__", "__rpow__" }, { "@", "__matmul__", "__imatmul__", "__rmatmul__" },
	{ "&", "__and__", "__iand__", "__rand__" }, { "|", "__or__", "__ior__", "__ror__" },
	{ "^", "__xor__", "__ixor__", "__rxor__" }, { "<<", "__lshift__", "__ilshift__", "__rlshift__" },
	{ ">>", "__rshift__", "__irshift__", "__rrshift__" }, { "==", "__eq__", NULL, "__eq__" },
	{ "!=", "__ne__", NULL, "__ne__" }, { "<", "__lt__", NULL, "__gt__" }, { ">", "__gt__", NULL, "__lt__" },
	{ "<=", "__le__", NULL, "__ge__" }, { ">=", "__ge__", NULL, "__le__" },
};

/* Two sequences one after the other. */
static uint32_t concatenate(struct frame *f, uint32_t a, uint32_t b)
{
	uint32_t o = object_new(H, H->objects[a].kind, 0, 0), n = 0, parts[] = { a, b };
	bool exact = H->objects[a].b && H->objects[b].b && !slot_get(H, a, KEY("*")) && !slot_get(H, b, KEY("*"));

	for (int p = 0; p < 2; p++)
		for (uint32_t i = 0; exact && i < H->objects[parts[p]].b; i++, n++)
			slot_set(H, o, heap_index(H, n),
				 slot_get(H, parts[p], heap_index(H, i)), false);
	if (exact)
		H->objects[o].b = n;
	else
		slot_set(H, o, KEY("*"), value_join(H, slots_join(H, a), slots_join(H, b)), true);
	return o;
}

/* "a" + "b", where both are constant. */
static value_t text_joined(struct frame *f, uint32_t a, uint32_t b)
{
	const char *x = H->texts[a], *y = H->texts[b];
	auto_free char *whole = NULL;

	if (!str_starts(x, "s:") || !str_starts(y, "s:") || strlen(x) + strlen(y) > TEXT_BYTES)
		return some_text(f);
	whole = xasprintf("%s%s", x, y + 2);
	return value_of(H, object_intern(H, O_TEXT, heap_textz(H, whole), 0));
}

/* What + and % make of builtin types; 0 where that is not known. */
static value_t operate_builtin(struct frame *f, const char *operator, value_t a, value_t b)
{
	uint32_t x = value_count(H, a) == 1 ? value_at(H, a, 0) : 0, y = value_count(H, b) == 1 ? value_at(H, b, 0) : 0;
	enum object_kind kind = H->objects[x].kind, other = H->objects[y].kind;

	if (kind == O_TEXT && other == O_TEXT && *operator == '+')
		return text_joined(f, H->objects[x].a, H->objects[y].a);
	if (kind == O_TEXT && (*operator == '%' || (*operator == '+' && other == O_TEXT)))
		return some_text(f);
	if (kind == O_NUMBER && other == O_NUMBER)
		return some_number(f);
	if (*operator == '+' && (kind == O_LIST || kind == O_TUPLE) && (other == O_LIST || other == O_TUPLE))
		return value_of(H, concatenate(f, x, y));
	return 0;
}

static bool has_instance(struct frame *f, value_t v)
{
	for (uint32_t i = 0; i < value_count(H, v); i++)
		if (H->objects[value_at(H, v, i)].kind == O_INSTANCE)
			return true;
	return false;
}

/* May it be of a class that we do not see? */
static bool is_open(struct frame *f, value_t v)
{
	for (uint32_t i = 0; i < value_count(H, v); i++) {
		enum object_kind kind = H->objects[value_at(H, v, i)].kind;

		if (kind == O_UNKNOWN || kind == O_EXTERNAL)
			return true;
	}
	return !v;
}

/* *answered: an audited class on the left has the method. */
static value_t left_call(struct frame *f, uint32_t node, const struct operator *op, bool assigns, value_t a, value_t b,
			 bool *answered)
{
	const struct arguments with = { .count = 1, .position = { b } };
	value_t out = 0;

	for (uint32_t i = 0; i < value_count(H, a); i++) {
		uint32_t o = value_at(H, a, i);
		const char *name = op->method;

		if (H->objects[o].kind != O_INSTANCE)
			continue;
		if (assigns && op->in_place && class_find(f, H->objects[o].a, heap_literal(H, op->in_place), 0))
			name = op->in_place;
		if (strcmp(name, "__ne__") == 0 && !class_find(f, H->objects[o].a, KEY("__ne__"), 0))
			name = "__eq__"; /* object's asks it */
		*answered |= class_find(f, H->objects[o].a, heap_literal(H, name), 0) != 0;
		out = value_join(H, out, method_call(f, node, o, name, &with));
	}
	return out;
}

static const struct operator *operator_of(const char *text, size_t length)
{
	for (size_t k = 0; k < sizeof(operators) / sizeof(*operators); k++)
		if (strlen(operators[k].text) == length && strncmp(operators[k].text, text, length) == 0)
			return &operators[k];
	return NULL;
}

value_t operate(struct frame *f, uint32_t node, const char *operator, value_t a, value_t b)
{
	bool left = has_instance(f, a), right = has_instance(f, b), assigns = false, answered = false;
	const struct arguments with = { .count = 1, .position = { a } };
	size_t length = strlen(operator);
	const struct operator *op;
	value_t out = 0;

	if (length > 1 && operator[length - 1] == '=' && !strchr("=!<>", operator[0])) {
		length--;
		assigns = true;
	} else if (length == 3 && operator[2] == '=') { /* <<= and >>= */
		length--;
		assigns = true;
	}
	op = left || right ? operator_of(operator, length) : NULL;
	if (op && left)
		out = left_call(f, node, op, assigns, a, b, &answered);
	if (op && right && !answered && !is_open(f, a))
		out = value_join(H, out, dunder_call(f, node, b, op->reflected, NULL, &with));
	if (right && (strcmp(operator, "in") == 0 || strcmp(operator, "not in") == 0))
		for (uint32_t i = 0; i < value_count(H, b); i++)
			if (H->objects[value_at(H, b, i)].kind == O_INSTANCE)
				method_call(f, node, value_at(H, b, i), "__contains__", &with);
	out = out ? out : operate_builtin(f, operator, a, b);
	return out ? out : unknown(f, "return_value");
}

value_t operate_alone(struct frame *f, uint32_t node, const char *operator, value_t v)
{
	return dunder_call(f, node, v, *operator == '-' ? "__neg__" : *operator == '~' ? "__invert__" : "__pos__", NULL,
			   &(struct arguments){ 0 });
}
