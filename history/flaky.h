/* SPDX-License-Identifier: Apache-2.0 */
/* flaky.h - the state of each test, out of its results in a window of runs. Both results on one clean commit are the
 * only proof of flakiness; changes over commits are a suspicion. */
#ifndef HISTORY_FLAKY_H
#define HISTORY_FLAKY_H

#include "history/run_writer.h"
#include "history/store.h"

#define FLAKY_RUNS 100
#define FLAKY_DAYS 14

enum flaky_state { FLAKY_FLAKY, FLAKY_BROKEN, FLAKY_SUSPECT, FLAKY_NEW, FLAKY_STABLE, FLAKY_STATE_COUNT };
extern const char *const flaky_state_text[];

/* One test while its results are shown to it, newest first. Pure. */
struct flaky_rev {
	int32_t rev, pass_run, fail_run; /* numbers of the caller's; -1 none */
};
struct flaky_test {
	uint32_t attempts, failures, flips, hangs, runs;
	int32_t last_run;                /* of the runs counted so far */
	int8_t last;                     /* 1 failed, 0 passed, -1 none yet */
	uint8_t trailing;                /* newest attempts in a row that failed, at most 255 */
	bool streak_over;
	int32_t since_rev;               /* of the oldest of them; -1 */
	struct flaky_rev *revs;
	uint32_t n_revs;
};
void flaky_test_init(struct flaky_test *t);
void flaky_test_release(struct flaky_test *t);
/* run, rev: numbers; rev -1: none; clean: no tracked file was changed. Runs beyond the last FLAKY_RUNS of the test are
 * passed over. Attempts of one run come newest first, too. */
void flaky_see(struct flaky_test *t, int32_t run, int32_t rev, bool clean, enum test_result result);
enum flaky_state flaky_state_of(const struct flaky_test *t);

/* ---- out of the store ---- */

struct flaky_row {
	char *suite, *case_id;
	struct flaky_test t;
};
struct flaky {
	struct flaky_row *rows; /* by suite and case */
	size_t n;
	char **run_ids;         /* by run number */
	char **revs;            /* by rev number */
	size_t n_runs, n_revs;
};
/* only: numbers of tests, in any order; NULL: all. */
int flaky_read(struct store *s, int64_t now_real_ns, const int64_t *only, size_t n_only, struct flaky *f, struct err *e);
void flaky_release(struct flaky *f);
const struct flaky_row *flaky_find(const struct flaky *f, const char *suite, const char *case_id);

#endif
