/* SPDX-License-Identifier: Apache-2.0 */
/* socket.c - what the kernel's tables tell of a socket: its addresses, its other end, what nobody has read yet. */
#include "profile/proc/fdtable.h"

#include "base/fd.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { NET_TABLE_MAX = 4 << 20, STATE_LISTEN = 10, STATE_SYN_SENT = 2, STATE_ESTABLISHED = 1 };

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
	/* what a server of IPv6 has of a client of IPv4 is the same connection */
	if (v6 && IN6_IS_ADDR_V4MAPPED((struct in6_addr *)addr)) {
		addr[0] = addr[3];
		v6 = false;
	}
	if (!inet_ntop(v6 ? AF_INET6 : AF_INET, addr, text, sizeof(text)))
		return false;
	snprintf(out, size, v6 ? "[%s]:%lu" : "%s:%lu", text, port);
	return true;
}

struct net_row {
	const char *local, *remote;
	size_t addr_len;
	unsigned state;
	uint64_t ino, unread;
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
		else if (i == 4)
			row->unread = strchr(word, ':') ? strtoull(strchr(word, ':') + 1, NULL, 16) : 0;
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
		s->listening = mine.state == STATE_LISTEN;
		s->connecting = mine.state == STATE_SYN_SENT; /* UDP has no such state */
		s->unread = mine.unread;
		found = net_addr_parse(mine.local, v6, s->local, sizeof(s->local)) &&
			net_addr_parse(mine.remote, v6, s->remote, sizeof(s->remote));
		for (size_t i = 0; i < count && !s->listening; i++)
			if (memcmp(rows[i].local, mine.remote, mine.addr_len) == 0 &&
			    memcmp(rows[i].remote, mine.local, mine.addr_len) == 0) {
				s->peer_ino = rows[i].ino;
				s->peer_unread = rows[i].unread;
			}
	}
	free(rows);
	return found;
}

static bool port_is(const char *hex, size_t addr_len, const char *text)
{
	const char *port = strrchr(text, ':');

	return port && strtoul(hex + addr_len - 4, NULL, 16) == strtoul(port + 1, NULL, 10);
}

/* A listener's address, or any. */
static bool listens_for(const char *local, const char *address)
{
	const char *port = strrchr(local, ':');
	size_t host = port ? (size_t)(port - local) : 0;

	return strcmp(local, address) == 0 || (host == 7 && strncmp(local, "0.0.0.0", 7) == 0) ||
	       (host == 4 && strncmp(local, "[::]", 4) == 0);
}

void sock_peer_parse(const char *text, size_t n, bool v6, struct sock_info *s)
{
	auto_free char *copy = xstrndup(text, n);
	char *save, *line, local[96], remote[96];

	for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct net_row row = { 0 };

		if (!net_row_parse(line, v6, &row) || !port_is(row.local, row.addr_len, s->remote) ||
		    !net_addr_parse(row.local, v6, local, sizeof(local)) ||
		    !net_addr_parse(row.remote, v6, remote, sizeof(remote)))
			continue;
		if (row.state == STATE_LISTEN && listens_for(local, s->remote)) {
			s->listener_ino = row.ino;
		} else if (row.ino && strcmp(local, s->remote) == 0 && strcmp(remote, s->local) == 0) {
			s->peer_ino = row.ino;
			s->peer_unread = row.unread;
		}
	}
}

/* Asks the kernel for one unix socket: its peer's inode and its own name. */
static bool unix_lookup(uint64_t ino, struct sock_info *s)
{
	struct {
		struct nlmsghdr nlh;
		struct unix_diag_req req;
	} q = { .nlh = { .nlmsg_len = sizeof(q), .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST },
		.req = { .sdiag_family = AF_UNIX, .udiag_states = ~0u, .udiag_ino = (uint32_t)ino,
			 .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN,
			 .udiag_cookie = { ~0u, ~0u } } };
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
	s->listening = msg->udiag_state == STATE_LISTEN;
	s->connected = msg->udiag_state == STATE_ESTABLISHED;
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
		} else if (attr->nla_type == UNIX_DIAG_RQLEN && len >= sizeof(struct unix_diag_rqlen)) {
			struct unix_diag_rqlen length;

			memcpy(&length, data, sizeof(length));
			s->unread = length.udiag_rqueue;
		}
	}
	s->proto = "unix";
	return true;
}

/* Does the list of those who wait in a listener's queue have this client? */
static bool attr_has_client(const struct nlattr *attr, uint64_t client)
{
	size_t n = (attr->nla_len - sizeof(*attr)) / sizeof(uint32_t);
	uint32_t ino;

	for (size_t i = 0; i < n; i++) {
		memcpy(&ino, (const char *)(attr + 1) + i * sizeof(ino), sizeof(ino));
		if (ino && ino == client)
			return true;
	}
	return false;
}

