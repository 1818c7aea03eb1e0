/* SPDX-License-Identifier: Apache-2.0 */
/* spawn_shared.h - starting a command in our memory instead of a copy of it. A fork copies the page tables, and then every
 * page that either side writes; the command needs none of that until it executes. Unlike vfork the parent goes on at once,
 * so that a program on a file system that does not answer holds up only the child. */
#ifndef RUNNER_PROC_SPAWN_SHARED_H
#define RUNNER_PROC_SPAWN_SHARED_H

#include "runner/proc/spawn_request.h"

#include <sys/types.h>

/* The child's pid; -1 if this way is not open (an old kernel, a filter of system calls, a sanitizer, a child before it
 * that has not executed yet, a terminal to hand over): fork then. q may go away when this returns; argv, envp and cwd in it
 * must stay as they are until the child has executed or ended. */
pid_t spawn_shared(const struct spawn_request *q);

#endif
