/* python.c - Python threads of a process: found, walked, named, and merged into their native stacks. */
#include "profile/native/python.h"
#include "profile/native/resolve.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INTERPRETERS_MAX = 64, THREADS_MAX = 20000, PTHREAD_TID_REACH = 1024, LOCK_SCAN_BYTES = 4096 };

struct python_thread {
	struct snap_thread *t;
	uint64_t state, ident;
	struct python_frame *frames;
	size_t count;
	bool torn, moved;
};

struct python {
	struct python_layout l;
	uint64_t runtime;
	struct python_thread *v;
	size_t n;
};

/* "…/python3.8", "…/libpython3.8.so.1.0", "…/lib/python3.8/lib-dynload/x.so": the minor version. */
static unsigned minor_of_path(const char *path)
{
	const char *at = strstr(path, "python3.");

	return at ? (unsigned)strtoul(at + 8, NULL, 10) : 0;
}

static unsigned minor_find(struct native *n, struct module *m)
{
	uint64_t version = 0, at = native_symbol(n, m, "Py_Version");
	unsigned minor;

	if (at && peek_u64(&n->p->peek, at, &version) && version >> 24 == 3)
		return (unsigned)(version >> 16 & 0xff);
	minor = minor_of_path(m->image->path);
	for (size_t i = 0; !minor && i < n->p->maps.n; i++)
		minor = minor_of_path(n->p->maps.v[i].path);
	return minor;
}

static bool maybe_python(const struct native *n, const struct module *m)
{
	return m->image && (m == &n->modules[0] || strstr(m->image->path, "python")) && image_ready(m->image);
}

/* Finds the runtime and how this version lays things out. */
static bool runtime_find(struct native *n, struct python *py, char *reason, size_t size)
{
	unsigned char table[PYTHON_DEBUG_OFFSETS_BYTES];
	const struct python_layout *l;
	struct module *m = NULL;
	unsigned minor;

	for (size_t i = 0; i < n->module_count && !py->runtime; i++) {
		m = &n->modules[i];
		if (maybe_python(n, m))
			py->runtime = native_symbol(n, m, "_PyRuntime");
	}
	if (!py->runtime)
		return false;
	if (!peek_full(&n->p->peek, py->runtime, table, sizeof(table))) {
		snprintf(reason, size, "Python's memory may not be read");
		return false;
	}
	if (python_debug_offsets(table, sizeof(table), &py->l))
		return true;
	minor = minor_find(n, m);
	l = minor < 13 ? python_layout_of(minor) : NULL;
	if (!l) {
		snprintf(reason, size, "Python 3.%u is not known (3.8 to 3.14 are)", minor);
		return false;
	}
	py->l = *l;
	return true;
}

/* Before 3.11 a thread state names its thread by pthread_t alone: the address of glibc's own record of the thread, which
 * holds the tid. Where in it differs between versions of glibc, so any word that is a tid of this process counts. */
static struct snap_thread *thread_by_ident(struct native *n, uint64_t ident)
{
	uint32_t words[PTHREAD_TID_REACH / 4];

	if (!peek_full(&n->p->peek, ident, words, sizeof(words)))
		return NULL;
	for (size_t i = 128; i < PTHREAD_TID_REACH / 4; i++)
		for (size_t k = 0; k < n->p->thread_count; k++)
			if (words[i] == (uint32_t)n->p->threads[k].ns_tid)
				return &n->p->threads[k];
	return NULL;
}

static struct snap_thread *thread_by_native_id(struct native *n, uint64_t id)
{
	for (size_t k = 0; k < n->p->thread_count; k++)
		if ((uint64_t)n->p->threads[k].ns_tid == id)
			return &n->p->threads[k];
	return NULL;
}

static void threads_of_interpreter(struct native *n, struct python *py, uint64_t interpreter)
{
	struct peek *p = &n->p->peek;
	uint64_t state;

	if (!peek_u64(p, interpreter + py->l.interp_threads, &state))
		return;
	while (state && py->n < THREADS_MAX) {
		struct python_thread new = { .state = state };
		uint64_t id = 0;

		if (!peek_u64(p, state + py->l.thread_id, &new.ident))
			return;
		if (py->l.thread_native_id && peek_u64(p, state + py->l.thread_native_id, &id))
			new.t = thread_by_native_id(n, id);
		else
			new.t = thread_by_ident(n, new.ident);
		py->v = xreallocarray(py->v, py->n + 1, sizeof(*py->v));
		py->v[py->n++] = new;
		if (!peek_u64(p, state + py->l.thread_next, &state))
			return;
	}
}

