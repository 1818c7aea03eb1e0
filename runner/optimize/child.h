/* SPDX-License-Identifier: Apache-2.0 */
/* child.h - runs one program to its end for the loop: its input, its output up to a bound, its exit code. A signal to the
 * loop is handed on, and the child waited for. */
#ifndef RUNNER_OPTIMIZE_CHILD_H
#define RUNNER_OPTIMIZE_CHILD_H

#include "base/err.h"
#include "base/str.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Set by the loop's signal handler; 0 none. */
extern volatile sig_atomic_t child_interrupted;

struct child {
	char *const *argv, *const *envp;
	const char *cwd;              /* NULL: ours */
	const void *in;               /* standard input; NULL: /dev/null */
	size_t in_len;
	size_t out_max;               /* bytes of output that are kept; the rest is read and left out */
	bool merge;                   /* standard error into out, too; else it goes to err */
	int64_t until_ns;             /* monotonic; killed then. TIME_NEVER none */
	/* when it has ended */
	struct str out, err;
	int code;                     /* exit code, or 128+N */
	int signal;                   /* that killed it, 0 none */
	bool cut, late;               /* output beyond out_max; until_ns passed */
};

/* 0 when it has ended, however; -1 where it could not be started. Release with child_release. */
int child_run(struct child *c, struct err *e);
void child_release(struct child *c);

#endif
