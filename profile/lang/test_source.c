/* SPDX-License-Identifier: Apache-2.0 */
/* test_source.c - one pass over the text, which knows of strings, comments and brackets and no more of the language. */
#include "profile/lang/test_source.h"

#include "base/mem.h"
#include "base/str.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS_MAX = 64, DEPTH_MAX = 400, TEMPLATES_MAX = 16, NAME_BYTES = 200 };

struct call {
	bool test;                /* else a group of them */
	bool function;            /* a function is among its arguments */
	int begins, ends;         /* lines; ends 0: still open */
	size_t depth;             /* brackets around it */
	char name[NAME_BYTES];
};

struct scan {
	const char *text, *at;
	int line, wanted;
	size_t depth;
	size_t template[TEMPLATES_MAX], templates; /* depths at which ${ of a template began */
	struct call call[CALLS_MAX];
	size_t open;              /* calls around the place where the scan stands */
	struct call hold[CALLS_MAX];
	size_t holds;             /* closed ones that hold the line */
	char before;              /* the last character that is neither white nor comment */
	bool word_before;         /* it ended a word after which an expression comes: return, typeof … */
};

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static void next(struct scan *s)
{
	if (*s->at == '\n')
		s->line++;
	s->at++;
}

static void skip_white(struct scan *s)
{
	for (;;) {
		while (*s->at && isspace((unsigned char)*s->at))
			next(s);
		if (str_starts(s->at, "//")) {
			while (*s->at && *s->at != '\n')
				s->at++;
		} else if (str_starts(s->at, "/*")) {
			s->at += 2;
			while (*s->at && !str_starts(s->at, "*/"))
				next(s);
			s->at += *s->at ? 2 : 0;
		} else {
			return;
		}
	}
}

/* A text in quotes; of a template up to its first ${ too, at which the scan then stands. out: NULL, or NAME_BYTES. */
static void quoted(struct scan *s, char *out)
{
	char quote = *s->at++;
	size_t n = 0;

	while (*s->at && *s->at != quote && (quote == '`' || *s->at != '\n')) {
		if (quote == '`' && str_starts(s->at, "${") && s->templates < TEMPLATES_MAX)
			return;
		if (*s->at == '\\' && s->at[1])
			next(s);
		if (out && n + 1 < NAME_BYTES)
			out[n++] = *s->at;
		if (out)
			out[n] = '\0';
		next(s);
	}
	if (*s->at == quote)
		s->at++;
	s->before = quote;
}

/* A template may hold code, which may hold templates. */
static void template_rest(struct scan *s)
{
	while (*s->at && *s->at != '`') {
		if (str_starts(s->at, "${") && s->templates < TEMPLATES_MAX) {
			s->template[s->templates++] = s->depth++;
			s->at += 2;
			s->before = '{';
			return;
		}
		if (*s->at == '\\' && s->at[1])
			next(s);
		next(s);
	}
	s->at += *s->at == '`';
	s->before = '`';
}

static void regex(struct scan *s)
{
	bool class = false;

	for (s->at++; *s->at && *s->at != '\n' && (*s->at != '/' || class); s->at++) {
		if (*s->at == '\\' && s->at[1] && s->at[1] != '\n')
			s->at++;
		else if (*s->at == '[')
			class = true;
		else if (*s->at == ']')
			class = false;
	}
	s->at += *s->at == '/';
	s->before = '/';
}

static void close_bracket(struct scan *s)
{
	struct call *c = s->open ? &s->call[s->open - 1] : NULL;

	s->depth -= s->depth > 0;
	if (!c || c->depth != s->depth)
		return;
	c->ends = s->line;
	if (c->function && c->begins <= s->wanted && c->ends >= s->wanted && s->holds < CALLS_MAX)
		s->hold[s->holds++] = *c;
	s->open--;
}

static bool one_of(const char *word, size_t n, const char *const *words)
{
	for (; *words; words++)
		if (strlen(*words) == n && memcmp(*words, word, n) == 0)
			return true;
	return false;
}

static const char *const tests[] = { "it", "test", "specify", "fit", "bench", "Deno", NULL };
static const char *const groups[] = { "describe", "context", "suite", "fdescribe", NULL };

