/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/optimize/adapter.h"

#include "base/clock.h"
#include "base/json_read.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/optimize/child.h"
#include "trace/read.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MAX ((size_t)8 << 20)
#define TRIES 3             /* a supervisor that somebody killed says nothing of the candidate */
#define EXIT_WATCHDOG 124
#define EXIT_OURS 125
#define EXIT_KILLED (128 + SIGKILL)
#define HARD_CAP_FACTOR 2

void adapter_run_release(struct adapter_run *r)
{
	for (size_t i = 0; i < r->n_tests; i++) {
		free(r->tests[i].suite);
		free(r->tests[i].name);
		free(r->tests[i].file);
	}
	free(r->tests);
	free(r->dir);
	str_release(&r->log);
	memset(r, 0, sizeof(*r));
}

/* ---- tests, out of the trace ---- */

static enum test_result result_of(const char *result, int status)
{
	static const struct { const char *word; enum test_result result; } words[] = {
		{ "pass", TEST_PASS }, { "flaky", TEST_PASS }, { "fail", TEST_FAIL }, { "error", TEST_ERROR },
		{ "skip", TEST_SKIP }, { "xfail", TEST_XFAIL },
	};

	if (status == STATUS_TIMEOUT)
		return TEST_TIMEOUT;
	if (status == STATUS_STALLED)
		return TEST_STALLED;
	if (status == STATUS_CANCELLED)
		return TEST_CANCELLED;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(result, words[i].word) == 0)
			return words[i].result;
	return TEST_UNKNOWN;
}

static int take_span(void *arg, const struct trace_read_span *s, struct err *e)
{
	const char *name = attr_text(s->attrs, "case_id");
	struct adapter_run *r = arg;

	(void)e;
	if (s->name != SPAN_CASE_RUN || !*name || attr_true(s->attrs, "container") || attr_true(s->attrs, "withdrawn"))
		return 0;
	r->tests = xreallocarray(r->tests, r->n_tests + 1, sizeof(*r->tests));
	r->tests[r->n_tests++] = (struct adapter_test){
		.suite = xstrdup(attr_text(s->attrs, "suite")), .name = xstrdup(name),
		.file = xstrdup(attr_text(s->attrs, "file")), .result = result_of(attr_text(s->attrs, "result"), s->status),
		.us = s->end_ns > s->start_ns && s->start_ns >= 0 ? (s->end_ns - s->start_ns) / 1000 : -1,
		.line = json_get_int(s->attrs, "line", 0),
	};
	return 0;
}

static void read_tests(struct adapter_run *r)
{
	const struct trace_read_ops ops = { .span = take_span };
	auto_free char *trace = path_join(r->dir, "run-trace.json");
	struct err ignored = { 0 };

	trace_read(trace, &ops, r, &ignored); /* a run without a trace has no tests that are known */
}

/* ---- the command line ---- */

static void add(struct strv *argv, const char *a, const char *b)
{
	strv_add(argv, a);
	if (b)
		strv_add(argv, b);
}

static void add_number(struct strv *argv, const char *flag, int64_t v)
{
	strv_add(argv, flag);
	strv_take(argv, xasprintf("%" PRId64, v));
}

static void supervisor_words(const struct loop *l, const struct adapter *a, const char *dir, bool gate, struct strv *argv)
{
	auto_free char *trace = path_join(dir, "run-trace.json"), *summary = path_join(dir, "run-trace-summary.md");

	add(argv, l->runner, gate ? "ci-gate-summary" : "run");
	add(argv, "--artifacts-dir", dir);
	add(argv, "--profile-out", trace);
	add(argv, "--profile-summary-out", summary);
	add(argv, "--profile-level", "basic");
	add(argv, "--history", "off");
	add(argv, "--quiet", NULL);
	add(argv, "--color", "never");
	add(argv, "--status", "never");
	add(argv, "--pty", "never");
	add(argv, "--follow-parent", "always");
	add(argv, "--liveness-kill-grace-ms", "1000");
	add(argv, "--drain-ms", "500");
	/* without a limit a stall ends it; with one, that does */
	add(argv, "--liveness-level", a->timeout_ms ? "basic" : "strict");
	if (a->timeout_ms)
		add_number(argv, "--liveness-hard-cap-ms", a->timeout_ms * HARD_CAP_FACTOR);
	if (!gate && a->timeout_ms)
		add_number(argv, "--timeout-ms", a->timeout_ms);
	if (a->dialect)
		add(argv, "--dialect", a->dialect);
}

