/* SPDX-License-Identifier: Apache-2.0 */
/* node.c - threads of a Node process: JavaScript in the place of the native frames that run it, and what keeps the event
 * loop alive where no JavaScript runs. Workers are threads with a heap of their own: nothing of it has to be known. */
#include "profile/lang/v8.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "profile/lang/language.h"
#include "profile/lang/script.h"
#include "profile/lang/test_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

enum { HEAP_NS = 1500000000, CHAINS_KEPT = 8, SOURCE_BYTES = 1 << 20 };
struct node_thread {
	struct snap_thread *t;
	struct v8_frame *frames;
	size_t count;
};
struct node {
	struct v8 v;
	struct module *m;
	struct node_thread *threads;
	size_t count;
	char *loop;
	bool due;
	struct v8_chain *chains; /* what is suspended at an await */
	size_t chain_count;
};

static struct module *v8_module(struct native *n)
{
	for (size_t i = 0; i < n->module_count; i++) {
		const char *path = n->modules[i].image ? n->modules[i].image->path : "", *slash = strrchr(path, '/');

		if ((str_starts(slash ? slash + 1 : path, "node") || str_starts(slash ? slash + 1 : path, "libnode")) &&
		    native_symbol(n, &n->modules[i], "v8dbg_type_SharedFunctionInfo__SHARED_FUNCTION_INFO_TYPE"))
			return &n->modules[i];
	}
	return NULL;
}

static bool node_detect(struct native *n)
{
	return v8_module(n) != NULL;
}

static void node_free(void *state)
{
	struct node *node = state;

	for (size_t i = 0; i < node->count; i++) {
		for (size_t k = 0; k < node->threads[i].count; k++)
			v8_frame_release(&node->threads[i].frames[k]);
		free(node->threads[i].frames);
	}
	for (size_t i = 0; i < node->chain_count; i++)
		v8_chain_release(&node->chains[i]);
	free(node->chains);
	free(node->threads);
	free(node->loop);
	v8_release(&node->v);
	free(node);
}

static void thread_read(struct node *node, struct snap_thread *t)
{
	struct v8_frame *frames = xcalloc(V8_FRAMES_MAX, sizeof(*frames));
	bool fp = t->regs.have >> SNAP_REG_FP & 1;
	size_t n;

	node->v.fp = fp ? t->regs.r[SNAP_REG_FP] : 0;
	node->v.pc = t->regs.pc;
	n = v8_frames(&node->v, &(struct v8_stack){ t->stack_base, t->stack, t->stack_size }, frames);

	if (!n) {
		free(frames);
		return;
	}
	node->threads = xreallocarray(node->threads, node->count + 1, sizeof(*node->threads));
	node->threads[node->count++] = (struct node_thread){ t, frames, n };
}

/* An event loop: no function of JavaScript is on the stack, and those that are suspended say what it waits for. */
static bool waits_in_loop(const struct native *n)
{
	const struct snap_thread *t = n->p->thread_count ? &n->p->threads[0] : NULL;

#ifdef SYS_epoll_wait
	if (t && t->syscall.nr == SYS_epoll_wait)
		return true;
#endif
	return t && t->syscall.nr == SYS_epoll_pwait;
}

/* The heap may be large, and others want to be read as well. */
static int64_t heap_deadline(const struct native *n)
{
	int64_t now = clock_mono_ns(), left = n->r->deadline_ns - now;

	return now + (left / 3 * 2 < HEAP_NS ? left / 3 * 2 : HEAP_NS);
}

static void *node_collect(struct native *n, enum intrusion allowed, char *reason, size_t size)
{
	struct node *node = xcalloc(1, sizeof(*node));
	bool alone;

	(void)allowed;
	node->m = v8_module(n);
	if (!v8_open(&node->v, n, node->m, reason, size)) {
		node_free(node);
		return NULL;
	}
	n->own_unwinder = true;
	for (size_t i = 0; i < n->p->thread_count; i++)
		if (n->p->threads[i].stack)
			thread_read(node, &n->p->threads[i]);
	node->loop = node_loop_words(n, node->m, &node->v.m, &node->due, &alone);
	if (waits_in_loop(n))
		node->chain_count = v8_chains(&node->v, n->p, heap_deadline(n), &node->chains);
	return node;
}

/* A frame of V8's machinery or of code that it has made, in whose place JavaScript's own stands. */
static bool is_machine(const struct snap_frame *f)
{
	return !f->function || str_starts(f->function, "Builtins_");
}

static void frame_copy(struct snap_frame *f, const struct v8_frame *from)
{
	f->language = "javascript";
	f->function = xstrdup(from->function);
	f->file = from->file ? xstrdup(from->file) : NULL;
	f->line = from->line;
	f->runtime = !from->file;
}

static void frame_put(struct snap_thread *t, const struct v8_frame *from)
{
	struct snap_frame *f = thread_frame_add(t);

	if (f)
		frame_copy(f, from);
}

/* Both lists go outwards; a frame of JavaScript lies between the stack pointers of the native frame that runs it and of the
 * next. */
