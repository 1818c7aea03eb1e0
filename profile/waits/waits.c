/* SPDX-License-Identifier: Apache-2.0 */
/* waits.c - the system call a thread is in, as an edge: kind, resource, holders, proved or only possible. */
#include "profile/collector.h"
#include "profile/graph.h"
#include "profile/lang/loop_source.h"
#include "profile/lang/script.h"
#include "profile/waits/waits.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/signal_name.h"
#include "profile/proc/fdtable.h"
#include "profile/proc/freezer.h"
#include "profile/waits/waits_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

void wait_set(struct snap_thread *t, enum wait_kind kind, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	t->wait.kind = kind;
	free(t->wait.resource);
	t->wait.resource = xstrdup(text);
	t->wait.since_ns = t->since_ns;
}

/* Where a process stands of which no thread is meant in particular: its first one in a line of its own. */
static const struct snap_frame *process_place(const struct snap_process *p)
{
	for (size_t i = 0; i < p->thread_count; i++)
		if (thread_has_own_place(&p->threads[i]))
			return thread_place(&p->threads[i]);
	return p->thread_count ? thread_place(&p->threads[0]) : NULL;
}

struct snap_holder *wait_holder_add(struct snap_thread *t, const struct snapshot *s, pid_t pid, pid_t tid, int fd)
{
	struct snap_wait *w = &t->wait;
	const struct snap_process *p = snapshot_process(s, pid);
	struct snap_holder *h;

	for (size_t i = 0; i < w->holder_count; i++)
		if (w->holders[i].pid == pid && w->holders[i].tid == tid)
			return &w->holders[i];
	w->holders = xreallocarray(w->holders, w->holder_count + 1, sizeof(*w->holders));
	h = &w->holders[w->holder_count++];
	*h = (struct snap_holder){ .pid = pid, .tid = tid, .fd = fd };
	if (p) {
		const struct snap_thread *ht = snapshot_thread(p, tid ? tid : pid);
		const struct snap_frame *f = !tid ? process_place(p) : ht ? thread_place(ht) : NULL;

		h->comm = xstrdup(tid && ht ? ht->name : p->stat.comm);
		if (f && f->function)
			h->function = xstrdup(f->function);
		if (f && f->file)
			h->file = xstrdup(f->file);
		h->line = f ? f->line : 0;
	} else {
		struct proc_stat st;

		h->comm = xstrdup(proc_stat_read(pid, &st) == 0 ? st.comm : "");
	}
	return h;
}

void wait_task_holder_add(struct snap_thread *t, const struct snap_process *p, uint64_t id)
{
	struct snap_wait *w = &t->wait;
	const struct snap_task *task = snapshot_task(p, id);
	const struct snap_frame *f = task ? frames_place(task->frames, task->frame_count) : NULL;
	const struct snap_thread *on = NULL;
	struct snap_holder *h;

	/* it may be on a thread, which has its name then */
	for (size_t i = 0; !task && i < p->thread_count; i++)
		if (p->threads[i].task == id)
			on = &p->threads[i];
	if (on)
		f = thread_place(on);
	if (!task && !on)
		return;
	w->holders = xreallocarray(w->holders, w->holder_count + 1, sizeof(*w->holders));
	h = &w->holders[w->holder_count++];
	*h = (struct snap_holder){ .pid = p->pid, .tid = on ? on->tid : 0, .task = on ? 0 : id, .fd = -1,
				   .comm = xstrdup(task ? task->name : on->label ? on->label : on->name) };
	if (f && f->function)
		h->function = xstrdup(f->function);
	if (f && f->file)
		h->file = xstrdup(f->file);
	h->line = f ? f->line : 0;
}

