/* SPDX-License-Identifier: Apache-2.0 */
/* go_wait.c - what a parked goroutine waits for: told by the functions of the runtime that parked it, which keep their
 * names in every version. The address of a lock lies in its frame, where the register ABI spills the first argument: right
 * above the return address. A Go mutex has no owner: who has its address on his stack may hold it, and that is all. */
#include "profile/lang/go.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES_MAX = 64, HOLDERS_MAX = 16, HOLDERS_SORTED = 500 };

/* Functions that park, the most telling one first found from the innermost outwards, and what they wait for. */
static const struct shape {
	const char *function;
	enum wait_kind kind;
	const char *what;
} shapes[] = {
	{ "sync.(*WaitGroup).Wait", WAIT_SEMAPHORE, "sync.WaitGroup" },
	{ "sync.(*Cond).Wait", WAIT_CONDITION, "sync.Cond" },
	{ "sync.(*RWMutex).RLock", WAIT_RWLOCK, "sync.RWMutex, to read" },
	{ "sync.(*RWMutex).Lock", WAIT_RWLOCK, "sync.RWMutex, to write" },
	{ "sync.(*Once).doSlow", WAIT_MUTEX, "sync.Once" },
	{ "internal/sync.(*Mutex).lockSlow", WAIT_MUTEX, "sync.Mutex" },
	{ "sync.(*Mutex).lockSlow", WAIT_MUTEX, "sync.Mutex" },
	{ "sync.(*Mutex).Lock", WAIT_MUTEX, "sync.Mutex" },
	{ "sync.runtime_notifyListWait", WAIT_CONDITION, "sync.Cond" },
	{ "runtime.chanrecv", WAIT_CHAN_RECV, "channel" },
	{ "runtime.chansend", WAIT_CHAN_SEND, "channel" },
	{ "runtime.selectgo", WAIT_SELECT, "select" },
	{ "runtime.block", WAIT_SELECT, "select without cases" },
	{ "runtime.timeSleep", WAIT_SLEEP, "time.Sleep" },
	{ "time.Sleep", WAIT_SLEEP, "time.Sleep" },
	{ "internal/poll.runtime_pollWait", WAIT_POLL, "poll" },
	{ "runtime.netpollblock", WAIT_POLL, "poll" },
	{ "runtime.semacquire1", WAIT_SEMAPHORE, "semaphore" },
};

static void hint_text(struct snap_hint *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void hint_text(struct snap_hint *h, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	free(h->resource);
	h->resource = xstrdup(text);
}

static const struct go_frame *frame_named(const struct go_frame *frames, size_t n, const char *const names[])
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; names[k]; k++)
			if (strcmp(frames[i].site->calls[frames[i].site->count - 1].function, names[k]) == 0)
				return &frames[i];
	return NULL;
}

/* The spilled first argument of a frame. */
static uint64_t argument(const struct goroutine *g, const struct go_frame *f)
{
	return f && f->cfa >= g->stack.base ? bytes_u64(g->stack.bytes, g->stack.n, f->cfa - g->stack.base) : 0;
}

/* Of the semaphore on which every lock of package sync parks. */
static uint64_t semaphore_of(const struct goroutine *g, const struct go_frame *frames, size_t n)
{
	static const char *const names[] = { "runtime.semacquire1", NULL };

	return argument(g, frame_named(frames, n, names));
}

static void mutex_tell(struct go *go, struct goroutine *g, const struct go_frame *frames, size_t n, const char *what)
{
	static const char *const slow[] = { "internal/sync.(*Mutex).lockSlow", "sync.(*Mutex).lockSlow", NULL };
	uint64_t at = argument(g, frame_named(frames, n, slow)), sema = semaphore_of(g, frames, n);
	uint32_t state;

	/* the spilled words are only as good as the code that spills them: they have to agree with each other or the lock */
	if (sema && at != sema - 4 && !(at && lang_u32(&go->m, at) & 1))
		at = sema - 4;
	state = at ? lang_u32(&go->m, at) : 0;
	if (!(state & 1) && !(state >> 3)) {
		hint_text(&g->hint, "a %s", what);
		return;
	}
	g->address = at;
	hint_text(&g->hint, "%s 0x%llx, which %u wait%s for", what, (unsigned long long)at, state >> 3 ? state >> 3 : 1,
		  state >> 3 > 1 ? "" : "s");
}

