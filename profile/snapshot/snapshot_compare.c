/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_compare.c - two looks at one tree, or one look and the scheduler's own memory: stuck, slow, spinning?
 *
 * The kernel keeps when a thread last ran. Whoever has been off the CPU for the whole gap between two looks would be
 * found at the same place by the second: for a tree in which all are, one look is enough, and nothing is
 * delayed. Between two looks a thread stood still where its context switches, its call and its time on a CPU read
 * the same: then its stack is the same one, and need not be unwound again. */
#include "profile/snapshot/snapshot.h"

#include "base/mem.h"

#include <string.h>


/* On a CPU for so much of the gap: it does nothing but compute. OUR_STOPS: those that our own stops add. */
enum { SPIN_PERCENT = 50, OUR_STOPS = 3 };

static bool thread_lives(const struct snap_thread *t)
{
	return t->state != 'Z' && t->state != 'X' && t->state != 0 && t->status != COLLECT_GONE;
}

bool snapshot_unsettled(const struct snapshot *s, int64_t stuck_ns, bool running_only)
{
	for (size_t i = 0; i < s->process_count; i++)
		for (size_t k = 0; k < s->processes[i].thread_count; k++) {
			const struct snap_thread *t = &s->processes[i].threads[k];

			if (!thread_lives(t) || t->state == 'T' || t->state == 't')
				continue;
			if (t->state == 'R' || (!running_only && t->since_ns < stuck_ns))
				return true;
		}
	return false;
}

static int64_t run_delta(const struct snap_thread *now, const struct snap_thread *was)
{
	int64_t d = now->run_ns >= 0 && was->run_ns >= 0 ? now->run_ns - was->run_ns : now->cpu_ns - was->cpu_ns;

	return d > 0 ? d : 0;
}

/* Not one instruction of its own between the two. */
static bool stood_still(const struct snap_thread *now, const struct snap_thread *was)
{
	return now->state == was->state && now->state != 'R' && now->switches == was->switches && !run_delta(now, was) &&
	       now->syscall.nr == was->syscall.nr && now->syscall.sp == was->syscall.sp &&
	       now->syscall.pc == was->syscall.pc;
}

static struct snap_thread *same_thread(const struct snapshot *other, const struct snap_process *p,
				       const struct snap_thread *t)
{
	struct snap_process *old = snapshot_process(other, p->pid);

	return old && old->stat.start_ticks == p->stat.start_ticks ? snapshot_thread(old, t->tid) : NULL;
}

void snapshot_keep_moved(struct snapshot *again, const struct snapshot *first)
{
	for (size_t i = 0; i < again->process_count; i++)
		for (size_t k = 0; k < again->processes[i].thread_count; k++) {
			struct snap_thread *t = &again->processes[i].threads[k];
			const struct snap_thread *was = same_thread(first, &again->processes[i], t);

			if (was && stood_still(t, was)) {
				mem_free_ptr(&t->stack);
				t->stack_size = 0;
			}
		}
}

static bool frames_same(const struct snap_thread *a, const struct snap_thread *b)
{
	if (a->frame_count != b->frame_count || !a->frame_count)
		return false;
	for (size_t i = 0; i < a->frame_count; i++)
		if (a->frames[i].pc != b->frames[i].pc || a->frames[i].line != b->frames[i].line)
			return false;
	return true;
}

static bool function_same(const struct snap_frame *a, const struct snap_frame *b)
{
	return a && b && a->function && b->function && strcmp(a->function, b->function) == 0;
}

/* The program's own function in both, or the same innermost one. */
static bool hot_same(const struct snap_thread *a, const struct snap_thread *b)
{
	if (!a->frame_count || !b->frame_count)
		return false;
	return function_same(thread_place(a), thread_place(b)) || function_same(&a->frames[0], &b->frames[0]) ||
	       frames_same(a, b);
}

static bool computes(const struct snap_thread *later, const struct snap_thread *was, int64_t interval_ns)
{
	/* on a crowded machine it gets little of a CPU, but it never gave one away */
	bool always_wanted = later->state == 'R' && was->state == 'R' && later->voluntary - was->voluntary <= OUR_STOPS;

	return always_wanted || run_delta(later, was) >= interval_ns / 100 * SPIN_PERCENT;
}

static void thread_judge(struct snap_thread *t, const struct snap_thread *later, int64_t interval_ns, int64_t stuck_ns)
{
	t->cpu_delta_ns = run_delta(later, t);
	t->switches_delta = later->switches > t->switches ? later->switches - t->switches : 0;
	t->same_stack = stood_still(later, t) || frames_same(later, t);
	if (stood_still(later, t)) /* a short gap alone proves little */
		t->verdict = interval_ns >= stuck_ns || later->since_ns >= stuck_ns ? VERDICT_STUCK : VERDICT_NONE;
	else if (computes(later, t, interval_ns) && hot_same(later, t))
		t->verdict = VERDICT_SPINNING;
	else
		t->verdict = VERDICT_SLOW;
}

void snapshot_compare(struct snapshot *first, const struct snapshot *again, int64_t stuck_ns)
{
	if (again)
		first->interval_ns = again->at_mono_ns - first->at_mono_ns;
	for (size_t i = 0; i < first->process_count; i++) {
		struct snap_process *p = &first->processes[i];

		for (size_t k = 0; k < p->thread_count; k++) {
			struct snap_thread *t = &p->threads[k];
			const struct snap_thread *later = again ? same_thread(again, p, t) : NULL;

			if (!thread_lives(t))
				continue;
			if (later)
				thread_judge(t, later, first->interval_ns, stuck_ns);
			else if (!again && (t->since_ns >= stuck_ns || t->state == 'T' || t->state == 't'))
				t->verdict = VERDICT_STUCK;
			if (t->verdict > p->verdict)
				p->verdict = t->verdict;
		}
	}
}
