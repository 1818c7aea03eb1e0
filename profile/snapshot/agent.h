/* SPDX-License-Identifier: Apache-2.0 */
/* agent.h - one process looks, another explains.
 *
 * Under Yama's ptrace_scope 1 only an ancestor may stop a process, read its memory, or ask in which system call it
 * is: the process that the user started (the front) may, a helper beside the tree may not. So a thread of the
 * front copies, and hands over a socket: an open /proc/PID/mem of every process (access was checked when it was
 * opened), and the copy in a memfd. The helper parses other people's binaries, and asks back for what only an
 * ancestor can do: a micro-stop of one thread, a second copy later. Nothing of it ever reaches a disk.
 *
 * The one that looks trusts the one that explains with nothing but what it looked at: a stop is made only of a
 * thread of the copied processes, and lasts AGENT_HOLD_NS at most whatever the other does. */
#ifndef PROFILE_SNAPSHOT_AGENT_H
#define PROFILE_SNAPSHOT_AGENT_H

#include "profile/snapshot/snapshot.h"

/* How long a stopped thread waits for its helper to have read the interpreter's structures. */
#define AGENT_HOLD_NS (3 * 1000 * 1000)
/* Memory files that are handed over; of further processes stacks alone are seen. */
enum { AGENT_MEMORIES_MAX = 400 };

/* The looking side. Everything is borrowed. */
struct agent_task {
	int sock;             /* SEQPACKET; its other end is the helper's */
	const pid_t *roots;   /* of the trees to copy */
	size_t root_count;
	int64_t deadline_ns;  /* absolute, monotonic */
	enum intrusion intrusion;
	void (*record)(void *ctx, const char *text, size_t n); /* "name\0attributes as JSON": for the trace */
	void *ctx;
};
/* Copies, hands over, and serves until the other end closes or the deadline has passed. For a thread of its own
 * (whose signals are blocked): it may wait in the kernel for a process that hangs there. */
void agent_serve(const struct agent_task *task);

/* The explaining side. */
struct agent;
/* Takes a socket over. NULL where nothing can be mapped. Free with agent_close, after the snapshots. */
struct agent *agent_open(int sock);
void agent_close(struct agent *a);
/* The next copy, with its memories. 0 or -1. Free with snapshot_release. */
int agent_receive(struct agent *a, struct snapshot *s, int64_t deadline_ns, struct err *e);
/* Asks for another copy at an absolute time; take it with agent_receive. */
int agent_again(struct agent *a, int64_t at_ns);
/* Has the looking side record something; text as in struct agent_task. */
void agent_record(struct agent *a, const char *text, size_t n);
/* thread_stop_copy of a snapshot that came from an agent. */
int agent_stop(struct agent *a, struct snap_process *p, struct snap_thread *t, size_t stack_bytes,
	       const struct stop_also *also, int64_t *frozen_ns);

#endif
