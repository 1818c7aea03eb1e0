/* SPDX-License-Identifier: Apache-2.0 */
/* chain_ways.c - where the chain of waiting leads on from a thread: to the holders of what it waits for, to children, to
 * what the tasks of its program wait for, to the other threads of its process. */
#include "profile/chain.h"

#include "base/mem.h"
#include "base/str.h"
#include "profile/lang/task_root.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static void way_add(struct ways *w, int to, bool must)
{
	if (to < 0 || w->n == CHAIN_WAYS_MAX)
		return;
	for (int i = 0; i < w->n; i++)
		if (w->v[i].to == to)
			return;
	w->v[w->n++] = (struct way){ to, must };
}

/* What is waited for there: where the program's own tasks are known, by the one that stands for it. */
const struct snap_wait *chain_wait_at(const struct chain *c, int at)
{
	return c->task[at] ? &c->task[at]->wait : &c->g->v[at].t->wait;
}

bool chain_is_idle_at(const struct chain *c, int at)
{
	if (c->task[at])
		return c->task[at]->wait.kind == WAIT_ACCEPT;
	return thread_is_idle(c->g->v[at].p, c->g->v[at].t);
}

/* Latest first: what was started last in front is what the rest waits for. */
static int by_start(const void *a, const void *b)
{
	const struct snap_process *x = *(const struct snap_process *const *)a, *y = *(const struct snap_process *const *)b;

	if (x->stat.start_ticks != y->stat.start_ticks)
		return x->stat.start_ticks < y->stat.start_ticks ? 1 : -1;
	return x->pid < y->pid ? 1 : -1;
}

/* A process leads to its first thread, and where that one is idle, to those that are not. */
static void way_to_process(struct chain *c, struct ways *w, const struct snap_process *p, bool must)
{
	way_add(w, graph_node(c->g, p->pid, p->pid), must);
}

/* Of children that are waited for all alike, those in the background stand back. */
static void ways_to_children(struct chain *c, struct ways *w, const struct node *v, const struct snap_process **child,
			     int n)
{
	bool front = false;

	qsort(child, (size_t)n, sizeof(*child), by_start);
	for (int i = 0; i < n; i++)
		front = front || !process_is_background(child[i], v->p);
	for (int i = 0; i < n; i++)
		if (!front || !process_is_background(child[i], v->p))
			way_to_process(c, w, child[i], true);
}

/* Does the task await the end of a child, or its output? */
bool task_awaits_child(const struct snap_task *task)
{
	static const char *const files[] = { "/asyncio/subprocess.py", "/asyncio/base_subprocess.py",
					     "/trio/_subprocess.py" };

	for (size_t i = 0; i < task->frame_count; i++)
		for (size_t k = 0; k < sizeof(files) / sizeof(*files); k++)
			if (task->frames[i].file && strstr(task->frames[i].file, files[k]))
				return true;
	return false;
}

/* Its parent is gone, and it was adopted: a daemon, or left over. */
static bool is_adopted(const struct snapshot *s, const struct snap_process *p)
{
	return p->pid != s->root && !snapshot_process(s, p->stat.ppid);
}

/* Below a daemon that has the same end of the pipe: it keeps that end because the daemon does. */
static bool is_of_daemon(const struct snapshot *s, const struct snap_process *p, const struct snap_process *const *holder,
			 int n)
{
	for (int depth = 0; depth < CHAIN_DEPTH_MAX && (p = snapshot_process(s, p->stat.ppid)); depth++)
		for (int i = 0; i < n; i++)
			if (holder[i] == p && is_adopted(s, p))
				return true;
	return false;
}

/* Does it read all that a child of its own prints, as communicate() does? Its output and its errors, and nothing else. */
static bool reads_to_end(const struct chain *c, const struct node *v, const struct snap_wait *wait,
			 const struct snap_holder *h)
{
	const struct snap_process *child = snapshot_process(c->g->s, h->pid);
	const char *one = wait->resource ? strstr(wait->resource, " pipe:[") : NULL;
	const char *two = one ? strstr(one + 1, " pipe:[") : NULL;

	return two && wait->kind == WAIT_POLL && wait->endless && wait->holder_count == 1 && child &&
	       child->stat.ppid == v->p->pid && str_starts(wait->resource, "poll of 2: fd ");
}

