/* SPDX-License-Identifier: Apache-2.0 */
#include "base/guard.h"

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* O_PATH holds a folder that we may not even list. */
#define FOLDER_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)

static struct {
	char *dir;
	size_t len;
	const char *leaf; /* of dir */
	bool given;
	int parent;       /* the folder that holds it, -1: not there when we began */
	int fd;           /* the folder itself, -1: not there yet */
	bool through;     /* the user's own link led to it */
} guard = { .parent = -1, .fd = -1 };

void guard_folder(const char *dir, bool given)
{
	auto_free char *parent = xstrdup(dir);
	size_t n = strlen(parent);
	char *slash;

	while (n > 1 && parent[n - 1] == '/')
		parent[--n] = '\0';
	mem_free_ptr(&guard.dir);
	fd_close(&guard.parent);
	fd_close(&guard.fd);
	guard.dir = xstrdup(parent);
	guard.len = n;
	guard.given = given;
	guard.through = false;
	slash = strrchr(parent, '/');
	guard.leaf = guard.dir + (slash ? slash + 1 - parent : 0);
	if (slash)
		slash[slash == parent ? 1 : 0] = '\0';
	guard.parent = open(slash ? parent : ".", FOLDER_FLAGS);
	if (!given || guard.parent < 0)
		return;
	guard.fd = openat(guard.parent, guard.leaf, FOLDER_FLAGS | O_NOFOLLOW);
	if (guard.fd < 0) {
		guard.fd = openat(guard.parent, guard.leaf, FOLDER_FLAGS);
		guard.through = guard.fd >= 0;
	}
}

/* "raw/../x" is "x": our folders are never links, so the path can be resolved as text. False: it leads outside. */
static bool stays_inside(const char *rest)
{
	int depth = 0;

	for (const char *p = rest; *p;) {
		size_t n = strcspn(p, "/");

		if (n == 2 && memcmp(p, "..", 2) == 0)
			depth--;
		else if (n && !(n == 1 && *p == '.'))
			depth++;
		if (depth < 0)
			return false;
		p += n + (p[n] == '/');
	}
	return depth > 0;
}

bool guard_covers(const char *path)
{
	return guard.dir && strncmp(path, guard.dir, guard.len) == 0 && path[guard.len] == '/' &&
	       stays_inside(path + guard.len + 1);
}

/* How many of the following parts cancel this one ("..")? The part is skipped if one does. */
static bool taken_back(const char *p)
{
	int depth = 1;

	for (p += strcspn(p, "/"); *p && depth;) {
		size_t n;

		p++;
		n = strcspn(p, "/");
		if (n == 2 && memcmp(p, "..", 2) == 0)
			depth--;
		else if (n && !(n == 1 && *p == '.'))
			depth++;
		p += n;
	}
	return depth == 0;
}

