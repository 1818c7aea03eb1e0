/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/slice.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define NUMBERS ((uint64_t)UINT32_MAX + 1)
#define NUMBER_BYTES 10 /* of a number: seven bits each, the lowest first */

struct slice_mark slice_mark(const struct graph *g)
{
	return (struct slice_mark){ g->function_count, g->call_count, g->mutation_count, g->constant_count, g->pool_count };
}

void slice_rewind(struct graph *g, const struct slice_mark *from)
{
	g->function_count = from->functions;
	g->call_count = from->calls;
	g->mutation_count = from->mutations;
	g->constant_count = from->constants;
	g->pool_count = from->pool;
}

void slice_writer_release(struct slice_writer *w)
{
	free(w->number);
	free(w->slice);
	free(w->shown);
	free(w->texts);
	*w = (struct slice_writer){ 0 };
}

static void number_add(struct str *out, uint64_t v)
{
	char bytes[NUMBER_BYTES];
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		bytes[n++] = (char)(v | 0x80);
	bytes[n++] = (char)v;
	str_addn(out, bytes, n);
}

static void texts_room(struct slice_writer *w, uint32_t text)
{
	uint32_t cap = w->cap ? w->cap * 2 : 4096;

	if (text < w->cap)
		return;
	cap = cap > text ? cap : text + 1;
	w->number = xreallocarray(w->number, cap, sizeof(*w->number));
	w->slice = xreallocarray(w->slice, cap, sizeof(*w->slice));
	w->shown = xreallocarray(w->shown, cap, sizeof(*w->shown));
	memset(w->slice + w->cap, 0, (cap - w->cap) * sizeof(*w->slice));
	memset(w->shown + w->cap, 0, (cap - w->cap) * sizeof(*w->shown));
	w->cap = cap;
}

/* A text's number in the slice, from 1 on; 0 is no text. */
static void text_add(struct slice_writer *w, struct str *out, text_t text)
{
	if (text) {
		texts_room(w, text);
		if (w->slice[text] != w->slices) {
			w->slice[text] = w->slices;
			if (w->text_count == w->text_cap) {
				w->text_cap = w->text_cap ? w->text_cap * 2 : 256;
				w->texts = xreallocarray(w->texts, w->text_cap, sizeof(*w->texts));
			}
			w->texts[w->text_count++] = text;
			w->number[text] = w->text_count;
		}
	}
	number_add(out, text ? w->number[text] : 0);
}

static void list_add(struct slice_writer *w, const struct graph *g, struct str *out, struct graph_list l)
{
	number_add(out, l.n);
	for (uint32_t i = 0; i < l.n; i++)
		text_add(w, out, g->pool[l.at + i]);
}

static void function_add(struct slice_writer *w, const struct graph *g, const struct graph_function *f, uint32_t key_base,
	struct str *out)
{
	number_add(out, (uint64_t)f->kind | (uint64_t)f->language << 8 | (uint64_t)f->is_async << 16);
	text_add(w, out, f->name);
	number_add(out, f->line);
	number_add(out, f->end_line);
	number_add(out, f->start);
	number_add(out, f->key - key_base);
	list_add(w, g, out, f->decorators);
	list_add(w, g, out, f->parameters);
}

static void constant_add(struct slice_writer *w, const struct graph_constant *c, struct str *out)
{
	text_add(w, out, c->keyword);
	number_add(out, c->position);
	number_add(out, c->kind);
	number_add(out, (uint64_t)c->size);
	text_add(w, out, c->text);
}

enum call_flag {
	CALL_EXPRESSION = 1, CALL_IN_LOOP = 2, CALL_LOOP_UNKNOWN = 4, CALL_OPENS_READ = 8, CALL_HAS_MORE = 16,
};

static void call_add(struct slice_writer *w, const struct graph *g, const struct graph_call *c,
	const struct slice_mark *from, struct str *out)
{
	bool more = c->first || c->argument_texts.n || c->constant_count || c->opened || c->mode || c->loop_bound != 1;

	number_add(out, (c->is_expression ? CALL_EXPRESSION : 0) | (c->in_loop ? CALL_IN_LOOP : 0) |
			(c->loop_unknown ? CALL_LOOP_UNKNOWN : 0) | (c->opens_read ? CALL_OPENS_READ : 0) |
			(more ? CALL_HAS_MORE : 0) | (uint64_t)c->reason << 8 | (uint64_t)c->scope << 16);
	number_add(out, c->caller - from->functions);
	number_add(out, c->line);
	number_add(out, c->start);
	number_add(out, c->end - c->start);
	text_add(w, out, c->text);
	list_add(w, g, out, c->targets);
	str_addn(out, &c->arguments, sizeof(c->arguments)); /* a digest: it does not get smaller */
	text_add(w, out, c->receiver);
	text_add(w, out, c->method);
	if (!more)
		return;
	number_add(out, (uint64_t)c->loop_bound);
	text_add(w, out, c->first);
	list_add(w, g, out, c->argument_texts);
	number_add(out, c->constant_count);
	for (uint32_t i = 0; i < c->constant_count; i++)
		constant_add(w, &g->constants[c->constant + i], out);
	text_add(w, out, c->opened);
	text_add(w, out, c->mode);
}

