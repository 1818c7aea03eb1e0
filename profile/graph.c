/* SPDX-License-Identifier: Apache-2.0 */
/* graph.c - cycles and roots. Nodes are threads; an edge leads from a waiter to each thread that could end its
 * wait. Tarjan's strongly connected components over the proved edges are deadlocks for certain; over all the
 * edges, possible ones. */
#include "profile/collector.h"
#include "profile/lang/task_root.h"
#include "profile/waits/waits.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
	const struct snap_process *p;
	const struct snap_thread *t;
	int *to, edges; /* node numbers */
	bool *proved;
	int index, low;
	bool on_stack, proved_cycle;
};

/* Sorted, to be found. */
struct node_name {
	pid_t pid, tid;
	int node;
};

struct graph {
	struct snapshot *s;
	struct node *v;
	struct node_name *names;
	int n;
	int *stack, depth, next;
	bool proved_only;
};

static int by_pid_and_tid(const void *a, const void *b)
{
	const struct node_name *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static int node_find(const struct graph *g, pid_t pid, pid_t tid)
{
	const struct node_name key = { pid, tid, 0 }, *found;

	found = bsearch(&key, g->names, (size_t)g->n, sizeof(*g->names), by_pid_and_tid);
	return found ? found->node : -1;
}

static void edge_add(struct graph *g, int from, int to, bool proved)
{
	struct node *v = &g->v[from];

	if (to < 0)
		return;
	v->to = xreallocarray(v->to, (size_t)v->edges + 1, sizeof(*v->to));
	v->proved = xreallocarray(v->proved, (size_t)v->edges + 1, sizeof(*v->proved));
	v->to[v->edges] = to;
	v->proved[v->edges++] = proved;
}

/* Who waits for a process to exit waits for its main thread; who waits for its end of a pipe is served by any
 * of its threads, so with several of them no single one is proved. */
static void node_edges(struct graph *g, int from)
{
	const struct snap_wait *w = &g->v[from].t->wait;

	for (size_t i = 0; i < w->holder_count; i++) {
		const struct snap_holder *h = &w->holders[i];
		const struct snap_process *p = snapshot_process(g->s, h->pid);

		if (!p || !p->alive)
			continue;
		if (h->tid || w->kind == WAIT_CHILD || p->thread_count == 1) {
			edge_add(g, from, node_find(g, h->pid, h->tid ? h->tid : h->pid), w->proved);
			continue;
		}
		for (size_t k = 0; k < p->thread_count; k++)
			edge_add(g, from, node_find(g, h->pid, p->threads[k].tid), false);
	}
}

static void graph_build(struct graph *g)
{
	int i = 0;

	for (size_t k = 0; k < g->s->process_count; k++)
		g->n += (int)g->s->processes[k].thread_count;
	g->v = xcalloc((size_t)g->n + 1, sizeof(*g->v));
	g->names = xcalloc((size_t)g->n + 1, sizeof(*g->names));
	g->stack = xcalloc((size_t)g->n + 1, sizeof(*g->stack));
	for (size_t k = 0; k < g->s->process_count; k++)
		for (size_t t = 0; t < g->s->processes[k].thread_count; t++, i++)
			g->v[i] = (struct node){ .p = &g->s->processes[k], .t = &g->s->processes[k].threads[t] };
	for (i = 0; i < g->n; i++)
		g->names[i] = (struct node_name){ g->v[i].p->pid, g->v[i].t->tid, i };
	qsort(g->names, (size_t)g->n, sizeof(*g->names), by_pid_and_tid);
	for (i = 0; i < g->n; i++)
		node_edges(g, i);
}

static void cycle_add(struct graph *g, const int *members, int n)
{
	struct snap_cycle *c;
	bool known = !g->proved_only;

	/* A possible cycle says nothing new where its members are in proved ones already. */
	for (int i = 0; i < n; i++) {
		known = known && g->v[members[i]].proved_cycle;
		g->v[members[i]].proved_cycle |= g->proved_only;
	}
	if (known)
		return;
	g->s->cycles = xreallocarray(g->s->cycles, g->s->cycle_count + 1, sizeof(*g->s->cycles));
	c = &g->s->cycles[g->s->cycle_count++];
	c->proved = g->proved_only;
	c->member_count = (size_t)n;
	c->members = xcalloc((size_t)n, sizeof(*c->members));
	for (int i = 0; i < n; i++) {
		c->members[i].pid = g->v[members[i]].p->pid;
		c->members[i].tid = g->v[members[i]].t->tid;
	}
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static bool edge_counts(const struct graph *g, const struct node *v, int e)
{
	return g->proved_only ? v->proved[e] : v->t->wait.endless || v->proved[e];
}

static void component_pop(struct graph *g, int root)
{
	int first = g->depth, loop = 0;

	do {
		first--;
		g->v[g->stack[first]].on_stack = false;
	} while (g->stack[first] != root);
	for (int e = 0; e < g->v[root].edges; e++)
		loop |= g->v[root].to[e] == root && edge_counts(g, &g->v[root], e);
	if (g->depth - first > 1 || loop) {
		qsort(g->stack + first, (size_t)(g->depth - first), sizeof(*g->stack), by_number);
		cycle_add(g, g->stack + first, g->depth - first);
	}
	g->depth = first;
}

/* Tarjan without recursion: 10,000 threads in a chain must not be as many frames of ours. */
static void component_visit(struct graph *g, int start)
{
	struct { int node, edge; } *path = xcalloc((size_t)g->n + 1, sizeof(*path));
	int depth = 0;

	path[0].node = start;
	for (;;) {
		struct node *v = &g->v[path[depth].node];

		if (path[depth].edge == 0 && !v->index) {
			v->index = v->low = ++g->next;
			v->on_stack = true;
			g->stack[g->depth++] = path[depth].node;
		}
		if (path[depth].edge < v->edges) {
			int e = path[depth].edge++, to = v->to[e];

			if (!edge_counts(g, v, e))
				continue;
			if (!g->v[to].index) {
				path[++depth].node = to;
				path[depth].edge = 0;
			} else if (g->v[to].on_stack && g->v[to].index < v->low) {
				v->low = g->v[to].index;
			}
			continue;
		}
		if (v->low == v->index)
			component_pop(g, path[depth].node);
		if (depth-- == 0)
			break;
		if (v->low < g->v[path[depth].node].low)
			g->v[path[depth].node].low = v->low;
	}
	free(path);
}

static void components(struct graph *g, bool proved_only)
{
	g->proved_only = proved_only;
	g->next = g->depth = 0;
	for (int i = 0; i < g->n; i++) {
		g->v[i].index = g->v[i].low = 0;
		g->v[i].on_stack = false;
	}
	for (int i = 0; i < g->n; i++)
		if (!g->v[i].index)
			component_visit(g, i);
}

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

static void roots_of_cycles(struct snapshot *s)
{
	for (size_t i = 0; i < s->cycle_count; i++) {
		const struct snap_cycle *c = &s->cycles[i];
		const struct snap_thread *at = NULL;
		bool one_process = true;

		for (size_t k = 0; k < c->member_count; k++) {
			const struct snap_thread *t =
				snapshot_thread(snapshot_process(s, c->members[k].pid), c->members[k].tid);

			one_process = one_process && c->members[k].pid == c->members[0].pid;
			if (!at || (t && kind_is_lock(t->wait.kind) && !kind_is_lock(at->wait.kind)))
				at = t;
		}
		if (c->proved && at)
			root_add(s, c->members[0].pid, at->tid, one_process && kind_is_lock(at->wait.kind) ?
				 "hang.deadlock.locks" : "hang.deadlock.processes", at);
	}
}

static bool in_proved_cycle(const struct snapshot *s, pid_t pid, pid_t tid)
{
	for (size_t i = 0; i < s->cycle_count; i++)
		for (size_t k = 0; s->cycles[i].proved && k < s->cycles[i].member_count; k++)
			if (s->cycles[i].members[k].pid == pid && s->cycles[i].members[k].tid == tid)
				return true;
	return false;
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
	return kind_pattern(t->wait.kind);
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

/* A thread of Go's runtime that has no goroutine to run: what the program waits for is not told by it. Without a name on
 * top of it, a goroutine's own call has blocked the thread, or it polls the network for all of them. */
static bool is_idle_go(const struct snap_thread *t)
{
	static const char *const names[] = { "runtime.stopm",         "runtime.stoplockedm",
		                             "runtime.startlockedm",  "runtime.mPark",
		                             "runtime.sysmon",        "runtime.templateThread",
		                             "os/signal.signal_recv", NULL };

	return thread_has_function(t, names, t->frame_count);
}

static void root_follow(struct graph *g, int at, bool *seen, int depth);

/* From an idle thread of Go to those of its process that are not. True where there is one. */
static bool follow_busy_go(struct graph *g, int at, bool *seen, int depth)
{
	bool busy = false;

	for (int i = 0; i < g->n; i++)
		if (i != at && g->v[i].p == g->v[at].p && !is_idle_go(g->v[i].t) && g->v[i].t->state != 'Z') {
			busy = true;
			root_follow(g, i, seen, depth + 1);
		}
	return busy;
}

/* Down from one waiter to where its chain ends; what was met on the way are findings of their own, after the end. */
static void root_follow(struct graph *g, int at, bool *seen, int depth)
{
	struct node *v = &g->v[at];
	const struct snap_wait *w = &v->t->wait;
	bool leaf = true, lock = kind_is_lock(w->kind) && w->proved;

	if (seen[at] || depth > 200)
		return;
	seen[at] = true;
	if (in_proved_cycle(g->s, v->p->pid, v->t->tid) || (is_idle_go(v->t) && follow_busy_go(g, at, seen, depth)))
		return;
	for (int e = 0; e < v->edges; e++) {
		struct node *h = &g->v[v->to[e]];

		/* what it polls is its own: no way on; nor are idle threads, when Go polls its own pipe for all of them */
		if (v->to[e] == at || (h->p == v->p && is_idle_go(h->t)))
			continue;
		/* Idle threads of a multi-threaded peer are no roots: its main thread stands for it. */
		if (!v->proved[e] && w->holders[0].tid == 0 && h->t->tid != h->p->pid)
			continue;
		leaf = false;
		if (lock && !in_proved_cycle(g->s, h->p->pid, h->t->tid))
			root_add(g->s, h->p->pid, h->t->tid,
				 w->kind == WAIT_GIL ? "hang.python.gil" : "hang.lock.held", h->t);
		if (w->kind == WAIT_FILE_LOCK)
			root_add(g->s, v->p->pid, v->t->tid, "hang.lock.file", v->t);
		root_follow(g, v->to[e], seen, depth + 1);
		if (w->kind == WAIT_CHILD)
			root_add(g->s, v->p->pid, v->t->tid, "hang.wait.child", h->t);
	}
	if (leaf) {
		const char *pattern = leaf_pattern(g->s, v->t);

		if (pattern)
			root_add(g->s, v->p->pid, v->t->tid, pattern, v->t);
	}
}

/* Of a process whose tasks are known, where its main task's chain of waiting leads; false: its threads have to tell. */
static bool root_of_tasks(struct graph *g, const struct snap_process *p, bool *seen)
{
	struct task_root r;

	if (!p->task_count || !task_root(p, &r))
		return false;
	if (r.thread) {
		root_follow(g, node_find(g, p->pid, r.thread->tid), seen, 0);
		return true;
	}
	root_put(g->s, p->pid, p->pid, r.task->id, kind_pattern(r.task->wait.kind),
		 frames_place(r.task->frames, r.task->frame_count));
	return true;
}

/* Of a runtime that would end but for some of its threads: these. */
static bool roots_kept(struct graph *g, const struct snap_process *p)
{
	bool at_exit = false, kept = false;

	for (size_t k = 0; k < p->thread_count; k++)
		at_exit |= p->threads[k].at_exit;
	for (size_t k = 0; at_exit && k < p->thread_count; k++)
		if (p->threads[k].keeps_alive) {
			root_add(g->s, p->pid, p->threads[k].tid, "hang.exit.threads", &p->threads[k]);
			kept = true;
		}
	return kept;
}

static void roots_of_process(struct graph *g, const struct snap_process *p, bool *seen)
{
	int main_node = node_find(g, p->pid, p->pid);
	const struct snap_process *parent = snapshot_process(g->s, p->stat.ppid);

	if (!p->alive) {
		const struct snap_thread *pt = parent && parent->thread_count ? &parent->threads[0] : NULL;

		if (pt && pt->wait.kind != WAIT_CHILD && p->thread_count)
			root_add(g->s, p->pid, p->pid, "hang.zombie", NULL);
		return;
	}
	if (main_node < 0)
		return;
	if (roots_kept(g, p))
		;
	else if (p->thread_count > 1 && (g->v[main_node].t->state == 'Z' || is_shutdown(g->v[main_node].t)))
		for (size_t k = 1; k < p->thread_count; k++)
			root_add(g->s, p->pid, p->threads[k].tid, "hang.exit.threads", &p->threads[k]);
	else if (!root_of_tasks(g, p, seen))
		root_follow(g, main_node, seen, 0);
	for (size_t k = 1; k < p->thread_count; k++) {
		int i = node_find(g, p->pid, p->threads[k].tid);

		if ((kind_is_lock(p->threads[k].wait.kind) && p->threads[k].wait.proved) || p->threads[k].state == 'D')
			root_follow(g, i, seen, 0);
		else if (p->threads[k].state == 'R' && g->v[main_node].t->state != 'R')
			root_follow(g, i, seen, 0);
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

void graph_resolve(struct snapshot *s)
{
	struct graph g = { .s = s };
	int64_t began = clock_mono_ns();
	auto_free bool *seen = NULL;

	graph_build(&g);
	components(&g, true);
	components(&g, false);
	roots_of_cycles(s);
	seen = xcalloc((size_t)g.n + 1, sizeof(*seen));
	for (size_t i = 0; i < s->process_count; i++)
		roots_of_process(&g, &s->processes[i], seen);
	roots_sort(s);
	for (int i = 0; i < g.n; i++) {
		free(g.v[i].to);
		free(g.v[i].proved);
	}
	free(g.v);
	free(g.stack);
	free(g.names);
	snapshot_collector(s, "graph", COLLECT_OK, clock_mono_ns() - began, NULL);
}

static void graph_collect(struct snapshot *s, const struct collect_request *q)
{
	(void)q;
	graph_resolve(s);
}

const struct collector collector_graph = { .name = "graph", .help = "who waits for whom, and where it begins",
					   .budget_ms = 1000, .collect = graph_collect };
