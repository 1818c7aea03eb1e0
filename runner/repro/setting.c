/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/repro/setting.h"

#include "base/clock.h"
#include "base/nearest.h"
#include "base/value.h"
#include "trace/read.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define DELAY_LEAST_US 1
#define DELAY_MOST_US 2000000
#define WEEK_US INT64_C(604800000000)
#define BUDGET_PASSES 4        /* added time stays below so many passing runs */
#define PASSING_LEAST_MS 5
#define PASSING_UNKNOWN_MS 500
#define BUDGET_UNKNOWN_MS 2000 /* before a run has passed */
#define BUDGET_LEAST_MS 20
#define BUDGET_OF_LIMIT 4 /* a delayed run must not come near its limit by being delayed */
#define DELAY_COST_US 60  /* of any sleep: the kernel's slack and two switches */
#define PAUSE_MOST_MS 1000
#define THREAD_MOST 13 /* of those that are not known */
#define THREADS_FEW 16
#define FEW_CALLS 16

static const char *const group_text[] = {
#define X(id, word) word,
	DELAY_GROUPS(X)
#undef X
};
const char *const perturb_text[] = { "delay", "cpus", "pause", "load", "knobs", "order", NULL };

uint64_t setting_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static double uniform(uint64_t *g)
{
	return (double)(setting_random(g) >> 11) * 0x1p-53;
}

/* Every order of magnitude is as likely as another. */
static double log_uniform(uint64_t *g, double least, double most)
{
	return most <= least ? least : least * pow(most / least, uniform(g));
}

static uint32_t one_of(uint64_t *g, uint32_t n)
{
	return (uint32_t)(setting_random(g) % n);
}

static int kind_of(const char *word, size_t n)
{
	for (int i = 0; i < PERTURB_COUNT; i++)
		if (strlen(perturb_text[i]) == n && memcmp(perturb_text[i], word, n) == 0)
			return i;
	return -1;
}

int setting_parse_kinds(const char *list, uint32_t *kinds, bool *automatic, struct err *e)
{
	*automatic = strcmp(list, "auto") == 0;
	*kinds = 0;
	if (strcmp(list, "none") == 0)
		return 0;
	if (*automatic || strcmp(list, "all") == 0) {
		*kinds = (1u << PERTURB_COUNT) - 1;
		return 0;
	}
	for (const char *p = list;; p++) {
		size_t n = strcspn(p, ",");
		int kind = kind_of(p, n);

		if (kind < 0)
			return err_set(e, ERR_USAGE,
				       "--perturb must be auto, none, all or a list of delay, cpus, pause, load, knobs "
				       "and order, not '%s'",
				       list);
		*kinds |= 1u << kind;
		p += n;
		if (!*p)
			return 0;
	}
}

/* The next power of four times `least`: one run is never as long as another, and is to get the same setting. (A budget
 * is halved and doubled instead: it must not be too small either.) */
static int64_t round_up(int64_t v, int64_t least)
{
	while (least < v && least < INT64_MAX / 8)
		least *= 4;
	return least;
}

static uint32_t power_of_two(uint32_t v)
{
	uint32_t p = 1;

	while (p < v && p < 1u << 16)
		p *= 2;
	return v ? p : 0;
}

static int64_t passing_ms(const struct setting_bounds *b, int64_t unknown)
{
	return b->passing_ns > 0 ? round_up(b->passing_ns / NS_PER_MS, PASSING_LEAST_MS) : unknown;
}

static int64_t budget_ms(const struct setting_bounds *b)
{
	int64_t most = b->limit_ns > 0 ? b->limit_ns / NS_PER_MS / BUDGET_OF_LIMIT : INT64_MAX, ms;

	if (b->passing_ns > 0 && most > b->passing_ns / NS_PER_MS * BUDGET_PASSES)
		most = b->passing_ns / NS_PER_MS * BUDGET_PASSES;
	for (ms = BUDGET_LEAST_MS; ms * 2 <= most && (b->passing_ns > 0 || ms * 2 <= BUDGET_UNKNOWN_MS);)
		ms *= 2;
	return ms;
}

static int64_t calls_of(const struct setting_bounds *b, uint32_t groups, bool early)
{
	int64_t n = 0;

	for (int i = 0; i < DELAY_GROUP_COUNT; i++)
		if (groups & 1u << i)
			n += early ? b->calls[i].early : b->calls[i].all;
	return n ? round_up(n, 1) : 0;
}

