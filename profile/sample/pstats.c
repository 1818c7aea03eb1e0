/* SPDX-License-Identifier: Apache-2.0 */
/* pstats.c - marshal of {(file, line, name): (cc, nc, tt, ct, {caller: (cc, nc, tt, ct)})}. */
#include "profile/sample/pstats.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { REFS_MAX = 1 << 20, DEPTH_MAX = 32 };

/* What of a value is kept: enough for keys and numbers. */
enum kind { V_NONE, V_TEXT, V_NUMBER, V_TUPLE, V_DICT, V_END };
struct value {
	enum kind kind;
	const char *text;     /* kept by the profile */
	double number;
	struct value *items;  /* tuple, or dict: key, value, … */
	size_t n;
};
struct in {
	const unsigned char *at, *end;
	struct texts *texts;
	struct value **refs;
	size_t ref_n;
	struct value **all;
	size_t all_n;
	bool bad;
};

static struct value *value_new(struct in *i)
{
	struct value *v = xcalloc(1, sizeof(*v));

	if (!(i->all_n & (i->all_n - 1)))
		i->all = xreallocarray(i->all, i->all_n ? i->all_n * 2 : 1, sizeof(*i->all));
	i->all[i->all_n++] = v;
	return v;
}

static const unsigned char *take(struct in *i, size_t n)
{
	const unsigned char *at = i->at;

	if ((size_t)(i->end - i->at) < n) {
		i->bad = true;
		return NULL;
	}
	i->at += n;
	return at;
}

static uint32_t take_u32(struct in *i)
{
	const unsigned char *b = take(i, 4);
	uint32_t v = 0;

	if (b)
		memcpy(&v, b, 4);
	return v;
}

static void take_text(struct in *i, struct value *v, size_t n)
{
	const unsigned char *b = take(i, n);

	v->kind = V_TEXT;
	v->text = b ? texts_keepn(i->texts, (const char *)b, n) : "";
}

static void take_long(struct in *i, struct value *v)
{
	int32_t n = (int32_t)take_u32(i);
	double scale = 1, sum = 0;

	for (int32_t k = n < 0 ? -n : n; k > 0 && !i->bad; k--) {
		const unsigned char *b = take(i, 2);

		sum += b ? (b[0] | b[1] << 8) * scale : 0;
		scale *= 32768;
	}
	v->kind = V_NUMBER;
	v->number = n < 0 ? -sum : sum;
}

static struct value *read_value(struct in *i, int depth);

static void take_items(struct in *i, struct value *v, size_t n, int depth)
{
	v->kind = V_TUPLE;
	if (n > (size_t)(i->end - i->at)) {
		i->bad = true;
		return;
	}
	v->items = xcalloc(n + 1, sizeof(*v->items));
	for (; v->n < n && !i->bad; v->n++)
		v->items[v->n] = *read_value(i, depth + 1);
}

static void take_dict(struct in *i, struct value *v, int depth)
{
	v->kind = V_DICT;
	while (!i->bad) {
		struct value *key = read_value(i, depth + 1), *item;

		if (key->kind == V_END)
			break;
		item = read_value(i, depth + 1);
		if (!(v->n & (v->n - 1))) /* grows by pairs, at each power of two */
			v->items = xreallocarray(v->items, v->n ? v->n * 2 : 2, sizeof(*v->items));
		v->items[v->n++] = *key;
		v->items[v->n++] = *item;
	}
}

static void take_by_type(struct in *i, struct value *v, unsigned char type, int depth)
{
	const unsigned char *b;

	switch (type) {
	case '0': v->kind = V_END; break;
	case 'N': case 'T': case 'F': case '.': break;
	case 'i': v->kind = V_NUMBER; v->number = (int32_t)take_u32(i); break;
	case 'l': take_long(i, v); break;
	case 'g':
		b = take(i, 8);
		v->kind = V_NUMBER;
		if (b)
			memcpy(&v->number, b, 8);
		break;
	case 's': case 't': case 'u': case 'a': case 'A': take_text(i, v, take_u32(i)); break;
	case 'z': case 'Z':
		b = take(i, 1);
		take_text(i, v, b ? *b : 0);
		break;
	case ')':
		b = take(i, 1);
		take_items(i, v, b ? *b : 0, depth);
		break;
	case '(': case '[': take_items(i, v, take_u32(i), depth); break;
	case '{': take_dict(i, v, depth); break;
	default: i->bad = true; break;
	}
}

