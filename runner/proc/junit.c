/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a run: spec-runner-report makes JUnit XML out of the sealed trace, in a process of its own and with
 * a deadline. A run that leaves no trace behind is sealed into memory for it. */
#include "runner/proc/junit.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/proc/helper.h"
#include "trace/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define JUNIT_NS (30 * NS_PER_S)
/* After a cancel all is sealed within 7 s of the first signal (contract 3). */
#define JUNIT_CANCELLED_NS (1 * NS_PER_S)
#define FD_PATH_SIZE 40

static bool is_regular(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static int seal_in_memory(struct context *c, bool lost, int64_t now_ns, int fd, struct err *e)
{
	char path[FD_PATH_SIZE];
	struct seal_result r;
	struct seal_request q = {
		.journal_fd = trace_fd(c->trace), .trace_out = path, .lost = lost, .now_mono_ns = now_ns,
	};

	if (fd < 0)
		return err_sys(e, "making a file in memory");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return seal_run(&q, &r, e);
}

/* The helper's stdout is the file out; fd (-1: none) is handed to it under its own number. */
static int make_xml(struct context *c, const char *trace, int fd, int out, struct err *e)
{
	char *argv[] = { "spec-runner-report", "--internal", "--format", "junit", (char *)trace, NULL };
	int64_t until = clock_add(clock_mono_ns(), c->cancelled ? JUNIT_CANCELLED_NS : JUNIT_NS);
	pid_t pid;
	int rc;

	if (fd >= 0)
		fcntl(fd, F_SETFD, 0);
	pid = helper_start("report", argv, c->setup->envp, out, -1, false, e);
	if (pid < 0)
		return -1;
	rc = helper_wait(pid, until);
	if (rc < 0)
		return err_set(e, ERR_FAILURE, "spec-runner-report did not end in time");
	return rc ? err_set(e, ERR_FAILURE, "spec-runner-report ended with exit code %d", rc) : 0;
}

static int copy_out(int from, const char *path, struct err *e)
{
	struct stat st;
	void *p;
	int rc;

	if (fstat(from, &st) < 0)
		return err_sys(e, "reading what is to be written");
	if (!st.st_size)
		return err_set(e, ERR_FAILURE, "spec-runner-report wrote nothing");
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, from, 0);
	if (p == MAP_FAILED)
		return err_sys(e, "reading what is to be written");
	rc = file_write(path, p, (size_t)st.st_size, e);
	munmap(p, (size_t)st.st_size);
	return rc;
}

int finish_junit(struct context *c, bool sealed, bool lost, int64_t now_ns)
{
	auto_close int memory = -1, out = -1;
	auto_free char *path = NULL;
	char own[FD_PATH_SIZE];
	const char *trace = c->paths.trace;
	struct err e = { 0 };
	int rc = 0;

	if (!c->setup->junit)
		return 0;
	path = path_resolve(c->setup->root, c->setup->junit);
	out = memfd_create("spec-runner-junit", MFD_CLOEXEC);
	if (out < 0)
		rc = err_sys(&e, "making a file in memory");
	/* a trace that went into a pipe cannot be read again */
	if (rc == 0 && (!sealed || path_descriptor(trace) >= 0 || !is_regular(trace))) {
		memory = memfd_create("spec-runner-trace", MFD_CLOEXEC);
		rc = seal_in_memory(c, lost, now_ns, memory, &e);
		snprintf(own, sizeof(own), "/proc/self/fd/%d", memory);
		trace = own;
	}
	if (rc == 0)
		rc = make_xml(c, trace, memory, out, &e);
	if (rc == 0)
		rc = copy_out(out, path, &e);
	if (rc < 0)
		say_always(c, "--junit '%s': %s", path, e.msg);
	return rc;
}
