/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/gate/gate.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/proc/print.h"

#include <string.h>
#include <sys/stat.h>

#define GATE_SUMMARY_DEFAULT "/.artifacts/gate-summary.json"
/* Of a failed step, said again behind its fold. */
#define FAILING_LINES 30

/* spec-runner.yaml may come with a pull request: what its steps read lies in the project. */
static int check_paths(const struct gate *g, struct err *e)
{
	for (size_t i = 0; i < g->config->step_count; i++) {
		const struct gate_step *step = &g->config->steps[i];

		for (size_t k = 0; k < step->paths.n; k++)
			if (path_leads_out(g->root, step->paths.v[k]))
				return err_set(e, ERR_USAGE,
					       "%s:%u:%u: path '%s' leads out of '%s'; --allow-outside-root allows it",
					       g->config->path, step->line, step->column, step->paths.v[k], g->root);
	}
	return 0;
}

int gate_init(struct gate *g, const struct options *o, const struct config *config, const char *root,
	      char *const envp[], struct err *e)
{
	memset(g, 0, sizeof(*g));
	g->o = o;
	g->config = config;
	g->root = root;
	g->envp = envp;
	g->ci = ci_provider_of(envp);
	if (!config->has_gate || !config->step_count)
		return err_set(e, ERR_USAGE, "no gate: %s%s has no 'gate' with steps; 'spec-runner init' writes a first one",
			       config->path ? "" : "there is no spec-runner.yaml, or ",
			       config->path ? config->path : "it");
	if (!o->allow_outside_root && check_paths(g, e) < 0)
		return -1;
	if (triage_setup(g, e) < 0)
		return -1;
	g->row_count = config->step_count;
	g->rows = xcalloc(g->row_count, sizeof(*g->rows));
	for (size_t i = 0; i < g->row_count; i++)
		g->rows[i] = (struct gate_row){ .step = &config->steps[i], .exit_code = -1, .triage_mode = "not_run",
						.triage_result = "not_run" };
	return 0;
}

void gate_release(struct gate *g)
{
	for (size_t i = 0; i < g->row_count; i++) {
		strv_release(&g->rows[i].failing_ids);
		strv_release(&g->rows[i].failing_prefixes);
		strv_release(&g->rows[i].flaky_ids);
		mem_free_ptr(&g->rows[i].message);
	}
	for (size_t i = 0; i < g->triage_count; i++) {
		mem_free_ptr(&g->triage[i].check);
		mem_free_ptr(&g->triage[i].case_id);
		mem_free_ptr(&g->triage[i].first);
		strv_release(&g->triage[i].reruns);
	}
	if (g->session_open)
		case_session_close(&g->session);
	mem_free_ptr(&g->triage);
	mem_free_ptr(&g->rows);
	mem_free_ptr(&g->folder);
	mem_free_ptr(&g->out);
	mem_free_ptr(&g->cwd);
	mem_free_ptr(&g->summary);
	strv_release(&g->triage_ids);
	str_release(&g->events);
	str_release(&g->failing);
}

