/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/text.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 65536

void text_table_release(struct text_table *t)
{
	for (size_t i = 0; i < t->block_count; i++)
		free(t->blocks[i]);
	free(t->blocks);
	free(t->v);
	free(t->keys);
	free(t->hash);
	memset(t, 0, sizeof(*t));
}

static uint32_t hash_of(const char *s, size_t n)
{
	return (uint32_t)hash_bytes(0, s, n);
}

static char *copy(struct text_table *t, const char *s, size_t n)
{
	char *to;

	if (t->block_left < n + 1) {
		size_t size = n + 1 > BLOCK_BYTES ? n + 1 : BLOCK_BYTES;

		t->blocks = xreallocarray(t->blocks, t->block_count + 1, sizeof(*t->blocks));
		t->block = t->blocks[t->block_count++] = xmalloc(size);
		t->block_left = size;
	}
	to = t->block;
	memcpy(to, s, n);
	to[n] = '\0';
	t->block += n + 1;
	t->block_left -= n + 1;
	return to;
}

static void grow(struct text_table *t)
{
	uint32_t cap = t->hash_cap ? t->hash_cap * 2 : 1024;

	free(t->hash);
	t->hash = xcalloc(cap, sizeof(*t->hash));
	t->hash_cap = cap;
	for (uint32_t i = 1; i < t->n; i++) {
		uint32_t h = t->keys[i].hash & (cap - 1);

		while (t->hash[h])
			h = (h + 1) & (cap - 1);
		t->hash[h] = i;
	}
}

/* The place of a text in the table: of it, or of the gap where it would be. */
static uint32_t place_of(const struct text_table *t, uint32_t hash, const char *s, size_t n)
{
	uint32_t h = hash & (t->hash_cap - 1), i;

	for (; (i = t->hash[h]) != 0; h = (h + 1) & (t->hash_cap - 1))
		if (t->keys[i].hash == hash && t->keys[i].length == n && memcmp(t->v[i], s, n) == 0)
			break;
	return h;
}

text_t text_of(struct text_table *t, const char *s, size_t n)
{
	uint32_t h, hash;
	const char *nul = memchr(s, '\0', n);

	n = nul ? (size_t)(nul - s) : n;
	if (!t->n) {
		t->cap = 1024;
		t->v = xreallocarray(NULL, t->cap, sizeof(*t->v));
		t->keys = xcalloc(t->cap, sizeof(*t->keys));
		t->n = 1;
		t->v[0] = copy(t, "", 0);
	}
	if (t->n * 2 >= t->hash_cap)
		grow(t);
	hash = hash_of(s, n);
	h = place_of(t, hash, s, n);
	if (t->hash[h])
		return t->hash[h];
	if (t->n == t->cap) {
		t->cap *= 2;
		t->v = xreallocarray(t->v, t->cap, sizeof(*t->v));
		t->keys = xreallocarray(t->keys, t->cap, sizeof(*t->keys));
	}
	t->keys[t->n] = (struct text_key){ hash, (uint32_t)n };
	t->v[t->n] = copy(t, s, n);
	t->hash[h] = t->n;
	return t->n++;
}

text_t text_ofz(struct text_table *t, const char *s)
{
	return text_of(t, s, strlen(s));
}

text_t text_find(const struct text_table *t, const char *s)
{
	return t->hash_cap ? t->hash[place_of(t, hash_of(s, strlen(s)), s, strlen(s))] : 0;
}
