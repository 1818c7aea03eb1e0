/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/spawn_shared.h"

#include "base/raw_call.h"
#include "base/sanitized.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* More arguments than this would not fit on the child's stack if the program is a script without "#!". */
#define SHARED_ARGS_MAX 4096

/* Stays as it is until the child has executed: `busy`, which the kernel clears then. */
static struct shared_child {
	struct spawn_request q;
	const char *path;            /* PATH where the name has no '/', else NULL */
	size_t argc;
	_Atomic int busy;
	char stack[96 * 1024] __attribute__((aligned(64)));
} the_child;

static void __attribute__((noreturn)) child_fail(const struct shared_child *c, long error)
{
	atomic_store(c->q.exec_errno, error < 0 ? (int)-error : EIO);
	for (;;)
		raw_call(SYS_exit_group, 127, 0, 0, 0);
}

static void child_check(const struct shared_child *c, long result)
{
	if (result < 0)
		child_fail(c, result);
}

/* A sandbox may know only the older of the two calls, which newer machines do not have. */
static long child_dup(int from, int to)
{
#ifdef SYS_dup2
	return raw_call(SYS_dup2, from, to, 0, 0);
#else
	return raw_call(SYS_dup3, from, to, 0, 0);
#endif
}

/* The handler is the first member on every machine, and the others are zero for these two. */
static void child_sigaction(int sig, bool ignore)
{
	uintptr_t action[8] = { ignore ? (uintptr_t)SIG_IGN : (uintptr_t)SIG_DFL };

	raw_call(SYS_rt_sigaction, sig, (long)action, 0, 8);
}

static void child_inherit(const struct spawn_signals *s)
{
	raw_call(SYS_setpriority, PRIO_PROCESS, 0, s->nice, 0);
	if (s->have_core)
		raw_call(SYS_prlimit64, 0, RLIMIT_CORE, (long)&s->core, 0);
	if (s->have_nofile)
		raw_call(SYS_prlimit64, 0, RLIMIT_NOFILE, (long)&s->nofile, 0);
	child_sigaction(SIGPIPE, s->pipe_ignored);
	child_sigaction(SIGXFSZ, s->xfsz_ignored);
	if (s->chld_ignored)
		child_sigaction(SIGCHLD, true);
	raw_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&s->mask, 0, 8);
}

/* A program that the kernel does not know is a script for the shell, as in execvp(3). */
static long __attribute__((noinline)) child_exec_script(const struct shared_child *c, const char *file)
{
	const char *script[SHARED_ARGS_MAX + 2];

	script[0] = "/bin/sh";
	script[1] = file;
	for (size_t i = 1; i <= c->argc; i++) /* the NULL as well */
		script[i + 1] = c->q.argv[i];
	return raw_call(SYS_execve, (long)script[0], (long)script, (long)c->q.envp, 0);
}

/* Returns only if it failed: -errno. */
static long child_exec(const struct shared_child *c, const char *file)
{
	long error = raw_call(SYS_execve, (long)file, (long)c->q.argv, (long)c->q.envp, 0);

	return error == -ENOEXEC ? child_exec_script(c, file) : error;
}

/* execvp(3): the first folder of PATH from which the program can be executed. */
static long child_search(const struct shared_child *c)
{
	size_t name_len = strlen(c->q.argv[0]);
	bool denied = false;
	char file[PATH_MAX + NAME_MAX + 2];

	for (const char *dir = c->path, *end;; dir = end + 1) {
		size_t len;
		long error;

		end = strchrnul(dir, ':');
		len = (size_t)(end - dir);
		if (len < PATH_MAX) {
			memcpy(file, dir, len);
			if (len)
				file[len++] = '/';
			memcpy(file + len, c->q.argv[0], name_len + 1);
			error = child_exec(c, file);
			denied |= error == -EACCES;
			if (error != -EACCES && error != -ENOENT && error != -ESTALE && error != -ENOTDIR &&
			    error != -ENODEV && error != -ETIMEDOUT)
				return error;
		}
		if (!*end)
			return denied ? -EACCES : -ENOENT;
	}
}

static void __attribute__((noreturn)) child_main(void *arg)
{
	const struct shared_child *c = arg;
	const int from[3] = { c->q.stdin_fd, c->q.stdout_fd, c->q.stderr_fd };

	for (int to = 0; to <= 2; to++)
		if (from[to] >= 0)
			child_check(c, child_dup(from[to], to));
	if (raw_call(SYS_setsid, 0, 0, 0, 0) < 0)
		raw_call(SYS_setpgid, 0, 0, 0, 0);
	if (c->q.cwd)
		child_check(c, raw_call(SYS_chdir, (long)c->q.cwd, 0, 0, 0));
	child_inherit(c->q.signals);
	child_fail(c, c->path ? child_search(c) : child_exec(c, c->q.argv[0]));
}

/* Everything of libc that the child would need is done here, by the parent. */
static bool child_prepare(struct shared_child *c, const struct spawn_request *q)
{
	const char *path = getenv("PATH"), *name = q->argv[0];
	size_t argc = 0;

	while (argc < SHARED_ARGS_MAX && q->argv[argc])
		argc++;
	if (argc == 0 || argc == SHARED_ARGS_MAX || !*name)
		return false;
	c->q = *q;
	c->argc = argc;
	c->path = strchr(name, '/') ? NULL : path ? path : "/bin:/usr/bin";
	return !c->path || strlen(name) <= NAME_MAX;
}

pid_t spawn_shared(const struct spawn_request *q)
{
	struct shared_child *c = &the_child;
	struct clone_args ca = {
		.flags = CLONE_VM | CLONE_CHILD_CLEARTID, .exit_signal = SIGCHLD,
		.child_tid = (uint64_t)(uintptr_t)&c->busy,
		.stack = (uint64_t)(uintptr_t)c->stack, .stack_size = sizeof(c->stack),
	};
	long pid;

	if (SANITIZED || !q->own_session || q->pid_namespace || atomic_load(&c->busy) || !child_prepare(c, q))
		return -1;
	if (q->shared_pid) {
		ca.flags |= CLONE_PARENT_SETTID;
		ca.parent_tid = (uint64_t)(uintptr_t)q->shared_pid;
	}
	if (q->cgroup_fd >= 0) {
		ca.flags |= CLONE_INTO_CGROUP;
		ca.cgroup = (uint64_t)(unsigned)q->cgroup_fd;
	}
	atomic_store(&c->busy, 1);
	pid = raw_clone(&ca, child_main, c);
	if (pid < 0)
		atomic_store(&c->busy, 0);
	return pid < 0 ? -1 : (pid_t)pid;
}
