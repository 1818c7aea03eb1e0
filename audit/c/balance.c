/* SPDX-License-Identifier: Apache-2.0 */
/* balance.c - conditions of the preprocessor whose sides open or close a brace, or that stand within an expression: no
 * grammar reads all of their sides, so one is kept, without the directives. The same goes for a side that ends with
 * "if (…)". */
#include "audit/c/c.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NESTED_MAX 64

struct side {
	size_t from, to; /* what lies between two lines of the preprocessor */
	bool chosen;
};

/* One #if with its sides. */
struct group {
	size_t from;
	bool within; /* an expression or a declaration has begun before it */
	struct side sides[16];
	unsigned count;
};

/* The directive of a line: "if", "else" …; NULL if it is not one. *rest: what follows. */
static const char *directive(const char *line, size_t n, const char *const words[], size_t count, size_t *rest)
{
	size_t i = 0;

	while (i < n && (line[i] == ' ' || line[i] == '\t'))
		i++;
	if (i == n || line[i] != '#')
		return NULL;
	for (i++; i < n && (line[i] == ' ' || line[i] == '\t'); i++)
		;
	for (size_t w = 0; w < count; w++) {
		size_t k = strlen(words[w]);

		if (i + k <= n && memcmp(line + i, words[w], k) == 0 && (i + k == n ||
				!isalnum((unsigned char)line[i + k]))) {
			*rest = i + k;
			return words[w];
		}
	}
	return NULL;
}

static int braces(const char *s, size_t n)
{
	int open = 0;
	char quote = 0;

	for (size_t i = 0; i < n; i++) {
		if (quote) {
			i += s[i] == '\\';
			quote = i < n && (s[i] == quote || s[i] == '\n') ? 0 : quote;
		} else if (s[i] == '/' && i + 1 < n && (s[i + 1] == '*' || s[i + 1] == '/')) {
			const char *end = s[i + 1] == '*' ? memmem(s + i + 2, n - i - 2, "*/", 2)
							  : memchr(s + i, '\n', n - i);

			i = end ? (size_t)(end - s) : n;
		} else if (s[i] == '"' || s[i] == '\'') {
			quote = s[i];
		} else {
			open += (s[i] == '{') - (s[i] == '}');
		}
	}
	return open;
}

/* Does a side begin as if its name were not defined: #ifndef, #if !…, #else? */
static bool is_usual(const char *word, const char *rest, size_t n)
{
	if (strcmp(word, "if") != 0 && strcmp(word, "elif") != 0)
		return strcmp(word, "ifdef") != 0;
	while (n && *rest == ' ')
		rest++, n--;
	return n && (*rest == '!' || *rest == '1');
}

static void blank(char *s, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (s[i] != '\n')
			s[i] = ' ';
}

/* Without white space and comments at its end. */
static size_t trimmed(const char *s, size_t n)
{
	for (;;) {
		while (n && isspace((unsigned char)s[n - 1]))
			n--;
		if (n < 2 || s[n - 1] != '/' || s[n - 2] != '*')
			return n;
		for (n -= 2; n >= 2 && !(s[n - 1] == '*' && s[n - 2] == '/'); n--)
			;
		n = n >= 2 ? n - 2 : 0;
	}
}

static size_t word_begin(const char *s, size_t n)
{
	while (n && (isalnum((unsigned char)s[n - 1]) || s[n - 1] == '_'))
		n--;
	return n;
}

/* Does a side of a condition end where a statement is wanted, after "if (…)", else and the like, or in an expression? */
static bool ends_within(const char *s, size_t n)
{
	static const char *const words[] = { "if", "while", "for", "switch", "else", "do" };
	int open = 0;
	size_t from;
	bool head = false;

	n = trimmed(s, n);
	if (!n)
		return false;
	if (strchr("=|&?<", s[n - 1]))
		return true;
	if (s[n - 1] == ')') {
		do {
			n--;
			open += (s[n] == ')') - (s[n] == '(');
		} while (n && open);
		n = trimmed(s, n);
		head = true;
	}
	from = word_begin(s, n);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == n - from && memcmp(words[i], s + from, n - from) == 0)
			return head == (i < 4);
	return false;
}

/* Does what precedes end a statement, a block or a label? Comments count as part of what precedes them. */
static bool is_at_a_start(const char *s, size_t n)
{
	n = trimmed(s, n);
	if (!n)
		return true;
	for (size_t i = n; i-- > 0 && s[i] != '\n';)
		if (s[i] == '#' || (s[i] == '/' && i && s[i - 1] == '/'))
			return true; /* a directive or a // comment: nothing is known */
	return strchr(";{}:,)", s[n - 1]) != NULL;
}

/* Keeps the usual side of a group, else none, where a side does not balance. end: behind its #endif line. */
static bool group_settle(char *out, const struct group *g, size_t end)
{
	bool balanced = !g->within;
	size_t from = g->from;

	for (unsigned i = 0; i < g->count; i++)
		balanced = balanced && braces(out + g->sides[i].from, g->sides[i].to - g->sides[i].from) == 0 &&
			   !ends_within(out + g->sides[i].from, g->sides[i].to - g->sides[i].from);
	if (balanced)
		return false;
	for (unsigned i = 0; i < g->count; i++) {
		if (!g->sides[i].chosen)
			continue;
		blank(out, from, g->sides[i].from);
		from = g->sides[i].to;
		break;
	}
	blank(out, from, end);
	return true;
}

char *c_balance(const char *text, size_t n)
{
	static const char *const words[] = { "ifdef", "ifndef", "if", "elif", "else", "endif" };
	struct group *stack = xcalloc(NESTED_MAX, sizeof(*stack));
	char *out = xreallocarray(NULL, n + 1, 1);
	unsigned depth = 0;
	bool changed = false;

	memcpy(out, text, n);
	out[n] = '\0';
	for (size_t at = 0; at < n;) {
		const char *end = memchr(out + at, '\n', n - at);
		size_t length = end ? (size_t)(end - out) - at : n - at, rest = 0;
		const char *word = directive(out + at, length, words, sizeof(words) / sizeof(*words), &rest);
		struct group *g = depth ? &stack[depth - 1] : NULL;
		size_t next = at + length + (end != NULL);

		if (word && *word == 'i') {
			if (depth == NESTED_MAX)
				break;
			g = &stack[depth++];
			*g = (struct group){ .from = at, .within = !is_at_a_start(out, at) };
		} else if (word && g) {
			g->sides[g->count - 1].to = at;
		}
		if (word && g && strcmp(word, "endif") == 0) {
			changed |= group_settle(out, g, next);
			depth--;
		} else if (word && g) {
			if (g->count == sizeof(g->sides) / sizeof(*g->sides))
				break;
			g->sides[g->count++] = (struct side){ next, next, is_usual(word, out + at + rest, length - rest) };
		}
		at = next;
	}
	free(stack);
	if (!changed)
		mem_free_ptr(&out);
	return out;
}
