/* SPDX-License-Identifier: Apache-2.0 */
/* waits_other.c - the rarer waits: System V and POSIX queues and semaphores, eventfd, timers, FIFOs that are being
 * opened, vfork, io_uring. Who could end them is possible, never proved, but for vfork's child. */
#include "profile/waits/waits.h"

#include "base/clock.h"
#include "base/fd.h"
#include "profile/proc/fdtable.h"
#include "profile/waits/waits_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>

/* Numbers that old headers lack; the same on every architecture. */
enum { CALL_IO_URING_ENTER = 426, CALL_CLONE3 = 435, CALL_FUTEX_WAITV = 449, CALL_FUTEX_WAIT = 455 };

static bool fd_info(pid_t pid, int fd, char *out, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)pid, fd);
	return fd_read_file(AT_FDCWD, path, out, size) > 0;
}

static long long info_number(const char *info, const char *name)
{
	const char *at = strstr(info, name);

	return at ? strtoll(at + strlen(name), NULL, 10) : -1;
}

/* All eventfds are one inode: the kernel's own number tells which are the same (5.2 and later). */
void waits_eventfd(struct waits *w, struct snap_process *p, struct snap_thread *t, int fd)
{
	char info[1024];
	long long id;

	wait_set(t, WAIT_EVENTFD, "eventfd (fd %d)", fd);
	if (!fd_info(p->pid, fd, info, sizeof(info)) || (id = info_number(info, "eventfd-id:")) < 0)
		return;
	for (size_t i = 0; i < w->fds.n; i++) {
		const struct fd_entry *e = &w->fds.v[i];

		if (e->kind == FD_EVENTFD && e->pid != p->pid && fd_info(e->pid, e->fd, info, sizeof(info)) &&
		    info_number(info, "eventfd-id:") == id)
			wait_holder_add(t, w->s, e->pid, 0, e->fd);
	}
}

/* "it_value: (seconds, nanoseconds)" is what is left; zero where it is not set. */
void waits_timerfd(struct snap_process *p, struct snap_thread *t, int fd)
{
	long long s, ns;
	char info[1024];
	const char *at;

	wait_set(t, WAIT_SLEEP, "timerfd (fd %d)", fd);
	if (!fd_info(p->pid, fd, info, sizeof(info)) || !(at = strstr(info, "it_value: (")) ||
	    sscanf(at, "it_value: (%lld, %lld)", &s, &ns) != 2)
		return;
	if (s == 0 && ns == 0) {
		wait_set(t, WAIT_SLEEP, "timerfd (fd %d), which is not set", fd);
	} else if (s >= 0 && s < INT64_C(9000000000)) {
		t->wait.timeout_ns = s * NS_PER_S + ns;
		t->wait.endless = false;
		wait_set(t, WAIT_SLEEP, "timerfd (fd %d), to go for %.3f s", fd, (double)t->wait.timeout_ns / 1e9);
	}
}

/* Who did the last operation on it may be the one that is to do the next. */
static void wait_semaphore(struct waits *w, struct snap_process *p, struct snap_thread *t)
{
	int set = (int)t->syscall.arg[0], value, last;
	struct sembuf op;

	wait_set(t, WAIT_SEMAPHORE, "System V semaphore set %d", set);
	t->wait.endless = t->syscall.nr == SYS_semop || !t->syscall.arg[3];
	if (!peek_full(&p->peek, t->syscall.arg[1], &op, sizeof(op)) || p->foreign_ns) /* sets of another namespace */
		return;
	value = semctl(set, op.sem_num, GETVAL);
	last = semctl(set, op.sem_num, GETPID);
	if (value < 0)
		return;
	wait_set(t, WAIT_SEMAPHORE, "System V semaphore set %d, semaphore %u: its value is %d, %d is wanted", set,
		 op.sem_num, value, -op.sem_op);
	if (last > 0 && last != p->pid)
		wait_holder_add(t, w->s, (pid_t)last, 0, -1);
}

