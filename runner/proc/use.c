/* SPDX-License-Identifier: Apache-2.0 */
/* use.c - see use.h. */
#include "runner/proc/use.h"
#include "runner/proc/kernel.h"

#include "profile/proc/process.h"

void use_remember(struct use *u, int64_t pressure_ns, int64_t now_ns)
{
	u->sample[u->count++ % USE_SAMPLES] = (struct use_sample){ now_ns, u->cpu_ns, u->delay_ns, pressure_ns };
}

int64_t use_pressure(void)
{
	struct proc_pressure p;

	return proc_pressure_read(PROC_PRESSURE_CPU, &p) == 0 ? p.some_total_ns : -1;
}

void use_begin(struct use *u, int64_t now_ns)
{
	use_remember(u, -1, now_ns);
}

/* The sample nearest before `since`: what the tree had used then. within: the first after it, where the window does not
 * lose much: what was used before, in the start of a program for instance, is none of it. */
static const struct use_sample *use_at(const struct use *u, int64_t since, int64_t now_ns, bool within)
{
	unsigned n = u->count < USE_SAMPLES ? u->count : USE_SAMPLES;
	const struct use_sample *best = NULL, *inside = NULL;
	int64_t least_ns = (now_ns - since) / 4 * 3;

	for (unsigned i = 0; i < n; i++) {
		const struct use_sample *p = &u->sample[i];

		if (!best || (best->at_ns > since && p->at_ns < best->at_ns) ||
		    (p->at_ns <= since && p->at_ns > best->at_ns))
			best = p;
		if (p->at_ns >= since && now_ns - p->at_ns >= least_ns && (!inside || p->at_ns < inside->at_ns))
			inside = p;
	}
	return within && inside ? inside : best;
}

void use_window(const struct use *u, int64_t window_ns, bool within, int64_t now_ns, struct window_facts *f)
{
	const struct use_sample *from = use_at(u, now_ns - window_ns, now_ns, within);
	int64_t pressure;

	*f = (struct window_facts){ .window_ns = window_ns, .cpus = kernel_processors() };
	if (!from)
		return;
	pressure = use_pressure();
	f->window_ns = now_ns - from->at_ns;
	f->cpu_ns = u->cpu_ns - from->cpu_ns;
	f->run_delay_ns = u->delay_ns - from->delay_ns;
	if (pressure >= 0 && from->pressure_ns >= 0)
		f->cpu_pressure_ns = pressure - from->pressure_ns;
}
