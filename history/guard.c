/* SPDX-License-Identifier: Apache-2.0 */
#include "history/guard.h"

#include <string.h>

bool guard_is_blank(const char *p)
{
	while (*p) {
		if (strchr(" \t\r\n\f;", *p)) {
			p++;
		} else if (p[0] == '-' && p[1] == '-') {
			p += strcspn(p, "\n");
		} else if (p[0] == '/' && p[1] == '*') {
			const char *end = strstr(p + 2, "*/");

			if (!end)
				return true;
			p = end + 2;
		} else {
			return false;
		}
	}
	return true;
}

static bool is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
			(unsigned char)c >= 0x80;
}

/* Behind the end of a comment; comments of PostgreSQL nest. NULL: not closed. */
static const char *skip_comment(const char *p)
{
	int depth = 0;

	do {
		if (p[0] == '/' && p[1] == '*')
			depth++, p += 2;
		else if (p[0] == '*' && p[1] == '/')
			depth--, p += 2;
		else if (!*p++)
			return NULL;
	} while (depth);
	return p;
}

/* Behind a string or quoted name whose first quote p stands at. escapes: a backslash takes the next byte along. */
static const char *skip_quoted(const char *p, bool escapes)
{
	char quote = *p++;

	for (;; p++) {
		if (!*p || (escapes && *p == '\\' && !p[1]))
			return NULL;
		if (escapes && *p == '\\')
			p++; /* takes the next byte along */
		else if (*p == quote && p[1] == quote)
			p++;
		else if (*p == quote)
			return p + 1;
	}
}

/* $tag$ … $tag$. p where it is none, NULL where it is not closed. */
static const char *skip_dollar(const char *p)
{
	size_t n = 1;
	const char *end;

	while (p[n] != '$' && is_word_byte(p[n]))
		n++;
	if (p[n] != '$' || (p[1] >= '0' && p[1] <= '9'))
		return p;
	for (end = p + n + 1; *end; end++)
		if (strncmp(end, p, n + 1) == 0)
			return end + n + 1;
	return NULL;
}

static void add_word(struct str *out, const char *p, size_t n)
{
	str_addc(out, ' ');
	for (size_t i = 0; i < n; i++)
		str_addc(out, p[i] >= 'A' && p[i] <= 'Z' ? (char)(p[i] + 'a' - 'A') : p[i]);
}

int guard_words(const char *p, struct str *out)
{
	const char *from = p;
	bool escapes;

	while (p && *p) {
		from = p;
		escapes = (p[0] == 'e' || p[0] == 'E') && p[1] == '\'';
		if ((p[0] == 'u' || p[0] == 'U') && p[1] == '&' && (p[2] == '"' || p[2] == '\''))
			return -1;
		if (strchr(" \t\r\n\f\v", *p)) {
			p++;
		} else if (p[0] == '-' && p[1] == '-') {
			p += strcspn(p, "\r\n");
		} else if (p[0] == '/' && p[1] == '*') {
			p = skip_comment(p);
		} else if (*p == '\'' || escapes) {
			p = skip_quoted(p + escapes, escapes);
			add_word(out, "''", 2);
		} else if (*p == '"') {
			p = skip_quoted(p, false);
			if (p)
				add_word(out, from + 1, (size_t)(p - from) - 2);
		} else if (*p == '$' && skip_dollar(p) != p) {
			p = skip_dollar(p);
			add_word(out, "''", 2);
		} else {
			while (is_word_byte(*p))
				p++;
			p += p == from;
			add_word(out, from, (size_t)(p - from));
		}
	}
	str_addc(out, ' ');
	return p ? 0 : -1;
}