/* Everybody who has the other end of a pipe open: in the tree, else on the machine. */
void waits_pipe_holders(struct waits *w, struct snap_thread *t, const struct fd_entry *end, bool want_writers)
{
	const struct fd_table *tables[2] = { &w->fds, NULL };
	bool found = false; /* of this pipe: other members of a set have holders of their own */

	for (int k = 0; k < 2; k++) {
		if (k == 1) {
			if (found)
				return;
			tables[1] = waits_machine(w);
		}
		for (size_t i = 0; i < tables[k]->n; i++) {
			const struct fd_entry *e = &tables[k]->v[i];

			if (e->kind == FD_PIPE && e->ino == end->ino && e->dev == end->dev &&
			    (want_writers ? e->writes : e->reads)) {
				wait_holder_add(t, w->s, e->pid, 0, e->fd);
				found = true;
			}
		}
	}
}

void waits_socket_holders(struct waits *w, struct snap_thread *t, const struct sock_info *si)
{
	/* who has not accepted the connection yet is who could answer */
	uint64_t ino = si->peer_ino ? si->peer_ino : si->listener_ino;

	for (size_t i = 0; ino && i < w->fds.n; i++)
		if (w->fds.v[i].kind == FD_SOCKET && w->fds.v[i].ino == ino)
			wait_holder_add(t, w->s, w->fds.v[i].pid, 0, w->fds.v[i].fd);
}

/* Which of its threads has to act on an end of its own is not known, least of all that it is the main one. */
static void holder_forget_place(struct snap_holder *h)
{
	free(h->function);
	free(h->file);
	h->function = h->file = NULL;
	h->line = 0;
}

/* Others on both ends make a wait possible rather than proved: who holds a second writing end may write too. The
 * waiter's own end does not count, unless it is all there is: then nothing can ever come. */
void waits_drop_self(struct snap_thread *t, const struct snap_process *p)
{
	struct snap_wait *w = &t->wait;
	bool others = false;

	for (size_t i = 0; i < w->holder_count; i++)
		others |= w->holders[i].pid != p->pid;
	for (size_t i = 0; i < w->holder_count;) {
		struct snap_holder *h = &w->holders[i];
		bool own = h->pid == p->pid && !h->tid;

		if (own && p->thread_count > 1)
			holder_forget_place(h);
		if (own && others) {
			free(h->comm);
			free(h->function);
			free(h->file);
			*h = w->holders[--w->holder_count];
		} else {
			i++;
		}
	}
}

void waits_socket_text(pid_t pid, const struct fd_entry *e, struct sock_info *si, char *out, size_t size)
{
	const char *name;
	int n = 0;

	if (!sock_lookup(pid, e->ino, si)) {
		snprintf(out, size, "%s", e->target);
		return;
	}
	name = strcmp(si->proto, "unix") == 0 && !si->local[0] ? e->target : si->local;
	if (si->listening)
		n = snprintf(out, size, "%s listening on %s", si->proto, si->local);
	else if (si->connecting)
		n = snprintf(out, size, "%s %s connecting to %s", si->proto, si->local, si->remote);
	else if (strcmp(si->proto, "unix") == 0)
		n = snprintf(out, size, "unix socket %s%s%s", name, si->remote[0] ? " peer " : "", si->remote);
	else
		n = snprintf(out, size, "%s %s peer %s", si->proto, si->local, si->remote);
	if (n > 0 && (size_t)n < size && si->listener_ino)
		snprintf(out + n, size - (size_t)n, " (which has not accepted the connection)");
}

/* A runtime with a poller of its own has no call that tells accept from recv, or connect from send. */
static enum wait_kind sock_kind(const struct sock_info *si, bool reading)
{
	if (si->listening)
		return WAIT_ACCEPT;
	if (si->connecting)
		return WAIT_CONNECT;
	return reading ? WAIT_SOCKET_RECV : WAIT_SOCKET_SEND;
}

