/* SPDX-License-Identifier: Apache-2.0 */
/* kinds.c - the kind of a wait (the words of `inspect --json`) out of the system call, the descriptor behind it and the
 * functions that made it. */
#include "profile/sample/finish.h"

#include <string.h>

struct call_kind {
	short x86, arm;
	enum wait_kind kind;      /* WAIT_NONE: by the descriptor */
	bool writes;
};
static const struct call_kind calls[] = {
	{ 0, 63, WAIT_NONE, false },          { 17, 67, WAIT_NONE, false },         { 19, 65, WAIT_NONE, false },
	{ 1, 64, WAIT_NONE, true },           { 18, 68, WAIT_NONE, true },          { 20, 66, WAIT_NONE, true },
	{ 45, 207, WAIT_SOCKET_RECV, false }, { 47, 212, WAIT_SOCKET_RECV, false }, { 299, 243, WAIT_SOCKET_RECV, false },
	{ 44, 206, WAIT_SOCKET_SEND, true },  { 46, 211, WAIT_SOCKET_SEND, true },  { 307, 269, WAIT_SOCKET_SEND, true },
	{ 42, 203, WAIT_CONNECT, false },     { 43, 202, WAIT_ACCEPT, false },      { 288, 242, WAIT_ACCEPT, false },
	{ 7, -1, WAIT_POLL, false },          { 271, 73, WAIT_POLL, false },        { 23, -1, WAIT_POLL, false },
	{ 270, 72, WAIT_POLL, false },        { 232, -1, WAIT_POLL, false },        { 281, 22, WAIT_POLL, false },
	{ 441, 441, WAIT_POLL, false },       { 35, 101, WAIT_SLEEP, false },       { 230, 115, WAIT_SLEEP, false },
	{ 34, -1, WAIT_SIGNAL, false },       { 130, 133, WAIT_SIGNAL, false },     { 128, 137, WAIT_SIGNAL, false },
	{ 61, 260, WAIT_CHILD, false },       { 247, 95, WAIT_CHILD, false },       { 58, -1, WAIT_CHILD, false },
	{ 73, 32, WAIT_FILE_LOCK, false },    { 72, 25, WAIT_FILE_LOCK, false },    { 74, 82, WAIT_IO, false },
	{ 75, 83, WAIT_IO, false },           { 202, 98, WAIT_FUTEX, false },       { 449, 449, WAIT_FUTEX, false },
};

/* Functions that tell what a futex is, outermost kind last: the first that is found from the inside counts. */
static const struct {
	const char *name;
	enum wait_kind kind;
} functions[] = {
	{ "take_gil", WAIT_GIL }, { "PyEval_RestoreThread", WAIT_GIL }, { "PyEval_AcquireThread", WAIT_GIL },
	{ "pthread_mutex_lock", WAIT_MUTEX }, { "lll_lock_wait", WAIT_MUTEX }, { "pthread_mutex_timedlock", WAIT_MUTEX },
	{ "PyThread_acquire_lock", WAIT_MUTEX }, { "PyMutex_Lock", WAIT_MUTEX }, { "_PyMutex_LockTimed", WAIT_MUTEX },
	{ "pthread_rwlock", WAIT_RWLOCK }, { "pthread_cond_", WAIT_CONDITION }, { "cnd_wait", WAIT_CONDITION },
	{ "sem_wait", WAIT_SEMAPHORE }, { "sem_timedwait", WAIT_SEMAPHORE }, { "sem_clockwait", WAIT_SEMAPHORE },
	{ "pthread_join", WAIT_FUTEX }, { "pthread_clockjoin", WAIT_FUTEX }, { "pthread_timedjoin", WAIT_FUTEX },
	{ "condition_variable", WAIT_CONDITION }, { "pthread_barrier", WAIT_CONDITION },
};

static bool name_holds(const char *name, const char *part)
{
	while (*name == '_')
		name++;
	while (*part == '_')
		part++;
	return strncmp(name, part, strlen(part)) == 0;
}

/* Functions of CPython's own that wait on a lock which nobody holds: for an item, or the end of a thread. */
static const struct {
	const char *name;
	enum wait_kind kind;
} signals[] = {
	{ "queue_SimpleQueue_get", WAIT_CONDITION }, { "simplequeue_get", WAIT_CONDITION },
	{ "ThreadHandle_join", WAIT_FUTEX },
	{ "thread_PyThread_join", WAIT_FUTEX },
};

static bool ends_with(const char *text, const char *end)
{
	size_t n = text ? strlen(text) : 0, k = strlen(end);

	return n >= k && strcmp(text + n - k, end) == 0;
}

