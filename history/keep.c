/* SPDX-License-Identifier: Apache-2.0 */
#include "history/keep.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"
#include "history/artifact.h"
#include "history/run_writer.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEEP_EVERY 50
#define KEEP_PER_BRANCH 20
#define ORPHAN_SECONDS 3600
#define PLAN_DAYS 14
#define OPEN_PLAN_DAYS 1

struct kept_run {
	char *run_id, *created_at;
	bool protect, drop;
};
struct kept_file { /* an artifact's row */
	char sha256[ARTIFACT_SHA256_SIZE];
	size_t run;
	int64_t bytes;
};
struct keeper {
	struct kept_run *runs; /* oldest first */
	size_t n_runs;
	struct kept_file *files; /* by sha256 */
	size_t n_files;
};

static void keeper_release(struct keeper *k)
{
	for (size_t i = 0; i < k->n_runs; i++) {
		free(k->runs[i].run_id);
		free(k->runs[i].created_at);
	}
	free(k->runs);
	free(k->files);
}

/* Baselines, best runs, the last of each workload and branch, and what a plan of today may still ask. */
static const char protected_sql[] =
	"SELECT r.run_id, r.created_at, CASE WHEN r.run_id IN (SELECT baseline_run_id FROM evaluations WHERE"
	" baseline_run_id IS NOT NULL) OR r.run_id IN (SELECT run_id FROM evaluations WHERE perf_improved = 1) OR"
	" r.status IN ('created', 'running') OR r.created_at >= (SELECT COALESCE(MIN(created_at), 'z') FROM"
	" shard_plans WHERE created_at >= ?) OR r.n <= 20 THEN 1 ELSE 0 END FROM (SELECT run_id, created_at, status,"
	" ROW_NUMBER() OVER (PARTITION BY workload_id, branch ORDER BY created_at DESC, run_id DESC) AS n FROM runs)"
	" AS r ORDER BY r.created_at, r.run_id";
_Static_assert(KEEP_PER_BRANCH == 20, "protected_sql says 20");

static int read_runs(const struct keep_request *q, struct keeper *k, struct err *e)
{
	auto_query *rows = query_new(q->s, protected_sql, e);
	char plans[STORE_TIME_SIZE];
	int rc;

	if (!rows)
		return -1;
	store_time(plans, q->now_real_ns - OPEN_PLAN_DAYS * 86400 * NS_PER_S);
	query_bind(rows, "t", plans);
	while ((rc = query_step(rows, e)) == 1) {
		if ((k->n_runs & (k->n_runs - 1)) == 0)
			k->runs = xreallocarray(k->runs, k->n_runs ? k->n_runs * 2 : 1, sizeof(*k->runs));
		k->runs[k->n_runs++] = (struct kept_run){ xstrdup(query_text(rows, 0)), xstrdup(query_text(rows, 1)),
							  query_int(rows, 2) == 1, false };
	}
	return rc;
}

static int by_run_id(const void *a, const void *b)
{
	return strcmp(((const struct kept_run *)a)->run_id, ((const struct kept_run *)b)->run_id);
}

static int by_age(const void *a, const void *b)
{
	const struct kept_run *x = a, *y = b;
	int c = strcmp(x->created_at, y->created_at);

	return c ? c : strcmp(x->run_id, y->run_id);
}

static int by_sha(const void *a, const void *b)
{
	return strcmp(((const struct kept_file *)a)->sha256, ((const struct kept_file *)b)->sha256);
}

static int read_files(const struct keep_request *q, struct keeper *k, struct err *e)
{
	auto_query *rows = query_new(q->s, "SELECT run_id, sha256, bytes FROM artifacts ORDER BY run_id", e);
	auto_free struct kept_run *sorted = xreallocarray(NULL, k->n_runs + 1, sizeof(*sorted));
	int rc;

	if (!rows)
		return -1;
	memcpy(sorted, k->runs, k->n_runs * sizeof(*sorted));
	for (size_t i = 0; i < k->n_runs; i++)
		sorted[i].drop = false;
	qsort(sorted, k->n_runs, sizeof(*sorted), by_run_id);
	while ((rc = query_step(rows, e)) == 1) {
		struct kept_run key = { .run_id = (char *)query_text(rows, 0) };
		struct kept_run *found = bsearch(&key, sorted, k->n_runs, sizeof(*sorted), by_run_id);
		struct kept_run *own = found ? bsearch(found, k->runs, k->n_runs, sizeof(*k->runs), by_age) : NULL;

		if (!own)
			continue;
		if ((k->n_files & (k->n_files - 1)) == 0)
			k->files = xreallocarray(k->files, k->n_files ? k->n_files * 2 : 1, sizeof(*k->files));
		snprintf(k->files[k->n_files].sha256, ARTIFACT_SHA256_SIZE, "%s", query_text(rows, 1));
		k->files[k->n_files].run = (size_t)(own - k->runs);
		k->files[k->n_files++].bytes = query_int(rows, 2);
	}
	if (k->n_files)
		qsort(k->files, k->n_files, sizeof(*k->files), by_sha);
	return rc;
}

