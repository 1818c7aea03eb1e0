/* SPDX-License-Identifier: Apache-2.0 */
/* python_task.c - asyncio (trio: python_trio.c): tasks, the coroutines that each is inside of, and what it awaits.
 *
 * Up to 3.11 all tasks stand in one weak set of the module asyncio.tasks, then in a weak set and a set, since 3.14 in
 * linked lists that begin in thread and interpreter. Where a task keeps its coroutine differs between versions, and no
 * header says it: the one coroutine among its words is it; the future that it waits for stands before, its name after. */
#include "profile/lang/python_threads.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TASKS_MAX = 1000, TASK_WORDS = 64, CHAIN_MAX = 64, TOLD_MAX = 3 };

struct gathering {
	struct native *n;
	struct python *py;
	uint64_t seen[TASKS_MAX];
	size_t seen_count;
};

/* A coroutine, generator or what wraps one: where its frame lies; 0 where it has none (any more). */
static uint64_t coroutine_frame(struct python_mem *m, uint64_t object)
{
	uint64_t frame;
	signed char state;

	if (m->l.minor < 11)
		return python_u64(m, object + m->l.gen_frame, &frame) ? frame : 0;
	if (!python_read(m, object + m->l.gen_state, &state, 1) || state > 0)
		return 0;
	return object + m->l.gen_frame;
}

static bool is_coroutine(struct python_mem *m, uint64_t object)
{
	char type[PYTHON_TYPE_MAX];

	return python_type(m, object, type) &&
	       (strcmp(type, "coroutine") == 0 || strcmp(type, "generator") == 0 || strcmp(type, "async_generator") == 0);
}

/* What stands on top of the frame's value stack: a suspended frame awaits it. */
static uint64_t frame_top(struct python_mem *m, const struct python_frame *f)
{
	const struct python_layout *l = &m->l;
	uint64_t at = f->address + l->frame_top, base = f->address + l->frame_locals, top, value = 0;
	uint32_t depth;

	if (l->minor <= 9 || l->minor >= 14) {
		if (!python_u64(m, at, &top))
			return 0;
	} else {
		if (!python_u32(m, at, &depth) || !depth || depth > 100000)
			return 0;
		if (l->minor == 10 && !python_u64(m, f->address + l->frame_values, &base))
			return 0;
		top = base + 8 * (uint64_t)depth;
	}
	return top > base && python_u64(m, top - 8, &value) ? value & ~UINT64_C(3) : 0;
}

/* The next coroutine inwards, through the objects that stand between; 0 where there is none. */
static uint64_t awaited(struct python_mem *m, const struct python_frame *f)
{
	uint64_t object = frame_top(m, f), inner;

	for (int i = 0; object && !(object & 7) && i < 4; i++) {
		if (is_coroutine(m, object))
			return object;
		/* coroutine_wrapper, async_generator_asend …: the coroutine is their first member. */
		if (!python_u64(m, object + m->l.object_size, &inner) || inner & 7)
			return 0;
		object = inner;
	}
	return 0;
}

static bool frame_take_one(struct python_mem *m, uint64_t coroutine, struct python_frame *f)
{
	uint64_t frame = coroutine_frame(m, coroutine);
	bool torn;

	return frame && python_walk_from(m, frame, f, 1, &torn) == 1;
}

bool python_task_frames(struct python_mem *m, struct snap_task *task, uint64_t coroutine)
{
	struct python_frame chain[CHAIN_MAX];
	size_t count = 0;
	bool any;

	while (coroutine && count < CHAIN_MAX && frame_take_one(m, coroutine, &chain[count]))
		coroutine = awaited(m, &chain[count++]);
	any = count > 0;
	while (count) {
		struct python_place place;
		struct snap_frame *f;

		if (!python_place(m, &chain[--count], &place))
			continue;
		f = snap_task_frame(task);
		if (!f) {
			free(place.function);
			free(place.file);
			break;
		}
		f->function = place.function;
		f->file = place.file;
		f->line = place.line;
	}
	return any;
}

bool python_file_of_tasks(const char *file)
{
	static const char *const libraries[] = { "/asyncio/", "-packages/trio/", "-packages/anyio/" };

	for (size_t i = 0; file && i < sizeof(libraries) / sizeof(*libraries); i++)
		if (strstr(file, libraries[i]))
			return true;
	return false;
}

