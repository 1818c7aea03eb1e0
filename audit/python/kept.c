/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/python/kept.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NAME "python.graph"

/* The file: slices, sources, this. */
struct tail {
	unsigned char key[SOLVED_KEY];
	uint32_t count, def_count;
	uint64_t hash; /* of the sources */
	char magic[8];
};
static const char magic[8] = "srkept1";

static int source_order(const struct kept_source *a, const struct kept_source *b)
{
	int c = memcmp(a->name, b->name, sizeof(a->name));

	return c ? c : (a->path > b->path) - (a->path < b->path);
}

static int by_source(const void *a, const void *b, void *arg)
{
	const struct kept_source *s = arg;
	const uint32_t *x = a, *y = b;

	return source_order(&s[*x], &s[*y]);
}

static uint64_t sources_hash_of(const struct tail *t, const struct kept_source *s)
{
	return hash_bytes(hash_bytes(t->count ^ (uint64_t)t->def_count << 32, t->key, sizeof(t->key)), s,
			  t->count * sizeof(*s));
}

static bool sources_take(struct kept *k)
{
	const char *bytes = k->mapped;
	uint64_t slices;
	struct tail t;

	if (k->bytes < sizeof(t))
		return false;
	memcpy(&t, bytes + k->bytes - sizeof(t), sizeof(t));
	if (memcmp(t.magic, magic, sizeof(magic)) != 0 || t.count > (k->bytes - sizeof(t)) / sizeof(*k->sources))
		return false;
	slices = k->bytes - sizeof(t) - t.count * sizeof(*k->sources);
	if (slices % _Alignof(struct kept_source))
		return false;
	k->sources = (const struct kept_source *)(const void *)(bytes + slices);
	k->count = t.count;
	k->def_count = t.def_count;
	memcpy(k->key, t.key, sizeof(k->key));
	if (sources_hash_of(&t, k->sources) != t.hash)
		return false;
	for (uint32_t i = 0; i < k->count; i++)
		if (k->sources[i].size > slices || k->sources[i].at > slices - k->sources[i].size ||
		    k->sources[i].def_count > k->def_count ||
		    k->sources[i].body > k->def_count - k->sources[i].def_count)
			return false;
	return true;
}

void kept_open(struct kept *k, const struct tree_cache *c)
{
	auto_free char *path = c && c->dir ? path_join(c->dir, NAME) : NULL;

	*k = (struct kept){ .mapped = NULL };
	if (!path || !tree_cache_map(path, &k->mapped, &k->bytes)) {
		k->mapped = NULL;
		return;
	}
	if (!sources_take(k)) {
		kept_close(k);
		return;
	}
	k->order = xcalloc((size_t)k->count + 1, sizeof(*k->order));
	for (uint32_t i = 0; i < k->count; i++)
		k->order[i] = i;
	qsort_r(k->order, k->count, sizeof(*k->order), by_source, (void *)(uintptr_t)k->sources);
}

void kept_close(struct kept *k)
{
	if (k->mapped)
		munmap(k->mapped, k->bytes);
	free(k->order);
	*k = (struct kept){ .mapped = NULL };
}

const struct kept_source *kept_find(const struct kept *k, const char *path, const struct tree_name *name)
{
	struct kept_source wanted = { .path = hash_bytes(0, path, strlen(path)) };
	uint32_t from = 0, to = k->count;

	memcpy(wanted.name, name->z, sizeof(wanted.name));
	while (from < to) {
		uint32_t mid = from + (to - from) / 2;
		int c = source_order(&wanted, &k->sources[k->order[mid]]);

		if (!c)
			return &k->sources[k->order[mid]];
		if (c < 0)
			to = mid;
		else
			from = mid + 1;
	}
	return NULL;
}

bool kept_read(const struct kept *k, const struct kept_source *s, struct graph *g, uint32_t file, uint32_t body)
{
	const char *slice = (const char *)k->mapped + s->at;

	return s->size && hash_bytes(0, slice, s->size) == s->hash && slice_read(g, file, body, slice, s->size);
}

void kept_out_open(struct kept_out *o, const struct tree_cache *c, size_t sources)
{
	auto_free char *path = c && c->dir && c->write ? path_join(c->dir, NAME) : NULL;
	struct err ignored = { 0 };

	*o = (struct kept_out){ .is_open = false };
	if (!path || file_out_open(&o->file, path, &ignored) < 0)
		return;
	o->is_open = true;
	o->sources = xcalloc(sources + 1, sizeof(*o->sources));
}

/* s: with the size and hash of its slice. */
static void source_put(struct kept_out *o, struct kept_source s, const void *bytes)
{
	if (!o->is_open)
		return;
	s.at = o->at;
	file_out_write(&o->file, bytes, s.size);
	o->at += s.size;
	o->sources[o->count++] = s;
}

void kept_out_add(struct kept_out *o, struct kept_source s, const void *bytes, size_t n)
{
	s.size = n;
	s.hash = n ? hash_bytes(0, bytes, n) : 0;
	source_put(o, s, bytes);
}

void kept_out_copy(struct kept_out *o, const struct kept *k, const struct kept_source *s, uint32_t body)
{
	struct kept_source now = *s;

	now.body = body;
	source_put(o, now, (const char *)k->mapped + s->at);
}

void kept_out_close(struct kept_out *o, const unsigned char key[SOLVED_KEY], uint32_t def_count, bool commit)
{
	static const char padding[_Alignof(struct kept_source)];
	struct tail t = { .count = o->count, .def_count = def_count };
	struct err ignored = { 0 };

	if (!o->is_open)
		return;
	memcpy(t.key, key, sizeof(t.key));
	memcpy(t.magic, magic, sizeof(magic));
	t.hash = sources_hash_of(&t, o->sources);
	file_out_write(&o->file, padding, (sizeof(padding) - o->at % sizeof(padding)) % sizeof(padding));
	file_out_write(&o->file, o->sources, o->count * sizeof(*o->sources));
	file_out_write(&o->file, &t, sizeof(t));
	if (commit)
		(void)file_out_commit(&o->file, &ignored);
	else
		file_out_abort(&o->file);
	free(o->sources);
	*o = (struct kept_out){ .is_open = false };
}
