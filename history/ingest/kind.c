/* SPDX-License-Identifier: Apache-2.0 */
/* kind.c - what is this file? By its first bytes and lines, never by its name. */
#include "history/ingest/fold.h"
#include "history/ingest/hiperf.h"
#include "history/ingest/hitrace.h"
#include "history/ingest/ingest.h"

#include <string.h>

#define LOOKED_AT_LINES 200

bool ingest_kind_known(const char *kind)
{
	return artifact_kind_find(kind)->name != NULL;
}

static int refuse(const char *text, size_t n, const char *name, struct err *e)
{
	static const struct { const char *magic; size_t n; const char *say; } known[] = {
		{ "PERFILE2", 8, "is perf.data: convert it first (perf script > FILE, or hiperf report -i IN -o FILE)" },
		{ "2ELIFREP", 8, "is perf.data: convert it first (perf script > FILE)" },
		{ "OHOSPROF", 8, "is binary hitrace: write it as text (hitrace --text)" },
		{ "file_header:", 12, "is a raw trace: write it as text (hitrace --text)" },
		{ "\x78\x9c", 2, "is a packed trace: unpack it first" },
		{ "\x1f\x8b", 2, "is compressed by gzip: unpack it first" },
		{ "\x28\xb5\x2f\xfd", 4, "is compressed by zstd: unpack it first" },
		{ "PK\x03\x04", 4, "is a zip archive: unpack it first" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (n >= known[i].n && memcmp(text, known[i].magic, known[i].n) == 0)
			return err_set(e, ERR_USAGE, "%s: %s", name, known[i].say);
	return 0;
}

static bool has(const char *text, size_t n, const char *word)
{
	return memmem(text, n < 65536 ? n : 65536, word, strlen(word));
}

static const char *kind_of_json(const char *text, size_t n)
{
	if (has(text, n, "\"recordSampleInfo\""))
		return "hiperf";
	if (has(text, n, "\"run_id\"") && has(text, n, "\"started_at\""))
		return "trace";
	if (has(text, n, "\"frames\"") || has(text, n, "\"traceEvents\"") ||
	    (has(text, n, "\"ts\"") && has(text, n, "\"dur\"")))
		return "flamegraph";
	return NULL;
}

/* By votes of the first lines. */
static const char *kind_of_lines(const char *text, size_t n)
{
	size_t ftrace = 0, perf = 0, folded = 0, lines = 0, stack;
	double weight;

	for (size_t at = 0; at < n && lines < LOOKED_AT_LINES;) {
		const char *line = text + at, *end = memchr(line, '\n', n - at);
		size_t len = end ? (size_t)(end - line) : n - at;

		at += len + 1;
		if (len && line[len - 1] == '\r')
			len--;
		if (!len || line[0] == '#')
			continue;
		lines++;
		if (hitrace_is_event(line, len))
			ftrace++;
		if (line[0] != ' ' && line[0] != '\t' && len < 4096 && fold_is_event(line, len))
			perf++;
		else if (folded_line(line, len, &stack, &weight))
			folded++;
	}
	if (ftrace * 2 > lines)
		return "hitrace";
	if (perf)
		return "perf-script";
	return folded && folded * 2 > lines ? "folded" : NULL;
}

static bool is_frame_csv(const char *text, size_t n)
{
	size_t head = strcspn(text, "\n");

	return head < n && memmem(text, head, "ts", 2) && memmem(text, head, "dur", 3) && !memchr(text, '[', head);
}

const char *ingest_kind_of(const char *text, size_t n, const char *name, struct err *e)
{
	size_t blank = strspn(text, " \t\r\n\xef\xbb\xbf");
	const char *kind = NULL;

	if (refuse(text, n, name, e) < 0)
		return NULL;
	if (text[blank] == '{' || text[blank] == '[')
		kind = kind_of_json(text, n);
	else if (hiperf_is_report(text, n))
		kind = "hiperf";
	else if (text[blank] == '<')
		kind = has(text, n, "<testsuite") || has(text, n, "<testcase") ? "junit" : NULL;
	else if (has(text, n, "# tracer:"))
		kind = "hitrace";
	else if (is_frame_csv(text, n))
		kind = "flamegraph";
	else
		kind = kind_of_lines(text, n);
	if (!kind)
		err_set(e, ERR_USAGE, "%s: cannot tell what kind of file this is; name it with --kind:"
			" trace, junit, hitrace, hiperf,"
				" flamegraph, perf-script, "
			"folded, or a kind that is only kept", name);
	return kind;
}
