/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/proc/fdtable.h"

#include "base/fd.h"
#include "base/mem.h"
#include "profile/proc/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum fd_kind fd_kind_parse(const char *target, uint64_t *ino)
{
	static const struct { const char *text; enum fd_kind kind; } anon[] = {
		{ "[eventfd]", FD_EVENTFD }, { "[eventpoll]", FD_EPOLL }, { "inotify", FD_INOTIFY },
		{ "[signalfd]", FD_SIGNALFD }, { "[timerfd]", FD_TIMERFD }, { "[pidfd]", FD_PIDFD },
		{ "[io_uring]", FD_URING } };

	*ino = 0;
	if (str_starts(target, "pipe:[")) {
		*ino = strtoull(target + 6, NULL, 10);
		return FD_PIPE;
	}
	if (str_starts(target, "socket:[")) {
		*ino = strtoull(target + 8, NULL, 10);
		return FD_SOCKET;
	}
	if (str_starts(target, "anon_inode:"))
		for (size_t i = 0; i < sizeof(anon) / sizeof(*anon); i++)
			if (strcmp(target + 11, anon[i].text) == 0)
				return anon[i].kind;
	return target[0] == '/' ? FD_FILE : FD_OTHER;
}

/* --- files, without asking the server that they lie on --- */

/* Mounts of one process by their number: the device of each, and whether somebody else must answer for it. */
struct mounts {
	struct mount { int id; uint64_t dev; bool asks; } *v;
	size_t n, cap;
	bool read;
};

/* File systems of which stat is a request to another program or machine, which may never answer it. */
static bool fs_asks(const char *type, size_t n)
{
	static const char *const remote[] = { "fuse", "fuseblk", "nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "afs",
					      "lustre", "gpfs", "virtiofs", "ocfs2", "autofs", "coda", "orangefs" };

	for (size_t i = 0; i < sizeof(remote) / sizeof(*remote); i++)
		if (n == strlen(remote[i]) && memcmp(type, remote[i], n) == 0)
			return true;
	return n > 5 && memcmp(type, "fuse.", 5) == 0;
}

/* One line: "36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/root rw". */
static void mount_line(struct mounts *m, const char *line)
{
	const char *type = strstr(line, " - ");
	unsigned id, parent, major, minor;

	if (!type || sscanf(line, "%u %u %u:%u", &id, &parent, &major, &minor) != 4)
		return;
	if (m->n == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 32;
		m->v = xreallocarray(m->v, m->cap, sizeof(*m->v));
	}
	type += 3;
	m->v[m->n++] = (struct mount){ (int)id, makedev(major, minor), fs_asks(type, strcspn(type, " ")) };
}

static void mounts_read(struct mounts *m, int proc_dir)
{
	auto_close int fd = openat(proc_dir, "../mountinfo", O_RDONLY | O_CLOEXEC);
	char *line = NULL;
	size_t cap = 0;
	FILE *f = fd < 0 ? NULL : fdopen(fd_steal(&fd), "r");

	m->read = true;
	while (f && getline(&line, &cap, f) > 0)
		mount_line(m, line);
	free(line);
	if (f)
		fclose(f);
}

/* What fdinfo tells of a file: enough where its server must not be asked. ino 0: not told (before Linux 5.14). */
static void file_info(int proc_dir, const char *name, int *mount, uint64_t *ino)
{
	char path[48], buf[1024], *at;

	snprintf(path, sizeof(path), "../fdinfo/%s", name);
	if (fd_read_file(proc_dir, path, buf, sizeof(buf)) < 0)
		buf[0] = '\0';
	at = strstr(buf, "mnt_id:");
	*mount = at ? (int)strtol(at + 7, NULL, 10) : -1;
	at = strstr(buf, "\nino:");
	*ino = at ? strtoull(at + 5, NULL, 10) : 0;
}

static const struct mount *mount_of(const struct mounts *m, int id)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].id == id)
			return &m->v[i];
	return NULL;
}

