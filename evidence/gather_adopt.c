/* SPDX-License-Identifier: Apache-2.0 */
/* gather_adopt.c - a test that failed, and what the output says elsewhere: the stack of the process that it took with
 * it, the race that was found in it, the last words of its file. Joined only where one names the other. */
#include "base/mem.h"
#include "base/str.h"
#include "evidence/gather.h"
#include "evidence/test_names.h"

#include <string.h>

static bool is_kind(const struct fact_row *r, const char *kind)
{
	return strcmp(fact_text(r, FC_FAILURE_kind), kind) == 0;
}

/* Does the path end with that file, whole components of it? */
static bool is_file(const char *path, const char *file)
{
	size_t n = strlen(path), m = strlen(file);

	return m && n >= m && strcmp(path + n - m, file) == 0 && (n == m || path[n - m - 1] == '/');
}

/* A file of tests that died: its last words are its reason. Its tool (prove; node --test) knows no more than that. */
static bool died(const struct fact_row *test)
{
	const char *message = fact_text(test, FC_CASE_message);

	return (strstr(message, "Wstat:") && strstr(message, "Failed: 0")) || strcmp(message, "test failed") == 0;
}

static bool means(const struct fact_row *failure, const struct fact_row *test)
{
	const char *name = fact_text(failure, FC_FAILURE_test), *id = fact_text(test, FC_CASE_case_id);

	if (*name && fact_get(failure, FC_FAILURE_line)->known) {
		auto_free char *plain = xstrndup(id, strcspn(id, "[")); /* without the parameters of pytest */

		return test_names(plain, "", name, "") || test_names(name, "", plain, "");
	}
	return died(test) && (is_file(fact_text(failure, FC_FAILURE_file), id) ||
			      (*id == '/' && strstr(fact_text(failure, FC_FAILURE_message), id)));
}

static const struct fact_row *failure_of(const struct facts *f, const struct fact_row *test)
{
	const struct fact_table *t = &f->table[FACT_FAILURE];
	const struct fact_row *found = NULL;

	for (size_t i = 0; i < t->n; i++) {
		if (!means(t->rows[i], test))
			continue;
		if (is_kind(t->rows[i], "sanitizer") || is_kind(t->rows[i], "crash"))
			return t->rows[i]; /* what follows it may follow from it */
		found = t->rows[i];
	}
	return found;
}

static void adopt(struct facts *f, struct fact_row *test, const struct fact_row *r)
{
	const char *type = fact_text(r, FC_FAILURE_type), *message = fact_text(r, FC_FAILURE_message);
	auto_free char *text = xasprintf("%s%s%s", type, *type && *message ? ": " : "", message);

	if (*text && (!*fact_text(test, FC_CASE_message) || died(test)))
		fact_set_text(f, test, FC_CASE_message, text);
	if (!fact_get(r, FC_FAILURE_line)->known)
		return;
	fact_set_text(f, test, FC_CASE_file, fact_text(r, FC_FAILURE_file));
	fact_set_int(test, FC_CASE_line, fact_int(r, FC_FAILURE_line, 0));
}

/* The one test that ran when its command ended by an exit code; NULL where there was none, or another beside it. */
static struct fact_row *cut_off(struct facts *f)
{
	static const char begin[] = "the command ended with exit code ", end[] = " while it ran";
	const struct fact_table *t = &f->table[FACT_CASE];
	struct fact_row *found = NULL;

	for (size_t i = 0; i < t->n; i++) {
		const char *message = fact_text(t->rows[i], FC_CASE_message);
		size_t n = strlen(message);

		if (strncmp(message, begin, sizeof(begin) - 1) != 0 || n < sizeof(end) ||
		    strcmp(message + n - sizeof(end) + 1, end) != 0)
			continue;
		if (found)
			return NULL;
		found = t->rows[i];
	}
	return found;
}

/* A tool that survives the process of its tests (cargo, go) says at its end what that died of: it was the test that ran. */
static void adopt_death(struct facts *f)
{
	enum { NEAR_THE_END = 60 };
	struct fact_row *test = cut_off(f);
	const struct fact_table *t = &f->table[FACT_FAILURE];

	for (size_t i = 0; test && i < t->n; i++) {
		struct fact_row *r = t->rows[i];

		if (!is_kind(r, "crash") || !fact_bool(r, FC_FAILURE_last) || *fact_text(r, FC_FAILURE_test) ||
		    fact_int(r, FC_FAILURE_lines_after, 0) > NEAR_THE_END || !*fact_text(r, FC_FAILURE_message))
			continue;
		fact_set_text(f, r, FC_FAILURE_test, fact_text(test, FC_CASE_case_id));
		adopt(f, test, r);
		fact_set_text(f, test, FC_CASE_message, fact_text(r, FC_FAILURE_message));
		return;
	}
}

void gather_adopt(struct facts *f)
{
	const struct fact_table *t = &f->table[FACT_CASE];

	for (size_t i = 0; i < t->n; i++) {
		const char *result = fact_text(t->rows[i], FC_CASE_result);
		const struct fact_row *r;

		if (strcmp(result, "fail") != 0 && strcmp(result, "error") != 0)
			continue;
		if (fact_int(t->rows[i], FC_CASE_line, 0) > 0 && !died(t->rows[i]))
			continue;
		r = failure_of(f, t->rows[i]);
		if (r)
			adopt(f, t->rows[i], r);
	}
	adopt_death(f);
}
