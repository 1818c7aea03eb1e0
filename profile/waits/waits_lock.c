/* SPDX-License-Identifier: Apache-2.0 */
/* waits_lock.c - locks: whose they are.
 *
 * A futex word says nothing about what it belongs to: the functions around the call do. glibc's structures are
 * fixed by its ABI: pthread_mutex_t {int lock; unsigned count; int owner; …}, pthread_rwlock_t {readers, writers,
 * wrphase_futex, writers_futex, pad, pad, cur_writer, …}, and a thread's descriptor holds its tid where
 * pthread_join sleeps. */
#include "profile/waits/waits.h"

#include "base/mem.h"
#include "profile/waits/waits_internal.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { LOCK_DEPTH = 16, GIL_BYTES = 192 };

const struct fd_table *waits_machine(struct waits *w)
{
	auto_pid_list all = PID_LIST_INIT;

	if (w->machine_read)
		return &w->machine;
	w->machine_read = true;
	proc_all(&all);
	for (size_t i = 0; i < all.n; i++)
		if (all.v[i] != getpid() && !snapshot_process(w->s, all.v[i]))
			fd_table_add_process(&w->machine, all.v[i]);
	return &w->machine;
}

bool waits_holder_in_tree(const struct waits *w, const struct snap_thread *t)
{
	for (size_t i = 0; i < t->wait.holder_count; i++)
		if (snapshot_process(w->s, t->wait.holders[i].pid))
			return true;
	return false;
}

void waits_pidfd_holder(struct waits *w, struct snap_process *p, struct snap_thread *t, int fd)
{
	char path[64], info[2048], *at;
	long pid = 0;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)p->pid, fd);
	if (fd_read_file(AT_FDCWD, path, info, sizeof(info)) > 0 && (at = strstr(info, "\nPid:")))
		pid = strtol(at + 5, NULL, 10);
	if (pid > 0)
		wait_holder_add(t, w->s, (pid_t)pid, 0, -1)->ends = true;
}

bool thread_has_function(const struct snap_thread *t, const char *const names[], size_t depth)
{
	for (size_t i = 0; i < t->frame_count && i < depth; i++)
		for (size_t k = 0; t->frames[i].function && names[k]; k++)
			if (strstr(t->frames[i].function, names[k]))
				return true;
	return false;
}

/* The thread that the program itself calls `tid`: of its own process, or, where the lock may be shared, of another. A
 * futex that is private to its process has no owner elsewhere, whatever number stands in it: a child of fork has copied
 * it. */
static bool owner_add(struct waits *w, struct snap_process *p, struct snap_thread *t, pid_t tid)
{
	bool is_private = t->syscall.nr == SYS_futex && t->syscall.arg[1] & 128 /* FUTEX_PRIVATE_FLAG */;

	if (tid <= 0)
		return false;
	for (size_t i = 0; i < p->thread_count; i++)
		if (p->threads[i].ns_tid == tid) {
			wait_holder_add(t, w->s, p->pid, p->threads[i].tid, -1);
			return true;
		}
	for (size_t i = 0; i < w->s->process_count && !is_private; i++)
		for (size_t k = 0; k < w->s->processes[i].thread_count; k++)
			if (w->s->processes[i].threads[k].ns_tid == tid) {
				wait_holder_add(t, w->s, w->s->processes[i].pid, w->s->processes[i].threads[k].tid, -1);
				return true;
			}
	return false;
}

/* pthread_mutex_t of glibc, as far as it matters; a lock with priority inheritance has its owner in the futex word, too. */
struct mutex_words {
	uint32_t lock, count, owner, users, kind;
};
#define REFUSED_WORDS "a mutex with priority inheritance, which the kernel has refused as a deadlock"
enum { MUTEX_TID = 0x3fffffff, MUTEX_KIND_MAX = 0x3ff, MUTEX_KIND_PI = 32, REFUSED_STACK = 512 };

static bool is_pi_mutex(struct snap_process *p, uint64_t addr)
{
	struct mutex_words m;

	return addr % 4 == 0 && peek_full(&p->peek, addr, &m, sizeof(m)) && m.kind <= MUTEX_KIND_MAX &&
	       m.kind & MUTEX_KIND_PI && m.owner && (m.lock & MUTEX_TID) == m.owner;
}

