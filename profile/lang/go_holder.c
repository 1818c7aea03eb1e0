/* SPDX-License-Identifier: Apache-2.0 */
/* go_holder.c - who may hold what a goroutine waits for. Neither a mutex nor a channel has an owner. What is known: who has
 * its address on his stack, or in a closure there; and what his functions have called up to where they stand. */
#include "profile/lang/go.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

enum { HOLDERS_MAX = 16, HOLDERS_SORTED = 500, CLOSERS_MAX = 2000, READERS_MAX = 100 };

/* All that wait for one address, and who has it. */
struct group {
	uint64_t address;
	size_t first, end;      /* its waiters */
	size_t holders[HOLDERS_MAX];
	size_t count;
	size_t last;            /* whose stack was looked at when it was found last, + 1 */
};
struct interest {
	uint64_t address;
	size_t waiter;
};
enum { INTERESTS_MAX = 400000, DEREFS_MAX = 50000, DEREF_WORDS = 8 };

struct search {
	struct go *go;
	struct interest *v;
	size_t n;
	struct group *groups;
	size_t group_count;
	unsigned derefs;
};

static int by_address(const void *a, const void *b)
{
	const struct interest *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return x->waiter < y->waiter ? -1 : x->waiter > y->waiter;
}

static void interest_add(struct search *s, uint64_t address, size_t waiter)
{
	if (!address || s->n == INTERESTS_MAX)
		return;
	if (!(s->n & (s->n + 1)))
		s->v = xreallocarray(s->v, (s->n + 1) * 2, sizeof(*s->v));
	s->v[s->n++] = (struct interest){ address, waiter };
}

static void interests_find(struct search *s)
{
	struct go *go = s->go;

	for (size_t i = 0; i < go->count; i++) {
		const struct goroutine *g = &go->v[i];
		uint64_t sudog = g->waiting;

		if (g->hint.kind == WAIT_MUTEX || g->hint.kind == WAIT_RWLOCK || g->hint.kind == WAIT_SEMAPHORE)
			interest_add(s, g->address, i);
		if (g->hint.kind != WAIT_SELECT && g->hint.kind != WAIT_CHAN_RECV && g->hint.kind != WAIT_CHAN_SEND)
			continue;
		for (unsigned k = 0; sudog && k < GO_CASES_MAX; k++, sudog = lang_u64(&go->m, sudog + go->l.sudog_next))
			interest_add(s, go_sudog_channel(go, g, sudog), i);
	}
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), by_address);
	s->groups = xcalloc(s->n + 1, sizeof(*s->groups));
	for (size_t i = 0, k; i < s->n; i = k) {
		for (k = i + 1; k < s->n && s->v[k].address == s->v[i].address; k++)
			;
		s->groups[s->group_count++] = (struct group){ .address = s->v[i].address, .first = i, .end = k };
	}
}

static struct group *group_of(const struct search *s, uint64_t address)
{
	size_t lo = 0, hi = s->group_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->groups[mid].address < address)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->group_count && s->groups[lo].address == address ? &s->groups[lo] : NULL;
}

static bool waits_too(const struct search *s, const struct group *gr, size_t who)
{
	const struct interest key = { gr->address, who };

	return bsearch(&key, s->v + gr->first, gr->end - gr->first, sizeof(key), by_address) != NULL;
}

/* Goroutine `who` has this word: it may act on what it is. One that waits for the same in the same way acts on nothing;
 * of those that only wait for it, the room is left to the others. */
static void word_look(struct search *s, uint64_t word, size_t who)
{
	struct group *gr;

	if (word < s->groups[0].address || word > s->groups[s->group_count - 1].address)
		return;
	gr = group_of(s, word);
	if (!gr || gr->last == who + 1 || gr->count == HOLDERS_MAX)
		return;
	gr->last = who + 1;
	if (gr->end - gr->first > 1 && waits_too(s, gr, who) &&
	    s->go->v[who].hint.kind == s->go->v[s->v[gr->first].waiter].hint.kind)
		return;
	if (gr->end - gr->first > 1 || s->v[gr->first].waiter != who)
		gr->holders[gr->count++] = who;
}

/* Has one of his functions taken a lock that it has not given back? A Once is a lock that its own function holds. */
static bool may_hold_lock(struct go *go, const struct goroutine *g)
{
	struct go_frame frames[GO_FRAMES_MAX];
	size_t n = go_walk(go, &g->stack, g->pc, g->sp, false, frames, NULL);

	for (size_t i = 0; i < n; i++) {
		const struct go_call *call = &frames[i].site->calls[frames[i].site->count - 1];

		if ((!go_is_library(go, call->function, call->file) || strcmp(call->function, "sync.(*Once).doSlow") == 0) &&
		    go_open_locks(go, frames[i].site) > 0)
			return true;
	}
	return false;
}

static bool is_lock(const struct goroutine *g)
{
	return g->hint.kind == WAIT_MUTEX || g->hint.kind == WAIT_RWLOCK;
}