static struct value *read_value(struct in *i, int depth)
{
	static struct value nothing;
	const unsigned char *b = depth < DEPTH_MAX ? take(i, 1) : NULL;
	unsigned char type = b ? *b & 0x7f : 0;
	struct value *v;
	size_t ref = SIZE_MAX;
	uint32_t n;

	if (!b) {
		i->bad = true;
		return &nothing;
	}
	if (type == 'r') {
		n = take_u32(i);
		if (n >= i->ref_n || !i->refs[n]) {
			i->bad = true;
			return &nothing;
		}
		return i->refs[n];
	}
	v = value_new(i);
	if (*b & 0x80 && i->ref_n < REFS_MAX) { /* its number is given before its parts get theirs */
		if (!(i->ref_n & (i->ref_n - 1)))
			i->refs = xreallocarray(i->refs, i->ref_n ? i->ref_n * 2 : 1, sizeof(*i->refs));
		ref = i->ref_n++;
		i->refs[ref] = NULL;
	}
	take_by_type(i, v, type, depth);
	if (ref != SIZE_MAX)
		i->refs[ref] = v;
	return v;
}

static void function_of(const struct value *key, struct pstats_function *f)
{
	*f = (struct pstats_function){ .name = "[unknown]" };
	if (key->kind != V_TUPLE || key->n != 3)
		return;
	if (key->items[2].kind == V_TEXT)
		f->name = key->items[2].text;
	if (key->items[0].kind == V_TEXT && strcmp(key->items[0].text, "~") != 0)
		f->file = key->items[0].text;
	if (key->items[1].kind == V_NUMBER && key->items[1].number > 0 && key->items[1].number < 1e9)
		f->line = (int32_t)key->items[1].number;
}

static double number_at(const struct value *tuple, size_t i)
{
	return tuple->kind == V_TUPLE && i < tuple->n && tuple->items[i].kind == V_NUMBER ? tuple->items[i].number : 0;
}

static void sums_of(const struct value *tuple, struct pstats_function *f)
{
	f->primitive_calls = number_at(tuple, 0);
	f->calls = number_at(tuple, 1);
	f->self_s = number_at(tuple, 2);
	f->total_s = number_at(tuple, 3);
}

static void read_function(const struct value *key, const struct value *sums, pstats_each each, void *arg)
{
	const struct value *callers = sums->kind == V_TUPLE && sums->n == 5 ? &sums->items[4] : NULL;
	struct pstats_function f, caller;

	function_of(key, &f);
	sums_of(sums, &f);
	each(arg, &f, NULL);
	for (size_t i = 0; callers && callers->kind == V_DICT && i + 1 < callers->n; i += 2) {
		function_of(&callers->items[i], &caller);
		sums_of(&callers->items[i + 1], &caller);
		each(arg, &f, &caller);
	}
}

int pstats_read(const char *s, size_t n, pstats_each each, void *arg, struct err *e)
{
	struct texts texts = { 0 };
	struct in i = { (const unsigned char *)s, (const unsigned char *)s + n, &texts, NULL, 0, NULL, 0, false };
	struct value *root = read_value(&i, 0);
	bool good = !i.bad && root->kind == V_DICT;

	for (size_t k = 0; good && k + 1 < root->n; k += 2)
		read_function(&root->items[k], &root->items[k + 1], each, arg);
	for (size_t k = 0; k < i.all_n; k++) {
		free(i.all[k]->items);
		free(i.all[k]);
	}
	free(i.all);
	free(i.refs);
	texts_release(&texts);
	return good ? 0 : err_set(e, ERR_FAILURE, "damaged marshal of a pstats file");
}