/* The value is the mutex's address, or that of its kind, which glibc has looked at last. */
static bool refused_by(struct waits *w, struct snap_process *p, struct snap_thread *t, uint64_t value)
{
	uint64_t addr = is_pi_mutex(p, value) ? value : value - offsetof(struct mutex_words, kind);
	uint32_t owner = 0;

	if (!is_pi_mutex(p, addr) || !peek_u32(&p->peek, addr + 8, &owner))
		return false;
	wait_set(t, WAIT_MUTEX, "mutex 0x%llx with priority inheritance, which the kernel has refused as a deadlock",
		 (unsigned long long)addr);
	t->wait.address = addr;
	t->wait.proved = owner_add(w, p, t, (pid_t)(owner & MUTEX_TID));
	return true;
}

/* A lock with priority inheritance: the kernel has found that its owner waits for the caller, or is dead, and refused to
 * wait. For that case glibc sleeps for ever on a word of its own stack. The mutex is in a register that calls keep, or
 * was saved further in. */
static void wait_refused(struct waits *w, struct snap_process *p, struct snap_thread *t)
{
	uint64_t slots[REFUSED_STACK / sizeof(uint64_t)];
	size_t n = peek_full(&p->peek, t->syscall.sp, slots, sizeof(slots)) ? sizeof(slots) / sizeof(*slots) : 0;

	for (size_t i = 0; i < SNAP_REGS; i++)
		if (t->regs.have >> i & 1 && refused_by(w, p, t, t->regs.r[i]))
			return;
	for (size_t i = 0; i < n; i++)
		if (refused_by(w, p, t, slots[i]))
			return;
	wait_set(t, WAIT_MUTEX, "%s", REFUSED_WORDS);
}

/* Which mutex was refused is not always to be seen. Its owner is among those who wait for a lock of the thread. */
void waits_refused_holders(const struct snapshot *s, struct snap_process *p)
{
	for (size_t i = 0; i < p->thread_count; i++) {
		struct snap_thread *t = &p->threads[i];

		if (t->wait.kind != WAIT_MUTEX || !t->wait.resource || strcmp(t->wait.resource, REFUSED_WORDS) != 0)
			continue;
		for (size_t k = 0; k < p->thread_count; k++) {
			const struct snap_wait *o = &p->threads[k].wait;

			if (o->kind == WAIT_MUTEX && o->proved && o->holder_count == 1 && o->holders[0].tid == t->tid)
				wait_holder_add(t, s, p->pid, p->threads[k].tid, -1);
		}
	}
}

/* The lock of a stream of glibc: {int lock; int count; void *owner}, the owner's descriptor, where its tid is. */
static bool wait_stream(struct waits *w, struct snap_process *p, struct snap_thread *t, uint64_t addr)
{
	enum { POINTER_HIGH = 0x1000 }; /* of a mutex the upper half is the number of its users */
#if defined(__x86_64__)
	enum { DESCRIPTOR_TID = 720 };
#else
	enum { DESCRIPTOR_TID = 208 };
#endif
	uint64_t owner = 0;
	uint32_t tid = 0;

	if (!peek_full(&p->peek, addr + 8, &owner, sizeof(owner)) || owner >> 32 < POINTER_HIGH)
		return false;
	wait_set(t, WAIT_MUTEX, "lock 0x%llx", (unsigned long long)addr);
	if (!peek_u32(&p->peek, owner + DESCRIPTOR_TID, &tid) || !owner_add(w, p, t, (pid_t)tid))
		return true;
	wait_set(t, WAIT_MUTEX, "lock 0x%llx of a stream", (unsigned long long)addr);
	t->wait.proved = true;
	return true;
}

