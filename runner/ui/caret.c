/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/ui/caret.h"

#include "base/width.h"

#include <limits.h>
#include <string.h>

#define UNKNOWN_LINES 100000u
#define UNKNOWN_END UINT_MAX

/* Private modes that forbid drawing. */
static const struct {
	unsigned number;
	bool forbids; /* when set (h), else when reset (l) */
} private_modes[] = {
	{ 1, true },    /* cursor keys of an application */
	{ 6, true },    /* origin */
	{ 7, false },   /* no wrapping */
	{ 25, false },  /* hidden cursor */
	{ 47, true },   { 1047, true }, { 1049, true }, /* the alternate screen */
	{ 66, true },   /* keypad of an application, as ESC = */
	{ 1000, true }, { 1002, true }, { 1003, true }, { 1006, true }, /* mouse */
	{ 2004, true }, /* bracketed paste: a line editor asks */
	{ 2026, true }, /* a frame being painted */
};
#define PRIVATE_MODES (sizeof(private_modes) / sizeof(*private_modes))
#define MODE_KEYPAD (1u << 31)

void caret_init(struct caret *c, unsigned rows, unsigned cols, bool line_feed_returns)
{
	memset(c, 0, sizeof(*c));
	c->line_feed_returns = line_feed_returns;
	c->rows = rows;
	c->cols = cols;
}

void caret_elsewhere(struct caret *c)
{
	memset(&c->at, 0, sizeof(c->at));
	c->state = CARET_GROUND;
	c->code_left = 0;
}

bool caret_is_free(const struct caret *c)
{
	return c->state == CARET_GROUND && !c->code_left && !c->modes && !c->at.painting && !c->saved && !c->region &&
	       !c->tinted && !c->graphics && !c->at.below;
}

bool caret_on_empty_line(const struct caret *c)
{
	return c->at.col == 0 && c->at.end == 0;
}

bool caret_behind_text(const struct caret *c)
{
	return c->at.col && c->at.col == c->at.end && c->at.col + 1 < c->cols;
}

static void caret_print(struct caret *c, uint32_t code)
{
	unsigned w = (unsigned)width_of(code);

	if (c->cols && c->at.col + w > c->cols) { /* it wraps */
		c->at.col = 0;
		c->at.end = 0;
	}
	c->at.col += w;
	if (c->cols && c->at.col > c->cols) /* two columns wide, on a terminal of one */
		c->at.col = c->cols;
	if (c->at.col > c->at.end)
		c->at.end = c->at.col;
	c->at.blank = false;
}

static void caret_down(struct caret *c, unsigned n, bool scrolls)
{
	c->at.risen -= n < c->at.risen ? n : c->at.risen;
	for (; n && c->at.below; n--)
		c->at.end = --c->at.below ? UNKNOWN_END : c->at.bottom_end;
	if (n && scrolls)
		c->at.end = 0;
	/* where nothing scrolls the cursor stays on the last row; which one that is is not known */
	if (n && !scrolls)
		c->at.end = UNKNOWN_END;
	c->at.blank = false;
}

static void caret_up(struct caret *c, unsigned n)
{
	if (!n)
		return;
	/* it counts on so many lines being on the screen: what we show must not have pushed them out */
	c->at.risen += n > UNKNOWN_LINES ? UNKNOWN_LINES : n;
	if (c->at.risen > c->rows / 2)
		c->at.painting = true;
	if (!c->at.below)
		c->at.bottom_end = c->at.end;
	c->at.below = c->at.below + n > UNKNOWN_LINES ? UNKNOWN_LINES : c->at.below + n;
	c->at.end = UNKNOWN_END;
}

static void caret_control(struct caret *c, unsigned char b)
{
	switch (b) {
	case '\n':
	case '\v':
	case '\f':
		caret_down(c, 1, true);
		if (c->line_feed_returns && b == '\n')
			c->at.col = 0;
		/* a bare one keeps the column: an empty line, but not its first column */
		if (c->at.end < c->at.col)
			c->at.end = c->at.col;
		break;
	case '\r': c->at.col = 0; break;
	case '\b':
		if (c->at.col)
			c->at.col--;
		break;
	case '\t':
		c->at.col = (c->at.col | 7) + 1;
		if (c->cols && c->at.col >= c->cols)
			c->at.col = c->cols - 1;
		if (c->at.col > c->at.end)
			c->at.end = c->at.col;
		break;
	case 0x0e: c->graphics = true; break;
	case 0x0f: c->graphics = false; break;
	case 0x1b: c->state = CARET_ESC; break;
	default: break;
	}
}

static void caret_reset(struct caret *c)
{
	caret_init(c, c->rows, c->cols, c->line_feed_returns);
	c->at.blank = true;
}