static void gil_find(struct native *n, struct python *py, uint64_t interpreter)
{
	struct peek *p = &n->p->peek;
	uint64_t gil = py->runtime + py->l.runtime_gil, holder;
	uint32_t locked;

	if (py->l.interp_gil && !peek_u64(p, interpreter + py->l.interp_gil, &gil))
		return;
	n->p->gil_address = gil;
	if (!peek_u32(p, gil + py->l.gil_locked, &locked) || locked != 1 || !peek_u64(p, gil + py->l.gil_holder, &holder))
		return;
	for (size_t i = 0; i < py->n; i++)
		if (py->v[i].state == holder && py->v[i].t)
			n->p->gil_tid = py->v[i].t->tid;
}

struct walk {
	struct native *n;
	struct python *py;
	struct python_thread *pt;
};

static void walk_now(void *arg)
{
	struct walk *w = arg;

	w->pt->count = python_walk(&w->n->p->peek, &w->py->l, w->pt->state, w->pt->frames, PYTHON_FRAMES_MAX, &w->pt->torn);
}

/* True where the thread has not run since its native stack was copied. */
static bool stood_still(const struct native *n, const struct snap_thread *t)
{
	struct proc_status st;

	return t->intrusion == INTRUSION_READ && t->stack && proc_status_read(n->p->pid, t->tid, &st) == 0 &&
	       st.voluntary + st.involuntary == t->switches;
}

static void thread_walk(struct native *n, struct python *py, struct python_thread *pt, enum intrusion allowed)
{
	struct walk w = { n, py, pt };
	struct stop_also also = { walk_now, &w };
	struct snap_thread *t = pt->t;
	int64_t frozen_ns;

	pt->frames = xcalloc(PYTHON_FRAMES_MAX, sizeof(*pt->frames));
	walk_now(&w);
	if (stood_still(n, t))
		return;
	/* It moves: its Python and native frames are taken again, both in one stop. */
	if (allowed >= INTRUSION_MICRO_STOP && t->state != 'D' &&
	    thread_stop_copy(n->p, t, 256 * 1024, &also, &frozen_ns) == 0) {
		t->intrusion = INTRUSION_MICRO_STOP;
		return;
	}
	pt->moved = true;
}

void python_collect(struct native *n, enum intrusion allowed, char *reason, size_t size)
{
	struct python *py = xcalloc(1, sizeof(*py));
	uint64_t interpreter, first = 0;

	if (!n->p->alive || !runtime_find(n, py, reason, size)) {
		free(py);
		return;
	}
	n->python = py;
	if (!peek_u64(&n->p->peek, py->runtime + py->l.runtime_interpreters, &interpreter))
		return;
	first = interpreter;
	for (int i = 0; interpreter && i < INTERPRETERS_MAX; i++) {
		threads_of_interpreter(n, py, interpreter);
		if (!peek_u64(&n->p->peek, interpreter + py->l.interp_next, &interpreter))
			break;
	}
	for (size_t i = 0; i < py->n; i++)
		if (py->v[i].t)
			thread_walk(n, py, &py->v[i], allowed);
	if (first)
		gil_find(n, py, first);
}

static bool is_evaluation(const struct snap_frame *f)
{
	return f->function && !f->inlined && strncmp(f->function, "_PyEval_EvalFrameDefault", 24) == 0;
}

static void python_frame_add(struct native *n, struct python *py, struct snap_thread *t, const struct python_frame *pf)
{
	struct python_place place;
	struct snap_frame *f = thread_frame_add(t);

	if (!f)
		return;
	f->language = "python";
	f->pc = pf->instr;
	if (!python_place(&n->p->peek, &py->l, pf, &place)) {
		f->function = xstrdup("?");
		thread_reason(t, COLLECT_PARTIAL, "a Python frame could not be read");
		return;
	}
	f->function = place.function;
	f->file = place.file;
	f->line = place.line;
}

/* One native evaluation's frames, innermost first. Returns the next to come. */
static size_t evaluation_add(struct native *n, struct python *py, struct python_thread *pt, size_t at)
{
	while (at < pt->count) {
		const struct python_frame *f = &pt->frames[at++];

		if (f->shim)
			break;
		python_frame_add(n, py, pt->t, f);
		if (f->entry)
			break;
	}
	return at;
}

