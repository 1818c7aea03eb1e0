/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/collector.h"

#include "base/clock.h"
#include "base/frame_home.h"
#include "base/mem.h"
#include "profile/proc/denied.h"
#include "profile/proc/slow_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

const char *const collect_status_text[] = { "ok", "partial", "denied", "gone", "timed_out", "unavailable" };

/* Numbers that old headers lack. */
#if defined(__x86_64__)
enum { CALL_IO_PGETEVENTS = 333 };
#else
enum { CALL_IO_PGETEVENTS = 292 };
#endif
enum { CALL_IO_URING_ENTER = 426, CALL_EPOLL_PWAIT2 = 441 };
enum {
	STACK_BYTES = 256 * 1024, STACK_LEAST = 4096, STACKS_BYTES = 128 << 20, MANY_THREADS = 512, RED_ZONE = 128,
	COPY_TRIES = 3, COPY_TRIES_MORE = 20, MEMORIES_MAX = 200, SCHED_BYTES = 2048
};

void thread_reason(struct snap_thread *t, enum collect_status status, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	t->status = status;
	free(t->reason);
	t->reason = xstrdup(text);
}

void snapshot_collector(struct snapshot *s, const char *name, enum collect_status status, int64_t duration_ns,
			const char *reason)
{
	s->collectors = xreallocarray(s->collectors, s->collector_count + 1, sizeof(*s->collectors));
	s->collectors[s->collector_count++] = (struct snap_collector){
		.name = name, .status = status, .duration_ns = duration_ns, .reason = reason ? xstrdup(reason) : NULL };
}

struct snap_process *snapshot_process(const struct snapshot *s, pid_t pid)
{
	for (size_t i = 0; i < s->process_count; i++)
		if (s->processes[i].pid == pid)
			return &s->processes[i];
	return NULL;
}

struct snap_thread *snapshot_thread(const struct snap_process *p, pid_t tid)
{
	for (size_t i = 0; p && i < p->thread_count; i++)
		if (p->threads[i].tid == tid)
			return &p->threads[i];
	return NULL;
}

struct snap_frame *thread_frame_add(struct snap_thread *t)
{
	if (t->frame_count == SNAP_FRAMES_MAX)
		return NULL;
	if (t->frame_count == t->frame_cap) {
		t->frame_cap = t->frame_cap ? t->frame_cap * 2 : 16;
		t->frames = xreallocarray(t->frames, t->frame_cap, sizeof(*t->frames));
	}
	memset(&t->frames[t->frame_count], 0, sizeof(*t->frames));
	return &t->frames[t->frame_count++];
}

void snap_frame_release(struct snap_frame *f)
{
	free(f->function);
	free(f->file);
	free(f->module);
}

static struct frame_words words_of(const struct snap_frame *f)
{
	return (struct frame_words){ .language = f->language, .function = f->function, .file = f->file, .module = f->module,
				     .line = f->line, .runtime = f->runtime };
}

const struct snap_frame *frames_place(const struct snap_frame *frames, size_t n)
{
	const struct snap_frame *best = NULL;
	enum frame_place best_place = PLACE_NONE;
	bool interpreted = false;

	for (size_t i = 0; i < n; i++)
		interpreted = interpreted || strcmp(frames[i].language, "native") != 0;
	for (size_t i = 0; i < n && best_place != PLACE_OWN_LINE; i++) {
		struct frame_words f = words_of(&frames[i]);
		enum frame_place place = frame_place(&f, interpreted);

		if (place < best_place) {
			best_place = place;
			best = &frames[i];
		}
	}
	for (size_t i = 0; i < n && !best; i++)
		if (frames[i].file)
			best = &frames[i];
	return best ? best : n ? &frames[0] : NULL;
}

const struct snap_frame *thread_place(const struct snap_thread *t)
{
	return frames_place(t->frames, t->frame_count);
}

/* When the thread last ran: se.exec_start is in ms of the scheduler's clock, which runs as CLOCK_MONOTONIC does
 * but began elsewhere; our own entry, just updated, tells the difference. */
static int64_t exec_start_ns(char *text, ssize_t n)
{
	char *at;

	if (n <= 0 || !(at = strstr(text, "se.exec_start")) || !(at = strchr(at, ':')))
		return -1;
	return (int64_t)(strtod(at + 1, NULL) * 1e6);
}

