/* SPDX-License-Identifier: Apache-2.0 */
#include "mcp/tool.h"

#include "base/mem.h"
#include "base/value.h"
#include "history/evidence_pack.h"

#include <string.h>

static int64_t arg_int(const struct tool_call *c, const char *name, int64_t otherwise)
{
	const struct json_value *v = json_get(c->args, name);

	return v && v->kind == JSON_NUMBER ? v->integer : otherwise;
}

static int history_runs(struct tool_call *c, struct err *e)
{
	auto_free char *limit = xasprintf("%lld", (long long)arg_int(c, "limit", 50));

	c->settings.limit = limit;
	c->settings.since = tool_text(c, "since");
	c->settings.branch = tool_text(c, "branch");
	c->settings.workload = tool_text(c, "workload");
	return view_runs(&c->view, &c->json, e);
}

static int run_findings(struct tool_call *c, struct err *e)
{
	char run_id[64];
	int rc = view_find_run(c->s, tool_text(c, "run_id"), run_id, e);

	return rc ? rc : view_findings(&c->view, run_id, &c->json, e);
}

static int hang_history(struct tool_call *c, struct err *e)
{
	c->settings.signature = tool_text(c, "signature");
	return view_hangs(&c->view, &c->json, e);
}

static int flaky_tests(struct tool_call *c, struct err *e)
{
	const char *state = tool_text(c, "state");

	if (state && view_flaky_state(state) < 0)
		return err_set(e, ERR_USAGE, "state: accepted are flaky, broken, suspect, new, stable");
	return view_flaky_of(&c->view, state, &c->json, e);
}

static int test_history(struct tool_call *c, struct err *e)
{
	auto_free char *limit = xasprintf("%lld", (long long)arg_int(c, "limit", 100));

	c->settings.limit = limit;
	return view_test(&c->view, tool_text(c, "id"), &c->json, e);
}

static int compare_runs(struct tool_call *c, struct err *e)
{
	const struct json_value *any = json_get(c->args, "any_device"), *metrics = json_get(c->args, "metrics");
	int rc;

	c->settings.any_device = any && any->kind == JSON_TRUE;
	if (metrics && metrics->kind == JSON_ARRAY)
		json_each(m, metrics)
			strv_add(&c->settings.metrics, m->text);
	rc = view_compare(&c->view, tool_text(c, "base"), tool_text(c, "candidate"), &c->json, e);
	strv_release(&c->settings.metrics);
	return rc;
}

static int evidence_pack(struct tool_call *c, struct err *e)
{
	struct pack_request q = { .s = c->s, .settings = &c->settings, .redactor = c->m->redactor, .root = c->m->root };
	char run_id[64];
	int rc;

	c->settings.finding = tool_text(c, "finding");
	c->settings.symbol = tool_text(c, "symbol");
	c->settings.max_prompt_tokens = arg_int(c, "max_prompt_tokens", c->settings.max_prompt_tokens);
	if (c->settings.finding && c->settings.symbol)
		return err_set(e, ERR_USAGE, "evidence_pack takes finding or symbol, not both");
	rc = view_find_run(c->s, tool_text(c, "run_id"), run_id, e);
	return rc ? rc : pack_write(&q, run_id, &c->json, e);
}

static int history_sql(struct tool_call *c, struct err *e)
{
	return view_sql(&c->view, tool_text(c, "query"), &c->json, e);
}

#define TEXT(name, required, help) { name, ARG_TEXT, required, 0, 65536, help }
#define RUN "a run_id, latest, or latest:BRANCH"
#define SIDE "run ids joined by commas, rev:REV, branch:NAME[:N] or last:N"

