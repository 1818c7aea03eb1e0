/* SPDX-License-Identifier: Apache-2.0 */
/* paths.h - where a run writes (contract 4). Internal to runner/proc. */
#ifndef RUNNER_PROC_PATHS_H
#define RUNNER_PROC_PATHS_H

#include "runner/proc/context.h"

void run_paths_init(struct run_paths *p, const struct options *o, const char *root, const char *run_id,
		    bool nested);

/* Makes the artifacts folder; remembers whether it was there before. 0 or -1. */
int run_paths_make(struct run_paths *p, struct err *e);

/* Removes the artifacts folder where we made it and it is empty. */
void run_paths_tidy(const struct run_paths *p);
/* Removes what a run has gathered that leaves no trace: looks at a stall that passed. */
void run_paths_drop_raw(const struct run_paths *p);

/* Where the folder cannot be written to: a new one of this run's own below TMPDIR, /tmp, /var/tmp or /dev/shm, the
 * first that can. 0, or -1 where there is none. */
int run_paths_elsewhere(struct run_paths *p, const char *run_id, struct err *e);

/* Keeps this failing run's files in runs/RUN_ID/ (as links: the next run replaces those at the top by new ones), and
 * tells git to leave the whole folder alone. Best effort. */
void run_paths_keep(const struct run_paths *p, const char *run_id, bool run_failed);

/* Keeps the newest keep_runs entries and keep_bytes of raw/, runs/, nested/ and recovered/ each. An entry
 * of a run that is still going on (its journal is there) stays. */
void run_paths_retain(const struct run_paths *p, int64_t keep_runs, int64_t keep_bytes, const char *run_id);

#endif
