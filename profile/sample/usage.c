/* SPDX-License-Identifier: Apache-2.0 */
/* usage.c - the proc collector: what each process used, once a second by reads that stop nobody, and of the whole tree. */
#include "profile/sample/sampler.h"

#include "profile/lang/java.h"

#include "base/json_write.h"
#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES_MAX = 600, YOUNG_LOOKS = 4, PERF_TRIES = 6 };
#define YOUNG_NS (20 * NS_PER_MS)
#define CGROUP_NS (10 * NS_PER_S)
#define YOUNG_DEAR_NS (200 * NS_PER_MS)
#define LOOK_COST_NS (150 * 1000)
#define SERIES_YOUNG_NS (200 * NS_PER_MS)

struct sproc_usage {
	struct proc_stat first, last;
	struct proc_io io, io_first;
	struct proc_status status, status_first;
	bool have_io, have_status, looked;
	int64_t looks, rss_max_bytes, pss_bytes, pss_at_bytes, swap_bytes, fd_first, fd_max, fd_last, threads_max, delay_ns;
	int64_t first_ns, last_ns;
	int64_t gc_pauses, gc_ms;  /* of a JVM, by its own counters */
	bool have_gc;
	int64_t perf_tries;
	char *perf_path;           /* its file of counters */
	struct proc_stat base;     /* its sums when collecting began: 0 but for a tree that was there before */
};

static int64_t number_after(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoll(at + strlen(name), NULL, 10) : 0;
}

static ssize_t read_of(const struct sproc *p, const char *name, char *buf, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)p->pid, name);
	return fd_read_file(AT_FDCWD, path, buf, size);
}

static int64_t fds_of(const struct sproc *p)
{
	char path[64];
	int64_t n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)p->pid);
	d = opendir(path);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n > 2 ? n - 2 : 0;
}

/* The costly ones, for which the kernel walks all of its pages, only where memory has grown by a tenth since the last time,
 * or by a half where we have used more than our share: PSS at its peak, and swap. */
static void usage_memory(const struct sampler *s, const struct sproc *p, struct sproc_usage *u)
{
	char text[4096];

	if (u->last.rss_bytes > u->rss_max_bytes)
		u->rss_max_bytes = u->last.rss_bytes;
	if (u->last.rss_bytes <= u->pss_at_bytes + u->pss_at_bytes / (sampler_affords(s, 75) ? 10 : 2))
		return;
	u->pss_at_bytes = u->last.rss_bytes;
	if (read_of(p, "smaps_rollup", text, sizeof(text)) > 0) {
		u->pss_bytes = number_after(text, "\nPss:") * 1024;
		u->swap_bytes = number_after(text, "\nSwap:") * 1024;
	}
}

/* A JVM counts its collections in a file that anybody may read. */
static void usage_jvm(const struct sproc *p, struct sproc_usage *u)
{
	struct snap_process seen = { .pid = p->pid, .ns_pid = p->pid };
	struct proc_status st;
	struct java_perf perf;
	char path[512];

	if (!p->exe || !str_ends(p->exe, "/java"))
		return;
	if (!u->perf_path) {
		if (u->perf_tries++ >= PERF_TRIES)
			return;
		if (proc_status_read(p->pid, 0, &st) == 0 && st.ns_pid > 0)
			seen.ns_pid = st.ns_pid;
		if (!java_perf_find(&seen, path, sizeof(path)))
			return;
		u->perf_path = xstrdup(path);
	}
	java_perf_read_file(u->perf_path, &perf);
	if (!perf.known)
		return;
	u->have_gc = true;
	u->gc_pauses = perf.gc_count;
	u->gc_ms = perf.gc_ms;
}

static void usage_look(struct sampler *s, struct sproc *p, int64_t now)
{
	struct sproc_usage *u = p->usage;
	struct proc_stat st;
	char text[512];
	ssize_t n;

	if (proc_stat_read(p->pid, &st) < 0 || st.state == 'Z')
		return;
	if (!u) {
		u = p->usage = xcalloc(1, sizeof(*u));
		u->first = st;
		u->first_ns = now;
	}
	u->last = st;
	u->last_ns = now;
	u->looks++;
	if (st.num_threads > u->threads_max)
		u->threads_max = st.num_threads;
	n = read_of(p, "io", text, sizeof(text));
	u->have_io = n > 0 && proc_io_parse(text, (size_t)n, &u->io) == 0;
	u->have_status = proc_status_read(p->pid, p->pid, &u->status) == 0;
	usage_jvm(p, u);
	usage_memory(s, p, u);
	u->fd_last = fds_of(p);
	if (u->looks == 1) {
		u->fd_first = u->fd_last;
		if (s->attached) { /* what was before belongs to nobody's profile */
			u->io_first = u->io;
			u->status_first = u->status;
			u->base = st;
		}
	}
	if (u->fd_last > u->fd_max)
		u->fd_max = u->fd_last;
}

