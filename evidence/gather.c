/* SPDX-License-Identifier: Apache-2.0 */
/* gather.c - the order of gathering, and what its parts share. */
#include "evidence/gather.h"

#include "base/mem.h"
#include "base/path.h"

#include <string.h>
#include <sys/stat.h>

struct fact_row *gather_single(struct facts *f, enum fact_kind kind)
{
	if (f->table[kind].n)
		return f->table[kind].rows[0];
	return fact_add(f, kind, GATHER_TRACE_NAME, "");
}

struct fact_row *gather_find(const struct facts *f, enum fact_col col, int64_t a)
{
	const struct fact_table *t = &f->table[fact_columns[col].kind];

	for (size_t i = 0; i < t->n; i++)
		if (fact_int(t->rows[i], col, INT64_MIN) == a)
			return t->rows[i];
	return NULL;
}

int gather(struct facts *f, const char *trace, const char *const raw_dirs[], struct err *e)
{
	struct fact_row *run;
	const char *run_id;

	if (gather_trace(f, trace, e) < 0)
		return -1;
	run = gather_single(f, FACT_RUN);
	run_id = fact_text(run, FC_RUN_run_id);
	for (size_t i = 0; raw_dirs[i] && *run_id && !strchr(run_id, '/'); i++) {
		auto_free char *dir = path_join(raw_dirs[i], run_id);
		struct stat st;

		if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode))
			continue;
		if (gather_raw(f, dir, run_id, e) < 0)
			return -1;
		break;
	}
	gather_output(f);
	gather_adopt(f);
	gather_derive(f);
	gather_tests(f);
	facts_sort(f);
	return 0;
}
