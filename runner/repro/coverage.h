/* SPDX-License-Identifier: Apache-2.0 */
/* coverage.h - which processes of a run delays could reach, and of the others why not. The library says who loaded it; who
 * else there was is seen by looking at the tree now and then, rarely later: a short process may be missed. */
#ifndef RUNNER_REPRO_COVERAGE_H
#define RUNNER_REPRO_COVERAGE_H

#include "base/str.h"
#include "profile/proc/process.h"
#include "runner/repro/delay_state.h"

#include <stdbool.h>
#include <stdint.h>

#define COVERAGE_SEEN_MAX 256

struct coverage_seen {
	pid_t pid;
	uint32_t looks;
	const char *why; /* why it cannot load the library, such as "static"; NULL if it can */
	char comm[PROC_COMM_SIZE];
};

struct coverage {
	struct coverage_seen *seen; /* that had not loaded it when they were seen */
	size_t n;
	int64_t next_ns, step_ns;
};

/* looks begin now. */
void coverage_init(struct coverage *c, int64_t now_ns);
void coverage_release(struct coverage *c);

/* Looks at the tree, if it is time; returns when to call again. */
int64_t coverage_step(struct coverage *c, const struct pid_list *members, const struct delay_state *state,
		      int64_t now_ns);

/* After the run: how many processes loaded the library; *total: how many there were, as far as they were seen. Those
 * that did not are added to missed, as "NAME (REASON)". command: what was run, for a run too short to be looked at. */
uint32_t coverage_count(const struct coverage *c, const struct delay_state *state, const char *command, const char *cwd,
			const char *search, uint32_t *total, struct strv *missed);

/* Why the program behind fd cannot load the library ("static", "setuid", "32-bit"); NULL if it can. */
const char *coverage_obstacle(int fd);

#endif
