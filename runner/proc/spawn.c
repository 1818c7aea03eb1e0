/* SPDX-License-Identifier: Apache-2.0 */
/* The child between fork and exec calls async-signal-safe functions only. */
#include "runner/proc/spawn.h"

#include "base/fd.h"
#include "base/sanitized.h"
#include "runner/proc/spawn_shared.h"

#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <fcntl.h>

static void spawn_child_fail(const struct spawn_request *q)
{
	atomic_store(q->exec_errno, errno ? errno : EIO);
	_exit(127);
}

static void spawn_child_streams(const struct spawn_request *q)
{
	const int from[3] = { q->stdin_fd, q->stdout_fd, q->stderr_fd };

	/* ours lie at 3 and above (0-2 were opened at start), so no dup2 destroys another */
	for (int to = 0; to <= 2; to++)
		if (from[to] >= 0 && dup2(from[to], to) < 0)
			spawn_child_fail(q);
}

static void spawn_child_inherit(const struct spawn_request *q)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL }, ign = { .sa_handler = SIG_IGN };

	setpriority(PRIO_PROCESS, 0, q->signals->nice);
	if (q->signals->have_core)
		setrlimit(RLIMIT_CORE, &q->signals->core);
	if (q->signals->have_nofile)
		setrlimit(RLIMIT_NOFILE, &q->signals->nofile);
	sigaction(SIGPIPE, q->signals->pipe_ignored ? &ign : &dfl, NULL);
	sigaction(SIGXFSZ, q->signals->xfsz_ignored ? &ign : &dfl, NULL);
	if (q->signals->chld_ignored)
		sigaction(SIGCHLD, &ign, NULL);
	if (q->pid_namespace)
		sigaction(SIGTSTP, &ign, NULL); /* nobody would see it stop: its parent is the namespace's init */
	sigprocmask(SIG_SETMASK, &q->signals->mask, NULL);
}

static void __attribute__((noreturn)) spawn_child_exec(const struct spawn_request *q)
{
	spawn_child_streams(q);
	if (q->own_session) {
		if (setsid() < 0)
			setpgid(0, 0);
	} else {
		setpgid(0, 0);
		terminal_give(q->terminal, (int)getpid());
	}
	if (q->cwd && chdir(q->cwd) < 0)
		spawn_child_fail(q);
	spawn_child_inherit(q);
	execvpe(q->argv[0], q->argv, q->envp);
	spawn_child_fail(q);
	_exit(127);
}

/* PID 1 of the namespace: starts the command, reaps whatever comes, ends with the command's last
 * descendant. The kernel kills the namespace when it dies. */
static void __attribute__((noreturn)) spawn_namespace_init(const struct spawn_request *q)
{
	struct pollfd reader = { .fd = q->ns_fd };
	pid_t command;
	int status, command_status = 0;

	prctl(PR_SET_NAME, "spec-runner-ns");
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* with it the kernel ends the whole namespace */
	close(q->ns_reader_fd);
	if (poll(&reader, 1, 0) > 0 && reader.revents & POLLERR)
		_exit(125); /* the supervisor died before that: getppid() does not tell across namespaces */
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0)
		mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	command = fork();
	if (command < 0)
		spawn_child_fail(q);
	if (command == 0)
		spawn_child_exec(q);
	/* keep this descriptor alone: no end of another pipe, and not the journal's lock */
	if (dup2(q->ns_fd, 0) == 0)
		fd_close_from(1);
	for (;;) {
		pid_t pid = waitpid(-1, &status, 0);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			break;
		if (pid == command) {
			command_status = status;
			atomic_store(q->ns_status, status + 1);
			close(0); /* tells the supervisor, which is not the command's parent */
		}
	}
	_exit(WIFEXITED(command_status) ? WEXITSTATUS(command_status) : 128 + WTERMSIG(command_status));
}

static void spawn_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		errno = 0; /* the mapping is a convenience: without it the child is `nobody` */
	close(fd);
}

/* clone3 straight from one thread: no stack of its own, so it behaves as fork does. The kernel writes the pid down
 * before the child takes its first step: killed in this very call, we still leave its number to the guard. */
