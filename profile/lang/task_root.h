/* SPDX-License-Identifier: Apache-2.0 */
/* task_root.h - where a program of many tasks (goroutines) hangs: from its main task along who may end whose wait. */
#ifndef PROFILE_LANG_TASK_ROOT_H
#define PROFILE_LANG_TASK_ROOT_H

#include "profile/snapshot/snapshot.h"

struct task_root {
	const struct snap_task *task;     /* NULL: a thread */
	const struct snap_thread *thread; /* NULL: a task */
};

/* After the waits. False where the process has no tasks whose waits are known. Pure. */
bool task_root(const struct snap_process *p, struct task_root *out);

#endif
