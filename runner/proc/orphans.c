/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/orphans.h"

#include "base/clock.h"
#include "base/fd.h"
#include "profile/proc/process.h"
#include "runner/proc/contain.h"
#include "trace/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of one look. A tree beyond this is ended in several. */
#define FOUND_MAX 4096
#define LEADERS_MAX 256
/* What execve accepts for one string, and more than environments are. */
#define ENVIRON_BYTES (256 * 1024)
/* The clock that stamped the command against the ticks in which the kernel counts. */
#define STARTED_SLACK_NS (50 * NS_PER_MS)
/* A case that was just being started shows our own environment until it executes: not seen in one look. */
#define CLEAN_LOOKS 5
#define NAP_FIRST_NS (1 * NS_PER_MS)
#define NAP_LAST_NS (50 * NS_PER_MS)
#define REMOVE_NS (1 * NS_PER_S)
#define OF_JOURNAL_NS (5 * NS_PER_S)

struct look {
	const struct orphans *o;
	pid_t self;
	pid_t found[FOUND_MAX];      /* members met in this look: parents of others */
	size_t n_found;
	pid_t leader[LEADERS_MAX];   /* sessions that a member leads */
	size_t n_leaders;
	bool with_environ;           /* the slow question, from the second look on */
	char dents[32 * 1024] __attribute__((aligned(8)));
	char env[ENVIRON_BYTES];
};

static bool pids_have(const pid_t *v, size_t n, pid_t pid)
{
	for (size_t i = 0; i < n; i++)
		if (v[i] == pid)
			return true;
	return false;
}

static bool environ_has_run(const char *env, size_t n, const char *run_id)
{
	char want[96];
	size_t len = (size_t)snprintf(want, sizeof(want), "SPEC_RUNNER_RUN_ID=%s", run_id);

	for (const char *p = env; (size_t)(p - env) < n;) {
		size_t left = n - (size_t)(p - env), one = strnlen(p, left);

		if (one == len && memcmp(p, want, len) == 0)
			return true;
		p += one + 1;
	}
	return false;
}

/* A reused pid: the process that has it now began after our command. */
static bool is_command(const struct orphans *o, const struct proc_stat *st)
{
	return st->start_ns <= o->command_boot_ns + STARTED_SLACK_NS;
}

static bool look_is_member(struct look *l, int dir, const struct proc_stat *st)
{
	const struct orphans *o = l->o;
	ssize_t n;

	/* the command may not lead its group yet, and the init of a PID namespace never does */
	if (o->command_pid > 0 && st->pid == o->command_pid)
		return is_command(o, st);
	if (o->command_pid > 0 && (st->pgrp == o->command_pid || st->session == o->command_pid))
		return true;
	if (o->group_only)
		return false;
	if (pids_have(l->found, l->n_found, st->ppid) || pids_have(l->leader, l->n_leaders, st->session))
		return true;
	if (!l->with_environ || st->flags & 0x200000 /* PF_KTHREAD */)
		return false;
	n = fd_read_file(dir, "environ", l->env, sizeof(l->env));
	return n > 0 && environ_has_run(l->env, (size_t)n, o->run_id);
}

/* A folder of /proc is as good as a pidfd, and bound to the process that we have just looked at. */
static int kill_looked_at(int dir, pid_t pid)
{
	int rc = (int)syscall(SYS_pidfd_send_signal, dir, SIGKILL, NULL, 0);

	return rc < 0 && errno != ESRCH && errno != EPERM ? kill(pid, SIGKILL) : rc;
}

