/* SPDX-License-Identifier: Apache-2.0 */
/* finish.c - nodes 15 and 16: the best is measured once more, and told. */
#include "runner/optimize/nodes.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Fresh samples of an improvement and of the baseline. 0: judged; 1: the budget is used up. */
static int confirm_speed(struct loop *l, struct optimize_round *round, struct err *e)
{
	auto_free char *tag = xasprintf("%" PRId64 "-confirm", round->iteration);
	struct sample_set base = { 0 }, best = { 0 };
	struct adapter_run built;
	struct sample_verdict v = { .change = NAN };
	auto_str delta = STR_INIT;
	int rc = side_ready(l, 0, l->st.baseline_commit, &built, e);

	adapter_run_release(&built);
	if (rc == 0) {
		rc = side_ready(l, round->iteration, round->commit, &built, e);
		adapter_run_release(&built);
	}
	if (rc == 1) /* it cannot be built any more: it is not confirmed */
		return 0;
	if (rc == 0)
		rc = samples_take(l, 0, &base, round->iteration, &best, tag, e);
	if (rc == 0) {
		samples_judge(l, &base, &best, &base, &v, &delta);
		round->confirmed = v.primary == COMPARE_IMPROVED;
		l->st.change = v.change;
		snprintf(l->st.confirmed_verdict, sizeof(l->st.confirmed_verdict), "%s", compare_verdict_text[v.primary]);
		rc = samples_write(l, "confirm", &base, &best, e);
	}
	sample_set_release(&base);
	sample_set_release(&best);
	return rc;
}

static int confirm_hang(struct loop *l, struct optimize_round *round, struct err *e)
{
	struct sample_set s = { 0 };
	struct adapter_run built;
	int rc = side_ready(l, round->iteration, round->commit, &built, e);

	adapter_run_release(&built);
	if (rc == 0)
		rc = samples_runs(l, round->iteration, optimize_hang_runs(l->st.rate), &s, e);
	if (rc == 0) {
		round->confirmed = s.runs > 0 && !s.hung;
		snprintf(l->st.confirmed_verdict, sizeof(l->st.confirmed_verdict), "%s",
			 round->confirmed ? "improved" : "regressed");
	}
	sample_set_release(&s);
	return rc;
}

/* The last improvement first; one that does not hold gives way to the one before it. */
static int confirm(struct loop *l, struct err *e)
{
	int rc = 0;

	for (size_t i = l->st.n_rounds; rc == 0 && !l->st.confirmed && i-- > 0;) {
		struct optimize_round *round = &l->st.rounds[i];

		if (round->improved != 1)
			continue;
		rc = l->st.goal == GOAL_HANG ? confirm_hang(l, round, e) : confirm_speed(l, round, e);
		if (rc != 0)
			break;
		if (round->confirmed) {
			l->st.confirmed = true;
			l->st.best_iteration = round->iteration;
			snprintf(l->st.best_run_id, sizeof(l->st.best_run_id), "%s", round->run_id);
		} else {
			l->say("optimize: iteration %" PRId64 " was not confirmed: %s", round->iteration,
				l->st.confirmed_verdict);
		}
	}
	if (rc == 0 && !l->st.confirmed) { /* none: what was best by luck is not kept */
		l->st.best_iteration = 0;
		snprintf(l->st.best_run_id, sizeof(l->st.best_run_id), "%s", l->st.baseline_run_id);
	}
	return rc;
}

/* best.patch: there is one as long as there is a best. */
static int write_patch(struct loop *l, struct err *e)
{
	auto_free char *path = loop_path(l, "best.patch");
	auto_str diff = STR_INIT;

	if (!l->st.best_iteration) {
		unlink(path);
		return 0;
	}
	if (repo_diff(&l->repo, l->st.baseline_commit, optimize_best_commit(&l->st), &diff, e) < 0)
		return -1;
	return file_write(path, str_cstr(&diff), diff.len, e);
}

static int publish(struct loop *l, struct err *e)
{
	const char *branch = l->o->optimize.branch;

	if (!branch || !l->st.confirmed || repo_has_branch(&l->repo, branch))
		return 0;
	if (repo_publish(&l->repo, branch, optimize_best_commit(&l->st), e) < 0)
		return -1;
	l->say("optimize: the best is on branch '%s'", branch);
	return 0;
}

int node_report(struct loop *l, struct optimize_result *r, struct err *e)
{
	auto_free char *path = loop_path(l, "report.md"), *page_path = loop_path(l, "report.html");
	auto_str text = STR_INIT, clean = STR_INIT, page = STR_INIT;
	struct artifact a;
	int rc = l->st.best_iteration ? confirm(l, e) : 0;

	(void)r;
	if (rc < 0 || write_patch(l, e) < 0 || publish(l, e) < 0 || loop_report(l, &text, e) < 0)
		return -1;
	redact_text(l->redactor, str_cstr(&text), text.len, &clean);
	loop_page(l, str_cstr(&clean), &page);
	if (file_write(page_path, str_cstr(&page), page.len, e) < 0 || file_write(path, str_cstr(&clean), clean.len,
		e) < 0 || loop_put(l, "report", str_cstr(&clean), clean.len, &a,
		e) < 0 ||
	    loop_begin(l, e) < 0)
		return -1;
	return loop_artifact(l, l->st.run_id, &a, "{}", e);
}

static const char *status_of(const struct loop *l)
{
	switch (l->st.stop) {
	case STOP_BASELINE_FAILED:
	case STOP_GATEWAY_BLOCKED:
	case STOP_GATEWAY_FAILED:
		return "failed";
	case STOP_CANCELLED:
		return "stopped";
	default:
		return "succeeded";
	}
}

/* The loop's own log is whole only when this node has left: the artifact has its lines up to here. */
int node_export(struct loop *l, struct optimize_result *r, struct err *e)
{
	auto_free char *log_path = loop_path(l, "loop.jsonl"), *log = NULL;
	auto_str lines = STR_INIT;
	struct artifact dataset, loop_log;
	size_t n;

	(void)r;
	if (dataset_lines(l->s, l->redactor, l->st.run_id, false, &lines, e) < 0 ||
	    loop_put(l, "dataset", str_cstr(&lines), lines.len, &dataset, e) < 0 || loop_log_rewrite(l, e) < 0 ||
	    file_read(log_path, ARTIFACT_MAX_BYTES, &log, &n, e) < 0 || loop_put(l, "loop_log", log, n, &loop_log, e) < 0 ||
	    loop_begin(l, e) < 0 || loop_artifact(l, l->st.run_id, &dataset, "{}", e) < 0 ||
	    loop_artifact(l, l->st.run_id, &loop_log, "{}", e) < 0)
		return -1;
	return node_end_run(l, l->st.run_id, status_of(l), e);
}
