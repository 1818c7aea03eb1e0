/* SPDX-License-Identifier: Apache-2.0 */
/* attribute_owners.c - of tests that run at once: which process runs which. Its stacks tell it, or the order in which a
 * runner started one for each, or when it began and ended. */
#include "profile/sample/attribute_internal.h"
#include "profile/sample/pairs.h"

#include "base/mem.h"
#include "trace/contract.h"

#include <stdlib.h>
#include <string.h>

const struct raw_thread *leader_of(const struct raw *r, int32_t pid, int64_t at)
{
	const struct raw_thread *best = NULL;

	for (size_t i = 0; i < r->thread_count; i++) {
		const struct raw_thread *t = &r->threads[i];

		if (t->pid == pid && t->tid == pid && t->start_ns <= at && (!best || t->start_ns > best->start_ns))
			best = t;
	}
	return best;
}

static bool names_function(const struct prof_frame *f, const struct span *x)
{
	size_t n, want;

	if (!f->function || !x->function)
		return false;
	n = strlen(f->function);
	want = strlen(x->function);
	if (n < want || strcmp(f->function + n - want, x->function) != 0 ||
	    (n > want && !strchr(".:#*)", f->function[n - want - 1])))
		return false;
	if (x->file && f->file) {
		const char *a = strrchr(x->file, '/'), *b = strrchr(f->file, '/');

		return strcmp(a ? a + 1 : x->file, b ? b + 1 : f->file) == 0;
	}
	return true;
}

bool stack_has_case(const struct profile *p, uint32_t stack, const struct span *x)
{
	for (uint32_t i = 0; i < p->stack_len[stack]; i++)
		if (names_function(&p->frames[p->pool[p->stack_first[stack] + i]], x))
			return true;
	return false;
}

/* Code of the test's file, in whatever function. */
static bool stack_has_file(const struct profile *p, uint32_t stack, const struct span *x)
{
	const char *base = x->file ? strrchr(x->file, '/') : NULL;

	base = base ? base + 1 : x->file;
	for (uint32_t i = 0; base && i < p->stack_len[stack]; i++) {
		const char *file = p->frames[p->pool[p->stack_first[stack] + i]].file;
		const char *at = file ? strrchr(file, '/') : NULL;

		if (file && strcmp(at ? at + 1 : file, base) == 0)
			return true;
	}
	return false;
}

static bool owns(const struct work *w, int32_t span, int32_t pid)
{
	for (size_t i = 0; i < w->owners; i++)
		if (w->owner[i].span == span && w->owner[i].pid == pid)
			return true;
	return false;
}

bool owned_above(const struct work *w, int32_t span, const struct raw_thread *t)
{
	for (int depth = 0; t && depth < 100; depth++) {
		if (owns(w, span, t->pid))
			return true;
		t = leader_of(w->r, t->ppid, t->start_ns);
	}
	return false;
}

size_t cases_open(const struct work *w, int32_t command, int64_t at, int32_t *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < w->case_count; i++) {
		const struct span *x = &w->s.v[w->cases[i]];

		if (x->start_ns > at)
			break;
		if (x->end_ns >= at && x->command == command && n < max)
			out[n++] = (int32_t)w->cases[i];
	}
	return n;
}

static void owner_add(struct work *w, int32_t pid, int32_t span, bool by_life)
{
	w->owner = xreallocarray(w->owner, w->owners + 1, sizeof(*w->owner));
	w->owner[w->owners].pid = pid;
	w->owner[w->owners].by_life = by_life;
	w->owner[w->owners++].span = span;
}

/* Is it the only one of them whose file is on this stack? */
static bool only_file(const struct work *w, uint32_t stack, const int32_t *open, size_t n, size_t k)
{
	for (size_t i = 0; i < n; i++)
		if (stack_has_file(w->p, stack, &w->s.v[open[i]]) != (i == k))
			return false;
	return true;
}

/* A runner that starts a process for each test, several at once, and shows no stack of them: the one that began and ended
 * with the test is the test's, where no other test comes near it. */
#define APART_NS (150 * (int64_t)1000000)

static int64_t apart(const struct raw_thread *t, const struct span *x)
{
	return llabs(t->start_ns - x->start_ns) + llabs(t->end_ns - x->end_ns);
}

static int32_t case_by_life(const struct work *w, size_t thread)
{
	const struct raw_thread *t = &w->r->threads[thread];
	int64_t best = INT64_MAX, second = INT64_MAX;
	int32_t found = -1;

	for (size_t i = 0; i < w->case_count; i++) {
		const struct span *x = &w->s.v[w->cases[i]];
		int64_t d = x->command == w->command[thread] ? apart(t, x) : INT64_MAX;

		if (x->start_ns > t->end_ns + APART_NS)
			break;
		if (d < best) {
			second = best;
			best = d;
			found = (int32_t)w->cases[i];
		} else if (d < second) {
			second = d;
		}
	}
	return best < APART_NS + (t->end_ns - t->start_ns) / 4 && second / 3 > best ? found : -1;
}

