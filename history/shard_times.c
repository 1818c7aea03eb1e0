/* SPDX-License-Identifier: Apache-2.0 */
/* shard_times.c - how long the names of a list took: tests by any of the usual spellings, suites and files by the sum of
 * their tests. */
#include "history/shard.h"

#include "base/mem.h"
#include "history/recent.h"
#include "history/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LAST_PASSES 20
#define LAST_RUNS 50 /* in which a test's file is looked up */

struct timed {
	int64_t test_no;
	double ms;
};
struct times {
	struct timed *v; /* by test number */
	size_t n;
};

static void add_time(struct times *t, int64_t test_no, double *ms, size_t n)
{
	if ((t->n & (t->n - 1)) == 0)
		t->v = xreallocarray(t->v, t->n ? t->n * 2 : 1, sizeof(*t->v));
	t->v[t->n++] = (struct timed){ test_no, stats_median(ms, n) };
}

/* A test that ran under several workloads on this device: its rows say what came last. */
static int read_one(struct store *s, const char *device, int64_t test_no, struct times *t, struct err *e)
{
	auto_query *q = query_new(s,
				  "SELECT r.duration_us FROM lanes l JOIN run_keys k ON k.lane_no = l.lane_no JOIN"
				  " results r ON r.run_no = k.run_no WHERE l.device_id = ? AND r.test_no = ? AND"
				  " r.result = 0 AND r.duration_us IS NOT NULL ORDER BY k.created_at DESC, k.run_no"
				  " DESC, r.attempt DESC LIMIT 20",
				  e);
	double ms[LAST_PASSES];
	size_t n = 0;
	int rc;

	if (!q)
		return -1;
	query_bind(q, "ti", device, test_no);
	while ((rc = query_step(q, e)) == 1 && n < LAST_PASSES)
		ms[n++] = (double)query_int(q, 0) / 1000;
	if (n)
		add_time(t, test_no, ms, n);
	return rc < 0 ? -1 : 0;
}

static int read_blobs(struct store *s, const char *device, struct times *t, struct err *e)
{
	auto_query *q = query_new(s,
				  "SELECT r.test_no, r.passes, COUNT(*) OVER (PARTITION BY r.test_no) FROM lanes l"
				  " JOIN recent r ON r.lane_no = l.lane_no WHERE l.device_id = ? ORDER BY r.test_no",
				  e);
	int64_t last = -1;
	int rc;

	if (!q)
		return -1;
	query_bind(q, "t", device);
	while ((rc = query_step(q, e)) == 1) {
		int64_t test = query_int(q, 0);
		uint64_t us[RECENT_MAX];
		double ms[LAST_PASSES];
		const void *blob;
		size_t bytes, n, k = 0;

		if (query_int(q, 2) > 1) {
			if (test != last && read_one(s, device, test, t, e) < 0)
				return -1;
			last = test;
			continue;
		}
		blob = query_blob(q, 1, &bytes);
		n = recent_get(blob, bytes, us);
		for (size_t i = n > LAST_PASSES ? n - LAST_PASSES : 0; i < n; i++)
			ms[k++] = (double)us[i] / 1000;
		if (k)
			add_time(t, test, ms, k);
	}
	return rc;
}

static int read_rows(struct store *s, const char *device, struct times *t, struct err *e)
{
	auto_query *q = query_new(s,
				  "SELECT test_no, us FROM (SELECT r.test_no, r.duration_us AS us, ROW_NUMBER() OVER"
				  " (PARTITION BY r.test_no ORDER BY k.created_at DESC, k.run_no DESC, r.attempt"
				  " DESC) AS n FROM lanes l JOIN run_keys k ON k.lane_no = l.lane_no JOIN results r"
				  " ON r.run_no = k.run_no WHERE l.device_id = ? AND r.result = 0 AND r.duration_us"
				  " IS NOT NULL) AS x WHERE n <= 20 ORDER BY test_no",
				  e);
	double ms[LAST_PASSES];
	int64_t test = -1;
	size_t n = 0;
	int rc;

	if (!q)
		return -1;
	query_bind(q, "t", device);
	do {
		rc = query_step(q, e);
		if (n && (rc != 1 || query_int(q, 0) != test)) {
			add_time(t, test, ms, n);
			n = 0;
		}
		if (rc == 1) {
			test = query_int(q, 0);
			if (n < LAST_PASSES)
				ms[n++] = (double)query_int(q, 1) / 1000;
		}
	} while (rc == 1);
	return rc;
}

