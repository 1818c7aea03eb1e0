/* SPDX-License-Identifier: Apache-2.0 */
/* result.c - result.json: what became of the loop, for machines. */
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/optimize/loop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void word(struct json *j, const char *key, const char *v)
{
	json_str(j, key, v && *v ? v : NULL);
}

static void real(struct json *j, const char *key, double v)
{
	json_fixed(j, key, v, 6);
}

static void tristate(struct json *j, const char *key, int v)
{
	if (v < 0)
		json_null(j, key);
	else
		json_bool(j, key, v != 0);
}

static void put_round(struct json *j, const struct optimize_round *r)
{
	json_line(j);
	json_object(j, NULL);
	json_int(j, "iteration", r->iteration);
	word(j, "run_id", r->run_id);
	word(j, "patch_artifact_id", r->patch_id);
	word(j, "apply_status", r->apply_status);
	word(j, "reason", r->reason);
	tristate(j, "correctness_passed", r->correct);
	tristate(j, "perf_improved", r->improved);
	word(j, "verdict", r->verdict);
	real(j, "change", r->change);
	json_object_end(j);
}

void loop_result_json(const struct loop *l, struct str *out)
{
	const struct optimize_state *s = &l->st;
	auto_free char *patch = loop_path(l, "best.patch");
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_str(&j, "run_id", s->run_id);
	json_str(&j, "goal", optimize_goal_text[s->goal]);
	word(&j, "baseline_run_id", s->baseline_run_id);
	word(&j, "best_run_id", s->best_run_id);
	json_int(&j, "iterations", s->iteration);
	word(&j, "stop_reason", optimize_stop_text[s->stop]);
	word(&j, "justification", s->justification);
	json_bool(&j, "confirmed", s->confirmed);
	real(&j, "change", s->change);
	json_str(&j, "best_patch", s->best_iteration && access(patch, F_OK) == 0 ? "best.patch" : NULL);
	json_object(&j, "budget_used");
	json_int(&j, "wall_ms", s->used.wall_ms);
	json_int(&j, "tokens", s->used.tokens);
	json_int(&j, "requests", s->used.requests);
	json_object_end(&j);
	json_object(&j, "sandbox");
	word(&j, "writes", s->sandbox_writes);
	word(&j, "network", s->sandbox_network);
	json_object_end(&j);
	json_array(&j, "results");
	for (size_t i = 0; i < s->n_rounds; i++)
		put_round(&j, &s->rounds[i]);
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}

int loop_result_write(const struct loop *l, struct err *e)
{
	auto_free char *path = loop_path(l, "result.json");
	auto_str out = STR_INIT;

	loop_result_json(l, &out);
	return file_write(path, str_cstr(&out), out.len, e);
}

int loop_exit_code(const struct loop *l)
{
	if (l->st.confirmed)
		return 0;
	return l->st.stop == STOP_BUDGET_TIME ? 124 : l->st.stop == STOP_GATEWAY_BLOCKED ? 2 : 1;
}
