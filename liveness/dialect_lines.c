/* SPDX-License-Identifier: Apache-2.0 */
/* dialect_lines.c - bytes of a stream as lines that a rule can read. Whole lines are read where
 * they lie; only what a read cut apart is copied. CR ends a line too: a progress bar redraws itself
 * with it, and the next text is a line of its own. */
#include "liveness/dialect_int.h"

#include "base/mem.h"
#include "base/plain.h"

#include <stdlib.h>
#include <string.h>

static bool is_plain(const char *p, size_t n)
{
	return !memchr(p, '\033', n) && !memchr(p, '\b', n);
}

/* plain: it is known to hold nothing to clean away. */
static void give(const char *p, size_t n, bool plain, line_fn *fn, void *ctx)
{
	char clean[DIALECT_LINE_MAX];

	if (n > DIALECT_LINE_MAX)
		n = DIALECT_LINE_MAX;
	if (plain || is_plain(p, n))
		fn(ctx, p, n);
	else
		fn(ctx, clean, plain_text(p, n, clean));
}

static void keep(struct line_buffer *b, const char *p, size_t n)
{
	if (b->len + n > DIALECT_LINE_MAX)
		n = DIALECT_LINE_MAX - b->len;
	if (b->len + n > b->cap) {
		b->cap = b->len + n < 512 ? 512 : DIALECT_LINE_MAX;
		b->data = xrealloc(b->data, b->cap);
	}
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
}

static void give_kept(struct line_buffer *b, const char *p, size_t n, bool plain, line_fn *fn, void *ctx)
{
	if (b->len == 0) {
		give(p, n, plain, fn, ctx);
		return;
	}
	keep(b, p, n);
	give(b->data, b->len, false, fn, ctx);
	b->len = 0;
}

void lines_feed(struct line_buffer *b, const char *p, size_t n, line_fn *fn, void *ctx)
{
	const char *end = p + n, *cr = NULL;
	bool look_for_cr = true, plain = is_plain(p, n);

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;

		/* CR is rare: it is looked for once, then again behind each one that was found. */
		if (look_for_cr && (!cr || cr < p)) {
			cr = memchr(p, '\r', (size_t)(end - p));
			look_for_cr = cr != NULL;
		}
		if (cr && cr >= p && cr < stop) {
			give_kept(b, p, (size_t)(cr - p), plain, fn, ctx);
			p = cr + 1;
			if (p < end && *p == '\n')
				p++; /* where a read ends between the two, an empty line is given */
			continue;
		}
		if (!nl) {
			keep(b, p, (size_t)(end - p));
			return;
		}
		give_kept(b, p, (size_t)(nl - p), plain, fn, ctx);
		p = nl + 1;
	}
}

size_t lines_rest(const struct line_buffer *b, char *out)
{
	return plain_text(b->data, b->len, out);
}

void lines_release(struct line_buffer *b)
{
	free(b->data);
	*b = (struct line_buffer){ .data = NULL };
}
