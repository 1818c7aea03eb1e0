/* SPDX-License-Identifier: Apache-2.0 */
/* tick.h - a look at the whole tree now and then: new command lines, totals, heartbeats.
 * Internal to runner/proc. */
#ifndef RUNNER_PROC_TICK_H
#define RUNNER_PROC_TICK_H

#include "trace/emit.h"

#include <stdbool.h>
#include <stdint.h>

struct supervisor;
struct use;

void tick_init(struct supervisor *s, int64_t now_ns);
/* Absolute; TIME_NEVER. */
int64_t tick_due(const struct supervisor *s);
void tick_time(struct supervisor *s, int64_t now_ns);
/* What was used in the last window_ns (use.h), as attributes of an event. Walks the tree. busy: the verdict is
 * "busy", and why stands beside it. */
void tick_window_attrs(struct supervisor *s, const struct use *u, int64_t window_ns, bool busy, int64_t now_ns,
		       struct attrs *a);

#endif
