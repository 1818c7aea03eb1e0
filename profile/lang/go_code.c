/* SPDX-License-Identifier: Apache-2.0 */
/* go_code.c - what a function's code has done with locks before a place in it. Calls of package sync stand there as call
 * instructions or, where they were inlined, in the function's tree of inlined calls. The compiler moves what it holds for
 * rare behind the rest: where a goroutine waits in an inlined Lock, its place is that of the call. */
#include "profile/lang/go.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { FUNCTION_BYTES_MAX = 64 << 10, CODE_CHUNK = 1024, CALL_BYTES = 5 };

static const struct { const char *function; int takes; } lock_functions[] = {
	{ "sync.(*Mutex).Lock", 1 }, { "sync.(*RWMutex).Lock", 1 }, { "sync.(*RWMutex).RLock", 1 },
	{ "sync.(*Mutex).TryLock", 1 }, { "sync.(*RWMutex).TryLock", 1 }, { "sync.(*RWMutex).TryRLock", 1 },
	{ "sync.(*Mutex).Unlock", -1 }, { "sync.(*RWMutex).Unlock", -1 }, { "sync.(*RWMutex).RUnlock", -1 },
};
enum { LOCK_FUNCTIONS = sizeof(lock_functions) / sizeof(*lock_functions) };

static int takes_by_name(const char *function)
{
	for (size_t i = 0; i < LOCK_FUNCTIONS; i++)
		if (strcmp(function, lock_functions[i].function) == 0)
			return lock_functions[i].takes;
	return 0;
}

/* In one pass over the program's functions. */
static void acts_find(struct go *go)
{
	struct go_function f;

	if (go->acts)
		return;
	go->acts = xcalloc(LOCK_FUNCTIONS, sizeof(*go->acts));
	for (uint64_t i = 0; i < go->t.count && go->act_count < LOCK_FUNCTIONS; i++) {
		const char *name;

		if (!go_function(&go->t, i, &f))
			continue;
		name = go_name(&go->t, f.name);
		if (name[0] == 's' && takes_by_name(name))
			go->acts[go->act_count++] = (struct go_act){ f.entry, takes_by_name(name) };
		else if (name[0] == 'r' && strcmp(name, "runtime.closechan") == 0)
			go->closes = f.entry;
	}
}

static int takes_by_address(const struct go *go, uint64_t entry)
{
	for (size_t i = 0; i < go->act_count; i++)
		if (go->acts[i].entry == entry)
			return go->acts[i].takes;
	return 0;
}

/* Where the instruction at b, which stands at `at`, calls to; 0 where it is no call of a known address. */
static uint64_t call_target(const unsigned char *b, uint64_t at)
{
#if defined(__x86_64__)
	return b[0] == 0xe8 ? at + CALL_BYTES + (uint64_t)(int64_t)(int32_t)bytes_u32(b, CALL_BYTES, 1) : 0;
#else
	uint32_t word = bytes_u32(b, CALL_BYTES, 0); /* bl: 26 bits with a sign */

	return (word & 0xfc000000) == 0x94000000 ? at + (((word & 0x3ffffff) ^ 0x2000000) - UINT64_C(0x2000000)) * 4 : 0;
#endif
}

/* Calls `each` for every call of a known address in a function, until it says false. */
static void calls_of(struct go *go, const struct go_function *f,
		     bool (*each)(struct go *go, uint64_t at, uint64_t target, void *ctx), void *ctx)
{
	uint64_t end = f->end - f->entry > FUNCTION_BYTES_MAX ? f->entry + FUNCTION_BYTES_MAX : f->end;
	unsigned char code[CODE_CHUNK + CALL_BYTES] = { 0 };

	for (uint64_t at = f->entry; at < end; at += CODE_CHUNK) {
		size_t n = end - at < sizeof(code) ? (size_t)(end - at) : sizeof(code);

		if (!lang_read(&go->m, at, code, n))
			return;
		for (size_t i = 0; i < CODE_CHUNK && i + (CALL_BYTES - 1) < n; i += go->t.quantum) {
			uint64_t target = call_target(code + i, at + i);

			if (target && !each(go, at + i, target, ctx))
				return;
		}
	}
}

struct count {
	uint64_t place, back; /* where it stands; the address to which the call in which it is returns */
	int open;
};

static bool call_counts(struct go *go, uint64_t at, uint64_t target, void *ctx)
{
	struct count *c = ctx;
	uint64_t after = at + (go->t.quantum == 1 ? CALL_BYTES : 4);

	if (after != c->back && at < c->place)
		c->open += takes_by_address(go, target);
	return true;
}

int go_open_locks(struct go *go, struct go_site *site)
{
	uint64_t look = site->pc - (site->activation ? 0 : 1);
	struct count c = { .place = look, .back = site->activation ? 0 : site->pc };
	struct go_inline *v;
	size_t n, within;

	if (site->counted)
		return site->locks;
	site->counted = true;
	acts_find(go);
	v = xreallocarray(NULL, GO_INLINE_NODES_MAX, sizeof(*v));
	n = go_inlines(&go->t, &go->m, &site->f, v);
	within = (size_t)go_inline_at(&go->t, &site->f, look);
	/* out of what was inlined there to the call of the lock, if it is one */
	for (unsigned depth = 0; within < n && !takes_by_name(v[within].function) && depth < GO_INLINED_MAX; depth++)
		within = (size_t)go_inline_at(&go->t, &site->f, v[within].at);
	if (within < n && takes_by_name(v[within].function))
		c.place = v[within].at;
	else
		within = n;
	for (size_t i = 0; i < n; i++)
		if (i != within && v[i].at < c.place)
			c.open += takes_by_name(v[i].function);
	free(v);
	calls_of(go, &site->f, call_counts, &c);
	site->locks = c.open;
	return c.open;
}

static bool call_closes(struct go *go, uint64_t at, uint64_t target, void *ctx)
{
	(void)at;
	*(bool *)ctx = target == go->closes;
	return target != go->closes;
}

bool go_closes_channel(struct go *go, uint64_t entry)
{
	struct go_function f;
	bool closes = false;

	acts_find(go);
	if (go->closes && go_function_at(&go->t, entry, &f) && f.entry == entry)
		calls_of(go, &f, call_closes, &closes);
	return closes;
}
