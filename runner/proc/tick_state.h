/* SPDX-License-Identifier: Apache-2.0 */
/* tick_state.h - when the next look at the tree is due, and what the looks so far saw (tick.h). */
#ifndef RUNNER_PROC_TICK_STATE_H
#define RUNNER_PROC_TICK_STATE_H

#include "runner/proc/use.h"

#include <stdint.h>

struct ticks {
	int64_t due_ns, every_ns, beat_due_ns; /* TIME_NEVER: none */
	int64_t oom_kills;                     /* of the machine at the first tick; -1 not known */
	struct use all;                        /* of all commands together */
};

#endif