static void wait_mutex(struct waits *w, struct snap_process *p, struct snap_thread *t, uint64_t addr)
{
	static const char *const full[] = { "pthread_mutex_lock_full", NULL };
	enum { OP_WAIT = 0, OP_WAIT_BITSET = 9 };
	int op = (int)t->syscall.arg[1] & 0x7f;
	uint32_t owner = 0;

	if ((op == OP_WAIT || op == OP_WAIT_BITSET) && thread_has_function(t, full, 8) &&
	    addr - t->syscall.sp < REFUSED_STACK) {
		wait_refused(w, p, t);
		return;
	}
	t->wait.address = addr;
	if (wait_stream(w, p, t, addr))
		return;
	wait_set(t, WAIT_MUTEX, "mutex 0x%llx", (unsigned long long)addr);
	if (peek_u32(&p->peek, addr + 8, &owner) && owner_add(w, p, t, (pid_t)(owner & MUTEX_TID)))
		t->wait.proved = true;
	else if (owner & MUTEX_TID)
		wait_set(t, WAIT_MUTEX, "mutex 0x%llx, of thread %u, which this process does not have (any more)",
			 (unsigned long long)addr, owner & MUTEX_TID);
}

static void wait_rwlock(struct waits *w, struct snap_process *p, struct snap_thread *t, uint64_t addr)
{
	static const unsigned offsets[] = { 8, 12, 0 };

	wait_set(t, WAIT_RWLOCK, "reader-writer lock near 0x%llx", (unsigned long long)addr);
	for (size_t i = 0; i < 3; i++) {
		uint32_t writer = 0, readers = 0;
		uint64_t base = addr - offsets[i];

		if (!peek_u32(&p->peek, base + 24, &writer) || !peek_u32(&p->peek, base, &readers))
			continue;
		if (writer && owner_add(w, p, t, (pid_t)writer)) {
			wait_set(t, WAIT_RWLOCK, "reader-writer lock 0x%llx, held for writing", (unsigned long long)base);
			t->wait.address = base;
			t->wait.proved = true;
			return;
		}
		if (i < 2 && !writer && readers >> 3 && readers >> 3 < 100000) {
			wait_set(t, WAIT_RWLOCK, "reader-writer lock 0x%llx, held by %u readers",
				 (unsigned long long)base, readers >> 3);
			t->wait.address = base;
			return;
		}
	}
}

static void wait_join(struct waits *w, struct snap_process *p, struct snap_thread *t, uint64_t addr)
{
	uint32_t tid = 0;

	peek_u32(&p->peek, addr, &tid);
	wait_set(t, WAIT_FUTEX, "exit of thread %u (pthread_join)", tid);
	t->wait.proved = owner_add(w, p, t, (pid_t)tid);
}

static const struct snap_frame *python_frame(const struct snap_thread *t)
{
	for (size_t i = 0; i < t->frame_count; i++)
		if (strcmp(t->frames[i].language, "python") == 0)
			return &t->frames[i];
	return NULL;
}

/* A thread that is joined is one of the others: where there is only one, it is that. */
static void wait_python_join(struct waits *w, struct snap_process *p, struct snap_thread *t)
{
	wait_set(t, WAIT_FUTEX, "exit of a Python thread (join)");
	for (size_t i = 0; i < p->thread_count; i++)
		if (&p->threads[i] != t && python_frame(&p->threads[i]))
			wait_holder_add(t, w->s, p->pid, p->threads[i].tid, -1);
	t->wait.proved = t->wait.holder_count == 1;
}

/* Who reads from the pipe that the process itself has by this descriptor: of a lock around the reading, the holder. */
static void pipe_reader(struct waits *w, struct snap_process *p, struct snap_thread *t, int fd)
{
	const struct fd_entry *mine = fd_table_find(&w->fds, p->pid, fd), *e;

	for (size_t i = 0; mine && mine->kind == FD_PIPE && i < w->s->process_count; i++) {
		const struct snap_process *o = &w->s->processes[i];

		for (size_t k = 0; k < o->thread_count; k++) {
			const struct snap_thread *peer = &o->threads[k];

			if (peer == t || peer->syscall.running || peer->syscall.nr != SYS_read)
				continue;
			e = fd_table_find(&w->fds, o->pid, (int)peer->syscall.arg[0]);
			if (e && e->kind == FD_PIPE && e->ino == mine->ino && e->dev == mine->dev)
				wait_holder_add(t, w->s, o->pid, peer->tid, -1);
		}
	}
}

