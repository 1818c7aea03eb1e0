/* SPDX-License-Identifier: Apache-2.0 */
/* derive_chain.c - the chain of waiting from the command down to its roots.
 *
 * A thread that waits for something with known holders leads to them; one that waits for a child, or reads from a pipe
 * or set of descriptors while it has living children, leads to these children; any other thread is a root. Where a
 * snapshot names its roots itself, in their order (contract 11), those count, and the chain is the shortest way from
 * the command to each. */
#include "evidence/derive.h"

#include "base/frame_home.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_MAX 64
#define CHAIN_NAMED 12

struct search {
	struct derive *d;
	int64_t *from;  /* by thread: the one before it on the shortest way; -1 not reached, itself: a beginning */
	int64_t *queue;
	size_t n;
};

static void chain_text(const struct derive *d, const int64_t *link, unsigned n, struct str *out)
{
	for (unsigned i = 0; i < n; i++) {
		const struct fact_row *r = d->thread[link[i]];
		const char *kind = fact_text(r, FC_THREAD_waits_kind);

		if (n > CHAIN_NAMED && i == CHAIN_NAMED / 2) {
			str_addf(out, " … %u more …", n - CHAIN_NAMED);
			i = n - CHAIN_NAMED / 2 - 1;
			continue;
		}
		str_addf(out, "%s%s (pid %lld", i ? " -> " : "", fact_text(r, FC_THREAD_comm),
			 (long long)fact_int(r, FC_THREAD_pid, 0));
		if (fact_get(r, FC_THREAD_task)->known)
			str_addf(out, ", %s", fact_text(r, FC_THREAD_task));
		else if (!fact_bool(r, FC_THREAD_main))
			str_addf(out, ", thread %lld", (long long)fact_int(r, FC_THREAD_tid, 0));
		str_add(out, ")");
		if (*kind)
			str_addf(out, " %s", kind);
		/* of a peer its address, too: it may be anywhere */
		if (strstr(fact_text(r, FC_THREAD_waits_resource), " peer ") && str_starts(kind, "socket_"))
			str_addf(out, " (%s)", fact_text(r, FC_THREAD_waits_resource));
		else if (strcmp(kind, "rwlock") == 0 && *fact_text(r, FC_THREAD_waits_resource))
			str_addf(out, " (%s)", fact_text(r, FC_THREAD_waits_resource));
		if (*fact_text(r, FC_THREAD_function))
			str_addf(out, " in %s", fact_text(r, FC_THREAD_function));
	}
}

static void reach(struct search *s, int64_t from, int64_t to)
{
	const struct fact_row *r;

	if (to < 0 || s->from[to] >= 0)
		return;
	s->from[to] = from;
	s->queue[s->n++] = to;
	/* Of a program with tasks its first one stands for its first thread. */
	r = s->d->thread[to];
	if (fact_bool(r, FC_THREAD_main))
		reach(s, to, derive_thread(s->d, fact_int(r, FC_THREAD_pid, -1), GATHER_TASK_TID + 1));
}

/* Does this thread wait for something that the process holds? */
static bool waits_for(const struct search *s, int64_t pid, int64_t tid, int64_t holder)
{
	const struct fact_table *t = &s->d->f->table[FACT_EDGE];

	for (size_t i = 0; i < t->n; i++)
		if (fact_int(t->rows[i], FC_EDGE_pid, -2) == pid && fact_int(t->rows[i], FC_EDGE_tid, -2) == tid &&
		    fact_int(t->rows[i], FC_EDGE_holder_pid, -2) == holder)
			return true;
	return false;
}

/* Of children that are waited for all alike, such as a client and its server, is this one waited for by another of them? The
 * way leads by that one. Who waits for it is looked for first: of a thousand children that is hardly anybody. */
static bool is_behind_another(const struct search *s, const struct fact_row *edge, int64_t next)
{
	const struct fact_table *t = &s->d->f->table[FACT_EDGE];
	int64_t parent = fact_int(edge, FC_EDGE_pid, -1), parent_tid = fact_int(edge, FC_EDGE_tid, -1);
	int64_t pid = fact_int(s->d->thread[next], FC_THREAD_pid, -1), tid = fact_int(s->d->thread[next], FC_THREAD_tid, -1);

	if (strcmp(fact_text(edge, FC_EDGE_kind), "child") != 0)
		return false;
	for (size_t i = 0; i < t->n; i++) {
		int64_t other = fact_int(t->rows[i], FC_EDGE_pid, -2), first;

		if (fact_int(t->rows[i], FC_EDGE_holder_pid, -2) != pid)
			continue;
		first = derive_thread(s->d, other, 0); /* it is the first thread that stands for a child */
		if (first < 0 || first == next ||
		    fact_int(t->rows[i], FC_EDGE_tid, -2) != fact_int(s->d->thread[first], FC_THREAD_tid, -1))
			continue;
		if (waits_for(s, parent, parent_tid, other) && !waits_for(s, pid, tid, other))
			return true;
	}
	return false;
}

