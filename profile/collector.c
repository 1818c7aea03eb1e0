#include "profile/collector.h"

#include "base/clock.h"

void collect_run(struct snapshot *s, const struct collector *const table[], size_t n, const struct collect_request *q)
{
	int64_t began = clock_mono_ns();

	*s = (struct snapshot){ .at_real_ns = clock_real_ns(), .at_mono_ns = began, .deadline_ns = q->deadline_ns };
	for (size_t i = 0; i < n; i++) {
		struct collect_request own = *q;
		int64_t now = clock_mono_ns();

		own.deadline_ns = clock_add(now, clock_ms_to_ns(table[i]->budget_ms));
		if (own.deadline_ns > q->deadline_ns)
			own.deadline_ns = q->deadline_ns;
		if (table[i]->intrusion > q->intrusion)
			snapshot_collector(s, table[i]->name, COLLECT_UNAVAILABLE, 0,
					   "needs more than it was allowed to do");
		else if (now >= q->deadline_ns)
			snapshot_collector(s, table[i]->name, COLLECT_TIMED_OUT, 0, "no time was left");
		else
			table[i]->collect(s, &own);
	}
	s->duration_ns = clock_mono_ns() - began;
}