/* A file's bytes are gone when the last run that has it is dropped: the youngest. */
static int64_t *bytes_by_last_run(const struct keeper *k, int64_t *total)
{
	int64_t *bytes = xcalloc(k->n_runs + 1, sizeof(*bytes));

	*total = 0;
	for (size_t i = 0, j; i < k->n_files; i = j) {
		size_t last = k->files[i].run;
		bool protect = k->runs[last].protect;

		for (j = i + 1; j < k->n_files && strcmp(k->files[j].sha256, k->files[i].sha256) == 0; j++) {
			protect |= k->runs[k->files[j].run].protect;
			last = k->files[j].run > last ? k->files[j].run : last;
		}
		*total += k->files[i].bytes;
		if (!protect)
			bytes[last] += k->files[i].bytes;
	}
	return bytes;
}

static size_t choose(const struct keep_request *q, struct keeper *k)
{
	const struct history_settings *o = q->settings;
	int64_t total, left = (int64_t)k->n_runs;
	auto_free int64_t *bytes = bytes_by_last_run(k, &total);
	char before[STORE_TIME_SIZE] = "";
	size_t dropped = 0;

	if (o->keep_days && o->keep_days * 86400 * NS_PER_S < q->now_real_ns)
		store_time(before, q->now_real_ns - o->keep_days * 86400 * NS_PER_S);
	for (size_t i = 0; i < k->n_runs; i++) {
		struct kept_run *r = &k->runs[i];
		bool old = strcmp(r->created_at, before) < 0, many = o->keep_runs && left > o->keep_runs;

		if (r->protect || !(old || many || (o->keep_bytes && total > o->keep_bytes)))
			continue;
		r->drop = true;
		dropped++;
		left--;
		total -= bytes[i];
	}
	return dropped;
}

