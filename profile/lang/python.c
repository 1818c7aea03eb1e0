/* SPDX-License-Identifier: Apache-2.0 */
/* python.c - Python threads of a process: found, walked, named, and merged into their native stacks. */
#include "profile/lang/language.h"
#include "profile/lang/python_threads.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 20000, PTHREAD_TID_REACH = 1024 };

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
	if (python_debug_offsets(table, sizeof(table), &py->m.l))
		return true;
	minor = minor_find(n, m);
	l = minor < 13 ? python_layout_of(minor, false) : NULL;
	if (!l) {
		snprintf(reason, size, "Python 3.%u is not known (3.8 to 3.14 are)", minor);
		return false;
	}
	py->m.l = *l;
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

struct python_thread *python_by_ident(struct python *py, uint64_t ident)
{
	for (size_t i = 0; ident && i < py->n; i++)
		if (py->v[i].ident == ident)
			return &py->v[i];
	return NULL;
}

/* The thread's own entry: a second interpreter that it entered is inside of the first. */
static struct python_thread *thread_entry(struct python *py, struct snap_thread *t)
{
	for (size_t i = 0; t && i < py->n; i++)
		if (py->v[i].t == t)
			return &py->v[i];
	py->v = xreallocarray(py->v, py->n + 1, sizeof(*py->v));
	py->v[py->n] = (struct python_thread){ .t = t };
	return &py->v[py->n++];
}

static void threads_of_interpreter(struct native *n, struct python *py, uint64_t interpreter)
{
	struct python_mem *m = &py->m;
	uint64_t state;

	if (!python_u64(m, interpreter + m->l.interp_threads, &state))
		return;
	while (state && py->n < THREADS_MAX) {
		struct python_thread *pt;
		struct snap_thread *t;
		uint64_t id = 0, ident;

		if (!python_u64(m, state + m->l.thread_id, &ident))
			return;
		if (m->l.thread_native_id && python_u64(m, state + m->l.thread_native_id, &id))
			t = native_thread(n, id);
		else
			t = thread_by_ident(n, ident);
		pt = thread_entry(py, t);
		pt->ident = ident;
		if (pt->state_count < PYTHON_STATES_MAX) {
			pt->interpreters[pt->state_count] = interpreter;
			pt->states[pt->state_count++] = state;
		}
		if (!python_u64(m, state + m->l.thread_next, &state))
			return;
	}
}

static void gil_find(struct native *n, struct python *py, uint64_t interpreter)
{
	struct python_mem *m = &py->m;
	uint64_t gil = py->runtime + m->l.runtime_gil, holder;
	uint32_t locked;

	if (m->l.interp_gil && !python_u64(m, interpreter + m->l.interp_gil, &gil))
		return;
	n->p->gil_address = gil;
	if (!python_u32(m, gil + m->l.gil_locked, &locked) || locked != 1 || !python_u64(m, gil + m->l.gil_holder, &holder))
		return;
	for (size_t i = 0; i < py->n; i++)
		for (size_t k = 0; k < py->v[i].state_count; k++)
			if (py->v[i].states[k] == holder && py->v[i].t)
				n->p->gil_tid = py->v[i].t->tid;
}

struct walk {
	struct python *py;
	struct python_thread *pt;
};

static void walk_now(void *arg)
{
	struct walk *w = arg;
	struct python_thread *pt = w->pt;

	python_forget(&w->py->m);
	pt->count = 0;
	pt->torn = false;
	pt->interpreter = 0;
	for (size_t i = 0; i < pt->state_count; i++) {
		size_t before = pt->count;
		bool torn;

		pt->count += python_walk(&w->py->m, pt->states[i], pt->frames + before, PYTHON_FRAMES_MAX - before, &torn);
		pt->torn |= torn;
		if (!pt->interpreter && pt->count > before)
			pt->interpreter = pt->interpreters[i];
	}
}