void waits_by_hint(struct waits *w, struct snap_process *p, struct snap_thread *t)
{
	const struct snap_hint *h = &t->hint;

	if (h->instead)
		t->wait.endless = h->endless;
	wait_set(t, h->kind, "%s", h->resource ? h->resource : "");
	for (size_t i = 0; i < h->holder_count; i++)
		wait_holder_add(t, w->s, p->pid, h->holders[i], -1);
	if (!h->holder_count && t->lock_owner)
		wait_holder_add(t, w->s, p->pid, t->lock_owner, -1);
	t->wait.proved = h->holder_count || h->instead ? h->proved : t->lock_owner && h->kind == WAIT_MUTEX;
	if (h->kind == WAIT_CHILD && !h->holder_count)
		waits_children(w, p, t, 0);
	if (h->has_fd)
		pipe_reader(w, p, t, h->fd);
}

static void wait_python_lock(struct waits *w, struct snap_process *p, struct snap_thread *t)
{
	static const char *const join[] = { "_wait_for_tstate_lock", "ThreadHandle_join", NULL };
	const struct snap_frame *f = python_frame(t);

	if (thread_has_function(t, join, LOCK_DEPTH)) {
		wait_python_join(w, p, t);
		return;
	}
	if (f && f->file && f->function && str_ends(f->file, "threading.py") && str_ends(f->function, "wait")) {
		wait_set(t, WAIT_CONDITION, "threading condition");
		return;
	}
	if (t->wait.address)
		wait_set(t, WAIT_MUTEX, "Python lock 0x%llx", (unsigned long long)t->wait.address);
	else
		wait_set(t, WAIT_MUTEX, "Python lock");
	if (t->lock_owner) {
		wait_holder_add(t, w->s, p->pid, t->lock_owner, -1);
		t->wait.proved = true;
	}
}

void waits_futex(struct waits *w, struct snap_process *p, struct snap_thread *t)
{
	static const char *const gil[] = { "take_gil", NULL };
	static const char *const python_lock[] = { "PyThread_acquire_lock", "_PyMutex_LockTimed", "lock_PyThread_acquire",
						   "acquire_timed", "ThreadHandle_join", NULL };
	static const char *const join[] = { "pthread_join", "pthread_timedjoin", "pthread_clockjoin", NULL };
	static const char *const destroy[] = { "pthread_cond_destroy", NULL };
	static const char *const condition[] = { "pthread_cond_", "Condvar", "condition_variable", NULL };
	static const char *const rwlock[] = { "pthread_rwlock_", "RwLock", NULL };
	static const char *const semaphore[] = { "sem_wait", "sem_timedwait", "sem_clockwait", NULL };
	static const char *const mutex[] = { "pthread_mutex_", "__lll_lock_wait", "mutex::lock", NULL };
	static const char *const rust_mutex[] = { "mutex::futex::Mutex", "Mutex::lock_contended",
						  "Mutex14lock_contended", NULL };
	static const char *const barrier[] = { "pthread_barrier_wait", NULL };
	uint64_t addr = t->syscall.arg[0];
	uint32_t word[3] = { 0 };
	int op = (int)t->syscall.arg[1] & 0x7f;

	t->wait.endless = !t->syscall.arg[3];
	/* A stripped Python has no name for take_gil, but its condition variable has its place. */
	if (thread_has_function(t, gil, 10) || (p->gil_address && addr - p->gil_address < GIL_BYTES)) {
		wait_set(t, WAIT_GIL, "the global interpreter lock");
		if (p->gil_tid && p->gil_tid != t->tid) {
			wait_holder_add(t, w->s, p->pid, p->gil_tid, -1);
			t->wait.proved = true;
		}
	} else if (t->hint.kind != WAIT_NONE && t->hint.kind != WAIT_POLL) {
		waits_by_hint(w, p, t);
	} else if (t->wait.address || thread_has_function(t, python_lock, 10)) {
		wait_python_lock(w, p, t);
	} else if (thread_has_function(t, join, 6)) {
		wait_join(w, p, t, addr);
	} else if (thread_has_function(t, condition, 8)) {
		wait_set(t, WAIT_CONDITION, "%scondition variable near 0x%llx%s", thread_has_function(t, destroy, 8) ?
			 "the destruction of " : "", (unsigned long long)addr, thread_has_function(t, destroy, 8) ?
			 ", on which another thread still waits" : "");
	} else if (thread_has_function(t, rwlock, 8)) {
		wait_rwlock(w, p, t, addr);
	} else if (thread_has_function(t, semaphore, 8)) {
		wait_set(t, WAIT_SEMAPHORE, "semaphore 0x%llx", (unsigned long long)addr);
	} else if (thread_has_function(t, barrier, 6)) {
		wait_set(t, WAIT_CONDITION, "barrier 0x%llx", (unsigned long long)addr);
	} else if (thread_has_function(t, rust_mutex, 8)) {
		wait_set(t, WAIT_MUTEX, "mutex 0x%llx", (unsigned long long)addr);
		t->wait.address = addr;
	} else if (thread_has_function(t, mutex, 8) || op == 6 || op == 13) {
		wait_mutex(w, p, t, addr);
	} else if (!t->frame_count && peek_full(&p->peek, addr, word, sizeof(word)) && word[0] == 2 &&
		   word[2] && owner_add(w, p, t, (pid_t)word[2])) {
		/* No names: a word of 2 with a living thread's id behind it is glibc's contended mutex. */
		wait_set(t, WAIT_MUTEX, "mutex 0x%llx", (unsigned long long)addr);
		t->wait.address = addr;
		t->wait.proved = true;
	} else {
		wait_set(t, WAIT_FUTEX, "futex 0x%llx", (unsigned long long)addr);
	}
}

