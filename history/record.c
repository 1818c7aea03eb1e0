/* SPDX-License-Identifier: Apache-2.0 */
/* record.c - a trace is read span by span. Its head stands in front of the spans in traces of ours; where it does not, the
 * spans are passed over and read in a second pass. */
#include "history/record.h"

#include "base/fd.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"
#include "evidence/words.h"
#include "history/run_writer.h"
#include "history/trace_head.h"
#include "trace/read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FINDINGS_MAX_BYTES ((size_t)16 << 20)
#define CONTAINERS_MAX 4096

struct container {
	char *suite, *name, *file;
	enum test_result result;
	int64_t us, line;
};

struct recording {
	struct store *s;
	const struct record_request *q;
	struct run_writer *w;
	struct trace_head head;
	struct run_row row;
	struct container *containers;
	size_t n_containers;
	bool row_made, tests_named, late_head, second, there;
};

void record_result_release(struct record_result *r)
{
	free(r->workload);
	free(r->device);
	free(r->dir);
	memset(r, 0, sizeof(*r));
}

static const char *get_text(const struct json_value *v, const char *key)
{
	const char *s = json_get_text(v, key);

	return s ? s : "";
}

/* ---- spans ---- */

static int result_of(const char *result, const char *status)
{
	static const struct {
		const char *word;
		enum test_result result;
	} words[] = {
		{ "pass", TEST_PASS }, { "flaky", TEST_PASS },  { "fail", TEST_FAIL },       { "error", TEST_ERROR },
		{ "skip", TEST_SKIP }, { "xfail", TEST_XFAIL }, { "unknown", TEST_UNKNOWN },
	};

	if (strcmp(status, "timeout") == 0)
		return TEST_TIMEOUT;
	if (strcmp(status, "stalled") == 0)
		return TEST_STALLED;
	if (strcmp(status, "cancelled") == 0)
		return TEST_CANCELLED;
	if (strcmp(result, "not_started") == 0)
		return -1;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(result, words[i].word) == 0)
			return words[i].result;
	return strcmp(status, "error") == 0 && !*result ? TEST_ERROR : TEST_UNKNOWN;
}

static int64_t duration_us(const struct json_value *v, const struct json_value *attrs)
{
	const struct json_value *own = json_get(attrs, "test_duration_ms"), *span = json_get(v, "duration_ms");
	const struct json_value *m = own && own->kind == JSON_NUMBER && own->number >= 0 ? own : span;

	return m && m->kind == JSON_NUMBER && m->number >= 0 && m->number < 1e12 ? (int64_t)llround(m->number * 1000) : -1;
}

static int add_test(struct recording *r, const char *suite, const char *name, enum test_result result, int64_t us,
		    const char *file, int64_t line, struct err *e)
{
	int rc;

	if (r->q->settings->kind && strcmp(r->q->settings->kind, "repro") == 0)
		return 0; /* perturbed: neither its results nor its times say anything of the test */
	rc = run_writer_test(r->w, suite, name, 0, result, us, file, line, e);
	if (rc == 1)
		r->there = true;
	return rc < 0 ? -1 : 0;
}

/* A case that was tried again and passed: its earlier attempts failed. */
static int add_attempts(struct recording *r, const struct json_value *attrs, const char *suite, const char *name,
			const char *file, int64_t line, struct err *e)
{
	int64_t attempts = json_get_int(attrs, "attempts", 1);

	for (int64_t i = 1; i < attempts && i < 100; i++)
		if (add_test(r, suite, name, TEST_FAIL, -1, file, line, e) < 0)
			return -1;
	return 0;
}

static void keep_container(struct recording *r, const char *suite, const char *name, enum test_result result, int64_t us,
			   const char *file, int64_t line)
{
	if (r->n_containers == CONTAINERS_MAX)
		return;
	r->containers = xreallocarray(r->containers, r->n_containers + 1, sizeof(*r->containers));
	r->containers[r->n_containers++] =
		(struct container){ xstrdup(suite), xstrdup(name), xstrdup(file), result, us, line };
}