static void mutation_add(struct slice_writer *w, const struct graph_mutation *m, const struct slice_mark *from,
	struct str *out)
{
	number_add(out, m->function - from->functions);
	number_add(out, m->line);
	number_add(out, (uint64_t)m->kind | (uint64_t)m->scope << 8);
	text_add(w, out, m->target);
}

static bool may_keep(struct slice_writer *w, const struct graph *g, text_t text)
{
	if (!w->shown[text])
		w->shown[text] = !w->may_keep || w->may_keep(w->arg, graph_text(g, text), g->texts.v[text].length) ? 1 : 2;
	return w->shown[text] == 1;
}

bool slice_write(struct slice_writer *w, const struct graph *g, const struct slice_mark *from, uint32_t key_base,
	struct str *out)
{
	auto_str body = STR_INIT;

	w->slices++;
	w->text_count = 0;
	number_add(&body, g->function_count - from->functions);
	number_add(&body, g->call_count - from->calls);
	number_add(&body, g->mutation_count - from->mutations);
	for (uint32_t i = from->functions; i < g->function_count; i++)
		function_add(w, g, &g->functions[i], key_base, &body);
	for (uint32_t i = from->calls; i < g->call_count; i++)
		call_add(w, g, &g->calls[i], from, &body);
	for (uint32_t i = from->mutations; i < g->mutation_count; i++)
		mutation_add(w, &g->mutations[i], from, &body);
	for (uint32_t i = 0; i < w->text_count; i++)
		if (!may_keep(w, g, w->texts[i]))
			return false;
	number_add(out, w->text_count);
	for (uint32_t i = 0; i < w->text_count; i++) {
		number_add(out, g->texts.v[w->texts[i]].length);
		str_addn(out, graph_text(g, w->texts[i]), g->texts.v[w->texts[i]].length);
	}
	str_addn(out, str_cstr(&body), body.len);
	return true;
}

/* A slice while it is read. is_bad: its bytes said something that cannot be; from then on all numbers are 0. */
struct reader {
	struct graph *g;
	const unsigned char *at, *end;
	text_t *texts;
	uint32_t text_count, file, key_base;
	struct slice_mark from;
	uint32_t function_count;
	bool is_bad;
};

static uint64_t number_take(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64 && r->at < r->end; shift += 7) {
		unsigned char c = *r->at++;

		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			return r->is_bad ? 0 : v;
	}
	r->is_bad = true;
	return 0;
}

static uint32_t number_below(struct reader *r, uint64_t limit)
{
	uint64_t v = number_take(r);

	if (v < limit)
		return (uint32_t)v;
	r->is_bad = true;
	return 0;
}

/* How many things follow, each of at least a byte. */
static uint32_t count_take(struct reader *r)
{
	return number_below(r, (uint64_t)(r->end - r->at) + 1);
}

static text_t text_take(struct reader *r)
{
	uint32_t i = number_below(r, (uint64_t)r->text_count + 1);

	return i ? r->texts[i - 1] : 0;
}

static struct graph_list list_take(struct reader *r)
{
	uint32_t n = count_take(r);
	struct graph_list l = { r->g->pool_count, n };

	for (uint32_t i = 0; i < n && !r->is_bad; i++) {
		text_t text = text_take(r);

		graph_add_list(r->g, &text, 1);
	}
	if (r->is_bad)
		l.n = 0;
	return l;
}

static void function_take(struct reader *r)
{
	struct graph_function f = { .file = r->file };
	uint32_t word = number_below(r, 1u << 17);

	f.kind = (enum graph_kind)(word & 0xff);
	f.language = (enum graph_language)(word >> 8 & 0xff);
	f.is_async = word >> 16 & 1;
	r->is_bad |= f.kind > GRAPH_BUILTIN || f.language >= LANGUAGE_COUNT;
	f.name = text_take(r);
	f.line = number_below(r, NUMBERS);
	f.end_line = number_below(r, NUMBERS);
	f.start = number_below(r, NUMBERS);
	f.key = number_below(r, NUMBERS - r->key_base) + r->key_base;
	f.decorators = list_take(r);
	f.parameters = list_take(r);
	r->is_bad |= !f.name;
	if (!r->is_bad)
		graph_add_function(r->g, f);
}

