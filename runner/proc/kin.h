/* SPDX-License-Identifier: Apache-2.0 */
/* kin.h - whose child is whose, by whatever this machine has: the kernel's `children` files, else every process's
 * parent from one pass over /proc, else (no /proc, or that of another PID namespace) only what wait(2) knows, which
 * tells our own children by their numbers and nothing more. Internal to runner/proc. */
#ifndef RUNNER_PROC_KIN_H
#define RUNNER_PROC_KIN_H

#include "profile/proc/process.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum kin_how {
	KIN_UNKNOWN,
	KIN_FILES,   /* /proc/PID/task/TID/children */
	KIN_SCAN,    /* a kernel without CONFIG_PROC_CHILDREN */
	KIN_NONE,    /* nothing can be listed */
};

struct kin {
	enum kin_how how;
	pid_t *pid, *parent;   /* KIN_SCAN: of the last pass */
	size_t n, cap;
	pid_t next;            /* KIN_NONE: where the search for children goes on */
};

/* What can be had here. */
enum kin_how kin_probe(void);

/* KIN_SCAN: one pass over /proc, whose answers kin_children gives until the next. */
void kin_refresh(struct kin *k);
/* Appends the children of pid. */
void kin_children(const struct kin *k, pid_t pid, struct pid_list *out);

/* KIN_NONE: KILLs children of ours, found by asking for each number that a process can have, until the time. near:
 * where they are likely. spare_session: those of our own session are not the run's. Returns how many got it. */
size_t kin_kill_unseen(struct kin *k, pid_t near, bool spare_session, int64_t until_ns);

void kin_release(struct kin *k);

#endif