/* it.only.each([…])( and the like: up to the bracket that the name follows. False: no such call. */
static bool to_arguments(struct scan *s)
{
	for (unsigned i = 0; i < 4; i++) {
		skip_white(s);
		if (*s->at == '(')
			return true;
		if (*s->at != '.')
			return false;
		s->at++;
		while (is_name(*s->at))
			s->at++;
	}
	return false;
}

/* After `it` and what may follow: a call whose first argument is a text. The scan stands behind that text, or where it was
 * after the word. */
static void call_begin(struct scan *s, bool test)
{
	const char *back = s->at;
	int line = s->line;
	struct call c = { .test = test, .begins = line, .depth = s->depth };

	if (to_arguments(s)) {
		s->at++;
		skip_white(s);
		if (*s->at && strchr("'\"`", *s->at) && s->open < CALLS_MAX) {
			bool template = *s->at == '`';

			s->depth++;
			quoted(s, c.name);
			if (template && s->before != '`')
				template_rest(s);
			s->call[s->open++] = c;
			return;
		}
	}
	s->at = back;
	s->line = line;
}

/* each([…])("name", …): what closed was the table, and the name follows. */
static bool is_table(const char *word, size_t n)
{
	const char *p = word + n;

	return str_starts(p, ".each") || str_starts(p, ".only.each") || str_starts(p, ".skip.each");
}

static void table_skip(struct scan *s)
{
	const char *back = s->at;
	int depth = 0, line = s->line;

	while (*s->at && *s->at != '(' && *s->at != '`')
		next(s);
	if (*s->at == '`') {
		s->at++;
		while (*s->at && *s->at != '`')
			next(s);
		s->at += *s->at == '`';
		return;
	}
	while (*s->at) {
		if (*s->at == '\'' || *s->at == '"' || *s->at == '`') {
			quoted(s, NULL);
			continue;
		}
		depth += *s->at == '(' ? 1 : *s->at == ')' ? -1 : 0;
		next(s);
		if (!depth)
			break;
	}
	if (depth || !*s->at) {
		s->at = back;
		s->line = line;
	}
}

static void word(struct scan *s)
{
	static const char *const before_expression[] = { "return", "typeof", "case", "in", "of", "delete", "void", "throw",
							 "new", "else", "do", "await", "yield", NULL };
	const char *begin = s->at;
	bool member = s->before == '.';
	size_t n;

	while (is_name(*s->at))
		s->at++;
	n = (size_t)(s->at - begin);
	s->before = 'a';
	s->word_before = one_of(begin, n, before_expression);
	if (n == 8 && memcmp(begin, "function", 8) == 0 && s->open)
		s->call[s->open - 1].function = true;
	if (member && !(n == 4 && memcmp(begin, "test", 4) == 0))
		return;
	if (!one_of(begin, n, tests) && !one_of(begin, n, groups))
		return;
	if (is_table(begin, n))
		table_skip(s);
	call_begin(s, one_of(begin, n, tests));
}

static void step(struct scan *s)
{
	char c;

	skip_white(s);
	c = *s->at;
	if (!c)
		return;
	if (is_name(c)) {
		word(s);
		return;
	}
	if (c == '\'' || c == '"') {
		quoted(s, NULL);
		return;
	}
	if (c == '`') {
		s->at++;
		template_rest(s);
		return;
	}
	if (c == '/' && (s->word_before || !s->before || strchr("(,=:[!&|?{};+-*%<>~^", s->before))) {
		regex(s);
		s->word_before = false;
		return;
	}
	s->word_before = false;
	s->before = c;
	if (strchr("([{", c)) {
		s->depth += s->depth < DEPTH_MAX;
	} else if (c == '}' && s->templates && s->template[s->templates - 1] + 1 == s->depth) {
		s->templates--;
		s->depth--;
		s->at++;
		template_rest(s);
		return;
	} else if (strchr(")]}", c)) {
		close_bracket(s);
	} else if (c == '=' && s->at[1] == '>' && s->open) {
		s->call[s->open - 1].function = true;
	}
	next(s);
}

