/* SPDX-License-Identifier: Apache-2.0 */
/* target.h - what is to be reproduced: everything that a recorded run says about itself, read from its
 * trace and its findings. Values of the environment are never taken over. */
#ifndef RUNNER_REPRO_TARGET_H
#define RUNNER_REPRO_TARGET_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct target_test {
	char *dialect, *suite, *name, *file; /* "" unknown; never NULL */
	bool bad;                            /* it hung or failed */
	bool hung;
};

struct target {
	char *trace; /* path, NULL: no trace */
	char *run_id;
	struct strv argv;           /* the command */
	char *cwd;                  /* as recorded: relative to the root, or absolute; "." unknown */
	char *what;                 /* the step or case that failed; NULL: the run's one command */
	char *commit;               /* as recorded, in hex; NULL unknown */
	int64_t cpus, memory_bytes; /* 0 unknown */
	int64_t timeout_ms, test_timeout_ms, stall_ms, hard_cap_ms; /* 0 unknown or none */
	char *dialect;                                              /* --dialect as resolved; NULL unknown */
	struct strv env_names;                                      /* names of env_profile that were set */
	struct strv env_hashes;                                     /* of their values under a key; "" unknown */
	struct target_test *tests;                                  /* in the order in which they began */
	size_t n_tests;
	int64_t duration_ns;
	int64_t reached_ns; /* from the command's start to that of the test that hung or failed; 0 unknown */
	/* the finding that is looked for; NULL: none was recorded */
	char *finding_id, *pattern_id, *location, *summary;
	struct strv missing; /* what an older trace does not say, for a note */
};

/* Finds the trace that `given` names: a trace, a folder that holds one (also deeper in it), a run id below the
 * artifacts folder; NULL: the newest trace there. Caller frees. ERR_USAGE says what was looked for. */
char *target_find(const char *given, const char *artifacts_dir, struct err *e);

/* ERR_USAGE if the run cannot be repeated as it is: which part, and what to add. */
int target_read(struct target *t, const char *trace, struct err *e);
/* The same without a trace. */
void target_of_command(struct target *t, char *const argv[], const char *cwd);
void target_release(struct target *t);

/* Is a test known that hung or failed? */
/* The program of a command's first word, as execvp(3) finds it from the folder cwd; search: the value of PATH, NULL for
 * none. NULL: there is none that can be run. Caller frees. */
char *target_program(const char *word, const char *cwd, const char *search);

bool target_has_bad(const struct target *t);

/* Position (from 1) of the first redacted word of a command, 0: none. */
size_t target_redacted_word(const struct strv *argv);

/* The first finding of a findings.json (the first hang, if there is one), if it belongs to run_id (NULL: to any). 1 read,
 * 0 there is none, -1. */
struct found {
	char *finding_id, *pattern_id, *location;
	char *summary;
};
int found_read(struct found *f, const char *path, const char *run_id, struct err *e);
void found_release(struct found *f);

/* "function" of a location "file:function:line"; false where it has none. */
bool location_function(const char *location, struct str *out);

#endif
