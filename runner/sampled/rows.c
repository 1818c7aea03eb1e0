/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/sampled/rows.h"

#include "base/json_read.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 200 };

/* ---- waits ---- */

struct waiting {
	uint32_t place, wait;
	int64_t ns, longest_ns, life_ns, from_ns, to_ns;
	uint32_t threads, last_thread, times;
	int32_t pid;
	bool main, resolver;
};
struct waitings {
	struct waiting *v;
	size_t n;
};

static bool is_resolver(const struct profile *p, uint32_t stack)
{
	for (uint32_t i = 0; i < p->stack_len[stack]; i++) {
		const char *name = p->frames[p->pool[p->stack_first[stack] + i]].function;

		if (name && (strstr(name, "getaddrinfo") || strstr(name, "gethostby") || strncmp(name, "__res_", 6) == 0))
			return true;
	}
	return false;
}

static struct waiting *waiting_for(struct waitings *w, uint32_t place, uint32_t wait, bool resolver)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->v[i].place == place && w->v[i].wait == wait && w->v[i].resolver == resolver)
			return &w->v[i];
	if (!(w->n & (w->n - 1)))
		w->v = xreallocarray(w->v, w->n ? w->n * 2 : 1, sizeof(*w->v));
	w->v[w->n] = (struct waiting){ .place = place, .wait = wait, .last_thread = UINT32_MAX, .resolver = resolver,
				       .from_ns = INT64_MAX };
	return &w->v[w->n++];
}

static int by_thread(const void *a, const void *b)
{
	const struct prof_sample *x = *(const struct prof_sample *const *)a, *y = *(const struct prof_sample *const *)b;

	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	return x < y ? -1 : x > y;
}

static void waits_take(struct waitings *w, const struct profile *p)
{
	auto_free const struct prof_sample **order = xcalloc(p->sample_count + 1, sizeof(*order));

	for (size_t i = 0; i < p->sample_count; i++)
		order[i] = &p->samples[i];
	if (p->sample_count) /* each thread counts once, wherever else it has been meanwhile */
		qsort(order, p->sample_count, sizeof(*order), by_thread);
	for (size_t i = 0; i < p->sample_count; i++) {
		const struct prof_sample *x = order[i];
		const struct prof_thread *t = &p->threads[x->thread];
		struct waiting *k;

		if (x->wait < 0)
			continue;
		k = waiting_for(w, profile_place(p, x->stack), (uint32_t)x->wait, is_resolver(p, x->stack));
		k->ns += x->wall_ns;
		k->times++;
		if (x->wall_ns > k->longest_ns)
			k->longest_ns = x->wall_ns;
		if (x->ts_ns < k->from_ns)
			k->from_ns = x->ts_ns;
		if (x->ts_ns + x->wall_ns > k->to_ns)
			k->to_ns = x->ts_ns + x->wall_ns;
		if (k->last_thread != x->thread) {
			k->last_thread = x->thread;
			k->threads++;
			k->life_ns += t->end_ns - t->start_ns;
		}
		k->main |= t->pid == t->tid;
		k->pid = t->pid;
	}
}

static int longest_first(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;

	return x->ns != y->ns ? (x->ns > y->ns ? -1 : 1) : x->place < y->place ? -1 : x->place > y->place;
}

static bool is_lock(const char *kind)
{
	/* On a semaphore or a plain futex idle workers wait, too: nobody holds it. */
	static const char *const kinds[] = { "mutex", "rwlock" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i], kind) == 0)
			return true;
	return false;
}

static void place_put(struct facts *f, struct fact_row *r, enum fact_col function, enum fact_col file, enum fact_col line,
		      const struct prof_frame *at)
{
	fact_set_text(f, r, function, at->function);
	fact_set_text(f, r, file, at->file);
	if (at->line > 0)
		fact_set_int(r, line, at->line);
}

/* How often the process gave its processor away, a second: the same place again and again where it is one place. */
static double wakeups_of(const struct sample_result *r, int32_t pid)
{
	double wakeups = -1;

	for (size_t i = 0; i < r->raw->note_count; i++) {
		const struct raw_note *n = &r->raw->notes[i];
		struct json_reader *reader;
		const struct json_value *v;
		struct err e;

		if (strcmp(n->kind, "usage") != 0 || !note_is_of(n, pid))
			continue;
		reader = json_reader_text(n->text, n->n, "usage");
		if (json_take(reader, &v, &e) == 0 && json_get(v, "pid") && json_get(v, "pid")->integer == pid) {
			double seconds = (double)(json_get(v, "end_ns")->integer - json_get(v, "start_ns")->integer) / 1e9;

			wakeups = seconds > 0.2 ? (double)json_get(v, "voluntary")->integer / seconds : -1;
		}
		json_reader_free(reader);
	}
	return wakeups;
}

