/* SPDX-License-Identifier: Apache-2.0 */
/* gather_tail.c - the end of the command's output, as lines. It was redacted before it was written;
 * what each line shows by itself is redacted again, as all texts of rows are. */
#include "evidence/gather.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"

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

/* How much of the tail had been printed before the first signal: what comes after it answers that. */
static size_t before_signal(struct facts *f, enum fact_col total, enum fact_col at_signal, size_t n)
{
	const struct fact_row *out = gather_single(f, FACT_OUTPUT);
	int64_t after;

	if (!fact_get(out, at_signal)->known || !fact_get(out, total)->known)
		return n;
	after = fact_int(out, total, 0) - fact_int(out, at_signal, 0);
	return after > 0 && (size_t)after < n ? n - (size_t)after : n;
}

static void tail_read(struct facts *f, const char *dir, const char *run_id, const char *stream,
		      struct fact_row **last, bool *open)
{
	bool is_out = strcmp(stream, "stdout") == 0;
	size_t asked;
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
		fact_set_text(f, r, FC_TAIL_stream, stream);
		fact_set_int(r, FC_TAIL_number, (int64_t)++before);
		fact_set_text(f, r, FC_TAIL_text, line);
		if (line[strspn(line, " \t")] && (at < asked || !*last))
			*last = r;
		at += len + 1;
	}
}

void gather_tails(struct facts *f, const char *dir, const char *run_id)
{
	struct fact_row *last[2] = { NULL, NULL };
	bool open[2] = { false, false };

	tail_read(f, dir, run_id, "stdout", &last[0], &open[0]);
	tail_read(f, dir, run_id, "stderr", &last[1], &open[1]);
	mark_last(last, open);
}
