/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - report.md of a loop: what is better, by what evidence, at what risk, and how to take it back. */
#include "runner/optimize/nodes.h"

#include "base/json_read.h"
#include "base/mem.h"
#include "history/stats.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void summary(struct loop *l, struct str *out)
{
	const struct optimize_state *s = &l->st;

	str_addf(out, "# Optimisation %s\n\n## Summary\n\n", s->run_id);
	if (s->confirmed && isnan(s->change))
		str_addf(out, "**Iteration %" PRId64 " is better than the baseline, and was confirmed.**\n\n",
			s->best_iteration);
	else if (s->confirmed)
		str_addf(out,
			"**Iteration %" PRId64 " is better than the baseline: %+.1f %%, confirmed with fresh samples.**\n\n",
			 s->best_iteration, s->change * 100);
	else
		str_add(out, "**Nothing was found that is better than the baseline and was confirmed.**\n\n");
	str_addf(out,
		"| | |\n|---|---|\n| goal | %s |\n| baseline | %s (%s) |\n| best | %s |\n| iterations | %" PRId64 " |\n"
		 "| stopped because of | %s |\n| sandbox | writes: %s, network: %s |\n", optimize_goal_text[s->goal],
		 s->baseline_commit, s->baseline_run_id, s->best_iteration ? s->best_run_id : "none", s->iteration,
		 optimize_stop_text[s->stop], s->sandbox_writes, s->sandbox_network);
	if (s->justification)
		str_addf(out, "| conductor's words | %s |\n", s->justification);
	if (l->dirty)
		str_add(out, "| note | there were uncommitted changes: the baseline is the commit without them |\n");
}

static double median_of(const struct sample_metric *m)
{
	auto_free double *v = m ? xreallocarray(NULL, m->n + 1, sizeof(double)) : NULL;

	if (!m || !m->n)
		return NAN;
	memcpy(v, m->v, m->n * sizeof(double));
	return stats_median(v, m->n);
}

static void bar(struct str *out, double share)
{
	int n = (int)lround(share * 30);

	for (int i = 0; i < n && i < 60; i++)
		str_add(out, "#");
}

static void chart(struct str *out, const char *name, double a, double b)
{
	double most = a > b ? a : b;

	if (!(most > 0))
		return;
	str_addf(out, "\n```\n%s\nbaseline %12.4g ", name, a);
	bar(out, a / most);
	str_addf(out, "\nbest     %12.4g ", b);
	bar(out, b / most);
	str_add(out, "\n```\n");
}

static void kpis(struct loop *l, struct str *out)
{
	struct sample_set base, best;
	struct err ignored = { 0 };

	str_add(out, "\n## KPIs\n\n");
	if (l->st.goal == GOAL_HANG) {
		str_addf(out, "| | rate of the hang |\n|---|---|\n| baseline | %.3f |\n| best | %s |\n",
			 isnan(l->st.rate) ? 0 : l->st.rate, l->st.confirmed ? "not seen again" : "-");
		return;
	}
	if (!l->st.best_iteration || samples_read(l, "confirm", &base, &best, &ignored) < 0) {
		str_add(out, "No improvement, so nothing was measured against the baseline at the end.\n");
		return;
	}
	str_add(out, "Medians of fresh samples, taken in turn.\n\n| metric | baseline | best | change | samples |\n"
		     "|---|---|---|---|---|\n");
	for (size_t i = 0; i < base.n; i++) {
		const struct sample_metric *m = sample_metric_of(&best, base.m[i].name);
		double a = median_of(&base.m[i]), b = median_of(m);

		if (m)
			str_addf(out, "| %s | %.6g | %.6g | %+.1f %% | %zu, %zu |\n", base.m[i].name, a, b,
				(b / a - 1) * 100,
				 base.m[i].n, m->n);
	}
	for (size_t i = 0; i < base.n; i++)
		chart(out, base.m[i].name, median_of(&base.m[i]), median_of(sample_metric_of(&best, base.m[i].name)));
	sample_set_release(&base);
	sample_set_release(&best);
}

static int hotspots(struct loop *l, struct str *out, struct err *e)
{
	auto_query *q = query_new(l->s, "SELECT rank, symbol, file_path, line_start, self_share, total_share FROM hotspots"
				  " WHERE run_id = ? AND ranker = 'funcrank' ORDER BY rank, symbol", e);
	int rc, n = 0;

	if (!q)
		return -1;
	str_add(out, "\n## Hotspots of the baseline\n\n");
	query_bind(q, "t", l->st.baseline_run_id);
	while ((rc = query_step(q, e)) == 1) {
		if (!n++)
			str_add(out, "| rank | function | place | self | total |\n|---|---|---|---|---|\n");
		str_addf(out, "| %" PRId64 " | `%s` | %s", query_int(q, 0), query_text(q, 1),
			 query_text(q, 2) ? query_text(q, 2) : "-");
		if (query_kind(q, 3) != QUERY_NULL)
			str_addf(out, ":%" PRId64, query_int(q, 3));
		str_addf(out, " | %.1f %% | %.1f %% |\n", query_real(q, 4) * 100, query_real(q, 5) * 100);
	}
	if (rc == 0 && !n)
		str_add(out, "No profiler was configured, or it gave no stacks.\n");
	return rc;
}