/* Members of one process: as the last look found it. */
static void usage_json(const struct sampler *s, const struct sproc *p, const struct sproc_usage *u, int64_t end_ns,
		       struct json *j)
{
	int64_t lived = u->last_ns - u->first_ns, grown = u->last.rss_bytes - u->first.rss_bytes;

	json_int(j, "pid", p->pid);
	json_int(j, "ppid", p->ppid);
	json_str(j, "comm", p->comm);
	json_int(j, "start_ns", since_start(s, p->start_ns));
	json_int(j, "end_ns", since_start(s, end_ns));
	json_int(j, "user_ns", u->last.user_ns - u->base.user_ns);
	json_int(j, "system_ns", u->last.system_ns - u->base.system_ns);
	json_int(j, "rss_max_bytes", u->rss_max_bytes > u->last.rss_bytes ? u->rss_max_bytes : u->last.rss_bytes);
	json_int(j, "rss_last_bytes", u->last.rss_bytes);
	json_int(j, "pss_bytes", u->pss_bytes);
	json_int(j, "swap_bytes", u->swap_bytes);
	json_int(j, "rss_growth_bytes_s", lived > NS_PER_S ? grown / (lived / NS_PER_S) : 0);
	json_int(j, "observed_ns", lived);
	json_int(j, "minor_faults", u->last.minor_faults - u->base.minor_faults);
	json_int(j, "major_faults", u->last.major_faults - u->base.major_faults);
	json_int(j, "blkio_ns", u->last.blkio_ns - u->base.blkio_ns);
	json_int(j, "read_bytes", u->have_io ? u->io.read_bytes - u->io_first.read_bytes : 0);
	json_int(j, "write_bytes", u->have_io ? u->io.write_bytes - u->io_first.write_bytes : 0);
	json_int(j, "read_chars", u->have_io ? u->io.rchar - u->io_first.rchar : 0);
	json_int(j, "write_chars", u->have_io ? u->io.wchar - u->io_first.wchar : 0);
	json_int(j, "read_calls", u->have_io ? u->io.syscr - u->io_first.syscr : 0);
	json_int(j, "write_calls", u->have_io ? u->io.syscw - u->io_first.syscw : 0);
	json_int(j, "voluntary", u->have_status ? u->status.voluntary - u->status_first.voluntary : 0);
	json_int(j, "involuntary", u->have_status ? u->status.involuntary - u->status_first.involuntary : 0);
	json_int(j, "threads_max", u->threads_max);
	json_int(j, "fd_max", u->fd_max);
	json_int(j, "fd_growth", u->fd_last - u->fd_first);
	if (u->have_gc) {
		json_str(j, "gc_language", "java");
		json_int(j, "gc_pauses", u->gc_pauses);
		json_int(j, "gc_ms", u->gc_ms);
	}
	json_int(j, "thread_growth", u->last.num_threads - u->first.num_threads);
}

/* A process that has ended keeps its sums until its parent has asked for its status. */
static void usage_last(const struct sproc *p, struct sproc_usage *u)
{
	struct proc_stat st;

	if (proc_stat_read(p->pid, &st) < 0 || st.start_ticks != u->last.start_ticks)
		return;
	u->last.user_ns = st.user_ns;
	u->last.system_ns = st.system_ns;
	u->last.minor_faults = st.minor_faults;
	u->last.major_faults = st.major_faults;
	u->last.blkio_ns = st.blkio_ns;
}

void usage_end(struct sampler *s, struct sproc *p, int64_t now)
{
	auto_str text = STR_INIT;
	struct json j;

	if (!p->usage)
		return;
	usage_last(p, p->usage);
	json_init(&j, &text);
	json_object(&j, NULL);
	usage_json(s, p, p->usage, now, &j);
	json_object_end(&j);
	json_finish(&j);
	book_note(&s->book, "usage", str_cstr(&text), text.len);
	free(p->usage->perf_path);
	free(p->usage);
	p->usage = NULL;
}