static void rwmutex_tell(struct go *go, struct goroutine *g, const struct go_frame *frames, size_t n, const char *what)
{
	uint64_t sema = semaphore_of(g, frames, n);
	bool writes = strstr(what, "write") != NULL;

	/* A writer waits for the lock of writers first, and for the readers then. */
	for (unsigned off = 4; sema && off <= 12; off += 4) {
		uint64_t at = sema - off;
		int32_t readers = (int32_t)lang_u32(&go->m, at + 16), left = (int32_t)lang_u32(&go->m, at + 20);
		uint32_t writer = lang_u32(&go->m, at);

		if (off == 12 ? writes || readers >= 0 : off == 8 ? !writes || left <= 0 : !writes || !(writer & 1))
			continue;
		g->address = at;
		if (off == 8)
			hint_text(&g->hint, "%s 0x%llx, held by %d reader%s", what, (unsigned long long)at, left,
				  left > 1 ? "s" : "");
		else
			hint_text(&g->hint, "%s 0x%llx, which a writer holds or waits for", what, (unsigned long long)at);
		return;
	}
	hint_text(&g->hint, "a %s", what);
}

static void waitgroup_tell(struct go *go, struct goroutine *g, const struct go_frame *frames, size_t n)
{
	uint64_t sema = semaphore_of(g, frames, n), at = sema - 8, state = sema ? lang_u64(&go->m, at) : 0;
	uint32_t counter = (uint32_t)(state >> 32), waiters = (uint32_t)state & 0x7fffffff;

	if (!sema || !counter || counter > 1u << 30 || !waiters || waiters > 1u << 20) {
		hint_text(&g->hint, "a sync.WaitGroup");
		return;
	}
	g->address = at;
	hint_text(&g->hint, "sync.WaitGroup 0x%llx, %u of which %s not done", (unsigned long long)at, counter,
		  counter > 1 ? "are" : "is");
}

static uint64_t sudog_channel(struct go *go, const struct goroutine *g, uint64_t sudog)
{
	return lang_u64(&go->m, sudog) == g->g ? lang_u64(&go->m, sudog + go->l.sudog_channel) : 0;
}

static void channel_tell(struct go *go, struct goroutine *g, enum wait_kind kind)
{
	uint64_t at = sudog_channel(go, g, g->waiting), held, size;

	if (!g->waiting) {
		hint_text(&g->hint, "a nil channel: nothing can ever %s",
			  kind == WAIT_CHAN_RECV ? "come out of it" : "go into it");
		g->hint.proved = true;
		return;
	}
	if (!at) {
		hint_text(&g->hint, "a channel");
		return;
	}
	held = lang_u64(&go->m, at);
	size = lang_u64(&go->m, at + 8);
	g->address = at;
	if (size && size < 1u << 30)
		hint_text(&g->hint, "channel 0x%llx, %s (%llu of %llu)", (unsigned long long)at,
			  kind == WAIT_CHAN_RECV ? "empty" : "full", (unsigned long long)held, (unsigned long long)size);
	else
		hint_text(&g->hint, "channel 0x%llx, unbuffered", (unsigned long long)at);
}

static void select_tell(struct go *go, struct goroutine *g)
{
	auto_str text = STR_INIT;
	uint64_t sudog = g->waiting;
	unsigned n = 0;

	for (; sudog && n < CASES_MAX; n++, sudog = lang_u64(&go->m, sudog + go->l.sudog_next)) {
		uint64_t at = sudog_channel(go, g, sudog);

		if (!at)
			break;
		if (n < 8)
			str_addf(&text, "%schannel 0x%llx", n ? ", " : "", (unsigned long long)at);
		if (!n)
			g->address = at;
	}
	if (n > 1)
		g->address = 0;
	if (n)
		hint_text(&g->hint, "select of %u: %s%s", n, str_cstr(&text), n > 8 ? ", …" : "");
	else
		hint_text(&g->hint, "select without a channel that could be read");
}

/* internal/poll.FD {fdmu {state u64, rsema, wsema u32}, Sysfd int, …} is the receiver of Read, Write, Accept, … */
static void poll_tell(struct go *go, struct goroutine *g, const struct go_frame *frames, size_t n)
{
	g->hint.kind = WAIT_POLL;
	hint_text(&g->hint, "a descriptor of the network poller");
	for (size_t i = 0; i < n; i++) {
		const char *name = frames[i].site->calls[frames[i].site->count - 1].function;
		uint64_t fd;

		if (!str_starts(name, "internal/poll.(*FD)."))
			continue;
		fd = lang_u64(&go->m, argument(g, &frames[i]) + 16);
		if (!argument(g, &frames[i]) || fd > 1u << 20)
			return;
		g->hint.has_fd = true;
		g->hint.fd = (int)fd;
		g->hint.writes = str_starts(name + 20, "Write") || str_starts(name + 20, "Send") ||
				 str_starts(name + 20, "WaitWrite") || str_starts(name + 20, "Connect");
		return;
	}
}

