/* SPDX-License-Identifier: Apache-2.0 */
/* sources.c - the lines of source at the places that a report names, read once, when the run ends: whoever makes the
 * report again elsewhere gets the same bytes. */
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "findings/report.h"
#include "profile/lang/test_source.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE_FILE_BYTES ((size_t)1 << 20)
#define LINE_BYTES 400
#define TESTS_MAX 50
#define FINDINGS_READ_MAX 10

static bool is_there(const struct facts *to, const char *file, int64_t line)
{
	const struct fact_table *t = &to->table[FACT_SOURCE];

	for (size_t i = 0; i < t->n; i++)
		if (fact_int(t->rows[i], FC_SOURCE_line, 0) == line &&
		    strcmp(fact_text(t->rows[i], FC_SOURCE_file), file) == 0)
			return true;
	return false;
}

/* The test around a line, of languages whose tests are calls. Caller frees; NULL none. */
static char *test_around(const char *file, const char *text, int64_t line)
{
	static const char *const javascript[] = { ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx" };

	if (line > INT_MAX)
		return NULL;
	for (size_t i = 0; i < sizeof(javascript) / sizeof(*javascript); i++)
		if (str_ends(file, javascript[i]))
			return test_source_javascript(text, (int)line);
	return str_ends(file, ".rb") ? test_source_ruby(text, (int)line) : NULL;
}

static void row_add(struct facts *to, const char *file, int64_t line, const char *text, size_t n, const char *test)
{
	auto_free char *plain = xstrndup(text, n < LINE_BYTES ? n : LINE_BYTES);
	struct fact_row *r = is_there(to, file, line) ? NULL : fact_add(to, FACT_SOURCE, "", "");

	if (!r)
		return;
	fact_set_text(to, r, FC_SOURCE_file, file);
	fact_set_int(r, FC_SOURCE_line, line);
	fact_set_text(to, r, FC_SOURCE_text, plain);
	if (test)
		fact_set_text(to, r, FC_SOURCE_test, test);
}

/* The line meant and its neighbours. A file that cannot be read, or is no text, gives nothing. */
static void place_read(struct facts *to, const char *file, int64_t line)
{
	auto_free char *text = NULL, *test = NULL;
	size_t n = 0;
	int64_t at = 1;
	struct err none;

	if (!*file || line < 1 || file_read(file, SOURCE_FILE_BYTES, &text, &n, &none) < 0 || memchr(text, 0, n))
		return;
	test = test_around(file, text, line);
	for (const char *p = text, *end; p < text + n && at <= line + 1; p = end + 1, at++) {
		end = memchr(p, '\n', (size_t)(text + n - p));
		end = end ? end : text + n;
		if (at >= line - 1)
			row_add(to, file, at, p, (size_t)(end - p), at == line ? test : NULL);
	}
}

void report_sources(const struct report *r, struct facts *to)
{
	struct report_failures l;

	report_failures_get(&l, r->facts);
	for (size_t i = 0; i < l.n && i < TESTS_MAX; i++)
		place_read(to, fact_text(l.rows[i], FC_CASE_file), fact_int(l.rows[i], FC_CASE_line, 0));
	report_failures_release(&l);
	for (size_t i = 0; i < r->findings->n && i < FINDINGS_READ_MAX; i++) {
		auto_free char *file = NULL;
		int64_t line;

		if (report_split_location(r->findings->v[i]->location, &file, &line))
			place_read(to, file, line);
	}
}

const char *report_test_by_source(const struct facts *f, const char *location)
{
	const struct fact_table *t = &f->table[FACT_SOURCE];
	auto_free char *file = NULL;
	int64_t line;

	if (!report_split_location(location, &file, &line))
		return NULL;
	for (size_t i = 0; i < t->n; i++)
		if (fact_int(t->rows[i], FC_SOURCE_line, 0) == line && *fact_text(t->rows[i], FC_SOURCE_test) &&
		    strcmp(fact_text(t->rows[i], FC_SOURCE_file), file) == 0)
			return fact_text(t->rows[i], FC_SOURCE_test);
	return NULL;
}
