/* SPDX-License-Identifier: Apache-2.0 */
/* v8_async.c - functions suspended at an await: they are on no stack. Each is an object of the heap that holds its function
 * and how far it has come: found by their shape in one pass over the program's own memory, and known by the type in their
 * maps. Who awaits whom follows from the reactions of their promises.
 *
 * Objects that nobody can reach any more lie in the heap until it is collected: a chain that a test runner awaits goes
 * before one that ends nowhere. */
#include "profile/lang/v8.h"

#include "base/clock.h"
#include "base/frame_home.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Of a suspended function (JSGeneratorObject and what extends it), a promise, a request, a capability: the same from V8 9
 * to 13. Of a reaction and a context the order of words differs: their types tell. */
enum { GENERATOR_FUNCTION = 24, GENERATOR_AT = 48, GENERATOR_MODE = 56, GENERATOR_CONTINUATION = 64, GENERATOR_BYTES = 96,
       ASYNC_PROMISE = 80, QUEUE_AWAITS = 88, REQUEST_PROMISE = 32, PROMISE_REACTIONS = 24, REACTION_FIRST = 8,
       REACTION_WORDS = 6, CAPABILITY_PROMISE = 8, CONTEXT_FIRST = 16, CONTEXT_WORDS = 8 };
enum { RAW_MAX = 1 << 24, MODES = 3, LINK_NS = 200000000, SUSPENDED_MAX = 2048, CHAINS_MAX = 32, CHAIN_FRAMES_MAX = 64,
       HELD_REACH = 3, PROMISES_MAX = 64, REACTIONS_MAX = 16, V8_PAGE = 256 << 10, PART = 1 << 20,
       HEAP_BYTES_MAX = 512 << 20 };

struct suspended {
	uint64_t object, promise;
	int32_t raw;         /* how far its bytecode has come */
	uint64_t awaiter;    /* another one; 0 none known */
	uint64_t handler;    /* or the function that is called when it ends; 0 none known */
	bool awaited;        /* by this one another waits: not the innermost */
};

struct search {
	struct v8 *v;
	const struct snap_process *p;
	int64_t deadline_ns;
	struct suspended *found;
	size_t count;
};

/* Anonymous memory that the program writes: V8's heap is in there. A thread's stack is none. */
static bool may_be_heap(const struct snap_process *p, const struct map_entry *m)
{
	if (!m->r || !m->w || m->x || m->inode || m->path[0])
		return false;
	for (size_t i = 0; i < p->thread_count; i++)
		if (p->threads[i].syscall.sp >= m->start && p->threads[i].syscall.sp < m->end)
			return false;
	return true;
}

static struct suspended *suspended_find(struct search *s, uint64_t object)
{
	for (size_t i = 0; object && i < s->count; i++)
		if (s->found[i].object == object)
			return &s->found[i];
	return NULL;
}

static void take(struct search *s, uint64_t object, const uint64_t *w)
{
	uint64_t shared = v8_pointer(s->v, w[GENERATOR_FUNCTION / 8], s->v->l.function_shared);
	int32_t type = v8_type(s->v, object);
	bool generator = type == s->v->l.type_async_generator;
	int32_t raw, continuation, awaits;
	uint64_t promise;

	/* one that runs or has ended has a negative continuation; a generator may also wait to be asked */
	if ((type != s->v->l.type_async && !generator) || type < 0 || !v8_small(w[GENERATOR_AT / 8], &raw) ||
	    !v8_small(w[GENERATOR_CONTINUATION / 8], &continuation) || raw < 0 ||
	    continuation < 0 || v8_type(s->v, shared) != s->v->l.type_shared || suspended_find(s, object))
		return;
	if (generator && (!v8_small(w[QUEUE_AWAITS / 8], &awaits) || awaits != 1))
		return;
	promise = v8_pointer(s->v, object, ASYNC_PROMISE);
	if (generator) /* a queue of those who have asked, in its place */
		promise = v8_pointer(s->v, promise, REQUEST_PROMISE);
	s->found[s->count++] = (struct suspended){ .object = object, .raw = raw, .promise = promise };
}