/* Ahead of CLOCK_MONOTONIC; asked for once a second, since it hardly moves. */
static int64_t sched_clock_now(void)
{
	static _Thread_local int64_t asked_ns, ahead_ns;
	int64_t now = clock_mono_ns(), ours;
	char text[SCHED_BYTES];

	if (!asked_ns || now - asked_ns > NS_PER_S) {
		ours = exec_start_ns(text, fd_read_file(AT_FDCWD, "/proc/thread-self/sched", text, sizeof(text)));
		if (ours < 0)
			return -1;
		asked_ns = now;
		ahead_ns = ours - now;
	}
	return now + ahead_ns;
}

static int64_t since_ns(const struct proc_thread *files)
{
	char text[SCHED_BYTES];
	int64_t theirs, now;

	theirs = exec_start_ns(text, proc_thread_text(files, "sched", text, sizeof(text)));
	now = sched_clock_now();
	return theirs < 0 || now < theirs ? -1 : now - theirs;
}

size_t thread_stack_range(const struct snap_process *p, uint64_t sp, size_t stack_bytes, uint64_t *from)
{
	const struct map_entry *m = maps_find(&p->maps, sp);

	if (!m)
		return 0;
	*from = sp - RED_ZONE;
	if (*from < m->start || *from > sp)
		*from = m->start;
	return m->end - *from < stack_bytes ? (size_t)(m->end - *from) : stack_bytes;
}

/* Copies the stack above the stack pointer without a stop. */
static int thread_stack_copy(struct snap_process *p, struct snap_thread *t, uint64_t sp, size_t stack_bytes)
{
	uint64_t from;
	size_t want = thread_stack_range(p, sp, stack_bytes, &from);
	ssize_t got;

	if (!want) {
		errno = EFAULT;
		return -1;
	}
	t->stack = xrealloc(t->stack, want);
	got = peek_read(&p->peek, from, t->stack, want);
	if (got <= 0) {
		mem_free_ptr(&t->stack);
		return -1;
	}
	t->stack_base = from;
	t->stack_size = (size_t)got;
	return 0;
}

static bool blocked_same(const struct proc_syscall *a, const struct proc_syscall *b)
{
	return a->nr == b->nr && a->sp == b->sp && a->pc == b->pc && a->running == b->running &&
	       memcmp(a->arg, b->arg, sizeof(a->arg)) == 0;
}

/* Whatever runs between two of these shows: it comes to a CPU, and uses it. Without them (a kernel without schedstat),
 * only the switches of status tell. */
struct ran {
	struct proc_sched sched;
	struct proc_status status;
	bool known;
};

static bool ran_read(struct proc_thread *files, struct ran *r)
{
	r->known = proc_thread_sched(files, &r->sched) == 0 && r->sched.slices > 0;
	return r->known || proc_thread_status(files, &r->status) == 0;
}

static bool ran_between(const struct ran *was, const struct ran *now)
{
	if (was->known && now->known)
		return was->sched.slices != now->sched.slices || was->sched.run_ns != now->sched.run_ns;
	return was->known || now->known || was->status.voluntary != now->status.voluntary ||
	       was->status.involuntary != now->status.involuntary;
}

static void blocked_take(struct snap_thread *t, const struct proc_status *status)
{
	t->ns_tid = status->ns_pid;
	t->switches = status->voluntary + status->involuntary;
	t->voluntary = status->voluntary;
	t->regs = (struct snap_regs){ .pc = t->syscall.pc };
	t->regs.r[SNAP_REG_SP] = t->syscall.sp;
	t->regs.have = UINT64_C(1) << SNAP_REG_SP;
}

/* Level 0. True where a copy was made that no movement can have torn. before: read already. */
static bool thread_copy_blocked(struct snap_process *p, struct snap_thread *t, struct proc_thread *files, struct ran *before,
				size_t stack_bytes)
{
	/* One that wakes now and then sleeps most of the time: it is tried for longer than one that computes. */
	for (int i = 0; i < (t->state == 'R' ? COPY_TRIES : COPY_TRIES_MORE); i++) {
		struct proc_syscall again;
		struct proc_status status;
		struct ran after;

		if ((i || !before->known) && !ran_read(files, before))
			return false;
		if (proc_thread_syscall(files, &t->syscall) < 0 || t->syscall.running || !t->syscall.sp)
			return false;
		if (thread_stack_copy(p, t, t->syscall.sp, stack_bytes) < 0)
			return false;
		if (proc_thread_syscall(files, &again) == 0 && blocked_same(&t->syscall, &again) &&
		    proc_thread_status(files, &status) == 0 && ran_read(files, &after) && !ran_between(before, &after)) {
			blocked_take(t, &status);
			return true;
		}
		mem_free_ptr(&t->stack);
		t->stack_size = 0;
	}
	return false;
}

