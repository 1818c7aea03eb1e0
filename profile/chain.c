/* SPDX-License-Identifier: Apache-2.0 */
/* chain.c - from the command down the chain of waiting to where it ends: the roots.
 *
 * A thread leads on to the holders of what it waits for; a shell to the child in front, and to what it has put into the
 * background only where nothing else is left; one that waits for nobody in particular leads to the other threads of its
 * process that are at work. Who only waits for work is no root, unless somebody on the chain waits for that very
 * process to end: where a request goes to an idle server, the root is who waits for the answer. What the chain does
 * not lead to is no root at all, as long as it leads anywhere. */
#include "profile/graph.h"

#include "base/mem.h"
#include "base/str.h"
#include "profile/lang/task_root.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 200, SUCCESSORS_MAX = 1024 };

/* Where a chain ended. */
enum end {
	END_BACK, /* on itself */
	END_IDLE, /* with somebody who waits for work */
	END_ROOT,
};

struct chain {
	struct graph *g;
	char *state;    /* by node: 0 new, 1 on the path, 2 done */
	char *ended;    /* by node: enum end */
	int *idle_end;  /* by node: who it ended with, where idle */
	const struct snap_task **task; /* by node of a first thread: the task that stands for the program; NULL none */
};

/* A way on from a node. */
struct way {
	int to;
	bool must;      /* it waits for just this one: idle or not */
};

struct ways {
	struct way v[SUCCESSORS_MAX];
	int n;
};

static void way_add(struct ways *w, int to, bool must)
{
	if (to < 0 || w->n == SUCCESSORS_MAX)
		return;
	for (int i = 0; i < w->n; i++)
		if (w->v[i].to == to)
			return;
	w->v[w->n++] = (struct way){ to, must };
}

/* --- the roots themselves --- */

static char *place_text(const struct snap_frame *f)
{
	const char *file, *slash;

	if (!f || (!f->file && !f->function))
		return NULL;
	if (f->file && f->line)
		return xasprintf("%s:%s:%d", f->file, f->function ? f->function : "?", f->line);
	file = f->module ? f->module : f->file;
	slash = file ? strrchr(file, '/') : NULL;
	return f->function ? xasprintf("%s:%s", file ? (slash ? slash + 1 : file) : "?", f->function) : NULL;
}

static void root_put(struct snapshot *s, pid_t pid, pid_t tid, uint64_t task, const char *pattern,
		     const struct snap_frame *place)
{
	for (size_t i = 0; i < s->root_count; i++)
		if (s->roots[i].pid == pid && s->roots[i].tid == tid && s->roots[i].task == task &&
		    strcmp(s->roots[i].pattern_id, pattern) == 0)
			return;
	s->roots = xreallocarray(s->roots, s->root_count + 1, sizeof(*s->roots));
	s->roots[s->root_count++] = (struct snap_root){ .pid = pid, .tid = tid, .task = task, .pattern_id = pattern,
							.location = place_text(place) };
}

static void root_add(struct snapshot *s, pid_t pid, pid_t tid, const char *pattern, const struct snap_thread *place)
{
	root_put(s, pid, tid, 0, pattern, place ? thread_place(place) : NULL);
}

static bool kind_is_lock(enum wait_kind k)
{
	return k == WAIT_MUTEX || k == WAIT_RWLOCK || k == WAIT_SEMAPHORE || k == WAIT_GIL || k == WAIT_MONITOR;
}

static void root_of_cycle(struct snapshot *s, const struct snap_cycle *c)
{
	const struct snap_thread *at = NULL;
	bool one_process = true;
	pid_t pid = 0;

	for (size_t k = 0; k < c->member_count; k++) {
		const struct snap_thread *t = snapshot_thread(snapshot_process(s, c->members[k].pid), c->members[k].tid);

		one_process = one_process && c->members[k].pid == c->members[0].pid;
		if (!at || (t && kind_is_lock(t->wait.kind) && !kind_is_lock(at->wait.kind))) {
			at = t;
			pid = c->members[k].pid;
		}
	}
	if (at)
		root_add(s, pid, at->tid, one_process && kind_is_lock(at->wait.kind) ? "hang.deadlock.locks" :
			 "hang.deadlock.processes", at);
}

