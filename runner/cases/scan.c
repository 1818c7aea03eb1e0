/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/cases/scan.h"

#include "base/fd.h"
#include "base/mem.h"
#include "base/value.h"
#include "runner/cases/fixed_set.h"
#include "runner/cases/glob.h"
#include "runner/cases/scan_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const scan_op_text[] = { "==", "!=", "<", "<=", ">", ">=", NULL };

int scan_parse_count(const char *text, enum scan_op *op, int64_t *n, struct err *e)
{
	static const enum scan_op order[] = { SCAN_EQ, SCAN_NE, SCAN_LE, SCAN_GE, SCAN_LT, SCAN_GT };
	const char *p = text;
	char quoted[VALUE_QUOTE_SIZE];

	*op = SCAN_EQ;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (str_starts(p, scan_op_text[order[i]])) {
			*op = order[i];
			p += strlen(scan_op_text[order[i]]);
			break;
		}
	p += strspn(p, " ");
	if (!value_int(p, n) || *n < 0)
		return err_set(e, ERR_USAGE, "%s is not a count: expected ==, !=, <, <=, > or >= and a number",
			       value_quote(text, quoted));
	return 0;
}

bool scan_compare(enum scan_op op, int64_t have, int64_t want)
{
	switch (op) {
	case SCAN_EQ: return have == want;
	case SCAN_NE: return have != want;
	case SCAN_LT: return have < want;
	case SCAN_LE: return have <= want;
	case SCAN_GT: return have > want;
	case SCAN_GE: return have >= want;
	}
	return false;
}

int scan_spec_add(struct scan_spec *s, enum scan_role role, const char *text, size_t len, bool regex,
		  struct err *e)
{
	struct scan_item item = { .role = role, .len = len };

	if (!len)
		return err_set(e, ERR_USAGE, "a token must not be empty");
	if (regex && regex_new(&item.regex, text, e) < 0)
		return -1;
	item.text = xmalloc(len + 1);
	memcpy(item.text, text, len);
	item.text[len] = '\0';
	s->items = xreallocarray(s->items, s->item_count + 1, sizeof(*s->items));
	s->items[s->item_count++] = item;
	return 0;
}

void scan_spec_release(struct scan_spec *s)
{
	strv_release(&s->paths);
	for (size_t i = 0; i < s->item_count; i++) {
		mem_free_ptr(&s->items[i].text);
		regex_free(s->items[i].regex);
	}
	mem_free_ptr(&s->items);
	s->item_count = 0;
}

struct scan *scan_new(void)
{
	struct scan *s = xcalloc(1, sizeof(*s));

	s->fixed = fixed_set_new();
	s->globs = glob_set_new();
	return s;
}

static void u32s_add(struct u32s *l, uint32_t v)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 4;
		l->v = xreallocarray(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = v;
}

void scan_free(struct scan *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->token_count; i++)
		free(s->tokens[i].uses.v);
	for (uint32_t i = 0; i < s->check_count * SCAN_PLACES_MAX; i++)
		free(s->total.places ? s->total.places[i].path : NULL);
	for (uint32_t i = 0; i < s->list_count; i++) {
		free(s->lists[i].regex_tokens.v);
		free(s->lists[i].file_checks.v);
		free(s->lists[i].checks.v);
	}
	scan_totals_release(&s->total);
	fixed_set_free(s->fixed);
	glob_set_free(s->globs);
	free(s->tokens);
	free(s->by_fixed);
	free(s->lists);
	free(s->checks);
	free(s->items);
	free(s);
}

/* The token of a fixed string or of an equal pattern: an old or a new one. */
static uint32_t token_of(struct scan *s, const struct scan_item *item)
{
	struct scan_token t = { .regex = item->regex, .fixed = UINT32_MAX };
	size_t n;
	const char *literal;

	if (!item->regex) {
		t.fixed = fixed_set_add(s->fixed, item->text, item->len);
	} else {
		literal = regex_literal(item->regex, &n);
		if (literal)
			t.fixed = fixed_set_add(s->fixed, literal, n);
	}
	if (t.fixed != UINT32_MAX && t.fixed >= s->by_fixed_cap) {
		uint32_t cap = s->by_fixed_cap ? s->by_fixed_cap * 2 : 64;

		while (cap <= t.fixed)
			cap *= 2;
		s->by_fixed = xreallocarray(s->by_fixed, cap, sizeof(*s->by_fixed));
		memset(s->by_fixed + s->by_fixed_cap, 0, (cap - s->by_fixed_cap) * sizeof(*s->by_fixed));
		s->by_fixed_cap = cap;
	}
	if (!item->regex && s->by_fixed[t.fixed])
		return s->by_fixed[t.fixed] - 1;
	for (uint32_t i = 0; item->regex && i < s->token_count; i++)
		if (s->tokens[i].regex &&
		    strcmp(regex_pattern(s->tokens[i].regex), regex_pattern(item->regex)) == 0)
			return i;
	if (s->token_count == s->token_cap) {
		s->token_cap = s->token_cap ? s->token_cap * 2 : 64;
		s->tokens = xreallocarray(s->tokens, s->token_cap, sizeof(*s->tokens));
	}
	s->tokens[s->token_count++] = t;
	if (!item->regex)
		s->by_fixed[t.fixed] = s->token_count;
	return s->token_count - 1;
}