static void caret_escape(struct caret *c, unsigned char b)
{
	c->state = CARET_GROUND;
	switch (b) {
	case '[':
		c->state = CARET_CSI;
		memset(c->param, 0, sizeof(c->param));
		c->n_params = 0;
		c->prefix = c->inter = 0;
		break;
	case ']':
	case 'P':
	case 'X':
	case '^':
	case '_': c->state = CARET_TEXT; break;
	case '7': c->saved = true; break;
	case '8': c->at.end = UNKNOWN_END; break;
	case '=': c->modes |= MODE_KEYPAD; break;
	case '>': c->modes &= ~MODE_KEYPAD; break;
	case 'c': caret_reset(c); break;
	case 'D': caret_down(c, 1, true); break;
	case 'E':
		caret_down(c, 1, true);
		c->at.col = 0;
		break;
	case 'M': caret_up(c, 1); break;
	case 0x1b: c->state = CARET_ESC; break;
	default:
		if (b >= 0x20 && b < 0x30) { /* ESC ( B and the like */
			c->state = CARET_INTER;
			c->inter = (char)b;
		}
		break;
	}
}

/* The main screen's text comes back with it, and the cursor returns to its place. */
static void caret_alternate(struct caret *c, bool on)
{
	if (on)
		c->main = c->at;
	else
		c->at = c->main;
}

static void caret_private_mode(struct caret *c, unsigned number, bool set)
{
	for (unsigned i = 0; i < PRIVATE_MODES; i++) {
		if (private_modes[i].number != number)
			continue;
		if ((number == 47 || number == 1047 || number == 1049) && set == !(c->modes & 1u << i))
			caret_alternate(c, set);
		if (set == private_modes[i].forbids)
			c->modes |= 1u << i;
		else
			c->modes &= ~(1u << i);
	}
}

/* Only what erasing would paint with: the background and reverse. */
static void caret_colour(struct caret *c)
{
	if (!c->n_params)
		c->tinted = false;
	for (unsigned i = 0; i < c->n_params; i++) {
		unsigned p = c->param[i];

		if (p == 0 || p == 27 || p == 49)
			c->tinted = false;
		else if (p == 7 || (p >= 40 && p <= 48) || (p >= 100 && p <= 107))
			c->tinted = true;
		if ((p == 38 || p == 48 || p == 58) && i + 1 < c->n_params)
			i += c->param[i + 1] == 5 ? 2 : c->param[i + 1] == 2 ? 4 : 0;
	}
}

static void caret_erase_display(struct caret *c, unsigned how)
{
	if (how == 0) {
		c->at.below = 0;
		if (c->at.end > c->at.col)
			c->at.end = c->at.col;
	}
	if (how == 2) {
		c->at.below = c->at.end = 0;
		c->at.blank = true;
		c->at.painting = false;
	}
	if (c->tinted && how != 3) { /* painted, not erased */
		c->at.bottom_end = c->at.end = UNKNOWN_END;
		c->at.below = UNKNOWN_LINES;
		c->at.blank = false;
	}
}

/* A terminal stops at its last column. */
static unsigned caret_clamp(const struct caret *c, unsigned col)
{
	return c->cols && col >= c->cols ? c->cols - 1 : col;
}

static void caret_to(struct caret *c, unsigned row, unsigned col)
{
	col = caret_clamp(c, col > 1 ? col - 1 : 0) + 1;
	if (c->at.blank) { /* wherever it goes, all is empty */
		c->at.col = c->at.end = col > 1 ? col - 1 : 0;
		return;
	}
	if (row > 1)
		c->at.painting = true;
	c->at.col = col > 1 ? col - 1 : 0;
	c->at.end = UNKNOWN_END;
	c->at.bottom_end = UNKNOWN_END;
	c->at.below = UNKNOWN_LINES;
}

/* Moves within the line and between lines. False: none of these. */
static bool caret_move(struct caret *c, char final, unsigned n)
{
	switch (final) {
	case 'A': caret_up(c, n); return true;
	case 'F':
		caret_up(c, n);
		c->at.col = 0;
		return true;
	case 'B':
	case 'e': caret_down(c, n, false); return true;
	case 'E':
		caret_down(c, n, false);
		c->at.col = 0;
		return true;
	case 'C':
	case 'a': c->at.col = caret_clamp(c, c->at.col + n); return true;
	case 'D': c->at.col = c->at.col > n ? c->at.col - n : 0; return true;
	case 'G':
	case '`': c->at.col = caret_clamp(c, n - 1); return true;
	default: return false;
	}
}

