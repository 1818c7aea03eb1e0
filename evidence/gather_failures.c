/* SPDX-License-Identifier: Apache-2.0 */
/* gather_failures.c - why tests failed, and where: what dialects read (test.output of the trace) joins the row of
 * its test; then each row is told whether it is one of the tests that people count. */
#include "evidence/gather.h"
#include "evidence/gather_json.h"
#include "evidence/test_names.h"

#include <string.h>

/* The last failed test of that name; with `output` one that has no output yet: two tests may share a name. */
static struct fact_row *row_named(const struct facts *f, const char *test, const char *suite, bool output)
{
	const struct fact_table *t = &f->table[FACT_CASE];

	for (size_t i = t->n; *test && i-- > 0;) {
		struct fact_row *r = t->rows[i];

		if (strcmp(fact_text(r, FC_CASE_status), "ok") != 0 &&
		    !(output && fact_get(r, FC_CASE_output)->known) &&
		    test_names(test, suite, fact_text(r, FC_CASE_case_id), fact_text(r, FC_CASE_suite)))
			return r;
	}
	return NULL;
}

void gather_failure(struct facts *f, const struct json_value *attrs)
{
	const char *test = json_get_text(attrs, "case_id"), *suite = json_get_text(attrs, "suite");
	const char *message = json_get_text(attrs, "message");
	bool output = json_get_text(attrs, "output") != NULL, last = is_kind(json_get(attrs, "last"), JSON_TRUE);
	struct fact_row *r = test ? row_named(f, test, suite ? suite : "", output) : NULL;

	if (!r && test)
		r = row_named(f, test, "", output);
	if (!r)
		return;
	if (output)
		put_text(f, r, FC_CASE_output, attrs, "output");
	/* a summary's line is often cut to the width of a terminal: what stands in the output goes first */
	if (message && *message && (output || last || !fact_get(r, FC_CASE_message)->known))
		fact_set_text(f, r, FC_CASE_message, message);
	if (json_get_text(attrs, "file") && (output || last || fact_int(r, FC_CASE_line, 0) == 0)) {
		put_text(f, r, FC_CASE_file, attrs, "file");
		put_int(r, FC_CASE_line, attrs, "line");
	}
}

void gather_failures_end(struct facts *f, bool named)
{
	const struct fact_table *t = &f->table[FACT_CASE];
	bool named_bad = false;

	for (size_t i = 0; i < t->n; i++)
		named_bad |= !fact_bool(t->rows[i], FC_CASE_container) &&
			     strcmp(fact_text(t->rows[i], FC_CASE_status), "ok") != 0;
	for (size_t i = 0; i < t->n; i++) {
		struct fact_row *r = t->rows[i];
		bool bad = strcmp(fact_text(r, FC_CASE_status), "ok") != 0;
		bool whole = fact_bool(r, FC_CASE_container) && named && (!bad || named_bad);

		fact_set_bool(r, FC_CASE_counted, !fact_bool(r, FC_CASE_nested) && !whole);
	}
}
