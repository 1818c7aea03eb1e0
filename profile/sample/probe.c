/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/sample/probe.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int probe_perf(struct err *e)
{
	struct perf_event_attr a = { .size = sizeof(a), .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CPU_CLOCK,
				     .sample_period = 1000000000, .exclude_kernel = 1, .exclude_hv = 1, .inherit = 1,
				     .disabled = 1 };
	auto_close int fd = (int)syscall(SYS_perf_event_open, &a, 0, 0, -1, PERF_FLAG_FD_CLOEXEC);
	char text[16] = "";

	if (fd >= 0)
		return 0;
	err_sys(e, "perf_event_open is refused");
	if (fd_read_file(AT_FDCWD, "/proc/sys/kernel/perf_event_paranoid", text, sizeof(text)) > 0 &&
	    (int)strtol(text, NULL, 10) > 2)
		return err_set(e, ERR_USAGE,
			       "perf_event_open is refused: kernel.perf_event_paranoid is %d; "
			       "`sysctl kernel.perf_event_paranoid=2` or CAP_PERFMON allows it",
			       (int)strtol(text, NULL, 10));
	return err_set(e, ERR_USAGE, "perf_event_open is refused (%s): in a container --cap-add=PERFMON or a seccomp "
		       "profile that lets it through allows it", strerror(e->sys));
}

static int probe_stop(struct err *e)
{
	pid_t pid = fork();
	int rc = 0, status;

	if (pid < 0)
		return err_sys(e, "starting a process");
	if (pid == 0)
		for (;;)
			pause();
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
		rc = err_set(e, ERR_USAGE, "ptrace is refused (%s): a container needs --cap-add=SYS_PTRACE",
			     strerror(errno));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return rc;
}

int sample_probe(const char *with, struct err *e)
{
	if (strcmp(with, "perf") == 0)
		return probe_perf(e);
	return strcmp(with, "stop") == 0 ? probe_stop(e) : 0;
}
