/* SPDX-License-Identifier: Apache-2.0 */
/* use.h - what a tree of processes has used of the processors, sampled at each look at it, so that the facts of a window of
 * time can be told. Internal to runner/proc. */
#ifndef RUNNER_PROC_USE_H
#define RUNNER_PROC_USE_H

#include "liveness/watchdog.h"

#include <stdint.h>

/* What the tree had used at some moment: differences make the facts of a window. */
struct use_sample {
	int64_t at_ns, cpu_ns, delay_ns, pressure_ns;
};
#define USE_SAMPLES 64

/* What one tree has used, and its samples; a ring. */
struct use {
	int64_t cpu_ns, delay_ns;
	struct use_sample sample[USE_SAMPLES];
	unsigned count;
};

/* A tree begins: it has used nothing yet. */
void use_begin(struct use *u, int64_t now_ns);
/* A sample of what stands in u now. pressure_ns: of the machine, as use_pressure tells; -1 not known. */
void use_remember(struct use *u, int64_t pressure_ns, int64_t now_ns);
/* How long somebody on this machine has waited for a processor, in all; -1 not known. */
int64_t use_pressure(void);
/* What was used in the last window_ns, as of a walk that was just made. About, for samples are one tick apart: a little more
 * than window_ns; within: a little less, nothing that lies before it. */
void use_window(const struct use *u, int64_t window_ns, bool within, int64_t now_ns, struct window_facts *f);

#endif
