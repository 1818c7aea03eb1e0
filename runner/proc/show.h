/* SPDX-License-Identifier: Apache-2.0 */
/* show.h - what people see while a command runs: the status lines below its output on a terminal
 * (runner/ui/console.h), a line that breaks a long silence in a log, the answer to "what are you doing?".
 * In the supervisor, which writes the output. Internal to runner/proc. */
#ifndef RUNNER_PROC_SHOW_H
#define RUNNER_PROC_SHOW_H

#include "runner/proc/context.h"
#include "runner/ui/console.h"
#include "runner/ui/silence.h"

#include <stdint.h>
#include <termios.h>

struct supervisor;
struct command;

struct show {
	struct console console;
	struct silence silence;
	bool unicode;
	bool out_too;               /* stdout is the same terminal */
	bool check_modes;           /* commands may read from a terminal: see show_may_draw */
	tcflag_t modes;             /* ICANON and ECHO as they were */
	int mode_fd;
	int64_t last_output_ns;     /* of a command; TIME_NEVER: none yet */
	int last_stream;
};

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

/* Says what runs now. look: into the tree, too, recorded in the trace. */
void show_tell(struct supervisor *s, bool look, int64_t now_ns);

#endif
