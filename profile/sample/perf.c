/* SPDX-License-Identifier: Apache-2.0 */
/* perf.c - the kernel's CPU clock: one event a processor, opened on the supervisor and inherited by all that it starts, so
 * that the first instruction of the shortest child is seen without a stop. The ring tells of forks, programs, maps and, at
 * each thread's end, how much CPU time it used; nothing of it needs /proc in time. */
#include "profile/sample/sampler.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { RINGS_MAX = 1024, PAGES = 128 };
#define EXIT_LATE_NS (3 * NS_PER_S)

#if defined(__x86_64__)
/* The kernel's numbers of ax bx cx dx si di bp sp ip, r8 to r15; by DWARF number below. */
static const uint8_t dwarf_of[] = { 0, 3, 2, 1, 4, 5, 6, 7, 16, 8, 9, 10, 11, 12, 13, 14, 15 };
#define REGS_MASK (0x1ffull | 0xff0000ull)
#elif defined(__aarch64__)
#define REGS_MASK ((1ull << 33) - 1)
#endif
#define REGS_COUNT __builtin_popcountll(REGS_MASK)

struct ring {
	int fd;
	struct perf_event_mmap_page *page;
	unsigned char *data;
	size_t size;
	uint64_t tail, head; /* of this round */
};
struct record_ref {
	uint64_t time;
	uint32_t ring, at;   /* at: offset from the ring's tail */
};
struct perf {
	struct ring *ring;
	int n;
	int *attached;       /* record --pid: events on threads that were there before */
	int attached_n;
	struct record_ref *ref;
	size_t ref_n, ref_cap;
	unsigned char *wrapped;
	bool with_kernel;
	long page_bytes;
	size_t exits;        /* threads whose end is not settled yet */
};

