/* SPDX-License-Identifier: Apache-2.0 */
/* fact.c - the table of facts: rows in blocks of memory, typed values, one canonical order. */
#include "evidence/fact.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "base/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct fact_kind_def fact_kinds[FACT_KIND_COUNT] = {
#define FACT(kind, text, help) { text, help },
#include "evidence/fact.def"
};
const struct fact_column fact_columns[FACT_COL_COUNT] = {
#define COL(kind, column, type, unit, help) { FACT_##kind, #column, FACT_##type, unit, help },
#include "evidence/fact.def"
};
const char *const fact_type_text[] = { "text", "int", "number", "bool" };

#define BLOCK_BYTES ((size_t)64 * 1024)

struct fact_block {
	struct fact_block *next;
	size_t used, size;
	_Alignas(16) unsigned char data[];
};

int facts_init(struct facts *f, struct err *e)
{
	static char *no_env[] = { NULL };

	memset(f, 0, sizeof(*f));
	/* The environment of whoever reads a trace again is no part of the trace. */
	return redactor_new(&f->redactor, no_env, NULL, NULL, e);
}

void facts_release(struct facts *f)
{
	struct fact_block *b, *next;

	for (b = f->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
	for (int k = 0; k < FACT_KIND_COUNT; k++)
		free(f->table[k].rows);
	if (f->redactor)
		redactor_free(f->redactor);
	memset(f, 0, sizeof(*f));
}

void *facts_alloc(struct facts *f, size_t n)
{
	struct fact_block *b = f->blocks;
	size_t size = n > BLOCK_BYTES / 4 ? n : BLOCK_BYTES;
	void *p;

	n = (n + 15) & ~(size_t)15;
	if (!b || b->size - b->used < n) {
		size = size < n ? n : size;
		b = xmalloc(sizeof(*b) + size);
		b->used = 0;
		b->size = size;
		b->next = f->blocks;
		f->blocks = b;
	}
	p = b->data + b->used;
	b->used += n;
	return memset(p, 0, n);
}

const char *facts_strn(struct facts *f, const char *s, size_t n)
{
	char *p = facts_alloc(f, n + 1);

	memcpy(p, s, n);
	return p;
}

/* The columns of a kind stand together: the table of their bounds is made once. */
static const enum fact_col *bounds(void)
{
	static enum fact_col first[FACT_KIND_COUNT + 1];
	static bool made;

	if (!made) {
		int c = 0;

		for (int k = 0; k < FACT_KIND_COUNT; k++) {
			first[k] = (enum fact_col)c;
			while (c < FACT_COL_COUNT && (int)fact_columns[c].kind == k)
				c++;
		}
		first[FACT_KIND_COUNT] = (enum fact_col)c;
		BUG_ON(c != FACT_COL_COUNT);
		made = true;
	}
	return first;
}

enum fact_col fact_first(enum fact_kind kind)
{
	return bounds()[kind];
}

enum fact_col fact_end(enum fact_kind kind)
{
	return bounds()[kind + 1];
}

int fact_kind_find(const char *name)
{
	for (int k = 0; k < FACT_KIND_COUNT; k++)
		if (strcmp(fact_kinds[k].name, name) == 0)
			return k;
	return -1;
}

int fact_col_find(enum fact_kind kind, const char *name)
{
	for (int c = (int)fact_first(kind); c < (int)fact_end(kind); c++)
		if (strcmp(fact_columns[c].name, name) == 0)
			return c;
	return -1;
}

struct fact_row *fact_add(struct facts *f, enum fact_kind kind, const char *file, const char *at)
{
	struct fact_table *t = &f->table[kind];
	size_t cols = (size_t)(fact_end(kind) - fact_first(kind));
	struct fact_row *r;

	if (t->n == (kind == FACT_SPAN ? FACT_SPANS_MAX : FACT_ROWS_MAX)) {
		t->dropped++;
		return NULL;
	}
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 16;
		t->rows = xreallocarray(t->rows, t->cap, sizeof(*t->rows));
	}
	r = facts_alloc(f, sizeof(*r) + cols * sizeof(r->v[0]));
	r->kind = kind;
	r->file = file;
	r->at = at ? facts_strn(f, at, strlen(at)) : "";
	t->rows[t->n++] = r;
	return r;
}

static struct fact_value *slot(struct fact_row *r, enum fact_col c)
{
	BUG_ON(fact_columns[c].kind != r->kind);
	return &r->v[c - fact_first(r->kind)];
}

const struct fact_value *fact_get(const struct fact_row *r, enum fact_col c)
{
	BUG_ON(fact_columns[c].kind != r->kind);
	return &r->v[c - fact_first(r->kind)];
}

void fact_set_int(struct fact_row *r, enum fact_col c, int64_t v)
{
	struct fact_value *s = slot(r, c);

	BUG_ON(fact_columns[c].type != FACT_INT);
	s->known = true;
	s->i = v;
}

void fact_set_num(struct fact_row *r, enum fact_col c, double v)
{
	struct fact_value *s = slot(r, c);

	BUG_ON(fact_columns[c].type != FACT_NUM);
	if (!isfinite(v))
		return;
	s->known = true;
	/* Thousandths: the same figure on every machine, and nobody measures finer. */
	s->n = fabs(v) < 1e15 ? (double)(int64_t)(v * 1000.0 + (v < 0 ? -0.5 : 0.5)) / 1000.0 : v;
}

void fact_set_bool(struct fact_row *r, enum fact_col c, bool v)
{
	struct fact_value *s = slot(r, c);

	BUG_ON(fact_columns[c].type != FACT_BOOL);
	s->known = true;
	s->b = v;
}

