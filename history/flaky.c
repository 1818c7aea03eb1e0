/* SPDX-License-Identifier: Apache-2.0 */
#include "history/flaky.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

const char *const flaky_state_text[] = { "flaky", "broken", "suspect", "new", "stable", NULL };

void flaky_test_init(struct flaky_test *t)
{
	*t = (struct flaky_test){ .last = -1, .last_run = -1, .since_rev = -1 };
}

void flaky_test_release(struct flaky_test *t)
{
	free(t->revs);
	t->revs = NULL;
}

static struct flaky_rev *rev_of(struct flaky_test *t, int32_t rev)
{
	for (uint32_t i = t->n_revs; i-- > 0;)
		if (t->revs[i].rev == rev)
			return &t->revs[i];
	if ((t->n_revs & (t->n_revs - 1)) == 0)
		t->revs = xreallocarray(t->revs, t->n_revs ? t->n_revs * 2 : 1, sizeof(*t->revs));
	t->revs[t->n_revs] = (struct flaky_rev){ rev, -1, -1 };
	return &t->revs[t->n_revs++];
}

void flaky_see(struct flaky_test *t, int32_t run, int32_t rev, bool clean, enum test_result result)
{
	bool bad = test_result_is_bad(result);

	if (!bad && result != TEST_PASS)
		return;
	if (run != t->last_run) {
		if (t->runs == FLAKY_RUNS)
			return;
		t->runs++;
		t->last_run = run;
	}
	t->attempts++;
	t->failures += bad;
	t->hangs += result == TEST_TIMEOUT || result == TEST_STALLED;
	t->flips += t->last >= 0 && t->last != bad;
	t->last = bad;
	if (bad && !t->streak_over) {
		t->trailing = (uint8_t)(t->trailing + (t->trailing < UINT8_MAX));
		t->since_rev = rev;
	}
	t->streak_over |= !bad;
	if (rev >= 0 && clean) {
		struct flaky_rev *r = rev_of(t, rev);

		*(bad ? &r->fail_run : &r->pass_run) = run;
	}
}

enum flaky_state flaky_state_of(const struct flaky_test *t)
{
	for (uint32_t i = 0; i < t->n_revs; i++)
		if (t->revs[i].pass_run >= 0 && t->revs[i].fail_run >= 0)
			return FLAKY_FLAKY;
	if (t->trailing >= 3)
		return FLAKY_BROKEN;
	if (t->flips >= 3)
		return FLAKY_SUSPECT;
	return t->attempts < 5 ? FLAKY_NEW : FLAKY_STABLE;
}

/* ---- out of the store ---- */

struct rev_table {
	uint32_t *slots;
	size_t size; /* a power of two */
};
struct run_info {
	int64_t run_no;
	int32_t rev;
	bool clean;
};

/* The place of a name in an open table of numbers + 1, which has room. */
static size_t rev_slot(const struct flaky *f, const struct rev_table *t, const char *rev)
{
	size_t at = hash_bytes(0, rev, strlen(rev)) & (t->size - 1);

	while (t->slots[at] && strcmp(f->revs[t->slots[at] - 1], rev) != 0)
		at = (at + 1) & (t->size - 1);
	return at;
}

static void rev_table_grow(const struct flaky *f, struct rev_table *t)
{
	free(t->slots);
	t->size = t->size ? t->size * 2 : 64;
	t->slots = xcalloc(t->size, sizeof(*t->slots));
	for (size_t i = 0; i < f->n_revs; i++)
		t->slots[rev_slot(f, t, f->revs[i])] = (uint32_t)i + 1;
}

static int32_t rev_number(struct flaky *f, struct rev_table *t, const char *rev)
{
	size_t at;

	if (!rev || !*rev)
		return -1;
	if (f->n_revs * 2 >= t->size)
		rev_table_grow(f, t);
	at = rev_slot(f, t, rev);
	if (t->slots[at])
		return (int32_t)t->slots[at] - 1;
	f->revs = xreallocarray(f->revs, f->n_revs + 1, sizeof(*f->revs));
	f->revs[f->n_revs++] = xstrdup(rev);
	t->slots[at] = (uint32_t)f->n_revs;
	return (int32_t)f->n_revs - 1;
}

static int read_runs(struct store *s, int64_t now, struct flaky *f, struct run_info **runs, struct err *e)
{
	auto_query *q = query_new(s, "SELECT k.run_no, k.run_id, r.repo_rev, r.repo_dirty FROM run_keys k JOIN runs r"
				  " ON r.run_id = k.run_id WHERE k.created_at >= ? AND k.created_at <= ? AND k.tests > 0"
				  " ORDER BY k.created_at DESC, k.run_no DESC", e);
	int64_t from = now - FLAKY_DAYS * 86400 * NS_PER_S;
	struct rev_table revs = { NULL, 0 };
	char since[STORE_TIME_SIZE], until[STORE_TIME_SIZE];
	int rc;

	if (!q)
		return -1;
	store_time(since, from > 0 ? from : 0);
	store_time(until, now + 3600 * NS_PER_S); /* clocks of machines differ a little */
	query_bind(q, "tt", since, until);
	while ((rc = query_step(q, e)) == 1) {
		if ((f->n_runs & (f->n_runs - 1)) == 0) {
			size_t cap = f->n_runs ? f->n_runs * 2 : 1;

			*runs = xreallocarray(*runs, cap, sizeof(**runs));
			f->run_ids = xreallocarray(f->run_ids, cap, sizeof(*f->run_ids));
		}
		(*runs)[f->n_runs] = (struct run_info){ query_int(q, 0), rev_number(f, &revs, query_text(q, 2)),
							query_kind(q, 3) != QUERY_NULL && query_int(q, 3) == 0 };
		f->run_ids[f->n_runs++] = xstrdup(query_text(q, 1));
	}
	free(revs.slots);
	return rc;
}