static int read_case(struct recording *r, const struct json_value *v, const struct json_value *attrs, struct err *e)
{
	const char *suite = get_text(attrs, "suite"), *name = get_text(attrs, "case_id"), *file = get_text(attrs, "file");
	int result = result_of(get_text(attrs, "result"), get_text(v, "status"));
	int64_t us = duration_us(v, attrs), line = json_get_int(attrs, "line", 0);

	if (!*name || result < 0 || attr_true(attrs, "withdrawn") || attr_true(attrs, "cached"))
		return 0;
	if (attr_true(attrs, "container")) {
		keep_container(r, suite, name, (enum test_result)result, us, file, line);
		return 0;
	}
	r->tests_named = true;
	if (add_attempts(r, attrs, suite, name, file, line, e) < 0)
		return -1;
	return add_test(r, suite, name, (enum test_result)result, us, file, line, e);
}

static void read_exec(struct recording *r, const struct json_value *attrs)
{
	const struct json_value *argv = json_get(attrs, "argv");
	auto_str line = STR_INIT;

	if (r->head.argv_line || !argv || argv->kind != JSON_ARRAY)
		return;
	json_each(word, argv) {
		if (word->kind != JSON_STRING)
			continue;
		if (!r->head.argv0)
			r->head.argv0 = xstrdup(word->text);
		words_add(&line, word->text);
	}
	r->head.argv_line = xstrdup(str_cstr(&line));
}

static int read_span(struct recording *r, const struct trace_read_span *s, struct err *e)
{
	const struct json_value *duration;

	if (s->name == SPAN_CASE_RUN) {
		if (!r->row_made)
			trace_head_row(&r->head, r->q, &r->row);
		r->row_made = true;
		return read_case(r, s->whole, s->attrs, e);
	}
	if (s->name == SPAN_SUBPROCESS_EXEC) {
		read_exec(r, s->attrs);
	} else if (s->name == SPAN_RUN_TOTAL) {
		duration = json_get(s->whole, "duration_ms");
		r->head.duration_ms = duration && duration->kind == JSON_NUMBER ? duration->number : -1;
		free(r->head.total_status);
		free(r->head.total_category);
		r->head.total_status = xstrdup(get_text(s->whole, "status"));
		r->head.total_category = xstrdup(get_text(json_get(s->whole, "error"), "category"));
	}
	return 0;
}

/* ---- the file ---- */

static int on_head(void *arg, const char *key, const struct json_value *v, struct err *e)
{
	struct recording *r = arg;

	(void)e;
	trace_head_member(&r->head, key, v);
	return 0;
}

/* -1 with r->there set ends the reading: the rest is not wanted. */
static int on_span(void *arg, const struct trace_read_span *s, struct err *e)
{
	struct recording *r = arg;

	if (!r->second && !trace_head_complete(&r->head))
		r->late_head = true;
	if (r->late_head)
		return 0;
	return read_span(r, s, e) < 0 || r->there ? -1 : 0;
}

static int on_event(void *arg, const struct trace_read_event *v, struct err *e)
{
	struct recording *r = arg;
	const struct json_value *cpu = json_get(v->attrs, "cpu_ms");
	int64_t rss = json_get_int(v->attrs, "rss_bytes", -1);

	(void)e;
	if (v->kind != EVENT_HEARTBEAT)
		return 0;
	if (rss > r->head.rss_bytes)
		r->head.rss_bytes = rss;
	if (cpu && cpu->kind == JSON_NUMBER && cpu->number > r->head.cpu_ms)
		r->head.cpu_ms = cpu->number;
	return 0;
}

static int read_pass(struct recording *r, struct err *e)
{
	static const struct trace_read_ops ops = { .span = on_span, .event = on_event, .head = on_head };
	int rc = trace_read(r->q->trace, &ops, r, e);

	return r->there ? 0 : rc;
}

