/* SPDX-License-Identifier: Apache-2.0 */
/* runner_watch.c - does anything at all still move? See watchdog.h. */
#include "liveness/watchdog.h"

#include "base/clock.h"

void runner_watch_init(struct runner_watch *r, int64_t threshold_ns, int64_t now_ns)
{
	*r = (struct runner_watch){ .threshold_ns = threshold_ns, .last_ns = now_ns, .suspended_at_ns = -1 };
}

void runner_watch_progress(struct runner_watch *r, int64_t now_ns)
{
	/* While suspended the clock stands at suspended_at_ns; resume shifts last_ns from there. */
	r->last_ns = r->suspended_at_ns >= 0 ? r->suspended_at_ns : now_ns;
	r->warned = false;
}

void runner_watch_suspend(struct runner_watch *r, int64_t now_ns)
{
	if (r->suspended_at_ns < 0)
		r->suspended_at_ns = now_ns;
}

void runner_watch_resume(struct runner_watch *r, int64_t now_ns)
{
	if (r->suspended_at_ns >= 0 && now_ns > r->suspended_at_ns)
		r->last_ns += now_ns - r->suspended_at_ns;
	r->suspended_at_ns = -1;
}

bool runner_watch_step(struct runner_watch *r, int64_t now_ns, int64_t *next_due_ns)
{
	bool warn = false;
	int64_t due;

	*next_due_ns = TIME_NEVER;
	if (r->threshold_ns <= 0 || r->warned || r->suspended_at_ns >= 0)
		return false;
	due = clock_add(r->last_ns, r->threshold_ns);
	if (due <= now_ns)
		warn = r->warned = true;
	else
		*next_due_ns = due;
	return warn;
}
