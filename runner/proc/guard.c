/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/guard.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/raw_call.h"
#include "base/sanitized.h"
#include "runner/proc/orphans.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* For all of ending; then a signal ends the guard itself, also where a process it looks at holds it (a read of an
 * environ waits for that process's memory map, and only a fatal signal gets one out of there). */
#define GUARD_END_S 20
/* Most commands are over in a moment: they do not pay for the lasting guard. */
#define GUARD_LASTING_AFTER_MS 3
/* A front that is stopped or dead starts none: the command does not wait for it any longer than this. */
#define GUARD_AWAIT_MS 200
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
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t alarm_only;

	sigaction(SIGALRM, &dfl, NULL); /* our parent may ignore it */
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);
	alarm(GUARD_END_S);
	memcpy(cgroup, c->shared->cgroup_dir, sizeof(cgroup) - 1);
	orphans_end(&o, clock_mono_ns() + GUARD_END_S * NS_PER_S / 2);
}

/* It keeps none of our streams, no journal and no lock: those who wait for their end must not wait for the guard. */
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

/* --- the first one: in the front's memory --- */

/* It has the front's thread-local memory as well, errno in it: until the front is dead no function of libc runs here. */
static int first_guard_fd;

static int guard_first(void *context)
{
	const struct context *c = context;
	char byte;
	long n;

	/* Its number is a copy of its own: the front may have closed its end, and said so in this memory, before this
	 * line runs. Reading anything else would end a command that lives. */
	if (first_guard_fd != 0 && raw_call(SYS_dup3, first_guard_fd, 0, 0, 0) < 0)
		raw_call(SYS_exit_group, 0, 0, 0, 0);
	/* A group of its own is enough for its few milliseconds: with a session the scheduler would make a group as well. */
	raw_call(SYS_setpgid, 0, 0, 0, 0);
	raw_call(SYS_prctl, PR_SET_NAME, (long)GUARD_NAME, 0, 0);
	if (raw_call(SYS_close_range, 1, ~0U, 0, 0) < 0)
		for (int fd = 1; fd < 1024; fd++)
			raw_call(SYS_close, fd, 0, 0, 0);
	do
		n = raw_call(SYS_read, 0, (long)&byte, 1, 0);
	while (n == -EINTR);
	if (n == 0 && !atomic_load(&c->shared->guard_dismissed))
		guard_end(c); /* all of this memory is ours now */
	raw_call(SYS_exit_group, 0, 0, 0, 0);
	return 0;
}

/* Nothing is copied, so that it costs next to nothing, and its memory needs no page of its own. */
static pid_t guard_clone_first(struct context *c)
{
	static char stack[64 * 1024] __attribute__((aligned(64)));

	first_guard_fd = c->guard_fd[0];
	return clone(guard_first, stack + sizeof(stack), CLONE_VM, c);
}

/* --- the lasting one --- */

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
	if (n == 0 && !atomic_load(&c->shared->guard_dismissed))
		guard_end(c);
	_exit(0);
}

/* Children without an exit signal, -1 for all: they are found by this alone. */
static void guard_wait(pid_t pid)
{
	while (waitpid(pid, NULL, (int)__WCLONE) > 0 || errno == EINTR)
		;
}

void guard_prepare(struct context *c)
{
	c->guard_fd[0] = c->guard_fd[1] = -1;
	if (getpid() != 1 && pipe2(c->guard_fd, O_CLOEXEC) < 0)
		errno = 0; /* without one */
}

void guard_start(struct context *c)
{
	pid_t pid = c->guard_fd[0] < 0 || SANITIZED ? -1 : guard_clone_first(c);

	atomic_store(&c->shared->guard_pid, pid);
	syscall(SYS_futex, &c->shared->guard_pid, FUTEX_WAKE, 1, NULL, NULL, 0);
}

int guard_wait_ms(const struct context *c)
{
	return c->guard_fd[0] < 0 ? -1 : GUARD_LASTING_AFTER_MS;
}

void guard_replace(struct context *c, int64_t now)
{
	pid_t first = atomic_load(&c->shared->guard_pid), pid;

	if (c->guard_fd[0] < 0 || now - c->start_mono_ns < GUARD_LASTING_AFTER_MS * NS_PER_MS)
		return;
	/* no exit signal: see the header. Raw, because fork(3) knows of none. */
	pid = (pid_t)syscall(SYS_clone, 0UL, NULL, NULL, NULL, 0UL);
	if (pid == 0)
		guard_main(c);
	fd_close(&c->guard_fd[0]);
	if (pid < 0)
		return; /* the first one stays */
	atomic_store(&c->shared->guard_pid, pid);
	/* where a sandbox refuses the signal there are two of them until the end */
	if (first > 0 && kill(first, SIGKILL) == 0)
		guard_wait(first);
}

void guard_await(const struct context *c)
{
	struct timespec most = { .tv_nsec = GUARD_AWAIT_MS * NS_PER_MS };
	long rc = 0;

	while (rc == 0 && c->guard_fd[0] >= 0 && atomic_load(&c->shared->guard_pid) == 0)
		rc = syscall(SYS_futex, &c->shared->guard_pid, FUTEX_WAIT, 0, &most, NULL, 0);
}

void guard_dismiss(struct context *c)
{
	atomic_store(&c->shared->guard_dismissed, 1);
	fd_close(&c->guard_fd[0]);
	fd_close(&c->guard_fd[1]);
}

void guard_reap(struct context *c)
{
	pid_t pid = atomic_load(&c->shared->guard_pid);

	if (pid <= 0)
		return;
	kill(pid, SIGKILL); /* sooner than it would go by itself, now that the last end of its pipe is closed */
	guard_wait(-1);
}
