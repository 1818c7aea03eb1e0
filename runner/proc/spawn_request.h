/* SPDX-License-Identifier: Apache-2.0 */
/* spawn_request.h - what a command is started with (spawn.h). */
#ifndef RUNNER_PROC_SPAWN_REQUEST_H
#define RUNNER_PROC_SPAWN_REQUEST_H

#include "runner/proc/terminal.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>

/* The signals and limits that we were started with, for children. */
struct spawn_signals {
	sigset_t mask;
	bool pipe_ignored, xfsz_ignored;
	bool chld_ignored;           /* a parent that reaps by SIG_IGN: for us no child may vanish unseen */
	bool hup_ignored;            /* nohup(1): a hangup is nothing to us either */
	struct rlimit nofile, core;
	bool have_nofile, have_core;
	int nice;
};

struct spawn_request {
	char *const *argv;
	char *const *envp;           /* whole environment of the child */
	const char *cwd;             /* NULL: ours */
	int stdin_fd, stdout_fd, stderr_fd; /* what they become; -1: inherit */
	struct terminal *terminal;   /* mode and foreground */
	bool own_session;            /* TERMINAL_NONE, or a command that is not in front */
	int cgroup_fd;               /* -1 none */
	bool pid_namespace;
	bool share_memory;           /* start it as vfork does: cheap, but never into a cgroup */
	const struct spawn_signals *signals;
	_Atomic int *exec_errno;     /* shared memory: set where exec fails */
	_Atomic pid_t *shared_pid;   /* shared memory: the child's pid, before it runs; NULL: nobody asks */
	_Atomic int *ns_status;      /* shared memory: pid_namespace only */
	int ns_fd;                   /* pid_namespace: the init closes it when the command has exited … */
	int ns_reader_fd;            /* … and this is our end of that pipe, of which the init keeps no copy */
};

#endif
