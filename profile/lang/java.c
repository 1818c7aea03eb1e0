/* SPDX-License-Identifier: Apache-2.0 */
/* java.c - a JVM's threads by its own dump. HotSpot's compiled code keeps no frame pointers and no unwind tables, so that
 * frames of Java are seen only by asking; the native ones around them are kept in their order. */
#include "profile/lang/java.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "profile/lang/language.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#define ATTACH_NS (2 * NS_PER_S)

static bool java_detect(struct native *n)
{
	for (size_t i = 0; i < n->module_count; i++)
		if (n->modules[i].image && str_ends(n->modules[i].image->path, "/libjvm.so"))
			return true;
	return false;
}

static void java_free(void *state)
{
	java_dump_release(state);
	free(state);
}

static void perf_words(const struct snap_process *p, char *reason, size_t size)
{
	struct java_perf perf;
	size_t have = strlen(reason);

	java_perf_read(p, &perf);
	if (perf.known)
		snprintf(reason + have, size - have, "; %lld live threads, %lld collections of %lld ms",
			 (long long)perf.threads, (long long)perf.gc_count, (long long)perf.gc_ms);
}

static void *java_collect(struct native *n, enum intrusion allowed, char *reason, size_t size)
{
	int64_t now = clock_mono_ns(), half = (n->r->deadline_ns - now) / 2;
	struct java_dump *d;
	char *text;
	size_t bytes;

	if (allowed < INTRUSION_COOPERATIVE) {
		snprintf(reason, size, "Java frames need --intrusion 2: the JVM is asked for them");
		perf_words(n->p, reason, size);
		return NULL;
	}
	text = java_attach(n->p, "threaddump", "-l", now + (half < ATTACH_NS ? half : ATTACH_NS), &bytes, reason, size);
	if (!text)
		return NULL;
	d = xcalloc(1, sizeof(*d));
	if (!java_dump_parse(text, bytes, d)) {
		snprintf(reason, size, "its dump of threads was not understood");
		java_free(d);
		d = NULL;
	}
	free(text);
	return d;
}

/* Its own threads: a thread in Object.wait has given back what its outer call has locked. */
static bool thread_holds(const struct java_thread *t, uint64_t address)
{
	bool holds = false;

	for (size_t i = 0; i < t->lock_count; i++) {
		const struct java_lock *l = &t->locks[i];

		if (l->address != address)
			continue;
		if (l->does == JAVA_WAITS || l->does == JAVA_ENTERS)
			return false;
		holds |= l->does == JAVA_HOLDS || l->does == JAVA_OWNS;
	}
	return holds;
}

static const struct {
	const char *class_name; /* within the name of what is parked for */
	enum wait_kind kind;
	const char *what;
} parks[] = {
	{ "ReentrantReadWriteLock$", WAIT_RWLOCK, "ReentrantReadWriteLock" },
	{ "ReentrantLock$", WAIT_MUTEX, "ReentrantLock" },
	{ "StampedLock", WAIT_RWLOCK, "StampedLock" },
	{ "Semaphore$", WAIT_SEMAPHORE, "Semaphore" },
	{ "CountDownLatch$", WAIT_CONDITION, "CountDownLatch" },
	{ "ConditionObject", WAIT_CONDITION, "Condition" },
	{ "CompletableFuture$", WAIT_CONDITION, "CompletableFuture" },
	{ "FutureTask", WAIT_CONDITION, "Future" },
	{ "SynchronousQueue$", WAIT_CONDITION, "SynchronousQueue" },
	{ "ForkJoinPool", WAIT_CONDITION, "ForkJoinPool" },
	{ "Phaser", WAIT_CONDITION, "Phaser" },
};

static void park_tell(struct snap_thread *t, const struct java_lock *l)
{
	for (size_t i = 0; i < sizeof(parks) / sizeof(*parks); i++)
		if (strstr(l->class_name, parks[i].class_name)) {
			hint_set(t, parks[i].kind, "%s 0x%llx", parks[i].what, (unsigned long long)l->address);
			return;
		}
	hint_set(t, WAIT_CONDITION, "%s 0x%llx", l->class_name, (unsigned long long)l->address);
}

static void holders_tell(struct native *n, const struct java_dump *d, struct snap_thread *t, const struct java_lock *l)
{
	for (size_t i = 0; l->address && i < d->n; i++) {
		struct snap_thread *h = native_thread(n, d->v[i].nid);

		if (!h || h == t || !thread_holds(&d->v[i], l->address))
			continue;
		hint_holder(t, h->tid);
		t->hint.proved = t->hint.holder_count == 1;
	}
}

