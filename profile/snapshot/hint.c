/* SPDX-License-Identifier: Apache-2.0 */
/* hint.c - what an interpreter tells beside its frames: names of threads, what they wait for, tasks. */
#include "profile/snapshot/snapshot.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void hint_add_task(struct snap_hint *h, uint64_t id)
{
	for (size_t i = 0; i < h->task_count; i++)
		if (h->tasks[i] == id)
			return;
	h->tasks = xreallocarray(h->tasks, h->task_count + 1, sizeof(*h->tasks));
	h->tasks[h->task_count++] = id;
}

struct snap_task *snapshot_task(const struct snap_process *p, uint64_t id)
{
	for (size_t i = 0; p && id && i < p->task_count; i++)
		if (p->tasks[i].id == id)
			return &p->tasks[i];
	return NULL;
}

struct snap_task *snap_task_add(struct snap_process *p, const char *language)
{
	p->tasks = xreallocarray(p->tasks, p->task_count + 1, sizeof(*p->tasks));
	p->tasks[p->task_count] = (struct snap_task){ .language = language, .since_ns = -1 };
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

static void hint_release(struct snap_hint *h)
{
	free(h->resource);
	free(h->holders);
	free(h->tasks);
}

static void task_release(struct snap_task *task)
{
	free(task->name);
	free(task->awaits);
	free(task->state);
	free(task->created_by);
	free(task->test);
	free(task->loop);
	hint_release(&task->hint);
	snap_wait_release(&task->wait);
	for (size_t k = 0; k < task->frame_count; k++)
		snap_frame_release(&task->frames[k]);
	free(task->frames);
}

void hints_release(struct snap_process *p)
{
	for (size_t i = 0; i < p->thread_count; i++) {
		free(p->threads[i].label);
		free(p->threads[i].test);
		free(p->threads[i].loop);
		hint_release(&p->threads[i].hint);
	}
	for (size_t i = 0; i < p->task_count; i++)
		task_release(&p->tasks[i]);
	free(p->tasks);
}

/* Are its handles all of these two kinds, one of the second among them, and is no timer due? */
static bool loop_words_have_only(const char *set, const char *other, const char *needed)
{
	const char *at = NODE_LOOP_WORDS, *end = strstr(set, "; no timer is due");
	bool found = false;

	if (!str_starts(set, at) || !end)
		return false;
	for (at = set + strlen(at); at < end; at += strcspn(at, ",;"), at += strspn(at, ", ")) {
		if (str_starts(at, needed))
			found = true;
		else if (!str_starts(at, other))
			return false;
		/* "a wake-up handle (a worker, …)" */
		if (*(at + strcspn(at, ",;(")) == '(')
			at += strcspn(at, ")");
		if (*(at + strcspn(at, ",;")) == ';')
			break;
	}
	return found;
}

bool loop_words_are_children(const char *set)
{
	return loop_words_have_only(set, "a pipe", "a child process");
}

bool loop_words_are_workers(const char *set)
{
	return loop_words_have_only(set, "a message port", "a wake-up handle");
}
