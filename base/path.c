/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include "base/fd.h"
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
#define SPECIAL_TRIES 100
#define SPECIAL_TRY_MS 10
#define SPECIAL_WAIT_MS 3000

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

int path_mkdirs(const char *dir, struct err *e)
{
	auto_free char *p = xstrdup(dir);

	if (mkdir(p, 0777) == 0 || errno == EEXIST)
		return 0;
	for (char *s = p + 1; errno == ENOENT && *s; s++) {
		if (*s != '/')
			continue;
		*s = '\0';
		if (mkdir(p, 0777) < 0 && errno != EEXIST)
			return err_sys(e, "making folder '%s'", p);
		*s = '/';
		errno = ENOENT;
	}
	if (mkdir(p, 0777) < 0 && errno != EEXIST)
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
		if (strcmp(ent->d_name, ".") && strcmp(ent->d_name, ".."))
			rc = remove_tree_at(fd, ent->d_name);
	closedir(d);
	return rc ? rc : unlinkat(dirfd, name, AT_REMOVEDIR);
}

int path_remove_tree(const char *path, struct err *e)
{
	return remove_tree_at(AT_FDCWD, path) < 0 ? err_sys(e, "removing '%s'", path) : 0;
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

/* A FIFO or device: never waits for a reader that may not come (ENXIO: there is none). */
static int open_special(const char *path)
{
	int tries = 0, fd;

	do {
		fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (fd >= 0 || errno != ENXIO)
			break;
		poll(NULL, 0, SPECIAL_TRY_MS);
	} while (++tries < SPECIAL_TRIES);
	return fd;
}

int file_out_open(struct file_out *f, const char *path, struct err *e)
{
	auto_free char *real = NULL;
	struct stat st;

	memset(f, 0, sizeof(*f));
	f->fd = -1;
	if (path_mkdirs_for(path, e) < 0)
		return -1;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		if (S_ISDIR(st.st_mode))
			return err_set(e, ERR_FAILURE, "writing '%s': it is a folder", path);
		f->in_place = true;
		f->fd = open_special(path);
	} else if (path_descriptor(path) >= 0) {
		f->in_place = true;
		f->fd = fcntl(path_descriptor(path), F_DUPFD_CLOEXEC, 3);
	} else {
		/* behind a link the file that it leads to is replaced, never the link */
		const char *slash;
		int dir;

		real = lstat(path, &st) == 0 && S_ISLNK(st.st_mode) ? realpath(path, NULL) : NULL;
		if (real)
			path = real;
		slash = strrchr(path, '/');
		dir = slash ? (int)(slash - path + 1) : 0;
		f->tmp = xasprintf("%.*s.%s.tmp-%d", dir, path, path + dir, (int)getpid());
		f->fd = open(f->tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	}
	if (f->fd < 0) {
		err_sys(e, "writing '%s'", path);
		mem_free_ptr(&f->tmp);
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

static void file_out_release(struct file_out *f)
{
	fd_close(&f->fd);
	mem_free_ptr(&f->path);
	mem_free_ptr(&f->tmp);
	mem_free_ptr(&f->buf);
}

int file_out_commit(struct file_out *f, struct err *e)
{
	int rc = 0;

	file_out_flush(f);
	if (!f->failed && close(fd_steal(&f->fd)) < 0 && errno != EINTR) {
		f->failed = true;
		f->sys = errno;
	}
	if (!f->failed && f->tmp && rename(f->tmp, f->path) < 0) {
		f->failed = true;
		f->sys = errno;
	}
	if (f->failed) {
		errno = f->sys;
		rc = err_sys(e, "writing '%s'", f->path);
		if (f->tmp)
			unlink(f->tmp);
	}
	file_out_release(f);
	return rc;
}

void file_out_abort(struct file_out *f)
{
	if (f->tmp)
		unlink(f->tmp);
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

int file_read(const char *path, size_t max, char **out, size_t *len, struct err *e)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	auto_free char *buf = NULL;
	size_t have = 0, cap = 0;

	if (fd < 0)
		return err_sys(e, "reading '%s'", path);
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
