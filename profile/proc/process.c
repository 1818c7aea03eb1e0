/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/proc/process.h"

#include "base/clock.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { THREAD_PATH = 64 };

int proc_gone(pid_t pid)
{
	char path[40];
	int saved = errno;

	if (saved == ENOENT || saved == EINVAL) {
		snprintf(path, sizeof(path), "/proc/%d", (int)pid);
		if (access(path, F_OK) < 0)
			saved = ESRCH;
	}
	errno = saved;
	return -1;
}

static ssize_t proc_pread(int fd, char *buf, size_t size)
{
	ssize_t n;

	if (fd < 0) {
		errno = ENOENT;
		return -1;
	}
	do
		n = pread(fd, buf, size, 0);
	while (n < 0 && errno == EINTR);
	if (n == 0) {
		errno = ESRCH;
		return -1;
	}
	return n;
}

/* A file that the kernel writes at one go comes with one read, if there is room: asking for its end costs as much again. */
static ssize_t proc_text(int dir_fd, const char *path, char *buf, size_t size)
{
	auto_close int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	do
		n = read(fd, buf, size - 1);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

static ssize_t proc_read(pid_t pid, pid_t tid, const char *name, char *buf, size_t size)
{
	char path[80];
	ssize_t n;

	if (tid)
		snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)pid, (int)tid, name);
	else
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	n = proc_text(AT_FDCWD, path, buf, size);
	if (n < 0)
		return proc_gone(pid);
	return n;
}

int proc_watch_open(struct proc_watch *w, pid_t pid)
{
	char path[40];

	*w = (struct proc_watch){ .pid = pid, .dir_fd = -1, .stat_fd = -1, .sched_fd = -1, .children_fd = -1 };
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	w->dir_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (w->dir_fd >= 0)
		w->stat_fd = openat(w->dir_fd, "stat", O_RDONLY | O_CLOEXEC);
	if (w->stat_fd < 0) {
		int saved = errno == ENOENT ? ESRCH : errno;

		proc_watch_close(w);
		errno = saved;
		return -1;
	}
	w->sched_fd = openat(w->dir_fd, "schedstat", O_RDONLY | O_CLOEXEC);
	return 0;
}

void proc_watch_close(struct proc_watch *w)
{
	fd_close(&w->stat_fd);
	fd_close(&w->sched_fd);
	fd_close(&w->children_fd);
	fd_close(&w->dir_fd);
}

int proc_watch_stat(const struct proc_watch *w, struct proc_stat *s)
{
	char buf[1024];
	ssize_t n = proc_pread(w->stat_fd, buf, sizeof(buf));

	memset(s, 0, sizeof(*s));
	return n < 0 ? -1 : proc_stat_parse(buf, (size_t)n, s);
}

int proc_watch_sched(const struct proc_watch *w, struct proc_sched *s)
{
	char buf[128];
	ssize_t n = proc_pread(w->sched_fd, buf, sizeof(buf));

	memset(s, 0, sizeof(*s));
	return n < 0 ? -1 : proc_sched_parse(buf, (size_t)n, s);
}

/* A children file has no bound: read on where a buffer was filled. The offset that the kernel
 * understands is a position, so a number may be cut between two reads: keep its beginning. */
static int children_read(int fd, struct pid_list *out)
{
	char buf[4096];
	size_t have = 0;
	off_t at = 0;

	for (;;) {
		ssize_t n = pread(fd, buf + have, sizeof(buf) - have, at);
		size_t whole;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		have += (size_t)n;
		for (whole = have; n && whole && buf[whole - 1] != ' '; whole--)
			;
		proc_children_parse(buf, whole, out);
		if (n == 0)
			return 0;
		memmove(buf, buf + whole, have - whole);
		have -= whole;
		if (have == sizeof(buf))
			have = 0; /* 4,096 digits are no pid */
	}
}

/* Calls for every numeric entry of a folder. */
static int dir_numbers(int dir_fd, const char *path, struct pid_list *out)
{
	int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *de;
	DIR *d;

	if (fd < 0)
		return -1;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -1;
	}
	while ((de = readdir(d)))
		if (de->d_name[0] >= '0' && de->d_name[0] <= '9')
			pid_list_add(out, (pid_t)strtol(de->d_name, NULL, 10));
	closedir(d);
	return 0;
}

