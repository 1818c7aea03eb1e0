/* SPDX-License-Identifier: Apache-2.0 */
/* delay_state.h - what the preloaded library and `repro` share: a file that every process of one run maps. */
#ifndef RUNNER_REPRO_DELAY_STATE_H
#define RUNNER_REPRO_DELAY_STATE_H

#include <stdint.h>

#define DELAY_MAGIC UINT64_C(0x79616c6564525053)
#define DELAY_PROCESSES_MAX 1000
#define DELAY_EXECS_MAX 64
#define DELAY_PATH_SIZE 192
#define DELAY_THREADS_MAX 64

/* Calls of one kind. A run may delay some kinds alone: a call that is made once is then as likely to be delayed as one of
 * thousands. */
#define DELAY_GROUPS(X) \
	X(MUTEX, "mutex") X(COND, "cond") X(SEM, "sem") X(THREAD, "thread") X(PROCESS, "process") X(SIGNAL, "signal") \
	X(IO, "io") X(POLL, "poll") X(FILE, "file") X(FUTEX, "futex")
enum delay_group {
#define X(id, word) DELAY_##id,
	DELAY_GROUPS(X)
#undef X
	DELAY_GROUP_COUNT
};

/* Weight of a thread's call after n earlier ones of its kind, in thousandths: a run that delays early calls finds what a
 * thread does once, and is not spent on an interpreter that takes its lock thousands of times before. */
#define DELAY_EARLY(n) (16000 / (16 + (uint64_t)(n)))

struct delay_process {
	int32_t pid;
	int32_t loaded; /* 0: it became a program that has not loaded the library */
};
struct delay_exec {
	int32_t pid;
	char path[DELAY_PATH_SIZE]; /* as it was given: without a slash it is searched for */
};

struct delay_state {
	uint64_t magic;
	int64_t budget_us;           /* the sum of all delays stays within it */
	int64_t added_us;            /* the sum so far, as long as they really took */
	int64_t quiet_from_ns;       /* CLOCK_MONOTONIC: no delay begins later: who still runs then is not held up */
	uint64_t calls[DELAY_GROUP_COUNT]; /* that were seen */
	uint64_t early[DELAY_GROUP_COUNT]; /* the same, each with its DELAY_EARLY() */
	uint64_t delays;
	uint32_t threads; /* that made such calls */
	uint32_t made[DELAY_THREADS_MAX]; /* calls of the first of them */
	uint32_t processes;  /* that loaded the library, or were made by one that had */
	uint32_t execs;      /* programs that these became */
	struct delay_process process[DELAY_PROCESSES_MAX]; /* the first of them */
	struct delay_exec exec[DELAY_EXECS_MAX];
};

#endif
