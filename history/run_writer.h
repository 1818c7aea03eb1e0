/* SPDX-License-Identifier: Apache-2.0 */
/* run_writer.h - one run into the store, in one transaction: begin, then rows in any number, then commit. Test results
 * are gathered in memory and go to the database in blocks, and only the first block waits for the writers' turn. */
#ifndef HISTORY_RUN_WRITER_H
#define HISTORY_RUN_WRITER_H

#include "history/artifact.h"
#include "history/store.h"

enum test_result {
	TEST_PASS, TEST_FAIL, TEST_ERROR, TEST_SKIP, TEST_XFAIL, TEST_TIMEOUT, TEST_STALLED, TEST_CANCELLED, TEST_UNKNOWN,
	TEST_RESULT_COUNT
};
extern const char *const test_result_text[]; /* ends with NULL */
/* Counts as a failure; skip, xfail, cancelled and unknown count for nothing. */
static inline bool test_result_is_bad(enum test_result r)
{
	return r == TEST_FAIL || r == TEST_ERROR || r == TEST_TIMEOUT || r == TEST_STALLED;
}

#define RUN_NO_EXIT_CODE INT64_MIN
#define RUN_NO_DURATION -1.0

/* The row of `runs`; NULL: unknown. Texts are the caller's. */
struct run_row {
	const char *run_id, *parent_run_id, *repo_uri, *repo_rev, *workload_id, *device_id, *toolchain_id;
	int repo_dirty; /* -1 unknown */
	const char *status, *created_at, *finished_at, *kind, *branch, *command, *ended_by, *shard, *ci_json;
	int64_t exit_code;
	double duration_ms;
};

struct run_writer;
/* Nothing is written yet. row must live until the commit; it may be filled in until the first flush. */
struct run_writer *run_writer_new(struct store *s, const struct run_row *row);
/* More test results for a run that is there. */
struct run_writer *run_writer_append(struct store *s, const char *run_id);
void run_writer_free(struct run_writer *w); /* rolls back what was not committed */
void run_writer_free_ptr(struct run_writer **w);
#define auto_run_writer __attribute__((cleanup(run_writer_free_ptr))) struct run_writer

/* attempt 0: the next one of this test in this run. duration_us -1: unknown. file may be NULL, line 0. 1: the run is
 * in the store already, nothing was written. */
int run_writer_test(struct run_writer *w, const char *suite, const char *case_id, int attempt, enum test_result result,
		    int64_t duration_us, const char *file, int64_t line, struct err *e);
/* The transaction, if it is not open yet. 1: the run is there already. */
int run_writer_open(struct run_writer *w, struct err *e);
int run_writer_metric(struct run_writer *w, const char *scope, const char *name, double value, const char *unit,
		      const char *tags_json, struct err *e);
/* Writes the row of `runs` again (what its end told) and commits. 1: the run was there. */
int run_writer_commit(struct run_writer *w, struct err *e);
uint64_t run_writer_tests(const struct run_writer *w);
uint64_t run_writer_failed(const struct run_writer *w);

/* Makes the recent durations anew of lanes to which runs came late, or from which some were removed (rows "stale:LANE" of
 * store_state). Transactions of its own. */
int recent_settle(struct store *s, struct err *e);

#endif
