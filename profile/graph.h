/* SPDX-License-Identifier: Apache-2.0 */
/* graph.h - the graph of waiting: nodes are threads, an edge leads from a waiter to each thread that could end its wait.
 * graph.c makes it and finds its cycles; chain.c and its parts (chain.h) follow it from the command to the roots. */
#ifndef PROFILE_GRAPH_H
#define PROFILE_GRAPH_H

#include "profile/snapshot/snapshot.h"

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

/* The number of a thread's node, or -1. */
int graph_node(const struct graph *g, pid_t pid, pid_t tid);

/* Fills the snapshot's roots: the ends of the chain of waiting that begins at the snapshot's own root come first, in the
 * order in which somebody who looks for the cause should read them (chain.c). */
void roots_find(struct graph *g);

/* How a thread stands there, for the order of roots (idle.c). */
/* Its wait is what it does when all is well: a server without clients, a worker of a pool without work, a thread of a
 * virtual machine. */
bool thread_is_idle(const struct snap_process *p, const struct snap_thread *t);
/* It waits in the loop of Node, which runs whatever the program does. */
bool thread_runs_loop(const struct snap_thread *t);
/* It waits for what others in its process do: an event loop, a future, the end of the tests. */
bool thread_delegates(const struct snap_thread *t);
/* Of a native program: it delegates from within a function of the user's, such as a task that waits for another one. */
bool thread_delegates_within(const struct snap_thread *t);
/* It is a worker of a pool, and at work. */
bool thread_is_at_work(const struct snap_thread *t);
/* The innermost frame is the user's own, with a name at least, before any runtime's waiting for others. */
bool thread_has_own_place(const struct snap_thread *t);
/* A process that a shell has put into the background: it ignores what the keyboard sends, and its parent does not. */
bool process_is_background(const struct snap_process *p, const struct snap_process *parent);

#endif
