/* SPDX-License-Identifier: Apache-2.0 */
/* actions.c - findings joined to the actions of the source code that lead to their places: a hang in a function is also a
 * hang of whatever calls it. */
#include "base/mem.h"
#include "findings/report.h"

#include <stdlib.h>
#include <string.h>

#define ACTIONS_SHOWN 3

static void action_join(struct finding *x, const struct fact_row *r, bool first)
{
	static const enum fact_col columns[] = { FC_ACTION_name, FC_ACTION_path, FC_ACTION_load };

	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
		auto_free char *name = xasprintf("action.%s", fact_columns[columns[i]].name);

		finding_add_evidence(x, name, columns[i], fact_get(r, columns[i]), r);
	}
	if (first) {
		/* "; " as between the waits of a ring, which reports show line by line */
		char *more = xasprintf("%s; on action %s (%s)", x->summary, fact_text(r, FC_ACTION_name),
				       fact_text(r, FC_ACTION_path));

		free(x->summary);
		x->summary = more;
	}
}

static int by_distance(const void *a, const void *b)
{
	const struct fact_row *x = *(const struct fact_row *const *)a, *y = *(const struct fact_row *const *)b;
	int64_t d = fact_int(x, FC_ACTION_distance, 0) - fact_int(y, FC_ACTION_distance, 0);

	return d ? (d > 0) - (d < 0) : strcmp(fact_text(x, FC_ACTION_name), fact_text(y, FC_ACTION_name));
}

void report_actions(const struct facts *f, struct findings *found)
{
	const struct fact_table *t = &f->table[FACT_ACTION];
	auto_free const struct fact_row **rows = xcalloc(t->n + 1, sizeof(*rows));

	for (size_t i = 0; i < found->n; i++) {
		struct finding *x = found->v[i];
		size_t n = 0;

		for (size_t k = 0; x->location && k < t->n; k++)
			if (strcmp(fact_text(t->rows[k], FC_ACTION_place), x->location) == 0)
				rows[n++] = t->rows[k];
		qsort(rows, n, sizeof(*rows), by_distance);
		for (size_t k = 0; k < n && k < ACTIONS_SHOWN; k++)
			action_join(x, rows[k], k == 0);
	}
}
