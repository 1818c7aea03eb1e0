/* SPDX-License-Identifier: Apache-2.0 */
/* notified.h - who may speak on a command's notify socket, and how much of it is recorded. Every user of the machine can
 * find the socket's name, so each message is held against its sender's credentials. Internal to runner/proc. */
#ifndef RUNNER_PROC_NOTIFIED_H
#define RUNNER_PROC_NOTIFIED_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct notified {
	pid_t known;                /* found in the tree … */
	int64_t known_until_ns;     /* … and not asked for again before this */
	bool refused_said;
	double allowance;           /* STATUS texts that may be recorded now */
	int64_t allowance_ns;       /* as of then */
	uint64_t unrecorded;        /* texts since the last one that was */
	char last[256];             /* as recorded */
};

/* The next datagram (at most size bytes) with its sender's credentials; pid 0: of another PID namespace. Bytes, or -1:
 * none is waiting. */
ssize_t notified_receive(int fd, void *buf, size_t size, pid_t *pid, uid_t *uid);

/* Is the sender of the tree below root? A process of another namespace, and one that is gone already (systemd-notify
 * sends and exits), is told by its user: ours, or root. */
bool notified_is_ours(struct notified *n, pid_t root, pid_t pid, uid_t uid, int64_t now_ns);

/* May this STATUS be recorded? Not the same text again, and not a flood. */
bool notified_may_record(struct notified *n, const char *status, int64_t now_ns);

#endif
