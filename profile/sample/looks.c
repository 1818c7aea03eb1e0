/* SPDX-License-Identifier: Apache-2.0 */
/* looks.c - one round over all threads: who ran since the last, who waits, and in what.
 *
 * A thread that has not run since it was copied waits in the same place: it costs one read of its kept schedstat. One that
 * runs is stopped where its frames or its CPU time need it. One that has stopped running is copied without a stop, and the
 * copy counts if it has not run meanwhile. */
#include "profile/proc/fdtable.h"
#include "profile/sample/sampler.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Share of a thread's run time that it may stand, in millionths, and what it may stand before it has run for long. */
#define STOPPED_PPM 6000
#define STOPPED_FREE_NS (150 * 1000)
#define STOP_GUESS_NS (60 * 1000)
#define STOPS_ROUND_MAX 32
#define STATS_KEPT_MAX 200
#define CALL_DEAR_NS (1 * NS_PER_MS)
#define CALL_DEAR_TIMES 50
#define STOPS_LEAST_NS (50 * NS_PER_MS) /* of a thread's run time: so often it is stopped whatever we have used */

static int kept_open(struct sthread *t, const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)t->p->pid, (int)t->tid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool sched_read(struct sthread *t, struct proc_sched *out)
{
	char text[128];
	ssize_t n;

	if (t->sched_fd < 0)
		t->sched_fd = kept_open(t, "schedstat");
	n = t->sched_fd >= 0 ? pread(t->sched_fd, text, sizeof(text) - 1, 0) : -1;
	return n > 0 && proc_sched_parse(text, (size_t)n, out) == 0;
}

/* The kernel spins until the thread has left its processor: a shell that reaps a child, whose files of /proc somebody else
 * is about to drop, may stay there for a whole slice. Such a thread is left alone for a while: it runs. */
static void call_cost_note(const struct sampler *s, struct sthread *t, int64_t began_ns)
{
	int64_t now = clock_mono_ns(), spun;

	if (now - began_ns < CALL_DEAR_NS)
		return;
	spun = sampler_own_cpu_ns() - s->own_cpu_ns; /* since this round of looks began; else we were without a processor */
	if (spun >= CALL_DEAR_NS)
		t->call_after_ns = now + spun * CALL_DEAR_TIMES;
}

static bool call_read(struct sampler *s, struct sthread *t, struct proc_syscall *out)
{
	int64_t began = clock_mono_ns();
	char text[256];
	ssize_t n;

	if (began < t->call_after_ns) {
		out->running = true;
		return true;
	}
	if (t->call_fd < 0)
		t->call_fd = kept_open(t, "syscall");
	if (t->call_fd < 0 && (errno == EACCES || errno == EPERM) && !s->refused[0])
		snprintf(s->refused, sizeof(s->refused),
			 "/proc/PID/syscall is refused: it needs the right to trace (kernel.yama.ptrace_scope=0 or"
			 " CAP_SYS_PTRACE)");
	n = t->call_fd >= 0 ? pread(t->call_fd, text, sizeof(text) - 1, 0) : -1;
	call_cost_note(s, t, began);
	return n > 0 && proc_syscall_parse(text, (size_t)n, out) == 0;
}

/* Its state. The file is kept open where there are few threads: opening it costs more than all else of a copy. */
static char state_read(const struct sampler *s, struct sthread *t)
{
	struct proc_stat st = { .state = 'S' };
	char text[512];
	ssize_t n;

	if (t->stat_fd < 0 && s->thread_count > STATS_KEPT_MAX)
		return proc_thread_stat_read(t->p->pid, t->tid, &st) == 0 ? st.state : 'S';
	if (t->stat_fd < 0)
		t->stat_fd = kept_open(t, "stat");
	n = t->stat_fd >= 0 ? pread(t->stat_fd, text, sizeof(text) - 1, 0) : -1;
	return n > 0 && proc_stat_parse(text, (size_t)n, &st) == 0 ? st.state : 'S';
}

/* ---- blocked threads ---- */