/* A POSIX message queue is a file: who has it open for the other direction. */
static void wait_queue(struct waits *w, struct snap_process *p, struct snap_thread *t, bool receiving)
{
	int fd = (int)t->syscall.arg[0];
	const struct fd_entry *mine = fd_table_find(&w->fds, p->pid, fd);

	wait_set(t, WAIT_IO, "POSIX message queue %s, which is %s (fd %d)", mine ? mine->target : "",
		 receiving ? "empty" : "full", fd);
	t->wait.endless = !t->syscall.arg[4];
	for (size_t i = 0; mine && mine->ino && i < w->fds.n; i++) {
		const struct fd_entry *e = &w->fds.v[i];

		if (e->ino == mine->ino && e->dev == mine->dev && e->pid != p->pid && (receiving ? e->writes : e->reads))
			wait_holder_add(t, w->s, e->pid, 0, e->fd);
	}
}

/* --- terminals: a program that drives another one has the master, /dev/ptmx, of the other's /dev/pts/N --- */

static bool is_master(const struct fd_entry *e)
{
	return str_ends(e->target, "/ptmx");
}

static int terminal_of(const struct fd_entry *master)
{
	char path[64], info[1024], *at;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)master->pid, master->fd);
	if (fd_read_file(AT_FDCWD, path, info, sizeof(info)) <= 0 || !(at = strstr(info, "tty-index:")))
		return -1;
	return (int)strtol(at + 10, NULL, 10);
}

void waits_terminal_users(struct waits *w, struct snap_thread *t, const struct fd_entry *e)
{
	int number = is_master(e) ? terminal_of(e) : -1;
	char name[32];

	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	for (size_t i = 0; number >= 0 && i < w->fds.n; i++)
		if (strcmp(w->fds.v[i].target, name) == 0 && w->fds.v[i].pid != e->pid)
			wait_holder_add(t, w->s, w->fds.v[i].pid, 0, w->fds.v[i].fd);
}

static void terminal_masters(struct waits *w, struct snap_thread *t, const struct fd_entry *e)
{
	int number = str_starts(e->target, "/dev/pts/") ? (int)strtol(e->target + 9, NULL, 10) : -1;

	for (size_t i = 0; number >= 0 && i < w->fds.n; i++)
		if (is_master(&w->fds.v[i]) && w->fds.v[i].pid != e->pid && terminal_of(&w->fds.v[i]) == number)
			wait_holder_add(t, w->s, w->fds.v[i].pid, 0, w->fds.v[i].fd);
}

void waits_terminal(struct waits *w, struct snap_thread *t, const struct fd_entry *e, bool reading)
{
	if (is_master(e)) {
		wait_set(t, reading ? WAIT_PIPE_READ : WAIT_PIPE_WRITE, "terminal %d, by its master %s (fd %d)",
			 terminal_of(e), e->target, e->fd);
		waits_terminal_users(w, t, e);
		t->wait.proved = t->wait.holder_count == 1;
	} else if (reading) {
		wait_set(t, WAIT_TTY, "terminal %s (fd %d)", e->target, e->fd);
	} else {
		wait_set(t, WAIT_PIPE_WRITE, "terminal %s (fd %d), whose output nobody takes", e->target, e->fd);
		terminal_masters(w, t, e);
		t->wait.proved = t->wait.holder_count == 1;
	}
}