const struct tool tools[] = {
	{ "history_runs",
	  "Runs",
	  "Runs that were recorded, newest first: status, branch, commit, duration, command.",
	  false,
	  false,
	  { { "limit", ARG_INT, false, 1, 1000, "at most so many runs (50)" },
	    TEXT("since", false, "only since then: RFC 3339, a date, or 7d, 12h, 30m"),
	    TEXT("branch", false, "only of this branch"),
	    TEXT("workload", false, "only of this workload_id"),
	    { .name = NULL } },
	  history_runs,
	  false },
	{ "run_findings",
	  "Findings of a run",
	  "Why a run failed or hung: its findings, the most important first.",
	  false,
	  false,
	  { TEXT("run_id", true, RUN), { .name = NULL } },
	  run_findings,
	  false },
	{ "hang_history",
	  "Hangs",
	  "Hangs by signature: how often, since which commit, on which branches, in which tests.",
	  false,
	  false,
	  { TEXT("signature", false, "only this one"), { .name = NULL } },
	  hang_history,
	  false },
	{ "flaky_tests",
	  "Flaky tests",
	  "Tests of the last runs with their state: flaky means that one clean commit passed and failed.",
	  false,
	  false,
	  { TEXT("state", false, "flaky, broken, suspect, new or stable"), { .name = NULL } },
	  flaky_tests,
	  false },
	{ "test_history",
	  "A test",
	  "The results of one test, newest first.",
	  false,
	  false,
	  { TEXT("id", true, "the test's name, or SUITE/NAME"),
	    { "limit", ARG_INT, false, 1, 10000, "at most so many results (100)" },
	    { .name = NULL } },
	  test_history,
	  false },
	{ "compare_runs",
	  "Compare runs",
	  "Two sides of runs, metric by metric: regressed, improved, unchanged, or not to be told.",
	  false,
	  false,
	  { TEXT("base", true, SIDE),
	    TEXT("candidate", true, SIDE),
	    { "metrics", ARG_TEXTS, false, 0, 0, "further metrics, each NAME:lower or NAME:higher" },
	    { "any_device", ARG_BOOL, false, 0, 0, "runs of several workloads or devices may be compared" },
	    { .name = NULL } },
	  compare_runs,
	  false },
	{ "evidence_pack",
	  "Evidence pack",
	  "What is known of a run's hang or hotspots, for reasoning about it: call graph, code, waits, changes.",
	  false,
	  false,
	  { TEXT("run_id", true, RUN),
	    TEXT("finding", false, "a finding_id of it"),
	    TEXT("symbol", false, "a hotspot of it"),
	    { "max_prompt_tokens", ARG_INT, false, 200, 1000000, "fields are left out until it fits (8000)" },
	    { .name = NULL } },
	  evidence_pack,
	  false },
	{ "history_sql",
	  "SQL",
	  "One SELECT over the history: runs, metrics, findings, hotspots, v_test_results, v_hangs and so on.",
	  false,
	  false,
	  { TEXT("query", true, "one SELECT; at most 10 s and 10,000 rows"), { .name = NULL } },
	  history_sql,
	  false },
	{ "code_path_audit",
	  "Code path audit",
	  "What an action of the source code calls and costs, without running it.",
	  true,
	  true,
	  { TEXT("action_name", true, "a declared action, or the full name of a function"),
	    { "max_depth", ARG_INT, false, 0, 1000, "call edges that are followed (10)" },
	    { .name = NULL } },
	  tool_code_path_audit,
	  true },
	{ .name = NULL },
};

const struct tool *tool_find(const struct mcp *m, const char *name)
{
	for (const struct tool *t = tools; t->name; t++)
		if (strcmp(t->name, name) == 0 && (!t->needs_audit || m->audit_program))
			return t;
	return NULL;
}

static void property(struct json *j, const struct tool_arg *a)
{
	static const char *const types[] = { [ARG_TEXT] = "string", [ARG_INT] = "integer", [ARG_BOOL] = "boolean",
					     [ARG_TEXTS] = "array" };

	json_object(j, a->name);
	json_str(j, "type", types[a->type]);
	json_str(j, "description", a->help);
	if (a->type == ARG_INT) {
		json_int(j, "minimum", a->least);
		json_int(j, "maximum", a->most);
	} else if (a->type == ARG_TEXTS) {
		json_object(j, "items");
		json_str(j, "type", "string");
		json_object_end(j);
	}
	json_object_end(j);
}