static bool reach_holders(struct search *s, int64_t at)
{
	const struct fact_table *t = &s->d->f->table[FACT_EDGE];
	const struct fact_row *r = s->d->thread[at];
	int64_t pid = fact_int(r, FC_THREAD_pid, -1), tid = fact_int(r, FC_THREAD_tid, -1);
	bool led = false;

	for (size_t i = 0; i < t->n; i++) {
		int64_t next;

		if (fact_int(t->rows[i], FC_EDGE_pid, -2) != pid || fact_int(t->rows[i], FC_EDGE_tid, -2) != tid)
			continue;
		next = derive_thread(s->d, fact_int(t->rows[i], FC_EDGE_holder_pid, -1),
				     fact_int(t->rows[i], FC_EDGE_holder_tid, 0));
		if (next < 0 || next == at)
			continue;
		led = true;
		if (!is_behind_another(s, t->rows[i], next))
			reach(s, at, next);
	}
	return led;
}

static bool reach_children(struct search *s, int64_t at)
{
	int64_t pid = fact_int(s->d->thread[at], FC_THREAD_pid, -1);
	bool led = false;

	for (size_t i = 0; i < s->d->n_proc; i++) {
		int64_t next;

		if (fact_int(s->d->proc[i], FC_PROCESS_ppid, -2) != pid || !derive_is_alive(s->d->proc[i]))
			continue;
		next = derive_thread(s->d, fact_int(s->d->proc[i], FC_PROCESS_pid, -1), 0);
		led = led || next >= 0;
		reach(s, at, next);
	}
	return led;
}

static void reach_threads(struct search *s, int64_t at)
{
	int64_t pid = fact_int(s->d->thread[at], FC_THREAD_pid, -1);

	for (size_t i = 0; i < s->d->n_thread; i++)
		if (fact_int(s->d->thread[i], FC_THREAD_pid, -2) == pid)
			reach(s, at, (int64_t)i);
}

static bool waits_for_children(const char *kind)
{
	static const char *const kinds[] = { "child", "pipe_read", "poll", "socket_recv", "signal" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kind, kinds[i]) == 0)
			return true;
	return false;
}

/* From the command that was ended, as long as there is somebody new. Other threads of a process come last: what is
 * known to be waited for is the better way. Among tasks, the last that was found leads on: the others lead to it. */
static void search_all(struct search *s)
{
	auto_free bool *looked = xcalloc(s->d->n_thread + 1, sizeof(bool));
	size_t at = 0;

	for (;;) {
		int64_t beside = -1;

		while (at < s->n) {
			int64_t i = s->queue[at++];
			bool led = reach_holders(s, i);

			if (!led && waits_for_children(fact_text(s->d->thread[i], FC_THREAD_waits_kind)))
				led = reach_children(s, i);
			if (!led && !s->d->roots_given)
				fact_set_bool(s->d->thread[i], FC_THREAD_root, true);
		}
		for (size_t i = 0; i < s->n; i++)
			if (!looked[s->queue[i]] &&
			    (beside < 0 || fact_get(s->d->thread[s->queue[i]], FC_THREAD_task)->known))
				beside = s->queue[i];
		if (!s->d->roots_given || beside < 0)
			return;
		looked[beside] = true;
		reach_threads(s, beside);
	}
}

/* The threads on the way to this one, the command first; as many as there are. */
static unsigned way_to(const struct search *s, int64_t to, int64_t link[CHAIN_MAX])
{
	int64_t back[CHAIN_MAX];
	unsigned n = 0;

	for (int64_t at = to; n < CHAIN_MAX; at = s->from[at]) {
		back[n++] = at;
		if (s->from[at] == at)
			break;
	}
	for (unsigned i = 0; i < n; i++)
		link[i] = back[n - 1 - i];
	return n;
}

/* Has its place a name of the program's own, such as a script whose line is not known? */
static bool names_own(const struct fact_row *r)
{
	struct frame_words words = { .language = fact_text(r, FC_THREAD_language),
				     .function = fact_text(r, FC_THREAD_function),
				     .file = fact_text(r, FC_THREAD_file), .module = fact_text(r, FC_THREAD_module),
				     .line = (long)fact_int(r, FC_THREAD_line, 0) };

	return *words.file && frame_place(&words, false) <= PLACE_OWN_NAME;
}

