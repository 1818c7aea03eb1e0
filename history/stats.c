/* SPDX-License-Identifier: Apache-2.0 */
#include "history/stats.h"

#include "base/mem.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_MAX 20

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void stats_sort(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
}

double stats_quantile(const double *v, size_t n, double q)
{
	double at;
	size_t i;

	if (!n)
		return NAN;
	at = q * (double)(n - 1);
	i = (size_t)at;
	return i + 1 < n ? v[i] + (at - (double)i) * (v[i + 1] - v[i]) : v[n - 1];
}

double stats_median(const double *v, size_t n)
{
	auto_free double *copy = xreallocarray(NULL, n + 1, sizeof(*copy));

	memcpy(copy, v, n * sizeof(*v));
	stats_sort(copy, n);
	return stats_quantile(copy, n, 0.5);
}

/* ---- Mann-Whitney ---- */

struct ranked {
	double v;
	bool first;
};

static int by_ranked(const void *a, const void *b)
{
	return by_value(&((const struct ranked *)a)->v, &((const struct ranked *)b)->v);
}

/* Ways to get a rank sum statistic of u, by the number of a's among the first ranks: counts of partitions. */
static double exact_p(size_t n, size_t m, double u)
{
	size_t top = n * m;
	auto_free double *ways = xcalloc((n + 1) * (top + 1), sizeof(*ways));
	double small = 0, all = 0;
	size_t at = (size_t)(u < (double)top - u ? u : (double)top - u);

	ways[0] = 1;
	/* Taking the values one by one: the j-th of them, as one of a's, lies above j - (a's before it) of b's. */
	for (size_t j = 1; j <= n + m; j++)
		for (size_t i = j < n ? j : n; i >= 1; i--)
			for (size_t s = 0; s + (j - i) <= top && j - i <= m; s++)
				ways[i * (top + 1) + s + (j - i)] += ways[(i - 1) * (top + 1) + s];
	for (size_t s = 0; s <= top; s++) {
		all += ways[n * (top + 1) + s];
		if (s <= at)
			small += ways[n * (top + 1) + s];
	}
	small = 2 * small / all;
	return small < 1 ? small : 1;
}

double stats_mann_whitney(const double *a, size_t n, const double *b, size_t m)
{
	size_t all = n + m;
	auto_free struct ranked *r = xcalloc(all + 1, sizeof(*r));
	double sum = 0, ties = 0, u, mean, sd, z;

	for (size_t i = 0; i < all; i++)
		r[i] = (struct ranked){ i < n ? a[i] : b[i - n], i < n };
	qsort(r, all, sizeof(*r), by_ranked);
	for (size_t i = 0, j; i < all; i = j) {
		double k;

		for (j = i + 1; j < all && r[j].v == r[i].v; j++)
			;
		k = (double)(j - i);
		ties += k * k * k - k;
		for (size_t x = i; x < j; x++)
			if (r[x].first)
				sum += (double)(i + j + 1) / 2;
	}
	u = sum - (double)n * (double)(n + 1) / 2;
	if (ties == 0 && n <= EXACT_MAX && m <= EXACT_MAX)
		return exact_p(n, m, u);
	mean = (double)n * (double)m / 2;
	sd = sqrt((double)n * (double)m / 12 * ((double)all + 1 - ties / ((double)all * ((double)all - 1))));
	if (!(sd > 0))
		return 1;
	z = fabs(u - mean) - 0.5;
	z = z > 0 ? z / sd : 0;
	return erfc(z / sqrt(2));
}

/* ---- Student ---- */

/* The incomplete beta function by its continued fraction (Lentz). */
static double beta_fraction(double a, double b, double x)
{
	const double tiny = 1e-300;
	double c = 1, d = 1 - (a + b) * x / (a + 1), h;

	d = 1 / (fabs(d) < tiny ? tiny : d);
	h = d;
	for (int i = 1; i <= 500; i++) {
		double k = i, up = k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k));
		double down = -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1)), step;

		d = 1 + up * d;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = 1 + up / c;
		c = fabs(c) < tiny ? tiny : c;
		h *= d * c;
		d = 1 + down * d;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = 1 + down / c;
		c = fabs(c) < tiny ? tiny : c;
		step = d * c;
		h *= step;
		if (fabs(step - 1) < 1e-16)
			break;
	}
	return h;
}

static double log_gamma(double x)
{
	int sign;

	return lgamma_r(x, &sign); /* lgamma writes a global */
}

static double beta_incomplete(double a, double b, double x)
{
	double front;

	if (x <= 0 || x >= 1)
		return x <= 0 ? 0 : 1;
	front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
	return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double stats_student_p(double t, double df)
{
	if (isnan(t) || !(df > 0))
		return NAN;
	if (isinf(t))
		return 0;
	return beta_incomplete(df / 2, 0.5, df / (df + t * t));
}

/* ---- many at once ---- */

struct indexed {
	double p;
	size_t at;
};

static int by_indexed(const void *a, const void *b)
{
	return by_value(&((const struct indexed *)a)->p, &((const struct indexed *)b)->p);
}

void stats_adjust(double *p, size_t n)
{
	auto_free struct indexed *x = xcalloc(n + 1, sizeof(*x));
	size_t k = 0;
	double least = 1;

	for (size_t i = 0; i < n; i++)
		if (!isnan(p[i]))
			x[k++] = (struct indexed){ p[i], i };
	qsort(x, k, sizeof(*x), by_indexed);
	for (size_t i = k; i-- > 0;) {
		double q = x[i].p * (double)k / (double)(i + 1);

		least = q < least ? q : least;
		p[x[i].at] = least;
	}
}

void stats_ratio_interval(const double *a, size_t n, const double *b, size_t m, double *low, double *high)
{
	auto_free double *ratio = xreallocarray(NULL, n * m + 1, sizeof(*ratio));
	double nm = (double)n * (double)m;
	double k = floor(nm / 2 - 2.576 * sqrt(nm * (double)(n + m + 1) / 12));
	size_t at = k < 1 ? 1 : (size_t)k;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < m; j++)
			ratio[i * m + j] = b[j] / a[i];
	stats_sort(ratio, n * m);
	*low = ratio[at - 1] - 1;
	*high = ratio[n * m - at] - 1;
}
