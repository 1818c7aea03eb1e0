/* SPDX-License-Identifier: Apache-2.0 */
/* chain.h - the chain of waiting, shared by those who follow it: chain.c goes along it, chain_ways.c tells where it leads on
 * from a thread, chain_roots.c what is said of where it ends. All of it belongs to the graph; nothing is kept. */
#ifndef PROFILE_CHAIN_H
#define PROFILE_CHAIN_H

#include "profile/graph.h"

enum { CHAIN_DEPTH_MAX = 200, CHAIN_WAYS_MAX = 1024 };

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
	struct way v[CHAIN_WAYS_MAX];
	int n;
};

/* What is waited for there: where the program's own tasks are known, by the one that stands for it. */
const struct snap_wait *chain_wait_at(const struct chain *c, int at);
bool chain_is_idle_at(const struct chain *c, int at);
/* Its set has standard input, too, and that is no file of the system's that always has something. */
bool thread_polls_input(const struct snap_thread *t);
bool wait_kind_is_lock(enum wait_kind k);
/* Of the locks of interpreters Python's has a name of its own. */
bool lock_is_python(const struct snap_wait *w);
/* The pattern of who waits for an interpreter's lock. */
const char *lock_gil_pattern(const struct snap_wait *w);

/* chain_ways.c: each adds to *w where the chain leads on from a node. Of a program whose tasks are known its first thread
 * tells nothing: where its main task leads does. */
void chain_way_by_tasks(struct chain *c, struct ways *w, int at);
void chain_ways_to_holders(struct chain *c, struct ways *w, int at);
void chain_ways_to_own_children(struct chain *c, struct ways *w, const struct node *v, bool must);
/* Other threads of the process, by how much each tells about why this one waits. */
enum { BESIDE_NO, BESIDE_LATER, BESIDE_FIRST };
void chain_ways_beside(struct chain *c, struct ways *w, int at, int when);
/* An event loop learns of its children by a signal, not by a wait for them; who serves a terminal waits for its user. */
void chain_ways_by_signal(struct chain *c, struct ways *w, int at);
/* Does it wait for nobody that is known, so that anybody in its process may be meant? */
bool thread_waits_for_anybody(const struct snap_thread *t);
/* Does the task await the end of a child, or its output? */
bool task_awaits_child(const struct snap_task *task);

/* chain_roots.c: the same root is added once. place: NULL none. */
void chain_root_add(struct snapshot *s, pid_t pid, pid_t tid, const char *pattern, const struct snap_thread *place);
/* The node's thread, or the task that stands for it, by what it waits for. */
void chain_leaf_add(struct chain *c, int at);
void chain_root_of_cycle(struct snapshot *s, const struct snap_cycle *c);
/* The cycle that the node is a member of; NULL none. */
const struct snap_cycle *chain_cycle_of(const struct snapshot *s, const struct node *v, bool proved);
/* Exited children of whoever does not wait for them. */
void chain_roots_of_zombies(struct snapshot *s);
/* By rank, and otherwise in the order in which they were found. */
void chain_roots_sort(struct snapshot *s);
/* Forgets possible cycles that are worth no word. */
void chain_cycles_keep(struct snapshot *s);
/* Possible cycles that the chain has touched come after what is certain. */
void chain_roots_of_possible_cycles(struct chain *c);

#endif
