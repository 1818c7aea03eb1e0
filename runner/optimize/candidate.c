/* SPDX-License-Identifier: Apache-2.0 */
/* candidate.c - nodes 10 to 14: a diff becomes a commit, is built, tested, measured and judged. */
#include "runner/optimize/nodes.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"
#include "history/stats.h"
#include "optimize/patch.h"
#include "runner/optimize/ask.h"
#include "trace/emit.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATCH_MAX ((size_t)64 << 20)

double node_median(double *v, size_t n)
{
	return stats_median(v, n);
}

/* ---- 10 ---- */

struct base_tree { struct loop *l; const char *commit; };

static bool is_link(void *ctx, const char *path)
{
	struct base_tree *b = ctx;
	char mode[8];

	repo_mode(&b->l->repo, b->commit, path, mode);
	return strcmp(mode, "120000") == 0 || strcmp(mode, "160000") == 0;
}

static const char *base_commit(const struct loop *l)
{
	return l->setup.loop.base == BASE_BASELINE ? l->st.baseline_commit : optimize_best_commit(&l->st);
}

static void rules_of(struct loop *l, struct base_tree *base, struct patch_rules *r)
{
	*base = (struct base_tree){ l, base_commit(l) };
	*r = (struct patch_rules){
		.paths = &l->setup.loop.paths, .deny = &l->setup.loop.deny, .adapters = &l->adapter_paths,
		.tests_by_name = l->st.goal == GOAL_HANG, .max_files = l->setup.loop.max_files,
		.max_lines = l->setup.loop.max_lines, .max_bytes = l->setup.loop.max_bytes, .is_link = is_link, .ctx = base,
	};
}

/* What git made of it, once more: modes, and every path. "OLD NEW STATUS PATH". */
static const char *judge_tree(const struct patch_rules *r, const struct strv *changed, struct str *detail)
{
	for (size_t i = 0; i < changed->n; i++) {
		const char *row = changed->v[i], *path = row + 16, *rule = patch_judge_path(r, path);
		bool is_new = strncmp(row, "000000", 6) == 0, is_gone = strncmp(row + 7, "000000", 6) == 0;
		bool same = strncmp(row, row + 7, 6) == 0 && (row[7] == '1' && row[8] == '0' && row[9] == '0');

		str_add(detail, path);
		if (rule)
			return rule;
		if (!(is_new ? strncmp(row + 7, "100644", 6) == 0 : is_gone ? row[2] == '0' : same))
			return "patch.mode";
		str_reset(detail);
	}
	return changed->n ? NULL : "patch.empty";
}

static bool tried_before(const struct loop *l, const char *tree)
{
	for (size_t i = 0; i + 1 < l->st.n_rounds; i++)
		if (strcmp(l->st.rounds[i].tree, tree) == 0)
			return true;
	return strcmp(l->st.baseline_tree, tree) == 0;
}

static int apply(struct loop *l, const struct patch *p, struct optimize_round *round, const char **status,
		 const char **reason, struct str *detail, const struct str *diff, struct err *e)
{
	struct strv changed = STRV_INIT;
	struct base_tree base;
	struct patch_rules rules;
	char commit[OID_SIZE] = "", tree[OID_SIZE] = "";
	int rc = 0;

	rules_of(l, &base, &rules);
	*status = "rejected";
	*reason = patch_judge(p, &rules, detail);
	if (!*reason)
		rc = repo_apply(&l->repo, base.commit, str_cstr(diff), diff->len, commit, tree, &changed, detail, e);
	if (rc == 1) {
		*status = "failed";
		*reason = "patch.apply";
	} else if (rc == 0 && !*reason) {
		*reason = judge_tree(&rules, &changed, detail);
		if (!*reason && tried_before(l, tree))
			*reason = "patch.repeated";
		if (!*reason)
			*status = "applied";
		snprintf(round->tree, sizeof(round->tree), "%s", tree);
		if (!*reason)
			snprintf(round->commit, sizeof(round->commit), "%s", commit);
	}
	strv_release(&changed);
	return rc < 0 ? -1 : 0;
}

