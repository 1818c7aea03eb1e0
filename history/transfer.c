/* SPDX-License-Identifier: Apache-2.0 */
#include "history/transfer.h"

#include "base/fd.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"
#include "history/artifact.h"
#include "history/rows.h"
#include "history/run_writer.h"
#include "history/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- export ---- */

struct run_list {
	char **ids, **parents;
	bool *done;
	size_t n;
};

static int list_runs(struct transfer *t, struct run_list *l, struct err *e)
{
	char since[STORE_TIME_SIZE] = "", run_id[64] = "";
	auto_query *q = NULL;
	int rc;

	if (t->settings->since && view_since(t->settings->since, t->now_real_ns, since, e) < 0)
		return -1;
	if (t->settings->run_id && (rc = view_find_run(t->s, t->settings->run_id, run_id, e)) != 0)
		return rc;
	q = query_new(t->s,
		      "SELECT run_id, parent_run_id FROM runs WHERE created_at >= ? AND (CAST(? AS TEXT) = '' OR"
		      " run_id = ?) ORDER BY created_at, run_id",
		      e);
	if (!q)
		return -1;
	query_bind(q, "ttt", since, run_id, run_id);
	while ((rc = query_step(q, e)) == 1) {
		l->ids = xreallocarray(l->ids, l->n + 1, sizeof(*l->ids));
		l->parents = xreallocarray(l->parents, l->n + 1, sizeof(*l->parents));
		l->parents[l->n] = query_text(q, 1) ? xstrdup(query_text(q, 1)) : NULL;
		l->ids[l->n++] = xstrdup(query_text(q, 0));
	}
	l->done = xcalloc(l->n + 1, sizeof(*l->done));
	return rc;
}

static void release_runs(struct run_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->ids[i]);
		free(l->parents[i]);
	}
	free(l->ids);
	free(l->parents);
	free(l->done);
}