static void caret_sequence(struct caret *c, char final)
{
	unsigned first = c->n_params ? c->param[0] : 0;

	if (c->prefix == '?' && !c->inter && (final == 'h' || final == 'l')) {
		for (unsigned i = 0; i < c->n_params; i++)
			caret_private_mode(c, c->param[i], final == 'h');
		return;
	}
	if (c->prefix || c->inter || caret_move(c, final, first ? first : 1))
		return; /* reports, keyboards, cursor shapes: nothing moves */
	switch (final) {
	case 'm': caret_colour(c); break;
	case 'J': caret_erase_display(c, first); break;
	case 'K':
		if (c->tinted)
			c->at.end = UNKNOWN_END;
		else if (first == 2)
			c->at.end = 0;
		else if (first == 0 && c->at.end > c->at.col)
			c->at.end = c->at.col;
		break;
	case 'H':
	case 'f': caret_to(c, first, c->n_params > 1 ? c->param[1] : 0); break;
	case 'd': caret_to(c, first > 1 ? first : 2, c->at.col + 1); break;
	case 'r':
		c->region = c->n_params && !(first <= 1 && c->n_params > 1 && c->param[1] >= c->rows);
		caret_to(c, 1, 1);
		break;
	case 's': c->saved = true; break;
	case 'n': /* it asks where it is: it will use the answer */
		c->at.painting |= first == 6;
		break;
	case '@':
	case 'I':
	case 'P':
	case 'X':
	case 'Z':
	case 'b': c->at.end = UNKNOWN_END; break; /* within the line: known again on the next */
	case 'c':
	case 'g':
	case 'h':
	case 'l':
	case 'q':
	case 't': break;
	default: c->at.painting = true; break; /* inserts, deletes, scrolls, or is not known */
	}
}

static void caret_csi(struct caret *c, unsigned char b)
{
	if (b >= '0' && b <= '9') {
		if (!c->n_params)
			c->n_params = 1;
		if (c->param[c->n_params - 1] < 100000)
			c->param[c->n_params - 1] = c->param[c->n_params - 1] * 10 + (b - '0');
	} else if (b == ';' || b == ':') {
		if (!c->n_params)
			c->n_params = 1;
		if (c->n_params < CARET_PARAMS_MAX)
			c->n_params++;
		else
			c->param[CARET_PARAMS_MAX - 1] = 0;
	} else if (b >= 0x3c && b <= 0x3f) {
		c->prefix = (char)b;
	} else if (b >= 0x20 && b < 0x30) {
		c->inter = (char)b;
	} else if (b >= 0x40 && b < 0x7f) {
		c->state = CARET_GROUND;
		caret_sequence(c, (char)b);
	} else if (b == 0x1b || b == 0x18 || b == 0x1a) {
		c->state = b == 0x1b ? CARET_ESC : CARET_GROUND;
	} else if (b < 0x20) {
		caret_control(c, b);
	}
}

/* Titles, links, device strings: up to BEL or ESC \. */
static void caret_text(struct caret *c, unsigned char b)
{
	if (c->state == CARET_TEXT_ESC) {
		c->state = b == '\\' ? CARET_GROUND : CARET_TEXT;
		if (b != '\\' && b != 0x1b) {
			c->state = CARET_ESC;
			caret_escape(c, b);
		}
	} else if (b == 0x1b) {
		c->state = CARET_TEXT_ESC;
	} else if (b == 0x07 || b == 0x18 || b == 0x1a) {
		c->state = CARET_GROUND;
	}
}

static void caret_ground(struct caret *c, unsigned char b)
{
	if (c->code_left && (b & 0xc0) == 0x80) {
		c->code = c->code << 6 | (b & 0x3fu);
		if (!--c->code_left)
			caret_print(c, c->code);
		return;
	}
	if (c->code_left) { /* cut off: shown as one character */
		c->code_left = 0;
		caret_print(c, 0xfffd);
	}
	if (b < 0x20 || b == 0x7f) {
		caret_control(c, b);
	} else if (b < 0x80) {
		caret_print(c, b);
	} else if (b >= 0xc2 && b <= 0xf4) {
		c->code_left = b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3;
		c->code = b & (b < 0xe0 ? 0x1fu : b < 0xf0 ? 0x0fu : 0x07u);
	} else {
		caret_print(c, 0xfffd);
	}
}

void caret_feed(struct caret *c, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char b = (unsigned char)p[i];

		switch (c->state) {
		case CARET_GROUND: caret_ground(c, b); break;
		case CARET_ESC: caret_escape(c, b); break;
		case CARET_INTER:
			if (b >= 0x20 && b < 0x30)
				break;
			c->state = CARET_GROUND;
			if (c->inter == '(')
				c->graphics = b == '0';
			break;
		case CARET_CSI: caret_csi(c, b); break;
		case CARET_TEXT:
		case CARET_TEXT_ESC: caret_text(c, b); break;
		}
	}
}
