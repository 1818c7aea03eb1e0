/* SPDX-License-Identifier: Apache-2.0 */
#include "optimize/step.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNANSWERED_MAX 3
#define HANG_RUNS_LEAST 5
#define HANG_RUNS_MOST 100
#define HANG_MISS 0.01

const char *const optimize_node_text[] = {
	"", "init_run", "snapshot_repo", "static_analysis_psg", "baseline_build_test", "baseline_profile",
	"runtime_analysis_pcg_hotspots", "build_evidence_pack", "conductor_decide", "coder_generate_patch", "apply_patch",
	"verify_build_test", "profile_candidate", "evaluate_delta_and_update_best", "stop_or_continue", "generate_report",
	"export_dataset", "end", NULL,
};
const char *const optimize_outcome_text[] = { "done", "skipped", "failed", "incorrect", "stopped", NULL };
const char *const optimize_stop_text[] = {
	"", "cancelled", "baseline_failed", "gateway_blocked", "budget_time", "budget_tokens", "budget_requests",
	"gateway_failed", "conductor", "regression_limit", "no_improvement", "candidates_exhausted", "iteration_limit", NULL,
};
const char *const optimize_goal_text[] = { "speed", "hang", NULL };

/* The whole machine: a row a node, a column an outcome. NODE_NONE: a node that cannot end so. */
static const uint8_t next_node[NODE_END][OUT_COUNT] = {
	/*                        done                   skipped        failed         incorrect      stopped */
	[NODE_INIT]             = { NODE_SNAPSHOT,         0,             NODE_REPORT,   0,             NODE_REPORT },
	[NODE_SNAPSHOT]         = { NODE_STATIC,           0,             NODE_REPORT,   0,             NODE_REPORT },
	[NODE_STATIC]           = { NODE_BASELINE_TEST,    NODE_BASELINE_TEST, 0,        0,             NODE_REPORT },
	[NODE_BASELINE_TEST]    = { NODE_BASELINE_PROFILE, 0,             NODE_REPORT,   0,             NODE_REPORT },
	[NODE_BASELINE_PROFILE] = { NODE_RUNTIME,          NODE_RUNTIME,  NODE_REPORT,   0,             NODE_REPORT },
	[NODE_RUNTIME]          = { NODE_PACK,             NODE_PACK,     0,             0,             NODE_REPORT },
	[NODE_PACK]             = { NODE_DECIDE,           NODE_DECIDE,   0,             0,             NODE_CONTINUE },
	[NODE_DECIDE]           = { NODE_GENERATE,         NODE_GENERATE, 0,             0,             NODE_CONTINUE },
	[NODE_GENERATE]         = { NODE_APPLY,            0,             NODE_CONTINUE, 0,             NODE_CONTINUE },
	[NODE_APPLY]            = { NODE_VERIFY,           0,             NODE_CONTINUE, 0,             NODE_CONTINUE },
	[NODE_VERIFY]           = { NODE_PROFILE,          0,             0,             NODE_EVALUATE, NODE_CONTINUE },
	[NODE_PROFILE]          = { NODE_EVALUATE,         NODE_EVALUATE, NODE_EVALUATE, 0,             NODE_CONTINUE },
	[NODE_EVALUATE]         = { NODE_CONTINUE,         0,             0,             0,             NODE_CONTINUE },
	[NODE_CONTINUE]         = { NODE_PACK,             0,             0,             0,             NODE_REPORT },
	[NODE_REPORT]           = { NODE_EXPORT,           0,             0,             0,             NODE_EXPORT },
	[NODE_EXPORT]           = { NODE_END,              0,             0,             0,             NODE_END },
};

void optimize_state_init(struct optimize_state *s)
{
	memset(s, 0, sizeof(*s));
	s->node = NODE_INIT;
	s->change = NAN;
	s->rate = NAN;
}

void optimize_state_release(struct optimize_state *s)
{
	strv_release(&s->selected_hotspots);
	free(s->justification);
	free(s->rounds);
	memset(s, 0, sizeof(*s));
}

struct optimize_round *optimize_round(struct optimize_state *s)
{
	return s->n_rounds ? &s->rounds[s->n_rounds - 1] : NULL;
}

struct optimize_round *optimize_round_add(struct optimize_state *s)
{
	struct optimize_round *r;

	s->rounds = xreallocarray(s->rounds, s->n_rounds + 1, sizeof(*s->rounds));
	r = &s->rounds[s->n_rounds++];
	memset(r, 0, sizeof(*r));
	r->correct = r->improved = -1;
	r->change = NAN;
	return r;
}

const struct optimize_round *optimize_round_of(const struct optimize_state *s, int64_t iteration)
{
	for (size_t i = 0; i < s->n_rounds; i++)
		if (s->rounds[i].iteration == iteration)
			return &s->rounds[i];
	return NULL;
}

