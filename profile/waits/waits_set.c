/* SPDX-License-Identifier: Apache-2.0 */
/* waits_set.c - poll, select and epoll: what is in the set, who could make an event in it, and what nobody has read. */
#include "profile/waits/waits.h"

#include "base/clock.h"
#include "base/frame_home.h"
#include "base/mem.h"
#include "profile/proc/fdtable.h"
#include "profile/waits/waits_internal.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>

/* A pair of sockets with both ends in one process wakes its own loop. */
static bool is_own_pair(const struct waits *w, pid_t pid, const struct sock_info *si)
{
	bool mine = false;

	for (size_t i = 0; si->peer_ino && i < w->fds.n; i++)
		if (w->fds.v[i].kind == FD_SOCKET && w->fds.v[i].ino == si->peer_ino) {
			if (w->fds.v[i].pid != pid)
				return false;
			mine = true;
		}
	return mine;
}

/* What a poll set has, as far as it was looked at. */
struct set {
	struct str text;
	size_t members;
	bool own;    /* a pair, pipe or counter of the process's own, by which its threads and handlers wake it */
	bool open;   /* anybody might make an event: a listener, a file, a peer that is not known */
	bool listens;
	const struct fd_entry *pipe; /* one that is read from */
	const struct fd_entry *terminal[4]; /* masters; a server with terminals (tmux, sshd) waits for its clients */
	size_t terminals;
};

#define SET_MISSED "edge-triggered: no new event comes for what is there"

enum { SET_WRITING = 1, SET_EDGE = 2 };

static void socket_add(struct waits *w, struct snap_process *p, struct snap_thread *t, const struct fd_entry *e, int flags,
		       struct set *set)
{
	size_t before = t->wait.holder_count;
	struct sock_info si = { 0 };
	bool pair = false;
	char text[300];

	waits_socket_text(p->pid, e, &si, text, sizeof(text));
	str_add(&set->text, text);
	if (strcmp(si.proto, "unix") == 0 && is_own_pair(w, p->pid, &si)) {
		str_add(&set->text, " (its own)");
		set->own = pair = true;
	} else if (si.unread) {
		/* no comma: it parts the members of a set */
		str_addf(&set->text, " (%llu %s%s%s)", (unsigned long long)si.unread,
			 !si.listening ? "bytes unread" : si.unread == 1 ? "connection not accepted" :
							  "connections not accepted",
			 flags == SET_EDGE ? "; " : "", flags == SET_EDGE ? SET_MISSED : "");
		/* its peer has done its part */
		if (flags == SET_EDGE)
			return;
	}
	waits_socket_holders(w, t, &si);
	set->listens |= si.listening;
	set->open |= si.listening || (!pair && t->wait.holder_count == before);
}

/* One member of a poll set, in words; its peers become possible holders. */
static void set_add(struct waits *w, struct snap_process *p, struct snap_thread *t, int fd, int flags, struct set *set)
{
	const struct fd_entry *e = fd_table_find(&w->fds, p->pid, fd);
	size_t before = t->wait.holder_count;

	set->members++;
	if (set->text.len > 600) {
		set->open = true;
		return;
	}
	str_addf(&set->text, "%sfd %d ", set->text.len ? ", " : "", fd);
	if (e && e->kind == FD_SOCKET) {
		socket_add(w, p, t, e, flags, set);
		return;
	}
	str_add(&set->text, e ? e->target : "closed");
	if (e && e->kind == FD_PIPE)
		waits_pipe_holders(w, t, e, !(flags & SET_WRITING));
	if (e && e->kind == FD_PIPE && !(flags & SET_WRITING))
		set->pipe = e;
	if (e && e->kind == FD_PIDFD)
		waits_pidfd_holder(w, p, t, fd);
	if (e && e->kind == FD_TTY && !(flags & SET_WRITING) && set->terminals < 4)
		set->terminal[set->terminals++] = e;
	set->own |= e && (e->kind == FD_EVENTFD || e->kind == FD_SIGNALFD);
	set->open |= !e || (e->kind != FD_EVENTFD && e->kind != FD_PIPE) ||
		     (e->kind == FD_PIPE && t->wait.holder_count == before && !before);
}

static bool has_children(const struct snapshot *s, pid_t pid)
{
	for (size_t i = 0; i < s->process_count; i++)
		if (s->processes[i].stat.ppid == pid && s->processes[i].alive)
			return true;
	return false;
}

