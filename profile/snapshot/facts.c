/* SPDX-License-Identifier: Apache-2.0 */
/* facts.c - what /proc tells of a process beside its threads: input and output, time spent waiting for a CPU, context
 * switches, limits, cgroup, descriptors and where they lead. Reads alone; each file that may not be read leaves its
 * fact out. */
#include "profile/collector.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "profile/proc/fdtable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool proc_text(pid_t pid, const char *name, char *buf, size_t size, size_t *n)
{
	char path[48];
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	got = fd_read_file(AT_FDCWD, path, buf, size);
	*n = got > 0 ? (size_t)got : 0;
	return got > 0;
}

static void descriptors(struct snap_process *p)
{
	struct fd_table t = { 0 };

	fd_table_add_process(&t, p->pid);
	p->facts.fd_count = t.denied ? -1 : (int64_t)t.n;
	p->facts.fds = xcalloc(t.n + 1, sizeof(*p->facts.fds));
	for (size_t i = 0; i < t.n && i < SNAP_FDS_MAX; i++)
		p->facts.fds[p->facts.fds_listed++] = (struct snap_fd){ .fd = t.v[i].fd, .reads = t.v[i].reads,
									.writes = t.v[i].writes,
									.target = ptr_steal(&t.v[i].target) };
	fd_table_release(&t);
}

static void process_facts(struct snap_process *p)
{
	struct snap_facts *f = &p->facts;
	struct proc_status status;
	struct proc_sched sched;
	char buf[4096];
	size_t n;

	*f = (struct snap_facts){ .delay_ns = -1, .open_files_max = -1, .processes_max = -1, .fd_count = -1 };
	f->has_io = proc_text(p->pid, "io", buf, sizeof(buf), &n) && proc_io_parse(buf, n, &f->io) == 0;
	if (proc_text(p->pid, "schedstat", buf, sizeof(buf), &n) && proc_sched_parse(buf, n, &sched) == 0)
		f->delay_ns = sched.delay_ns;
	if (proc_status_read(p->pid, 0, &status) == 0) {
		f->has_switches = true;
		f->voluntary = status.voluntary;
		f->involuntary = status.involuntary;
	}
	if (proc_text(p->pid, "limits", buf, sizeof(buf), &n)) {
		f->open_files_max = proc_limit_parse(buf, n, "Max open files");
		f->processes_max = proc_limit_parse(buf, n, "Max processes");
	}
	if (proc_text(p->pid, "cgroup", buf, sizeof(buf), &n)) {
		const char *at = strncmp(buf, "0::", 3) == 0 ? buf : strstr(buf, "\n0::");

		at = at ? strchr(at, '/') : NULL;
		f->cgroup = at ? xstrndup(at, strcspn(at, "\n")) : NULL;
	}
	descriptors(p);
}

void facts_of_process_release(struct snap_process *p)
{
	for (size_t i = 0; i < p->facts.fds_listed; i++)
		free(p->facts.fds[i].target);
	free(p->facts.fds);
	free(p->facts.cgroup);
	p->facts = (struct snap_facts){ 0 };
}

static void facts_collect(struct snapshot *s, const struct collect_request *q)
{
	size_t denied = 0, done = 0, alive = 0;
	int64_t began = clock_mono_ns();
	char reason[120];

	for (size_t i = 0; i < s->process_count; i++) {
		struct snap_process *p = &s->processes[i];

		alive += p->alive;
		if (!p->alive || clock_mono_ns() >= q->deadline_ns)
			continue;
		process_facts(p);
		p->facts.known = true;
		done++;
		denied += p->facts.fd_count < 0;
	}
	snprintf(reason, sizeof(reason), "descriptors of %zu processes may not be seen, %zu processes too late", denied,
		 alive - done);
	snapshot_collector(s, "facts", done < alive ? COLLECT_TIMED_OUT : !denied ? COLLECT_OK :
			   denied == alive ? COLLECT_DENIED : COLLECT_PARTIAL, clock_mono_ns() - began,
			   denied || done < alive ? reason : NULL);
}

const struct collector collector_facts = { .name = "facts", .help = "input and output, limits, descriptors, cgroup",
					   .budget_ms = 300, .collect = facts_collect };
