/* SPDX-License-Identifier: Apache-2.0 */
/* go_wait.c - what a parked goroutine waits for: told by the functions of the runtime that parked it, which keep their
 * names in every version. The address of a lock lies in its frame, where the register ABI spills the first argument: right
 * above the return address. */
#include "profile/lang/go.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Functions that park, the most telling one first found from the innermost outwards, and what they wait for. */
static const struct shape {
	const char *function;
	enum wait_kind kind;
	const char *what;
} shapes[] = {
	{ "sync.(*WaitGroup).Wait", WAIT_SEMAPHORE, "sync.WaitGroup" },
	{ "sync.(*Cond).Wait", WAIT_CONDITION, "sync.Cond" },
	{ "sync.(*RWMutex).RLock", WAIT_RWLOCK, GO_TO_READ },
	{ "sync.(*RWMutex).Lock", WAIT_RWLOCK, GO_TO_WRITE },
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
	bool writes = strcmp(what, GO_TO_WRITE) == 0;

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

uint64_t go_sudog_channel(struct go *go, const struct goroutine *g, uint64_t sudog)
{
	return lang_u64(&go->m, sudog) == g->g ? lang_u64(&go->m, sudog + go->l.sudog_channel) : 0;
}

static void channel_tell(struct go *go, struct goroutine *g, enum wait_kind kind)
{
	uint64_t at = go_sudog_channel(go, g, g->waiting), held, size;

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

	for (; sudog && n < GO_CASES_MAX; n++, sudog = lang_u64(&go->m, sudog + go->l.sudog_next)) {
		uint64_t at = go_sudog_channel(go, g, sudog);

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
