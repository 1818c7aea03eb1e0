/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/repo_state.h"

#include "base/clock.h"
#include "base/fd.h"
#include "trace/repo.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define GIT_NS (500 * NS_PER_MS)

static pid_t git_start(const char *root, char *const envp[], int out_fd)
{
	char *const argv[] = { "git", "--no-optional-locks", "-C", (char *)root, "status", "--porcelain",
			       "--untracked-files=no", NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	pid_t pid = -1;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out_fd, 1);
	posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setpgroup(&attr, 0);
	if (posix_spawnp(&pid, "git", &files, &attr, argv, envp) != 0)
		pid = -1;
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return pid;
}

/* 1: a changed file was named; 0: none; -1: no answer in time. */
static int git_says(int fd)
{
	int64_t until = clock_mono_ns() + GIT_NS;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;

	for (;;) {
		int64_t left = until - clock_mono_ns();
		int n = left > 0 ? poll(&p, 1, (int)(left / NS_PER_MS) + 1) : 0;

		if (n == 0)
			return -1;
		if (n > 0)
			return read(fd, &byte, 1) == 1;
		if (errno != EINTR)
			return -1;
	}
}

static int git_is_dirty(const char *root, char *const envp[])
{
	int pair[2], status = 0, dirty;
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -1;
	pid = git_start(root, envp, pair[1]);
	close(pair[1]);
	dirty = pid > 0 ? git_says(pair[0]) : -1;
	close(pair[0]);
	if (pid <= 0)
		return -1;
	if (dirty != 0)
		kill(pid, SIGKILL); /* it has said enough, or too little */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return dirty == 0 && status != 0 ? -1 : dirty;
}

static void redact_field(struct redactor *r, char *field, size_t size)
{
	auto_str clean = STR_INIT;

	redact_text(r, field, strlen(field), &clean);
	snprintf(field, size, "%s", str_cstr(&clean));
}

void repo_state_write(const char *root, char *const envp[], bool ask_git, struct redactor *r, struct str *out)
{
	struct repo repo;

	if (!repo_read(root, &repo)) {
		str_add(out, "null");
		return;
	}
	if (ask_git)
		repo.dirty = git_is_dirty(root, envp);
	redact_field(r, repo.uri, sizeof(repo.uri));
	redact_field(r, repo.branch, sizeof(repo.branch));
	repo_write(&repo, out);
}
