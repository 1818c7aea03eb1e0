/* SPDX-License-Identifier: Apache-2.0 */
/* junit.h - `--junit FILE`: the tests of a run as JUnit XML, whatever ended it. */
#ifndef RUNNER_PROC_JUNIT_H
#define RUNNER_PROC_JUNIT_H

#include "runner/proc/context.h"

/* Writes the file where one is asked for, whole or not at all (contract 4). sealed: the trace stands in
 * c->paths.trace; else one is made in memory for this. 0, or -1 after a message. */
int finish_junit(struct context *c, bool sealed, bool lost, int64_t now_ns);

#endif
