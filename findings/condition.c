/* SPDX-License-Identifier: Apache-2.0 */
/* condition.c - references, conditions and templates of patterns (condition.h). */
#include "findings/condition.h"

#include "base/mem.h"
#include "base/nearest.h"
#include "base/value.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pcre2.h>

/* No regular expression of a pattern can hang the analysis. */
#define RE_MATCH_LIMIT 100000
#define RE_DEPTH_LIMIT 10000
#define RE_HEAP_KIB 4096

enum op {
	OP_EQ, OP_NE, OP_GT, OP_GE, OP_LT, OP_LE, OP_IN, OP_NOT_IN, OP_MATCHES, OP_NOT_MATCHES, OP_KNOWN,
};

/* By enum op. */
static const char *const op_words[] = { "equals", "not_equals", "above", "at_least", "below", "at_most",
					"in", "not_in", "matches", "not_matches", "known", NULL };

struct operand {
	bool is_ref;
	struct ref ref;
	double number;     /* FACT_INT and FACT_NUM columns */
	int64_t integer;
	bool is_integer;
	bool yes;          /* FACT_BOOL */
	char *text;        /* FACT_TEXT */
};

struct term {
	struct ref ref;
	enum op op;
	struct operand *v;
	unsigned n;
	pcre2_code *re;
	struct condition **any; /* any_of: then nothing of the above is used */
	unsigned n_any;
};

struct condition {
	struct term *terms;
	unsigned n;
};

/* ---- references ---- */

static int ref_unknown_column(const struct scope *s, unsigned at, const struct yaml_node *where,
			      const char *name, struct err *e)
{
	char hint[NEAREST_HINT_SIZE];
	struct nearest near;

	nearest_init(&near, name);
	for (int c = (int)fact_first(s->kind[at]); c < (int)fact_end(s->kind[at]); c++)
		nearest_offer(&near, fact_columns[c].name);
	return yaml_error(where, e, "facts of kind '%s' have no column '%s'%s",
			  fact_kinds[s->kind[at]].name, name, nearest_hint(near.best, hint));
}

int ref_parse(struct ref *r, const struct scope *s, unsigned at, const struct yaml_node *where,
	      const char *text, struct err *e)
{
	const char *dot = strchr(text, '.');
	const char *column = text;
	char quote[VALUE_QUOTE_SIZE];
	int col;

	if (dot) {
		for (at = 0; at < s->n; at++)
			if (strlen(s->name[at]) == (size_t)(dot - text) &&
			    strncmp(s->name[at], text, (size_t)(dot - text)) == 0)
				break;
		if (at == s->n)
			return yaml_error(where, e, "%s names no row that is joined here",
					  value_quoten(text, (size_t)(dot - text), quote));
		column = dot + 1;
	}
	col = fact_col_find(s->kind[at], column);
	if (col < 0)
		return ref_unknown_column(s, at, where, column, e);
	r->at = at;
	r->col = (enum fact_col)col;
	return 0;
}

const struct fact_value *ref_value(const struct ref *r, const struct binding *b)
{
	static const struct fact_value unknown;

	return b->row[r->at] ? fact_get(b->row[r->at], r->col) : &unknown;
}

/* ---- operands ---- */

static bool type_is_number(enum fact_type t)
{
	return t == FACT_INT || t == FACT_NUM;
}

static int operand_ref(struct operand *o, const struct scope *s, enum fact_type want,
		       const struct yaml_node *n, const char *text, size_t len, struct err *e)
{
	auto_free char *name = xstrndup(text + 2, len - 3);
	enum fact_type have;

	if (ref_parse(&o->ref, s, 0, n, name, e) < 0)
		return -1;
	have = fact_columns[o->ref.col].type;
	if (have != want && !(type_is_number(have) && type_is_number(want)))
		return yaml_error(n, e, "'%s' is a %s and cannot be compared with a %s", name,
				  fact_type_text[have], fact_type_text[want]);
	o->is_ref = true;
	return 0;
}

static int operand_number(struct operand *o, const struct yaml_node *n, const char *text, struct err *e)
{
	char quote[VALUE_QUOTE_SIZE];
	char *end;

	errno = 0;
	o->is_integer = value_int(text, &o->integer);
	o->number = strtod(text, &end);
	if (end == text || *end || !isfinite(o->number) || isspace((unsigned char)*text) ||
	    strpbrk(text, "xXpP"))
		return yaml_error(n, e, "%s is not a number", value_quote(text, quote));
	return 0;
}

