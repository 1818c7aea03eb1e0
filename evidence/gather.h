/* SPDX-License-Identifier: Apache-2.0 */
/* gather.h - a sealed trace and its raw files become facts.
 *
 *   gather_trace    run-trace.json, element by element
 *   gather_raw      raw/RUN_ID/snapshot-N.json (contract 11) and facts-NAME.json (rows of any kind)
 *   gather_derive   what follows from them: who waits for whom, roots, leaves, shares
 *
 * File names in rows are "run-trace.json" and "raw/RUN_ID/…" wherever the files stand, so that
 * the same files make the same bytes on another machine. */
#ifndef EVIDENCE_GATHER_H
#define EVIDENCE_GATHER_H

#include "evidence/fact.h"

#define GATHER_TRACE_NAME "run-trace.json"

/* All three, then facts_sort. raw_dirs: folders that may hold RUN_ID/…, the first that does is
 * taken; NULL-terminated. No raw folder is no error. */
int gather(struct facts *f, const char *trace, const char *const raw_dirs[], struct err *e);

/* The steps. */
int gather_trace(struct facts *f, const char *path, struct err *e);
int gather_raw(struct facts *f, const char *dir, const char *run_id, struct err *e);
/* The rows of one parsed facts-NAME.json; part of gather_raw. file: what rows name as their source, outlives
 * f; path: for messages. -1 at the first row that does not fit fact.def. */
struct json_value;
int gather_rows(struct facts *f, const char *file, const char *path, const struct json_value *root, struct err *e);
/* The last lines of stdout.tail and stderr.tail; part of gather_raw. */
void gather_tails(struct facts *f, const char *dir, const char *run_id);
/* A command that has been silent for so long, when it is ended from outside, may hang. */
#define GATHER_SILENT_MS 1000.0
#define GATHER_MOMENT_MS 50.0 /* shorter than that nothing is called silent, however short the run was */
void gather_derive(struct facts *f);
void gather_tests(struct facts *f);
/* Part of gather_trace: attrs of a test.output; and once all of them are read. named: tests were told by name, so
 * that their files and classes do not count. */
struct json_value;
void gather_failure(struct facts *f, const struct json_value *attrs);
void gather_failures_end(struct facts *f, bool named);
/* What the output says about a failure (gather_output, before) joins the failed test that it names, where the test's own
 * tool did not say the place or the reason. */
void gather_adopt(struct facts *f);

/* What the lines of the tails (gather_tails, before facts_sort) say about a failure (output_forms.def). */
void gather_output(struct facts *f);

/* The one row of a kind that has one (run, output, machine): made on first use. */
struct fact_row *gather_single(struct facts *f, enum fact_kind kind);

/* A row of a kind whose first integer columns are `a` (and `b`, -1: only a), or NULL. */
struct fact_row *gather_find(const struct facts *f, enum fact_col col, int64_t a);

/* The kind of wait (contract 11) that a kernel function or system call tells, or NULL. A
 * call is a name or a number of `arch` ("x86_64", "aarch64"). *name: the call's name, or NULL. */
const char *gather_wait_kind(const char *wchan, const char *call, const char *arch, const char **name);

/* A task is a thread of its program's own: its number, out of the way of the kernel's, is the tid of its row. */
#define GATHER_TASK_TID (INT64_C(1) << 40)

#endif
