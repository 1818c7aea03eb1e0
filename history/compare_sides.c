/* SPDX-License-Identifier: Apache-2.0 */
/* compare_sides.c - a side of a comparison out of a file or out of the store's runs. */
#include "history/compare.h"

#include "base/json_read.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/value.h"
#include "history/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES ((size_t)64 << 20)
#define RUNS_DEFAULT 20

/* ---- a file ---- */

static int bad_file(const char *path, const char *what, const char *name, struct err *e)
{
	return err_set(e, ERR_USAGE,
		       "%s: %s%s%s; expected {version: 1, metrics: {NAME: {values: [numbers], unit, better:"
		       " lower|higher}}}",
		       path, name, *name ? ": " : "", what);
}

static int read_metric(struct compare_side *s, const char *path, const struct json_value *m, struct err *e)
{
	const struct json_value *values = json_get(m, "values");
	const char *unit = json_get_text(m, "unit"), *better = json_get_text(m, "better");
	int sign = better && strcmp(better, "higher") == 0 ? 1 : better && strcmp(better, "lower") == 0 ? -1 : 0;
	struct compare_metric *to;

	if (!values || values->kind != JSON_ARRAY)
		return bad_file(path, "values is not a list", m->key, e);
	if (!sign && !(sign = compare_better_of(m->key)))
		return bad_file(path, "better is neither lower nor higher", m->key, e);
	to = compare_side_metric(s, m->key, unit ? unit : "", sign, str_starts(m->key, "test:"));
	json_each(v, values) {
		if (v->kind != JSON_NUMBER || !isfinite(v->number))
			return bad_file(path, "a value is not a number", m->key, e);
		compare_metric_add(to, v->number);
	}
	return 0;
}

int compare_side_file(struct compare_side *s, const char *path, struct err *e)
{
	auto_free char *text = NULL;
	struct json_reader *in;
	const struct json_value *v, *version, *metrics;
	struct err why = { 0 };
	size_t n;
	int rc = 0;

	memset(s, 0, sizeof(*s));
	s->words = xstrdup(path);
	if (file_read(path, FILE_MAX_BYTES, &text, &n, e) < 0) {
		e->kind = ERR_USAGE;
		return -1;
	}
	in = json_reader_text(text, n, path);
	if (json_take(in, &v, &why) < 0 || json_end(in, &why) < 0) {
		rc = err_set(e, ERR_USAGE, "%s", why.msg);
	} else {
		version = json_get(v, "version");
		metrics = json_get(v, "metrics");
		if (!version || version->kind != JSON_NUMBER || version->integer != 1)
			rc = bad_file(path, "version is not 1", "", e);
		else if (!metrics || metrics->kind != JSON_OBJECT)
			rc = bad_file(path, "metrics is not an object", "", e);
		else
			json_each(m, metrics)
				if (rc == 0)
					rc = read_metric(s, path, m, e);
	}
	json_reader_free(in);
	return rc;
}

/* ---- runs ---- */

int compare_better_of(const char *m)
{
	static const char *const higher[] = { "fps_avg", "cpu_idle_ratio", NULL };
	static const char *const counts[] = { "tests_total", "tests_failed", "samples_total", "weight_total", "top_hotspots",
					      "regression_flags", "cpu_util_avg", NULL };
	static const char *const lower[] = { "_ms", "_us", "_ns", "_s", "_bytes", "_rate", "_p50", "_p95", "_p99", NULL };

	if (str_starts(m, "test:"))
		return -1;
	if (value_word(m, higher) >= 0)
		return 1;
	if (value_word(m, counts) >= 0)
		return 0;
	for (int i = 0; lower[i]; i++)
		if (str_ends(m, lower[i]))
			return -1;
	return 0;
}

/* What --metric says of a name: 1, -1; 0: not said. *only: there are names, and this is none of them. */
static int said(const struct strv *wanted, const char *name, bool *only)
{
	*only = wanted->n > 0;
	for (size_t i = 0; i < wanted->n; i++) {
		const char *w = wanted->v[i], *colon = strrchr(w, ':');
		int sign = colon && strcmp(colon, ":higher") == 0 ? 1 : colon && strcmp(colon, ":lower") == 0 ? -1 : 0;
		size_t n = sign ? (size_t)(colon - w) : strlen(w);

		if (strlen(name) != n || strncmp(name, w, n) != 0)
			continue;
		*only = false;
		return sign;
	}
	return 0;
}

