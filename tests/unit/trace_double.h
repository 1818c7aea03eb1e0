/* SPDX-License-Identifier: Apache-2.0 */
/* trace_double.h - what every test of the trace needs: a folder of its own, a redactor, a run, and
 * sealed JSON read back by another's parser. */
#ifndef TESTS_UNIT_TRACE_DOUBLE_H
#define TESTS_UNIT_TRACE_DOUBLE_H

#include "base/mem.h"
#include "base/path.h"
#include "tests/tap.h"
#include "trace/emit.h"
#include "trace/seal.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#define MONO INT64_C(1000000000)   /* when simulated runs begin */
#define REAL INT64_C(1795220769123000000) /* 2026-11-21T00:26:09.123Z */

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

/* Seals the journal behind fd and reads the trace back. NULL with a note on failure. */
__attribute__((unused)) static json_t *test_seal(int fd, bool lost, struct seal_result *r)
{
	struct seal_request q = { .journal_fd = fd, .trace_out = in_dir("out.json"),
				  .summary_out = in_dir("out.md"), .lost = lost };
	struct err e = { .kind = ERR_NONE };
	json_error_t je;
	json_t *j;

	if (seal_run(&q, r, &e) < 0) {
		printf("# seal_run: %s\n", e.msg);
		return NULL;
	}
	j = json_load_file(in_dir("out.json"), JSON_REJECT_DUPLICATES, &je);
	if (!j)
		printf("# %s at %d\n", je.text, je.position);
	return j;
}

__attribute__((unused)) static const char *text_at(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

__attribute__((unused)) static json_int_t int_at(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_integer(v) ? json_integer_value(v) : -1;
}

/* Every parent and every event's span exists, lies around it, and order is kept. NULL: all well. */
__attribute__((unused)) static const char *trace_fault(const json_t *trace)
{
	const json_t *spans = json_object_get(trace, "spans"), *events = json_object_get(trace, "events");
	json_int_t before = 0;
	json_t *ids = json_object(), *v;
	const char *fault = NULL;
	size_t i;

	json_array_foreach(spans, i, v) {
		const json_t *parent = json_object_get(v, "parent_span_id");
		const json_t *p = json_object_get(ids, text_at(v, "parent_span_id"));

		if (json_is_null(parent) != !strcmp(text_at(v, "name"), "run.total"))
			fault = "a parent is null but for run.total";
		if (!json_is_null(parent) && !p)
			fault = "a parent is not there";
		if (p && (int_at(p, "start_ns") > int_at(v, "start_ns") || int_at(p, "end_ns") < int_at(v, "end_ns")))
			fault = "a child is outside of its parent";
		if (int_at(v, "start_ns") < before || int_at(v, "end_ns") < int_at(v, "start_ns"))
			fault = "spans are not in order of start";
		if (json_is_null(json_object_get(v, "error")) != !strcmp(text_at(v, "status"), "ok"))
			fault = "a span's status and error disagree";
		before = int_at(v, "start_ns");
		json_object_set(ids, text_at(v, "span_id"), v);
	}
	before = 0;
	json_array_foreach(events, i, v) {
		const json_t *p = json_object_get(ids, text_at(v, "span_id"));
		json_int_t ts = int_at(v, "ts_ns");

		if (!p || int_at(p, "start_ns") > ts || int_at(p, "end_ns") < ts)
			fault = "an event is outside of its span";
		if (ts < before)
			fault = "events are not in order of time";
		before = ts;
	}
	if ((json_int_t)json_array_size(spans) != int_at(json_object_get(trace, "summary"), "span_count") ||
	    (json_int_t)json_array_size(events) != int_at(json_object_get(trace, "summary"), "event_count"))
		fault = "the summary counts otherwise";
	json_decref(ids);
	return fault;
}

#endif