static const struct snap_cycle *cycle_of(const struct snapshot *s, const struct node *v, bool proved)
{
	for (size_t i = 0; i < s->cycle_count; i++)
		for (size_t k = 0; s->cycles[i].proved == proved && k < s->cycles[i].member_count; k++)
			if (s->cycles[i].members[k].pid == v->p->pid && s->cycles[i].members[k].tid == v->t->tid)
				return &s->cycles[i];
	return NULL;
}

/* Of the locks of interpreters Python's has a name of its own. */
static bool is_python_lock(const struct snap_wait *w)
{
	return !w->resource || !strstr(w->resource, "GVL");
}

static const char *gil_pattern(const struct snap_wait *w)
{
	return is_python_lock(w) ? "hang.python.gil" : "hang.lock.held";
}

static const char *kind_pattern(enum wait_kind kind)
{
	static const char *const by_kind[WAIT_COUNT] = {
		[WAIT_CHAN_RECV] = "hang.wait.sync.channel", [WAIT_CHAN_SEND] = "hang.wait.sync.channel",
		[WAIT_SELECT] = "hang.wait.sync.channel", [WAIT_MONITOR] = "hang.wait.sync",
		[WAIT_MUTEX] = "hang.wait.sync", [WAIT_RWLOCK] = "hang.wait.sync", [WAIT_CONDITION] = "hang.wait.sync",
		[WAIT_SEMAPHORE] = "hang.wait.sync", [WAIT_FUTEX] = "hang.wait.sync", [WAIT_SOCKET_RECV] = "hang.net.recv",
		[WAIT_ACCEPT] = "hang.net.accept", [WAIT_CONNECT] = "hang.net.connect", [WAIT_CHILD] = "hang.wait.child",
		[WAIT_FILE_LOCK] = "hang.lock.file", [WAIT_SLEEP] = "hang.sleep", [WAIT_TTY] = "hang.input.terminal",
		[WAIT_STDIN] = "hang.input.stdin", [WAIT_STOPPED] = "hang.stopped", [WAIT_GIL] = "hang.python.gil" };

	return by_kind[kind] ? by_kind[kind] : "hang.wait.event";
}

static const char *leaf_pattern(const struct snapshot *s, const struct snap_thread *t)
{
	if (t->state == 'D')
		return "hang.unkillable";
	if (t->wait.kind == WAIT_NONE)
		return t->state == 'R' || t->cpu_delta_ns > 0 ? "hang.spin" : NULL;
	/* Somebody outside of the tree holds the other end. */
	if (t->wait.kind == WAIT_PIPE_READ && t->wait.holder_count && !snapshot_process(s, t->wait.holders[0].pid))
		return "hang.pipe.leaked_writer";
	return t->wait.kind == WAIT_GIL ? gil_pattern(&t->wait) : kind_pattern(t->wait.kind);
}

static void leaf_add(struct chain *c, int at)
{
	const struct node *v = &c->g->v[at];
	const struct snap_task *task = c->task[at];
	const char *pattern = leaf_pattern(c->g->s, v->t);

	if (task)
		root_put(c->g->s, v->p->pid, v->p->pid, task->id, kind_pattern(task->wait.kind),
			 frames_place(task->frames, task->frame_count));
	else if (pattern)
		root_add(c->g->s, v->p->pid, v->t->tid, pattern, v->t);
}

/* What is waited for there: where the program's own tasks are known, by the one that stands for it. */
static const struct snap_wait *wait_at(const struct chain *c, int at)
{
	return c->task[at] ? &c->task[at]->wait : &c->g->v[at].t->wait;
}

static bool is_idle_at(const struct chain *c, int at)
{
	if (c->task[at])
		return c->task[at]->wait.kind == WAIT_ACCEPT;
	return thread_is_idle(c->g->v[at].p, c->g->v[at].t);
}

/* --- ways on --- */

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
static bool task_awaits_child(const struct snap_task *task)
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
	for (int depth = 0; depth < DEPTH_MAX && (p = snapshot_process(s, p->stat.ppid)); depth++)
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