void owners_by_life(struct work *w)
{
	for (size_t i = 0; i < w->r->thread_count; i++) {
		const struct raw_thread *t = &w->r->threads[i];
		int32_t found;

		if (t->pid != t->tid || w->command[i] < 0 || t->pid == w->s.v[w->command[i]].pid)
			continue;
		found = case_by_life(w, i);
		if (found >= 0 && !owned_above(w, found, t))
			owner_add(w, t->pid, found, true);
	}
}

/* Does the process, or one above it, run a test, by what is on its stacks or by its life? */
static bool is_owned(const struct work *w, const struct raw_thread *t)
{
	for (int depth = 0; t && depth < 100; depth++) {
		for (size_t i = 0; i < w->owners; i++)
			if (w->owner[i].pid == t->pid)
				return true;
		t = leader_of(w->r, t->ppid, t->start_ns);
	}
	return false;
}

/* The tests of a command, if its runner names each as it begins and had several at work at once; 0 else. */
static size_t tests_at_once(const struct work *w, int32_t command, struct pair_life *out)
{
	int64_t until = INT64_MIN;
	bool at_once = false;
	size_t n = 0;

	for (size_t i = 0; i < w->case_count; i++) {
		const struct span *x = &w->s.v[w->cases[i]];

		if (x->command != command)
			continue;
		if (x->dated)
			return 0;
		at_once |= x->start_ns < until;
		until = x->end_ns > until ? x->end_ns : until;
		out[n++] = (struct pair_life){ x->start_ns, x->end_ns, x->id, w->cases[i] };
	}
	return at_once ? n : 0;
}

/* The children of a process that is of the command. */
static size_t children_of(const struct work *w, int32_t command, const struct raw_thread *parent, struct pair_life *out)
{
	size_t n = 0;

	for (size_t i = 0; i < w->r->thread_count; i++) {
		const struct raw_thread *t = &w->r->threads[i];

		if (t->pid == t->tid && t->ppid == parent->pid && t != parent && w->command[i] == command &&
		    t->start_ns >= parent->start_ns && t->start_ns <= parent->end_ns)
			out[n++] = (struct pair_life){ t->start_ns, t->end_ns, t->pid, i };
	}
	return n;
}

/* Each process is its test's, and the test began and ended no later and no sooner than that: what a busy machine's runner
 * prints is heard of late. */
static void pairs_keep(struct work *w, const struct pair_life *processes, const struct pair_life *tests, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct span *x = &w->s.v[tests[i].id];

		owner_add(w, w->r->threads[processes[i].id].pid, (int32_t)tests[i].id, true);
		if (processes[i].start_ns < x->start_ns)
			x->start_ns = processes[i].start_ns;
		if (processes[i].end_ns > x->end_ns)
			x->end_ns = processes[i].end_ns;
	}
}

#define LATE_NS (1000 * (int64_t)1000000)

/* A runner that starts a process for each test, in the order in which it names them. */
static bool command_by_order(struct work *w, int32_t command)
{
	auto_free struct pair_life *tests = xcalloc(w->case_count + 1, sizeof(*tests));
	auto_free struct pair_life *processes = xcalloc(w->r->thread_count + 1, sizeof(*processes));
	size_t n = tests_at_once(w, command, tests);

	for (size_t i = 0; n && i < w->r->thread_count; i++) {
		const struct raw_thread *t = &w->r->threads[i];

		if (t->pid == t->tid && w->command[i] == command && !is_owned(w, t) &&
		    pairs_fit(processes, children_of(w, command, t, processes), tests, n, LATE_NS)) {
			pairs_keep(w, processes, tests, n);
			return true;
		}
	}
	return false;
}

bool owners_by_order(struct work *w)
{
	bool found = false;

	for (size_t i = 0; i < w->s.n; i++)
		if (w->s.v[i].name == SPAN_SUBPROCESS_WAIT && command_by_order(w, (int32_t)i))
			found = true;
	if (found)
		cases_sort(w);
	return found;
}

void owners_find(struct work *w)
{
	int32_t open[OPEN_MAX];

	for (size_t i = 0; i < w->p->sample_count; i++) {
		const struct prof_sample *x = &w->p->samples[i];
		int32_t command = w->command[x->thread], pid = w->p->threads[x->thread].pid;
		size_t n = command < 0 ? 0 : cases_open(w, command, x->ts_ns, open, OPEN_MAX);

		for (size_t k = 0; n > 1 && k < n; k++) {
			if (owns(w, open[k], pid) || (!stack_has_case(w->p, x->stack, &w->s.v[open[k]]) &&
						       !only_file(w, x->stack, open, n, k)))
				continue;
			owner_add(w, pid, open[k], false);
		}
	}
}

bool of_another(const struct work *w, int32_t span, const struct raw_thread *t)
{
	for (int depth = 0; t && depth < 100; depth++) {
		for (size_t i = 0; i < w->owners; i++)
			if (w->owner[i].by_life && w->owner[i].pid == t->pid)
				return w->owner[i].span != span;
		t = leader_of(w->r, t->ppid, t->start_ns);
	}
	return false;
}
