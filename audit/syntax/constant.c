/* SPDX-License-Identifier: Apache-2.0 */
/* constant.c - literals, and names whose only binding is one. */
#include "audit/syntax/syntax.h"

#include "base/hex.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define CONSTANT_DEPTH 8

/* What stands around a constant and leaves its value as it is: (x), x as T, x!, []byte("x"). */
static uint32_t inner(const struct syntax *x, uint32_t source, uint32_t node)
{
	const struct tree_node *n = syntax_node(x, source, node);

	switch (n->kind) {
	case K_parenthesized_expression: case K_as_expression: case K_satisfies_expression: case K_non_null_expression:
	case K_literal_element:
		return n->first;
	case K_type_conversion_expression:
		return syntax_field(x, source, node, F_operand);
	case K_expression_list:
		return n->first && !syntax_node(x, source, n->first)->next ? n->first : 0;
	default:
		return 0;
	}
}

uint32_t syntax_constant(const struct syntax *x, uint32_t *source, uint32_t node)
{
	for (int depth = 0; node && depth < CONSTANT_DEPTH; depth++) {
		const struct syntax_binding *b;
		uint32_t below;

		while ((below = inner(x, *source, node)))
			node = below;
		switch (syntax_node(x, *source, node)->kind) {
		case K_string: case K_number: case K_array: case K_object: case K_true: case K_false: case K_null:
		case K_unary_expression: case K_interpreted_string_literal: case K_raw_string_literal: case K_int_literal:
		case K_float_literal: case K_rune_literal: case K_composite_literal: case K_nil:
			return node;
		case K_template_string:
			for (uint32_t c = syntax_node(x, *source, node)->first; c; c = syntax_node(x, *source, c)->next)
				if (syntax_node(x, *source, c)->kind == K_template_substitution)
					return 0;
			return node;
		case K_identifier: case K_shorthand_property_identifier:
			b = syntax_binding_of(x, *source, node);
			if (!b || b->writes != 1 || !b->value)
				return 0;
			*source = b->source;
			node = b->value;
			break;
		default:
			return 0;
		}
	}
	return 0;
}

/* \u of JavaScript: \u{…}, and two surrogates as one. s begins behind the u. Returns what it takes. */
static size_t unicode(const char *s, size_t n, struct str *out)
{
	size_t used = 0, more = 0;
	uint32_t v, low;

	if (n && s[0] == '{') {
		v = hex_digits(s + 1, n - 1 < 6 ? n - 1 : 6, 16, &used);
		utf8_add(out, v);
		return used + 1 < n && s[used + 1] == '}' ? used + 2 : used + 1;
	}
	v = hex_digits(s, n < 4 ? n : 4, 16, &used);
	if (v >= 0xd800 && v < 0xdc00 && n >= used + 6 && s[used] == '\\' && s[used + 1] == 'u') {
		low = hex_digits(s + used + 2, 4, 16, &more);
		if (more == 4 && low >= 0xdc00 && low < 0xe000) {
			utf8_add(out, 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00));
			return used + 6;
		}
	}
	utf8_add(out, v);
	return used;
}

/* One escape behind its backslash; returns what it takes. */
static size_t escape(const struct syntax *x, const char *s, size_t n, struct str *out)
{
	static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
	const char *at = s[0] ? memchr(from, s[0], sizeof(from) - 1) : NULL;
	bool go = x->language == LANGUAGE_GO;
	size_t used = 0;
	uint32_t v;

	if (at && (go || s[0] != 'a')) {
		str_addc(out, to[at - from]);
		return 1;
	}
	if (s[0] == '\n' || s[0] == '\r')
		return s[0] == '\r' && n > 1 && s[1] == '\n' ? 2 : 1;
	if (s[0] == 'u' && !go)
		return 1 + unicode(s + 1, n - 1, out);
	if (s[0] == 'x' || s[0] == 'u' || (s[0] == 'U' && go)) {
		size_t want = s[0] == 'x' ? 2 : s[0] == 'u' ? 4 : 8;

		v = hex_digits(s + 1, n - 1 < want ? n - 1 : want, 16, &used);
		if (s[0] == 'x' && go)
			str_addc(out, (char)v);
		else
			utf8_add(out, v);
		return 1 + used;
	}
	if (s[0] >= '0' && s[0] <= '7') {
		v = hex_digits(s, n < 3 ? n : 3, 8, &used);
		if (go)
			str_addc(out, (char)v);
		else
			utf8_add(out, v);
		return used;
	}
	str_addc(out, s[0]);
	return 1;
}

