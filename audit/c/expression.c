/* SPDX-License-Identifier: Apache-2.0 */
/* expression.c - the value of an expression of #if, as far as it is known. */
#include "audit/c/c.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NESTED_MAX 64
#define UNKNOWN_NUMBER ((struct c_number){ .known = false })

struct cursor {
	const char *s, *end;
	const struct c_asks *asks;
	unsigned depth;
};

static struct c_number number(uint64_t v, bool is_unsigned)
{
	return (struct c_number){ true, is_unsigned, v };
}

static struct c_number truth_number(enum c_truth t)
{
	return t == C_UNKNOWN ? UNKNOWN_NUMBER : number(t == C_TRUE, false);
}

enum c_truth c_truth_of(struct c_number n)
{
	return !n.known ? C_UNKNOWN : n.v ? C_TRUE : C_FALSE;
}

/* White space, continued lines and comments. */
static void blanks_skip(struct cursor *c)
{
	while (c->s < c->end) {
		if (isspace((unsigned char)*c->s) || *c->s == '\\') {
			c->s++;
		} else if (*c->s == '/' && c->s + 1 < c->end && c->s[1] == '*') {
			const char *to = memmem(c->s + 2, (size_t)(c->end - c->s) - 2, "*/", 2);

			c->s = to ? to + 2 : c->end;
		} else if (*c->s == '/' && c->s + 1 < c->end && c->s[1] == '/') {
			c->s = c->end;
		} else {
			return;
		}
	}
}

static bool take(struct cursor *c, const char *token)
{
	size_t n = strlen(token);

	blanks_skip(c);
	if ((size_t)(c->end - c->s) < n || memcmp(c->s, token, n) != 0)
		return false;
	c->s += n;
	return true;
}

static size_t word_length(const struct cursor *c)
{
	size_t n = 0;

	while (c->s + n < c->end && (isalnum((unsigned char)c->s[n]) || c->s[n] == '_'))
		n++;
	return n;
}

static void parentheses_skip(struct cursor *c)
{
	int open = 0;

	do {
		open += (*c->s == '(') - (*c->s == ')');
		c->s++;
	} while (c->s < c->end && open);
}

static struct c_number literal(struct cursor *c)
{
	size_t n = word_length(c);
	char digits[32], *end;
	struct c_number out;

	if (n >= sizeof(digits)) {
		c->s += n;
		return UNKNOWN_NUMBER;
	}
	memcpy(digits, c->s, n);
	digits[n] = '\0';
	c->s += n;
	out = number(strtoull(digits, &end, 0), false);
	out.is_unsigned = strpbrk(end, "uU") != NULL || out.v > INT64_MAX;
	return *end && strspn(end, "uUlL") != strlen(end) ? UNKNOWN_NUMBER : out;
}

static struct c_number name_value(struct cursor *c)
{
	const char *name = c->s;
	size_t n = word_length(c);
	bool inside;

	c->s += n;
	if (n == 7 && memcmp(name, "defined", 7) == 0) {
		inside = take(c, "(");
		blanks_skip(c);
		name = c->s;
		n = word_length(c);
		c->s += n;
		if (inside)
			take(c, ")");
		return truth_number(c->asks->is_defined(c->asks->arg, name, n));
	}
	blanks_skip(c);
	if (c->s < c->end && *c->s == '(') {
		parentheses_skip(c);
		/* a macro with arguments; a name that is not one is an error, or a test that gcc knows of itself */
		return UNKNOWN_NUMBER;
	}
	return c->asks->value(c->asks->arg, name, n);
}

static struct c_number conditional(struct cursor *c);

static struct c_number unary(struct cursor *c)
{
	struct c_number v;

	blanks_skip(c);
	if (c->s == c->end || c->depth > NESTED_MAX)
		return UNKNOWN_NUMBER;
	c->depth++;
	if (take(c, "!")) {
		v = unary(c);
		v = v.known ? number(!v.v, false) : v;
	} else if (take(c, "-")) {
		v = unary(c);
		v.v = 0 - v.v;
	} else if (take(c, "+")) {
		v = unary(c);
	} else if (take(c, "~")) {
		v = unary(c);
		v.v = ~v.v;
	} else if (take(c, "(")) {
		v = conditional(c);
		take(c, ")");
	} else if (isdigit((unsigned char)*c->s)) {
		v = literal(c);
	} else if (isalpha((unsigned char)*c->s) || *c->s == '_') {
		v = name_value(c);
	} else {
		c->s = c->end; /* a character, or what is no expression */
		v = UNKNOWN_NUMBER;
	}
	c->depth--;
	return v;
}