static void thread_merge(struct native *n, struct python *py, struct python_thread *pt)
{
	struct snap_thread *t = pt->t;
	struct snap_frame *old = t->frames;
	size_t count = t->frame_count, at = 0;

	t->frames = NULL;
	t->frame_count = t->frame_cap = 0;
	for (size_t i = 0; i < count; i++) {
		struct snap_frame *f;

		if (is_evaluation(&old[i])) {
			at = evaluation_add(n, py, pt, at);
			snap_frame_release(&old[i]);
			continue;
		}
		f = thread_frame_add(t);
		if (f)
			*f = old[i];
		else
			snap_frame_release(&old[i]);
	}
	/* Where unwinding broke off, Python's own chain goes on. */
	while (at < pt->count)
		at = evaluation_add(n, py, pt, at);
	free(old);
	if (pt->torn || pt->moved)
		thread_reason(t, COLLECT_PARTIAL, pt->torn ? "its chain of Python frames broke off" :
			      "it ran while its Python frames were read");
}

/* "_thread.lock" of the type of the object at `object`, whose first words go to `words`. */
static bool object_read(struct peek *p, uint64_t object, uint64_t words[5], char type[32])
{
	uint64_t name;

	type[0] = '\0';
	if (object & 7 || object < 65536 || !peek_full(p, object, words, 5 * sizeof(*words)) || words[1] & 7 ||
	    !peek_u64(p, words[1] + 24, &name) || peek_read(p, name, type, 31) <= 0)
		return false;
	type[31] = '\0';
	return true;
}

/* A plain lock names no owner. But `with lock:` keeps the lock's bound __exit__ on the value stack of its frame for as
 * long as the block lasts: a thread with such a frame, which does not wait for the lock itself, holds it. */
static bool frame_holds(struct native *n, struct python *py, const struct python_frame *f, uint64_t lock)
{
	uint64_t slots[96], words[5];
	char type[32];
	ssize_t got = f->shim ? 0 : peek_read(&n->p->peek, f->address + py->l.frame_locals, slots, sizeof(slots));

	for (ssize_t i = 0; i < got / 8; i++)
		if (object_read(&n->p->peek, slots[i], words, type) && words[3] == lock &&
		    strcmp(type, "builtin_function_or_method") == 0)
			return true;
	return false;
}

static void lock_holder_find(struct native *n, struct python *py, struct snap_thread *t, uint64_t lock)
{
	for (size_t i = 0; i < py->n; i++) {
		const struct python_thread *pt = &py->v[i];

		if (!pt->t || pt->t == t || pt->t->wait.address == lock)
			continue;
		for (size_t k = 0; k < pt->count && k < 60; k++)
			if (frame_holds(n, py, &pt->frames[k], lock)) {
				t->lock_owner = pt->t->tid;
				return;
			}
	}
}

/* The lock object that a thread is about to take lies in its innermost native frames. An RLock names its owner:
 * {refcount, type, lock, owner, count}. */
static void lock_find(struct native *n, struct python *py, struct snap_thread *t)
{
	static const char *const acquire[] = { "PyThread_acquire_lock", "_PyMutex_Lock", NULL };
	size_t from = t->syscall.sp > t->stack_base ? (size_t)(t->syscall.sp - t->stack_base) : 0;
	bool blocked = false;

	for (size_t i = 0; i < t->frame_count && i < 8; i++)
		for (size_t k = 0; acquire[k]; k++)
			blocked |= t->frames[i].function && strstr(t->frames[i].function, acquire[k]);
	for (size_t at = from; blocked && at + 8 <= t->stack_size && at < from + LOCK_SCAN_BYTES; at += 8) {
		uint64_t object, words[5];
		char type[32];

		memcpy(&object, t->stack + at, sizeof(object));
		if (!object_read(&n->p->peek, object, words, type))
			continue;
		if (strcmp(type, "_thread.RLock") == 0) {
			for (size_t i = 0; i < py->n; i++)
				if (py->v[i].t && py->v[i].ident && py->v[i].ident == words[3])
					t->lock_owner = py->v[i].t->tid;
			t->wait.address = object;
			return;
		}
		if (strcmp(type, "_thread.lock") == 0) {
			t->wait.address = object;
			return;
		}
	}
}

size_t python_merge(struct native *n)
{
	struct python *py = n->python;
	size_t threads = 0;

	for (size_t i = 0; py && i < py->n; i++)
		if (py->v[i].t && py->v[i].count)
			lock_find(n, py, py->v[i].t);
	for (size_t i = 0; py && i < py->n; i++) {
		struct snap_thread *t = py->v[i].t;

		if (t && t->wait.address && !t->lock_owner)
			lock_holder_find(n, py, t, t->wait.address);
	}
	for (size_t i = 0; py && i < py->n; i++)
		if (py->v[i].t && py->v[i].count) {
			thread_merge(n, py, &py->v[i]);
			threads++;
		}
	return threads;
}

void python_free(struct native *n)
{
	struct python *py = n->python;

	for (size_t i = 0; py && i < py->n; i++)
		free(py->v[i].frames);
	if (py)
		free(py->v);
	free(py);
	n->python = NULL;
}
