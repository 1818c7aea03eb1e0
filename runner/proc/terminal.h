/* SPDX-License-Identifier: Apache-2.0 */
/* terminal.h - the terminal we were started on, and the pseudo-terminal of the command.
 *
 * With a pseudo-terminal the supervisor leads a session of its own and the command is
 * its foreground group: so the group is not orphaned and Ctrl-Z can stop it. On a
 * terminal without one the command becomes the foreground group of our session, as a
 * shell would do. Without a terminal it leads a session of its own. */
#ifndef RUNNER_PROC_TERMINAL_H
#define RUNNER_PROC_TERMINAL_H

#include "base/err.h"
#include "runner/config/options.h"

#include <stdbool.h>
#include <termios.h>

enum terminal_mode {
	TERMINAL_NONE,    /* no controlling terminal among our streams: own session */
	TERMINAL_SHARED,  /* same session, own (foreground) group */
	TERMINAL_PTY,     /* the supervisor's own session on a pseudo-terminal */
};

struct terminal {
	enum terminal_mode mode;
	bool is_tty[3];        /* our stdin, stdout, stderr */
	bool closed[3];        /* were closed when we were started */
	int tty_fd;            /* our controlling terminal among them, -1 none (borrowed: 0, 1 or 2) */
	bool foreground;       /* we are its foreground group */
	bool pty_for[3];       /* which of the command's streams get the pseudo-terminal */
	bool merge;            /* stdout and stderr are one pipe, file or terminal: keep their order */
	int master, master_err; /* the pseudo-terminal(s): master_err where stderr needs its own */
	bool raw;              /* our terminal is to be raw: input goes to the master */
	bool keys;             /* no command reads from it: single keys are for us */
	struct termios saved;  /* of tty_fd at start */
	bool have_saved;
	int signal_own_group;  /* pgid of the front, for giving the terminal back */
};

/* Looks at fds 0-2 (reopens closed ones on /dev/null so that none of our descriptors lands there)
 * and decides by --pty. Opens the pseudo-terminal where one is wanted. 0 or -1. */
int terminal_init(struct terminal *t, enum tri pty, struct err *e);

/* The slave side of a master, freshly opened; the caller closes it. Nobody of ours may keep one:
 * the master reads end of file when the last is closed. -1 with errno. */
int terminal_slave(int master);

/* In the supervisor, before the first command: own session on the slave (TERMINAL_PTY). */
int terminal_lead_session(struct terminal *t, struct err *e);

void terminal_set_raw(struct terminal *t);     /* in the front: as `raw` or `keys` say */
void terminal_restore(struct terminal *t);     /* in whichever process is left */
/* Without a pseudo-terminal: the modes that it had at our start, where we are in front of it. */
void terminal_restore_modes(struct terminal *t);
void terminal_copy_size(struct terminal *t);   /* ours -> pseudo-terminal */

/* Makes pgid the foreground group of our terminal / the slave, if we are entitled to. */
void terminal_give(struct terminal *t, int pgid);

#endif