/* A read-like or write-like call on one descriptor. */
static void wait_fd(struct waits *w, struct snap_process *p, struct snap_thread *t, int fd, bool reading)
{
	const struct fd_entry *e = fd_table_find(&w->fds, p->pid, fd);
	struct sock_info si = { 0 };
	char text[300];

	t->wait.endless = true;
	if (!e) {
		wait_set(t, WAIT_UNKNOWN, "descriptor %d", fd);
		return;
	}
	switch (e->kind) {
	case FD_PIPE:
		wait_set(t, reading ? WAIT_PIPE_READ : WAIT_PIPE_WRITE, "%s (fd %d)", e->target, fd);
		waits_pipe_holders(w, t, e, reading);
		waits_drop_self(t, p);
		t->wait.proved = t->wait.holder_count == 1;
		if (reading && fd == 0 && !waits_holder_in_tree(w, t))
			wait_set(t, WAIT_STDIN, "standard input, %s", e->target);
		break;
	case FD_SOCKET:
		waits_socket_text(p->pid, e, &si, text, sizeof(text));
		wait_set(t, sock_kind(&si, reading), "%s (fd %d)", text, fd);
		waits_socket_holders(w, t, &si);
		waits_drop_self(t, p);
		t->wait.proved = t->wait.holder_count == 1;
		break;
	case FD_TTY:
		waits_terminal(w, t, e, reading);
		break;
	case FD_EVENTFD:
		waits_eventfd(w, p, t, fd);
		break;
	case FD_SIGNALFD:
		wait_set(t, WAIT_SIGNAL, "signalfd (fd %d)", fd);
		break;
	case FD_TIMERFD:
		waits_timerfd(p, t, fd);
		break;
	case FD_INOTIFY:
		wait_set(t, WAIT_POLL, "inotify (fd %d)", fd);
		break;
	default:
		wait_set(t, WAIT_IO, "%s (fd %d)", e->target, fd);
	}
}

void waits_sleep(struct snap_thread *t, int64_t ns, const char *call)
{
	if (ns < 0)
		wait_set(t, WAIT_SLEEP, "%s", call);
	else
		wait_set(t, WAIT_SLEEP, "%s for %.3f s", call, (double)ns / 1e9);
	t->wait.timeout_ns = ns;
}

bool waits_timespec(struct snap_process *p, uint64_t addr, int64_t unit, int64_t *ns)
{
	int64_t tv[2];

	if (!addr || !peek_full(&p->peek, addr, tv, sizeof(tv)) || tv[0] < 0 || tv[0] > INT64_C(9000000000))
		return false;
	*ns = tv[0] * NS_PER_S + tv[1] * unit;
	return true;
}

void waits_children(struct waits *w, struct snap_process *p, struct snap_thread *t, pid_t only)
{
	size_t zombies = 0;

	t->wait.endless = true;
	for (size_t i = 0; i < w->s->process_count; i++) {
		const struct snap_process *c = &w->s->processes[i];

		if (c->stat.ppid != p->pid || (only > 0 && c->pid != only && c->ns_pid != only))
			continue;
		zombies += !c->alive;
		if (c->alive)
			wait_holder_add(t, w->s, c->pid, 0, -1);
	}
	t->wait.proved = t->wait.holder_count == 1 && !zombies;
}

static void wait_child(struct waits *w, struct snap_process *p, struct snap_thread *t, pid_t only)
{
	wait_set(t, WAIT_CHILD, only > 0 ? "exit of child %d" : "exit of any child", (int)only);
	waits_children(w, p, t, only);
}

/* A unix socket whose listener's queue is full: who listens has to accept. */
static void connect_holders(struct waits *w, struct snap_process *p, struct snap_thread *t, const char *name)
{
	uint64_t ino[8];
	char found[96];
	size_t n = sock_unix_listeners(0, name, ino, sizeof(ino) / sizeof(*ino), found, sizeof(found));

	for (size_t i = 0; i < n; i++)
		waits_socket_holders(w, t, &(struct sock_info){ .listener_ino = ino[i] });
	waits_drop_self(t, p);
	t->wait.proved = t->wait.holder_count == 1;
}

static void wait_connect(struct waits *w, struct snap_process *p, struct snap_thread *t)
{
	unsigned char addr[128] = { 0 };
	size_t n = t->syscall.arg[2] < sizeof(addr) ? (size_t)t->syscall.arg[2] : sizeof(addr);
	char text[200] = "";

	if (peek_full(&p->peek, t->syscall.arg[1], addr, n))
		sock_addr_text(addr, n, text, sizeof(text));
	wait_set(t, WAIT_CONNECT, "connection to %s (fd %d)", text[0] ? text : "?", (int)t->syscall.arg[0]);
	if (addr[0] == AF_UNIX && text[0])
		connect_holders(w, p, t, text);
}

