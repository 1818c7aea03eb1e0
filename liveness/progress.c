/* SPDX-License-Identifier: Apache-2.0 */
#include "liveness/progress.h"

#include "base/hash.h"
#include "base/mem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char own_prefix[] = "spec-runner: ";
#define OWN_PREFIX_LEN (sizeof(own_prefix) - 1)

/* No screen is higher: nobody goes up further than this. */
enum { ROWS_MAX = 200, PARAM_MAX = 9999, BLOCK = 128 };
enum { TEXT, ESCAPE, CSI, STRING, STRING_ESCAPE, CHARSET };
enum { KEY_BS = '\b', KEY_ESC = 0x1b, KEY_BEL = 7 };

static bool is_text(char c) { return (unsigned char)c >= 0x20 || c == '\t'; }
static unsigned min_u(unsigned a, unsigned b) { return a < b ? a : b; }

static void own_line_reset(struct progress_filter *f)
{
	f->matched = 0;
	f->own_line = false;
}

void progress_filter_init(struct progress_filter *f, unsigned cols)
{
	*f = (struct progress_filter){ .cols = cols };
}

/* One more byte of text on this line: is it, by now, none of a nested spec-runner's? */
static bool own_line_text(struct progress_filter *f, char c)
{
	if (f->own_line)
		return false;
	if (f->matched == UINT_MAX)
		return true;
	if (c != own_prefix[f->matched])
		f->matched = UINT_MAX;
	else if (++f->matched == OWN_PREFIX_LEN)
		f->own_line = true;
	return f->matched == UINT_MAX;
}

/* The cursor leaves the line. Returns whether the line below it is a new one. */
static bool line_below(struct progress_filter *f)
{
	f->col = 0;
	f->page = min_u(f->page + 1, ROWS_MAX);
	if (f->above) {
		f->above--;
		return false;
	}
	f->width = 0;
	f->painted_over = false;
	return true;
}

static bool on_newline(struct progress_filter *f)
{
	/* a line that ends inside the prefix is an ordinary line */
	bool counts = line_below(f) && !f->own_line;

	f->printed = true;
	own_line_reset(f);
	return counts;
}

static bool on_text(struct progress_filter *f, char c)
{
	if ((c & 0xc0) == 0x80) /* inside of a character of UTF-8 */
		return false;
	if (f->cols && f->col >= f->cols)
		line_below(f); /* it wraps: still the same line to whoever reads it */
	f->printed = true;
	if (f->above) {
		f->col++;
		return false;
	}
	f->painted_over |= f->col < f->width;
	f->col++;
	if (f->col > f->width)
		f->width = f->col;
	return !f->painted_over && own_line_text(f, c);
}

static void cursor_up(struct progress_filter *f, unsigned n)
{
	if (f->printed)
		f->above = 0; /* what it did not print again the last time it never will */
	f->printed = false;
	f->above = min_u(f->above + n, ROWS_MAX);
	own_line_reset(f);
}

static void cursor_down(struct progress_filter *f, unsigned n)
{
	f->above -= min_u(f->above, n);
}

/* The top of the page: the first time a page begins; from then on so many lines are drawn again. */
static void cursor_home(struct progress_filter *f)
{
	f->above = f->has_page ? f->page : 0;
	f->printed = false;
	f->painted_over |= f->has_page && f->width > 0;
	if (!f->has_page)
		f->width = 0;
	f->has_page = true;
	f->page = 0;
	f->col = 0;
	own_line_reset(f);
}

static void csi_end(struct progress_filter *f, char final)
{
	unsigned n = f->n_param && f->param[0] ? f->param[0] : 1;

	if (f->private_mode)
		return;
	switch (final) {
	case 'A': cursor_up(f, n); break;
	case 'F': cursor_up(f, n); f->col = 0; break;
	case 'B': cursor_down(f, n); break;
	case 'E': cursor_down(f, n); f->col = 0; break;
	case 'C': f->col = min_u(f->col + n, PARAM_MAX); break;
	case 'D': f->col -= min_u(f->col, n); break;
	case 'G': case '`': f->col = n - 1; break;
	case 'H': case 'f':
		if (n == 1)
			cursor_home(f);
		f->col = f->n_param > 1 && f->param[1] ? f->param[1] - 1 : 0;
		break;
	default: break; /* colours and erasing print nothing */
	}
}

static void on_csi(struct progress_filter *f, unsigned char c)
{
	if (c >= '0' && c <= '9') {
		if (!f->n_param)
			f->n_param = 1;
		if (f->n_param <= 2)
			f->param[f->n_param - 1] = min_u(f->param[f->n_param - 1] * 10 + (c - '0'), PARAM_MAX);
	} else if (c == ';') {
		f->n_param = (unsigned char)(f->n_param < 2 ? (f->n_param ? f->n_param + 1 : 2) : 3);
	} else if (c >= '<' && c <= '?') {
		f->private_mode = true;
	} else if (c >= 0x40 && c <= 0x7e) {
		f->state = TEXT;
		csi_end(f, (char)c);
	} else if (c < 0x20) {
		f->state = TEXT; /* broken off */
	}
}

static void on_escape(struct progress_filter *f, unsigned char c)
{
	f->state = TEXT;
	switch (c) {
	case '[':
		f->state = CSI;
		f->param[0] = f->param[1] = f->n_param = 0;
		f->private_mode = false;
		break;
	case ']': case 'P': case '_': case '^': case 'X': f->state = STRING; break;
	case '(': case ')': case '*': case '+': case '#': case '%': case ' ': f->state = CHARSET; break;
	case 'M': cursor_up(f, 1); break;
	case 'c': cursor_home(f); break;
	default: break;
	}
}