/* Locks of flock and of open file descriptions belong to no process: whoever has the file open with a lock on it, in its
 * own name or because it has inherited the descriptor. The process that took it may have ended long ago. */
static void description_holders(struct waits *w, struct snap_process *p, struct snap_thread *t, const struct fd_entry *mine,
				const struct fd_table *fds)
{
	for (size_t i = 0; i < fds->n; i++) {
		const struct fd_entry *e = &fds->v[i];
		char path[64], info[4096];

		if (e->ino != mine->ino || e->dev != mine->dev || (e->pid == p->pid && e->fd == mine->fd))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)e->pid, e->fd);
		if (fd_read_file(AT_FDCWD, path, info, sizeof(info)) > 0 && strstr(info, "\nlock:"))
			wait_holder_add(t, w->s, e->pid, 0, e->fd);
	}
}

static bool is_alive(pid_t pid)
{
	struct proc_stat st;

	return proc_stat_read(pid, &st) == 0 && st.state != 'Z' && st.state != 'X';
}

void waits_file_lock(struct waits *w, struct snap_process *p, struct snap_thread *t)
{
	const struct fd_entry *e = fd_table_find(&w->fds, p->pid, (int)t->syscall.arg[0]);
	auto_free char *text = xmalloc(1 << 20);
	ssize_t n = fd_read_file(AT_FDCWD, "/proc/locks", text, 1 << 20);
	struct lock_wait l;
	bool of_process;

	wait_set(t, WAIT_FILE_LOCK, "lock on %s", e ? e->target : "a file");
	t->wait.endless = true;
	if (n <= 0)
		return;
	if (!lock_wait_parse(text, (size_t)n, p->pid, e ? e->ino : 0, &l) &&
	    !lock_wait_parse(text, (size_t)n, -1, e ? e->ino : 0, &l))
		return;
	wait_set(t, WAIT_FILE_LOCK, "%s on %s", l.text, e ? e->target : "a file");
	of_process = strncmp(l.text, "POSIX", 5) == 0;
	if (!of_process && e) {
		description_holders(w, p, t, e, &w->fds);
		if (!t->wait.holder_count)
			description_holders(w, p, t, e, waits_machine(w));
	}
	if (!t->wait.holder_count && l.holder > 0 && is_alive(l.holder) && (of_process || l.holder != p->pid))
		wait_holder_add(t, w->s, l.holder, 0, -1);
	t->wait.proved = t->wait.holder_count == 1;
}
