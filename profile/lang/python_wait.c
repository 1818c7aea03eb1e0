/* SPDX-License-Identifier: Apache-2.0 */
/* python_wait.c - what a Python thread waits in.
 *
 * Two sources: the lock object whose memory the system call sleeps on, found among the values of the innermost frames
 * and on the native stack; and the innermost frames of the standard library, whose `self` knows more than any lock:
 * which thread is joined, how full the queue is, who owns an import. */
#include "profile/lang/python_threads.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

enum { LOCK_SCAN_BYTES = 4096, LOCK_BYTES = 64, SLOTS_MAX = 96, DEPTH_MAX = 16, HOLDING_FRAMES = 60 };

struct scene {
	struct native *n;
	struct python *py;
	struct python_thread *pt;
	struct snap_thread *t;
	uint64_t self;   /* first argument of the frame in question */
	const struct python_frame *frame;
};

/* --- locks --- */

static bool in_futex(const struct snap_thread *t)
{
	return t->syscall.nr == SYS_futex || t->syscall.nr == SYS_restart_syscall;
}

/* Does the thread sleep on this lock? Up to 3.13.0 a lock points to memory of its own, in which the sleep is; later it
 * is a byte that says "taken, and somebody waits", which no pointer ends in. */
static bool lock_is_slept_on(struct python_mem *m, const struct snap_thread *t, uint64_t object)
{
	uint64_t at;

	if (!python_u64(m, object + m->l.object_size, &at))
		return false;
	if (m->l.minor >= 13 && (at & 0xff) == 3)
		return true;
	return at && t->syscall.arg[0] >= at && t->syscall.arg[0] - at < LOCK_BYTES;
}

static bool lock_take(struct scene *s, uint64_t object)
{
	struct python_mem *m = &s->py->m;
	char type[PYTHON_TYPE_MAX];
	bool recursive;
	uint64_t owner;

	if (!object || object & 7 || object < PYTHON_PAGE || !python_type(m, object, type))
		return false;
	recursive = strcmp(type, "_thread.RLock") == 0;
	if ((!recursive && strcmp(type, "_thread.lock") != 0) || !lock_is_slept_on(m, s->t, object))
		return false;
	s->t->wait.address = object;
	if (!recursive || !python_u64(m, object + m->l.object_size + 8, &owner) || !owner)
		return true;
	for (size_t i = 0; i < s->py->n; i++)
		if (s->py->v[i].t && s->py->v[i].ident == owner)
			s->t->lock_owner = s->py->v[i].t->tid;
	if (!s->t->lock_owner)
		hint_set(s->t, WAIT_MUTEX,
			 "RLock 0x%llx, of a thread that this process does not have (left behind by a fork?)",
			 (unsigned long long)object);
	return true;
}

/* A value of a frame: the lock, or its bound method. */
static bool lock_take_value(struct scene *s, uint64_t value)
{
	struct python_mem *m = &s->py->m;
	uint64_t self;

	return lock_take(s, value) ||
	       (value && !(value & 7) && python_is(m, value, "builtin_function_or_method") &&
		python_u64(m, value + m->l.builtin_self, &self) && lock_take(s, self));
}

static void lock_find(struct scene *s)
{
	const struct snap_thread *t = s->t;
	size_t from = t->syscall.sp > t->stack_base ? (size_t)(t->syscall.sp - t->stack_base) : 0;
	struct python_frame *f = s->pt->frames;

	for (size_t at = (from + 7) & ~(size_t)7;
	     t->stack && at + 8 <= t->stack_size && at < from + LOCK_SCAN_BYTES; at += 8) {
		uint64_t object;

		memcpy(&object, t->stack + at, sizeof(object));
		/* Of this stack itself: no object. */
		if (object >= t->stack_base && object - t->stack_base < t->stack_size)
			continue;
		if (lock_take(s, object))
			return;
	}
	while (f < s->pt->frames + s->pt->count && f->shim)
		f++;
	for (size_t i = 0; f < s->pt->frames + s->pt->count && i < SLOTS_MAX / 2; i++)
		if (lock_take_value(s, python_local(&s->py->m, f, i)))
			return;
}

