/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/cases/fixed_set.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"

#include <stdbool.h>
#include <string.h>

#define GRAM 4                 /* bytes of a window */
#define GROUP_COUNT 3
#define STRIDE_MAX 16
#define BITS_LOG_MIN 13
#define BITS_LOG_MAX 21
#define INDEX_BUCKETS_MIN 64

static const size_t group_min_len[GROUP_COUNT] = { GRAM, 8, 16 };

struct pattern {
	char *text;
	uint32_t len;
	uint32_t next_same_hash; /* id + 1 */
};

struct window {
	uint32_t gram, id, offset;
};

struct group {
	size_t stride;
	unsigned bits_shift;    /* hash >> shift: place in bits */
	uint64_t *bits;
	unsigned head_shift;
	uint32_t *heads;        /* windows of bucket b: heads[b] .. heads[b+1] */
	struct window *windows;
	uint32_t window_count;
};

struct fixed_set {
	struct pattern *patterns;
	uint32_t count, cap;
	uint32_t *index;        /* hash of the text -> id + 1, chained */
	uint32_t index_size;
	struct group groups[GROUP_COUNT];
	bool has_short;
	uint64_t short_bits[65536 / 64];
	uint32_t short_heads[257];  /* by first byte */
	uint32_t *short_ids;
};

static uint32_t gram_at(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t gram_hash(uint32_t gram)
{
	gram ^= gram >> 15;
	return gram * UINT32_C(0x9E3779B1);
}

static uint32_t text_hash(const char *p, size_t n)
{
	return (uint32_t)hash_bytes(0, p, n);
}

struct fixed_set *fixed_set_new(void)
{
	return xcalloc(1, sizeof(struct fixed_set));
}

static void groups_release(struct fixed_set *s)
{
	for (int g = 0; g < GROUP_COUNT; g++) {
		mem_free_ptr(&s->groups[g].bits);
		mem_free_ptr(&s->groups[g].heads);
		mem_free_ptr(&s->groups[g].windows);
		s->groups[g].window_count = 0;
	}
	mem_free_ptr(&s->short_ids);
}

void fixed_set_free(struct fixed_set *s)
{
	if (!s)
		return;
	groups_release(s);
	for (uint32_t i = 0; i < s->count; i++)
		mem_free_ptr(&s->patterns[i].text);
	mem_free_ptr(&s->patterns);
	mem_free_ptr(&s->index);
	mem_free_ptr(&s);
}

static void index_insert(struct fixed_set *s, uint32_t id)
{
	struct pattern *p = &s->patterns[id];
	uint32_t *slot = &s->index[text_hash(p->text, p->len) & (s->index_size - 1)];

	p->next_same_hash = *slot;
	*slot = id + 1;
}

static void index_grow(struct fixed_set *s)
{
	s->index_size = s->index_size ? s->index_size * 2 : INDEX_BUCKETS_MIN;
	mem_free_ptr(&s->index);
	s->index = xcalloc(s->index_size, sizeof(*s->index));
	for (uint32_t i = 0; i < s->count; i++)
		index_insert(s, i);
}

uint32_t fixed_set_add(struct fixed_set *s, const void *text, size_t n)
{
	BUG_ON(n == 0 || n > UINT32_MAX);
	if (s->count >= s->index_size)
		index_grow(s);
	for (uint32_t i = s->index[text_hash(text, n) & (s->index_size - 1)]; i;
	     i = s->patterns[i - 1].next_same_hash)
		if (s->patterns[i - 1].len == n && memcmp(s->patterns[i - 1].text, text, n) == 0)
			return i - 1;
	if (s->count == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 32;
		s->patterns = xreallocarray(s->patterns, s->cap, sizeof(*s->patterns));
	}
	s->patterns[s->count] = (struct pattern){ .text = xstrndup("", 0), .len = (uint32_t)n };
	s->patterns[s->count].text = xrealloc(s->patterns[s->count].text, n + 1);
	memcpy(s->patterns[s->count].text, text, n);
	s->patterns[s->count].text[n] = '\0';
	index_insert(s, s->count);
	return s->count++;
}

uint32_t fixed_set_count(const struct fixed_set *s)
{
	return s->count;
}

size_t fixed_set_len(const struct fixed_set *s, uint32_t id)
{
	return s->patterns[id].len;
}

const char *fixed_set_text(const struct fixed_set *s, uint32_t id)
{
	return s->patterns[id].text;
}

static int group_of(size_t len)
{
	int g = GROUP_COUNT - 1;

	while (len < group_min_len[g])
		g--;
	return g;
}

static unsigned log2_at_least(uint64_t n, unsigned lo, unsigned hi)
{
	unsigned log = lo;

	while (log < hi && (UINT64_C(1) << log) < n)
		log++;
	return log;
}

/* Within a bucket the windows of one string stand by falling offset: of two occurrences seen through
 * the same window of the text, the one with the larger offset begins earlier. */
static void group_compile(struct fixed_set *s, int which)
{
	struct group *g = &s->groups[which];
	size_t min_len = SIZE_MAX, members = 0;
	unsigned heads_log, bits_log;
	uint32_t *at;

	for (uint32_t i = 0; i < s->count; i++)
		if (s->patterns[i].len >= GRAM && group_of(s->patterns[i].len) == which) {
			members++;
			if (s->patterns[i].len < min_len)
				min_len = s->patterns[i].len;
		}
	if (!members)
		return;
	g->stride = min_len - GRAM + 1 < STRIDE_MAX ? min_len - GRAM + 1 : STRIDE_MAX;
	g->window_count = (uint32_t)(members * g->stride);
	bits_log = log2_at_least((uint64_t)g->window_count * 24, BITS_LOG_MIN, BITS_LOG_MAX);
	heads_log = log2_at_least(g->window_count, 6, 20);
	g->bits_shift = 32 - bits_log;
	g->head_shift = 32 - heads_log;
	g->bits = xcalloc((size_t)1 << (bits_log - 6), sizeof(*g->bits));
	g->heads = xcalloc(((size_t)1 << heads_log) + 1, sizeof(*g->heads));
	g->windows = xcalloc(g->window_count, sizeof(*g->windows));
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < s->count; i++) {
			const struct pattern *p = &s->patterns[i];

			if (p->len < GRAM || group_of(p->len) != which)
				continue;
			for (size_t off = g->stride; off-- > 0;) {
				uint32_t gram = gram_at(p->text + off), h = gram_hash(gram);
				uint32_t *head = &g->heads[h >> g->head_shift];

				if (pass == 0) {
					head[1]++;
					g->bits[h >> g->bits_shift >> 6] |=
						UINT64_C(1) << (h >> g->bits_shift & 63);
				} else {
					g->windows[(*head)++] =
						(struct window){ gram, i, (uint32_t)off };
				}
			}
		}
		at = g->heads;
		if (pass == 0) {
			for (size_t b = 0; b < (size_t)1 << heads_log; b++)
				at[b + 1] += at[b];
		} else { /* filling moved each start to its end: shift back */
			memmove(at + 1, at, ((size_t)1 << heads_log) * sizeof(*at));
			at[0] = 0;
		}
	}
}

