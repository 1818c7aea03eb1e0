/* SPDX-License-Identifier: Apache-2.0 */
/* print.h - for a verb that prints between its commands (the gate: marks of CI systems around its steps): whole
 * lines on our stdout, in order with what the commands printed. In the supervisor. */
#ifndef RUNNER_PROC_PRINT_H
#define RUNNER_PROC_PRINT_H

#include "base/str.h"

struct context;

/* Whose output it is. One a process. */
void print_attach(struct context *c);

/* Writes text, from the beginning of a line on. A reader that is slow is waited for, at most a second, then
 * what is left is dropped. Nothing before print_attach. */
void print_lines(const char *text);

/* A message of ours, on stderr; none with --quiet. */
void print_say(const char *text);

/* From here on is the output of a step … */
void print_mark(void);
/* … of which the last lines, redacted, are appended as ci_tail_lines does: stdout's, then stderr's. */
void print_tail(struct str *out, unsigned lines);

#endif
