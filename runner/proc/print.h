/* SPDX-License-Identifier: Apache-2.0 */
/* print.h - for a verb that prints between its commands (the gate: marks of CI systems around its steps): whole
 * lines on our stdout, in order with what the commands printed. In the supervisor. */
#ifndef RUNNER_PROC_PRINT_H
#define RUNNER_PROC_PRINT_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct context;

/* Whose output it is. One a process. */
void print_attach(struct context *c);

/* None of these waits: what the reader does not take at once is queued, in order, and written by print_pump.
 * Writes text, from the beginning of a line on. Nothing before print_attach. */
void print_lines(const char *text);

/* One of our messages, on stderr; nothing with --quiet. */
void print_say(const char *text);

/* What a held command (work.h) has printed: to the same streams, byte for byte; the tails of the run take it over at once.
 * The files are taken over: fd[] is -1 afterwards. */
void print_held(int fd[2], const char *name);

/* Writes what goes now of the queue. True: it is empty. */
bool print_pump(void);
/* The stream whose reader print_pump waits for; -1: nothing is queued. */
int print_blocked_on(void);
/* When a reader that takes nothing any more is given up, if nobody else is to be waited for (absolute); TIME_NEVER: nothing
 * is queued. */
int64_t print_stuck_ns(void);
/* Gives it up: what is left is dropped, with a word that names it. */
void print_drop(void);
/* The last ones, when nothing is supervised any more: waits for a slow reader, at most a second, then drops. */
void print_finish(void);

/* From here on is the output of a step … */
void print_mark(void);
/* … of which the last lines, redacted, are appended as ci_tail_lines does: stdout's, then stderr's. */
void print_tail(struct str *out, unsigned lines);

#endif
