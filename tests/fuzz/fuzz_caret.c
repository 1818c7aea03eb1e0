/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes written to a terminal: the cursor stays on it, and where a sequence was cut changes nothing. */
#include "runner/ui/caret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of sequences are rare in random input: those below stand for what programs write. */
static const char *const pieces[] = {
	"\033[", "\033[999G", "\033[5`", "\033[H", "\033[2;7H", "\033[K", "\033[2J", "\033[?1049h", "\033[?1049l", "\033[?25l", "\033[m", "\033[41m",
	"\033[7m", "\033[A", "\033[3B", "\033[80C", "\033[9D", "\033]0;t\a", "\033P", "\033\\", "\033(0", "\033(B", "\0337", "\0338", "\033[r", "\033[2;5r",
	"\r", "\n", "\t", "\b", "\xe2\x94\x80", "\xf0\x9f\x92\xa5", "\xcc\x81", "abc", " ", "\033c", "\033[s", "\033[u", "\033[6n", "\033[d", "\033[X", "\x9b",
};
#define PIECES (sizeof(pieces) / sizeof(pieces[0]))

static void must_stand(const struct caret *c)
{
	if (c->cols && c->at.col >= c->cols + 1) {
		fprintf(stderr, "column %u of %u\n", c->at.col, c->cols);
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[1 << 16];
	struct caret whole, cut;
	size_t n = 0;

	if (size < 4)
		return 0;
	for (size_t i = 3; i < size; i++) {
		const char *piece = (data[2] & 1) && data[i] >= 128 ? pieces[(data[i] - 128u) % PIECES] : NULL;
		size_t m = piece ? strlen(piece) : 1;

		if (n + m > sizeof(text))
			break;
		memcpy(text + n, piece ? piece : (const char *)&data[i], m);
		n += m;
	}
	memset(&whole, 0, sizeof(whole));
	memset(&cut, 0, sizeof(cut));
	caret_init(&whole, 1 + data[0] % 60, 1 + data[1] % 200, data[2] & 2);
	caret_init(&cut, 1 + data[0] % 60, 1 + data[1] % 200, data[2] & 2);
	caret_feed(&whole, text, n);
	for (size_t i = 0; i < n; i++) {
		caret_feed(&cut, text + i, 1);
		must_stand(&cut);
	}
	must_stand(&whole);
	if (whole.at.col != cut.at.col || caret_is_free(&whole) != caret_is_free(&cut) ||
	    caret_on_empty_line(&whole) != caret_on_empty_line(&cut) || caret_behind_text(&whole) != caret_behind_text(&cut))
		abort();
	return 0;
}