/* One listener of the kernel's answer. */
static bool listener_fits(const struct nlmsghdr *h, uint64_t client, const char *name, char *found, size_t size)
{
	const char *end = (const char *)h + h->nlmsg_len;
	const struct nlattr *attr = (const struct nlattr *)((const struct unix_diag_msg *)NLMSG_DATA(h) + 1);
	char own[96] = "";
	bool has = false;

	for (; (const char *)(attr + 1) <= end && attr->nla_len >= sizeof(*attr) &&
	       (const char *)attr + attr->nla_len <= end;
	     attr = (const struct nlattr *)((const char *)attr + NLMSG_ALIGN(attr->nla_len))) {
		const char *data = (const char *)(attr + 1);
		int len = (int)(attr->nla_len - sizeof(*attr));

		if (attr->nla_type == UNIX_DIAG_NAME && len > 0)
			snprintf(own, sizeof(own), "%s%.*s", data[0] ? "" : "@", data[0] ? len : len - 1,
				 data[0] ? data : data + 1);
		else if (attr->nla_type == UNIX_DIAG_ICONS)
			has = attr_has_client(attr, client);
	}
	if (!(client ? has : name && *own && strcmp(own, name) == 0))
		return false;
	snprintf(found, size, "%s", own);
	return true;
}

size_t sock_unix_listeners(uint64_t client, const char *name, uint64_t *ino, size_t max, char *found, size_t size)
{
	struct {
		struct nlmsghdr nlh;
		struct unix_diag_req req;
	} q = { .nlh = { .nlmsg_len = sizeof(q), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.req = { .sdiag_family = AF_UNIX, .udiag_states = 1u << STATE_LISTEN,
			 .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_ICONS } };
	auto_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	enum { ANSWERS_MAX = 1000, ANSWER_BYTES = 32768 };
	auto_free char *answer = xmalloc(ANSWER_BYTES);
	size_t n = 0;

	if (fd < 0 || send(fd, &q, sizeof(q), 0) < 0)
		return 0;
	for (int i = 0; i < ANSWERS_MAX; i++) {
		ssize_t got = recv(fd, answer, ANSWER_BYTES, 0);
		unsigned left = got > 0 ? (unsigned)got : 0;

		if (got <= 0)
			return n;
		for (struct nlmsghdr *h = (struct nlmsghdr *)answer; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY)
				return n;
			if (n < max && listener_fits(h, client, name, found, size))
				ino[n++] = ((struct unix_diag_msg *)NLMSG_DATA(h))->udiag_ino;
		}
	}
	return n;
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

static ssize_t net_table(pid_t pid, const char *name, char *text)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)pid, name);
	return fd_read_file(AT_FDCWD, path, text, NET_TABLE_MAX);
}

/* The other end of a connection may be a socket of IPv6 where this one is of IPv4, and one that nobody has accepted yet
 * has no inode: then it is the listener's. */
static void tcp_peer(pid_t pid, struct sock_info *s, char *text)
{
	static const char *const names[] = { "tcp", "tcp6" };

	for (int v6 = 0; v6 < 2 && !s->peer_ino; v6++) {
		ssize_t n = net_table(pid, names[v6], text);

		if (n > 0)
			sock_peer_parse(text, (size_t)n, v6, s);
	}
	if (s->peer_ino)
		s->listener_ino = 0;
}

/* The peer of a client's socket has the name of the server's. */
static void unix_peer(uint64_t ino, struct sock_info *s)
{
	struct sock_info peer = { 0 };

	/* a connection in a listener's queue has no inode yet */
	if (s->connected && !s->peer_ino &&
	    sock_unix_listeners(ino, NULL, &s->listener_ino, 1, s->remote, sizeof(s->remote)))
		return;
	if (!s->peer_ino || s->listening || !unix_lookup(s->peer_ino, &peer))
		return;
	memcpy(s->remote, peer.local, sizeof(s->remote));
	s->peer_unread = peer.unread;
}

bool sock_lookup(pid_t pid, uint64_t ino, struct sock_info *s)
{
	static const struct { const char *name, *proto; bool v6; } tables[] = {
		{ "tcp", "tcp", false }, { "tcp6", "tcp", true }, { "udp", "udp", false }, { "udp6", "udp", true } };
	auto_free char *text = NULL;

	*s = (struct sock_info){ .proto = "" };
	if (unix_lookup(ino, s)) {
		unix_peer(ino, s);
		return true;
	}
	text = xmalloc(NET_TABLE_MAX);
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		ssize_t n = net_table(pid, tables[i].name, text);

		if (n <= 0 || !sock_table_parse(text, (size_t)n, tables[i].v6, ino, s))
			continue;
		s->proto = tables[i].proto;
		if (i < 2 && !s->listening && !s->peer_ino)
			tcp_peer(pid, s, text);
		return true;
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
