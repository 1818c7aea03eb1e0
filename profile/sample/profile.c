/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/sample/profile.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void profile_init(struct profile *p)
{
	*p = (struct profile){ .run_id = NULL };
}

void profile_release(struct profile *p)
{
	place_cache_free(p->places);
	free(p->run_id);
	texts_release(&p->texts);
	intern_release(&p->frame_index);
	intern_release(&p->stack_index);
	intern_release(&p->wait_index);
	free(p->frames);
	free(p->pool);
	free(p->stack_first);
	free(p->stack_len);
	for (size_t i = 0; i < p->thread_count; i++)
		strv_release(&p->threads[i].argv);
	free(p->threads);
	free(p->spans);
	free(p->waits);
	free(p->samples);
	profile_init(p);
}

struct key {
	const struct profile *p;
	const void *thing;
	size_t n;
};

static bool frame_same(const void *arg, uint32_t id)
{
	const struct key *k = arg;
	const struct prof_frame *x = &k->p->frames[id], *y = k->thing;

	return x->function == y->function && x->file == y->file && x->line == y->line && x->module == y->module &&
	       x->offset == y->offset && x->language == y->language && x->inlined == y->inlined &&
			x->build_id == y->build_id;
}

uint32_t profile_frame(struct profile *p, const struct prof_frame *given)
{
	struct prof_frame f = *given;
	struct key key = { p, &f, 0 };
	uint64_t w[5], hash;
	uint32_t id;

	f.language = texts_keep(&p->texts, f.language);
	f.function = texts_keep(&p->texts, f.function);
	f.file = texts_keep(&p->texts, f.file);
	f.module = texts_keep(&p->texts, f.module);
	f.build_id = texts_keep(&p->texts, f.build_id);
	w[0] = (uint64_t)(uintptr_t)f.function;
	w[1] = (uint64_t)(uintptr_t)f.file;
	w[2] = (uint64_t)(uintptr_t)f.module;
	w[3] = f.offset;
	w[4] = (uint64_t)(uint32_t)f.line << 1 | f.inlined;
	hash = hash_bytes(1, w, sizeof(w));
	id = intern_find(&p->frame_index, hash, frame_same, &key);
	if (id != INTERN_NONE) {
		p->frames[id].unoptimised |= f.unoptimised;
		p->frames[id].compiled |= f.compiled;
		return id;
	}
	id = intern_add(&p->frame_index, hash);
	if (id >= p->frame_cap) {
		p->frame_cap = p->frame_cap ? p->frame_cap * 2 : 64;
		p->frames = xreallocarray(p->frames, p->frame_cap, sizeof(*p->frames));
	}
	p->frames[id] = f;
	return id;
}

static bool stack_same(const void *arg, uint32_t id)
{
	const struct key *k = arg;

	return k->p->stack_len[id] == k->n &&
	       (!k->n || memcmp(k->p->pool + k->p->stack_first[id], k->thing, k->n * sizeof(uint32_t)) == 0);
}

uint32_t profile_stack(struct profile *p, const uint32_t *frames, size_t n)
{
	struct key key = { p, frames, n };
	uint64_t hash = hash_bytes(n, frames, n * sizeof(*frames));
	uint32_t id = intern_find(&p->stack_index, hash, stack_same, &key);

	if (id != INTERN_NONE)
		return id;
	id = intern_add(&p->stack_index, hash);
	if (!p->places)
		p->places = place_cache_new();
	if (id >= p->stack_cap) {
		p->stack_cap = p->stack_cap ? p->stack_cap * 2 : 64;
		p->stack_first = xreallocarray(p->stack_first, p->stack_cap, sizeof(*p->stack_first));
		p->stack_len = xreallocarray(p->stack_len, p->stack_cap, sizeof(*p->stack_len));
	}
	while (p->pool_n + n > p->pool_cap || !p->pool) {
		p->pool_cap = p->pool_cap ? p->pool_cap * 2 : 1024;
		p->pool = xreallocarray(p->pool, p->pool_cap, sizeof(*p->pool));
	}
	p->stack_first[id] = p->pool_n;
	p->stack_len[id] = (uint32_t)n;
	if (n)
		memcpy(p->pool + p->pool_n, frames, n * sizeof(*frames));
	p->pool_n += (uint32_t)n;
	return id;
}

static bool wait_same(const void *arg, uint32_t id)
{
	const struct key *k = arg;
	const struct prof_wait *x = &k->p->waits[id], *y = k->thing;

	return x->kind == y->kind && x->resource == y->resource && x->proved == y->proved;
}

uint32_t profile_wait(struct profile *p, const char *kind, const char *resource, bool proved)
{
	struct prof_wait w = { texts_keep(&p->texts, kind), texts_keep(&p->texts, resource), proved };
	struct key key = { p, &w, 0 };
	uint64_t v[2] = { (uint64_t)(uintptr_t)w.kind, (uint64_t)(uintptr_t)w.resource };
	uint64_t hash = hash_bytes(proved, v, sizeof(v));
	uint32_t id = intern_find(&p->wait_index, hash, wait_same, &key);

	if (id != INTERN_NONE)
		return id;
	id = intern_add(&p->wait_index, hash);
	if (id >= p->wait_cap) {
		p->wait_cap = p->wait_cap ? p->wait_cap * 2 : 16;
		p->waits = xreallocarray(p->waits, p->wait_cap, sizeof(*p->waits));
	}
	p->waits[id] = w;
	return id;
}

struct prof_thread *profile_thread(struct profile *p, int32_t pid, int32_t tid, const char *comm)
{
	struct prof_thread *t;

	p->threads = xreallocarray(p->threads, p->thread_count + 1, sizeof(*p->threads));
	t = &p->threads[p->thread_count++];
	*t = (struct prof_thread){ .pid = pid, .tid = tid, .comm = texts_keep(&p->texts, comm) };
	return t;
}

struct prof_span *profile_span(struct profile *p, const char *id)
{
	p->spans = xreallocarray(p->spans, p->span_count + 1, sizeof(*p->spans));
	p->spans[p->span_count] = (struct prof_span){ .id = texts_keep(&p->texts, id), .parent = -1 };
	return &p->spans[p->span_count++];
}

struct prof_sample *profile_sample(struct profile *p)
{
	if (p->sample_count == p->sample_cap) {
		p->sample_cap = p->sample_cap ? p->sample_cap * 2 : 1024;
		p->samples = xreallocarray(p->samples, p->sample_cap, sizeof(*p->samples));
	}
	p->samples[p->sample_count] = (struct prof_sample){ .span = -1, .wait = -1 };
	return &p->samples[p->sample_count++];
}

#define BY(field)                                   \
	do {                                        \
		if (x->field != y->field)           \
			return x->field < y->field ? -1 : 1; \
	} while (0)

static int by_time(const void *a, const void *b)
{
	const struct prof_sample *x = a, *y = b;

	BY(ts_ns);
	BY(thread);
	BY(stack);
	BY(wait);
	BY(span);
	BY(cpu_ns);
	BY(wall_ns);
	return 0;
}

void profile_sort(struct profile *p)
{
	if (p->sample_count)
		qsort(p->samples, p->sample_count, sizeof(*p->samples), by_time);
}
