/* SPDX-License-Identifier: Apache-2.0 */
#include "history/compare.h"

#include "base/json_write.h"
#include "base/mem.h"
#include "history/stats.h"
#include "history/table.h"
#include "history/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MIN 5
#define COMMON_TESTS 20
#define COMMON_SHIFT 0.02

const char *const compare_verdict_text[] = { "regressed", "improved", "unchanged", "inconclusive", "insufficient", NULL };

void compare_side_release(struct compare_side *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].name);
		free(s->v[i].unit);
		free(s->v[i].values);
	}
	free(s->v);
	free(s->words);
	free(s->workload);
	free(s->device);
	strv_release(&s->runs);
	memset(s, 0, sizeof(*s));
}

/* Values come metric by metric or run by run: the last ones are looked at first. */
struct compare_metric *compare_side_metric(struct compare_side *s, const char *name, const char *unit, int better,
					   bool is_test)
{
	for (size_t i = s->n; i-- > 0;)
		if (strcmp(s->v[i].name, name) == 0)
			return &s->v[i];
	if ((s->n & (s->n - 1)) == 0)
		s->v = xreallocarray(s->v, s->n ? s->n * 2 : 1, sizeof(*s->v));
	s->v[s->n] = (struct compare_metric){ xstrdup(name), xstrdup(unit), better, is_test, NULL, 0 };
	return &s->v[s->n++];
}

void compare_metric_add(struct compare_metric *m, double value)
{
	if ((m->n & (m->n - 1)) == 0)
		m->values = xreallocarray(m->values, m->n ? m->n * 2 : 1, sizeof(*m->values));
	m->values[m->n++] = value;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct compare_metric *)a)->name, ((const struct compare_metric *)b)->name);
}

void compare_side_sort(struct compare_side *s)
{
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), by_name);
}

/* ---- pairs ---- */

static void add_pair(struct comparison *c, const struct compare_metric *base, const struct compare_metric *candidate)
{
	if ((c->n & (c->n - 1)) == 0)
		c->v = xreallocarray(c->v, c->n ? c->n * 2 : 1, sizeof(*c->v));
	c->v[c->n++] = (struct compare_result){ .base = base,
						.candidate = candidate,
						.median_base = NAN,
						.median_candidate = NAN,
						.change = NAN,
						.low = NAN,
						.high = NAN,
						.p = NAN,
						.p_adjusted = NAN,
						.verdict = COMPARE_INSUFFICIENT };
}

static void pair_up(const struct compare_side *a, const struct compare_side *b, struct comparison *c)
{
	for (size_t i = 0, j = 0; i < a->n || j < b->n;) {
		int order = i == a->n ? 1 : j == b->n ? -1 : strcmp(a->v[i].name, b->v[j].name);

		add_pair(c, order <= 0 ? &a->v[i] : NULL, order >= 0 ? &b->v[j] : NULL);
		i += order <= 0;
		j += order >= 0;
	}
}

static bool is_enough(const struct compare_result *r)
{
	return r->base && r->candidate && r->base->n >= VALUES_MIN && r->candidate->n >= VALUES_MIN;
}

static void measure(struct compare_result *r)
{
	if (r->base && r->base->n)
		r->median_base = stats_median(r->base->values, r->base->n);
	if (r->candidate && r->candidate->n)
		r->median_candidate = stats_median(r->candidate->values, r->candidate->n);
	r->change = r->median_base == 0 && r->median_candidate == 0 ? 0 : r->median_candidate / r->median_base - 1;
}

/* A slower machine slows all tests down: that is one fact, not one for each. */
static void take_common_mode(struct comparison *c, bool wanted)
{
	auto_free double *logs = xreallocarray(NULL, c->n + 1, sizeof(*logs));
	size_t n = 0;
	double f;

	for (size_t i = 0; i < c->n; i++) {
		const struct compare_result *r = &c->v[i];

		if (is_enough(r) && r->base->is_test && r->change > -1 && isfinite(r->change))
			logs[n++] = log1p(r->change);
	}
	if (n < COMMON_TESTS)
		return;
	f = exp(stats_median(logs, n));
	c->has_common_mode = true;
	c->shift = f - 1;
	c->common_n = n;
	c->applied = wanted && fabs(f - 1) >= COMMON_SHIFT;
	for (size_t i = 0; i < c->n && c->applied; i++) {
		struct compare_metric *m = (struct compare_metric *)c->v[i].candidate;

		for (size_t k = 0; m && m->is_test && k < m->n; k++)
			m->values[k] /= f;
		measure(&c->v[i]);
	}
}

static void judge(struct compare_result *r, const struct compare_options *o)
{
	if (!is_enough(r))
		return;
	if (r->p_adjusted < o->alpha && fabs(r->change) >= o->min_effect)
		r->verdict = (r->change > 0) == (r->base->better > 0) ? COMPARE_IMPROVED : COMPARE_REGRESSED;
	else if (isfinite(r->low) && isfinite(r->high) && r->low >= -o->equivalence && r->high <= o->equivalence)
		r->verdict = COMPARE_UNCHANGED;
	else if (r->median_base == 0 && r->median_candidate == 0)
		r->verdict = COMPARE_UNCHANGED; /* ratios say nothing of zeros */
	else
		r->verdict = COMPARE_INCONCLUSIVE;
}

