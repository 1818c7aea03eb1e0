/* SPDX-License-Identifier: Apache-2.0 */
/* go.c - a Go program: goroutines that run on a thread or are in a system call are that thread's stack; the others are
 * tasks. Threads without a goroutine keep the names of the runtime's functions in which they idle. */
#include "profile/lang/go.h"

#include "base/clock.h"
#include "base/mem.h"
#include "profile/lang/language.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TASKS_MAX = 2000 };

/* The program itself; a Go library within another program is not looked for. */
static struct module *program_of(struct native *n)
{
	for (size_t i = 0; n->p->exe && i < n->module_count; i++)
		if (n->modules[i].image && strcmp(n->modules[i].image->path, n->p->exe) == 0)
			return &n->modules[i];
	return n->module_count ? &n->modules[0] : NULL;
}

static bool go_detect(struct native *n)
{
	struct module *m = program_of(n);

	return m && go_is(n, m);
}

static void go_free(void *state)
{
	struct go *go = state;

	go_release(go);
	free(go);
}

static void *go_collect(struct native *n, enum intrusion allowed, char *reason, size_t size)
{
	struct go *go = xcalloc(1, sizeof(*go));
	struct go_frame frames[GO_FRAMES_MAX];

	(void)allowed; /* a goroutine that runs is found on its thread, which was stopped already if it may be */
	if (!go_open(go, n, program_of(n), reason, size)) {
		go_free(go);
		return NULL;
	}
	n->own_unwinder = true;
	n->own_start = go->t.text;
	n->own_end = go->t.etext;
	if (!go_read(go)) {
		snprintf(reason, size, "its goroutines were not found%s%s: only threads are shown",
			 go->version[0] ? ", " : "", go->version);
		return go;
	}
	for (size_t i = 0; i < go->count; i++)
		if (go->v[i].status == GO_WAITING)
			go_wait_of(go, &go->v[i], frames,
				   go_walk(go, &go->v[i].stack, go->v[i].pc, go->v[i].sp, false, frames, NULL));
	go_waits(go);
	if (go->cut)
		snprintf(reason, size, "only the first %d goroutines were read", GO_GOROUTINES_MAX);
	return go;
}

static void call_fill(struct go *go, const struct go_frame *f, const struct go_call *call, struct snap_frame *out)
{
	out->language = "go";
	out->pc = f->site->pc;
	out->activation = f->site->activation;
	out->inlined = call->inlined;
	out->function = xstrdup(call->function);
	out->file = strcmp(call->file, "?") == 0 ? NULL : xstrdup(call->file);
	out->line = call->line;
	out->runtime = go_is_library(go, call->function, call->file);
}

static void thread_frames(struct go *go, struct snap_thread *t, const struct go_frame *frames, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < frames[i].site->count; k++) {
			struct snap_frame *f = thread_frame_add(t);

			if (f)
				call_fill(go, &frames[i], &frames[i].site->calls[k], f);
		}
}

static bool in_text(const struct go *go, uint64_t pc)
{
	return pc >= go->t.text && pc < go->t.etext;
}

static struct goroutine *goroutine_on(struct go *go, const struct snap_thread *t)
{
	for (size_t i = 0; i < go->count; i++)
		if (go->v[i].tid == t->ns_tid && go->v[i].tid)
			return &go->v[i];
	return NULL;
}

static void thread_whole(struct snap_thread *t)
{
	t->truncated = false;
	if (t->status == COLLECT_PARTIAL) {
		t->status = COLLECT_OK;
		mem_free_ptr(&t->reason);
	}
}

/* Its native frames as far as they are none of Go's (the C library, the kernel's page), then Go's. Who called C stands on
 * another stack than the call. True where it shows a goroutine. */
static bool thread_merge(struct go *go, struct snap_thread *t, struct goroutine *g)
{
	struct go_stack stack = { t->stack_base, t->stack, t->stack_size };
	struct go_frame frames[GO_FRAMES_MAX];
	bool whole = false, on_g = false;
	size_t keep = 0, n = 0;

	while (keep < t->frame_count && !in_text(go, t->frames[keep].pc))
		keep++;
	if (t->stack && in_text(go, t->regs.pc))
		n = go_walk(go, &stack, t->regs.pc, t->regs.r[SNAP_REG_SP], t->intrusion == INTRUSION_MICRO_STOP, frames,
			    &whole);
	else if (t->stack && keep < t->frame_count && t->frames[keep].sp)
		n = go_walk(go, &stack, t->frames[keep].pc, t->frames[keep].sp, false, frames, &whole);
	if (n) {
		on_g = whole && frames[n - 1].site->f.top &&
		       strcmp(go_name(&go->t, frames[n - 1].site->f.name), "runtime.goexit") == 0;
		for (size_t i = keep; i < t->frame_count; i++)
			snap_frame_release(&t->frames[i]);
		t->frame_count = keep;
		thread_frames(go, t, frames, n);
	}
	if (g && !on_g && g->stack.n) {
		n = go_walk(go, &g->stack, g->pc, g->sp, false, frames, &on_g);
		thread_frames(go, t, frames, n);
	}
	if (whole || on_g)
		thread_whole(t);
	if (g)
		t->task = g->id;
	if (g && !t->label)
		t->label = xasprintf("goroutine %llu", (unsigned long long)g->id);
	return g && n;
}

