/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/helper.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "runner/config/libexec.h"
#include "runner/proc/shared.h"

/* Address space, of which mapped files are most. */
#define HELPER_CANCELLED_NS (500 * NS_PER_MS)
#define HELPER_NAP_NS (5 * NS_PER_MS)

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

char *helper_path(const char *name)
{
	return libexec_find(name);
}

#define ENV_NAMES "SPEC_RUNNER_REDACT_ENV="
#define ENV_PATTERNS "SPEC_RUNNER_REDACT_PATTERN="

/* One rule a line. A blank at its edge would be trimmed, and a line break end it. */
static void add_rule(struct str *list, const char *rule, bool pattern)
{
	bool edge = pattern && *rule && (strchr(" \t\r", *rule) || strchr(" \t\r", rule[strlen(rule) - 1]));

	str_add(list, edge ? "(?:)" : "");
	for (; *rule; rule++)
		if (*rule == '\n')
			str_add(list, "\\n");
		else
			str_addc(list, *rule);
	str_add(list, edge ? "(?:)\n" : "\n");
}

void helper_environment(struct strv *out, char *const envp[], const struct options *o)
{
	auto_str names = STR_INIT, patterns = STR_INIT;

	for (size_t i = 0; i < o->redact_env.n; i++)
		add_rule(&names, o->redact_env.v[i], false);
	for (size_t i = 0; i < o->redact_patterns.n; i++)
		add_rule(&patterns, o->redact_patterns.v[i], true);
	for (; envp && *envp; envp++)
		if (!str_starts(*envp, ENV_NAMES) && !str_starts(*envp, ENV_PATTERNS))
			strv_add(out, *envp);
	if (names.len)
		strv_take(out, xasprintf(ENV_NAMES "%s", names.data));
	if (patterns.len)
		strv_take(out, xasprintf(ENV_PATTERNS "%s", patterns.data));
}

/* dup2 of a descriptor onto itself would leave it close-on-exec. */
static void helper_pass(int fd)
{
	if (fd == HELPER_FD)
		fcntl(fd, F_SETFD, 0);
	else if (fd >= 0)
		dup2(fd, HELPER_FD);
}

pid_t helper_start(const char *name, char *const argv[], char *const envp[], int out_fd, int pass_fd, bool silent,
		   struct err *e)
{
	auto_free char *path = helper_path(name);
	sigset_t none;
	pid_t pid;

	if (!path)
		return err_set(e, ERR_FAILURE, "spec-runner-%s is not installed", name);
	pid = fork();
	if (pid < 0)
		return err_sys(e, "starting spec-runner-%s", name);
	if (pid)
		return pid;
	setpgid(0, 0);
	mem_limit_of_helper();
	setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + 10); /* ours is better than others' */
	sigemptyset(&none);
	sigaddset(&none, SIGTTOU); /* a message of a background group must not stop it */
	sigprocmask(SIG_SETMASK, &none, NULL);
	{
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		dup2(null, STDIN_FILENO);
		dup2(out_fd >= 0 ? out_fd : null, STDOUT_FILENO);
		if (silent)
			dup2(null, STDERR_FILENO);
		helper_pass(pass_fd);
	}
	execve(path, argv, envp);
	_exit(127);
}

/* Is it still running? Its status is left for the caller. */
static bool helper_running(pid_t pid)
{
	siginfo_t si = { 0 };

	return waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0 && !si.si_pid;
}

static void helper_message(int *link, int *cancel, int64_t *until_ns)
{
	struct msg m;
	int fd, got = msg_recv(*link, &m, &fd);
	int64_t soon = clock_mono_ns() + HELPER_CANCELLED_NS;

	fd_close(&fd);
	if (got < 0)
		*link = -1;
	if (got <= 0 || m.kind != MSG_CANCEL)
		return;
	*cancel = m.value;
	if (soon < *until_ns)
		*until_ns = soon;
}

int helper_wait_cancel(pid_t pid, int64_t until_ns, int link, int *cancel)
{
	auto_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	int status = 0;

	while (helper_running(pid)) {
		struct pollfd pf[2] = { { .fd = fd, .events = POLLIN }, { .fd = link, .events = POLLIN } };
		int64_t left = until_ns - clock_mono_ns();
		/* where there is no pidfd (before 5.3, or refused) a look now and then must do */
		int64_t most = fd >= 0 ? INT_MAX * NS_PER_MS : HELPER_NAP_NS;

		if (left <= 0) {
			kill(pid, SIGKILL);
			break;
		}
		poll(pf, 2, (int)((left < most ? left : most) / NS_PER_MS) + 1);
		if (link >= 0 && pf[1].revents)
			helper_message(&link, cancel, &until_ns);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int helper_wait(pid_t pid, int64_t until_ns)
{
	int none = 0;

	return helper_wait_cancel(pid, until_ns, -1, &none);
}