/* Process.waitFor waits for a thread of the library's, which waits for the child. */
static void reaper_tell(struct native *n, const struct java_dump *d, const struct java_thread *jt, struct snap_thread *t)
{
	size_t reapers = 0;
	bool waits = false;

	for (size_t i = 0; i < jt->frame_count && i < 8; i++)
		waits |= str_ends(jt->frames[i].function, "Process.waitFor") ||
			 str_ends(jt->frames[i].function, "ProcessImpl.waitFor");
	for (size_t i = 0; waits && i < d->n; i++) {
		const struct snap_thread *h =
			str_starts(d->v[i].name, "process reaper") ? native_thread(n, d->v[i].nid) : NULL;

		/* one that reaps nobody waits for work */
		for (size_t k = 0; h && k < d->v[i].frame_count; k++)
			if (str_ends(d->v[i].frames[k].function, ".waitForProcessExit0")) {
				hint_holder(t, h->tid);
				reapers++;
			}
	}
	if (reapers)
		hint_set(t, WAIT_CONDITION, "Process.waitFor: exit of a child");
	t->hint.proved = reapers == 1;
}

static void thread_waits(struct native *n, const struct java_dump *d, const struct java_thread *jt, struct snap_thread *t)
{
	const struct java_lock *waits = NULL;

	for (size_t i = 0; i < jt->lock_count; i++) {
		const struct java_lock *l = &jt->locks[i];

		if (l->does != JAVA_ENTERS && l->does != JAVA_WAITS && l->does != JAVA_PARKS)
			continue;
		if (!waits || l->does == JAVA_ENTERS)
			waits = l;
	}
	if (jt->sleeps)
		hint_set(t, WAIT_SLEEP, "Thread.sleep");
	else if (!waits && jt->runs && jt->frame_count && jt->frames[0].line > 0 && t->syscall.nr == SYS_futex)
		/* it stands in the middle of Java code: what it sleeps on is the virtual machine's own */
		hint_set(t, WAIT_UNKNOWN, "the virtual machine (a safepoint, the collector, a class that is loaded)");
	else if (!waits)
		return;
	else if (waits->does == JAVA_ENTERS)
		hint_set(t, WAIT_MONITOR, "the monitor of %s 0x%llx", waits->class_name, (unsigned long long)waits->address);
	else if (waits->does == JAVA_WAITS)
		hint_set(t, WAIT_CONDITION, "notify of %s 0x%llx", waits->class_name, (unsigned long long)waits->address);
	else
		park_tell(t, waits);
	t->hint.instead = true;
	t->hint.endless = !jt->timed;
	if (waits && (waits->does == JAVA_ENTERS || waits->does == JAVA_PARKS))
		holders_tell(n, d, t, waits);
	else
		reaper_tell(n, d, jt, t);
}

/* Code that the JVM has made: in no file. */
static bool is_made(const struct snap_frame *f)
{
	return !f->module && !f->function;
}

/* Native frames up to the JVM's own code, Java's frames, and what called into them. */
static void thread_merge(const struct java_thread *jt, struct snap_thread *t)
{
	struct snap_frame *old = t->frames;
	size_t count = t->frame_count, first = 0, last = count;

	while (first < count && !is_made(&old[first]))
		first++;
	while (last > first && !is_made(&old[last - 1]))
		last--;
	t->frames = NULL;
	t->frame_count = t->frame_cap = 0;
	for (size_t i = 0; i < count; i++) {
		struct snap_frame *f;

		if (i == first || (first == count && i == 0))
			for (size_t k = 0; k < jt->frame_count && (f = thread_frame_add(t)); k++) {
				f->language = "java";
				f->function = xstrdup(jt->frames[k].function);
				f->file = jt->frames[k].file ? xstrdup(jt->frames[k].file) : NULL;
				f->line = jt->frames[k].line;
			}
		f = i < first || i >= last ? thread_frame_add(t) : NULL;
		if (f)
			*f = old[i];
		else
			snap_frame_release(&old[i]);
	}
	free(old);
	if (t->status == COLLECT_PARTIAL && t->truncated) {
		t->status = COLLECT_OK;
		mem_free_ptr(&t->reason);
	}
}

static size_t java_merge(struct native *n, void *state)
{
	struct java_dump *d = state;
	size_t threads = 0;

	for (size_t i = 0; i < d->n; i++) {
		struct java_thread *jt = &d->v[i];
		struct snap_thread *t = native_thread(n, jt->nid);

		if (!t)
			continue;
		if (!t->label)
			t->label = xstrdup(jt->name);
		t->keeps_alive = jt->user && !jt->daemon && strcmp(jt->name, "DestroyJavaVM") != 0;
		t->at_exit = strcmp(jt->name, "DestroyJavaVM") == 0;
		if (!jt->frame_count)
			continue;
		thread_merge(jt, t);
		thread_waits(n, d, jt, t);
		t->intrusion = INTRUSION_COOPERATIVE;
		threads++;
	}
	return threads;
}

const struct language_ops language_java = { .name = "java",
					    .intrusion = INTRUSION_COOPERATIVE,
					    .detect = java_detect,
					    .collect = java_collect,
					    .merge = java_merge,
					    .free = java_free };