static void thread_walk(struct native *n, struct python *py, struct python_thread *pt, enum intrusion allowed)
{
	struct walk w = { py, pt };
	struct stop_also also = { walk_now, &w };
	struct snap_thread *t = pt->t;
	int64_t frozen_ns;

	pt->frames = xcalloc(PYTHON_FRAMES_MAX, sizeof(*pt->frames));
	walk_now(&w);
	if (native_stood_still(n, t))
		return;
	/* It moves: its Python and native frames are taken again, both in one stop. */
	if (allowed >= INTRUSION_MICRO_STOP && t->state != 'D' &&
	    thread_stop_copy(n->p, t, 256 * 1024, &also, &frozen_ns) == 0) {
		t->intrusion = INTRUSION_MICRO_STOP;
		return;
	}
	pt->moved = true;
}

static void interpreters_find(struct native *n, struct python *py)
{
	uint64_t at;

	if (!python_u64(&py->m, py->runtime + py->m.l.runtime_interpreters, &at))
		return;
	while (at && py->interpreter_count < PYTHON_INTERPRETERS_MAX) {
		py->interpreters[py->interpreter_count++] = at;
		threads_of_interpreter(n, py, at);
		if (!python_u64(&py->m, at + py->m.l.interp_next, &at))
			break;
	}
}

static bool python_detect(struct native *n)
{
	for (size_t i = 0; i < n->module_count; i++)
		if (maybe_python(n, &n->modules[i]) && native_symbol(n, &n->modules[i], "_PyRuntime"))
			return true;
	return false;
}

static void *python_collect(struct native *n, enum intrusion allowed, char *reason, size_t size)
{
	struct python *py = xcalloc(1, sizeof(*py));

	python_mem_init(&py->m, &n->p->peek);
	if (!runtime_find(n, py, reason, size)) {
		python_mem_release(&py->m);
		free(py);
		return NULL;
	}
	interpreters_find(n, py);
	for (size_t i = 0; i < py->n; i++)
		if (py->v[i].t)
			thread_walk(n, py, &py->v[i], allowed);
	python_forget(&py->m);
	if (py->interpreter_count)
		gil_find(n, py, py->interpreters[py->interpreter_count - 1]);
	return py;
}

/* threading._active: {ident: Thread}. */
static bool name_one(void *arg, uint64_t key, uint64_t value)
{
	struct python *py = arg;
	struct python_thread *pt;
	uint64_t ident;

	if (!python_number(&py->m, key, &ident) || !(pt = python_by_ident(py, ident)) || pt->object)
		return false;
	pt->object = value;
	if (pt->t && !pt->t->label)
		pt->t->label = python_attr_text(&py->m, value, "_name");
	return false;
}

/* Of a thread inside of another interpreter than the first, which one. */
static void label_interpreter(struct python *py, const struct python_thread *pt)
{
	struct snap_thread *t = pt->t;
	char text[120];
	uint64_t id;

	if (!t || !pt->interpreter || !python_u64(&py->m, pt->interpreter + py->m.l.interp_id, &id) || !id ||
	    id > INT32_MAX)
		return;
	snprintf(text, sizeof(text), "%.80s%s(interpreter %u)", t->label ? t->label : "", t->label ? " " : "",
	         (unsigned)id);
	free(t->label);
	t->label = xstrdup(text);
}

static void threads_name(struct python *py)
{
	/* A thread that is in two has its name from the first. */
	for (size_t i = py->interpreter_count; i-- > 0;) {
		uint64_t active = python_global(&py->m, py->interpreters[i], "threading", "_active");

		if (active)
			python_dict_each(&py->m, active, name_one, py);
	}
	for (size_t i = 0; i < py->n; i++)
		label_interpreter(py, &py->v[i]);
}

static bool names_evaluation(const struct snap_frame *f)
{
	/* The second: one function an instruction, as 3.14 may be built. */
	return f->function && !f->inlined && (strncmp(f->function, "_PyEval_EvalFrameDefault", 24) == 0 ||
					      strncmp(f->function, "_TAIL_CALL_", 11) == 0);
}

/* Since 3.12 the frame that marks the end of an evaluation is a variable of the native function that evaluates: it tells
 * that function where it has no name, as in stripped builds whose compiler has split it up. */
static bool holds_mark(const struct python_thread *pt, const struct snap_frame *f, const struct snap_frame *end)
{
	for (const struct snap_frame *outer = f + 1; outer < end && !f->inlined; outer++) {
		if (outer->inlined || !outer->sp || !f->sp)
			continue;
		for (size_t i = 0; i < pt->count; i++)
			if (pt->frames[i].shim && pt->frames[i].address >= f->sp && pt->frames[i].address < outer->sp)
				return true;
		return false;
	}
	return false;
}

