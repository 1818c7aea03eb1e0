/* SPDX-License-Identifier: Apache-2.0 */
/* finish.h - what happens when nothing runs any more. Internal to runner/proc. */
#ifndef RUNNER_PROC_FINISH_H
#define RUNNER_PROC_FINISH_H

#include "runner/proc/context.h"

/* findings.json and report.md beside the trace (explain.c). 0 or -1 (they could not be written). */
int finish_explain(struct context *run, int exit_code, struct err *e);

/* Totals, seal, findings, retention. lost: one of our two processes died. Returns the exit code of the process. */
int finish_run(struct context *run, int exit_code, bool lost, int64_t now_ns);

#endif
