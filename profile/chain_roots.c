/* SPDX-License-Identifier: Apache-2.0 */
/* chain_roots.c - what is said of the ends of the chain of waiting: each end's pattern and place, cycles, and in which order
 * somebody who looks for the cause should read them. */
#include "profile/chain.h"

#include "base/mem.h"
#include "base/str.h"
#include "profile/lang/task_root.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void chain_root_add(struct snapshot *s, pid_t pid, pid_t tid, const char *pattern, const struct snap_thread *place)
{
	root_put(s, pid, tid, 0, pattern, place ? thread_place(place) : NULL);
}

bool wait_kind_is_lock(enum wait_kind k)
{
	return k == WAIT_MUTEX || k == WAIT_RWLOCK || k == WAIT_SEMAPHORE || k == WAIT_GIL || k == WAIT_MONITOR;
}

void chain_root_of_cycle(struct snapshot *s, const struct snap_cycle *c)
{
	const struct snap_thread *at = NULL;
	bool one_process = true;
	pid_t pid = 0;

	for (size_t k = 0; k < c->member_count; k++) {
		const struct snap_thread *t = snapshot_thread(snapshot_process(s, c->members[k].pid), c->members[k].tid);

		one_process = one_process && c->members[k].pid == c->members[0].pid;
		if (!at || (t && wait_kind_is_lock(t->wait.kind) && !wait_kind_is_lock(at->wait.kind))) {
			at = t;
			pid = c->members[k].pid;
		}
	}
	if (at)
		chain_root_add(s, pid, at->tid, one_process && wait_kind_is_lock(at->wait.kind) ? "hang.deadlock.locks" :
			 "hang.deadlock.processes", at);
}

const struct snap_cycle *chain_cycle_of(const struct snapshot *s, const struct node *v, bool proved)
{
	for (size_t i = 0; i < s->cycle_count; i++)
		for (size_t k = 0; s->cycles[i].proved == proved && k < s->cycles[i].member_count; k++)
			if (s->cycles[i].members[k].pid == v->p->pid && s->cycles[i].members[k].tid == v->t->tid)
				return &s->cycles[i];
	return NULL;
}

/* Of the locks of interpreters Python's has a name of its own. */
bool lock_is_python(const struct snap_wait *w)
{
	return !w->resource || !strstr(w->resource, "GVL");
}

const char *lock_gil_pattern(const struct snap_wait *w)
{
	return lock_is_python(w) ? "hang.python.gil" : "hang.lock.held";
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
	return t->wait.kind == WAIT_GIL ? lock_gil_pattern(&t->wait) : kind_pattern(t->wait.kind);
}

void chain_leaf_add(struct chain *c, int at)
{
	const struct node *v = &c->g->v[at];
	const struct snap_task *task = c->task[at];
	const char *pattern = leaf_pattern(c->g->s, v->t);

	if (task)
		root_put(c->g->s, v->p->pid, v->p->pid, task->id, kind_pattern(task->wait.kind),
			 frames_place(task->frames, task->frame_count));
	else if (pattern)
		chain_root_add(c->g->s, v->p->pid, v->t->tid, pattern, v->t);
}

/* Its set has standard input, too, and that is no file of the system's that always has something. */
bool thread_polls_input(const struct snap_thread *t)
{
	const char *at = t->wait.kind == WAIT_POLL && t->wait.resource ? strstr(t->wait.resource, " fd 0 ") : NULL;

	return at && !str_starts(at, " fd 0 /dev/null") && !str_starts(at, " fd 0 tcp") && !str_starts(at, " fd 0 unix");
}

/* Exited children of whoever does not wait for them. */
void chain_roots_of_zombies(struct snapshot *s)
{
	for (size_t i = 0; i < s->process_count; i++) {
		const struct snap_process *p = &s->processes[i], *parent = snapshot_process(s, p->stat.ppid);
		const struct snap_thread *pt = parent && parent->thread_count ? &parent->threads[0] : NULL;

		if (!p->alive && pt && pt->wait.kind != WAIT_CHILD && p->thread_count)
			chain_root_add(s, p->pid, p->pid, "hang.zombie", NULL);
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
void chain_roots_sort(struct snapshot *s)
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

		if (!t || thread_polls_input(t) ||
		    (thread_is_idle(p, t) && !(t->wait.resource && loop_words_are_children(t->wait.resource))))
			return false;
		one_process = one_process && c->members[k].pid == c->members[0].pid;
		locks = locks && wait_kind_is_lock(t->wait.kind);
	}
	return !one_process || locks;
}

void chain_cycles_keep(struct snapshot *s)
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
void chain_roots_of_possible_cycles(struct chain *c)
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
		chain_root_of_cycle(c->g->s, cycle);
		first_root_is(c->g->s, cycle);
	}
}