/* All calls, or those of one or two kinds that the command makes: what it calls once is then not lost among thousands. */
static uint32_t draw_groups(uint64_t *g, const struct setting_bounds *b)
{
	uint32_t all = (1u << DELAY_GROUP_COUNT) - 1, made[DELAY_GROUP_COUNT], n = 0, dice = one_of(g, 4);
	uint64_t a = setting_random(g), c = setting_random(g);
	double rarity[DELAY_GROUP_COUNT], sum = 0, at;

	for (uint32_t i = 0; i < DELAY_GROUP_COUNT; i++) {
		if (!b->calls[i].all)
			continue;
		rarity[n] = 1 / (1 + log2((double)round_up(b->calls[i].all, 1)));
		sum += rarity[n];
		made[n++] = 1u << i;
	}
	if (!n || dice == 0)
		return all;
	if (dice == 1)
		return made[a % n] | made[c % n];
	if (dice == 2)
		return made[a % n];
	at = (double)(a >> 11) * 0x1p-53 * sum;
	for (uint32_t i = 0; i + 1 < n; i++) {
		if (at < rarity[i])
			return made[i];
		at -= rarity[i];
	}
	return made[n - 1];
}

/* All threads, some, or one alone: the others overtake it. Of the few that there are, each is as likely as another; of
 * many, those that come early are what a program makes itself. */
static void draw_victims(struct setting *s, uint64_t *g, const struct setting_bounds *b)
{
	uint32_t dice = one_of(g, 5), percent = 20 + one_of(g, 61), threads = power_of_two(b->threads);
	double where = uniform(g);

	s->victims_percent = dice == 4 ? percent : 100;
	if (dice > 1)
		return;
	s->delay_thread = threads && threads <= THREADS_FEW ? 1 + (uint32_t)(where * threads)
							    : (uint32_t)pow(threads ? threads : THREAD_MOST, where);
}

/* One length a run, from a microsecond to two seconds; every other run favours few long delays, which is what a
 * window of some milliseconds needs. */
static double draw_length(uint64_t *g, const struct setting *s, bool few)
{
	double most = fmin(DELAY_MOST_US, (double)s->budget_ms * 1000);

	if (s->delay_thread) /* it is to fall behind and stay there: one delay alone rarely meets the window */
		most /= 4;
	return few ? log_uniform(g, fmin(5000, most), most) : log_uniform(g, DELAY_LEAST_US, most);
}

/* The first n parts of [0, 1) that halving gives: each new one falls into the widest gap. */
static double spread(uint64_t n)
{
	double x = 0;

	for (double part = 0.5; n; n >>= 1, part /= 2)
		x += n & 1 ? part : 0;
	return x;
}

/* One thread falls behind from one call on, at most calls of every kind. A sweep takes thread after thread, first from
 * their start, then from halfway, from a quarter …, so that none is missed by bad luck. What the first thread does is its
 * program's start for the most part. */
static bool draw_sweep(struct setting *s, uint64_t *g, const struct setting_bounds *b)
{
	uint32_t last = b->threads < DELAY_THREADS_MAX ? b->threads : DELAY_THREADS_MAX, first = last > 1 ? 1 : 0;
	double most = (double)s->budget_ms * 1000;
	uint32_t n;

	if (b->sweep <= 0 || !last)
		return false;
	n = (uint32_t)b->sweep - 1;
	s->delay_thread = first + n % (last - first) + 1;
	s->delay_from = (uint32_t)(spread(n / (last - first)) * b->made[s->delay_thread - 1]);
	s->delay_us = (int64_t)log_uniform(g, fmin(2000, most / 4), fmin(DELAY_MOST_US, most / 4));
	s->delay_ppm = 500000 + one_of(g, 500001); /* not all: calls that always come in pairs would keep their order */
	s->delay_groups = (1u << DELAY_GROUP_COUNT) - 1;
	s->victims_percent = 100;
	return true;
}