static void wait_accept(struct waits *w, struct snap_process *p, struct snap_thread *t)
{
	const struct fd_entry *e = fd_table_find(&w->fds, p->pid, (int)t->syscall.arg[0]);
	struct sock_info si;
	char text[300] = "a connection";

	if (e && e->kind == FD_SOCKET)
		waits_socket_text(p->pid, e, &si, text, sizeof(text));
	wait_set(t, WAIT_ACCEPT, "%s (fd %d)", text, (int)t->syscall.arg[0]);
	t->wait.endless = true;
}

/* restart_syscall goes on with an earlier call, whose registers still stand: the innermost function tells which, or the
 * wait channel. A stop and SIGCONT lead here, and so does a micro-stop. */
static long restarted_call(const struct snap_thread *t)
{
	static const char *const sleeps[] = { "nanosleep", NULL }, *const polls[] = { "poll", NULL };
	static const char *const locks[] = { "futex", "pthread_", "sem_", "lll_lock", NULL };

	if (thread_has_function(t, sleeps, 2) || strstr(t->wchan, "nanosleep"))
		return SYS_clock_nanosleep;
	if (thread_has_function(t, locks, 3) || strstr(t->wchan, "futex"))
		return SYS_futex;
	if (thread_has_function(t, polls, 2) || strstr(t->wchan, "poll"))
#ifdef SYS_poll
		return SYS_poll;
#else
		return SYS_ppoll;
#endif
	return -1;
}

/* A signal that was sent to it, and that it does not get; -1 none. */
static int blocked_signal(const struct snap_process *p, const struct snap_thread *t)
{
	struct proc_status st;
	uint64_t set;

	if (proc_status_read(p->pid, t->tid, &st) < 0)
		return -1;
	set = (st.sig_pending | st.sig_shared_pending) & st.sig_blocked;
	return set ? __builtin_ctzll(set) + 1 : -1;
}

static void wait_signal(struct waits *w, struct snap_process *p, struct snap_thread *t, const char *call)
{
	int sig;

	/* A shell's `wait`: sigsuspend until SIGCHLD. */
	if (p->sig_caught >> (SIGCHLD - 1) & 1) {
		wait_child(w, p, t, 0);
		if (t->wait.holder_count) {
			wait_set(t, WAIT_CHILD, "a signal (%s), SIGCHLD among them", call);
			t->wait.proved = false;
			return;
		}
	}
	wait_set(t, WAIT_SIGNAL, "a signal (%s)", call);
	t->wait.endless = true;
	sig = blocked_signal(p, t);
	if (sig > 0 && signal_abbrev(sig))
		wait_set(t, WAIT_SIGNAL, "a signal (%s); SIG%s was sent to it, and it has that blocked", call,
			 signal_abbrev(sig));
}

/* waitid of a pidfd waits for that process; of anything else for what its id says. */
static void wait_waitid(struct waits *w, struct snap_process *p, struct snap_thread *t)
{
	uint64_t id = t->syscall.arg[1];

	if (t->syscall.arg[0] == 3 /* P_PIDFD */) {
		wait_set(t, WAIT_CHILD, "exit of the process of pidfd %d", (int)id);
		waits_pidfd_holder(w, p, t, (int)id);
		t->wait.endless = true;
		t->wait.proved = t->wait.holder_count == 1;
	} else {
		wait_child(w, p, t, t->syscall.arg[0] == P_PID ? (pid_t)id : 0);
	}
}

/* Of a sleep until a time of some clock. */
static int64_t sleep_left(uint64_t clock, int64_t until_ns)
{
	struct timespec now;
	int64_t left;

	if (clock > CLOCK_MONOTONIC || clock_gettime((clockid_t)clock, &now) < 0)
		return -1;
	left = until_ns - (now.tv_sec * NS_PER_S + now.tv_nsec);
	return left > 0 ? left : 0;
}