/* Of those who have the address of a lock, who created it and passed it on does not hold it. */
static void group_sift(struct search *s, struct group *gr)
{
	size_t kept = 0;

	for (size_t h = 0; h < gr->count; h++)
		if (may_hold_lock(s->go, &s->go->v[gr->holders[h]]))
			gr->holders[kept++] = gr->holders[h];
	gr->count = kept;
}

/* A reader that reads again below its own lock waits for the writer that waits for it. */
static void readers_again(struct search *s, const struct group *gr)
{
	size_t end = gr->end - gr->first > READERS_MAX ? gr->first + READERS_MAX : gr->end;

	for (size_t r = gr->first; r < end && !gr->count; r++) {
		struct goroutine *reader = &s->go->v[s->v[r].waiter];

		if (!reader->shape || strcmp(reader->shape, GO_TO_READ) != 0 || !may_hold_lock(s->go, reader))
			continue;
		for (size_t w = gr->first; w < gr->end; w++) {
			struct goroutine *writer = &s->go->v[s->v[w].waiter];

			if (writer->shape && strcmp(writer->shape, GO_TO_WRITE) == 0 &&
			    writer->hint.task_count < HOLDERS_MAX)
				hint_add_task(&writer->hint, reader->id);
		}
	}
}

static void holders_tell(struct search *s)
{
	for (size_t k = 0; k < s->group_count; k++) {
		struct group *gr = &s->groups[k];

		if (is_lock(&s->go->v[s->v[gr->first].waiter]))
			group_sift(s, gr);
		if (s->go->v[s->v[gr->first].waiter].hint.kind == WAIT_RWLOCK)
			readers_again(s, gr);
		for (size_t i = gr->first; i < gr->end; i++)
			for (size_t h = 0; h < gr->count; h++) {
				struct goroutine *g = &s->go->v[s->v[i].waiter], *holder = &s->go->v[gr->holders[h]];

				if (g != holder && g->hint.task_count < HOLDERS_MAX &&
				    !(g->hint.kind == holder->hint.kind && waits_too(s, gr, gr->holders[h])))
					hint_add_task(&g->hint, holder->id);
			}
	}
}

/* Words of its stack; and of what they lead to: a closure keeps the variables that it uses in an object of its own. */
static void stack_look(struct search *s, size_t who)
{
	const struct goroutine *g = &s->go->v[who];
	uint64_t near[DEREF_WORDS];

	for (uint64_t i = 0; i + 8 <= g->stack.n; i += 8) {
		uint64_t word = bytes_u64(g->stack.bytes, g->stack.n, i);

		word_look(s, word, who);
		if (word & 7 || word >> 32 != s->groups[0].address >> 32 || (word >= g->stack.base && word < g->hi) ||
		    s->derefs >= DEREFS_MAX)
			continue;
		s->derefs++;
		if (lang_read(&s->go->m, word, near, sizeof(near)))
			for (size_t k = 0; k < DEREF_WORDS; k++)
				word_look(s, near[k], who);
	}
}

/* It waits for a channel that a deferred call of its own is to close: a closure on its stack, {code, channel}. */
static bool closes_itself(struct go *go, const struct goroutine *g)
{
	for (uint64_t i = 0; g->address && i + 16 <= g->stack.n; i += 8) {
		uint64_t code = bytes_u64(g->stack.bytes, g->stack.n, i);

		if (bytes_u64(g->stack.bytes, g->stack.n, i + 8) == g->address && code >= go->t.text && code < go->t.etext &&
		    go_closes_channel(go, code))
			return true;
	}
	return false;
}

/* Who waits for a group waits for the goroutines that its function started: of the functions on its stack the innermost
 * that has started any. What those around it have started goes on beside it. */
static void children_look(struct go *go, struct goroutine *g)
{
	struct go_frame frames[GO_FRAMES_MAX];
	size_t n = go_walk(go, &g->stack, g->pc, g->sp, false, frames, NULL);
	bool found = false;

	for (size_t k = 0; k < n && !found; k++) {
		const struct go_function *f = &frames[k].site->f;

		for (size_t i = 0; i < go->count && g->hint.task_count < HOLDERS_MAX; i++) {
			const struct goroutine *c = &go->v[i];

			if (c == g || c->created_pc < f->entry || c->created_pc >= f->end)
				continue;
			found = true;
			hint_add_task(&g->hint, c->id);
		}
	}
}

static bool has_frame(const struct go_frame *frames, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (str_starts(frames[i].site->calls[frames[i].site->count - 1].function, name))
			return true;
	return false;
}

/* It has started a test, and waits for that to end. */
static bool runs_tests(struct go *go, const struct goroutine *g)
{
	struct go_frame frames[GO_FRAMES_MAX];

	return has_frame(frames, go_walk(go, &g->stack, g->pc, g->sp, false, frames, NULL), "testing.(*T).Run");
}

/* Functions of libraries that wait, at a channel, for a goroutine of the library's own that waits for a descriptor: that is
 * what they wait for. */
