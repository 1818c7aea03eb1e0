/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/sample/intern.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

uint32_t intern_find(const struct intern *t, uint64_t hash, bool (*same)(const void *arg, uint32_t id), const void *arg)
{
	if (!t->slot_count)
		return INTERN_NONE;
	for (uint32_t i = (uint32_t)hash & (t->slot_count - 1); t->slots[i]; i = (i + 1) & (t->slot_count - 1)) {
		uint32_t id = t->slots[i] - 1;

		if (t->hashes[id] == hash && same(arg, id))
			return id;
	}
	return INTERN_NONE;
}

static void slot_put(struct intern *t, uint32_t id)
{
	uint32_t i = (uint32_t)t->hashes[id] & (t->slot_count - 1);

	while (t->slots[i])
		i = (i + 1) & (t->slot_count - 1);
	t->slots[i] = id + 1;
}

uint32_t intern_add(struct intern *t, uint64_t hash)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->hashes = xreallocarray(t->hashes, t->cap, sizeof(*t->hashes));
	}
	t->hashes[t->n++] = hash;
	if ((uint64_t)t->n * 2 > t->slot_count) {
		t->slot_count = t->slot_count ? t->slot_count * 2 : 128;
		free(t->slots);
		t->slots = xcalloc(t->slot_count, sizeof(*t->slots));
		for (uint32_t i = 0; i < t->n; i++)
			slot_put(t, i);
	} else {
		slot_put(t, t->n - 1);
	}
	return t->n - 1;
}

void intern_release(struct intern *t)
{
	free(t->slots);
	free(t->hashes);
	*t = (struct intern){ 0 };
}

struct text_key {
	const struct texts *t;
	const char *s;
	size_t n;
};

static bool text_same(const void *arg, uint32_t id)
{
	const struct text_key *k = arg;

	return strncmp(k->t->v[id], k->s, k->n) == 0 && !k->t->v[id][k->n];
}

const char *texts_keepn(struct texts *t, const char *s, size_t n)
{
	struct text_key key = { t, s, s ? strnlen(s, n) : 0 };
	uint64_t hash;
	uint32_t id;

	if (!s)
		return NULL;
	hash = hash_bytes(1, s, key.n);
	id = intern_find(&t->index, hash, text_same, &key);
	if (id != INTERN_NONE)
		return t->v[id];
	id = intern_add(&t->index, hash);
	if (id >= t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->v = xreallocarray(t->v, t->cap, sizeof(*t->v));
	}
	t->v[id] = xstrndup(s, key.n);
	return t->v[id];
}

const char *texts_keep(struct texts *t, const char *s)
{
	return texts_keepn(t, s, s ? strlen(s) : 0);
}

void texts_release(struct texts *t)
{
	for (uint32_t i = 0; i < t->index.n; i++)
		free(t->v[i]);
	free(t->v);
	intern_release(&t->index);
	*t = (struct texts){ 0 };
}