/* A tool without a line of the user's, such as ctest, that has nothing but pipes of its one child runs it to its end. */
static bool runs_to_end(const struct chain *c, const struct node *v, const struct snap_wait *wait,
			const struct snap_holder *h)
{
	const struct snap_process *child = snapshot_process(c->g->s, h->pid);
	const char *set = wait->kind == WAIT_POLL && wait->resource ? wait->resource : "";

	return child && child->stat.ppid == v->p->pid && wait->holder_count == 1 && !thread_has_own_place(v->t) &&
	       strstr(set, " pipe:[") && !strstr(set, " fd 0 ") && !strstr(set, " tcp ") && !strstr(set, " unix ");
}

/* Does it wait for this process to end? A loop may also watch one that it has started for other reasons. */
static bool waits_for_end(const struct chain *c, const struct node *v, const struct snap_wait *wait,
			  const struct snap_holder *h)
{
	for (size_t i = 0; h->ends && i < v->p->task_count; i++)
		if (v->p->tasks[i].tid == v->t->tid && task_awaits_child(&v->p->tasks[i]))
			return true;
	return (h->ends && !v->p->task_count && wait->holder_count == 1) || reads_to_end(c, v, wait, h) ||
	       runs_to_end(c, v, wait, h);
}

/* A child that has the end because it was forked, and waits itself for the one that forked it, serves nobody. */
static bool is_behind_holder(const struct chain *c, const struct snap_process *p, const struct snap_process *const *holder,
			     int n)
{
	int at = graph_node(c->g, p->pid, p->pid);
	const struct snap_wait *wait = at >= 0 && p->thread_count == 1 ? &c->g->v[at].t->wait : NULL;

	for (int i = 0; wait && wait->proved && wait->holder_count == 1 && i < n; i++)
		if (holder[i]->pid == p->stat.ppid && wait->holders[0].pid == holder[i]->pid)
			return true;
	return false;
}

void chain_ways_to_holders(struct chain *c, struct ways *w, int at)
{
	const struct node *v = &c->g->v[at];
	const struct snap_wait *wait = chain_wait_at(c, at);
	auto_free const struct snap_process **process = xcalloc(wait->holder_count + 1, sizeof(*process));
	bool must = wait->kind == WAIT_CHILD ||
		    (wait->kind == WAIT_POLL && wait->resource && loop_words_are_children(wait->resource));
	int n = 0;

	for (size_t i = 0; i < wait->holder_count; i++) {
		const struct snap_holder *h = &wait->holders[i];
		const struct snap_process *p = snapshot_process(c->g->s, h->pid);

		if (!p || !p->alive)
			continue;
		if (h->tid && (h->tid != v->t->tid || h->pid != v->p->pid))
			way_add(w, graph_node(c->g, h->pid, h->tid), wait->proved);
		else if (!must && waits_for_end(c, v, wait, h))
			way_to_process(c, w, p, true);
		else if (!h->tid && p != v->p)
			process[n++] = p;
	}
	if (must) {
		ways_to_children(c, w, v, process, n);
		return;
	}
	qsort(process, (size_t)n, sizeof(*process), by_start);
	for (int i = 0; i < n; i++)
		if (!is_behind_holder(c, process[i], process, n) &&
		    (wait->kind != WAIT_PIPE_READ || !is_of_daemon(c->g->s, process[i], process, n)))
			way_to_process(c, w, process[i], false);
}

static bool leads_outside(const struct chain *c, const struct node *v)
{
	for (size_t i = 0; i < v->t->wait.holder_count; i++)
		if (v->t->wait.holders[i].pid != v->p->pid && snapshot_process(c->g->s, v->t->wait.holders[i].pid))
			return true;
	return false;
}