static int children_of_threads(int dir_fd, struct pid_list *out)
{
	auto_pid_list tids = PID_LIST_INIT;
	int read_any = 0, last = ESRCH;
	char path[48];

	if (dir_numbers(dir_fd, "task", &tids) < 0)
		return -1;
	for (size_t i = 0; i < tids.n; i++) {
		auto_close int fd = -1;

		snprintf(path, sizeof(path), "task/%d/children", (int)tids.v[i]);
		fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && children_read(fd, out) == 0)
			read_any = 1;
		else
			last = errno;
	}
	errno = last;
	return read_any ? 0 : -1;
}

int proc_watch_children(struct proc_watch *w, int num_threads, struct pid_list *out)
{
	char path[48];

	if (num_threads > 1) {
		fd_close(&w->children_fd);
		return children_of_threads(w->dir_fd, out);
	}
	if (w->children_fd < 0) {
		snprintf(path, sizeof(path), "task/%d/children", (int)w->pid);
		w->children_fd = openat(w->dir_fd, path, O_RDONLY | O_CLOEXEC);
		if (w->children_fd < 0)
			return proc_gone(w->pid);
	}
	return children_read(w->children_fd, out);
}

int proc_children(pid_t pid, struct pid_list *out)
{
	char path[40];
	auto_close int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || children_of_threads(fd, out) < 0)
		return proc_gone(pid);
	return 0;
}

int proc_threads(pid_t pid, struct pid_list *out)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	return dir_numbers(AT_FDCWD, path, out) < 0 ? proc_gone(pid) : 0;
}

int proc_all(struct pid_list *out)
{
	return dir_numbers(AT_FDCWD, "/proc", out);
}

/* Without CONFIG_PROC_CHILDREN: everybody's parent once, then closure from `have` on. */
static void tree_by_scan(struct pid_list *out)
{
	auto_pid_list all = PID_LIST_INIT;
	auto_free pid_t *parent = NULL;

	if (proc_all(&all) < 0)
		return;
	parent = xcalloc(all.n + 1, sizeof(*parent));
	for (size_t i = 0; i < all.n; i++) {
		struct proc_stat s;

		if (proc_stat_read(all.v[i], &s) == 0)
			parent[i] = s.ppid;
	}
	for (size_t i = 0; i < out->n; i++)
		for (size_t k = 0; k < all.n; k++)
			if (parent[k] == out->v[i] && !pid_list_has(out, all.v[k]))
				pid_list_add(out, all.v[k]);
}

int proc_tree(pid_t root, struct pid_list *out)
{
	struct proc_stat s;
	size_t first = out->n;

	if (proc_stat_read(root, &s) < 0)
		return -1;
	pid_list_add(out, root);
	for (size_t i = first; i < out->n; i++) {
		size_t before = out->n;

		if (proc_children(out->v[i], out) < 0 && errno == ENOENT && i == first) {
			tree_by_scan(out);
			return 0;
		}
		/* A child that was handed to another thread while we read is listed twice. */
		for (size_t k = before; k < out->n;) {
			bool twice = false;

			for (size_t j = 0; j < k && !twice; j++)
				twice = out->v[j] == out->v[k];
			if (twice)
				out->v[k] = out->v[--out->n];
			else
				k++;
		}
	}
	return 0;
}

int proc_stat_read(pid_t pid, struct proc_stat *s)
{
	return proc_thread_stat_read(pid, 0, s);
}

int proc_thread_stat_read(pid_t pid, pid_t tid, struct proc_stat *s)
{
	char buf[1024];
	ssize_t n = proc_read(pid, tid, "stat", buf, sizeof(buf));

	memset(s, 0, sizeof(*s));
	return n < 0 ? -1 : proc_stat_parse(buf, (size_t)n, s);
}

int proc_status_read(pid_t pid, pid_t tid, struct proc_status *s)
{
	char buf[8192];
	ssize_t n = proc_read(pid, tid, "status", buf, sizeof(buf));

	memset(s, 0, sizeof(*s));
	return n < 0 ? -1 : proc_status_parse(buf, (size_t)n, s);
}

