/* SPDX-License-Identifier: Apache-2.0 */
/* stop.c - the micro-stop: SEIZE, INTERRUPT, registers and stack, DETACH.
 *
 * One thread of the target at a time; nothing is looked up while it stands. Never PTRACE_ATTACH or SIGSTOP:
 * both can leave a process stopped for good. Should this process die in the middle, the kernel detaches
 * and the thread runs on. A signal that was on its way is handed on; a group stop stays one. */
#include "profile/snapshot/agent.h"

#include "base/clock.h"
#include "base/mem.h"

#include <elf.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How long a thread may take to come to its stop. It comes within microseconds unless it is in D state or has no CPU;
 * until it stands nothing is taken from it. */
enum { STOP_WAIT_NS = 40 * 1000 * 1000, STOP_TRIES = 2, STOP_SPINS = 300, STOP_NAP_NS = 30 * 1000 };

#if defined(__x86_64__)
static void regs_from_user(struct snap_regs *r, const struct user_regs_struct *u)
{
	const uint64_t dwarf[17] = { u->rax, u->rdx, u->rcx, u->rbx, u->rsi, u->rdi, u->rbp, u->rsp, u->r8,
				     u->r9, u->r10, u->r11, u->r12, u->r13, u->r14, u->r15, u->rip };

	memcpy(r->r, dwarf, sizeof(dwarf));
	r->have = (UINT64_C(1) << 17) - 1;
	r->pc = u->rip;
}
#elif defined(__aarch64__)
static void regs_from_user(struct snap_regs *r, const struct user_regs_struct *u)
{
	memcpy(r->r, u->regs, 31 * sizeof(uint64_t));
	r->r[31] = u->sp;
	r->have = UINT64_C(0xffffffff);
	r->pc = u->pc;
}
#endif

/* The stop, or 0 where none came in time. */
static int stop_wait(pid_t tid, int *status)
{
	const struct timespec nap = { 0, STOP_NAP_NS };
	int64_t until = clock_mono_ns() + STOP_WAIT_NS;
	unsigned spins = 0;

	for (;;) {
		pid_t got = waitpid(tid, status, WNOHANG | __WALL);

		if (got == tid)
			return 1;
		if (got < 0 && errno != EINTR)
			return -1;
		if (clock_mono_ns() >= until)
			return 0;
		/* Nearly always there at once; after that our CPU may be what it waits for, and a yield gives it to
		 * nobody of a lower class. */
		if (++spins > STOP_SPINS)
			ppoll(NULL, 0, &nap, NULL);
	}
}

/* What freezes a thread for milliseconds is that we lose our CPU while it stands. So this thread, which lives for one
 * stop, leaves the target's CPU to the target, and is put before all ordinary threads; where that is not allowed, it asks
 * for the shortest slices, which are handed out first (Linux 6.12). It computes for microseconds, then naps until the
 * stop is there. */
static void stop_hurry(int their_cpu)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = { .size = 48, .policy = SCHED_OTHER, .runtime = 100 * 1000 };
	struct sched_param first = { .sched_priority = 1 };
	cpu_set_t cpus;

	if (their_cpu >= 0 && their_cpu < CPU_SETSIZE && sched_getaffinity(0, sizeof(cpus), &cpus) == 0 &&
	    CPU_ISSET((size_t)their_cpu, &cpus) && CPU_COUNT(&cpus) > 1) {
		CPU_CLR((size_t)their_cpu, &cpus);
		sched_setaffinity(0, sizeof(cpus), &cpus);
	}
	if (sched_setscheduler(0, SCHED_FIFO, &first) < 0) {
		attr.nice = getpriority(PRIO_PROCESS, 0);
		syscall(SYS_sched_setattr, 0, &attr, 0);
	}
}

static int regs_copy(pid_t tid, struct snap_regs *r)
{
	struct user_regs_struct u;
	struct iovec iov = { &u, sizeof(u) };

	if (ptrace(PTRACE_GETREGSET, tid, (void *)(uintptr_t)NT_PRSTATUS, &iov) < 0)
		return -1;
	if (iov.iov_len != sizeof(u)) { /* a 32-bit program */
		errno = EOPNOTSUPP;
		return -1;
	}
	regs_from_user(r, &u);
	return 0;
}

/* Everything that takes time is done before the thread stands or after: memory is there and touched. */
struct stop_room {
	unsigned char *stack;
	size_t size, got;
	uint64_t base;
};

static int room_fill(struct snap_process *p, const struct snap_regs *regs, struct stop_room *room)
{
	size_t want = thread_stack_range(p, regs->r[SNAP_REG_SP], room->size, &room->base);
	ssize_t got = want ? peek_read(&p->peek, room->base, room->stack, want) : 0;

	if (!want)
		errno = EFAULT;
	room->got = got > 0 ? (size_t)got : 0;
	return got > 0 ? 0 : -1;
}

