/* SPDX-License-Identifier: Apache-2.0 */
#include "history/limits.h"

#include "base/mem.h"
#include "history/recent.h"
#include "history/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RUNS_MAX 200
#define RUNS_LEFT 20

void limit_of(const double *ms, size_t n, double least, struct test_limit *out)
{
	auto_free double *sorted = xreallocarray(NULL, n + 1, sizeof(*sorted));
	double limit;

	memcpy(sorted, ms, n * sizeof(*ms));
	stats_sort(sorted, n);
	out->n = n;
	out->p50_ms = stats_quantile(sorted, n, 0.5);
	out->p99_ms = stats_quantile(sorted, n, 0.99);
	limit = 5 * out->p99_ms;
	out->limit_ms = n < LIMIT_PASSES ? -1 : limit > least ? limit : least;
}

static struct test_limit *add(struct limits *l, const char *suite, const char *case_id)
{
	l->tests = xreallocarray(l->tests, l->n + 1, sizeof(*l->tests));
	l->tests[l->n] = (struct test_limit){ .suite = xstrdup(suite), .case_id = xstrdup(case_id) };
	return &l->tests[l->n++];
}

static void add_blob(struct limits *l, const char *suite, const char *case_id, const void *blob, size_t n)
{
	uint64_t us[RECENT_MAX];
	double ms[RECENT_MAX];
	size_t k = recent_get(blob, n, us);

	for (size_t i = 0; i < k; i++)
		ms[i] = (double)us[i] / 1000;
	if (k)
		limit_of(ms, k, LIMIT_TEST_MS, add(l, suite, case_id));
}

static int read_blobs(struct store *s, const char *workload, const char *device, struct limits *l, struct err *e)
{
	auto_query *q = query_new(s,
				  "SELECT t.suite, t.case_id, r.passes FROM lanes n JOIN recent r ON r.lane_no ="
				  " n.lane_no JOIN tests t ON t.test_no = r.test_no WHERE n.workload_id = ? AND"
				  " n.device_id = ? ORDER BY t.suite, t.case_id",
				  e);
	const void *blob;
	size_t n;
	int rc;

	if (!q)
		return -1;
	query_bind(q, "tt", workload, device);
	while ((rc = query_step(q, e)) == 1) {
		blob = query_blob(q, 2, &n);
		add_blob(l, query_text(q, 0), query_text(q, 1), blob, n);
	}
	return rc;
}

/* PostgreSQL keeps no blobs: twenty writers would wait for each other's rows. */
static int read_rows(struct store *s, const char *workload, const char *device, struct limits *l, struct err *e)
{
	auto_query *q = query_new(s,
				  "SELECT suite, case_id, us FROM (SELECT t.suite, t.case_id, r.duration_us AS us,"
				  " ROW_NUMBER() OVER (PARTITION BY r.test_no ORDER BY k.created_at DESC, k.run_no"
				  " DESC, r.attempt DESC) AS n FROM lanes l JOIN run_keys k ON k.lane_no = l.lane_no"
				  " JOIN results r ON r.run_no = k.run_no JOIN tests t ON t.test_no = r.test_no"
				  " WHERE l.workload_id = ? AND l.device_id = ? AND r.result = 0 AND r.duration_us"
				  " IS NOT NULL) AS x WHERE n <= 200 ORDER BY suite, case_id",
				  e);
	auto_free char *suite = NULL, *case_id = NULL;
	double ms[RECENT_MAX];
	size_t n = 0;
	int rc;

	if (!q)
		return -1;
	query_bind(q, "tt", workload, device);
	do {
		rc = query_step(q, e);
		if (n && (rc != 1 || strcmp(suite, query_text(q, 0)) != 0 || strcmp(case_id, query_text(q, 1)) != 0)) {
			limit_of(ms, n, LIMIT_TEST_MS, add(l, suite, case_id));
			n = 0;
		}
		if (rc == 1 && n == 0) {
			free(suite);
			free(case_id);
			suite = xstrdup(query_text(q, 0));
			case_id = xstrdup(query_text(q, 1));
		}
		if (rc == 1 && n < RECENT_MAX)
			ms[n++] = (double)query_int(q, 2) / 1000;
	} while (rc == 1);
	return rc;
}

static int read_runs(struct store *s, const char *workload, const char *device, struct limits *l, struct err *e)
{
	auto_query *q = query_new(s,
				  "SELECT duration_ms FROM runs WHERE workload_id = ? AND device_id = ? AND status ="
				  " 'succeeded' AND duration_ms IS NOT NULL ORDER BY created_at DESC, run_id DESC"
				  " LIMIT 200",
				  e);
	double ms[RUNS_MAX];
	size_t n = 0;
	int rc;

	if (!q)
		return -1;
	query_bind(q, "tt", workload, device);
	while ((rc = query_step(q, e)) == 1 && n < RUNS_MAX)
		ms[n++] = query_real(q, 0);
	if (rc < 0)
		return -1;
	limit_of(ms, n, LIMIT_RUN_MS, &l->run);
	l->run_last_ms = n < 3 ? -1 : stats_median(ms, n < RUNS_LEFT ? n : RUNS_LEFT);
	return 0;
}

int limits_read(struct store *s, const char *workload, const char *device, bool run_only, struct limits *l, struct err *e)
{
	memset(l, 0, sizeof(*l));
	if (read_runs(s, workload, device, l, e) < 0)
		return -1;
	if (run_only)
		return 0;
	return store_is_postgres(s) ? read_rows(s, workload, device, l, e) : read_blobs(s, workload, device, l, e);
}

void limits_release(struct limits *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->tests[i].suite);
		free(l->tests[i].case_id);
	}
	free(l->tests);
	memset(l, 0, sizeof(*l));
}

int limits_lane(struct store *s, const char *workload, const char *device, char **w, char **d, struct err *e)
{
	auto_query *q = query_new(s,
				  "SELECT workload_id, device_id FROM runs WHERE (CAST(? AS TEXT) = '' OR"
				  " workload_id = ?) AND (CAST(? AS TEXT) = '' OR device_id = ?) AND workload_id IS"
				  " NOT NULL AND device_id IS NOT NULL ORDER BY created_at DESC, run_id DESC LIMIT 1",
				  e);
	int rc;

	workload = workload ? workload : "";
	device = device ? device : "";
	if (!q)
		return -1;
	query_bind(q, "tttt", workload, workload, device, device);
	rc = query_step(q, e);
	if (rc != 1)
		return rc < 0 ? -1 : 1;
	*w = xstrdup(query_text(q, 0));
	*d = xstrdup(query_text(q, 1));
	return 0;
}
