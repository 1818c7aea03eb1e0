/* SPDX-License-Identifier: Apache-2.0 */
/* front.h - the process that the user started: console, signals, terminal, looking. It waits for
 * the supervisor, and takes over where that one dies. Internal to runner/proc. */
#ifndef RUNNER_PROC_FRONT_H
#define RUNNER_PROC_FRONT_H

#include "runner/proc/context.h"

#include <sys/types.h>

/* Blocks every signal but those that a fault raises: some the front reads from a signalfd, SIGTTOU, SIGTTIN and
 * SIGTSTP would stop us at the terminal, the rest is nobody's business. Remembers what we were started with, ignores
 * SIGPIPE and SIGXFSZ. Before anything is written. */
void front_block_signals(struct spawn_signals *was);

/* Makes what the front's loop needs, before the fork: where that fails nothing has been started.
 * link: the front's end of the pair. 0 or -1. */
int front_prepare(struct context *c, int link, struct err *e);
/* In the supervisor: closes the copies. */
void front_forget(void);

/* Runs until the supervisor has ended. Returns the exit code of the process. */
int front_run(struct context *c, pid_t supervisor);

#endif
