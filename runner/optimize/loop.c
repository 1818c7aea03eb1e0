/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/optimize/loop.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/optimize/child.h"
#include "runner/optimize/nodes.h"

#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

loop_node *const loop_nodes[] = {
	[NODE_INIT] = node_init, [NODE_SNAPSHOT] = node_snapshot, [NODE_STATIC] = node_static,
	[NODE_BASELINE_TEST] = node_baseline_test, [NODE_BASELINE_PROFILE] = node_baseline_profile,
	[NODE_RUNTIME] = node_runtime, [NODE_PACK] = node_pack, [NODE_DECIDE] = node_decide, [NODE_GENERATE] = node_generate,
	[NODE_APPLY] = node_apply, [NODE_VERIFY] = node_verify, [NODE_PROFILE] = node_profile,
	[NODE_EVALUATE] = node_evaluate,
	[NODE_CONTINUE] = node_continue, [NODE_REPORT] = node_report, [NODE_EXPORT] = node_export,
};

/* ---- what nodes use ---- */

char *loop_path(const struct loop *l, const char *fmt, ...)
{
	char name[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	return path_join(l->dir, name);
}

void loop_skip(struct loop *l, struct optimize_result *r, const char *fmt, ...)
{
	char reason[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	r->outcome = OUT_SKIPPED;
	free(l->skip_reason);
	l->skip_reason = xstrdup(reason);
}

int loop_begin(struct loop *l, struct err *e)
{
	if (store_begin(l->s, e) < 0)
		return -1;
	l->in_transaction = true;
	return 0;
}

int loop_begin_run(struct loop *l, struct err *e)
{
	int rc;

	l->writer = run_writer_new(l->s, &l->row);
	rc = run_writer_open(l->writer, e);
	if (rc == 1)
		return err_set(e, ERR_FAILURE, "run '%s' is in the store already", l->row.run_id);
	l->in_transaction = rc == 0;
	return rc;
}

int64_t loop_used_ms(const struct loop *l)
{
	return l->used_before_ms + (clock_mono_ns() - l->since_ns) / NS_PER_MS;
}

bool loop_may_go_on(struct loop *l, struct optimize_result *r)
{
	l->st.used.wall_ms = loop_used_ms(l);
	if (!optimize_budget_gone(&l->st, &l->limits, false))
		return true;
	r->outcome = OUT_STOPPED;
	return false;
}

int loop_put(struct loop *l, const char *kind, const char *text, size_t n, struct artifact *a, struct err *e)
{
	auto_str clean = STR_INIT;

	if (!artifact_kind_find(kind)->text)
		return artifact_put(store_dir(l->s), kind, text, n, a, e);
	redact_text(l->redactor, text, n, &clean);
	return artifact_put(store_dir(l->s), kind, str_cstr(&clean), clean.len, a, e);
}

int loop_artifact(struct loop *l, const char *run_id, const struct artifact *a, const char *metadata, struct err *e)
{
	return artifact_row(l->s, run_id, a, metadata, e);
}

int loop_metric(struct loop *l, const char *run_id, const char *name, double value, const char *unit, const char *tags,
		struct err *e)
{
	return store_run(l->s, e,
		"INSERT INTO metrics (run_id, scope, metric_name, value, unit, tags_json) VALUES (?, ?, ?, ?, ?, ?)",
			 "tttrtt", run_id, "process", name, value, unit, tags);
}

int loop_list(const char *dir, const char *suffix, struct strv *out, struct err *e)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, NULL, alphasort);

	if (n < 0)
		return err_sys(e, "reading '%s'", dir);
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.' && str_ends(names[i]->d_name, suffix))
			strv_add(out, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	/* by bytes, whatever the locale */
	for (size_t i = 1; i < out->n; i++)
		for (size_t k = i; k > 0 && strcmp(out->v[k - 1], out->v[k]) > 0; k--) {
			char *swap = out->v[k];

			out->v[k] = out->v[k - 1];
			out->v[k - 1] = swap;
		}
	return 0;
}

/* ---- one node ---- */

static void rollback(struct loop *l)
{
	if (l->writer)
		run_writer_free(l->writer);
	else if (l->in_transaction)
		store_rollback(l->s);
	l->writer = NULL;
	l->in_transaction = false;
}

/* The node's rows are written: its state and successor, and all of it at once. */
static int leave(struct loop *l, const struct optimize_result *r, int64_t duration_ms, struct err *e)
{
	enum optimize_node node = l->st.node;
	int64_t iteration = l->st.iteration;
	const char *event = r->outcome == OUT_SKIPPED ? "skip" : r->outcome == OUT_FAILED && node <= NODE_RUNTIME ?
		"error" : "leave";
	char at[STORE_TIME_SIZE];
	auto_str state = STR_INIT, log = STR_INIT;
	int rc;

	l->st.used.wall_ms = loop_used_ms(l);
	optimize_step(&l->st, &l->limits, r);
	loop_log_line(l, node, iteration, event, duration_ms, r, &log);
	optimize_state_write(&l->st, &l->limits, str_cstr(&log), &state);
	store_time(at, clock_real_ns());
	rc = store_run(l->s, e,
		"INSERT INTO loop_states (run_id, iteration, node, state_json, updated_at) VALUES (?, ?, ?, ?, ?)",
		       "tittt", l->st.run_id, iteration, optimize_node_text[node], str_cstr(&state), at);
	if (rc == 0)
		rc = l->writer ? run_writer_commit(l->writer, e) : store_commit(l->s, e);
	if (rc == 0) {
		run_writer_free_ptr(&l->writer);
		l->in_transaction = false;
		loop_log_leave(l, node, iteration, str_cstr(&log));
	}
	mem_free_ptr(&l->tokens_note);
	mem_free_ptr(&l->skip_reason);
	return rc;
}

static int run_node(struct loop *l, struct err *e)
{
	struct optimize_result r = { 0 };
	int64_t from = clock_mono_ns();
	int rc;

	loop_log_enter(l);
	rc = loop_nodes[l->st.node](l, &r, e);
	if (rc == 0)
		rc = leave(l, &r, (clock_mono_ns() - from) / NS_PER_MS, e);
	if (rc < 0)
		rollback(l);
	return rc;
}

/* ---- the end ---- */

/* Work trees and folders of candidates; the report, the patch and the log stay. */
static void clean(struct loop *l)
{
	static const char *const names[] = { "work", "home", "tmp", "runs", "repo.git", "index", "patches" };
	struct err ignored = { 0 };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		auto_free char *path = loop_path(l, "%s", names[i]);

		if (path_remove_tree(path, &ignored) < 0)
			unlink(path);
	}
}

