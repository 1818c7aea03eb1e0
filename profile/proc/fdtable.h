/* SPDX-License-Identifier: Apache-2.0 */
/* fdtable.h - descriptors of processes, and what is at the other end of them. */
#ifndef PROFILE_PROC_FDTABLE_H
#define PROFILE_PROC_FDTABLE_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum fd_kind { FD_OTHER, FD_FILE, FD_PIPE, FD_SOCKET, FD_TTY, FD_EVENTFD, FD_EPOLL, FD_INOTIFY, FD_SIGNALFD,
	       FD_TIMERFD, FD_PIDFD, FD_URING };

struct fd_entry {
	pid_t pid;
	int fd;
	enum fd_kind kind;
	uint64_t dev, ino; /* dev 0 for anonymous pipes and for sockets */
	bool reads, writes;
	char *target;      /* the link's text */
};

struct fd_table {
	struct fd_entry *v;
	size_t n, cap, denied;
};
void fd_table_add_process(struct fd_table *t, pid_t pid);
void fd_table_release(struct fd_table *t);
const struct fd_entry *fd_table_find(const struct fd_table *t, pid_t pid, int fd);
/* What the text of a link in /proc/PID/fd says: FD_FILE for a path. */
enum fd_kind fd_kind_parse(const char *target, uint64_t *ino);

/* A socket's ends. */
struct sock_info {
	const char *proto;  /* a literal: "tcp", "udp", "unix", "" unknown */
	char local[96], remote[96]; /* "127.0.0.1:80", a path; "" none */
	bool listening, connecting; /* connecting: TCP asked, and the other side has not answered */
	bool connected;     /* of a unix socket */
	uint64_t peer_ino;  /* of the other end on this machine; 0 unknown */
	uint64_t listener_ino; /* of the listener whose queue the other end of a connection is in still; 0 none */
	uint64_t unread;    /* bytes in its receive queue; connections in it of a listener */
	uint64_t peer_unread; /* the same of the other end */
};
/* Looks in the network namespace of pid. False where the socket is of no kind we know. */
bool sock_lookup(pid_t pid, uint64_t ino, struct sock_info *s);
/* Finds the row of inode ino in the text of /proc/net/tcp or udp (v6: of tcp6 or udp6), and on the way the inode
 * of the row that is its mirror. */
bool sock_table_parse(const char *text, size_t n, bool v6, uint64_t ino, struct sock_info *s);
/* In the text of /proc/net/tcp (v6: tcp6), by the addresses of s: peer_ino and peer_unread, or listener_ino. */
void sock_peer_parse(const char *text, size_t n, bool v6, struct sock_info *s);
/* The row of inode ino in the text of /proc/net/unix: name and whether it listens; the other end is not told there. */
bool unix_table_parse(const char *text, size_t n, uint64_t ino, struct sock_info *s);
/* Inodes of listening unix sockets: in whose queue that client is, by its inode, or with client 0 those of that name. Up
 * to max of them, in our own network namespace; found becomes the name of the last. */
size_t sock_unix_listeners(uint64_t client, const char *name, uint64_t *ino, size_t max, char *found, size_t size);
/* "127.0.0.1:80" of the bytes of a struct sockaddr. */
void sock_addr_text(const void *sockaddr, size_t n, char *out, size_t size);

/* One line of /proc/locks that waits, and the holder before it. */
struct lock_wait {
	pid_t holder; /* -1: an open file description lock, owned by no process */
	char text[96];
};
/* Finds pid's waiting line for inode ino (0: any). */
bool lock_wait_parse(const char *text, size_t n, pid_t pid, uint64_t ino, struct lock_wait *l);

#endif
