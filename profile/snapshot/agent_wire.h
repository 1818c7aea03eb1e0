/* SPDX-License-Identifier: Apache-2.0 */
/* agent_wire.h - the words that agent_serve.c and agent.c exchange, one a packet. */
#ifndef PROFILE_SNAPSHOT_AGENT_WIRE_H
#define PROFILE_SNAPSHOT_AGENT_WIRE_H

#include "profile/snapshot/snapshot.h"

enum agent_word {
	/* from the looking side */
	AGENT_SCRATCH = 1, /* fd: memory in which stacks of stops are handed over; number: its bytes */
	AGENT_MEMORY,      /* fd: /proc/PID/mem; number: index of its process in the copy that follows */
	AGENT_COPY,        /* fd: the copy */
	AGENT_STOPPED,     /* regs and stack of the thread; error: errno, 0 it stands (hold) or was copied */
	AGENT_WENT,        /* it runs again; number: how long it stood; error: ETIME where it was not held long enough */
	/* from the explaining side */
	AGENT_STOP,        /* pid, tid; number: bytes of stack; hold: until AGENT_GO */
	AGENT_GO,
	AGENT_AGAIN,       /* number: when, absolute */
	AGENT_RECORD,      /* text */
};

enum { AGENT_SCRATCH_BYTES = 256 * 1024, AGENT_TEXT_MAX = 1500 };

struct agent_packet {
	uint32_t word, error;
	int64_t number;
	int32_t pid, tid;
	uint32_t hold, text_bytes;
	uint64_t serial; /* of a request to stop; its answers have the same */
	uint64_t stack_base, stack_bytes;
	int64_t ns_tid, switches;
	struct snap_regs regs;
	char text[AGENT_TEXT_MAX];
};

/* One packet, with a descriptor or -1. 0 or -1. Waits until the time for room. */
int agent_send(int sock, const struct agent_packet *p, int fd, int64_t deadline_ns);
/* 1; 0 nothing in time; -1 the other end is gone. *fd: the caller's, or -1. */
int agent_take(int sock, struct agent_packet *p, int *fd, int64_t deadline_ns);

#endif
