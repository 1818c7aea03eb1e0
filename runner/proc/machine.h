/* SPDX-License-Identifier: Apache-2.0 */
/* machine.h - was it the machine? What a failing run records of memory and disks. */
#ifndef RUNNER_PROC_MACHINE_H
#define RUNNER_PROC_MACHINE_H

#include "trace/emit.h"

#include <stdint.h>

/* Processes that the kernel has killed for want of memory since boot; -1 unknown. */
int64_t machine_oom_kills(void);

/* Checkpoints machine.oom (kills since before) and machine.disk_full (the working folder's, TMPDIR's or
 * the artifacts' file system has no room left), where they are so. */
void machine_record(struct trace *t, span_id span, int64_t oom_kills_before, const char *comm,
		    const char *artifacts, int64_t now_ns);

#endif