/* The sandbox takes part wherever a program of the repository is run. */
static void sandbox_words(const struct loop *l, int64_t side, const char *measure, const char *also, struct strv *argv)
{
	bool confined = l->setup.loop.sandbox != SANDBOX_OFF;
	auto_free char *tree = loop_path(l, "work/%" PRId64, side), *home = loop_path(l, "home/%" PRId64, side);
	auto_free char *tmp = loop_path(l, "tmp/%" PRId64, side);

	if (!l->sandbox || (!confined && !measure))
		return;
	add(argv, l->sandbox, NULL);
	if (confined && strcmp(l->st.sandbox_writes, "none") != 0) {
		add(argv, "--writes", tree);
		add(argv, "--writes", home);
		add(argv, "--writes", tmp);
		if (also)
			add(argv, "--writes", also);
	}
	if (confined && strcmp(l->st.sandbox_network, "none") != 0)
		add(argv, "--no-network", NULL);
	if (confined)
		add(argv, "--require", NULL); /* what the probe had, every run has */
	if (measure)
		add(argv, "--measure", measure);
	add(argv, "--", NULL);
}

static void environment(const struct loop *l, int64_t side, struct strv *env)
{
	strv_copy(env, &l->env);
	strv_take(env, xasprintf("HOME=%s/home/%" PRId64, l->dir, side));
	strv_take(env, xasprintf("TMPDIR=%s/tmp/%" PRId64, l->dir, side));
}

/* ---- one run ---- */

static void read_measure(const char *path, struct adapter_run *r)
{
	auto_free char *text = NULL;
	struct json_reader *in;
	const struct json_value *v;
	struct err ignored = { 0 };
	size_t n;

	if (file_read(path, 4096, &text, &n, &ignored) < 0)
		return;
	in = json_reader_text(text, n, path);
	if (json_take(in, &v, &ignored) == 0) {
		r->wall_ms = json_get_number(v, "wall_ms", NAN);
		r->cpu_ms = json_get_number(v, "cpu_ms", NAN);
		r->rss = json_get_number(v, "max_rss_bytes", NAN);
	}
	json_reader_free(in);
}

static int prepare(struct loop *l, int64_t side, const char *dir, const char *measure, struct err *e)
{
	auto_free char *home = loop_path(l, "home/%" PRId64, side), *tmp = loop_path(l, "tmp/%" PRId64, side);

	if (access(dir, F_OK) == 0 && path_remove_tree(dir, e) < 0)
		return -1;
	if (measure)
		unlink(measure);
	return path_mkdirs(dir, e) < 0 || path_mkdirs(home, e) < 0 || path_mkdirs(tmp, e) < 0 ? -1 : 0;
}

/* Somebody killed the supervisor or the command from outside: that is no answer to what was asked. */
static bool was_killed(const struct child *c)
{
	return c->signal == SIGKILL || c->code == EXIT_KILLED || c->code == EXIT_OURS;
}

int adapter_run_command(struct loop *l, const struct adapter *a, int64_t side, const char *tag, bool measured,
			const char *collect, struct adapter_run *r, struct err *e)
{
	auto_free char *dir = loop_path(l, "runs/%s", tag), *measure = measured ? loop_path(l, "runs/%s.measure", tag) :
		NULL;
	auto_free char *cwd = loop_path(l, "work/%" PRId64 "/%s", side, l->repo.prefix);
	auto_free char *config = loop_path(l, "spec-runner.yaml");
	bool gate = a->kind == ADAPTER_GATE;
	struct strv argv = STRV_INIT, env = STRV_INIT;
	struct child c = { .cwd = cwd, .out_max = LOG_MAX, .until_ns = TIME_NEVER };
	int rc = 0;

	if (gate) /* its steps are started by the supervisor, which then is in the sandbox itself */
		sandbox_words(l, side, NULL, dir, &argv);
	supervisor_words(l, a, dir, gate, &argv);
	if (collect)
		add(&argv, "--collect", collect);
	if (gate) {
		add(&argv, "--out", "/.artifacts/gate-summary.json");
		if (l->config) /* the user's own, committed or not; a candidate cannot change it */
			add(&argv, "--config", l->config);
	} else {
		add(&argv, "--config", config);
		add(&argv, "--", NULL);
		sandbox_words(l, side, measure, NULL, &argv);
		for (size_t i = 0; i < a->argv.n; i++)
			strv_add(&argv, a->argv.v[i]);
	}
	environment(l, side, &env);
	c.argv = argv.v;
	c.envp = env.v;
	for (int i = 0; rc == 0 && i < TRIES; i++) {
		rc = prepare(l, side, dir, measure, e);
		if (rc == 0)
			rc = child_run(&c, e);
		if (rc < 0 || child_interrupted || !was_killed(&c))
			break;
	}
	strv_release(&argv);
	strv_release(&env);
	if (rc == 0) {
		r->code = c.code;
		r->ok = c.code == 0;
		r->hung = c.code == EXIT_WATCHDOG;
		str_addn(&r->log, str_cstr(&c.out), c.out.len);
		if (!measured || !r->ok)
			str_addn(&r->log, str_cstr(&c.err), c.err.len);
		r->dir = ptr_steal(&dir);
		if (measured)
			read_measure(measure, r);
	}
	child_release(&c);
	return rc < 0 ? -1 : child_interrupted ? err_set(e, ERR_FAILURE, "interrupted") : 0;
}