static void file_look(struct fd_entry *e, struct mounts *m, int dir, const char *name)
{
	const struct mount *mount;
	struct stat st;
	unsigned maj;
	int id;

	if (!m->read)
		mounts_read(m, dir);
	file_info(dir, name, &id, &e->ino);
	mount = mount_of(m, id);
	/* a mount that is not in the list was taken away, and its server perhaps with it */
	if (!mount || mount->asks) {
		e->dev = mount ? mount->dev : 0;
		return;
	}
	if (fstatat(dir, name, &st, 0) < 0)
		return;
	maj = major(st.st_rdev);
	e->dev = st.st_dev;
	e->ino = st.st_ino;
	if (S_ISFIFO(st.st_mode))
		e->kind = FD_PIPE;
	else if (S_ISCHR(st.st_mode) && (maj == 4 || maj == 5 || (maj >= 136 && maj <= 143)))
		e->kind = FD_TTY;
}

static void fd_table_add_one(struct fd_table *t, int dir, pid_t pid, const char *name, struct mounts *m)
{
	struct stat link;
	struct fd_entry *e;
	char target[4096];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

	if (n < 0)
		return;
	target[n] = '\0';
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->v = xreallocarray(t->v, t->cap, sizeof(*t->v));
	}
	e = &t->v[t->n++];
	*e = (struct fd_entry){ .pid = pid, .fd = (int)strtol(name, NULL, 10), .target = xstrdup(target) };
	e->kind = fd_kind_parse(target, &e->ino);
	if (fstatat(dir, name, &link, AT_SYMLINK_NOFOLLOW) == 0) {
		e->reads = link.st_mode & S_IRUSR;
		e->writes = link.st_mode & S_IWUSR;
	}
	if (e->kind == FD_FILE)
		file_look(e, m, dir, name);
}

void fd_table_add_process(struct fd_table *t, pid_t pid)
{
	char path[40];
	struct mounts m = { 0 };
	struct dirent *de;
	int fd;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		t->denied += errno == EACCES || errno == EPERM;
		return;
	}
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return;
	}
	while ((de = readdir(d)))
		if (de->d_name[0] != '.')
			fd_table_add_one(t, dirfd(d), pid, de->d_name, &m);
	free(m.v);
	closedir(d);
}

void fd_table_release(struct fd_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i].target);
	free(t->v);
	*t = (struct fd_table){ 0 };
}

const struct fd_entry *fd_table_find(const struct fd_table *t, pid_t pid, int fd)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].pid == pid && t->v[i].fd == fd)
			return &t->v[i];
	return NULL;
}

/* "7: -> FLOCK  ADVISORY  WRITE 4321 fe:01:99 0 EOF" waits for the owner of the line "7: FLOCK … 1234 …" */
bool lock_wait_parse(const char *text, size_t n, pid_t pid, uint64_t ino, struct lock_wait *l)
{
	auto_free char *copy = xstrndup(text, n);
	char *save, *line;
	int owner_nr = -1, owner_pid = 0;

	for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		int nr, who, at = 0;
		unsigned long long lock_ino;
		char kind[16], mode[16], access[16], arrow[4] = "";

		if (sscanf(line, "%d: %n", &nr, &at) != 1 || !at)
			continue;
		if (strncmp(line + at, "-> ", 3) == 0) {
			memcpy(arrow, "->", 3);
			at += 3;
		}
		if (sscanf(line + at, "%15s %15s %15s %d %*x:%*x:%llu", kind, mode, access, &who, &lock_ino) != 5)
			continue;
		if (!arrow[0]) {
			owner_nr = nr;
			owner_pid = who;
		} else if (nr == owner_nr && who == pid && (!ino || ino == lock_ino)) {
			l->holder = owner_pid;
			snprintf(l->text, sizeof(l->text), "%s %s lock", kind, access);
			return true;
		}
	}
	return false;
}
