/* SPDX-License-Identifier: Apache-2.0 */
/* gather_tests.c - tests against each other: which is slow, how much of them are fixtures, who sleeps. */
#include "evidence/gather.h"

#include "base/mem.h"

#include <stdlib.h>

enum { TESTS_LEAST = 3 };

struct timed {
	struct fact_row *r;
	double ms;
};

static int slowest_first(const void *a, const void *b)
{
	const struct timed *x = a, *y = b;

	return x->ms < y->ms ? 1 : x->ms > y->ms ? -1 : 0;
}

static void put_sleep(struct fact_row *r, double duration_ms)
{
	if (fact_get(r, FC_CASE_sleep_ms)->known && duration_ms > 0)
		fact_set_num(r, FC_CASE_sleep_share, fact_num(r, FC_CASE_sleep_ms, 0) / duration_ms);
}

static void put_ranks(struct timed *v, size_t n, double run_ms)
{
	double median;

	if (n < TESTS_LEAST)
		return;
	qsort(v, n, sizeof(*v), slowest_first);
	median = v[n / 2].ms;
	for (size_t i = 0; i < n; i++) {
		fact_set_int(v[i].r, FC_CASE_rank, (int64_t)i + 1);
		if (run_ms > 0)
			fact_set_num(v[i].r, FC_CASE_share, v[i].ms / run_ms);
		fact_set_num(v[i].r, FC_CASE_times_median, v[i].ms / (median > 1 ? median : 1));
	}
}

void gather_tests(struct facts *f)
{
	const struct fact_table *t = &f->table[FACT_CASE];
	struct fact_row *run = gather_single(f, FACT_RUN);
	struct timed *v = xcalloc(t->n + 1, sizeof(*v));
	double fixtures = 0;
	int64_t with = 0;
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct fact_row *r = t->rows[i];
		double ms = fact_num(r, FC_CASE_duration_ms, -1);

		if (ms < 0 || fact_bool(r, FC_CASE_container) || fact_bool(r, FC_CASE_running))
			continue;
		v[n++] = (struct timed){ r, ms };
		put_sleep(r, ms);
		if (fact_get(r, FC_CASE_setup_share)->known) {
			fixtures += fact_num(r, FC_CASE_setup_share, 0) + fact_num(r, FC_CASE_teardown_share, 0);
			with++;
		}
	}
	put_ranks(v, n, fact_num(run, FC_RUN_duration_ms, 0));
	if (with) {
		fact_set_num(run, FC_RUN_fixture_share, fixtures / (double)with);
		fact_set_int(run, FC_RUN_fixture_tests, with);
	}
	free(v);
}