/* The thread's own copy, which its `also` sees too. */
static void room_give(struct stop_room *room, struct snap_thread *t)
{
	free(t->stack);
	t->stack = ptr_steal(&room->stack);
	t->stack_base = room->base;
	t->stack_size = room->got;
}

static int stop_copy(struct snap_process *p, struct snap_thread *t, struct stop_room *room, const struct stop_also *also,
		     int64_t *frozen_ns)
{
	struct snap_thread now = { .tid = t->tid };
	struct proc_status st;
	int status = 0, failed, saved, came;
	uintptr_t deliver = 0;
	int64_t began;

	if (proc_status_read(p->pid, t->tid, &st) < 0)
		return -1;
	if (st.tracer_pid) {
		errno = EBUSY;
		return -1;
	}
	/* It may have gone to sleep since we decided to stop it, in a call that this would end. */
	if (proc_syscall_read(p->pid, t->tid, &now.syscall) == 0 && !now.syscall.running && thread_call_ends_early(&now)) {
		errno = EINTR;
		return -1;
	}
	if (ptrace(PTRACE_SEIZE, t->tid, NULL, NULL) < 0)
		return -1;
	began = clock_mono_ns();
	if (ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL) < 0 || (came = stop_wait(t->tid, &status)) < 0) {
		saved = errno;
		ptrace(PTRACE_DETACH, t->tid, NULL, NULL);
		errno = saved;
		return -1;
	}
	if (came == 0) { /* what is not in a stop cannot be detached: the end of the tracing thread lets it go */
		errno = ETIME;
		return -1;
	}
	if (!WIFSTOPPED(status)) {
		errno = ESRCH;
		return -1;
	}
	if (status >> 16 == 0) /* a signal's own stop: it must not be lost */
		deliver = (uintptr_t)WSTOPSIG(status);
	failed = regs_copy(t->tid, &t->regs) < 0 || room_fill(p, &t->regs, room) < 0;
	saved = errno;
	t->ns_tid = st.ns_pid;
	t->switches = st.voluntary + st.involuntary;
	t->voluntary = st.voluntary;
	if (!failed && also) {
		room_give(room, t);
		also->call(also->arg);
	}
	ptrace(PTRACE_DETACH, t->tid, NULL, (void *)deliver);
	*frozen_ns = clock_mono_ns() - began;
	if (!failed && !also)
		room_give(room, t);
	errno = saved;
	return failed ? -1 : 0;
}

struct stop_job {
	struct snap_process *p;
	struct snap_thread *t;
	size_t stack_bytes;
	const struct stop_also *also;
	int64_t frozen_ns;
	int failed, sys;
};

/* A blocked thread's stack pointer is known, and lies a little lower where it stops. */
static size_t room_size(const struct stop_job *job)
{
	enum { LOWER_BYTES = 8192 };
	const struct proc_syscall *call = &job->t->syscall;
	uint64_t from;
	size_t n = call->running || !call->sp ? 0 : thread_stack_range(job->p, call->sp, job->stack_bytes, &from);

	return n && n + LOWER_BYTES < job->stack_bytes ? n + LOWER_BYTES : job->stack_bytes;
}

static void *stop_thread(void *arg)
{
	struct stop_job *job = arg;
	struct stop_room room = { .size = room_size(job) };
	struct proc_stat st;

	room.stack = xmalloc(room.size);
	memset(room.stack, 0, room.size);
	stop_hurry(proc_thread_stat_read(job->p->pid, job->t->tid, &st) == 0 ? st.processor : -1);
	job->failed = stop_copy(job->p, job->t, &room, job->also, &job->frozen_ns);
	job->sys = errno;
	free(room.stack);
	return NULL;
}

/* In a thread of its own, whose end makes the kernel detach whatever went wrong. */
int thread_stop_copy(struct snap_process *p, struct snap_thread *t, size_t stack_bytes, const struct stop_also *also,
		     int64_t *frozen_ns)
{
	struct stop_job job = { .p = p, .t = t, .stack_bytes = stack_bytes, .also = also };
	pthread_t thread;
	int sys, tries = 0;

	if (p->peek.agent) {
		sys = agent_stop(p->peek.agent, p, t, stack_bytes, also, frozen_ns);
		t->frozen_ns = *frozen_ns;
		return sys;
	}
	do { /* on a crowded machine a thread may get no CPU to come to its stop */
		sys = pthread_create(&thread, NULL, stop_thread, &job);
		if (sys) {
			errno = sys;
			return -1;
		}
		pthread_join(thread, NULL);
	} while (job.failed && job.sys == ETIME && ++tries < STOP_TRIES);
	*frozen_ns = t->frozen_ns = job.frozen_ns;
	errno = job.sys;
	return job.failed;
}
