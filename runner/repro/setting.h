/* SPDX-License-Identifier: Apache-2.0 */
/* setting.h - what one run of `repro` perturbs, and how strongly. Drawn from (seed, run): the same
 * seed and run number give the same setting, on any machine. A setting changes when things happen,
 * never what happens. Pure. */
#ifndef RUNNER_REPRO_SETTING_H
#define RUNNER_REPRO_SETTING_H

#include "base/err.h"
#include "base/json_read.h"
#include "base/json_write.h"

#include "runner/repro/delay_state.h"

#include <stdbool.h>
#include <stdint.h>

enum perturb_kind {
	PERTURB_DELAY,
	PERTURB_CPUS,
	PERTURB_PAUSE,
	PERTURB_LOAD,
	PERTURB_KNOBS,
	PERTURB_ORDER,
	PERTURB_COUNT
};
extern const char *const perturb_text[]; /* delay cpus pause load knobs order NULL */

struct setting {
	uint32_t kinds; /* bits 1 << enum perturb_kind; 0: a plain run */
	uint64_t seed;  /* of this run's own generators */
	/* delay: a preloaded library delays calls that decide an order */
	int64_t delay_us;         /* the longest delay */
	uint32_t delay_ppm;       /* how many calls of a million are delayed */
	uint32_t victims_percent; /* threads that are delayed at all */
	uint32_t delay_thread;    /* only the Nth thread of the tree; 0: victims_percent says */
	uint32_t delay_from;      /* not the first calls of a thread, so many */
	uint32_t delay_early;     /* 1: rather the first calls of each thread than any */
	uint32_t delay_groups;    /* kinds of calls that are delayed, bits 1 << enum delay_group */
	int64_t budget_ms;        /* all delays of the run together */
	/* cpus */
	uint32_t cpus; /* processors that the tree may use; 0: all */
	/* pause: one process of the tree is stopped and continued */
	int64_t pause_ms, pause_every_us;
	int64_t pause_at_us; /* the first one after the command began; 0: as pause_every_us says */
	/* load: loops beside it on the same processors; some threads are set to idle priority meanwhile */
	uint32_t load_loops, load_idle_percent;
	int64_t load_work_us, load_gap_us; /* a loop computes and sleeps so long in turn; gap 0: it never sleeps */
	int64_t load_ms, load_every_ms; /* every 0, idle 100 %: once, from the first moment of the command */
	/* knobs: rows of the table of knobs, chosen and valued by this */
	uint64_t knobs_seed;
	/* order */
	uint32_t order_seed;
};

/* Calls of a kind that the library saw in a run. */
struct delayable {
	int64_t all;
	int64_t early; /* the sum of their weights (DELAY_EARLY) */
};

struct setting_bounds {
	int64_t passing_ns;    /* how long a passing run takes; 0 unknown */
	int64_t limit_ns;      /* of a run; 0 none */
	uint32_t cpus;         /* processors at hand, at least 1 */
	uint32_t available;    /* kinds that can be used here, as bits */
	struct delayable calls[DELAY_GROUP_COUNT]; /* all 0: unknown */
	uint32_t threads;                          /* of the whole tree that make such calls; 0 unknown */
	uint32_t made[DELAY_THREADS_MAX];          /* calls of the first of them */
	int64_t sweep, sweep_pause; /* the how-manieth of a sweep over them, over moments; 0: of none */
};

/* The kinds of a list "delay,cpus", "auto", "none" or "all". auto: *automatic. ERR_USAGE names the word. */
int setting_parse_kinds(const char *list, uint32_t *kinds, bool *automatic, struct err *e);

/* The setting of run n (from 1) with exactly these kinds. What was measured (bounds) counts by its power of four: runs of
 * the same command at the same n get the same setting, though none takes exactly as long as another. */
void setting_draw(struct setting *s, uint64_t seed, int64_t n, uint32_t kinds, const struct setting_bounds *b);
/* A relative of `like`: the same kinds, strengths near its own. */
void setting_draw_near(struct setting *s, const struct setting *like, uint64_t seed, int64_t n,
		       const struct setting_bounds *b);

/* The members of a run's `perturb` object. */
void setting_json(const struct setting *s, struct json *j);
/* Reads them back; members that are missing are 0. -1: a value is out of range. */
int setting_read(struct setting *s, const struct json_value *v, struct err *e);

/* splitmix64: the next number of a generator. */
uint64_t setting_random(uint64_t *state);

#endif