static struct flaky_test *test_at(struct flaky_test **tests, size_t *size, int64_t no)
{
	size_t at = (size_t)no;

	if (at >= *size) {
		size_t want = at + at / 2 + 64;

		*tests = xreallocarray(*tests, want, sizeof(**tests));
		for (size_t i = *size; i < want; i++)
			flaky_test_init(&(*tests)[i]);
		*size = want;
	}
	return &(*tests)[at];
}

static int read_results(struct store *s, const struct flaky *f, const struct run_info *runs, struct flaky_test **tests,
			size_t *size, struct err *e)
{
	auto_query *q = query_new(s,
				  "SELECT test_no, result FROM results WHERE run_no = ? ORDER BY test_no DESC,"
				  " attempt DESC",
				  e);

	if (!q)
		return -1;
	for (size_t i = 0; i < f->n_runs; i++) {
		int rc;

		query_bind(q, "i", runs[i].run_no);
		while ((rc = query_step(q, e)) == 1)
			flaky_see(test_at(tests, size, query_int(q, 0)), (int32_t)i, runs[i].rev, runs[i].clean,
				  (enum test_result)query_int(q, 1));
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* A few tests out of runs of thousands: each is looked up by its key. */
static int read_some(struct store *s, const struct flaky *f, const struct run_info *runs, const int64_t *only,
		     size_t n_only, struct flaky_test **tests, size_t *size, struct err *e)
{
	auto_query *q = query_new(s, "SELECT result FROM results WHERE run_no = ? AND test_no = ? ORDER BY attempt DESC", e);

	for (size_t i = 0; q && i < f->n_runs * n_only; i++) {
		size_t run = i / n_only;
		int64_t test = only[i % n_only];
		int rc;

		if (test_at(tests, size, test)->runs == FLAKY_RUNS)
			continue; /* older ones would be passed over */
		query_bind(q, "ii", runs[run].run_no, test);
		while ((rc = query_step(q, e)) == 1)
			flaky_see(test_at(tests, size, test), (int32_t)run, runs[run].rev, runs[run].clean,
				  (enum test_result)query_int(q, 0));
		if (rc < 0)
			return -1;
	}
	return q ? 0 : -1;
}

static int name_tests(struct store *s, struct flaky *f, struct flaky_test *tests, size_t size, struct err *e)
{
	auto_query *q = query_new(s, "SELECT test_no, suite, case_id FROM tests ORDER BY suite, case_id", e);
	int rc;

	if (!q)
		return -1;
	while ((rc = query_step(q, e)) == 1) {
		int64_t no = query_int(q, 0);

		if ((size_t)no >= size || !tests[no].attempts)
			continue;
		if ((f->n & (f->n - 1)) == 0)
			f->rows = xreallocarray(f->rows, f->n ? f->n * 2 : 1, sizeof(*f->rows));
		f->rows[f->n++] = (struct flaky_row){ xstrdup(query_text(q, 1)), xstrdup(query_text(q, 2)), tests[no] };
		tests[no].revs = NULL; /* the row's now */
	}
	return rc;
}

int flaky_read(struct store *s, int64_t now, const int64_t *only, size_t n_only, struct flaky *f, struct err *e)
{
	auto_free struct run_info *runs = NULL;
	auto_free struct flaky_test *tests = NULL;
	size_t size = 0;
	int rc;

	memset(f, 0, sizeof(*f));
	rc = read_runs(s, now, f, &runs, e);
	if (rc == 0)
		rc = only ? read_some(s, f, runs, only, n_only, &tests, &size, e)
			  : read_results(s, f, runs, &tests, &size, e);
	if (rc == 0)
		rc = name_tests(s, f, tests, size, e);
	for (size_t i = 0; i < size; i++)
		flaky_test_release(&tests[i]);
	return rc;
}

void flaky_release(struct flaky *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->rows[i].suite);
		free(f->rows[i].case_id);
		flaky_test_release(&f->rows[i].t);
	}
	for (size_t i = 0; i < f->n_runs; i++)
		free(f->run_ids[i]);
	for (size_t i = 0; i < f->n_revs; i++)
		free(f->revs[i]);
	free(f->rows);
	free(f->run_ids);
	free(f->revs);
	memset(f, 0, sizeof(*f));
}

const struct flaky_row *flaky_find(const struct flaky *f, const char *suite, const char *case_id)
{
	for (size_t low = 0, high = f->n; low < high;) {
		size_t at = (low + high) / 2;
		int c = strcmp(suite, f->rows[at].suite);

		c = c ? c : strcmp(case_id, f->rows[at].case_id);
		if (c == 0)
			return &f->rows[at];
		if (c < 0)
			high = at;
		else
			low = at + 1;
	}
	return NULL;
}