/* Is the folder that we hold still the one of that name? 1: yes; 0: nothing is there now; -1: another. */
static int still_there(void)
{
	struct stat ours, now;

	if (fstat(guard.fd, &ours) < 0)
		return -1;
	if (guard.through)
		return ours.st_nlink ? 1 : 0;
	if (fstatat(guard.parent, guard.leaf, &now, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	if (ours.st_dev == now.st_dev && ours.st_ino == now.st_ino)
		return 1;
	/* replaced: by us or by root, that is not an attack */
	if (S_ISDIR(now.st_mode) && (now.st_uid == geteuid() || now.st_uid == 0))
		return 0;
	errno = S_ISLNK(now.st_mode) ? ELOOP : EPERM;
	return -1;
}

void guard_ignore(int dirfd)
{
	auto_close int fd = openat(dirfd, ".gitignore", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);

	if (fd >= 0 && write(fd, "*\n", 2) != 2)
		(void)unlinkat(dirfd, ".gitignore", 0);
}

static int folder_open(bool make)
{
	int there = guard.fd >= 0 ? still_there() : 0;
	bool made;

	if (there)
		return there > 0 ? 0 : -1;
	fd_close(&guard.fd);
	guard.through = false;
	if (guard.parent < 0 && make) { /* the user's own path, made as he wrote it */
		struct err e;
		auto_free char *parent = xstrndup(guard.dir, (size_t)(guard.leaf - guard.dir));

		if (!*parent || path_mkdirs_plain(parent, &e) < 0)
			return -1;
		guard.parent = open(parent, FOLDER_FLAGS);
	}
	if (guard.parent < 0) {
		errno = ENOENT;
		return -1;
	}
	guard.fd = openat(guard.parent, guard.leaf, FOLDER_FLAGS | O_NOFOLLOW);
	if (guard.fd < 0 && errno == ENOENT && make) {
		made = mkdirat(guard.parent, guard.leaf, 0777) == 0;
		if (!made && errno != EEXIST)
			return -1;
		guard.fd = openat(guard.parent, guard.leaf, FOLDER_FLAGS | O_NOFOLLOW);
		if (made && guard.fd >= 0)
			guard_ignore(guard.fd);
	}
	return guard.fd < 0 ? -1 : 0;
}

void guard_close(int *dirfd)
{
	if (*dirfd >= 0)
		close(*dirfd);
	*dirfd = -1;
}

/* One folder further down; closes *dirfd. */
static int step_into(int *dirfd, const char *name, size_t n, bool make)
{
	char part[NAME_MAX + 1];
	int next;

	if (n > NAME_MAX || (n == 2 && memcmp(name, "..", 2) == 0)) {
		errno = n > NAME_MAX ? ENAMETOOLONG : EINVAL;
		return -1;
	}
	memcpy(part, name, n);
	part[n] = '\0';
	next = openat(*dirfd, part, FOLDER_FLAGS | O_NOFOLLOW);
	if (next < 0 && errno == ENOENT && make) {
		if (mkdirat(*dirfd, part, 0777) < 0 && errno != EEXIST)
			return -1;
		next = openat(*dirfd, part, FOLDER_FLAGS | O_NOFOLLOW);
	}
	if (next < 0)
		return -1;
	close(*dirfd);
	*dirfd = next;
	return 0;
}

int guard_at(const char *path, bool make, int *dirfd, const char **leaf)
{
	const char *p;

	*dirfd = AT_FDCWD;
	*leaf = path;
	if (!guard_covers(path))
		return 0;
	if (folder_open(make) < 0)
		return -1;
	*dirfd = fcntl(guard.fd, F_DUPFD_CLOEXEC, 3);
	if (*dirfd < 0)
		return -1;
	for (p = path + guard.len + 1; strchr(p, '/');) {
		size_t n = strcspn(p, "/");

		bool skip = n == 0 || (n == 1 && *p == '.') || (n == 2 && memcmp(p, "..", 2) == 0) || taken_back(p);

		if (!skip && step_into(dirfd, p, n, make) < 0) {
			int sys = errno;

			guard_close(dirfd);
			errno = sys;
			return -1;
		}
		p += n + 1;
	}
	*leaf = p;
	return 0;
}

int guard_open(const char *path, int flags, mode_t mode)
{
	auto_guard int dir = -1;
	const char *leaf;

	if (guard_at(path, flags & O_CREAT, &dir, &leaf) < 0)
		return -1;
	return openat(dir, leaf, flags | O_CLOEXEC | (dir >= 0 ? O_NOFOLLOW : 0), mode);
}

int guard_stat(const char *path, struct stat *st)
{
	auto_guard int dir = -1;
	const char *leaf;

	if (guard_at(path, false, &dir, &leaf) < 0)
		return -1;
	if (dir < 0) /* a path that the user gave: links are followed */
		return stat(leaf, st);
	return fstatat(dir, leaf, st, AT_SYMLINK_NOFOLLOW);
}

int guard_rename(const char *from, const char *to)
{
	auto_guard int dir = -1;
	const char *leaf, *slash = strrchr(to, '/');

	if (!guard_covers(from))
		return rename(from, to);
	if (guard_at(from, false, &dir, &leaf) < 0)
		return -1;
	return renameat(dir, leaf, dir, slash ? slash + 1 : to);
}

int guard_unlink(const char *path)
{
	auto_guard int dir = -1;
	const char *leaf;

	if (guard_at(path, false, &dir, &leaf) < 0)
		return -1;
	return unlinkat(dir, leaf, 0);
}

DIR *guard_opendir(const char *path)
{
	auto_close int fd = -1;
	DIR *d;

	if (guard.dir && strcmp(path, guard.dir) == 0) {
		if (folder_open(false) < 0)
			return NULL;
		fd = openat(guard.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	} else {
		fd = guard_open(path, O_RDONLY | O_DIRECTORY, 0);
	}
	d = fd < 0 ? NULL : fdopendir(fd);
	if (d)
		fd = -1;
	return d;
}

int guard_open_regular(const char *path, int flags)
{
	auto_close int held = guard_open(path, O_PATH | O_NOFOLLOW, 0);
	char again[40];
	struct stat st, now;
	int fd;

	if (held < 0 || fstat(held, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISLNK(st.st_mode) ? ELOOP : EINVAL;
		return -1;
	}
	snprintf(again, sizeof(again), "/proc/self/fd/%d", held);
	fd = open(again, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	/* without /proc: by name, and looked at again */
	fd = guard_open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
	if (fd >= 0 && (fstat(fd, &now) < 0 || now.st_ino != st.st_ino || now.st_dev != st.st_dev)) {
		close(fd);
		errno = ELOOP;
		return -1;
	}
	return fd;
}
