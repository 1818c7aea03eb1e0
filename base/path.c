/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include "base/fd.h"
#include "base/guard.h"
#include "base/mem.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_OUT_BUFFER_BYTES 65536
/* A FIFO's reader may come a moment after us; what is slower than this does not read at all. */
#define TMP_TRIES 8
#define SPECIAL_TRIES 100
#define SPECIAL_TRY_MS 10
#define SPECIAL_WAIT_MS 3000

char *path_relative(const char *root, const char *path)
{
	size_t n = root ? strlen(root) : 0;

	if (!path)
		return NULL;
	while (n > 1 && root[n - 1] == '/')
		n--;
	if (!n || path[0] != '/' || strncmp(path, root, n) != 0)
		return xstrdup(path);
	if (!path[n])
		return xstrdup(".");
	return xstrdup(path[n] == '/' && path[n + 1] ? path + n + 1 : path);
}

char *path_join(const char *dir, const char *name)
{
	size_t n = strlen(dir);

	return xasprintf("%s%s%s", dir, n && dir[n - 1] == '/' ? "" : "/", name);
}

static bool path_has(const char *dir, const char *name)
{
	auto_free char *p = path_join(dir, name);

	return access(p, F_OK) == 0;
}

char *path_root(void)
{
	auto_free char *cwd = getcwd(NULL, 0);
	auto_free char *dir = NULL;

	if (!cwd)
		return xstrdup(".");
	dir = xstrdup(cwd);
	for (;;) {
		char *slash;

		if (path_has(dir, ".git") || path_has(dir, "spec-runner.yaml"))
			return ptr_steal(&dir);
		slash = strrchr(dir, '/');
		if (!slash || !dir[1])
			return ptr_steal(&cwd);
		slash[slash == dir ? 1 : 0] = '\0';
	}
}

char *path_resolve(const char *root, const char *path)
{
	return str_starts(path, "/.artifacts/") ? path_join(root, path + 1) : xstrdup(path);
}

bool path_leads_out(const char *root, const char *path)
{
	size_t n = strlen(root);
	int depth = 0;

	if (str_starts(path, "/.artifacts/") || strcmp(path, "/dev/null") == 0)
		return false;
	while (n > 1 && root[n - 1] == '/')
		n--;
	if (path[0] == '/') {
		if (n > 1 && (strncmp(path, root, n) != 0 || (path[n] != '/' && path[n] != '\0')))
			return true;
		path += n > 1 ? n : 0;
	}
	while (*path && depth >= 0) {
		size_t part = strcspn(path, "/");

		if (part == 2 && memcmp(path, "..", 2) == 0)
			depth--;
		else if (part && !(part == 1 && *path == '.'))
			depth++;
		path += part + (path[part] == '/');
	}
	return depth < 0;
}

int path_mkdirs(const char *dir, struct err *e)
{
	auto_guard int fd = -1;
	auto_free char *inside = path_join(dir, "x");
	const char *leaf;

	if (!guard_covers(inside))
		return path_mkdirs_plain(dir, e);
	return guard_at(inside, true, &fd, &leaf) < 0 ? err_sys(e, "making folder '%s'", dir) : 0;
}

/* One folder. A folder of artifacts that is made on the way of the user's own path is nothing for git, either. */
static int make_dir(const char *path)
{
	auto_close int fd = -1;

	if (mkdir(path, 0777) < 0)
		return -1;
	if (str_ends(path, "/.artifacts") || strcmp(path, ".artifacts") == 0) {
		fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			guard_ignore(fd);
	}
	return 0;
}

int path_mkdirs_plain(const char *dir, struct err *e)
{
	auto_free char *p = xstrdup(dir);

	if (make_dir(p) == 0 || errno == EEXIST)
		return 0;
	for (char *s = p + 1; errno == ENOENT && *s; s++) {
		if (*s != '/')
			continue;
		*s = '\0';
		if (make_dir(p) < 0 && errno != EEXIST)
			return err_sys(e, "making folder '%s'", p);
		*s = '/';
		errno = ENOENT;
	}
	if (make_dir(p) < 0 && errno != EEXIST)
		return err_sys(e, "making folder '%s'", p);
	return 0;
}