static int mark(struct loop *l, const char *status, struct err *e)
{
	if (store_begin(l->s, e) < 0)
		return -1;
	if (store_run(l->s, e, "UPDATE runs SET status = ? WHERE run_id = ? AND status IN ('running', 'stopped')", "tt",
		status,
		      l->st.run_id) < 0) {
		store_rollback(l->s);
		return -1;
	}
	return store_commit(l->s, e);
}

/* A signal: what was done stays, and --resume goes on from there. */
static int interrupted(struct loop *l, struct err *e)
{
	l->st.used.wall_ms = loop_used_ms(l);
	l->st.stop = STOP_CANCELLED;
	leftovers_end(l->dir);
	mark(l, "stopped", e);
	loop_log_rewrite(l, e);
	return loop_result_write(l, e);
}

int loop_run(struct loop *l, struct err *e)
{
	if (l->resumed && (mark(l, "running", e) < 0 || loop_log_rewrite(l, e) < 0))
		return -1;
	while (l->st.node != NODE_END) {
		if (child_interrupted)
			return interrupted(l, e);
		if (run_node(l, e) == 0)
			continue;
		if (!child_interrupted)
			return -1;
		*e = (struct err){ 0 }; /* what a node says that was interrupted is not an error */
		return interrupted(l, e);
	}
	if (loop_log_rewrite(l, e) < 0 || loop_result_write(l, e) < 0)
		return -1;
	clean(l);
	return 0;
}

void loop_close(struct loop *l)
{
	rollback(l);
	store_close_ptr(&l->s);
	redactor_free(l->redactor);
	repo_release(&l->repo);
	setup_release(&l->setup);
	optimize_state_release(&l->st);
	strv_release(&l->candidates);
	strv_release(&l->adapter_paths);
	strv_release(&l->env);
	free(l->dir);
	free(l->runner);
	free(l->sandbox);
	free(l->gateway);
	free(l->candidates_dir);
	free(l->config);
	free(l->uri);
	free(l->workload);
	free(l->device);
	free(l->branch);
	free(l->api_key);
	free(l->tokens_note);
	free(l->skip_reason);
	fd_close(&l->lock);
}
