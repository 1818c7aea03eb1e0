/* SPDX-License-Identifier: Apache-2.0 */
#include "history/view.h"

#include "base/clock.h"
#include "base/json_scan.h"
#include "base/mem.h"
#include "base/value.h"
#include "base/width.h"
#include "history/guard.h"
#include "history/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void view_real(struct json *j, const char *key, double v)
{
	char text[40];

	if (!isfinite(v)) {
		json_null(j, key);
		return;
	}
	if (v == floor(v) && fabs(v) < 1e15) {
		json_int(j, key, (int64_t)v);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	json_raw(j, key, text, strlen(text));
}

static void view_blob(struct json *j, const char *key, struct query *q, int column)
{
	auto_str hex = STR_INIT;
	size_t n;
	const unsigned char *p = query_blob(q, column, &n);

	for (size_t i = 0; i < n; i++)
		str_addf(&hex, "%02x", p[i]);
	json_strn(j, key, str_cstr(&hex), hex.len);
}

static bool is_json_column(const char *name)
{
	return str_ends(name, "_json") || strcmp(name, "evidence_artifact_ids") == 0;
}

static void view_cell(struct json *j, const char *key, struct query *q, int column)
{
	const char *text;

	switch (query_kind(q, column)) {
	case QUERY_NULL: json_null(j, key); break;
	case QUERY_INT: json_int(j, key, query_int(q, column)); break;
	case QUERY_REAL: view_real(j, key, query_real(q, column)); break;
	case QUERY_BLOB: view_blob(j, key, q, column); break;
	default:
		text = query_text(q, column);
		if (is_json_column(query_column_name(q, column)) && json_scan_value(text, strlen(text)))
			json_raw(j, key, text, strlen(text));
		else
			json_strn(j, key, text, strlen(text));
	}
}

void view_row(struct json *j, struct query *q)
{
	for (int i = 0; i < query_columns(q); i++)
		view_cell(j, query_column_name(q, i), q, i);
}

int view_find_run(struct store *s, const char *name, char run_id[64], struct err *e)
{
	auto_free char *found = NULL;
	int rc;

	if (strcmp(name, "latest") == 0)
		rc = store_one_text(s, &found, e,
				    "SELECT run_id FROM runs WHERE status <> 'created' ORDER BY created_at DESC,"
				    " run_id DESC LIMIT 1",
				    "");
	else if (str_starts(name, "latest:"))
		rc = store_one_text(s, &found, e,
				    "SELECT run_id FROM runs WHERE branch = ? ORDER BY created_at DESC, run_id DESC"
				    " LIMIT 1",
				    "t", name + 7);
	else
		rc = store_one_text(s, &found, e, "SELECT run_id FROM runs WHERE run_id = ?", "t", name);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		char quoted[VALUE_QUOTE_SIZE];

		err_set(e, ERR_FAILURE, "no run %s in the history", value_quote(name, quoted));
		return 1;
	}
	snprintf(run_id, 64, "%s", found);
	return 0;
}

int view_since(const char *text, int64_t now, char out[STORE_TIME_SIZE], struct err *e)
{
	char quoted[VALUE_QUOTE_SIZE];
	auto_free char *day = xasprintf("%sT00:00:00Z", text);
	size_t n = strspn(text, "0123456789");
	int64_t ns, unit = strcmp(text + n, "d") == 0   ? 86400
			   : strcmp(text + n, "h") == 0 ? 3600
			   : strcmp(text + n, "m") == 0 ? 60
							: 0;

	if (n && n < 8 && unit)
		ns = now - strtoll(text, NULL, 10) * unit * NS_PER_S;
	else if (!value_time(text, &ns) && !value_time(day, &ns))
		return err_set(e, ERR_USAGE, "--since: %s is not a time; accepted: RFC 3339, a date, 7d, 12h, 30m",
			       value_quote(text, quoted));
	store_time(out, ns < 0 ? 0 : ns);
	return 0;
}

