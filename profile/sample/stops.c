/* SPDX-License-Identifier: Apache-2.0 */
/* stops.c - micro-stops of several threads at once: all are interrupted, then each is copied as it comes and let go at
 * once. On a busy machine a thread may take milliseconds to come; it does not stand while it does. Nothing is looked up
 * while one stands. Should this process die, the kernel lets all go. */
#include "profile/sample/sampler.h"

#include "base/mem.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#define COLLECT_NS (15 * NS_PER_MS)
#define WAKE_NS (8 * 1000) /* between its stop and our hearing of it, at least */

struct stop_copy {
	struct sthread *t;
	struct snap_regs regs;
	unsigned char *bytes;
	size_t n;
	struct python_frame *frames;
	size_t frame_count;
	unsigned char *ruby_bytes;
	size_t ruby_n;
	bool python, ruby, done, gone;
};

static bool regs_read(pid_t tid, struct snap_regs *r)
{
	struct user_regs_struct u;
	struct iovec iov = { &u, sizeof(u) };

	*r = (struct snap_regs){ 0 };
	if (ptrace(PTRACE_GETREGSET, tid, (void *)(uintptr_t)NT_PRSTATUS, &iov) < 0 || iov.iov_len != sizeof(u))
		return false;
#if defined(__x86_64__)
	{
		const uint64_t dwarf[17] = { u.rax, u.rdx, u.rcx, u.rbx, u.rsi, u.rdi, u.rbp, u.rsp, u.r8, u.r9, u.r10,
					     u.r11, u.r12, u.r13, u.r14, u.r15, u.rip };

		memcpy(r->r, dwarf, sizeof(dwarf));
		r->have = (UINT64_C(1) << 17) - 1;
		r->pc = u.rip;
	}
#elif defined(__aarch64__)
	memcpy(r->r, u.regs, 31 * sizeof(uint64_t));
	r->r[31] = u.sp;
	r->have = UINT64_C(0xffffffff);
	r->pc = u.pc;
#endif
	return true;
}

static void copy_take(struct sampler *s, struct stop_copy *c)
{
	struct peek peek = { .pid = c->t->p->pid, .mem_fd = -1 };
	uint64_t sp;
	ssize_t got;

	if (!regs_read(c->t->tid, &c->regs))
		return;
	sp = c->regs.r[SNAP_REG_SP];
	got = peek_read(&peek, sp, c->bytes, SAMPLER_STACK_BYTES);
	c->n = got > 0 ? (size_t)got : 0;
	if (c->python)
		c->frame_count = spython_walk(s, c->t->p, c->t->tid, c->frames, PYTHON_FRAMES_MAX);
	if (c->ruby)
		c->ruby_n = sruby_copy(c->t->p, c->t->tid, c->ruby_bytes, RUBY_COPY_BYTES);
	c->done = true;
}

/* The thread that came is copied and let go; a signal that was on its way is handed on. False: it is no thread that was
 * stopped, but a child of ours. */
