/* SPDX-License-Identifier: Apache-2.0 */
/* api.c - lists and rows as JSON. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/value.h"
#include "history/compare.h"
#include "serve/route.h"
#include "trace/journal.h"

#include <stdlib.h>
#include <string.h>

int call_number(const struct call *c, const char *name, int64_t least, int64_t most, int64_t otherwise, int64_t *v,
		struct err *e)
{
	const char *text = call_query(c, name);
	char quoted[VALUE_QUOTE_SIZE];

	*v = otherwise;
	if (text && (!value_int(text, v) || *v < least || *v > most))
		return err_set(e, ERR_USAGE, "%s: %s is not a number from %lld to %lld", name, value_quote(text, quoted),
			       (long long)least, (long long)most);
	return 0;
}

static int no_run(const char *id, struct err *e)
{
	char quoted[VALUE_QUOTE_SIZE];

	err_set(e, ERR_FAILURE, "no run %s in the history", value_quote(id, quoted));
	return 1;
}

int call_run(const struct call *c, const char *id, struct err *e)
{
	int64_t n;

	if (!run_id_valid(id))
		return no_run(id, e);
	if (store_one_int(c->s, &n, 0, e, "SELECT COUNT(*) FROM runs WHERE run_id = ?", "t", id) < 0)
		return -1;
	return n ? 0 : no_run(id, e);
}

static void begin(struct json *j, struct call *c)
{
	json_init(j, &c->a->body);
	json_object(j, NULL);
}

static void end(struct json *j, struct call *c)
{
	json_object_end(j);
	json_finish(j);
	str_addc(&c->a->body, '\n');
}

int api_health(struct call *c, struct err *e)
{
	struct json j;

	(void)e;
	begin(&j, c);
	json_str(&j, "status", "ok");
	json_str(&j, "version", c->sv->version);
	end(&j, c);
	return 0;
}

/* ---- runs ---- */

#define RUN_SELECT "SELECT run_id, parent_run_id, repo_uri, repo_rev, repo_dirty, workload_id, device_id, toolchain_id," \
	" status, created_at, finished_at, kind, branch, command, exit_code, ended_by, duration_ms, shard, ci_json FROM runs"

static int check_status(const char *status, struct err *e)
{
	static const char *const words[] = { "created", "running", "succeeded", "failed", "stopped", NULL };
	char quoted[VALUE_QUOTE_SIZE];
	auto_str accepted = STR_INIT;

	if (!status || value_word(status, words) >= 0)
		return 0;
	value_words(&accepted, words);
	return err_set(e, ERR_USAGE, "status: %s is not a status; accepted: %s", value_quote(status, quoted),
		       str_cstr(&accepted));
}

int api_runs(struct call *c, struct err *e)
{
	const char *before = call_query(c, "before"), *status = call_query(c, "status");
	const char *branch = call_query(c, "branch"), *workload = call_query(c, "workload");
	auto_free char *at = NULL;
	auto_query *q = NULL;
	struct json j;
	int64_t limit;
	int rc;

	if (call_number(c, "limit", 1, 1000, 50, &limit, e) < 0 || check_status(status, e) < 0)
		return -1;
	if (before) {
		rc = call_run(c, before, e);
		if (rc != 0)
			return rc;
		if (store_one_text(c->s, &at, e, "SELECT created_at FROM runs WHERE run_id = ?", "t", before) < 0)
			return -1;
	}
	q = query_new(c->s, RUN_SELECT " WHERE (CAST(? AS TEXT) = '' OR created_at < ? OR (created_at = ? AND run_id < ?))"
		      " AND (CAST(? AS TEXT) = '' OR status = ?) AND (CAST(? AS TEXT) = '' OR branch = ?)"
		      " AND (CAST(? AS TEXT) = '' OR workload_id = ?) ORDER BY created_at DESC, run_id DESC LIMIT ?", e);
	if (!q)
		return -1;
	query_bind(q, "tttttttttti", at ? at : "", at ? at : "", at ? at : "", before ? before : "", status ? status : "",
		   status ? status : "", branch ? branch : "", branch ? branch : "", workload ? workload : "",
		   workload ? workload : "", limit);
	begin(&j, c);
	rc = view_rows(&j, "runs", q, e);
	end(&j, c);
	return rc;
}

