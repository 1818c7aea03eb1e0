/* SPDX-License-Identifier: Apache-2.0 */
#include "history/lineage.h"

#include "base/mem.h"
#include "history/stats.h"
#include "history/view.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 1024 /* of one metric of a run */

/* Of a loop: what its candidates were measured against. */
static int of_candidates(struct store *s, const char *run_id, struct lineage *l, struct err *e)
{
	return store_one_text(
		s, &l->baseline, e,
		"SELECT v.baseline_run_id FROM evaluations v JOIN runs r ON r.run_id ="
		" v.run_id WHERE r.parent_run_id = ? AND v.baseline_run_id IS NOT NULL ORDER BY v.iteration DESC"
		" LIMIT 1",
		"t", run_id);
}

static int of_lane(struct store *s, const char *run_id, struct lineage *l, struct err *e)
{
	return store_one_text(
		s, &l->baseline, e,
		"SELECT b.run_id FROM runs r JOIN runs b ON b.workload_id = r.workload_id"
		" AND b.device_id = r.device_id AND COALESCE(b.branch, '') = COALESCE(r.branch, '') AND b.kind = r.kind"
		" AND b.status = 'succeeded' AND (b.created_at < r.created_at OR (b.created_at = r.created_at AND"
		" b.run_id < r.run_id)) WHERE r.run_id = ? ORDER BY b.created_at DESC, b.run_id DESC LIMIT 1",
		"t", run_id);
}

int lineage_read(struct store *s, const char *run_id, struct lineage *l, struct err *e)
{
	memset(l, 0, sizeof(*l));
	if (store_one_text(s, &l->baseline, e,
			   "SELECT baseline_run_id FROM evaluations WHERE run_id = ? AND"
			   " baseline_run_id IS NOT NULL ORDER BY iteration DESC LIMIT 1",
			   "t", run_id) < 0 ||
	    store_one_text(s, &l->deltas, e,
			   "SELECT delta_metrics_json FROM evaluations WHERE run_id = ? ORDER BY"
			   " iteration DESC LIMIT 1",
			   "t", run_id) < 0 ||
	    (!l->baseline && of_candidates(s, run_id, l, e) < 0) ||
	    store_one_text(s, &l->best, e,
			   "SELECT run_id FROM evaluations WHERE perf_improved = 1 AND baseline_run_id = ?"
			   " ORDER BY iteration DESC LIMIT 1",
			   "t", l->baseline ? l->baseline : run_id) < 0 ||
	    (!l->baseline && of_lane(s, run_id, l, e) < 0)) {
		lineage_release(l);
		return -1;
	}
	return 0;
}

void lineage_release(struct lineage *l)
{
	free(l->baseline);
	free(l->best);
	free(l->deltas);
	memset(l, 0, sizeof(*l));
}

/* ---- metrics of one against those of another ---- */

struct values {
	char metric[128], unit[32];
	double v[2][VALUES_MAX];
	size_t n[2];
};

static void flush(struct values *w, struct deltas *d)
{
	double base, value;

	if (w->n[0] && w->n[1]) {
		base = stats_median(w->v[0], w->n[0]);
		value = stats_median(w->v[1], w->n[1]);
		d->v = xreallocarray(d->v, d->n + 1, sizeof(*d->v));
		d->v[d->n++] = (struct delta){ xstrdup(w->metric), xstrdup(w->unit), base, value,
					       base != 0 ? value / base - 1 : (double)NAN };
	}
	w->n[0] = w->n[1] = 0;
}

int deltas_read(struct store *s, const char *base_run, const char *run_id, struct deltas *d, struct err *e)
{
	auto_query *q =
		query_new(s,
			  "SELECT metric_name, run_id, value, unit FROM metrics WHERE (run_id = ? OR run_id = ?)"
			  " AND tags_json = '{}' ORDER BY metric_name, unit, run_id, value",
			  e);
	auto_free struct values *w = xcalloc(1, sizeof(*w));
	int rc;

	memset(d, 0, sizeof(*d));
	if (!q)
		return -1;
	query_bind(q, "tt", base_run, run_id);
	while ((rc = query_step(q, e)) == 1) {
		int side = strcmp(query_text(q, 1), run_id) == 0;

		if (strcmp(w->metric, query_text(q, 0)) != 0 || strcmp(w->unit, query_text(q, 3)) != 0)
			flush(w, d);
		snprintf(w->metric, sizeof(w->metric), "%s", query_text(q, 0));
		snprintf(w->unit, sizeof(w->unit), "%s", query_text(q, 3));
		if (w->n[side] < VALUES_MAX)
			w->v[side][w->n[side]++] = query_real(q, 2);
	}
	flush(w, d);
	return rc;
}

void deltas_release(struct deltas *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].metric);
		free(d->v[i].unit);
	}
	free(d->v);
	memset(d, 0, sizeof(*d));
}

void deltas_write(const struct deltas *d, struct json *j, const char *key)
{
	json_object(j, key);
	for (size_t i = 0; i < d->n; i++) {
		json_object(j, d->v[i].metric);
		view_real(j, "base", d->v[i].base);
		view_real(j, "candidate", d->v[i].value);
		view_real(j, "change", d->v[i].change);
		json_str(j, "unit", d->v[i].unit);
		json_object_end(j);
	}
	json_object_end(j);
}