static void list_add_check(struct scan *s, uint32_t list, uint32_t check)
{
	const struct scan_spec *spec = s->checks[check].spec;
	bool by_file = spec->each;

	if (list >= s->list_count) {
		s->lists = xreallocarray(s->lists, list + 1, sizeof(*s->lists));
		memset(&s->lists[s->list_count], 0, (list + 1 - s->list_count) * sizeof(*s->lists));
		s->list_count = list + 1;
	}
	u32s_add(&s->lists[list].checks, check);
	for (size_t i = 0; i < spec->item_count; i++) {
		uint32_t token = s->items[s->checks[check].first_item + i].token;
		struct u32s *l = &s->lists[list].regex_tokens;
		bool have = !s->tokens[token].regex;

		by_file |= spec->items[i].role == SCAN_ORDERED;
		for (uint32_t k = 0; k < l->n && !have; k++)
			have = l->v[k] == token;
		if (!have)
			u32s_add(l, token);
	}
	if (by_file)
		u32s_add(&s->lists[list].file_checks, check);
}

int scan_add(struct scan *s, const struct scan_spec *spec, struct err *e)
{
	int list = glob_set_add(s->globs, spec->paths.v, spec->paths.n, e);
	uint32_t check = s->check_count;

	if (list < 0)
		return -1;
	if (check == s->check_cap) {
		s->check_cap = s->check_cap ? s->check_cap * 2 : 16;
		s->checks = xreallocarray(s->checks, s->check_cap, sizeof(*s->checks));
	}
	s->checks[s->check_count++] =
		(struct scan_check){ .spec = spec, .list = (uint32_t)list, .first_item = s->item_count };
	for (size_t i = 0; i < spec->item_count; i++) {
		const struct scan_item *item = &spec->items[i];
		uint32_t token = token_of(s, item);

		if (s->item_count == s->item_cap) {
			s->item_cap = s->item_cap ? s->item_cap * 2 : 64;
			s->items = xreallocarray(s->items, s->item_cap, sizeof(*s->items));
		}
		s->items[s->item_count] = (struct scan_use){ .check = check, .token = token,
							     .item = (uint32_t)i };
		u32s_add(&s->tokens[token].uses, s->item_count++);
		/* how often matters only where it is counted; else the first is enough */
		s->tokens[token].counted |= item->role == SCAN_COUNT;
	}
	list_add_check(s, (uint32_t)list, check);
	return (int)check;
}

void scan_totals_init(struct scan_totals *t, const struct scan *s)
{
	memset(t, 0, sizeof(*t));
	t->item_hits = xcalloc(s->item_count + 1, sizeof(*t->item_hits));
	t->list_files = xcalloc(s->list_count + 1, sizeof(*t->list_files));
	t->places = xcalloc((size_t)(s->check_count + 1) * SCAN_PLACES_MAX, sizeof(*t->places));
	t->place_total = xcalloc(s->check_count + 1, sizeof(*t->place_total));
}

void scan_totals_release(struct scan_totals *t)
{
	mem_free_ptr(&t->item_hits);
	mem_free_ptr(&t->list_files);
	mem_free_ptr(&t->places);
	mem_free_ptr(&t->place_total);
}

/* Keeps the first places in the order of the walk, whichever thread saw them. */
void scan_place_add(struct scan_totals *t, uint32_t check, const struct scan_place *p)
{
	struct scan_place *l = &t->places[(size_t)check * SCAN_PLACES_MAX];
	uint64_t kept = t->place_total[check] < SCAN_PLACES_MAX ? t->place_total[check] : SCAN_PLACES_MAX;
	uint64_t at = kept;

	t->place_total[check] += p->more ? p->more : 1;
	while (at > 0 && (l[at - 1].seq > p->seq || (l[at - 1].seq == p->seq && l[at - 1].at > p->at)))
		at--;
	if (at == SCAN_PLACES_MAX)
		return;
	if (kept == SCAN_PLACES_MAX)
		free(l[--kept].path);
	memmove(&l[at + 1], &l[at], (kept - at) * sizeof(*l));
	l[at] = *p;
	l[at].more = 0;
	l[at].path = xstrdup(p->path);
}