/* Never so many that the budget would be gone in the first calls. */
static void draw_delay(struct setting *s, uint64_t *g, const struct setting_bounds *b)
{
	bool few = one_of(g, 2) == 0;
	int64_t calls;
	double mean, p;

	s->budget_ms = budget_ms(b);
	if (draw_sweep(s, g, b))
		return;
	draw_victims(s, g, b);
	s->delay_us = (int64_t)draw_length(g, s, few);
	p = few ? log_uniform(g, 0.1, 0.6) : log_uniform(g, 0.1, 1);
	s->delay_groups = draw_groups(g, b);
	s->delay_early = one_of(g, 4) > 0;
	calls = calls_of(b, s->delay_groups, s->delay_early);
	if (s->delay_thread || (calls > 0 && calls <= FEW_CALLS))
		p = fmax(p, 0.3);
	mean = (double)s->delay_us * 5 / 8 + DELAY_COST_US;
	if (calls > 0 && !s->delay_thread)
		p = fmin(p, fmax(1e-5, (double)s->budget_ms * 1000 / (mean * (double)calls)));
	s->delay_ppm = (uint32_t)(p * 1e6);
	if (s->delay_thread && one_of(g, 2) == 0)
		s->delay_groups = (1u << DELAY_GROUP_COUNT) - 1;
}

static void draw_cpus(struct setting *s, uint64_t *g, const struct setting_bounds *b)
{
	uint32_t half = b->cpus / 2 ? b->cpus / 2 : 1;
	const uint32_t counts[] = { 1, 2, half, 0 };

	s->cpus = counts[one_of(g, 4)];
	if (s->cpus >= b->cpus)
		s->cpus = b->cpus == 1 ? 1 : 0;
}

static void draw_pause(struct setting *s, uint64_t *g, const struct setting_bounds *b)
{
	double pass_ms = (double)passing_ms(b, PASSING_UNKNOWN_MS);

	s->pause_ms = (int64_t)log_uniform(g, one_of(g, 2) ? 1 : fmin(10, pass_ms), fmin(PAUSE_MOST_MS, fmax(40, pass_ms)));
	/* rarely, or again and again after some fractions of a millisecond: timers run out while the program stands still */
	s->pause_every_us = (int64_t)log_uniform(g, 200, 1000 * fmax(10, pass_ms));
	if (b->sweep_pause <= 0 || b->passing_ns <= 0)
		return;
	/* one pause alone, long enough for timers of the program to run out, at one moment after another */
	s->pause_at_us = 1 + (int64_t)(spread((uint64_t)b->sweep_pause) *
				       power_of_two((uint32_t)(b->passing_ns / NS_PER_MS)) * 1000);
	s->pause_ms = (int64_t)log_uniform(g, fmin(10, pass_ms), fmin(PAUSE_MOST_MS, fmax(40, pass_ms)));
	s->pause_every_us = 4000 * (int64_t)pass_ms;
}

static void draw_load(struct setting *s, uint64_t *g, const struct setting_bounds *b)
{
	double pass_ms = (double)passing_ms(b, PASSING_UNKNOWN_MS);

	bool starves = one_of(g, 4) == 0, stutters = starves || one_of(g, 2) == 0;

	s->load_loops = b->cpus * (1 + one_of(g, 3));
	s->load_idle_percent = starves ? 100 : one_of(g, 2) ? 10 + one_of(g, 71) : 0;
	/* each time that a loop wakes, a thread of idle priority has to leave, wherever in its code it is, and stands still
	 * for as long as the loop computes: what waits for a clock, or runs elsewhere, overtakes it */
	s->load_work_us = (int64_t)log_uniform(g, 500, 20000);
	s->load_gap_us = (int64_t)log_uniform(g, 10, 1000);
	if (!stutters)
		s->load_work_us = s->load_gap_us = 0;
	s->load_ms = starves ? (int64_t)log_uniform(g, 20, fmin(2000, fmax(60, 4 * pass_ms)))
			     : (int64_t)log_uniform(g, 5, fmin(2000, fmax(20, pass_ms)));
	s->load_every_ms = (int64_t)log_uniform(g, 2, fmax(10, pass_ms));
	if (starves) /* 0: from its first moment */
		s->load_every_ms = one_of(g, 2) ? 0 : 1 + one_of(g, (uint32_t)pass_ms);
}

