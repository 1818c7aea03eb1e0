/* SPDX-License-Identifier: Apache-2.0 */
/* births.c - children that come and go between two scans, where no records of the kernel tell of them. While a process
 * starts and ends others, its list of children is read every few milliseconds: one read. What a child ran after it was last
 * looked at is not seen any more, but its parent's count of ended children has it: each child that goes gets what is
 * missing there, at most the time since it was last looked at; all of it, where every child that was seen of this parent is
 * of the same program, since those that came and went unseen then are, too.
 *
 * The count is read before the list of children: what ends in between is still missing from it, and comes with the next,
 * while a list read first would show none of a child whose time the count has already, which would then be given twice.
 * Of a command the supervisor tells how much it used: its own count of ended children has its helpers', too. */
#include "profile/sample/sampler.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define BUSY_NS (300 * NS_PER_MS)  /* so long after a birth or an end more of them are expected */
#define YOUNG_NS (30 * NS_PER_MS)  /* by then it runs its own program, if it ever will */
#define FRESH_NS (6 * NS_PER_MS)
#define WORD_NS (500 * NS_PER_MS)
enum { PARENTS_MAX = 32, PROCS_MAX = 400, THREADS_LISTED_MAX = 8, DEPTH_MAX = 16 };

struct births {
	struct proc_watch w;
	int64_t all_ns;   /* CPU time of ended children, as of before the last list of those that live; -1 unknown */
	int64_t base_ns;  /* of that: of those that ended before collecting began */
	int64_t paid_ns;  /* of what came since: given to children */
	char comm[PROC_COMM_SIZE]; /* of the children that were seen; "" none */
	bool mixed;                /* they have several */
	int64_t last;              /* the child that ended last, by its number in the book; -1 none */
};

static int64_t ended_ns(const struct births *b)
{
	struct proc_stat st;

	return proc_watch_stat(&b->w, &st) == 0 ? st.children_user_ns + st.children_system_ns : -1;
}

/* old: it had children before collecting began. paid_ns: what its children that have ended were seen to use. */
static struct births *births_of(struct births **at, pid_t pid, bool old, int64_t paid_ns)
{
	struct births *b = *at;

	if (b)
		return b;
	b = xcalloc(1, sizeof(*b));
	if (proc_watch_open(&b->w, pid) < 0) {
		free(b);
		return NULL;
	}
	b->base_ns = old ? ended_ns(b) : 0;
	b->paid_ns = old ? 0 : paid_ns;
	b->all_ns = -1;
	b->last = -1;
	*at = b;
	return b;
}

void births_free(struct births *b)
{
	if (b)
		proc_watch_close(&b->w);
	free(b);
}

static struct births *births_of_parent(struct sampler *s, const struct sproc *c)
{
	struct sproc *parent = sproc_find(s, c->ppid);

	return c->ppid == s->root && !s->attached ? s->root_births : parent ? parent->births : NULL;
}

/* What it and its children, whether ended or still in our books, were seen to use: its parent's count has all of it. */
static int64_t subtree_seen(const struct sampler *s, const struct sproc *p, int depth)
{
	int64_t seen = p->ended_ns;

	for (const struct sthread *t = p->threads; t; t = t->next)
		seen += t->run_ns - t->first_run_ns + t->owed_ns;
	for (const struct sproc *c = s->first; p->has_children && c && depth < DEPTH_MAX; c = c->after)
		if (c->ppid == p->pid)
			seen += subtree_seen(s, c, depth + 1);
	return seen;
}

/* A child that still has its parent's name may not have begun its own program; the time of one with children of its own
 * holds theirs. */
static bool is_alike(struct births *b, const struct sproc *parent, const struct sproc *c)
{
	if (!parent || strcmp(parent->comm, c->comm) == 0)
		return false;
	if (!b->comm[0])
		memcpy(b->comm, c->comm, sizeof(b->comm));
	b->mixed |= c->has_children || strcmp(b->comm, c->comm) != 0;
	return !b->mixed;
}

/* What is still missing when the parent itself has ended was used by its last children. */
static int64_t last_child_settle(struct sampler *s, const struct births *b, int64_t missing)
{
	if (!b || missing <= 0 || b->last < 0 || !b->comm[0] || b->mixed)
		return 0;
	book_thread_more(&s->book, (uint32_t)b->last, missing);
	s->tree_cpu_ns += missing;
	return missing;
}

/* The count has the time of those, too, that have ended with it and whose turn is to come: they have their own. */
static int64_t gone_seen(const struct sampler *s, const struct sproc *c)
{
	int64_t seen = 0;

	for (const struct sproc *x = s->first; x; x = x->after)
		if (x != c && x->ppid == c->ppid && x->gone_ns)
			seen += subtree_seen(s, x, 0);
	return seen;
}

static int64_t missing_ns(const struct sampler *s, const struct sproc *c, const struct births *b, int64_t seen)
{
	if (c->told)
		return c->told_ns - seen;
	if (!b || b == s->root_births || b->all_ns < 0)
		return 0;
	return b->all_ns - b->base_ns - b->paid_ns - seen - gone_seen(s, c);
}

