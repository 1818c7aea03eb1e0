/* SPDX-License-Identifier: Apache-2.0 */
/* api_run.c - making a run, its report, and its files. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/value.h"
#include "history/artifact.h"
#include "history/hangs.h"
#include "history/run_report.h"
#include "serve/route.h"
#include "trace/emit.h"
#include "trace/journal.h"
#include "trace/repo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TEXT_MOST 1000

/* ---- bodies ---- */

static int check_member(const struct json_value *m, const char *const names[], const char *number, struct err *e)
{
	char quoted[VALUE_QUOTE_SIZE];
	auto_str accepted = STR_INIT;

	value_words(&accepted, names);
	if (strlen(m->key) != m->key_len || value_word(m->key, names) < 0)
		return err_set(e, ERR_USAGE, "unknown key %s; accepted: %s", value_quote(m->key, quoted),
			       str_cstr(&accepted));
	if (m->kind == JSON_NULL)
		return 0;
	if (number && strcmp(m->key, number) == 0)
		return m->kind == JSON_NUMBER && m->is_integer ? 0 : err_set(e, ERR_USAGE, "%s must be an integer", m->key);
	if (m->kind != JSON_STRING)
		return err_set(e, ERR_USAGE, "%s must be a string or null, not %s", m->key, json_kind_text(m->kind));
	if (m->len > TEXT_MOST || strlen(m->text) != m->len)
		return err_set(e, ERR_USAGE, "%s is longer than %d bytes, or holds a NUL", m->key, TEXT_MOST);
	return 0;
}

int call_body(const struct call *c, const char *const names[], const char *number, struct json_reader **reader,
	      const struct json_value **v, struct err *e)
{
	struct err why = { 0 };

	*reader = json_reader_text(c->m->body, c->m->body_n, "body");
	if (json_take(*reader, v, &why) < 0 || json_end(*reader, &why) < 0)
		return err_set(e, ERR_USAGE, "the body is not JSON: %s", why.msg);
	if ((*v)->kind != JSON_OBJECT)
		return err_set(e, ERR_USAGE, "the body must be an object, not %s", json_kind_text((*v)->kind));
	json_each(m, *v)
		if (check_member(m, names, number, e) < 0)
			return -1;
	return 0;
}

/* The member without secrets; NULL: not given. Caller frees. */
static char *clean_member(struct serve *sv, const struct json_value *body, const char *key)
{
	const char *text = json_get_text(body, key);
	auto_str out = STR_INIT;

	if (!text || !*text)
		return NULL;
	pthread_mutex_lock(&sv->lock);
	redact_text(sv->redactor, text, strlen(text), &out);
	pthread_mutex_unlock(&sv->lock);
	return str_steal(&out);
}

static int insert_run(struct serve *sv, struct store *s, const struct json_value *body, const char *run_id,
		      const char *created_at, struct err *e)
{
	static const char *const keys[] = { "repo_uri", "repo_rev", "workload_id", "device_id", "toolchain_id" };
	char *v[5] = { NULL }, uri[TEXT_MOST + 100] = "";
	int rc;

	for (size_t i = 0; i < 5; i++)
		v[i] = clean_member(sv, body, keys[i]);
	if (v[0])
		repo_strip_userinfo(v[0], uri, sizeof(uri));
	rc = store_run(s, e,
		       "INSERT INTO runs (run_id, parent_run_id, repo_uri, repo_rev, workload_id, device_id,"
		       " toolchain_id, status, created_at, kind) VALUES (?, ?, ?, ?, ?, ?, ?, 'created', ?, 'run')",
		       "tttttttt", run_id, json_get_text(body, "parent_run_id"), v[0] ? uri : NULL, v[1], v[2], v[3],
		       v[4], created_at);
	for (size_t i = 0; i < 5; i++)
		free(v[i]);
	return rc;
}

static int check_parent(struct store *s, const char *parent, struct err *e)
{
	char quoted[VALUE_QUOTE_SIZE];
	int64_t n;

	if (!parent)
		return 0;
	if (store_one_int(s, &n, 0, e, "SELECT COUNT(*) FROM runs WHERE run_id = ?", "t", parent) < 0)
		return -1;
	if (!n)
		return err_set(e, ERR_USAGE, "parent_run_id: no run %s in the history", value_quote(parent, quoted));
	return 0;
}

