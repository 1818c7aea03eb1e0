/* SPDX-License-Identifier: Apache-2.0 */
/* fake_kernel.h - a machine for one supervisor: processes that fork, ignore signals, hold pipes and do not die, one clock,
 * two pipes a command, a front. It stands behind runner/proc/kernel.h, loop.h and the readers of /proc, whose functions are
 * defined here: the program is linked with -z muldefs, and the first definition counts. For sim_supervisor.c.
 *
 * Everything that happens is in one list, sorted by time. What the machine itself forbids is a fault at once: a signal to a
 * process that is not of the tree, a descriptor closed while it is watched, a wait that nothing would ever end. */
#ifndef TESTS_SIM_FAKE_KERNEL_H
#define TESTS_SIM_FAKE_KERNEL_H

#include "base/clock.h"
#include "base/mem.h"
#include "profile/proc/process.h"
#include "runner/proc/kernel.h"
#include "runner/proc/kin.h"
#include "runner/proc/loop.h"
#include "runner/proc/shared.h"
#include "runner/proc/spawn.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MS NS_PER_MS
enum { FRONT_PID = 99, SUPERVISOR_PID = 100, FIRST_PID = 101 };
enum { PROCS_MAX = 40, HAPPENINGS_MAX = 160, PIPES_MAX = 16, WATCHES_MAX = 24, QUEUE_MAX = 32, STEPS_MAX = 6000 };
enum { FD_PIPE = 3000000, FD_PIDFD = 2000000, FD_LINK = 5000000, FD_FAKE = 1000000 };
enum { NEVER_MS = -1 };

enum happening {
	H_EXIT,     /* a: process, b: its exit code */
	H_DIE,      /* a: process, b: the signal that ends it */
	H_FORK,     /* a: the parent */
	H_WRITE,    /* a: process, b: bytes, to both its pipes */
	H_MESSAGE,  /* a: kind, b: value: the front says something */
	H_FRONT_DIES,
	H_SUPERVISOR_DIES,
	H_STRANGER, /* somebody else's process takes a number that was given back */
	H_OUTLET,   /* our own reader reads on */
};

struct fake_happening { int64_t t; enum happening what; int a, b; };

struct fake_process {
	pid_t pid, ppid, group;
	char state;                 /* S R D Z; 0: gone */
	bool stranger;              /* not of the run */
	bool signalled;             /* by the supervisor, with something that ends it */
	bool named;                 /* in the trace, as one that is left */
	bool killed;                /* was sent KILL */
	bool held;                  /* held a pipe when it was sent TERM */
	int status;                 /* of waitid */
	int64_t start_ticks, busy_since;
	int term_ms, kill_us, int_ms; /* until it dies of TERM, KILL, another signal; NEVER_MS: not at all */
	bool holds[STREAM_COUNT];
	int pipe[STREAM_COUNT];     /* -1 none */
	const char *comm;
	char traceparent[16];       /* of the command that it descends from; "" it has thrown it away */
};

struct fake_pipe { bool read_open, write_open; int64_t bytes, written; };

static struct {
	uint64_t rng;
	int64_t now, start;
	struct fake_process p[PROCS_MAX];
	int n;
	pid_t self, next_pid;
	struct fake_happening h[HAPPENINGS_MAX];
	int n_h;
	struct fake_pipe pipe[PIPES_MAX];
	int n_pipes;
	struct { int fd, slot, which; enum source source; } watch[WATCHES_MAX];
	int n_watches;
	struct { int kind, value; } queue[QUEUE_MAX];
	int n_queue;
	bool front_dead, child_pending, outlet_blocked, ever_blocked;
	int64_t empty_ns;           /* when the last of the run's processes died; -1: some live */
	int64_t cancel_ns, supervisor_died_ns;
	int steps, idle_steps, looks_asked;
	unsigned long happened;     /* over all lives */
	const char *fault;
	jmp_buf out;
	/* of the next command that is spawned; set by the life */
	void (*spawned)(int process);
	void (*promised)(int64_t due_ns);
	bool spawn_fails, exec_fails;
} fake;

/* One run alone tells what happens in it. */
static bool talking;
#define talk(...) (talking ? (printf("# %9.3f ms: ", (double)(fake.now - fake.start) / 1e6), printf(__VA_ARGS__), (void)puts("")) : (void)0)