/* Is `value`, which lives on the value stack of a frame, the mark of a `with` block around the lock? Its bound __exit__
 * (up to 3.13), the lock itself beside its unbound one (3.14), or the method of an object that wraps the lock. */
static bool value_holds(struct python_mem *m, uint64_t value, uint64_t lock)
{
	char type[PYTHON_TYPE_MAX];
	uint64_t self = 0;

	if (!value || value & 7)
		return false;
	if (value == lock)
		return true;
	if (!python_type(m, value, type))
		return false;
	if (strcmp(type, "builtin_function_or_method") == 0)
		return python_u64(m, value + m->l.builtin_self, &self) && self == lock;
	if (strcmp(type, "method") == 0 && !python_u64(m, value + m->l.method_self, &self))
		return false;
	if (strcmp(type, "Condition") == 0)
		self = value;
	return self && python_is(m, self, "Condition") && python_attr(m, self, "_lock") == lock;
}

/* A plain lock names no owner. But for as long as its `with` block lasts, a frame keeps what it needs to leave it. How
 * many such blocks it is in. */
static unsigned frame_holds(struct python_mem *m, const struct python_frame *f, uint64_t lock)
{
	struct python_live live = python_live(m, f);
	unsigned n = 0;

	for (size_t i = live.locals; i < live.end && i < live.locals + SLOTS_MAX; i++)
		n += value_holds(m, python_local(m, f, i), lock);
	return n;
}

static bool frame_is(struct python_mem *m, const struct python_frame *f, const char *file, const char *function)
{
	struct python_place place;
	const char *dot;
	bool is;

	if (f->shim || !python_place(m, f, &place))
		return false;
	dot = strrchr(place.function, '.');
	is = str_ends(place.file, file) && strcmp(dot ? dot + 1 : place.function, function) == 0;
	free(place.function);
	free(place.file);
	return is;
}

static bool frame_is_of_threading(struct python_mem *m, const struct python_frame *f)
{
	struct python_place place;
	bool is;

	if (!python_place(m, f, &place))
		return false;
	is = place.file && str_ends(place.file, "/threading.py");
	free(place.function);
	free(place.file);
	return is;
}

/* Does the waiter hold it itself? The frames with which it waits have the mark of the block that they are about to enter:
 * the innermost, and the caller of one of threading's own. */
static bool holds_itself(struct python *py, const struct python_thread *pt, uint64_t lock)
{
	size_t k = 0;
	bool entering = true;

	while (k < pt->count && pt->frames[k].shim)
		k++;
	for (; k < pt->count && k < HOLDING_FRAMES; k++) {
		unsigned marks = frame_holds(&py->m, &pt->frames[k], lock);

		if (marks > (entering ? 1u : 0u))
			return true;
		entering = entering && frame_is_of_threading(&py->m, &pt->frames[k]);
	}
	return false;
}

/* Does it wait for a condition that this lock belongs to? */
static bool waits_for_condition_of(struct python_mem *m, const struct python_thread *pt, uint64_t lock)
{
	for (size_t k = 0; k < pt->count && k < DEPTH_MAX; k++) {
		uint64_t self = python_local(m, &pt->frames[k], 0);

		if (frame_is(m, &pt->frames[k], "/threading.py", "wait") && python_is(m, self, "Condition"))
			return python_attr(m, self, "_lock") == lock;
	}
	return false;
}

static void lock_holder_find(struct python *py, struct snap_thread *t, uint64_t lock)
{
	for (size_t i = 0; i < py->n; i++) {
		const struct python_thread *pt = &py->v[i];

		if (pt->t && pt->t == t && holds_itself(py, pt, lock)) {
			t->lock_owner = t->tid;
			return;
		}
		/* Who waits for it too, or for its condition, has let go of it. */
		if (!pt->t || pt->t == t || pt->t->wait.address == lock || waits_for_condition_of(&py->m, pt, lock))
			continue;
		for (size_t k = 0; k < pt->count && k < HOLDING_FRAMES; k++)
			if (frame_holds(&py->m, &pt->frames[k], lock)) {
				t->lock_owner = pt->t->tid;
				return;
			}
	}
}

