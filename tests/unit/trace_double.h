/* SPDX-License-Identifier: Apache-2.0 */
/* trace_double.h - what every test of the trace needs: a folder of its own, a redactor, a run, and
 * sealed JSON read back. */
#ifndef TESTS_UNIT_TRACE_DOUBLE_H
#define TESTS_UNIT_TRACE_DOUBLE_H

#include "base/json_read.h"
#include "base/mem.h"
#include "base/path.h"
#include "tests/tap.h"
#include "trace/emit.h"
#include "trace/seal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define MONO INT64_C(1000000000)   /* when simulated runs begin */
#define REAL INT64_C(1795220769123000000) /* 2026-11-21T00:26:09.123Z */

enum { DOUBLE_TREES = 4 };
static struct json_reader *test_trees[DOUBLE_TREES];
static char test_dir[4096];
static struct redactor *test_redactor;

static void test_setup(void)
{
	static char *env[] = { "PATH=/bin", "API_TOKEN=hunter2-hunter2", NULL };
	struct strv none = STRV_INIT;
	struct err e = { .kind = ERR_NONE };
	const char *tmp = getenv("TMPDIR");

	snprintf(test_dir, sizeof(test_dir), "%s/trace-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(test_dir) || redactor_new(&test_redactor, env, &none, &none, &e) < 0) {
		printf("Bail out! cannot set up: %s\n", e.msg);
		exit(1);
	}
}

__attribute__((unused)) static void test_teardown(void)
{
	struct err e = { .kind = ERR_NONE };

	for (size_t i = 0; i < DOUBLE_TREES; i++)
		json_reader_free_ptr(&test_trees[i]);
	redactor_free(test_redactor);
	path_remove_tree(test_dir, &e);
}

__attribute__((unused)) static char *in_dir(const char *name)
{
	static char paths[8][sizeof(test_dir) + 128];
	static int at;
	char *p = paths[at++ % 8];

	snprintf(p, sizeof(paths[0]), "%s/%s", test_dir, name);
	return p;
}

/* A run at simulated time; path NULL: anonymous. */
__attribute__((unused)) static struct trace *test_open(const char *path, const char *run_id, enum level level)
{
	static char *args[] = { "--", "sh", "-c", "echo \xff", "--api-token", "sesame-sesame", NULL };
	static char *env[] = { "PATH=/bin", "API_TOKEN=hunter2-hunter2", NULL };
	struct trace_meta m = { .run_id = run_id, .command = "run", .args = args, .envp = env,
				.environment_json = "{\"kernel\":\"x\",\"cpus\":2}", .root = "/",
				.start_real_ns = REAL, .start_mono_ns = MONO, .level = level };
	struct err e = { .kind = ERR_NONE };
	struct trace *t = NULL;

	if (trace_open(&t, path, &m, test_redactor, &e) < 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	return t;
}

/* The file as a tree, NULL with a note where it is no strict JSON. Lives until DOUBLE_TREES more were read. */
__attribute__((unused)) static const struct json_value *json_file(const char *path)
{
	static unsigned next;
	struct json_reader **r = &test_trees[next++ % DOUBLE_TREES];
	const struct json_value *v;
	struct err e = { .kind = ERR_NONE };
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	json_reader_free_ptr(r);
	*r = json_reader_new(fd, path);
	if (json_take(*r, &v, &e) < 0 || json_end(*r, &e) < 0) {
		printf("# %s\n", e.msg);
		v = NULL;
	}
	close(fd);
	return v;
}

/* Seals the journal behind fd and reads the trace back. NULL with a note on failure. */
__attribute__((unused)) static const struct json_value *test_seal(int fd, bool lost, struct seal_result *r)
{
	struct seal_request q = { .journal_fd = fd, .trace_out = in_dir("out.json"),
				  .summary_out = in_dir("out.md"), .lost = lost };
	struct err e = { .kind = ERR_NONE };

	if (seal_run(&q, r, &e) < 0) {
		printf("# seal_run: %s\n", e.msg);
		return NULL;
	}
	return json_file(in_dir("out.json"));
}

__attribute__((unused)) static bool is_kind(const struct json_value *v, enum json_kind kind)
{
	return v && v->kind == kind;
}

__attribute__((unused)) static size_t count_of(const struct json_value *v)
{
	return v && (v->kind == JSON_ARRAY || v->kind == JSON_OBJECT) ? v->count : 0;
}

__attribute__((unused)) static const struct json_value *item_at(const struct json_value *v, size_t i)
{
	const struct json_value *item = v && v->kind == JSON_ARRAY ? v->first : NULL;

	while (item && i--)
		item = item->next;
	return item;
}

__attribute__((unused)) static const char *text_at(const struct json_value *o, const char *key)
{
	const char *s = json_get_text(o, key);

	return s ? s : "";
}

__attribute__((unused)) static int64_t int_at(const struct json_value *o, const char *key)
{
	return json_get_int(o, key, -1);
}

/* The span of this id, where it stands before `end` (NULL: anywhere). */
static const struct json_value *span_of(const struct json_value *spans, const char *id, const struct json_value *end)
{
	for (const struct json_value *span = spans->first; span && span != end; span = span->next)
		if (strcmp(text_at(span, "span_id"), id) == 0)
			return span;
	return NULL;
}

/* Every parent and every event's span exists, lies around it, and order is kept. NULL: all well. */
__attribute__((unused)) static const char *trace_fault(const struct json_value *trace)
{
	const struct json_value *spans = json_get(trace, "spans"), *events = json_get(trace, "events");
	const struct json_value *summary = json_get(trace, "summary");
	int64_t before = 0;
	const char *fault = NULL;

	if (!spans || !events)
		return "spans or events are missing";
	json_each(v, spans) {
		bool no_parent = is_kind(json_get(v, "parent_span_id"), JSON_NULL);
		const struct json_value *p = no_parent ? NULL : span_of(spans, text_at(v, "parent_span_id"), v);

		if (no_parent != !strcmp(text_at(v, "name"), "run.total"))
			fault = "a parent is null but for run.total";
		if (!no_parent && !p)
			fault = "a parent is not there";
		if (p && (int_at(p, "start_ns") > int_at(v, "start_ns") || int_at(p, "end_ns") < int_at(v, "end_ns")))
			fault = "a child is outside of its parent";
		if (int_at(v, "start_ns") < before || int_at(v, "end_ns") < int_at(v, "start_ns"))
			fault = "spans are not in order of start";
		if (is_kind(json_get(v, "error"), JSON_NULL) != !strcmp(text_at(v, "status"), "ok"))
			fault = "a span's status and error disagree";
		before = int_at(v, "start_ns");
	}
	before = 0;
	json_each(v, events) {
		const struct json_value *p = span_of(spans, text_at(v, "span_id"), NULL);
		int64_t ts = int_at(v, "ts_ns");

		if (!p || int_at(p, "start_ns") > ts || int_at(p, "end_ns") < ts)
			fault = "an event is outside of its span";
		if (ts < before)
			fault = "events are not in order of time";
		before = ts;
	}
	if ((int64_t)count_of(spans) != int_at(summary, "span_count") ||
	    (int64_t)count_of(events) != int_at(summary, "event_count"))
		fault = "the summary counts otherwise";
	return fault;
}

#endif