void compare_sides(struct compare_side *base, struct compare_side *candidate, const struct compare_options *o,
		   struct comparison *c)
{
	auto_free double *p = NULL;

	memset(c, 0, sizeof(*c));
	compare_side_sort(base);
	compare_side_sort(candidate);
	pair_up(base, candidate, c);
	for (size_t i = 0; i < c->n; i++)
		measure(&c->v[i]);
	take_common_mode(c, o->common_mode);
	p = xreallocarray(NULL, c->n + 1, sizeof(*p));
	for (size_t i = 0; i < c->n; i++) {
		struct compare_result *r = &c->v[i];

		if (is_enough(r)) {
			r->p = stats_mann_whitney(r->base->values, r->base->n, r->candidate->values, r->candidate->n);
			stats_ratio_interval(r->base->values, r->base->n, r->candidate->values, r->candidate->n, &r->low,
					     &r->high);
		}
		p[i] = r->p;
	}
	stats_adjust(p, c->n);
	for (size_t i = 0; i < c->n; i++) {
		c->v[i].p_adjusted = p[i];
		judge(&c->v[i], o);
	}
}

void comparison_release(struct comparison *c)
{
	free(c->v);
	memset(c, 0, sizeof(*c));
}

size_t comparison_count(const struct comparison *c, enum compare_verdict v)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->v[i].verdict == v;
	return n;
}

/* ---- how it is told ---- */

static void side_json(struct json *j, const char *key, const struct compare_side *s)
{
	json_object(j, key);
	json_str(j, "side", s->words);
	json_array(j, "runs");
	for (size_t i = 0; i < s->runs.n; i++)
		json_str(j, NULL, s->runs.v[i]);
	json_array_end(j);
	json_str(j, "workload_id", s->workload);
	json_str(j, "device_id", s->device);
	json_object_end(j);
}

static void result_json(struct json *j, const struct compare_result *r)
{
	const struct compare_metric *m = r->base ? r->base : r->candidate;

	json_object(j, NULL);
	json_str(j, "metric", m->name);
	json_str(j, "unit", m->unit);
	json_str(j, "better", m->better > 0 ? "higher" : "lower");
	json_uint(j, "n_base", r->base ? r->base->n : 0);
	json_uint(j, "n_candidate", r->candidate ? r->candidate->n : 0);
	view_real(j, "median_base", r->median_base);
	view_real(j, "median_candidate", r->median_candidate);
	view_real(j, "change", r->change);
	if (isnan(r->p)) {
		json_null(j, "ci99");
	} else {
		json_array(j, "ci99");
		view_real(j, NULL, r->low);
		view_real(j, NULL, r->high);
		json_array_end(j);
	}
	view_real(j, "p", r->p);
	view_real(j, "p_adjusted", r->p_adjusted);
	json_str(j, "verdict", compare_verdict_text[r->verdict]);
	json_object_end(j);
}

void comparison_json(const struct comparison *c, const struct compare_side *base, const struct compare_side *candidate,
		     struct str *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	side_json(&j, "base", base);
	side_json(&j, "candidate", candidate);
	if (c->has_common_mode) {
		json_object(&j, "common_mode");
		view_real(&j, "shift", c->shift);
		json_bool(&j, "applied", c->applied);
		json_uint(&j, "n", c->common_n);
		json_object_end(&j);
	} else {
		json_null(&j, "common_mode");
	}
	json_array(&j, "results");
	for (size_t i = 0; i < c->n; i++)
		result_json(&j, &c->v[i]);
	json_array_end(&j);
	json_object(&j, "summary");
	for (int v = 0; v < COMPARE_VERDICT_COUNT; v++)
		json_uint(&j, compare_verdict_text[v], comparison_count(c, (enum compare_verdict)v));
	json_object_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}

static void result_cells(struct table *t, const struct compare_result *r)
{
	const struct compare_metric *m = r->base ? r->base : r->candidate;

	table_text(t, compare_verdict_text[r->verdict]);
	table_text(t, m->name);
	table_fixed(t, r->median_base, 3, "");
	table_fixed(t, r->median_candidate, 3, "");
	table_text(t, m->unit);
	table_fixed(t, r->change * 100, 1, " %");
	strv_take(&t->cells, isnan(r->p) ? xstrdup("-") : xasprintf("%+.1f %% to %+.1f %%", r->low * 100, r->high * 100));
	strv_take(&t->cells, isnan(r->p_adjusted) ? xstrdup("-") : xasprintf("%.2g", r->p_adjusted));
}

void comparison_text(const struct comparison *c, struct str *out)
{
	struct table t;

	if (c->applied)
		str_addf(out,
			 "all %zu tests together: %+.1f %% (a slower or faster machine, or build); taken out of"
			 " each\n",
			 c->common_n, c->shift * 100);
	table_init(&t, "verdict|metric|>base|>candidate|unit|>change|99 % interval|>p");
	for (int v = 0; v < COMPARE_VERDICT_COUNT; v++)
		for (size_t i = 0; i < c->n; i++)
			if ((int)c->v[i].verdict == v && (v < COMPARE_UNCHANGED || c->n <= 40))
				result_cells(&t, &c->v[i]);
	table_write(&t, out);
	for (int v = 0; v < COMPARE_VERDICT_COUNT; v++)
		str_addf(out, "%s%zu %s", v ? ", " : "", comparison_count(c, (enum compare_verdict)v),
			 compare_verdict_text[v]);
	str_addc(out, '\n');
}
