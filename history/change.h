/* SPDX-License-Identifier: Apache-2.0 */
/* change.h - points in a series of numbers at which it changed for good. Pure.
 *
 * hunter: as Apache Otava computes it (e-divisive in windows, t-tests with the deviations of the population, merging of
 * weak points), its order of steps included. robust: spikes damped, logarithm, hunter, then each point must be
 * believed by a rank test on the raw values: durations of CI have spikes that hunter alone takes for changes. */
#ifndef HISTORY_CHANGE_H
#define HISTORY_CHANGE_H

#include <stdbool.h>
#include <stddef.h>

struct change_options {
	size_t window;             /* hunter: 50 */
	double max_p;              /* hunter: 0.001 */
	double min_magnitude;      /* hunter: 0 */
	double min_effect;         /* robust: smaller |ratio of medians - 1| is dropped */
	double min_difference;     /* robust: so is a smaller difference of medians; 0 none */
};

struct change {
	size_t index;              /* the first value after it */
	double before, after;      /* hunter: means of the segments beside it; robust: their medians */
	double p;
};

/* Appends to a list that the caller frees: *list of *n. In order of index. */
void change_hunter(const double *v, size_t n, const struct change_options *o, struct change **list, size_t *n_list);
void change_robust(const double *v, size_t n, const struct change_options *o, struct change **list, size_t *n_list);

#endif
