/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/repro/perturb.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "profile/proc/process.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define IDLE_THREADS_MAX 512
#define QUIET_PASSES 5
#define QUIET_LEAST_NS (500 * NS_PER_MS)
#define QUIET_MOST_NS (10 * NS_PER_S)
#define RAISE_PASSES 8
#define WAIT_STEP_NS (NS_PER_MS / 4)
#define IDLE_OFTEN_NS (100 * NS_PER_MS) /* a program's threads come in its first moments */
#define IDLE_SOON_NS (2 * NS_PER_MS)
#define IDLE_LATER_NS (25 * NS_PER_MS)

struct idle_thread {
	pid_t tid;
	int64_t start_ticks; /* a tid may be reused */
};

static uint64_t below(struct perturber *p, uint64_t n)
{
	return n ? setting_random(&p->generator) % n : 0;
}

/* Around the mean, from a fifth of it to nearly twice: no beat with anything periodic in the tree. */
static int64_t about_us(struct perturber *p, int64_t us)
{
	int64_t ns = us * 1000;

	return ns / 5 + (int64_t)below(p, (uint64_t)(ns + ns * 3 / 5 + 1));
}

static int64_t about(struct perturber *p, int64_t ms)
{
	return about_us(p, ms * 1000);
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static bool starves_at_once(const struct setting *s)
{
	return s->kinds & 1u << PERTURB_LOAD && s->load_idle_percent == 100 && s->load_every_ms == 0;
}

int64_t perturber_quiet_ns(int64_t start_ns, int64_t limit_ns, int64_t passing_ns)
{
	int64_t most = QUIET_MOST_NS;

	if (passing_ns > 0 && passing_ns < most / QUIET_PASSES)
		most = passing_ns * QUIET_PASSES > QUIET_LEAST_NS ? passing_ns * QUIET_PASSES : QUIET_LEAST_NS;
	if (limit_ns > 0 && limit_ns / 2 < most)
		most = limit_ns / 2;
	return clock_add(start_ns, most);
}

void perturber_init(struct perturber *p, const struct setting *s, pid_t root, const cpu_set_t *cpus, int64_t now_ns,
		    int64_t quiet_from_ns)
{
	memset(p, 0, sizeof(*p));
	p->setting = s;
	p->root = root;
	p->generator = s->seed ^ UINT64_C(0xa5a5a5a5);
	p->stopped_fd = -1;
	p->cpus = *cpus;
	p->continue_ns = p->next_pause_ns = p->next_load_ns = p->load_end_ns = p->next_idle_ns = TIME_NEVER;
	p->quiet_from_ns = quiet_from_ns;
	p->next_wait_ns = s->kinds & (1u << PERTURB_PAUSE | 1u << PERTURB_LOAD) ? now_ns : TIME_NEVER;
}

/* ---- who may be touched ---- */

static bool is_ours(pid_t pid)
{
	char exe[4096];
	const char *base;

	if (proc_link_read(pid, "exe", exe, sizeof(exe)) <= 0)
		return true; /* gone, or not ours to touch */
	base = strrchr(exe, '/');
	return base && strncmp(base + 1, "spec-runner", 11) == 0;
}

void perturber_members(const struct perturber *p, struct pid_list *out)
{
	auto_pid_list all = PID_LIST_INIT;

	if (proc_tree(p->root, &all) < 0)
		return;
	for (size_t i = 0; i < all.n; i++)
		if (!is_ours(all.v[i]))
			pid_list_add(out, all.v[i]);
}

/* ---- pauses ---- */

static void pause_begin(struct perturber *p, int64_t now_ns)
{
	auto_pid_list list = PID_LIST_INIT;
	int64_t length = p->setting->pause_ms * NS_PER_MS;
	pid_t pid;
	int fd;

	p->next_pause_ns = now_ns + about_us(p, p->setting->pause_every_us);
	if (now_ns + length >= p->quiet_from_ns)
		return;
	perturber_members(p, &list);
	if (!list.n)
		return;
	pid = list.v[below(p, list.n)];
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return;
	/* the pid may have been reused between the list and the descriptor: only one of this tree is stopped */
	list.n = 0;
	perturber_members(p, &list);
	if (!pid_list_has(&list, pid) || syscall(SYS_pidfd_send_signal, fd, SIGSTOP, NULL, 0) < 0) {
		close(fd);
		return;
	}
	p->stopped_fd = fd;
	p->continue_ns = now_ns + length;
	p->pauses++;
}

static void pause_end(struct perturber *p)
{
	if (p->stopped_fd < 0)
		return;
	syscall(SYS_pidfd_send_signal, p->stopped_fd, SIGCONT, NULL, 0);
	fd_close(&p->stopped_fd);
	p->continue_ns = TIME_NEVER;
}

/* ---- load ---- */

/* The n-th of the tree's processors, again from the first. */
static void bind_to_one(const cpu_set_t *cpus, uint32_t n)
{
	int count = CPU_COUNT(cpus), skip = count ? (int)(n % (uint32_t)count) : 0;
	cpu_set_t one;

	CPU_ZERO(&one);
	for (size_t c = 0; c < CPU_SETSIZE; c++)
		if (CPU_ISSET(c, cpus) && skip-- == 0)
			CPU_SET(c, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void compute(int64_t ns)
{
	int64_t end = clock_mono_ns() + ns;

	while (clock_mono_ns() < end)
		;
}

/* From half of it to one and a half. */
static int64_t around_us(uint64_t *g, int64_t us)
{
	return us / 2 * 1000 + (int64_t)(setting_random(g) % (uint64_t)(us * 1000 + 1));
}

static void loop_run(const struct setting *s, uint64_t generator)
{
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	while (!s->load_gap_us)
		compute(NS_PER_S);
	for (;;) {
		int64_t gap_ns = around_us(&generator, s->load_gap_us);
		struct timespec gap = { gap_ns / NS_PER_S, gap_ns % NS_PER_S };

		compute(around_us(&generator, s->load_work_us));
		ppoll(NULL, 0, &gap, NULL);
	}
}

static void loop_start(struct perturber *p)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		bind_to_one(&p->cpus, p->loops);
		/* it must not outlive us, whatever ends us */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		loop_run(p->setting, p->generator + p->loops);
	}
	if (pid > 0)
		p->loop[p->loops++] = pid;
}

static bool is_met(const struct perturber *p, pid_t tid, int64_t start_ticks)
{
	for (size_t i = 0; i < p->n_idle; i++)
		if (p->idle[i].tid == tid && p->idle[i].start_ticks == start_ticks)
			return true;
	return false;
}

static void meet_thread(struct perturber *p, pid_t pid, pid_t tid)
{
	struct sched_param none = { 0 };
	struct proc_stat s;

	if (p->n_idle == IDLE_THREADS_MAX || proc_thread_stat_read(pid, tid, &s) < 0 || is_met(p, tid, s.start_ticks))
		return;
	if (below(p, 100) < p->setting->load_idle_percent && sched_getscheduler(tid) == SCHED_OTHER)
		sched_setscheduler(tid, SCHED_IDLE, &none);
	p->idle[p->n_idle++] = (struct idle_thread){ tid, s.start_ticks };
}

/* Processor time goes to others first: the thread stands still while the load runs, wherever in its code it is. */
static void idle_threads(struct perturber *p, int64_t now_ns)
{
	auto_pid_list list = PID_LIST_INIT;

	perturber_members(p, &list);
	if (!p->idle)
		p->idle = xcalloc(IDLE_THREADS_MAX, sizeof(*p->idle));
	for (size_t i = 0; i < list.n; i++) {
		auto_pid_list threads = PID_LIST_INIT;

		proc_threads(list.v[i], &threads);
		for (size_t k = 0; k < threads.n; k++)
			meet_thread(p, list.v[i], threads.v[k]);
	}
	p->next_idle_ns = now_ns + (now_ns - p->burst_ns < IDLE_OFTEN_NS ? IDLE_SOON_NS : IDLE_LATER_NS);
}

/* Raises every thread of the command; how many there were to raise. A thread that was made in the meantime has its maker's
 * priority, so that the list of those that we lowered would not do. */
static size_t raise_threads(const struct perturber *p)
{
	auto_pid_list list = PID_LIST_INIT;
	struct sched_param none = { 0 };
	size_t raised = 0;

	perturber_members(p, &list);
	for (size_t i = 0; i < list.n; i++) {
		auto_pid_list threads = PID_LIST_INIT;

		proc_threads(list.v[i], &threads);
		for (size_t k = 0; k < threads.n; k++)
			raised += sched_getscheduler(threads.v[k]) == SCHED_IDLE &&
				  sched_setscheduler(threads.v[k], SCHED_OTHER, &none) == 0;
	}
	return raised;
}

static void idle_end(struct perturber *p)
{
	p->next_idle_ns = TIME_NEVER;
	if (p->idle)
		for (int i = 0; i < RAISE_PASSES && raise_threads(p) > 0; i++)
			;
	free(p->idle);
	p->idle = NULL;
	p->n_idle = 0;
}

static bool command_has_begun(const struct perturber *p)
{
	auto_pid_list list = PID_LIST_INIT;

	perturber_members(p, &list);
	return list.n > 0;
}

static void load_begin(struct perturber *p, int64_t now_ns)
{
	p->next_load_ns = TIME_NEVER;
	if (now_ns >= p->quiet_from_ns)
		return;
	p->burst_ns = now_ns;
	p->load_end_ns = earliest(now_ns + p->setting->load_ms * NS_PER_MS, p->quiet_from_ns);
	if (p->setting->load_idle_percent)
		idle_threads(p, now_ns);
	for (uint32_t i = 0; i < p->setting->load_loops && i < PERTURB_LOOPS_MAX; i++)
		loop_start(p);
	p->bursts++;
}

static void load_end(struct perturber *p)
{
	idle_end(p);
	for (uint32_t i = 0; i < p->loops; i++)
		kill(p->loop[i], SIGKILL);
	for (uint32_t i = 0; i < p->loops; i++)
		while (waitpid(p->loop[i], NULL, 0) < 0 && errno == EINTR)
			;
	p->loops = 0;
	p->load_end_ns = TIME_NEVER;
}

/* ---- steps ---- */

/* Counted from the command's first moment: a supervisor takes as long to start as some commands take at all. */
static void wait_for_command(struct perturber *p, int64_t now_ns)
{
	const struct setting *s = p->setting;

	p->next_wait_ns = now_ns < p->quiet_from_ns ? now_ns + WAIT_STEP_NS : TIME_NEVER;
	if (!command_has_begun(p))
		return;
	p->next_wait_ns = TIME_NEVER;
	if (s->kinds & 1u << PERTURB_PAUSE)
		p->next_pause_ns = now_ns + (s->pause_at_us ? s->pause_at_us * 1000 : about_us(p, s->pause_every_us));
	if (s->kinds & 1u << PERTURB_LOAD)
		p->next_load_ns = starves_at_once(s) ? now_ns : now_ns + about(p, s->load_every_ms);
}

int64_t perturber_step(struct perturber *p, int64_t now_ns)
{
	if (now_ns >= p->next_wait_ns)
		wait_for_command(p, now_ns);
	if (now_ns >= p->continue_ns)
		pause_end(p);
	if (now_ns >= p->load_end_ns) {
		load_end(p);
		if (!starves_at_once(p->setting))
			p->next_load_ns = now_ns + about(p, p->setting->load_every_ms);
	}
	if (now_ns >= p->next_pause_ns && p->stopped_fd < 0)
		pause_begin(p, now_ns);
	if (now_ns >= p->next_load_ns)
		load_begin(p, now_ns);
	if (now_ns >= p->next_idle_ns)
		idle_threads(p, now_ns);
	return earliest(earliest(p->next_wait_ns,
				 earliest(p->stopped_fd < 0 ? p->next_pause_ns : TIME_NEVER, p->continue_ns)),
			earliest(p->next_idle_ns, earliest(p->next_load_ns, p->load_end_ns)));
}

void perturber_end(struct perturber *p)
{
	pause_end(p);
	load_end(p);
	p->next_wait_ns = p->next_pause_ns = p->next_load_ns = TIME_NEVER;
}
