/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/sample/pairs.h"

#include <stdlib.h>

static int by_start(const void *a, const void *b)
{
	const struct pair_life *x = a, *y = b;

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Did the process live while its test ran? A short one may have ended before the line that names it was heard of. */
static bool lives_fit(const struct pair_life *p, const struct pair_life *t, int64_t late_ns)
{
	int64_t from = p->start_ns > t->start_ns ? p->start_ns : t->start_ns;
	int64_t to = p->end_ns < t->end_ns ? p->end_ns : t->end_ns;
	int64_t lived = p->end_ns - p->start_ns, ran = t->end_ns - t->start_ns;
	int64_t shorter = lived < ran ? lived : ran, longer = lived < ran ? ran : lived;

	if (to - from < shorter / 2 && from - to > late_ns)
		return false;
	return longer - shorter <= 2 * late_ns + longer / 2;
}

bool pairs_fit(struct pair_life *processes, size_t process_count, struct pair_life *tests, size_t test_count,
	       int64_t late_ns)
{
	if (process_count != test_count || !test_count)
		return false;
	qsort(processes, process_count, sizeof(*processes), by_start);
	qsort(tests, test_count, sizeof(*tests), by_start);
	for (size_t i = 0; i < test_count; i++)
		if (!lives_fit(&processes[i], &tests[i], late_ns))
			return false;
	return true;
}
