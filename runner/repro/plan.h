/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - which setting the next run gets, from what earlier ones brought. Pure: the same seed and the same
 * outcomes give the same settings. */
#ifndef RUNNER_REPRO_PLAN_H
#define RUNNER_REPRO_PLAN_H

#include "runner/repro/rate.h"
#include "runner/repro/setting.h"

#define PLAN_FAMILIES_MAX 32

/* A setting that hit, and its near relatives. */
struct family {
	struct setting origin;
	int64_t hits, runs;
};

struct plan {
	uint64_t seed;
	bool automatic; /* --perturb auto */
	uint32_t kinds; /* that the user allows */
	struct setting_bounds bounds;
	int64_t plain_runs, plain_hits, runs, hits;
	struct family plain; /* nothing perturbed */
	struct family family[PLAN_FAMILIES_MAX];
	size_t families;
	bool fixed;   /* --again, --confirm-fix: family[0] alone */
	int64_t turn, sweeps, pause_sweeps; /* of the kinds; of threads and calls; of moments */
};

void plan_init(struct plan *p, uint64_t seed, uint32_t kinds, bool automatic, const struct setting_bounds *b);

/* The setting of run n (from 1); *family: which it belongs to, -1 none. */
void plan_next(struct plan *p, int64_t n, struct setting *s, int *family);

/* What it brought. hit: the outcome that is looked for. */
void plan_result(struct plan *p, const struct setting *s, int family, bool hit);

/* A passing run took so long: bounds follow the shortest of the first plain ones. */
void plan_passed(struct plan *p, const struct setting *s, int64_t duration_ns);

/* A run that passed made so many calls that delays could reach, by enum delay_group, in so many threads: the most counts. Of
 * the first threads made[] calls each: the fewest count, since waiting for a lock that others hold takes more of them. */
void plan_called(struct plan *p, const struct delayable calls[DELAY_GROUP_COUNT], uint32_t threads,
		 const uint32_t made[DELAY_THREADS_MAX]);

/* Delays reach no process of this command: in --perturb auto their turns go to the other kinds. */
void plan_unreached(struct plan *p);

/* The family, or the plain runs, with the highest lower end of the rate; NULL: none hit. */
const struct family *plan_best(const struct plan *p);

#endif
