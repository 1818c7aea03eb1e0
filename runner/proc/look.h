/* SPDX-License-Identifier: Apache-2.0 */
/* look.h - the front's looking (the front is an ancestor of all, so it may look): a thread of it copies and
 * stops, a helper beside it explains (profile/snapshot/agent.h). Neither can hold up the front: the thread is given up where
 * the kernel keeps it, the helper is killed. */
#ifndef RUNNER_PROC_LOOK_H
#define RUNNER_PROC_LOOK_H

#include "runner/proc/context.h"

struct look;
/* m: what to look at. out_fd: where the helper's JSON goes.
 * until_ns: absolute; both give up then by themselves. *helper: its pid, a child of ours to be reaped. NULL with *e where
 * no helper could be started. */
struct look *look_start(struct context *c, const struct msg_look *m, int out_fd, int64_t until_ns, pid_t *helper,
			struct err *e);
/* The helper has ended: takes what it still had to record, and frees. NULL is nothing. */
void look_end(struct look *l);

#endif