static int operand_parse(struct operand *o, const struct scope *s, enum fact_type want,
			 const struct yaml_node *n, const char *text, struct err *e)
{
	char quote[VALUE_QUOTE_SIZE];
	size_t len = strlen(text);

	memset(o, 0, sizeof(*o));
	if (len > 3 && text[0] == '$' && text[1] == '{' && text[len - 1] == '}')
		return operand_ref(o, s, want, n, text, len, e);
	switch (want) {
	case FACT_TEXT:
		o->text = xstrdup(text);
		return 0;
	case FACT_BOOL:
		if (!value_bool(text, &o->yes))
			return yaml_error(n, e, "%s is neither true nor false", value_quote(text, quote));
		return 0;
	case FACT_INT:
	case FACT_NUM:
		return operand_number(o, n, text, e);
	}
	return 0;
}

/* ---- conditions ---- */

static struct term *term_add(struct condition *c)
{
	struct term *t;

	c->terms = xreallocarray(c->terms, c->n + 1, sizeof(*c->terms));
	t = &c->terms[c->n++];
	memset(t, 0, sizeof(*t));
	return t;
}

static int term_add_operand(struct term *t, const struct scope *s, const struct yaml_node *n,
			    const char *text, struct err *e)
{
	enum fact_type want = t->op == OP_KNOWN ? FACT_BOOL : fact_columns[t->ref.col].type;

	t->v = xreallocarray(t->v, t->n + 1, sizeof(*t->v));
	memset(&t->v[t->n], 0, sizeof(t->v[0]));
	if (operand_parse(&t->v[t->n], s, want, n, text, e) < 0)
		return -1;
	t->n++;
	return 0;
}

static int term_compile(struct term *t, const struct yaml_node *n, const char *text, struct err *e)
{
	PCRE2_UCHAR why[128];
	PCRE2_SIZE at;
	int code;

	if (fact_columns[t->ref.col].type != FACT_TEXT)
		return yaml_error(n, e, "'%s' is not a text: a regular expression cannot match it",
				  fact_columns[t->ref.col].name);
	t->re = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
			      PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOTALL, &code, &at, NULL);
	if (t->re)
		return 0;
	pcre2_get_error_message(code, why, sizeof(why));
	return yaml_error(n, e, "bad regular expression at offset %zu: %s", at, (char *)why);
}

static bool op_is_order(enum op op)
{
	return op >= OP_GT && op <= OP_LE;
}

/* One `column: value` or `{op: value}`; n is the value. */
static int term_parse(struct condition *c, const struct scope *s, const struct ref *ref, enum op op,
		      const struct yaml_node *n, struct err *e)
{
	struct term *t = term_add(c);
	const char *text;

	t->ref = *ref;
	t->op = op;
	if (op_is_order(op) && !type_is_number(fact_columns[ref->col].type))
		return yaml_error(n, e, "'%s' is a %s: it has no order", fact_columns[ref->col].name,
				  fact_type_text[fact_columns[ref->col].type]);
	if (op == OP_IN || op == OP_NOT_IN) {
		if (yaml_want_seq(n, e) < 0)
			return -1;
		if (!n->count)
			return yaml_error(n, e, "an empty list holds nothing");
		yaml_each(item, n)
			if (yaml_as_string(item, &text, e) < 0 || term_add_operand(t, s, item, text, e) < 0)
				return -1;
		return 0;
	}
	if (yaml_as_string(n, &text, e) < 0)
		return -1;
	if (op == OP_MATCHES || op == OP_NOT_MATCHES)
		return term_compile(t, n, text, e);
	return term_add_operand(t, s, n, text, e);
}

/* "> 1e6": an operator, at least one blank, an operand. A text column takes only == and !=, so that
 * a text may begin with '<'. */
static int term_parse_scalar(struct condition *c, const struct scope *s, const struct ref *ref,
			     const struct yaml_node *n, struct err *e)
{
	static const struct {
		const char *sign;
		enum op op;
	} signs[] = { { ">=", OP_GE }, { "<=", OP_LE }, { "==", OP_EQ }, { "!=", OP_NE },
		      { ">", OP_GT },  { "<", OP_LT } };
	enum fact_type type = fact_columns[ref->col].type;
	const char *text;

	if (yaml_as_string(n, &text, e) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		size_t len = strlen(signs[i].sign);
		const char *rest = text + len;
		struct term *t;

		if (strncmp(text, signs[i].sign, len) != 0)
			continue;
		if (op_is_order(signs[i].op) && !type_is_number(type))
			break;
		rest += strspn(rest, " \t");
		if (!*rest)
			return yaml_error(n, e, "missing operand after '%s'", signs[i].sign);
		t = term_add(c);
		t->ref = *ref;
		t->op = signs[i].op;
		return term_add_operand(t, s, n, rest, e);
	}
	return term_parse(c, s, ref, OP_EQ, n, e);
}

