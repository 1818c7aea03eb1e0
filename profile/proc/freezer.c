/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/proc/freezer.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Cgroups below a frozen one that are looked through. */
#define DEPTH_MAX 8
#define PROCS_BYTES (16 * 1024)

/* "N:LIST:/path": the path of the hierarchy whose list names the controller; "" is version 2. */
static bool cgroup_path_of(pid_t pid, const char *controller, char *out, size_t size)
{
	char file[64], text[8192];

	snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)pid);
	if (fd_read_file(AT_FDCWD, file, text, sizeof(text)) <= 0)
		return false;
	for (char *save = NULL, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		if (strcmp(list + 1, controller) == 0 && path[0] == '/' && !strstr(path, "/.."))
			return (size_t)snprintf(out, size, "%s", path[1] ? path : "") < size;
	}
	return false;
}

/* Version 2 says by a switch of each cgroup what it does itself, version 1 by a file of its own. */
static bool frozen_by_itself(const char *dir)
{
	static const char *const files[] = { "freezer.self_freezing", "cgroup.freeze" };
	char path[PATH_MAX], text[16];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, files[i]) < sizeof(path) &&
		    fd_read_file(AT_FDCWD, path, text, sizeof(text)) > 0)
			return text[0] == '1';
	return false;
}

static bool outermost_frozen(const char *mount, const char *path, char *dir, size_t size)
{
	char at[PATH_MAX];
	bool found = false;

	if ((size_t)snprintf(at, sizeof(at), "%s%s", mount, path) >= sizeof(at))
		return false;
	while (strlen(at) > strlen(mount)) {
		if (frozen_by_itself(at))
			found = (size_t)snprintf(dir, size, "%s", at) < size;
		*strrchr(at, '/') = '\0';
	}
	return found;
}

bool freezer_holds(pid_t pid, char *dir, size_t size)
{
	static const struct {
		const char *controller, *mount;
	} places[] = {
		{ "freezer", "/sys/fs/cgroup/freezer" }, { "", "/sys/fs/cgroup" }, { "", "/sys/fs/cgroup/unified" },
	};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (cgroup_path_of(pid, places[i].controller, path, sizeof(path)) &&
		    outermost_frozen(places[i].mount, path, dir, size))
			return true;
	return false;
}

/* The number of processes in it and below, or -1 where one is not mine, or too many to know. */
static int count_mine(int at, const char *name, bool (*mine)(void *ctx, pid_t pid), void *ctx, int depth)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), n = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	char pids[PROCS_BYTES];
	ssize_t len;

	if (!d) {
		fd_close(&fd);
		return -1;
	}
	len = fd_read_file(fd, "cgroup.procs", pids, sizeof(pids));
	if (len < 0 || len >= PROCS_BYTES - 1 || depth > DEPTH_MAX)
		n = -1;
	for (char *save = NULL, *pid = n < 0 ? NULL : strtok_r(pids, "\n", &save); pid && n >= 0;
	     pid = strtok_r(NULL, "\n", &save))
		n = mine(ctx, (pid_t)strtol(pid, NULL, 10)) ? n + 1 : -1;
	for (struct dirent *ent; n >= 0 && (ent = readdir(d));) {
		int below;

		if (ent->d_type != DT_DIR || ent->d_name[0] == '.')
			continue;
		below = count_mine(fd, ent->d_name, mine, ctx, depth + 1);
		n = below < 0 ? -1 : n + below;
	}
	closedir(d);
	return n;
}

static bool write_word(const char *dir, const char *file, const char *word)
{
	char path[PATH_MAX];
	auto_close int fd = -1;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, file) >= sizeof(path))
		return false;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, word, strlen(word)) > 0;
}

int freezer_thaw(const char *dir, bool (*mine)(void *ctx, pid_t pid), void *ctx)
{
	int n = count_mine(AT_FDCWD, dir, mine, ctx, 0);

	if (n <= 0)
		return -1;
	return write_word(dir, "freezer.state", "THAWED") || write_word(dir, "cgroup.freeze", "0") ? n : -1;
}