/* Small numbers where they stand in one, and objects around them: of a million words a few hundred. */
static bool is_shaped(const uint64_t *w)
{
	uint64_t at = w[GENERATOR_AT / 8], mode = w[GENERATOR_MODE / 8], continuation = w[GENERATOR_CONTINUATION / 8];

	return v8_is_object(w[0]) && v8_is_object(w[GENERATOR_FUNCTION / 8]) && !((at | mode | continuation) & 0xffffffff) &&
	       at >> 32 < RAW_MAX && mode >> 32 < MODES && continuation >> 32 < RAW_MAX;
}

static void part_read(struct search *s, uint64_t at, const uint64_t *words, size_t n)
{
	for (size_t i = 0; i + GENERATOR_BYTES / 8 <= n && s->count < SUSPENDED_MAX; i++)
		if (is_shaped(words + i))
			take(s, at + 8 * i + 1, words + i);
}

static void heap_read(struct search *s)
{
	uint64_t *part = xmalloc(PART), total = 0;

	for (size_t i = 0; i < s->p->maps.n; i++) {
		const struct map_entry *m = &s->p->maps.v[i];
		uint64_t begin = (m->start + V8_PAGE - 1) & ~(uint64_t)(V8_PAGE - 1);

		if (!may_be_heap(s->p, m) || begin >= m->end || m->end - begin > HEAP_BYTES_MAX - total)
			continue;
		total += m->end - begin;
		/* parts overlap: an object may lie across two of them */
		for (uint64_t at = begin; at < m->end && clock_mono_ns() < s->deadline_ns; at += PART - GENERATOR_BYTES) {
			size_t n = m->end - at < PART ? (size_t)(m->end - at) : PART;
			ssize_t got = peek_read(s->v->m.peek, at, part, n);

			if (got < (ssize_t)GENERATOR_BYTES)
				break;
			part_read(s, at, part, (size_t)got / 8);
			if ((size_t)got < n || at + n == m->end)
				break;
		}
	}
	free(part);
}

/* Promises that are still to be looked at, on the way from one outwards. */
struct way {
	uint64_t promise[PROMISES_MAX];
	size_t n;
};

static void way_add(struct search *s, struct way *w, uint64_t object)
{
	int32_t type = object ? v8_type(s->v, object) : -1;

	if (type >= 0 && type == s->v->l.type_capability) {
		object = v8_pointer(s->v, object, CAPABILITY_PROMISE);
		type = v8_type(s->v, object);
	}
	if (type < 0 || type != s->v->l.type_promise || w->n == PROMISES_MAX)
		return;
	for (size_t i = 0; i < w->n; i++)
		if (w->promise[i] == object)
			return;
	w->promise[w->n++] = object;
}

static bool is_function(struct search *s, uint64_t object)
{
	return v8_type(s->v, v8_pointer(s->v, object, s->v->l.function_shared)) == s->v->l.type_shared;
}

/* What a function that is called when a promise settles leads to: what it resumes, or another promise. */
static void follow_handler(struct search *s, struct way *w, struct suspended *from, uint64_t handler, unsigned depth)
{
	uint64_t context = v8_pointer(s->v, handler, s->v->l.function_context);

	for (int32_t i = 0; context && i < CONTEXT_WORDS && !from->awaiter; i++) {
		uint64_t word = v8_pointer(s->v, context, CONTEXT_FIRST + 8 * i);
		struct suspended *other = suspended_find(s, word);

		if (other && other != from) {
			from->awaiter = word;
			other->awaited = true;
			return;
		}
		way_add(s, w, word);
		/* resolve() of a promise, kept by a closure */
		if (depth && word && is_function(s, word))
			follow_handler(s, w, from, word, depth - 1);
	}
}

static bool has_script(struct search *s, uint64_t function)
{
	auto_free char *file = v8_function_file(s->v, function);

	return file != NULL;
}

/* The words of a reaction: what it calls or resumes, the promise that it makes, and the next one (returned; 0 none). */
static uint64_t follow_reaction(struct search *s, struct way *w, struct suspended *from, uint64_t reaction)
{
	uint64_t next = 0;

	for (int32_t i = 0; i < REACTION_WORDS && !from->awaiter; i++) {
		uint64_t word = v8_pointer(s->v, reaction, REACTION_FIRST + 8 * i);

		if (!word)
			continue;
		if (v8_type(s->v, word) == s->v->l.type_reaction) {
			next = word;
		} else if (is_function(s, word)) {
			if (!from->handler && has_script(s, word))
				from->handler = word;
			follow_handler(s, w, from, word, 1);
		} else {
			way_add(s, w, word);
		}
	}
	return next;
}