static void candidates(const struct loop *l, struct str *out)
{
	str_add(out,
		"\n## Candidates\n\n| iteration | applied | correct | verdict | change | reason "
		"|\n|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < l->st.n_rounds; i++) {
		const struct optimize_round *r = &l->st.rounds[i];

		str_addf(out, "| %" PRId64 "%s | %s | %s | %s | ", r->iteration, r->confirmed ? " (best)" : "",
			 r->apply_status[0] ? r->apply_status : "no patch",
			 r->correct < 0 ? "-" : r->correct ? "yes" : "no", r->verdict[0] ? r->verdict : "-");
		if (isnan(r->change))
			str_add(out, "-");
		else
			str_addf(out, "%+.1f %%", r->change * 100);
		str_addf(out, " | %s |\n", r->reason[0] ? r->reason : "-");
	}
}

static int patch_summary(struct loop *l, struct str *out, struct err *e)
{
	auto_str stat = STR_INIT, diff = STR_INIT;
	bool tests = false;

	str_add(out, "\n## Patch\n\n");
	if (!l->st.best_iteration) {
		str_add(out, "There is none.\n");
		return 0;
	}
	if (repo_stat(&l->repo, l->st.baseline_commit, optimize_best_commit(&l->st), &stat, e) < 0 ||
	    repo_diff(&l->repo, l->st.baseline_commit, optimize_best_commit(&l->st), &diff, e) < 0)
		return -1;
	str_addf(out, "`best.patch`, from the baseline's commit:\n\n```\n%s```\n\n```diff\n%.20000s```\n", str_cstr(&stat),
		 str_cstr(&diff));
	for (const char *p = str_cstr(&diff); l->st.goal == GOAL_HANG && (p = strstr(p, "\n+++ b/")) != NULL; p++) {
		size_t n = strcspn(p + 7, "\n");
		auto_free char *path = xstrndup(p + 7, n);

		if (strstr(path, "test") || strstr(path, "spec")) {
			str_addf(out, "%s- `%s`\n", tests ? "" : "\nTests that it changes:\n\n", path);
			tests = true;
		}
	}
	return 0;
}

static int windows(struct loop *l, struct str *out, struct err *e)
{
	auto_query *q = query_new(l->s, "SELECT g.run_id, g.pattern_id, g.location, g.summary FROM findings g JOIN runs r"
				  " ON r.run_id = g.run_id WHERE r.parent_run_id = ? ORDER BY r.created_at, g.rank LIMIT "
				  "20", e);
	int rc, n = 0;

	if (!q)
		return -1;
	str_add(out, "\n## Trace evidence\n\n");
	query_bind(q, "t", l->st.run_id);
	while ((rc = query_step(q, e)) == 1) {
		n++;
		str_addf(out, "- %s: `%s` at %s: %s\n", query_text(q, 0), query_text(q, 1),
			 query_text(q, 2) ? query_text(q, 2) : "-", query_text(q, 3) ? query_text(q, 3) : "");
	}
	if (rc == 0 && !n)
		str_add(out, "No candidate hung or failed in a way that spec-runner found something of.\n");
	return rc;
}

static void risk(struct loop *l, struct str *out)
{
	size_t correct = 0, tested = 0;

	for (size_t i = 0; i < l->st.n_rounds; i++) {
		tested += l->st.rounds[i].correct >= 0;
		correct += l->st.rounds[i].correct == 1;
	}
	str_add(out, "\n## Risk and rollback\n\n");
	str_addf(out,
		"- Correct means: the build succeeds, the test adapter succeeds, and every test that passed in the "
		"baseline is"
		 " there and passes. What the tests do not cover was not checked.\n"
		 "- Faster means: on this machine and this workload, at significance %g and an effect of at least %g %%.\n"
		 "- %zu of %zu tested candidates were correct.\n", l->setup.loop.alpha, l->setup.loop.min_effect * 100,
		 correct,
		 tested);
	if (l->st.best_iteration)
		str_addf(out, "- Apply: `git apply %s/best.patch`. Take back: `git apply -R %s/best.patch`.\n", l->dir,
			l->dir);
}

/* Time by node, out of the lines that the nodes left. */
static int times(struct loop *l, struct str *out, struct err *e)
{
	auto_query *q = query_new(l->s, "SELECT node, state_json FROM loop_states WHERE run_id = ? ORDER BY iteration", e);
	int64_t ms[NODE_END] = { 0 }, n[NODE_END] = { 0 };
	int rc;

	if (!q)
		return -1;
	query_bind(q, "t", l->st.run_id);
	while ((rc = query_step(q, e)) == 1) {
		const char *duration = NULL, *at = query_text(q, 1);

		while ((at = strstr(at, "\"duration_ms\":")) != NULL) /* the last is the node's own */
			duration = at++;

		for (int i = NODE_INIT; i < NODE_END; i++)
			if (strcmp(query_text(q, 0), optimize_node_text[i]) == 0) {
				n[i]++;
				ms[i] += duration ? strtoll(duration + 14, NULL, 10) : 0;
			}
	}
	str_addf(out,
		"\n## Cost\n\n%" PRId64 " ms, %" PRId64 " tokens, %" PRId64 " requests.\n\n| node | times | ms "
		"|\n|---|---|---|\n",
		 l->st.used.wall_ms, l->st.used.tokens, l->st.used.requests);
	for (int i = NODE_INIT; i < NODE_END; i++)
		if (n[i])
			str_addf(out, "| %s | %" PRId64 " | %" PRId64 " |\n", optimize_node_text[i], n[i], ms[i]);
	return rc;
}

int loop_report(struct loop *l, struct str *out, struct err *e)
{
	summary(l, out);
	kpis(l, out);
	if (hotspots(l, out, e) < 0)
		return -1;
	candidates(l, out);
	if (patch_summary(l, out, e) < 0 || windows(l, out, e) < 0)
		return -1;
	risk(l, out);
	return times(l, out, e);
}
