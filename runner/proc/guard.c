/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/guard.h"

#include "base/clock.h"
#include "base/fd.h"
#include "runner/proc/orphans.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* For all of ending; then a signal ends the guard itself, also where a process it looks at holds it (a read of an
 * environ waits for that process's memory map, and only a fatal signal gets one out of there). */
#define GUARD_END_S 20
/* Most commands are over in a moment: they do not pay for it. */
#define GUARD_AFTER_MS 3
#define GUARD_NAME "sr-guard"

static void guard_end(const struct context *c)
{
	static char cgroup[PATH_MAX];
	auto_close int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct orphans o = {
		.run_id = c->run_id, .cgroup_dir = cgroup, .group_only = c->contain == CONTAIN_GROUP,
		.command_pid = atomic_load(&c->shared->command_pid),
		.command_boot_ns = atomic_load(&c->shared->command_boot_ns),
		.proc_fd = proc_fd,
	};
	sigset_t alarm_only;

	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);
	alarm(GUARD_END_S);
	memcpy(cgroup, c->shared->cgroup_dir, sizeof(cgroup) - 1);
	orphans_end(&o, clock_mono_ns() + GUARD_END_S * NS_PER_S / 2);
}

/* No stream, journal or lock of ours: whoever waits for their end must not wait for us. */
static void guard_keep_pipe(struct context *c)
{
	trace_close(c->trace, false); /* its mapping holds the journal's lock as well */
	if (dup2(c->guard_fd[0], 0) < 0)
		_exit(1);
	fd_close_from(1);
}

/* Those who end a build's processes by its environment (Jenkins by BUILD_ID) or by a name in the command line would
 * take the guard as well. */
static void guard_hide(const struct context *c)
{
	extern char **environ;
	static char line[64 * 1024];
	ssize_t n = fd_read_file(AT_FDCWD, "/proc/self/cmdline", line, sizeof(line));

	for (char *const *v = c->setup->envp; v && *v; v++)
		memset(*v, 0, strlen(*v));
	environ = NULL;
	if (n > (ssize_t)sizeof(GUARD_NAME) &&
	    memcmp(line, program_invocation_name, strlen(program_invocation_name)) == 0) {
		memset(program_invocation_name, 0, (size_t)n);
		memcpy(program_invocation_name, GUARD_NAME, sizeof(GUARD_NAME));
	}
	prctl(PR_SET_NAME, GUARD_NAME);
}

static void __attribute__((noreturn)) guard_main(struct context *c)
{
	char byte;
	ssize_t n;

	setsid();
	guard_keep_pipe(c);
	guard_hide(c);
	if (chdir("/") < 0)
		errno = 0; /* some mount is kept busy */
	do
		n = read(0, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		guard_end(c);
	_exit(0);
}

void guard_prepare(struct context *c)
{
	c->guard_fd[0] = c->guard_fd[1] = -1;
	if (getpid() != 1 && c->contain != CONTAIN_PIDNS && pipe2(c->guard_fd, O_CLOEXEC) < 0)
		errno = 0; /* without one */
}

int guard_wait_ms(const struct context *c)
{
	return c->guard_fd[0] < 0 ? -1 : GUARD_AFTER_MS;
}

void guard_start(struct context *c, int64_t now)
{
	pid_t pid;

	if (c->guard_fd[0] < 0 || now - c->start_mono_ns < GUARD_AFTER_MS * NS_PER_MS)
		return;
	/* no exit signal: see the header. Raw, because fork(3) knows of none. */
	pid = (pid_t)syscall(SYS_clone, 0UL, NULL, NULL, NULL, 0UL);
	if (pid == 0)
		guard_main(c);
	fd_close(&c->guard_fd[0]);
	atomic_store(&c->shared->guard_pid, pid);
}

void guard_dismiss(struct context *c)
{
	if (c->guard_fd[1] >= 0 && atomic_load(&c->shared->guard_pid) > 0 && write(c->guard_fd[1], "", 1) < 0)
		errno = 0; /* it is gone already */
	fd_close(&c->guard_fd[0]);
	fd_close(&c->guard_fd[1]);
}

void guard_reap(struct context *c)
{
	pid_t pid = atomic_load(&c->shared->guard_pid);

	if (pid <= 0)
		return;
	kill(pid, SIGKILL); /* it goes by itself, unless somebody has stopped it */
	while (waitpid(pid, NULL, __WCLONE) < 0 && errno == EINTR)
		;
}
