/* SPDX-License-Identifier: Apache-2.0 */
#include "history/run_writer.h"

#include "base/mem.h"
#include "history/names.h"
#include "history/recent.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_ROWS 8192
#define CHUNK_BYTES ((size_t)256 << 10)

const char *const test_result_text[] = {
	"pass", "fail", "error", "skip", "xfail", "timeout", "stalled", "cancelled", "unknown", NULL,
};

struct pending {
	const char *suite, *case_id, *file;
	int64_t duration_us, line;
	int attempt;
	enum test_result result;
};

struct chunk {
	struct chunk *next;
	size_t used, size;
	char data[];
};

struct run_writer {
	struct store *s;
	const struct run_row *row;
	char *append_to;         /* a run that is there; row is NULL then */
	struct names *names;
	struct pending *rows;
	size_t n_rows;
	struct chunk *chunks;
	struct cell *cells;
	uint16_t *attempts;      /* by test number */
	size_t attempts_size;
	bool open, there, newest; /* newest: no run of the lane is younger */
	int64_t run_no, lane_no;
	uint64_t tests, failed;
	int64_t tests_before;
	struct query *get_recent, *put_recent;
};

struct run_writer *run_writer_new(struct store *s, const struct run_row *row)
{
	struct run_writer *w = xcalloc(1, sizeof(*w));

	w->s = s;
	w->row = row;
	w->rows = xreallocarray(NULL, BLOCK_ROWS, sizeof(*w->rows));
	return w;
}

struct run_writer *run_writer_append(struct store *s, const char *run_id)
{
	struct run_writer *w = run_writer_new(s, NULL);

	w->append_to = xstrdup(run_id);
	return w;
}

static void drop_texts(struct run_writer *w)
{
	while (w->chunks) {
		struct chunk *next = w->chunks->next;

		free(w->chunks);
		w->chunks = next;
	}
}

void run_writer_free(struct run_writer *w)
{
	if (!w)
		return;
	query_free(w->get_recent);
	query_free(w->put_recent);
	names_free(w->names);
	if (w->open)
		store_rollback(w->s);
	drop_texts(w);
	free(w->rows);
	free(w->cells);
	free(w->attempts);
	free(w->append_to);
	free(w);
}

void run_writer_free_ptr(struct run_writer **w)
{
	run_writer_free(*w);
	*w = NULL;
}

uint64_t run_writer_tests(const struct run_writer *w) { return w->tests; }
uint64_t run_writer_failed(const struct run_writer *w) { return w->failed; }

static const char *keep(struct run_writer *w, const char *s)
{
	size_t n = strlen(s) + 1;
	struct chunk *c = w->chunks;

	if (!c || c->size - c->used < n) {
		size_t size = n > CHUNK_BYTES ? n : CHUNK_BYTES;

		c = xmalloc(sizeof(*c) + size);
		*c = (struct chunk){ w->chunks, 0, size };
		w->chunks = c;
	}
	c->used += n;
	return memcpy(c->data + c->used - n, s, n);
}

#define RUN_COLUMNS "run_id, parent_run_id, repo_uri, repo_rev, repo_dirty, workload_id, device_id, toolchain_id, status," \
	" created_at, finished_at, kind, branch, command, exit_code, ended_by, duration_ms, shard, ci_json"
#define RUN_COLUMNS_N 19

static void row_cells(const struct run_row *r, struct cell c[RUN_COLUMNS_N])
{
	const char *const texts[] = { r->run_id, r->parent_run_id, r->repo_uri,    r->repo_rev,
				      NULL,      r->workload_id,   r->device_id,   r->toolchain_id,
				      r->status, r->created_at,    r->finished_at, r->kind,
				      r->branch, r->command,       NULL,           r->ended_by,
				      NULL,      r->shard,         r->ci_json };

	for (size_t i = 0; i < RUN_COLUMNS_N; i++)
		c[i] = cell_text(texts[i]);
	c[4] = r->repo_dirty < 0 ? cell_null() : cell_int(r->repo_dirty);
	c[14] = r->exit_code == RUN_NO_EXIT_CODE ? cell_null() : cell_int(r->exit_code);
	c[16] = r->duration_ms < 0 ? cell_null() : cell_real(r->duration_ms);
}