void scan_totals_merge(struct scan_totals *to, struct scan_totals *from, const struct scan *s)
{
	for (uint32_t i = 0; i < s->item_count; i++)
		to->item_hits[i] += from->item_hits[i];
	for (uint32_t i = 0; i < s->list_count; i++)
		to->list_files[i] += from->list_files[i];
	for (uint32_t c = 0; c < s->check_count; c++) {
		uint64_t n = from->place_total[c], kept = n < SCAN_PLACES_MAX ? n : SCAN_PLACES_MAX;

		for (uint64_t i = 0; i < kept; i++) {
			struct scan_place *p = &from->places[(size_t)c * SCAN_PLACES_MAX + i];

			scan_place_add(to, c, p);
			free(p->path);
		}
		to->place_total[c] += n - kept;
	}
	to->files_read += from->files_read;
}

/* ---- what came out ---- */

static void line_place(struct str *out, const struct scan_spec *spec, const struct scan_place *p)
{
	const struct scan_item *item = p->item == SCAN_NO_ITEM ? NULL : &spec->items[p->item];
	char quoted[VALUE_QUOTE_SIZE];

	str_add(out, p->path);
	if (p->line)
		str_addf(out, ":%" PRIu64, p->line);
	if (!item) {
		str_addf(out, ": %s", p->why ? p->why : "cannot be read");
		return;
	}
	value_quoten(item->text, item->len, quoted);
	if (p->why)
		str_addf(out, ": %s: %s", quoted, p->why);
	else if (item->role == SCAN_ABSENT)
		str_addf(out, ": %s must not be there", quoted);
	else if (item->role == SCAN_PRESENT)
		str_addf(out, ": %s is missing", quoted);
	else if (item->role == SCAN_ORDERED)
		str_addf(out, ": the tokens from %s on are not there in this order", quoted);
	else
		str_addf(out, ": %s occurs %" PRIu64 " times, wanted %s %" PRId64, quoted, p->count,
			 scan_op_text[item->op], item->n);
	/* nothing follows */
}

static size_t report_item(const struct scan *s, const struct scan_check *c, size_t i, struct str *out)
{
	const struct scan_item *item = &c->spec->items[i];
	uint64_t hits = s->total.item_hits[c->first_item + i], files = s->total.list_files[c->list];
	char quoted[VALUE_QUOTE_SIZE];

	value_quoten(item->text, item->len, quoted);
	switch (item->role) {
	case SCAN_PRESENT:
		if (c->spec->each || hits)
			return 0;
		str_addf(out, "%s is in none of the %" PRIu64 " files\n", quoted, files);
		return 1;
	case SCAN_COUNT:
		if (c->spec->each || scan_compare(item->op, (int64_t)hits, item->n))
			return 0;
		str_addf(out, "%s occurs %" PRIu64 " times in %" PRIu64 " files, wanted %s %" PRId64 "\n", quoted,
			 hits, files, scan_op_text[item->op], item->n);
		return 1;
	case SCAN_ORDERED: /* the first item of the list speaks for all */
		for (size_t k = 0; k < i; k++)
			if (c->spec->items[k].role == SCAN_ORDERED)
				return 0;
		if (c->spec->each || hits)
			return 0;
		str_addf(out, "none of the %" PRIu64 " files holds the tokens from %s on in this order\n", files,
			 quoted);
		return 1;
	case SCAN_ABSENT:
		break; /* its places are listed */
	}
	return 0;
}

size_t scan_report(const struct scan *s, int check, struct str *out)
{
	const struct scan_check *c = &s->checks[check];
	uint64_t places = s->total.place_total ? s->total.place_total[check] : 0;
	size_t lines = 0;

	if (!s->total.list_files || !s->total.list_files[c->list]) {
		str_add(out, "no file matches");
		for (size_t i = 0; i < c->spec->paths.n; i++) {
			char quoted[VALUE_QUOTE_SIZE];

			str_addf(out, "%s %s", i ? "," : "", value_quote(c->spec->paths.v[i], quoted));
		}
		str_addc(out, '\n');
		return 1;
	}
	for (size_t i = 0; i < c->spec->item_count; i++)
		lines += report_item(s, c, i, out);
	for (uint64_t i = 0; i < places && i < SCAN_PLACES_MAX; i++, lines++) {
		line_place(out, c->spec, &s->total.places[(size_t)check * SCAN_PLACES_MAX + i]);
		str_addc(out, '\n');
	}
	if (places > SCAN_PLACES_MAX) {
		str_addf(out, "and %" PRIu64 " more\n", places - SCAN_PLACES_MAX);
		lines++;
	}
	return lines;
}

uint64_t scan_files_read(const struct scan *s)
{
	return s->total.files_read;
}