static void wait_row(struct facts *f, const struct sample_result *all, const struct waiting *k, const char *file)
{
	const struct profile *p = all->p;
	double run = (double)(p->ended_ns - p->started_ns);
	struct fact_row *r = fact_add(f, FACT_WAIT, file, "/samples");
	const struct prof_frame *at = &p->frames[k->place];

	if (!r)
		return;
	fact_set_text(f, r, FC_WAIT_kind, p->waits[k->wait].kind);
	fact_set_text(f, r, FC_WAIT_resource, p->waits[k->wait].resource);
	place_put(f, r, FC_WAIT_function, FC_WAIT_file, FC_WAIT_line, at);
	fact_set_text(f, r, FC_WAIT_language, at->language);
	fact_set_num(r, FC_WAIT_wait_ms, (double)k->ns / 1e6);
	fact_set_num(r, FC_WAIT_share, run > 0 ? (double)k->ns / run : 0);
	fact_set_num(r, FC_WAIT_thread_share, k->life_ns > 0 ? (double)k->ns / (double)k->life_ns : 0);
	fact_set_int(r, FC_WAIT_threads, k->threads);
	fact_set_bool(r, FC_WAIT_on_main, k->main);
	fact_set_num(r, FC_WAIT_longest_ms, (double)k->longest_ns / 1e6);
	fact_set_bool(r, FC_WAIT_resolver, k->resolver);
	if (k->main && k->threads == 1 && k->life_ns > 0 && k->ns > k->life_ns / 4 && wakeups_of(all, k->pid) > 0)
		fact_set_num(r, FC_WAIT_wakeups_s, wakeups_of(all, k->pid));
}

/* Threads that waited for a lock at one place: who waited, for how long. Its holder is told where the wait names it. */
static void lock_row(struct facts *f, const struct profile *p, const struct waiting *k, const char *file)
{
	double run = (double)(p->ended_ns - p->started_ns);
	struct fact_row *r = fact_add(f, FACT_LOCK, file, "/samples");

	if (!r)
		return;
	fact_set_text(f, r, FC_LOCK_resource, p->waits[k->wait].resource ? p->waits[k->wait].resource :
			p->waits[k->wait].kind);
	fact_set_int(r, FC_LOCK_waiters, k->threads);
	fact_set_num(r, FC_LOCK_wait_ms, (double)k->ns / 1e6);
	fact_set_num(r, FC_LOCK_share, run > 0 ? (double)k->ns / run : 0);
	place_put(f, r, FC_LOCK_function, FC_LOCK_file, FC_LOCK_line, &p->frames[k->place]);
}

static void sampled_waits(struct facts *f, const struct sample_result *all, const char *file)
{
	const struct profile *p = all->p;
	struct waitings w = { 0 };

	waits_take(&w, p);
	if (w.n)
		qsort(w.v, w.n, sizeof(*w.v), longest_first);
	for (size_t i = 0; i < w.n && i < ROWS_MAX; i++) {
		wait_row(f, all, &w.v[i], file);
		if (is_lock(p->waits[w.v[i].wait].kind))
			lock_row(f, p, &w.v[i], file);
	}
	free(w.v);
}

/* ---- exact counts ---- */

static void sampled_calls(struct facts *f, const struct calls *c, const char *file)
{
	for (uint32_t i = 0; i < c->index.n && i < ROWS_MAX; i++) {
		const struct call_function *x = &c->v[i];
		struct fact_row *r = fact_add(f, FACT_FUNCTION, file, "/metrics/top");

		if (!r)
			return;
		fact_set_text(f, r, FC_FUNCTION_function, x->name);
		fact_set_text(f, r, FC_FUNCTION_file, x->file);
		if (x->line > 0)
			fact_set_int(r, FC_FUNCTION_line, x->line);
		fact_set_text(f, r, FC_FUNCTION_language, "python");
		fact_set_num(r, FC_FUNCTION_call_count, x->calls);
		fact_set_num(r, FC_FUNCTION_total_time_us, x->total_s * 1e6);
		fact_set_num(r, FC_FUNCTION_self_time_us, x->self_s * 1e6);
		fact_set_num(r, FC_FUNCTION_avg_time_us, x->calls > 0 ? x->total_s * 1e6 / x->calls : 0);
	}
}

void sampled_rows(struct facts *f, const struct sample_result *r, const char *run_id)
{
	auto_free char *shown = xasprintf("raw/%s/profile.json", run_id),
			*counts = xasprintf("raw/%s/artifact-cprofile.json", run_id);
	const char *file = facts_strn(f, shown, strlen(shown)), *artifact = facts_strn(f, counts, strlen(counts));

	sampled_functions(f, r->p, file);
	sampled_runtimes(f, r->p, r->raw, file);
	sampled_waits(f, r, file);
	sampled_usage(f, r, file);
	sampled_spawns(f, r, file);
	sampled_repeats(f, r->p, file);
	sampled_stacks(f, r->p, file);
	sampled_calls(f, r->calls, artifact);
}
