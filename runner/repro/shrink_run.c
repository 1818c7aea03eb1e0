/* SPDX-License-Identifier: Apache-2.0 */
/* shrink_run.c - asks shrink.h's questions by running the command: which earlier tests a hang needs, then which
 * perturbation, then how many processors. Every "yes" was seen; a "no" may be bad luck, which is why a question is
 * repeated as often as the rate demands. */
#include "runner/repro/session.h"
#include "runner/repro/shrink.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define MISS_CHANCE 0.05
#define REPEAT_MOST 60
#define ESTIMATE_RUNS 2
#define UNCLEAR_MOST 4
#define PATIENCE_MOST 8

/* unclear: it was ended, but not where it hung before: a busy machine did not get that far, or did not let us see it. */
enum answer { PASSES, HANGS, UNCLEAR };

struct asking {
	struct session *s;
	int64_t repeat;
	struct err *e;
};

/* Once more, without counting it among the session's runs. */
static enum answer ask_once(struct asking *q, const struct selection *what, const struct setting *setting)
{
	struct session *s = q->s;
	enum answer answer = PASSES;
	struct attempt a;

	if (session_run_one(s, what, setting, &a, q->e)) {
		answer = session_is_hit(s, &a) || a.outcome == OUTCOME_HANG_SIMILAR          ? HANGS
			 : a.outcome == OUTCOME_LIMIT || a.outcome == OUTCOME_HANG_OTHER ? UNCLEAR
											     : PASSES;
		if (a.outcome == OUTCOME_PASS) {
			s->passes++;
			if (a.end_ns - a.start_ns > s->longest_pass_ns)
				s->longest_pass_ns = a.end_ns - a.start_ns;
		}
		s->shrunk.runs_spent++;
		attempt_remove(&a);
		attempt_release(&a);
	}
	return answer;
}

static bool hangs(struct asking *q, const struct selection *what, const struct setting *setting)
{
	int64_t unclear = 0;

	for (int64_t i = 0; i < q->repeat + unclear && !q->s->interrupted; i++) {
		struct setting again = *setting;

		again.seed += (uint64_t)i; /* the same strengths, other luck */
		switch (ask_once(q, what, &again)) {
		case HANGS: return true;
		case PASSES: break;
		case UNCLEAR:
			unclear += unclear < UNCLEAR_MOST;
			if (q->s->patience < PATIENCE_MOST)
				q->s->patience = q->s->patience ? q->s->patience * 2 : 2;
		}
	}
	return false;
}

/* One hit says little of the rate: a few runs more of the very same. */
static void estimate(struct asking *q, const struct setting *setting)
{
	const struct family *best = plan_best(&q->s->plan);
	int64_t hits = 1, runs = 1;

	if (best && best->runs > 1) {
		hits = best->hits;
		runs = best->runs;
	}
	for (int i = 0; i < ESTIMATE_RUNS; i++, runs++)
		hits += ask_once(q, &q->s->selection, setting) == HANGS;
	q->repeat = rate_runs_to_see((double)hits / (double)runs, MISS_CHANCE, REPEAT_MOST);
}

/* Those that had begun before the one that hung. */
static size_t earlier_tests(const struct target *t)
{
	size_t n = 0;

	if (!target_has_bad(t))
		return t->n_tests; /* the one that hung was not named yet */
	for (size_t i = 0; i < t->n_tests; i++)
		if (t->tests[i].bad)
			n = i;
	return n;
}

static void shrink_tests(struct asking *q, const struct setting *setting, struct selection *smallest)
{
	struct session *s = q->s;
	size_t n = earlier_tests(&s->target);
	uint8_t *mask = xcalloc(n + 1, 1);
	struct selection what;
	struct shrink x;

	s->shrunk.knows_tests = selection_of(s, mask, n, &what);
	if (s->shrunk.knows_tests)
		selection_release(&what);
	shrink_init(&x, s->shrunk.knows_tests ? n : 0);
	while (s->shrunk.knows_tests && !s->interrupted && shrink_ask(&x, mask)) {
		if (!selection_of(s, mask, n, &what))
			break;
		if (s->shrunk.runs_spent == 1) /* the first answer brought a limit: now the rate is cheap to learn */
			estimate(q, setting);
		shrink_answer(&x, hangs(q, &what, setting));
		selection_release(&what);
	}
	if (s->shrunk.knows_tests && !s->interrupted) {
		for (size_t i = 0; i < n; i++)
			if (x.needed[i])
				strv_take(&s->shrunk.tests,
					  xasprintf("%s%s%s", s->target.tests[i].suite,
						    *s->target.tests[i].suite ? " " : "", s->target.tests[i].name));
		selection_of(s, x.needed, n, smallest);
	}
	shrink_release(&x);
	free(mask);
}

static void shrink_kinds(struct asking *q, struct setting *setting, const struct selection *what)
{
	for (int k = 0; k < PERTURB_COUNT && !q->s->interrupted; k++) {
		struct setting without = *setting;

		if (!(setting->kinds & 1u << k))
			continue;
		without.kinds &= ~(1u << k);
		if (hangs(q, what, &without))
			*setting = without;
	}
	q->s->shrunk.kinds = setting->kinds;
}

static void shrink_cpus(struct asking *q, struct setting *setting, const struct selection *what)
{
	for (uint32_t n = 1; n < q->s->launch.cpus && !q->s->interrupted; n *= 2) {
		struct setting bound = *setting;

		bound.kinds |= 1u << PERTURB_CPUS;
		bound.cpus = n;
		if (hangs(q, what, &bound)) {
			q->s->shrunk.cpus = n;
			return;
		}
	}
	q->s->shrunk.cpus = q->s->launch.cpus;
}

int session_shrink(struct session *s, struct err *e)
{
	struct asking q = { .s = s, .repeat = 1, .e = e };
	struct setting setting = s->hit_setting;
	struct selection smallest = { 0 };
	const struct selection *what;

	say_line(s, "repro: shrinking");
	s->shrinking = true;
	shrink_tests(&q, &setting, &smallest);
	what = smallest.argv.n ? &smallest : &s->selection;
	shrink_kinds(&q, &setting, what);
	shrink_cpus(&q, &setting, what);
	s->shrunk.done = !s->interrupted;
	s->shrinking = false;
	selection_release(&smallest);
	return e->kind == ERR_NONE ? 0 : -1;
}