static int create(struct call *c, const struct json_value *body, char run_id[RUN_ID_SIZE], struct err *e)
{
	auto_store *s = NULL;
	char now[STORE_TIME_SIZE];

	if (store_open(&s, &c->sv->write, STORE_WRITE, e) < 0 || store_begin(s, e) < 0 ||
	    check_parent(s, json_get_text(body, "parent_run_id"), e) < 0)
		return -1;
	run_id_make(run_id, c->now_real_ns);
	store_time(now, c->now_real_ns);
	if (insert_run(c->sv, s, body, run_id, now, e) < 0)
		return -1;
	return store_commit(s, e);
}

int api_runs_create(struct call *c, struct err *e)
{
	static const char *const names[] = { "repo_uri",     "repo_rev",      "workload_id", "device_id",
					     "toolchain_id", "parent_run_id", NULL };
	__attribute__((cleanup(json_reader_free_ptr))) struct json_reader *r = NULL;
	const struct json_value *body;
	char run_id[RUN_ID_SIZE];
	struct json j;

	if (call_body(c, names, NULL, &r, &body, e) < 0 || create(c, body, run_id, e) < 0)
		return -1;
	json_init(&j, &c->a->body);
	json_object(&j, NULL);
	json_str(&j, "run_id", run_id);
	json_str(&j, "status", "created");
	json_object_end(&j);
	json_finish(&j);
	str_addc(&c->a->body, '\n');
	c->a->location = xasprintf("%s/runs/%s", c->sv->prefix, run_id);
	return 0;
}

/* ---- the report ---- */

static const struct { const char *name, *sql;
} report_parts[] = {
	{ "metrics", "SELECT scope, metric_name, value, unit, tags_json FROM metrics WHERE run_id = ? ORDER BY scope,"
		     " metric_name,"
		     " tags_json, value" },
	{ "findings", "SELECT rank, finding_id, pattern_id, location, confidence, proved, summary FROM findings WHERE"
		      " run_id = ?"
		      " ORDER BY rank" },
	{ "failed_tests", "SELECT suite, case_id, attempt, result, duration_ms, file, line FROM v_test_results WHERE"
			  " run_id = ? AND result IN ('fail', 'error', 'timeout', 'stalled') ORDER BY suite,"
			  " case_id, attempt"
			  " LIMIT 1000" },
	{ "hotspots", "SELECT rank, ranker, symbol, file_path, line_start, line_end, score, self_share, total_share"
		      " FROM hotspots"
		      " WHERE run_id = ? ORDER BY ranker, rank" },
	{ "evaluations", "SELECT iteration, baseline_run_id, verdict, correctness_passed, perf_improved,"
			 " delta_metrics_json, notes"
			 " FROM evaluations WHERE run_id = ? ORDER BY iteration" },
	{ "patches", "SELECT iteration, apply_status, diff_artifact_id, files_changed_json, reason FROM patches WHERE"
		     " run_id = ?"
		     " ORDER BY iteration" },
	{ "artifacts", "SELECT artifact_id, kind, bytes FROM artifacts WHERE run_id = ? ORDER BY kind, artifact_id" },
};

/* What was known of its hang when this is asked: null where it did not hang. */
static int report_hang(struct json *j, struct store *s, const char *run_id, struct err *e)
{
	auto_free char *signature = NULL;
	struct hangs h;
	int rc = hang_of_run(s, run_id, &signature, e);

	if (rc <= 0) {
		json_null(j, "hang");
		return rc;
	}
	rc = hangs_read(s, signature, NULL, &h, e);
	if (rc == 0 && h.n) {
		json_object(j, "hang");
		json_str(j, "signature", signature);
		json_int(j, "count", h.v[0].count);
		json_str(j, "first_seen", h.v[0].first_seen);
		json_str(j, "last_seen", h.v[0].last_seen);
		json_str(j, "first_rev", h.v[0].first_rev);
		json_str(j, "last_good_rev", h.v[0].last_good_rev);
		json_object_end(j);
	} else {
		json_null(j, "hang");
	}
	hangs_release(&h);
	return rc;
}