static int any_of_parse(struct condition *c, const struct scope *s, unsigned at,
			const struct yaml_node *n, struct err *e)
{
	struct term *t = term_add(c);

	if (yaml_want_seq(n, e) < 0)
		return -1;
	if (!n->count)
		return yaml_error(n, e, "'any_of' needs at least one map");
	t->any = xcalloc(n->count, sizeof(struct condition *));
	yaml_each(item, n) {
		if (condition_parse(&t->any[t->n_any], s, at, item, e) < 0)
			return -1;
		t->n_any++;
	}
	return 0;
}

static int entry_parse(struct condition *c, const struct scope *s, unsigned at,
		       const struct yaml_node *n, struct err *e)
{
	struct ref ref;

	if (strcmp(n->key->text, "any_of") == 0)
		return any_of_parse(c, s, at, n, e);
	if (ref_parse(&ref, s, at, n->key, n->key->text, e) < 0)
		return -1;
	if (n->kind == YAML_SCALAR)
		return term_parse_scalar(c, s, &ref, n, e);
	if (n->kind == YAML_SEQ)
		return term_parse(c, s, &ref, OP_IN, n, e);
	if (!n->count)
		return yaml_error(n, e, "an empty map says nothing about '%s'", n->key->text);
	if (yaml_check_keys(n, op_words, e) < 0)
		return -1;
	yaml_each(item, n)
		if (term_parse(c, s, &ref, (enum op)value_word(item->key->text, op_words), item, e) < 0)
			return -1;
	return 0;
}

int condition_parse(struct condition **out, const struct scope *s, unsigned at,
		    const struct yaml_node *n, struct err *e)
{
	struct condition *c;

	if (yaml_want_map(n, e) < 0)
		return -1;
	c = xcalloc(1, sizeof(*c));
	yaml_each(item, n)
		if (entry_parse(c, s, at, item, e) < 0) {
			condition_free(c);
			return -1;
		}
	*out = c;
	return 0;
}

void condition_free(struct condition *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->n; i++) {
		struct term *t = &c->terms[i];

		for (unsigned k = 0; k < t->n; k++)
			free(t->v[k].text);
		for (unsigned k = 0; k < t->n_any; k++)
			condition_free(t->any[k]);
		free(t->any);
		free(t->v);
		pcre2_code_free(t->re);
	}
	free(c->terms);
	free(c);
}

static long double number_of(enum fact_type type, const struct fact_value *v)
{
	return type == FACT_INT ? (long double)v->i : (long double)v->n;
}

/* *cmp: negative, 0 or positive; false where the right side is unknown. */
static bool operand_cmp(const struct term *t, const struct operand *o, const struct fact_value *v,
			const struct binding *b, int *cmp)
{
	enum fact_type type = fact_columns[t->ref.col].type;
	const struct fact_value *r = o->is_ref ? ref_value(&o->ref, b) : NULL;
	long double x, y;

	if (r && !r->known)
		return false;
	if (type == FACT_TEXT) {
		*cmp = strcmp(v->s, r ? r->s : o->text);
		return true;
	}
	if (type == FACT_BOOL) {
		*cmp = (int)v->b - (int)(r ? r->b : o->yes);
		return true;
	}
	x = number_of(type, v);
	if (r)
		y = number_of(fact_columns[o->ref.col].type, r);
	else
		y = o->is_integer ? (long double)o->integer : (long double)o->number;
	*cmp = (x > y) - (x < y);
	return true;
}

static bool re_matches(const pcre2_code *re, const char *text, unsigned *cut)
{
	pcre2_match_context *mc = pcre2_match_context_create(NULL);
	pcre2_match_data *md = pcre2_match_data_create(1, NULL);
	int rc = PCRE2_ERROR_NOMEMORY;

	if (mc && md) {
		pcre2_set_match_limit(mc, RE_MATCH_LIMIT);
		pcre2_set_depth_limit(mc, RE_DEPTH_LIMIT);
		pcre2_set_heap_limit(mc, RE_HEAP_KIB);
		rc = pcre2_match(re, (PCRE2_SPTR)text, strlen(text), 0, 0, md, mc);
	}
	pcre2_match_data_free(md);
	pcre2_match_context_free(mc);
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
		(*cut)++;
	return rc >= 0;
}

static bool is_in(const struct term *t, const struct fact_value *v, const struct binding *b)
{
	int cmp;

	for (unsigned i = 0; i < t->n; i++)
		if (operand_cmp(t, &t->v[i], v, b, &cmp) && cmp == 0)
			return true;
	return false;
}