static void thread_merge(struct node_thread *nt)
{
	struct snap_thread *t = nt->t;
	struct snap_frame *old = t->frames;
	struct v8_stack stack = { t->stack_base, t->stack, t->stack_size };
	size_t count = t->frame_count, at = 0;
	bool optimised = false, hides = false, unsure = false, fp = t->regs.have >> SNAP_REG_FP & 1;

	nt->count = v8_frames_live(nt->frames, nt->count, &stack, old, count, fp ? t->regs.r[SNAP_REG_FP] : 0,
				   !t->truncated);
	t->frames = NULL;
	t->frame_count = t->frame_cap = 0;
	for (size_t i = 0; i < count; i++) {
		uint64_t next = i + 1 < count ? old[i + 1].sp : 0;
		struct snap_frame *f;

		while (at < nt->count && next && nt->frames[at].fp < next)
			frame_put(t, &nt->frames[at++]);
		f = is_machine(&old[i]) ? NULL : thread_frame_add(t);
		if (f)
			*f = old[i];
		else
			snap_frame_release(&old[i]);
	}
	while (at < nt->count)
		frame_put(t, &nt->frames[at++]);
	free(old);
	for (size_t i = 0; i < nt->count; i++) {
		optimised |= nt->frames[i].begins && nt->frames[i].file;
		hides |= nt->frames[i].hides;
		unsure |= nt->frames[i].unsure;
	}
	if (t->status == COLLECT_PARTIAL && t->truncated) {
		t->status = COLLECT_OK;
		mem_free_ptr(&t->reason);
	}
	if (optimised && t->status == COLLECT_OK)
		thread_reason(t, COLLECT_PARTIAL, "lines of optimised code are those where their functions begin");
	else if (unsure && t->status == COLLECT_OK)
		thread_reason(t, COLLECT_PARTIAL, "which place of optimised code it will return to is not known");
	else if (hides && t->status == COLLECT_OK)
		thread_reason(t, COLLECT_PARTIAL, "calls that were inlined into optimised code are not shown");
}

/* Such a call runs an event loop of its own, in which it waits for its child and for what that writes. */
static bool in_sync_child(const struct snap_thread *t)
{
	for (size_t i = 0; i < t->frame_count; i++)
		if (t->frames[i].function && strstr(t->frames[i].function, "SyncProcessRunner::"))
			return true;
	return false;
}

/* Heaps of workers lie beside: whose a function is cannot be told then. */
static bool has_workers(const struct snap_process *p)
{
	for (size_t i = 1; i < p->thread_count; i++)
		for (size_t k = 0; k < p->threads[i].frame_count; k++)
			if (p->threads[i].frames[k].function &&
			    strstr(p->threads[i].frames[k].function, "node::worker::Worker"))
				return true;
	return false;
}

/* What a runner keeps may be any function: one that stands where a test is written is the test. */
static bool is_test(struct native *n, const struct v8_frame *f)
{
	auto_free char *text = f->file && f->line ? script_text(n->p, f->file, SOURCE_BYTES) : NULL;
	auto_free char *test = text ? test_source_javascript(text, f->line) : NULL;

	return test != NULL;
}

static void chain_merge(struct native *n, const struct v8_chain *c, bool workers)
{
	struct snap_task *task = snap_task_add(n->p, "javascript");

	task->name = c->held ? xstrdup("a test function's caller") :
		     c->frames[0].function[0] == '(' ? xstrdup("an async function") :
						       xasprintf("async %s", c->frames[0].function);
	task->awaits = xstrdup("a promise");
	task->tid = workers ? 0 : n->p->pid;
	for (size_t i = 0; i < c->count; i++) {
		struct snap_frame *f = snap_task_frame(task);

		if (f)
			frame_copy(f, &c->frames[i]);
	}
}

static size_t node_merge(struct native *n, void *state)
{
	struct node *node = state;

	for (size_t i = 0; i < node->count; i++)
		thread_merge(&node->threads[i]);
	for (size_t i = 0; i < n->p->thread_count; i++)
		if (in_sync_child(&n->p->threads[i])) {
			hint_set(&n->p->threads[i], WAIT_CHILD, "exit of a child (spawnSync or the like)");
			n->p->threads[i].hint.instead = true;
		}
	for (size_t i = 0, kept = 0; i < node->chain_count && kept < CHAINS_KEPT; i++)
		if (node->chains[i].own && (!node->chains[i].held || is_test(n, &node->chains[i].frames[0])) && ++kept)
			chain_merge(n, &node->chains[i], has_workers(n->p));
	/* the loop is the main thread's, and matters where that waits in it */
	if (node->loop && n->p->thread_count && n->p->threads[0].hint.kind == WAIT_NONE)
		hint_set(&n->p->threads[0], WAIT_POLL, NODE_LOOP_WORDS "%s", node->loop);
	return node->count + (node->loop != NULL);
}

const struct language_ops language_javascript = { .name = "javascript", .detect = node_detect, .collect = node_collect,
						  .merge = node_merge, .free = node_free };
