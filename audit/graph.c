/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/graph.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define SQUEEZE_USUAL 200

const char *graph_language_text(enum graph_language l)
{
	static const char *const names[LANGUAGE_COUNT] = { "python", "c", "javascript", "go" };

	return names[l];
}

static const char *const reasons[REASON_COUNT] = {
#define X(name) #name,
	GRAPH_REASONS(X)
#undef X
};

const char *graph_reason_text(enum graph_reason r)
{
	return reasons[r];
}

enum graph_reason graph_reason_of(const char *text)
{
	enum graph_reason r = REASON_none;

	while (r < REASON_COUNT && strcmp(reasons[r], text) != 0)
		r++;
	return r;
}

void graph_release(struct graph *g)
{
	text_table_release(&g->texts);
	free(g->files);
	free(g->functions);
	free(g->calls);
	free(g->mutations);
	free(g->constants);
	free(g->pool);
	free(g->by_name);
	free(g->by_last);
	free(g->by_last_text);
	free(g->first_call);
	free(g->file_rank);
	memset(g, 0, sizeof(*g));
}

#define GROW(g, what, count, cap_)                                                          \
	do {                                                                                \
		if ((g)->count == (g)->cap_) {                                              \
			(g)->cap_ = (g)->cap_ ? (g)->cap_ * 2 : 64;                         \
			(g)->what = xreallocarray((g)->what, (g)->cap_, sizeof(*(g)->what)); \
		}                                                                           \
	} while (0)

uint32_t graph_add_file(struct graph *g, struct graph_file f)
{
	GROW(g, files, file_count, file_cap);
	g->files[g->file_count] = f;
	return g->file_count++;
}

uint32_t graph_add_function(struct graph *g, struct graph_function f)
{
	GROW(g, functions, function_count, function_cap);
	g->functions[g->function_count] = f;
	return g->function_count++;
}

uint32_t graph_add_call(struct graph *g, struct graph_call c)
{
	GROW(g, calls, call_count, call_cap);
	if (!c.in_loop)
		c.loop_bound = 1;
	g->calls[g->call_count] = c;
	return g->call_count++;
}

uint32_t graph_add_mutation(struct graph *g, struct graph_mutation m)
{
	GROW(g, mutations, mutation_count, mutation_cap);
	g->mutations[g->mutation_count] = m;
	return g->mutation_count++;
}

uint32_t graph_add_constant(struct graph *g, struct graph_constant c)
{
	GROW(g, constants, constant_count, constant_cap);
	g->constants[g->constant_count] = c;
	return g->constant_count++;
}

struct graph_list graph_add_list(struct graph *g, const uint32_t *v, uint32_t n)
{
	struct graph_list l = { g->pool_count, n };