/* The rows of a run, each a line. */
static int run_lines(struct store *s, const char *run_id, struct str *out, struct err *e)
{
	for (const struct rows_table *t = rows_tables; t->name; t++) {
		auto_free char *sql =
			xasprintf("SELECT %s FROM %s WHERE run_id = ? ORDER BY %s", t->columns, t->name, t->order);
		auto_query *q = query_new(s, sql, e);
		int rc;

		if (!q)
			return -1;
		query_bind(q, "t", run_id);
		while ((rc = query_step(q, e)) == 1)
			rows_line(t, q, out);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int copy_artifacts(struct transfer *t, const char *run_id, const char *to, struct err *e)
{
	auto_query *q = query_new(t->s, "SELECT DISTINCT path FROM artifacts WHERE run_id = ? ORDER BY path", e);
	int rc;

	if (!q)
		return -1;
	query_bind(q, "t", run_id);
	while ((rc = query_step(q, e)) == 1) {
		auto_free char *target = path_join(to, query_text(q, 0)), *bytes = NULL;
		size_t n;

		if (access(target, F_OK) == 0)
			continue;
		if (artifact_read(store_dir(t->s), query_text(q, 0), &bytes, &n, e) < 0 ||
		    file_write(target, bytes, n, e) < 0)
			return -1;
	}
	return rc;
}

static int export_run(struct transfer *t, struct file_out *f, struct run_list *l, size_t at, int depth, struct err *e)
{
	auto_str lines = STR_INIT;

	if (l->done[at])
		return 0;
	l->done[at] = true;
	for (size_t i = 0; l->parents[at] && depth < 64 && i < l->n; i++)
		if (strcmp(l->ids[i], l->parents[at]) == 0 && export_run(t, f, l, i, depth + 1, e) < 0)
			return -1;
	if (run_lines(t->s, l->ids[at], &lines, e) < 0)
		return -1;
	file_out_write(f, str_cstr(&lines), lines.len);
	return t->settings->artifacts ? copy_artifacts(t, l->ids[at], t->settings->artifacts, e) : 0;
}

static int export_loose(struct transfer *t, struct file_out *f, struct err *e)
{
	for (const struct rows_table *r = rows_loose; r->name; r++) {
		auto_free char *sql = xasprintf("SELECT %s FROM %s%s ORDER BY %s", r->columns, r->name,
						strcmp(r->name, "vectors") == 0 ? " WHERE run_id IS NULL" : "", r->order);
		auto_query *q = query_new(t->s, sql, e);
		int rc;

		if (!q)
			return -1;
		while ((rc = query_step(q, e)) == 1) {
			auto_str line = STR_INIT;

			rows_line(r, q, &line);
			file_out_write(f, str_cstr(&line), line.len);
		}
		if (rc < 0)
			return -1;
	}
	return 0;
}

int transfer_export(struct transfer *t, const char *path, struct err *e)
{
	struct run_list l = { 0 };
	struct file_out f;
	char head[96];
	int rc = list_runs(t, &l, e);

	if (rc != 0 || file_out_open(&f, path, e) < 0) {
		release_runs(&l);
		return rc ? rc : -1;
	}
	file_out_write(&f, head, (size_t)snprintf(head, sizeof(head), "{\"spec_runner_history\": 1, \"schema\": %d}\n",
						  schema_version()));
	for (size_t i = 0; i < l.n && rc == 0; i++)
		rc = export_run(t, &f, &l, i, 0, e);
	if (rc == 0 && !t->settings->run_id)
		rc = export_loose(t, &f, e);
	release_runs(&l);
	if (rc == 0)
		return file_out_commit(&f, e);
	file_out_abort(&f);
	return rc;
}

/* ---- import ---- */

/* The rows of one run while they are gathered, as lines in our own form. */
struct group {
	char *run_id;
	struct str lines;
};

struct import {
	struct transfer *t;
	const char *path;
	uint64_t line_no;
	struct group g;
};

static int bad_line(const struct import *m, const char *what, struct err *e)
{
	return err_set(e, ERR_FAILURE, "%s:%llu: %s", m->path, (unsigned long long)m->line_no, what);
}

static const char *cell_string(const struct cell *c)
{
	return c->kind == QUERY_TEXT ? c->p : NULL;
}

static void row_of_cells(const struct cell *c, struct run_row *r)
{
	*r = (struct run_row){
		.run_id = cell_string(&c[0]), .parent_run_id = cell_string(&c[1]), .repo_uri = cell_string(&c[2]),
		.repo_rev = cell_string(&c[3]), .repo_dirty = c[4].kind == QUERY_INT ? (int)c[4].i : -1,
		.workload_id = cell_string(&c[5]), .device_id = cell_string(&c[6]), .toolchain_id = cell_string(&c[7]),
		.status = cell_string(&c[8]), .created_at = cell_string(&c[9]), .finished_at = cell_string(&c[10]),
		.kind = cell_string(&c[11]), .branch = cell_string(&c[12]), .command = cell_string(&c[13]),
		.exit_code = c[14].kind == QUERY_INT ? c[14].i : RUN_NO_EXIT_CODE, .ended_by = cell_string(&c[15]),
		.duration_ms = c[16].kind == QUERY_REAL ? c[16].r : RUN_NO_DURATION, .shard = cell_string(&c[17]),
		.ci_json = cell_string(&c[18]),
	};
}

static int add_result(struct run_writer *w, const struct cell *c, struct err *e)
{
	int result = 0;

	while (test_result_text[result] && (!cell_string(&c[4]) || strcmp(test_result_text[result], c[4].p) != 0))
		result++;
	if (!test_result_text[result] || !cell_string(&c[1]) || !cell_string(&c[2]) || c[3].kind != QUERY_INT)
		return err_set(e, ERR_FAILURE, "a row of v_test_results is not a test result");
	return run_writer_test(w, c[1].p, c[2].p, (int)c[3].i, (enum test_result)result,
			       c[5].kind == QUERY_REAL ? (int64_t)(c[5].r * 1000 + 0.5) : -1, cell_string(&c[6]),
			       c[7].kind == QUERY_INT ? c[7].i : 0, e);
}

/* Parses one of our own lines. The reader and its tree live until the next call on *in. */
static const struct rows_table *parse_line(const char *line, size_t n, struct json_reader **in,
					   const struct json_value **row, struct err *e)
{
	const struct json_value *v;
	const struct rows_table *t;
	const char *name;

	json_reader_free(*in);
	*in = json_reader_text(line, n, "line");
	if (json_take(*in, &v, e) < 0)
		return NULL;
	name = json_get_text(v, "table");
	t = name ? rows_find(name) : NULL;
	*row = json_get(v, "row");
	if (!t)
		err_set(e, ERR_FAILURE, "not a row of a known table");
	return t;
}

static int put_row(struct store *s, struct run_writer *w, const struct rows_table *t, const struct cell *cells,
		   struct err *e)
{
	int rc;

	if (strcmp(t->name, "v_test_results") == 0)
		return add_result(w, cells, e);
	if (w && (rc = run_writer_open(w, e)) != 0)
		return rc;
	return store_insert(s, t->name, t->columns, rows_columns(t), cells, 1, e);
}

/* The run is new: its rows in one transaction. 1: another writer was quicker. */
static int group_write(struct store *s, struct group *g, struct err *e)
{
	struct json_reader *in = NULL, *head = NULL;
	auto_run_writer *w = NULL;
	auto_str bytes = STR_INIT;
	struct cell cells[ROW_COLUMNS_MAX];
	struct run_row row = { 0 };
	int rc = 0;

	for (const char *p = str_cstr(&g->lines), *end; *p && rc == 0; p = end + 1) {
		const struct json_value *v;
		const struct rows_table *t;

		end = strchr(p, '\n');
		t = parse_line(p, (size_t)(end - p), w ? &in : &head, &v, e);
		if (!t || rows_cells(t, v, cells, &bytes, e) < 0) {
			rc = -1;
		} else if (!w) {
			row_of_cells(cells, &row);
			w = run_writer_new(s, &row);
		} else {
			rc = put_row(s, w, t, cells, e);
		}
	}
	if (rc == 0)
		rc = run_writer_commit(w, e);
	run_writer_free_ptr(&w);
	json_reader_free(in);
	json_reader_free(head);
	return rc;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **split_lines(char *text, size_t *n)
{
	char **v = NULL;

	*n = 0;
	for (char *p = text; *p;) {
		char *end = strchr(p, '\n');

		*end = '\0';
		v = xreallocarray(v, *n + 1, sizeof(*v));
		v[(*n)++] = p;
		p = end + 1;
	}
	if (*n)
		qsort(v, *n, sizeof(*v), by_text);
	return v;
}

static bool may_grow(const char *line)
{
	for (const struct rows_table *t = rows_tables; t->name; t++) {
		auto_free char *head = xasprintf("{\"table\":\"%s\",", t->name);

		if (t->grows && str_starts(line, head))
			return true;
	}
	return false;
}

/* The same content: what the file says is all there, and what is there besides was learned later. */
static int group_same(struct store *s, struct group *g, bool *same, struct err *e)
{
	auto_str there = STR_INIT;
	auto_free char **a = NULL, **b = NULL;
	size_t n, m, i = 0;

	if (run_lines(s, g->run_id, &there, e) < 0)
		return -1;
	a = split_lines(g->lines.data, &n);
	b = there.len ? split_lines(there.data, &m) : (m = 0, NULL);
	*same = true;
	for (size_t k = 0; k < m && *same; k++) {
		if (i < n && strcmp(a[i], b[k]) == 0)
			i++;
		else
			*same = may_grow(b[k]);
	}
	*same = *same && i == n;
	return 0;
}

static int take_artifacts(struct import *m, const char *run_id, struct err *e)
{
	struct transfer one = { .s = m->t->s };
	auto_query *q = query_new(one.s, "SELECT DISTINCT path, sha256 FROM artifacts WHERE run_id = ?", e);
	int rc;

	if (!q)
		return -1;
	query_bind(q, "t", run_id);
	while ((rc = query_step(q, e)) == 1) {
		auto_free char *to = path_join(store_dir(one.s), query_text(q, 0)), *bytes = NULL;
		char hex[ARTIFACT_SHA256_SIZE];
		struct err ignored = { 0 };
		size_t n;

		if (access(to, F_OK) == 0 ||
		    artifact_read(m->t->settings->artifacts, query_text(q, 0), &bytes, &n, &ignored) < 0)
			continue;
		sha256_hex(bytes, n, hex);
		if (strcmp(hex, query_text(q, 1)) == 0 && file_write(to, bytes, n, e) < 0)
			return -1;
	}
	return rc;
}

static int group_finish(struct import *m, struct err *e)
{
	struct transfer *t = m->t;
	int64_t there;
	bool same;
	int rc;

	if (!m->g.run_id)
		return 0;
	if (store_one_int(t->s, &there, 0, e, "SELECT COUNT(*) FROM runs WHERE run_id = ?", "t", m->g.run_id) < 0)
		return -1;
	rc = there ? 1 : group_write(t->s, &m->g, e);
	if (rc < 0)
		return err_add(e, "%s: %s", m->path, m->g.run_id);
	if (rc == 1) {
		if (group_same(t->s, &m->g, &same, e) < 0)
			return -1;
		if (same)
			t->known++;
		else
			strv_add(&t->conflicts, m->g.run_id);
	} else {
		t->imported++;
	}
	rc = t->settings->artifacts ? take_artifacts(m, m->g.run_id, e) : 0;
	mem_free_ptr(&m->g.run_id);
	str_reset(&m->g.lines);
	return rc;
}

static int loose_row(struct import *m, const struct rows_table *t, const struct cell *cells, struct err *e)
{
	bool plan = strcmp(t->name, "shard_plans") == 0;
	int64_t there;
	int rc;

	if (!cell_string(&cells[0]))
		return bad_line(m, "a row without a key", e);
	if (store_begin(m->t->s, e) < 0)
		return -1;
	rc = store_one_int(m->t->s, &there, 0, e, plan ? "SELECT COUNT(*) FROM shard_plans WHERE plan_key = ?" :
			   "SELECT COUNT(*) FROM vectors WHERE vector_id = ?", "t", cells[0].p);
	if (rc >= 0 && !there)
		rc = store_insert(m->t->s, t->name, t->columns, rows_columns(t), cells, 1, e);
	if (rc < 0) {
		store_rollback(m->t->s);
		return -1;
	}
	return store_commit(m->t->s, e);
}

static int import_row(struct import *m, const struct rows_table *t, const struct json_value *row, struct err *e)
{
	struct cell cells[ROW_COLUMNS_MAX];
	auto_str bytes = STR_INIT;
	struct err why = { 0 };
	const char *run_id;

	if (rows_cells(t, row, cells, &bytes, &why) < 0)
		return bad_line(m, why.msg, e);
	run_id = json_get_text(row, "run_id");
	if (strcmp(t->name, "runs") == 0) {
		if (group_finish(m, e) < 0)
			return -1;
		if (!run_id || !cell_string(&cells[8]) || !cell_string(&cells[9]) || !cell_string(&cells[11]))
			return bad_line(m, "a run without run_id, status, created_at or kind", e);
		m->g.run_id = xstrdup(run_id);
	} else if (!run_id) {
		return group_finish(m, e) < 0 ? -1 : loose_row(m, t, cells, e);
	} else if (!m->g.run_id || strcmp(m->g.run_id, run_id) != 0) {
		return bad_line(m, "a row of a run that does not stand in front of it", e);
	}
	rows_line_of_cells(t, cells, &m->g.lines);
	return 0;
}

static int import_head(struct import *m, const struct json_value *v, struct err *e)
{
	const struct json_value *is = json_get(v, "spec_runner_history"), *schema = json_get(v, "schema");

	if (!is || is->kind != JSON_NUMBER || is->integer != 1 || !schema || schema->kind != JSON_NUMBER)
		return bad_line(m,
				"not an export of a history: the first line must be {\"spec_runner_history\": 1,"
				" \"schema\": N}",
				e);
	if (schema->integer > schema_version())
		return err_set(e, ERR_FAILURE,
			       "%s: made by schema version %lld; this program knows up to %d: use a newer one",
			       m->path, (long long)schema->integer, schema_version());
	return 0;
}

static int import_line(struct import *m, const char *line, size_t n, struct err *e)
{
	struct json_reader *in = json_reader_text(line, n, m->path);
	const struct json_value *v;
	const struct rows_table *t;
	struct err why = { 0 };
	int rc;

	if (json_take(in, &v, &why) < 0) {
		rc = bad_line(m, why.msg, e);
	} else if (m->line_no == 1) {
		rc = import_head(m, v, e);
	} else {
		const char *name = json_get_text(v, "table");

		t = name ? rows_find(name) : NULL;
		rc = t ? import_row(m, t, json_get(v, "row"), e)
		       : bad_line(m,
				  "not a row of a table that this program knows",
				  e);
	}
	json_reader_free(in);
	return rc;
}

int transfer_import(struct transfer *t, const char *path, struct err *e)
{
	struct import m = { .t = t, .path = path };
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	auto_free char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int rc = 0;

	if (!in)
		return err_sys(e, "reading '%s'", path) < 0 ? TRANSFER_NO_SUCH : 0;
	while (rc == 0 && (n = getline(&line, &cap, in)) > 0) {
		m.line_no++;
		if (strspn(line, " \r\n") != (size_t)n)
			rc = import_line(&m, line, (size_t)n, e);
	}
	if (rc == 0 && ferror(in))
		rc = err_sys(e, "reading '%s'", path);
	if (rc == 0 && !m.line_no)
		rc = err_set(e, ERR_FAILURE, "%s: empty: not an export of a history", path);
	if (rc == 0)
		rc = group_finish(&m, e);
	if (rc < 0 && !strstr(e->msg, "history: "))
		e->kind = ERR_USAGE; /* the file, and not the store */
	free(m.g.run_id);
	str_release(&m.g.lines);
	if (in != stdin)
		fclose(in);
	return rc;
}

int transfer_merge(struct transfer *t, const char *dir, bool network_ok, struct err *e)
{
	struct store_where w = { .dir = dir, .network_ok = network_ok };
	auto_free char *file = xasprintf("%s/spool/.merge-%d", store_dir(t->s), (int)getpid());
	struct history_settings with = { .artifacts = (char *)dir }, nothing = { 0 };
	const struct history_settings *was = t->settings;
	struct transfer from = { .settings = &nothing, .now_real_ns = t->now_real_ns };
	auto_store *other = NULL;
	int rc = store_open(&other, &w, STORE_READ, e);

	if (rc == 1) {
		err_set(e, ERR_FAILURE, "history merge: no history in '%s'", dir);
		return TRANSFER_NO_SUCH;
	}
	from.s = other;
	rc = rc < 0 ? -1 : transfer_export(&from, file, e);
	if (rc == 0) {
		t->settings = &with;
		rc = transfer_import(t, file, e);
		t->settings = was;
	}
	unlink(file);
	return rc;
}
