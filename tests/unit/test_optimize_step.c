/* SPDX-License-Identifier: Apache-2.0 */
/* The loop's state machine through many random lives: every path is one of the table, counters and best follow the rules,
 * and there is exactly one reason why it stops: the first that holds. */
#include "base/mem.h"
#include "optimize/step.h"
#include "tests/tap.h"

#include <math.h>
#include <stdlib.h>

#define LIVES 20000

static uint64_t seed = 88172645463325252u;

static unsigned draw(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

/* What the world answers to a node. */
static struct optimize_result answer(const struct optimize_state *s, unsigned candidates)
{
	struct optimize_result r = { 0 };

	switch (s->node) {
	case NODE_STATIC:
	case NODE_RUNTIME:
		r.outcome = draw(2) ? OUT_SKIPPED : OUT_DONE;
		break;
	case NODE_BASELINE_TEST:
	case NODE_BASELINE_PROFILE:
		if (draw(40) == 0) {
			r.outcome = OUT_FAILED;
			r.baseline_failed = true;
		}
		break;
	case NODE_DECIDE:
		if (draw(30) == 0) {
			r.outcome = OUT_STOPPED;
			r.conductor_stop = true;
		}
		break;
	case NODE_GENERATE:
		if (draw(8) == 0) {
			r.outcome = OUT_FAILED;
			r.unanswered = true;
		} else {
			r.answered = true;
		}
		break;
	case NODE_APPLY:
		r.outcome = draw(4) ? OUT_DONE : OUT_FAILED;
		break;
	case NODE_VERIFY:
		r.outcome = draw(4) ? OUT_DONE : OUT_INCORRECT;
		break;
	case NODE_PROFILE:
		r.outcome = draw(10) ? OUT_DONE : OUT_FAILED;
		break;
	case NODE_EVALUATE:
		r.improved = draw(5) == 0;
		r.regressed = !r.improved && draw(4) == 0;
		break;
	case NODE_CONTINUE:
		r.candidates_left = (unsigned)s->iteration < candidates;
		break;
	default:
		break;
	}
	return r;
}

struct life { int64_t regressions, best, since; bool ok; enum optimize_stop want; };

/* The rules again, in other words. */
static enum optimize_stop expect(const struct optimize_state *s, const struct optimize_limits *l, const struct life *x,
				 bool left, bool conductor)
{
	if (s->used.wall_ms >= l->budget.wall_ms)
		return STOP_BUDGET_TIME;
	if (s->unanswered >= 3)
		return STOP_GATEWAY_FAILED;
	if (conductor)
		return STOP_CONDUCTOR;
	if (x->regressions >= l->max_regressions)
		return STOP_REGRESSION_LIMIT;
	if (s->iteration - x->best >= l->patience)
		return STOP_NO_IMPROVEMENT;
	if (!left)
		return STOP_CANDIDATES_EXHAUSTED;
	return s->iteration >= l->iterations ? STOP_ITERATION_LIMIT : STOP_NONE;
}

static bool live(const struct optimize_limits *l, unsigned candidates)
{
	struct optimize_state s;
	struct life x = { .ok = true };
	bool conductor = false, baseline = false;
	int steps = 0;

	optimize_state_init(&s);
	while (s.node != NODE_END && steps++ < 5000 && x.ok) {
		enum optimize_node was = s.node;
		struct optimize_result r = answer(&s, candidates);

		s.used.wall_ms += draw(20);
		if (was == NODE_EVALUATE) {
			snprintf(optimize_round(&s)->run_id, 64, "run-%lld", (long long)s.iteration);
			x.regressions += r.regressed;
			if (r.improved)
				x.best = s.iteration;
		}
		conductor |= r.conductor_stop;
		baseline |= r.baseline_failed;
		optimize_step(&s, l, &r);
		if (was == NODE_CONTINUE && !conductor) {
			enum optimize_stop want = expect(&s, l, &x, r.candidates_left, conductor);

			/* an iteration that goes on has been counted already */
			if (s.node == NODE_PACK)
				x.ok = s.stop == STOP_NONE;
			else
				x.ok = s.stop == want && s.node == NODE_REPORT;
		}
		x.ok &= s.best_iteration == x.best && s.regressions == x.regressions;
	}
	x.ok &= s.node == NODE_END && s.stop != STOP_NONE && s.iteration <= l->iterations;
	if (baseline)
		x.ok &= s.stop == STOP_BASELINE_FAILED && s.iteration == 0;
	if (conductor)
		x.ok &= s.stop == STOP_CONDUCTOR || s.stop == STOP_BUDGET_TIME || s.stop == STOP_GATEWAY_FAILED;
	optimize_state_release(&s);
	return x.ok;
}

static void test_lives(void)
{
	int good = 0;

	for (int i = 0; i < LIVES; i++) {
		struct optimize_limits l = { 1 + draw(20), 1 + draw(8), 1 + draw(4), { 50 + draw(3000), 1000, 10 } };

		good += live(&l, 1 + draw(25));
	}
	is_int(good, LIVES, "%d random lives end for the first reason that holds", LIVES);
}

/* A state that went to the store and back is the same state. */
static void test_round_trip(void)
{
	struct optimize_limits l = { 10, 5, 3, { 1000, 100, 10 } };
	struct optimize_state s, back;
	struct optimize_round *r;
	auto_str once = STR_INIT, twice = STR_INIT;
	struct err e = { 0 };

	optimize_state_init(&s);
	snprintf(s.run_id, sizeof(s.run_id), "run-20261130T000000Z-00000000");
	s.node = NODE_VERIFY;
	s.iteration = 2;
	s.used = (struct optimize_budget){ 12, 34, 5 };
	strv_add(&s.selected_hotspots, "a\"b");
	s.justification = xstrdup("because");
	optimize_round_add(&s)->iteration = 1;
	r = optimize_round_add(&s);
	r->iteration = 2;
	r->correct = 1;
	r->change = -0.25;
	snprintf(r->verdict, sizeof(r->verdict), "improved");
	optimize_state_write(&s, &l, NULL, &once);
	is_int(optimize_state_read(&back, str_cstr(&once), once.len, &e), 0, "a state is read back");
	optimize_state_write(&back, &l, NULL, &twice);
	is_str(str_cstr(&twice), str_cstr(&once), "and is the same");
	ok(isnan(back.rounds[0].change) && back.rounds[1].change == -0.25, "numbers that are missing stay missing");
	optimize_state_release(&back);
	is_int(optimize_state_read(&back, "[]", 2, &e), -1, "what is not a state is refused");
	optimize_state_release(&back);
	optimize_state_release(&s);
}

static void test_budget(void)
{
	struct optimize_limits l = { 10, 5, 3, { 1000, 100, 10 } };
	struct optimize_state s;

	optimize_state_init(&s);
	ok(!optimize_budget_gone(&s, &l, true), "a budget that is not touched is not gone");
	s.used.tokens = 100;
	ok(optimize_budget_gone(&s, &l, true) && !optimize_budget_gone(&s, &l, false), "tokens are asked for requests alone");
	s.used.wall_ms = 1000;
	ok(optimize_budget_gone(&s, &l, false), "time is asked for everything");
	optimize_state_release(&s);
}

static void test_hang_runs(void)
{
	is_int(optimize_hang_runs(1.0), 5, "a hang that always comes: 5 runs are the least");
	is_int(optimize_hang_runs(0.5), 7, "one in two: 7");
	is_int(optimize_hang_runs(0.1), 44, "one in ten: 44");
	is_int(optimize_hang_runs(0.001), 100, "one in a thousand: 100 are the most");
}

int main(void)
{
	test_lives();
	test_round_trip();
	test_budget();
	test_hang_runs();
	return tap_done();
}
