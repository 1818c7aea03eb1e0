/* SPDX-License-Identifier: Apache-2.0 */
/* gather_tail.c - the end of the command's output, as lines. It was redacted before it was written;
 * what each line shows by itself is redacted again, as all texts of rows are. */
#include "evidence/gather.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/plain.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define TAIL_FILE_BYTES ((size_t)64 << 20)
#define TAIL_LINES 200
#define TAIL_LINE_BYTES 2000

/* Where the last `lines` lines of text[0..n) begin; *before: lines that stand before. */
static size_t last_lines(const char *text, size_t n, size_t lines, size_t *before)
{
	size_t all = 0, skip;
	const char *p = text;

	for (size_t i = 0; i < n; i++)
		all += text[i] == '\n';
	all += n && text[n - 1] != '\n';
	*before = skip = all > lines ? all - lines : 0;
	while (skip--)
		p = (const char *)memchr(p, '\n', n - (size_t)(p - text)) + 1;
	return (size_t)(p - text);
}

/* What was printed last, as far as two streams tell: a line without its end is a question that waits for an answer. */
static void mark_last(struct fact_row *const last[2], const bool open[2])
{
	struct fact_row *r = open[1] && !open[0] ? last[1] : last[0] ? last[0] : last[1];

	if (r)
		fact_set_bool(r, FC_TAIL_last, true);
}

/* --- the same again and again --- */

enum { REPEAT_LINES_MAX = 6, REPEATS_MIN = 5 };

/* A line that says itself that it tries again: the numbers in it count tries, not what was done. */
static bool says_again(const char *line)
{
	static const char *const words[] = { "retry", "retri", "attempt", "waiting", "still ", "again", "refused",
					     "not ready" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasestr(line, words[i]))
			return true;
	return false;
}

/* Are they the same? Times of the day may differ, other numbers only where they count tries: a counter is progress. */
static bool alike(const char *a, const char *b)
{
	bool again = says_again(a);

	for (;;) {
		if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
			size_t na = strspn(a, "0123456789.,:"), nb = strspn(b, "0123456789.,:");

			if (again || (memchr(a, ':', na) && memchr(b, ':', nb))) {
				a += na;
				b += nb;
				continue;
			}
		}
		if (*a != *b)
			return false;
		if (!*a)
			return true;
		a++;
		b++;
	}
}

/* The shortest group of lines that the end of the stream says over and over, and how often. */
static void find_repeats(struct facts *f, const struct fact_row *const *line, size_t n)
{
	struct fact_row *out = gather_single(f, FACT_OUTPUT);

	for (size_t group = 1; group <= REPEAT_LINES_MAX && group * REPEATS_MIN <= n; group++) {
		size_t same = group;

		while (same < n && alike(fact_text(line[n - 1 - same], FC_TAIL_text),
					 fact_text(line[n - 1 - same + group], FC_TAIL_text)))
			same++;
		if (same / group < REPEATS_MIN || (int64_t)(same / group) <= fact_int(out, FC_OUTPUT_repeats, 0))
			continue;
		for (size_t i = 1; i <= group; i++) {
			const char *text = fact_text(line[n - i], FC_TAIL_text);

			/* ticks and dots are how long work shows that it lives */
			if (!says_again(text))
				continue;
			fact_set_int(out, FC_OUTPUT_repeats, (int64_t)(same / group));
			fact_set_int(out, FC_OUTPUT_repeat_lines, (int64_t)group);
			fact_set_text(f, out, FC_OUTPUT_repeat_text, text);
			return;
		}
	}
}

/* How much of the tail had been printed before the first signal: what comes after it answers that. */
static size_t before_signal(struct facts *f, enum fact_col total, enum fact_col at_signal, size_t n)
{
	const struct fact_row *out = gather_single(f, FACT_OUTPUT);
	int64_t after;

	if (!fact_get(out, at_signal)->known || !fact_get(out, total)->known)
		return n;
	after = fact_int(out, total, 0) - fact_int(out, at_signal, 0);
	return after > 0 && (size_t)after <= n ? n - (size_t)after : n;
}

/* A question that its program had kept in a buffer until it was ended; other words then are an answer to the signal. */
static bool was_kept_back(const char *text, bool nothing_before)
{
	return nothing_before && strchr(text, '?');
}

static void tail_read(struct facts *f, const char *dir, const char *run_id, const char *stream,
		      struct fact_row **last, bool *open)
{
	const struct fact_row *rows[TAIL_LINES];
	bool is_out = strcmp(stream, "stdout") == 0;
	size_t asked, kept = 0;
	auto_free char *shown = xasprintf("raw/%s/%s.tail", run_id, stream), *path = NULL, *text = NULL;
	const char *file = facts_strn(f, shown, strlen(shown));
	size_t n, at, before;
	struct err none;

	path = xasprintf("%s/%s.tail", dir, stream);
	if (file_read(path, TAIL_FILE_BYTES, &text, &n, &none) < 0)
		return; /* a run without output, or at a level that keeps none, has no such file */
	asked = before_signal(f, is_out ? FC_OUTPUT_stdout_bytes : FC_OUTPUT_stderr_bytes,
			      is_out ? FC_OUTPUT_stdout_at_signal : FC_OUTPUT_stderr_at_signal, n);
	*open = asked && text[asked - 1] != '\n';
	at = last_lines(text, n, TAIL_LINES, &before);
	while (at < n) {
		const char *end = memchr(text + at, '\n', n - at);
		size_t len = end ? (size_t)(end - text) - at : n - at;
		auto_free char *line = xstrndup(text + at, len < TAIL_LINE_BYTES ? len : TAIL_LINE_BYTES);
		struct fact_row *r = fact_add(f, FACT_TAIL, file, "");

		if (!r)
			return;
		for (char *cr = line + strlen(line); cr > line && cr[-1] == '\r'; cr--)
			cr[-1] = '\0';
		line[plain_text(line, strlen(line), line)] = '\0'; /* colours say nothing to whoever reads rows */
		fact_set_text(f, r, FC_TAIL_stream, stream);
		fact_set_int(r, FC_TAIL_number, (int64_t)++before);
		fact_set_text(f, r, FC_TAIL_text, line);
		if (line[strspn(line, " \t")] && (at < asked || was_kept_back(line, is_out && !asked)))
			*last = r;
		if (at < asked && kept < TAIL_LINES)
			rows[kept++] = r;
		at += len + 1;
	}
	find_repeats(f, rows, kept);
}

void gather_tails(struct facts *f, const char *dir, const char *run_id)
{
	struct fact_row *last[2] = { NULL, NULL };
	bool open[2] = { false, false };

	tail_read(f, dir, run_id, "stdout", &last[0], &open[0]);
	tail_read(f, dir, run_id, "stderr", &last[1], &open[1]);
	mark_last(last, open);
}
