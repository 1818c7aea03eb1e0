/* SPDX-License-Identifier: Apache-2.0 */
/* select.h - which of the cases that were read are run: filter, prefixes of check ids, shards. Pure. */
#ifndef RUNNER_CASES_SELECT_H
#define RUNNER_CASES_SELECT_H

#include "runner/cases/case_file.h"

struct case_selection {
	bool only_checks;                       /* governance: cases with a check id */
	const char *filter;                     /* id, title or suite holds it; as a glob where it has * or ? */
	const struct strv *prefixes, *excluded; /* of check ids; NULL or empty: all, none */
	const struct strv *checks;              /* just these check ids or case ids; NULL: all */
	unsigned shard, shards;                 /* the shard-th of so many, from 1; shards 0: all */
};

/* "I/N" with 1 <= I <= N, or "auto": from the environment of the CI system (GitLab, Buildkite,
 * CircleCI, Semaphore, Kubernetes, Slurm, Bazel); auto outside of one is 1/1. 0 or -1 (ERR_USAGE). */
int shard_parse(const char *text, char *const envp[], unsigned *shard, unsigned *shards, struct err *e);

/* Numbers of the selected cases in the order in which they were read. Caller frees. */
uint32_t *case_select(const struct case_set *set, const struct case_selection *s, uint32_t *count);

#endif