static const struct shape *shape_of(const struct go_frame *frames, size_t n)
{
	const struct shape *found = NULL;

	/* the innermost of its shapes, unless one of package sync stands around it */
	for (size_t i = 0; i < n && i < 8; i++)
		for (size_t c = 0; c < frames[i].site->count; c++)
			for (size_t k = 0; k < sizeof(shapes) / sizeof(*shapes); k++) {
				if (strcmp(frames[i].site->calls[c].function, shapes[k].function) != 0)
					continue;
				if (!found || (k < (size_t)(found - shapes) && str_starts(shapes[k].function, "sync.")))
					found = &shapes[k];
			}
	return found;
}

void go_wait_of(struct go *go, struct goroutine *g, const struct go_frame *frames, size_t n)
{
	const struct shape *s = shape_of(frames, n);

	if (g->status != GO_WAITING || g->torn)
		return;
	g->hint.endless = g->hint.instead = true;
	if (!s) {
		g->hint.kind = WAIT_UNKNOWN;
		hint_text(&g->hint, "%s", g->reason < go->reason_count ? go->reasons[g->reason] : "the runtime");
		return;
	}
	g->hint.kind = s->kind;
	g->shape = s->what;
	hint_text(&g->hint, "%s", s->what);
	switch (s->kind) {
	case WAIT_MUTEX:
		mutex_tell(go, g, frames, n, s->what);
		break;
	case WAIT_RWLOCK:
		rwmutex_tell(go, g, frames, n, s->what);
		break;
	case WAIT_SEMAPHORE:
		if (strcmp(s->what, "sync.WaitGroup") == 0)
			waitgroup_tell(go, g, frames, n);
		break;
	case WAIT_CHAN_RECV: case WAIT_CHAN_SEND:
		channel_tell(go, g, s->kind);
		break;
	case WAIT_SELECT:
		if (strcmp(s->what, "select") == 0)
			select_tell(go, g);
		else
			g->hint.proved = true;
		break;
	case WAIT_POLL:
		poll_tell(go, g, frames, n);
		break;
	case WAIT_SLEEP:
		g->hint.endless = false;
		break;
	default:
		break;
	}
}

/* ---- who has the address of what another one waits for ---- */

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
		for (unsigned k = 0; sudog && k < CASES_MAX; k++, sudog = lang_u64(&go->m, sudog + go->l.sudog_next))
			interest_add(s, sudog_channel(go, g, sudog), i);
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

static void holders_tell(struct search *s)
{
	for (size_t k = 0; k < s->group_count; k++) {
		const struct group *gr = &s->groups[k];

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

/* Who waits for a group waits for the goroutines that its function started. */
static void children_look(struct go *go, struct goroutine *g)
{
	struct go_frame frames[GO_FRAMES_MAX];
	size_t n = go_walk(go, &g->stack, g->pc, g->sp, false, frames, NULL);

	for (size_t i = 0; i < go->count && g->hint.task_count < HOLDERS_MAX; i++)
		for (size_t k = 0; k < n && &go->v[i] != g; k++)
			if (go->v[i].created_pc >= frames[k].site->f.entry && go->v[i].created_pc < frames[k].site->f.end) {
				hint_add_task(&g->hint, go->v[i].id);
				break;
			}
}

/* It has started a test, and waits for that to end. */
static bool runs_tests(struct go *go, const struct goroutine *g)
{
	static const char *const names[] = { "testing.(*T).Run", NULL };
	struct go_frame frames[GO_FRAMES_MAX];

	return frame_named(frames, go_walk(go, &g->stack, g->pc, g->sp, false, frames, NULL), names) != NULL;
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

static bool has_frame(const struct go_frame *frames, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (str_starts(frames[i].site->calls[frames[i].site->count - 1].function, name))
			return true;
	return false;
}

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

void go_waits(struct go *go)
{
	struct search s = { .go = go };
	size_t readers = 0, groups = 0, tests = 0;

	interests_find(&s);
	for (size_t i = 0; s.n && i < go->count; i++)
		stack_look(&s, i);
	holders_tell(&s);
	free(s.v);
	free(s.groups);
	for (size_t i = 0; i < go->count; i++) {
		struct goroutine *g = &go->v[i];

		if (g->hint.kind == WAIT_SEMAPHORE && g->shape && strcmp(g->shape, "sync.WaitGroup") == 0 && groups++ < 100)
			children_look(go, g);
		if (g->hint.kind == WAIT_CHAN_RECV && !g->hint.task_count && tests++ < 100 && runs_tests(go, g))
			children_look(go, g);
		if ((g->hint.kind == WAIT_SELECT || g->hint.kind == WAIT_CHAN_RECV) && readers++ < 200)
			proxies_look(go, g);
	}
	holders_sort(go);
}