static void up_is(const struct derive *d, struct fact_row *r, const struct fact_row *up, bool line)
{
	auto_str place = STR_INIT;

	str_addf(&place, "%s:%s", fact_text(up, FC_THREAD_file), fact_text(up, FC_THREAD_function));
	if (line)
		str_addf(&place, ":%lld", (long long)fact_int(up, FC_THREAD_line, 0));
	fact_set_text(d->f, r, FC_THREAD_up, str_cstr(&place));
}

/* The way may lead past those who started the leaf, through a pipe that all of them hold (a test runner that reads what
 * its workers print): the nearest line of the program's own among its ancestors. */
static void put_up_from_parents(const struct derive *d, struct fact_row *r)
{
	const struct fact_row *up = r;

	for (unsigned i = 0; i < CHAIN_MAX; i++) {
		int64_t at = derive_thread(d, fact_int(up, FC_THREAD_ppid, -1), 0);

		if (at < 0 || d->thread[at] == up)
			return;
		up = d->thread[at];
		if (fact_bool(up, FC_THREAD_own_line)) {
			up_is(d, r, up, true);
			return;
		}
	}
}

/* A leaf without source, or in a library, has a caller that is the program's own; of an interpreter whose stack nobody
 * reads the script at least. */
static void put_up(const struct derive *d, const int64_t *link, unsigned n)
{
	struct fact_row *r = d->thread[link[n - 1]];

	if (fact_bool(r, FC_THREAD_own_line) || names_own(r))
		return;
	for (unsigned i = n - 1; i-- > 0;) {
		const struct fact_row *up = d->thread[link[i]];
		bool line = fact_bool(up, FC_THREAD_own_line);

		if (!line && (!*fact_text(up, FC_THREAD_file) || fact_get(up, FC_THREAD_line)->known))
			continue;
		up_is(d, r, up, line);
		return;
	}
	put_up_from_parents(d, r);
}

static void mark_way(struct search *s, int64_t root)
{
	struct derive *d = s->d;
	int64_t link[CHAIN_MAX];
	unsigned n = way_to(s, root, link);

	for (unsigned i = 0; i < n; i++) {
		struct fact_row *r = d->thread[link[i]];
		auto_str text = STR_INIT;

		if (fact_get(r, FC_THREAD_chain_length)->known)
			continue;
		chain_text(d, link, i + 1, &text);
		fact_set_text(d->f, r, FC_THREAD_chain, str_cstr(&text));
		fact_set_int(r, FC_THREAD_chain_length, i + 1);
		put_up(d, link, i + 1);
	}
}

/* The first thread of a process; of a launcher that has started its main in a thread (Java), that one. */
static int64_t thread_of_main(const struct derive *d, int64_t pid)
{
	const struct fact_table *t = &d->f->table[FACT_EDGE];
	int64_t first = derive_thread(d, pid, 0);

	if (first < 0 || fact_bool(d->thread[first], FC_THREAD_own_line))
		return first;
	for (size_t i = 0; i < t->n; i++)
		if (fact_int(t->rows[i], FC_EDGE_pid, -1) == pid && fact_int(t->rows[i], FC_EDGE_tid, -1) == pid &&
		    fact_int(t->rows[i], FC_EDGE_holder_pid, -1) == pid)
			return derive_thread(d, pid, fact_int(t->rows[i], FC_EDGE_holder_tid, 0));
	return first;
}

/* A thread in a library, on nobody's way, serves its program: the line of that one's first thread. */
static void put_up_from_first(const struct derive *d)
{
	for (size_t i = 0; i < d->n_thread; i++) {
		int64_t first = thread_of_main(d, fact_int(d->thread[i], FC_THREAD_pid, -1));
		const int64_t link[] = { first, (int64_t)i };

		if (first >= 0 && first != (int64_t)i && !fact_get(d->thread[i], FC_THREAD_up)->known &&
		    fact_bool(d->thread[first], FC_THREAD_own_line))
			put_up(d, link, 2);
	}
}

static void mark_ways(struct search *s)
{
	for (size_t i = 0; i < s->d->n_thread; i++)
		if (s->from[i] >= 0 && fact_bool(s->d->thread[i], FC_THREAD_root))
			mark_way(s, (int64_t)i);
}