int adapter_run(struct loop *l, enum adapter_role role, int64_t side, const char *tag, bool measured,
		struct adapter_run *r, struct err *e)
{
	const struct adapter *a = &l->setup.adapter[role];
	int rc;

	memset(r, 0, sizeof(*r));
	r->wall_ms = r->cpu_ms = r->rss = NAN;
	if (a->kind == ADAPTER_DUMMY)
		return dummy_run(l, role, side, r, e);
	if (a->kind == ADAPTER_ABSENT || a->kind == ADAPTER_NONE) {
		r->ok = true;
		return 0;
	}
	rc = adapter_run_command(l, a, side, tag, measured, NULL, r, e);
	if (rc == 0 && role == ROLE_TEST)
		read_tests(r);
	return rc;
}

/* ---- sides ---- */

int side_ready(struct loop *l, int64_t side, const char *commit, struct adapter_run *built, struct err *e)
{
	auto_free char *tree = loop_path(l, "work/%" PRId64, side), *mark = loop_path(l, "work/%" PRId64 ".built", side);
	auto_free char *tag = xasprintf("%" PRId64 "-build", side);
	const struct adapter *b = &l->setup.adapter[ROLE_BUILD];
	bool needs_tree = false;

	memset(built, 0, sizeof(*built));
	for (int i = 0; i < ROLE_COUNT; i++)
		needs_tree |= l->setup.adapter[i].kind != ADAPTER_DUMMY && l->setup.adapter[i].kind != ADAPTER_NONE &&
			      l->setup.adapter[i].kind != ADAPTER_ABSENT;
	if (b->kind == ADAPTER_DUMMY && !needs_tree)
		return adapter_run(l, ROLE_BUILD, side, tag, false, built, e) < 0 ? -1 : !built->ok;
	if (access(mark, F_OK) == 0) {
		built->ok = true;
		return 0;
	}
	if (needs_tree && repo_checkout(&l->repo, commit, tree, e) < 0)
		return -1;
	if (adapter_run(l, ROLE_BUILD, side, tag, false, built, e) < 0)
		return -1;
	return built->ok ? (file_write(mark, "", 0, e) < 0 ? -1 : 0) : 1;
}

static void remove_dir(const char *path)
{
	struct err ignored = { 0 };

	if (access(path, F_OK) == 0)
		path_remove_tree(path, &ignored);
}

void side_remove(struct loop *l, int64_t side)
{
	auto_free char *tree = loop_path(l, "work/%" PRId64, side), *mark = loop_path(l, "work/%" PRId64 ".built", side);
	auto_free char *home = loop_path(l, "home/%" PRId64, side), *tmp = loop_path(l, "tmp/%" PRId64, side);

	unlink(mark);
	if (access(tree, F_OK) == 0)
		repo_remove(&l->repo, tree);
	remove_dir(home);
	remove_dir(tmp);
}

int side_note_leftovers(struct loop *l, struct err *e)
{
	auto_free char *tree = loop_path(l, "work/0"), *file = loop_path(l, "leftovers.txt");
	struct strv list = STRV_INIT;
	auto_str text = STR_INIT;
	int rc = 0;

	if (access(tree, F_OK) == 0)
		rc = repo_changed(&l->repo, tree, &list, e);
	for (size_t i = 0; i < list.n; i++)
		str_addn(&text, list.v[i], strlen(list.v[i]) + 1);
	strv_release(&list);
	return rc < 0 ? -1 : file_write(file, str_cstr(&text), text.len, e);
}

int side_changed(struct loop *l, int64_t side, struct strv *changed, struct err *e)
{
	auto_free char *tree = loop_path(l, "work/%" PRId64, side), *file = loop_path(l, "leftovers.txt"), *text = NULL;
	struct strv list = STRV_INIT, known = STRV_INIT;
	size_t n = 0;
	int rc;

	if (access(tree, F_OK) < 0)
		return 0;
	rc = repo_changed(&l->repo, tree, &list, e);
	if (rc == 0)
		rc = file_read(file, (size_t)64 << 20, &text, &n, e);
	for (const char *p = text; rc == 0 && p && p < text + n; p += strlen(p) + 1)
		strv_add(&known, p);
	for (size_t i = 0; rc == 0 && i < list.n; i++)
		if (!strv_has(&known, list.v[i]))
			strv_add(changed, list.v[i]);
	strv_release(&list);
	strv_release(&known);
	return rc;
}
