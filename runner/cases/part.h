/* SPDX-License-Identifier: Apache-2.0 */
/* part.h - the part of the selected cases that is ours, by a plan out of the history: the same that `shard` makes. */
#ifndef RUNNER_CASES_PART_H
#define RUNNER_CASES_PART_H

#include "runner/cases/select.h"
#include "runner/config/options.h"

/* A store or a plan is named, and the program that reads it is installed. */
bool part_has_plan(const struct options *o, char *const envp[]);

/* Takes out of order[0..*count) what is not of part I of N (select->shard, shards). Where the plan cannot be had that is an
 * error: other jobs may have it, and a part cut in another way would leave cases out. */
int part_take(const struct options *o, const char *root, char *const envp[], const struct case_selection *select,
	      const struct case_set *set, uint32_t *order, uint32_t *count, struct err *e);

#endif
