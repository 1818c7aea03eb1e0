/* SPDX-License-Identifier: Apache-2.0 */
/* judge.c - better, worse, or not to be told: the statistics of the history, asked by metric. */
#include "base/json_write.h"
#include "base/mem.h"
#include "history/view.h"
#include "runner/optimize/samples.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EQUIVALENCE 0.05

bool samples_primary(const struct loop *l, const struct sample_set *s, const char **name, bool *lower)
{
	const struct adapter *w = &l->setup.adapter[ROLE_WORKLOAD];
	const struct adapter_metric *m = adapter_primary(w);

	*name = m ? m->name : NULL;
	*lower = m ? m->lower : true;
	if (m)
		return sample_metric_of(s, m->name) != NULL;
	/* canned values without words about them: wall_ms, else the one there is */
	*name = sample_metric_of(s, "wall_ms") ? "wall_ms" : s->n == 1 ? s->m[0].name : NULL;
	if (*name)
		*lower = compare_better_of(*name) <= 0;
	return *name != NULL;
}

static bool is_lower(const struct loop *l, const char *name)
{
	const struct adapter *w = &l->setup.adapter[ROLE_WORKLOAD];

	for (size_t i = 0; i < w->n_metrics; i++)
		if (strcmp(w->metrics[i].name, name) == 0)
			return w->metrics[i].lower;
	return compare_better_of(name) <= 0;
}

static bool is_guard(const struct loop *l, const char *name)
{
	const struct adapter *w = &l->setup.adapter[ROLE_WORKLOAD];

	for (size_t i = 0; i < w->n_metrics; i++)
		if (strcmp(w->metrics[i].name, name) == 0)
			return w->metrics[i].guard;
	return false;
}

static void side_of(const struct loop *l, const struct sample_set *s, const char *only, const char *but,
		    struct compare_side *to)
{
	memset(to, 0, sizeof(*to));
	for (size_t i = 0; i < s->n; i++) {
		const char *name = s->m[i].name;
		struct compare_metric *m;

		if ((only && strcmp(name, only) != 0) || (but && strcmp(name, but) == 0))
			continue;
		m = compare_side_metric(to, name, "", is_lower(l, name) ? -1 : 1, false);
		for (size_t k = 0; k < s->m[i].n; k++)
			compare_metric_add(m, s->m[i].v[k]);
	}
	compare_side_sort(to);
}

struct pair {
	struct compare_side a, b;
	struct comparison c;
};

static void pair_make(struct pair *p, const struct loop *l, const struct sample_set *a, const struct sample_set *b,
		      const char *only, const char *but)
{
	struct compare_options o = { .alpha = l->setup.loop.alpha, .min_effect = l->setup.loop.min_effect,
				     .equivalence = EQUIVALENCE };

	side_of(l, a, only, but, &p->a);
	side_of(l, b, only, but, &p->b);
	compare_sides(&p->a, &p->b, &o, &p->c);
}

static void pair_release(struct pair *p)
{
	comparison_release(&p->c);
	compare_side_release(&p->a);
	compare_side_release(&p->b);
}

static const struct compare_result *result_of(const struct pair *p, const char *name)
{
	for (size_t i = 0; i < p->c.n; i++)
		if (p->c.v[i].base && p->c.v[i].candidate && strcmp(p->c.v[i].base->name, name) == 0)
			return &p->c.v[i];
	return NULL;
}

static void put_delta(struct json *j, const struct compare_result *r, const struct pair *own, const struct pair *rest)
{
	const char *name = r->base->name;
	const struct compare_result *b = result_of(own, name);

	if (!b)
		b = result_of(rest, name);
	json_object(j, name);
	view_real(j, "base", r->median_base);
	view_real(j, "candidate", r->median_candidate);
	view_real(j, "change", r->change);
	json_array(j, "ci99");
	view_real(j, NULL, r->low);
	view_real(j, NULL, r->high);
	json_array_end(j);
	view_real(j, "p", r->p);
	json_str(j, "verdict", compare_verdict_text[r->verdict]);
	json_object(j, "vs_baseline");
	view_real(j, "change", b ? b->change : NAN);
	json_str(j, "verdict", compare_verdict_text[b ? b->verdict : COMPARE_INSUFFICIENT]);
	json_object_end(j);
	json_object_end(j);
}

/* The primary metric decides alone, so that other metrics do not cost it its significance; those are judged together. */
void samples_judge(const struct loop *l, const struct sample_set *best, const struct sample_set *candidate,
		   const struct sample_set *baseline, struct sample_verdict *v, struct str *delta)
{
	struct pair primary, rest, base_primary, base_rest, *const pairs[] = { &primary, &rest };
	const char *name;
	bool lower;
	struct json j;

	*v = (struct sample_verdict){ .primary = COMPARE_INSUFFICIENT, .change = NAN };
	samples_primary(l, candidate, &name, &lower);
	if (!name)
		name = "wall_ms";
	pair_make(&primary, l, best, candidate, name, NULL);
	pair_make(&rest, l, best, candidate, NULL, name);
	pair_make(&base_primary, l, baseline, candidate, name, NULL);
	pair_make(&base_rest, l, baseline, candidate, NULL, name);
	json_init(&j, delta);
	json_object(&j, NULL);
	for (int k = 0; k < 2; k++)
		for (size_t i = 0; i < pairs[k]->c.n; i++) {
			const struct compare_result *r = &pairs[k]->c.v[i];

			if (!r->base || !r->candidate)
				continue;
			put_delta(&j, r, &base_primary, &base_rest);
			if (k == 0) {
				v->primary = r->verdict;
				v->change = r->change;
			} else if (r->verdict == COMPARE_REGRESSED && is_guard(l, r->base->name) && !v->guard_regressed) {
				v->guard_regressed = true;
				snprintf(v->guard, sizeof(v->guard), "%s", r->base->name);
			}
		}
	json_object_end(&j);
	json_finish(&j);
	pair_release(&primary);
	pair_release(&rest);
	pair_release(&base_primary);
	pair_release(&base_rest);
}