int api_run(struct call *c, struct err *e)
{
	auto_query *q = NULL;
	struct json j;
	int rc = call_run(c, c->arg[0], e);

	if (rc != 0)
		return rc;
	q = query_new(c->s, RUN_SELECT " WHERE run_id = ?", e);
	if (!q)
		return -1;
	query_bind(q, "t", c->arg[0]);
	rc = query_step(q, e);
	if (rc != 1)
		return rc < 0 ? -1 : no_run(c->arg[0], e);
	begin(&j, c);
	view_row(&j, q);
	end(&j, c);
	return 0;
}

static int run_part(struct call *c, const char *name, const char *sql, struct err *e)
{
	auto_query *q = NULL;
	struct json j;
	int rc = call_run(c, c->arg[0], e);

	if (rc != 0)
		return rc;
	q = query_new(c->s, sql, e);
	if (!q)
		return -1;
	query_bind(q, "t", c->arg[0]);
	begin(&j, c);
	rc = view_rows(&j, name, q, e);
	end(&j, c);
	return rc;
}

int api_run_metrics(struct call *c, struct err *e)
{
	return run_part(c, "metrics",
			"SELECT run_id, scope, metric_name, value, unit, tags_json FROM metrics WHERE run_id = ?"
			" ORDER BY scope, metric_name, tags_json, value",
			e);
}

int api_run_artifacts(struct call *c, struct err *e)
{
	return run_part(c, "artifacts",
			"SELECT artifact_id, run_id, kind, sha256, bytes, mime, metadata_json FROM artifacts"
			" WHERE run_id = ? ORDER BY kind, artifact_id",
			e);
}

int api_run_tests(struct call *c, struct err *e)
{
	return run_part(c, "tests",
			"SELECT run_id, suite, case_id, attempt, result, duration_ms, file, line FROM v_test_results"
			" WHERE run_id = ? ORDER BY suite, case_id, attempt",
			e);
}

int api_run_findings(struct call *c, struct err *e)
{
	return run_part(c, "findings",
			"SELECT run_id, rank, finding_id, pattern_id, location, confidence, proved, summary"
			" FROM findings WHERE run_id = ? ORDER BY rank",
			e);
}

int api_run_hotspots(struct call *c, struct err *e)
{
	return run_part(c, "hotspots",
			"SELECT run_id, symbol, file_path, line_start, line_end, score, evidence_artifact_ids, rank,"
			" ranker, self_share, total_share FROM hotspots WHERE run_id = ? ORDER BY ranker, rank",
			e);
}

int api_run_graphs(struct call *c, struct err *e)
{
	return run_part(c, "graphs",
			"SELECT run_id, kind, format, payload_artifact_id, metadata_json FROM graphs"
			" WHERE run_id = ? ORDER BY kind, payload_artifact_id",
			e);
}

int api_run_patches(struct call *c, struct err *e)
{
	return run_part(c, "patches",
			"SELECT run_id, iteration, diff_artifact_id, apply_status, files_changed_json, reason"
			" FROM patches WHERE run_id = ? ORDER BY iteration, diff_artifact_id",
			e);
}

/* Of the run itself, and of the candidates that are its children. */
int api_run_evaluations(struct call *c, struct err *e)
{
	auto_query *q = NULL;
	struct json j;
	int rc = call_run(c, c->arg[0], e);

	if (rc != 0)
		return rc;
	q = query_new(c->s, "SELECT v.run_id AS run_id, v.baseline_run_id AS baseline_run_id, v.delta_metrics_json AS"
		      " delta_metrics_json, v.correctness_passed AS correctness_passed, v.perf_improved AS perf_improved,"
		      " v.notes AS notes, v.iteration AS iteration, v.verdict AS verdict FROM evaluations v JOIN runs r"
		      " ON r.run_id = v.run_id WHERE v.run_id = ? OR r.parent_run_id = ? ORDER BY v.iteration, v.run_id", e);
	if (!q)
		return -1;
	query_bind(q, "tt", c->arg[0], c->arg[0]);
	begin(&j, c);
	rc = view_rows(&j, "evaluations", q, e);
	end(&j, c);
	return rc;
}

/* ---- tests and hangs ---- */

