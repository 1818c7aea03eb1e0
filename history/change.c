/* SPDX-License-Identifier: Apache-2.0 */
#include "history/change.h"

#include "base/mem.h"
#include "history/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- e-divisive: the best split of an interval ---- */

struct split {
	size_t at;
	double q;
	bool there;
};

/* Of v[start..end): over all kappa <= end. Sums of distances grow by recurrences: for a fixed tau and growing kappa,
 * A = within the left, B = between, C = within the right. */
static struct split best_split(const double *v, size_t start, size_t end)
{
	size_t n = end - start;
	struct split best = { 0, -INFINITY, false };
	auto_free double *rows = xcalloc(n + 1, sizeof(*rows)); /* rows[k]: distances of k to all of [start, tau) */
	double left = 0;

	for (size_t tau = 1; tau < n; tau++) {
		double between = 0, right = 0, m = (double)tau;

		/* point tau - 1 joins the left */
		left += rows[tau - 1];
		for (size_t k = tau; k < n; k++)
			rows[k] += fabs(v[start + tau - 1] - v[start + k]);
		for (size_t kappa = tau + 1; kappa <= n; kappa++) {
			double k = (double)(kappa - tau), x = v[start + kappa - 1], q;

			for (size_t j = tau; j + 1 < kappa; j++)
				right += fabs(x - v[start + j]);
			between += rows[kappa - 1];
			q = 2 / (m + k) * between;
			if (tau > 1)
				q -= 2 * k / ((m + k) * (m - 1)) * left;
			if (kappa - tau > 1)
				q -= 2 * m / ((m + k) * (k - 1)) * right;
			if (q > best.q)
				best = (struct split){ start + tau, q, true };
		}
	}
	return best;
}

/* ---- the t-test ---- */

struct moments {
	double mean, sd;
	size_t n;
};

static struct moments moments_of(const double *v, size_t from, size_t to)
{
	struct moments m = { 0, 0, to - from };

	for (size_t i = from; i < to; i++)
		m.mean += v[i];
	m.mean /= (double)m.n;
	for (size_t i = from; i < to; i++)
		m.sd += (v[i] - m.mean) * (v[i] - m.mean);
	m.sd = sqrt(m.sd / (double)m.n); /* of the population, as numpy's std */
	return m;
}

/* Student's, pooled, of the two sides; NaN for equal constants. */
static double t_test(const struct moments *a, const struct moments *b)
{
	double n = (double)a->n, m = (double)b->n, df = n + m - 2, pooled, t;

	if (a->n + b->n <= 2)
		return 1;
	pooled = ((n - 1) * a->sd * a->sd + (m - 1) * b->sd * b->sd) / df;
	t = (a->mean - b->mean) / sqrt(pooled * (1 / n + 1 / m));
	return stats_student_p(t, df);
}

struct point {
	size_t at;
	struct moments left, right;
	double p;
};
struct points {
	struct point *v;
	size_t n;
};

static struct point *points_insert(struct points *l, size_t k)
{
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	memmove(l->v + k + 1, l->v + k, (l->n - k) * sizeof(*l->v));
	l->n++;
	return &l->v[k];
}

static void points_remove(struct points *l, size_t k)
{
	memmove(l->v + k, l->v + k + 1, (l->n - k - 1) * sizeof(*l->v));
	l->n--;
}

static void point_measure(struct point *p, const double *v, size_t from, size_t to)
{
	p->left = moments_of(v, from, p->at);
	p->right = moments_of(v, p->at, to);
	p->p = t_test(&p->left, &p->right);
}

/* ---- splitting ---- */

/* Divides v[start..end) while its best split is significant. */
static void split_window(const double *v, size_t start, size_t end, double max_p, struct points *found)
{
	struct points own = { 0 };

	for (;;) {
		struct split best = { 0, -INFINITY, false };
		size_t k, from, to;
		struct point p;

		for (size_t i = 0; i <= own.n; i++) {
			size_t a = i ? own.v[i - 1].at : start, b = i < own.n ? own.v[i].at : end;
			struct split s = b - a >= 2 ? best_split(v, a, b) : (struct split){ 0, -INFINITY, false };

			if (s.there && s.q > best.q)
				best = s;
		}
		if (!best.there)
			break;
		for (k = 0; k < own.n && own.v[k].at < best.at; k++)
			;
		from = k ? own.v[k - 1].at : start;
		to = k < own.n ? own.v[k].at : end;
		p = (struct point){ .at = best.at };
		point_measure(&p, v, from, to);
		if (!(p.p <= max_p))
			break;
		*points_insert(&own, k) = p;
	}
	for (size_t i = 0; i < own.n; i++)
		*points_insert(found, found->n) = own.v[i];
	free(own.v);
}

static int by_place(const void *a, const void *b)
{
	size_t x = ((const struct point *)a)->at, y = ((const struct point *)b)->at;

	return (x > y) - (x < y);
}

static void measure_all(struct points *l, const double *v, size_t n)
{
	for (size_t i = 0; i < l->n; i++)
		point_measure(&l->v[i], v, i ? l->v[i - 1].at : 0, i + 1 < l->n ? l->v[i + 1].at : n);
}

static void split_all(const double *v, size_t n, size_t window, double max_p, struct points *l)
{
	size_t step = window / 2, start = 0, k = 0;

	while (start < n) {
		size_t end = start + window < n ? start + window : n, before = l->n, last = 0;

		split_window(v, start, end, max_p, l);
		if (l->n > before)
			last = l->v[l->n - 1].at;
		start = last > start + step ? last : start + step;
	}
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_place);
	for (size_t i = 0; i < l->n; i++)
		if (!k || l->v[k - 1].at != l->v[i].at)
			l->v[k++] = l->v[i];
	l->n = k;
	measure_all(l, v, n);
}

