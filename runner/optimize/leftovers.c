/* SPDX-License-Identifier: Apache-2.0 */
/* leftovers.c - processes of a loop whose own was killed. Whatever a loop starts has a HOME below the loop's folder, which
 * even a process that left its session, or closed every file, keeps. */
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "profile/proc/slow_read.h"
#include "runner/optimize/loop.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ENVIRON_MAX (256 * 1024)
#define ROUNDS 50
#define ROUND_MS 20

static bool home_is_below(const char *env, size_t n, const char *dir, size_t dir_n)
{
	for (const char *p = env, *end = env + n; p < end; p += strlen(p) + 1)
		if (strncmp(p, "HOME=", 5) == 0 && strncmp(p + 5, dir, dir_n) == 0 && (p[5 + dir_n] == '/' || !p[5 + dir_n]))
			return true;
	return false;
}

static bool is_ours(pid_t pid, const char *dir)
{
	auto_free char *cwd_path = xasprintf("/proc/%d/cwd", (int)pid), *env = NULL;
	char cwd[4096];
	size_t dir_n = strlen(dir);
	ssize_t n = readlink(cwd_path, cwd, sizeof(cwd) - 1);

	if (n > 0) {
		cwd[n] = '\0';
		if (strncmp(cwd, dir, dir_n) == 0 && cwd[dir_n] == '/')
			return true;
	}
	n = proc_slow_read(pid, "environ", ENVIRON_MAX, &env);
	return n > 0 && home_is_below(env, (size_t)n, dir, dir_n);
}

/* One pass over all processes; how many were there. */
static int end_once(const char *dir)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	int found = 0;

	while (proc && (d = readdir(proc)) != NULL) {
		char *end;
		long pid = strtol(d->d_name, &end, 10);

		if (*end || pid <= 1 || pid == getpid() || !is_ours((pid_t)pid, dir))
			continue;
		found++;
		kill((pid_t)pid, SIGKILL);
	}
	if (proc)
		closedir(proc);
	return found;
}

void leftovers_end(const char *dir)
{
	auto_free char *full = realpath(dir, NULL);

	for (int i = 0; full && i < ROUNDS && end_once(full) > 0; i++)
		poll(NULL, 0, ROUND_MS); /* a zombie's environ is empty: once they are dead, none is found */
}