static void short_compile(struct fixed_set *s)
{
	uint32_t fill[256];

	memset(s->short_bits, 0, sizeof(s->short_bits));
	memset(s->short_heads, 0, sizeof(s->short_heads));
	s->has_short = false;
	for (uint32_t i = 0; i < s->count; i++) {
		const struct pattern *p = &s->patterns[i];
		unsigned first = (unsigned char)p->text[0];

		if (p->len >= GRAM)
			continue;
		s->has_short = true;
		s->short_heads[first + 1]++;
		for (unsigned second = 0; second < 256; second++)
			if (p->len == 1 || second == (unsigned char)p->text[1])
				s->short_bits[(first << 8 | second) >> 6] |=
					UINT64_C(1) << (second & 63);
	}
	if (!s->has_short)
		return;
	for (int b = 0; b < 256; b++)
		s->short_heads[b + 1] += s->short_heads[b];
	memcpy(fill, s->short_heads, sizeof(fill));
	s->short_ids = xcalloc(s->short_heads[256], sizeof(*s->short_ids));
	for (uint32_t i = 0; i < s->count; i++)
		if (s->patterns[i].len < GRAM)
			s->short_ids[fill[(unsigned char)s->patterns[i].text[0]]++] = i;
}

void fixed_set_compile(struct fixed_set *s)
{
	groups_release(s);
	for (int g = 0; g < GROUP_COUNT; g++)
		group_compile(s, g);
	short_compile(s);
}

struct search {
	const struct fixed_set *s;
	const char *text;
	size_t n;
	void (*hit)(void *ctx, uint32_t id, size_t at);
	void *ctx;
};

static __attribute__((noinline)) void group_candidate(const struct search *q, const struct group *g,
						      size_t at, uint32_t gram, uint32_t h)
{
	uint32_t b = h >> g->head_shift;

	for (uint32_t i = g->heads[b]; i < g->heads[b + 1]; i++) {
		const struct window *w = &g->windows[i];
		const struct pattern *p = &q->s->patterns[w->id];

		if (w->gram == gram && w->offset <= at && p->len - w->offset <= q->n - at &&
		    memcmp(q->text + at - w->offset, p->text, p->len) == 0)
			q->hit(q->ctx, w->id, at - w->offset);
	}
}

static void group_find(const struct search *q, const struct group *g)
{
	const size_t stride = g->stride;
	const uint64_t *bits = g->bits;
	const unsigned shift = g->bits_shift;
	size_t at = 0;

	if (q->n < GRAM)
		return;
	for (; at <= q->n - GRAM; at += stride) {
		uint32_t gram = gram_at(q->text + at), h = gram_hash(gram);

		if (__builtin_expect(bits[h >> shift >> 6] >> (h >> shift & 63) & 1, 0))
			group_candidate(q, g, at, gram, h);
	}
}

static __attribute__((noinline)) void short_candidate(const struct search *q, size_t at)
{
	unsigned first = (unsigned char)q->text[at];

	for (uint32_t i = q->s->short_heads[first]; i < q->s->short_heads[first + 1]; i++) {
		const struct pattern *p = &q->s->patterns[q->s->short_ids[i]];

		if (p->len <= q->n - at && memcmp(q->text + at, p->text, p->len) == 0)
			q->hit(q->ctx, q->s->short_ids[i], at);
	}
}

static void short_find(const struct search *q)
{
	for (size_t at = 0; at + 1 < q->n; at++) {
		unsigned two = (unsigned)(unsigned char)q->text[at] << 8 | (unsigned char)q->text[at + 1];

		if (__builtin_expect(q->s->short_bits[two >> 6] >> (two & 63) & 1, 0))
			short_candidate(q, at);
	}
	if (q->n)
		short_candidate(q, q->n - 1);
}

void fixed_set_find(const struct fixed_set *s, const char *text, size_t n,
		    void (*hit)(void *ctx, uint32_t id, size_t at), void *ctx)
{
	const struct search q = { s, text, n, hit, ctx };

	for (int g = 0; g < GROUP_COUNT; g++)
		if (s->groups[g].window_count)
			group_find(&q, &s->groups[g]);
	if (s->has_short)
		short_find(&q);
}
