/* SPDX-License-Identifier: Apache-2.0 */
/* hint.c - what an interpreter tells beside its frames: names of threads, what they wait for, tasks. */
#include "profile/snapshot/snapshot.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void hint_set(struct snap_thread *t, enum wait_kind kind, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	t->hint.kind = kind;
	free(t->hint.resource);
	t->hint.resource = xstrdup(text);
}

void hint_holder(struct snap_thread *t, pid_t tid)
{
	struct snap_hint *h = &t->hint;

	for (size_t i = 0; i < h->holder_count; i++)
		if (h->holders[i] == tid)
			return;
	h->holders = xreallocarray(h->holders, h->holder_count + 1, sizeof(*h->holders));
	h->holders[h->holder_count++] = tid;
}

struct snap_task *snap_task_add(struct snap_process *p, const char *language)
{
	p->tasks = xreallocarray(p->tasks, p->task_count + 1, sizeof(*p->tasks));
	p->tasks[p->task_count] = (struct snap_task){ .language = language };
	return &p->tasks[p->task_count++];
}

struct snap_frame *snap_task_frame(struct snap_task *task)
{
	if (task->frame_count == SNAP_FRAMES_MAX)
		return NULL;
	task->frames = xreallocarray(task->frames, task->frame_count + 1, sizeof(*task->frames));
	task->frames[task->frame_count] = (struct snap_frame){ .language = task->language };
	return &task->frames[task->frame_count++];
}

void hints_release(struct snap_process *p)
{
	for (size_t i = 0; i < p->thread_count; i++) {
		free(p->threads[i].label);
		free(p->threads[i].hint.resource);
		free(p->threads[i].hint.holders);
	}
	for (size_t i = 0; i < p->task_count; i++) {
		free(p->tasks[i].name);
		free(p->tasks[i].awaits);
		for (size_t k = 0; k < p->tasks[i].frame_count; k++)
			snap_frame_release(&p->tasks[i].frames[k]);
		free(p->tasks[i].frames);
	}
	free(p->tasks);
}
