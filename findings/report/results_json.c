/* SPDX-License-Identifier: Apache-2.0 */
/* results_json.c - the tests of a run as JSON (schemas/test_results_v1.yaml), one a line. */
#include "base/json_write.h"
#include "findings/report/results.h"

static void put_text(struct json *j, const char *key, const char *text)
{
	json_str(j, key, *text ? text : NULL);
}

static void put_row(struct json *j, const struct results_row *r)
{
	auto_str message = STR_INIT;

	results_row_message(r, &message);
	json_line(j);
	json_object(j, NULL);
	json_str(j, "suite", r->suite);
	json_str(j, "name", r->name);
	json_str(j, "kind", r->kind == RESULTS_ROW_TEST ? "test" : r->kind == RESULTS_ROW_COMMAND ? "command" : "gap");
	json_str(j, "result", results_result_text[r->result]);
	put_text(j, "dialect", r->dialect);
	put_text(j, "file", r->file);
	if (r->line > 0)
		json_int(j, "line", r->line);
	else
		json_null(j, "line");
	json_ms(j, "started_ms", r->start_ns);
	json_ms(j, "duration_ms", r->time_ns);
	put_text(j, "reason", r->reason);
	put_text(j, "message", str_cstr(&message));
	put_text(j, "output", r->output);
	if (r->kind == RESULTS_ROW_NEVER_STARTED)
		json_uint(j, "count", r->count);
	json_bool(j, "nested", r->nested);
	if (r->command >= 0)
		json_int(j, "command", r->command);
	else
		json_null(j, "command");
	json_object_end(j);
}

static void put_command(struct json *j, const struct results_command *c)
{
	json_line(j);
	json_object(j, NULL);
	json_str(j, "name", c->name);
	json_str(j, "status", c->status);
	if (c->exit_code >= 0)
		json_int(j, "exit_code", c->exit_code);
	else
		json_null(j, "exit_code");
	put_text(j, "reason", c->reason);
	put_text(j, "message", c->message);
	json_ms(j, "duration_ms", c->end_ns - c->start_ns);
	json_uint(j, "tests", c->tests);
	json_array(j, "dialects");
	for (size_t i = 0; i < c->n_plans; i++) {
		json_object(j, NULL);
		json_str(j, "dialect", c->plans[i].dialect);
		if (c->plans[i].plan >= 0)
			json_int(j, "plan", c->plans[i].plan);
		else
			json_null(j, "plan");
		json_uint(j, "seen", c->plans[i].seen);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

void results_json(const struct results *t, struct str *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_str(&j, "run_id", t->run_id);
	json_str(&j, "started_at", t->started_at);
	json_str(&j, "status", t->status);
	json_int(&j, "exit_code", t->exit_code);
	json_ms(&j, "duration_ms", t->duration_ns);
	json_bool(&j, "complete", t->complete);
	json_object(&j, "totals");
	for (int i = 0; i < RESULTS_COUNT; i++)
		json_uint(&j, results_result_text[i], t->count[i]);
	json_object_end(&j);
	if (*t->pattern_id) {
		json_object(&j, "finding");
		json_str(&j, "pattern_id", t->pattern_id);
		put_text(&j, "location", t->location);
		json_str(&j, "summary", t->finding);
		json_object_end(&j);
	} else {
		json_null(&j, "finding");
	}
	json_array(&j, "commands");
	for (size_t i = 0; i < t->n_commands; i++)
		put_command(&j, &t->commands[i]);
	json_array_end(&j);
	json_array(&j, "tests");
	for (size_t i = 0; i < t->n_rows; i++)
		put_row(&j, &t->rows[i]);
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}
