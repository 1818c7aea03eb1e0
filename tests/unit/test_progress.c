/* SPDX-License-Identifier: Apache-2.0 */
/* test_progress.c - which output says something new (liveness/progress.h), as a table of what tools print. */
#include "liveness/progress.h"
#include "tests/tap.h"

#include <stdlib.h>

struct step {
	const char *text;
	bool counts;
};

static const struct screen {
	const char *name;
	unsigned cols;
	struct step step[10];
} screens[] = {
	{ "lines", 0, { { "one\n", true }, { "two\n", true }, { "\n", true } } },
	{ "dots", 0, { { ".", true }, { ".", true }, { "F", true } } },
	{ "lines that end as on a terminal", 80, { { "one\r\n", true }, { "two\r\n", true } } },
	{ "a line in two parts", 80, { { "test_a ", true }, { "\x1b[32mPASSED\x1b[0m", true }, { "\r\n", true } } },
	{ "a spinner", 80, { { "| working", true }, { "\r/ working", false }, { "\r- working", false }, { "\r\x1b[K\\ working", false },
			     { "\ndone\n", true } } },
	{ "a spinner with backspaces", 0, { { "work |", true }, { "\b/", false }, { "\b-", false } } },
	{ "a clock that grows", 80, { { "9 s", true }, { "\r10 s", false }, { "\r100 s", false } } },
	{ "a bar, then the next line", 80, { { "[#   ]", true }, { "\r[##  ]", false }, { "\r[####]", false }, { "\n", true } } },
	{ "erased before its first text", 80, { { "\r\x1b[2Kone\n", true }, { "\r\x1b[2Ktwo\n", true } } },
	{ "colours alone", 80, { { "\x1b[31m\x1b[0m", false } } },
	{ "a title", 80, { { "\x1b]0;test 1\x07", false }, { "\x1b]0;test 2\x1b\\", false } } },
	{ "two lines again and again", 80, { { "RUNS a\nTime 1 s\n", true }, { "\x1b[2A\x1b[KRUNS a\n\x1b[KTime 2 s\n", false },
					      { "\x1b[1A\x1b[2K\x1b[1A\x1b[2K\x1b[GRUNS a\nTime 3 s\n", false } } },
	{ "a result above a status", 80, { { "RUNS a\nTime 1 s\n", true }, { "\x1b[2APASS a\nRUNS b\nTime 2 s\n", true },
					   { "\x1b[2ARUNS b\nTime 3 s\n", false } } },
	{ "a status without its last line's end", 80, { { "a\nTime 1 s", true }, { "\x1b[1A\ra\n\rTime 2 s", false },
							{ "\x1b[1A\ra\n\rTime 3 s", false } } },
	{ "bars at once", 80, { { "a 1%\nb 1%\nc 1%\n", true }, { "\x1b[2A\rb 50%\x1b[2B\r", false }, { "\x1b[3A\ra 70%\x1b[3B\r", false },
				{ "done\n", true } } },
	{ "wrapping lines", 10, { { "0123456789abcde\nTime 1\n", true }, { "\x1b[3A0123456789abcde\nTime 2\n", false },
				  { "\x1b[3A0123456789abcde\nTime 3\n", false }, { "new\n", true } } },
	{ "a page", 80, { { "\x1b[H\x1b[2Jone\ntwo\n", true }, { "\x1b[H\x1b[2Jone\ntwo\n", false }, { "\x1b[H\x1b[2Jone\ntwo\nthree\n", true } } },
	{ "cleared once", 80, { { "old\nold\nold\n", true }, { "\x1b[2J\x1b[Hone\n", true }, { "two\n", true } } },
	{ "another spec-runner", 0, { { "spec-runner: 2 min without output\n", false }, { "spec-run", false }, { "ner: x\n", false },
				      { "spec-run\n", true }, { "spec-runner\n", true } } },
	{ "another spec-runner beside a spinner", 80, { { "|", true }, { "\r/", false }, { "\nspec-runner: x\n", true },
							{ "spec-runner: y\n", false } } },
	{ "modes", 80, { { "\x1b[?25l", false }, { "\x1b[?2026h\x1b[?2026l", false } } },
	{ "an accent", 80, { { "\xc3", true }, { "\xa9", false }, { "e", true } } },
};

static void test_screens(void)
{
	for (size_t i = 0; i < sizeof(screens) / sizeof(*screens); i++) {
		struct progress_filter f;
		int wrong = -1;

		progress_filter_init(&f, screens[i].cols);
		for (int k = 0; k < 10 && screens[i].step[k].text; k++)
			if (progress_filter_bytes(&f, screens[i].step[k].text, strlen(screens[i].step[k].text)) !=
				    screens[i].step[k].counts && wrong < 0)
				wrong = k + 1;
		ok(wrong < 0, "%s (step %d)", screens[i].name, wrong);
	}
}

/* However the bytes are cut into reads: the same verdict for the whole. */
static void test_cut(void)
{
	unsigned seed = 4711;
	int bad = 0;

	for (int round = 0; round < 20000 && bad < 3; round++) {
		static const char *const parts[] = { "a", "spec-runner: ", "\n", "\r", "\b", "\x1b[2A", "\x1b[K", "text", "\x1b[H",
						     "\x1b]0;t\x07", "\xc3\xa9", "\x1b[1B", "\t", "\x1b[31m" };
		char text[256] = "";
		struct progress_filter whole, cut;
		bool one = false, many = false;
		size_t n;

		for (int i = 0; i < 12; i++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s",
				 parts[((seed = seed * 1103515245u + 12345u) >> 16) % 14]);
		n = strlen(text);
		progress_filter_init(&whole, round % 2 ? 10 : 0);
		cut = whole;
		one = progress_filter_bytes(&whole, text, n);
		for (size_t i = 0; i < n; i++)
			many |= progress_filter_bytes(&cut, text + i, 1);
		if (one == many && whole.col == cut.col && whole.width == cut.width && whole.above == cut.above &&
		    whole.painted_over == cut.painted_over && whole.own_line == cut.own_line && whole.matched == cut.matched)
			continue;
		bad++;
		for (size_t i = 0; i < n; i++)
			printf("%s%02x%s", i ? " " : "# ", (unsigned char)text[i], i + 1 < n ? "" : "\n");
	}
	ok(bad == 0, "20000 texts, whole and byte by byte");
}

int main(void)
{
	test_screens();
	test_cut();
	return tap_done();
}