static int drop_runs(struct store *s, const struct keeper *k, struct strv *paths, struct err *e)
{
	auto_query *files = query_new(s, "SELECT path FROM artifacts WHERE run_id = ?", e);
	auto_query *del = files ? query_new(s, "DELETE FROM runs WHERE run_id = ?", e) : NULL;
	int rc;

	if (!del || store_run(s, e,
			      "INSERT INTO store_state (name, value) SELECT 'stale:' || CAST(lane_no AS TEXT), ''"
			      " FROM lanes WHERE TRUE ON CONFLICT (name) DO NOTHING",
			      "") < 0)
		return -1;
	for (size_t i = 0; i < k->n_runs; i++) {
		if (!k->runs[i].drop)
			continue;
		query_bind(files, "t", k->runs[i].run_id);
		while ((rc = query_step(files, e)) == 1)
			strv_add(paths, query_text(files, 0));
		if (rc < 0)
			return -1;
		query_bind(del, "t", k->runs[i].run_id);
		if (query_step(del, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- files ---- */

typedef int file_seen(void *arg, const char *path, const struct stat *st, struct err *e);

/* Every entry below DIR/artifacts, by its path from DIR. */
static int each_file(const char *dir, file_seen *seen, void *arg, struct err *e)
{
	auto_free char *top = path_join(dir, "artifacts");
	DIR *d = opendir(top);
	const struct dirent *x, *y;
	struct stat st;
	int rc = 0;

	while (d && rc == 0 && (x = readdir(d))) {
		auto_free char *sub = path_join(top, x->d_name), *name = xasprintf("artifacts/%s", x->d_name);
		DIR *in;

		if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0 || lstat(sub, &st) < 0)
			continue;
		if (!S_ISDIR(st.st_mode)) {
			rc = seen(arg, name, &st, e);
			continue;
		}
		in = opendir(sub);
		while (in && rc == 0 && (y = readdir(in))) {
			auto_free char *path = path_join(name, y->d_name), *full = path_join(sub, y->d_name);

			if (strcmp(y->d_name, ".") != 0 && strcmp(y->d_name, "..") != 0 && lstat(full, &st) == 0)
				rc = seen(arg, path, &st, e);
		}
		if (in)
			closedir(in);
	}
	if (d)
		closedir(d);
	return rc;
}

struct sweep {
	const struct keep_request *q;
	const struct strv *dropped; /* paths of runs that were dropped, sorted */
	struct query *named;
	uint64_t removed;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int sweep_file(void *arg, const char *path, const struct stat *st, struct err *e)
{
	struct sweep *w = arg;
	auto_free char *full = path_join(store_dir(w->q->s), path);
	bool own = w->dropped->n && bsearch(&path, w->dropped->v, w->dropped->n, sizeof(*w->dropped->v), by_text);
	int rc;

	if (!own && w->q->now_real_ns / NS_PER_S - st->st_mtime < ORPHAN_SECONDS)
		return 0;
	query_bind(w->named, "t", path);
	rc = query_step(w->named, e);
	query_bind(w->named, "");
	if (rc == 0 && !w->q->dry_run && unlink(full) == 0)
		w->removed++;
	return rc < 0 ? -1 : 0;
}

/* In a transaction: no writer is between its file and its row. */
static int sweep(const struct keep_request *q, struct strv *dropped, uint64_t *removed, struct err *e)
{
	struct sweep w = { .q = q, .dropped = dropped };
	int rc = store_begin(q->s, e);

	if (dropped->n)
		qsort(dropped->v, dropped->n, sizeof(*dropped->v), by_text);
	if (rc == 0)
		w.named = query_new(q->s, "SELECT 1 FROM artifacts WHERE path = ? LIMIT 1", e);
	rc = w.named ? each_file(store_dir(q->s), sweep_file, &w, e) : -1;
	query_free(w.named);
	store_rollback(q->s);
	*removed = w.removed;
	return rc;
}

static void say_gc(const struct keep_request *q, size_t runs, size_t dropped, uint64_t files, struct str *out)
{
	struct json j;

	if (!q->json) {
		str_addf(out, "%s %zu of %zu runs, %llu files\n", q->dry_run ? "would drop" : "dropped", dropped, runs,
			 (unsigned long long)files);
		return;
	}
	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_bool(&j, "dry_run", q->dry_run);
	json_uint(&j, "runs", runs);
	json_uint(&j, "dropped_runs", dropped);
	json_uint(&j, "dropped_files", files);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}

int keep_gc(const struct keep_request *q, struct str *out, struct err *e)
{
	char plans[STORE_TIME_SIZE];
	struct strv paths = STRV_INIT;
	struct keeper k = { 0 };
	uint64_t removed = 0;
	size_t dropped = 0;
	int rc;

	store_time(plans, q->now_real_ns - PLAN_DAYS * 86400 * NS_PER_S);
	if (store_begin(q->s, e) < 0)
		return -1;
	rc = read_runs(q, &k, e) < 0 || read_files(q, &k, e) < 0 ? -1 : 0;
	if (rc == 0)
		dropped = choose(q, &k);
	if (rc == 0 && dropped && !q->dry_run)
		rc = drop_runs(q->s, &k, &paths, e);
	if (rc == 0 && !q->dry_run)
		rc = store_run(q->s, e, "DELETE FROM shard_plans WHERE created_at < ?", "t", plans);
	if (rc == 0 && !q->dry_run) {
		rc = store_commit(q->s, e);
	} else {
		store_rollback(q->s);
	}
	if (rc == 0)
		rc = sweep(q, &paths, &removed, e);
	if (rc == 0 && dropped && !q->dry_run)
		rc = recent_settle(q->s, e);
	if (rc == 0)
		say_gc(q, k.n_runs, dropped, removed, out);
	keeper_release(&k);
	strv_release(&paths);
	return rc;
}

/* By fifties of runs, and not by the fiftieth: with many writers at once, or many traces in one call, nobody may see it. */
int keep_now_and_then(struct store *s, const struct history_settings *settings, int64_t now, struct err *e)
{
	struct keep_request q = { .s = s, .settings = settings, .now_real_ns = now };
	auto_str ignored = STR_INIT;
	int64_t fifties, done;
	char value[24];

	if (store_one_int(s, &fifties, 0, e, "SELECT COALESCE(MAX(run_no), 0) / 50 FROM run_keys", "") < 0 ||
	    store_one_int(s, &done, 0, e, "SELECT CAST(value AS BIGINT) FROM store_state WHERE name = 'gc'", "") < 0)
		return -1;
	if (fifties <= done)
		return 0;
	snprintf(value, sizeof(value), "%lld", (long long)fifties);
	if (store_begin(s, e) < 0)
		return -1;
	if (store_run(s, e, "INSERT INTO store_state (name, value) VALUES ('gc', ?) ON CONFLICT (name) DO UPDATE SET"
		      " value = excluded.value", "t", value) < 0) {
		store_rollback(s);
		return -1;
	}
	return store_commit(s, e) < 0 ? -1 : keep_gc(&q, &ignored, e);
}
_Static_assert(KEEP_EVERY == 50, "keep_now_and_then says 50");

/* ---- verify ---- */

struct checker {
	const struct keep_request *q;
	struct str *out;
	struct query *named;
	uint64_t faults;
};

static void fault(struct checker *c, const char *path, const char *what)
{
	str_addf(c->out, "ERROR: artifacts: %s: %s\n", path, what);
	c->faults++;
}

static int check_rows(struct checker *c, struct err *e)
{
	auto_query *q = query_new(c->q->s, "SELECT DISTINCT path, sha256, bytes FROM artifacts ORDER BY path", e);
	int rc;

	if (!q)
		return -1;
	while ((rc = query_step(q, e)) == 1) {
		const char *path = query_text(q, 0);
		auto_free char *full = path_join(store_dir(c->q->s), path), *bytes = NULL;
		char hex[ARTIFACT_SHA256_SIZE];
		struct err why = { 0 };
		struct stat st;
		size_t n;

		if (lstat(full, &st) < 0)
			fault(c, path, "missing");
		else if (S_ISLNK(st.st_mode))
			fault(c, path, "a symbolic link");
		else if (artifact_read(store_dir(c->q->s), path, &bytes, &n, &why) < 0)
			fault(c, path, why.msg);
		else if ((int64_t)n != query_int(q, 2))
			fault(c, path, "another number of bytes than its row says");
		else if (sha256_hex(bytes, n, hex), strcmp(hex, query_text(q, 1)) != 0)
			fault(c, path, "another sha256 than its row says");
	}
	return rc;
}

static int check_file(void *arg, const char *path, const struct stat *st, struct err *e)
{
	struct checker *c = arg;
	int rc;

	query_bind(c->named, "t", path);
	rc = query_step(c->named, e);
	query_bind(c->named, "");
	if (rc < 0)
		return -1;
	if (rc == 1)
		return 0; /* check_rows has looked at it */
	if (S_ISLNK(st->st_mode))
		fault(c, path, "a symbolic link");
	else if (!strstr(path, "/.tmp-"))
		fault(c, path, "no row names it");
	return 0;
}

static int check_database(struct checker *c, const char *sql, const char *what, struct err *e)
{
	auto_query *q = query_new(c->q->s, sql, e);
	int rc;

	if (!q)
		return -1;
	while ((rc = query_step(q, e)) == 1) {
		const char *text = query_text(q, 0);

		if (text && strcmp(text, "ok") == 0)
			continue;
		str_addf(c->out, "ERROR: database: %s: %s\n", what, text ? text : "?");
		c->faults++;
	}
	return rc;
}

/* The lines that out holds become {version, faults}. */
static void faults_json(struct str *out)
{
	auto_str lines = *out;
	char *rest = lines.len ? lines.data : NULL, *line;
	struct json j;

	*out = (struct str)STR_INIT;
	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_array(&j, "faults");
	while ((line = strsep(&rest, "\n")))
		if (*line)
			json_str(&j, NULL, str_starts(line, "ERROR: ") ? line + 7 : line);
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}

int keep_verify(const struct keep_request *q, struct str *out, struct err *e)
{
	struct checker c = { .q = q,
			     .out = out,
			     .named = query_new(q->s,
						"SELECT 1 FROM artifacts WHERE path = ? LIMIT 1",
						e) };
	int rc = c.named ? 0 : -1;

	if (rc == 0 && !store_is_postgres(q->s) &&
	    (check_database(&c, "PRAGMA integrity_check", "integrity", e) < 0 ||
	     check_database(&c, "PRAGMA foreign_key_check", "foreign key", e) < 0))
		rc = -1;
	if (rc == 0)
		rc = check_rows(&c, e);
	if (rc == 0)
		rc = each_file(store_dir(q->s), check_file, &c, e);
	query_free(c.named);
	if (rc >= 0 && q->json)
		faults_json(out);
	else if (rc == 0 && !c.faults)
		str_add(out, "ok\n");
	return rc < 0 ? -1 : c.faults ? 1 : 0;
}
