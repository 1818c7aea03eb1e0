/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - what counts as progress (contract 6), as pure functions. */
#ifndef LIVENESS_PROGRESS_H
#define LIVENESS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a stream count where they say something new: text at the end of the last line, and new lines. What only
 * repaints does not: text over text (carriage return, backspace, cursor movement), lines that are printed again after the
 * cursor went up, a page that is drawn again from its top. Nor do the lines that a nested spec-runner prints about
 * itself ("spec-runner: …"): its heartbeat must not keep a hung test alive. One filter a stream; it follows a terminal as
 * far as that is needed for this, and no further. */
struct progress_filter {
	unsigned matched;   /* bytes of the prefix matched on this line; UINT_MAX: not such a line */
	bool own_line;
	unsigned char state; /* within an escape sequence */
	unsigned param[2];
	unsigned char n_param;
	bool private_mode;
	unsigned cols;      /* of the terminal: longer lines wrap; 0: no terminal, or not known */
	unsigned col;       /* of the cursor */
	unsigned width;     /* columns of the last line that have text */
	bool painted_over;  /* the last line was gone back over: what is added to it says nothing new */
	unsigned above;     /* lines that the cursor stands above the last one: so many are printed again */
	bool printed;       /* something was printed since it went up */
	unsigned page;      /* lines since the top of the page; 0 with has_page false: no page was begun */
	bool has_page;
};
/* cols: width of the terminal that it is written to, 0 none. */
void progress_filter_init(struct progress_filter *f, unsigned cols);
/* Does this chunk hold something that counts? */
bool progress_filter_bytes(struct progress_filter *f, const char *p, size_t n);

/* Command lines seen in one tree. A new one is progress; one seen before is not. Bounded: a full
 * set takes nothing more in and calls nothing new. */
#define PROGRESS_SEEN_MAX 16384
struct progress_seen {
	uint64_t *slot;
	uint32_t size, count;
};
void progress_seen_init(struct progress_seen *s);
void progress_seen_release(struct progress_seen *s);
/* True when this command line was not there before. */
bool progress_seen_add(struct progress_seen *s, const char *cmdline, size_t n);

#endif