static int limit_of(const struct view *v, int64_t otherwise, int64_t *limit, struct err *e)
{
	char quoted[VALUE_QUOTE_SIZE];

	*limit = otherwise;
	if (v->settings->limit && (!value_int(v->settings->limit, limit) || *limit < 1))
		return err_set(e, ERR_USAGE, "--limit: %s is not a number of rows", value_quote(v->settings->limit, quoted));
	return 0;
}

static void begin_json(struct json *j, struct str *out, const char *list)
{
	json_init(j, out);
	json_object(j, NULL);
	json_int(j, "version", 1);
	if (list)
		json_array(j, list);
}

static void end_json(struct json *j, struct str *out, bool list)
{
	if (list)
		json_array_end(j);
	json_object_end(j);
	json_finish(j);
	str_addc(out, '\n');
}

static double real_or_nan(struct query *q, int column)
{
	return query_kind(q, column) == QUERY_NULL ? NAN : query_real(q, column);
}

/* One loop for all lists: rows as JSON members, or as cells of a table by `cells`. */
static int list(const struct view *v, struct query *q, const char *name, const char *heads,
		void (*cells)(struct table *t, struct query *q), struct str *out, struct err *e)
{
	struct table t;
	struct json j;
	int rc;

	if (v->json)
		begin_json(&j, out, name);
	else
		table_init(&t, heads);
	while ((rc = query_step(q, e)) == 1) {
		if (v->json) {
			json_object(&j, NULL);
			view_row(&j, q);
			json_object_end(&j);
		} else {
			cells(&t, q);
		}
	}
	if (v->json)
		end_json(&j, out, true);
	else
		table_write(&t, out);
	return rc;
}

static void runs_cells(struct table *t, struct query *q)
{
	table_text(t, query_text(q, 0));
	table_text(t, query_text(q, 8));
	table_fixed(t, query_kind(q, 16) == QUERY_NULL ? NAN : query_real(q, 16) / 1000, 1, " s");
	table_text(t, query_text(q, 12));
	table_fixed(t, 0, 0, "");
	mem_free_ptr(&t->cells.v[t->cells.n - 1]);
	t->cells.v[t->cells.n - 1] = xasprintf("%.10s", query_text(q, 3) ? query_text(q, 3) : "-");
	table_text(t, query_text(q, 5));
	table_text(t, query_text(q, 13));
}

#define RUN_SELECT "SELECT run_id, parent_run_id, repo_uri, repo_rev, repo_dirty, workload_id, device_id," \
	" toolchain_id, status, created_at, finished_at, kind, branch, command, exit_code, ended_by, duration_ms, shard," \
	" ci_json FROM runs"

int view_runs(const struct view *v, struct str *out, struct err *e)
{
	const struct history_settings *o = v->settings;
	char since[STORE_TIME_SIZE] = "";
	auto_query *q = NULL;
	int64_t limit;

	if (limit_of(v, 50, &limit, e) < 0 || (o->since && view_since(o->since, v->now_real_ns, since, e) < 0))
		return -1;
	q = query_new(v->s, RUN_SELECT " WHERE created_at >= ? AND (CAST(? AS TEXT) = '' OR branch = ?)"
		      " AND (CAST(? AS TEXT) = '' OR workload_id = ?) ORDER BY created_at DESC, run_id DESC LIMIT ?", e);
	if (!q)
		return -1;
	query_bind(q, "ttttti", since, o->branch ? o->branch : "", o->branch ? o->branch : "",
		   o->workload ? o->workload : "", o->workload ? o->workload : "", limit);
	return list(v, q, "runs", "run|status|>time|branch|rev|workload|command", runs_cells, out, e);
}

/* ---- one run ---- */