bool thread_call_ends_early(const struct snap_thread *t)
{
	switch (t->syscall.nr) {
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
#endif
	case SYS_epoll_pwait: case SYS_semop: case SYS_semtimedop: case SYS_rt_sigtimedwait: case SYS_io_getevents:
	case SYS_recvfrom: case SYS_recvmsg: case SYS_recvmmsg: case SYS_accept: case SYS_accept4: case SYS_connect:
	case SYS_sendto: case SYS_sendmsg: case SYS_msgrcv: case SYS_msgsnd:
	case CALL_EPOLL_PWAIT2: case CALL_IO_URING_ENTER: case CALL_IO_PGETEVENTS:
		return true;
	default:
		return false;
	}
}

static void thread_denied(struct snap_process *p, struct snap_thread *t)
{
	char why[260];

	denied_reason(p->pid, why, sizeof(why));
	thread_reason(t, COLLECT_DENIED, "%s", why);
}

/* locked: a read of its process's memory would never come back. */
static void thread_capture(struct snap_process *p, struct snap_thread *t, int task_fd, bool locked,
			   const struct snapshot_options *o)
{
	auto_proc_thread files = { .pid = p->pid, .tid = t->tid, .task_fd = task_fd, .sched_fd = -1, .syscall_fd = -1 };
	size_t stack_bytes = o->stack_bytes ? o->stack_bytes : STACK_BYTES;
	struct ran before = { .known = false };
	struct proc_stat st;
	int64_t frozen_ns;

	t->ns_tid = t->tid;
	t->cpu_delta_ns = t->run_ns = t->wait.since_ns = t->wait.timeout_ns = -1;
	t->syscall.nr = -1;
	if (proc_thread_stat(&files, &st) < 0) {
		thread_reason(t, COLLECT_GONE, "ended while we looked");
		return;
	}
	memcpy(t->name, st.comm, sizeof(t->name));
	t->state = st.state;
	t->cpu_ns = proc_stat_cpu_ns(&st);
	if (proc_thread_sched(&files, &before.sched) == 0) {
		t->run_ns = before.sched.run_ns;
		before.known = before.sched.slices > 0;
	}
	t->since_ns = st.state == 'R' ? -1 : since_ns(&files);
	proc_thread_wchan(&files, t->wchan, sizeof(t->wchan));
	if (st.state == 'Z' || st.state == 'X')
		return;
	if (locked) {
		proc_thread_syscall(&files, &t->syscall);
		thread_reason(t, COLLECT_PARTIAL, "the memory of its process is locked, most likely by a thread that waits "
						  "for a dead file system: reading it would hang");
		return;
	}
	if (st.flags & 0x200000 || thread_copy_blocked(p, t, &files, &before, stack_bytes))
		return;
	if (proc_thread_syscall(&files, &t->syscall) < 0 && (errno == EPERM || errno == EACCES)) {
		thread_denied(p, t);
		return;
	}
	if (o->intrusion < INTRUSION_MICRO_STOP || t->state == 'D') {
		thread_reason(t, COLLECT_PARTIAL, "runs, and was not to be stopped");
		return;
	}
	if (thread_stop_copy(p, t, stack_bytes, NULL, &frozen_ns) == 0) {
		t->intrusion = INTRUSION_MICRO_STOP;
		return;
	}
	if (errno == ESRCH)
		thread_reason(t, COLLECT_GONE, "ended while we looked");
	else if (errno == EINTR)
		thread_reason(t, COLLECT_PARTIAL, "comes and goes in a call that a stop would end early");
	else if (errno == EBUSY)
		thread_reason(t, COLLECT_PARTIAL, "runs, and another tool traces it");
	else if (errno == EPERM || errno == EACCES)
		thread_denied(p, t);
	else
		thread_reason(t, COLLECT_PARTIAL, "runs, and could not be stopped: %s", strerror(errno));
}