/* Calls whose first argument is a descriptor, by number. */
static bool call_has_fd(long nr)
{
#if defined(__x86_64__)
	static const short with_fd[] = { 0,  1,  17, 18, 19, 20,  42,  43,  44,  45, 46,
					 47, 72, 73, 74, 75, 232, 281, 288, 299, 307 };
#else
	static const short with_fd[] = { 63,  64,  67, 68, 65, 66, 203, 202, 206, 207,
					 211, 212, 25, 32, 82, 83, 22,  242, 243, 269 };
#endif
	for (size_t i = 0; i < sizeof(with_fd) / sizeof(*with_fd); i++)
		if (with_fd[i] == nr)
			return true;
	return false;
}

static bool call_is_connect(long nr)
{
#if defined(__x86_64__)
	return nr == 42;
#else
	return nr == 203;
#endif
}

static bool call_is_futex(long nr)
{
#if defined(__x86_64__)
	return nr == 202;
#else
	return nr == 98;
#endif
}

/* What a wait is for, as far as it can be told at once: the file, pipe or peer behind the descriptor. */
static void wait_resource(struct sthread *t, const struct proc_syscall *call, char *out, size_t size)
{
	struct peek peek = { .pid = t->p->pid, .mem_fd = -1 };
	unsigned char address[128];
	char name[32], target[300];

	out[0] = '\0';
	if (call->nr < 0 || !call_has_fd(call->nr))
		return;
	if (call_is_connect(call->nr) && call->arg[2] <= sizeof(address) &&
	    peek_full(&peek, call->arg[1], address, call->arg[2])) {
		sock_addr_text(address, call->arg[2], out, size);
		if (out[0])
			return;
	}
	snprintf(name, sizeof(name), "fd/%d", (int)call->arg[0]);
	if (proc_link_read(t->p->pid, name, target, sizeof(target)) < 0)
		return;
	snprintf(out, size, "fd %d: %s", (int)call->arg[0], target);
	if (strncmp(target, "socket:[", 8) == 0) {
		struct sock_info info;

		if (sock_lookup(t->p->pid, strtoull(target + 8, NULL, 10), &info) && info.remote[0])
			snprintf(out, size, "fd %d: %s %s", (int)call->arg[0], info.proto, info.remote);
	}
}

static bool is_runnable(char state) { return state == 'R'; }

struct wait_copy {
	int32_t wait;
	uint32_t stack;
};

/* Copies a thread that does not run. False where it ran meanwhile. */
static bool wait_copy(struct sampler *s, struct sthread *t, const struct proc_syscall *call, int64_t now,
		      struct wait_copy *out)
{
	static unsigned char bytes[SAMPLER_STACK_BYTES];
	struct snap_regs regs = { .pc = call->pc, .have = UINT64_C(1) << SNAP_REG_SP };
	struct walk_stack stack = { .bytes = bytes, .base = call->sp };
	struct python_frame frames[PYTHON_FRAMES_MAX];
	struct peek peek = { .pid = t->p->pid, .mem_fd = -1 };
	uint32_t script[PYTHON_FRAMES_MAX];
	struct book_wait w = { .nr = (int32_t)call->nr };
	struct proc_sched sched;
	static unsigned char ruby_bytes[RUBY_COPY_BYTES];
	size_t python = 0, ruby = 0, n = 0;
	char resource[400], state;
	ssize_t got;