static void constant_take(struct reader *r)
{
	struct graph_constant c = { .keyword = text_take(r), .position = number_below(r, NUMBERS) };

	c.kind = number_below(r, CONSTANT_CONTAINER + 1);
	c.size = (int64_t)number_take(r);
	c.text = text_take(r);
	if (!r->is_bad)
		graph_add_constant(r->g, c);
}

static void call_more(struct reader *r, struct graph_call *c)
{
	c->loop_bound = (int64_t)number_take(r);
	c->first = text_take(r);
	c->argument_texts = list_take(r);
	c->constant_count = count_take(r);
	c->constant = r->g->constant_count;
	for (uint32_t i = 0; i < c->constant_count && !r->is_bad; i++)
		constant_take(r);
	c->opened = text_take(r);
	c->mode = text_take(r);
}

static void call_take(struct reader *r)
{
	uint32_t word = number_below(r, 1u << 24);
	struct graph_call c = { .file = r->file, .is_expression = word & CALL_EXPRESSION, .in_loop = word & CALL_IN_LOOP,
		.loop_unknown = word & CALL_LOOP_UNKNOWN, .opens_read = word & CALL_OPENS_READ, .loop_bound = 1,
		.reason = (enum graph_reason)(word >> 8 & 0xff), .scope = (enum graph_scope)(word >> 16) };

	r->is_bad |= c.reason >= REASON_COUNT || c.scope > SCOPE_MODULE;
	c.caller = r->from.functions + number_below(r, r->function_count);
	c.line = number_below(r, NUMBERS);
	c.start = number_below(r, NUMBERS);
	c.end = c.start + number_below(r, NUMBERS - c.start);
	c.text = text_take(r);
	c.targets = list_take(r);
	if (r->end - r->at < (ptrdiff_t)sizeof(c.arguments)) {
		r->is_bad = true;
		return;
	}
	memcpy(&c.arguments, r->at, sizeof(c.arguments));
	r->at += sizeof(c.arguments);
	c.receiver = text_take(r);
	c.method = text_take(r);
	if (word & CALL_HAS_MORE)
		call_more(r, &c);
	if (!r->is_bad)
		graph_add_call(r->g, c);
}

static void mutation_take(struct reader *r)
{
	struct graph_mutation m = { .file = r->file, .function = r->from.functions + number_below(r, r->function_count),
		.line = number_below(r, NUMBERS) };
	uint32_t word = number_below(r, 1u << 16);

	m.kind = (enum graph_mutation_kind)(word & 0xff);
	m.scope = (enum graph_scope)(word >> 8);
	m.target = text_take(r);
	r->is_bad |= m.kind > MUTATION_GLOBAL || m.scope > SCOPE_MODULE;
	if (!r->is_bad)
		graph_add_mutation(r->g, m);
}

static void texts_take(struct reader *r)
{
	uint32_t n = count_take(r);

	r->texts = xcalloc((size_t)n + 1, sizeof(*r->texts));
	for (; r->text_count < n && !r->is_bad; r->text_count++) {
		uint32_t len = count_take(r);

		r->texts[r->text_count] = text_of(&r->g->texts, (const char *)r->at, len);
		r->at += len;
	}
}

bool slice_read(struct graph *g, uint32_t file, uint32_t key_base, const void *bytes, size_t n)
{
	struct reader r = { .g = g, .at = bytes, .end = (const unsigned char *)bytes + n, .file = file,
		.key_base = key_base, .from = slice_mark(g) };
	uint32_t calls, mutations;

	texts_take(&r);
	r.function_count = count_take(&r);
	calls = count_take(&r);
	mutations = count_take(&r);
	for (uint32_t i = 0; i < r.function_count && !r.is_bad; i++)
		function_take(&r);
	for (uint32_t i = 0; i < calls && !r.is_bad; i++)
		call_take(&r);
	for (uint32_t i = 0; i < mutations && !r.is_bad; i++)
		mutation_take(&r);
	free(r.texts);
	r.is_bad |= r.at != r.end;
	if (r.is_bad)
		slice_rewind(g, &r.from);
	return !r.is_bad;
}
