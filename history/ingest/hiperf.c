/* SPDX-License-Identifier: Apache-2.0 */
#include "history/ingest/hiperf.h"

#include "base/json_read.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACK_MAX 512
#define PROTO_MAGIC "HIPERF_PB_"

/* ---- text: rows are padded to the columns of their head ---- */

struct columns {
	long count, func; /* offsets of their heads; -1: there is no such column */
};
struct text_reader {
	struct samples *s;
	uint64_t *unreadable;
	struct columns c;
	bool in_rows, done;      /* done: an event with rows has been read */
	char *func;              /* of the row in hand */
	struct strv frames;      /* of its stack, innermost first */
	double weight, events_total;
	uint64_t samples_total;
	size_t rows;
};

static void end_row(struct text_reader *r)
{
	const char *frames[STACK_MAX];
	size_t n = 0;

	if (!r->func)
		return;
	for (size_t i = r->frames.n; i-- > 0 && n < STACK_MAX - 1;)
		frames[n++] = r->frames.v[i];
	if (!n || strcmp(frames[n - 1], r->func) != 0)
		frames[n++] = r->func;
	samples_put(r->s, frames, n, r->weight);
	mem_free_ptr(&r->func);
	strv_release(&r->frames);
	r->rows++;
}

static void read_head(struct text_reader *r, const char *line)
{
	const char *count = strstr(line, "count"), *func = strstr(line, "func");

	r->c.count = count ? (long)(count - line) : -1;
	r->c.func = func ? (long)(func - line) : -1;
	r->in_rows = true;
}

/* The number that stands below its head: aligned to one side or the other, it overlaps it. */
static bool read_count(const char *line, size_t n, long head, double *count)
{
	for (size_t at = 0; at < n;) {
		size_t len;
		char *end;

		at += strspn(line + at, " ");
		len = strcspn(line + at, " ");
		if ((long)(at + len) > head && (long)at < head + 5) {
			*count = strtod(line + at, &end);
			return end == line + at + len && *count >= 0;
		}
		at += len;
	}
	return false;
}

static void read_row(struct text_reader *r, const char *line, size_t n)
{
	double count;
	size_t at;

	while (n && (line[n - 1] == ' ' || line[n - 1] == '\r'))
		n--;
	if (r->c.count < 0 || !read_count(line, n, r->c.count, &count)) {
		(*r->unreadable)++;
		return;
	}
	end_row(r);
	r->weight = count;
	if (r->c.func < 0 || (size_t)r->c.func >= n) {
		r->rows++; /* this report is not sorted by functions */
		return;
	}
	for (at = (size_t)r->c.func; at > 0 && line[at - 1] != ' '; at--)
		; /* the head of --diff stands a column beside its rows */
	r->func = xstrndup(line + at, n - at);
}

static void text_line(struct text_reader *r, const char *line, size_t n)
{
	size_t indent = strspn(line, " ");

	if (str_starts(line, "Event: ")) {
		end_row(r);
		r->done |= r->rows > 0;
		r->in_rows = false;
	}
	if (r->done)
		return;
	if (str_starts(line, "Samples Count: "))
		r->samples_total = strtoull(line + 15, NULL, 10);
	else if (str_starts(line, "Event Count: "))
		r->events_total = strtod(line + 13, NULL);
	else if (str_starts(line, "Heating"))
		read_head(r, line);
	else if (str_starts(line, "report done") || !n)
		end_row(r);
	else if (r->in_rows && indent >= 11 && r->func && indent < n)
		strv_take(&r->frames, xstrndup(line + indent, n - indent - (line[n - 1] == '\r')));
	else if (r->in_rows)
		read_row(r, line, n);
}

static int read_text(struct samples *s, const char *text, size_t n, uint64_t *unreadable)
{
	struct text_reader r = { .s = s, .unreadable = unreadable };

	for (size_t at = 0; at < n;) {
		const char *end = memchr(text + at, '\n', n - at);
		size_t len = end ? (size_t)(end - text) - at : n - at;
		auto_free char *line = xstrndup(text + at, len);

		text_line(&r, line, strlen(line));
		at += len + 1;
	}
	end_row(&r);
	s->samples_total = r.samples_total;
	s->weight_total = r.events_total;
	free(r.func);
	strv_release(&r.frames);
	return 0;
}

/* ---- JSON ---- */

struct tree {
	struct samples *s;
	const struct json_value *symbols;
	const char *frames[STACK_MAX];
	double weight;  /* of all that was put */
};

static const char *symbol_of(const struct json_value *symbols, const struct json_value *id)
{
	char key[32];

	if (!id || id->kind != JSON_NUMBER || !id->is_integer || id->integer < 0)
		return NULL;
	snprintf(key, sizeof(key), "%lld", (long long)id->integer);
	return json_get_text(json_get(symbols, key), "symbol");
}

static double number(const struct json_value *v, const char *key)
{
	const struct json_value *m = json_get(v, key);

	return m && m->kind == JSON_NUMBER && m->number >= 0 ? m->number : 0;
}

/* A node's own events are a stack that ends there; its root has no symbol. */
static void walk(struct tree *t, const struct json_value *node, size_t depth)
{
	const char *symbol = symbol_of(t->symbols, json_get(node, "symbol"));
	const struct json_value *below = json_get(node, "callStack");
	double self = number(node, "selfEvents");

	if (symbol && depth < STACK_MAX)
		t->frames[depth++] = symbol;
	if (self > 0 && depth) {
		samples_put(t->s, t->frames, depth, self);
		t->weight += self;
	}
	if (below && below->kind == JSON_ARRAY)
		json_each(child, below)
			walk(t, child, depth);
}