/* --- frames of the standard library --- */

static uint64_t json_get_number(struct scene *s, uint64_t object, const char *name)
{
	uint64_t v = 0, at = python_attr(&s->py->m, object, name);

	return at && python_number(&s->py->m, at, &v) ? v : 0;
}

static void add_holder(struct scene *s, const struct snap_thread *holder)
{
	if (holder && holder != s->t)
		hint_holder(s->t, holder->tid);
}

static void wait_barrier(struct scene *s, const char *what)
{
	/* one of multiprocessing counts in memory that is shared */
	if (python_attr(&s->py->m, s->self, "_wrapper")) {
		hint_set(s->t, WAIT_CONDITION, "multiprocessing.Barrier.wait of %u parties, not all of whom have come",
			 (unsigned)json_get_number(s, s->self, "_parties"));
		return;
	}
	hint_set(s->t, WAIT_CONDITION, "%s: %u of %u threads have come", what,
		 (unsigned)json_get_number(s, s->self, "_count"), (unsigned)json_get_number(s, s->self, "_parties"));
}

static void wait_semaphore(struct scene *s, const char *what)
{
	hint_set(s->t, WAIT_SEMAPHORE, "%s: value %u", what, (unsigned)json_get_number(s, s->self, "_value"));
}

static void wait_join(struct scene *s, const char *what)
{
	auto_free char *name = python_attr_text(&s->py->m, s->self, "_name");

	hint_set(s->t, WAIT_FUTEX, "exit of thread %s (%s)", name ? name : "?", what);
	add_holder(s, native_thread(s->n, json_get_number(s, s->self, "_native_id")));
	s->t->hint.proved = s->t->hint.holder_count == 1;
}

/* The interpreter ends once every thread has ended that is not a daemon. */
static void wait_shutdown(struct scene *s, const char *what)
{
	hint_set(s->t, WAIT_FUTEX, "exit of threads that are not daemons (%s)", what);
	for (size_t i = 0; i < s->py->n; i++) {
		struct python_thread *pt = &s->py->v[i];
		uint64_t daemonic = pt->object ? python_attr(&s->py->m, pt->object, "_daemonic") : 0, yes = 0;

		/* bool is a number of another type: its digits lie in the same place. */
		if (pt == s->pt || !pt->t || !daemonic || !python_u64(&s->py->m, daemonic + s->py->m.l.long_digits, &yes) ||
		    yes & 1)
			continue;
		add_holder(s, pt->t);
	}
	s->t->hint.proved = s->t->hint.holder_count == 1;
}

static void wait_queue_join(struct scene *s, const char *what)
{
	hint_set(s->t, WAIT_CONDITION, "%s: %u tasks unfinished", what,
		 (unsigned)json_get_number(s, s->self, "unfinished_tasks"));
}

static void wait_queue_put(struct scene *s, const char *what)
{
	hint_set(s->t, WAIT_CONDITION, "%s: full (%u)", what, (unsigned)json_get_number(s, s->self, "maxsize"));
}

/* Its reading lock is held by whoever reads from its pipe just now. */
static void wait_mp_get(struct scene *s, const char *what)
{
	uint64_t handle = python_attr(&s->py->m, python_attr(&s->py->m, s->self, "_reader"), "_handle"), fd;

	hint_set(s->t, WAIT_SEMAPHORE, "%s", what);
	if (handle && python_number(&s->py->m, handle, &fd) && fd < INT32_MAX) {
		s->t->hint.has_fd = true;
		s->t->hint.fd = (int)fd;
	}
}

