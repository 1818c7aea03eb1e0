/* SPDX-License-Identifier: Apache-2.0 */
/* show.h - what people see while a command runs: the status lines below its output on a terminal
 * (runner/ui/console.h), a line that breaks a long silence in a log, the answer to "what are you doing?".
 * In the supervisor, which writes the output. Internal to runner/proc. */
#ifndef RUNNER_PROC_SHOW_H
#define RUNNER_PROC_SHOW_H

#include <stdbool.h>
#include <stdint.h>

struct supervisor;

/* --status, the streams, the environment: is there to be a status line, or a line in a silence, or neither? In
 * the front, which goes on after the supervisor's death, neither. */
void show_init(struct supervisor *s, int64_t now_ns);
/* Takes everything away; from here on nothing is shown. */
void show_close(struct supervisor *s);

/* Bytes of a command came that are handed on. */
void show_output(struct supervisor *s, int which, int64_t now_ns);
/* Something else was printed: the result of a case. */
void show_progress(struct supervisor *s, int64_t now_ns);
int64_t show_due(struct supervisor *s);
void show_time(struct supervisor *s, int64_t now_ns);

/* The terminal's size may have changed; in_front: is it ours to write on? */
void show_window(struct supervisor *s, bool in_front, int64_t now_ns);
/* Ctrl-Z: others write on the terminal until show_window. */
void show_pause(struct supervisor *s);

/* Says what runs now. */
void show_tell(struct supervisor *s, int64_t now_ns);
/* Says where the run stands, as a look has found it (members of a checkpoint diagnose.place); nothing where it is being
 * ended, for what is printed at the end says it then. */
void show_place(struct supervisor *s, const char *members);

#endif
