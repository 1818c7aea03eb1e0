/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/repro/plan.h"

#include <string.h>

#define PLAIN_FIRST 5
#define PLAIN_EVERY 10

/* Delays reach most: more than every other turn is theirs, half of which go from thread to thread and call to call. */
#define SWEEP (1u << PERTURB_COUNT)
static const uint32_t turns[] = {
	1u << PERTURB_DELAY,
	1u << PERTURB_LOAD,
	1u << PERTURB_DELAY | SWEEP,
	1u << PERTURB_KNOBS,
	1u << PERTURB_DELAY,
	1u << PERTURB_DELAY | SWEEP,
	1u << PERTURB_DELAY | 1u << PERTURB_KNOBS,
	1u << PERTURB_CPUS,
	1u << PERTURB_DELAY | SWEEP,
	1u << PERTURB_DELAY | 1u << PERTURB_LOAD,
	1u << PERTURB_DELAY | SWEEP,
	1u << PERTURB_PAUSE | SWEEP,
	1u << PERTURB_DELAY,
	1u << PERTURB_DELAY | SWEEP,
	1u << PERTURB_ORDER,
	1u << PERTURB_DELAY | 1u << PERTURB_KNOBS,
	1u << PERTURB_DELAY | 1u << PERTURB_KNOBS | SWEEP,
	1u << PERTURB_LOAD | 1u << PERTURB_KNOBS | 1u << PERTURB_CPUS,
	1u << PERTURB_DELAY,
	1u << PERTURB_PAUSE | 1u << PERTURB_LOAD,
};
/* What loads no library (Go) is reached from outside alone. */
static const uint32_t turns_outside[] = {
	1u << PERTURB_PAUSE,
	1u << PERTURB_LOAD,
	1u << PERTURB_PAUSE | 1u << PERTURB_LOAD,
	1u << PERTURB_PAUSE | SWEEP,
	1u << PERTURB_KNOBS,
	1u << PERTURB_PAUSE,
	1u << PERTURB_CPUS,
	1u << PERTURB_PAUSE | 1u << PERTURB_KNOBS,
	1u << PERTURB_ORDER,
	1u << PERTURB_LOAD | 1u << PERTURB_KNOBS | 1u << PERTURB_CPUS,
	1u << PERTURB_PAUSE,
	1u << PERTURB_PAUSE | 1u << PERTURB_LOAD,
};
#define COUNT(a) ((int64_t)(sizeof(a) / sizeof((a)[0])))

void plan_init(struct plan *p, uint64_t seed, uint32_t kinds, bool automatic, const struct setting_bounds *b)
{
	memset(p, 0, sizeof(*p));
	p->seed = seed;
	p->kinds = kinds & b->available;
	p->automatic = automatic;
	p->bounds = *b;
}

static bool is_plain_turn(const struct plan *p, int64_t n)
{
	return !p->kinds || (p->automatic && (n <= PLAIN_FIRST || n % PLAIN_EVERY == 0));
}

static uint32_t kinds_in_turn(struct plan *p)
{
	bool inside = p->kinds & 1u << PERTURB_DELAY;
	const uint32_t *list = inside ? turns : turns_outside;
	int64_t count = inside ? COUNT(turns) : COUNT(turns_outside);

	for (int64_t i = 0; i < count; i++) {
		uint32_t kinds = list[p->turn++ % count];

		if ((kinds & ~SWEEP & ~p->kinds) == 0)
			return kinds;
	}
	return p->kinds;
}

void plan_next(struct plan *p, int64_t n, struct setting *s, int *family)
{
	uint64_t g = p->seed ^ ((uint64_t)n * UINT64_C(0x2545f4914f6cdd1d));
	const struct family *best = plan_best(p);
	uint64_t dice = setting_random(&g) % 100;
	uint32_t kinds;
	bool sweeps;

	*family = -1;
	if (p->fixed) {
		*family = 0;
		*s = p->family[0].origin;
		if (p->family[0].runs > 0) /* the first repeats it to the seed; luck is not to be repeated */
			s->seed = setting_random(&g);
		return;
	}
	if (is_plain_turn(p, n)) {
		setting_draw(s, p->seed, n, 0, &p->bounds);
		return;
	}
	if (best && best->origin.kinds && dice < 40) { /* the same strengths again: its own rate */
		*family = (int)(best - p->family);
		*s = best->origin;
		s->seed = setting_random(&g);
		return;
	}
	if (p->automatic && p->families && dice < 70) {
		*family = (int)(setting_random(&g) % p->families);
		if (p->family[*family].origin.kinds) {
			setting_draw_near(s, &p->family[*family].origin, p->seed, n, &p->bounds);
			return;
		}
		*family = -1;
	}
	kinds = p->automatic ? kinds_in_turn(p) : p->kinds;
	/* a list of kinds is drawn anew in each run; every other one goes on with the sweep */
	sweeps = kinds & SWEEP || (!p->automatic && n % 2 == 0);
	p->bounds.sweep = sweeps && kinds & 1u << PERTURB_DELAY ? ++p->sweeps : 0;
	p->bounds.sweep_pause = sweeps && kinds & 1u << PERTURB_PAUSE ? ++p->pause_sweeps : 0;
	setting_draw(s, p->seed, n, kinds, &p->bounds);
}

void plan_result(struct plan *p, const struct setting *s, int family, bool hit)
{
	p->runs++;
	p->hits += hit;
	if (!s->kinds) {
		p->plain_runs++;
		p->plain_hits += hit;
		p->plain.runs = p->plain_runs;
		p->plain.hits = p->plain_hits;
	}
	if (family >= 0) {
		p->family[family].runs++;
		p->family[family].hits += hit;
	} else if (hit && s->kinds && p->families < PLAN_FAMILIES_MAX) {
		p->family[p->families++] = (struct family){ *s, 1, 1 };
	}
}

void plan_passed(struct plan *p, const struct setting *s, int64_t duration_ns)
{
	/* without a plain one (a list of kinds) the first perturbed ones must do */
	if ((!s->kinds || !p->automatic) && p->runs < PLAIN_FIRST &&
	    (!p->bounds.passing_ns || duration_ns < p->bounds.passing_ns))
		p->bounds.passing_ns = duration_ns;
}

void plan_called(struct plan *p, const struct delayable calls[DELAY_GROUP_COUNT], uint32_t threads,
		 const uint32_t made[DELAY_THREADS_MAX])
{
	for (int i = 0; i < DELAY_THREADS_MAX; i++)
		if (made[i] && (!p->bounds.made[i] || made[i] < p->bounds.made[i]))
			p->bounds.made[i] = made[i];
	if (threads > p->bounds.threads)
		p->bounds.threads = threads;
	for (int g = 0; g < DELAY_GROUP_COUNT; g++)
		if (calls[g].all > p->bounds.calls[g].all)
			p->bounds.calls[g] = calls[g];
}

void plan_unreached(struct plan *p)
{
	if (p->automatic)
		p->kinds &= ~(1u << PERTURB_DELAY);
}

const struct family *plan_best(const struct plan *p)
{
	const struct family *best = p->plain.hits ? &p->plain : NULL;
	double low = best ? rate_of(best->hits, best->runs).low : 0;

	for (size_t i = 0; i < p->families; i++) {
		double l = rate_of(p->family[i].hits, p->family[i].runs).low;

		if (p->family[i].hits && (!best || l > low)) {
			best = &p->family[i];
			low = l;
		}
	}
	return best;
}
