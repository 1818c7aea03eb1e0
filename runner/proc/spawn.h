/* SPDX-License-Identifier: Apache-2.0 */
/* spawn.h - starting one command. Signals stay blocked from before the fork until the child has
 * set itself up; all our descriptors are close-on-exec; what the user's shell gave us
 * (fds 3 and up without close-on-exec, ignored signals, the mask) goes on to the child. */
#ifndef RUNNER_PROC_SPAWN_H
#define RUNNER_PROC_SPAWN_H

#include "base/err.h"
#include "runner/proc/spawn_request.h"

#include <sys/types.h>

/* Returns the child's pid, or -1 (fork itself failed; e says why). Its group is its own pid. */
pid_t spawn_command(const struct spawn_request *q, struct err *e);

#endif
