/* SPDX-License-Identifier: Apache-2.0 */
/* gather_derive.c - what follows from the rows: who is below whom, what each thread waits for.
 * The chain of waiting is in derive_chain.c.
 */
#include "evidence/derive.h"

#include "base/mem.h"
#include "base/signal_name.h"
#include "evidence/signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64

/* ---- indexes ---- */

static int proc_cmp(const void *pa, const void *pb)
{
	int64_t a = fact_int(*(struct fact_row *const *)pa, FC_PROCESS_pid, -1);
	int64_t b = fact_int(*(struct fact_row *const *)pb, FC_PROCESS_pid, -1);

	return (a > b) - (a < b);
}

static int thread_key_cmp(int64_t pid_a, int64_t tid_a, int64_t pid_b, int64_t tid_b)
{
	if (pid_a != pid_b)
		return pid_a < pid_b ? -1 : 1;
	return (tid_a > tid_b) - (tid_a < tid_b);
}

static int thread_cmp(const void *pa, const void *pb)
{
	const struct fact_row *a = *(struct fact_row *const *)pa, *b = *(struct fact_row *const *)pb;

	return thread_key_cmp(fact_int(a, FC_THREAD_pid, -1), fact_int(a, FC_THREAD_tid, -1),
			      fact_int(b, FC_THREAD_pid, -1), fact_int(b, FC_THREAD_tid, -1));
}

