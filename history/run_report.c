/* SPDX-License-Identifier: Apache-2.0 */
#include "history/run_report.h"

#include "base/json_read.h"
#include "base/mem.h"
#include "history/artifact.h"
#include "history/hangs.h"
#include "history/lineage.h"
#include "history/note.h"
#include "history/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TESTS_SHOWN 100
#define METRICS_SHOWN 200
#define WINDOWS_SHOWN 20

struct writer {
	const struct run_report_request *q;
	struct page p;
	struct lineage l;
};

/* Rows of a run, in order; the caller steps. */
static struct query *rows(struct writer *w, const char *sql, struct err *e)
{
	struct query *q = query_new(w->q->s, sql, e);

	if (q)
		query_bind(q, "t", w->q->run_id);
	return q;
}

static double real_or_nan(struct query *q, int column)
{
	return query_kind(q, column) == QUERY_NULL ? (double)NAN : query_real(q, column);
}

static void item(struct writer *w, const char *name, const char *value)
{
	auto_free char *line = value && *value ? xasprintf("%s: %s", name, value) : NULL;

	if (line)
		page_item(&w->p, line);
}

/* ---- the run itself ---- */

static int put_head(struct writer *w, struct str *out, struct err *e)
{
	static const char *const names[] = { NULL,     NULL,        NULL,         "command", "workload",
					     "device", "toolchain", "repository", "commit",  "branch",
					     "began",  "ended",     "parent run", "part" };
	auto_query *q =
		rows(w,
		     "SELECT status, exit_code, ended_by, command, workload_id, device_id, toolchain_id, repo_uri,"
		     " repo_rev, branch, created_at, finished_at, parent_run_id, shard, duration_ms, repo_dirty"
		     " FROM runs WHERE run_id = ?",
		     e);
	auto_str title = STR_INIT;
	int rc = q ? query_step(q, e) : -1;

	if (rc == 0)
		err_set(e, ERR_FAILURE, "no run '%s' in the history", w->q->run_id);
	if (rc != 1)
		return rc < 0 ? -1 : 1;
	str_addf(&title, "%s: %s", w->q->run_id, query_text(q, 0));
	if (query_kind(q, 1) != QUERY_NULL)
		str_addf(&title, ", exit code %lld", (long long)query_int(q, 1));
	if (query_text(q, 2))
		str_addf(&title, ", ended by %s", query_text(q, 2));
	page_begin(&w->p, out, w->q->html, str_cstr(&title));
	for (int i = 3; i < (int)(sizeof(names) / sizeof(names[0])); i++)
		item(w, names[i], query_text(q, i));
	if (query_kind(q, 15) != QUERY_NULL && query_int(q, 15))
		page_item(&w->p, "tracked files were changed");
	if (query_kind(q, 14) != QUERY_NULL) {
		auto_free char *took = xasprintf("%.3f s", query_real(q, 14) / 1000);

		item(w, "took", took);
	}
	return 0;
}

/* ---- baseline and best ---- */

static void put_deltas(struct writer *w, const char *title, const struct deltas *d)
{
	page_text(&w->p, title);
	page_table(&w->p, "metric|>base|>this run|>change|unit");
	for (size_t i = 0; i < d->n; i++) {
		page_cell(&w->p, d->v[i].metric);
		page_cell_real(&w->p, d->v[i].base, 3, "");
		page_cell_real(&w->p, d->v[i].value, 3, "");
		page_cell_real(&w->p, d->v[i].change * 100, 1, "%");
		page_cell(&w->p, d->v[i].unit);
	}
	page_table_end(&w->p);
}

static int put_against(struct writer *w, const char *what, const char *base, struct err *e)
{
	auto_free char *title = NULL;
	struct deltas d;
	int rc = deltas_read(w->q->s, base, w->q->run_id, &d, e);

	if (rc == 0) {
		title = d.n ? xasprintf("Against the %s %s:", what, base)
			    : xasprintf("The %s is %s; it has no metric that this run has.", what, base);
		if (d.n)
			put_deltas(w, title, &d);
		else
			page_text(&w->p, title);
	}
	deltas_release(&d);
	return rc;
}