int view_rows(struct json *j, const char *name, struct query *q, struct err *e)
{
	int rc;

	json_array(j, name);
	while ((rc = query_step(q, e)) == 1) {
		json_object(j, NULL);
		view_row(j, q);
		json_object_end(j);
	}
	json_array_end(j);
	return rc;
}

int view_list(struct json *j, struct store *s, const char *name, const char *sql, const char *run_id, struct err *e)
{
	auto_query *q = query_new(s, sql, e);

	if (!q)
		return -1;
	query_bind(q, "t", run_id);
	return view_rows(j, name, q, e);
}

static const char *const show_parts[][2] = {
	{ "tests", "SELECT suite, case_id, attempt, result, duration_ms, file, line FROM v_test_results WHERE run_id = ?"
		   " ORDER BY suite, case_id, attempt" },
	{ "findings", "SELECT rank, finding_id, pattern_id, location, confidence, proved, summary FROM findings WHERE"
		      " run_id = ?"
		      " ORDER BY rank" },
	{ "metrics", "SELECT scope, metric_name, value, unit, tags_json FROM metrics WHERE run_id = ? ORDER BY scope,"
		     " metric_name, tags_json" },
	{ "hotspots", "SELECT symbol, file_path, line_start, line_end, score, rank, ranker, self_share, total_share"
		      " FROM hotspots"
		      " WHERE run_id = ? ORDER BY ranker, rank" },
	{ "artifacts",
	  "SELECT artifact_id, kind, sha256, path, bytes, mime, metadata_json FROM artifacts WHERE run_id = ?"
	  " ORDER BY kind, path, artifact_id" },
};

static int show_json(const struct view *v, const char *run_id, struct str *out, struct err *e)
{
	auto_query *q = query_new(v->s, RUN_SELECT " WHERE run_id = ?", e);
	struct json j;
	int rc = -1;

	if (!q)
		return -1;
	query_bind(q, "t", run_id);
	if (query_step(q, e) != 1)
		return -1;
	begin_json(&j, out, NULL);
	json_object(&j, "run");
	view_row(&j, q);
	json_object_end(&j);
	for (size_t i = 0; i < sizeof(show_parts) / sizeof(show_parts[0]); i++) {
		rc = view_list(&j, v->s, show_parts[i][0], show_parts[i][1], run_id, e);
		if (rc < 0)
			break;
	}
	end_json(&j, out, false);
	return rc;
}

int view_findings(const struct view *v, const char *run_id, struct str *out, struct err *e)
{
	struct json j;
	int rc;

	begin_json(&j, out, NULL);
	json_str(&j, "run_id", run_id);
	rc = view_list(&j, v->s, show_parts[1][0], show_parts[1][1], run_id, e);
	end_json(&j, out, false);
	return rc;
}

static void field(struct str *out, const char *name, const char *value)
{
	auto_str safe = STR_INIT;

	if (!value || !*value)
		return;
	width_add_safe(&safe, value, strlen(value), true);
	str_addf(out, "%-10s %s\n", name, str_cstr(&safe));
}

static int show_failed(const struct view *v, const char *run_id, struct str *out, struct err *e)
{
	auto_query *q = query_new(v->s,
				  "SELECT suite, case_id, attempt, result, duration_ms, file, line FROM"
				  " v_test_results WHERE run_id = ? AND result IN ('fail', 'error', 'timeout',"
				  " 'stalled') ORDER BY suite, case_id, attempt LIMIT 100",
				  e);
	int rc;

	if (!q)
		return -1;
	query_bind(q, "t", run_id);
	while ((rc = query_step(q, e)) == 1) {
		auto_str name = STR_INIT;

		str_addf(&name, "%s%s%s", query_text(q, 0), *query_text(q, 0) ? " " : "", query_text(q, 1));
		if (query_text(q, 5))
			str_addf(&name, "  %s:%lld", query_text(q, 5), (long long)query_int(q, 6));
		field(out, query_text(q, 3), str_cstr(&name));
	}
	return rc;
}