static void ways_to_holders(struct chain *c, struct ways *w, int at)
{
	const struct node *v = &c->g->v[at];
	const struct snap_wait *wait = wait_at(c, at);
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
enum { BESIDE_NO, BESIDE_LATER, BESIDE_FIRST };

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
	if (kind_is_lock(o->t->wait.kind) && o->t->wait.proved)
		return BESIDE_FIRST;
	if (delegates && thread_is_at_work(o->t))
		return BESIDE_FIRST;
	if (o->t->wait.kind == WAIT_POLL && o->t->wait.endless && leads_outside(c, o))
		return BESIDE_FIRST;
	for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++)
		if (o->t->wait.kind == outside[i] && o->t->wait.endless)
			return thread_has_own_place(o->t) || leads_outside(c, o) ? BESIDE_FIRST : BESIDE_NO;
	if (!thread_has_own_place(o->t))
		return leads_outside(c, o) ? BESIDE_FIRST : BESIDE_NO;
	return delegates && v->p->task_count == 0 ? BESIDE_FIRST : BESIDE_LATER;
}

static void ways_beside(struct chain *c, struct ways *w, int at, int when)
{
	const struct node *v = &c->g->v[at];

	for (size_t k = 0; k < v->p->thread_count; k++) {
		int i = graph_node(c->g, v->p->pid, v->p->threads[k].tid);

		if (i >= 0 && i != at && beside(c, v, &c->g->v[i]) == when)
			way_add(w, i, false);
	}
}

/* Does it wait for nobody that is known, so that anybody in its process may be meant? */
static bool waits_for_anybody(const struct snap_thread *t)
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

