/* SPDX-License-Identifier: Apache-2.0 */
/* pulse.h - does the supervisor still do what is due? The front asks this on the way, now and then.
 *
 * The supervisor may be stopped or traced by a child of its own, or hang in the kernel on somebody else's file system.
 * While nothing is due that harms nobody. Where something is due, and it stands still for a while although it does not
 * want a processor, it is given up: the front kills it and goes on in its place. Internal to runner/proc. */
#ifndef RUNNER_PROC_PULSE_H
#define RUNNER_PROC_PULSE_H

#include "runner/proc/shared.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct pulse_watch {
	int64_t cancel_ns;     /* when a cancel was handed over; TIME_NEVER none */
	int64_t seen_turn_ns;  /* as last looked at … */
	int64_t seen_cpu_ns;
	int64_t seen_since_ns; /* … and since when it has been so */
};

void pulse_init(struct pulse_watch *w);
/* Milliseconds until pulse_is_lost wants to be asked again. */
int pulse_wait_ms(const struct pulse_watch *w, const struct shared_pulse *p, int64_t now_ns);
/* Is it to be given up? Lets it go on where it was stopped. */
bool pulse_is_lost(struct pulse_watch *w, const struct shared_pulse *p, pid_t supervisor, int64_t now_ns);

#endif
