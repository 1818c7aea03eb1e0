/* SPDX-License-Identifier: Apache-2.0 */
/* pressure.c - was it hung, or only starved? How long tasks of the whole machine, and of the tree's own cgroup, waited
 * for CPU, disk and memory lately. */
#include "profile/collector.h"

#include "base/clock.h"

#include <stdio.h>

static void pressure_add(struct str *out, const char *what, const char *path)
{
	struct proc_pressure p;

	if (proc_pressure_read(path, &p) == 0)
		str_addf(out, "%s%s %d.%02d %%", out->len ? ", " : "", what, p.some_avg10 / 100, p.some_avg10 % 100);
}

static void pressure_collect(struct snapshot *s, const struct collect_request *q)
{
	int64_t began = clock_mono_ns();
	char dir[4096], path[4200];
	auto_str text = STR_INIT;

	pressure_add(&text, "waited in the last 10 s for cpu", PROC_PRESSURE_CPU);
	pressure_add(&text, "io", PROC_PRESSURE_IO);
	pressure_add(&text, "memory", PROC_PRESSURE_MEMORY);
	if (q->pid_count && proc_cgroup_dir(q->pids[0], dir, sizeof(dir)) == 0) {
		snprintf(path, sizeof(path), "%s/cpu.pressure", dir);
		pressure_add(&text, "its cgroup for cpu", path);
	}
	snapshot_collector(s, "pressure", text.len ? COLLECT_OK : COLLECT_UNAVAILABLE, clock_mono_ns() - began,
			   text.len ? str_cstr(&text) : "this kernel keeps no pressure");
}

const struct collector collector_pressure = {
	.name = "pressure", .help = "waiting for CPU, disk and memory", .budget_ms = 50, .collect = pressure_collect };