static int read_trace(struct recording *r, struct err *e)
{
	if (read_pass(r, e) < 0)
		return -1;
	if (!trace_head_complete(&r->head))
		return err_set(e, ERR_FAILURE,
			       "'%s' is not a trace: run_id, started_at, ended_at, status or command is missing",
			       r->q->trace);
	if (!r->late_head)
		return 0;
	r->late_head = false;
	r->second = true;
	return read_pass(r, e);
}

/* ---- findings and files ---- */

static int add_finding(struct recording *r, int64_t rank, const struct json_value *f, struct err *e)
{
	const struct json_value *confidence = json_get(f, "confidence");

	return store_run(r->s, e,
			 "INSERT INTO findings (run_id, rank, finding_id, pattern_id, location, confidence, proved,"
			 " summary) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			 "tittt"
			 "rit",
			 r->head.run_id, rank, get_text(f, "finding_id"), get_text(f, "pattern_id"),
			 json_get_text(f, "location"),
			 confidence && confidence->kind == JSON_NUMBER ? confidence->number : 0.0,
			 (int64_t)attr_true(f, "proved"), get_text(f, "summary"));
}

static int take_file(struct recording *r, const char *kind, const char *path, const char *name, struct err *e)
{
	auto_str meta = STR_INIT;
	struct artifact a;
	struct json j;

	if (artifact_put_file(store_dir(r->s), kind, path, &a, e) < 0)
		return -1;
	json_init(&j, &meta);
	json_object(&j, NULL);
	json_str(&j, "name", name);
	json_object_end(&j);
	json_finish(&j);
	return artifact_row(r->s, r->head.run_id, &a, str_cstr(&meta), e);
}

/* findings.json of this run: its rows, itself and its report as artifacts. False: it is of another run. */
static int take_findings(struct recording *r, const char *dir, bool *found, struct err *e)
{
	auto_free char *path = path_join(dir, "findings.json"), *report = path_join(dir, "report.md"), *text = NULL;
	struct json_reader *in;
	const struct json_value *v, *list;
	struct err ignored = { 0 };
	int64_t rank = 0;
	size_t n;
	int rc = 0;

	if (file_read(path, FINDINGS_MAX_BYTES, &text, &n, &ignored) < 0)
		return 0;
	in = json_reader_text(text, n, path);
	if (json_take(in, &v, &ignored) == 0 && strcmp(get_text(v, "run_id"), r->head.run_id) == 0) {
		*found = true;
		list = json_get(v, "findings");
		if (list && list->kind == JSON_ARRAY)
			json_each(f, list)
				if (rc == 0)
					rc = add_finding(r, ++rank, f, e);
	}
	json_reader_free(in);
	if (!*found || rc < 0)
		return rc;
	if (take_file(r, "findings", path, "findings.json", e) < 0)
		return -1;
	return access(report, R_OK) == 0 ? take_file(r, "report", report, "report.md", e) : 0;
}

static int take_raw(struct recording *r, const char *dir, bool *found, struct err *e)
{
	auto_free char *raw = xasprintf("%s/raw/%s", dir, r->head.run_id);
	struct dirent **list = NULL;
	int n = scandir(raw, &list, NULL, alphasort), rc = 0;

	for (int i = 0; i < n; i++) {
		auto_free char *path = path_join(raw, list[i]->d_name);
		struct stat st;

		if (rc == 0 && lstat(path, &st) == 0 && S_ISREG(st.st_mode) && list[i]->d_name[0] != '.') {
			rc = take_file(r, "raw", path, list[i]->d_name, e);
			*found = true;
		}
		free(list[i]);
	}
	free(list);
	return rc;
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? xstrndup(path, (size_t)(slash - path) + (slash == path)) : xstrdup(".");
}

