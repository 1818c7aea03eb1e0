/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h - a third, tiny process that ends the tree when both of ours are dead at once: the OOM killer, kill -9 by
 * pid, a machine's agent that tidies up.
 *
 * It leads a session of its own, holds nothing but the read end of a pipe whose write ends are the front's and the
 * supervisor's, and sleeps in read(2). The end of the file means that neither is left: if neither had dismissed it
 * (shared.h: guard_dismissed), it ends what is left of the run (orphans.h). It is a child of the front without an exit
 * signal, so that no wait for the tree meets it. As PID 1 of a container the kernel does all that, and there is no guard;
 * with --contain pidns it ends the init of the namespace, which may have been killed before it asked the kernel for that.
 * Internal to runner/proc. */
#ifndef RUNNER_PROC_GUARD_H
#define RUNNER_PROC_GUARD_H

#include "runner/proc/context.h"

/* The pipe: before there are two of us. Without one (no descriptors) there is no guard. */
void guard_prepare(struct context *c);

/* In the front, as soon as there is a supervisor. This first guard shares the front's memory: that costs a run little, but
 * what looks for processes by environment or command line takes it for the front. Where it fails the run goes on without. */
void guard_start(struct context *c);

/* In the front's loop: how long to wait for events at most before guard_replace is due; -1: it is over, or there is none. */
int guard_wait_ms(const struct context *c);
/* Puts the lasting guard in the first one's place, once the run is no longer a short one. */
void guard_replace(struct context *c, int64_t now);

/* In the supervisor, before anything is started: waits until there is a guard, or there will be none. Mostly it is
 * there by then. */
void guard_await(const struct context *c);

/* Nothing of the tree is left: the guard has nothing to do any more. Called by whichever of our processes has
 * ended the tree. The guard is not woken for that. */
void guard_dismiss(struct context *c);

/* In the front, at its end: waits for its end, so that nobody else has to. */
void guard_reap(struct context *c);

#endif
