/* SPDX-License-Identifier: Apache-2.0 */
/* pauser.c - samples as pausing profilers do, for comparison: a hundred times a second every thread of a tree is stopped, whether it
 * runs or waits, the top of its stack is copied, and it goes on. pauser PID, until that process has gone; says what it did. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <elf.h>

static long stops, rounds;
static double stood;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void copy(pid_t tid)
{
	static char bytes[32768];
	struct user_regs_struct u;
	struct iovec regs = { &u, sizeof(u) }, local = { bytes, sizeof(bytes) }, remote = { NULL, sizeof(bytes) };
	double from = now();
	int status;

	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0)
		return;
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == 0 && waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status)) {
		ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &regs);
#if defined(__x86_64__)
		remote.iov_base = (void *)u.rsp;
#else
		remote.iov_base = (void *)u.sp;
#endif
		if (process_vm_readv(tid, &local, 1, &remote, 1, 0) < 0)
			errno = 0;
		stops++;
	}
	ptrace(PTRACE_DETACH, tid, NULL, NULL);
	stood += now() - from;
}

static void tree(pid_t pid)
{
	char path[128];
	struct dirent *d;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	while (tasks && (d = readdir(tasks))) {
		int tid = atoi(d->d_name), child;
		FILE *f;

		if (!tid)
			continue;
		copy(tid);
		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, tid);
		f = fopen(path, "r");
		while (f && fscanf(f, "%d", &child) == 1)
			tree(child);
		if (f)
			fclose(f);
	}
	if (tasks)
		closedir(tasks);
}

int main(int argc, char **argv)
{
	pid_t pid = argc > 1 ? (pid_t)atoi(argv[1]) : 0;
	char path[64], state;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	while ((f = fopen(path, "r"))) {
		if (fscanf(f, "%*d %*s %c", &state) != 1 || state == 'Z') {
			fclose(f);
			break;
		}
		fclose(f);
		tree(pid);
		rounds++;
		nanosleep(&(struct timespec){ 0, 10 * 1000 * 1000 }, NULL);
	}
	printf("%ld rounds, %ld stops, stood %.1f ms\n", rounds, stops, stood * 1e3);
	return 0;
}
