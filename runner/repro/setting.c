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
#define BUDGET_PASSES 4        /* added time stays below so many passing runs */
#define BUDGET_UNKNOWN_MS 2000 /* before a run has passed */
#define BUDGET_LEAST_MS 20
#define PAUSE_MOST_MS 1000

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

static int64_t budget_ms(const struct setting_bounds *b)
{
	int64_t ms = b->passing_ns > 0 ? b->passing_ns / NS_PER_MS * BUDGET_PASSES : BUDGET_UNKNOWN_MS;

	return ms > BUDGET_LEAST_MS ? ms : BUDGET_LEAST_MS;
}

/* One length a run, from a microsecond to two seconds; one run in three favours few long delays, which is what a
 * window of some milliseconds needs. Never so many that the budget would be gone in the first calls. */
static void draw_delay(struct setting *s, uint64_t *g, const struct setting_bounds *b)
{
	double most, p;
	bool few = one_of(g, 3) == 0;

	s->budget_ms = budget_ms(b);
	most = fmin(DELAY_MOST_US, (double)s->budget_ms * 1000);
	s->delay_us = (int64_t)(few ? log_uniform(g, fmin(5000, most), most) : log_uniform(g, DELAY_LEAST_US, most));
	p = few ? log_uniform(g, 0.02, 0.4) : log_uniform(g, 0.02, 1);
	if (b->delayed_calls > 0) /* the mean delay is half of the longest */
		p = fmin(p, fmax(1e-5, (double)s->budget_ms * 2000 / ((double)s->delay_us * (double)b->delayed_calls)));
	s->delay_ppm = (uint32_t)(p * 1e6);
	s->victims_percent = one_of(g, 3) == 0 ? 100 : 20 + one_of(g, 61);
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
	double pass_ms = b->passing_ns > 0 ? (double)b->passing_ns / 1e6 : 500;

	s->pause_ms = (int64_t)log_uniform(g, 1, fmin(PAUSE_MOST_MS, fmax(4, pass_ms)));
	s->pause_every_ms = (int64_t)log_uniform(g, 3, fmax(10, pass_ms));
}

static void draw_load(struct setting *s, uint64_t *g, const struct setting_bounds *b)
{
	double pass_ms = b->passing_ns > 0 ? (double)b->passing_ns / 1e6 : 500;

	s->load_loops = b->cpus * (1 + one_of(g, 3));
	s->load_idle_percent = one_of(g, 2) ? 10 + one_of(g, 71) : 0;
	s->load_ms = (int64_t)log_uniform(g, 5, fmin(2000, fmax(20, pass_ms)));
	s->load_every_ms = (int64_t)log_uniform(g, 2, fmax(10, pass_ms));
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
		s->pause_every_ms = near(&g, like->pause_every_ms, 2, 60000);
	}
	if (s->kinds & 1u << PERTURB_LOAD) {
		s->load_ms = near(&g, like->load_ms, 2, 2000);
		s->load_every_ms = near(&g, like->load_every_ms, 2, 60000);
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
	MEMBER(budget_ms, DELAY, INT64_MAX),
	MEMBER(cpus, CPUS, 1 << 20),
	MEMBER(pause_ms, PAUSE, PAUSE_MOST_MS),
	MEMBER(pause_every_ms, PAUSE, INT64_MAX),
	MEMBER(load_loops, LOAD, 1 << 20),
	MEMBER(load_idle_percent, LOAD, 100),
	MEMBER(load_ms, LOAD, 60000),
	MEMBER(load_every_ms, LOAD, INT64_MAX),
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
	if (s->kinds & 1u << PERTURB_DELAY)
		json_fixed(j, "probability", (double)s->delay_ppm / 1e6, 6);
	if (s->kinds & 1u << PERTURB_KNOBS)
		json_hex(j, "knobs_seed", s->knobs_seed);
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
	return 0;
}