/* A pipe or a descriptor gets the summary once, at the end: what was written there is not written over. */
static bool writes_in_place(const char *path)
{
	struct stat st;

	return path_descriptor(path) >= 0 ||
	       (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

static void write_or_keep(struct gate *g)
{
	struct err e = { 0 };

	if (writes_in_place(g->out))
		return;
	if (gate_write(g, &e) < 0 && g->failure.kind == ERR_NONE)
		g->failure = e;
}

void gate_attach(void *ctx, struct trace *t, span_id dispatch, int64_t now_ns)
{
	struct gate *g = ctx;

	g->trace = t;
	g->dispatch = dispatch;
	g->level = trace_level(t);
	g->begin_ns = g->now_ns = now_ns;
	g->begin_real_ns = clock_real_ns();
	g->folder = artifacts_folder(g->o, g->root, g->envp, trace_run_id(t));
	g->out = strcmp(g->o->out, GATE_SUMMARY_DEFAULT) == 0 ? path_join(g->folder, "gate-summary.json")
							      : path_resolve(g->root, g->o->out);
	write_or_keep(g);
}

int gate_session_open(struct gate *g, const struct gate_row *row, const struct strv *only, struct err *e)
{
	const struct gate_step *step = row->step;
	struct case_session_config cfg = {
		.o = g->o, .root = g->root, .envp = g->envp, .paths = step->paths.v, .path_count = step->paths.n,
		.default_path = "specs", .governance = step->kind == GATE_GOVERNANCE,
		.select = { .only_checks = step->kind == GATE_GOVERNANCE, .checks = only },
		.silent = only != NULL,
		.format = step->kind == GATE_TEST ? case_format_find("tap") : NULL,
	};
	int rc;

	if (step->kind == GATE_GOVERNANCE) {
		cfg.select.prefixes = &step->check_prefix;
		cfg.select.excluded = &step->exclude_check_prefix;
	}
	rc = case_session_open(&g->session, &cfg, e);
	if (rc < 0) {
		case_session_close(&g->session);
		return -1;
	}
	g->session_open = true;
	case_session_begin(&g->session, g->trace, g->dispatch, g->now_ns);
	return 0;
}

/* ---- marks of CI systems ---- */

static void group_begin(struct gate *g)
{
	auto_str text = STR_INIT;

	auto_free char *said = xasprintf("step %zu of %zu: %s", g->at + 1, g->row_count, g->rows[g->at].step->name);

	str_reset(&g->failing);
	print_say(said);
	print_mark();
	ci_group_begin(&text, g->ci, g->rows[g->at].step->name, (unsigned)g->at + 1, clock_real_ns());
	print_lines(str_cstr(&text));
}

/* What failed must not lie in a fold: it is said again behind it where the fold stays closed. */
static void group_end(struct gate *g, const struct gate_row *row)
{
	bool failed = row->exit_code != 0;
	auto_str text = STR_INIT, tail = STR_INIT;

	ci_group_end(&text, g->ci, row->step->name, (unsigned)g->at + 1, failed, clock_real_ns());
	if (failed && !ci_group_hides(g->ci) && !row->cancelled) {
		auto_free char *said = xasprintf("step '%s' failed (exit code %d)", row->step->name, row->exit_code);

		print_say(said);
	} else if (!failed) {
		auto_free char *said = xasprintf("step '%s' passed in %.1f s", row->step->name,
						 (double)(row->end_ns - row->begin_ns) / 1e9);

		print_lines(str_cstr(&text));
		str_reset(&text);
		print_say(said);
	} else if (failed && ci_group_hides(g->ci)) {
		if (row->step->kind == GATE_COMMAND)
			print_tail(&tail, FAILING_LINES);
		else
			ci_tail_lines(&tail, str_cstr(&g->failing), g->failing.len, FAILING_LINES);
		str_addf(&text, "spec-runner: step '%s' failed (exit code %d)%s\n", row->step->name, row->exit_code,
			 tail.len ? "; its last lines:" : "");
		str_addn(&text, str_cstr(&tail), tail.len);
	}
	print_lines(str_cstr(&text));
}

/* Before the session is closed, which knows it. */
static void failing_cases(struct gate *g)
{
	struct case_totals t;

	case_work_totals(g->session.work, &t);
	str_reset(&g->failing);
	g->rows[g->at].tests = t.cases;
	g->rows[g->at].tests_failed = 0;
	for (uint32_t i = 0; i < t.cases; i++) {
		struct case_outcome o;

		case_work_outcome(g->session.work, i, &o);
		g->rows[g->at].tests_failed += o.result == CASE_FAIL || o.result == CASE_ENDED;
		if (o.result == CASE_FAIL || o.result == CASE_ENDED || o.result == CASE_CANCELLED)
			str_addf(&g->failing, "%s %s: %s\n", case_result_text[o.result],
				 case_work_case(g->session.work, i)->id, o.message ? o.message : "");
	}
}

/* ---- the end of a step ---- */

static void skip_rest(struct gate *g, const char *reason, const char *blocked_by, int64_t now)
{
	for (size_t i = g->at + 1; i < g->row_count; i++) {
		g->rows[i].status = STEP_SKIPPED;
		g->rows[i].skip_reason = reason;
		g->rows[i].blocked_by = blocked_by;
		gate_event(g, CP_GATE_STEP_SKIPPED, g->rows[i].step->name, now);
	}
}

static void step_finish(struct gate *g, int64_t now)
{
	struct gate_row *row = &g->rows[g->at];
	bool pass = row->exit_code == 0;

	row->status = pass ? STEP_PASS : STEP_FAIL;
	row->end_ns = now;
	group_end(g, row);
	gate_event(g, pass ? CP_GATE_STEP_PASS : CP_GATE_STEP_FAIL, row->step->name, now);
	if (!pass && !g->exit_code)
		g->exit_code = row->exit_code;
	if (!pass && g->o->fail_fast && !row->cancelled && g->at + 1 < g->row_count) {
		g->aborted = true;
		gate_event(g, CP_GATE_FAIL_FAST_ABORT, row->step->name, now);
		skip_rest(g, "fail_fast.after_failure", row->step->name, now);
		g->at = g->row_count;
	} else {
		g->at++;
	}
	g->now_ns = now;
	write_or_keep(g);
}

/* A test or governance step has run to its end (or a round of triage has). */
static void session_finish(struct gate *g, bool interrupted, int64_t now)
{
	struct gate_row *row = &g->rows[g->at];
	bool governance = row->step->kind == GATE_GOVERNANCE;
	struct governance_result r;
	int code = case_session_end(&g->session, interrupted, now, &g->failure);

	if (g->triaging) {
		triage_absorb(g);
	} else {
		governance_result_get(&r, g->session.work);
		row->exit_code = code;
		row->tokens = r.tokens;
		row->watchdog = code == 124;
		row->stall_phase = r.stall_phase;
		failing_cases(g);
		if (governance) {
			strv_copy(&row->failing_ids, &r.ids);
			strv_copy(&row->failing_prefixes, &r.prefixes);
			governance_write(&g->session, g->folder, trace_run_id(g->trace), &g->failure);
		}
		governance_result_release(&r);
	}
	row->cancelled = interrupted;
	g->now_ns = now;
	if (!interrupted && governance && (g->triaging ? triage_next_round(g, row) : code && triage_begin(g, row)))
		return;
	if (g->triaging)
		triage_finish(g, row);
	case_session_close(&g->session);
	g->session_open = false;
	step_finish(g, now);
}

/* ---- work ---- */

static void command_fill(struct gate *g, const struct gate_step *step, struct command_spec *spec)
{
	mem_free_ptr(&g->cwd);
	g->cwd = !step->cwd ? xstrdup(g->root)
		 : step->cwd[0] == '/' ? xstrdup(step->cwd) : path_join(g->root, step->cwd);
	*spec = (struct command_spec){
		.argv = step->argv.v, .cwd = g->cwd, .env_add = step->env.n ? step->env.v : NULL,
		.limit_ns = step->timeout_ms ? clock_ms_to_ns(step->timeout_ms) : 0,
		.limit_token = TOKEN_SUBPROCESS_WAIT, .parent = g->dispatch, .name = step->name, .user = g,
	};
	g->command_running = true;
}

/* The step at hand begins. True: *spec is to be started. */
static bool step_begin(struct gate *g, struct command_spec *spec, int64_t now)
{
	struct gate_row *row = &g->rows[g->at];
	struct err e = { 0 };

	row->status = STEP_RUNNING;
	row->begin_ns = now;
	g->now_ns = now;
	gate_event(g, CP_GATE_STEP_START, row->step->name, now);
	write_or_keep(g); /* where we are killed it tells which step was running */
	group_begin(g);
	if (row->step->kind == GATE_COMMAND) {
		command_fill(g, row->step, spec);
		return true;
	}
	if (gate_session_open(g, row, NULL, &e) < 0) {
		row->exit_code = e.kind == ERR_USAGE ? 2 : 125;
		row->message = xstrdup(e.msg);
		if (g->failure.kind == ERR_NONE)
			err_set(&g->failure, e.kind, "step '%s': %s", row->step->name, e.msg);
		step_finish(g, now);
	}
	return false;
}

/* The first of the steps that this one needs and that has not passed, or NULL. */
static const char *missing_need(const struct gate *g)
{
	const struct strv *needs = &g->rows[g->at].step->needs;

	for (size_t i = 0; i < needs->n; i++)
		for (size_t k = 0; k < g->at; k++)
			if (strcmp(g->rows[k].step->name, needs->v[i]) == 0 && g->rows[k].status != STEP_PASS)
				return needs->v[i];
	return NULL;
}

/* Leaves out the step at hand. True where it is to be left out. */
static bool step_left_out(struct gate *g, int64_t now)
{
	const char *need = missing_need(g);
	struct gate_row *row = &g->rows[g->at];
	auto_free char *said = NULL;

	if (!need)
		return false;
	row->status = STEP_SKIPPED;
	row->skip_reason = "needs.not_passed";
	row->blocked_by = need;
	said = xasprintf("step '%s' is skipped: '%s' has not passed", row->step->name, need);
	print_say(said);
	gate_event(g, CP_GATE_STEP_SKIPPED, row->step->name, now);
	g->at++;
	return true;
}

static const char *row_word(const struct gate_row *row)
{
	return row->status == STEP_SKIPPED || row->status == STEP_PENDING ? "skipped" : row->cancelled ? "cancelled" :
	       row->watchdog ? "ended" : row->exit_code ? "FAILED" : "passed";
}

/* All steps once more, for whoever reads the end of a log alone. */
static void closing_table(const struct gate *g)
{
	size_t width = 4;

	for (size_t i = 0; i < g->row_count; i++)
		if (strlen(g->rows[i].step->name) > width && strlen(g->rows[i].step->name) <= 40)
			width = strlen(g->rows[i].step->name);
	for (size_t i = 0; i < g->row_count; i++) {
		const struct gate_row *row = &g->rows[i];
		auto_str line = STR_INIT;

		str_addf(&line, "  %-*.40s  %-9s", (int)width, row->step->name, row_word(row));
		if (row->exit_code >= 0)
			str_addf(&line, "  %8.1f s", (double)(row->end_ns - row->begin_ns) / 1e9);
		if (row->exit_code > 0)
			str_addf(&line, "  exit code %d", row->exit_code);
		if (row->tests > 0)
			str_addf(&line, "  %lld tests", (long long)row->tests);
		if (row->tests_failed > 0)
			str_addf(&line, ", %lld failed", (long long)row->tests_failed);
		if (row->blocked_by)
			str_addf(&line, "  after '%s'", row->blocked_by);
		print_say(str_cstr(&line));
	}
}

static enum work_next gate_next(void *ctx, struct command_spec *spec, int64_t now_ns)
{
	struct gate *g = ctx;

	for (;;) {
		if (g->command_running)
			return WORK_WAIT;
		if (g->session_open) {
			enum work_next next;

			if (g->triaging && g->in_flight)
				return WORK_WAIT; /* each check alone */
			next = case_session_next(&g->session, spec, now_ns);
			g->in_flight += next == WORK_START;
			if (next != WORK_END)
				return next;
			session_finish(g, false, now_ns);
			continue;
		}
		if (g->at == g->row_count)
			return WORK_END;
		if (step_left_out(g, now_ns))
			continue;
		if (step_begin(g, spec, now_ns))
			return WORK_START;
	}
}

static void gate_done(void *ctx, void *user, const struct command_result *r, int64_t now_ns)
{
	struct gate *g = ctx;
	struct gate_row *row = &g->rows[g->at];

	if (g->session_open) {
		g->in_flight--;
		case_session_done(&g->session, user, r, now_ns);
		return;
	}
	g->command_running = false;
	row->exit_code = r->exit_code;
	row->tokens = r->tokens;
	row->watchdog = r->ended_by_watchdog;
	row->cancelled = r->cancelled || r->lost;
	row->stall_phase = r->ended_by_watchdog ? span_name_text[SPAN_SUBPROCESS_WAIT] : NULL;
	row->tests = r->tests;
	row->tests_failed = r->tests_failed;
	if (r->spawn_errno)
		row->message = xasprintf("'%s' could not be started: %s", row->step->argv.v[0], strerror(r->spawn_errno));
	step_finish(g, now_ns);
}

static int gate_end(void *ctx, bool interrupted, int64_t now_ns)
{
	struct gate *g = ctx;
	struct err e = { 0 };

	g->interrupted = interrupted;
	if (g->session_open)
		session_finish(g, true, now_ns);
	for (size_t i = g->at; i < g->row_count; i++) /* nothing more is asked for: cancelled from outside */
		if (g->rows[i].status == STEP_PENDING) {
			g->rows[i].status = STEP_SKIPPED;
			g->rows[i].skip_reason = "cancelled";
			gate_event(g, CP_GATE_STEP_SKIPPED, g->rows[i].step->name, now_ns);
		}
	g->finished = true;
	g->now_ns = now_ns;
	closing_table(g);
	if (!g->exit_code && interrupted)
		g->exit_code = 1; /* the supervisor turns it into 128+N */
	if (gate_write(g, &e) < 0) {
		g->failure = e;
		return g->exit_code ? g->exit_code : 125;
	}
	return g->exit_code ? g->exit_code : g->failure.kind != ERR_NONE ? 125 : 0;
}

static int64_t gate_due(void *ctx)
{
	struct gate *g = ctx;

	return g->session_open ? case_session_due(&g->session) : TIME_NEVER;
}

static void gate_tick(void *ctx, int64_t now_ns)
{
	struct gate *g = ctx;

	if (g->session_open)
		case_session_tick(&g->session, now_ns);
}

static void gate_progress(void *ctx, struct status_view *v)
{
	struct gate *g = ctx;

	if (g->at < g->row_count)
		v->step = g->rows[g->at].step->name;
	if (g->session_open)
		case_session_progress(&g->session, v);
}

static void *gate_end_early(void *ctx, enum token *token)
{
	struct gate *g = ctx;

	return g->session_open ? case_work_end_early(g->session.work, token) : NULL;
}

const struct work_ops gate_ops = { .next = gate_next, .done = gate_done, .end = gate_end, .due = gate_due,
				   .tick = gate_tick, .end_early = gate_end_early, .progress = gate_progress };