static void ways_to_own_children(struct chain *c, struct ways *w, const struct node *v, bool must)
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
static void ways_by_signal(struct chain *c, struct ways *w, int at)
{
	const struct node *v = &c->g->v[at];
	const char *set = v->t->wait.resource ? v->t->wait.resource : "";

	if ((v->t->wait.kind != WAIT_POLL && v->t->wait.kind != WAIT_SIGNAL && v->t->wait.kind != WAIT_SLEEP) ||
	    !(v->p->sig_caught >> (SIGCHLD - 1) & 1 || strstr(set, "signalfd") || strstr(set, "/dev/ptmx")))
		return;
	ways_to_own_children(c, w, v, loop_words_are_children(set));
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
static void way_by_tasks(struct chain *c, struct ways *w, int at)
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

static enum end chain_follow(struct chain *c, int at, int depth);

/* Does a line of the program's own wait for the end of a thread? */
static bool joins(const struct chain *c, int at)
{
	const struct snap_wait *w = wait_at(c, at);

	return w->kind == WAIT_FUTEX && w->resource && str_starts(w->resource, "exit of ") &&
	       thread_has_own_place(c->g->v[at].t);
}

/* Each way in turn; the best of their ends. Idle ends that must be taken are. */
static enum end ways_follow(struct chain *c, int at, const struct ways *w, int depth)
{
	enum end best = END_BACK;
	int idle = -1;

	for (int i = 0; i < w->n; i++) {
		enum end e = chain_follow(c, w->v[i].to, depth + 1);

		/* of a thread that is joined it is not what it serves, but that nobody told it to end */
		if (e == END_IDLE && w->v[i].must && idle < 0)
			idle = joins(c, at) ? at : c->idle_end[w->v[i].to];
		best = e > best ? e : best;
	}
	if (best != END_ROOT && idle >= 0) {
		leaf_add(c, idle);
		best = END_ROOT;
	}
	if (best == END_IDLE)
		c->idle_end[at] = at;
	return best;
}

/* What was met on the way are roots of their own. */
static void roots_on_the_way(struct chain *c, int at)
{
	const struct node *v = &c->g->v[at];
	const struct snap_wait *wait = wait_at(c, at);

	for (size_t i = 0; i < wait->holder_count; i++) {
		const struct snap_process *p = snapshot_process(c->g->s, wait->holders[i].pid);
		pid_t tid = wait->holders[i].tid ? wait->holders[i].tid : wait->holders[i].pid;
		const struct snap_thread *h = snapshot_thread(p, tid);
		int to = h ? graph_node(c->g, p->pid, h->tid) : -1;

		if (to < 0 || to == at || !p->alive)
			continue;
		/* a Ruby thread that computes hands the lock on, some times a second */
		if (wait->kind == WAIT_GIL && h->state == 'R' && !is_python_lock(wait))
			continue;
		if (kind_is_lock(wait->kind) && wait->proved && !c->g->v[to].proved_cycle)
			root_add(c->g->s, p->pid, h->tid, wait->kind == WAIT_GIL ? gil_pattern(wait) : "hang.lock.held", h);
		if (wait->kind == WAIT_FILE_LOCK)
			root_add(c->g->s, v->p->pid, v->t->tid, "hang.lock.file", v->t);
		/* a tracer may wait for whatever it likes: it is the stop that lasts */
		if (wait->kind == WAIT_STOPPED)
			root_add(c->g->s, v->p->pid, v->t->tid, "hang.stopped", v->t);
		if (wait->kind == WAIT_CHILD)
			root_add(c->g->s, v->p->pid, v->t->tid, "hang.wait.child", h);
	}
}

/* Innermost frames of a Python program that has ended but for its threads. */
static bool is_shutdown(const struct snap_thread *t)
{
	for (size_t i = 0; i < t->frame_count; i++)
		if (t->frames[i].function && t->frames[i].file && strcmp(t->frames[i].function, "_shutdown") == 0 &&
		    strstr(t->frames[i].file, "threading.py"))
			return true;
	return false;
}

/* Of a runtime that would end but for some of its threads: these. */
static bool roots_kept(struct chain *c, const struct snap_process *p)
{
	bool at_exit = false, kept = false;

	for (size_t k = 0; k < p->thread_count; k++)
		at_exit |= p->threads[k].at_exit;
	for (size_t k = 0; at_exit && k < p->thread_count; k++)
		if (p->threads[k].keeps_alive) {
			root_add(c->g->s, p->pid, p->threads[k].tid, "hang.exit.threads", &p->threads[k]);
			kept = true;
		}
	return kept;
}

/* The first thread is gone, or waits in the shutdown: what is left of the program are its other threads. */
static bool roots_of_remains(struct chain *c, const struct snap_process *p)
{
	int first = graph_node(c->g, p->pid, p->pid);

	if (roots_kept(c, p))
		return true;
	if (p->thread_count < 2 || first < 0 || (p->threads[0].state != 'Z' && !is_shutdown(&p->threads[0])))
		return false;
	for (int own = 1; own >= 0; own--)
		for (size_t k = 1; k < p->thread_count; k++)
			if (thread_has_own_place(&p->threads[k]) == (own == 1))
				root_add(c->g->s, p->pid, p->threads[k].tid, "hang.exit.threads", &p->threads[k]);
	return true;
}

/* Are those that can end this wait known, to the thread? Of a process with several any of them may. */
static bool waits_for_just_these(const struct chain *c, int at)
{
	const struct snap_wait *wait = wait_at(c, at);

	for (size_t i = 0; i < wait->holder_count; i++) {
		const struct snap_process *p = snapshot_process(c->g->s, wait->holders[i].pid);

		if (p && p->thread_count > 1 && !wait->holders[i].tid && wait->kind != WAIT_CHILD)
			return false;
	}
	return wait->proved;
}

/* Its set has standard input, too, and that is no file of the system's that always has something. */
static bool polls_input(const struct snap_thread *t)
{
	const char *at = t->wait.kind == WAIT_POLL && t->wait.resource ? strstr(t->wait.resource, " fd 0 ") : NULL;

	return at && !str_starts(at, " fd 0 /dev/null") && !str_starts(at, " fd 0 tcp") && !str_starts(at, " fd 0 unix");
}

/* Does it wait for somebody before it on the chain, who would go on by what comes from outside, such as a server for
 * its client that asks its user? */
static bool waits_for_input_of_another(const struct chain *c, int at)
{
	const struct snap_wait *wait = wait_at(c, at);

	for (size_t i = 0; i < wait->holder_count; i++) {
		int to = graph_node(c->g, wait->holders[i].pid, wait->holders[i].pid);

		if (to >= 0 && to != at && c->state[to] == 1 && polls_input(c->g->v[to].t))
			return true;
	}
	return false;
}

static enum end follow_all(struct chain *c, int at, int depth)
{
	auto_free struct ways *w = xcalloc(1, sizeof(*w));
	const struct node *v = &c->g->v[at];
	enum end end = END_BACK, later;
	bool led;

	if (v->t->tid == v->p->pid && roots_of_remains(c, v->p))
		return END_ROOT;
	way_by_tasks(c, w, at);
	if (!w->n)
		ways_to_holders(c, w, at);
	if (!w->n && c->task[at] && task_awaits_child(c->task[at]))
		ways_to_own_children(c, w, v, true);
	led = w->n > 0;
	if (!led && !c->task[at] && waits_for_anybody(v->t)) {
		ways_beside(c, w, at, BESIDE_FIRST);
		/* a server's own helpers wait for work, as it does */
		if (!is_idle_at(c, at))
			ways_by_signal(c, w, at);
	}
	if (w->n)
		end = ways_follow(c, at, w, depth);
	if (end == END_ROOT)
		return end;
	if (is_idle_at(c, at)) {
		c->idle_end[at] = at;
		return END_IDLE;
	}
	/* Whom it waits for waits for it: another way into the same ring has the root. */
	if (led && end == END_BACK && (waits_for_just_these(c, at) || waits_for_input_of_another(c, at)))
		return END_BACK;
	leaf_add(c, at);
	if (!led && !c->task[at] && waits_for_anybody(v->t)) {
		w->n = 0;
		ways_beside(c, w, at, BESIDE_LATER);
		later = ways_follow(c, at, w, depth);
		(void)later;
	}
	return END_ROOT;
}

static enum end chain_follow(struct chain *c, int at, int depth)
{
	const struct node *v = &c->g->v[at];
	enum end end;

	if (c->state[at] == 1 || depth > DEPTH_MAX)
		return END_BACK;
	if (c->state[at] == 2)
		return (enum end)c->ended[at];
	c->state[at] = 1;
	if (v->proved_cycle) {
		root_of_cycle(c->g->s, cycle_of(c->g->s, v, true));
		end = END_ROOT;
	} else {
		end = follow_all(c, at, depth);
		/* Who waits for a lock of somebody before it on the chain tells what that one holds. */
		if (end == END_ROOT || (end == END_BACK && kind_is_lock(wait_at(c, at)->kind)))
			roots_on_the_way(c, at);
	}
	c->state[at] = 2;
	c->ended[at] = (char)end;
	return end;
}

/* --- where chains begin --- */

static void roots_from(struct chain *c, const struct snap_process *p)
{
	int first = graph_node(c->g, p->pid, p->pid);

	if (!p->alive || first < 0)
		return;
	if (chain_follow(c, first, 0) == END_IDLE)
		leaf_add(c, c->idle_end[first]);
}

/* Exited children of whoever does not wait for them. */
static void roots_of_zombies(struct snapshot *s)
{
	for (size_t i = 0; i < s->process_count; i++) {
		const struct snap_process *p = &s->processes[i], *parent = snapshot_process(s, p->stat.ppid);
		const struct snap_thread *pt = parent && parent->thread_count ? &parent->threads[0] : NULL;

		if (!p->alive && pt && pt->wait.kind != WAIT_CHILD && p->thread_count)
			root_add(s, p->pid, p->pid, "hang.zombie", NULL);
	}
}

/* The most specific first; who only waits for somebody else's end comes last. */
static int pattern_rank(const char *pattern)
{
	static const char *const order[] = { "hang.deadlock.", "hang.lock.", "hang.python.", "hang.exit.", "hang.stopped",
					     "hang.unkillable", "hang." };
	int rank = 0;

	if (strcmp(pattern, "hang.wait.child") == 0 || strcmp(pattern, "hang.zombie") == 0)
		return 100;
	while (strncmp(pattern, order[rank], strlen(order[rank])) != 0)
		rank++;
	return rank;
}

/* By rank, and otherwise in the order in which they were found. */
static void roots_sort(struct snapshot *s)
{
	for (size_t i = 1; i < s->root_count; i++) {
		struct snap_root one = s->roots[i];
		size_t k = i;

		for (; k && pattern_rank(s->roots[k - 1].pattern_id) > pattern_rank(one.pattern_id); k--)
			s->roots[k] = s->roots[k - 1];
		s->roots[k] = one;
	}
}

/* A possible cycle is worth a word only where nobody in it waits for work, and not because one process has both ends of
 * a pipe or socket: any of its threads may use them. */
static bool possible_cycle_counts(const struct snapshot *s, const struct snap_cycle *c)
{
	bool one_process = true, locks = true;

	for (size_t k = 0; k < c->member_count; k++) {
		const struct snap_process *p = snapshot_process(s, c->members[k].pid);
		const struct snap_thread *t = snapshot_thread(p, c->members[k].tid);

		if (!t || polls_input(t) ||
		    (thread_is_idle(p, t) && !(t->wait.resource && loop_words_are_children(t->wait.resource))))
			return false;
		one_process = one_process && c->members[k].pid == c->members[0].pid;
		locks = locks && kind_is_lock(t->wait.kind);
	}
	return !one_process || locks;
}

static void cycles_keep(struct snapshot *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->cycle_count; i++) {
		if (s->cycles[i].proved || possible_cycle_counts(s, &s->cycles[i]))
			s->cycles[kept++] = s->cycles[i];
		else
			free(s->cycles[i].members);
	}
	s->cycle_count = kept;
}

