/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/ui/console.h"

#include "base/clock.h"

#include <string.h>

/* Most commands are over by then: nothing flashes up. */
#define FIRST_NS (1000 * NS_PER_MS)
/* So long nothing must have been written; and between two drawings at least (8 a second). */
#define QUIET_NS (50 * NS_PER_MS)
#define INTERVAL_NS (125 * NS_PER_MS)

void console_init(struct console *c, console_write_fn *write, void *ctx, int64_t start_ns, unsigned rows, unsigned cols,
		  bool line_feed_returns)
{
	memset(c, 0, sizeof(*c));
	c->write = write;
	c->ctx = ctx;
	c->on = true;
	c->start_ns = c->wrote_ns = start_ns;
	caret_init(&c->caret, rows, cols, line_feed_returns);
}

void console_release(struct console *c)
{
	str_release(&c->owed);
	str_release(&c->last);
	c->on = false;
}

/* True where nothing of ours is left to write. */
static bool console_flush(struct console *c)
{
	while (c->owed_at < c->owed.len) {
		ssize_t n = c->write(c->ctx, c->owed.data + c->owed_at, c->owed.len - c->owed_at);

		if (n < 0) { /* the terminal has gone */
			c->on = c->shown = false;
			break;
		}
		if (n == 0)
			return false;
		c->owed_at += (size_t)n;
	}
	str_reset(&c->owed);
	c->owed_at = 0;
	return true;
}

static void console_hide(struct console *c)
{
	if (!c->shown)
		return;
	c->shown = false;
	str_reset(&c->last);
	str_add(&c->owed, "\033[J");
}

bool console_before(struct console *c)
{
	if (!c->on)
		return true;
	console_hide(c);
	return console_flush(c);
}

void console_wrote(struct console *c, const char *p, size_t n, int64_t now_ns)
{
	if (!c->on)
		return;
	caret_feed(&c->caret, p, n);
	c->wrote_ns = now_ns;
	c->not_before_ns = 0;
	c->name_is_open = false;
}

void console_resize(struct console *c, unsigned rows, unsigned cols)
{
	if (rows == c->caret.rows && cols == c->caret.cols)
		return;
	c->caret.rows = rows;
	c->caret.cols = cols;
	console_hide(c); /* the lines are as wide as the window was */
	c->drew_ns = 0;
	console_flush(c);
}

static bool console_has_place(const struct console *c)
{
	return caret_is_free(&c->caret) && (caret_on_empty_line(&c->caret) ||
					      (c->name_is_open && caret_behind_text(&c->caret)));
}

int64_t console_due(const struct console *c)
{
	int64_t due;

	if (!c->on)
		return TIME_NEVER;
	if (c->owed.len)
		return clock_add(c->drew_ns > c->wrote_ns ? c->drew_ns : c->wrote_ns, INTERVAL_NS);
	if (c->paused || !console_has_place(c))
		return TIME_NEVER;
	if (c->shown) /* at the next whole second of what is counted */
		due = c->drew_ns + NS_PER_S - (c->drew_ns - c->start_ns) % NS_PER_S;
	else
		due = c->wrote_ns + QUIET_NS;
	if (due < c->drew_ns + INTERVAL_NS)
		due = c->drew_ns + INTERVAL_NS;
	if (due < c->start_ns + FIRST_NS)
		due = c->start_ns + FIRST_NS;
	return due < c->not_before_ns ? c->not_before_ns : due;
}

void console_refuse(struct console *c, int64_t now_ns)
{
	console_hide(c);
	console_flush(c);
	c->not_before_ns = now_ns + NS_PER_S;
}

/* Room below the cursor (scrolling where it stands at the bottom), the position kept, the lines, what was
 * drawn before and is left over erased, back. Colours and the like are kept with the position. */
static void console_sequence(struct str *out, char *const lines[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		str_add(out, "\033D");
	str_addf(out, "\033[%zuA\0337\033[0m", n);
	for (size_t i = 0; i < n; i++) {
		str_add(out, "\r\n");
		str_add(out, lines[i]);
		str_add(out, i + 1 < n ? "\033[K" : "\033[J");
	}
	str_add(out, "\0338");
}

void console_draw(struct console *c, char *const lines[], size_t n, int64_t now_ns)
{
	auto_str text = STR_INIT;

	c->drew_ns = now_ns;
	if (!console_flush(c) || !c->on || c->paused || !console_has_place(c))
		return;
	if (!n) {
		console_hide(c);
		console_flush(c);
		return;
	}
	console_sequence(&text, lines, n);
	if (c->shown && text.len == c->last.len && memcmp(text.data, str_cstr(&c->last), text.len) == 0)
		return;
	str_reset(&c->last);
	str_addn(&c->last, text.data, text.len);
	str_addn(&c->owed, text.data, text.len);
	c->shown = true;
	console_flush(c);
}

void console_pause(struct console *c)
{
	c->paused = true;
	console_hide(c);
	console_flush(c);
}

void console_resume(struct console *c, int64_t now_ns)
{
	c->paused = false;
	caret_elsewhere(&c->caret);
	c->wrote_ns = now_ns;
}