static void wait_timed(struct waits *w, struct snap_process *p, struct snap_thread *t)
{
	const struct proc_syscall *sc = &t->syscall;
	int64_t ns = -1;

	switch (sc->nr) {
#ifdef SYS_nanosleep
	case SYS_nanosleep:
		waits_timespec(p, sc->arg[0], 1, &ns);
		waits_sleep(t, ns, "nanosleep");
		break;
#endif
	case SYS_clock_nanosleep:
		if (waits_timespec(p, sc->arg[2], 1, &ns) && sc->arg[1] & TIMER_ABSTIME)
			ns = sleep_left(sc->arg[0], ns);
		waits_sleep(t, ns, sc->arg[1] & TIMER_ABSTIME ? "clock_nanosleep, to go" : "clock_nanosleep");
		break;
#ifdef SYS_poll
	case SYS_poll:
		waits_poll(w, p, t, (int)sc->arg[2] < 0 ? WAITS_ENDLESS : (int64_t)(int)sc->arg[2] * NS_PER_MS);
		break;
#endif
	case SYS_ppoll:
		if (!sc->arg[0] && !sc->arg[1] && !sc->arg[2]) { /* pause() where there is no such call: arm64 */
			wait_signal(w, p, t, "pause");
			break;
		}
		ns = sc->arg[2] ? WAITS_LIMITED : WAITS_ENDLESS;
		waits_timespec(p, sc->arg[2], 1, &ns);
		waits_poll(w, p, t, ns);
		break;
#ifdef SYS_select
	case SYS_select:
		waits_select(w, p, t, false);
		break;
#endif
	case SYS_pselect6:
		waits_select(w, p, t, true);
		break;
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
#endif
	case SYS_epoll_pwait:
		waits_epoll(w, p, t, (int)sc->arg[3] < 0 ? WAITS_ENDLESS : (int64_t)(int)sc->arg[3] * NS_PER_MS);
		break;
	case 441: /* epoll_pwait2, the same number everywhere */
		ns = sc->arg[3] ? WAITS_LIMITED : WAITS_ENDLESS;
		waits_timespec(p, sc->arg[3], 1, &ns);
		waits_epoll(w, p, t, ns);
		break;
	}
}

/* From one descriptor into another: a pipe that is full, or one that is empty. Only one of them may be able to block. */
static void wait_splice(struct waits *w, struct snap_process *p, struct snap_thread *t, int from, int to)
{
	const struct fd_entry *e = fd_table_find(&w->fds, p->pid, from);
	bool full = strstr(t->wchan, "writable") || strstr(t->wchan, "wait_for_space") || strstr(t->wchan, "opipe");

	if (full || (e && e->kind == FD_FILE))
		wait_fd(w, p, t, to, false);
	else
		wait_fd(w, p, t, from, true);
}

static void wait_by_call(struct waits *w, struct snap_process *p, struct snap_thread *t)
{
	struct proc_syscall *sc = &t->syscall;

	if (sc->nr == SYS_restart_syscall && restarted_call(t) >= 0)
		sc->nr = restarted_call(t);
	switch (sc->nr) {
	case SYS_futex:
		waits_futex(w, p, t);
		break;
	case SYS_read: case SYS_readv: case SYS_pread64: case SYS_recvfrom: case SYS_recvmsg: case SYS_recvmmsg:
		wait_fd(w, p, t, (int)sc->arg[0], true);
		break;
	case SYS_splice:
		wait_splice(w, p, t, (int)sc->arg[0], (int)sc->arg[2]);
		break;
	case SYS_tee:
		wait_splice(w, p, t, (int)sc->arg[0], (int)sc->arg[1]);
		break;
	case SYS_write: case SYS_writev: case SYS_pwrite64: case SYS_sendto: case SYS_sendmsg: case SYS_sendmmsg:
	case SYS_sendfile: case SYS_fsync: case SYS_fdatasync: case SYS_ftruncate: case SYS_fallocate:
		wait_fd(w, p, t, (int)sc->arg[0], false);
		break;
	case SYS_accept: case SYS_accept4:
		wait_accept(w, p, t);
		break;
	case SYS_connect:
		wait_connect(w, p, t);
		break;
	case SYS_wait4:
		wait_child(w, p, t, (int)sc->arg[0] > 0 ? (pid_t)sc->arg[0] : 0);
		break;
	case SYS_waitid:
		wait_waitid(w, p, t);
		break;
	case SYS_flock:
		waits_file_lock(w, p, t);
		break;
	case SYS_fcntl:
		if (sc->arg[1] == F_SETLKW || sc->arg[1] == F_OFD_SETLKW)
			waits_file_lock(w, p, t);
		else
			waits_other(w, p, t);
		break;
#ifdef SYS_pause
	case SYS_pause:
		wait_signal(w, p, t, "pause");
		break;
#endif
	case SYS_rt_sigsuspend:
		wait_signal(w, p, t, "sigsuspend");
		break;
	case SYS_rt_sigtimedwait:
		wait_signal(w, p, t, "sigwait");
		break;
	case SYS_clock_nanosleep: case SYS_ppoll: case SYS_pselect6: case SYS_epoll_pwait: case 441:
#ifdef SYS_nanosleep
	case SYS_nanosleep:
#endif
#ifdef SYS_poll
	case SYS_poll:
#endif
#ifdef SYS_select
	case SYS_select:
#endif
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
#endif
		wait_timed(w, p, t);
		break;
	default:
		waits_other(w, p, t);
	}
}

