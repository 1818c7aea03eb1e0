/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/lang/task_root.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A place in the user's code says more than one in a library. Among these: a lock before a channel, and last who only
 * waits for all the others. Who waits for somebody that was found, and not for a lock, is not where it begins. */
enum {
	RANK_NONE = 1000, RANK_LIBRARY = 500, RANK_HELD_BACK = 300, RANK_WAITS_FOR_ANOTHER = 45, RANK_ITSELF = 9,
	RANK_SLEEP = 60
};

static int kind_rank(enum wait_kind k)
{
	switch (k) {
	case WAIT_MUTEX: case WAIT_RWLOCK: case WAIT_MONITOR: return 10;
	case WAIT_CHAN_SEND: return 20;
	case WAIT_CHAN_RECV: return 25;
	case WAIT_SELECT: return 28;
	case WAIT_CONDITION: return 30;
	case WAIT_SEMAPHORE: return 50;
	case WAIT_SLEEP: return RANK_SLEEP;
	case WAIT_UNKNOWN: return 70;
	case WAIT_ACCEPT: return 400; /* a server without clients is what it is when all is well */
	case WAIT_NONE: return RANK_NONE;
	default: return 35; /* a peer, a child, a file */
	}
}

static bool is_lock(enum wait_kind k)
{
	return k == WAIT_MUTEX || k == WAIT_RWLOCK || k == WAIT_MONITOR;
}

struct walk {
	const struct snap_process *p;
	bool *task, *thread; /* was found */
};

static bool users(const struct snap_frame *frames, size_t n)
{
	const struct snap_frame *place = frames_place(frames, n);

	return place && !place->runtime && place->file && place->line;
}

/* Does it wait for a task that was found already? */
static bool closes_ring(const struct walk *w, const struct snap_task *task)
{
	for (size_t i = 0; i < task->wait.holder_count; i++) {
		const struct snap_task *other = snapshot_task(w->p, task->wait.holders[i].task);

		if (other && other != task && w->task[other - w->p->tasks])
			return true;
	}
	return false;
}

/* A peer in the program itself: who of the user's serves it is not known, unless he waits in his turn for one of those that
 * were found. */
static void found_own(struct walk *w)
{
	for (size_t i = 0; i < w->p->task_count; i++)
		if (users(w->p->tasks[i].frames, w->p->tasks[i].frame_count) && closes_ring(w, &w->p->tasks[i]))
			w->task[i] = true;
}

static void found_holders(struct walk *w, const struct snap_wait *wait)
{
	for (size_t i = 0; i < wait->holder_count; i++) {
		const struct snap_holder *h = &wait->holders[i];
		const struct snap_task *task = snapshot_task(w->p, h->task);
		const struct snap_thread *t = h->pid == w->p->pid && h->tid ? snapshot_thread(w->p, h->tid) : NULL;

		if (task)
			w->task[task - w->p->tasks] = true;
		else if (t)
			w->thread[t - w->p->threads] = true;
		else if (h->pid == w->p->pid && !h->tid && !h->task)
			found_own(w);
	}
}

/* In waves rather than by recursion: a chain may be as long as there are tasks. */
static void follow(struct walk *w)
{
	bool *done = xcalloc(w->p->task_count + 1, sizeof(*done));

	for (bool more = true; more;) {
		more = false;
		for (size_t i = 0; i < w->p->task_count; i++) {
			if (!w->task[i] || done[i])
				continue;
			done[i] = more = true;
			found_holders(w, &w->p->tasks[i].wait);
		}
	}
	free(done);
}

static bool leads_on(const struct walk *w, const struct snap_task *task)
{
	for (size_t i = 0; i < task->wait.holder_count; i++) {
		const struct snap_holder *h = &task->wait.holders[i];
		const struct snap_task *other = snapshot_task(w->p, h->task);
		const struct snap_thread *t = h->tid ? snapshot_thread(w->p, h->tid) : NULL;

		if ((other && other != task && users(other->frames, other->frame_count)) ||
		    (t && users(t->frames, t->frame_count)))
			return true;
		/* its peer is the program itself: another task is to answer */
		if (h->pid == w->p->pid && !h->task && !h->tid)
			return true;
	}
	return false;
}