static int by_number(const void *a, const void *b)
{
	int64_t x = ((const struct timed *)a)->test_no, y = ((const struct timed *)b)->test_no;

	return (x > y) - (x < y);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void offer(struct shard_plan *p, const char *name, double ms)
{
	char **found = p->n ? bsearch(&name, p->names, p->n, sizeof(*p->names), by_text) : NULL;
	double *at = found ? &p->ms[found - p->names] : NULL;

	if (at)
		*at = isnan(*at) ? ms : *at + ms;
}

/* Each spelling once: with an empty suite they would be one. */
static void offer_test(struct shard_plan *p, const char *suite, const char *case_id, double ms)
{
	static const char *const joints[] = { " ", "/", "::", ".", "#", " > " };

	offer(p, case_id, ms);
	if (!*suite)
		return;
	if (strcmp(suite, case_id) != 0)
		offer(p, suite, ms);
	for (size_t i = 0; i < sizeof(joints) / sizeof(joints[0]); i++) {
		auto_free char *name = xasprintf("%s%s%s", suite, joints[i], case_id);

		offer(p, name, ms);
	}
}

static int name_times(struct store *s, struct times *t, struct shard_plan *p, struct err *e)
{
	auto_query *q = query_new(s, "SELECT test_no, suite, case_id FROM tests", e);
	int rc;

	if (!q)
		return -1;
	while ((rc = query_step(q, e)) == 1) {
		struct timed key = { query_int(q, 0), 0 };
		struct timed *found = t->n ? bsearch(&key, t->v, t->n, sizeof(*t->v), by_number) : NULL;

		if (found)
			offer_test(p, query_text(q, 1), query_text(q, 2), found->ms);
	}
	return rc;
}

/* Names that are still unknown may be files. */
static int file_times(struct store *s, const char *device, struct times *t, struct shard_plan *p, struct err *e)
{
	auto_query *q = query_new(s,
				  "SELECT DISTINCT r.test_no, f.path FROM (SELECT k.run_no FROM run_keys k JOIN"
				  " lanes l ON l.lane_no = k.lane_no WHERE l.device_id = ? AND k.tests > 0 ORDER BY"
				  " k.created_at DESC LIMIT 50) AS n JOIN results r ON r.run_no = n.run_no JOIN"
				  " files f ON f.file_no = r.file_no",
				  e);
	auto_free bool *open = xcalloc(p->n + 1, sizeof(*open));
	int rc;

	if (!q)
		return -1;
	for (size_t i = 0; i < p->n; i++)
		open[i] = isnan(p->ms[i]);
	query_bind(q, "t", device);
	while ((rc = query_step(q, e)) == 1) {
		struct timed key = { query_int(q, 0), 0 };
		struct timed *found = t->n ? bsearch(&key, t->v, t->n, sizeof(*t->v), by_number) : NULL;
		const char *path = query_text(q, 1);
		char **name = p->n ? bsearch(&path, p->names, p->n, sizeof(*p->names), by_text) : NULL;

		if (found && name && open[name - p->names])
			offer(p, path, found->ms);
	}
	return rc;
}

int shard_times(struct store *s, const char *device, struct shard_plan *p, struct err *e)
{
	struct times t = { 0 };
	bool unknown = false;
	int rc = store_is_postgres(s) ? read_rows(s, device, &t, e) : read_blobs(s, device, &t, e);

	if (rc == 0)
		rc = name_times(s, &t, p, e);
	for (size_t i = 0; i < p->n && !unknown; i++)
		unknown = isnan(p->ms[i]);
	if (rc == 0 && unknown)
		rc = file_times(s, device, &t, p, e);
	free(t.v);
	return rc;
}
