/* SPDX-License-Identifier: Apache-2.0 */
/* prof_view.c - which samples are wanted and what they weigh; folded stacks; the tree of them. */
#include "findings/report/prof.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

const char *const prof_weight_text[] = { "cpu", "wall", "wait", "samples" };

static bool stack_has_language(const struct profile *p, uint32_t stack, const char *lang)
{
	for (uint32_t i = 0; i < p->stack_len[stack]; i++)
		if (strcmp(p->frames[p->pool[p->stack_first[stack] + i]].language, lang) == 0)
			return true;
	return false;
}

static bool language_wanted(const struct prof_view *v, uint32_t stack)
{
	bool other = false;

	if (strcmp(v->lang, "native") != 0)
		return stack_has_language(v->p, stack, v->lang);
	for (uint32_t i = 0; i < v->p->stack_len[stack]; i++)
		other |= strcmp(v->p->frames[v->p->pool[v->p->stack_first[stack] + i]].language, "native") != 0;
	return !other;
}

int64_t prof_weight_of(const struct prof_view *v, const struct prof_sample *s)
{
	const struct prof_thread *t = &v->p->threads[s->thread];

	if ((v->span_wanted && (s->span < 0 || !v->span_wanted[s->span])) || (v->pid && t->pid != v->pid) ||
	    (v->tid && t->tid != v->tid) || (v->lang && !language_wanted(v, s->stack)))
		return 0;
	switch (v->weight) {
	case PROF_CPU: return s->cpu_ns;
	case PROF_WALL: return s->wall_ns;
	case PROF_WAIT: return s->wait >= 0 ? s->wall_ns : 0;
	case PROF_SAMPLES: return 1;
	}
	return 0;
}

int64_t prof_total(const struct prof_view *v)
{
	int64_t sum = 0;

	for (size_t i = 0; i < v->p->sample_count; i++)
		sum += prof_weight_of(v, &v->p->samples[i]);
	return sum;
}

static void word_add(struct str *out, const char *s)
{
	for (; *s; s++)
		str_addc(out, *s == ';' ? ':' : *s == '\n' || *s == '\r' ? ' ' : *s);
}

void prof_frame_text(const struct prof_frame *f, struct str *out)
{
	const char *slash;

	if (f->function && *f->function) {
		word_add(out, f->function);
		return;
	}
	if (!f->module) {
		str_add(out, "[unknown]");
		return;
	}
	slash = strrchr(f->module, '/');
	word_add(out, slash ? slash + 1 : f->module);
	str_addf(out, "+0x%llx", (unsigned long long)f->offset);
}

/* One sample's stack as words, outermost first, each ended by ';'. */
static void stack_text(const struct profile *p, const struct prof_sample *s, struct str *out)
{
	const struct prof_thread *t = &p->threads[s->thread];

	str_reset(out);
	word_add(out, *t->comm ? t->comm : "[unknown]");
	for (uint32_t i = p->stack_len[s->stack]; i-- > 0;) {
		str_addc(out, ';');
		prof_frame_text(&p->frames[p->pool[p->stack_first[s->stack] + i]], out);
	}
	if (s->wait >= 0) {
		str_add(out, ";[wait:");
		word_add(out, p->waits[s->wait].kind);
		str_addc(out, ']');
	}
}

struct line {
	const char *text;
	int64_t now, before;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->text, ((const struct line *)b)->text);
}

/* Lines of equal text are one, in order of their bytes. The count. */
static size_t lines_merge(struct line *v, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(v, n, sizeof(*v), by_text);
	for (size_t i = 0; i < n; i++) {
		if (kept && strcmp(v[kept - 1].text, v[i].text) == 0) {
			v[kept - 1].now += v[i].now;
			v[kept - 1].before += v[i].before;
		} else {
			v[kept++] = v[i];
		}
	}
	return kept;
}

static void lines_take(const struct prof_view *v, struct texts *texts, struct line **list, size_t *n, bool before)
{
	auto_str text = STR_INIT;

	for (size_t i = 0; i < v->p->sample_count; i++) {
		const struct prof_sample *s = &v->p->samples[i];
		int64_t w = prof_weight_of(v, s);

		if (w <= 0)
			continue;
		stack_text(v->p, s, &text);
		if (!(*n & (*n - 1)))
			*list = xreallocarray(*list, *n ? *n * 2 : 1, sizeof(**list));
		(*list)[(*n)++] = (struct line){ texts_keep(texts, str_cstr(&text)), before ? 0 : w, before ? w : 0 };
	}
}

static size_t lines_make(const struct prof_view *v, struct texts *texts, struct line **list)
{
	size_t n = 0;

	*list = NULL;
	lines_take(v, texts, list, &n, false);
	if (v->baseline) {
		struct prof_view b = *v;

		b.p = v->baseline;
		b.span_wanted = NULL;
		b.pid = b.tid = 0;
		lines_take(&b, texts, list, &n, true);
	}
	return lines_merge(*list, n);
}