/* The metric's place on the side, NULL: it is not compared. */
static struct compare_metric *place_of(struct compare_side *s, const struct strv *wanted, const char *name,
				       const char *unit, bool is_test)
{
	bool other;
	int sign = said(wanted, name, &other);

	if (other)
		return NULL;
	if (!sign)
		sign = is_test ? -1 : compare_better_of(name);
	return sign ? compare_side_metric(s, name, unit, sign, is_test) : NULL;
}

static int add_metrics(struct store *s, const char *run, const struct strv *wanted, struct compare_side *side, struct err *e)
{
	auto_query *q = query_new(s, "SELECT metric_name, value, unit FROM metrics WHERE run_id = ? AND tags_json = '{}'"
				  " ORDER BY metric_name", e);
	int rc;

	if (!q)
		return -1;
	query_bind(q, "t", run);
	while ((rc = query_step(q, e)) == 1) {
		struct compare_metric *m = place_of(side, wanted, query_text(q, 0), query_text(q, 2), false);

		if (m)
			compare_metric_add(m, query_real(q, 1));
	}
	return rc;
}

/* ---- durations of tests: one value a run, the median of its attempts. Gathered by test number, named at the end. */

struct test_values {
	int64_t test_no;
	double ms;
};
struct durations {
	struct test_values *v; /* one for each run and test */
	size_t n;
};

static void flush_attempts(struct durations *d, int64_t test, double *ms, size_t *n)
{
	if (!*n)
		return;
	if ((d->n & (d->n - 1)) == 0)
		d->v = xreallocarray(d->v, d->n ? d->n * 2 : 1, sizeof(*d->v));
	d->v[d->n++] = (struct test_values){ test, stats_median(ms, *n) };
	*n = 0;
}

static int add_tests(struct store *s, const char *run, struct durations *d, struct err *e)
{
	auto_query *q = query_new(s,
				  "SELECT r.test_no, r.duration_us FROM run_keys k JOIN results r ON r.run_no ="
				  " k.run_no WHERE k.run_id = ? AND r.result = 0 AND r.duration_us IS NOT NULL ORDER"
				  " BY r.test_no",
				  e);
	double ms[64];
	int64_t test = -1;
	size_t n = 0;
	int rc;

	if (!q)
		return -1;
	query_bind(q, "t", run);
	while ((rc = query_step(q, e)) == 1) {
		if (query_int(q, 0) != test)
			flush_attempts(d, test, ms, &n);
		test = query_int(q, 0);
		if (n < sizeof(ms) / sizeof(ms[0]))
			ms[n++] = (double)query_int(q, 1) / 1000;
	}
	flush_attempts(d, test, ms, &n);
	return rc;
}

static int by_number(const void *a, const void *b)
{
	int64_t x = ((const struct test_values *)a)->test_no, y = ((const struct test_values *)b)->test_no;

	return (x > y) - (x < y);
}

static int name_tests(struct store *s, struct durations *d, const struct strv *wanted, struct compare_side *side,
		      struct err *e)
{
	auto_query *q = query_new(s, "SELECT suite, case_id FROM tests WHERE test_no = ?", e);

	if (!q)
		return -1;
	if (d->n)
		qsort(d->v, d->n, sizeof(*d->v), by_number); /* order within a test says nothing */
	for (size_t i = 0, j; i < d->n; i = j) {
		auto_free char *name = NULL;
		struct compare_metric *m;

		query_bind(q, "i", d->v[i].test_no);
		if (query_step(q, e) != 1)
			return -1;
		name = xasprintf("test:%s%s%s", query_text(q, 0), *query_text(q, 0) ? " " : "", query_text(q, 1));
		m = place_of(side, wanted, name, "ms", true);
		for (j = i; j < d->n && d->v[j].test_no == d->v[i].test_no; j++)
			if (m)
				compare_metric_add(m, d->v[j].ms);
	}
	return 0;
}

/* ---- which runs ---- */

static int64_t count_behind(const char *text, int64_t otherwise)
{
	int64_t n;

	return text && value_int(text, &n) && n > 0 ? n : otherwise;
}