void fact_set_text(struct facts *f, struct fact_row *r, enum fact_col c, const char *text)
{
	struct fact_value *s = slot(r, c);
	auto_str red = STR_INIT, clean = STR_INIT;

	BUG_ON(fact_columns[c].type != FACT_TEXT);
	if (!text)
		return;
	if (redact_is_place(fact_columns[c].name, strlen(fact_columns[c].name)))
		redact_name(f->redactor, text, strlen(text), &red);
	else
		redact_text(f->redactor, text, strlen(text), &red);
	utf8_add_clean(&clean, str_cstr(&red), red.len);
	s->known = true;
	s->s = facts_strn(f, str_cstr(&clean), clean.len);
}

bool fact_set_from_text(struct facts *f, struct fact_row *r, enum fact_col c, const char *s)
{
	char *end;
	bool b;
	int64_t i;
	double n;

	switch (fact_columns[c].type) {
	case FACT_TEXT:
		fact_set_text(f, r, c, s);
		return true;
	case FACT_INT:
		if (!value_int(s, &i))
			return false;
		fact_set_int(r, c, i);
		return true;
	case FACT_NUM:
		n = strtod(s, &end);
		if (end == s || *end || !isfinite(n))
			return false;
		fact_set_num(r, c, n);
		return true;
	case FACT_BOOL:
		if (!value_bool(s, &b))
			return false;
		fact_set_bool(r, c, b);
		return true;
	}
	return false;
}

int64_t fact_int(const struct fact_row *r, enum fact_col c, int64_t otherwise)
{
	const struct fact_value *v = fact_get(r, c);

	return v->known ? v->i : otherwise;
}

double fact_num(const struct fact_row *r, enum fact_col c, double otherwise)
{
	const struct fact_value *v = fact_get(r, c);

	return v->known ? v->n : otherwise;
}

bool fact_bool(const struct fact_row *r, enum fact_col c)
{
	const struct fact_value *v = fact_get(r, c);

	return v->known && v->b;
}

const char *fact_text(const struct fact_row *r, enum fact_col c)
{
	const struct fact_value *v = fact_get(r, c);

	return v->known ? v->s : "";
}

void fact_value_add(struct str *out, enum fact_col c, const struct fact_value *v)
{
	size_t n;

	if (!v->known) {
		str_add(out, "?");
		return;
	}
	switch (fact_columns[c].type) {
	case FACT_TEXT:
		str_add(out, v->s);
		return;
	case FACT_INT:
		str_add_i64(out, v->i);
		return;
	case FACT_BOOL:
		str_add(out, v->b ? "yes" : "no");
		return;
	case FACT_NUM:
		str_addf(out, "%.3f", v->n);
		for (n = out->len; out->data[n - 1] == '0'; n--)
			;
		if (out->data[n - 1] == '.')
			n--;
		out->len = n;
		out->data[n] = '\0';
		return;
	}
}

int fact_value_cmp(enum fact_type type, const struct fact_value *a, const struct fact_value *b)
{
	if (!a->known || !b->known)
		return (int)a->known - (int)b->known;
	switch (type) {
	case FACT_TEXT:
		return strcmp(a->s, b->s);
	case FACT_INT:
		return (a->i > b->i) - (a->i < b->i);
	case FACT_NUM:
		return (a->n > b->n) - (a->n < b->n);
	case FACT_BOOL:
		return (int)a->b - (int)b->b;
	}
	return 0;
}

static int row_cmp(const void *pa, const void *pb)
{
	const struct fact_row *a = *(struct fact_row *const *)pa, *b = *(struct fact_row *const *)pb;
	enum fact_col first = fact_first(a->kind), end = fact_end(a->kind);
	int d;

	for (int c = (int)first; c < (int)end; c++) {
		d = fact_value_cmp(fact_columns[c].type, &a->v[c - (int)first], &b->v[c - (int)first]);
		if (d)
			return d;
	}
	d = strcmp(a->file, b->file);
	return d ? d : strcmp(a->at, b->at);
}

void facts_sort(struct facts *f)
{
	for (int k = 0; k < FACT_KIND_COUNT; k++)
		if (f->table[k].n)
			qsort(f->table[k].rows, f->table[k].n, sizeof(f->table[k].rows[0]), row_cmp);
}

/* Quoted where it would not read as one word. */
static void print_text(struct str *out, const char *s)
{
	if (*s && !strpbrk(s, " \t\n\r\"\\=")) {
		str_add(out, s);
		return;
	}
	str_addc(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			str_addf(out, "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			str_addf(out, "\\x%02x", (unsigned char)*s);
		else
			str_addc(out, *s);
	}
	str_addc(out, '"');
}

static void row_print(const struct fact_row *r, struct str *out)
{
	enum fact_col first = fact_first(r->kind);

	str_add(out, fact_kinds[r->kind].name);
	for (int c = (int)first; c < (int)fact_end(r->kind); c++) {
		const struct fact_value *v = &r->v[c - (int)first];

		if (!v->known)
			continue;
		str_addf(out, " %s=", fact_columns[c].name);
		if (fact_columns[c].type == FACT_TEXT)
			print_text(out, v->s);
		else
			fact_value_add(out, (enum fact_col)c, v);
	}
	str_addf(out, " from=%s%s%s\n", r->file, *r->at ? "#" : "", r->at);
}

void facts_print(const struct facts *f, struct str *out)
{
	for (int k = 0; k < FACT_KIND_COUNT; k++) {
		for (size_t i = 0; i < f->table[k].n; i++)
			row_print(f->table[k].rows[i], out);
		if (f->table[k].dropped)
			str_addf(out, "# %llu more rows of %s are not kept\n",
				 (unsigned long long)f->table[k].dropped, fact_kinds[k].name);
	}
}