/* --- chance --- */

static uint64_t rng(void)
{
	uint64_t z = (fake.rng += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static int below(int n) { return (int)(rng() % (uint64_t)n); }
static bool one_in(int n) { return below(n) == 0; }

/* The life is over: something is wrong. */
static void __attribute__((noreturn)) fault(const char *why)
{
	fake.fault = why;
	longjmp(fake.out, 1);
}

/* --- what happens --- */

static void happen(int64_t t, enum happening what, int a, int b)
{
	int at = fake.n_h;

	if (fake.n_h == HAPPENINGS_MAX)
		return;
	while (at > 0 && fake.h[at - 1].t < t) { /* the next one is the last of the list */
		fake.h[at] = fake.h[at - 1];
		at--;
	}
	fake.h[at] = (struct fake_happening){ t, what, a, b };
	fake.n_h++;
}

static bool exists(const struct fake_process *p) { return p->state != 0; }
static bool lives(const struct fake_process *p) { return p->state && p->state != 'Z'; }

static struct fake_process *process_of(pid_t pid)
{
	for (int i = fake.n; i-- > 0;)
		if (fake.p[i].pid == pid && exists(&fake.p[i]))
			return &fake.p[i];
	return NULL;
}

static int process_new(pid_t ppid, pid_t group)
{
	struct fake_process *p;

	if (fake.n == PROCS_MAX)
		return -1;
	p = &fake.p[fake.n];
	*p = (struct fake_process){ .pid = fake.next_pid++, .ppid = ppid, .group = group, .state = 'S',
				    .start_ticks = fake.now / (10 * MS) + 1 + fake.n, .pipe = { -1, -1 }, .comm = "work" };
	if (!group)
		p->group = p->pid;
	return fake.n++;
}

static int living(void)
{
	int n = 0;

	for (int i = 0; i < fake.n; i++)
		n += lives(&fake.p[i]) && !fake.p[i].stranger;
	return n;
}

static void process_gone(struct fake_process *p) { p->state = 0; }

/* It ends; its children go to the subreaper, and so does its status where nobody else asks for it. */
static void process_die(int at, int status)
{
	struct fake_process *p = &fake.p[at];

	if (!lives(p))
		return;
	p->state = 'Z';
	p->status = status;
	p->holds[0] = p->holds[1] = false;
	if (!living())
		fake.empty_ns = fake.now;
	for (int i = 0; i < fake.n; i++)
		if (exists(&fake.p[i]) && fake.p[i].ppid == p->pid && i != at) {
			fake.p[i].ppid = fake.self;
			fake.child_pending |= fake.p[i].state == 'Z';
		}
	if (p->ppid == fake.self)
		fake.child_pending = true;
	else if (p->stranger || one_in(2))
		process_gone(p); /* its own parent has waited for it */
}

/* A number that was given back, and is free; 0 none. */
static pid_t free_number(void)
{
	for (int i = 0; i < fake.n; i++)
		if (!exists(&fake.p[i]) && !process_of(fake.p[i].pid))
			return fake.p[i].pid;
	return 0;
}

static void on_fork(int parent)
{
	int at = lives(&fake.p[parent]) && fake.p[parent].state != 'D' ? process_new(fake.p[parent].pid, fake.p[parent].group) : -1;
	struct fake_process *c, *p = &fake.p[parent];

	if (at < 0)
		return;
	c = &fake.p[at];
	if (one_in(2) && free_number())
		c->pid = free_number(); /* the new one is not free: it exists */
	memcpy(c->traceparent, p->traceparent, sizeof(c->traceparent));
	if (one_in(20))
		c->traceparent[0] = '\0';
	c->term_ms = one_in(3) ? NEVER_MS : below(30);
	c->int_ms = one_in(2) ? NEVER_MS : below(30);
	c->kill_us = one_in(200) ? NEVER_MS : one_in(4) ? below(2000) : 0;
	c->comm = one_in(8) ? "daemon" : "work";
	talk("process %d is %d, child of %d, of %s", at, (int)c->pid, (int)c->ppid, c->traceparent);
	if (one_in(3))
		c->group = c->pid; /* a session of its own */
	for (int i = 0; i < STREAM_COUNT; i++) {
		c->pipe[i] = p->pipe[i];
		c->holds[i] = p->holds[i] && !one_in(4);
	}
	fake.empty_ns = -1;
	if (one_in(3))
		happen(fake.now + below(60) * MS, H_FORK, at, 0);
	if (one_in(2))
		happen(fake.now + below(200) * MS, H_EXIT, at, 0);
}

static void on_write(int at, int bytes)
{
	struct fake_process *p = &fake.p[at];

	for (int i = 0; i < STREAM_COUNT && lives(p); i++)
		if (p->holds[i]) {
			fake.pipe[p->pipe[i]].bytes += bytes;
			fake.pipe[p->pipe[i]].written += bytes;
		}
}

static void on_stranger(void)
{
	pid_t pid = free_number();
	int at = pid ? process_new(1, 0) : -1;

	if (at < 0)
		return;
	fake.p[at].pid = fake.p[at].group = pid;
	fake.p[at].stranger = true;
}

/* While we look and signal others die too, their parents wait for them, and their numbers are taken again. */
static void meanwhile(void)
{
	int at = fake.n ? below(fake.n) : 0;
	struct fake_process *p = &fake.p[at];

	if (!fake.n || !lives(p) || p->stranger || p->ppid == fake.self || p->kill_us == NEVER_MS)
		return;
	process_die(at, 0);
	if (p->state == 'Z')
		p->state = 0;
	at = below(fake.n);
	if (one_in(2) && !fake.p[at].stranger)
		on_fork(at);
	else
		on_stranger();
}

static void front_says(int kind, int value)
{
	if (fake.front_dead || fake.n_queue == QUEUE_MAX)
		return;
	fake.queue[fake.n_queue].kind = kind;
	fake.queue[fake.n_queue++].value = value;
	if ((kind == MSG_CANCEL || kind == MSG_PARENT) && fake.cancel_ns < 0)
		fake.cancel_ns = fake.now;
}

static void happen_now(const struct fake_happening *h)
{
	fake.happened++;
	talk("happens %d (%d, %d)", (int)h->what, h->a, h->b);
	switch (h->what) {
	case H_EXIT: process_die(h->a, h->b << 8); break;
	case H_DIE: process_die(h->a, h->b); break;
	case H_FORK: on_fork(h->a); break;
	case H_WRITE: on_write(h->a, h->b); break;
	case H_MESSAGE: front_says(h->a, h->b); break;
	case H_FRONT_DIES: fake.front_dead = fake.self == SUPERVISOR_PID; break;
	case H_STRANGER: on_stranger(); break;
	case H_OUTLET: fake.outlet_blocked = false; break;
	case H_SUPERVISOR_DIES:
		if (fake.self == SUPERVISOR_PID)
			longjmp(fake.out, 2);
		break;
	}
}

static void catch_up(void)
{
	while (fake.n_h && fake.h[fake.n_h - 1].t <= fake.now) {
		struct fake_happening h = fake.h[--fake.n_h];

		happen_now(&h);
	}
}

/* --- the clock: every look at it takes a microsecond --- */

int64_t clock_mono_ns(void) { return fake.now += 1000; }
int64_t clock_boot_ns(void) { return fake.now; }

/* --- signals and waiting --- */

static int signal_to(struct fake_process *p, int sig)
{
	int at = (int)(p - fake.p), after = NEVER_MS;

	talk("signal %d to %d (%s, process %d)", sig, (int)p->pid, p->comm, at);
	if (p->stranger)
		fault("a signal to somebody else's process");
	fake.now += 50000;
	if (sig == SIGTERM || sig == SIGKILL) {
		if (one_in(6))
			meanwhile();
	}
	if (sig == 0 || sig == SIGCONT || !lives(p))
		return 0;
	if (sig == SIGKILL)
		after = p->kill_us;
	else
		after = sig == SIGTERM ? p->term_ms : p->int_ms;
	p->signalled = true;
	p->killed |= sig == SIGKILL;
	p->held |= sig == SIGTERM && (p->holds[0] || p->holds[1]);
	if (after == 0)
		process_die(at, sig);
	else if (after != NEVER_MS)
		happen(fake.now + after * (sig == SIGKILL ? 1000 : MS), H_DIE, at, sig);
	else if (sig == SIGKILL)
		p->state = 'D';
	return 0;
}

int kernel_kill(pid_t pid, int sig)
{
	struct fake_process *p;
	bool any = false;

	if (pid == 0 || pid == -1 || pid == 1 || pid == -1 * FRONT_PID)
		fault("a signal to everybody");
	for (int i = 0; pid < 0 && i < fake.n; i++)
		if (exists(&fake.p[i]) && fake.p[i].group == -pid) {
			any = true;
			signal_to(&fake.p[i], sig);
		}
	if (any)
		return 0;
	p = pid > 0 ? process_of(pid) : NULL;
	if (!p) {
		errno = ESRCH;
		return -1;
	}
	return signal_to(p, sig);
}

int kernel_pidfd_status(int pidfd)
{
	(void)pidfd;
	return -1;
}

int kernel_pidfd_open(pid_t pid)
{
	struct fake_process *p = process_of(pid);

	if (p)
		return FD_PIDFD + (int)(p - fake.p);
	errno = ESRCH;
	return -1;
}

int kernel_pidfd_signal(int pidfd, int sig)
{
	struct fake_process *p = &fake.p[pidfd - FD_PIDFD];

	if (lives(p))
		return signal_to(p, sig);
	errno = ESRCH;
	return -1;
}

int kernel_wait(idtype_t type, id_t id, siginfo_t *si, int options)
{
	bool any = false;

	si->si_pid = 0;
	fake.now += 20000;
	for (int i = 0; i < fake.n; i++) {
		struct fake_process *p = &fake.p[i];

		if (!exists(p) || p->ppid != fake.self || (type == P_PID && p->pid != (pid_t)id))
			continue;
		any = true;
		if (p->state != 'Z')
			continue;
		si->si_pid = p->pid;
		si->si_code = p->status & 0x7f ? CLD_KILLED : CLD_EXITED;
		si->si_status = p->status & 0x7f ? p->status & 0x7f : p->status >> 8 & 0xff;
		if (!(options & WNOWAIT))
			process_gone(p);
		return 0;
	}
	errno = ECHILD;
	return any ? 0 : -1;
}

int kernel_processors(void) { return 2; }
pid_t getpid(void) { return fake.self; }

/* --- descriptors --- */

int kernel_pipe(int ends[2], bool wide)
{
	(void)wide;
	if (fake.n_pipes == PIPES_MAX)
		fault("too many pipes");
	fake.pipe[fake.n_pipes] = (struct fake_pipe){ .read_open = true, .write_open = true };
	ends[0] = FD_PIPE + 2 * fake.n_pipes;
	ends[1] = ends[0] + 1;
	fake.n_pipes++;
	return 0;
}

static bool pipe_has_writer(int at)
{
	if (fake.pipe[at].write_open)
		return true;
	for (int i = 0; i < fake.n; i++)
		for (int k = 0; k < STREAM_COUNT; k++)
			if (lives(&fake.p[i]) && fake.p[i].holds[k] && fake.p[i].pipe[k] == at)
				return true;
	return false;
}

ssize_t kernel_read(int fd, void *buf, size_t n)
{
	struct fake_pipe *p = &fake.pipe[(fd - FD_PIPE) / 2];

	if (!p->read_open)
		fault("a read from a closed pipe");
	if (!p->bytes && pipe_has_writer((fd - FD_PIPE) / 2)) {
		errno = EAGAIN;
		return -1;
	}
	n = (size_t)p->bytes < n ? (size_t)p->bytes : n;
	memset(buf, 'x', n);
	p->bytes -= (int64_t)n;
	return (ssize_t)n;
}

int kernel_bytes_waiting(int fd, int *bytes)
{
	*bytes = (int)fake.pipe[(fd - FD_PIPE) / 2].bytes;
	return 0;
}

int close(int fd)
{
	if (fd < FD_FAKE)
		return (int)syscall(SYS_close, fd);
	for (int i = 0; i < fake.n_watches; i++)
		if (fake.watch[i].fd == fd)
			fault("a descriptor was closed while it was watched: the front's duplicate keeps it alive");
	if (fd >= FD_PIPE && fd < FD_LINK && (fd - FD_PIPE) % 2)
		fake.pipe[(fd - FD_PIPE) / 2].write_open = false;
	else if (fd >= FD_PIPE && fd < FD_LINK)
		fake.pipe[(fd - FD_PIPE) / 2].read_open = false;
	return 0;
}

pid_t spawn_command(const struct spawn_request *q, struct err *e)
{
	int at = fake.spawn_fails ? -1 : process_new(fake.self, 0);
	const int out[STREAM_COUNT] = { q->stdout_fd, q->stderr_fd };

	atomic_store(q->exec_errno, 0);
	atomic_store(q->ns_status, 0);
	if (at < 0) {
		errno = EAGAIN;
		return err_sys(e, "starting a process");
	}
	for (int i = 0; i < STREAM_COUNT; i++) {
		fake.p[at].pipe[i] = (out[i] - FD_PIPE) / 2;
		fake.p[at].holds[i] = true;
	}
	fake.now += 300000;
	fake.empty_ns = -1;
	for (char *const *v = q->envp; *v; v++)
		if (strncmp(*v, "TRACEPARENT=", 12) == 0)
			snprintf(fake.p[at].traceparent, sizeof(fake.p[at].traceparent), "%s", *v + 12);
	if (fake.exec_fails) {
		atomic_store(q->exec_errno, ENOENT);
		process_die(at, 127 << 8);
	}
	fake.spawned(at);
	return fake.p[at].pid;
}

/* --- the loop --- */

int loop_init(struct loop *l, struct err *e)
{
	(void)e;
	*l = (struct loop){ .epoll_fd = -1, .signal_fd = -1, .timer_fd = -1 };
	return 0;
}

void loop_release(struct loop *l) { (void)l; }

int loop_watch(struct loop *l, int fd, uint32_t events, enum source source, int slot, int which)
{
	(void)l;
	(void)events;
	for (int i = 0; i < fake.n_watches; i++)
		if (fake.watch[i].fd == fd && fake.watch[i].source == source)
			return -1; /* EEXIST */
	if (fake.n_watches == WATCHES_MAX)
		fault("too many watches");
	fake.watch[fake.n_watches].fd = fd;
	fake.watch[fake.n_watches].source = source;
	fake.watch[fake.n_watches].slot = slot;
	fake.watch[fake.n_watches++].which = which;
	return 0;
}

void loop_forget(struct loop *l, int fd)
{
	(void)l;
	for (int i = 0; i < fake.n_watches; i++)
		if (fake.watch[i].fd == fd) {
			fake.watch[i] = fake.watch[--fake.n_watches];
			return;
		}
}

static bool is_ready(int at)
{
	int fd = fake.watch[at].fd, pipe = (fd - FD_PIPE) / 2;

	switch (fake.watch[at].source) {
	case SRC_LINK: return fake.n_queue || fake.front_dead;
	case SRC_STREAM: return fake.pipe[pipe].bytes || !pipe_has_writer(pipe);
	case SRC_OUTLET: return !fake.outlet_blocked;
	default: return false;
	}
}

static int ready(struct loop_event ev[LOOP_EVENTS_MAX])
{
	int n = 0;

	if (fake.child_pending)
		ev[n++] = (struct loop_event){ .source = SRC_SIGNAL };
	fake.child_pending = false;
	for (int i = 0; i < fake.n_watches && n < LOOP_EVENTS_MAX; i++)
		if (is_ready(i))
			ev[n++] = (struct loop_event){ fake.watch[i].source, fake.watch[i].slot, fake.watch[i].which };
	return n;
}

int loop_wait(struct loop *l, int64_t due_ns, bool poll, struct loop_event ev[LOOP_EVENTS_MAX])
{
	int64_t before = fake.now;
	int n;

	(void)l;
	fake.promised(due_ns);
	if (++fake.steps > STEPS_MAX)
		fault("it goes round and round");
	for (;;) {
		catch_up();
		n = ready(ev);
		if (n || poll)
			break;
		if (due_ns <= fake.now) {
			ev[n++] = (struct loop_event){ .source = SRC_TIMER };
			break;
		}
		if (due_ns == TIME_NEVER && !fake.n_h)
			fault("it waits for ever");
		fake.now = fake.n_h && fake.h[fake.n_h - 1].t < due_ns ? fake.h[fake.n_h - 1].t : due_ns;
	}
	fake.idle_steps = fake.now - before < 1000 ? fake.idle_steps + 1 : 0;
	if (fake.idle_steps > 400)
		fault("turns that take no time");
	return n;
}

/* --- what /proc tells --- */

static void stat_of(const struct fake_process *p, struct proc_stat *st)
{
	*st = (struct proc_stat){ .pid = p->pid, .ppid = p->ppid, .pgrp = p->group, .session = p->group, .state = p->state,
				  .num_threads = 1, .start_ticks = p->start_ticks, .start_ns = p->start_ticks * 10 * MS };
	memcpy(st->comm, p->comm, strlen(p->comm) + 1);
	if (p->busy_since)
		st->user_ns = fake.now - p->busy_since;
}

int proc_stat_read(pid_t pid, struct proc_stat *s)
{
	struct fake_process *p = process_of(pid);

	memset(s, 0, sizeof(*s));
	if (p)
		stat_of(p, s);
	errno = ESRCH;
	return p ? 0 : -1;
}

/* dir_fd holds which process it is, by its place: an open file of /proc is of that process alone. */
int proc_watch_open(struct proc_watch *w, pid_t pid)
{
	struct fake_process *p = process_of(pid);

	*w = (struct proc_watch){ .pid = pid, .dir_fd = p ? (int)(p - fake.p) : -1, .stat_fd = -1 };
	if (p ? !one_in(6) : pid == fake.self)
		return 0;
	w->pid = 0;
	errno = p ? EMFILE : ESRCH;
	return -1;
}

void proc_watch_close(struct proc_watch *w) { w->pid = 0; }

int proc_watch_stat(const struct proc_watch *w, struct proc_stat *s)
{
	memset(s, 0, sizeof(*s));
	if (w->dir_fd >= 0 && exists(&fake.p[w->dir_fd]))
		stat_of(&fake.p[w->dir_fd], s);
	errno = ESRCH;
	return s->pid ? 0 : -1;
}

int proc_watch_sched(const struct proc_watch *w, struct proc_sched *s)
{
	(void)w;
	memset(s, 0, sizeof(*s));
	return -1;
}

int proc_children(pid_t pid, struct pid_list *out)
{
	for (int i = 0; i < fake.n; i++)
		if (exists(&fake.p[i]) && fake.p[i].ppid == pid)
			pid_list_add(out, fake.p[i].pid);
	return 0;
}

int proc_watch_children(struct proc_watch *w, int num_threads, struct pid_list *out)
{
	(void)num_threads;
	return proc_children(w->pid, out);
}

ssize_t fd_read_file(int dirfd, const char *path, char *buf, size_t size)
{
	(void)dirfd;
	(void)path;
	(void)buf;
	(void)size;
	errno = EMFILE;
	return -1;
}

enum kin_how kin_probe(void) { return KIN_FILES; }
void kin_release(struct kin *k) { (void)k; }

/* --- the front --- */

int msg_send(int sock, enum msg_kind kind, int value, const void *text, size_t len, int fd)
{
	(void)kind;
	(void)value;
	(void)text;
	(void)len;
	(void)fd;
	return sock < 0 || fake.front_dead ? -1 : 0;
}

int msg_send_look(int sock, const struct msg_look *look)
{
	if (sock < 0 || fake.front_dead)
		return -1;
	fake.looks_asked++;
	if (!look->n || look->n > MSG_LOOK_ROOTS)
		fault("a look at nothing");
	if (one_in(20))
		return -1; /* its queue is full */
	if (!one_in(4))
		happen(fake.now + below(40) * MS, H_MESSAGE, MSG_DIAGNOSED, look->id);
	return 0;
}

int msg_recv(int sock, struct msg *m, int *fd)
{
	(void)sock;
	*fd = -1;
	if (!fake.n_queue)
		return fake.front_dead ? -1 : 0;
	*m = (struct msg){ .kind = 0 };
	m->kind = fake.queue[0].kind;
	m->value = fake.queue[0].value;
	memmove(fake.queue, fake.queue + 1, sizeof(*fake.queue) * (size_t)--fake.n_queue);
	return 1;
}

bool msg_emit_of(const struct msg *m, const char **name, const char **json)
{
	(void)m;
	(void)name;
	(void)json;
	return false;
}

#endif
