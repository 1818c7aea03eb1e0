/* SPDX-License-Identifier: Apache-2.0 */
/* contain.h - how a tree is kept together (contract 2, --contain).
 *
 *   group      only the command's process group is ended
 *   subreaper  every descendant comes back to us when its parent dies; double fork and
 *              setsid do not escape
 *   cgroup     besides, all members sit in a cgroup v2 of their own: one write kills them all,
 *              atomically against fork
 *   pidns      besides, the command lives in a PID namespace whose init is ours: the kernel ends all
 *              with it. The command sees other PIDs: never chosen by `auto`. */
#ifndef RUNNER_PROC_CONTAIN_H
#define RUNNER_PROC_CONTAIN_H

#include "base/err.h"
#include "runner/config/options.h"

#include <stddef.h>

/* Makes a cgroup below our own. dir gets its path; returns an open descriptor of it for
 * CLONE_INTO_CGROUP, or -1 with e saying why none can be had. */
int contain_cgroup_make(const char *run_id, char *dir, size_t size, struct err *e);

/* The folder that contain_cgroup_make would use for that run, from where we are. 0 or -1. */
int contain_cgroup_path(const char *run_id, char *dir, size_t size);

/* Kills all members at once where the kernel can (5.14+). 0, or -1 where it cannot. */
int contain_cgroup_kill(const char *dir);

/* Moves members that may stay running to the parent cgroup, then removes ours. 0, or -1 (busy). */
int contain_cgroup_remove(const char *dir);

/* Removes empty cgroups that runs left whose two processes were both killed. In use or young: kept. */
void contain_cgroup_sweep(void);

extern const char *const contain_text[]; /* by enum contain */

#endif
