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

static bool is_bad(const struct fact_row *r)
{
	return strcmp(fact_text(r, FC_CASE_status), "ok") != 0;
}

/* Did this file add it? Others have a time. */
static bool is_added(const struct fact_row *r)
{
	return is_bad(r) && !fact_get(r, FC_CASE_started_ms)->known;
}

/* A tool may say only at its end which of the tests that it named had failed (phpunit --debug): until then
 * they count as passed. So where no test is known to have failed, this is one. */
static struct fact_row *row_add(struct facts *f, const struct json_value *attrs)
{
	const struct fact_table *t = &f->table[FACT_CASE];
	struct fact_row *r;

	for (size_t i = 0; i < t->n; i++)
		if (is_bad(t->rows[i]) && !is_added(t->rows[i]))
			return NULL;
	r = fact_add(f, FACT_CASE, GATHER_TRACE_NAME, "");
	if (!r)
		return NULL;
	put_text(f, r, FC_CASE_case_id, attrs, "case_id");
	put_text(f, r, FC_CASE_suite, attrs, "suite");
	put_text(f, r, FC_CASE_dialect, attrs, "dialect");
	fact_set_text(f, r, FC_CASE_status, "error");
	fact_set_text(f, r, FC_CASE_result, "fail");
	fact_set_bool(r, FC_CASE_running, false);
	return r;
}

void gather_failure(struct facts *f, const struct json_value *attrs)
{
	const char *test = json_get_text(attrs, "case_id"), *suite = json_get_text(attrs, "suite");
	const char *message = json_get_text(attrs, "message");
	bool output = json_get_text(attrs, "output") != NULL, last = is_kind(json_get(attrs, "last"), JSON_TRUE);
	struct fact_row *r = test ? row_named(f, test, suite ? suite : "", output) : NULL;

	if (!r && test)
		r = row_named(f, test, "", output);
	if (!r && test && *test && output)
		r = row_add(f, attrs);
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
	struct fact_row *run = gather_single(f, FACT_RUN);
	bool named_bad = false;
	int64_t added = 0;

	for (size_t i = 0; i < t->n; i++)
		named_bad |= !fact_bool(t->rows[i], FC_CASE_container) &&
			     strcmp(fact_text(t->rows[i], FC_CASE_status), "ok") != 0;
	for (size_t i = 0; i < t->n; i++) {
		struct fact_row *r = t->rows[i];
		bool bad = is_bad(r);
		bool whole = fact_bool(r, FC_CASE_container) && named && (!bad || named_bad);

		fact_set_bool(r, FC_CASE_counted, !fact_bool(r, FC_CASE_nested) && !whole);
		added += is_added(r);
	}
	if (added && fact_int(run, FC_RUN_tests_passed, 0) >= added) {
		fact_set_int(run, FC_RUN_tests_passed, fact_int(run, FC_RUN_tests_passed, 0) - added);
		fact_set_int(run, FC_RUN_tests_failed, fact_int(run, FC_RUN_tests_failed, 0) + added);
	}
}