void births_settle(struct sampler *s, struct sproc *c, int64_t now)
{
	struct sproc *parent = sproc_find(s, c->ppid);
	struct births *b = births_of_parent(s, c);
	struct sthread *first = sthread_find(c, c->pid);
	int64_t seen = subtree_seen(s, c, 0), gap = 0, missing = first ? missing_ns(s, c, b, seen) : 0;
	bool alike = b && is_alike(b, parent, c);

	for (const struct sthread *t = c->threads; t; t = t->next)
		gap += now - t->looked_ns;
	if (missing > 0 && gap > 0) {
		first->owed_ns = alike || missing < gap ? missing : gap;
		seen += first->owed_ns;
		s->tree_cpu_ns += first->owed_ns;
		seen += last_child_settle(s, c->births, missing - first->owed_ns);
	}
	if (b) {
		b->paid_ns += seen;
		b->last = alike && first ? (int64_t)first->book : b->last;
	}
	if (parent)
		parent->ended_ns += seen;
}

/* Of a command the supervisor's word comes as soon as it has reaped it. */
static bool awaits_word(const struct sampler *s, const struct sproc *c, int64_t now)
{
	return !s->attached && c->ppid == s->root && !c->told && now - c->gone_ns < WORD_NS;
}

void births_gone(struct sampler *s, pid_t parent, int64_t now)
{
	for (struct sproc *c = s->first, *next; c; c = next) {
		next = c->after;
		if (!c->gone_ns || (parent && c->ppid != parent) || awaits_word(s, c, now))
			continue;
		births_settle(s, c, c->gone_ns);
		sproc_end(s, c, c->gone_ns);
		s->born_ns = now;
	}
}

void births_count(struct sampler *s)
{
	for (struct sproc *p = s->first; p; p = p->after)
		if (p->births)
			p->births->all_ns = ended_ns(p->births);
}

/* Between fork and exec it has its parent's name. */
static void name_again(struct sampler *s, struct sproc *p, int64_t now)
{
	struct proc_stat st;

	if (proc_stat_read(p->pid, &st) < 0)
		return;
	if (strcmp(p->comm, st.comm) != 0) {
		sproc_exec(s, p, st.comm);
		sproc_names(s, p);
	} else if (now - p->start_ns > YOUNG_NS) {
		sproc_names(s, p);
	}
}

int64_t births_began(struct sampler *s, const struct proc_stat *st, int64_t now)
{
	const struct sproc *parent = sproc_find(s, st->ppid);
	int64_t from = st->start_ns - (clock_boot_ns() - clock_mono_ns()), least = parent ? parent->start_ns : s->start_ns;

	if (s->attached || from > now || from < now - NS_PER_S) /* there before us, or clocks differ (a time namespace) */
		return now;
	return from < least ? least : from;
}

static void birth(struct sampler *s, pid_t pid, const struct sproc *parent, int64_t now)
{
	struct proc_stat st;
	struct sproc *p;
	int64_t from;

	if (proc_stat_read(pid, &st) < 0)
		return;
	from = births_began(s, &st, now);
	p = sproc_add(s, pid, st.ppid, from);
	if (strcmp(p->comm, st.comm) != 0)
		sproc_exec(s, p, st.comm);
	sthread_add(s, p, pid, from);
	if (!parent || strcmp(parent->comm, p->comm) != 0)
		sproc_names(s, p);
	s->born_ns = now;
}

static void children_look(struct sampler *s, struct births *b, pid_t pid, const struct sproc *parent, int threads,
			  int64_t now)
{
	auto_pid_list list = PID_LIST_INIT;

	b->all_ns = ended_ns(b);
	if (proc_watch_children(&b->w, threads, &list) < 0)
		return;
	for (size_t i = 0; i < list.n; i++)
		if (!sproc_find(s, list.v[i]))
			birth(s, list.v[i], parent, now);
	for (struct sproc *c = s->first; c; c = c->after) {
		struct proc_stat st;

		if (c->ppid == pid && !c->gone_ns && !pid_list_has(&list, c->pid) && proc_stat_read(c->pid, &st) < 0)
			c->gone_ns = now;
	}
	births_gone(s, pid, now);
}

static int thread_count(const struct sproc *p)
{
	int n = 0;

	for (const struct sthread *t = p->threads; t; t = t->next)
		n++;
	return n;
}

void sampler_births(struct sampler *s, int64_t now)
{
	pid_t parents[PARENTS_MAX];
	size_t n = 0;

	s->unnamed = false;
	if (s->proc_count > PROCS_MAX)
		return;
	if (!s->attached && births_of(&s->root_births, s->root, true, 0))
		children_look(s, s->root_births, s->root, NULL, 1, now);
	for (struct sproc *p = s->first; p; p = p->after) {
		struct sproc *parent = sproc_find(s, p->ppid);

		if (!p->named)
			name_again(s, p, now);
		s->unnamed |= !p->named && now - p->start_ns < FRESH_NS;
		if (parent)
			parent->has_children = true;
	}
	for (struct sproc *p = s->first; p && n < PARENTS_MAX; p = p->after)
		if (p->has_children || p->ppid == s->root)
			parents[n++] = p->pid;
	for (size_t i = 0; i < n; i++) { /* any of them may end while others are looked at */
		struct sproc *p = sproc_find(s, parents[i]);
		int threads = p ? thread_count(p) : 0;

		if (threads && threads <= THREADS_LISTED_MAX && births_of(&p->births, p->pid, s->attached, p->ended_ns))
			children_look(s, p->births, p->pid, p, threads, now);
	}
}

bool births_expected(const struct sampler *s, int64_t now)
{
	return s->engine != &sampler_perf && s->born_ns && now - s->born_ns < BUSY_NS;
}
