#include "runner/proc/helper.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "runner/cli/libexec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

char *helper_path(const char *name)
{
	return cli_libexec_find(name);
}

pid_t helper_start(const char *name, char *const argv[], char *const envp[], int out_fd, bool silent,
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
	setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + 10); /* ours is better than others' */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	{
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		dup2(null, STDIN_FILENO);
		dup2(out_fd >= 0 ? out_fd : null, STDOUT_FILENO);
		if (silent)
			dup2(null, STDERR_FILENO);
	}
	execve(path, argv, envp);
	_exit(127);
}

int helper_wait(pid_t pid, int64_t until_ns)
{
	auto_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd pf = { .fd = fd, .events = POLLIN };
	int64_t left = until_ns - clock_mono_ns();
	int status = 0;

	if (fd < 0 || poll(&pf, 1, left > 0 ? (int)(left / NS_PER_MS) : 0) <= 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