/* Without call stacks: functions by themselves. */
static void walk_libs(struct tree *t, const struct json_value *thread)
{
	const struct json_value *libs = json_get(thread, "libs");

	if (!libs || libs->kind != JSON_ARRAY)
		return;
	json_each(lib, libs) {
		const struct json_value *functions = json_get(lib, "functions");

		if (!functions || functions->kind != JSON_ARRAY)
			continue;
		json_each(f, functions) {
			const char *symbol = symbol_of(t->symbols, json_get(f, "symbol"));
			const struct json_value *counts = json_get(f, "counts");
			const struct json_value *events = counts && counts->count >= 2 ? counts->first->next : NULL;

			if (symbol && events && events->kind == JSON_NUMBER && events->number > 0)
				samples_put(t->s, &symbol, 1, events->number);
		}
	}
}

static void read_thread(struct tree *t, const struct json_value *thread)
{
	const struct json_value *order = json_get(thread, "CallOrder");

	t->weight = 0;
	if (order && order->kind == JSON_OBJECT)
		walk(t, order, 0);
	if (t->weight <= 0)
		walk_libs(t, thread);
	t->s->samples_total += (uint64_t)number(thread, "sampleCount");
}

static int read_report(struct samples *s, const struct json_value *v, struct err *e)
{
	const struct json_value *info = json_get(v, "recordSampleInfo");
	struct tree t = { .s = s, .symbols = json_get(v, "SymbolMap") };

	if (!info || info->kind != JSON_ARRAY || !t.symbols)
		return err_set(e, ERR_USAGE, "not a hiperf report: recordSampleInfo or SymbolMap is missing");
	json_each(event, info) {
		const struct json_value *processes = json_get(event, "processes");

		if (number(event, "eventCount") <= 0 || !processes || processes->kind != JSON_ARRAY)
			continue;
		s->weight_total = number(event, "eventCount");
		json_each(process, processes) {
			const struct json_value *threads = json_get(process, "threads");

			if (threads && threads->kind == JSON_ARRAY)
				json_each(thread, threads)
					read_thread(&t, thread);
		}
		break;
	}
	return 0;
}

/* Its writer passes control bytes on inside of names. */
static char *without_controls(const char *text, size_t n)
{
	char *copy = xstrndup(text, n);

	for (char *p = copy; *p; p++)
		if ((unsigned char)*p < ' ' && *p != '\n' && *p != '\r' && *p != '\t')
			*p = '?';
	return copy;
}

static int read_json(struct samples *s, const char *text, size_t n, struct err *e)
{
	auto_free char *clean = without_controls(text, n);
	struct json_reader *in = json_reader_text(clean, strlen(clean), "report of hiperf");
	const struct json_value *v;
	int rc;

	json_reader_deep(in, 2 * STACK_MAX + 16);
	rc = json_take(in, &v, e);
	if (rc == 0)
		rc = read_report(s, v, e);
	else
		e->kind = ERR_USAGE;
	json_reader_free(in);
	return rc;
}

static int read_page(struct samples *s, const char *text, size_t n, struct err *e)
{
	const char *script = memmem(text, n, "id=\"record_data\"", 16),
		   *begin = script ? memchr(script, '>', n - (size_t)(script - text)) : NULL;
	const char *end = begin ? memmem(begin, n - (size_t)(begin - text), "</script>", 9) : NULL;

	if (!end)
		return err_set(e, ERR_USAGE, "not a hiperf report: the page has no <script id=\"record_data\">");
	return read_json(s, begin + 1, (size_t)(end - begin) - 1, e);
}

int hiperf_proto(struct samples *s, const unsigned char *p, size_t n, struct err *e);

int hiperf_read(struct samples *s, const char *text, size_t n, uint64_t *unreadable, struct err *e)
{
	size_t blank = strspn(text, " \t\r\n");

	*unreadable = 0;
	if (n > 10 && memcmp(text, PROTO_MAGIC, 10) == 0)
		return hiperf_proto(s, (const unsigned char *)text + 10, n - 10, e);
	if (text[blank] == '{')
		return read_json(s, text, n, e);
	if (text[blank] == '<' && text[blank + 1] != '<')
		return read_page(s, text, n, e);
	if (!memmem(text, n, "Event: ", 7) || !memmem(text, n, "Heating", 7))
		return err_set(e, ERR_USAGE, "not a hiperf report: no line 'Event: …' and no 'Heating count …'");
	return read_text(s, text, n, unreadable);
}

/* What tells a report is near its head, and below the style and scripts of a page: the rest of a large file is not
 * read. */
#define LOOKED_AT_BYTES ((size_t)4 << 20)

bool hiperf_is_report(const char *text, size_t n)
{
	if (n > LOOKED_AT_BYTES)
		n = LOOKED_AT_BYTES;
	return (n > 10 && memcmp(text, PROTO_MAGIC, 10) == 0) || memmem(text, n, "<<Hiperf Report>>", 17) ||
	       memmem(text, n, "\"recordSampleInfo\"", 18) ||
	       (memmem(text, n, "record_data", 11) && memmem(text, n, "<script", 7)) ||
	       (memmem(text, n, "Samples Count: ", 15) && memmem(text, n, "Heating", 7));
}