static const struct binary {
	const char *token;
	int level;
} binaries[] = {
	{ "||", 1 }, { "&&", 2 }, { "==", 6 }, { "!=", 6 }, { "<=", 7 }, { ">=", 7 }, { "<<", 8 }, { ">>", 8 }, { "|", 3 },
	{ "^", 4 }, { "&", 5 }, { "<", 7 }, { ">", 7 }, { "+", 9 }, { "-", 9 }, { "*", 10 }, { "/", 10 }, { "%", 10 },
};

static bool is_less(struct c_number a, struct c_number b)
{
	return a.is_unsigned || b.is_unsigned ? a.v < b.v : (int64_t)a.v < (int64_t)b.v;
}

static struct c_number divide(struct c_number a, struct c_number b, bool rest)
{
	bool is_unsigned = a.is_unsigned || b.is_unsigned;

	if (!b.v || (!is_unsigned && (int64_t)b.v == -1))
		return UNKNOWN_NUMBER;
	if (is_unsigned)
		return number(rest ? a.v % b.v : a.v / b.v, true);
	return number((uint64_t)(rest ? (int64_t)a.v % (int64_t)b.v : (int64_t)a.v / (int64_t)b.v), false);
}

static struct c_number shift(struct c_number a, struct c_number b, bool left)
{
	if (b.v > 63)
		return UNKNOWN_NUMBER;
	if (left)
		return number(a.v << b.v, a.is_unsigned);
	return number(a.is_unsigned ? a.v >> b.v : (uint64_t)((int64_t)a.v >> b.v), a.is_unsigned);
}

static struct c_number calculate(const char *token, struct c_number a, struct c_number b)
{
	bool is_unsigned = a.is_unsigned || b.is_unsigned;

	if (token[0] == '|' && token[1])
		return c_truth_of(a) == C_TRUE || c_truth_of(b) == C_TRUE ? number(1, false) :
			a.known && b.known ? number(0, false) : UNKNOWN_NUMBER;
	if (token[0] == '&' && token[1])
		return c_truth_of(a) == C_FALSE || c_truth_of(b) == C_FALSE ? number(0, false) :
			a.known && b.known ? number(1, false) : UNKNOWN_NUMBER;
	if (!a.known || !b.known)
		return UNKNOWN_NUMBER;
	switch (token[0]) {
	case '=': return number(a.v == b.v, false);
	case '!': return number(a.v != b.v, false);
	case '<': return token[1] == '<' ? shift(a, b, true) :
		number(token[1] ? !is_less(b, a) : is_less(a, b), false);
	case '>': return token[1] == '>' ? shift(a, b, false) :
		number(token[1] ? !is_less(a, b) : is_less(b, a), false);
	case '|': return number(a.v | b.v, is_unsigned);
	case '^': return number(a.v ^ b.v, is_unsigned);
	case '&': return number(a.v & b.v, is_unsigned);
	case '+': return number(a.v + b.v, is_unsigned);
	case '-': return number(a.v - b.v, is_unsigned);
	case '*': return number(a.v * b.v, is_unsigned);
	default: return divide(a, b, token[0] == '%');
	}
}

static struct c_number above(struct cursor *c, int level)
{
	struct c_number a = unary(c);

	for (;;) {
		const struct binary *found = NULL;

		blanks_skip(c);
		for (size_t i = 0; i < sizeof(binaries) / sizeof(*binaries) && !found; i++)
			if ((size_t)(c->end - c->s) >= strlen(binaries[i].token) &&
			    memcmp(c->s, binaries[i].token, strlen(binaries[i].token)) == 0)
				found = &binaries[i];
		if (!found || found->level < level)
			return a;
		c->s += strlen(found->token);
		a = calculate(found->token, a, above(c, found->level + 1));
	}
}

static struct c_number conditional(struct cursor *c)
{
	struct c_number v, yes, no;

	if (c->depth > NESTED_MAX)
		return UNKNOWN_NUMBER;
	c->depth++;
	v = above(c, 1);
	if (take(c, "?")) {
		yes = conditional(c);
		take(c, ":");
		no = conditional(c);
		v = c_truth_of(v) == C_TRUE ? yes : c_truth_of(v) == C_FALSE ? no : UNKNOWN_NUMBER;
	}
	c->depth--;
	return v;
}

struct c_number c_expression(const char *s, size_t n, const struct c_asks *asks)
{
	struct cursor c = { .s = s, .end = s + n, .asks = asks };
	struct c_number v = conditional(&c);

	blanks_skip(&c);
	return c.s == c.end ? v : UNKNOWN_NUMBER;
}
