/* SPDX-License-Identifier: Apache-2.0 */
/* tick.h - a look at the whole tree now and then: new command lines, totals, heartbeats, what a window of time used.
 * Internal to runner/proc. */
#ifndef RUNNER_PROC_TICK_H
#define RUNNER_PROC_TICK_H

#include "liveness/watchdog.h"
#include "runner/config/options.h"
#include "trace/emit.h"

#include <stdint.h>

struct supervisor;

/* What the tree had used at some moment: differences make the facts of a window. */
struct tick_sample {
	int64_t at_ns, cpu_ns, delay_ns, pressure_ns;
};
#define TICK_SAMPLES 64

/* What one tree has used, and its samples; a ring. */
struct use {
	int64_t cpu_ns, delay_ns;
	struct tick_sample sample[TICK_SAMPLES];
	unsigned count;
};

struct ticks {
	int64_t due_ns, every_ns, beat_due_ns; /* TIME_NEVER: none */
	int64_t oom_kills;                     /* of the machine at the first tick; -1 not known */
	struct use all;                        /* of all commands together */
};

void tick_init(struct supervisor *s, int64_t now_ns);
/* Absolute; TIME_NEVER. */
int64_t tick_due(const struct supervisor *s);
void tick_time(struct supervisor *s, int64_t now_ns);
/* A tree begins: it has used nothing yet. */
void tick_begin(struct use *u, int64_t now_ns);
/* What was used in the last window_ns (about: samples are one tick apart), as of a walk that was just made. */
void tick_window(const struct use *u, int64_t window_ns, int64_t now_ns, struct window_facts *f);
/* The same as attributes of an event. Walks the tree. busy: the verdict is "busy", and why stands beside it. */
void tick_window_attrs(struct supervisor *s, const struct use *u, int64_t window_ns, bool busy, int64_t now_ns,
		       struct attrs *a);

#endif
