/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/proc/fdtable.h"

#include "base/fd.h"
#include "base/mem.h"
#include "profile/proc/process.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

enum { NET_TABLE_MAX = 4 << 20 };

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

/* "0100007F:1F90": 32-bit words in the machine's order, so copied as they are. */
static bool net_addr_parse(const char *hex, bool v6, char *out, size_t size)
{
	size_t words = v6 ? 4 : 1;
	uint32_t addr[4] = { 0 };
	char word[9] = "", text[INET6_ADDRSTRLEN];
	unsigned long port;

	for (size_t i = 0; i < words; i++) {
		memcpy(word, hex + 8 * i, 8);
		addr[i] = (uint32_t)strtoul(word, NULL, 16);
	}
	port = strtoul(hex + 8 * words + 1, NULL, 16);
	if (!inet_ntop(v6 ? AF_INET6 : AF_INET, addr, text, sizeof(text)))
		return false;
	snprintf(out, size, v6 ? "[%s]:%lu" : "%s:%lu", text, port);
	return true;
}

struct net_row {
	const char *local, *remote;
	size_t addr_len;
	unsigned state;
	uint64_t ino;
};

/*   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 1234 … */
static bool net_row_parse(char *line, bool v6, struct net_row *row)
{
	size_t addr_len = v6 ? 37 : 13;
	char *save, *word;
	int i = 0;

	for (word = strtok_r(line, " ", &save); word && i < 10; word = strtok_r(NULL, " ", &save), i++) {
		if ((i == 1 || i == 2) && (strlen(word) != addr_len || word[addr_len - 5] != ':'))
			return false;
		if (i == 1)
			row->local = word;
		else if (i == 2)
			row->remote = word;
		else if (i == 3)
			row->state = (unsigned)strtoul(word, NULL, 16);
		else if (i == 9)
			row->ino = strtoull(word, NULL, 10);
	}
	row->addr_len = addr_len;
	return i == 10;
}

bool sock_table_parse(const char *text, size_t n, bool v6, uint64_t ino, struct sock_info *s)
{
	auto_free char *copy = xstrndup(text, n);
	struct net_row mine = { 0 };
	char *save, *line;
	struct net_row *rows = NULL;
	size_t count = 0;
	bool found = false;

	for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct net_row row = { 0 };

		if (!net_row_parse(line, v6, &row))
			continue;
		rows = xreallocarray(rows, count + 1, sizeof(*rows));
		rows[count++] = row;
		if (row.ino == ino && ino) {
			mine = row;
			found = true;
		}
	}
	if (found) {
		s->listening = mine.state == 10;
		s->connecting = mine.state == 2; /* SYN_SENT; UDP has no such state */
		found = net_addr_parse(mine.local, v6, s->local, sizeof(s->local)) &&
			net_addr_parse(mine.remote, v6, s->remote, sizeof(s->remote));
		for (size_t i = 0; i < count && !s->listening; i++)
			if (memcmp(rows[i].local, mine.remote, mine.addr_len) == 0 &&
			    memcmp(rows[i].remote, mine.local, mine.addr_len) == 0)
				s->peer_ino = rows[i].ino;
	}
	free(rows);
	return found;
}

