/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/gate/gate.h"

#include <stdio.h>
#include <string.h>

static const char *const step_status_text[] = { "skipped", "fail", "pass", "fail", "skipped" };

void gate_event(struct gate *g, enum checkpoint event, const char *step, int64_t now_ns)
{
	struct attrs a = { 0 };
	struct json j;
	auto_str row = STR_INIT;
	char span[SPAN_TEXT_SIZE];

	attrs_init(&a, g->trace);
	attrs_str(&a, "step", step);
	trace_checkpoint(g->trace, g->dispatch, event, now_ns, &a);
	attrs_release(&a);
	json_init(&j, &row);
	json_object(&j, NULL);
	json_int(&j, "ts_ns", trace_ts_ns(g->trace, now_ns));
	json_str(&j, "kind", event_kind_text[EVENT_CHECKPOINT]);
	trace_span_text(g->trace, g->dispatch, span);
	json_str(&j, "span_id", span);
	json_object(&j, "attrs");
	json_str(&j, "event", checkpoint_text[event]);
	json_str(&j, "step", step);
	json_object_end(&j);
	json_object_end(&j);
	json_finish(&j);
	if (g->events.len)
		str_add(&g->events, ",\n");
	str_addn(&g->events, str_cstr(&row), row.len);
}

/* What was run, redacted: the words of a command, or the verb and its paths. */
static void put_command(struct gate *g, struct json *j, const struct gate_step *step)
{
	struct strv words = STRV_INIT;
	struct attrs a = { 0 };

	if (step->kind == GATE_COMMAND) {
		strv_copy(&words, &step->argv);
	} else {
		strv_add(&words, "spec-runner");
		strv_add(&words, gate_kind_text[step->kind]);
		for (size_t i = 0; i < step->paths.n; i++)
			strv_add(&words, step->paths.v[i]);
	}
	attrs_init(&a, g->trace);
	attrs_strv(&a, "command", words.v);
	json_members(j, str_cstr(&a.json), a.json.len);
	attrs_release(&a);
	strv_release(&words);
}

static void put_redacted(struct gate *g, struct json *j, const char *key, const char *text)
{
	struct attrs a = { 0 };

	attrs_init(&a, g->trace);
	attrs_str(&a, key, text);
	json_members(j, str_cstr(&a.json), a.json.len);
	attrs_release(&a);
}

static void put_triage(struct json *j, const struct gate_row *row)
{
	json_bool(j, "triage_attempted", row->triage_attempted);
	json_str(j, "triage_mode", row->triage_mode);
	json_str(j, "triage_result", row->triage_result);
	json_strings(j, "failing_check_ids", &row->failing_ids);
	json_strings(j, "failing_check_prefixes", &row->failing_prefixes);
	json_strings(j, "flaky_check_ids", &row->flaky_ids);
}

static void put_row(struct gate *g, struct json *j, const struct gate_row *row)
{
	bool ran = row->status == STEP_PASS || row->status == STEP_FAIL;
	int64_t end = ran ? row->end_ns : g->now_ns;

	json_line(j);
	json_object(j, NULL);
	json_str(j, "name", row->step->name);
	json_str(j, "kind", gate_kind_text[row->step->kind]);
	put_command(g, j, row->step);
	json_str(j, "status", step_status_text[row->status]);
	if (ran && row->exit_code >= 0)
		json_int(j, "exit_code", row->exit_code);
	else
		json_null(j, "exit_code");
	json_ms(j, "duration_ms", row->begin_ns && end > row->begin_ns ? end - row->begin_ns : 0);
	if (row->skip_reason)
		json_str(j, "skip_reason", row->skip_reason);
	if (row->skip_reason)
		json_str(j, "blocked_by", row->blocked_by);
	json_tokens(j, "reason_tokens", row->tokens);
	if (row->message)
		put_redacted(g, j, "message", row->message);
	if (row->step->kind == GATE_GOVERNANCE) {
		put_triage(j, row);
		json_bool(j, "stall_detected", row->watchdog);
		json_str(j, "stall_phase", row->stall_phase);
	}
	json_object_end(j);
}

