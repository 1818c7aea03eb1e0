/* SPDX-License-Identifier: Apache-2.0 */
/* baseline.c - nodes 1, 2, 4 to 6: the loop's own run, the commit it begins with, and what this can do. */
#include "runner/optimize/nodes.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"
#include "history/analyze.h"
#include "history/hangs.h"
#include "history/real.h"
#include "history/static_graph.h"
#include "runner/optimize/adapter.h"
#include "runner/optimize/ask.h"
#include "runner/optimize/samples.h"
#include "trace/emit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HANG_BASELINE_RUNS 10

void node_row(struct loop *l, const char *run_id, const char *kind, char at[STORE_TIME_SIZE])
{
	store_time(at, clock_real_ns());
	l->row = (struct run_row){
		.run_id = run_id, .parent_run_id = strcmp(kind, "candidate") == 0 ? l->st.run_id : NULL, .repo_uri = l->uri,
		.repo_rev = l->st.baseline_commit[0] ? l->st.baseline_commit : NULL, .repo_dirty = l->dirty,
		.workload_id = l->workload, .device_id = l->device, .toolchain_id = l->o->history.toolchain,
		.status = "running", .created_at = at, .kind = kind, .branch = l->branch, .command = "optimize",
		.exit_code = RUN_NO_EXIT_CODE, .duration_ms = RUN_NO_DURATION,
	};
}

int node_end_run(struct loop *l, const char *run_id, const char *status, struct err *e)
{
	char at[STORE_TIME_SIZE];

	store_time(at, clock_real_ns());
	return store_run(l->s, e, "UPDATE runs SET status = ?, finished_at = ? WHERE run_id = ?", "ttt", status, at, run_id);
}

/* ---- 1, 2 ---- */

int node_init(struct loop *l, struct optimize_result *r, struct err *e)
{
	static char at[STORE_TIME_SIZE];

	auto_str why = STR_INIT;

	node_row(l, l->st.run_id, "optimize", at);
	if (loop_begin_run(l, e) < 0)
		return -1;
	if (l->candidates_dir || ask_allowed(l, &why))
		return 0;
	l->say("optimize: gateway blocked: %s", str_cstr(&why));
	r->outcome = OUT_FAILED;
	r->gateway_blocked = true;
	return ask_note_blocked(l, e);
}

