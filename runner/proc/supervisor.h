/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor.h - the dull one: one loop that gathers events, then acts.
 *
 * A turn: wait (loop.h); events only feed watchdogs, whose actions are remembered as pending (command.h); then one
 * supervisor_settle() carries all of them out: it alone signals, records the end of a command, and frees it (act.h).
 * Internal to runner/proc. */
#ifndef RUNNER_PROC_SUPERVISOR_H
#define RUNNER_PROC_SUPERVISOR_H

#include "runner/proc/context.h"

struct supervisor;

/* NULL with *e where the loop cannot be made. The context is borrowed. */
struct supervisor *supervisor_new(struct context *run, struct err *e);
/* In the front, after the supervisor died: ends what was running, whose streams these are (taken over). No work is
 * asked for any more. foreign_before_ns: children of ours that are older (CLOCK_BOOTTIME) are not the run's.
 * cancel_signal: that the supervisor had been sent, 0 none. */
void supervisor_take_over(struct supervisor *s, int stream_fd[STREAM_COUNT], int64_t foreign_before_ns, int cancel_signal);
/* Until nothing is left. Returns the exit code. */
int supervisor_loop(struct supervisor *s);
bool supervisor_front_is_lost(const struct supervisor *s);
void supervisor_free(struct supervisor *s);

#endif
