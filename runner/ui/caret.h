/* SPDX-License-Identifier: Apache-2.0 */
/* caret.h - what the bytes that were written to a terminal have done to it, as far as it must be known in order
 * to show something below the cursor and take it away again: where on its line the cursor stands, whether
 * anything stands behind or below it, and whether a program paints the screen (alternate screen,
 * hidden cursor, scroll region, absolute positions, keypad or mouse modes).
 *
 * No emulator: what is not understood makes the answer "do not draw", never a guess. Pure; state
 * carries over from one call to the next, sequences may be cut anywhere. */
#ifndef RUNNER_UI_CARET_H
#define RUNNER_UI_CARET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CARET_PARAMS_MAX 16

struct caret {
	unsigned rows, cols;
	bool line_feed_returns; /* the terminal's driver makes CR LF of LF */
	enum { CARET_GROUND, CARET_ESC, CARET_INTER, CARET_CSI, CARET_TEXT, CARET_TEXT_ESC } state;
	/* of the sequence being read */
	unsigned param[CARET_PARAMS_MAX], n_params;
	char prefix, inter;
	uint32_t code;        /* of a UTF-8 sequence … */
	unsigned code_left;   /* … of which so many bytes are to come */
	struct caret_place {
		unsigned col, end;   /* column; columns up to which something stands on its line */
		unsigned below;      /* lines with something on them below it */
		unsigned bottom_end; /* `end` of the lowest line, while the cursor is above it */
		unsigned risen;      /* lines that it has moved up and not come down again */
		bool blank;          /* the whole screen was erased and nothing written since */
		bool painting;       /* absolute positions and the like, until all is erased */
	} at, main;                  /* main: of the main screen, while the alternate one is shown */
	/* what else forbids drawing */
	unsigned modes;       /* bits of private modes, by their row in a table */
	bool saved;           /* the program uses the one place where a position is kept */
	bool region;          /* part of the screen scrolls */
	bool tinted;          /* a background colour or reverse: erasing would paint with it */
	bool graphics;        /* letters are drawn as lines */
};

void caret_init(struct caret *c, unsigned rows, unsigned cols, bool line_feed_returns);
/* These bytes were written. */
void caret_feed(struct caret *c, const char *p, size_t n);

/* Others have written meanwhile (a shell, after Ctrl-Z): it is on an empty line, as a shell leaves it. */
void caret_elsewhere(struct caret *c);

/* Nothing that a program paints, no sequence cut apart: text below the cursor disturbs nobody. */
bool caret_is_free(const struct caret *c);
/* The cursor is on an empty line, in its first column. */
bool caret_on_empty_line(const struct caret *c);
/* It stands behind the last character of an unfinished line, and not at the edge (where a terminal may
 * or may not have wrapped). */
bool caret_behind_text(const struct caret *c);

#endif
