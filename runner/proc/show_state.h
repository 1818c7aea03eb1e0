/* SPDX-License-Identifier: Apache-2.0 */
/* show_state.h - what show.c keeps between two turns of the supervisor. */
#ifndef RUNNER_PROC_SHOW_STATE_H
#define RUNNER_PROC_SHOW_STATE_H

#include "runner/ui/console.h"
#include "runner/ui/silence.h"

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

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

#endif