/* A lock of Python's: its own threading module waits on one for everything; who calls it tells for what. */
static enum wait_kind kind_of_python_lock(const struct profile *p, uint32_t stack)
{
	for (uint32_t i = 0; i < p->stack_len[stack]; i++) {
		const struct prof_frame *f = &p->frames[p->pool[p->stack_first[stack] + i]];

		if (!f->function)
			continue;
		for (size_t k = 0; strcmp(f->language, "native") == 0 && k < sizeof(signals) / sizeof(*signals); k++)
			if (name_holds(f->function, signals[k].name))
				return signals[k].kind;
		if (strcmp(f->language, "python") != 0)
			continue;
		/* Idle workers of the library's pools wait in a queue, whose code has no name where symbols are stripped. */
		if (ends_with(f->file, "/concurrent/futures/thread.py") || ends_with(f->file, "/multiprocessing/pool.py"))
			return WAIT_CONDITION;
		if (!ends_with(f->file, "threading.py"))
			return WAIT_MUTEX;
		if (ends_with(f->function, "_wait_for_tstate_lock") || ends_with(f->function, "join"))
			return WAIT_FUTEX;
		return ends_with(f->function, "wait") ? WAIT_CONDITION : WAIT_MUTEX;
	}
	return WAIT_FUTEX; /* its caller is not known, so nor is what it waits for */
}

static enum wait_kind kind_of_futex(const struct profile *p, uint32_t stack)
{
	enum wait_kind best = WAIT_FUTEX;
	bool python = false;

	for (uint32_t i = 0; i < p->stack_len[stack] && i < 16; i++) {
		const struct prof_frame *f = &p->frames[p->pool[p->stack_first[stack] + i]];

		if (!f->function || strcmp(f->language, "native") != 0)
			continue;
		for (size_t k = 0; k < sizeof(functions) / sizeof(*functions); k++) {
			if (!name_holds(f->function, functions[k].name))
				continue;
			python |= name_holds(f->function, "PyThread_acquire_lock");
			/* CPython's GIL and locks wait in a condition variable or semaphore of libc: the caller
			 * knows better. */
			if (best == WAIT_FUTEX || functions[k].kind == WAIT_GIL || functions[k].kind == WAIT_MUTEX)
				best = functions[k].kind;
		}
		if (best == WAIT_GIL)
			return best;
	}
	return python ? kind_of_python_lock(p, stack) : best;
}

static enum wait_kind kind_of_fd(const struct book_wait *w, bool writes)
{
	const char *r = w->resource, *target = r ? strstr(r, ": ") : NULL;

	if (!target)
		return WAIT_UNKNOWN;
	target += 2;
	if (!writes && strncmp(r, "fd 0:", 5) == 0)
		return WAIT_STDIN;
	if (strncmp(target, "pipe:", 5) == 0)
		return writes ? WAIT_PIPE_WRITE : WAIT_PIPE_READ;
	if (strncmp(target, "socket:", 7) == 0 || strncmp(target, "tcp", 3) == 0 || strncmp(target, "unix", 4) == 0 ||
	    strncmp(target, "udp", 3) == 0)
		return writes ? WAIT_SOCKET_SEND : WAIT_SOCKET_RECV;
	if (strncmp(target, "/dev/pts/", 9) == 0 || strcmp(target, "/dev/tty") == 0)
		return WAIT_TTY;
	if (strstr(target, "eventfd") || strstr(target, "timerfd") || strstr(target, "signalfd"))
		return WAIT_EVENTFD;
	return WAIT_IO;
}

const char *wait_kind_of(const struct book_wait *w, const struct profile *p, uint32_t stack)
{
	enum wait_kind kind = WAIT_UNKNOWN;

	if (w->kind > WAIT_NONE && w->kind < WAIT_COUNT)
		return wait_kind_text[w->kind];
	if (w->state == 'T' || w->state == 't')
		return wait_kind_text[WAIT_STOPPED];
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
#if defined(__x86_64__)
		if (calls[i].x86 != w->nr)
			continue;
#else
		if (calls[i].arm != w->nr)
			continue;
#endif
		kind = calls[i].kind != WAIT_NONE ? calls[i].kind : kind_of_fd(w, calls[i].writes);
		break;
	}
	if (kind == WAIT_FUTEX)
		kind = kind_of_futex(p, stack);
	if (w->state == 'D' && kind != WAIT_CHILD && kind != WAIT_FILE_LOCK)
		kind = WAIT_IO;
	return wait_kind_text[kind];
}
