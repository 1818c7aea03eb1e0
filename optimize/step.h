/* SPDX-License-Identifier: Apache-2.0 */
/* step.h - the optimise loop as a state machine: optimize_step(state, result) says which node comes next, why the loop
 * stops, and what is best. Pure: no clock, no file, no process, so that a test can run it through any life.
 *
 * Whoever runs a node (runner/optimize) fills in a result; the state changes here alone. */
#ifndef OPTIMIZE_STEP_H
#define OPTIMIZE_STEP_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum optimize_node {
	NODE_NONE,
	NODE_INIT, NODE_SNAPSHOT, NODE_STATIC, NODE_BASELINE_TEST, NODE_BASELINE_PROFILE, NODE_RUNTIME, NODE_PACK,
	NODE_DECIDE, NODE_GENERATE, NODE_APPLY, NODE_VERIFY, NODE_PROFILE, NODE_EVALUATE, NODE_CONTINUE, NODE_REPORT,
	NODE_EXPORT,
	NODE_END, /* nothing more is to be done */
};
extern const char *const optimize_node_text[]; /* "", "init_run" … "export_dataset", "end", NULL */

/* How a node ended. Which of them a node may give is in the table of step.c. */
enum optimize_outcome {
	OUT_DONE,
	OUT_SKIPPED,   /* an analysis that cannot be made */
	OUT_FAILED,    /* baseline fails; no answer; patch rejected or failed */
	OUT_INCORRECT, /* verify: the candidate is not correct */
	OUT_STOPPED,   /* the conductor ends the loop, or a budget is used up, or the gateway is blocked */
	OUT_COUNT
};
extern const char *const optimize_outcome_text[];

/* In the order in which they are asked for: the first that holds is the one. */
enum optimize_stop {
	STOP_NONE, STOP_CANCELLED, STOP_BASELINE_FAILED, STOP_GATEWAY_BLOCKED, STOP_BUDGET_TIME, STOP_BUDGET_TOKENS,
	STOP_BUDGET_REQUESTS, STOP_GATEWAY_FAILED, STOP_CONDUCTOR, STOP_REGRESSION_LIMIT, STOP_NO_IMPROVEMENT,
	STOP_CANDIDATES_EXHAUSTED, STOP_ITERATION_LIMIT,
};
extern const char *const optimize_stop_text[]; /* NULL-terminated; "" first */

enum optimize_goal { GOAL_SPEED, GOAL_HANG };
extern const char *const optimize_goal_text[];

struct optimize_budget { int64_t wall_ms, tokens, requests; };

/* What one iteration came to; a row of result.json. */
struct optimize_round {
	int64_t iteration;
	char run_id[64], patch_id[64];  /* "" none */
	char apply_status[16];          /* applied, rejected, failed; "" no patch */
	char reason[40];                /* of a rejection, or why it is not correct; "" none */
	char commit[80], tree[80];      /* of the candidate; "" not applied */
	char model[80];
	int correct, improved;          /* 0, 1; -1 not evaluated */
	char verdict[16];               /* of the primary metric against the best; "" none */
	double change;                  /* NaN none */
	bool confirmed;
};

struct optimize_limits {
	int64_t iterations, patience, max_regressions;
	struct optimize_budget budget;
};

struct optimize_state {
	enum optimize_node node;        /* to be run next */
	int64_t iteration;              /* 0 until the first candidate */
	char run_id[64], baseline_run_id[64], best_run_id[64];
	char current_patch_id[64], evidence_pack_id[64];
	struct strv selected_hotspots;
	enum optimize_stop stop;
	char *justification;            /* the conductor's words, or NULL */
	enum optimize_goal goal;
	struct optimize_budget used;
	int64_t improvements, regressions, since_best, unanswered;
	int64_t best_iteration;         /* 0: the baseline */
	char sandbox_writes[64], sandbox_network[64];
	char strategy[64];              /* chosen by the conductor; "" none */
	/* commits of the loop's own repository */
	char baseline_commit[80], baseline_tree[80];
	struct optimize_round *rounds;  /* one an iteration that has begun; the last is the current one */
	size_t n_rounds;
	char confirmed_verdict[16];
	bool confirmed;
	double change;                  /* of the best against the baseline, at the end; NaN none */
	double rate;                    /* goal hang: of the signature, in the baseline */
	int64_t seq;                    /* nodes that have left */
};

/* What a node came to. Zero is a node that is done and says nothing more. */
struct optimize_result {
	enum optimize_outcome outcome;
	bool cancelled, baseline_failed, gateway_blocked, conductor_stop;
	bool unanswered;                /* generate: nobody answered */
	bool answered;                  /* generate: somebody did */
	bool improved, regressed;       /* evaluate: against the best */
	bool candidates_left;           /* continue: there is another, or a model to ask */
};

void optimize_state_init(struct optimize_state *s);
void optimize_state_release(struct optimize_state *s);

/* The current iteration's row; NULL before the first. */
struct optimize_round *optimize_round(struct optimize_state *s);
struct optimize_round *optimize_round_add(struct optimize_state *s);
/* The iteration whose row it is, NULL: none (the baseline). */
const struct optimize_round *optimize_round_of(const struct optimize_state *s, int64_t iteration);
/* The commit of the best so far: the baseline's where there is none. */
const char *optimize_best_commit(const struct optimize_state *s);

/* Goes on behind s->node: changes counters, best, stop and node. Returns the node that comes next. */
enum optimize_node optimize_step(struct optimize_state *s, const struct optimize_limits *l, const struct optimize_result *r);

/* The first reason to stop that holds now, STOP_NONE. */
enum optimize_stop optimize_stop_reason(const struct optimize_state *s, const struct optimize_limits *l,
					const struct optimize_result *r);
/* A budget that is used up: nothing more may be begun. */
bool optimize_budget_gone(const struct optimize_state *s, const struct optimize_limits *l, bool for_request);

/* The runs after which a hang of that rate would have been seen with 99 %: 5 to 100. */
int64_t optimize_hang_runs(double rate);

/* RunState as JSON, and back. l: for budget_remaining. */
void optimize_state_write(const struct optimize_state *s, const struct optimize_limits *l, const char *log_json,
			  struct str *out);
int optimize_state_read(struct optimize_state *s, const char *text, size_t n, struct err *e);

#endif
