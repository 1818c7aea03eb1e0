/* SPDX-License-Identifier: Apache-2.0 */
/* status.h - the words of the status lines. Pure; names are to be redacted by the caller. */
#ifndef RUNNER_UI_STATUS_H
#define RUNNER_UI_STATUS_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATUS_TESTS_MAX 8

struct status_test {
	const char *name;
	int64_t start_ns;
};

struct status_view {
	int64_t now_ns, start_ns;
	int64_t last_output_ns;       /* TIME_NEVER: none yet */
	const char *step;             /* of a gate, or NULL */
	const char *noun;             /* "tests" or "cases"; NULL: it is not known what the output says */
	uint64_t done, failed, skipped;
	int64_t total;                /* -1: no plan is known */
	uint64_t running;             /* of them; test[] holds the oldest */
	const char *after;            /* where a test is named at its end only: the last one; else NULL or "" */
	size_t processes;
	int64_t usual_ns;             /* how long such a run takes, by the history; 0: not known */
	struct status_test test[STATUS_TESTS_MAX];
	size_t n_tests;
};

struct status_style {
	unsigned rows, cols;
	bool unicode, color;
};

/* "7s", "1m03s", "2h05m". */
void status_age(struct str *out, int64_t ns);

/* First what is done, then a line each running test; each narrower than the window. Narrow or flat windows get
 * less, very small ones nothing. */
void status_lines(const struct status_view *v, const struct status_style *style, struct strv *lines);

/* The same in one line, for a log: "12/40 tests done (1 failed); running: X since 58s, Y since 3s". */
void status_sentence(const struct status_view *v, struct str *out);

/* Does the locale of this environment say UTF-8? */
bool status_is_unicode(char *const envp[]);

#endif
