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

/* What a held command (work.h) has printed: to the same streams, byte for byte; the tails of the run take it over. A slow
 * reader is waited for, at most five seconds; what is left then is dropped, with a word that names it. */
void print_held(const int fd[2], const char *name);

/* From here on is the output of a step … */
void print_mark(void);
/* … of which the last lines, redacted, are appended as ci_tail_lines does: stdout's, then stderr's. */
void print_tail(struct str *out, unsigned lines);

#endif
