/* stop.c - the micro-stop: SEIZE, INTERRUPT, registers and stack, DETACH.
 *
 * One thread of the target at a time; nothing is looked up while it stands. Never PTRACE_ATTACH or SIGSTOP:
 * both can leave a process stopped for good. Should this process die in the middle, the kernel detaches
 * and the thread runs on. A signal that was on its way is handed on; a group stop stays one. */
#include "profile/agent.h"

#include "base/clock.h"

#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

/* How long a thread may take to come to its stop. It comes within microseconds unless it is in D state
 * or has no CPU. */
enum { STOP_WAIT_NS = 5 * 1000 * 1000, STOP_TRIES = 4 };

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
		/* Nearly always there at once; after that the CPU may be what it waits for. */
		if (++spins > 200)
			sched_yield();
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

static int stop_copy(struct snap_process *p, struct snap_thread *t, size_t stack_bytes, const struct stop_also *also,
		     int64_t *frozen_ns)
{
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
	failed = regs_copy(t->tid, &t->regs) < 0 ||
		 thread_stack_copy(p, t, t->regs.r[SNAP_REG_SP], stack_bytes) < 0;
	saved = errno;
	if (!failed && also)
		also->call(also->arg);
	t->ns_tid = st.ns_pid;
	t->switches = st.voluntary + st.involuntary;
	ptrace(PTRACE_DETACH, t->tid, NULL, (void *)deliver);
	*frozen_ns = clock_mono_ns() - began;
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

static void *stop_thread(void *arg)
{
	struct stop_job *job = arg;

	job->failed = stop_copy(job->p, job->t, job->stack_bytes, job->also, &job->frozen_ns);
	job->sys = errno;
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
