/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.c - hung, spinning or starved, from what the kernel counted (watchdog.h).
 *
 * A tree that waits for a lock uses no CPU and wants none. One that loops wants CPU all the
 * time; whether it gets it decides between spinning and starved. Shares are of one CPU over the
 * window, so a tree of many threads may exceed 100 %. */
#include "liveness/watchdog.h"

/* Below this it did not want a CPU: timers and collectors of idle runtimes (node, go, java) together
 * stay under 2 %, a shell's `while ! test -e x; do sleep 1; done` too. */
#define WANTED_PERCENT 10
/* With half of all the CPUs that it may use a tree is not starved, however many of its threads queue. */
#define PLENTY_PERCENT 50
/* A compiler or a linker takes a whole CPU; an idle runtime with its timers stays far below this. */
#define BUSY_PERCENT 30
/* Pressure that explains a slow tree where the kernel keeps no run delay (CONFIG_SCHED_INFO off). */
#define PRESSURE_PERCENT 50

const char *liveness_verdict(const struct window_facts *f)
{
	int64_t percent = f->window_ns / 100;
	int64_t cpu, delay;

	if (percent <= 0)
		return "hung";
	cpu = f->cpu_ns / percent;
	delay = f->run_delay_ns / percent;
	if (cpu + delay < WANTED_PERCENT)
		return "hung";
	if (cpu >= (int64_t)PLENTY_PERCENT * (f->cpus > 0 ? f->cpus : 1))
		return "spinning";
	/* It queued for a CPU at least as long as it had one, and slept little in between: what waits for
	 * something else most of the time would not go on with a CPU either. Work that gets what it wants
	 * queues for less than a tenth of the time it runs. */
	if (delay >= cpu)
		return cpu + delay >= BUSY_PERCENT ? "starved" : "hung";
	if (f->run_delay_ns == 0 && f->cpu_pressure_ns / percent >= PRESSURE_PERCENT && cpu < PLENTY_PERCENT)
		return "starved";
	return "spinning";
}

bool liveness_is_busy(const struct window_facts *f)
{
	int64_t percent = f->window_ns / 100;

	if (percent <= 0)
		return false;
	if ((f->cpu_ns + f->run_delay_ns) / percent >= BUSY_PERCENT)
		return true;
	/* without run delay from the kernel, pressure alone tells of the waiting */
	return f->run_delay_ns == 0 && f->cpu_ns / percent >= WANTED_PERCENT &&
	       f->cpu_pressure_ns / percent >= PRESSURE_PERCENT;
}