static int apply_write(struct loop *l, const struct patch *p, const struct str *diff, const char *status, const char *reason,
		       const struct str *detail, struct err *e)
{
	struct optimize_round *round = optimize_round(&l->st);
	auto_str files = STR_INIT, clean = STR_INIT;
	struct artifact a;

	patch_paths_json(p, &files);
	redact_text(l->redactor, str_cstr(detail), detail->len, &clean);
	if (loop_put(l, "patch_diff", str_cstr(diff), diff->len, &a, e) < 0 || loop_begin(l, e) < 0 ||
	    loop_artifact(l, l->st.run_id, &a, "{}", e) < 0 ||
	    store_run(l->s, e,
	    "INSERT INTO patches (run_id, iteration, diff_artifact_id, apply_status, files_changed_json, reason)"
		      " VALUES (?, ?, ?, ?, ?, ?)", "titttt", l->st.run_id, l->st.iteration, a.id, status,
		      str_cstr(&files), reason) < 0)
		return -1;
	snprintf(l->st.current_patch_id, sizeof(l->st.current_patch_id), "%s", a.id);
	snprintf(round->patch_id, sizeof(round->patch_id), "%s", a.id);
	snprintf(round->apply_status, sizeof(round->apply_status), "%s", status);
	snprintf(round->reason, sizeof(round->reason), "%s", reason ? reason : "");
	if (reason)
		l->say("optimize: iteration %" PRId64 ": %s: %s%s%s", l->st.iteration, status, reason, clean.len ? ": " : "",
		       str_cstr(&clean));
	return 0;
}

int node_apply(struct loop *l, struct optimize_result *r, struct err *e)
{
	auto_free char *path = loop_path(l, "patches/%" PRId64 ".diff", l->st.iteration), *text = NULL;
	struct optimize_round *round = optimize_round(&l->st);
	auto_str detail = STR_INIT, diff = STR_INIT;
	const char *status, *reason;
	struct patch p;
	size_t n;
	int rc;

	if (file_read(path, PATCH_MAX, &text, &n, e) < 0)
		return -1;
	patch_read(&p, text, n);
	if (!p.error[0] && !p.binary)
		patch_write(&p, &diff);
	rc = apply(l, &p, round, &status, &reason, &detail, &diff, e);
	if (rc == 0 && (p.error[0] || p.binary)) { /* what cannot be read is kept as it came */
		str_reset(&diff);
		str_addn(&diff, text, n);
	}
	if (rc == 0)
		rc = apply_write(l, &p, &diff, status, reason, &detail, e);
	patch_release(&p);
	r->outcome = reason ? OUT_FAILED : OUT_DONE;
	return rc;
}

/* ---- 11 ---- */

static bool passes(const struct adapter_run *t, const char *suite, const char *name)
{
	bool pass = false;

	for (size_t i = 0; i < t->n_tests; i++)
		if (strcmp(t->tests[i].name, name) == 0 && strcmp(t->tests[i].suite, suite) == 0)
			pass = t->tests[i].result == TEST_PASS;
	return pass;
}

/* Every test that passed in the baseline is there and passes. 1: one is not; which is named. */
static int check_tests(struct loop *l, const struct adapter_run *t, struct str *missing, struct err *e)
{
	auto_query *q = query_new(l->s, "SELECT suite, case_id FROM v_test_results WHERE run_id = ? AND result = 'pass'"
				  " ORDER BY suite, case_id", e);
	int rc;

	if (!q)
		return -1;
	query_bind(q, "t", l->st.baseline_run_id);
	while ((rc = query_step(q, e)) == 1)
		if (!passes(t, query_text(q, 0), query_text(q, 1))) {
			str_addf(missing, "%s%s%s", query_text(q, 0), *query_text(q, 0) ? "::" : "", query_text(q, 1));
			return 1;
		}
	return rc;
}