static void wait_import(struct scene *s, const char *what)
{
	auto_free char *name = python_attr_text(&s->py->m, s->self, "name");
	struct python_thread *owner = python_by_ident(s->py, json_get_number(s, s->self, "owner"));

	hint_set(s->t, WAIT_MUTEX, "%s of module %s", what, name ? name : "?");
	if (owner)
		add_holder(s, owner->t);
	s->t->hint.proved = s->t->hint.holder_count == 1;
}

/* A future that runs is run by the thread whose work item it belongs to; one that does not waits for a worker. */
static void wait_future(struct scene *s, const char *what)
{
	struct python_mem *m = &s->py->m;
	auto_free char *state = python_attr_text(m, s->self, "_state");
	bool running = state && strcmp(state, "RUNNING") == 0;
	struct python_thread *runs = NULL;

	hint_set(s->t, WAIT_CONDITION, "%s: %s", what, !state ? "?" : running ? "running" :
		 strcmp(state, "PENDING") == 0 ? "not begun, every worker is busy" : state);
	for (size_t i = 0; i < s->py->n; i++) {
		struct python_thread *pt = &s->py->v[i];

		for (size_t k = 0; pt->t && k < pt->count; k++) {
			const struct python_frame *f = &pt->frames[k];

			if (running && frame_is(m, f, "concurrent/futures/thread.py", "run") &&
			    python_attr(m, python_local(m, f, 0), "future") == s->self)
				runs = pt;
			else if (!running && frame_is(m, f, "concurrent/futures/thread.py", "_worker"))
				hint_holder(s->t, pt->t->tid);
		}
	}
	if (runs)
		add_holder(s, runs->t);
	s->t->hint.proved = runs && s->t->hint.holder_count == 1;
}

/* `self`: beginning of the name of its type; NULL any. call NULL: text says all. */
struct library_row {
	const char *file, *function, *self;
	enum wait_kind kind;
	const char *text;
	void (*call)(struct scene *s, const char *text);
};

static const struct library_row library[] = {
	{ "/threading.py", "wait", "Event", WAIT_CONDITION, "threading.Event.wait: not set", NULL },
	{ "/threading.py", "wait", "Barrier", WAIT_CONDITION, "threading.Barrier.wait", wait_barrier },
	{ "/threading.py", "_wait", "Barrier", WAIT_CONDITION, "threading.Barrier.wait", wait_barrier },
	{ "/threading.py", "_enter", "Barrier", WAIT_CONDITION, "threading.Barrier.wait", wait_barrier },
	{ "/threading.py", "wait", NULL, WAIT_CONDITION, "threading.Condition.wait", NULL },
	{ "/threading.py", "wait_for", NULL, WAIT_CONDITION, "threading.Condition.wait_for", NULL },
	{ "/threading.py", "acquire", "Semaphore", WAIT_SEMAPHORE, "threading.Semaphore.acquire", wait_semaphore },
	{ "/threading.py", "acquire", "BoundedSemaphore", WAIT_SEMAPHORE, "threading.BoundedSemaphore.acquire",
	  wait_semaphore },
	{ "/threading.py", "join", NULL, WAIT_FUTEX, "threading.Thread.join", wait_join },
	{ "/threading.py", "_shutdown", NULL, WAIT_FUTEX, "end of the interpreter", wait_shutdown },
	{ "/queue.py", "get", NULL, WAIT_CONDITION, "queue.Queue.get: empty", NULL },
	{ "/queue.py", "put", NULL, WAIT_CONDITION, "queue.Queue.put", wait_queue_put },
	{ "/queue.py", "join", NULL, WAIT_CONDITION, "queue.Queue.join", wait_queue_join },
	{ "/concurrent/futures/_base.py", "result", NULL, WAIT_CONDITION, "concurrent.futures.Future.result", wait_future },
	{ "/concurrent/futures/_base.py", "exception", NULL, WAIT_CONDITION, "concurrent.futures.Future.exception",
	  wait_future },
	{ "/concurrent/futures/_base.py", "wait", NULL, WAIT_CONDITION, "concurrent.futures.wait", NULL },
	{ "/concurrent/futures/_base.py", "as_completed", NULL, WAIT_CONDITION, "concurrent.futures.as_completed", NULL },
	{ "/concurrent/futures/thread.py", "_worker", NULL, WAIT_CONDITION, "work (an idle worker of ThreadPoolExecutor)",
	  NULL },
	{ "/multiprocessing/queues.py", "get", NULL, WAIT_SEMAPHORE, "multiprocessing.Queue.get: its reading lock",
	  wait_mp_get },
	{ "/multiprocessing/queues.py", "put", NULL, WAIT_SEMAPHORE, "multiprocessing.Queue.put: full", NULL },
	{ "/multiprocessing/queues.py", "join", NULL, WAIT_CONDITION, "multiprocessing.JoinableQueue.join", NULL },
	{ "/multiprocessing/queues.py", "_feed", NULL, WAIT_CONDITION,
	  "items (the feeder of a multiprocessing.Queue)", NULL },
	{ "/multiprocessing/synchronize.py", "__enter__", NULL, WAIT_SEMAPHORE, "multiprocessing lock", NULL },
	{ "/multiprocessing/synchronize.py", "wait", NULL, WAIT_CONDITION, "multiprocessing.Condition.wait", NULL },
	{ "/multiprocessing/pool.py", "wait", NULL, WAIT_CONDITION, "result of a multiprocessing.Pool", NULL },
	{ "/multiprocessing/pool.py", "get", NULL, WAIT_CONDITION, "result of a multiprocessing.Pool", NULL },
	{ "/multiprocessing/pool.py", "next", NULL, WAIT_CONDITION, "result of a multiprocessing.Pool", NULL },
	{ "<frozen importlib._bootstrap>", "acquire", "_ModuleLock", WAIT_MUTEX, "import lock", wait_import },
	{ "<frozen importlib._bootstrap>", "acquire", NULL, WAIT_MUTEX, "import lock", NULL },
};

