/* SPDX-License-Identifier: Apache-2.0 */
/* perturb.h - what is done to a running tree from outside: single processes stopped for a moment, load on its
 * processors, threads set to idle priority meanwhile. All of it ends with the run; a process that is stopped is
 * always continued. Called from one loop; nothing here blocks. */
#ifndef RUNNER_REPRO_PERTURB_H
#define RUNNER_REPRO_PERTURB_H

#include "runner/repro/setting.h"

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

#define PERTURB_LOOPS_MAX 256

struct perturber {
	const struct setting *setting;
	pid_t root; /* spec-runner of this run: itself and its helpers are never touched */
	cpu_set_t cpus; /* the tree's: load runs there too */
	uint64_t generator;
	int64_t quiet_from_ns; /* nothing is perturbed later (perturber_quiet_ns()) */
	int64_t next_pause_ns, continue_ns;
	int stopped_fd; /* pidfd of the one that is stopped, -1 none */
	int64_t next_wait_ns; /* for the command's first process: then pauses and load begin */
	int64_t next_load_ns, burst_ns, load_end_ns;
	pid_t loop[PERTURB_LOOPS_MAX];
	uint32_t loops;
	int64_t next_idle_ns;     /* threads that came since are lowered, too */
	struct idle_thread *idle; /* those that were lowered or spared in this burst; NULL: none begun */
	size_t n_idle;
	uint64_t pauses, bursts; /* how often */
};

/* When perturbation ends in a run that begins at start_ns: half of the limit belongs to the command alone, so that what is
 * merely late by it still ends in time; and a tree that is stopped most of the time must not seem to stand still, which is
 * why no more than some passing runs (passing_ns, 0 unknown) and some seconds are perturbed. */
int64_t perturber_quiet_ns(int64_t start_ns, int64_t limit_ns, int64_t passing_ns);
void perturber_init(struct perturber *p, const struct setting *s, pid_t root, const cpu_set_t *cpus, int64_t now_ns,
		    int64_t quiet_from_ns);
/* Does what is due; returns when to call again (absolute; TIME_NEVER: never). */
int64_t perturber_step(struct perturber *p, int64_t now_ns);
/* The processes of the run's command: all below root that are not spec-runner's own. */
struct pid_list;
void perturber_members(const struct perturber *p, struct pid_list *out);
/* Undoes everything. */
void perturber_end(struct perturber *p);

#endif