int call_test(const struct call *c, int64_t *test_no, char **suite, char **case_id, struct err *e)
{
	auto_free char *name = xasprintf("%s/%s", c->arg[0], c->arg[1]);
	char quoted[VALUE_QUOTE_SIZE];
	auto_query *q = query_new(c->s, "SELECT test_no, suite, case_id FROM tests WHERE suite = ? AND case_id = ?", e);
	int rc;

	if (!q)
		return -1;
	query_bind(q, "tt", c->arg[0], c->arg[1]);
	rc = query_step(q, e);
	if (rc == 0) { /* a suite with slashes: where it ends cannot be told from the path alone */
		query_free(q);
		q = query_new(c->s, "SELECT test_no, suite, case_id FROM tests WHERE suite || '/' || case_id = ?"
			      " ORDER BY suite LIMIT 1", e);
		if (!q)
			return -1;
		query_bind(q, "t", name);
		rc = query_step(q, e);
	}
	if (rc < 0)
		return -1;
	if (rc == 0) {
		err_set(e, ERR_FAILURE, "no test %s in the history", value_quote(name, quoted));
		return 1;
	}
	*test_no = query_int(q, 0);
	*suite = xstrdup(query_text(q, 1));
	*case_id = xstrdup(query_text(q, 2));
	return 0;
}

int api_tests(struct call *c, struct err *e)
{
	const char *state = call_query(c, "state");
	char quoted[VALUE_QUOTE_SIZE];

	if (state && view_flaky_state(state) < 0)
		return err_set(e, ERR_USAGE, "state: %s is not a state; accepted: flaky, broken, suspect, new or stable",
			       value_quote(state, quoted));
	return view_flaky_of(&c->view, state, &c->a->body, e);
}

int api_test(struct call *c, struct err *e)
{
	auto_free char *suite = NULL, *case_id = NULL;
	auto_query *q = NULL;
	int64_t test_no, limit;
	struct json j;
	int rc;

	if (call_number(c, "limit", 1, 10000, 100, &limit, e) < 0)
		return -1;
	rc = call_test(c, &test_no, &suite, &case_id, e);
	if (rc != 0)
		return rc;
	q = query_new(c->s,
		      "SELECT k.run_id AS run_id, k.created_at AS created_at, u.branch AS branch, u.repo_rev AS"
		      " repo_rev, r.attempt AS attempt, CASE r.result WHEN 0 THEN 'pass' WHEN 1 THEN 'fail' WHEN 2"
		      " THEN 'error' WHEN 3 THEN 'skip' WHEN 4 THEN 'xfail' WHEN 5 THEN 'timeout' WHEN 6 THEN"
		      " 'stalled' WHEN 7 THEN 'cancelled' ELSE 'unknown' END AS result, CAST(r.duration_us AS REAL)"
		      " / 1000 AS duration_ms FROM (SELECT run_no, run_id, created_at FROM run_keys ORDER BY"
		      " created_at DESC, run_id DESC LIMIT 20000) k JOIN results r ON r.run_no = k.run_no AND"
		      " r.test_no = ? JOIN runs u ON u.run_id = k.run_id ORDER BY k.created_at DESC, k.run_id DESC,"
		      " r.attempt DESC LIMIT ?",
		      e);
	if (!q)
		return -1;
	query_bind(q, "ii", test_no, limit);
	begin(&j, c);
	json_str(&j, "suite", suite);
	json_str(&j, "case_id", case_id);
	if (view_test_state(&c->view, test_no, &j, e) < 0)
		return -1;
	rc = view_rows(&j, "results", q, e);
	end(&j, c);
	return rc;
}

int api_hangs(struct call *c, struct err *e)
{
	return view_hangs(&c->view, &c->a->body, e);
}

int api_compare(struct call *c, struct err *e)
{
	const char *base = call_query(c, "base"), *candidate = call_query(c, "candidate"),
		   *any = call_query(c, "any_device");
	struct history_settings settings = *c->view.settings;
	struct view v = c->view;

	if (!base || !candidate)
		return err_set(e, ERR_USAGE, "compare needs base and candidate: run ids joined by commas, rev:REV,"
			       " branch:NAME[:N] or last:N");
	if (any && !value_bool(any, &settings.any_device))
		return err_set(e, ERR_USAGE, "any_device: true or false");
	v.settings = &settings;
	return view_compare(&v, base, candidate, &c->a->body, e);
}