int path_mkdirs_for(const char *path, struct err *e)
{
	auto_free char *p = xstrdup(path);
	char *slash = strrchr(p, '/');

	if (!slash || slash == p)
		return 0;
	*slash = '\0';
	return path_mkdirs(p, e);
}

static int remove_tree_at(int dirfd, const char *name)
{
	int fd, rc = 0;
	DIR *d;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -1;
	}
	for (struct dirent *ent; rc == 0 && (ent = readdir(d));)
		if (strcmp(ent->d_name, ".") != 0 && strcmp(ent->d_name, "..") != 0)
			rc = remove_tree_at(fd, ent->d_name);
	closedir(d);
	return rc ? rc : unlinkat(dirfd, name, AT_REMOVEDIR);
}

int path_remove_tree(const char *path, struct err *e)
{
	auto_guard int dir = -1;
	const char *leaf;

	if (guard_at(path, false, &dir, &leaf) < 0 || remove_tree_at(dir, leaf) < 0)
		return err_sys(e, "removing '%s'", path);
	return 0;
}

int path_descriptor(const char *path)
{
	static const char *const streams[] = { "/dev/stdin", "/dev/stdout", "/dev/stderr" };
	const char *number = NULL;
	char *end;
	long n;

	for (int i = 0; i < 3; i++)
		if (strcmp(path, streams[i]) == 0)
			return i;
	if (str_starts(path, "/dev/fd/"))
		number = path + strlen("/dev/fd/");
	else if (str_starts(path, "/proc/self/fd/"))
		number = path + strlen("/proc/self/fd/");
	if (!number || *number < '0' || *number > '9')
		return -1;
	n = strtol(number, &end, 10);
	return *end || n > INT_MAX ? -1 : (int)n;
}

static void file_out_release(struct file_out *f)
{
	fd_close(&f->fd);
	guard_close(&f->dir);
	mem_free_ptr(&f->path);
	mem_free_ptr(&f->name);
	mem_free_ptr(&f->tmp);
	mem_free_ptr(&f->buf);
}

/* A FIFO or device: never waits for a reader that may not come (ENXIO: there is none). Below our folder
 * no link is followed, and what has become a regular file meanwhile is not written over. */
static int open_special(int dir, const char *name)
{
	int flags = O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (dir >= 0 ? O_NOFOLLOW : 0);
	int tries = 0, fd;
	struct stat st;

	do {
		fd = openat(dir, name, flags);
		if (fd >= 0 || errno != ENXIO)
			break;
		poll(NULL, 0, SPECIAL_TRY_MS);
	} while (++tries < SPECIAL_TRIES);
	if (fd >= 0 && (fstat(fd, &st) < 0 || S_ISREG(st.st_mode))) {
		close(fd);
		errno = ELOOP;
		return -1;
	}
	return fd;
}

