/* SPDX-License-Identifier: Apache-2.0 */
/* graph.c - who waits for whom, and cycles. Nodes are threads; an edge leads from a waiter to each thread that could end its
 * wait. Tarjan's strongly connected components over the proved edges are deadlocks for certain; over all the
 * edges, possible ones. */
#include "profile/graph.h"

#include "profile/collector.h"
#include "profile/waits/waits.h"

#include "base/clock.h"
#include "base/frame_home.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AGAIN_NS = 1000000000 };

static int by_pid_and_tid(const void *a, const void *b)
{
	const struct node_name *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

int graph_node(const struct graph *g, pid_t pid, pid_t tid)
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

/* A thread of a runtime's own: its whole stack is known, and nothing of the user's is on it. */
static bool is_helper(const struct snap_thread *t)
{
	if (!t->frame_count || t->truncated || t->status != COLLECT_OK)
		return false;
	for (size_t i = 0; i < t->frame_count; i++) {
		const struct snap_frame *f = &t->frames[i];
		struct frame_words words = { .language = f->language, .function = f->function, .file = f->file,
					     .module = f->module, .line = f->line, .runtime = f->runtime };
		enum frame_home home = frame_home(&words);

		if (home != FRAME_RUNTIME && home != FRAME_INTERPRETER)
			return false;
	}
	return true;
}

/* The one thread that runs the user's code; NULL where there are more, or it cannot be told. */
static const struct snap_thread *only_user(const struct snap_process *p)
{
	const struct snap_thread *found = NULL;

	for (size_t k = 0; k < p->thread_count; k++) {
		if (is_helper(&p->threads[k]))
			continue;
		if (found)
			return NULL;
		found = &p->threads[k];
	}
	/* between two events of Node nothing of the user's is on a stack: the main thread's loop has the handles */
	if (!found && p->thread_count && thread_runs_loop(&p->threads[0]))
		found = &p->threads[0];
	return found;
}

/* Who could wake a loop from inside: a thread that has no work but the loop's, or waits for the same process as the loop;
 * and by its end a child that is that very process. */
static bool wakers_wait_alike(const struct snapshot *s, const struct node *v, pid_t holder)
{
	for (size_t k = 0; k < v->p->thread_count; k++) {
		const struct snap_thread *o = &v->p->threads[k];

		if (o == v->t || (is_helper(o) && thread_is_idle(v->p, o)))
			continue;
		if (!is_helper(o) || !o->wait.holder_count)
			return false;
		for (size_t i = 0; i < o->wait.holder_count; i++)
			if (o->wait.holders[i].pid != holder)
				return false;
	}
	for (size_t i = 0; i < s->process_count; i++)
		if (s->processes[i].stat.ppid == v->p->pid && s->processes[i].pid != holder)
			return false;
	return true;
}

/* Who waits for a process to exit waits for its main thread; who waits for its end of a pipe is served by any
 * of its threads, so with several that run the user's code no single one is proved. */
static void node_edges(struct graph *g, int from)
{
	struct snap_wait *w = &g->v[from].p->threads[g->v[from].t - g->v[from].p->threads].wait;

	if (w->but_own && !w->proved)
		w->proved = wakers_wait_alike(g->s, &g->v[from], w->holders[0].pid);
	for (size_t i = 0; i < w->holder_count; i++) {
		const struct snap_holder *h = &w->holders[i];
		const struct snap_process *p = snapshot_process(g->s, h->pid);

		if (!p || !p->alive)
			continue;
		if (h->tid || w->kind == WAIT_CHILD || p->thread_count == 1) {
			edge_add(g, from, graph_node(g, h->pid, h->tid ? h->tid : h->pid), w->proved);
			continue;
		}
		if (only_user(p)) {
			edge_add(g, from, graph_node(g, h->pid, only_user(p)->tid), w->proved);
			continue;
		}
		for (size_t k = 0; k < p->thread_count; k++)
			edge_add(g, from, graph_node(g, h->pid, p->threads[k].tid), false);
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

static void cycle_add(struct graph *g, const int *members, int n, bool proved)
{
	struct snap_cycle *c;
	bool known = !g->proved_only;

	/* A possible cycle says nothing new where its members are in proved ones already. */
	for (int i = 0; i < n; i++) {
		known = known && g->v[members[i]].proved_cycle;
		g->v[members[i]].proved_cycle |= proved;
	}
	if (known)
		return;
	g->s->cycles = xreallocarray(g->s->cycles, g->s->cycle_count + 1, sizeof(*g->s->cycles));
	c = &g->s->cycles[g->s->cycle_count++];
	c->proved = proved;
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

/* A wait with a short limit is made again and again, as curl and many loops do. */
static bool edge_counts(const struct graph *g, const struct node *v, int e)
{
	const struct snap_wait *w = &v->t->wait;

	if (g->proved_only)
		return v->proved[e];
	return w->endless || v->proved[e] || (w->kind == WAIT_POLL && w->timeout_ns >= 0 && w->timeout_ns <= AGAIN_NS);
}

/* Can nobody but these nodes end this wait? The list of holders is complete for ends of pipes and sockets, and for
 * children. */
static bool is_shut_in(const struct graph *g, const struct node *v, const int *members, int n)
{
	static const enum wait_kind complete[] = { WAIT_PIPE_READ, WAIT_PIPE_WRITE, WAIT_SOCKET_RECV, WAIT_SOCKET_SEND,
						   WAIT_CHILD };
	const struct snap_wait *w = &v->t->wait;
	bool fits = false;

	for (size_t i = 0; i < sizeof(complete) / sizeof(*complete); i++)
		fits = fits || w->kind == complete[i];
	/* of a single one that is not proved there is a reason why not, as of a shell's wait for a signal */
	if (!fits || !w->endless || !v->edges || (!w->proved && w->holder_count == 1) ||
	    (w->kind == WAIT_CHILD && !w->proved && v->p->sig_caught))
		return false;
	for (size_t i = 0; i < w->holder_count; i++)
		if (!snapshot_process(g->s, w->holders[i].pid))
			return false;
	for (int e = 0; e < v->edges; e++)
		if (!bsearch(&v->to[e], members, (size_t)n, sizeof(*members), by_number))
			return false;
	return true;
}

/* Several may be able to end a wait, such as all who have the other end of a pipe. Where all of them wait in the same
 * ring, and nobody from outside can end any of their waits, it is a deadlock all the same. */
static bool nobody_gets_out(const struct graph *g, const int *members, int n)
{
	for (int i = 0; i < n; i++)
		if (!is_shut_in(g, &g->v[members[i]], members, n))
			return false;
	return true;
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
		cycle_add(g, g->stack + first, g->depth - first,
			  g->proved_only || nobody_gets_out(g, g->stack + first, g->depth - first));
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

void graph_resolve(struct snapshot *s)
{
	struct graph g = { .s = s };
	int64_t began = clock_mono_ns();

	graph_build(&g);
	components(&g, true);
	components(&g, false);
	roots_find(&g);
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