	regs.r[SNAP_REG_SP] = call->sp;
	got = call->sp ? peek_read(&peek, call->sp, bytes, sizeof(bytes)) : 0;
	if (got < 0 && errno == EPERM && !s->refused[0])
		snprintf(s->refused, sizeof(s->refused),
			 "the memory of processes may not be read (kernel.yama.ptrace_scope=0 or CAP_SYS_PTRACE"
			 " allow it)");
	stack.n = got > 0 ? (size_t)got : 0;
	if (sruby_ready(t->p, now)) {
		ruby = sruby_copy(t->p, t->tid, ruby_bytes, sizeof(ruby_bytes));
	} else if (spython_ready(s, t->p, now)) {
		spython_expect(t->p, t, now);
		python = spython_walk(s, t->p, t->tid, frames, PYTHON_FRAMES_MAX);
	}
	state = state_read(s, t);
	wait_resource(t, call, resource, sizeof(resource));
	if (!sched_read(t, &sched) || sched.run_ns != t->run_ns || is_runnable(state))
		return false;
	s->copies++;
	if (python)
		n = spython_name(s, t->p, frames, python, script);
	else if (ruby)
		n = sruby_name(s, t->p, ruby_bytes, ruby, true, script, PYTHON_FRAMES_MAX);
	if (call_is_futex(call->nr) && spython_is_gil(t->p, call->arg[0]))
		w.kind = WAIT_GIL;
	w.state = state;
	w.resource = resource[0] ? resource : NULL;
	out->wait = book_wait(&s->book, &w);
	out->stack = stack_keep(s, t->p, stack.n ? &regs : NULL, &stack, false, script, n);
	return true;
}

void sthread_wait_end(struct sampler *s, struct sthread *t, int64_t until)
{
	struct book_sample x = { .ts_ns = since_start(s, t->wait_since_ns), .thread = t->book, .stack = t->wait_stack,
				 .wait = t->wait, .source = FROM_LOOK };

	if (until > t->wait_until_ns)
		t->wait_until_ns = until;
	x.wall_ns = t->wait_until_ns - t->wait_since_ns;
	if (t->waiting && x.wall_ns > 0)
		book_sample(&s->book, &x);
	t->waiting = false;
}

/* A long wait is written once a second, so that a sampler that is killed has lost no more. */
static void wait_go_on(struct sampler *s, struct sthread *t, int64_t now)
{
	t->wait_until_ns = now;
	if (now - t->wait_since_ns < NS_PER_S)
		return;
	sthread_wait_end(s, t, now);
	t->waiting = true;
	t->wait_since_ns = t->wait_until_ns = now;
}

static void wait_found(struct sampler *s, struct sthread *t, const struct proc_syscall *call, int64_t blocked, int64_t now)
{
	struct wait_copy w;

	if (!wait_copy(s, t, call, now, &w)) {
		if (t->waiting)
			sthread_wait_end(s, t, t->wait_until_ns + blocked);
		return;
	}
	if (t->waiting && t->wait == w.wait && t->wait_stack == w.stack) {
		sthread_wait_end(s, t, t->wait_until_ns + blocked);
		t->wait_since_ns = t->wait_until_ns = now;
	} else if (t->waiting) { /* when it went from one to the other is not known */
		sthread_wait_end(s, t, t->wait_until_ns + blocked / 2);
		t->wait_since_ns = now - (blocked - blocked / 2);
	} else {
		t->wait_since_ns = now - blocked;
	}
	t->waiting = true;
	t->wait = w.wait;
	t->wait_stack = w.stack;
	t->wait_until_ns = now;
}

/* ---- threads that run ---- */

static bool stop_is_due(const struct sampler *s, const struct sthread *t)
{
	if (!s->cpu || s->engine == &sampler_read || s->refused[0])
		return false;
	if (s->engine != &sampler_stop && !t->p->scripted)
		return false;
	if (!sampler_affords(s, 100) && t->now_run_ns - t->paid_ns < STOPS_LEAST_NS)
		return false;
	if (t->now_run_ns - t->paid_ns < s->period_ns / 2)
		return false;
	return t->stopped_ns + STOP_GUESS_NS <= (t->now_run_ns - t->first_run_ns) / 1000000 * STOPPED_PPM + STOPPED_FREE_NS;
}

/* What ran and may not be stopped is at least named: by its thread alone. */
static void owed_unknown(struct sampler *s, struct sthread *t, int64_t now)
{
	struct book_sample x = { .ts_ns = since_start(s, now), .thread = t->book, .wait = -1, .source = FROM_STOP,
				 .cpu_ns = t->run_ns - t->paid_ns };

	if (x.cpu_ns < s->period_ns)
		return;
	x.wall_ns = x.cpu_ns;
	x.stack = stack_unknown(s);
	s->unknown_samples++;
	book_sample(&s->book, &x);
	t->paid_ns = t->run_ns;
}