void setting_draw(struct setting *s, uint64_t seed, int64_t n, uint32_t kinds, const struct setting_bounds *b)
{
	uint64_t g = seed ^ ((uint64_t)n * UINT64_C(0xd1342543de82ef95));

	memset(s, 0, sizeof(*s));
	s->kinds = kinds & b->available;
	s->seed = setting_random(&g);
	if (s->kinds & 1u << PERTURB_DELAY)
		draw_delay(s, &g, b);
	if (s->kinds & 1u << PERTURB_CPUS)
		draw_cpus(s, &g, b);
	if (s->kinds & 1u << PERTURB_PAUSE)
		draw_pause(s, &g, b);
	if (s->kinds & 1u << PERTURB_LOAD)
		draw_load(s, &g, b);
	if (s->kinds & 1u << PERTURB_KNOBS)
		s->knobs_seed = setting_random(&g);
	if (s->kinds & 1u << PERTURB_ORDER)
		s->order_seed = (uint32_t)setting_random(&g) & 0xffff;
}

static int64_t near(uint64_t *g, int64_t v, int64_t least, int64_t most)
{
	double x = (double)v * log_uniform(g, 0.5, 2);

	return x < (double)least ? least : x > (double)most ? most : (int64_t)x;
}

void setting_draw_near(struct setting *s, const struct setting *like, uint64_t seed, int64_t n,
		       const struct setting_bounds *b)
{
	uint64_t g = seed ^ ((uint64_t)n * UINT64_C(0xd1342543de82ef95));

	*s = *like;
	s->seed = setting_random(&g);
	if (s->kinds & 1u << PERTURB_DELAY) {
		s->budget_ms = budget_ms(b);
		s->delay_us = near(&g, like->delay_us, DELAY_LEAST_US, DELAY_MOST_US);
		s->delay_ppm = (uint32_t)near(&g, like->delay_ppm, 1, 1000000);
	}
	if (s->kinds & 1u << PERTURB_PAUSE) {
		s->pause_ms = near(&g, like->pause_ms, 1, PAUSE_MOST_MS);
		s->pause_every_us = near(&g, like->pause_every_us, 100, 60000000);
	}
	if (s->kinds & 1u << PERTURB_LOAD) {
		s->load_ms = near(&g, like->load_ms, 2, 2000);
		s->load_work_us = near(&g, like->load_work_us, 0, 100000);
		s->load_gap_us = like->load_gap_us ? near(&g, like->load_gap_us, 1, 100000) : 0;
		s->load_every_ms = like->load_every_ms ? near(&g, like->load_every_ms, 2, 60000) : 0;
	}
	/* what has no strength (processors, knobs, an order) stays as it was */
}

/* ---- as JSON ---- */

static const struct {
	const char *name;
	uint32_t kind;
	size_t offset, size;
	int64_t most;
} members[] = {
#define MEMBER(field, kind_, most_)                                                                                    \
	{                                                                                                              \
#field, 1u << PERTURB_##kind_, offsetof(struct setting, field), sizeof(((struct setting *)0)->field),  \
			most_                                                                                          \
	}
	MEMBER(delay_us, DELAY, DELAY_MOST_US),
	MEMBER(delay_ppm, DELAY, 1000000),
	MEMBER(victims_percent, DELAY, 100),
	MEMBER(delay_thread, DELAY, UINT32_MAX),
	MEMBER(delay_from, DELAY, UINT32_MAX),
	MEMBER(delay_early, DELAY, 1),
	MEMBER(budget_ms, DELAY, INT64_MAX),
	MEMBER(cpus, CPUS, 1 << 20),
	MEMBER(pause_ms, PAUSE, PAUSE_MOST_MS),
	MEMBER(pause_every_us, PAUSE, WEEK_US),
	MEMBER(pause_at_us, PAUSE, WEEK_US),
	MEMBER(load_loops, LOAD, 1 << 20),
	MEMBER(load_idle_percent, LOAD, 100),
	MEMBER(load_work_us, LOAD, 1000000),
	MEMBER(load_gap_us, LOAD, 1000000),
	MEMBER(load_ms, LOAD, 60000),
	MEMBER(load_every_ms, LOAD, WEEK_US / 1000),
	MEMBER(order_seed, ORDER, UINT32_MAX),
#undef MEMBER
};

static int64_t member_get(const struct setting *s, size_t i)
{
	const char *p = (const char *)s + members[i].offset;
	uint32_t small;
	int64_t large;

	if (members[i].size == sizeof(small)) {
		memcpy(&small, p, sizeof(small));
		return small;
	}
	memcpy(&large, p, sizeof(large));
	return large;
}