static int insert_key(struct run_writer *w, struct err *e)
{
	const struct run_row *r = w->row;
	int64_t younger;

	w->lane_no = lane_number(w->s, r->workload_id ? r->workload_id : "", r->device_id ? r->device_id : "", e);
	if (w->lane_no < 0 ||
	    store_one_int(w->s, &w->run_no, 1, e, "SELECT COALESCE(MAX(run_no), 0) + 1 FROM run_keys", "") < 0 ||
	    store_one_int(w->s, &younger, 0, e,
			  "SELECT COUNT(*) FROM run_keys WHERE lane_no = ? AND created_at > ? AND tests > 0",
			  "it", w->lane_no, r->created_at) < 0)
		return -1;
	w->newest = younger == 0;
	return store_run(w->s, e, "INSERT INTO run_keys (run_no, run_id, lane_no, created_at, tests) VALUES (?, ?, ?, ?, 0)",
			 "itit", w->run_no, r->run_id, w->lane_no, r->created_at);
}

static int attempt_of(struct run_writer *w, int64_t test, int given)
{
	size_t at = (size_t)test;

	if (at >= w->attempts_size) {
		size_t size = at + at / 2 + 256;

		w->attempts = xreallocarray(w->attempts, size, sizeof(*w->attempts));
		memset(w->attempts + w->attempts_size, 0, (size - w->attempts_size) * sizeof(*w->attempts));
		w->attempts_size = size;
	}
	if (given > w->attempts[at])
		w->attempts[at] = (uint16_t)given;
	else if (w->attempts[at] < UINT16_MAX)
		w->attempts[at]++;
	return w->attempts[at];
}

/* Attempts go on where those that are there end. */
static int note_attempts(struct run_writer *w, struct err *e)
{
	auto_query *q = query_new(w->s, "SELECT test_no, MAX(attempt) FROM results WHERE run_no = ? GROUP BY test_no", e);
	int rc;

	if (!q)
		return -1;
	query_bind(q, "i", w->run_no);
	while ((rc = query_step(q, e)) == 1)
		attempt_of(w, query_int(q, 0), (int)query_int(q, 1));
	return rc;
}

static int open_append(struct run_writer *w, struct err *e)
{
	auto_query *q = NULL;

	if (store_begin(w->s, e) < 0)
		return -1;
	w->open = true;
	q = query_new(w->s, "SELECT k.run_no, k.lane_no, k.tests FROM run_keys k WHERE k.run_id = ?", e);
	if (!q)
		return -1;
	query_bind(q, "t", w->append_to);
	if (query_step(q, e) != 1)
		return err_set(e, ERR_FAILURE, "history: no run '%s'", w->append_to);
	w->run_no = query_int(q, 0);
	w->lane_no = query_int(q, 1);
	w->tests_before = query_int(q, 2);
	w->names = names_new(w->s);
	return note_attempts(w, e);
}

int run_writer_open(struct run_writer *w, struct err *e)
{
	struct cell cells[RUN_COLUMNS_N];
	int64_t found;

	if (w->open || w->there)
		return w->there;
	if (w->append_to)
		return open_append(w, e);
	if (store_begin(w->s, e) < 0)
		return -1;
	w->open = true;
	if (store_one_int(w->s, &found, 0, e, "SELECT COUNT(*) FROM runs WHERE run_id = ?", "t", w->row->run_id) < 0)
		return -1;
	if (found) {
		w->there = true;
		w->open = false;
		store_rollback(w->s);
		return 1;
	}
	row_cells(w->row, cells);
	if (store_insert(w->s, "runs", RUN_COLUMNS, RUN_COLUMNS_N, cells, 1, e) < 0)
		return -1;
	w->names = names_new(w->s);
	return insert_key(w, e);
}

