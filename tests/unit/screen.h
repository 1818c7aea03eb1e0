/* SPDX-License-Identifier: Apache-2.0 */
/* screen.h - a terminal for tests: what stands on it after the bytes that were written. All lines that ever
 * were, the screen is the last `rows` of them. As xterm does it: a character in the last column does not wrap
 * until the next one comes; erasing and scrolling paint with the current background. */
#ifndef TESTS_UNIT_SCREEN_H
#define TESTS_UNIT_SCREEN_H

#include "base/width.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCREEN_LINES 4000
#define SCREEN_COLS 200

struct screen_cell {
	uint32_t code; /* 0: blank; 1: the right half of a wide one */
	int tint;
};

struct screen_place {
	int line, col, tint;
	bool wrap;
};

struct screen {
	int rows, cols;
	bool line_feed_returns;
	struct screen_cell (*cell)[SCREEN_COLS]; /* SCREEN_LINES */
	int top;             /* the first line of the screen */
	int base;            /* the first one that is compared: what was above is erased */
	struct screen_place at, saved, saved_alt;
	int from, to;        /* scroll region: rows, 0-based, inclusive */
	bool alt;
	struct screen_cell (*main_cell)[SCREEN_COLS];
	int main_top, main_base;
	/* of a sequence */
	int state;           /* 0 ground 1 ESC 2 CSI 3 text 4 text ESC 5 one more */
	char seq[64];
	int seq_len;
	uint32_t code;
	int code_left;
};

__attribute__((unused)) static void screen_init(struct screen *s, int rows, int cols, bool line_feed_returns)
{
	memset(s, 0, sizeof(*s));
	s->rows = rows;
	s->cols = cols;
	s->line_feed_returns = line_feed_returns;
	s->to = rows - 1;
	s->cell = calloc(SCREEN_LINES, sizeof(*s->cell));
}

__attribute__((unused)) static void screen_release(struct screen *s)
{
	free(s->cell);
	free(s->main_cell);
}

static void screen_blank(struct screen *s, int line, int from, int to)
{
	for (int i = from; i < to; i++)
		s->cell[line][i] = (struct screen_cell){ 0, s->at.tint };
}

static void screen_scroll(struct screen *s)
{
	if (s->from == 0 && s->to == s->rows - 1 && !s->alt) {
		s->top++;
		if (s->top + s->rows >= SCREEN_LINES) {
			fprintf(stderr, "screen: too many lines\n");
			abort();
		}
	} else {
		memmove(s->cell[s->top + s->from], s->cell[s->top + s->from + 1],
			(size_t)(s->to - s->from) * sizeof(*s->cell));
	}
	screen_blank(s, s->top + s->to, 0, s->cols);
}

static void screen_index(struct screen *s)
{
	int row = s->at.line - s->top;

	s->at.wrap = false;
	if (row == s->to) {
		int was = s->top;

		screen_scroll(s);
		s->at.line += s->top - was;
	} else if (row < s->rows - 1) {
		s->at.line++;
	}
}

static void screen_print(struct screen *s, uint32_t code)
{
	int w = width_of(code);

	if (!w)
		return;
	if (s->at.wrap || s->at.col + w > s->cols) {
		s->at.col = 0;
		screen_index(s);
	}
	s->cell[s->at.line][s->at.col] = (struct screen_cell){ code, s->at.tint };
	if (w == 2)
		s->cell[s->at.line][s->at.col + 1] = (struct screen_cell){ 1, s->at.tint };
	s->at.col += w;
	if (s->at.col == s->cols) {
		s->at.col = s->cols - 1;
		s->at.wrap = true;
	}
}

static void screen_go(struct screen *s, int row, int col)
{
	s->at.line = s->top + (row < 0 ? 0 : row >= s->rows ? s->rows - 1 : row);
	s->at.col = col < 0 ? 0 : col >= s->cols ? s->cols - 1 : col;
	s->at.wrap = false;
}

static void screen_erase(struct screen *s, int how)
{
	int last = s->top + s->rows;

	s->at.wrap = false;
	if (how == 0) {
		screen_blank(s, s->at.line, s->at.col, s->cols);
		for (int i = s->at.line + 1; i < last; i++)
			screen_blank(s, i, 0, s->cols);
	} else if (how == 2) {
		s->base = s->top;
		for (int i = s->top; i < last; i++)
			screen_blank(s, i, 0, s->cols);
	}
}

static void screen_alternate(struct screen *s, bool on)
{
	if (on == s->alt)
		return;
	s->alt = on;
	if (on) {
		s->saved_alt = s->at;
		s->main_cell = s->cell;
		s->main_top = s->top;
		s->main_base = s->base;
		s->base = 0;
		s->cell = calloc(SCREEN_LINES, sizeof(*s->cell));
		s->top = 0;
		s->at.line = 0;
		s->at.col = 0;
	} else {
		free(s->cell);
		s->cell = s->main_cell;
		s->main_cell = NULL;
		s->top = s->main_top;
		s->base = s->main_base;
		s->at = s->saved_alt;
	}
}

static void screen_sgr(struct screen *s)
{
	char *p = s->seq;

	do {
		int v = (int)strtol(p, &p, 10);

		if (v == 0 || v == 49)
			s->at.tint = 0;
		else if (v >= 40 && v < 48)
			s->at.tint = v;
	} while (*p++ == ';');
}