struct fact_row *derive_process(const struct derive *d, int64_t pid)
{
	size_t lo = 0, hi = d->n_proc;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (fact_int(d->proc[mid], FC_PROCESS_pid, -1) < pid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < d->n_proc && fact_int(d->proc[lo], FC_PROCESS_pid, -1) == pid ? d->proc[lo] : NULL;
}

/* Index of the thread, of the main thread where tid is not positive; -1 where it was not seen. */
int64_t derive_thread(const struct derive *d, int64_t pid, int64_t tid)
{
	size_t lo = 0, hi = d->n_thread;

	if (tid <= 0)
		tid = pid;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (thread_key_cmp(fact_int(d->thread[mid], FC_THREAD_pid, -1),
				   fact_int(d->thread[mid], FC_THREAD_tid, -1), pid, tid) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < d->n_thread && fact_int(d->thread[lo], FC_THREAD_pid, -1) == pid &&
	    fact_int(d->thread[lo], FC_THREAD_tid, -1) == tid)
		return (int64_t)lo;
	return -1;
}

static void index_processes(struct derive *d)
{
	struct fact_table *t = &d->f->table[FACT_PROCESS];

	d->n_proc = t->n;
	d->proc = xreallocarray(NULL, t->n + 1, sizeof(struct fact_row *));
	if (t->n) {
		memcpy(d->proc, t->rows, t->n * sizeof(struct fact_row *));
		qsort(d->proc, t->n, sizeof(struct fact_row *), proc_cmp);
	}
}

static void index_threads(struct derive *d)
{
	struct fact_table *t = &d->f->table[FACT_THREAD];

	d->n_thread = t->n;
	d->thread = xreallocarray(NULL, t->n + 1, sizeof(struct fact_row *));
	if (t->n) {
		memcpy(d->thread, t->rows, t->n * sizeof(struct fact_row *));
		qsort(d->thread, t->n, sizeof(struct fact_row *), thread_cmp);
	}
}

/* ---- processes ---- */

/* How an exited child ended, if not well: who was killed before who failed. */
static void put_dead_child(struct derive *d, struct fact_row *up, const struct fact_row *child)
{
	int64_t signal = fact_int(child, FC_PROCESS_zombie_signal, 0), code = fact_int(child, FC_PROCESS_zombie_code, 0);
	const char *name = signal ? signal_abbrev((int)signal) : NULL;
	auto_str text = STR_INIT;

	if ((!signal && !code) || (!signal && fact_get(up, FC_PROCESS_dead_child)->known))
		return;
	str_addf(&text, "%s (pid %lld) ", fact_text(child, FC_PROCESS_comm), (long long)fact_int(child, FC_PROCESS_pid, 0));
	if (signal)
		str_addf(&text, "was killed by signal %lld (SIG%s)", (long long)signal, name ? name : "RT");
	else
		str_addf(&text, "exited with code %lld", (long long)code);
	fact_set_text(d->f, up, FC_PROCESS_dead_child, str_cstr(&text));
}

static void derive_processes(struct derive *d)
{
	for (size_t i = 0; i < d->n_proc; i++) {
		struct fact_row *p = d->proc[i], *up = derive_process(d, fact_int(p, FC_PROCESS_ppid, -1));

		if (!fact_get(p, FC_PROCESS_state)->known)
			continue;
		if (!fact_get(p, FC_PROCESS_leaf)->known)
			fact_set_bool(p, FC_PROCESS_leaf, true);
		fact_set_bool(p, FC_PROCESS_leftover, !up && !fact_bool(p, FC_PROCESS_is_command) &&
							      fact_get(p, FC_PROCESS_ppid)->known);
		if (!up || up == p)
			continue;
		if (derive_is_alive(p)) {
			fact_set_bool(up, FC_PROCESS_leaf, false);
			continue;
		}
		fact_set_int(up, FC_PROCESS_zombies, fact_int(up, FC_PROCESS_zombies, 0) + 1);
		put_dead_child(d, up, p);
	}
	for (size_t i = 0; i < d->n_proc; i++) {
		const struct fact_row *p = d->proc[i];
		int64_t depth = 0;

		while (depth < DEPTH_MAX && (p = derive_process(d, fact_int(p, FC_PROCESS_ppid, -1))))
			depth++;
		fact_set_int(d->proc[i], FC_PROCESS_depth, depth);
	}
}

static void copy_text(struct derive *d, struct fact_row *to, enum fact_col tc, const struct fact_row *from,
		      enum fact_col fc)
{
	if (fact_get(from, fc)->known)
		fact_set_text(d->f, to, tc, fact_text(from, fc));
}

static bool has_thread(const struct facts *f, size_t n, int64_t pid)
{
	for (size_t i = 0; i < n; i++)
		if (fact_int(f->table[FACT_THREAD].rows[i], FC_THREAD_pid, -1) == pid)
			return true;
	return false;
}

/* What /proc told of a process that no snapshot holds: a row for its main thread. */
static void threads_of_processes(struct derive *d)
{
	size_t given = d->f->table[FACT_THREAD].n;

	for (size_t i = 0; i < d->n_proc; i++) {
		const struct fact_row *p = d->proc[i];
		int64_t pid = fact_int(p, FC_PROCESS_pid, -1);
		struct fact_row *r;

		if (!derive_is_alive(p) || (given && has_thread(d->f, given, pid)))
			continue;
		r = fact_add(d->f, FACT_THREAD, p->file, p->at);
		if (!r)
			return;
		fact_set_int(r, FC_THREAD_pid, pid);
		fact_set_int(r, FC_THREAD_tid, pid);
		fact_set_bool(r, FC_THREAD_main, true);
		if (fact_get(p, FC_PROCESS_ppid)->known)
			fact_set_int(r, FC_THREAD_ppid, fact_int(p, FC_PROCESS_ppid, 0));
		copy_text(d, r, FC_THREAD_comm, p, FC_PROCESS_comm);
		copy_text(d, r, FC_THREAD_argv, p, FC_PROCESS_argv);
		copy_text(d, r, FC_THREAD_state, p, FC_PROCESS_state);
		copy_text(d, r, FC_THREAD_wchan, p, FC_PROCESS_wchan);
		copy_text(d, r, FC_THREAD_syscall, p, FC_PROCESS_syscall);
		if (fact_int(p, FC_PROCESS_threads, 1) == 1 && fact_get(p, FC_PROCESS_cpu_ms)->known)
			fact_set_num(r, FC_THREAD_cpu_ms, fact_num(p, FC_PROCESS_cpu_ms, 0));
		fact_set_text(d->f, r, FC_THREAD_status, "partial");
	}
}

/* Readers of a lock are counted, not recorded. Where the process has two threads, the other one may be the reader. */
static void derive_only_other(struct derive *d, size_t at)
{
	struct fact_row *r = d->thread[at], *other = NULL;
	int64_t pid = fact_int(r, FC_THREAD_pid, -1);
	auto_str text = STR_INIT;

	if (strcmp(fact_text(r, FC_THREAD_waits_kind), "rwlock") != 0 ||
	    !strstr(fact_text(r, FC_THREAD_waits_resource), ", held by ") || fact_int(r, FC_THREAD_holders, 0))
		return;
	for (size_t i = 0; i < d->n_thread; i++) {
		if (i == at || fact_int(d->thread[i], FC_THREAD_pid, -2) != pid)
			continue;
		if (other)
			return;
		other = d->thread[i];
	}
	if (!other || !fact_get(other, FC_THREAD_function)->known || !fact_get(other, FC_THREAD_line)->known)
		return;
	str_addf(&text, "is in %s at %s:%lld", fact_text(other, FC_THREAD_function), fact_text(other, FC_THREAD_file),
		 (long long)fact_int(other, FC_THREAD_line, 0));
	if (*fact_text(other, FC_THREAD_waits_resource))
		str_addf(&text, " and waits for %s", fact_text(other, FC_THREAD_waits_resource));
	fact_set_text(d->f, r, FC_THREAD_only_other, str_cstr(&text));
}

static void derive_waits(struct derive *d)
{
	double elapsed = fact_num(gather_single(d->f, FACT_RUN), FC_RUN_duration_ms, 0);

	for (size_t i = 0; i < d->n_thread; i++) {
		struct fact_row *r = d->thread[i];
		const struct fact_row *p = derive_process(d, fact_int(r, FC_THREAD_pid, -1));
		const char *state = fact_text(r, FC_THREAD_state), *name, *kind;

		if (elapsed > 0 && fact_get(r, FC_THREAD_cpu_ms)->known)
			fact_set_num(r, FC_THREAD_cpu_share, fact_num(r, FC_THREAD_cpu_ms, 0) / elapsed);
		if (p && !fact_get(r, FC_THREAD_wchan)->known && fact_bool(r, FC_THREAD_main))
			copy_text(d, r, FC_THREAD_wchan, p, FC_PROCESS_wchan);
		if (p && !fact_get(r, FC_THREAD_syscall)->known && fact_bool(r, FC_THREAD_main))
			copy_text(d, r, FC_THREAD_syscall, p, FC_PROCESS_syscall);
		kind = gather_wait_kind(fact_text(r, FC_THREAD_wchan), fact_text(r, FC_THREAD_syscall), d->arch,
					&name);
		if (name)
			fact_set_text(d->f, r, FC_THREAD_syscall, name);
		if (p)
			fact_set_bool(r, FC_THREAD_leaf, fact_bool(p, FC_PROCESS_leaf));
		derive_only_other(d, i);
		if (fact_get(r, FC_THREAD_waits_kind)->known)
			continue;
		if (*state == 'T' || *state == 't')
			fact_set_text(d->f, r, FC_THREAD_waits_kind, "stopped");
		else if (*state == 'D')
			fact_set_text(d->f, r, FC_THREAD_waits_kind, "io");
		else if (kind && *state != 'R')
			fact_set_text(d->f, r, FC_THREAD_waits_kind, kind);
	}
}

/* Is it left over, or below a process that is? */
static bool is_below_leftover(const struct derive *d, const struct fact_row *p)
{
	for (int depth = 0; p && depth < DEPTH_MAX; depth++) {
		if (fact_bool(p, FC_PROCESS_leftover))
			return true;
		p = derive_process(d, fact_int(p, FC_PROCESS_ppid, -1));
	}
	return false;
}

/* A thread's edges are next to each other. */
static void derive_all_leftover(struct derive *d)
{
	struct fact_table *t = &d->f->table[FACT_EDGE];

	for (size_t from = 0, to; from < t->n; from = to) {
		int64_t pid = fact_int(t->rows[from], FC_EDGE_pid, -1), tid = fact_int(t->rows[from], FC_EDGE_tid, -1);
		bool all = true;

		for (to = from; to < t->n && fact_int(t->rows[to], FC_EDGE_pid, -2) == pid &&
				fact_int(t->rows[to], FC_EDGE_tid, -2) == tid; to++)
			all = all && is_below_leftover(d, derive_process(d, fact_int(t->rows[to], FC_EDGE_holder_pid, -1)));
		for (size_t i = from; i < to; i++)
			fact_set_bool(t->rows[i], FC_EDGE_all_leftover, all);
	}
}

static void derive_edges(struct derive *d)
{
	struct fact_table *t = &d->f->table[FACT_EDGE];

	for (size_t i = 0; i < t->n; i++) {
		struct fact_row *r = t->rows[i];
		int64_t pid = fact_int(r, FC_EDGE_holder_pid, -1);
		int64_t at = derive_thread(d, pid, fact_int(r, FC_EDGE_holder_tid, 0));
		const struct fact_row *p = derive_process(d, pid), *h;

		fact_set_bool(r, FC_EDGE_holder_in_tree, p != NULL);
		if (p) {
			fact_set_bool(r, FC_EDGE_holder_leftover, fact_bool(p, FC_PROCESS_leftover));
			copy_text(d, r, FC_EDGE_holder_argv, p, FC_PROCESS_argv);
			if (!fact_get(r, FC_EDGE_holder_comm)->known)
				copy_text(d, r, FC_EDGE_holder_comm, p, FC_PROCESS_comm);
		}
		if (at < 0)
			continue;
		h = d->thread[at];
		copy_text(d, r, FC_EDGE_holder_state, h, FC_THREAD_state);
		copy_text(d, r, FC_EDGE_holder_waits, h, FC_THREAD_waits_kind);
		if (!fact_get(r, FC_EDGE_holder_function)->known) {
			copy_text(d, r, FC_EDGE_holder_function, h, FC_THREAD_function);
			copy_text(d, r, FC_EDGE_holder_file, h, FC_THREAD_file);
			if (fact_get(h, FC_THREAD_line)->known)
				fact_set_int(r, FC_EDGE_holder_line, fact_int(h, FC_THREAD_line, 0));
		}
	}
}

/* ---- cycles ---- */

static int edge_cmp(const void *pa, const void *pb)
{
	const struct fact_row *a = *(struct fact_row *const *)pa, *b = *(struct fact_row *const *)pb;
	int d = strcmp(fact_text(a, FC_EDGE_comm), fact_text(b, FC_EDGE_comm));

	if (!d)
		d = strcmp(fact_text(a, FC_EDGE_function), fact_text(b, FC_EDGE_function));
	if (!d)
		d = thread_key_cmp(fact_int(a, FC_EDGE_pid, 0), fact_int(a, FC_EDGE_tid, 0),
				   fact_int(b, FC_EDGE_pid, 0), fact_int(b, FC_EDGE_tid, 0));
	return d;
}

static void ring_add(struct str *ring, const struct fact_row *e)
{
	int64_t pid = fact_int(e, FC_EDGE_pid, 0), tid = fact_int(e, FC_EDGE_tid, 0);
	int64_t holder_tid = fact_int(e, FC_EDGE_holder_tid, 0);
	const char *what = fact_text(e, *fact_text(e, FC_EDGE_resource) ? FC_EDGE_resource : FC_EDGE_kind);

	str_addf(ring, "%s%s (pid %lld", ring->len ? "; " : "", fact_text(e, FC_EDGE_comm), (long long)pid);
	if (tid != pid)
		str_addf(ring, ", thread %lld", (long long)tid);
	str_addc(ring, ')');
	if (*fact_text(e, FC_EDGE_function))
		str_addf(ring, " in %s", fact_text(e, FC_EDGE_function));
	if (*fact_text(e, FC_EDGE_file))
		str_addf(ring, " at %s:%lld", fact_text(e, FC_EDGE_file), (long long)fact_int(e, FC_EDGE_line, 0));
	str_add(ring, " waits for ");
	/* members are parted by semicolons */
	for (; *what; what++)
		str_addc(ring, *what == ';' ? ',' : *what);
	str_addf(ring, " of %s (pid %lld", fact_text(e, FC_EDGE_holder_comm),
		 (long long)fact_int(e, FC_EDGE_holder_pid, 0));
	if (holder_tid > 0 && holder_tid != fact_int(e, FC_EDGE_holder_pid, 0))
		str_addf(ring, ", thread %lld", (long long)holder_tid);
	str_addc(ring, ')');
}

static void cycle_words(struct derive *d, struct fact_row *cycle, struct fact_row **edge, size_t n)
{
	auto_str ring = STR_INIT, same = STR_INIT, kinds = STR_INIT;
	char signature[SIGNATURE_SIZE];
	static const char *const known[] = { "accept", "child", "condition", "connect", "eventfd", "file_lock",
					     "futex", "gil", "io", "monitor", "mutex", "pipe_read", "pipe_write", "poll",
					     "rwlock", "semaphore", "signal", "socket_recv", "socket_send", "unknown" };
	int64_t processes = 0, reads = 0, writes = 0, file_locks = 0;

	for (size_t i = 0; i < n; i++) {
		const char *kind = fact_text(edge[i], FC_EDGE_kind);
		bool first = true;

		reads += strcmp(kind, "pipe_read") == 0;
		writes += strcmp(kind, "pipe_write") == 0;
		file_locks += strcmp(kind, "file_lock") == 0;

		ring_add(&ring, edge[i]);
		str_addf(&same, "%s ", fact_text(edge[i], FC_EDGE_kind));
		signature_add_text(&same, fact_text(edge[i], FC_EDGE_comm));
		str_addc(&same, ' ');
		signature_add_function(&same, fact_text(edge[i], FC_EDGE_function));
		str_addc(&same, ' ');
		signature_add_file(&same, fact_text(edge[i], FC_EDGE_file));
		str_addc(&same, '\n');
		for (size_t k = 0; k < i; k++)
			first = first && fact_int(edge[k], FC_EDGE_pid, -1) != fact_int(edge[i], FC_EDGE_pid, -2);
		processes += first;
	}
	for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
		for (size_t i = 0; i < n; i++)
			if (strcmp(fact_text(edge[i], FC_EDGE_kind), known[k]) == 0) {
				str_addf(&kinds, "%s%s", kinds.len ? " " : "", known[k]);
				break;
			}
	signature_make(signature, "c-", str_cstr(&same), same.len);
	fact_set_text(d->f, cycle, FC_CYCLE_signature, signature);
	fact_set_text(d->f, cycle, FC_CYCLE_ring, str_cstr(&ring));
	fact_set_text(d->f, cycle, FC_CYCLE_kinds, str_cstr(&kinds));
	fact_set_int(cycle, FC_CYCLE_processes, processes);
	if (reads + writes)
		fact_set_int(cycle, FC_CYCLE_pipe_waits, reads + writes);
	if (reads)
		fact_set_int(cycle, FC_CYCLE_pipe_reads, reads);
	if (writes)
		fact_set_int(cycle, FC_CYCLE_pipe_writes, writes);
	if (file_locks)
		fact_set_int(cycle, FC_CYCLE_file_lock_waits, file_locks);
}

/* The first member with a line of its own; one that only starts others (a shell, make) where there is no other. */
static const struct fact_row *member_with_line(const struct derive *d, struct fact_row **edge, size_t n)
{
	const struct fact_row *starter = NULL;

	for (size_t i = 0; i < n; i++) {
		int64_t at = derive_thread(d, fact_int(edge[i], FC_EDGE_pid, -1), fact_int(edge[i], FC_EDGE_tid, 0));

		if (at < 0 || !fact_bool(d->thread[at], FC_THREAD_own_line))
			continue;
		if (strcmp(fact_text(d->thread[at], FC_THREAD_language), "shell") != 0)
			return edge[i];
		starter = starter ? starter : edge[i];
	}
	return starter;
}

/* The place of a cycle is that of a member whose place is known best. */
static void cycle_place(struct derive *d, struct fact_row *cycle, struct fact_row **edge, size_t n)
{
	const struct fact_row *best = member_with_line(d, edge, n);

	for (size_t i = 0; !best && i < n; i++)
		best = fact_get(edge[i], FC_EDGE_line)->known ? edge[i] : NULL;
	for (size_t i = 0; !best && i < n; i++)
		best = fact_get(edge[i], FC_EDGE_function)->known ? edge[i] : NULL;
	best = best ? best : edge[0];
	fact_set_int(cycle, FC_CYCLE_pid, fact_int(best, FC_EDGE_pid, 0));
	fact_set_int(cycle, FC_CYCLE_tid, fact_int(best, FC_EDGE_tid, 0));
	copy_text(d, cycle, FC_CYCLE_comm, best, FC_EDGE_comm);
	copy_text(d, cycle, FC_CYCLE_function, best, FC_EDGE_function);
	copy_text(d, cycle, FC_CYCLE_file, best, FC_EDGE_file);
	if (fact_get(best, FC_EDGE_line)->known)
		fact_set_int(cycle, FC_CYCLE_line, fact_int(best, FC_EDGE_line, 0));
}

static void derive_cycles(struct derive *d)
{
	const struct fact_table *cycles = &d->f->table[FACT_CYCLE], *edges = &d->f->table[FACT_EDGE];

	for (size_t i = 0; i < cycles->n; i++) {
		int64_t number = fact_int(cycles->rows[i], FC_CYCLE_cycle, -1);
		struct fact_row **edge = xreallocarray(NULL, edges->n + 1, sizeof(struct fact_row *));
		size_t n = 0;

		for (size_t k = 0; k < edges->n; k++)
			if (fact_int(edges->rows[k], FC_EDGE_cycle, -2) == number)
				edge[n++] = edges->rows[k];
		if (n) {
			qsort(edge, n, sizeof(struct fact_row *), edge_cmp);
			cycle_words(d, cycles->rows[i], edge, n);
			cycle_place(d, cycles->rows[i], edge, n);
		}
		free(edge);
	}
}

/* A process that is new is seen at the next sampling tick, up to a second after it began. Where all that the run
 * waits for had waited for longer than that progress is old, the progress was older than it looked. */
static bool waited_before_progress(const struct derive *d, const struct fact_row *run)
{
	double idle = fact_num(run, FC_RUN_idle_ms, 0);
	bool waited = false;

	if (strcmp(fact_text(run, FC_RUN_ended_by), "watchdog") != 0 ||
	    strcmp(fact_text(run, FC_RUN_last_progress), "process") != 0)
		return false;
	for (size_t i = 0; i < d->n_thread; i++) {
		double since = fact_num(d->thread[i], FC_THREAD_waits_since_ms, -1);

		if (!fact_bool(d->thread[i], FC_THREAD_root))
			continue;
		if (since < idle + 200 || since < 500)
			return false;
		waited = true;
	}
	return waited;
}

static void derive_run(struct derive *d)
{
	struct fact_row *run = gather_single(d->f, FACT_RUN);
	int64_t roots = 0, explained = 0, alive = 0;

	for (size_t i = 0; i < d->n_thread; i++) {
		if (!fact_bool(d->thread[i], FC_THREAD_root))
			continue;
		const char *kind = fact_text(d->thread[i], FC_THREAD_waits_kind);

		roots++;
		explained += (*kind && strcmp(kind, "unknown") != 0) ||
			     *fact_text(d->thread[i], FC_THREAD_state) == 'R';
	}
	for (size_t i = 0; i < d->n_proc; i++)
		alive += derive_is_alive(d->proc[i]);
	if (waited_before_progress(d, run))
		fact_set_bool(run, FC_RUN_stuck, true);
	fact_set_int(run, FC_RUN_threads_seen, (int64_t)d->n_thread);
	fact_set_int(run, FC_RUN_processes_seen, alive);
	fact_set_int(run, FC_RUN_roots, roots);
	fact_set_int(run, FC_RUN_explained_roots, explained);
}

/* The whole length of the sleep that a thread is in, ms: "nanosleep for 0.300 s", or what is left of it. */
static double nap_ms(const struct fact_row *r)
{
	const char *text = fact_text(r, FC_THREAD_waits_resource), *length = strstr(text, " for ");
	double ms = length ? strtod(length + 5, NULL) * 1000 : 0;

	return ms <= 0 ? 0 : strstr(text, ", to go for ") ? ms + fact_num(r, FC_THREAD_waits_since_ms, 0) : ms;
}

/* A sleep that began long after the last progress, and is short, is one of many: a loop waits and looks again. */
static void derive_naps(struct derive *d)
{
	double idle = fact_num(gather_single(d->f, FACT_RUN), FC_RUN_idle_ms, 0);

	for (size_t i = 0; i < d->n_thread; i++) {
		struct fact_row *r = d->thread[i];
		double nap = strcmp(fact_text(r, FC_THREAD_waits_kind), "sleep") == 0 ? nap_ms(r) : 0;
		double since = fact_num(r, FC_THREAD_waits_since_ms, -1);

		if (nap >= 1 && nap * 2 <= idle && since >= 0 && since + nap <= idle)
			fact_set_int(r, FC_THREAD_naps, (int64_t)(idle / nap));
	}
}

void gather_derive(struct facts *f)
{
	struct derive d = { .f = f };

	d.arch = fact_text(gather_single(f, FACT_MACHINE), FC_MACHINE_arch);
	index_processes(&d);
	derive_processes(&d);
	threads_of_processes(&d);
	index_threads(&d);
	derive_waits(&d);
	derive_edges(&d);
	derive_all_leftover(&d);
	derive_chains(&d);
	derive_cycles(&d);
	derive_run(&d);
	derive_naps(&d);
	free(d.proc);
	free(d.thread);
}
