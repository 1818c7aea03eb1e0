/* SPDX-License-Identifier: Apache-2.0 */
/* waits_internal.h - shared by waits.c (calls) and waits_lock.c (locks). */
#ifndef PROFILE_WAITS_WAITS_INTERNAL_H
#define PROFILE_WAITS_WAITS_INTERNAL_H

#include "profile/proc/fdtable.h"
#include "profile/snapshot/snapshot.h"

struct waits {
	struct snapshot *s;
	struct fd_table fds;     /* of the processes in the snapshot */
	struct fd_table machine; /* of all the others; made when first asked for */
	bool machine_read;
};

const struct fd_table *waits_machine(struct waits *w);
bool waits_holder_in_tree(const struct waits *w, const struct snap_thread *t);
void waits_pidfd_holder(struct waits *w, struct snap_process *p, struct snap_thread *t, int fd);
/* Children that live become holders: `only` one of them, or all with 0. */
void waits_children(struct waits *w, struct snap_process *p, struct snap_thread *t, pid_t only);
/* Everybody who has the other end of a pipe open becomes a holder. */
void waits_pipe_holders(struct waits *w, struct snap_thread *t, const struct fd_entry *end, bool want_writers);
/* Who has the other end of a socket, or the listener in whose queue it still is. */
void waits_socket_holders(struct waits *w, struct snap_thread *t, const struct sock_info *si);
/* Takes the waiter's own ends out of its holders, unless they are all there is. */
void waits_drop_self(struct snap_thread *t, const struct snap_process *p);
/* A socket in words; si becomes what is known of it. */
void waits_socket_text(pid_t pid, const struct fd_entry *e, struct sock_info *si, char *out, size_t size);
/* ns negative: for how long is not known. */
void waits_sleep(struct snap_thread *t, int64_t ns, const char *call);
/* A struct timespec (unit 1) or timeval (unit 1000) of the process; ns is left alone where it cannot be read. */
bool waits_timespec(struct snap_process *p, uint64_t addr, int64_t unit, int64_t *ns);
/* Sets of descriptors (waits_set.c). ns: the limit of the call. */
enum { WAITS_ENDLESS = -1, WAITS_LIMITED = -2 /* for how long is not known */ };
void waits_poll(struct waits *w, struct snap_process *p, struct snap_thread *t, int64_t ns);
void waits_select(struct waits *w, struct snap_process *p, struct snap_thread *t, bool timespec);
void waits_epoll(struct waits *w, struct snap_process *p, struct snap_thread *t, int64_t ns);
/* Calls of which there is less to tell (waits_other.c). */
void waits_other(struct waits *w, struct snap_process *p, struct snap_thread *t);
void waits_eventfd(struct waits *w, struct snap_process *p, struct snap_thread *t, int fd);
void waits_timerfd(struct snap_process *p, struct snap_thread *t, int fd);
/* Of a thread whose system call may not be read: the kernel's function that it sleeps in, which more may see. */
void waits_by_channel(struct snap_thread *t);
/* What the process says of itself in its command line; false where it says nothing of a wait. */
bool waits_by_title(struct waits *w, struct snap_process *p, struct snap_thread *t);
/* A read or write of a terminal, or of the master of one. */
void waits_terminal(struct waits *w, struct snap_thread *t, const struct fd_entry *e, bool reading);
/* Where e is a master: who has its terminal open becomes a holder. */
void waits_terminal_users(struct waits *w, struct snap_thread *t, const struct fd_entry *e);
/* A sleep in SQLite's busy handler: the holder of its lock. */
void waits_by_sqlite(struct waits *w, struct snap_process *p, struct snap_thread *t);
/* The interpreter's own word (its hint). */
void waits_by_hint(struct waits *w, struct snap_process *p, struct snap_thread *t);
void waits_futex(struct waits *w, struct snap_process *p, struct snap_thread *t);
/* After all the others: whose lock a refused one is (waits_lock.c). */
void waits_refused_holders(const struct snapshot *s, struct snap_process *p);
void waits_file_lock(struct waits *w, struct snap_process *p, struct snap_thread *t);

#endif