int node_snapshot(struct loop *l, struct optimize_result *r, struct err *e)
{
	auto_str out = STR_INIT;
	struct artifact a;
	struct json j;

	(void)r;
	if (repo_make(&l->repo, e) < 0)
		return -1;
	json_init(&j, &out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_str(&j, "rev", l->st.baseline_commit);
	json_str(&j, "tree", l->st.baseline_tree);
	json_bool(&j, "dirty", l->dirty);
	json_object_end(&j);
	json_finish(&j);
	if (loop_put(l, "manifest", str_cstr(&out), out.len, &a, e) < 0 || loop_begin(l, e) < 0)
		return -1;
	return loop_artifact(l, l->st.run_id, &a, "{}", e);
}

/* ---- 4 ---- */

int node_write_tests(struct loop *l, const struct adapter_run *t, struct err *e)
{
	for (size_t i = 0; i < t->n_tests; i++) {
		const struct adapter_test *x = &t->tests[i];

		if (run_writer_test(l->writer, x->suite, x->name, 0, x->result, x->us, *x->file ? x->file : NULL, x->line,
			e) < 0)
			return -1;
	}
	return 0;
}

int node_write_log(struct loop *l, const char *run_id, const char *kind, const struct adapter_run *t, struct err *e)
{
	struct artifact a;

	if (!t->log.len)
		return 0;
	return loop_put(l, kind, str_cstr(&t->log), t->log.len, &a, e) < 0 ? -1 : loop_artifact(l, run_id, &a, "{}", e);
}

/* Where hangs are what is looked for, the baseline may hang: one pass is enough to know its tests. */
static int baseline_test(struct loop *l, struct adapter_run *t, struct err *e)
{
	int tries = l->st.goal == GOAL_HANG ? HANG_BASELINE_RUNS : 1;
	int rc = 0;

	for (int i = 0; rc == 0 && i < tries; i++) {
		if (i)
			adapter_run_release(t);
		rc = adapter_run(l, ROLE_TEST, 0, "0-test", false, t, e);
		if (t->ok)
			break;
	}
	return rc;
}

static int baseline_write(struct loop *l, const struct adapter_run *built, const struct adapter_run *t, bool ok,
			  struct err *e)
{
	static char at[STORE_TIME_SIZE], id[RUN_ID_SIZE];

	run_id_make(id, clock_real_ns());
	node_row(l, id, "candidate", at);
	if (!ok)
		l->row.status = "failed";
	if (loop_begin_run(l, e) < 0 || node_write_tests(l, t, e) < 0 || node_write_log(l, id, "build_log", built, e) < 0 ||
	    node_write_log(l, id, "test_log", t, e) < 0 || adapter_findings(l, built, id, e) < 0 ||
	    adapter_findings(l, t, id, e) < 0)
		return -1;
	snprintf(l->st.baseline_run_id, sizeof(l->st.baseline_run_id), "%s", id);
	snprintf(l->st.best_run_id, sizeof(l->st.best_run_id), "%s", id);
	return 0;
}

int node_baseline_test(struct loop *l, struct optimize_result *r, struct err *e)
{
	struct adapter_run built = { 0 }, t = { .ok = false };
	int rc = side_ready(l, 0, l->st.baseline_commit, &built, e);

	if (rc == 0)
		rc = baseline_test(l, &t, e);
	if (rc == 0)
		rc = side_note_leftovers(l, e);
	if (rc >= 0 && !t.ok) {
		r->outcome = OUT_FAILED;
		r->baseline_failed = true;
		l->say("optimize: the baseline fails: its %s", rc == 1 ? "build failed" : t.hung ? "tests hang" :
			"tests fail");
	}
	if (rc >= 0)
		rc = baseline_write(l, &built, &t, t.ok, e);
	adapter_run_release(&built);
	adapter_run_release(&t);
	return rc;
}

/* ---- 5 ---- */

/* A file that a profiler left, or its canned one, as an artifact of the run. */
static int put_profile(struct loop *l, const char *run_id, const char *kind, const char *text, size_t n, struct err *e)
{
	struct artifact a;

	return loop_put(l, kind, text, n, &a, e) < 0 ? -1 : loop_artifact(l, run_id, &a, "{}", e);
}

int node_write_profile(struct loop *l, int64_t side, const struct adapter_run *p, const char *run_id, struct err *e)
{
	const struct adapter *a = &l->setup.adapter[ROLE_PROFILER];

	if (a->kind == ADAPTER_DUMMY || a->kind == ADAPTER_SAMPLES)
		return p->log.len ? put_profile(l, run_id, "folded", str_cstr(&p->log), p->log.len, e) : 0;
	for (size_t i = 0; i < a->n_artifacts; i++) {
		auto_free char *path = loop_path(l, "work/%lld/%s%s", (long long)side, l->repo.prefix, a->artifacts[i].path);
		auto_free char *text = NULL;
		struct err ignored = { 0 };
		size_t n;

		if (file_read(path, ARTIFACT_MAX_BYTES, &text, &n, &ignored) == 0 &&
		    put_profile(l, run_id, a->artifacts[i].kind, text, n, e) < 0)
			return -1;
	}
	return 0;
}

int node_write_metrics(struct loop *l, const char *run_id, const struct sample_set *s, struct err *e)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct sample_metric *m = &s->m[i];
		auto_free char *tags = xasprintf("{\"statistic\":\"median\",\"n\":%zu}", m->n);
		auto_free double *sorted = xreallocarray(NULL, m->n + 1, sizeof(double));
		const char *unit = str_ends(m->name, "_ms") ? "ms" : str_ends(m->name, "_bytes") ? "bytes" : "";

		memcpy(sorted, m->v, m->n * sizeof(double));
		if (m->n && loop_metric(l, run_id, m->name, node_median(sorted, m->n), unit, tags, e) < 0)
			return -1;
	}
	return 0;
}