void proc_thread_close(struct proc_thread *t)
{
	fd_close(&t->sched_fd);
	fd_close(&t->syscall_fd);
}

int proc_task_open(pid_t pid)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* "TID/name"; snprintf takes longer than the kernel needs to find it. */
static void thread_path(const struct proc_thread *t, const char *name, char out[THREAD_PATH])
{
	char digits[12];
	size_t n = sizeof(digits), len = strlen(name);

	for (unsigned v = (unsigned)t->tid; n == sizeof(digits) || v; v /= 10)
		digits[--n] = (char)('0' + v % 10);
	memcpy(out, digits + n, sizeof(digits) - n);
	out += sizeof(digits) - n;
	*out++ = '/';
	memcpy(out, name, len + 1);
}

ssize_t proc_thread_text(const struct proc_thread *t, const char *name, char *buf, size_t size)
{
	char path[THREAD_PATH];
	ssize_t n;

	thread_path(t, name, path);
	n = proc_text(t->task_fd, path, buf, size);
	return n < 0 ? proc_gone(t->pid) : n;
}

/* Like proc_thread_text(), of a file that stays open. */
static ssize_t thread_pread(const struct proc_thread *t, int *fd, const char *name, char *buf, size_t size)
{
	char path[THREAD_PATH];
	ssize_t n;

	if (*fd < 0) {
		thread_path(t, name, path);
		*fd = openat(t->task_fd, path, O_RDONLY | O_CLOEXEC);
		if (*fd < 0)
			return proc_gone(t->pid);
	}
	n = proc_pread(*fd, buf, size - 1);
	return n < 0 ? proc_gone(t->pid) : n;
}

int proc_thread_stat(const struct proc_thread *t, struct proc_stat *s)
{
	char buf[1024];
	ssize_t n = proc_thread_text(t, "stat", buf, sizeof(buf));

	memset(s, 0, sizeof(*s));
	return n < 0 ? -1 : proc_stat_parse(buf, (size_t)n, s);
}

int proc_thread_status(const struct proc_thread *t, struct proc_status *s)
{
	char buf[8192];
	ssize_t n = proc_thread_text(t, "status", buf, sizeof(buf));

	memset(s, 0, sizeof(*s));
	return n < 0 ? -1 : proc_status_parse(buf, (size_t)n, s);
}

int proc_thread_sched(struct proc_thread *t, struct proc_sched *s)
{
	char buf[128];
	ssize_t n = thread_pread(t, &t->sched_fd, "schedstat", buf, sizeof(buf));

	memset(s, 0, sizeof(*s));
	return n < 0 ? -1 : proc_sched_parse(buf, (size_t)n, s);
}

int proc_thread_syscall(struct proc_thread *t, struct proc_syscall *s)
{
	char buf[256];
	ssize_t n = thread_pread(t, &t->syscall_fd, "syscall", buf, sizeof(buf));

	memset(s, 0, sizeof(*s));
	s->nr = -1; /* 0 is a call */
	return n < 0 ? -1 : proc_syscall_parse(buf, (size_t)n, s);
}

void proc_thread_wchan(const struct proc_thread *t, char *out, size_t size)
{
	if (proc_thread_text(t, "wchan", out, size) <= 0 || strcmp(out, "0") == 0)
		out[0] = '\0';
}

int proc_syscall_read(pid_t pid, pid_t tid, struct proc_syscall *s)
{
	char buf[256];
	ssize_t n = proc_read(pid, tid, "syscall", buf, sizeof(buf));

	memset(s, 0, sizeof(*s));
	s->nr = -1; /* 0 is a call */
	return n < 0 ? -1 : proc_syscall_parse(buf, (size_t)n, s);
}

int proc_pressure_read(const char *path, struct proc_pressure *p)
{
	char buf[512];
	ssize_t n = fd_read_file(AT_FDCWD, path, buf, sizeof(buf));

	memset(p, 0, sizeof(*p));
	return n < 0 ? -1 : proc_pressure_parse(buf, (size_t)n, p);
}