int api_run_report(struct call *c, struct err *e)
{
	const char *id = c->arg[0];
	struct run_report_request report = { .s = c->s, .run_id = id, .now_real_ns = c->now_real_ns };
	auto_free char *baseline = NULL;
	auto_query *q = NULL;
	auto_str text = STR_INIT;
	struct json j;
	int rc = call_run(c, id, e);

	if (rc != 0)
		return rc;
	q = query_new(c->s, "SELECT run_id, parent_run_id, kind, status, ended_by, exit_code, command, branch, repo_rev,"
		      " workload_id, device_id, created_at, finished_at, duration_ms FROM runs WHERE run_id = ?", e);
	if (!q || store_one_text(c->s, &baseline, e,
				 "SELECT baseline_run_id FROM evaluations WHERE run_id = ? ORDER BY iteration DESC"
				 " LIMIT 1",
				 "t", id) < 0)
		return -1;
	query_bind(q, "t", id);
	if (query_step(q, e) != 1)
		return -1;
	json_init(&j, &c->a->body);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_object(&j, "run");
	view_row(&j, q);
	json_object_end(&j);
	json_str(&j, "baseline_run_id", baseline);
	rc = report_hang(&j, c->s, id, e);
	for (size_t i = 0; i < sizeof(report_parts) / sizeof(report_parts[0]) && rc == 0; i++)
		rc = view_list(&j, c->s, report_parts[i].name, report_parts[i].sql, id, e);
	if (rc == 0)
		rc = run_report_write(&report, &text, e);
	json_strn(&j, "report", str_cstr(&text), text.len);
	json_object_end(&j);
	json_finish(&j);
	str_addc(&c->a->body, '\n');
	return rc;
}

/* ---- files ---- */

bool artifact_id_valid(const char *id)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < sizeof(shape); i++)
		if (shape[i] == 'x' ? !strchr("0123456789abcdef", id[i]) || !id[i] : id[i] != shape[i])
			return false;
	return true;
}

/* "artifacts/ab/abcd….ext" as we write it, and nothing else. */
bool call_path_is_stored(const char *path)
{
	static const char hex[] = "0123456789abcdef";

	return str_starts(path, "artifacts/") && strspn(path + 10, hex) == 2 && path[12] == '/' &&
	       strspn(path + 13, hex) == 64 && strncmp(path + 10, path + 13, 2) == 0 && path[77] == '.' &&
	       strspn(path + 78, "abcdefghijklmnopqrstuvwxyz") == strlen(path + 78);
}

/* Opened part by part: a link anywhere below the store's folder is not followed. */
static int open_stored(const char *dir, const char *path)
{
	auto_close int top = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int artifacts = top < 0 ? -1 : openat(top, "artifacts", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char sub[3] = { path[10], path[11], '\0' };
	auto_close int folder = artifacts < 0 ? -1 : openat(artifacts, sub, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return folder < 0 ? -1 : openat(folder, path + 13, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

static int no_artifact(const char *id, struct err *e)
{
	char quoted[VALUE_QUOTE_SIZE];

	err_set(e, ERR_FAILURE, "no artifact %s in the history", value_quote(id, quoted));
	return 1;
}

/* Text by its kind, its type and its first bytes (hiperf is text or protobuf); what else there is was not redacted. */
static bool is_served(const char *kind, const char *mime, int fd)
{
	const struct artifact_kind *k = artifact_kind_find(kind);
	char head[4096];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	return k->name && k->text && strcmp(mime, "application/octet-stream") != 0 && n >= 0 &&
	       !memchr(head, '\0', (size_t)n) && (n < 10 || memcmp(head, "HIPERF_PB_", 10) != 0);
}

int api_artifact(struct call *c, struct err *e)
{
	const char *id = c->arg[0];
	auto_close int fd = -1;
	auto_query *q = NULL;
	struct stat st;
	int rc;

	if (!artifact_id_valid(id))
		return no_artifact(id, e);
	q = query_new(c->s, "SELECT kind, path, mime FROM artifacts WHERE artifact_id = ?", e);
	if (!q)
		return -1;
	query_bind(q, "t", id);
	rc = query_step(q, e);
	if (rc != 1 || !call_path_is_stored(query_text(q, 1)))
		return rc < 0 ? -1 : no_artifact(id, e);
	fd = open_stored(c->sv->read.dir, query_text(q, 1));
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		err_set(e, ERR_FAILURE, "the file of artifact %s is missing", id);
		return 1;
	}
	if (!is_served(query_text(q, 0), query_text(q, 2), fd)) {
		reply_error(c->a, 403, "this file (%s) is binary: such files are not redacted, and never served",
			    query_text(q, 0));
		return 0;
	}
	c->a->type = artifact_kind_find(query_text(q, 0))->mime;
	c->a->disposition = xasprintf("attachment; filename=\"%s.%s\"", id, query_text(q, 1) + 78);
	c->a->fd_bytes = (uint64_t)st.st_size;
	c->a->fd = fd_steal(&fd);
	return 0;
}
