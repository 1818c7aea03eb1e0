/* SPDX-License-Identifier: Apache-2.0 */
/* dataset.c - (evidence, diff, what it changed) of every candidate that was worth it, a JSON line each. The same store gives
 * the same bytes. */
#include "base/json_read.h"
#include "base/json_scan.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "optimize/step.h"
#include "runner/optimize/loop.h"
#include "history/artifact.h"

#include <stdlib.h>
#include <string.h>

struct line {
	struct store *s;
	struct redactor *r;
	struct str *out;
};

static void text_of(const struct line *x, const char *artifact_id, struct str *out)
{
	struct err ignored = { 0 };
	char *path = NULL, *text = NULL;
	size_t n;

	if (artifact_id && *artifact_id &&
	    store_one_text(x->s, &path, &ignored, "SELECT path FROM artifacts WHERE artifact_id = ?", "t",
	    artifact_id) == 1 &&
	    artifact_read(store_dir(x->s), path, &text, &n, &ignored) == 0)
		redact_text(x->r, text, n, out);
	free(path);
	free(text);
}

static void put_json(struct json *j, const char *key, const struct str *text)
{
	if (text->len && json_scan_value(text->data, text->len))
		json_raw(j, key, text->data, text->len);
	else
		json_null(j, key);
}

static void put_word(struct json *j, const char *key, const char *v)
{
	json_str(j, key, v && *v ? v : NULL);
}

/* q: iteration, candidate, baseline, delta, verdict, correct, improved, diff id, uri, rev. */
static void write_line(const struct line *x, struct query *q, const char *loop_run, const char *pack_id, bool confirmed,
		       const char *model)
{
	auto_str pack = STR_INIT, diff = STR_INIT, delta = STR_INIT;
	struct json j;

	text_of(x, pack_id, &pack);
	text_of(x, query_text(q, 7), &diff);
	str_add(&delta, query_text(q, 3) ? query_text(q, 3) : "");
	while (pack.len && (pack.data[pack.len - 1] == '\n'))
		pack.data[--pack.len] = '\0';
	json_init(&j, x->out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_str(&j, "run_id", loop_run);
	json_int(&j, "iteration", query_int(q, 0));
	put_word(&j, "baseline_run_id", query_text(q, 2));
	put_word(&j, "improved_run_id", query_text(q, 1));
	put_json(&j, "evidence_pack", &pack);
	json_strn(&j, "diff", str_cstr(&diff), diff.len);
	put_json(&j, "delta_metrics", &delta);
	put_word(&j, "verdict", query_text(q, 4));
	json_bool(&j, "correctness_passed", query_int(q, 5) != 0);
	json_bool(&j, "perf_improved", query_int(q, 6) != 0);
	json_bool(&j, "confirmed", confirmed);
	put_word(&j, "model_id", model);
	put_word(&j, "repo_uri", query_text(q, 8));
	put_word(&j, "repo_rev", query_text(q, 9));
	json_object_end(&j);
	json_finish(&j);
	str_addc(x->out, '\n');
}

/* The pack of an iteration, out of the state that its node left. */
static int pack_of(struct store *s, const char *loop_run, int64_t iteration, char **id, struct err *e)
{
	struct optimize_state st;
	char *text = NULL;
	int rc = store_one_text(s, &text, e,
				"SELECT state_json FROM loop_states WHERE run_id = ? AND iteration = ? AND node = ?",
				"tit", loop_run, iteration, optimize_node_text[NODE_PACK]);

	*id = NULL;
	if (rc == 1 && text && optimize_state_read(&st, text, strlen(text), e) == 0) {
		*id = xstrdup(st.evidence_pack_id);
		optimize_state_release(&st);
	}
	free(text);
	return rc < 0 ? -1 : 0;
}

/* The last state of a loop. 1: it has none. */
static int last_state(struct store *s, const char *loop_run, struct optimize_state *st, struct err *e)
{
	auto_query *q = query_new(s, "SELECT state_json FROM loop_states WHERE run_id = ? ORDER BY iteration DESC", e);
	int64_t seq = -1;
	int rc;

	optimize_state_init(st);
	if (!q)
		return -1;
	query_bind(q, "t", loop_run);
	while ((rc = query_step(q, e)) == 1) {
		struct optimize_state one;

		if (optimize_state_read(&one, query_text(q, 0), strlen(query_text(q, 0)), e) < 0)
			return -1;
		if (one.seq > seq) {
			optimize_state_release(st);
			*st = one;
			seq = one.seq;
		} else {
			optimize_state_release(&one);
		}
	}
	return rc < 0 ? -1 : seq < 0;
}

int dataset_lines(struct store *s, struct redactor *r, const char *loop_run, bool all, struct str *out, struct err *e)
{
	auto_query *q = query_new(s, "SELECT v.iteration, v.run_id, v.baseline_run_id, v.delta_metrics_json, v.verdict,"
				  " v.correctness_passed, v.perf_improved, p.diff_artifact_id, r.repo_uri,"
				  " r.repo_rev FROM evaluations v JOIN runs r ON r.run_id = v.run_id LEFT JOIN"
				  " patches p ON p.run_id = r.parent_run_id AND p.iteration = v.iteration WHERE"
				  " r.parent_run_id = ? AND (? = 1 OR (v.correctness_passed = 1 AND v.perf_improved"
				  " = 1))"
				  " ORDER BY v.iteration, v.run_id", e);
	const struct line x = { s, r, out };
	struct optimize_state st;
	int rc = q ? last_state(s, loop_run, &st, e) : -1;

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	query_bind(q, "ti", loop_run, (int64_t)all);
	while ((rc = query_step(q, e)) == 1) {
		const struct optimize_round *round = optimize_round_of(&st, query_int(q, 0));
		auto_free char *pack = NULL;

		if (pack_of(s, loop_run, query_int(q, 0), &pack, e) < 0) {
			rc = -1;
			break;
		}
		write_line(&x, q, loop_run, pack, round && round->confirmed, round ? round->model : NULL);
	}
	optimize_state_release(&st);
	return rc < 0 ? -1 : 0;
}
