/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - a profile as evidence: the rows of which performance patterns speak (facts-profile.json). */
#ifndef RUNNER_SAMPLED_ROWS_H
#define RUNNER_SAMPLED_ROWS_H

#include "evidence/fact.h"
#include "profile/sample/output.h"

/* Adds the rows. run_id: for the places that they name. */
void sampled_rows(struct facts *f, const struct sample_result *r, const char *run_id);
/* Members of the collector gc's metrics. */
void sampled_gc(const struct profile *p, const struct raw *raw, struct json *j);
/* Against a baseline: functions whose share has changed. */
void sampled_diff(struct facts *f, const struct profile *now, const struct profile *before, const char *run_id);

/* A note of kind usage: is it this process's? Notes of thousands of processes are not parsed to find one. */
bool note_is_of(const struct raw_note *n, int32_t pid);

/* The parts (rows_functions.c, rows_usage.c). */
void sampled_functions(struct facts *f, const struct profile *p, const char *file);
void sampled_runtimes(struct facts *f, const struct profile *p, const struct raw *raw, const char *file);
void sampled_usage(struct facts *f, const struct sample_result *r, const char *file);
void sampled_spawns(struct facts *f, const struct sample_result *r, const char *file);
void sampled_stacks(struct facts *f, const struct profile *p, const char *file);
void sampled_repeats(struct facts *f, const struct profile *p, const char *file);

#endif