static int show_text(const struct view *v, const char *run_id, struct str *out, struct err *e)
{
	static const struct { const char *name; int column; } fields[] = {
		{ "run", 0 }, { "status", 8 }, { "ended by", 15 }, { "command", 13 }, { "workload", 5 }, { "device", 6 },
		{ "branch", 12 }, { "rev", 3 }, { "repository", 2 }, { "began", 9 }, { "ended", 10 }, { "parent", 1 },
	};
	auto_query *q = query_new(v->s, RUN_SELECT " WHERE run_id = ?", e);
	auto_query *f = query_new(v->s,
				  "SELECT pattern_id, location, summary FROM findings WHERE run_id = ? ORDER BY rank"
				  " LIMIT 5",
				  e);
	int64_t tests, failed;
	auto_str counts = STR_INIT;
	int rc;

	if (!q || !f)
		return -1;
	query_bind(q, "t", run_id);
	if (query_step(q, e) != 1)
		return -1;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		field(out, fields[i].name, query_text(q, fields[i].column));
	if (store_one_int(v->s, &tests, 0, e, "SELECT COUNT(*) FROM v_test_results WHERE run_id = ?", "t", run_id) < 0 ||
	    store_one_int(v->s, &failed, 0, e, "SELECT COUNT(*) FROM v_test_results WHERE run_id = ? AND result IN"
			  " ('fail', 'error', 'timeout', 'stalled')", "t", run_id) < 0)
		return -1;
	str_addf(&counts, "%lld, %lld failed", (long long)tests, (long long)failed);
	field(out, "tests", str_cstr(&counts));
	query_bind(f, "t", run_id);
	while ((rc = query_step(f, e)) == 1) {
		auto_str line = STR_INIT;

		str_addf(&line, "%s at %s: %s", query_text(f, 0), query_text(f, 1) ? query_text(f, 1) : "-",
			 query_text(f, 2));
		field(out, "finding", str_cstr(&line));
	}
	return rc < 0 ? -1 : show_failed(v, run_id, out, e);
}

int view_show(const struct view *v, const char *run, struct str *out, struct err *e)
{
	char run_id[64];
	int rc = view_find_run(v->s, run, run_id, e);

	if (rc != 0)
		return rc;
	return v->json ? show_json(v, run_id, out, e) : show_text(v, run_id, out, e);
}

/* ---- tests ---- */

static void tests_cells(struct table *t, struct query *q)
{
	table_text(t, query_text(q, 0));
	table_text(t, query_text(q, 1));
	table_int(t, query_int(q, 2));
	table_int(t, query_int(q, 3));
	table_text(t, query_text(q, 4));
}

int view_tests(const struct view *v, struct str *out, struct err *e)
{
	/* counted by number, then named: texts are compared once a test, not once a row */
	auto_query *q = query_new(v->s, "SELECT t.suite AS suite, t.case_id AS case_id, x.attempts, x.failures, x.last_seen"
				  " FROM (SELECT r.test_no AS test_no, COUNT(*) AS attempts,"
				  " CAST(SUM(CASE WHEN r.result IN (1, 2, 5, 6) THEN 1 ELSE 0 END) AS BIGINT) AS failures,"
				  " MAX(k.created_at) AS last_seen FROM run_keys k JOIN results r ON r.run_no = k.run_no"
				  " GROUP BY r.test_no) AS x JOIN tests t ON t.test_no = x.test_no"
				  " ORDER BY t.suite, t.case_id LIMIT ?", e);
	int64_t limit;

	if (!q || limit_of(v, INT64_C(1000000), &limit, e) < 0)
		return -1;
	query_bind(q, "i", limit);
	return list(v, q, "tests", "suite|test|>attempts|>failures|last seen", tests_cells, out, e);
}