/* ---- test results ---- */

/* The duration of a passing attempt goes to the end of the test's blob. */
static int note_recent(struct run_writer *w, int64_t test, int64_t us, struct err *e)
{
	auto_str blob = STR_INIT;
	const char *old;
	size_t n = 0, skip;
	int rc;

	if (!w->get_recent)
		w->get_recent = query_new(w->s, "SELECT passes FROM recent WHERE lane_no = ? AND test_no = ?", e);
	if (!w->put_recent)
		w->put_recent = query_new(w->s, "INSERT INTO recent (lane_no, test_no, passes) VALUES (?, ?, ?)"
					  " ON CONFLICT (lane_no, test_no) DO UPDATE SET passes = excluded.passes", e);
	if (!w->get_recent || !w->put_recent)
		return -1;
	query_bind(w->get_recent, "ii", w->lane_no, test);
	rc = query_step(w->get_recent, e);
	if (rc < 0)
		return -1;
	old = rc == 1 ? query_blob(w->get_recent, 0, &n) : NULL;
	skip = recent_skip(old, n, RECENT_MAX - 1);
	str_addn(&blob, n ? old + skip : "", n - skip);
	recent_put(&blob, (uint64_t)us);
	query_bind(w->get_recent, "");
	query_bind(w->put_recent, "iib", w->lane_no, test, str_cstr(&blob), blob.len);
	return query_step(w->put_recent, e);
}

static int number_rows(struct run_writer *w, struct err *e)
{
	for (size_t i = 0; i < w->n_rows; i++) {
		const struct pending *p = &w->rows[i];
		struct cell *c = w->cells + i * 7;
		int64_t test = names_test(w->names, p->suite, p->case_id, e), file = 0;

		if (test < 0 || (p->file && (file = names_file(w->names, p->file, e)) < 0))
			return -1;
		c[0] = cell_int(w->run_no);
		c[1] = cell_int(test);
		c[2] = cell_int(attempt_of(w, test, p->attempt));
		c[3] = cell_int(p->result);
		c[4] = p->duration_us < 0 ? cell_null() : cell_int(p->duration_us);
		c[5] = file ? cell_int(file) : cell_null();
		c[6] = p->line ? cell_int(p->line) : cell_null();
	}
	return 0;
}

static int note_passes(struct run_writer *w, struct err *e)
{
	for (size_t i = 0; i < w->n_rows && w->newest && !store_is_postgres(w->s); i++)
		if (w->rows[i].result == TEST_PASS && w->rows[i].duration_us >= 0 &&
		    note_recent(w, w->cells[i * 7 + 1].i, w->rows[i].duration_us, e) < 0)
			return -1;
	return 0;
}

static int prefetch(struct run_writer *w, struct err *e)
{
	auto_free const char **names = xreallocarray(NULL, w->n_rows * 2 + 1, sizeof(*names));

	for (size_t i = 0; i < w->n_rows; i++) {
		names[i] = w->rows[i].suite;
		names[w->n_rows + i] = w->rows[i].case_id;
	}
	return names_prefetch(w->names, names, names + w->n_rows, w->n_rows, e);
}

static int flush(struct run_writer *w, struct err *e)
{
	int rc = run_writer_open(w, e);

	if (rc != 0 || !w->n_rows)
		return rc;
	if (!w->cells)
		w->cells = xreallocarray(NULL, BLOCK_ROWS * 7, sizeof(*w->cells));
	if (prefetch(w, e) < 0 || number_rows(w, e) < 0 || note_passes(w, e) < 0 ||
	    store_insert(w->s, "results", "run_no, test_no, attempt, result, duration_us, file_no, line", 7, w->cells,
			 w->n_rows, e) < 0)
		return -1;
	w->n_rows = 0;
	drop_texts(w);
	return 0;
}

