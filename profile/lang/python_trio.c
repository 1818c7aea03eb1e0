/* SPDX-License-Identifier: Apache-2.0 */
/* python_trio.c - trio: tasks, the coroutines that each is inside of, and what it waits for.
 *
 * trio.run() keeps its Runner in a local variable for as long as the loop runs, and the Runner all of its tasks in a
 * set. Both are classes with __slots__. Tasks of trio's own, such as the one that serves other threads, are passed
 * over. */
#include "profile/lang/python_threads.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

enum { TASKS_MAX = 1000, LOCALS_MAX = 24 };

struct trio {
	struct native *n;
	struct python *py;
	pid_t tid;
	size_t count;
};

static bool file_is_trio(const struct snap_frame *f)
{
	return f->file && strstr(f->file, "-packages/trio/");
}

/* "MemoryReceiveChannel.receive", which the program's own line called; NULL where the task is about to run. */
static char *waits_text(const struct snap_task *task)
{
	size_t at = 0;

	while (at < task->frame_count && file_is_trio(&task->frames[at]))
		at++;
	if (!at || at == task->frame_count)
		return NULL;
	for (size_t i = 0; i < at; i++)
		if (task->frames[i].function && (strstr(task->frames[i].function, "_nested_child_finished") ||
						 strstr(task->frames[i].function, "NurseryManager.__aexit__")))
			return xstrdup("tasks of its nursery");
	return xasprintf("trio's %s", task->frames[at - 1].function ? task->frames[at - 1].function : "?");
}

static bool has_own_frame(const struct snap_task *task)
{
	for (size_t i = 0; i < task->frame_count; i++)
		if (!file_is_trio(&task->frames[i]))
			return true;
	return false;
}

static void task_drop(struct snap_process *p)
{
	struct snap_task *task = &p->tasks[--p->task_count];

	for (size_t i = 0; i < task->frame_count; i++)
		snap_frame_release(&task->frames[i]);
	free(task->frames);
}

static bool task_one(void *arg, uint64_t key, uint64_t value)
{
	struct trio *r = arg;
	struct python_mem *m = &r->py->m;
	uint64_t coroutine = python_attr(m, key, "coro");
	struct snap_task *task;

	(void)value;
	if (!coroutine)
		return false;
	task = snap_task_add(r->n->p, "python");
	if (!python_task_frames(m, task, coroutine) || !has_own_frame(task)) {
		task_drop(r->n->p);
		return false;
	}
	task->name = python_attr_text(m, key, "name");
	task->awaits = waits_text(task);
	task->tid = r->tid;
	return ++r->count == TASKS_MAX;
}

static bool frame_is_loop(struct python_mem *m, const struct python_frame *f)
{
	struct python_place place;
	bool is;

	if (f->shim || !python_place(m, f, &place))
		return false;
	is = place.function && place.file && str_ends(place.file, "/trio/_core/_run.py") &&
	     (strcmp(place.function, "run") == 0 || strcmp(place.function, "unrolled_run") == 0);
	free(place.function);
	free(place.file);
	return is;
}

static uint64_t runner_of(struct python_mem *m, const struct python_frame *f)
{
	for (size_t i = 0; i < LOCALS_MAX; i++) {
		uint64_t local = python_local(m, f, i);

		if (local && python_is(m, local, "Runner"))
			return local;
	}
	return 0;
}

void python_trio_tasks(struct native *n, struct python *py)
{
	for (size_t i = 0; i < py->n; i++) {
		const struct python_thread *pt = &py->v[i];
		uint64_t runner = 0, tasks;

		for (size_t k = 0; pt->t && k < pt->count && !runner; k++)
			if (frame_is_loop(&py->m, &pt->frames[k]))
				runner = runner_of(&py->m, &pt->frames[k]);
		tasks = runner ? python_attr(&py->m, runner, "tasks") : 0;
		if (tasks) {
			struct trio r = { .n = n, .py = py, .tid = pt->t->tid };

			python_set_each(&py->m, tasks, task_one, &r);
		}
	}
}
