/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/parent.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Every CI system sets CI; people set it to false. */
static bool in_ci(void)
{
	const char *ci = getenv("CI");

	return ci && *ci && strcasecmp(ci, "false") != 0 && strcasecmp(ci, "no") != 0 && strcmp(ci, "0") != 0;
}

static void parent_name(pid_t pid, char *name, size_t size)
{
	char path[40];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	n = fd_read_file(AT_FDCWD, path, name, size);
	name[n > 0 ? strcspn(name, "\n") : 0] = '\0';
}

int parent_watch(const struct options *o, char *name, size_t size, struct err *e)
{
	pid_t parent = getppid();
	int fd;

	name[0] = '\0';
	/* 0: it is outside of our PID namespace; 1: it outlives us */
	if (o->follow_parent == TRI_NEVER || (o->follow_parent == TRI_AUTO && !in_ci()) || parent <= 1)
		return -1;
	fd = (int)syscall(SYS_pidfd_open, parent, 0);
	if (fd < 0) {
		if (o->follow_parent == TRI_ALWAYS)
			err_sys(e, "--follow-parent: watching process %d", (int)parent);
		return -1;
	}
	if (getppid() != parent) { /* it died meanwhile, and its number may be another's */
		close(fd);
		return -1;
	}
	parent_name(parent, name, size);
	return fd;
}
