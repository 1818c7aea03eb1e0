/* SPDX-License-Identifier: Apache-2.0 */
/* triage.c - which of the failing checks are broken, which stall, which are flaky? The failing ones
 * are run again, each alone, and recorded at level detailed (contract 8). Whatever comes of it, the
 * step stays failed. */
#include "base/env.h"
#include "base/mem.h"
#include "base/value.h"
#include "runner/gate/gate.h"

#include <string.h>

#define TRIAGE_RETRIES_MAX 20

int triage_setup(struct gate *g, struct err *e)
{
	const char *enabled = env_get(g->envp, "SPEC_GOV_TRIAGE_ENABLED");
	const char *retries = env_get(g->envp, "SPEC_GOV_TRIAGE_MAX_RETRIES");
	int64_t n = 1;

	g->triage_enabled = true;
	if (enabled && *enabled && !value_bool(enabled, &g->triage_enabled))
		return err_set(e, ERR_USAGE, "SPEC_GOV_TRIAGE_ENABLED '%s': expected 1 or 0", enabled);
	if (retries && *retries && (!value_int(retries, &n) || n < 0 || n > TRIAGE_RETRIES_MAX))
		return err_set(e, ERR_USAGE, "SPEC_GOV_TRIAGE_MAX_RETRIES '%s': expected a number from 0 to %d", retries,
			       TRIAGE_RETRIES_MAX);
	g->triage_max = (unsigned)n;
	return 0;
}

static struct triage_row *row_of(struct gate *g, const char *case_id)
{
	for (size_t i = 0; i < g->triage_count; i++)
		if (strcmp(g->triage[i].case_id, case_id) == 0)
			return &g->triage[i];
	return NULL;
}

/* What failed in the whole set becomes the list. */
static void failures_note(struct gate *g)
{
	for (size_t i = 0; i < g->triage_count; i++) { /* of an earlier governance step */
		mem_free_ptr(&g->triage[i].check);
		mem_free_ptr(&g->triage[i].case_id);
		mem_free_ptr(&g->triage[i].first);
		strv_release(&g->triage[i].reruns);
	}
	g->triage_count = 0;
	for (uint32_t i = 0; i < g->session.count; i++) {
		const struct spec_case *c = case_work_case(g->session.work, i);
		struct case_outcome o;

		case_work_outcome(g->session.work, i, &o);
		if (o.result == CASE_PASS || o.result == CASE_FLAKY)
			continue;
		g->triage = xreallocarray(g->triage, g->triage_count + 1, sizeof(*g->triage));
		g->triage[g->triage_count++] = (struct triage_row){
			.check = xstrdup(c->check), .case_id = xstrdup(c->id),
			.first = xstrdup(case_result_text[o.result]),
			.verdict = o.result == CASE_ENDED ? "stalled" : "broken",
		};
	}
}

/* Opens a session of those that have not passed yet. */
static bool round_open(struct gate *g, struct gate_row *row)
{
	struct err e = { 0 };

	strv_release(&g->triage_ids);
	for (size_t i = 0; i < g->triage_count; i++)
		if (strcmp(g->triage[i].verdict, "flaky") != 0)
			strv_add(&g->triage_ids, g->triage[i].case_id);
	if (!g->triage_ids.n || g->triage_round >= g->triage_max)
		return false;
	g->triage_round++;
	case_session_close(&g->session);
	g->session_open = false;
	if (gate_session_open(g, row, &g->triage_ids, &e) < 0) {
		if (g->failure.kind == ERR_NONE)
			g->failure = e;
		return false;
	}
	return true;
}

bool triage_begin(struct gate *g, struct gate_row *row)
{
	failures_note(g);
	g->triage_round = 0;
	g->in_flight = 0;
	if (!g->triage_enabled)
		return false;
	row->triage_attempted = true;
	row->triage_mode = "broad";
	g->triaging = true;
	gate_event(g, CP_GATE_TRIAGE_START, row->step->name, g->now_ns);
	if (trace_level(g->trace) < LEVEL_DETAILED)
		trace_set_level(g->trace, LEVEL_DETAILED);
	if (!round_open(g, row))
		return false;
	/* a step that selects by prefix never ran the whole set */
	row->triage_mode = row->step->check_prefix.n || row->step->exclude_check_prefix.n ? "targeted" : "both";
	return true;
}

bool triage_next_round(struct gate *g, struct gate_row *row)
{
	return round_open(g, row);
}

void triage_absorb(struct gate *g)
{
	for (uint32_t i = 0; i < g->session.count; i++) {
		struct triage_row *t = row_of(g, case_work_case(g->session.work, i)->id);
		struct case_outcome o;

		case_work_outcome(g->session.work, i, &o);
		if (!t)
			continue;
		strv_add(&t->reruns, case_result_text[o.result]);
		if (o.result == CASE_PASS || o.result == CASE_FLAKY)
			t->verdict = "flaky";
		else if (o.result == CASE_ENDED)
			t->verdict = "stalled";
		else if (strcmp(t->first, case_result_text[CASE_ENDED]) != 0)
			t->verdict = "broken";
	}
}

static void triage_tell(struct gate *g)
{
	auto_str text = STR_INIT;

	for (size_t i = 0; i < g->triage_count; i++)
		str_addf(&text, "triage: %s (%s): %s\n", g->triage[i].case_id, g->triage[i].check, g->triage[i].verdict);
	if (g->session_open)
		case_session_say(&g->session, str_cstr(&text));
}

void triage_finish(struct gate *g, struct gate_row *row)
{
	size_t flaky = 0, stalled = 0;
	struct err e = { 0 };

	g->triaging = false;
	triage_tell(g);
	trace_set_level(g->trace, g->level);
	for (size_t i = 0; i < g->triage_count; i++) {
		if (strcmp(g->triage[i].verdict, "flaky") == 0) {
			flaky++;
			if (!strv_has(&row->flaky_ids, g->triage[i].check))
				strv_add(&row->flaky_ids, g->triage[i].check);
		}
		stalled += strcmp(g->triage[i].verdict, "stalled") == 0;
	}
	if (g->triage_round)
		row->triage_result = stalled ? "stalled" : flaky == g->triage_count ? "pass" : "fail";
	gate_event(g, CP_GATE_TRIAGE_END, row->step->name, g->now_ns);
	if (gate_triage_write(g, &e) < 0 && g->failure.kind == ERR_NONE)
		g->failure = e;
}