static bool is_evaluation(const struct python_thread *pt, const struct snap_frame *f, const struct snap_frame *end)
{
	return names_evaluation(f) || (!f->function && holds_mark(pt, f, end));
}

static void python_frame_add(struct python *py, struct snap_thread *t, const struct python_frame *pf)
{
	struct python_place place;
	struct snap_frame *f = thread_frame_add(t);

	if (!f)
		return;
	f->language = "python";
	f->pc = pf->instr;
	if (!python_place(&py->m, pf, &place)) {
		f->function = xstrdup("?");
		thread_reason(t, COLLECT_PARTIAL, "a Python frame could not be read");
		return;
	}
	f->function = place.function;
	f->file = place.file;
	f->line = place.line;
}

/* One native evaluation's frames, innermost first. Returns the next to come. */
static size_t evaluation_add(struct python *py, struct python_thread *pt, size_t at)
{
	while (at < pt->count) {
		const struct python_frame *f = &pt->frames[at++];

		if (f->shim)
			break;
		python_frame_add(py, pt->t, f);
		if (f->entry)
			break;
	}
	return at;
}

/* How many native evaluations run, and how many the Python frames account for: one that has just been entered has no
 * Python frame yet. 0 where the native stack has no end. */
static size_t evaluations_without(const struct python_thread *pt)
{
	const struct snap_thread *t = pt->t;
	size_t native = 0, python = 0;

	for (size_t i = 0; i < t->frame_count; i++)
		native += is_evaluation(pt, &t->frames[i], t->frames + t->frame_count);
	for (size_t i = 0; i < pt->count; i++)
		python += pt->frames[i].shim || pt->frames[i].entry;
	return !t->truncated && native > python ? native - python : 0;
}

static void thread_merge(struct python *py, struct python_thread *pt)
{
	struct snap_thread *t = pt->t;
	struct snap_frame *old = t->frames;
	size_t count = t->frame_count, at = 0, without = evaluations_without(pt);

	t->frames = NULL;
	t->frame_count = t->frame_cap = 0;
	for (size_t i = 0; i < count; i++) {
		struct snap_frame *f;

		if (is_evaluation(pt, &old[i], old + count)) {
			if (without)
				without--;
			else
				at = evaluation_add(py, pt, at);
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
		at = evaluation_add(py, pt, at);
	free(old);
	if (pt->torn || pt->moved)
		thread_reason(t, COLLECT_PARTIAL, pt->torn ? "its chain of Python frames broke off" :
			      "it ran while its Python frames were read");
}

/* Below the beginning of a child of multiprocessing lies what its parent did when it forked, which the child does not:
 * no line of it is where the child stands. */
static void frames_of_parent(struct snap_thread *t)
{
	size_t at = 0;

	for (size_t i = 0; i < t->frame_count && !at; i++) {
		const struct snap_frame *f = &t->frames[i];

		if (f->function && f->file && strstr(f->function, "_bootstrap") &&
		    strstr(f->file, "/multiprocessing/process.py"))
			at = i + 1;
	}
	for (; at && at < t->frame_count; at++)
		t->frames[at].runtime = true;
}

static size_t python_merge(struct native *n, void *state)
{
	struct python *py = state;
	size_t threads = 0;

	threads_name(py);
	python_waits(n, py);
	python_tasks(n, py);
	for (size_t i = 0; i < py->n; i++) {
		const struct python_thread *pt = &py->v[i];

		/* Without frames, too: where the walk led nowhere, that has to be said. */
		if (pt->t && (pt->count || pt->torn || pt->moved)) {
			thread_merge(py, &py->v[i]);
			frames_of_parent(pt->t);
			threads += pt->count > 0;
		}
	}
	return threads;
}

static void python_free(void *state)
{
	struct python *py = state;

	for (size_t i = 0; i < py->n; i++)
		free(py->v[i].frames);
	free(py->v);
	python_mem_release(&py->m);
	free(py);
}

const struct language_ops language_python = { .name = "python", .detect = python_detect, .collect = python_collect,
					      .merge = python_merge, .free = python_free };
