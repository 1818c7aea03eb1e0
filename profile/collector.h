/* SPDX-License-Identifier: Apache-2.0 */
/* collector.h - one way to look at a process tree. A new collector is one file and one row in the table of the
 * program that looks (programs/inspect.c).
 *
 * Collectors observe: they never signal, wait for or judge a process. Each has a time of its own within the whole
 * budget, and leaves one row in the snapshot (name, status, duration, reason), also where it failed.
 * Intrusion: 0 reads only, 1 stops a thread for microseconds, 2 asks the program to help (a signal, a debugging
 * port), 3 was arranged at its start. Nothing above 1 runs unless asked for. */
#ifndef PROFILE_COLLECTOR_H
#define PROFILE_COLLECTOR_H

#include "profile/snapshot/snapshot.h"

struct collect_request {
	const pid_t *pids;        /* parents before children; borrowed */
	size_t pid_count;
	int64_t deadline_ns;      /* absolute, monotonic: of the whole */
	enum intrusion intrusion; /* the most that is allowed */
	bool lines;               /* look for file and line, too */
};

struct collector {
	const char *name;
	const char *help;         /* one line */
	enum intrusion intrusion; /* the least it needs */
	int64_t budget_ms;        /* its own, at most */
	/* Adds to the snapshot, and calls snapshot_collector() with what came of it. q->deadline_ns is its own here. */
	void (*collect)(struct snapshot *s, const struct collect_request *q);
};

extern const struct collector collector_processes; /* snapshot.c: must come first */
extern const struct collector collector_facts;     /* facts.c */
extern const struct collector collector_pressure;  /* pressure.c */
extern const struct collector collector_stacks;    /* native/resolve.c */
extern const struct collector collector_waits;     /* waits.c: after the stacks, which tell locks apart */
extern const struct collector collector_graph;     /* graph.c: after the waits */

/* Runs them in their order. One that needs more intrusion than is allowed, or for which no time is left, gets a row that
 * says so. s is made here; free with snapshot_release. */
void collect_run(struct snapshot *s, const struct collector *const table[], size_t n, const struct collect_request *q);
/* The same for a snapshot that has its copies already. */
void collect_more(struct snapshot *s, const struct collector *const table[], size_t n, const struct collect_request *q);

#endif