/* Asks the kernel for one unix socket: its peer's inode and its own name. */
static bool unix_lookup(uint64_t ino, struct sock_info *s)
{
	struct {
		struct nlmsghdr nlh;
		struct unix_diag_req req;
	} q = { .nlh = { .nlmsg_len = sizeof(q), .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST },
		.req = { .sdiag_family = AF_UNIX, .udiag_states = ~0u, .udiag_ino = (uint32_t)ino,
			 .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER, .udiag_cookie = { ~0u, ~0u } } };
	union {
		struct nlmsghdr nlh;
		char bytes[4096];
	} a;
	auto_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	struct unix_diag_msg *msg;
	struct nlattr *attr;
	char *end;
	ssize_t n;

	if (fd < 0 || send(fd, &q, sizeof(q), 0) < 0)
		return false;
	n = recv(fd, &a, sizeof(a), 0);
	if (n < (ssize_t)(sizeof(a.nlh) + sizeof(*msg)) || a.nlh.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return false;
	msg = NLMSG_DATA(&a.nlh);
	s->listening = msg->udiag_state == 10;
	end = a.bytes + n;
	for (attr = (struct nlattr *)(msg + 1); (char *)(attr + 1) <= end && attr->nla_len >= sizeof(*attr) &&
						(char *)attr + attr->nla_len <= end;
	     attr = (struct nlattr *)((char *)attr + NLMSG_ALIGN(attr->nla_len))) {
		size_t len = attr->nla_len - sizeof(*attr);
		char *data = (char *)(attr + 1);

		if (attr->nla_type == UNIX_DIAG_PEER && len >= sizeof(uint32_t)) {
			uint32_t peer;

			memcpy(&peer, data, sizeof(peer));
			s->peer_ino = peer;
		} else if (attr->nla_type == UNIX_DIAG_NAME && len) {
			snprintf(s->local, sizeof(s->local), "%s%.*s", data[0] ? "" : "@",
				 (int)(data[0] ? len : len - 1), data[0] ? data : data + 1);
		}
	}
	s->proto = "unix";
	return true;
}

/* 0000000000000000: 00000002 00000000 00010000 0001 01 12345 /run/socket */
bool unix_table_parse(const char *text, size_t n, uint64_t ino, struct sock_info *s)
{
	auto_free char *copy = xstrndup(text, n);
	char *save, *line;

	for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned long long row;
		unsigned flags;
		int at = 0;

		if (sscanf(line, "%*x: %*x %*x %x %*x %*x %llu%n", &flags, &row, &at) != 2 || row != ino || !ino)
			continue;
		s->proto = "unix";
		s->listening = flags & 0x10000; /* __SO_ACCEPTCON */
		snprintf(s->local, sizeof(s->local), "%s", line[at] == ' ' ? line + at + 1 : "");
		return true;
	}
	return false;
}

/* The kernel was asked in our own network namespace; what is in another one stands in its table. */
static bool unix_lookup_there(pid_t pid, uint64_t ino, struct sock_info *s)
{
	auto_free char *text = xmalloc(NET_TABLE_MAX);
	char path[48];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/net/unix", (int)pid);
	n = fd_read_file(AT_FDCWD, path, text, NET_TABLE_MAX);
	return n > 0 && unix_table_parse(text, (size_t)n, ino, s);
}

bool sock_lookup(pid_t pid, uint64_t ino, struct sock_info *s)
{
	static const struct { const char *name, *proto; bool v6; } tables[] = {
		{ "tcp", "tcp", false }, { "tcp6", "tcp", true }, { "udp", "udp", false }, { "udp6", "udp", true } };

	*s = (struct sock_info){ .proto = "" };
	if (unix_lookup(ino, s))
		return true;
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		auto_free char *text = xmalloc(NET_TABLE_MAX);
		char path[48];
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)pid, tables[i].name);
		n = fd_read_file(AT_FDCWD, path, text, NET_TABLE_MAX);
		if (n > 0 && sock_table_parse(text, (size_t)n, tables[i].v6, ino, s)) {
			s->proto = tables[i].proto;
			return true;
		}
	}
	return unix_lookup_there(pid, ino, s);
}

void sock_addr_text(const void *sockaddr, size_t n, char *out, size_t size)
{
	char text[INET6_ADDRSTRLEN] = "?";
	struct sockaddr_storage ss = { 0 };

	memcpy(&ss, sockaddr, n < sizeof(ss) ? n : sizeof(ss));
	out[0] = '\0';
	if (ss.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&ss;

		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		snprintf(out, size, "%s:%u", text, ntohs(in->sin_port));
	} else if (ss.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&ss;

		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
		snprintf(out, size, "[%s]:%u", text, ntohs(in6->sin6_port));
	} else if (ss.ss_family == AF_UNIX) {
		const char *path = (const char *)&ss + offsetof(struct sockaddr_un, sun_path);

		snprintf(out, size, "%s%.90s", path[0] ? "" : "@", path[0] ? path : path + 1);
	}
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