static void test_cells(struct table *t, struct query *q)
{
	table_text(t, query_text(q, 3));
	table_text(t, query_text(q, 2));
	table_int(t, query_int(q, 5));
	table_text(t, query_text(q, 6));
	table_fixed(t, real_or_nan(q, 7), 1, " ms");
	table_text(t, query_text(q, 8));
}

#define NAMED "t.case_id = ? OR t.suite || ' ' || t.case_id = ? OR t.suite || '/' || t.case_id = ?" \
	" OR t.suite || '::' || t.case_id = ? OR t.suite || '.' || t.case_id = ?"

/* ID is "suite case", "suite/case", "suite::case", or the case alone. Runs come first in the join: a run's row of one test
 * is found by its key, where a test's rows lie in as many places as there are runs. */
static const char test_sql[] =
	"SELECT t.suite AS suite, t.case_id AS case_id, k.run_id AS run_id, k.created_at AS created_at,"
	" u.branch AS branch, r.attempt AS attempt, CASE r.result WHEN 0 THEN 'pass' WHEN 1 THEN 'fail'"
	" WHEN 2 THEN 'error' WHEN 3 THEN 'skip' WHEN 4 THEN 'xfail' WHEN 5 THEN 'timeout'"
	" WHEN 6 THEN 'stalled' WHEN 7 THEN 'cancelled' ELSE 'unknown' END AS result,"
	" CAST(r.duration_us AS REAL) / 1000 AS duration_ms, u.repo_rev AS repo_rev"
	" FROM run_keys k CROSS JOIN results r JOIN runs u ON u.run_id = k.run_id"
	" JOIN tests t ON t.test_no = r.test_no WHERE r.run_no = k.run_no AND r.test_no IN"
	" (SELECT t.test_no FROM tests t WHERE " NAMED ")"
	" ORDER BY k.created_at DESC, k.run_id DESC, r.attempt DESC LIMIT ?";

int view_test(const struct view *v, const char *id, struct str *out, struct err *e)
{
	auto_query *q = query_new(v->s, test_sql, e);
	int64_t limit, known;
	char quoted[VALUE_QUOTE_SIZE];

	if (!q || limit_of(v, 100, &limit, e) < 0 ||
	    store_one_int(v->s, &known, 0, e, "SELECT COUNT(*) FROM tests t WHERE " NAMED,
			  "ttttt", id, id, id, id, id) < 0)
		return -1;
	if (!known) {
		err_set(e, ERR_FAILURE, "no test %s in the history", value_quote(id, quoted));
		return 1;
	}
	query_bind(q, "ttttti", id, id, id, id, id, limit);
	return list(v, q, "results", "when|run|>attempt|result|>time|rev", test_cells, out, e);
}

/* ---- the store ---- */

int view_info(const struct view *v, struct str *out, struct err *e)
{
	static const char *const counts[][2] = {
		{ "runs", "SELECT COUNT(*) FROM runs" }, { "tests", "SELECT COUNT(*) FROM tests" },
		{ "results", "SELECT COUNT(*) FROM results" }, { "artifacts", "SELECT COUNT(*) FROM artifacts" },
		{ "artifact_bytes", "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM artifacts" },
		{ "findings", "SELECT COUNT(*) FROM findings" },
	};
	struct json j;

	if (v->json) {
		begin_json(&j, out, NULL);
		json_str(&j, "backend", store_name(v->s));
		json_str(&j, "dir", store_dir(v->s));
		json_int(&j, "schema", schema_version());
	} else {
		str_addf(out, "%-15s %s\n%-15s %s\n%-15s %d\n", "backend", store_name(v->s), "folder", store_dir(v->s),
			 "schema", schema_version());
	}
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		int64_t n;

		if (store_one_int(v->s, &n, 0, e, counts[i][1], "") < 0)
			return -1;
		if (v->json)
			json_int(&j, counts[i][0], n);
		else
			str_addf(out, "%-15s %lld\n", counts[i][0], (long long)n);
	}
	if (v->json)
		end_json(&j, out, false);
	return 0;
}
