/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/collector.h"

#include "base/clock.h"

static size_t threads_stopped(const struct snapshot *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->process_count; i++)
		for (size_t k = 0; k < s->processes[i].thread_count; k++)
			n += s->processes[i].threads[k].intrusion == INTRUSION_MICRO_STOP;
	return n;
}

static void collect_one(struct snapshot *s, const struct collector *c, const struct collect_request *q)
{
	size_t rows = s->collector_count, stopped = threads_stopped(s);
	struct collect_request own = *q;
	int64_t now = clock_mono_ns();

	own.deadline_ns = clock_add(now, clock_ms_to_ns(c->budget_ms));
	if (own.deadline_ns > q->deadline_ns)
		own.deadline_ns = q->deadline_ns;
	if (c->intrusion > q->intrusion)
		snapshot_collector(s, c->name, COLLECT_UNAVAILABLE, 0, "requires a higher intrusion level");
	else if (now >= q->deadline_ns)
		snapshot_collector(s, c->name, COLLECT_TIMED_OUT, 0, "no time was left");
	else
		c->collect(s, &own);
	for (; rows < s->collector_count; rows++)
		if (s->collectors[rows].intrusion < INTRUSION_MICRO_STOP)
			s->collectors[rows].intrusion = threads_stopped(s) > stopped ? INTRUSION_MICRO_STOP : c->intrusion;
}

void collect_more(struct snapshot *s, const struct collector *const table[], size_t n, const struct collect_request *q)
{
	int64_t began = clock_mono_ns();

	s->deadline_ns = q->deadline_ns;
	for (size_t i = 0; i < n; i++)
		collect_one(s, table[i], q);
	s->duration_ns += clock_mono_ns() - began;
}

void collect_run(struct snapshot *s, const struct collector *const table[], size_t n, const struct collect_request *q)
{
	*s = (struct snapshot){ .at_real_ns = clock_real_ns(), .at_mono_ns = clock_mono_ns() };
	collect_more(s, table, n, q);
}