static void input_schema(struct json *j, const struct tool *t)
{
	json_object(j, "inputSchema");
	json_str(j, "type", "object");
	json_object(j, "properties");
	for (const struct tool_arg *a = t->args; a->name; a++)
		property(j, a);
	json_object_end(j);
	json_array(j, "required");
	for (const struct tool_arg *a = t->args; a->name; a++)
		if (a->required)
			json_str(j, NULL, a->name);
	json_array_end(j);
	json_bool(j, "additionalProperties", false);
	json_object_end(j);
}

void tools_list(const struct mcp *m, struct json *j)
{
	json_array(j, "tools");
	for (const struct tool *t = tools; t->name; t++) {
		if (t->needs_audit && !m->audit_program)
			continue;
		json_object(j, NULL);
		json_str(j, "name", t->name);
		json_str(j, "title", t->title);
		json_str(j, "description", t->help);
		input_schema(j, t);
		json_object(j, "outputSchema");
		json_str(j, "type", "object");
		json_object_end(j);
		json_object(j, "annotations");
		json_bool(j, "readOnlyHint", true);
		json_object_end(j);
		json_object_end(j);
	}
	json_array_end(j);
}

/* ---- arguments ---- */

static int check_arg(const struct tool *t, const struct tool_arg *a, const struct json_value *v, struct err *e)
{
	switch (a->type) {
	case ARG_INT:
		if (v->kind != JSON_NUMBER || !v->is_integer || v->integer < a->least || v->integer > a->most)
			return err_set(e, ERR_USAGE, "%s: %s must be an integer from %lld to %lld", t->name, a->name,
				       (long long)a->least, (long long)a->most);
		return 0;
	case ARG_BOOL:
		return v->kind == JSON_TRUE || v->kind == JSON_FALSE ? 0 :
		       err_set(e, ERR_USAGE, "%s: %s must be true or false", t->name, a->name);
	case ARG_TEXTS:
		if (v->kind == JSON_ARRAY) {
			json_each(item, v)
				if (item->kind != JSON_STRING)
					return err_set(e, ERR_USAGE, "%s: %s must hold strings", t->name, a->name);
			return 0;
		}
		return err_set(e, ERR_USAGE, "%s: %s must be an array of strings", t->name, a->name);
	default:
		if (v->kind != JSON_STRING || strlen(v->text) != v->len || v->len > (size_t)a->most ||
				(a->required && !v->len))
			return err_set(e, ERR_USAGE, "%s: %s must be a string of %s%lld bytes", t->name, a->name,
				       a->required ? "1 to " : "at most ", (long long)a->most);
		return 0;
	}
}

static const struct tool_arg *arg_named(const struct tool *t, const struct json_value *member)
{
	for (const struct tool_arg *a = t->args; a->name; a++)
		if (strlen(a->name) == member->key_len && memcmp(a->name, member->key, member->key_len) == 0)
			return a;
	return NULL;
}

int tool_check(const struct tool *t, const struct json_value *args, struct err *e)
{
	char quoted[VALUE_QUOTE_SIZE];

	if (args && args->kind != JSON_OBJECT)
		return err_set(e, ERR_USAGE, "%s: arguments must be an object", t->name);
	if (args)
		json_each(m, args) {
			const struct tool_arg *a = arg_named(t, m);

			if (!a)
				return err_set(e, ERR_USAGE, "%s: unknown argument %s", t->name,
					       value_quote(m->key, quoted));
			if (check_arg(t, a, m, e) < 0)
				return -1;
		}
	for (const struct tool_arg *a = t->args; a->name; a++)
		if (a->required && !json_get(args, a->name))
			return err_set(e, ERR_USAGE, "%s: %s is missing: %s", t->name, a->name, a->help);
	return 0;
}