static pid_t spawn_clone(const struct spawn_request *q, uint64_t flags, int cgroup_fd)
{
	struct clone_args ca;

	memset(&ca, 0, sizeof(ca));
	ca.flags = flags;
	ca.exit_signal = SIGCHLD;
	if (q->shared_pid) {
		ca.flags |= CLONE_PARENT_SETTID;
		ca.parent_tid = (uint64_t)(uintptr_t)q->shared_pid;
	}
	if (cgroup_fd >= 0) {
		ca.flags |= CLONE_INTO_CGROUP;
		ca.cgroup = (uint64_t)(unsigned)cgroup_fd;
	}
	return (pid_t)syscall(SYS_clone3, &ca, sizeof(ca));
}

/* Where clone3 is unknown (before 5.3) or refused. */
static pid_t spawn_plain_fork(const struct spawn_request *q)
{
	unsigned long flags = SIGCHLD | (q->shared_pid ? (unsigned long)CLONE_PARENT_SETTID : 0UL);

	return (pid_t)syscall(SYS_clone, flags, NULL, q->shared_pid, NULL, NULL);
}

static int spawn_shared_child(void *arg)
{
	spawn_child_exec(arg);
}

/* As vfork, but on a stack of its own: the child runs in our memory while we wait until it has
 * executed or failed. Nothing is copied, so it costs the same however large we are. */
static pid_t spawn_share_memory(const struct spawn_request *q)
{
	static char stack[64 * 1024] __attribute__((aligned(64)));

	return clone(spawn_shared_child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)q);
}

static void spawn_join_cgroup(int cgroup_fd)
{
	int fd = openat(cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "0", 1) < 0)
		errno = 0; /* without it the tree is still ours: we are its subreaper */
	close(fd);
}

static pid_t spawn_fork(const struct spawn_request *q)
{
	pid_t pid = -1;

	if (q->share_memory && !SANITIZED)
		return spawn_share_memory(q);
	pid = spawn_shared(q);
	if (pid > 0)
		return pid;
	if (q->pid_namespace) {
		uid_t uid = geteuid();
		gid_t gid = getegid();

		pid = spawn_clone(q, CLONE_NEWPID, q->cgroup_fd);
		if (pid < 0 && errno == EPERM)
			pid = spawn_clone(q, CLONE_NEWPID | CLONE_NEWUSER, q->cgroup_fd);
		if (pid == 0 && geteuid() != uid) {
			char map[64];

			snprintf(map, sizeof(map), "%u %u 1", (unsigned)uid, (unsigned)uid);
			spawn_write_file("/proc/self/uid_map", map);
			spawn_write_file("/proc/self/setgroups", "deny");
			snprintf(map, sizeof(map), "%u %u 1", (unsigned)gid, (unsigned)gid);
			spawn_write_file("/proc/self/gid_map", map);
		}
		return pid;
	}
	if (q->cgroup_fd >= 0)
		pid = spawn_clone(q, 0, q->cgroup_fd);
	if (pid >= 0)
		return pid;
	/* before 5.7, or refused by a filter: the child goes into the cgroup by itself */
	pid = spawn_plain_fork(q);
	if (pid == 0 && q->cgroup_fd >= 0)
		spawn_join_cgroup(q->cgroup_fd);
	return pid;
}

pid_t spawn_command(const struct spawn_request *q, struct err *e)
{
	pid_t pid;

	atomic_store(q->exec_errno, 0);
	atomic_store(q->ns_status, 0);
	pid = spawn_fork(q);
	if (pid < 0) {
		err_sys(e, q->pid_namespace ? "starting a PID namespace" : "starting a process");
		return -1;
	}
	if (pid == 0) {
		if (q->pid_namespace)
			spawn_namespace_init(q);
		spawn_child_exec(q);
	}
	/* In the parent and in the child, so that the first of them does it: a signal to the group must not miss it.
	 * After exec it fails with EACCES, and is done already. */
	if (!q->own_session)
		setpgid(pid, pid);
	return pid;
}