static int put_evaluations(struct writer *w, struct err *e)
{
	auto_query *q = query_new(w->q->s,
				  "SELECT v.iteration, v.run_id, v.verdict, v.correctness_passed, v.perf_improved,"
				  " v.notes FROM evaluations v JOIN runs r ON r.run_id = v.run_id WHERE v.run_id = ? OR"
				  " r.parent_run_id = ? ORDER BY v.iteration, v.run_id",
				  e);
	bool any = false;
	int rc;

	if (!q)
		return -1;
	query_bind(q, "tt", w->q->run_id, w->q->run_id);
	while ((rc = query_step(q, e)) == 1) {
		if (!any)
			page_table(&w->p, ">iteration|run|verdict|correct|faster|notes");
		any = true;
		page_cell_int(&w->p, query_int(q, 0));
		page_cell(&w->p, query_text(q, 1));
		page_cell(&w->p, query_text(q, 2));
		for (int i = 3; i < 5; i++)
			page_cell(&w->p, query_kind(q, i) == QUERY_NULL ? NULL : query_int(q, i) ? "yes" : "no");
		page_cell(&w->p, query_text(q, 5));
	}
	if (any)
		page_table_end(&w->p);
	return rc;
}

static int put_summary(struct writer *w, struct err *e)
{
	page_heading(&w->p, "Summary: baseline and best");
	if (!w->l.baseline)
		page_text(&w->p, "No baseline: no earlier run of this workload, device and branch succeeded.");
	else if (put_against(w, "baseline", w->l.baseline, e) < 0)
		return -1;
	if (w->l.best && strcmp(w->l.best, w->q->run_id) == 0)
		page_text(&w->p, "This run is the best of its baseline.");
	else if (w->l.best && put_against(w, "best", w->l.best, e) < 0)
		return -1;
	return put_evaluations(w, e);
}

/* ---- tests, findings, what is known of them ---- */

static int put_tests(struct writer *w, int64_t *failed, struct err *e)
{
	auto_query *q = rows(w,
			     "SELECT suite, case_id, attempt, result, duration_ms, file, line FROM v_test_results"
			     " WHERE run_id = ? AND result IN ('fail', 'error', 'timeout', 'stalled')"
			     " ORDER BY suite, case_id, attempt",
			     e);
	auto_free char *count = NULL;
	int64_t tests;
	int rc;

	*failed = 0;
	if (!q || store_one_int(w->q->s, &tests, 0, e, "SELECT COUNT(*) FROM v_test_results WHERE run_id = ?", "t",
				w->q->run_id) < 0)
		return -1;
	if (!tests)
		return 0;
	page_heading(&w->p, "Tests");
	while ((rc = query_step(q, e)) == 1) {
		auto_free char *place = query_text(q, 5) && query_kind(q, 6) != QUERY_NULL
						? xasprintf("%s:%lld", query_text(q, 5), (long long)query_int(q, 6))
						: NULL;

		if (++*failed > TESTS_SHOWN)
			continue;
		if (*failed == 1)
			page_table(&w->p, "result|suite|test|>attempt|>time|place");
		page_cell(&w->p, query_text(q, 3));
		page_cell(&w->p, query_text(q, 0));
		page_cell(&w->p, query_text(q, 1));
		page_cell_int(&w->p, query_int(q, 2));
		page_cell_real(&w->p, real_or_nan(q, 4), 1, "ms");
		page_cell(&w->p, place ? place : query_text(q, 5));
	}
	if (*failed)
		page_table_end(&w->p);
	count = *failed > TESTS_SHOWN
			? xasprintf("%lld results, %lld of them failed; the first %d are listed.", (long long)tests,
				    (long long)*failed, TESTS_SHOWN)
			: xasprintf("%lld results, %lld of them failed.", (long long)tests, (long long)*failed);
	page_text(&w->p, count);
	return rc;
}

static int put_findings(struct writer *w, struct err *e)
{
	auto_query *q = rows(w,
			     "SELECT rank, pattern_id, location, confidence, proved, summary, finding_id FROM findings"
			     " WHERE run_id = ? ORDER BY rank",
			     e);
	bool any = false;
	int rc;

	while (q && (rc = query_step(q, e)) == 1) {
		if (!any) {
			page_heading(&w->p, "Findings");
			page_table(&w->p, ">rank|what|where|>confidence|confirmed|summary|id");
		}
		any = true;
		page_cell_int(&w->p, query_int(q, 0));
		page_cell(&w->p, query_text(q, 1));
		page_cell(&w->p, query_text(q, 2));
		page_cell_real(&w->p, real_or_nan(q, 3), 2, "");
		page_cell(&w->p, query_kind(q, 4) != QUERY_NULL && query_int(q, 4) ? "yes" : "no");
		page_cell(&w->p, query_text(q, 5));
		page_cell(&w->p, query_text(q, 6));
	}
	if (any)
		page_table_end(&w->p);
	return q ? rc : -1;
}