/* How much another thread of the process tells about why this one waits; 0 nothing. */
static int beside(const struct chain *c, const struct node *v, const struct node *o)
{
	static const enum wait_kind outside[] = { WAIT_PIPE_READ, WAIT_PIPE_WRITE, WAIT_SOCKET_RECV, WAIT_SOCKET_SEND,
						  WAIT_CONNECT, WAIT_CHILD, WAIT_FILE_LOCK, WAIT_TTY, WAIT_STDIN, WAIT_IO };
	bool delegates = thread_delegates(v->t) || !thread_has_own_place(v->t);

	if (o->t->state == 'Z' || o->t->state == 'X' || o->t->status == COLLECT_GONE)
		return BESIDE_NO;
	if (o->t->state == 'D' || o->proved_cycle)
		return BESIDE_FIRST;
	if (thread_is_idle(o->p, o->t))
		return leads_outside(c, o) ? BESIDE_FIRST : BESIDE_NO;
	/* a loop of Node that has nothing but its workers: one of them stands in its own JavaScript */
	if (thread_runs_loop(v->t) && loop_words_are_workers(v->t->wait.resource) && thread_has_own_place(o->t))
		return BESIDE_FIRST;
	if (o->t->state == 'R')
		return BESIDE_FIRST;
	if (wait_kind_is_lock(o->t->wait.kind) && o->t->wait.proved)
		return BESIDE_FIRST;
	if (delegates && thread_is_at_work(o->t))
		return BESIDE_FIRST;
	if (o->t->wait.kind == WAIT_POLL && o->t->wait.endless && leads_outside(c, o))
		return BESIDE_FIRST;
	for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++)
		if (o->t->wait.kind == outside[i] && o->t->wait.endless)
			return thread_has_own_place(o->t) || leads_outside(c, o) ? BESIDE_FIRST : BESIDE_NO;
	if (delegates && o->t->tid != o->p->pid && thread_delegates_within(o->t))
		return BESIDE_FIRST;
	if (!thread_has_own_place(o->t))
		return leads_outside(c, o) ? BESIDE_FIRST : BESIDE_NO;
	return delegates && v->p->task_count == 0 ? BESIDE_FIRST : BESIDE_LATER;
}

void chain_ways_beside(struct chain *c, struct ways *w, int at, int when)
{
	const struct node *v = &c->g->v[at];

	for (size_t k = 0; k < v->p->thread_count; k++) {
		int i = graph_node(c->g, v->p->pid, v->p->threads[k].tid);

		if (i >= 0 && i != at && beside(c, v, &c->g->v[i]) == when)
			way_add(w, i, false);
	}
}

/* Does it wait for nobody that is known, so that anybody in its process may be meant? */
bool thread_waits_for_anybody(const struct snap_thread *t)
{
	switch (t->wait.kind) {
	case WAIT_MONITOR:
	case WAIT_MUTEX: case WAIT_RWLOCK: case WAIT_CONDITION: case WAIT_SEMAPHORE: case WAIT_FUTEX: case WAIT_POLL:
	case WAIT_EVENTFD: case WAIT_SIGNAL: case WAIT_SLEEP: case WAIT_UNKNOWN: case WAIT_ACCEPT: case WAIT_NONE:
		return true;
	default:
		return false;
	}
}

void chain_ways_to_own_children(struct chain *c, struct ways *w, const struct node *v, bool must)
{
	const struct snap_process *child[64];
	int n = 0;

	for (size_t i = 0; i < c->g->s->process_count && n < 64; i++) {
		const struct snap_process *p = &c->g->s->processes[i];

		if (p->stat.ppid == v->p->pid && p->alive)
			child[n++] = p;
	}
	qsort(child, (size_t)n, sizeof(*child), by_start);
	for (int i = 0; i < n; i++)
		way_to_process(c, w, child[i], must);
}

/* An event loop learns of its children by a signal, not by a wait for them; who serves a terminal waits for its user. */
void chain_ways_by_signal(struct chain *c, struct ways *w, int at)
{
	const struct node *v = &c->g->v[at];
	const char *set = v->t->wait.resource ? v->t->wait.resource : "";

	if ((v->t->wait.kind != WAIT_POLL && v->t->wait.kind != WAIT_SIGNAL && v->t->wait.kind != WAIT_SLEEP) ||
	    !(v->p->sig_caught >> (SIGCHLD - 1) & 1 || strstr(set, "signalfd") || strstr(set, "/dev/ptmx")))
		return;
	chain_ways_to_own_children(c, w, v, loop_words_are_children(set));
}

/* A task that waits for one of a library, which waits for another process: that one leads on. */
static const struct snap_task *task_outside(const struct snap_process *p, const struct snap_task *task)
{
	for (size_t i = 0; i < task->wait.holder_count; i++) {
		const struct snap_task *other = snapshot_task(p, task->wait.holders[i].task);

		for (size_t k = 0; other && k < other->wait.holder_count; k++)
			if (!other->wait.holders[k].task && other->wait.holders[k].pid != p->pid)
				return other;
	}
	return task;
}

/* Of a program whose tasks are known its first thread tells nothing: where its main task leads does. */
void chain_way_by_tasks(struct chain *c, struct ways *w, int at)
{
	const struct node *v = &c->g->v[at];
	struct task_root r;

	if (v->t->tid != v->p->pid || !v->p->task_count || !task_root(v->p, &r))
		return;
	if (!r.thread)
		c->task[at] = task_outside(v->p, r.task);
	else if (r.thread != v->t)
		way_add(w, graph_node(c->g, v->p->pid, r.thread->tid), true);
}