/* "Task-1": a text, or, until somebody asks, only its number (3.12 and later). */
static char *task_name(struct python_mem *m, uint64_t object)
{
	char text[40];
	uint64_t number;

	if (object && python_is(m, object, "str"))
		return python_text(m, object);
	if (object && python_number(m, object, &number)) {
		snprintf(text, sizeof(text), "Task-%llu", (unsigned long long)number);
		return xstrdup(text);
	}
	return NULL;
}

/* Place of the coroutine among a task's words, or -1. */
static int coroutine_word(struct python_mem *m, const uint64_t *words, size_t n)
{
	for (size_t i = m->l.object_size / 8 + 1; i + 1 < n; i++)
		if (words[i] && !(words[i] & 7) && words[i] >= PYTHON_PAGE && is_coroutine(m, words[i]))
			return (int)i;
	return -1;
}

static size_t object_words(struct python_mem *m, uint64_t object, uint64_t words[TASK_WORDS])
{
	uint64_t type, size;

	if (object & 7 || !python_u64(m, object + m->l.object_type, &type) ||
	    !python_u64(m, type + m->l.type_basicsize, &size) || size < 64 || size > PYTHON_PAGE)
		return 0;
	size = size / 8 < TASK_WORDS ? size / 8 : TASK_WORDS;
	return python_read(m, object, words, (size_t)size * 8) ? (size_t)size : 0;
}

static char *awaits_text(struct python_mem *m, uint64_t waiter)
{
	char type[PYTHON_TYPE_MAX];
	uint64_t words[TASK_WORDS];
	auto_free char *name = NULL;
	auto_str out = STR_INIT;
	size_t n;
	int at;

	if (!waiter || !python_type(m, waiter, type) || strcmp(type, "NoneType") == 0)
		return NULL;
	n = object_words(m, waiter, words);
	at = n ? coroutine_word(m, words, n) : -1;
	if (at > 0)
		name = task_name(m, words[at + 1]);
	if (name)
		str_addf(&out, "task %s", name);
	else if (strcmp(type, "_GatheringFuture") == 0)
		str_add(&out, "gather");
	else
		str_add(&out, strncmp(type, "_asyncio.", 9) == 0 ? type + 9 : type);
	return str_steal(&out);
}

/* Who waits for other tasks by a future that stands for them all: by the library's function that does so. */
static const char *awaits_tasks(const struct snap_task *task)
{
	static const struct { const char *file, *function, *text; } ways[] = {
		{ "/asyncio/tasks.py", "_wait", "tasks of asyncio.wait" },
		{ "/asyncio/taskgroups.py", "__aexit__", "tasks of its TaskGroup" },
	};
	const struct snap_frame *f = task->frames;

	for (size_t i = 0; task->frame_count && i < sizeof(ways) / sizeof(*ways); i++)
		if (f->file && f->function && strstr(f->file, ways[i].file) && strstr(f->function, ways[i].function))
			return ways[i].text;
	return NULL;
}

static void task_take(struct gathering *g, uint64_t object)
{
	struct python_mem *m = &g->py->m;
	uint64_t words[TASK_WORDS], ident;
	size_t n = object_words(m, object, words);
	int at = n ? coroutine_word(m, words, n) : -1;
	struct python_thread *pt;
	struct snap_task *task;

	/* A task that has ended has let go of its coroutine, or its coroutine of its frame. */
	if (at < 0 || !coroutine_frame(m, words[at]) || g->seen_count == TASKS_MAX)
		return;
	for (size_t i = 0; i < g->seen_count; i++)
		if (g->seen[i] == object)
			return;
	g->seen[g->seen_count++] = object;
	task = snap_task_add(g->n->p, "python");
	task->name = task_name(m, words[at + 1]);
	task->awaits = awaits_text(m, words[at - 1]);
	python_task_frames(m, task, words[at]);
	if (awaits_tasks(task)) {
		free(task->awaits);
		task->awaits = xstrdup(awaits_tasks(task));
	}
	/* Every future begins with its loop, which knows the thread that runs it. */
	ident = python_attr(m, words[m->l.object_size / 8], "_thread_id");
	if (ident && python_number(m, ident, &ident) && (pt = python_by_ident(g->py, ident)) && pt->t)
		task->tid = pt->t->tid;
}

static bool weak_one(void *arg, uint64_t key, uint64_t value)
{
	struct gathering *g = arg;
	uint64_t object;

	(void)value;
	if (python_u64(&g->py->m, key + g->py->m.l.object_size, &object) && object)
		task_take(g, object);
	return g->seen_count == TASKS_MAX;
}