static int perf_open(const struct sampler *s, pid_t pid, int cpu, bool kernel, struct perf_event_attr *a)
{
	memset(a, 0, sizeof(*a));
	a->size = sizeof(*a);
	a->type = PERF_TYPE_SOFTWARE;
	a->config = PERF_COUNT_SW_CPU_CLOCK;
	a->sample_period = (uint64_t)s->period_ns;
	a->sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
	a->sample_regs_user = REGS_MASK;
	a->sample_stack_user = SAMPLER_STACK_BYTES;
	a->exclude_kernel = !kernel;
	a->exclude_hv = 1;
	a->inherit = 1;
	a->inherit_stat = 1;
	a->task = a->comm = a->mmap = a->mmap2 = a->comm_exec = 1;
	a->sample_id_all = 1;
	a->use_clockid = 1;
	a->clockid = CLOCK_MONOTONIC;
	/* 0: when a ring is half full. Waking at each record costs an interrupt of the processor that writes it, which is
	 * where the tree runs: in a program that starts threads all the time a hundredth of its time. */
	a->watermark = 1;
	a->wakeup_watermark = s->eager;
	return (int)syscall(SYS_perf_event_open, a, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static bool ring_map(struct perf *p, struct ring *r)
{
	/* What a plain user may lock is 516 KiB a processor, together with his other rings. */
	for (size_t pages = PAGES; pages >= 16; pages /= 2) {
		void *at = mmap(NULL, (pages + 1) * (size_t)p->page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);

		if (at == MAP_FAILED)
			continue;
		r->page = at;
		r->data = (unsigned char *)at + p->page_bytes;
		r->size = pages * (size_t)p->page_bytes;
		return true;
	}
	return false;
}

static void perf_stop(struct sampler *s)
{
	struct perf *p = s->engine_data;

	if (!p)
		return;
	for (int i = 0; i < p->n; i++) {
		if (p->ring[i].page)
			munmap(p->ring[i].page, p->ring[i].size + (size_t)p->page_bytes);
		fd_close(&p->ring[i].fd);
	}
	for (int i = 0; i < p->attached_n; i++)
		close(p->attached[i]);
	free(p->attached);
	free(p->ring);
	free(p->ref);
	free(p->wrapped);
	free(p);
	s->engine_data = NULL;
}

static int paranoid(void)
{
	char text[16];

	return fd_read_file(AT_FDCWD, "/proc/sys/kernel/perf_event_paranoid", text, sizeof(text)) > 0 ?
			(int)strtol(text, NULL, 10) : -2;
}

static int perf_refused(struct sampler *s, const char *call, struct err *e)
{
	int saved = errno, level = paranoid();

	perf_stop(s);
	if (saved == ENOSYS || level < 3)
		return err_set(e, ERR_FAILURE, "perf_event_open is refused (%s: %s): in a container allow it with "
			       "--cap-add=PERFMON or a seccomp profile that lets it through", call, strerror(saved));
	return err_set(e, ERR_FAILURE, "perf_event_open is refused (%s: %s; perf_event_paranoid is %d): "
		       "sysctl kernel.perf_event_paranoid=2 allows it, or CAP_PERFMON", call, strerror(saved), level);
}

/* One event a processor on a thread; those of further threads (record --pid) write into the same rings. */
static int perf_thread(struct sampler *s, struct perf *p, pid_t tid, bool first)
{
	struct perf_event_attr a;
	int cpus = (int)sysconf(_SC_NPROCESSORS_CONF);

	for (int cpu = 0; cpu < cpus && cpu < RINGS_MAX; cpu++) {
		int fd = perf_open(s, tid, cpu, p->with_kernel, &a);

		if (fd < 0 && (errno == EACCES || errno == EPERM) && p->with_kernel && first && cpu == 0) {
			p->with_kernel = false;
			fd = perf_open(s, tid, cpu, false, &a);
		}
		if (fd < 0 && (errno == ENODEV || errno == EINVAL) && cpu > 0)
			continue; /* offline */
		if (fd < 0)
			return -1;
		if (first) {
			struct ring *r = &p->ring[p->n++];

			r->fd = fd;
			if (!ring_map(p, r))
				return -1;
			continue;
		}
		if (p->attached_n >= 4096 || cpu >= p->n || ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, p->ring[cpu].fd) < 0) {
			close(fd);
			continue;
		}
		p->attached = xreallocarray(p->attached, (size_t)p->attached_n + 1, sizeof(int));
		p->attached[p->attached_n++] = fd;
	}
	return 0;
}

static int perf_start(struct sampler *s, struct err *e)
{
	struct perf *p = xcalloc(1, sizeof(*p));

	s->engine_data = p;
	p->page_bytes = sysconf(_SC_PAGESIZE);
	p->with_kernel = true;
	p->ring = xcalloc(RINGS_MAX, sizeof(*p->ring));
	for (int i = 0; i < RINGS_MAX; i++)
		p->ring[i].fd = -1;
	if (perf_thread(s, p, s->root, true) < 0)
		return perf_refused(s, "opening", e);
	if (!p->n)
		return perf_refused(s, "no processor", e);
	p->wrapped = xmalloc(65536 + 16);
	s->with_kernel = p->with_kernel;
	if (s->attached) {
		auto_pid_list pids = PID_LIST_INIT;

		proc_tree(s->root, &pids);
		for (size_t i = 0; i < pids.n; i++) {
			auto_pid_list tids = PID_LIST_INIT;

			proc_threads(pids.v[i], &tids);
			for (size_t k = 0; k < tids.n; k++)
				if (tids.v[k] != s->root)
					perf_thread(s, p, tids.v[k], false);
		}
	}
	return 0;
}

static int perf_fds(struct sampler *s, struct pollfd *out, int max)
{
	struct perf *p = s->engine_data;
	int n = 0;

	for (int i = 0; i < p->n && n < max; i++)
		out[n++] = (struct pollfd){ .fd = p->ring[i].fd, .events = POLLIN };
	return n;
}

/* ---- records ---- */

/* One whole record; where it wraps around the ring's end, a copy. */
static const unsigned char *ring_record(struct perf *p, const struct ring *r, uint64_t at, size_t n)
{
	size_t from = (size_t)(at & (r->size - 1)), first = r->size - from;

	if (first >= n)
		return r->data + from;
	memcpy(p->wrapped, r->data + from, first);
	memcpy(p->wrapped + first, r->data, n - first);
	return p->wrapped;
}

static uint64_t u64_at(const unsigned char *b)
{
	uint64_t v;

	memcpy(&v, b, 8);
	return v;
}

static uint32_t u32_at(const unsigned char *b)
{
	uint32_t v;

	memcpy(&v, b, 4);
	return v;
}

static uint64_t record_time(const struct perf_event_header *h, const unsigned char *b)
{
	if (h->type == PERF_RECORD_SAMPLE)
		return h->size >= 24 ? u64_at(b + 16) : 0;
	return h->size >= 24 ? u64_at(b + h->size - 8) : 0;
}

static struct sproc *record_proc(struct sampler *s, pid_t pid, int64_t at_ns)
{
	struct sproc *p;
	struct proc_stat st;

	if (pid <= 0 || (pid == s->root && !s->attached))
		return NULL;
	p = sproc_find(s, pid);
	if (!p) {
		p = sproc_add(s, pid, proc_stat_read(pid, &st) == 0 ? st.ppid : 0, at_ns);
		if (st.pid == pid)
			memcpy(p->comm, st.comm, sizeof(p->comm));
		sproc_maps(s, p);
	}
	return p;
}

static void exits_settle(struct sampler *s, struct perf *p, int64_t now, bool all);

static void on_fork(struct sampler *s, const unsigned char *b, int64_t at)
{
	pid_t pid = (pid_t)u32_at(b + 8), ppid = (pid_t)u32_at(b + 12), tid = (pid_t)u32_at(b + 16);
	struct sproc *p = sproc_find(s, pid);

	if (pid != ppid) { /* a process; one of the same number is gone, whatever was lost */
		if (p && p->start_ns < at && tid == pid && sthread_find(p, tid)) {
			exits_settle(s, s->engine_data, at, true);
			p = sproc_find(s, pid);
			if (p)
				sproc_end(s, p, at);
		}
		p = sproc_add(s, pid, ppid, at);
	} else {
		p = record_proc(s, pid, at);
	}
	if (p)
		sthread_add(s, p, tid, at);
}

static void on_exited(struct sampler *s, const unsigned char *b, int64_t at)
{
	pid_t pid = (pid_t)u32_at(b + 8), tid = (pid_t)u32_at(b + 16);
	struct sproc *p = sproc_find(s, pid);

	if (!p)
		return;
	for (struct sthread *t = p->threads; t; t = t->next)
		if (t->tid == tid && !t->exited_ns) {
			t->exited_ns = at;
			((struct perf *)s->engine_data)->exits++;
		}
}

/* Its events' counts, one a processor, come right after a thread's end, unless it loses its CPU in between. */
static void exits_settle(struct sampler *s, struct perf *p, int64_t now, bool all)
{
	if (!p->exits)
		return;
	for (struct sproc *q = s->first, *next; q; q = next) {
		int64_t at = 0;

		next = q->after;
		for (struct sthread *t = q->threads, *further; t; t = further) {
			further = t->next;
			if (!t->exited_ns || t->pending)
				continue;
			if (!all && t->perf_counts < p->n && now - t->exited_ns < EXIT_LATE_NS)
				continue;
			at = t->exited_ns;
			p->exits--;
			sthread_end(s, q, t->tid, t->exited_ns, -1);
		}
		if (at && !q->threads)
			sproc_end(s, q, at);
	}
}

static void on_comm(struct sampler *s, const struct perf_event_header *h, const unsigned char *b, int64_t at)
{
	pid_t pid = (pid_t)u32_at(b + 8), tid = (pid_t)u32_at(b + 12);
	struct sproc *p = record_proc(s, pid, at);
	struct sthread *t;
	char comm[PROC_COMM_SIZE];

	if (!p)
		return;
	snprintf(comm, sizeof(comm), "%.*s", 15, (const char *)b + 16);
	if (h->misc & PERF_RECORD_MISC_COMM_EXEC) {
		sproc_exec(s, p, comm);
		p->maps_read = true; /* its maps are records, too */
		sthread_add(s, p, tid, at);
		sproc_names(s, p);
		return;
	}
	t = sthread_add(s, p, tid, at);
	if (tid == pid)
		memcpy(p->comm, comm, sizeof(p->comm));
	memcpy(t->name, comm, sizeof(t->name));
	book_thread_names(&s->book, t->book, p->comm, t->name, p->exe, NULL);
}

static void on_mmap(struct sampler *s, const struct perf_event_header *h, const unsigned char *b, int64_t at)
{
	struct sproc *p = record_proc(s, (pid_t)u32_at(b + 8), at);
	struct map_entry m = { .start = u64_at(b + 16), .end = u64_at(b + 16) + u64_at(b + 24), .offset = u64_at(b + 32),
			       .x = true, .r = true, .dev_major = u32_at(b + 40), .dev_minor = u32_at(b + 44),
			       .inode = u64_at(b + 48) };

	/* pid tid addr len pgoff maj min ino generation prot flags filename */
	if (!p || h->size < 72 + 8 || !memchr(b + 72, 0, h->size - 72))
		return;
	m.path = (const char *)b + 72;
	if (strcmp(m.path, "//anon") == 0)
		m.path = "";
	sproc_mapped(s, p, &m);
	/* The kernel tells of an exec before the new command line is there. */
	if (p->exec_seen && !p->argv_known)
		sproc_names(s, p);
}

static void on_read(struct sampler *s, const unsigned char *b)
{
	struct sproc *p = sproc_find(s, (pid_t)u32_at(b + 8));
	struct sthread *t = p ? sthread_find(p, (pid_t)u32_at(b + 12)) : NULL;

	if (!t)
		return;
	t->perf_ns += (int64_t)u64_at(b + 16);
	t->perf_counts++;
	t->perf_known = true;
}

static bool regs_take(const unsigned char *b, struct snap_regs *r)
{
	*r = (struct snap_regs){ 0 };
#if defined(__x86_64__)
	for (int i = 0; i < REGS_COUNT; i++)
		r->r[dwarf_of[i]] = u64_at(b + 8 * i);
	r->have = (UINT64_C(1) << 17) - 1;
	r->pc = r->r[16];
#else
	for (int i = 0; i < 32; i++)
		r->r[i] = u64_at(b + 8 * i);
	r->have = UINT64_C(0xffffffff);
	r->pc = u64_at(b + 8 * 32);
#endif
	return r->pc != 0;
}

/* Registers and stack of a sample's end. False where it has none that we can follow (a 32-bit program). */
static bool sample_stack(const unsigned char *d, const unsigned char *end, struct snap_regs *regs, struct walk_stack *stack)
{
	uint64_t abi = u64_at(d), n, dyn;
	bool have = false;

	d += 8;
	if (abi && end - d >= REGS_COUNT * 8 + 8) {
		have = regs_take(d, regs) && abi == 2;
		d += REGS_COUNT * 8;
	}
	n = end - d >= 8 ? u64_at(d) : 0;
	d += 8;
	if (n && (uint64_t)(end - d) >= n + 8) {
		dyn = u64_at(d + n);
		*stack = (struct walk_stack){ d, have ? regs->r[SNAP_REG_SP] : 0, dyn < n ? (size_t)dyn : (size_t)n };
	}
	return have;
}

static void on_sample(struct sampler *s, const struct perf_event_header *h, const unsigned char *b, int64_t at)
{
	bool kernel = (h->misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL;
	struct sproc *p = record_proc(s, (pid_t)u32_at(b + 8), at);
	struct book_sample x = { .ts_ns = since_start(s, at), .wait = -1, .source = FROM_PERF, .cpu_ns = s->period_ns,
				 .wall_ns = s->period_ns };
	struct walk_stack stack = { 0 };
	struct sthread *t;
	struct snap_regs regs;
	const unsigned char *end = b + h->size, *d = b + 24;
	bool have;

	if (!p || end - d < 8)
		return;
	have = sample_stack(d, end, &regs, &stack);
	t = sthread_add(s, p, (pid_t)u32_at(b + 12), at);
	x.thread = t->book;
	/* Of an interpreter the stops tell more, and weights.c puts the nearest one in the place of this; where there is
	 * none, this is all there is. */
	x.stack = p->scripted && t->stopped ? stack_unknown(s) :
		  stack_keep(s, p, have ? &regs : NULL, &stack, kernel, NULL, 0);
	s->kernel_samples += kernel;
	t->sampled_ns += at > t->looked_ns ? s->period_ns : 0;
	s->tree_cpu_ns += s->period_ns;
	s->idle_since_ns = at;
	book_sample(&s->book, &x);
}

static void dispatch(struct sampler *s, const struct perf_event_header *h, const unsigned char *b, int64_t at)
{
	switch (h->type) {
	case PERF_RECORD_SAMPLE: on_sample(s, h, b, at); break;
	case PERF_RECORD_FORK: on_fork(s, b, at); break;
	case PERF_RECORD_EXIT: on_exited(s, b, at); break;
	case PERF_RECORD_COMM: on_comm(s, h, b, at); break;
	case PERF_RECORD_MMAP2: on_mmap(s, h, b, at); break;
	case PERF_RECORD_READ: on_read(s, b); break;
	case PERF_RECORD_LOST: s->book.lost += u64_at(b + 16); break;
	default: break;
	}
}

static int by_time(const void *a, const void *b)
{
	const struct record_ref *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->ring != y->ring ? (x->ring < y->ring ? -1 : 1) : x->at < y->at ? -1 : x->at > y->at;
}

/* Up to a moment before the first ring was looked at: else what one ring tells of a process may come before the other has
 * told of its birth. */
static void refs_of_ring(struct perf *p, uint32_t i, uint64_t until)
{
	struct ring *r = &p->ring[i];

	r->tail = r->page->data_tail;
	r->head = __atomic_load_n(&r->page->data_head, __ATOMIC_ACQUIRE);
	for (uint64_t at = r->tail; at < r->head;) {
		struct perf_event_header h;
		const unsigned char *b = ring_record(p, r, at, sizeof(h));

		memcpy(&h, b, sizeof(h));
		if (h.size < sizeof(h) || at + h.size > r->head)
			break;
		if (p->ref_n == p->ref_cap) {
			p->ref_cap = p->ref_cap ? p->ref_cap * 2 : 256;
			p->ref = xreallocarray(p->ref, p->ref_cap, sizeof(*p->ref));
		}
		b = ring_record(p, r, at, h.size);
		if (record_time(&h, b) > until) {
			r->head = at;
			break;
		}
		p->ref[p->ref_n++] = (struct record_ref){ record_time(&h, b), i, (uint32_t)(at - r->tail) };
		at += h.size;
	}
}

static void perf_readable(struct sampler *s, int64_t now)
{
	struct perf *p = s->engine_data;
	uint64_t until = (uint64_t)clock_mono_ns();

	p->ref_n = 0;
	for (int i = 0; i < p->n; i++)
		refs_of_ring(p, (uint32_t)i, until);
	if (p->ref_n > 1)
		qsort(p->ref, p->ref_n, sizeof(*p->ref), by_time);
	for (size_t i = 0; i < p->ref_n; i++) {
		const struct ring *r = &p->ring[p->ref[i].ring];
		struct perf_event_header h;
		uint64_t at = r->tail + p->ref[i].at;

		memcpy(&h, ring_record(p, r, at, sizeof(h)), sizeof(h));
		dispatch(s, &h, ring_record(p, r, at, h.size), (int64_t)p->ref[i].time);
	}
	for (int i = 0; i < p->n; i++)
		__atomic_store_n(&p->ring[i].page->data_tail, p->ring[i].head, __ATOMIC_RELEASE);
	exits_settle(s, p, now, false);
}

const struct sampler_ops sampler_perf = { .name = "perf", .start = perf_start, .fds = perf_fds, .readable = perf_readable,
					  .stop = perf_stop };
