/* SPDX-License-Identifier: Apache-2.0 */
/* view.h - what the store knows, as a table for people or one JSON object. Each appends to out. 0; 1: there is no such
 * thing, and e says what; -1. */
#ifndef HISTORY_VIEW_H
#define HISTORY_VIEW_H

#include "base/json_write.h"
#include "history/settings.h"
#include "history/store.h"

struct view {
	struct store *s;
	const struct history_settings *settings;
	bool json;
	int64_t now_real_ns;
};

/* A run_id, latest or latest:BRANCH as a run_id; 1 where there is none. */
int view_find_run(struct store *s, const char *name, char run_id[64], struct err *e);
/* Takes "2026-11-30", RFC 3339, seconds since 1970, or 7d 12h 30m before now. */
int view_since(const char *text, int64_t now_real_ns, char out[STORE_TIME_SIZE], struct err *e);

int view_runs(const struct view *v, struct str *out, struct err *e);
int view_show(const struct view *v, const char *run, struct str *out, struct err *e);
/* {version, run_id, findings}, always as JSON. */
int view_findings(const struct view *v, const char *run_id, struct str *out, struct err *e);
int view_tests(const struct view *v, struct str *out, struct err *e);
int view_test(const struct view *v, const char *id, struct str *out, struct err *e);
int view_info(const struct view *v, struct str *out, struct err *e);
int view_sql(const struct view *v, const char *sql, struct str *out, struct err *e);
int view_hangs(const struct view *v, struct str *out, struct err *e);
int view_flaky(const struct view *v, struct str *out, struct err *e);
/* Of one state alone, as JSON; NULL: all. */
int view_flaky_of(const struct view *v, const char *state, struct str *out, struct err *e);
/* Of "flaky", "broken" …; -1: not a state. */
int view_flaky_state(const char *name);
/* Members state, attempts, failures … of one test into the open object; state null: not in the last runs. */
int view_test_state(const struct view *v, int64_t test_no, struct json *j, struct err *e);
int view_limits(const struct view *v, struct str *out, struct err *e);
/* 2: one regressed within the last values. */
int view_regressions(const struct view *v, struct str *out, struct err *e);

/* Two sides of runs (never files), as JSON: what `compare --json` prints. 1: a side has no run. */
int view_compare(const struct view *v, const char *base, const char *candidate, struct str *out, struct err *e);

/* The row that q stands at as members of an object; columns whose name ends in _json, and evidence_artifact_ids, are
 * JSON themselves. */
void view_row(struct json *j, struct query *q);
/* All rows of q, each as view_row, as the array name. 0, or -1 with e set. */
int view_rows(struct json *j, const char *name, struct query *q, struct err *e);
/* The rows of sql, which takes a run id, as the array name. 0, or -1 with e set. */
int view_list(struct json *j, struct store *s, const char *name, const char *sql, const char *run_id, struct err *e);
/* The shortest text that reads back as the same number. */
void view_real(struct json *j, const char *key, double v);

#endif