static bool strong_one(void *arg, uint64_t key, uint64_t value)
{
	struct gathering *g = arg;

	(void)value;
	task_take(g, key);
	return g->seen_count == TASKS_MAX;
}

/* A list of nodes {next, previous} inside of tasks, around a head that is none. */
static void list_take(struct gathering *g, uint64_t head)
{
	struct python_mem *m = &g->py->m;
	uint64_t node, type, size;

	if (!python_u64(m, head, &node))
		return;
	for (size_t i = 0; node && node != head && !(node & 7) && i < TASKS_MAX; i++) {
		/* The node stands near the end of its task: the beginning is where a type of that size is. */
		for (uint64_t back = 128; back < 8 * TASK_WORDS; back += 8)
			if (python_u64(m, node - back + m->l.object_type, &type) && type && !(type & 7) &&
			    python_u64(m, type + m->l.type_basicsize, &size) && size > back && size < 8 * TASK_WORDS &&
			    python_is(m, node - back, "_asyncio.Task")) {
				task_take(g, node - back);
				break;
			}
		if (!python_u64(m, node, &node))
			return;
	}
}

static void interpreter_tasks(struct gathering *g, uint64_t interpreter)
{
	static const char *const weak[] = { "_all_tasks", "_scheduled_tasks" };
	struct python_mem *m = &g->py->m;
	uint64_t set;

	for (size_t i = 0; i < sizeof(weak) / sizeof(*weak); i++) {
		set = python_global(m, interpreter, "asyncio.tasks", weak[i]);
		if (set && (set = python_attr(m, set, "data")))
			python_set_each(m, set, weak_one, g);
	}
	if (m->l.minor >= 12 && (set = python_global(m, interpreter, "asyncio.tasks", "_eager_tasks")))
		python_set_each(m, set, strong_one, g);
	if (m->l.interp_tasks)
		list_take(g, interpreter + m->l.interp_tasks);
}

/* "event loop of 3 tasks: Task-1 at a.py:main:12 awaits gather, …" for a thread that sleeps in one. */
static void loop_tell(struct native *n, struct snap_thread *t)
{
	auto_str text = STR_INIT;
	size_t count = 0;

	for (size_t i = 0; i < n->p->task_count; i++) {
		const struct snap_task *task = &n->p->tasks[i];
		const struct snap_frame *f = NULL;
		const char *slash;

		if (task->tid != t->tid || ++count > TOLD_MAX)
			continue;
		/* The innermost frame that is the program's own; the library's where there is none. */
		for (size_t k = 0; k < task->frame_count && !f; k++)
			if (!python_file_of_tasks(task->frames[k].file))
				f = &task->frames[k];
		if (!f && task->frame_count)
			f = &task->frames[0];
		str_addf(&text, "%s%s", count > 1 ? ", " : "", task->name ? task->name : "?");
		if (f) {
			slash = strrchr(f->file, '/');
			str_addf(&text, " in %s at %s:%d", f->function, slash ? slash + 1 : f->file, f->line);
		}
		if (task->awaits)
			str_addf(&text, " awaits %s", task->awaits);
	}
	if (count)
		hint_set(t, WAIT_POLL, "event loop of %zu task%s: %s%s", count, count == 1 ? "" : "s", str_cstr(&text),
			 count > TOLD_MAX ? " …" : "");
}

/* Sets of Python have no order of their own. "Task-2" comes before "Task-10". */
static int by_name(const void *a, const void *b)
{
	const struct snap_task *x = a, *y = b;

	return strverscmp(x->name ? x->name : "", y->name ? y->name : "");
}

void python_tasks(struct native *n, struct python *py)
{
	struct gathering *g = xcalloc(1, sizeof(*g));

	g->n = n;
	g->py = py;
	for (size_t i = 0; i < py->interpreter_count; i++)
		interpreter_tasks(g, py->interpreters[i]);
	for (size_t i = 0; py->m.l.thread_tasks && i < py->n; i++)
		for (size_t k = 0; k < py->v[i].state_count; k++)
			list_take(g, py->v[i].states[k] + py->m.l.thread_tasks);
	free(g);
	python_trio_tasks(n, py);
	if (n->p->task_count)
		qsort(n->p->tasks, n->p->task_count, sizeof(*n->p->tasks), by_name);
	for (size_t k = 0; n->p->task_count && k < n->p->thread_count; k++)
		loop_tell(n, &n->p->threads[k]);
}
