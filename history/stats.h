/* SPDX-License-Identifier: Apache-2.0 */
/* stats.h - statistics of samples. Pure; arrays are the caller's, and sorted only where that is said. */
#ifndef HISTORY_STATS_H
#define HISTORY_STATS_H

#include <stddef.h>

void stats_sort(double *v, size_t n);
/* Type 7 (linear), of a sorted sample; NaN where it is empty. */
double stats_quantile(const double *sorted, size_t n, double q);
/* Of an unsorted sample. */
double stats_median(const double *v, size_t n);

/* Two-sided Mann-Whitney: exact without ties up to 20 x 20, else normal with tie and continuity correction. */
double stats_mann_whitney(const double *a, size_t n, const double *b, size_t m);
/* Two-sided tail of Student's t with df degrees of freedom. */
double stats_student_p(double t, double df);
/* Benjamini-Hochberg: p[0..n) becomes adjusted, in place; NaN stays and does not count. */
void stats_adjust(double *p, size_t n);
/* Of all ratios b/a sorted, the k-th smallest and largest, minus 1; k = max(1, floor(nm/2 - 2.576 sqrt(nm(n+m+1)/12))). */
void stats_ratio_interval(const double *a, size_t n, const double *b, size_t m, double *low, double *high);

#endif
