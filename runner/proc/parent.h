/* SPDX-License-Identifier: Apache-2.0 */
/* parent.h - whether the process that started us still lives. CI systems signal a step's shell only, which waits for us and
 * dies: without this the run would go on for nobody, and be killed without a word. Internal to runner/proc. */
#ifndef RUNNER_PROC_PARENT_H
#define RUNNER_PROC_PARENT_H

#include "base/err.h"
#include "runner/config/options.h"

/* As early as can be. A pidfd that is readable when our parent has died, or -1: it is not to be followed (--follow-parent,
 * CI), it is the init of this namespace, or there are no pidfds (then, with `always`, e says why and *e is set). name
 * gets what to call it, "" unknown. */
int parent_watch(const struct options *o, char *name, size_t size, struct err *e);

#endif
