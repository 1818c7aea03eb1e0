/* SPDX-License-Identifier: Apache-2.0 */
/* procs.c - the processes and threads that are sampled, from their first record to their last. */
#include "profile/sample/sampler.h"

#include "base/mem.h"
#include "profile/proc/slow_read.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t proc_slot(const struct sampler *s, pid_t pid)
{
	return (size_t)pid % (sizeof(s->procs) / sizeof(*s->procs));
}

struct sproc *sproc_find(struct sampler *s, pid_t pid)
{
	struct sproc *p = s->procs[proc_slot(s, pid)];

	while (p && p->pid != pid)
		p = p->next;
	return p;
}

struct sproc *sproc_add(struct sampler *s, pid_t pid, pid_t ppid, int64_t at_ns)
{
	struct sproc **slot = &s->procs[proc_slot(s, pid)], *p = sproc_find(s, pid), *parent;

	if (p)
		return p;
	p = xcalloc(1, sizeof(*p));
	p->pid = pid;
	p->ppid = ppid;
	p->start_ns = at_ns;
	p->next = *slot;
	*slot = p;
	p->after = s->first;
	if (s->first)
		s->first->before = p;
	s->first = p;
	s->proc_count++;
	parent = sproc_find(s, ppid);
	if (parent) { /* until it executes something, it is its parent's copy */
		walk_space_copy(&p->space, &parent->space);
		memcpy(p->comm, parent->comm, sizeof(p->comm));
		p->exe = parent->exe;
		p->scripted = parent->scripted;
		p->is_node = parent->is_node;
		p->is_ruby = parent->is_ruby;
		p->is_java = parent->is_java;
	}
	return p;
}

struct sthread *sthread_find(struct sproc *p, pid_t tid)
{
	struct sthread *t = p->threads;

	while (t && t->tid != tid)
		t = t->next;
	return t;
}

struct sthread *sthread_add(struct sampler *s, struct sproc *p, pid_t tid, int64_t at_ns)
{
	struct sthread *t = sthread_find(p, tid);

	if (t)
		return t;
	t = xcalloc(1, sizeof(*t));
	t->p = p;
	t->tid = tid;
	t->sched_fd = t->call_fd = t->stat_fd = -1;
	t->wait = -1;
	t->looked_ns = at_ns;
	t->book = book_thread(&s->book, p->pid, tid, p->ppid, since_start(s, at_ns));
	t->next = p->threads;
	p->threads = t;
	s->thread_count++;
	if (p->named || p->comm[0])
		book_thread_names(&s->book, t->book, p->comm, NULL, p->exe, NULL);
	return t;
}

static void thread_free(struct sthread *t)
{
	fd_close(&t->sched_fd);
	fd_close(&t->call_fd);
	fd_close(&t->stat_fd);
	free(t);
}

/* cpu_ns: all that it used, -1 not known: then what the last look saw, and what was found since. */
static void thread_settle(struct sampler *s, struct sthread *t, int64_t at_ns, int64_t cpu_ns)
{
	int64_t ran = t->perf_known && t->looked ? t->perf_ns - (t->run_ns - t->first_run_ns) : 0;

	if (t->exited_ns && t->exited_ns < at_ns)
		at_ns = t->exited_ns;
	/* It woke, ran for a moment and ended, since the last look. */
	sthread_wait_end(s, t, ran > 0 ? at_ns - ran : at_ns);
	if (cpu_ns < 0 && (t->looked || t->owed_ns))
		cpu_ns = t->run_ns - t->first_run_ns + t->owed_ns + t->sampled_ns;
	book_thread_end(&s->book, t->book, since_start(s, at_ns), cpu_ns, t->looked ? t->delay_ns - t->first_delay_ns : -1);
}

void sthread_end(struct sampler *s, struct sproc *p, pid_t tid, int64_t at_ns, int64_t cpu_ns)
{
	for (struct sthread **at = &p->threads; *at; at = &(*at)->next) {
		struct sthread *t = *at;

		if (t->tid != tid)
			continue;
		if (t->pending)
			return; /* its stop will be told first */
		thread_settle(s, t, at_ns, cpu_ns >= 0 ? cpu_ns : t->perf_known ? t->perf_ns : -1);
		*at = t->next;
		thread_free(t);
		s->thread_count--;
		return;
	}
}

void sproc_end(struct sampler *s, struct sproc *p, int64_t at_ns)
{
	struct sproc **at = &s->procs[proc_slot(s, p->pid)];

	usage_end(s, p, at_ns);
	while (p->threads) {
		struct sthread *t = p->threads;

		p->threads = t->next;
		s->pending -= t->pending;
		thread_settle(s, t, at_ns, t->perf_known ? t->perf_ns : -1);
		thread_free(t);
		s->thread_count--;
	}
	while (*at && *at != p)
		at = &(*at)->next;
	if (*at)
		*at = p->next;
	s->proc_count--;
	if (p->before)
		p->before->after = p->after;
	else
		s->first = p->after;
	if (p->after)
		p->after->before = p->before;
	spython_free(p);
	snode_free(p);
	sjava_free(p);
	sruby_free(p);
	births_free(p->births);
	walk_space_release(&p->space);
	free(p);
}