static int hang_rate(struct loop *l, struct sample_set *s, struct err *e)
{
	struct hangs h = { 0 };
	int rc;

	if (l->o->history.finding && hangs_read(l->s, l->o->history.finding, NULL, &h, e) == 0 && h.n && h.v[0].rate > 0) {
		l->st.rate = h.v[0].rate;
		hangs_release(&h);
		return 0;
	}
	hangs_release(&h);
	rc = samples_runs(l, 0, HANG_BASELINE_RUNS, s, e);
	l->st.rate = s->runs ? (double)s->hung / (double)s->runs : 0;
	return rc;
}

static int baseline_samples(struct loop *l, struct optimize_result *r, struct sample_set *s, struct err *e)
{
	const char *name;
	bool lower;
	int rc = node_side(l, 0, l->st.baseline_commit, e);

	if (rc == 0)
		rc = l->st.goal == GOAL_HANG ? hang_rate(l, s, e) : samples_take(l, 0, s, -1, NULL, "0-samples", e);
	if (rc != 0)
		return rc;
	if (l->st.goal == GOAL_HANG ? !(l->st.rate > 0) : sample_set_fails(s)) {
		r->outcome = OUT_FAILED;
		r->baseline_failed = true;
		if (l->st.goal == GOAL_HANG)
			l->say("optimize: the baseline never hung in %d runs", HANG_BASELINE_RUNS);
		else
			l->say("optimize: the baseline's workload fails: %s", s->why ? s->why : "no sample");
	} else if (l->st.goal == GOAL_SPEED && s->n && !samples_primary(l, s, &name, &lower)) {
		return err_set(e, ERR_USAGE, "the workload's results do not hold its primary metric");
	}
	return samples_write(l, "0", s, NULL, e);
}

int node_baseline_profile(struct loop *l, struct optimize_result *r, struct err *e)
{
	struct sample_set s = { 0 };
	struct adapter_run p = { 0 };
	int rc = baseline_samples(l, r, &s, e);

	if (rc == 0 && r->outcome == OUT_DONE)
		rc = node_profile_run(l, 0, &p, e);
	if (rc == 1) {
		r->outcome = OUT_STOPPED;
		rc = 0;
	}
	if (rc == 0)
		rc = loop_begin(l, e);
	if (rc == 0)
		rc = node_write_metrics(l, l->st.baseline_run_id, &s, e);
	if (rc == 0)
		rc = node_write_profile(l, 0, &p, l->st.baseline_run_id, e);
	if (rc == 0)
		rc = node_end_run(l, l->st.baseline_run_id, r->outcome == OUT_DONE ? "succeeded" : "failed", e);
	sample_set_release(&s);
	adapter_run_release(&p);
	return rc;
}

/* ---- 6 ---- */

int node_analyze(struct loop *l, const char *run_id, struct err *e)
{
	struct history_settings settings = l->o->history;
	auto_str out = STR_INIT;
	struct err why = { 0 };
	double damping;
	int rc;

	settings.top = l->setup.loop.top;
	if (real_of("--damping", settings.damping, 0, 1, 0.5, &damping, e) < 0)
		return -1;
	rc = analyze_runtime(l->s, run_id, &settings, damping, true, &out, &why);
	if (rc == 0)
		rc = static_graph_place(l->s, run_id, &why);
	if (rc < 0)
		*e = why;
	return rc;
}

int node_runtime(struct loop *l, struct optimize_result *r, struct err *e)
{
	int rc = node_analyze(l, l->st.baseline_run_id, e);

	if (rc == 1)
		loop_skip(l, r, "the baseline has no stacks");
	return rc < 0 ? -1 : loop_begin(l, e);
}
