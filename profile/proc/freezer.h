/* SPDX-License-Identifier: Apache-2.0 */
/* freezer.h - cgroups whose processes somebody has frozen (docker pause, freezer.state, cgroup.freeze): nothing they are
 * sent reaches them, with version 1 not even KILL. None of these reads can block. */
#ifndef PROFILE_PROC_FREEZER_H
#define PROFILE_PROC_FREEZER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Is pid in a frozen cgroup? dir: the folder of the outermost one that was frozen by its own switch. */
bool freezer_holds(pid_t pid, char *dir, size_t size);

/* Thaws it, unless it or a cgroup below holds a process for which mine() says no: those are not ours to wake. The number
 * of processes thawed, or -1. */
int freezer_thaw(const char *dir, bool (*mine)(void *ctx, pid_t pid), void *ctx);

#endif