bool syntax_literal(const struct syntax *x, uint32_t source, uint32_t node, struct str *out)
{
	const struct tree_node *n = syntax_node(x, source, node);
	const char *s = syntax_at(x, source, node);
	size_t length = n->end - n->start;
	bool raw = n->kind == K_raw_string_literal;

	if (n->kind != K_string && n->kind != K_template_string && n->kind != K_interpreted_string_literal && !raw)
		return false;
	if (length < 2 || (n->first && syntax_node(x, source, n->first)->kind == K_ERROR))
		return false;
	for (size_t i = 1; i + 1 < length;) {
		if (s[i] == '\\' && !raw && i + 2 < length)
			i += 1 + escape(x, s + i + 1, length - i - 2, out);
		else if (s[i] == '\r' && (raw || n->kind == K_template_string))
			i++;
		else
			str_addc(out, s[i++]);
	}
	return true;
}

bool syntax_string(const struct syntax *x, uint32_t source, uint32_t node, struct str *out)
{
	uint32_t at = syntax_constant(x, &source, node);

	return at && syntax_literal(x, source, at, out);
}

bool syntax_integer(const struct syntax *x, uint32_t source, uint32_t node, int64_t *out)
{
	uint32_t at = syntax_constant(x, &source, node), sign = 0;
	const char *s;
	size_t n, used, len = 0;
	char buf[24];

	if (at && syntax_node(x, source, at)->kind == K_unary_expression && *syntax_at(x, source, at) == '-') {
		sign = 1;
		at = syntax_node(x, source, at)->first;
		while (at && syntax_node(x, source, at)->kind == K_TOKEN)
			at = syntax_node(x, source, at)->next;
	}
	if (!at || (syntax_node(x, source, at)->kind != K_number && syntax_node(x, source, at)->kind != K_int_literal))
		return false;
	s = syntax_at(x, source, at);
	n = syntax_length(x, source, at);
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '_')
			continue;
		if (len + 1 >= sizeof(buf))
			return false;
		buf[len++] = s[i];
	}
	buf[len] = '\0';
	if (len > 1 && buf[len - 1] == 'n' && x->language == LANGUAGE_JAVASCRIPT)
		buf[--len] = '\0';
	if (buf[0] == '0' && len > 2 && strchr("xXoObB", buf[1])) {
		unsigned base = (buf[1] | 32) == 'x' ? 16 : (buf[1] | 32) == 'o' ? 8 : 2;

		*out = hex_digits(buf + 2, len - 2, base, &used);
		*out = sign ? -*out : *out;
		return used == len - 2 && len <= (base == 2 ? 34 : 9);
	}
	if (!len || len > 18 || strspn(buf, "0123456789") != len || (buf[0] == '0' && len > 1))
		return false;
	*out = strtoll(buf, NULL, 10);
	*out = sign ? -*out : *out;
	return true;
}

int64_t syntax_elements(const struct syntax *x, uint32_t source, uint32_t node)
{
	uint32_t at = syntax_constant(x, &source, node), list = at;
	int64_t count = 0;

	if (!at)
		return -1;
	switch (syntax_node(x, source, at)->kind) {
	case K_array: case K_object: break;
	case K_composite_literal: list = syntax_field(x, source, at, F_body); break;
	default: return -1;
	}
	for (uint32_t c = list ? syntax_node(x, source, list)->first : 0; c; c = syntax_node(x, source, c)->next) {
		enum tree_kind kind = syntax_node(x, source, c)->kind;

		if (kind == K_spread_element || kind == K_ERROR)
			return -1;
		count += kind != K_TOKEN;
	}
	return count;
}