static bool stop_came(struct sampler *s, struct stop_copy *v, size_t n, pid_t tid, int status)
{
	struct stop_copy *c = NULL;
	int64_t began = clock_mono_ns(), stood;
	uintptr_t deliver = 0;

	for (size_t i = 0; i < n && !c; i++)
		if (v[i].t->tid == tid && v[i].t->pending)
			c = &v[i];
	if (WIFSTOPPED(status)) {
		if (status >> 16 == 0)
			deliver = (uintptr_t)WSTOPSIG(status);
		if (c)
			copy_take(s, c);
		ptrace(PTRACE_DETACH, tid, NULL, (void *)deliver);
	} else if (c) {
		c->gone = true;
	}
	stood = clock_mono_ns() - began + WAKE_NS;
	if (!c && !WIFSTOPPED(status) && s->child_ended) {
		s->child_ended(s, tid, status);
		return false;
	}
	if (!c)
		return true;
	c->t->pending = false;
	s->pending--;
	c->t->stopped_ns += stood;
	s->stopped_ns += stood;
	s->stops++;
	return true;
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* A wait with a limit: a blocking one costs one switch, and its alarm ends it. */
static void alarm_set(int64_t ns)
{
	static bool handled;
	struct sigaction a = { .sa_handler = on_alarm };
	struct itimerval t = { .it_value = { 0, ns / 1000 }, .it_interval = { 0, ns ? 1000 : 0 } };

	if (!handled) {
		sigaction(SIGALRM, &a, NULL);
		handled = true;
	}
	setitimer(ITIMER_REAL, &t, NULL);
}

/* What does not come in time is let go by the next round: what is not in a stop cannot be detached. */
static void stops_collect(struct sampler *s, struct stop_copy *v, size_t n, size_t pending)
{
	int64_t until = clock_mono_ns() + COLLECT_NS;

	if (!pending)
		return;
	alarm_set(COLLECT_NS);
	while (pending) {
		int status = 0;
		pid_t tid = waitpid(-1, &status, __WALL);

		if (tid > 0) {
			pending -= stop_came(s, v, n, tid, status);
		} else if (errno != EINTR || clock_mono_ns() >= until) {
			break;
		}
	}
	alarm_set(0);
}

static void copy_keep(struct sampler *s, struct stop_copy *c, int64_t now)
{
	struct book_sample x = { .ts_ns = since_start(s, now), .thread = c->t->book, .wait = -1, .source = FROM_STOP,
				 .cpu_ns = c->t->now_run_ns - c->t->paid_ns };
	struct walk_stack stack = { c->bytes, c->regs.r[SNAP_REG_SP], c->n };
	uint32_t script[PYTHON_FRAMES_MAX];
	size_t n = c->python ? spython_name(s, c->t->p, c->frames, c->frame_count, script) :
		   c->ruby ? sruby_name(s, c->t->p, c->ruby_bytes, c->ruby_n, false, script, PYTHON_FRAMES_MAX) : 0;

	x.wall_ns = x.cpu_ns;
	x.stack = stack_keep(s, c->t->p, &c->regs, &stack, false, script, n);
	book_sample(&s->book, &x);
	c->t->paid_ns = c->t->now_run_ns;
	c->t->stopped = true;
}

static bool stop_ask(struct sampler *s, struct sthread *t)
{
	if (t->pending) /* of an earlier round: it has been asked already */
		return true;
	if (ptrace(PTRACE_SEIZE, t->tid, NULL, NULL) < 0) {
		if (errno == EPERM && !s->refused[0])
			snprintf(s->refused, sizeof(s->refused),
				 "ptrace is refused: micro-stops need it (kernel.yama.ptrace_scope=0,"
				 " CAP_SYS_PTRACE, or --cap-add=SYS_PTRACE in a container)");
		s->stops_refused++;
		return false;
	}
	if (ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL) < 0) {
		ptrace(PTRACE_DETACH, t->tid, NULL, NULL);
		return false;
	}
	t->pending = true;
	s->pending++;
	t->asked_ns = clock_mono_ns();
	return true;
}

/* Memory of a round, there and touched before a thread stands: everything that takes time is done before or after. */
static struct stop_copy *round_room(size_t n)
{
	static struct stop_copy *room;
	static size_t have;

	if (n > have) {
		room = xreallocarray(room, n, sizeof(*room));
		for (; have < n; have++) {
			room[have] = (struct stop_copy){ .bytes = xmalloc(SAMPLER_STACK_BYTES),
							 .ruby_bytes = xmalloc(RUBY_COPY_BYTES),
							 .frames = xcalloc(PYTHON_FRAMES_MAX, sizeof(struct python_frame)) };
			memset(room[have].bytes, 0, SAMPLER_STACK_BYTES);
		}
	}
	return room;
}

void sampler_stops(struct sampler *s, struct sthread **v, size_t n, int64_t now)
{
	struct stop_copy *c = round_room(n);
	size_t asked = 0;

	for (size_t i = 0; i < n; i++) {
		c[asked].t = v[i];
		c[asked].ruby = sruby_ready(v[i]->p, now);
		c[asked].ruby_n = 0;
		c[asked].python = !c[asked].ruby && spython_ready(s, v[i]->p, now);
		if (c[asked].python)
			spython_expect(v[i]->p, v[i], now);
		c[asked].done = c[asked].gone = false;
		c[asked].n = c[asked].frame_count = 0;
		asked += stop_ask(s, v[i]);
	}
	stops_collect(s, c, asked, asked);
	for (size_t i = 0; i < asked; i++) {
		if (c[i].done)
			copy_keep(s, &c[i], now);
		else if (c[i].gone && s->engine != &sampler_perf) /* whose records tell of its end, and what it did before */
			sthread_end(s, c[i].t->p, c[i].t->tid, now, -1);
	}
}