/* ---- merging ---- */

static double magnitude(const struct point *p)
{
	double a = fabs(p->right.mean / p->left.mean - 1), b = fabs(p->left.mean / p->right.mean - 1);

	return a > b ? a : b;
}

/* Which point goes next; l->n: none. */
static size_t weakest(const struct points *l, const struct change_options *o)
{
	size_t worst = 0, least = 0;

	for (size_t i = 1; i < l->n; i++) {
		if (l->v[i].p > l->v[worst].p)
			worst = i;
		if (magnitude(&l->v[i]) < magnitude(&l->v[least]))
			least = i;
	}
	if (!(l->v[worst].p < o->max_p))
		return worst;
	return magnitude(&l->v[least]) > o->min_magnitude ? l->n : least;
}

/* After a point has gone, those that now have its number and the next are measured again, and the one before keeps what it
 * had: Otava's own order, without which its tests do not hold. */
static void merge(struct points *l, const double *v, size_t n, const struct change_options *o)
{
	while (l->n) {
		size_t k = weakest(l, o);

		if (k == l->n)
			return;
		points_remove(l, k);
		for (size_t i = k; i < k + 2 && i < l->n; i++)
			point_measure(&l->v[i], v, i ? l->v[i - 1].at : 0, i + 1 < l->n ? l->v[i + 1].at : n);
	}
}

static void hunter(const double *v, size_t n, const struct change_options *o, struct points *l)
{
	double first = o->max_p < 0.05 ? 10 * o->max_p : o->max_p < 0.5 ? 2 * o->max_p : o->max_p;

	split_all(v, n, o->window, first, l);
	merge(l, v, n, o);
}

static void add(struct change **list, size_t *n, struct change c)
{
	*list = xreallocarray(*list, *n + 1, sizeof(**list));
	(*list)[(*n)++] = c;
}

void change_hunter(const double *v, size_t n, const struct change_options *o, struct change **list, size_t *n_list)
{
	struct points l = { 0 };

	hunter(v, n, o, &l);
	for (size_t i = 0; i < l.n; i++)
		add(list, n_list, (struct change){ l.v[i].at, l.v[i].left.mean, l.v[i].right.mean, l.v[i].p });
	free(l.v);
}

/* ---- robust ---- */

#define HAMPEL_SIDE 3
#define HAMPEL_LIMIT (3 * 1.4826)
#define SEGMENT_MIN 5
#define ROBUST_P 0.001

/* A value far from the median of its neighbourhood becomes that median. */
static void hampel(const double *v, size_t n, double *out)
{
	for (size_t i = 0; i < n; i++) {
		size_t from = i > HAMPEL_SIDE ? i - HAMPEL_SIDE : 0, to = i + HAMPEL_SIDE + 1 < n ? i + HAMPEL_SIDE + 1 : n;
		double around[2 * HAMPEL_SIDE + 1], median, mad;

		for (size_t k = from; k < to; k++)
			around[k - from] = v[k];
		median = stats_median(around, to - from);
		for (size_t k = from; k < to; k++)
			around[k - from] = fabs(v[k] - median);
		mad = stats_median(around, to - from);
		out[i] = fabs(v[i] - median) > HAMPEL_LIMIT * mad ? median : v[i];
	}
}

struct belief {
	bool short_segment, doubted;
	double p, before, after;
};

static struct belief believe(const struct points *l, size_t k, const double *v, size_t n, const struct change_options *o)
{
	size_t from = k ? l->v[k - 1].at : 0, at = l->v[k].at, to = k + 1 < l->n ? l->v[k + 1].at : n;
	struct belief b = { .short_segment = at - from < SEGMENT_MIN || to - at < SEGMENT_MIN };

	b.before = stats_median(v + from, at - from);
	b.after = stats_median(v + at, to - at);
	b.p = stats_mann_whitney(v + from, at - from, v + at, to - at);
	b.doubted = b.short_segment || !(b.p < ROBUST_P) || !(fabs(b.after / b.before - 1) >= o->min_effect) ||
		    fabs(b.after - b.before) < o->min_difference;
	return b;
}

/* One by one, those beside short segments first, then the largest p. */
static void drop_doubted(struct points *l, const double *v, size_t n, const struct change_options *o)
{
	for (;;) {
		size_t worst = l->n;
		struct belief w = { 0 };

		for (size_t i = 0; i < l->n; i++) {
			struct belief b = believe(l, i, v, n, o);

			if (b.doubted && (worst == l->n || b.short_segment > w.short_segment ||
					  (b.short_segment == w.short_segment && b.p > w.p))) {
				worst = i;
				w = b;
			}
		}
		if (worst == l->n)
			return;
		points_remove(l, worst);
	}
}

void change_robust(const double *v, size_t n, const struct change_options *o, struct change **list, size_t *n_list)
{
	struct change_options plain = { .window = 50, .max_p = ROBUST_P };
	auto_free double *smooth = xreallocarray(NULL, n + 1, sizeof(*smooth));
	struct points l = { 0 };
	bool positive = true;

	hampel(v, n, smooth);
	for (size_t i = 0; i < n; i++)
		positive &= smooth[i] > 0;
	for (size_t i = 0; positive && i < n; i++)
		smooth[i] = log(smooth[i]);
	hunter(smooth, n, &plain, &l);
	drop_doubted(&l, v, n, o);
	for (size_t i = 0; i < l.n; i++) {
		struct belief b = believe(&l, i, v, n, o);

		add(list, n_list, (struct change){ l.v[i].at, b.before, b.after, b.p });
	}
	free(l.v);
}