static char *link_text(pid_t pid, const char *name)
{
	char buf[4096];

	return proc_link_read(pid, name, buf, sizeof(buf)) > 0 ? xstrdup(buf) : NULL;
}

static bool other_mounts(pid_t pid)
{
	char ours[64], theirs[64];

	return proc_link_read(getpid(), "ns/mnt", ours, sizeof(ours)) > 0 &&
	       proc_link_read(pid, "ns/mnt", theirs, sizeof(theirs)) > 0 && strcmp(ours, theirs) != 0;
}

static int by_main_first(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return x < y ? -1 : x > y;
}

static int memory_open(pid_t pid)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* A filter of system calls forbids it even of ourselves, as that of a container may. /proc/PID/mem asks for the same rights,
 * and passes. */
static bool readv_is_refused(void)
{
	static int refused = -1;
	char from = 1, to = 0;
	struct iovec local = { &to, 1 }, remote = { &from, 1 };

	if (refused < 0)
		refused = process_vm_readv(getpid(), &local, 1, &remote, 1, 0) < 0 && (errno == EPERM || errno == ENOSYS);
	return refused;
}

/* Of each of so many threads: 10,000 stacks, or those of 1,000 processes, must not fill the machine's memory. */
static size_t stack_share(const struct snapshot *s, size_t threads, const struct snapshot_options *o)
{
	size_t most = o->stacks_bytes ? o->stacks_bytes : STACKS_BYTES, each = o->stack_bytes ? o->stack_bytes : STACK_BYTES;
	size_t fair = s->stacks_bytes < most ? (most - s->stacks_bytes) / 2 / (threads + 1) : 0;

	if (threads <= MANY_THREADS && s->stacks_bytes <= most / 2)
		return each;
	if (fair < STACK_LEAST)
		fair = STACK_LEAST;
	return fair < each ? fair : each;
}

static void process_capture(struct snapshot *s, struct snap_process *p, pid_t pid, const struct snapshot_options *o)
{
	auto_pid_list tids = PID_LIST_INIT;
	auto_close int task_fd = -1;
	struct snapshot_options own = *o;
	size_t index = (size_t)(p - s->processes);
	struct proc_status st;

	p->pid = p->ns_pid = pid;
	p->peek = (struct peek){ .pid = pid, .mem_fd = -1 };
	if (proc_stat_read(pid, &p->stat) < 0)
		return;
	p->alive = (p->stat.state != 'Z' && p->stat.state != 'X') || p->stat.num_threads > 1;
	if (proc_status_read(pid, 0, &st) == 0) {
		p->ns_pid = st.ns_pid;
		p->uid = st.euid;
		p->sig_caught = st.sig_caught;
		p->sig_ignored = st.sig_ignored;
	}
	proc_argv_read(pid, &p->argv);
	/* a title that was written over the arguments has their rest behind it */
	while (p->argv.n > 1 && !*p->argv.v[p->argv.n - 1])
		free(p->argv.v[--p->argv.n]);
	p->cwd = link_text(pid, "cwd");
	p->exe = link_text(pid, "exe");
	p->foreign_ns = other_mounts(pid);
	if (p->alive && (index < o->memories || (index < MEMORIES_MAX && readv_is_refused())))
		p->peek.mem_fd = memory_open(p->peek.pid);
	if (proc_threads(pid, &tids) < 0)
		return;
	qsort(tids.v, tids.n, sizeof(*tids.v), by_main_first);
	for (size_t i = 1; i < tids.n; i++)
		if (tids.v[i] == pid) { /* pids wrapped around: the main thread is not the lowest */
			tids.v[i] = tids.v[0];
			tids.v[0] = pid;
		}
	/* A main thread that has ended has no memory any more: the others are asked. */
	if (p->alive && p->stat.state == 'Z' && tids.n > 1)
		p->peek.pid = tids.v[1];
	if (p->alive)
		maps_read(&p->maps, p->peek.pid);
	p->peek.off = proc_is_stuck(pid) || proc_is_stuck(p->peek.pid);
	p->threads = xcalloc(tids.n ? tids.n : 1, sizeof(*p->threads));
	p->thread_count = tids.n;
	own.stack_bytes = stack_share(s, tids.n, o);
	task_fd = proc_task_open(pid);
	for (size_t i = 0; i < tids.n; i++) {
		p->threads[i].tid = tids.v[i];
		if (clock_mono_ns() < s->deadline_ns)
			thread_capture(p, &p->threads[i], task_fd, p->peek.off, &own);
		else
			thread_reason(&p->threads[i], COLLECT_TIMED_OUT, "no time was left to look at it");
		s->stacks_bytes += p->threads[i].stack_size;
	}
}

