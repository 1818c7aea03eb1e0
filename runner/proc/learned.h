/* SPDX-License-Identifier: Apache-2.0 */
/* learned.h - limits that the history gives (--timeout-ms auto, --test-timeout-ms auto), and how long such a run takes.
 * They are asked for once, before anything is started, of a program with a deadline; without an answer there are none. */
#ifndef RUNNER_PROC_LEARNED_H
#define RUNNER_PROC_LEARNED_H

#include "runner/config/options.h"

#include <stdint.h>

struct learned_test {
	uint64_t hash;        /* of suite and name */
	int64_t limit_ns;
};
struct learned {
	int64_t run_limit_ms; /* 0: none */
	int64_t usual_ns;     /* median of the last runs; 0: not known */
	struct learned_test *tests; /* by hash */
	size_t n_tests;
	char *tests_json;     /* {"SUITE NAME": ms}, the first of them; redacted when they were recorded */
};

/* command: what is run, NULL where that is the verb itself with its args. On failure l is empty. */
void learned_read(struct learned *l, const struct options *o, const char *root, const char *verb, char *const *args,
		  char *const *command, char *const envp[]);
void learned_release(struct learned *l);
/* TIME_NEVER: none. */
int64_t learned_limit(const struct learned *l, const char *suite, const char *name);

#endif
