/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/tree_memory.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)1 << 20)
#define KEPT_BLOCKS 8 /* from one source to the next */
#define STEP 16       /* sizes differ by this */
#define SMALL_MAX 1024

/* Before each piece: its size. Pieces over SMALL_MAX are in sizes of powers of two. */
struct piece {
	size_t size;
	struct piece *next; /* of those that are free: what the parser gets begins here */
};
#define HEAD offsetof(struct piece, next)
#define SMALL (SMALL_MAX / STEP + 1)
#define LARGE 64

struct block {
	struct block *next;
	size_t size;
};

struct memory {
	struct block *blocks;  /* the one in use first */
	struct block *kept;
	size_t kept_count;
	char *at, *end;
	struct piece *small[SMALL], *large[LARGE];
	uint64_t counted, max;
};
static _Thread_local struct memory memory;

/* Under a sanitizer each piece is its own, so that a read out of bounds is seen. */
#if defined(__SANITIZE_ADDRESS__)
#define PLAIN true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PLAIN true
#endif
#endif
#ifndef PLAIN
#define PLAIN false
#endif

static void block_add(struct memory *m, size_t need)
{
	size_t size = need + sizeof(struct block) > BLOCK_BYTES ? need + sizeof(struct block) : BLOCK_BYTES;
	struct block *b = size == BLOCK_BYTES ? m->kept : NULL;

	if (b) {
		m->kept = b->next;
		m->kept_count--;
	} else {
		b = xmalloc(size);
	}
	*b = (struct block){ m->blocks, size };
	m->blocks = b;
	m->at = (char *)(b + 1);
	m->end = (char *)b + size;
}

/* The list of free pieces of a size, which is rounded up. */
static struct piece **list_of(struct memory *m, size_t *n)
{
	unsigned bits;

	if (*n <= SMALL_MAX) {
		*n = *n ? (*n + STEP - 1) / STEP * STEP : STEP;
		return &m->small[*n / STEP];
	}
	bits = 64 - (unsigned)__builtin_clzll((unsigned long long)*n - 1);
	*n = (size_t)1 << bits;
	return &m->large[bits];
}

static void *take(size_t n)
{
	struct memory *m = &memory;
	struct piece **list = list_of(m, &n), *p = *list;

	if (p) {
		*list = p->next;
		return (char *)p + HEAD;
	}
	if ((size_t)(m->end - m->at) < n + HEAD)
		block_add(m, n + HEAD);
	p = (struct piece *)(void *)m->at;
	m->at += n + HEAD;
	p->size = n;
	return (char *)p + HEAD;
}

static struct piece *piece_of(void *p)
{
	return (struct piece *)(void *)((char *)p - HEAD);
}

void *tree_memory_malloc(size_t n)
{
	memory.counted += n;
	return PLAIN ? xmalloc(n) : take(n);
}

void *tree_memory_calloc(size_t n, size_t size)
{
	size_t all = n * size; /* the parser's own numbers of small things */

	memory.counted += all;
	return PLAIN ? xcalloc(n, size) : memset(take(all), 0, all);
}

void *tree_memory_realloc(void *p, size_t n)
{
	void *to;

	memory.counted += n;
	if (PLAIN)
		return xreallocarray(p, n, 1);
	if (p && piece_of(p)->size >= n)
		return p;
	to = take(n);
	if (p) {
		memcpy(to, p, piece_of(p)->size);
		tree_memory_free(p);
	}
	return to;
}

void tree_memory_free(void *p)
{
	struct piece **list;
	size_t n;

	if (!p)
		return;
	if (PLAIN) {
		free(p);
		return;
	}
	n = piece_of(p)->size;
	list = list_of(&memory, &n);
	piece_of(p)->next = *list;
	*list = piece_of(p);
}

void tree_memory_bound(uint64_t max_bytes)
{
	memory.counted = 0;
	memory.max = max_bytes;
}

bool tree_memory_is_exceeded(void)
{
	return memory.counted > memory.max;
}

bool tree_memory_reset(void)
{
	struct memory *m = &memory;
	struct block *b;

	if (PLAIN)
		return false;
	while ((b = m->blocks)) {
		m->blocks = b->next;
		if (b->size == BLOCK_BYTES && m->kept_count < KEPT_BLOCKS) {
			b->next = m->kept;
			m->kept = b;
			m->kept_count++;
		} else {
			free(b);
		}
	}
	m->at = m->end = NULL;
	memset(m->small, 0, sizeof(m->small));
	memset(m->large, 0, sizeof(m->large));
	return true;
}

void tree_memory_release(void)
{
	struct block *b;

	tree_memory_reset();
	while ((b = memory.kept)) {
		memory.kept = b->next;
		free(b);
	}
	memory.kept_count = 0;
}
