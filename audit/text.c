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
	struct text_place *hash = xcalloc(cap, sizeof(*hash));

	for (uint32_t i = 0; i < t->hash_cap; i++) {
		uint32_t h = t->hash[i].hash & (cap - 1);

		if (!t->hash[i].text)
			continue;
		while (hash[h].text)
			h = (h + 1) & (cap - 1);
		hash[h] = t->hash[i];
	}
	free(t->hash);
	t->hash = hash;
	t->hash_cap = cap;
}

/* The place of a text in the table: of it, or of the gap where it would be. */
static uint32_t place_of(const struct text_table *t, uint32_t hash, const char *s, size_t n)
{
	uint32_t h = hash & (t->hash_cap - 1), i;

	for (; (i = t->hash[h].text) != 0; h = (h + 1) & (t->hash_cap - 1))
		if (t->hash[h].hash == hash && t->v[i].length == n && memcmp(t->v[i].z, s, n) == 0)
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
		t->n = 1;
		t->v[0] = (struct text){ copy(t, "", 0), 0 };
	}
	if (t->n * 2 >= t->hash_cap)
		grow(t);
	hash = hash_of(s, n);
	h = place_of(t, hash, s, n);
	if (t->hash[h].text)
		return t->hash[h].text;
	if (t->n == t->cap) {
		t->cap *= 2;
		t->v = xreallocarray(t->v, t->cap, sizeof(*t->v));
	}
	t->v[t->n] = (struct text){ copy(t, s, n), (uint32_t)n };
	t->hash[h] = (struct text_place){ hash, t->n };
	return t->n++;
}

text_t text_ofz(struct text_table *t, const char *s)
{
	return text_of(t, s, strlen(s));
}

text_t text_find(const struct text_table *t, const char *s)
{
	return t->hash_cap ? t->hash[place_of(t, hash_of(s, strlen(s)), s, strlen(s))].text : 0;
}
