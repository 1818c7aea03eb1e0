/* SPDX-License-Identifier: Apache-2.0 */
/* pack.c - what the next candidate is made from: the evidence pack of the last candidate that hung, else of the best, else
 * of the baseline or of the run that the user named. */
#include "base/mem.h"
#include "history/evidence_pack.h"
#include "runner/optimize/nodes.h"

#include <stdlib.h>
#include <string.h>

static int pack_of(struct loop *l, const char *run_id, bool named, struct str *out, struct err *e)
{
	struct history_settings settings = l->o->history;
	struct pack_request q = { .s = l->s, .settings = &settings, .redactor = l->redactor, .root = l->repo.top };
	struct err why = { 0 };
	int rc;

	if (!run_id || !*run_id)
		return 1;
	if (!named)
		settings.finding = settings.symbol = NULL;
	str_reset(out);
	rc = pack_write(&q, run_id, out, &why);
	if (rc < 0)
		*e = why;
	return rc;
}

/* The last iteration's candidate, if spec-runner found something of it. */
static int last_found(struct loop *l, const char **run_id, struct err *e)
{
	int64_t n = 0;

	*run_id = NULL;
	if (l->st.n_rounds < 2 || !l->st.rounds[l->st.n_rounds - 2].run_id[0])
		return 0;
	*run_id = l->st.rounds[l->st.n_rounds - 2].run_id;
	if (store_one_int(l->s, &n, 0, e, "SELECT COUNT(*) FROM findings WHERE run_id = ? AND pattern_id LIKE 'hang.%'", "t",
			  *run_id) < 0)
		return -1;
	if (!n)
		*run_id = NULL;
	return 0;
}

int pack_make(struct loop *l, struct str *out, struct err *e)
{
	const char *hung;
	int rc = last_found(l, &hung, e);

	if (rc == 0)
		rc = pack_of(l, hung, false, out, e);
	if (rc == 1)
		rc = pack_of(l, l->o->optimize.baseline_run_id, true, out, e);
	if (rc == 1)
		rc = pack_of(l, l->st.best_run_id, true, out, e);
	if (rc == 1)
		rc = pack_of(l, l->st.best_run_id, false, out, e);
	return rc == 1 ? pack_of(l, l->st.baseline_run_id, false, out, e) : rc;
}

int pack_hotspots(struct loop *l, struct strv *out, struct err *e)
{
	const char *const runs[] = { l->st.best_run_id, l->o->optimize.baseline_run_id, l->st.baseline_run_id };
	int rc = 0;

	for (size_t i = 0; rc == 0 && out->n == 0 && i < sizeof(runs) / sizeof(runs[0]); i++) {
		auto_query *q = runs[i] ? query_new(l->s,
			"SELECT symbol FROM hotspots WHERE run_id = ? AND ranker = 'funcrank'"
						    " ORDER BY rank, symbol LIMIT ?", e) : NULL;

		if (!q && runs[i])
			return -1;
		if (!q)
			continue;
		query_bind(q, "ti", runs[i], l->setup.loop.top);
		while ((rc = query_step(q, e)) == 1)
			strv_add(out, query_text(q, 0));
	}
	return rc;
}
