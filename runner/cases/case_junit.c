/* SPDX-License-Identifier: Apache-2.0 */
/* case_junit.c - the results of cases as JUnit XML. */
#include "base/clock.h"
#include "findings/report/junit_xml.h"
#include "runner/cases/case_out.h"

#include <string.h>

static void add_output(struct str *body, const char *label, const char *text)
{
	if (text && *text)
		str_addf(body, "\n%s:\n%s%s", label, text, text[strlen(text) - 1] == '\n' ? "" : "\n");
}

/* Why, what it printed, where it stands: GitLab shows the body alone. */
static void add_problem(struct str *out, const char *element, const struct spec_case *c, const struct case_outcome *o)
{
	const char *why = o->message ? o->message : case_result_text[o->result];
	auto_str body = STR_INIT;

	str_add(&body, why);
	add_output(&body, "stdout", o->out);
	add_output(&body, "stderr", o->err);
	junit_add_place(&body, c->file, c->line);
	junit_problem(out, element, case_result_text[o->result], why, str_cstr(&body));
}

static void add_result(struct str *out, const struct spec_case *c, const struct case_outcome *o)
{
	switch (o->result) {
	case CASE_PASS: case CASE_RESULT_COUNT:
		break;
	case CASE_FLAKY:
		add_problem(out, "flakyFailure", c, o);
		break;
	case CASE_NOT_STARTED:
		junit_skipped(out, "never started");
		break;
	case CASE_ENDED: case CASE_CANCELLED: case CASE_RUNNING:
		add_problem(out, "error", c, o);
		break;
	case CASE_FAIL:
		add_problem(out, "failure", c, o);
		for (unsigned i = 1; i < o->attempts; i++)
			junit_problem(out, "rerunFailure", case_result_text[o->result], o->message ? o->message : "", NULL);
	}
}

static void add_case(struct str *out, const struct spec_case *c, const struct case_outcome *o, bool for_gitlab)
{
	auto_str name = STR_INIT;
	struct junit_case what = { .classname = c->suite, .file = c->file, .file_too = for_gitlab,
				   .time_ns = o->duration_ns };

	str_addf(&name, "%s%s%s", c->id, *c->title ? " " : "", c->title);
	what.name = str_cstr(&name);
	junit_case_begin(out, &what);
	add_result(out, c, o);
	junit_output(out, "system-out", o->out);
	junit_output(out, "system-err", o->err);
	junit_case_end(out);
}

/* One suite: the cases of its name, in their order; NULL: all. file: that all of them stand in, or NULL. */
static void sum_suite(const struct case_work *w, uint32_t total, const char *suite, struct junit_counts *sum,
		      const char **file)
{
	struct case_outcome o;

	*sum = (struct junit_counts){ 0 };
	for (uint32_t i = 0; i < total; i++) {
		const struct spec_case *c = case_work_case(w, i);

		if (suite && strcmp(c->suite, suite) != 0)
			continue;
		case_work_outcome(w, i, &o);
		if (!sum->tests)
			*file = c->file;
		else if (*file && strcmp(*file, c->file) != 0)
			*file = NULL;
		sum->tests++;
		sum->failures += o.result == CASE_FAIL;
		sum->errors += o.result == CASE_ENDED || o.result == CASE_CANCELLED || o.result == CASE_RUNNING;
		sum->skipped += o.result == CASE_NOT_STARTED;
		sum->time_ns += o.duration_ns;
	}
}

/* Suites in the order of their first case. Those that were written are known by their name's address:
 * all cases of a file share it. */
static bool suite_is_new(const struct case_work *w, uint32_t at)
{
	const char *suite = case_work_case(w, at)->suite;

	for (uint32_t i = at; i-- > 0;)
		if (case_work_case(w, i)->suite == suite || strcmp(case_work_case(w, i)->suite, suite) == 0)
			return false;
	return true;
}

static void add_suite(struct str *out, const struct case_work *w, uint32_t first, uint32_t total, bool for_gitlab)
{
	const char *name = case_work_case(w, first)->suite, *file = NULL;
	struct junit_suite suite = { .name = name };
	struct junit_property properties[] = { { "file", NULL }, { NULL, NULL } };
	struct case_outcome o;

	sum_suite(w, total, name, &suite.sum, &file);
	properties[0].value = file;
	junit_suite_begin(out, &suite);
	junit_properties(out, 2, properties);
	for (uint32_t i = first; i < total; i++) {
		if (strcmp(case_work_case(w, i)->suite, name) != 0)
			continue;
		case_work_outcome(w, i, &o);
		add_case(out, case_work_case(w, i), &o, for_gitlab);
	}
	junit_suite_end(out);
}

void case_junit_write(struct str *out, const struct case_work *w, int64_t duration_ns, bool for_gitlab)
{
	struct junit_counts sum;
	struct case_totals t;
	const char *file = NULL;

	case_work_totals(w, &t);
	sum_suite(w, t.cases, NULL, &sum, &file);
	sum.time_ns = duration_ns;
	junit_document_begin(out, &sum);
	for (uint32_t i = 0; i < t.cases; i++)
		if (suite_is_new(w, i))
			add_suite(out, w, i, t.cases, for_gitlab);
	junit_document_end(out);
}