/* A new file beside the target: never one that is there already, whoever made it. */
static int open_beside(struct file_out *f)
{
	const char *slash = strrchr(f->name, '/');
	int dir = slash ? (int)(slash - f->name + 1) : 0, fd;

	for (int tries = 0; tries < TMP_TRIES; tries++) {
		mem_free_ptr(&f->tmp);
		f->tmp = xasprintf(tries ? "%.*s.%s.tmp-%d.%d" : "%.*s.%s.tmp-%d", dir, f->name, f->name + dir,
				   (int)getpid(), tries);
		fd = openat(f->dir, f->tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
		if (fd >= 0 || errno != EEXIST)
			return fd;
		unlinkat(f->dir, f->tmp, 0); /* a process of this id that died; or a trap: the next name then */
	}
	return -1;
}

static int file_out_place(struct file_out *f, const char *path)
{
	const char *leaf;
	auto_free char *real = NULL;
	struct stat st;

	if (guard_at(path, true, &f->dir, &leaf) < 0)
		return -1;
	if (f->dir < 0 && lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		real = realpath(path, NULL);
	f->name = xstrdup(real ? real : leaf);
	return 0;
}

int file_out_open(struct file_out *f, const char *path, struct err *e)
{
	struct stat st;
	bool there;

	memset(f, 0, sizeof(*f));
	f->fd = -1;
	f->dir = AT_FDCWD;
	if (!guard_covers(path) && path_mkdirs_for(path, e) < 0)
		return -1;
	if (file_out_place(f, path) < 0)
		return err_sys(e, "writing '%s'", path);
	there = fstatat(f->dir, f->name, &st, f->dir >= 0 ? AT_SYMLINK_NOFOLLOW : 0) == 0;
	if (there && S_ISDIR(st.st_mode)) {
		file_out_release(f);
		return err_set(e, ERR_FAILURE, "writing '%s': it is a folder", path);
	}
	if (there && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)) {
		f->in_place = true;
		f->fd = open_special(f->dir, f->name);
	} else if (f->dir < 0 && path_descriptor(path) >= 0) {
		f->in_place = true;
		f->fd = fcntl(path_descriptor(path), F_DUPFD_CLOEXEC, 3);
	} else {
		f->fd = open_beside(f);
	}
	if (f->fd < 0) {
		err_sys(e, "writing '%s'", path);
		file_out_release(f);
		return -1;
	}
	f->path = xstrdup(path);
	f->buf = xmalloc(FILE_OUT_BUFFER_BYTES);
	return 0;
}

/* To a reader that may be slow, but not for ever. */
static int write_special(int fd, const char *p, size_t n)
{
	while (n) {
		struct pollfd pf = { .fd = fd, .events = POLLOUT };
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0 && errno == EAGAIN) {
			if (poll(&pf, 1, SPECIAL_WAIT_MS) > 0)
				continue;
			errno = ETIMEDOUT;
		}
		if (w < 0)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

static void file_out_flush(struct file_out *f)
{
	if (!f->failed && (f->in_place ? write_special(f->fd, f->buf, f->len) : fd_write_all(f->fd, f->buf, f->len)) < 0) {
		f->failed = true;
		f->sys = errno;
	}
	f->len = 0;
}

void file_out_write(struct file_out *f, const void *p, size_t n)
{
	const char *from = p;

	while (n) {
		size_t room = FILE_OUT_BUFFER_BYTES - f->len;
		size_t part = n < room ? n : room;

		memcpy(f->buf + f->len, from, part);
		f->len += part;
		from += part;
		n -= part;
		if (f->len == FILE_OUT_BUFFER_BYTES)
			file_out_flush(f);
	}
}

int file_out_commit(struct file_out *f, struct err *e)
{
	int rc = 0;

	file_out_flush(f);
	if (!f->failed && close(fd_steal(&f->fd)) < 0 && errno != EINTR) {
		f->failed = true;
		f->sys = errno;
	}
	if (!f->failed && f->tmp && renameat(f->dir, f->tmp, f->dir, f->name) < 0) {
		f->failed = true;
		f->sys = errno;
	}
	if (f->failed) {
		errno = f->sys;
		rc = err_sys(e, "writing '%s'", f->path);
		if (f->tmp)
			unlinkat(f->dir, f->tmp, 0);
	}
	file_out_release(f);
	return rc;
}

void file_out_abort(struct file_out *f)
{
	if (f->tmp)
		unlinkat(f->dir, f->tmp, 0);
	file_out_release(f);
}

int file_write(const char *path, const void *p, size_t n, struct err *e)
{
	struct file_out f;

	if (file_out_open(&f, path, e) < 0)
		return -1;
	file_out_write(&f, p, n);
	return file_out_commit(&f, e);
}

int file_read_fd(int fd, const char *path, size_t max, char **out, size_t *len, struct err *e)
{
	auto_free char *buf = NULL;
	size_t have = 0, cap = 0;

	for (;;) {
		ssize_t n;

		if (have + 4096 + 1 > cap) {
			cap = cap ? cap * 2 : 16384;
			buf = xrealloc(buf, cap);
		}
		n = read(fd, buf + have, cap - have - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "reading '%s'", path);
		if (n == 0)
			break;
		have += (size_t)n;
		if (have > max)
			return err_set(e, ERR_USAGE, "reading '%s': larger than %zu bytes", path, max);
	}
	buf[have] = '\0';
	*out = ptr_steal(&buf);
	*len = have;
	return 0;
}

int file_read(const char *path, size_t max, char **out, size_t *len, struct err *e)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "reading '%s'", path) : file_read_fd(fd, path, max, out, len, e);
}