int run_writer_test(struct run_writer *w, const char *suite, const char *case_id, int attempt, enum test_result result,
		    int64_t duration_us, const char *file, int64_t line, struct err *e)
{
	int rc;

	if (w->there)
		return 1;
	if (w->n_rows == BLOCK_ROWS && (rc = flush(w, e)) != 0)
		return rc;
	w->rows[w->n_rows++] = (struct pending){
		.suite = keep(w, suite), .case_id = keep(w, case_id), .file = file && *file ? keep(w, file) : NULL,
		.duration_us = duration_us, .line = line, .attempt = attempt, .result = result,
	};
	w->tests++;
	w->failed += test_result_is_bad(result);
	return 0;
}

int run_writer_metric(struct run_writer *w, const char *scope, const char *name, double value, const char *unit,
		      const char *tags_json, struct err *e)
{
	int rc = run_writer_open(w, e);

	if (rc != 0)
		return rc;
	return store_run(w->s, e,
			 "INSERT INTO metrics (run_id, scope, metric_name, value, unit, tags_json) VALUES (?, ?, ?,"
			 " ?, ?, ?)",
			 "tttrtt", w->row->run_id, scope, name, value, unit, tags_json ? tags_json : "{}");
}

/* ---- the end ---- */

static int finish_row(struct run_writer *w, struct err *e)
{
	const struct run_row *r = w->row;

	if (w->append_to)
		return store_run(w->s, e, "UPDATE run_keys SET tests = ? WHERE run_no = ?", "ii",
				 (int64_t)w->tests + w->tests_before, w->run_no);
	if (store_run(w->s, e, "UPDATE runs SET status = ?, finished_at = ?, ended_by = ? WHERE run_id = ?", "tttt",
		      r->status, r->finished_at, r->ended_by, r->run_id) < 0)
		return -1;
	if (r->exit_code != RUN_NO_EXIT_CODE &&
	    store_run(w->s, e, "UPDATE runs SET exit_code = ? WHERE run_id = ?", "it", r->exit_code, r->run_id) < 0)
		return -1;
	if (r->duration_ms >= 0 &&
	    store_run(w->s, e, "UPDATE runs SET duration_ms = ? WHERE run_id = ?", "rt", r->duration_ms, r->run_id) < 0)
		return -1;
	return store_run(w->s, e, "UPDATE run_keys SET tests = ? WHERE run_no = ?", "ii", (int64_t)w->tests, w->run_no);
}

/* A run that came late, out of another store say: the lane's blobs are made anew when all that came is in
 * (recent_settle). The mark is part of the transaction, so that the next writer finds it. */
static int mark_stale(struct run_writer *w, struct err *e)
{
	auto_free char *name = xasprintf("stale:%lld", (long long)w->lane_no);

	return store_run(w->s, e,
			 "INSERT INTO store_state (name, value) VALUES (?, '') ON CONFLICT (name) DO NOTHING",
			 "t", name);
}

int run_writer_commit(struct run_writer *w, struct err *e)
{
	int rc = flush(w, e);

	if (rc != 0)
		return rc;
	if (finish_row(w, e) < 0)
		return -1;
	if (w->tests && !w->newest && mark_stale(w, e) < 0)
		return -1;
	query_free_ptr(&w->get_recent);
	query_free_ptr(&w->put_recent);
	names_free(w->names);
	w->names = NULL;
	w->open = false;
	return store_commit(w->s, e);
}

/* ---- recent durations out of the rows ---- */

/* Of the tests first..first + REBUILD_TESTS: their last passes, newest first. Memory is bounded for any number of runs
 * and tests: a sort by test and time of all rows would not be. */
#define REBUILD_TESTS 2048