/* The triage of the gate as a whole: of the governance step that failed first, else of the first. */
static const struct gate_row *triage_speaker(const struct gate *g)
{
	const struct gate_row *first = NULL;

	for (size_t i = 0; i < g->row_count; i++) {
		const struct gate_row *row = &g->rows[i];

		if (row->step->kind != GATE_GOVERNANCE)
			continue;
		if (row->status == STEP_FAIL)
			return row;
		first = first ? first : row;
	}
	return first;
}

/* The fields that the summary of the trace shares. */
static void put_common(const struct gate *g, struct json *j)
{
	static const struct gate_row none = { .triage_mode = "not_run", .triage_result = "not_run" };
	const struct gate_row *speaker = triage_speaker(g);
	const char *first = g->first_failure, *phase = NULL;
	unsigned skipped = 0;
	bool stalled = false;

	for (size_t i = 0; i < g->row_count; i++) {
		const struct gate_row *row = &g->rows[i];

		if (row->status == STEP_RUNNING && !first)
			first = row->step->name;
		if (row->watchdog && !stalled) {
			stalled = true;
			phase = row->stall_phase;
		}
		skipped += row->status == STEP_SKIPPED || row->status == STEP_PENDING; /* as its row says */
	}
	json_bool(j, "fail_fast_enabled", g->o->fail_fast);
	json_str(j, "first_failure_step", first);
	json_str(j, "aborted_after_step", g->aborted ? first : NULL);
	json_int(j, "skipped_step_count", skipped);
	json_ms(j, "total_duration_ms", g->now_ns - g->begin_ns);
	put_triage(j, speaker ? speaker : &none);
	json_bool(j, "stall_detected", stalled);
	json_str(j, "stall_phase", phase);
}

static bool gate_passed(const struct gate *g)
{
	for (size_t i = 0; i < g->row_count; i++)
		if (g->rows[i].status != STEP_PASS)
			return false;
	return true;
}

int gate_write(struct gate *g, struct err *e)
{
	auto_str text = STR_INIT;
	struct json j;

	json_init(&j, &text);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_str(&j, "run_id", trace_run_id(g->trace));
	json_str(&j, "status", gate_passed(g) ? "pass" : "fail");
	json_time(&j, "started_at", g->begin_real_ns);
	json_time(&j, "finished_at", g->begin_real_ns + (g->now_ns - g->begin_ns));
	put_common(g, &j);
	json_array(&j, "steps");
	for (size_t i = 0; i < g->row_count; i++)
		put_row(g, &j, &g->rows[i]);
	json_array_end(&j);
	json_line(&j);
	json_array(&j, "events");
	if (g->events.len)
		json_raw(&j, NULL, str_cstr(&g->events), g->events.len);
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(&text, '\n');
	return file_write(g->out, str_cstr(&text), text.len, e);
}

int gate_triage_write(const struct gate *g, struct err *e)
{
	const struct gate_row *row = &g->rows[g->at];
	auto_free char *path = path_join(g->folder, "governance-triage.json");
	auto_str text = STR_INIT;
	struct json j;

	json_init(&j, &text);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_str(&j, "run_id", trace_run_id(g->trace));
	json_str(&j, "step", row->step->name);
	put_triage(&j, row);
	json_int(&j, "rounds", g->triage_round);
	json_array(&j, "checks");
	for (size_t i = 0; i < g->triage_count; i++) {
		const struct triage_row *t = &g->triage[i];

		json_line(&j);
		json_object(&j, NULL);
		json_str(&j, "check", t->check);
		json_str(&j, "case_id", t->case_id);
		json_str(&j, "first", t->first);
		json_strings(&j, "reruns", &t->reruns);
		json_str(&j, "verdict", t->verdict);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(&text, '\n');
	return file_write(path, str_cstr(&text), text.len, e);
}

const char *gate_summary_json(void *ctx)
{
	struct gate *g = ctx;
	auto_str text = STR_INIT;
	struct json j;

	if (!g->trace)
		return NULL; /* the supervisor died: the other process knows nothing of the steps */
	json_init(&j, &text);
	json_object(&j, NULL);
	put_common(g, &j);
	json_array(&j, "steps");
	for (size_t i = 0; i < g->row_count; i++)
		put_row(g, &j, &g->rows[i]);
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	mem_free_ptr(&g->summary);
	g->summary = str_steal(&text);
	return g->summary;
}
