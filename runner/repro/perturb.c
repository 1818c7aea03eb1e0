/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/repro/perturb.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "profile/proc/process.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* No pause is under way when the limit ends the run: its diagnosis would say "stopped". */
#define QUIET_BEFORE_LIMIT_NS (1500 * NS_PER_MS)
#define IDLE_THREADS_MAX 512

struct idle_thread {
	pid_t tid;
	int64_t start_ticks; /* a tid may be reused */
};

static uint64_t below(struct perturber *p, uint64_t n)
{
	return n ? setting_random(&p->generator) % n : 0;
}

/* Around the mean, from a fifth of it to nearly twice: no beat with anything periodic in the tree. */
static int64_t about(struct perturber *p, int64_t ms)
{
	int64_t ns = ms * NS_PER_MS;

	return ns / 5 + (int64_t)below(p, (uint64_t)(ns + ns * 3 / 5 + 1));
}

void perturber_init(struct perturber *p, const struct setting *s, pid_t root, int64_t now_ns, int64_t limit_ns)
{
	memset(p, 0, sizeof(*p));
	p->setting = s;
	p->root = root;
	p->generator = s->seed ^ UINT64_C(0xa5a5a5a5);
	p->stopped_fd = -1;
	p->continue_ns = p->next_pause_ns = p->next_load_ns = p->load_end_ns = TIME_NEVER;
	p->quiet_from_ns = limit_ns > 0 ? now_ns + limit_ns - QUIET_BEFORE_LIMIT_NS : TIME_NEVER;
	if (s->kinds & 1u << PERTURB_PAUSE)
		p->next_pause_ns = now_ns + about(p, s->pause_every_ms);
	if (s->kinds & 1u << PERTURB_LOAD)
		p->next_load_ns = now_ns + about(p, s->load_every_ms);
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

	p->next_pause_ns = now_ns + about(p, p->setting->pause_every_ms);
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

static void loop_start(struct perturber *p)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		/* it must not outlive us, whatever ends us */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		for (volatile uint64_t n = 0;; n++)
			;
	}
	if (pid > 0)
		p->loop[p->loops++] = pid;
}

/* Processor time goes to others first: the thread stands still while the load runs, wherever in its code it is. */
static void idle_threads(struct perturber *p)
{
	auto_pid_list list = PID_LIST_INIT;
	struct sched_param none = { 0 };

	perturber_members(p, &list);
	p->idle = xcalloc(IDLE_THREADS_MAX, sizeof(*p->idle));
	for (size_t i = 0; i < list.n; i++) {
		auto_pid_list threads = PID_LIST_INIT;

		proc_threads(list.v[i], &threads);
		for (size_t k = 0; k < threads.n && p->n_idle < IDLE_THREADS_MAX; k++) {
			struct proc_stat s;

			if (below(p, 100) >= p->setting->load_idle_percent ||
			    sched_getscheduler(threads.v[k]) != SCHED_OTHER ||
			    proc_thread_stat_read(list.v[i], threads.v[k], &s) < 0 ||
			    sched_setscheduler(threads.v[k], SCHED_IDLE, &none) < 0)
				continue;
			p->idle[p->n_idle++] = (struct idle_thread){ threads.v[k], s.start_ticks };
		}
	}
}

static void idle_end(struct perturber *p)
{
	struct sched_param none = { 0 };

	for (size_t i = 0; i < p->n_idle; i++) {
		struct proc_stat s;

		if (proc_stat_read(p->idle[i].tid, &s) == 0 && s.start_ticks == p->idle[i].start_ticks)
			sched_setscheduler(p->idle[i].tid, SCHED_OTHER, &none);
	}
	free(p->idle);
	p->idle = NULL;
	p->n_idle = 0;
}

static void load_begin(struct perturber *p, int64_t now_ns)
{
	p->next_load_ns = TIME_NEVER;
	p->load_end_ns = now_ns + p->setting->load_ms * NS_PER_MS;
	for (uint32_t i = 0; i < p->setting->load_loops && i < PERTURB_LOOPS_MAX; i++)
		loop_start(p);
	if (p->setting->load_idle_percent)
		idle_threads(p);
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

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t perturber_step(struct perturber *p, int64_t now_ns)
{
	if (now_ns >= p->continue_ns)
		pause_end(p);
	if (now_ns >= p->load_end_ns) {
		load_end(p);
		p->next_load_ns = now_ns + about(p, p->setting->load_every_ms);
	}
	if (now_ns >= p->next_pause_ns && p->stopped_fd < 0)
		pause_begin(p, now_ns);
	if (now_ns >= p->next_load_ns)
		load_begin(p, now_ns);
	return earliest(earliest(p->stopped_fd < 0 ? p->next_pause_ns : TIME_NEVER, p->continue_ns),
			earliest(p->next_load_ns, p->load_end_ns));
}

void perturber_end(struct perturber *p)
{
	pause_end(p);
	load_end(p);
	p->next_pause_ns = p->next_load_ns = TIME_NEVER;
}
