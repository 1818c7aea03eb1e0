/* SPDX-License-Identifier: Apache-2.0 */
/* state.c - RunState as JSON: what loop_states holds, and what a resumed loop begins with. */
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/value.h"
#include "optimize/step.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_word(struct json *j, const char *key, const char *v)
{
	json_str(j, key, *v ? v : NULL);
}

static void put_real(struct json *j, const char *key, double v)
{
	json_fixed(j, key, v, 6);
}

static void put_tristate(struct json *j, const char *key, int v)
{
	if (v < 0)
		json_null(j, key);
	else
		json_bool(j, key, v != 0);
}

static void put_round(struct json *j, const struct optimize_round *r)
{
	json_object(j, NULL);
	json_int(j, "iteration", r->iteration);
	put_word(j, "run_id", r->run_id);
	put_word(j, "patch_artifact_id", r->patch_id);
	put_word(j, "apply_status", r->apply_status);
	put_word(j, "reason", r->reason);
	put_word(j, "commit", r->commit);
	put_word(j, "tree", r->tree);
	put_word(j, "model_id", r->model);
	put_tristate(j, "correctness_passed", r->correct);
	put_tristate(j, "perf_improved", r->improved);
	put_word(j, "verdict", r->verdict);
	put_real(j, "change", r->change);
	json_bool(j, "confirmed", r->confirmed);
	json_object_end(j);
}

static int64_t rest(int64_t limit, int64_t used)
{
	return used < limit ? limit - used : 0;
}

static void put_budget(struct json *j, const char *key, struct optimize_budget b)
{
	json_object(j, key);
	json_int(j, "wall_ms", b.wall_ms);
	json_int(j, "tokens", b.tokens);
	json_int(j, "requests", b.requests);
	json_object_end(j);
}

void optimize_state_write(const struct optimize_state *s, const struct optimize_limits *l, const char *log_json,
			  struct str *out)
{
	struct optimize_budget left = { rest(l->budget.wall_ms, s->used.wall_ms), rest(l->budget.tokens, s->used.tokens),
					rest(l->budget.requests, s->used.requests) };
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_str(&j, "run_id", s->run_id);
	json_int(&j, "iteration", s->iteration);
	put_word(&j, "baseline_run_id", s->baseline_run_id);
	put_word(&j, "best_run_id", s->best_run_id);
	put_word(&j, "current_patch_id", s->current_patch_id);
	json_array(&j, "selected_hotspots");
	for (size_t i = 0; i < s->selected_hotspots.n; i++)
		json_str(&j, NULL, s->selected_hotspots.v[i]);
	json_array_end(&j);
	put_word(&j, "evidence_pack_id", s->evidence_pack_id);
	put_word(&j, "stop_reason", optimize_stop_text[s->stop]);
	put_budget(&j, "budget_remaining", left);
	put_budget(&j, "budget_used", s->used);
	json_str(&j, "goal", optimize_goal_text[s->goal]);
	put_word(&j, "best_tree", s->best_iteration && optimize_round_of(s, s->best_iteration) ?
				  optimize_round_of(s, s->best_iteration)->tree : s->baseline_tree);
	json_int(&j, "improvements", s->improvements);
	json_int(&j, "regressions", s->regressions);
	json_int(&j, "since_best", s->since_best);
	json_object(&j, "sandbox");
	put_word(&j, "writes", s->sandbox_writes);
	put_word(&j, "network", s->sandbox_network);
	json_object_end(&j);
	json_str(&j, "next", optimize_node_text[s->node]);
	json_str(&j, "justification", s->justification);
	put_word(&j, "strategy", s->strategy);
	json_int(&j, "best_iteration", s->best_iteration);
	json_int(&j, "unanswered", s->unanswered);
	put_word(&j, "baseline_commit", s->baseline_commit);
	put_word(&j, "baseline_tree", s->baseline_tree);
	json_bool(&j, "confirmed", s->confirmed);
	put_word(&j, "confirmed_verdict", s->confirmed_verdict);
	put_real(&j, "change", s->change);
	put_real(&j, "rate", s->rate);
	json_int(&j, "seq", s->seq);
	json_array(&j, "rounds");
	for (size_t i = 0; i < s->n_rounds; i++)
		put_round(&j, &s->rounds[i]);
	json_array_end(&j);
	if (log_json)
		json_raw(&j, "log", log_json, strlen(log_json));
	json_object_end(&j);
	json_finish(&j);
}

/* ---- back ---- */

#define TAKE(v, key, field) take_word(v, key, field, sizeof(field))