static uint64_t shape_hash(const struct goroutine *g, const struct go_frame *frames, size_t n)
{
	uint64_t h = g->hint.kind * UINT64_C(0x9e3779b97f4a7c15) + g->status;

	for (size_t i = 0; i < n; i++)
		h = (h ^ frames[i].site->pc) * UINT64_C(0x100000001b3);
	return h;
}

static void task_words(struct go *go, const struct goroutine *g, struct snap_task *task)
{
	const struct go_site *created = g->created_pc ? go_site(go, g->created_pc, false) : NULL;
	int64_t now = clock_mono_ns();

	task->id = g->id;
	task->name = xasprintf("goroutine %llu", (unsigned long long)g->id);
	task->state = xstrdup(g->status == GO_WAITING && g->reason < go->reason_count ? go->reasons[g->reason] :
			      go_status_text[g->status] ? go_status_text[g->status] : "?");
	task->since_ns = g->since && (int64_t)g->since < now ? now - (int64_t)g->since : -1;
	if (created && strcmp(created->calls[0].function, "runtime.newproc") != 0)
		task->created_by = xasprintf("%s at %s:%d", created->calls[0].function, created->calls[0].file,
					     created->calls[0].line);
	if (g->hint.resource)
		task->awaits = xstrdup(g->hint.resource);
}

static void task_add(struct go *go, struct goroutine *g, const struct go_frame *frames, size_t n)
{
	struct snap_task *task = snap_task_add(go->n->p, "go");

	task_words(go, g, task);
	task->hint = g->hint;
	g->hint = (struct snap_hint){ .kind = g->hint.kind };
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < frames[i].site->count; k++) {
			struct snap_frame *f = snap_task_frame(task);

			if (f)
				call_fill(go, &frames[i], &frames[i].site->calls[k], f);
		}
}

/* Beyond some thousands, those that stand alike are one task with a count. */
static size_t tasks_merge(struct go *go)
{
	struct { uint64_t hash; size_t task; } *seen = xcalloc(TASKS_MAX * 4, sizeof(*seen));
	struct go_frame frames[GO_FRAMES_MAX];
	size_t count = 0, first = go->n->p->task_count;

	for (size_t i = 0; i < go->count; i++) {
		struct goroutine *g = &go->v[i];
		size_t n, slot;
		uint64_t hash;

		if (g->tid && native_thread(go->n, (uint64_t)g->tid))
			continue;
		n = go_walk(go, &g->stack, g->pc, g->sp, false, frames, NULL);
		hash = shape_hash(g, frames, n);
		for (slot = hash % (TASKS_MAX * 4); seen[slot].task && seen[slot].hash != hash;)
			slot = (slot + 1) % (TASKS_MAX * 4);
		count++;
		if (go->n->p->task_count - first >= TASKS_MAX) {
			if (seen[slot].task)
				go->n->p->tasks[seen[slot].task - 1].count +=
					go->n->p->tasks[seen[slot].task - 1].count ? 1 : 2;
			else
				go->cut = true;
			continue;
		}
		task_add(go, g, frames, n);
		if (!seen[slot].task) {
			seen[slot].hash = hash;
			seen[slot].task = go->n->p->task_count;
		}
	}
	free(seen);
	return count;
}

static size_t go_merge(struct native *n, void *state)
{
	struct go *go = state;
	size_t stacks = 0;

	for (size_t i = 0; i < n->p->thread_count; i++) {
		struct snap_thread *t = &n->p->threads[i];
		struct goroutine *g = goroutine_on(go, t);

		stacks += thread_merge(go, t, g);
	}
	return stacks + tasks_merge(go);
}

const struct language_ops language_go = { .name = "go", .detect = go_detect, .collect = go_collect, .merge = go_merge,
					  .free = go_free };
