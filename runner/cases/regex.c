/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/cases/regex.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/value.h"

#include <ctype.h>
#include <pcre2.h>
#include <string.h>

#define MATCH_LIMIT 5000000      /* steps of one match; a JIT match stops sooner */
#define DEPTH_LIMIT 100000
#define HEAP_LIMIT_KIB 20000
#define JIT_STACK_BYTES (512 * 1024)
#define LITERAL_MIN 3            /* shorter runs save nothing */

struct regex {
	char *pattern;
	char *literal;
	size_t literal_len;
	pcre2_code *code;
	pcre2_match_context *limits;
	bool utf;
};

struct regex_space {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
};

static bool wants_utf(const char *p)
{
	for (; *p; p++) {
		if ((unsigned char)*p >= 0x80)
			return true;
		if (*p == '\\' && p[1]) {
			if (strchr("pPX", p[1]) || (p[1] == 'x' && p[2] == '{'))
				return true;
			p++;
		}
	}
	return false;
}

/* Behind a class `[…]` that begins at p. */
static const char *class_skip(const char *p)
{
	p++;
	if (*p == '^')
		p++;
	if (*p == ']')
		p++;
	while (*p && *p != ']') {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '[' && p[1] && strchr(":.=", p[1])) {
			const char *end = strchr(p + 2, ']');

			if (end && end[-1] == p[1])
				p = end;
		}
		p++;
	}
	return *p ? p + 1 : p;
}

/* Behind a group `(…)` that begins at p. */
static const char *group_skip(const char *p)
{
	int depth = 0;

	while (*p) {
		if (*p == '\\' && p[1])
			p += 2;
		else if (*p == '[')
			p = class_skip(p);
		else {
			depth += *p == '(';
			depth -= *p == ')';
			p++;
			if (!depth)
				break;
		}
	}
	return p;
}

static void literal_keep(struct str *best, struct str *run)
{
	if (run->len > best->len) {
		str_reset(best);
		str_addn(best, str_cstr(run), run->len);
	}
	str_reset(run);
}

/* The longest run of plain bytes outside of groups, classes and alternatives. Anything that is
 * not surely understood ends the run; an alternative at the top, an option or a \Q ends the search. */
static void literal_find(struct regex *r)
{
	const char *p = r->pattern;
	auto_str best = STR_INIT, run = STR_INIT;

	if (strstr(p, "(?") || strstr(p, "(*") || strstr(p, "\\Q") || strstr(p, "\\K"))
		return;
	while (*p) {
		char c = *p;
		bool plain = false;

		if (c == '|' || c == '{')
			return;
		if (c == '(' || c == '[') {
			literal_keep(&best, &run);
			p = c == '(' ? group_skip(p) : class_skip(p);
		} else if (c == '\\' && p[1]) {
			plain = !isalnum((unsigned char)p[1]) && (unsigned char)p[1] < 0x80;
			c = p[1];
			if (p[1] == 'c' || p[1] == 'x' || p[1] == 'o' || p[1] == 'N' || p[1] == 'g' ||
			    p[1] == 'k' || p[1] == 'p' || p[1] == 'P')
				return; /* takes more of what follows */
			p += 2;
		} else {
			plain = !strchr("^$.*+?{}", c) && (unsigned char)c < 0x80;
			p++;
		}
		if (plain && (*p == '*' || *p == '?' || *p == '{'))
			plain = false; /* perhaps not there at all */
		if (plain)
			str_addc(&run, c);
		if (!plain || *p == '+')
			literal_keep(&best, &run);
		while (*p && strchr("*+?", *p))
			p++;
		if (*p == '{') {
			p += 1 + strspn(p + 1, "0123456789,");
			if (*p++ != '}')
				return; /* no repetition after all */
		}
	}
	literal_keep(&best, &run);
	if (best.len >= LITERAL_MIN) {
		r->literal_len = best.len;
		r->literal = str_steal(&best);
	}
}

int regex_new(struct regex **out, const char *pattern, struct err *e)
{
	struct regex *r = xcalloc(1, sizeof(*r));
	uint32_t flags = PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
	char quoted[VALUE_QUOTE_SIZE];
	int code;
	PCRE2_SIZE at;

	r->pattern = xstrdup(pattern);
	r->utf = wants_utf(pattern);
	if (r->utf)
		flags |= PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
	r->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, flags, &code, &at, NULL);
	if (!r->code) {
		PCRE2_UCHAR why[200] = "";

		pcre2_get_error_message(code, why, sizeof(why));
		regex_free(r);
		return err_set(e, ERR_USAGE, "pattern %s: %s at offset %zu", value_quote(pattern, quoted), (char *)why,
			       (size_t)at);
	}
	pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE); /* without it the interpreter serves */
	literal_find(r);
	*out = r;
	return 0;
}

void regex_free(struct regex *r)
{
	if (!r)
		return;
	pcre2_code_free(r->code);
	mem_free_ptr(&r->pattern);
	mem_free_ptr(&r->literal);
	mem_free_ptr(&r);
}

const char *regex_pattern(const struct regex *r)
{
	return r->pattern;
}

const char *regex_literal(const struct regex *r, size_t *n)
{
	*n = r->literal_len;
	return r->literal;
}

struct regex_space *regex_space_new(void)
{
	struct regex_space *s = xcalloc(1, sizeof(*s));

	s->data = pcre2_match_data_create(2, NULL);
	s->context = pcre2_match_context_create(NULL);
	s->stack = pcre2_jit_stack_create(32 * 1024, JIT_STACK_BYTES, NULL);
	BUG_ON(!s->data || !s->context);
	pcre2_set_match_limit(s->context, MATCH_LIMIT);
	pcre2_set_depth_limit(s->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(s->context, HEAP_LIMIT_KIB);
	if (s->stack)
		pcre2_jit_stack_assign(s->context, NULL, s->stack);
	return s;
}

void regex_space_free(struct regex_space *s)
{
	if (!s)
		return;
	pcre2_match_data_free(s->data);
	pcre2_match_context_free(s->context);
	if (s->stack)
		pcre2_jit_stack_free(s->stack);
	mem_free_ptr(&s);
}

int regex_find(const struct regex *r, struct regex_space *s, const char *text, size_t n, size_t from,
	       struct regex_match *m, struct err *e)
{
	int rc = pcre2_match(r->code, (PCRE2_SPTR)text, n, from, 0, s->data, s->context);
	const PCRE2_SIZE *v = pcre2_get_ovector_pointer(s->data);

	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	if (rc < 0) {
		PCRE2_UCHAR why[160] = "";
		char quoted[VALUE_QUOTE_SIZE];

		pcre2_get_error_message(rc, why, sizeof(why));
		return err_set(e, ERR_USAGE, "pattern %s: given up: %s", value_quote(r->pattern, quoted),
			       (char *)why);
	}
	/* \K in a lookahead can put the start after the end */
	m->start = v[0] <= v[1] ? v[0] : v[1];
	m->end = v[1];
	m->has_group = rc != 1 && v[2] != PCRE2_UNSET;
	m->group_start = m->has_group ? v[2] : 0;
	m->group_end = m->has_group ? v[3] : 0;
	return 1;
}