const char *optimize_best_commit(const struct optimize_state *s)
{
	const struct optimize_round *r = s->best_iteration ? optimize_round_of(s, s->best_iteration) : NULL;

	return r ? r->commit : s->baseline_commit;
}

bool optimize_budget_gone(const struct optimize_state *s, const struct optimize_limits *l, bool for_request)
{
	return s->used.wall_ms >= l->budget.wall_ms ||
	       (for_request && (s->used.tokens >= l->budget.tokens || s->used.requests >= l->budget.requests));
}

enum optimize_stop optimize_stop_reason(const struct optimize_state *s, const struct optimize_limits *l,
					const struct optimize_result *r)
{
	const struct { enum optimize_stop stop; bool holds; } rules[] = {
		{ STOP_CANCELLED, r->cancelled },
		{ STOP_BASELINE_FAILED, r->baseline_failed },
		{ STOP_GATEWAY_BLOCKED, r->gateway_blocked },
		{ STOP_BUDGET_TIME, s->used.wall_ms >= l->budget.wall_ms },
		{ STOP_BUDGET_TOKENS, s->used.tokens >= l->budget.tokens },
		{ STOP_BUDGET_REQUESTS, s->used.requests >= l->budget.requests },
		{ STOP_GATEWAY_FAILED, s->unanswered >= UNANSWERED_MAX },
		{ STOP_CONDUCTOR, r->conductor_stop },
		{ STOP_REGRESSION_LIMIT, s->regressions >= l->max_regressions },
		{ STOP_NO_IMPROVEMENT, s->since_best >= l->patience },
		{ STOP_CANDIDATES_EXHAUSTED, !r->candidates_left },
		{ STOP_ITERATION_LIMIT, s->iteration >= l->iterations },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].holds)
			return rules[i].stop;
	return STOP_NONE;
}

/* What an iteration leaves behind in the counters. */
static void count(struct optimize_state *s, const struct optimize_result *r)
{
	struct optimize_round *round = optimize_round(s);

	if (s->node == NODE_GENERATE && r->unanswered)
		s->unanswered++;
	if (s->node == NODE_GENERATE && r->answered)
		s->unanswered = 0;
	if (s->node != NODE_EVALUATE || !round)
		return;
	s->regressions += r->regressed;
	if (r->improved) {
		snprintf(s->best_run_id, sizeof(s->best_run_id), "%s", round->run_id);
		s->best_iteration = round->iteration;
		s->improvements++;
	}
}

/* A reason that ends the loop wherever it comes up; the others are asked for between iterations. */
static enum optimize_stop stop_at_once(const struct optimize_state *s, const struct optimize_limits *l,
				       const struct optimize_result *r)
{
	struct optimize_result only = { .cancelled = r->cancelled, .baseline_failed = r->baseline_failed,
					.gateway_blocked = r->gateway_blocked, .conductor_stop = r->conductor_stop,
					.candidates_left = true };

	return optimize_stop_reason(s, l, &only);
}

enum optimize_node optimize_step(struct optimize_state *s, const struct optimize_limits *l, const struct optimize_result *r)
{
	enum optimize_outcome outcome = r->outcome;

	BUG_ON(s->node <= NODE_NONE || s->node >= NODE_END);
	count(s, r);
	if (s->node == NODE_CONTINUE) {
		/* An iteration in which nothing became better counts for patience, whatever became of it. */
		s->since_best = s->best_iteration == s->iteration && s->iteration ? 0 : s->since_best + 1;
		if (!s->stop)
			s->stop = optimize_stop_reason(s, l, r);
		outcome = s->stop ? OUT_STOPPED : OUT_DONE;
	} else if (outcome == OUT_STOPPED || r->baseline_failed || r->gateway_blocked || r->conductor_stop) {
		if (!s->stop)
			s->stop = stop_at_once(s, l, r);
	}
	s->node = (enum optimize_node)next_node[s->node][outcome];
	BUG_ON(s->node == NODE_NONE);
	if (s->node == NODE_PACK) {
		s->iteration++;
		optimize_round_add(s)->iteration = s->iteration;
		s->current_patch_id[0] = s->evidence_pack_id[0] = s->strategy[0] = '\0';
	}
	s->seq++;
	return s->node;
}

int64_t optimize_hang_runs(double rate)
{
	double n;

	if (!(rate > 0))
		return HANG_RUNS_MOST;
	n = rate >= 1 ? 1 : ceil(log(HANG_MISS) / log1p(-rate));
	return n < HANG_RUNS_LEAST ? HANG_RUNS_LEAST : n > HANG_RUNS_MOST ? HANG_RUNS_MOST : (int64_t)n;
}