/* Titles, links: what they hold is not printed. A line's end breaks off one that was never closed. */
static void on_string(struct progress_filter *f, unsigned char c)
{
	if (f->state == STRING_ESCAPE || c == KEY_BEL || c == '\n')
		f->state = TEXT;
	else if (c == KEY_ESC)
		f->state = STRING_ESCAPE;
}

static bool on_byte(struct progress_filter *f, char c)
{
	switch (f->state) {
	case ESCAPE: on_escape(f, (unsigned char)c); return false;
	case CSI: on_csi(f, (unsigned char)c); return false;
	case CHARSET: f->state = TEXT; return false;
	case STRING:
	case STRING_ESCAPE: on_string(f, (unsigned char)c); return false;
	default: break;
	}
	switch (c) {
	case '\n': return on_newline(f);
	case '\r': f->col = 0; return false;
	case KEY_BS: f->col -= f->col > 0; return false;
	case KEY_ESC: f->state = ESCAPE; return false;
	default: return is_text(c) && on_text(f, c);
	}
}

/* Plain text on its way down, by far the most: no byte of it moves the cursor back. */
static bool is_plain(const struct progress_filter *f, const char *p, size_t n)
{
	return f->state == TEXT && !f->above && !f->cols && !memchr(p, KEY_ESC, n) && !memchr(p, '\r', n) &&
	       !memchr(p, KEY_BS, n);
}

/* Bytes that are no later ones of a character of UTF-8. */
static bool is_column(char c) { return (c & 0xc0) != 0x80 && is_text(c); }

/* Of the whole rest of a line. Every byte of the output comes by: sums of blocks that fit a byte are what compilers make
 * vector code of. */
static unsigned columns_of(const char *p, size_t n)
{
	unsigned columns = 0;
	size_t i = 0;

	for (; n - i >= BLOCK; i += BLOCK) {
		unsigned char sum = 0;

		for (unsigned k = 0; k < BLOCK; k++)
			sum = (unsigned char)(sum + (((p[i + k] & 0xc0) != 0x80) & is_text(p[i + k])));
		columns += sum;
	}
	for (; i < n; i++)
		columns += is_column(p[i]);
	return columns;
}

/* Is there any column in it? Mostly the first byte tells. */
static bool has_columns(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && !is_column(p[i]))
		i++;
	return i < n;
}

/* Nothing but control characters. */
static bool is_binary(const char *p, size_t n)
{
	size_t i = 0;

	for (; n - i >= BLOCK; i += BLOCK) {
		unsigned char all = 0;

		for (unsigned k = 0; k < BLOCK; k++)
			all |= (unsigned char)p[i + k];
		if (all >= 0x20)
			return false;
	}
	for (; i < n; i++)
		if ((unsigned char)p[i] >= 0x20)
			return false;
	return !memchr(p, '\t', n);
}

/* Whole lines at once. How wide one was matters only while the cursor may yet go back over it: that of the last one. */
static bool plain_bytes(struct progress_filter *f, const char *p, size_t n)
{
	bool counts = false;

	while (n) {
		const char *eol = memchr(p, '\n', n);
		size_t line = eol ? (size_t)(eol - p) : n, i = 0;

		if (is_binary(p, line))
			i = line; /* none of it is printed */
		while (i < line && !f->own_line && f->matched != UINT_MAX && !f->painted_over)
			counts |= on_byte(f, p[i++]);
		if (has_columns(p + i, line - i)) {
			f->painted_over |= f->col < f->width;
			counts |= !f->painted_over && !f->own_line;
			f->printed = true;
			f->col += eol ? 0 : columns_of(p + i, line - i);
			f->width = f->col > f->width ? f->col : f->width;
		}
		if (!eol)
			break;
		counts |= on_newline(f);
		p = eol + 1;
		n -= line + 1;
	}
	return counts;
}

bool progress_filter_bytes(struct progress_filter *f, const char *p, size_t n)
{
	bool counts = false;

	if (is_plain(f, p, n))
		return plain_bytes(f, p, n);
	for (size_t i = 0; i < n; i++)
		counts |= on_byte(f, p[i]);
	return counts;
}

void progress_seen_init(struct progress_seen *s)
{
	memset(s, 0, sizeof(*s));
}

void progress_seen_release(struct progress_seen *s)
{
	free(s->slot);
	progress_seen_init(s);
}

static uint64_t seen_hash(const char *p, size_t n)
{
	uint64_t h = hash_bytes(0, p, n);

	return h ? h : 1; /* 0 is an empty slot */
}

static bool seen_insert(uint64_t *slot, uint32_t size, uint64_t h)
{
	uint32_t i = (uint32_t)h & (size - 1);

	for (; slot[i]; i = (i + 1) & (size - 1))
		if (slot[i] == h)
			return false;
	slot[i] = h;
	return true;
}

bool progress_seen_add(struct progress_seen *s, const char *cmdline, size_t n)
{
	if (s->count >= PROGRESS_SEEN_MAX)
		return false;
	if (s->count * 2 >= s->size) {
		uint32_t size = s->size ? s->size * 2 : 64;
		uint64_t *slot = xcalloc(size, sizeof(*slot));

		for (uint32_t i = 0; i < s->size; i++)
			if (s->slot[i])
				seen_insert(slot, size, s->slot[i]);
		free(s->slot);
		s->slot = slot;
		s->size = size;
	}
	if (!seen_insert(s->slot, s->size, seen_hash(cmdline, n)))
		return false;
	s->count++;
	return true;
}
