/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/contain.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <sys/vfs.h>

/* A run makes its cgroup just before it starts its command: an empty one may be about to be used. */
#define CGROUP_YOUNG_S 60

const char *const contain_text[] = { "auto", "group", "subreaper", "cgroup", "pidns" };

/* Where cgroup v2 is mounted: the unified layout, or beside v1 (hybrid). */
static const char *cgroup_mount(void)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	struct statfs fs;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (statfs(places[i], &fs) == 0 && (unsigned long)fs.f_type == CGROUP2_SUPER_MAGIC)
			return places[i];
	return NULL;
}

/* Our own cgroup v2: the line "0::/path" of /proc/self/cgroup. */
static int cgroup_own_path(char *out, size_t size)
{
	char buf[4096], *line, *end;

	if (fd_read_file(AT_FDCWD, "/proc/self/cgroup", buf, sizeof(buf)) < 0)
		return -1;
	line = strncmp(buf, "0::", 3) == 0 ? buf : strstr(buf, "\n0::");
	if (!line)
		return -1;
	line = strchr(line, '/');
	if (!line)
		return -1;
	end = strchr(line, '\n');
	if (end)
		*end = '\0';
	if (strcmp(line, "/") == 0)
		line++;
	if (strstr(line, "/../") || (size_t)snprintf(out, size, "%s", line) >= size)
		return -1;
	return 0;
}

int contain_cgroup_path(const char *run_id, char *dir, size_t size)
{
	const char *mount = cgroup_mount();
	char own[2048];

	dir[0] = '\0';
	if (!mount || cgroup_own_path(own, sizeof(own)) < 0)
		return -1;
	if ((size_t)snprintf(dir, size, "%s%s/spec-runner-%s", mount, own, run_id) < size)
		return 0;
	dir[0] = '\0';
	return -1;
}

int contain_cgroup_make(const char *run_id, char *dir, size_t size, struct err *e)
{
	int fd;

	if (contain_cgroup_path(run_id, dir, size) < 0)
		return err_set(e, ERR_FAILURE, cgroup_mount() ? "our own cgroup v2 cannot be read from /proc/self/cgroup" :
							      "no cgroup v2 is mounted at /sys/fs/cgroup");
	if (mkdir(dir, 0755) < 0) {
		err_sys(e, "making cgroup '%s'", dir);
		dir[0] = '\0';
		return -1;
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		err_sys(e, "opening cgroup '%s'", dir);
		rmdir(dir);
		dir[0] = '\0';
	}
	return fd;
}

static int cgroup_write(const char *dir, const char *file, const char *text)
{
	char path[4096];
	auto_close int fd = -1;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, file) >= sizeof(path))
		return -1;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	return write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

int contain_cgroup_kill(const char *dir)
{
	return cgroup_write(dir, "cgroup.kill", "1");
}

int contain_cgroup_remove(const char *dir)
{
	char path[4096], pids[4096], parent[4096], *slash;

	if (rmdir(dir) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY)
		return -1;
	snprintf(parent, sizeof(parent), "%s", dir);
	slash = strrchr(parent, '/');
	if (!slash || (size_t)snprintf(path, sizeof(path), "%s/cgroup.procs", dir) >= sizeof(path))
		return -1;
	*slash = '\0';
	if (fd_read_file(AT_FDCWD, path, pids, sizeof(pids)) < 0)
		return -1;
	for (char *save = NULL, *pid = strtok_r(pids, "\n", &save); pid;
	     pid = strtok_r(NULL, "\n", &save))
		cgroup_write(parent, "cgroup.procs", pid);
	return rmdir(dir);
}

void contain_cgroup_sweep(void)
{
	const char *mount = cgroup_mount();
	char own[2048], dir[4096];
	DIR *d;

	if (!mount || cgroup_own_path(own, sizeof(own)) < 0)
		return;
	snprintf(dir, sizeof(dir), "%s%s", mount, own);
	d = opendir(dir);
	if (!d)
		return;
	for (struct dirent *ent; (ent = readdir(d));) {
		struct stat st;

		if (strncmp(ent->d_name, "spec-runner-run-", 16) != 0 ||
		    fstatat(dirfd(d), ent->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    time(NULL) - st.st_ctime < CGROUP_YOUNG_S)
			continue;
		unlinkat(dirfd(d), ent->d_name, AT_REMOVEDIR); /* EBUSY while somebody lives in it */
	}
	closedir(d);
}