static const struct proxy {
	const char *waits, *reads;
	bool any; /* each of several such descriptors has to come to its end */
} proxies[] = {
	{ "net/http.(*persistConn).roundTrip", "net/http.(*persistConn).readLoop", false },
	{ "net/http.(*bodyEOFSignal).Read", "net/http.(*persistConn).readLoop", false },
	{ "os/exec.(*Cmd).Wait", "os/exec.(*Cmd).writerDescriptor.func1", true },
	{ "os/exec.(*Cmd).Wait", "os/exec.(*Cmd).Start.func", true },
};

static void proxy_follow(struct go *go, struct goroutine *g, const struct proxy *p)
{
	const struct goroutine *reader = NULL;
	struct go_frame frames[GO_FRAMES_MAX];
	size_t readers = 0;

	for (size_t i = 0; i < go->count && readers < 200; i++) {
		const struct goroutine *r = &go->v[i];

		if (r->hint.kind != WAIT_POLL ||
		    !has_frame(frames, go_walk(go, &r->stack, r->pc, r->sp, false, frames, NULL), p->reads))
			continue;
		if (!reader)
			reader = r;
		readers++;
		if (g->hint.task_count < HOLDERS_MAX)
			hint_add_task(&g->hint, r->id);
	}
	/* of several connections none is the one */
	if (!reader || (readers > 1 && !p->any) || !reader->hint.has_fd)
		return;
	g->hint.has_fd = true;
	g->hint.fd = reader->hint.fd;
	g->hint.task_count = 0;
}

static void proxies_look(struct go *go, struct goroutine *g)
{
	struct go_frame frames[GO_FRAMES_MAX];
	size_t n = go_walk(go, &g->stack, g->pc, g->sp, false, frames, NULL);

	for (size_t i = 0; i < sizeof(proxies) / sizeof(*proxies) && !g->hint.has_fd; i++)
		if (has_frame(frames, n, proxies[i].waits))
			proxy_follow(go, g, &proxies[i]);
}

struct named {
	uint64_t id;
	const struct goroutine *g;
};

static int by_id(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* The likelier first: one that waits for us in turn, one that waits for a lock or channel, one that only collects others. */
static int holder_rank(const struct named *names, size_t n, const struct goroutine *g, uint64_t id)
{
	const struct named key = { id, NULL }, *found = bsearch(&key, names, n, sizeof(key), by_id);
	const struct snap_hint *h = found ? &found->g->hint : NULL;

	for (size_t i = 0; h && h->kind != WAIT_SEMAPHORE && i < h->task_count; i++)
		if (h->tasks[i] == g->id)
			return 0;
	return !h || h->kind == WAIT_SEMAPHORE ? 2 : 1;
}

static void holders_sort(struct go *go)
{
	struct named *names = xcalloc(go->count + 1, sizeof(*names));

	for (size_t i = 0; i < go->count; i++)
		names[i] = (struct named){ go->v[i].id, &go->v[i] };
	if (go->count)
		qsort(names, go->count, sizeof(*names), by_id);
	for (size_t i = 0; i < go->count && i < HOLDERS_SORTED; i++) {
		const struct goroutine *g = &go->v[i];
		uint64_t *v = g->hint.tasks;

		for (size_t k = 1; k < g->hint.task_count; k++)
			for (size_t j = k;
			     j && holder_rank(names, go->count, g, v[j]) < holder_rank(names, go->count, g, v[j - 1]);
			     j--) {
				uint64_t t = v[j];

				v[j] = v[j - 1];
				v[j - 1] = t;
			}
	}
	free(names);
}

void go_holders(struct go *go)
{
	struct search s = { .go = go };
	size_t readers = 0, groups = 0, tests = 0, closers = 0;

	interests_find(&s);
	for (size_t i = 0; s.n && i < go->count; i++)
		stack_look(&s, i);
	holders_tell(&s);
	free(s.v);
	free(s.groups);
	for (size_t i = 0; i < go->count; i++) {
		struct goroutine *g = &go->v[i];

		if (g->hint.kind == WAIT_CHAN_RECV && closers++ < CLOSERS_MAX && closes_itself(go, g)) {
			char *text = xasprintf("%s, which a deferred call of its own is to close", g->hint.resource);

			hint_add_task(&g->hint, g->id);
			free(g->hint.resource);
			g->hint.resource = text;
		}
		if (g->hint.kind == WAIT_SEMAPHORE && g->shape && strcmp(g->shape, "sync.WaitGroup") == 0 && groups++ < 100)
			children_look(go, g);
		if (g->hint.kind == WAIT_CHAN_RECV && !g->hint.task_count && tests++ < 100 && runs_tests(go, g))
			children_look(go, g);
		if ((g->hint.kind == WAIT_SELECT || g->hint.kind == WAIT_CHAN_RECV) && readers++ < 200)
			proxies_look(go, g);
	}
	holders_sort(go);
}