static void take_word(const struct json_value *v, const char *key, char *out, size_t size)
{
	const char *s = json_get_text(v, key);

	snprintf(out, size, "%s", s ? s : "");
}

static int take_tristate(const struct json_value *v, const char *key)
{
	const struct json_value *m = json_get(v, key);

	return !m ? -1 : m->kind == JSON_TRUE ? 1 : m->kind == JSON_FALSE ? 0 : -1;
}

static int take_index(const struct json_value *v, const char *key, const char *const words[])
{
	const char *s = json_get_text(v, key);
	int at = value_word(s ? s : "", words);

	return at < 0 ? 0 : at;
}

static void take_round(struct optimize_state *s, const struct json_value *v)
{
	struct optimize_round *r = optimize_round_add(s);

	r->iteration = json_get_int(v, "iteration", 0);
	TAKE(v, "run_id", r->run_id);
	TAKE(v, "patch_artifact_id", r->patch_id);
	TAKE(v, "apply_status", r->apply_status);
	TAKE(v, "reason", r->reason);
	TAKE(v, "commit", r->commit);
	TAKE(v, "tree", r->tree);
	TAKE(v, "model_id", r->model);
	r->correct = take_tristate(v, "correctness_passed");
	r->improved = take_tristate(v, "perf_improved");
	TAKE(v, "verdict", r->verdict);
	r->change = json_get_number(v, "change", NAN);
	r->confirmed = take_tristate(v, "confirmed") == 1;
}

static void take_state(struct optimize_state *s, const struct json_value *v)
{
	const struct json_value *used = json_get(v, "budget_used"), *box = json_get(v, "sandbox"), *list;
	const char *justification = json_get_text(v, "justification");

	TAKE(v, "run_id", s->run_id);
	s->iteration = json_get_int(v, "iteration", 0);
	TAKE(v, "baseline_run_id", s->baseline_run_id);
	TAKE(v, "best_run_id", s->best_run_id);
	TAKE(v, "current_patch_id", s->current_patch_id);
	TAKE(v, "evidence_pack_id", s->evidence_pack_id);
	s->stop = (enum optimize_stop)take_index(v, "stop_reason", optimize_stop_text);
	s->used = (struct optimize_budget){ json_get_int(used, "wall_ms", 0), json_get_int(used, "tokens", 0),
					    json_get_int(used, "requests", 0) };
	s->goal = (enum optimize_goal)take_index(v, "goal", optimize_goal_text);
	s->improvements = json_get_int(v, "improvements", 0);
	s->regressions = json_get_int(v, "regressions", 0);
	s->since_best = json_get_int(v, "since_best", 0);
	TAKE(box, "writes", s->sandbox_writes);
	TAKE(box, "network", s->sandbox_network);
	s->node = (enum optimize_node)take_index(v, "next", optimize_node_text);
	s->justification = justification ? xstrdup(justification) : NULL;
	TAKE(v, "strategy", s->strategy);
	s->best_iteration = json_get_int(v, "best_iteration", 0);
	s->unanswered = json_get_int(v, "unanswered", 0);
	TAKE(v, "baseline_commit", s->baseline_commit);
	TAKE(v, "baseline_tree", s->baseline_tree);
	s->confirmed = take_tristate(v, "confirmed") == 1;
	TAKE(v, "confirmed_verdict", s->confirmed_verdict);
	s->change = json_get_number(v, "change", NAN);
	s->rate = json_get_number(v, "rate", NAN);
	s->seq = json_get_int(v, "seq", 0);
	list = json_get(v, "selected_hotspots");
	if (list && list->kind == JSON_ARRAY)
		json_each(h, list)
			if (h->kind == JSON_STRING)
				strv_add(&s->selected_hotspots, h->text);
	list = json_get(v, "rounds");
	if (list && list->kind == JSON_ARRAY)
		json_each(r, list)
			take_round(s, r);
}

int optimize_state_read(struct optimize_state *s, const char *text, size_t n, struct err *e)
{
	struct json_reader *in = json_reader_text(text, n, "state of the loop");
	const struct json_value *v;
	int rc = json_take(in, &v, e);

	optimize_state_init(s);
	if (rc == 0 && v->kind != JSON_OBJECT)
		rc = err_set(e, ERR_FAILURE, "the state of the loop is not an object");
	if (rc == 0)
		take_state(s, v);
	json_reader_free(in);
	if (rc == 0 && s->node == NODE_NONE)
		rc = err_set(e, ERR_FAILURE, "the state of the loop names no node");
	return rc;
}
