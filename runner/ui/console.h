/* SPDX-License-Identifier: Apache-2.0 */
/* console.h - a few lines below the cursor of a terminal that others write on, and when to show them.
 *
 * What a command writes passes through byte for byte; before each of its bytes the lines are gone. They are drawn
 * again at a quiet moment, where the cursor stands on an empty line (or behind a test's name that is
 * known to be one), and where nothing paints the screen (caret.h). They stand *below* the cursor, which stays
 * where it was: room is made, the position saved, the lines written, the position restored. So they are taken
 * away with one sequence that erases from the cursor on: what was there before lies in front of it. Whoever
 * writes on the terminal past us, and the echo of what is typed, comes out right, too. No mode of the terminal
 * is changed, the cursor is not hidden: after SIGKILL nothing is to be restored.
 *
 * Time is an argument. Writing goes through one function, which may take less than it is given: what is left
 * goes before anything else. */
#ifndef RUNNER_UI_CONSOLE_H
#define RUNNER_UI_CONSOLE_H

#include "base/str.h"
#include "runner/ui/caret.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CONSOLE_LINES_MAX 9

/* Bytes taken; 0: none now; -1: nobody is there any more. */
typedef ssize_t console_write_fn(void *ctx, const char *p, size_t n);

struct console {
	console_write_fn *write;
	void *ctx;
	struct caret caret;
	bool on;              /* false: never drawn */
	bool paused;          /* the terminal is somebody else's: stopped, in the background */
	bool name_is_open;    /* the unfinished line is a test's name: no prompt */
	bool shown;
	struct str owed;      /* of our own sequences: to be written before anything else */
	size_t owed_at;
	struct str last;      /* what is shown now */
	int64_t start_ns;     /* of what is counted */
	int64_t wrote_ns;     /* when others wrote last */
	int64_t drew_ns;
	int64_t not_before_ns; /* a look said no: the next one */
};

void console_init(struct console *c, console_write_fn *write, void *ctx, int64_t start_ns, unsigned rows, unsigned cols,
		  bool line_feed_returns);
void console_release(struct console *c);

/* The window has another size. It is drawn again at once. */
void console_resize(struct console *c, unsigned rows, unsigned cols);

/* Somebody's bytes are about to be written: takes the lines away. False: the terminal takes no
 * bytes now, theirs have to wait, too. */
bool console_before(struct console *c);
/* They have been written. */
void console_wrote(struct console *c, const char *p, size_t n, int64_t now_ns);

/* When to look again (absolute, TIME_NEVER: not before bytes come). */
int64_t console_due(const struct console *c);
/* It is due, but must not be drawn (the terminal is in a mode for typing): the lines are taken away, and it
 * is looked at again in a second. */
void console_refuse(struct console *c, int64_t now_ns);
/* Shows these lines, each narrower than the window, without control characters but colours. */
void console_draw(struct console *c, char *const lines[], size_t n, int64_t now_ns);

/* Takes the lines away until console_resume. */
void console_pause(struct console *c);
void console_resume(struct console *c, int64_t now_ns);

#endif