/* It waits for what only itself is to do. */
static bool waits_for_itself(const struct snap_task *task)
{
	for (size_t i = 0; i < task->wait.holder_count; i++)
		if (task->id && task->wait.holders[i].task == task->id)
			return true;
	return false;
}

/* A parallel test that its runner has not let go on yet waits for the tests around it. */
static bool is_held_back(const struct snap_task *task)
{
	for (size_t i = 0; i < task->frame_count; i++)
		if (task->frames[i].function && strcmp(task->frames[i].function, "testing.(*T).Parallel") == 0)
			return true;
	return false;
}

static int task_rank(const struct walk *w, const struct snap_task *task)
{
	int rank = kind_rank(task->wait.kind);

	if (rank == RANK_NONE)
		return rank;
	if (!users(task->frames, task->frame_count))
		return RANK_LIBRARY + rank;
	if (waits_for_itself(task))
		return RANK_ITSELF;
	if (is_held_back(task))
		return RANK_HELD_BACK + rank;
	return rank + (!is_lock(task->wait.kind) && leads_on(w, task) ? RANK_WAITS_FOR_ANOTHER : 0);
}

static int best(const struct walk *w, struct task_root *out)
{
	int rank = RANK_NONE;

	for (size_t i = 0; i < w->p->thread_count; i++)
		if (w->thread[i] && users(w->p->threads[i].frames, w->p->threads[i].frame_count) && rank > 33) {
			*out = (struct task_root){ .thread = &w->p->threads[i] };
			rank = 33;
		}
	for (size_t i = 0; i < w->p->task_count; i++) {
		int mine = w->task[i] ? task_rank(w, &w->p->tasks[i]) : RANK_NONE;

		if (mine < rank) {
			*out = (struct task_root){ .task = &w->p->tasks[i] };
			rank = mine;
		}
	}
	return rank;
}

/* Who sleeps may look again and again for what another task is to do: one of the user's that waits for a lock while nothing
 * of the program runs says why it does not. (Since when it waits Go knows only after a garbage collection.) */
static int lock_rather_than_sleep(struct walk *w, struct task_root *out)
{
	for (size_t i = 0; i < w->p->thread_count; i++)
		if (w->p->threads[i].state == 'R')
			return RANK_SLEEP;
	for (size_t i = 0; i < w->p->task_count; i++) {
		const struct snap_task *task = &w->p->tasks[i];

		if (is_lock(task->wait.kind) && users(task->frames, task->frame_count))
			w->task[i] = true;
	}
	return best(w, out);
}

/* Of a program that is a tool of its language (`go test`), all of whose code is a library's: the thread of the task that
 * waits for a child. What its other tasks wait for among each other follows from that. */
static bool child_waiter(const struct snap_process *p, struct task_root *out)
{
	for (size_t i = 0; i < p->thread_count; i++)
		if (p->threads[i].task && p->threads[i].wait.kind == WAIT_CHILD) {
			*out = (struct task_root){ .thread = &p->threads[i] };
			return true;
		}
	return false;
}

bool task_root(const struct snap_process *p, struct task_root *out)
{
	struct walk w = { .p = p };
	bool main_found = false;
	int rank;

	w.task = xcalloc(p->task_count + 1, sizeof(*w.task));
	w.thread = xcalloc(p->thread_count + 1, sizeof(*w.thread));
	*out = (struct task_root){ NULL, NULL };
	for (size_t i = 0; i < p->task_count; i++)
		if (p->tasks[i].id == 1)
			main_found = w.task[i] = true;
	for (size_t i = 0; i < p->thread_count; i++)
		if (p->threads[i].task == 1)
			main_found = w.thread[i] = true;
	follow(&w);
	rank = main_found ? best(&w, out) : RANK_NONE;
	if (rank == RANK_SLEEP)
		rank = lock_rather_than_sleep(&w, out);
	if (rank >= RANK_LIBRARY) { /* the main task leads to nobody of the user's: anybody of his */
		for (size_t i = 0; i < p->task_count; i++)
			w.task[i] = p->tasks[i].id != 0;
		rank = best(&w, out);
		if (rank >= RANK_LIBRARY && child_waiter(p, out))
			rank = 0;
	}
	free(w.task);
	free(w.thread);
	return rank < RANK_NONE;
}