/* NULL: correct. *rc: -1 on failure of ours. */
static const char *judge_correct(struct loop *l, int built, const struct adapter_run *build, const struct adapter_run *t,
				 struct str *detail, int *rc, struct err *e)
{
	struct strv changed = STRV_INIT;
	const char *reason = NULL;

	*rc = 0;
	if (built == 1)
		return build->hung ? "build.hung" : "build.failed";
	if (t->hung)
		return "test.hung";
	if (!t->ok)
		return "test.failed";
	*rc = check_tests(l, t, detail, e);
	if (*rc == 1) {
		*rc = 0;
		return "test.missing";
	}
	if (*rc == 0)
		*rc = side_changed(l, l->st.iteration, &changed, e);
	if (*rc == 0 && changed.n) {
		str_add(detail, changed.v[0]);
		reason = "tree.changed";
	}
	strv_release(&changed);
	return reason;
}

static int verify_write(struct loop *l, const struct adapter_run *built, const struct adapter_run *t, const char *reason,
			struct err *e)
{
	struct optimize_round *round = optimize_round(&l->st);
	static char at[STORE_TIME_SIZE], id[RUN_ID_SIZE];

	run_id_make(id, clock_real_ns());
	node_row(l, id, "candidate", at);
	if (loop_begin_run(l, e) < 0 || node_write_tests(l, t, e) < 0 || node_write_log(l, id, "build_log", built, e) < 0 ||
	    node_write_log(l, id, "test_log", t, e) < 0 || adapter_findings(l, built, id, e) < 0 ||
	    adapter_findings(l, t, id, e) < 0)
		return -1;
	snprintf(round->run_id, sizeof(round->run_id), "%s", id);
	round->correct = reason == NULL;
	snprintf(round->reason, sizeof(round->reason), "%s", reason ? reason : "");
	return 0;
}

int node_verify(struct loop *l, struct optimize_result *r, struct err *e)
{
	struct optimize_round *round = optimize_round(&l->st);
	auto_free char *tag = xasprintf("%" PRId64 "-test", l->st.iteration);
	struct adapter_run built = { 0 }, t = { .ok = false };
	auto_str detail = STR_INIT, clean = STR_INIT;
	const char *reason = NULL;
	int rc, ready;

	if (!loop_may_go_on(l, r))
		return loop_begin(l, e);
	ready = rc = side_ready(l, l->st.iteration, round->commit, &built, e);
	if (rc == 0)
		rc = adapter_run(l, ROLE_TEST, l->st.iteration, tag, false, &t, e);
	if (rc >= 0)
		reason = judge_correct(l, ready, &built, &t, &detail, &rc, e);
	if (rc >= 0)
		rc = verify_write(l, &built, &t, reason, e);
	adapter_run_release(&built);
	adapter_run_release(&t);
	redact_text(l->redactor, str_cstr(&detail), detail.len, &clean);
	if (rc == 0 && reason)
		l->say("optimize: iteration %" PRId64 ": not correct: %s%s%s", l->st.iteration, reason, clean.len ? ": " :
			"",
		       str_cstr(&clean));
	r->outcome = reason ? OUT_INCORRECT : OUT_DONE;
	return rc;
}

/* ---- 12 ---- */

int samples_runs(struct loop *l, int64_t side, int64_t n, struct sample_set *s, struct err *e)
{
	auto_free char *tag = xasprintf("%" PRId64 "-hang", side);
	bool baseline = side == 0;
	int rc = 0;

	for (int64_t i = 0; rc == 0 && i < n; i++) {
		struct optimize_result budget = { 0 };

		if (!loop_may_go_on(l, &budget))
			return 1;
		rc = sample_once(l, side, tag, s, e);
		if (!baseline && s->hung)
			break;
	}
	return rc;
}

int node_profile_run(struct loop *l, int64_t side, struct adapter_run *p, struct err *e)
{
	const struct adapter *a = &l->setup.adapter[ROLE_PROFILER];
	auto_free char *tag = xasprintf("%" PRId64 "-profile", side);
	struct optimize_result budget = { 0 };

	if (a->kind == ADAPTER_ABSENT || a->kind == ADAPTER_NONE)
		return 0;
	if (!loop_may_go_on(l, &budget))
		return 1;
	return a->kind == ADAPTER_SAMPLES ? collect_samples(l, side, tag, p, e) :
	       adapter_run(l, ROLE_PROFILER, side, tag, false, p, e);
}

