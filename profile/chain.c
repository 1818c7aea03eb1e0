/* SPDX-License-Identifier: Apache-2.0 */
/* chain.c - from the command down the chain of waiting to where it ends: the roots.
 *
 * A thread leads on to the holders of what it waits for; a shell to the child in front, and to what it has put into the
 * background only where nothing else is left; one that waits for nobody in particular leads to the other threads of its
 * process that are at work. Who only waits for work is no root, unless somebody on the chain waits for that very
 * process to end: where a request goes to an idle server, the root is who waits for the answer. What the chain does
 * not lead to is no root at all, as long as it leads anywhere. */
#include "profile/chain.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* Where a chain ended. */
enum end {
	END_BACK, /* on itself */
	END_IDLE, /* with somebody who waits for work */
	END_ROOT,
};

static enum end chain_follow(struct chain *c, int at, int depth);

/* Does a line of the program's own wait for the end of a thread? */
static bool joins(const struct chain *c, int at)
{
	const struct snap_wait *w = chain_wait_at(c, at);

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
		chain_leaf_add(c, idle);
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
	const struct snap_wait *wait = chain_wait_at(c, at);

	for (size_t i = 0; i < wait->holder_count; i++) {
		const struct snap_process *p = snapshot_process(c->g->s, wait->holders[i].pid);
		pid_t tid = wait->holders[i].tid ? wait->holders[i].tid : wait->holders[i].pid;
		const struct snap_thread *h = snapshot_thread(p, tid);
		int to = h ? graph_node(c->g, p->pid, h->tid) : -1;

		if (to < 0 || to == at || !p->alive)
			continue;
		/* a Ruby thread that computes hands the lock on, some times a second */
		if (wait->kind == WAIT_GIL && h->state == 'R' && !lock_is_python(wait))
			continue;
		if (wait_kind_is_lock(wait->kind) && wait->proved && !c->g->v[to].proved_cycle)
			chain_root_add(c->g->s, p->pid, h->tid,
				       wait->kind == WAIT_GIL ? lock_gil_pattern(wait) : "hang.lock.held", h);
		if (wait->kind == WAIT_FILE_LOCK)
			chain_root_add(c->g->s, v->p->pid, v->t->tid, "hang.lock.file", v->t);
		/* a tracer may wait for whatever it likes: it is the stop that lasts */
		if (wait->kind == WAIT_STOPPED)
			chain_root_add(c->g->s, v->p->pid, v->t->tid, "hang.stopped", v->t);
		if (wait->kind == WAIT_CHILD)
			chain_root_add(c->g->s, v->p->pid, v->t->tid, "hang.wait.child", h);
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
			chain_root_add(c->g->s, p->pid, p->threads[k].tid, "hang.exit.threads", &p->threads[k]);
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
				chain_root_add(c->g->s, p->pid, p->threads[k].tid, "hang.exit.threads", &p->threads[k]);
	return true;
}

/* Are those that can end this wait known, to the thread? Of a process with several any of them may. */
static bool waits_for_just_these(const struct chain *c, int at)
{
	const struct snap_wait *wait = chain_wait_at(c, at);

	for (size_t i = 0; i < wait->holder_count; i++) {
		const struct snap_process *p = snapshot_process(c->g->s, wait->holders[i].pid);

		if (p && p->thread_count > 1 && !wait->holders[i].tid && wait->kind != WAIT_CHILD)
			return false;
	}
	return wait->proved;
}

/* Does it wait for somebody before it on the chain, who would go on by what comes from outside, such as a server for
 * its client that asks its user? */
static bool waits_for_input_of_another(const struct chain *c, int at)
{
	const struct snap_wait *wait = chain_wait_at(c, at);

	for (size_t i = 0; i < wait->holder_count; i++) {
		int to = graph_node(c->g, wait->holders[i].pid, wait->holders[i].pid);

		if (to >= 0 && to != at && c->state[to] == 1 && thread_polls_input(c->g->v[to].t))
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
	chain_way_by_tasks(c, w, at);
	if (!w->n)
		chain_ways_to_holders(c, w, at);
	if (!w->n && c->task[at] && task_awaits_child(c->task[at]))
		chain_ways_to_own_children(c, w, v, true);
	led = w->n > 0;
	if (!led && !c->task[at] && thread_waits_for_anybody(v->t)) {
		chain_ways_beside(c, w, at, BESIDE_FIRST);
		/* a server's own helpers wait for work, as it does */
		if (!chain_is_idle_at(c, at))
			chain_ways_by_signal(c, w, at);
	}
	if (w->n)
		end = ways_follow(c, at, w, depth);
	if (end == END_ROOT)
		return end;
	if (chain_is_idle_at(c, at)) {
		c->idle_end[at] = at;
		return END_IDLE;
	}
	/* Whom it waits for waits for it: another way into the same ring has the root. */
	if (led && end == END_BACK && (waits_for_just_these(c, at) || waits_for_input_of_another(c, at)))
		return END_BACK;
	chain_leaf_add(c, at);
	if (!led && !c->task[at] && thread_waits_for_anybody(v->t)) {
		w->n = 0;
		chain_ways_beside(c, w, at, BESIDE_LATER);
		later = ways_follow(c, at, w, depth);
		(void)later;
	}
	return END_ROOT;
}

static enum end chain_follow(struct chain *c, int at, int depth)
{
	const struct node *v = &c->g->v[at];
	enum end end;

	if (c->state[at] == 1 || depth > CHAIN_DEPTH_MAX)
		return END_BACK;
	if (c->state[at] == 2)
		return (enum end)c->ended[at];
	c->state[at] = 1;
	if (v->proved_cycle) {
		chain_root_of_cycle(c->g->s, chain_cycle_of(c->g->s, v, true));
		end = END_ROOT;
	} else {
		end = follow_all(c, at, depth);
		/* Who waits for a lock of somebody before it on the chain tells what that one holds. */
		if (end == END_ROOT || (end == END_BACK && wait_kind_is_lock(chain_wait_at(c, at)->kind)))
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
		chain_leaf_add(c, c->idle_end[first]);
}

void roots_find(struct graph *g)
{
	size_t n = (size_t)g->n + 1;
	struct chain c = { .g = g, .state = xcalloc(n, 1), .ended = xcalloc(n, 1), .idle_end = xcalloc(n, sizeof(int)),
			   .task = xcalloc(n, sizeof(*c.task)) };
	const struct snap_process *first = snapshot_process(g->s, g->s->root);

	chain_cycles_keep(g->s);
	if (first)
		roots_from(&c, first);
	/* The command is gone, or nothing of it could be seen: whoever is left. */
	if (!g->s->root_count)
		for (size_t i = 0; i < g->s->process_count; i++)
			roots_from(&c, &g->s->processes[i]);
	chain_roots_of_zombies(g->s);
	chain_roots_sort(g->s);
	chain_roots_of_possible_cycles(&c);
	free(c.state);
	free(c.ended);
	free(c.idle_end);
	free(c.task);
}