static void capture_into(struct snapshot *s, const pid_t *pids, size_t n, const struct snapshot_options *o)
{
	size_t denied = 0, threads = 0, stopped = 0, late = 0;
	int64_t began = clock_mono_ns();
	char reason[200];

	s->root = n ? pids[0] : 0;
	s->deadline_ns = o->deadline_ns;
	s->processes = xcalloc(n ? n : 1, sizeof(*s->processes));
	for (size_t i = 0; i < n; i++) {
		struct snap_process *p = &s->processes[s->process_count];

		process_capture(s, p, pids[i], o);
		if (!p->stat.pid)
			continue; /* vanished: its slot is used again */
		s->process_count++;
		for (size_t k = 0; k < p->thread_count; k++) {
			threads++;
			denied += p->threads[k].status == COLLECT_DENIED;
			late += p->threads[k].status == COLLECT_TIMED_OUT;
			stopped += p->threads[k].intrusion == INTRUSION_MICRO_STOP;
		}
	}
	snprintf(reason, sizeof(reason), "%zu threads, %zu of them stopped for a moment, %zu denied, %zu too late", threads,
		 stopped, denied, late);
	snapshot_collector(s, "snapshot", late ? COLLECT_TIMED_OUT : !denied ? COLLECT_OK :
			   denied == threads ? COLLECT_DENIED : COLLECT_PARTIAL,
			   clock_mono_ns() - began, reason);
	s->collectors[s->collector_count - 1].intrusion = stopped ? INTRUSION_MICRO_STOP : INTRUSION_READ;
}

void snapshot_capture(struct snapshot *s, const pid_t *pids, size_t n, const struct snapshot_options *o)
{
	*s = (struct snapshot){ .at_real_ns = clock_real_ns(), .at_mono_ns = clock_mono_ns() };
	capture_into(s, pids, n, o);
}

static void processes_collect(struct snapshot *s, const struct collect_request *q)
{
	struct snapshot_options o = { .deadline_ns = q->deadline_ns, .intrusion = q->intrusion };

	capture_into(s, q->pids, q->pid_count, &o);
}

const struct collector collector_processes = { .name = "snapshot", .help = "processes, threads, and copies of stacks",
					       .budget_ms = 2000, .collect = processes_collect };

void snap_wait_release(struct snap_wait *w)
{
	for (size_t i = 0; i < w->holder_count; i++) {
		free(w->holders[i].comm);
		free(w->holders[i].function);
		free(w->holders[i].file);
	}
	free(w->holders);
	free(w->resource);
}

void snapshot_drop_stacks(struct snapshot *s)
{
	for (size_t i = 0; i < s->process_count; i++)
		for (size_t k = 0; k < s->processes[i].thread_count; k++) {
			mem_free_ptr(&s->processes[i].threads[k].stack);
			s->processes[i].threads[k].stack_size = 0;
		}
}

void snapshot_release(struct snapshot *s)
{
	snapshot_drop_stacks(s);
	for (size_t i = 0; i < s->process_count; i++) {
		struct snap_process *p = &s->processes[i];

		for (size_t k = 0; k < p->thread_count; k++) {
			struct snap_thread *t = &p->threads[k];

			for (size_t f = 0; f < t->frame_count; f++)
				snap_frame_release(&t->frames[f]);
			free(t->frames);
			free(t->reason);
			snap_wait_release(&t->wait);
		}
		hints_release(p);
		free(p->threads);
		maps_release(&p->maps);
		fd_close(&p->peek.mem_fd);
		facts_of_process_release(p);
		strv_release(&p->argv);
		free(p->cwd);
		free(p->exe);
	}
	free(s->processes);
	for (size_t i = 0; i < s->cycle_count; i++)
		free(s->cycles[i].members);
	free(s->cycles);
	for (size_t i = 0; i < s->root_count; i++)
		free(s->roots[i].location);
	free(s->roots);
	for (size_t i = 0; i < s->collector_count; i++)
		free(s->collectors[i].reason);
	free(s->collectors);
	*s = (struct snapshot){ 0 };
}