int proc_cgroup_dir(pid_t pid, char *out, size_t size)
{
	char buf[8192], *at, *end;
	ssize_t n = proc_read(pid, 0, "cgroup", buf, sizeof(buf));

	if (n < 0)
		return -1;
	at = strncmp(buf, "0::", 3) == 0 ? buf : strstr(buf, "\n0::");
	if (!at) {
		errno = ENOENT;
		return -1;
	}
	at += *at == '\n' ? 4 : 3;
	end = strchr(at, '\n');
	if (end)
		*end = '\0';
	/* With a hybrid hierarchy the unified one is mounted one folder below. */
	if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0)
		snprintf(out, size, "/sys/fs/cgroup%s", strcmp(at, "/") ? at : "");
	else
		snprintf(out, size, "/sys/fs/cgroup/unified%s", strcmp(at, "/") ? at : "");
	return access(out, F_OK);
}

int proc_cgroup_dir_v1(pid_t pid, const char *controller, char *out, size_t size)
{
	char buf[8192], *save = NULL;
	size_t n = strlen(controller);

	if (proc_read(pid, 0, "cgroup", buf, sizeof(buf)) < 0)
		return -1;
	for (char *line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		for (char *at = ++names; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
			if (strncmp(at, controller, n) != 0 || (at[n] && at[n] != ','))
				continue;
			snprintf(out, size, "/sys/fs/cgroup/%s%s", names, strcmp(path, "/") ? path : "");
			return access(out, F_OK);
		}
	}
	errno = ENOENT;
	return -1;
}

void proc_wchan_read(pid_t pid, pid_t tid, char *out, size_t size)
{
	ssize_t n = proc_read(pid, tid, "wchan", out, size);

	if (n <= 0 || strcmp(out, "0") == 0)
		out[0] = '\0';
}

int proc_link_read(pid_t pid, const char *name, char *out, size_t size)
{
	char path[80];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	n = readlink(path, out, size - 1);
	out[n < 0 ? 0 : n] = '\0';
	return n < 0 ? proc_gone(pid) : (int)n;
}

void pid_list_add(struct pid_list *l, pid_t pid)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 16;
		l->v = xreallocarray(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = pid;
}

bool pid_list_has(const struct pid_list *l, pid_t pid)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i] == pid)
			return true;
	return false;
}

void pid_list_release(struct pid_list *l)
{
	free(l->v);
	*l = (struct pid_list)PID_LIST_INIT;
}

void proc_holders_release(struct proc_holders *h)
{
	free(h->v);
	*h = (struct proc_holders)PROC_HOLDERS_INIT;
}

static void holder_add(struct proc_holders *h, pid_t pid, int fd, mode_t link_mode)
{
	struct proc_holder *new;
	struct proc_stat s;

	if (h->n == h->cap) {
		h->cap = h->cap ? h->cap * 2 : 8;
		h->v = xreallocarray(h->v, h->cap, sizeof(*h->v));
	}
	new = &h->v[h->n++];
	/* The permissions of the link in /proc/PID/fd are the mode the file was opened with. */
	*new = (struct proc_holder){ .pid = pid, .fd = fd, .reads = link_mode & S_IRUSR,
				     .writes = link_mode & S_IWUSR };
	if (proc_stat_read(pid, &s) == 0)
		memcpy(new->comm, s.comm, sizeof(new->comm));
}

/* By the text of the links: what they lead to may lie on a server that never answers. */
void proc_fd_holders(const char *link_text, const pid_t *pids, size_t n, struct proc_holders *out)
{
	char path[40], target[80];

	for (size_t i = 0; i < n; i++) {
		auto_pid_list fds = PID_LIST_INIT;
		auto_close int dir = -1;

		snprintf(path, sizeof(path), "/proc/%d/fd", (int)pids[i]);
		dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0 || dir_numbers(dir, ".", &fds) < 0) {
			out->denied += errno == EACCES || errno == EPERM;
			continue;
		}
		for (size_t k = 0; k < fds.n; k++) {
			struct stat link;
			ssize_t len;

			snprintf(path, sizeof(path), "%d", (int)fds.v[k]);
			len = readlinkat(dir, path, target, sizeof(target) - 1);
			target[len < 0 ? 0 : len] = '\0';
			if (strcmp(target, link_text) == 0 && fstatat(dir, path, &link, AT_SYMLINK_NOFOLLOW) == 0)
				holder_add(out, pids[i], (int)fds.v[k], link.st_mode);
		}
	}
}