/* An event loop polls a pipe of its own, to be woken by its signal handlers and threads: that proves nothing, unless there
 * is neither another thread nor a child to make one. */
static bool set_proves(const struct waits *w, const struct snap_process *p, const struct snap_thread *t,
		       const struct set *set)
{
	if (t->wait.holder_count != 1 || t->wait.holders[0].pid == p->pid)
		return false;
	if (set->members == 1)
		return true;
	return !set->open && (!set->own || (p->thread_count == 1 && !has_children(w->s, p->pid)));
}

/* A loop of Node learns of its children's ends by a signal; which children it is kept for, its handles say. */
static void loop_children(struct waits *w, const struct snap_process *p, struct snap_thread *t)
{
	static const char item[] = "a child process (pid ";

	for (const char *at = strstr(t->hint.resource, item); at; at = strstr(at + 1, item)) {
		long pid = strtol(at + sizeof(item) - 1, NULL, 10);

		for (size_t i = 0; i < w->s->process_count; i++) {
			const struct snap_process *c = &w->s->processes[i];

			if (c->stat.ppid == p->pid && c->alive && (c->pid == pid || c->ns_pid == pid))
				wait_holder_add(t, w->s, c->pid, 0, -1);
		}
	}
}

/* A read of Ruby polls first. One pipe, no limit, its other end is the process's own alone, and no child's end will be told
 * by a signal: nothing can ever come. */
static bool reads_own_pipe(const struct waits *w, const struct snap_process *p, const struct snap_thread *t,
			   const struct set *set)
{
	bool ruby = false;

	for (size_t i = 0; i < t->frame_count; i++)
		ruby = ruby || strcmp(t->frames[i].language, "ruby") == 0;
	return ruby && p->thread_count == 1 && set->members == 1 && set->pipe && t->wait.endless &&
	       t->hint.kind != WAIT_POLL && t->wait.holder_count == 1 && t->wait.holders[0].pid == p->pid &&
	       !has_children(w->s, p->pid);
}

static void set_finish(struct waits *w, struct snap_process *p, struct snap_thread *t, const char *call, struct set *set,
		       int64_t ns)
{
	bool children = t->hint.kind == WAIT_POLL && loop_words_are_children(t->hint.resource);

	for (size_t i = 0; !set->listens && i < set->terminals; i++)
		waits_terminal_users(w, t, set->terminal[i]);
	if (t->hint.kind == WAIT_POLL)
		loop_children(w, p, t);
	waits_drop_self(t, p);
	/* What its event loop has to do is worth more than that it sleeps on a descriptor. */
	if (t->hint.kind == WAIT_POLL)
		wait_set(t, WAIT_POLL, "%s; %s of %zu: %s", t->hint.resource, call, set->members,
			 set->members ? str_cstr(&set->text) : "nothing");
	else
		wait_set(t, WAIT_POLL, "%s of %zu: %s", call, set->members, set->members ? str_cstr(&set->text) : "nothing");
	t->wait.endless = ns == WAITS_ENDLESS;
	t->wait.timeout_ns = ns < 0 ? -1 : ns;
	if (reads_own_pipe(w, p, t, set)) {
		wait_set(t, WAIT_PIPE_READ, "%s (fd %d)", set->pipe->target, set->pipe->fd);
		t->wait.proved = true;
		str_release(&set->text);
		return;
	}
	t->wait.proved = t->wait.endless && (set_proves(w, p, t, set) || (children && t->wait.holder_count == 1));
	t->wait.but_own = t->wait.endless && set->own && !set->open && t->wait.holder_count == 1 &&
			  t->wait.holders[0].pid != p->pid;
	str_release(&set->text);
}

