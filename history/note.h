/* SPDX-License-Identifier: Apache-2.0 */
/* note.h - what the history knows of what just happened, in a line each: for the console, report.md, report.html. */
#ifndef HISTORY_NOTE_H
#define HISTORY_NOTE_H

#include "history/record.h"

struct note_request {
	struct store *s;
	const struct record_result *run; /* recorded already */
	bool quiet;
	int64_t now_real_ns;
};

/* Appends lines to out. Where the run has a folder of findings: history.json there ({version, run_id, lines}), and a
 * section at the end of report.md. What cannot be read or written is left out: nothing of it may fail a run. */
void note_write(const struct note_request *q, struct str *out);
/* One line about the tests that failed in a run, by their state. tests_failed: how many, 0 says nothing. */
void note_tests(struct store *s, const char *run_id, uint64_t tests_failed, int64_t now_real_ns, struct str *out);

#endif