/* Microseconds, rounded half up; counts as they are. */
static int64_t shown(const struct prof_view *v, int64_t w)
{
	return v->weight == PROF_SAMPLES ? w : (w + 500) / 1000;
}

void prof_folded(const struct prof_view *v, struct str *out)
{
	struct texts texts = { 0 };
	struct line *list;
	size_t n = lines_make(v, &texts, &list);

	for (size_t i = 0; i < n; i++) {
		if (v->baseline)
			str_addf(out, "%s %lld %lld\n", list[i].text, (long long)shown(v, list[i].before),
				 (long long)shown(v, list[i].now));
		else
			str_addf(out, "%s %lld\n", list[i].text, (long long)shown(v, list[i].now));
	}
	free(list);
	texts_release(&texts);
}

void prof_json(const struct prof_view *v, struct str *out)
{
	profile_write(v->p, out);
}

/* ---- the tree ---- */

static uint32_t node_add(struct prof_tree *t, uint32_t parent, const char *text)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 256;
		t->v = xreallocarray(t->v, t->cap, sizeof(*t->v));
	}
	t->v[t->n] = (struct prof_node){ .text = text, .frame = UINT32_MAX, .parent = parent,
					 .depth = t->n ? t->v[parent].depth + 1 : 0 };
	if (t->v[t->n].depth > t->depth)
		t->depth = t->v[t->n].depth;
	return t->n++;
}

/* The lines come sorted: a child that is not the last one is not there yet. */
static uint32_t node_child(struct prof_tree *t, uint32_t parent, const char *text, size_t n, uint32_t last[])
{
	uint32_t depth = t->v[parent].depth, child = last[depth];

	if (child && t->v[child].parent == parent && strlen(t->v[child].text) == n && memcmp(t->v[child].text, text, n) == 0)
		return child;
	child = node_add(t, parent, texts_keepn(&t->texts, text, n));
	if (last[depth] && t->v[last[depth]].parent == parent)
		t->v[last[depth]].next = child;
	else
		t->v[parent].first = child;
	last[depth] = child;
	return child;
}

enum { TREE_DEPTH = 1100 };

static void tree_line(struct prof_tree *t, const struct line *l, uint32_t last[TREE_DEPTH])
{
	const char *at = l->text;
	uint32_t node = 0;

	t->v[0].total += l->now;
	t->v[0].before += l->before;
	while (at && t->v[node].depth + 1 < TREE_DEPTH) {
		const char *end = strchr(at, ';');

		node = node_child(t, node, at, end ? (size_t)(end - at) : strlen(at), last);
		t->v[node].total += l->now;
		t->v[node].before += l->before;
		at = end ? end + 1 : NULL;
	}
	t->v[node].self += l->now;
}

/* In the order of words, not of bytes of the whole line: "a;b" comes before "a b;c" in either, but its children must
 * stand together. */
static int by_words(const void *a, const void *b)
{
	const unsigned char *x = (const unsigned char *)((const struct line *)a)->text;
	const unsigned char *y = (const unsigned char *)((const struct line *)b)->text;

	while (*x && *x == *y)
		x++, y++;
	return (*x == ';' ? 1 : *x ? *x + 1 : 0) - (*y == ';' ? 1 : *y ? *y + 1 : 0);
}

void prof_tree_make(struct prof_tree *t, const struct prof_view *v)
{
	auto_free uint32_t *last = xcalloc(TREE_DEPTH, sizeof(*last));
	struct texts texts = { 0 };
	struct line *list;
	size_t n;

	*t = (struct prof_tree){ 0 };
	node_add(t, 0, texts_keep(&t->texts, "all"));
	n = lines_make(v, &texts, &list);
	if (n)
		qsort(list, n, sizeof(*list), by_words);
	for (size_t i = 0; i < n; i++)
		tree_line(t, &list[i], last);
	free(list);
	texts_release(&texts);
}

void prof_tree_release(struct prof_tree *t)
{
	free(t->v);
	texts_release(&t->texts);
	*t = (struct prof_tree){ 0 };
}

const struct prof_format prof_formats[] = {
	{ "folded", "one line a stack and its weight, for flamegraph.pl, speedscope and grep", prof_folded },
	{ "flamegraph", "a flame graph: one SVG without scripts", prof_flame },
	{ "speedscope", "for https://www.speedscope.app", prof_speedscope },
	{ "pprof", "gzip of profile.proto, for go tool pprof", prof_pprof },
	{ "chrome", "trace events, for Perfetto and chrome://tracing", prof_chrome },
	{ "firefox", "for https://profiler.firefox.com", prof_firefox },
	{ "profile-json", "the profile itself", prof_json },
	{ NULL, NULL, NULL },
};

const struct prof_format *prof_format_find(const char *name)
{
	for (const struct prof_format *f = prof_formats; f->name; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}