static size_t look_at(struct look *l, const char *name)
{
	auto_close int dir = openat(l->o->proc_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct proc_stat st;
	char buf[1024];
	ssize_t n = dir < 0 ? -1 : fd_read_file(dir, "stat", buf, sizeof(buf));

	if (n <= 0 || proc_stat_parse(buf, (size_t)n, &st) < 0 || st.state == 'Z' || st.state == 'X' ||
	    st.pid == l->self || st.pid == 1 || !look_is_member(l, dir, &st))
		return 0;
	if (l->n_found < FOUND_MAX)
		l->found[l->n_found++] = st.pid;
	if (st.session == st.pid && l->n_leaders < LEADERS_MAX && !pids_have(l->leader, l->n_leaders, st.pid))
		l->leader[l->n_leaders++] = st.pid;
	if (kill_looked_at(dir, st.pid) < 0)
		return 0; /* another user's, or gone */
	return 1;
}

/* Without opendir: the guard stays off malloc, whose state it has only copied. */
static size_t look_round(struct look *l)
{
	auto_close int fd = openat(l->o->proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t ended = 0;
	long n;

	l->n_found = 0;
	while (fd >= 0 && (n = syscall(SYS_getdents64, fd, l->dents, sizeof(l->dents))) > 0) {
		for (long at = 0; at < n;) {
			const struct dirent64 *ent = (const struct dirent64 *)(l->dents + at);

			if (ent->d_name[0] >= '1' && ent->d_name[0] <= '9')
				ended += look_at(l, ent->d_name);
			at += ent->d_reclen;
		}
	}
	return ended;
}

/* Without /proc: the group, and the command itself, whose pid nobody can have been given so soon. */
static size_t end_by_number(const struct orphans *o)
{
	size_t n = 0;

	if (o->command_pid <= 1)
		return 0;
	n += killpg(o->command_pid, SIGKILL) == 0;
	n += kill(o->command_pid, SIGKILL) == 0;
	return n > 0;
}

/* What was killed needs a moment to go. The guard has no loop, and nobody waits for it. */
static void nap(int64_t ns)
{
	struct pollfd none = { .fd = -1 };

	poll(&none, 1, (int)(ns / NS_PER_MS));
}

static void remove_cgroup(const char *dir)
{
	int64_t until = clock_mono_ns() + REMOVE_NS;

	while (rmdir(dir) < 0 && errno == EBUSY && clock_mono_ns() < until) {
		contain_cgroup_kill(dir);
		nap(NAP_FIRST_NS);
	}
}

size_t orphans_end(const struct orphans *o, int64_t until_ns)
{
	static struct look l;
	const char *mine = getenv("SPEC_RUNNER_RUN_ID");
	int64_t wait = NAP_FIRST_NS;
	size_t ended = 0;

	if (mine && strcmp(mine, o->run_id) == 0)
		return 0;
	l.o = o;
	l.self = getpid();
	l.n_leaders = 0;
	l.with_environ = false;
	if (o->cgroup_dir && o->cgroup_dir[0] && !o->group_only)
		contain_cgroup_kill(o->cgroup_dir);
	if (o->proc_fd < 0)
		ended += end_by_number(o);
	for (int clean = 0; clean < CLEAN_LOOKS && o->proc_fd >= 0 && clock_mono_ns() < until_ns;) {
		size_t n = look_round(&l);

		ended += n;
		clean = n || !l.with_environ ? 0 : clean + 1;
		if ((n || l.with_environ) && clean < CLEAN_LOOKS) {
			nap(wait);
			wait = wait * 2 < NAP_LAST_NS ? wait * 2 : wait;
		}
		l.with_environ = true;
	}
	if (o->cgroup_dir && o->cgroup_dir[0])
		remove_cgroup(o->cgroup_dir);
	return ended;
}

size_t orphans_end_of_journal(const char *journal)
{
	const char *name = strrchr(journal, '/');
	char run_id[48], cgroup[PATH_MAX];
	auto_close int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct orphans o = { .run_id = run_id, .cgroup_dir = cgroup, .proc_fd = proc_fd };
	size_t len;

	name = name ? name + 1 : journal;
	len = strlen(name);
	if (len <= strlen(JOURNAL_SUFFIX) || len - strlen(JOURNAL_SUFFIX) >= sizeof(run_id))
		return 0;
	snprintf(run_id, sizeof(run_id), "%.*s", (int)(len - strlen(JOURNAL_SUFFIX)), name);
	if (!run_id_valid(run_id))
		return 0;
	contain_cgroup_path(run_id, cgroup, sizeof(cgroup));
	return orphans_end(&o, clock_mono_ns() + OF_JOURNAL_NS);
}