static void member_set(struct setting *s, size_t i, int64_t v)
{
	char *p = (char *)s + members[i].offset;
	uint32_t small = (uint32_t)v;

	if (members[i].size == sizeof(small))
		memcpy(p, &small, sizeof(small));
	else
		memcpy(p, &v, sizeof(v));
}

static void json_hex(struct json *j, const char *key, uint64_t v)
{
	char text[20];

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)v);
	json_str(j, key, text);
}

void setting_json(const struct setting *s, struct json *j)
{
	json_array(j, "kinds");
	for (int k = 0; k < PERTURB_COUNT; k++)
		if (s->kinds & 1u << k)
			json_str(j, NULL, perturb_text[k]);
	json_array_end(j);
	json_hex(j, "seed", s->seed);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (s->kinds & members[i].kind)
			json_int(j, members[i].name, member_get(s, i));
	if (s->kinds & 1u << PERTURB_PAUSE)
		json_int(j, "pause_every_ms", (s->pause_every_us + 999) / 1000);
	if (s->kinds & 1u << PERTURB_DELAY) {
		json_array(j, "delay_calls");
		for (int g = 0; g < DELAY_GROUP_COUNT; g++)
			if (s->delay_groups & 1u << g)
				json_str(j, NULL, group_text[g]);
		json_array_end(j);
	}
	if (s->kinds & 1u << PERTURB_DELAY)
		json_fixed(j, "probability", (double)s->delay_ppm / 1e6, 6);
	if (s->kinds & 1u << PERTURB_KNOBS)
		json_hex(j, "knobs_seed", s->knobs_seed);
}

static int read_groups(struct setting *s, const struct json_value *v, struct err *e)
{
	const struct json_value *list = json_get(v, "delay_calls");

	s->delay_groups = list ? 0 : (1u << DELAY_GROUP_COUNT) - 1; /* written by an earlier version */
	if (!list)
		return 0;
	if (list->kind != JSON_ARRAY)
		return err_set(e, ERR_USAGE, "perturb.delay_calls must be a list");
	json_each (word, list) {
		int g = 0;

		while (g < DELAY_GROUP_COUNT && (word->kind != JSON_STRING || strcmp(word->text, group_text[g]) != 0))
			g++;
		if (g == DELAY_GROUP_COUNT)
			return err_set(e, ERR_USAGE, "perturb.delay_calls holds a word that is not a kind of call");
		s->delay_groups |= 1u << g;
	}
	return 0;
}

/* An earlier version wrote no microseconds. */
static int read_pause(struct setting *s, const struct json_value *v, struct err *e)
{
	int64_t ms = json_get_int(v, "pause_every_ms", 0);

	if (json_get(v, "pause_every_us"))
		return 0;
	if (ms < 0 || ms > WEEK_US / 1000)
		return err_set(e, ERR_USAGE, "perturb.pause_every_ms must be from 0 to %lld", (long long)WEEK_US / 1000);
	s->pause_every_us = ms * 1000;
	return 0;
}

int setting_read(struct setting *s, const struct json_value *v, struct err *e)
{
	const struct json_value *kinds = json_get(v, "kinds");

	memset(s, 0, sizeof(*s));
	if (!kinds || kinds->kind != JSON_ARRAY)
		return err_set(e, ERR_USAGE, "perturb has no list of kinds");
	json_each (word, kinds) {
		int kind = word->kind == JSON_STRING ? kind_of(word->text, word->len) : -1;

		if (kind < 0)
			return err_set(e, ERR_USAGE, "perturb.kinds holds a word that is not a kind");
		s->kinds |= 1u << kind;
	}
	trace_id_parse(json_get_text(v, "seed"), &s->seed);
	trace_id_parse(json_get_text(v, "knobs_seed"), &s->knobs_seed);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		int64_t n = json_get_int(v, members[i].name, 0);

		if (n < 0 || n > members[i].most)
			return err_set(e, ERR_USAGE, "perturb.%s must be from 0 to %lld", members[i].name,
				       (long long)members[i].most);
		member_set(s, i, n);
	}
	if (read_pause(s, v, e) < 0)
		return -1;
	return s->kinds & 1u << PERTURB_DELAY ? read_groups(s, v, e) : 0;
}