/* Those that hold the line closed from the inside outwards: each has to lie in the next. */
static char *joined(const struct scan *s, const char *between)
{
	struct str out = STR_INIT;
	bool test = false;

	for (size_t i = 0; i < s->holds; i++) {
		test |= s->hold[i].test;
		if (i && s->hold[i].depth >= s->hold[i - 1].depth)
			return NULL; /* two beside each other */
	}
	for (size_t i = s->holds; test && i-- > 0;)
		str_addf(&out, "%s%s", out.len ? between : "", s->hold[i].name);
	return out.len ? str_steal(&out) : NULL;
}

char *test_source_javascript(const char *text, int line)
{
	struct scan *s = xcalloc(1, sizeof(*s));
	char *name;

	s->text = s->at = text;
	s->line = 1;
	s->wanted = line;
	while (*s->at && (s->line <= line || s->open))
		step(s);
	name = joined(s, " > ");
	free(s);
	return name;
}

/* Ruby */
static int indent_of(const char *line, size_t n)
{
	int at = 0;

	for (size_t i = 0; i < n && (line[i] == ' ' || line[i] == '\t'); i++)
		at += line[i] == '\t' ? 8 - at % 8 : 1;
	return at;
}

static bool is_blank(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isspace((unsigned char)line[i]))
			return line[i] == '#';
	return true;
}

/* `it "adds" do`, `RSpec.describe Cart, "total" do`: the words that name it. False where it begins no such block. */
static bool ruby_call(const char *line, size_t n, bool *test, char name[NAME_BYTES])
{
	static const char *const of_tests[] = { "it", "specify", "example", "scenario", "test", "should", "fit", NULL };
	static const char *const of_groups[] = { "describe", "context", "feature", "fdescribe", "fcontext", NULL };
	const char *end = line + n, *w, *from;
	size_t len = 0;

	while (line < end && isspace((unsigned char)*line))
		line++;
	if (end - line > 6 && str_starts(line, "RSpec."))
		line += 6;
	for (w = line; w < end && (isalpha((unsigned char)*w) || *w == '_'); w++)
		;
	*test = one_of(line, (size_t)(w - line), of_tests);
	if (!*test && !one_of(line, (size_t)(w - line), of_groups))
		return false;
	while (w < end && (*w == ' ' || *w == '('))
		w++;
	from = w;
	if (w < end && (*w == '\'' || *w == '"')) {
		char quote = *w++;

		for (; w < end && *w != quote; w++) {
			w += *w == '\\' && w + 1 < end;
			if (len + 1 < NAME_BYTES)
				name[len++] = *w;
		}
	} else {
		/* a class or a symbol */
		for (w += w < end && *w == ':'; w < end && (is_name(*w) || *w == ':'); w++)
			if (len + 1 < NAME_BYTES)
				name[len++] = *w;
	}
	name[len] = '\0';
	return w > from && len && strcmp(name, "do") != 0;
}

static size_t line_length(const char *s)
{
	const char *end = strchr(s, '\n');

	return end ? (size_t)(end - s) : strlen(s);
}

/* Does the block that begins here hold the line? It ends at the first line that stands as far left, which has to be its
 * end. */
static bool ruby_holds(const char *begin, int at, int line)
{
	int indent = indent_of(begin, line_length(begin));

	if (at == line)
		return true;
	for (const char *s = begin + line_length(begin); *s == '\n'; s += line_length(s)) {
		size_t n = line_length(++s);
		int here = indent_of(s, n);

		at++;
		if (is_blank(s, n) || here > indent)
			continue;
		s += strspn(s, " \t");
		return at > line && here == indent && (str_starts(s, "end") || *s == '}');
	}
	return false;
}

char *test_source_ruby(const char *text, int line)
{
	struct str out = STR_INIT;
	bool any = false;
	int at = 1, indent = -1;

	for (const char *s = text; at <= line; at++) {
		size_t n = line_length(s);
		char name[NAME_BYTES];
		bool test;

		if (!is_blank(s, n) && indent_of(s, n) > indent && ruby_call(s, n, &test, name) && ruby_holds(s, at, line)) {
			str_addf(&out, "%s%s", out.len ? " " : "", name);
			indent = indent_of(s, n);
			any |= test;
		}
		if (!s[n])
			break;
		s += n + 1;
	}
	if (any)
		return str_steal(&out);
	str_release(&out);
	return NULL;
}