/* Version 1 keeps the function it slept in and is in state D, version 2 sleeps on its way back from the kernel. */
static bool wait_frozen(struct snap_process *p, struct snap_thread *t)
{
	char dir[1024];

	if ((t->state != 'D' && strcmp(t->wchan, "get_signal") != 0 && !strstr(t->wchan, "freez") &&
	     !strstr(t->wchan, "refrigerator")) ||
	    !freezer_holds(p->pid, dir, sizeof(dir)))
		return false;
	wait_set(t, WAIT_STOPPED, "the thawing of its cgroup %s", dir);
	t->wait.endless = true;
	t->wait.proved = true;
	return true;
}

/* A futex that is private to a process with one thread: whoever held it or should wake it is that thread, or is gone. */
static void tell_alone(const struct snap_process *p, struct snap_thread *t)
{
	static const enum wait_kind kinds[] = { WAIT_MUTEX, WAIT_RWLOCK, WAIT_CONDITION, WAIT_SEMAPHORE, WAIT_FUTEX };
	const struct proc_syscall *sc = &t->syscall;
	auto_free char *what = NULL;
	bool fits = false;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		fits = fits || t->wait.kind == kinds[i];
	/* of a lock whose owner is known to be gone there is more to say than that */
	if (t->wait.kind == WAIT_MUTEX)
		fits = !t->wait.resource || (str_starts(t->wait.resource, "mutex ") && !strchr(t->wait.resource, ','));
	if (!fits || p->thread_count != 1 || t->wait.holder_count || sc->nr != SYS_futex || !(sc->arg[1] & 128) ||
	    sc->arg[3])
		return;
	what = t->wait.resource;
	t->wait.resource = xasprintf("%s; no other thread of the process is there to end it", what ? what : "a futex");
}

/* A handler of SIGCHLD may post the semaphore on which the only thread of a shell waits for its children (fish). */
static void semaphore_of_children(struct waits *w, struct snap_process *p, struct snap_thread *t)
{
	if (t->wait.kind != WAIT_SEMAPHORE || p->thread_count != 1 || t->wait.holder_count ||
	    !(p->sig_caught >> (SIGCHLD - 1) & 1))
		return;
	waits_children(w, p, t, 0);
	t->wait.proved = false;
	if (t->wait.holder_count)
		wait_set(t, WAIT_CHILD, "a semaphore that its handler of SIGCHLD may post");
}