	if (g->pool_cap - g->pool_count < n) {
		g->pool_cap = g->pool_cap * 2 > g->pool_count + n ? g->pool_cap * 2 : g->pool_count + n + 256;
		g->pool = xreallocarray(g->pool, g->pool_cap, sizeof(*g->pool));
	}
	if (n)
		memcpy(g->pool + g->pool_count, v, n * sizeof(*v));
	g->pool_count += n;
	return l;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

text_t graph_squeeze(struct graph *g, const char *s, size_t n, size_t max_bytes)
{
	auto_free char *longer = max_bytes > SQUEEZE_USUAL ? xmalloc(max_bytes + 3) : NULL;
	char usual[SQUEEZE_USUAL + 3], *out = longer ? longer : usual;
	bool space = false;
	size_t len = 0;

	for (size_t i = 0; i < n && len <= max_bytes; i++) {
		bool blank = is_blank(s[i]);

		if (!blank && space && len)
			out[len++] = ' ';
		if (!blank)
			out[len++] = s[i] ? s[i] : '?';
		space = blank;
	}
	if (len > max_bytes) {
		len = max_bytes;
		while (len && ((unsigned char)out[len] & 0xc0) == 0x80)
			len--;
	}
	return text_of(&g->texts, out, len);
}

uint64_t graph_arguments(const char *s, size_t n)
{
	uint64_t a = 0xcbf29ce484222325u, b = 1;
	bool space = false;

	for (size_t i = 0; i < n; i++) {
		bool blank = is_blank(s[i]);

		if (!blank || !space) {
			a = (a ^ (unsigned char)(blank ? ' ' : s[i])) * 0x100000001b3u;
			b = (b ^ a) * 0x9e3779b97f4a7c15u;
		}
		space = blank;
	}
	return a ^ b >> 29 ^ b;
}

uint32_t graph_find(const struct graph *g, text_t name)
{
	return name < g->by_name_count ? g->by_name[name] : GRAPH_NONE;
}

struct order {
	const char *name;
	const struct graph_function *f;
	uint32_t index;
};

/* By name; of one name the audited one first, then the later one. */
static int by_function(const void *a, const void *b)
{
	const struct order *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	if (c)
		return c;
	if ((x->f->file == GRAPH_NONE) != (y->f->file == GRAPH_NONE))
		return x->f->file == GRAPH_NONE ? 1 : -1;
	if (x->f->file != y->f->file)
		return x->f->file > y->f->file ? -1 : 1;
	if (x->f->start != y->f->start)
		return x->f->start > y->f->start ? -1 : 1;
	return x->index > y->index ? -1 : 1;
}

/* A node for each name that is called and is no function of the audited files. */
static void outside_add(struct graph *g)
{
	bool *known = xcalloc(g->texts.n + 1, sizeof(*known));

	for (uint32_t i = 0; i < g->function_count; i++)
		known[g->functions[i].name] = true;
	for (uint32_t i = 0; i < g->call_count; i++)
		for (uint32_t k = 0; k < g->calls[i].targets.n; k++) {
			text_t name = g->pool[g->calls[i].targets.at + k];
			bool builtin = str_starts(graph_text(g, name), "<builtin>");

			if (known[name])
				continue;
			known[name] = true;
			graph_add_function(g, (struct graph_function){ .name = name, .file = GRAPH_NONE,
				.kind = builtin ? GRAPH_BUILTIN : GRAPH_EXTERNAL,
				.language = g->files[g->calls[i].file].language });
		}
	free(known);
}

/* Functions in the order of their names, one a name; returns old index -> new index. */
static uint32_t *functions_sort(struct graph *g)
{
	uint32_t n = g->function_count, kept = 0, *map = xcalloc(n + 1, sizeof(*map));
	struct order *order = xcalloc(n + 1, sizeof(*order));
	struct graph_function *sorted = xcalloc(n + 1, sizeof(*sorted));

	for (uint32_t i = 0; i < n; i++)
		order[i] = (struct order){ graph_text(g, g->functions[i].name), &g->functions[i], i };
	qsort(order, n, sizeof(*order), by_function);
	for (uint32_t i = 0; i < n; i++) {
		if (i && g->functions[order[i].index].name == sorted[kept - 1].name) {
			map[order[i].index] = kept - 1;
			continue;
		}
		map[order[i].index] = kept;
		sorted[kept++] = g->functions[order[i].index];
	}
	free(g->functions);
	free(order);
	g->functions = sorted;
	g->function_count = g->function_cap = kept;
	return map;
}

static int by_site(const void *a, const void *b)
{
	const struct graph_call *x = a, *y = b;

	if (x->caller != y->caller)
		return x->caller < y->caller ? -1 : 1;
	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	return (x->is_expression < y->is_expression) - (x->is_expression > y->is_expression);
}

static int by_mutation(const void *a, const void *b)
{
	const struct graph_mutation *x = a, *y = b;

	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return (x->target > y->target) - (x->target < y->target);
}

static const char *last_of(const struct graph *g, uint32_t function)
{
	const char *s = graph_text(g, g->functions[function].name), *dot = strrchr(s, '.'), *colon = strrchr(s, ':');

	if (colon > dot)
		return colon + 1;
	return dot ? dot + 1 : s;
}

static int by_last(const void *a, const void *b)
{
	const struct graph_last *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : (x->function > y->function) - (x->function < y->function);
}

const struct graph_last *graph_find_last(const struct graph *g, const char *last, uint32_t *n)
{
	text_t text = text_find(&g->texts, last);
	uint32_t from = text < g->by_last_text_count ? g->by_last_text[text] : 0, end;

	if (!from) {
		*n = 0;
		return NULL;
	}
	for (end = from; end < g->by_last_count && end - from + 1 < *n &&
	     strcmp(g->by_last[end].name, g->by_last[from - 1].name) == 0; end++)
		;
	*n = end - from + 1;
	return g->by_last + from - 1;
}

static void last_texts_index(struct graph *g)
{
	auto_free text_t *texts = xcalloc((size_t)g->by_last_count + 1, sizeof(*texts));

	for (uint32_t i = 0; i < g->by_last_count; i++)
		texts[i] = i && strcmp(g->by_last[i].name, g->by_last[i - 1].name) == 0 ? texts[i - 1] :
			text_ofz(&g->texts, g->by_last[i].name);
	free(g->by_last_text);
	g->by_last_text_count = g->texts.n;
	g->by_last_text = xcalloc((size_t)g->texts.n + 1, sizeof(*g->by_last_text));
	for (uint32_t i = g->by_last_count; i-- > 0;)
		g->by_last_text[texts[i]] = i + 1;
}

void graph_index_last(struct graph *g)
{
	free(g->by_last);
	g->by_last_count = 0;
	g->by_last = xcalloc((size_t)g->function_count + 1, sizeof(*g->by_last));
	for (uint32_t i = 0; i < g->function_count; i++)
		if (g->functions[i].file != GRAPH_NONE && g->functions[i].kind != GRAPH_MODULE)
			g->by_last[g->by_last_count++] = (struct graph_last){ last_of(g, i), i };
	qsort(g->by_last, g->by_last_count, sizeof(*g->by_last), by_last);
	last_texts_index(g);
}

int graph_place_order(const struct graph *g, uint32_t file, uint32_t line, uint32_t other_file, uint32_t other_line)
{
	uint32_t x = g->file_rank[file], y = g->file_rank[other_file];

	return x != y ? (x > y) - (x < y) : (line > other_line) - (line < other_line);
}

static int by_path(const void *a, const void *b, void *graph)
{
	const struct graph *g = graph;

	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return strcmp(graph_text(g, g->files[x].path), graph_text(g, g->files[y].path));
}

static void files_rank(struct graph *g)
{
	auto_free uint32_t *order = xcalloc((size_t)g->file_count + 1, sizeof(*order));

	g->file_rank = xcalloc((size_t)g->file_count + 1, sizeof(*g->file_rank));
	for (uint32_t i = 0; i < g->file_count; i++)
		order[i] = i;
	qsort_r(order, g->file_count, sizeof(*order), by_path, g);
	for (uint32_t i = 0; i < g->file_count; i++)
		g->file_rank[order[i]] = i;
}

/* Puts calls in the order of callers, then of places; most of those of one caller are in order. */
static void calls_sort(struct graph *g)
{
	struct graph_call *sorted = xcalloc((size_t)g->call_count + 1, sizeof(*sorted));
	auto_free uint32_t *at = xcalloc((size_t)g->function_count + 2, sizeof(*at));

	for (uint32_t i = 0; i < g->call_count; i++)
		at[g->calls[i].caller + 2]++;
	for (uint32_t i = 2; i <= g->function_count; i++)
		at[i + 1] += at[i];
	for (uint32_t i = 0; i < g->call_count; i++)
		sorted[at[g->calls[i].caller + 1]++] = g->calls[i];
	for (uint32_t i = 0; i < g->function_count; i++) {
		uint32_t n = at[i + 1] - at[i];
		bool good = true;

		for (uint32_t k = at[i] + 1; k < at[i + 1] && good; k++)
			good = by_site(&sorted[k - 1], &sorted[k]) <= 0;
		if (!good)
			qsort(sorted + at[i], n, sizeof(*sorted), by_site);
	}
	free(g->calls);
	g->calls = sorted;
	g->call_cap = g->call_count + 1;
}

int graph_call_order(const void *a, const void *b, void *graph)
{
	const struct graph *g = graph;
	const struct graph_call *x = &g->calls[*(const uint32_t *)a], *y = &g->calls[*(const uint32_t *)b];
	int c = graph_place_order(g, x->file, x->line, y->file, y->line);

	c = c ? c : strcmp(graph_text(g, x->text), graph_text(g, y->text));
	return c ? c : (x->start > y->start) - (x->start < y->start);
}

void graph_finish(struct graph *g, uint32_t max_targets)
{
	uint32_t *map, at = 0;

	for (uint32_t i = 0; i < g->call_count; i++)
		if (g->calls[i].targets.n > max_targets) {
			g->calls[i].targets.n = 0;
			g->calls[i].reason = REASON_too_many_targets;
		}
	outside_add(g);
	map = functions_sort(g);
	for (uint32_t i = 0; i < g->call_count; i++)
		g->calls[i].caller = map[g->calls[i].caller];
	for (uint32_t i = 0; i < g->mutation_count; i++)
		g->mutations[i].function = map[g->mutations[i].function];
	free(map);
	files_rank(g);
	calls_sort(g);
	if (g->mutation_count)
		qsort(g->mutations, g->mutation_count, sizeof(*g->mutations), by_mutation);
	g->by_name_count = g->texts.n;
	g->by_name = xreallocarray(NULL, g->texts.n + 1, sizeof(*g->by_name));
	memset(g->by_name, 0xff, (g->texts.n + 1) * sizeof(*g->by_name));
	for (uint32_t i = 0; i < g->function_count; i++)
		g->by_name[g->functions[i].name] = i;
	graph_index_last(g);
	g->first_call = xcalloc(g->function_count + 1, sizeof(*g->first_call));
	for (uint32_t i = 0; i <= g->function_count; i++) {
		while (at < g->call_count && g->calls[at].caller < i)
			at++;
		g->first_call[i] = i == g->function_count ? g->call_count : at;
	}
}
