/* SPDX-License-Identifier: Apache-2.0 */
#include "history/flags.h"

#include "base/json_read.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "history/lineage.h"

#include <string.h>

static int put(struct store *s, const char *run_id, const char *metric, const char *verdict, const char *base,
	       struct err *e)
{
	bool regressed = strcmp(verdict, compare_verdict_text[COMPARE_REGRESSED]) == 0;
	auto_str tags = STR_INIT;
	struct json j;

	json_init(&j, &tags);
	json_object(&j, NULL);
	json_str(&j, "metric", metric);
	json_str(&j, "verdict", verdict);
	json_str(&j, "base", base);
	json_object_end(&j);
	json_finish(&j);
	return store_run(
		s, e,
		"INSERT INTO metrics (run_id, scope, metric_name, value, unit, tags_json) SELECT run_id,"
		" 'process', 'regression_flags', ?, 'flag', ? FROM runs WHERE run_id = ? AND NOT EXISTS (SELECT 1 FROM"
		" metrics m WHERE m.run_id = runs.run_id AND m.metric_name = 'regression_flags' AND m.tags_json = ?)",
		"rttt", regressed ? 1.0 : 0.0, str_cstr(&tags), run_id, str_cstr(&tags));
}

static bool is_worth_a_flag(const struct compare_result *r)
{
	const struct compare_metric *m = r->candidate;

	if (!m || r->verdict == COMPARE_INSUFFICIENT)
		return false;
	return !m->is_test || r->verdict == COMPARE_REGRESSED || r->verdict == COMPARE_IMPROVED;
}

int flags_of_comparison(struct store *s, const struct comparison *c, const struct compare_side *base,
			const struct compare_side *candidate, struct err *e)
{
	if (store_begin(s, e) < 0)
		return -1;
	for (size_t i = 0; i < c->n; i++)
		for (size_t k = 0; is_worth_a_flag(&c->v[i]) && k < candidate->runs.n; k++)
			if (put(s, candidate->runs.v[k], c->v[i].candidate->name, compare_verdict_text[c->v[i].verdict],
				base->words, e) < 0) {
				store_rollback(s);
				return -1;
			}
	return store_commit(s, e);
}

static int put_evaluated(struct store *s, const char *run_id, const struct lineage *l, struct err *e)
{
	struct json_reader *in = json_reader_text(l->deltas, strlen(l->deltas), "delta_metrics_json");
	const struct json_value *v;
	struct err ignored = { 0 };
	int rc = store_begin(s, e);

	if (rc == 0 && json_take(in, &v, &ignored) == 0 && v->kind == JSON_OBJECT)
		json_each (m, v) {
			const char *verdict = m->kind == JSON_OBJECT ? json_get_text(m, "verdict") : NULL;

			if (rc == 0 && verdict)
				rc = put(s, run_id, m->key, verdict, l->baseline, e);
		}
	json_reader_free(in);
	if (rc == 0)
		return store_commit(s, e);
	store_rollback(s);
	return -1;
}

int flags_of_evaluation(struct store *s, const char *run_id, struct err *e)
{
	struct lineage l;
	int rc = lineage_read(s, run_id, &l, e);

	if (rc == 0 && l.deltas)
		rc = put_evaluated(s, run_id, &l, e);
	if (rc == 0)
		lineage_release(&l);
	return rc;
}