static void wait_thread(struct waits *w, struct snap_process *p, struct snap_thread *t)
{
	if (t->state == 'Z' || t->state == 'X' || t->status == COLLECT_GONE)
		return;
	if (t->state == 'T' || t->state == 't') {
		struct proc_status st;
		pid_t tracer = proc_status_read(p->pid, t->tid, &st) == 0 ? st.tracer_pid : 0;

		wait_set(t, WAIT_STOPPED, t->state == 'T' ? "SIGCONT (stopped by a signal)" : "its tracer");
		t->wait.endless = true;
		if (tracer)
			wait_holder_add(t, w->s, tracer, 0, -1);
		t->wait.proved = tracer != 0;
		return;
	}
	if (wait_frozen(p, t) || (t->state == 'S' && waits_by_title(w, p, t)))
		return;
	if (t->hint.instead && t->hint.kind != WAIT_NONE) {
		waits_by_hint(w, p, t);
		tell_alone(p, t);
		return;
	}
	if (t->syscall.running || (t->intrusion && t->state == 'R'))
		return;
	if (t->syscall.nr >= 0) {
		wait_by_call(w, p, t);
		waits_by_sqlite(w, p, t);
		semaphore_of_children(w, p, t);
		tell_alone(p, t);
	} else if (t->state == 'S' && (t->status != COLLECT_OK || strcmp(t->wchan, "handle_userfault") == 0)) {
		waits_by_channel(t);
	}
	if (t->state == 'D' && (t->wait.kind == WAIT_NONE || t->wait.kind == WAIT_UNKNOWN)) {
		wait_set(t, WAIT_IO, "the kernel, in %s (uninterruptible)", t->wchan[0] ? t->wchan : "an unnamed function");
		t->wait.endless = true;
	}
}

/* What its reader says that it waits for; a descriptor is looked at as if a thread read or wrote it. */
static void wait_task(struct waits *w, struct snap_process *p, struct snap_task *task)
{
	const struct snap_hint *h = &task->hint;
	struct snap_thread t = { .tid = p->pid, .since_ns = task->since_ns, .wait.since_ns = -1, .wait.timeout_ns = -1 };

	if (h->kind == WAIT_NONE)
		return;
	if (h->has_fd)
		wait_fd(w, p, &t, h->fd, !h->writes);
	else
		wait_set(&t, h->kind, "%s", h->resource ? h->resource : "");
	t.wait.endless = h->endless;
	for (size_t i = 0; i < h->task_count; i++)
		wait_task_holder_add(&t, p, h->tasks[i]);
	for (size_t i = 0; i < h->holder_count; i++)
		wait_holder_add(&t, w->s, p->pid, h->holders[i], -1);
	if (!h->has_fd)
		t.wait.proved = h->proved;
	task->wait = t.wait;
	if (h->has_fd) {
		free(task->awaits);
		task->awaits = xstrdup(t.wait.resource);
	}
}

void waits_resolve(struct snapshot *s)
{
	struct waits w = { .s = s };
	int64_t began = clock_mono_ns();
	char reason[100];

	for (size_t i = 0; i < s->process_count; i++)
		fd_table_add_process(&w.fds, s->processes[i].pid);
	for (size_t i = 0; i < s->process_count; i++)
		for (size_t k = 0; k < s->processes[i].thread_count; k++)
			wait_thread(&w, &s->processes[i], &s->processes[i].threads[k]);
	for (size_t i = 0; i < s->process_count; i++)
		waits_refused_holders(s, &s->processes[i]);
	for (size_t i = 0; i < s->process_count; i++)
		for (size_t k = 0; k < s->processes[i].task_count; k++)
			wait_task(&w, &s->processes[i], &s->processes[i].tasks[k]);
	snprintf(reason, sizeof(reason), "descriptors of %zu processes may not be seen", w.fds.denied);
	snapshot_collector(s, "waits", !w.fds.denied ? COLLECT_OK : w.fds.denied == s->process_count ? COLLECT_DENIED :
			   COLLECT_PARTIAL, clock_mono_ns() - began, w.fds.denied ? reason : NULL);
	fd_table_release(&w.fds);
	fd_table_release(&w.machine);
}

static void waits_collect(struct snapshot *s, const struct collect_request *q)
{
	(void)q;
	script_places(s);
	waits_resolve(s);
	loops_name(s);
}

const struct collector collector_waits = { .name = "waits", .help = "what each thread waits for, and who holds it",
					   .budget_ms = 1000, .collect = waits_collect };
