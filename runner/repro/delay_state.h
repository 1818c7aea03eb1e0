/* SPDX-License-Identifier: Apache-2.0 */
/* delay_state.h - what the preloaded library and `repro` share: a file that every process of one run maps. */
#ifndef RUNNER_REPRO_DELAY_STATE_H
#define RUNNER_REPRO_DELAY_STATE_H

#include <stdint.h>

#define DELAY_MAGIC UINT64_C(0x79616c6564525053)
#define DELAY_PIDS_MAX 1000

struct delay_state {
	uint64_t magic;
	int64_t budget_us;           /* the sum of all delays stays within it */
	int64_t added_us;            /* the sum so far */
	uint64_t calls, delays;      /* calls seen, calls delayed */
	uint32_t processes;          /* that loaded the library, or were forked by one that had */
	int32_t pid[DELAY_PIDS_MAX]; /* the first of them */
};

#endif
