/* SPDX-License-Identifier: Apache-2.0 */
/* thaw.h - members of the tree that somebody has frozen by their cgroup: no signal of an ending reaches them.
 * Internal to runner/proc. */
#ifndef RUNNER_PROC_THAW_H
#define RUNNER_PROC_THAW_H

#include <stdint.h>

struct supervisor;
struct command;

/* After a signal of an ending was sent: thaws every cgroup that holds members (of owner; 0: all) and nobody else, and
 * names those that others live in too. Once each. */
void thaw_members(struct supervisor *s, struct command *c, uint32_t owner, int64_t now_ns);

#endif