/* A side that was built before, and after a resume is built again: that it cannot be is the machine's failure. */
int node_side(struct loop *l, int64_t side, const char *commit, struct err *e)
{
	struct adapter_run built;
	int rc = side_ready(l, side, commit, &built, e);

	adapter_run_release(&built);
	return rc == 1 ? err_set(e, ERR_FAILURE, "iteration %" PRId64 " cannot be built any more", side) : rc;
}

static int take_both(struct loop *l, struct sample_set *best, struct sample_set *candidate, struct err *e)
{
	auto_free char *tag = xasprintf("%" PRId64 "-samples", l->st.iteration);
	int rc;

	rc = node_side(l, l->st.iteration, optimize_round(&l->st)->commit, e);
	if (rc == 0 && l->st.goal == GOAL_HANG)
		return samples_runs(l, l->st.iteration, optimize_hang_runs(l->st.rate), candidate, e);
	if (rc == 0)
		rc = node_side(l, l->st.best_iteration, optimize_best_commit(&l->st), e);
	return rc < 0 ? -1 : samples_take(l, l->st.best_iteration, best, l->st.iteration, candidate, tag, e);
}

int node_profile(struct loop *l, struct optimize_result *r, struct err *e)
{
	struct optimize_round *round = optimize_round(&l->st);
	auto_free char *name = xasprintf("%" PRId64, l->st.iteration);
	struct sample_set best = { 0 }, candidate = { 0 };
	struct adapter_run p = { 0 };
	int rc = take_both(l, &best, &candidate, e);

	if (rc == 0 && l->st.goal == GOAL_SPEED && sample_set_fails(&candidate)) {
		r->outcome = OUT_FAILED;
		snprintf(round->reason, sizeof(round->reason), "workload.failed");
		l->say("optimize: iteration %" PRId64 ": the workload fails: %s", l->st.iteration,
		       candidate.why ? candidate.why : "no sample");
	} else if (rc == 0) {
		rc = node_profile_run(l, l->st.iteration, &p, e);
	}
	if (rc == 1) {
		r->outcome = OUT_STOPPED;
		rc = 0;
	}
	if (rc == 0)
		rc = samples_write(l, name, &best, &candidate, e);
	if (rc == 0)
		rc = loop_begin(l, e);
	if (rc == 0)
		rc = node_write_metrics(l, round->run_id, &candidate, e);
	if (rc == 0)
		rc = node_write_profile(l, l->st.iteration, &p, round->run_id, e);
	if (rc == 0 && r->outcome == OUT_STOPPED)
		rc = node_end_run(l, round->run_id, "stopped", e);
	sample_set_release(&best);
	sample_set_release(&candidate);
	adapter_run_release(&p);
	return rc;
}

/* ---- 13 ---- */

static int judge_speed(struct loop *l, struct optimize_round *round, struct optimize_result *r, struct str *delta,
		       struct err *e)
{
	auto_free char *name = xasprintf("%" PRId64, l->st.iteration);
	struct sample_set best = { 0 }, candidate = { 0 }, baseline = { 0 };
	struct sample_verdict v;
	int rc = samples_read(l, name, &best, &candidate, e);

	if (rc == 0)
		rc = samples_read(l, "0", &baseline, NULL, e);
	if (rc == 0) {
		samples_judge(l, &best, &candidate, &baseline, &v, delta);
		round->change = v.change;
		snprintf(round->verdict, sizeof(round->verdict), "%s", compare_verdict_text[v.primary]);
		r->regressed = v.primary == COMPARE_REGRESSED;
		r->improved = v.primary == COMPARE_IMPROVED && !v.guard_regressed && !sample_set_fails(&candidate);
		if (v.guard_regressed)
			snprintf(round->reason, sizeof(round->reason), "guard.%.30s", v.guard);
	}
	sample_set_release(&best);
	sample_set_release(&candidate);
	sample_set_release(&baseline);
	return rc;
}