static bool term_holds(const struct term *t, const struct binding *b, unsigned *cut)
{
	const struct fact_value *v;
	int cmp;

	if (t->any) {
		for (unsigned i = 0; i < t->n_any; i++)
			if (condition_holds(t->any[i], b, cut))
				return true;
		return false;
	}
	v = ref_value(&t->ref, b);
	if (t->op == OP_KNOWN)
		return v->known == t->v[0].yes;
	if (!v->known)
		return false;
	switch (t->op) {
	case OP_IN:
		return is_in(t, v, b);
	case OP_NOT_IN:
		return !is_in(t, v, b);
	case OP_MATCHES:
		return re_matches(t->re, v->s, cut);
	case OP_NOT_MATCHES:
		return !re_matches(t->re, v->s, cut);
	default:
		break;
	}
	if (!operand_cmp(t, &t->v[0], v, b, &cmp))
		return false;
	switch (t->op) {
	case OP_EQ:
		return cmp == 0;
	case OP_NE:
		return cmp != 0;
	case OP_GT:
		return cmp > 0;
	case OP_GE:
		return cmp >= 0;
	case OP_LT:
		return cmp < 0;
	default:
		return cmp <= 0;
	}
}

bool condition_holds(const struct condition *c, const struct binding *b, unsigned *cut)
{
	if (!c)
		return true;
	for (unsigned i = 0; i < c->n; i++)
		if (!term_holds(&c->terms[i], b, cut))
			return false;
	return true;
}

unsigned condition_refs(const struct condition *c, struct ref *out, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; c && i < c->n; i++) {
		if (c->terms[i].any) {
			for (unsigned k = 0; k < c->terms[i].n_any; k++)
				n += condition_refs(c->terms[i].any[k], out + n, max - n);
		} else if (n < max) {
			out[n++] = c->terms[i].ref;
		}
	}
	return n;
}

/* ---- templates ---- */

struct piece {
	char *text; /* NULL: a reference */
	struct ref ref;
};

struct phrase {
	struct piece *p;
	unsigned n;
};

static struct piece *piece_add(struct phrase *t)
{
	t->p = xreallocarray(t->p, t->n + 1, sizeof(*t->p));
	memset(&t->p[t->n], 0, sizeof(t->p[0]));
	return &t->p[t->n++];
}

static void flush_text(struct phrase *t, struct str *text)
{
	if (text->len)
		piece_add(t)->text = xstrdup(str_cstr(text));
	str_reset(text);
}

static int phrase_scan(struct phrase *t, const struct scope *s, const struct yaml_node *n,
			 const char *p, struct err *e)
{
	auto_str text = STR_INIT;

	while (*p) {
		const char *end;
		struct ref ref;

		if (p[0] == '$' && p[1] == '$') {
			str_addc(&text, '$');
			p += 2;
			continue;
		}
		if (p[0] != '$' || p[1] != '{') {
			str_addc(&text, *p++);
			continue;
		}
		end = strchr(p, '}');
		if (!end)
			return yaml_error(n, e, "'${' without its '}'");
		auto_free char *name = xstrndup(p + 2, (size_t)(end - p - 2));
		if (ref_parse(&ref, s, 0, n, name, e) < 0)
			return -1;
		flush_text(t, &text);
		piece_add(t)->ref = ref;
		p = end + 1;
	}
	flush_text(t, &text);
	return 0;
}

int phrase_parse(struct phrase **out, const struct scope *s, const struct yaml_node *n, struct err *e)
{
	struct phrase *t;
	const char *text;

	if (yaml_as_string(n, &text, e) < 0)
		return -1;
	if (!*text)
		return yaml_error(n, e, "an empty text says nothing");
	t = xcalloc(1, sizeof(*t));
	if (phrase_scan(t, s, n, text, e) < 0) {
		phrase_free(t);
		return -1;
	}
	*out = t;
	return 0;
}

void phrase_free(struct phrase *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->n; i++)
		free(t->p[i].text);
	free(t->p);
	free(t);
}

bool phrase_expand(const struct phrase *t, const struct binding *b, struct str *out)
{
	bool whole = true;

	for (unsigned i = 0; i < t->n; i++) {
		const struct fact_value *v;

		if (t->p[i].text) {
			str_add(out, t->p[i].text);
			continue;
		}
		v = ref_value(&t->p[i].ref, b);
		/* A text that is known and empty tells as little as an unknown one. */
		if (!v->known || (fact_columns[t->p[i].ref.col].type == FACT_TEXT && !*v->s))
			whole = false;
		fact_value_add(out, t->p[i].ref.col, v);
	}
	return whole;
}
