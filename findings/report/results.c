/* SPDX-License-Identifier: Apache-2.0 */
/* results.c - the formats of test results, and the words that they share. */
#include "findings/report/results.h"

#include "base/clock.h"

#include <inttypes.h>
#include <string.h>

const struct results_format results_formats[] = {
	{ "junit", "the tests of the run as JUnit XML", results_junit },
	{ "tap", "the tests of the run as TAP 13", results_tap },
	{ "tap14", "the tests of the run as TAP 14", results_tap14 },
	{ "tests-json", "the tests of the run as JSON", results_json },
	{ NULL, NULL, NULL },
};

const struct results_format *results_format_find(const char *name)
{
	for (const struct results_format *f = results_formats; f->name; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

void results_row_message(const struct results_row *r, struct str *out)
{
	switch (r->result) {
	case RESULTS_NEVER_STARTED:
		if (r->kind == RESULTS_ROW_NEVER_STARTED)
			str_addf(out, "never started: %" PRIu64 " of %" PRIu64 "%s%s", r->count, r->plan,
				 *r->message ? "; " : "", r->message);
		else
			str_add(out, "never started");
		break;
	case RESULTS_UNFINISHED:
		if (r->kind == RESULTS_ROW_TEST)
			str_addf(out, "did not end: %s", r->reason);
		else
			str_add(out, *r->message ? r->message : r->reason);
		break;
	case RESULTS_UNKNOWN: str_add(out, "it ended; its tool did not say how"); break;
	case RESULTS_XFAIL: str_add(out, "failed as expected"); break;
	case RESULTS_SKIP: str_add(out, "skipped"); break;
	case RESULTS_PASS: break;
	case RESULTS_FLAKY: case RESULTS_FAIL: case RESULTS_ERROR: case RESULTS_COUNT:
		str_add(out, *r->message ? r->message : results_result_text[r->result]);
		break;
	}
}

static void story_line(struct str *out)
{
	if (out->len)
		str_addc(out, '\n');
}

void results_row_story(const struct results *t, const struct results_row *r, struct str *out)
{
	results_row_message(r, out);
	if (r->kind == RESULTS_ROW_TEST && r->result == RESULTS_UNFINISHED) {
		story_line(out);
		str_addf(out, "It had been running for %.3f s, since %.3f s after the run began",
			 (double)r->ran_ns / NS_PER_S, (double)r->start_ns / NS_PER_S);
		if (*r->message)
			str_addf(out, "; %s", r->message);
		str_addc(out, '.');
	}
	if (r->kind == RESULTS_ROW_COMMAND && r->command >= 0 && t->commands[r->command].last_row >= 0 &&
	    r->result != RESULTS_PASS) {
		const struct results_row *last = &t->rows[t->commands[r->command].last_row];

		story_line(out);
		str_addf(out, "The last of its tests that ended: %s::%s", last->suite, last->name);
	}
	if (*t->pattern_id && r->result == RESULTS_UNFINISHED) {
		story_line(out);
		str_addf(out, "%s: %s", t->pattern_id, t->finding);
		if (*t->location)
			str_addf(out, "\nPlace: %s", t->location);
	}
	if (r->kind != RESULTS_ROW_TEST || (!*r->output && r->command < 0) || r->result == RESULTS_PASS ||
	    (!*r->output && r->result != RESULTS_FAIL && r->result != RESULTS_ERROR))
		return;
	story_line(out);
	if (*r->output)
		str_add(out, r->output);
	else
		str_addf(out, "What it printed is in the output of: %s", t->commands[r->command].name);
}
