/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/sample/collectors.h"

#include <string.h>

const struct collector_row collector_rows[] = {
	{ "cpu", "cpu", "cpu", "0 (perf) or 1",
	  "where CPU time goes: native, Python, Go, JavaScript, Ruby and Java frames merged; the whole tree from its"
	  " first instruction",
	  1 },
	{ "wall", "wall", "cpu", "0 or 1", "where every thread is over time, and what it waits for", 1 },
	{ "proc", "PsutilCollector", "system", "0",
	  "CPU, run delay, memory, faults, switches, input and output, threads and descriptors of each process;"
	  " cgroup and pressure",
	  0 },
	{ "io", "io", "io", "0", "bytes and calls of each process, time blocked on disks, files and peers by name", 0 },
	{ "gc", "gc", "memory", "0 or 2", "garbage collection: its share of CPU time in each runtime", 0 },
	{ "pyspy", "PySpyCollector", "cpu", "0 or 1", "cpu and wall of Python threads alone", 1 },
	{ "cprofile", "CProfileCollector", "cpu", "3",
	  "exact call counts of every Python process that starts with our hook",
	  3 },
	{ "mpa", "mpa", "cpu", "3", "Molt Profile Artifact 0.1 (molt_profile.json)", 3 },
	{ "jfr", "jfr", "cpu", "2", "a JVM's own flight recording, asked for over its attach protocol", 2 },
	{ "nodeprof", "nodeprof", "cpu", "3", "node's own .cpuprofile", 3 },
	{ NULL, NULL, NULL, NULL, NULL, 0 },
};

const struct collector_row *collector_row_find(const char *name)
{
	for (const struct collector_row *r = collector_rows; r->name; r++)
		if (strcmp(r->name, name) == 0 || strcmp(r->shown, name) == 0)
			return r;
	return NULL;
}
