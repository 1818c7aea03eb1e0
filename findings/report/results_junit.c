/* SPDX-License-Identifier: Apache-2.0 */
/* results_junit.c - JUnit XML of a run's tests. A test that ran when its command was ended is an <error> whose
 * type is the reason token; one that is known by its number only is a skipped testcase "never started". */
#include "findings/report/junit_xml.h"
#include "findings/report/results.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void count_suite(struct junit_counts *sum, const uint64_t count[RESULTS_COUNT])
{
	sum->failures += count[RESULTS_FAIL];
	sum->errors += count[RESULTS_ERROR] + count[RESULTS_UNFINISHED];
	sum->skipped += count[RESULTS_SKIP] + count[RESULTS_XFAIL] + count[RESULTS_UNKNOWN] +
			count[RESULTS_NEVER_STARTED];
}

static void add_result(const struct results *t, const struct results_row *r, struct str *out)
{
	auto_str message = STR_INIT;
	auto_str story = STR_INIT;

	results_row_message(r, &message);
	switch (r->result) {
	case RESULTS_PASS:
		break;
	case RESULTS_SKIP: case RESULTS_XFAIL: case RESULTS_UNKNOWN: case RESULTS_NEVER_STARTED:
		junit_skipped(out, str_cstr(&message));
		break;
	case RESULTS_FLAKY: case RESULTS_FAIL: case RESULTS_ERROR: case RESULTS_UNFINISHED: case RESULTS_COUNT:
		results_row_story(t, r, &story);
		junit_add_place(&story, r->file, r->line);
		junit_problem(out,
			      r->result == RESULTS_FLAKY ? "flakyFailure" :
			      r->result == RESULTS_FAIL ? "failure" : "error",
			      *r->reason ? r->reason : results_result_text[r->result], str_cstr(&message),
			      str_cstr(&story));
		break;
	}
}

/* The file that all tests of a suite stand in, or NULL. */
static const char *suite_file(const struct results *t, const struct results_suite *s)
{
	const char *file = t->rows[s->first].file;

	for (uint32_t i = s->first; i != UINT32_MAX; i = t->next_in_suite[i])
		if (strcmp(t->rows[i].file, file) != 0)
			return NULL;
	return *file ? file : NULL;
}

/* What the samplers found; no property where nobody sampled. */
static void add_sampled(const struct results_row *r, struct str *out)
{
	char cpu[32], wait[32];
	const struct junit_property properties[] = { { "cpu_ms", cpu }, { "wait_ms", wait }, { NULL, NULL } };

	if (r->cpu_ns < 0 || r->kind != RESULTS_ROW_TEST)
		return;
	snprintf(cpu, sizeof(cpu), "%.3f", (double)r->cpu_ns / 1e6);
	snprintf(wait, sizeof(wait), "%.3f", (double)(r->wait_ns > 0 ? r->wait_ns : 0) / 1e6);
	str_addc(out, '\n');
	junit_properties(out, 3, properties);
}

static void add_suite(const struct results *t, const struct results_suite *s, struct str *out)
{
	const struct results_command *c = s->command >= 0 ? &t->commands[s->command] : NULL;
	struct junit_suite suite = {
		.name = s->name, .timestamp = *t->started_at ? t->started_at : NULL,
		.sum = { .tests = s->rows, .time_ns = s->time_ns },
	};
	const struct results_row *first = &t->rows[s->first];
	const struct junit_property properties[] = {
		{ "run_id", t->run_id },
		{ "dialect", *first->dialect ? first->dialect : NULL },
		{ "command", c ? c->name : NULL },
		{ "file", suite_file(t, s) },
		{ "recording", t->complete ? NULL : "incomplete" },
		{ NULL, NULL },
	};

	count_suite(&suite.sum, s->count);
	junit_suite_begin(out, &suite);
	junit_properties(out, 2, properties);
	for (uint32_t i = s->first; i != UINT32_MAX; i = t->next_in_suite[i]) {
		const struct results_row *r = &t->rows[i];
		const struct junit_case what = {
			.classname = s->name, .name = r->name, .file = r->file, .file_too = t->for_gitlab,
			.time_ns = r->time_ns,
		};

		junit_case_begin(out, &what);
		add_sampled(r, out);
		add_result(t, r, out);
		junit_case_end(out);
	}
	junit_suite_end(out);
}

void results_junit(const struct results *t, struct str *out)
{
	struct junit_counts sum = { .tests = t->n_rows, .time_ns = t->duration_ns };

	for (size_t i = 0; i < t->n_suites; i++)
		count_suite(&sum, t->suites[i].count);
	junit_document_begin(out, &sum);
	for (size_t i = 0; i < t->n_suites; i++)
		add_suite(t, &t->suites[i], out);
	junit_document_end(out);
}
