/* SPDX-License-Identifier: Apache-2.0 */
/* What the status lines say of tests. */
#include "runner/proc/tests.h"

#include "base/clock.h"
#include "runner/ui/status.h"

/* A file or class that runs is shown only where none of its tests is. */
static size_t view_add(const struct tests *t, bool containers, struct status_view *v)
{
	for (size_t i = 0; i < t->n_running && v->n_tests < STATUS_TESTS_MAX; i++)
		if (t->running[i].container == containers)
			v->test[v->n_tests++] = (struct status_test){ t->running[i].name, t->running[i].start_ns };
	return v->n_tests;
}

void tests_view(const struct tests *t, struct status_view *v, struct str *after)
{
	const char *suite, *test;
	struct dialect_counts n;

	if (!t->reader || !dialect_current(t->reader))
		return;
	dialect_counts(t->reader, NULL, &n);
	v->noun = "tests";
	for (int i = 0; i < DIALECT_RESULTS; i++)
		v->done += n.done[i];
	v->failed = n.done[DIALECT_FAIL] + n.done[DIALECT_ERROR];
	v->skipped = n.done[DIALECT_SKIP];
	v->total = n.plan;
	v->running = n.running;
	if (!view_add(t, false, v))
		view_add(t, true, v);
	dialect_last(t->reader, &suite, &test);
	if (dialect_names_at_end(t->reader) && !v->n_tests && *test && !t->finished) {
		str_addf(after, "%s%s", suite, *suite ? "::" : "");
		str_add(after, test);
		v->after = str_cstr(after);
	}
}