struct rebuild {
	struct store *s;
	int64_t lane_no, first;
	size_t n[REBUILD_TESTS];
	uint64_t us[REBUILD_TESTS][RECENT_MAX];
};

static int rebuild_put(struct rebuild *b, struct err *e)
{
	auto_query *put = query_new(b->s, "INSERT INTO recent (lane_no, test_no, passes) VALUES (?, ?, ?)", e);

	if (!put)
		return -1;
	for (int64_t t = 0; t < REBUILD_TESTS; t++) {
		auto_str blob = STR_INIT;

		for (size_t i = b->n[t]; i-- > 0;)
			recent_put(&blob, b->us[t][i]);
		if (!b->n[t])
			continue;
		query_bind(put, "iib", b->lane_no, b->first + t, str_cstr(&blob), blob.len);
		if (query_step(put, e) < 0)
			return -1;
	}
	return 0;
}

/* The rows of a run lie in the order of their key: read backwards, the last attempt comes first. */
static int rebuild_run(struct rebuild *b, struct query *rows, int64_t run_no, struct err *e)
{
	int rc;

	query_bind(rows, "iii", run_no, b->first, b->first + REBUILD_TESTS);
	while ((rc = query_step(rows, e)) == 1) {
		size_t t = (size_t)(query_int(rows, 0) - b->first);

		if (b->n[t] < RECENT_MAX)
			b->us[t][b->n[t]++] = (uint64_t)query_int(rows, 1);
	}
	return rc;
}

static int rebuild_some(struct rebuild *b, struct err *e)
{
	auto_query *runs = query_new(b->s, "SELECT run_no FROM run_keys WHERE lane_no = ? ORDER BY created_at DESC,"
				     " run_no DESC", e);
	auto_query *rows = runs ? query_new(b->s, "SELECT test_no, duration_us FROM results WHERE run_no = ? AND"
					    " test_no >= ? AND test_no < ? AND result = 0 AND duration_us IS NOT NULL"
					    " ORDER BY test_no DESC, attempt DESC", e) : NULL;
	int rc;

	if (!rows)
		return -1;
	memset(b->n, 0, sizeof(b->n));
	query_bind(runs, "i", b->lane_no);
	while ((rc = query_step(runs, e)) == 1)
		if (rebuild_run(b, rows, query_int(runs, 0), e) < 0)
			return -1;
	return rc < 0 ? -1 : rebuild_put(b, e);
}

static int recent_rebuild(struct store *s, int64_t lane_no, struct err *e)
{
	auto_free struct rebuild *b = NULL;
	int64_t tests;

	if (store_is_postgres(s))
		return 0; /* PostgreSQL reads the rows */
	if (store_run(s, e, "DELETE FROM recent WHERE lane_no = ?", "i", lane_no) < 0 ||
	    store_one_int(s, &tests, 0, e, "SELECT COALESCE(MAX(test_no), 0) FROM tests", "") < 0)
		return -1;
	b = xcalloc(1, sizeof(*b));
	b->s = s;
	b->lane_no = lane_no;
	for (b->first = 1; b->first <= tests; b->first += REBUILD_TESTS)
		if (rebuild_some(b, e) < 0)
			return -1;
	return 0;
}

int recent_settle(struct store *s, struct err *e)
{
	auto_free char *name = NULL;
	int rc;

	for (;;) {
		mem_free_ptr(&name);
		rc = store_one_text(s, &name, e, "SELECT name FROM store_state WHERE name LIKE 'stale:%' ORDER BY name", "");
		if (rc <= 0)
			return rc;
		if (store_begin(s, e) < 0)
			return -1;
		if (recent_rebuild(s, strtoll(name + 6, NULL, 10), e) < 0 ||
		    store_run(s, e, "DELETE FROM store_state WHERE name = ?", "t", name) < 0) {
			store_rollback(s);
			return -1;
		}
		if (store_commit(s, e) < 0)
			return -1;
	}
}