static void look_at(struct sampler *s, struct sthread *t, int64_t now, struct sthread **stops, size_t *n)
{
	struct proc_sched sched;
	struct proc_syscall call = { 0 };
	int64_t ran, blocked;

	if (t->pending) {
		if (*n < STOPS_ROUND_MAX)
			stops[(*n)++] = t;
		return;
	}
	if (t->exited_ns || !sched_read(t, &sched))
		return;
	if (!t->looked) {
		s->calm_rounds = -1;
		t->looked = true;
		t->first_run_ns = t->run_ns = t->paid_ns = s->attached ? sched.run_ns : 0;
		t->first_delay_ns = t->delay_ns = s->attached ? sched.delay_ns : 0;
	}
	ran = sched.run_ns - t->run_ns;
	blocked = now - t->looked_ns - ran - (sched.delay_ns - t->delay_ns);
	blocked = blocked > 0 ? blocked : 0;
	t->run_ns = t->now_run_ns = sched.run_ns;
	t->delay_ns = sched.delay_ns;
	t->looked_ns = now;
	t->sampled_ns = 0;
	if (ran <= 0 && t->waiting) {
		wait_go_on(s, t, now);
		return;
	}
	if (ran > 0) {
		s->idle_since_ns = now;
		if (t->waiting || blocked > (ran + blocked) / 16)
			s->calm_rounds = -1;
		if (s->engine != &sampler_perf)
			s->tree_cpu_ns += ran;
	}
	if (!call_read(s, t, &call)) {
		if (s->engine != &sampler_perf)
			owed_unknown(s, t, now);
		return;
	}
	if (!call.running) {
		if (s->wall)
			wait_found(s, t, &call, blocked, now);
		return;
	}
	if (t->waiting)
		sthread_wait_end(s, t, t->wait_until_ns + blocked);
	if (stop_is_due(s, t) && *n < STOPS_ROUND_MAX) {
		if (s->engine != &sampler_perf && !t->p->maps_read)
			sproc_maps(s, t->p);
		stops[(*n)++] = t;
	}
	else if (s->engine == &sampler_read || s->refused[0]) {
		owed_unknown(s, t, now);
	}
}

void sampler_look(struct sampler *s, int64_t now)
{
	struct sthread *stops[STOPS_ROUND_MAX];
	size_t n = 0;

	s->ticks++;
	s->calm_rounds += s->calm_rounds < 1000;
	for (struct sproc *p = s->first; p; p = p->after)
		for (struct sthread *t = p->threads; t; t = t->next)
			if (s->wall || t->pending || s->engine != &sampler_perf || p->scripted)
				look_at(s, t, now, stops, &n);
	if (n)
		sampler_stops(s, stops, n, now);
}

/* ---- the engines without perf ---- */

static int scan_start(struct sampler *s, struct err *e)
{
	struct proc_sched sched;
	struct proc_watch w;
	bool works = proc_watch_open(&w, getpid()) == 0 && proc_watch_sched(&w, &sched) == 0;

	(void)s;
	proc_watch_close(&w);
	return works ? 0 : err_set(e, ERR_FAILURE, "/proc/PID/schedstat is not there: the kernel lacks CONFIG_SCHED_INFO");
}

static int scan_fds(struct sampler *s, struct pollfd *out, int max)
{
	(void)s;
	(void)out;
	(void)max;
	return 0;
}

static void scan_readable(struct sampler *s, int64_t now)
{
	(void)s;
	(void)now;
}

static void scan_stop(struct sampler *s)
{
	(void)s;
}

const struct sampler_ops sampler_stop = { .name = "stop", .start = scan_start, .fds = scan_fds, .readable = scan_readable,
					  .stop = scan_stop };
const struct sampler_ops sampler_read = { .name = "read", .start = scan_start, .fds = scan_fds, .readable = scan_readable,
					  .stop = scan_stop };