static bool file_is_library(const char *file)
{
	for (size_t i = 0; i < sizeof(library) / sizeof(*library); i++)
		if (str_ends(file, library[i].file))
			return true;
	return false;
}

static const struct library_row *row_find(struct scene *s, const struct python_place *place)
{
	const char *dot = strrchr(place->function, '.'), *function = dot ? dot + 1 : place->function;
	char type[PYTHON_TYPE_MAX] = "";

	python_type(&s->py->m, s->self, type);
	for (size_t i = 0; i < sizeof(library) / sizeof(*library); i++) {
		const struct library_row *row = &library[i];

		if (str_ends(place->file, row->file) && strcmp(function, row->function) == 0 &&
		    (!row->self || strcmp(type, row->self) == 0))
			return row;
	}
	return NULL;
}

/* Outwards from the innermost frame for as long as it is the library: the outermost that is known says most. */
static void library_find(struct scene *s)
{
	for (size_t i = 0, depth = 0; i < s->pt->count && depth < DEPTH_MAX; i++) {
		const struct library_row *row;
		struct python_place place;
		bool more;

		s->frame = &s->pt->frames[i];
		if (s->frame->shim)
			continue;
		depth++;
		if (!python_place(&s->py->m, s->frame, &place))
			return;
		s->self = python_local(&s->py->m, s->frame, 0);
		more = file_is_library(place.file);
		row = more ? row_find(s, &place) : NULL;
		if (row && row->call)
			row->call(s, row->text);
		else if (row)
			hint_set(s->t, row->kind, "%s", row->text);
		free(place.function);
		free(place.file);
		if (!more)
			return;
	}
}

void python_waits(struct native *n, struct python *py)
{
	for (size_t i = 0; i < py->n; i++) {
		struct scene s = { .n = n, .py = py, .pt = &py->v[i], .t = py->v[i].t };

		if (!s.t || !s.pt->count || !in_futex(s.t))
			continue;
		lock_find(&s);
		library_find(&s);
	}
	for (size_t i = 0; i < py->n; i++) {
		struct snap_thread *t = py->v[i].t;

		if (t && t->wait.address && !t->lock_owner)
			lock_holder_find(py, t, t->wait.address);
	}
}