void sproc_names(struct sampler *s, struct sproc *p)
{
	struct strv argv = STRV_INIT;
	struct proc_stat st;

	if (!p->comm[0] && proc_stat_read(p->pid, &st) == 0)
		memcpy(p->comm, st.comm, sizeof(p->comm));
	proc_argv_read(p->pid, &argv);
	p->argv_known = argv.n > 0;
	if (!argv.n && p->named) {
		strv_release(&argv);
		return;
	}
	p->named = true;
	for (struct sthread *t = p->threads; t; t = t->next)
		book_thread_names(&s->book, t->book, p->comm, t->name[0] ? t->name : NULL, p->exe, &argv);
	strv_release(&argv);
}

void sproc_exec(struct sampler *s, struct sproc *p, const char *comm)
{
	snprintf(p->comm, sizeof(p->comm), "%s", comm);
	walk_space_release(&p->space);
	spython_free(p);
	snode_free(p);
	sjava_free(p);
	sruby_free(p);
	p->scripted = p->is_node = p->is_ruby = p->is_java = p->maps_read = p->named = p->argv_known = false;
	p->exe = NULL;
	p->exec_seen = true;
	/* The program alone is left of its threads. */
	for (struct sthread *t = p->threads, *next; t; t = next) {
		next = t->next;
		if (t->tid != p->pid)
			sthread_end(s, p, t->tid, clock_mono_ns(), -1);
	}
}

static bool path_is_python(const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;

	return strncmp(base, "python3", 7) == 0 || strncmp(base, "libpython3", 10) == 0 || strcmp(base, "python") == 0;
}

void sproc_mapped(struct sampler *s, struct sproc *p, const struct map_entry *map)
{
	struct walk_map m = { .start = map->start, .end = map->end, .offset = map->offset };
	bool file = map->inode && map->path[0] == '/', vdso = strcmp(map->path, "[vdso]") == 0;

	if (file || vdso)
		m.image = walk_image(&s->images, p->pid, map);
	walk_space_add(&p->space, &m);
	if (!file)
		return;
	if (!p->exe) {
		p->exe = texts_keep(&s->book.texts, map->path);
		for (struct sthread *t = p->threads; t && p->named; t = t->next)
			book_thread_names(&s->book, t->book, p->comm, t->name[0] ? t->name : NULL, p->exe, NULL);
	}
	if (path_is_node(map->path))
		p->is_node = true;
	if (path_is_ruby(map->path))
		p->is_ruby = true;
	if (path_is_java(map->path))
		p->is_java = true;
	if (p->is_ruby || path_is_python(map->path))
		p->scripted = s->any_scripted = true;
}

void sproc_maps(struct sampler *s, struct sproc *p)
{
	struct maps maps;

	p->maps_read = true;
	if (maps_read(&maps, p->pid) < 0)
		return;
	walk_space_release(&p->space);
	p->scripted = p->is_node = p->is_ruby = p->is_java = false;
	p->exe = NULL;
	for (size_t i = 0; i < maps.n; i++)
		if (maps.v[i].x)
			sproc_mapped(s, p, &maps.v[i]);
	maps_release(&maps);
}

static void scan_threads(struct sampler *s, struct sproc *p, int64_t now)
{
	auto_pid_list tids = PID_LIST_INIT;

	if (proc_threads(p->pid, &tids) < 0)
		return;
	for (size_t i = 0; i < tids.n; i++)
		if (!sthread_find(p, tids.v[i])) {
			struct sthread *t = sthread_add(s, p, tids.v[i], now);

			if (p->named)
				sproc_names(s, p);
			(void)t;
		}
	for (struct sthread *t = p->threads, *next; t; t = next) {
		next = t->next;
		if (!pid_list_has(&tids, t->tid))
			sthread_end(s, p, t->tid, now, -1);
	}
}

static void scan_one(struct sampler *s, pid_t pid, int64_t now)
{
	struct sproc *p = sproc_find(s, pid);
	struct proc_stat st;

	if (proc_stat_read(pid, &st) < 0 || st.state == 'Z' || st.state == 'X')
		return;
	if (!p) {
		p = sproc_add(s, pid, st.ppid, births_began(s, &st, now));
		sthread_add(s, p, pid, p->start_ns);
	}
	if (strcmp(p->comm, st.comm) != 0) {
		if (p->comm[0])
			sproc_exec(s, p, st.comm);
		snprintf(p->comm, sizeof(p->comm), "%s", st.comm);
		p->maps_read = false;
	}
	scan_threads(s, p, now);
	if (!p->named || !p->maps_read) {
		sproc_maps(s, p);
		sproc_names(s, p);
	}
	if (s->engine && s->engine->member)
		s->engine->member(s, p);
}