/* File systems whose server may be away: whoever asks for an answer sleeps in the kernel. */
static bool wait_server(struct waits *w, struct snap_thread *t)
{
	static const struct {
		const char *channel, *what;
	} servers[] = { { "request_wait_answer", "FUSE" },
			{ "fuse_", "FUSE" },
			{ "rpc_wait", "NFS" },
			{ "nfs", "NFS" },
			{ "cifs", "CIFS" },
			{ "smb", "CIFS" },
			{ "p9_client", "9p" },
			{ "ceph", "Ceph" } };

	for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++) {
		const struct fd_entry *e = NULL;

		if (!strstr(t->wchan, servers[i].channel))
			continue;
		for (size_t k = 0; i < 2 && k < w->fds.n && !e; k++)
			if (strcmp(w->fds.v[k].target, "/dev/fuse") == 0)
				e = &w->fds.v[k];
		if (e)
			wait_set(t, WAIT_IO, "an answer of the server of a %s file system, which may be pid %d (%s)",
				 servers[i].what, (int)e->pid, t->wchan);
		else
			wait_set(t, WAIT_IO, "an answer of the server of a %s file system (%s)", servers[i].what, t->wchan);
		t->wait.endless = true;
		return true;
	}
	return false;
}

/* open(2) of a FIFO waits until the other end is opened, too. */
static void wait_open(struct snap_process *p, struct snap_thread *t)
{
	char path[256] = "";
	bool partner = strstr(t->wchan, "wait_for_partner") || strstr(t->wchan, "fifo_open");
	ssize_t n = peek_read(&p->peek, t->syscall.arg[1], path, sizeof(path) - 1);

	path[n > 0 ? n : 0] = '\0';
	if (partner && (t->syscall.arg[2] & O_ACCMODE) == O_WRONLY)
		wait_set(t, WAIT_PIPE_WRITE, "a reader of the FIFO %s, which it opens", path);
	else if (partner)
		wait_set(t, WAIT_PIPE_READ, "a writer of the FIFO %s, which it opens", path);
	else
		wait_set(t, WAIT_IO, "opening a file, %s (%s)", path, t->wchan);
	t->wait.endless = partner;
}

static void wait_vfork(struct waits *w, struct snap_process *p, struct snap_thread *t)
{
	wait_set(t, WAIT_CHILD, "exec or exit of the child that it started (vfork)");
	waits_children(w, p, t, 0);
}

void waits_other(struct waits *w, struct snap_process *p, struct snap_thread *t)
{
	const struct proc_syscall *sc = &t->syscall;

	if (wait_server(w, t))
		return;
	switch (sc->nr) {
	case SYS_semop: case SYS_semtimedop:
		wait_semaphore(w, p, t);
		break;
	case SYS_msgrcv: case SYS_msgsnd:
		wait_set(t, WAIT_IO, "System V message queue %d, %s", (int)sc->arg[0],
			 sc->nr == SYS_msgrcv ? "which has no such message" : "which is full");
		t->wait.endless = true;
		break;
	case SYS_mq_timedreceive: case SYS_mq_timedsend:
		wait_queue(w, p, t, sc->nr == SYS_mq_timedreceive);
		break;
	case CALL_IO_URING_ENTER:
		wait_set(t, WAIT_IO, "io_uring completions (fd %d), %d of them", (int)sc->arg[0], (int)sc->arg[2]);
		break;
	case SYS_io_getevents:
		wait_set(t, WAIT_IO, "completion of asynchronous input and output");
		t->wait.endless = !sc->arg[4];
		break;
	case CALL_FUTEX_WAITV: case CALL_FUTEX_WAIT:
		if (sc->nr == CALL_FUTEX_WAITV)
			wait_set(t, WAIT_FUTEX, "any of %u futexes at 0x%llx", (unsigned)sc->arg[1],
				 (unsigned long long)sc->arg[0]);
		else
			wait_set(t, WAIT_FUTEX, "futex 0x%llx", (unsigned long long)sc->arg[0]);
		break;
	case SYS_openat:
		wait_open(p, t);
		break;
#ifdef SYS_vfork
	case SYS_vfork:
#endif
	case SYS_clone: case CALL_CLONE3:
		wait_vfork(w, p, t);
		break;
	default:
		wait_set(t, WAIT_UNKNOWN, "system call %ld (%s)", sc->nr, t->wchan);
	}
}