static int recurrence(struct writer *w, struct str *out, struct err *e)
{
	auto_free char *signature = NULL;
	struct hangs h = { 0 };
	int rc = hang_of_run(w->q->s, w->q->run_id, &signature, e);

	if (rc == 1)
		rc = hangs_read(w->q->s, signature, NULL, &h, e);
	if (rc == 0 && h.n) {
		const struct hang *v = &h.v[0];

		str_addf(out,
			 "the hang %s was seen %lld time%s in %lld runs of its workloads (%.1f %%), first %.10s at %s, "
			 "last"
			 " %.10s in %s\n",
			 v->signature, (long long)v->count, v->count == 1 ? "" : "s", (long long)v->runs, v->rate * 100,
			 v->first_seen, v->first_rev ? v->first_rev : "an unknown revision", v->last_seen,
			 v->last_run_id);
		if (v->last_good_rev)
			str_addf(out, "last commit without it: %s\n", v->last_good_rev);
	}
	hangs_release(&h);
	return rc < 0 ? -1 : 0;
}

static int put_history(struct writer *w, int64_t failed, struct err *e)
{
	auto_str lines = STR_INIT;
	char *rest, *line;

	if (recurrence(w, &lines, e) < 0)
		return -1;
	note_tests(w->q->s, w->q->run_id, (uint64_t)failed, w->q->now_real_ns, &lines);
	if (!lines.len)
		return 0;
	page_heading(&w->p, "History");
	for (rest = lines.data; (line = strsep(&rest, "\n"));)
		if (*line)
			page_item(&w->p, line);
	return 0;
}

/* ---- figures ---- */

static int put_metrics(struct writer *w, struct err *e)
{
	auto_query *q = rows(w,
			     "SELECT scope, metric_name, value, unit, tags_json FROM metrics WHERE run_id = ? AND"
			     " metric_name <> 'top_hotspots' ORDER BY scope, metric_name, tags_json, value",
			     e);
	int rc, n = 0;

	while (q && (rc = query_step(q, e)) == 1 && n < METRICS_SHOWN) {
		const char *tags = query_text(q, 4);

		if (!n++) {
			page_heading(&w->p, "KPIs");
			page_table(&w->p, "scope|metric|>value|unit|tags");
		}
		page_cell(&w->p, query_text(q, 0));
		page_cell(&w->p, query_text(q, 1));
		page_cell_real(&w->p, query_real(q, 2), 3, "");
		page_cell(&w->p, query_text(q, 3));
		page_cell(&w->p, strcmp(tags, "{}") != 0 ? tags : NULL);
	}
	if (n)
		page_table_end(&w->p);
	return q && rc >= 0 ? 0 : -1;
}

static int put_hotspots(struct writer *w, struct err *e)
{
	auto_query *q = rows(w,
			     "SELECT rank, symbol, file_path, line_start, score, self_share, total_share, ranker FROM"
			     " hotspots WHERE run_id = ? ORDER BY ranker, rank, symbol",
			     e);
	bool any = false;
	int rc;

	while (q && (rc = query_step(q, e)) == 1) {
		const char *file = query_text(q, 2);
		auto_free char *place = file && query_kind(q, 3) != QUERY_NULL
						? xasprintf("%s:%lld", file, (long long)query_int(q, 3))
						: NULL;

		if (!any) {
			page_heading(&w->p, "Hotspots");
			page_table(&w->p, ">rank|symbol|where|>score|>self|>total|ranker");
		}
		any = true;
		page_cell_int(&w->p, query_int(q, 0));
		page_cell(&w->p, query_text(q, 1));
		page_cell(&w->p, place ? place : file);
		page_cell_real(&w->p, query_real(q, 4), 4, "");
		page_cell_real(&w->p, real_or_nan(q, 5) * 100, 1, "%");
		page_cell_real(&w->p, real_or_nan(q, 6) * 100, 1, "%");
		page_cell(&w->p, query_text(q, 7));
	}
	if (any)
		page_table_end(&w->p);
	return q ? rc : -1;
}

/* ---- patches: what they change, and the way back ---- */

/* "+12 -3" of a stored diff; NULL where it cannot be read. */
static char *diff_size(struct store *s, const char *artifact_id)
{
	auto_free char *path = NULL, *text = NULL;
	struct err ignored = { 0 };
	size_t n, plus = 0, minus = 0;

	if (!artifact_id ||
	    store_one_text(s, &path, &ignored, "SELECT path FROM artifacts WHERE artifact_id = ?", "t", artifact_id) !=
		    1 ||
	    artifact_read(store_dir(s), path, &text, &n, &ignored) < 0)
		return NULL;
	for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		plus += line[0] == '+' && strncmp(line, "+++ ", 4) != 0;
		minus += line[0] == '-' && strncmp(line, "--- ", 4) != 0;
	}
	return xasprintf("+%zu -%zu", plus, minus);
}