/* Each command that was ended; where none is known, the top of the tree. */
static void begin(struct search *s)
{
	struct derive *d = s->d;

	for (int pass = 0; pass < 2 && !s->n; pass++)
		for (size_t i = 0; i < d->n_proc; i++) {
			const struct fact_row *p = d->proc[i];
			const char *status = fact_text(p, FC_PROCESS_command_status);
			int64_t at = derive_thread(d, fact_int(p, FC_PROCESS_pid, -1), 0);

			if (pass == 0 && (!fact_bool(p, FC_PROCESS_is_command) || strcmp(status, "ok") == 0 ||
					  strcmp(status, "error") == 0))
				continue;
			if (pass == 1 && fact_int(p, FC_PROCESS_depth, 0) > 0)
				continue;
			reach(s, at, at);
		}
}

/* --- ranks: 0 is where to look first --- */

static void rank_least(struct fact_row *r, enum fact_col c, int64_t rank)
{
	if (rank >= 0 && (!fact_get(r, c)->known || fact_int(r, c, 0) > rank))
		fact_set_int(r, c, rank);
}

static int64_t thread_rank(const struct derive *d, int64_t pid, int64_t tid)
{
	int64_t at = derive_thread(d, pid, tid);

	return at < 0 ? -1 : fact_int(d->thread[at], FC_THREAD_rank, -1);
}

/* Where no snapshot gave an order: as the search met them. */
static void rank_found(struct search *s)
{
	int64_t rank = 0;

	for (size_t i = 0; i < s->n; i++)
		if (fact_bool(s->d->thread[s->queue[i]], FC_THREAD_root))
			fact_set_int(s->d->thread[s->queue[i]], FC_THREAD_rank, rank++);
}

static void rank_rows(struct derive *d)
{
	const struct fact_table *edges = &d->f->table[FACT_EDGE], *cycles = &d->f->table[FACT_CYCLE];

	for (size_t i = 0; i < d->n_thread; i++) {
		struct fact_row *p = derive_process(d, fact_int(d->thread[i], FC_THREAD_pid, -1));

		if (p)
			rank_least(p, FC_PROCESS_rank, fact_int(d->thread[i], FC_THREAD_rank, -1));
	}
	for (size_t i = 0; i < edges->n; i++) {
		struct fact_row *e = edges->rows[i];
		int64_t number = fact_int(e, FC_EDGE_cycle, -1);

		rank_least(e, FC_EDGE_rank, thread_rank(d, fact_int(e, FC_EDGE_pid, -1), fact_int(e, FC_EDGE_tid, 0)));
		rank_least(e, FC_EDGE_rank, thread_rank(d, fact_int(e, FC_EDGE_holder_pid, -1),
							fact_int(e, FC_EDGE_holder_tid, 0)));
		for (size_t k = 0; k < cycles->n; k++)
			if (fact_int(cycles->rows[k], FC_CYCLE_cycle, -2) == number)
				rank_least(cycles->rows[k], FC_CYCLE_rank,
					   thread_rank(d, fact_int(e, FC_EDGE_pid, -1), fact_int(e, FC_EDGE_tid, 0)));
	}
}

static void mark_edges(struct derive *d)
{
	struct fact_table *t = &d->f->table[FACT_EDGE];

	for (size_t i = 0; i < t->n; i++) {
		int64_t at = derive_thread(d, fact_int(t->rows[i], FC_EDGE_pid, -1), fact_int(t->rows[i], FC_EDGE_tid, 0));

		if (at < 0)
			continue;
		fact_set_bool(t->rows[i], FC_EDGE_root, fact_bool(d->thread[at], FC_THREAD_root));
		if (fact_get(d->thread[at], FC_THREAD_chain_length)->known)
			fact_set_bool(t->rows[i], FC_EDGE_on_chain, true);
	}
}

void derive_chains(struct derive *d)
{
	const struct fact_table *t = &d->f->table[FACT_THREAD];
	struct search s = { .d = d, .from = xcalloc(d->n_thread + 1, sizeof(*s.from)),
			    .queue = xcalloc(d->n_thread + 1, sizeof(*s.queue)) };

	for (size_t i = 0; i < d->n_thread; i++)
		s.from[i] = -1;
	for (size_t i = 0; i < t->n; i++) {
		struct fact_row *r = t->rows[i];

		/* Who waits for a child that is there is a link of the chain, not its end. */
		if (strcmp(fact_text(r, FC_THREAD_root_pattern), "hang.wait.child") == 0 && !fact_bool(r, FC_THREAD_leaf))
			fact_set_bool(r, FC_THREAD_root, false);
		d->roots_given = d->roots_given || fact_bool(r, FC_THREAD_root);
	}
	begin(&s);
	search_all(&s);
	if (!d->roots_given)
		rank_found(&s);
	mark_ways(&s);
	put_up_from_first(d);
	rank_rows(d);
	mark_edges(d);
	free(s.from);
	free(s.queue);
}