/* Where the chain ended in the middle of a possible cycle, there is no better word for it than the whole of it. */
static void first_root_is(struct snapshot *s, const struct snap_cycle *cycle)
{
	struct snap_root last = s->roots[s->root_count - 1];
	bool member = false;

	for (size_t k = 0; k < cycle->member_count; k++)
		member = member || (s->roots[0].pid == cycle->members[k].pid && s->roots[0].tid == cycle->members[k].tid &&
				    !s->roots[0].task);
	if (!member || s->root_count < 2 || str_starts(s->roots[0].pattern_id, "hang.deadlock.") ||
	    pattern_rank(s->roots[0].pattern_id) < pattern_rank("hang."))
		return;
	memmove(s->roots + 1, s->roots, (s->root_count - 1) * sizeof(*s->roots));
	s->roots[0] = last;
}

/* Possible cycles that the chain has touched come after what is certain. */
static void roots_of_possible_cycles(struct chain *c)
{
	for (size_t i = 0; i < c->g->s->cycle_count; i++) {
		const struct snap_cycle *cycle = &c->g->s->cycles[i];
		bool met = false;

		for (size_t k = 0; k < cycle->member_count && !met; k++) {
			int at = graph_node(c->g, cycle->members[k].pid, cycle->members[k].tid);

			met = at >= 0 && c->state[at] == 2;
		}
		if (cycle->proved || !met)
			continue;
		root_of_cycle(c->g->s, cycle);
		first_root_is(c->g->s, cycle);
	}
}

void roots_find(struct graph *g)
{
	size_t n = (size_t)g->n + 1;
	struct chain c = { .g = g, .state = xcalloc(n, 1), .ended = xcalloc(n, 1), .idle_end = xcalloc(n, sizeof(int)),
			   .task = xcalloc(n, sizeof(*c.task)) };
	const struct snap_process *first = snapshot_process(g->s, g->s->root);

	cycles_keep(g->s);
	if (first)
		roots_from(&c, first);
	/* The command is gone, or nothing of it could be seen: whoever is left. */
	if (!g->s->root_count)
		for (size_t i = 0; i < g->s->process_count; i++)
			roots_from(&c, &g->s->processes[i]);
	roots_of_zombies(g->s);
	roots_sort(g->s);
	roots_of_possible_cycles(&c);
	free(c.state);
	free(c.ended);
	free(c.idle_end);
	free(c.task);
}