/* Who awaits it: the first that is found on the way from its promise outwards. */
static void find_awaiter(struct search *s, struct suspended *from)
{
	struct way w = { .n = 0 };

	way_add(s, &w, from->promise);
	for (size_t i = 0; i < w.n && !from->awaiter; i++) {
		uint64_t reaction = v8_pointer(s->v, w.promise[i], PROMISE_REACTIONS);

		for (unsigned k = 0; k < REACTIONS_MAX && v8_type(s->v, reaction) == s->v->l.type_reaction; k++)
			reaction = follow_reaction(s, &w, from, reaction);
	}
}

static enum frame_home home_of(const struct v8_frame *f)
{
	struct frame_words w = { .language = "javascript", .function = f->function, .file = f->file, .line = f->line,
				 .runtime = !f->file };

	return frame_home(&w);
}

/* No function of the user's is suspended: the one that a runner has called, of the innermost that knows one. */
static void chain_held(struct search *s, struct suspended *from, struct v8_chain *c)
{
	struct v8_frame f;

	for (unsigned i = 0; from && i < HELD_REACH && c->count < CHAIN_FRAMES_MAX; i++) {
		uint64_t generator = from->object;

		from = suspended_find(s, from->awaiter);
		if (!v8_held_function(s->v, generator, &f))
			continue;
		memmove(c->frames + 1, c->frames, c->count * sizeof(*c->frames));
		c->frames[0] = f;
		c->count++;
		c->own = c->held = true;
		return;
	}
}

static void chain_make(struct search *s, struct suspended *from, struct v8_chain *c)
{
	struct suspended *innermost = from;

	c->frames = xcalloc(CHAIN_FRAMES_MAX, sizeof(*c->frames));
	for (unsigned i = 0; from && c->count + 1 < CHAIN_FRAMES_MAX && i < CHAIN_FRAMES_MAX; i++) {
		struct suspended *next = suspended_find(s, from->awaiter);
		uint64_t function = v8_pointer(s->v, from->object, GENERATOR_FUNCTION);

		c->count += v8_suspended_frame(s->v, function, from->raw, &c->frames[c->count]);
		if (!next && from->handler)
			c->count += v8_suspended_frame(s->v, from->handler, -1, &c->frames[c->count]);
		from = next;
	}
	for (size_t i = 0; i < c->count; i++) {
		c->own |= home_of(&c->frames[i]) == FRAME_PROGRAM;
		c->runner |= home_of(&c->frames[i]) == FRAME_RUNNER;
	}
	if (c->runner && !c->own)
		chain_held(s, innermost, c);
}

static int by_weight(const void *a, const void *b)
{
	const struct v8_chain *x = a, *y = b;

	if (x->own != y->own)
		return x->own ? -1 : 1;
	if (x->runner != y->runner)
		return x->runner ? -1 : 1;
	return x->count != y->count ? (x->count > y->count ? -1 : 1) : (x->object > y->object) - (x->object < y->object);
}

size_t v8_chains(struct v8 *v, const struct snap_process *p, int64_t deadline_ns, struct v8_chain **out)
{
	struct search s = { .v = v, .p = p, .deadline_ns = deadline_ns };
	size_t n = 0;

	*out = NULL;
	if (v->l.type_async < 0 || v->l.type_promise < 0)
		return 0;
	s.found = xcalloc(SUSPENDED_MAX, sizeof(*s.found));
	heap_read(&s);
	/* what was found in time is worth a little more of it */
	deadline_ns = clock_mono_ns() + LINK_NS;
	for (size_t i = 0; i < s.count && clock_mono_ns() < deadline_ns; i++)
		find_awaiter(&s, &s.found[i]);
	*out = xcalloc(s.count + 1, sizeof(**out));
	for (size_t i = 0; i < s.count && clock_mono_ns() < deadline_ns; i++) {
		if (s.found[i].awaited)
			continue;
		(*out)[n].object = s.found[i].object;
		chain_make(&s, &s.found[i], &(*out)[n++]);
	}
	free(s.found);
	qsort(*out, n, sizeof(**out), by_weight);
	while (n > CHAINS_MAX)
		v8_chain_release(&(*out)[--n]);
	return n;
}

void v8_chain_release(struct v8_chain *c)
{
	for (size_t i = 0; i < c->count; i++)
		v8_frame_release(&c->frames[i]);
	free(c->frames);
}