/* Like is compared with like: of the words that choose by themselves, only the youngest run's workload and device. */
static int choose(struct store *s, const char *words, const char *column, const char *value, int64_t limit,
		  struct compare_side *side, struct err *e)
{
	auto_free char *sql = xasprintf("SELECT run_id FROM runs WHERE status = 'succeeded' AND kind <> 'ingest' AND %s = ?"
					" ORDER BY created_at DESC, run_id DESC LIMIT ?", column);
	auto_query *q = query_new(s, sql, e);
	int rc;

	(void)words;
	if (!q)
		return -1;
	query_bind(q, "ti", value, limit);
	while ((rc = query_step(q, e)) == 1)
		strv_add(&side->runs, query_text(q, 0));
	return rc;
}

static int list_ids(struct store *s, const char *words, struct compare_side *side, struct err *e)
{
	auto_free char *copy = xstrdup(words);
	char *rest = copy, *id;

	while ((id = strsep(&rest, ","))) {
		int64_t there;

		if (!*id)
			continue;
		if (store_one_int(s, &there, 0, e, "SELECT COUNT(*) FROM runs WHERE run_id = ?", "t", id) < 0)
			return -1;
		if (!there) {
			err_set(e, ERR_FAILURE, "compare: no run '%s' in the history", id);
			return 1;
		}
		strv_add(&side->runs, id);
	}
	return 0;
}

static int find_runs(struct store *s, const char *words, struct compare_side *side, struct err *e)
{
	int64_t n;

	if (str_starts(words, "rev:"))
		return choose(s, words, "repo_rev", words + 4, 1000000, side, e);
	if (str_starts(words, "branch:")) {
		auto_free char *name = xstrdup(words + 7);
		char *colon = strrchr(name, ':');

		n = colon ? count_behind(colon + 1, 0) : 0;
		if (n)
			*colon = '\0';
		return choose(s, words, "branch", name, n ? n : RUNS_DEFAULT, side, e);
	}
	if (str_starts(words, "last:")) {
		n = count_behind(words + 5, 0);
		if (!n)
			return err_set(e, ERR_USAGE, "compare: '%s': expected last:N", words);
		return choose(s, words, "'x'", "x", n, side, e);
	}
	return list_ids(s, words, side, e);
}

static int check_lane(struct store *s, struct compare_side *side, bool any, struct err *e)
{
	auto_query *q = query_new(s,
				  "SELECT COALESCE(workload_id, ''), COALESCE(device_id, '') FROM runs WHERE run_id"
				  " = ?",
				  e);

	if (!q)
		return -1;
	for (size_t i = 0; i < side->runs.n; i++) {
		query_bind(q, "t", side->runs.v[i]);
		if (query_step(q, e) != 1)
			return -1;
		if (!i) {
			side->workload = xstrdup(query_text(q, 0));
			side->device = xstrdup(query_text(q, 1));
		} else if (!any && (strcmp(side->workload, query_text(q, 0)) != 0 ||
				    strcmp(side->device, query_text(q, 1)) != 0)) {
			return err_set(e, ERR_USAGE,
				       "compare: '%s' has runs of several workloads or devices ('%s' on '%s', '%s'"
				       " on '%s'): name runs of one, or --any-device",
				       side->words, side->workload, side->device, query_text(q, 0), query_text(q, 1));
		}
	}
	return 0;
}

int compare_side_runs(struct store *s, const char *words, const struct strv *wanted, bool any_device,
		      struct compare_side *side, struct err *e)
{
	struct durations d = { 0 };
	int rc;

	memset(side, 0, sizeof(*side));
	side->words = xstrdup(words);
	rc = find_runs(s, words, side, e);
	if (rc != 0)
		return rc;
	if (!side->runs.n) {
		err_set(e, ERR_FAILURE, "compare: no run is '%s'", words);
		return 1;
	}
	rc = check_lane(s, side, any_device, e);
	for (size_t i = 0; i < side->runs.n && rc == 0; i++)
		if (add_metrics(s, side->runs.v[i], wanted, side, e) < 0 || add_tests(s, side->runs.v[i], &d, e) < 0)
			rc = -1;
	if (rc == 0)
		rc = name_tests(s, &d, wanted, side, e);
	free(d.v);
	return rc;
}