static int take_beside(struct recording *r, struct record_result *result, struct err *e)
{
	auto_free char *own = folder_of(r->q->trace);
	auto_free char *kept = r->q->artifacts_dir ? xasprintf("%s/runs/%s", r->q->artifacts_dir, r->head.run_id) : NULL;
	auto_free char *above = xasprintf("%s/../..", own);
	const char *const dirs[] = { r->q->beside, own, r->q->artifacts_dir, kept };
	const char *const raws[] = { r->q->beside, own, r->q->artifacts_dir, above };
	bool found = false;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && !found; i++) {
		if (dirs[i] && take_findings(r, dirs[i], &found, e) < 0)
			return -1;
		if (found)
			result->dir = xstrdup(dirs[i]);
	}
	found = false;
	for (size_t i = 0; i < sizeof(raws) / sizeof(raws[0]) && !found; i++)
		if (raws[i] && take_raw(r, raws[i], &found, e) < 0)
			return -1;
	return 0;
}

static int add_metrics(struct recording *r, struct err *e)
{
	const struct trace_head *h = &r->head;
	const struct {
		const char *name, *unit;
		double value;
	} metrics[] = {
		{ "run_duration_ms", "ms", h->duration_ms }, { "tests_total", "count", (double)run_writer_tests(r->w) },
		{ "tests_failed", "count", (double)run_writer_failed(r->w) }, { "cpu_ms", "ms", h->cpu_ms },
		{ "max_rss_bytes", "bytes", (double)h->rss_bytes }, { "output_bytes", "bytes", (double)h->output_bytes },
		{ "longest_idle_ms", "ms", h->longest_idle_ms },
	};

	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
		if (metrics[i].value >= 0 &&
		    run_writer_metric(r->w, "process", metrics[i].name, metrics[i].value, metrics[i].unit, NULL, e) < 0)
			return -1;
	return 0;
}

static int finish(struct recording *r, struct record_result *result, struct err *e)
{
	int rc = 0;

	if (!r->row_made)
		trace_head_row(&r->head, r->q, &r->row);
	r->row_made = true;
	for (size_t i = 0; i < r->n_containers && !r->tests_named && rc == 0; i++) {
		const struct container *c = &r->containers[i];

		rc = add_test(r, c->suite, c->name, c->result, c->us, c->file, c->line, e);
	}
	if (rc < 0)
		return -1;
	rc = r->there ? 1 : run_writer_open(r->w, e);
	if (rc != 0) {
		r->there = rc == 1;
		return rc < 0 ? -1 : 0;
	}
	trace_head_end(&r->head, &r->row);
	if (add_metrics(r, e) < 0 || take_file(r, "trace", r->q->trace, "run-trace.json", e) < 0 ||
	    take_beside(r, result, e) < 0)
		return -1;
	rc = run_writer_commit(r->w, e);
	r->there = rc == 1;
	return rc < 0 ? -1 : 0;
}

int record_trace(struct store *s, const struct record_request *q, struct record_result *result, struct err *e)
{
	struct recording r = { .s = s, .q = q };
	int rc;

	memset(result, 0, sizeof(*result));
	trace_head_init(&r.head);
	r.w = run_writer_new(s, &r.row);
	rc = read_trace(&r, e);
	if (rc == 0)
		rc = finish(&r, result, e);
	if (rc == 0) {
		snprintf(result->run_id, sizeof(result->run_id), "%s", r.head.run_id);
		result->there = r.there;
		result->failed = strcmp(r.head.status, "pass") != 0;
		result->workload = r.head.workload ? xstrdup(r.head.workload) : NULL;
		result->device = r.head.device ? xstrdup(r.head.device) : NULL;
		result->tests = run_writer_tests(r.w);
		result->tests_failed = run_writer_failed(r.w);
	}
	run_writer_free(r.w);
	for (size_t i = 0; i < r.n_containers; i++) {
		free(r.containers[i].suite);
		free(r.containers[i].name);
		free(r.containers[i].file);
	}
	free(r.containers);
	trace_head_release(&r.head);
	return rc;
}
