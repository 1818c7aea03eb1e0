/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/snapshot/snapshot_place.h"

#include "base/frame_home.h"

#include <string.h>

enum { CLIMB_MAX = 64 };

static const struct snap_frame *own_line(const struct snap_frame *frames, size_t n)
{
	const struct snap_frame *f = frames_place(frames, n);
	struct frame_words w;

	if (!f)
		return NULL;
	w = (struct frame_words){ .language = f->language, .function = f->function, .file = f->file, .module = f->module,
				  .line = f->line, .runtime = f->runtime };
	return frame_place(&w, strcmp(f->language, "native") != 0) == PLACE_OWN_LINE ? f : NULL;
}

static bool place_of_task(const struct snap_task *task, struct snap_place *out)
{
	const struct snap_frame *f = task ? own_line(task->frames, task->frame_count) : NULL;

	if (!f)
		return false;
	out->frame = f;
	out->test = task->test;
	return true;
}

/* Its own stack, or, where it waits in an event loop, the first of the tasks that wait for it there. */
static bool place_of_thread(const struct snap_process *p, const struct snap_thread *t, struct snap_place *out)
{
	const struct snap_frame *f = own_line(t->frames, t->frame_count);

	if (f) {
		out->frame = f;
		out->test = t->test;
		return true;
	}
	for (size_t i = 0; i < p->task_count; i++)
		if (p->tasks[i].tid == t->tid && p->tasks[i].awaits && place_of_task(&p->tasks[i], out))
			return true;
	return false;
}

static bool place_of_root(const struct snapshot *s, const struct snap_root *root, struct snap_place *out)
{
	const struct snap_process *p = snapshot_process(s, root->pid);
	const struct snap_thread *t = p ? snapshot_thread(p, root->tid) : NULL;

	if (!p || !t)
		return false;
	out->process = p;
	return (root->task && place_of_task(snapshot_task(p, root->task), out)) || place_of_thread(p, t, out);
}

static bool waits_for(const struct snap_thread *t, pid_t pid)
{
	for (size_t i = 0; i < t->wait.holder_count; i++)
		if (t->wait.holders[i].pid == pid)
			return true;
	return false;
}

/* A program without source, `sleep` say: whoever waits for it has a line. */
static bool place_above(const struct snapshot *s, const struct snap_process *leaf, struct snap_place *out)
{
	const struct snap_process *below = leaf, *p = snapshot_process(s, below->stat.ppid);

	for (int depth = 0; p && depth < CLIMB_MAX; depth++) {
		for (size_t i = 0; i < p->thread_count; i++)
			if (waits_for(&p->threads[i], below->pid) && place_of_thread(p, &p->threads[i], out))
				return true;
		below = p;
		p = snapshot_process(s, below->stat.ppid);
	}
	return false;
}

bool snapshot_place(const struct snapshot *s, struct snap_place *out)
{
	for (size_t i = 0; i < s->root_count; i++) {
		*out = (struct snap_place){ .pattern_id = s->roots[i].pattern_id };
		if (place_of_root(s, &s->roots[i], out))
			return true;
	}
	for (size_t i = 0; i < s->root_count; i++) {
		*out = (struct snap_place){ .pattern_id = s->roots[i].pattern_id,
					    .process = snapshot_process(s, s->roots[i].pid) };
		if (out->process) {
			place_above(s, out->process, out);
			return true;
		}
	}
	return false;
}
