/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - profiling a tree that is not ours: nothing is supervised, only looked at. */
#ifndef RUNNER_PROC_RECORD_H
#define RUNNER_PROC_RECORD_H

#include "base/err.h"
#include "runner/config/options.h"

/* Until profiling.seconds have passed, SIGINT, or the tree is gone. Leaves a trace as a run does. 0; 1 where no sample was
 * taken (said on stderr); with *e: usage, or our own failure. */
int record_attached(const struct options *o, const char *root, const char *verb, char *const *args, char *const envp[],
		    struct err *e);

#endif