void sampler_scan(struct sampler *s, int64_t now)
{
	auto_pid_list pids = PID_LIST_INIT;

	births_count(s);
	if (proc_tree(s->root, &pids) < 0)
		pids.n = 0;
	for (size_t i = 0; i < pids.n; i++)
		if (pids.v[i] != s->root || s->attached)
			scan_one(s, pids.v[i], now);
	for (struct sproc *p = s->first; p; p = p->after) {
		struct proc_stat st;

		if (!p->gone_ns && !pid_list_has(&pids, p->pid) &&
		    (proc_stat_read(p->pid, &st) < 0 || st.state == 'Z' || st.state == 'X'))
			p->gone_ns = now;
	}
	births_gone(s, 0, now);
}

void sampler_forget(struct sampler *s, int64_t now)
{
	struct proc_stat st;

	births_count(s);
	for (struct sproc *p = s->first; p && s->engine != &sampler_perf; p = p->after)
		if (!p->gone_ns && proc_stat_read(p->pid, &st) < 0)
			p->gone_ns = now;
	while (s->first) {
		int64_t at = s->first->gone_ns ? s->first->gone_ns : now;

		if (s->first->gone_ns)
			births_settle(s, s->first, at);
		sproc_end(s, s->first, at);
	}
}

/* ---- stacks ---- */

uint32_t stack_unknown(struct sampler *s)
{
	struct book_entry e = { .kind = ENTRY_NATIVE, .image = ENTRY_UNKNOWN };
	uint32_t id = book_entry(&s->book, &e);

	return book_stack(&s->book, &id, 1);
}

/* What lies within the interpreter's functions, Ruby's frames, and what is around: the interpreter's own names are few, and
 * none of them tells which frame of Ruby it runs. */
static size_t ruby_merge(uint32_t *ids, size_t first, const struct walk_frame *frames, size_t count, const uint32_t *script,
			 size_t script_n)
{
	static uint32_t native[WALK_FRAMES_MAX];
	size_t n = first, at = 0;

	memcpy(native, ids + first, count * sizeof(*native));
	while (at < count && !(frames[at].image && path_is_ruby(frames[at].image->path)))
		ids[n++] = native[at++];
	for (size_t i = 0; i < script_n && i < PYTHON_FRAMES_MAX; i++)
		ids[n++] = script[i];
	for (; at < count; at++)
		if (!frames[at].image || !path_is_ruby(frames[at].image->path))
			ids[n++] = native[at];
	return n;
}

uint32_t stack_keep(struct sampler *s, struct sproc *p, const struct snap_regs *regs, const struct walk_stack *stack,
		    bool in_kernel, const uint32_t *script, size_t script_n)
{
	static struct walk_frame frames[WALK_FRAMES_MAX];
	static uint32_t ids[WALK_FRAMES_MAX + PYTHON_FRAMES_MAX + 4];
	size_t n = 0, count;
	bool whole = false;

	if (in_kernel) {
		struct book_entry e = { .kind = ENTRY_NATIVE, .image = ENTRY_KERNEL };

		ids[n++] = book_entry(&s->book, &e);
	}
	p->space.jit = p->is_java && regs ? sjava_jit(p, clock_mono_ns()) : NULL;
	count = regs ? walk(&p->space, regs, stack, frames, &whole) : 0;
	for (size_t i = 0; i < count; i++) {
		struct book_entry e = { .kind = ENTRY_NATIVE, .activation = frames[i].activation, .vaddr = frames[i].vaddr,
					.image = frames[i].image ? frames[i].image->id : ENTRY_UNKNOWN };

		if (!frames[i].image)
			e.vaddr = 0; /* an address means nothing in another run */
		ids[n++] = book_entry(&s->book, &e);
	}
	if (p->is_node && regs && count) {
		static uint32_t merged[WALK_FRAMES_MAX + PYTHON_FRAMES_MAX];
		size_t first = n - count, all = snode_merge(s, p, regs, stack, frames, count, whole, ids + first, merged,
							    WALK_FRAMES_MAX);

		if (all) {
			memcpy(ids + first, merged, all * sizeof(*ids));
			n = first + all;
		}
	}
	if (p->space.jit && count)
		n = n - count + sjava_merge(s, p, regs, stack, frames, count, ids + n - count, WALK_FRAMES_MAX);
	if (script_n && p->is_ruby) {
		n = ruby_merge(ids, n - count, frames, count, script, script_n);
	} else if (script_n) {
		struct book_entry mark = { .kind = ENTRY_MARK, .entry = whole };

		ids[n++] = book_entry(&s->book, &mark);
		for (size_t i = 0; i < script_n && n < sizeof(ids) / sizeof(*ids); i++)
			ids[n++] = script[i];
	}
	return n ? book_stack(&s->book, ids, n) : stack_unknown(s);
}