static int judge_hang(struct loop *l, struct optimize_round *round, struct optimize_result *r, struct str *delta,
		      struct err *e)
{
	auto_free char *name = xasprintf("%" PRId64, l->st.iteration);
	struct sample_set best = { 0 }, candidate = { 0 };
	int rc = samples_read(l, name, &best, &candidate, e);

	if (rc == 0) {
		r->improved = candidate.runs > 0 && !candidate.hung;
		r->regressed = !r->improved;
		snprintf(round->verdict, sizeof(round->verdict), "%s", r->improved ? "improved" : "regressed");
		str_addf(delta,
			"{\"hang_rate\":{\"base\":%.6f,\"candidate\":%.6f,\"runs\":%" PRId64 ",\"hung\":%" PRId64 "}}",
			 l->st.rate, candidate.runs ? (double)candidate.hung / (double)candidate.runs : 0.0, candidate.runs,
			 candidate.hung);
	}
	sample_set_release(&best);
	sample_set_release(&candidate);
	return rc;
}

/* Folders that nothing needs any more: the candidate's, or those of the best before it. */
static void tidy(struct loop *l, bool improved)
{
	if (!improved)
		side_remove(l, l->st.iteration);
	else if (l->st.best_iteration)
		side_remove(l, l->st.best_iteration);
}

static void tell(struct loop *l, const struct optimize_round *round, bool improved)
{
	if (isnan(round->change))
		l->say("optimize: iteration %" PRId64 ": %s", l->st.iteration, round->verdict);
	else
		l->say("optimize: iteration %" PRId64 ": %s, %+.1f %%%s%s%s", l->st.iteration, round->verdict,
		       round->change * 100, improved ? ": the new best" : "", round->reason[0] ? ", " : "", round->reason);
}

int node_evaluate(struct loop *l, struct optimize_result *r, struct err *e)
{
	struct optimize_round *round = optimize_round(&l->st);
	auto_str delta = STR_INIT;
	int rc = 0;

	if (round->correct == 1 && strcmp(round->reason, "workload.failed") != 0)
		rc = l->st.goal == GOAL_HANG ? judge_hang(l, round, r, &delta, e) : judge_speed(l, round, r, &delta, e);
	if (rc < 0)
		return -1;
	round->improved = r->improved;
	if (round->correct == 1 && node_analyze(l, round->run_id, e) < 0)
		return -1;
	if (r->improved && recall_remember(l, delta.len ? str_cstr(&delta) : "{}", e) < 0)
		return -1;
	if (loop_begin(l, e) < 0 ||
	    store_run(l->s, e, "INSERT INTO evaluations (run_id, baseline_run_id, delta_metrics_json, correctness_passed,"
		      " perf_improved, notes, iteration, verdict) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", "tttiitit",
		      round->run_id,
		      l->st.baseline_run_id, delta.len ? str_cstr(&delta) : "{}", (int64_t)(round->correct == 1),
		      (int64_t)round->improved, round->reason[0] ? round->reason : NULL, l->st.iteration,
		      round->verdict[0] ? round->verdict : NULL) < 0 ||
	    node_end_run(l, round->run_id, round->correct == 1 ? "succeeded" : "failed", e) < 0)
		return -1;
	if (round->correct == 1 && round->verdict[0])
		tell(l, round, r->improved);
	tidy(l, r->improved);
	return 0;
}

/* ---- 14 ---- */

int node_continue(struct loop *l, struct optimize_result *r, struct err *e)
{
	const struct optimize_round *round = optimize_round(&l->st);

	r->candidates_left = !l->candidates_dir || (size_t)l->st.iteration < l->candidates.n;
	if (round && !round->verdict[0] && round->correct != 1)
		side_remove(l, l->st.iteration);
	return loop_begin(l, e);
}