static void screen_csi(struct screen *s, char final)
{
	int a, b = 1, n;
	char *semi = strchr(s->seq, ';');

	s->seq[s->seq_len] = '\0';
	a = (int)strtol(s->seq, NULL, 10);
	semi = strchr(s->seq, ';');
	if (semi)
		b = (int)strtol(semi + 1, NULL, 10);
	n = a ? a : 1;
	if (s->seq[0] == '?') {
		if (strcmp(s->seq, "?1049") == 0)
			screen_alternate(s, final == 'h');
		return;
	}
	switch (final) {
	case 'A': screen_go(s, s->at.line - s->top - n, s->at.col); break;
	case 'B': screen_go(s, s->at.line - s->top + n, s->at.col); break;
	case 'C': screen_go(s, s->at.line - s->top, s->at.col + n); break;
	case 'D': screen_go(s, s->at.line - s->top, s->at.col - n); break;
	case 'G': screen_go(s, s->at.line - s->top, n - 1); break;
	case 'H': screen_go(s, n - 1, (b ? b : 1) - 1); break;
	case 'J': screen_erase(s, a); break;
	case 'K':
		s->at.wrap = false;
		screen_blank(s, s->at.line, a == 0 ? s->at.col : 0, a == 1 ? s->at.col + 1 : s->cols);
		break;
	case 'm': screen_sgr(s); break;
	case 'n': break;
	case 'r':
		s->from = n - 1;
		s->to = semi ? b - 1 : s->rows - 1;
		screen_go(s, 0, 0);
		break;
	default: fprintf(stderr, "screen: CSI %s%c is not known\n", s->seq, final); abort();
	}
}

static void screen_escape(struct screen *s, char c)
{
	s->state = 0;
	switch (c) {
	case '[':
		s->state = 2;
		s->seq_len = 0;
		s->seq[0] = '\0';
		break;
	case ']': s->state = 3; break;
	case '(': s->state = 5; break;
	case '7': s->saved = s->at; s->saved.line -= s->top; break;
	case '8':
		s->at = s->saved;
		s->at.line += s->top;
		break;
	case 'D': screen_index(s); break;
	case 'M':
		if (s->at.line > s->top)
			s->at.line--;
		break;
	case '=':
	case '>': break;
	default: fprintf(stderr, "screen: ESC %c is not known\n", c); abort();
	}
}

static void screen_ground(struct screen *s, unsigned char b)
{
	switch (b) {
	case '\n':
		screen_index(s);
		if (s->line_feed_returns)
			s->at.col = 0;
		return;
	case '\r':
		s->at.col = 0;
		s->at.wrap = false;
		return;
	case '\b':
		if (s->at.col)
			s->at.col--;
		s->at.wrap = false;
		return;
	case '\t':
		s->at.col = (s->at.col | 7) + 1;
		if (s->at.col >= s->cols)
			s->at.col = s->cols - 1;
		return;
	case 0x1b: s->state = 1; return;
	default: break;
	}
	if (b < 0x20)
		return;
	if (b >= 0xc0) {
		s->code_left = b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3;
		s->code = b & (b < 0xe0 ? 0x1fu : b < 0xf0 ? 0x0fu : 0x07u);
	} else if (b >= 0x80) {
		s->code = s->code << 6 | (b & 0x3fu);
		if (--s->code_left == 0)
			screen_print(s, s->code);
	} else {
		screen_print(s, b);
	}
}

__attribute__((unused)) static void screen_write(struct screen *s, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		switch (s->state) {
		case 0: screen_ground(s, (unsigned char)p[i]); break;
		case 1: screen_escape(s, p[i]); break;
		case 2:
			if (p[i] >= 0x40) {
				s->state = 0;
				screen_csi(s, p[i]);
			} else if (s->seq_len < 60) {
				s->seq[s->seq_len++] = p[i];
				s->seq[s->seq_len] = '\0';
			}
			break;
		case 3:
			if (p[i] == 7)
				s->state = 0;
			else if (p[i] == 0x1b)
				s->state = 4;
			break;
		case 4: s->state = p[i] == '\\' ? 0 : 3; break;
		default: s->state = 0; break;
		}
	}
}

/* A blank's background is not compared: where the screen has scrolled earlier, it may have come from elsewhere. */
static bool screen_same_line(const struct screen *a, int line_a, const struct screen *b, int line_b)
{
	for (int i = 0; i < a->cols; i++) {
		const struct screen_cell *x = &a->cell[line_a][i], *y = &b->cell[line_b][i];

		if (x->code != y->code || (x->code && x->tint != y->tint))
			return false;
	}
	return true;
}

/* The same text around the cursor, down to the end of the screen and up to where all was erased last (or to the
 * first line ever), and the cursor in the same column. One of the two may have scrolled further: it has blank
 * lines below then. */
__attribute__((unused)) static bool screen_same(const struct screen *a, const struct screen *b)
{
	int up_a = a->at.line - a->base, up_b = b->at.line - b->base, up = up_a < up_b ? up_a : up_b;
	int down_a = a->top + a->rows - a->at.line, down_b = b->top + b->rows - b->at.line;

	if (a->alt != b->alt || a->at.col != b->at.col || a->at.wrap != b->at.wrap || a->at.tint != b->at.tint)
		return false;
	for (int i = -up; i < (down_a > down_b ? down_a : down_b); i++)
		if (!screen_same_line(a, a->at.line + i, b, b->at.line + i))
			return false;
	return true;
}

/* A line as text ('?' for what is not ASCII), without blanks at its end. */
__attribute__((unused)) static const char *screen_line(const struct screen *s, int line)
{
	static char text[SCREEN_COLS + 1];
	int n = 0;

	for (int i = 0; i < s->cols; i++) {
		uint32_t code = s->cell[line][i].code;

		text[i] = code < ' ' ? ' ' : code < 0x7f ? (char)code : '?';
		if (text[i] != ' ')
			n = i + 1;
	}
	text[n] = '\0';
	return text;
}

#endif