void waits_poll(struct waits *w, struct snap_process *p, struct snap_thread *t, int64_t ns)
{
	uint64_t n = t->syscall.arg[1];
	struct pollfd set[64];
	struct set sets = { .text = STR_INIT };
	size_t have = n < 64 ? (size_t)n : 64;

	if (n == 0 && ns != WAITS_ENDLESS) {
		waits_sleep(t, ns, "poll");
		return;
	}
	if (have && !peek_full(&p->peek, t->syscall.arg[0], set, have * sizeof(*set)))
		have = 0;
	for (size_t i = 0; i < have; i++)
		if (set[i].fd >= 0)
			set_add(w, p, t, set[i].fd,
				!(set[i].events & POLLIN) && set[i].events & POLLOUT ? SET_WRITING : 0, &sets);
	/* One descriptor, no limit: the same as a read of it. */
	if (sets.members == 1 && ns == WAITS_ENDLESS && n == 1 && set[0].events & POLLIN) {
		const struct fd_entry *e = fd_table_find(&w->fds, p->pid, set[0].fd);

		if (e && e->kind == FD_TTY) {
			wait_set(t, WAIT_TTY, "terminal %s (fd %d)", e->target, set[0].fd);
			t->wait.endless = true;
			str_release(&sets.text);
			return;
		}
	}
	set_finish(w, p, t, "poll", &sets, ns);
}

void waits_select(struct waits *w, struct snap_process *p, struct snap_thread *t, bool timespec)
{
	const struct proc_syscall *sc = &t->syscall;
	int64_t ns = sc->arg[4] ? WAITS_LIMITED : WAITS_ENDLESS;
	struct set set = { .text = STR_INIT };

	if (sc->arg[4])
		waits_timespec(p, sc->arg[4], timespec ? 1 : 1000, &ns);
	if (!sc->arg[0] || (!sc->arg[1] && !sc->arg[2] && !sc->arg[3])) {
		if (!sc->arg[4])
			wait_set(t, WAIT_SIGNAL, "select without descriptors");
		else
			waits_sleep(t, ns, "select");
		return;
	}
	for (int k = 1; k <= 2; k++) {
		unsigned long bits[1024 / 64] = { 0 };
		size_t n = sc->arg[0] < 1024 ? (size_t)sc->arg[0] : 1024;

		if (!sc->arg[k] || !peek_full(&p->peek, sc->arg[k], bits, (n + 63) / 64 * 8))
			continue;
		for (size_t fd = 0; fd < n; fd++)
			if (bits[fd / 64] >> (fd % 64) & 1)
				set_add(w, p, t, (int)fd, k == 2 ? SET_WRITING : 0, &set);
	}
	set_finish(w, p, t, "select", &set, ns);
}

/* Is the call one of the program's own lines? An event loop of a library leaves in its sockets what nobody asks it for. */
static bool called_by_own(const struct snap_thread *t)
{
	for (size_t i = 0; i < t->frame_count; i++) {
		const struct snap_frame *f = &t->frames[i];
		struct frame_words words = { .language = f->language, .function = f->function, .file = f->file,
					     .module = f->module, .line = f->line, .runtime = f->runtime };
		enum frame_home home = frame_home(&words);

		if (home == FRAME_PROGRAM)
			return f->file && f->line;
		if (home != FRAME_RUNTIME)
			return false;
	}
	return false;
}

static int epoll_flags(const struct snap_thread *t, unsigned events)
{
	if (!(events & EPOLLIN))
		return events & EPOLLOUT ? SET_WRITING : 0;
	return events & EPOLLET && called_by_own(t) ? SET_EDGE : 0;
}

struct epoll_member {
	int fd;
	unsigned events;
};

static int by_fd(const void *a, const void *b)
{
	const struct epoll_member *x = a, *y = b;

	return x->fd < y->fd ? -1 : x->fd > y->fd;
}

/* The kernel lists them by the address of a structure of its own: another order in each run. */
void waits_epoll(struct waits *w, struct snap_process *p, struct snap_thread *t, int64_t ns)
{
	auto_free char *info = xmalloc(65536);
	auto_free struct epoll_member *member = NULL;
	struct set set = { .text = STR_INIT };
	char path[64];
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)p->pid, (int)t->syscall.arg[0]);
	if (fd_read_file(AT_FDCWD, path, info, 65536) > 0)
		for (char *at = strstr(info, "tfd:"); at; at = strstr(at + 4, "tfd:")) {
			struct epoll_member m;

			if (sscanf(at, "tfd: %d events: %x", &m.fd, &m.events) != 2)
				continue;
			member = xreallocarray(member, n + 1, sizeof(*member));
			member[n++] = m;
		}
	if (n)
		qsort(member, n, sizeof(*member), by_fd);
	for (size_t i = 0; i < n; i++)
		set_add(w, p, t, member[i].fd, epoll_flags(t, member[i].events), &set);
	set_finish(w, p, t, "epoll", &set, ns);
}