/* The whole tree at one moment, for the charts. */
static void series_point(struct sampler *s, int64_t now)
{
	int64_t cpu = 0, rss = 0, processes = 0, threads = 0, fds = 0;
	char text[256];
	int n;

	for (struct sproc *p = s->first; p; p = p->after) {
		if (!p->usage)
			continue;
		cpu += proc_stat_cpu_ns(&p->usage->last);
		rss += p->usage->last.rss_bytes;
		threads += p->usage->last.num_threads;
		fds += p->usage->fd_last;
		processes++;
	}
	s->series_ns = now;
	if (s->usage_points++ >= SERIES_MAX)
		return;
	n = snprintf(text, sizeof(text), "[%lld,%lld,%lld,%lld,%lld,%lld]", (long long)since_start(s, now), (long long)cpu,
		     (long long)rss, (long long)processes, (long long)threads, (long long)fds);
	book_note(&s->book, "series", text, (size_t)n);
}

void usage_tick(struct sampler *s, int64_t now)
{
	/* A thousandth of a processor is always there for it, or a tree that hardly runs would not be seen to grow. */
	if (!sampler_affords(s, 90) && s->usage_points > 2 &&
	    now - s->usage_ns < (int64_t)s->proc_count * LOOK_COST_NS * 1000 - NS_PER_S / 2)
		return;
	s->usage_ns = now;
	for (struct sproc *p = s->first; p; p = p->after)
		usage_look(s, p, now);
	series_point(s, now);
	if (s->cgroup_due_ns <= now) { /* should we be killed */
		cgroup_note(s);
		s->cgroup_due_ns = now + CGROUP_NS;
	}
}

/* The first looks at a process come soon: at the age of 20, 80, 320 and 1280 ms; where many come and go, not at those that
 * are gone in a moment. */
void usage_young(struct sampler *s, int64_t now)
{
	int64_t first = sampler_affords(s, 50) || s->proc_count < 3 ? YOUNG_NS : YOUNG_DEAR_NS;
	bool looked = false;

	cgroup_begin(s);
	for (struct sproc *p = s->first; p; p = p->after) {
		int64_t looks = p->usage ? p->usage->looks : 0, due = first;

		for (int64_t i = 0; i < looks; i++)
			due *= 4;
		if (looks >= YOUNG_LOOKS || now - p->start_ns < due)
			continue;
		usage_look(s, p, now);
		looked = true;
	}
	if (looked && now - s->series_ns >= SERIES_YOUNG_NS)
		series_point(s, now);
}

/* Time in which some task of the machine stood for want of something. */
static void pressure_read(int64_t us[3])
{
	static const char *const files[] = { "/proc/pressure/cpu", "/proc/pressure/io", "/proc/pressure/memory" };
	char text[256];

	for (int i = 0; i < 3; i++)
		us[i] = fd_read_file(AT_FDCWD, files[i], text, sizeof(text)) > 0 ? number_after(text, "total=") : -1;
}

static void pressure_note(struct sampler *s)
{
	char text[160];
	int64_t us[3];
	int n;

	pressure_read(us);
	if (us[0] < 0 || s->pressure_us[0] < 0)
		return;
	n = snprintf(text, sizeof(text), "{\"cpu_us\":%lld,\"io_us\":%lld,\"memory_us\":%lld}",
		     (long long)(us[0] - s->pressure_us[0]), (long long)(us[1] - s->pressure_us[1]),
		     (long long)(us[2] - s->pressure_us[2]));
	book_note(&s->book, "pressure", text, (size_t)n);
}

void usage_begin(struct sampler *s)
{
	pressure_read(s->pressure_us);
	if (!s->attached)
		proc_stat_read(s->root, &s->root_first);
}

/* All that the root has waited for since, with what those had waited for. */
static void reaped_note(struct sampler *s)
{
	const struct proc_stat *a = &s->root_first;
	struct proc_stat b;
	char text[256];
	int n;

	if (s->attached || !a->pid || proc_stat_read(s->root, &b) < 0)
		return;
	n = snprintf(text, sizeof(text), "{\"user_ns\":%lld,\"system_ns\":%lld,\"minor_faults\":%lld,\"major_faults\":%lld}",
		     (long long)(b.children_user_ns - a->children_user_ns),
		     (long long)(b.children_system_ns - a->children_system_ns),
		     (long long)(b.children_minor_faults - a->children_minor_faults),
		     (long long)(b.children_major_faults - a->children_major_faults));
	book_note(&s->book, "reaped", text, (size_t)n);
}

void usage_finish(struct sampler *s, int64_t now)
{
	reaped_note(s);
	pressure_note(s);
	for (struct sproc *p = s->first; p; p = p->after)
		usage_look(s, p, now);
	cgroup_note(s);
}