static int put_patches(struct writer *w, bool *any, struct err *e)
{
	auto_query *q = rows(w,
			     "SELECT iteration, apply_status, files_changed_json, diff_artifact_id, reason FROM patches"
			     " WHERE run_id = ? ORDER BY iteration",
			     e);
	int rc;

	*any = false;
	while (q && (rc = query_step(q, e)) == 1) {
		auto_free char *lines = diff_size(w->q->s, query_text(q, 3));

		if (!*any) {
			page_heading(&w->p, "Patches");
			page_table(&w->p, ">iteration|status|files|lines|reason|diff");
		}
		*any = true;
		page_cell_int(&w->p, query_int(q, 0));
		page_cell(&w->p, query_text(q, 1));
		page_cell(&w->p, query_text(q, 2));
		page_cell(&w->p, lines);
		page_cell(&w->p, query_text(q, 4));
		page_cell(&w->p, query_text(q, 3));
	}
	if (*any)
		page_table_end(&w->p);
	return q ? rc : -1;
}

static int put_windows(struct writer *w, struct err *e)
{
	auto_query *q = rows(w,
			     "SELECT metadata_json FROM artifacts WHERE run_id = ? AND kind = 'flamegraph'"
			     " ORDER BY sha256",
			     e);
	int rc, n = 0;

	while (q && (rc = query_step(q, e)) == 1) {
		struct json_reader *in = json_reader_text(query_text(q, 0), strlen(query_text(q, 0)), "metadata");
		const struct json_value *v, *list = NULL;
		struct err ignored = { 0 };

		if (json_take(in, &v, &ignored) == 0)
			list = json_get(v, "windows");
		if (list && list->kind == JSON_ARRAY)
			json_each (x, list) {
				const struct json_value *a = json_get(x, "start_ms"), *b = json_get(x, "end_ms"),
							*late = json_get(x, "late_ms");

				if (!a || !b || !late || n == WINDOWS_SHOWN)
					continue;
				if (!n++) {
					page_heading(&w->p, "Windows of trouble");
					page_table(&w->p, "kind|>from|>to|>late");
				}
				page_cell(&w->p, "jank");
				page_cell_real(&w->p, a->number, 3, "ms");
				page_cell_real(&w->p, b->number, 3, "ms");
				page_cell_real(&w->p, late->number, 3, "ms");
			}
		json_reader_free(in);
	}
	if (n)
		page_table_end(&w->p);
	return q && rc >= 0 ? 0 : -1;
}

static int put_artifacts(struct writer *w, struct err *e)
{
	auto_query *q =
		rows(w,
		     "SELECT kind, bytes, artifact_id, path FROM artifacts WHERE run_id = ? ORDER BY kind, path,"
		     " artifact_id",
		     e);
	bool any = false;
	int rc;

	while (q && (rc = query_step(q, e)) == 1) {
		if (!any) {
			page_heading(&w->p, "Artifacts");
			page_table(&w->p, "kind|>bytes|id|path in the store");
		}
		any = true;
		page_cell(&w->p, query_text(q, 0));
		page_cell_int(&w->p, query_int(q, 1));
		page_cell(&w->p, query_text(q, 2));
		page_cell(&w->p, query_text(q, 3));
	}
	if (any)
		page_table_end(&w->p);
	return q ? rc : -1;
}

static void put_risk(struct writer *w, bool patched)
{
	page_heading(&w->p, "Risk and the way back");
	if (!patched) {
		page_text(&w->p, "No patch belongs to this run: there is nothing to take back.");
		return;
	}
	page_item(&w->p, "A verdict covers the tests and the workload that were run, and nothing else.");
	page_item(
		&w->p,
		"Take a patch back with git apply -R FILE, FILE being its diff in the folder of the store; or leave the"
		" branch that holds it.");
}

static int put_all(struct writer *w, struct str *out, struct err *e)
{
	int64_t failed;
	bool patched;
	int rc = put_head(w, out, e);

	if (rc != 0)
		return rc;
	if (put_findings(w, e) < 0 || put_tests(w, &failed, e) < 0 || put_history(w, failed, e) < 0 ||
	    put_summary(w, e) < 0 || put_metrics(w, e) < 0 || put_hotspots(w, e) < 0 ||
	    put_patches(w, &patched, e) < 0 || put_windows(w, e) < 0 || put_artifacts(w, e) < 0)
		return -1;
	put_risk(w, patched);
	page_end(&w->p);
	return 0;
}

int run_report_write(const struct run_report_request *q, struct str *out, struct err *e)
{
	struct writer w = { .q = q };
	int rc = lineage_read(q->s, q->run_id, &w.l, e);

	if (rc == 0)
		rc = put_all(&w, out, e);
	lineage_release(&w.l);
	return rc;
}
