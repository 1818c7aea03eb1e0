/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/gate/gate.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/proc/held.h"
#include "runner/proc/print.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define GATE_SUMMARY_DEFAULT "/.artifacts/gate-summary.json"
/* Of a failed step, repeated after its fold. */
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
						.triage_result = "not_run", .held_fd = { -1, -1 } };
	return 0;
}

void gate_release(struct gate *g)
{
	for (size_t i = 0; i < g->row_count; i++) {
		strv_release(&g->rows[i].failing_ids);
		strv_release(&g->rows[i].failing_prefixes);
		strv_release(&g->rows[i].flaky_ids);
		mem_free_ptr(&g->rows[i].message);
		mem_free_ptr(&g->rows[i].cwd);
		fd_close(&g->rows[i].held_fd[0]);
		fd_close(&g->rows[i].held_fd[1]);
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

static unsigned row_number(const struct gate *g, const struct gate_row *row)
{
	return (unsigned)(row - g->rows) + 1;
}

static bool row_holds(const struct gate_row *row)
{
	return row->held_fd[0] >= 0;
}

static void group_open(struct gate *g, const struct gate_row *row)
{
	auto_str text = STR_INIT;

	print_mark();
	ci_group_begin(&text, g->ci, row->step->name, row_number(g, row), clock_real_ns());
	print_lines(str_cstr(&text));
}

static void group_begin(struct gate *g, const struct gate_row *row)
{
	auto_free char *said = xasprintf("step %u of %zu: %s", row_number(g, row), g->row_count, row->step->name);

	if (row->step->kind != GATE_COMMAND)
		str_reset(&g->failing);
	print_say(said);
	if (!row_holds(row))
		group_open(g, row);
}

/* A failure must not be hidden in a fold: it is repeated after a fold that stays closed. */
static void group_end(struct gate *g, struct gate_row *row)
{
	bool failed = row->exit_code != 0;
	auto_str text = STR_INIT, tail = STR_INIT;

	if (row_holds(row)) {
		group_open(g, row);
		print_held(row->held_fd, row->step->name);
	}
	ci_group_end(&text, g->ci, row->step->name, row_number(g, row), failed, clock_real_ns());
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

static bool any_pending(const struct gate *g)
{
	for (size_t i = 0; i < g->row_count; i++)
		if (g->rows[i].status == STEP_PENDING)
			return true;
	return false;
}

static void skip_rest(struct gate *g, const char *reason, const char *blocked_by, int64_t now)
{
	for (size_t i = 0; i < g->row_count; i++) {
		if (g->rows[i].status != STEP_PENDING)
			continue;
		g->rows[i].status = STEP_SKIPPED;
		g->rows[i].skip_reason = reason;
		g->rows[i].blocked_by = blocked_by;
		gate_event(g, CP_GATE_STEP_SKIPPED, g->rows[i].step->name, now);
	}
}

/* Not into the middle of what a step of cases prints. */
static void step_print(struct gate *g, struct gate_row *row)
{
	row->unprinted = g->session_open;
	if (!row->unprinted)
		group_end(g, row);
}

static void print_unprinted(struct gate *g)
{
	for (size_t i = 0; i < g->row_count; i++)
		if (g->rows[i].unprinted)
			step_print(g, &g->rows[i]);
}

static void step_finish(struct gate *g, struct gate_row *row, int64_t now)
{
	bool pass = row->exit_code == 0;

	row->status = pass ? STEP_PASS : STEP_FAIL;
	row->end_ns = now;
	step_print(g, row);
	gate_event(g, pass ? CP_GATE_STEP_PASS : CP_GATE_STEP_FAIL, row->step->name, now);
	if (!pass && !g->exit_code)
		g->exit_code = row->exit_code;
	if (!pass && !g->first_failure)
		g->first_failure = row->step->name;
	if (!pass && g->o->fail_fast && !row->cancelled && any_pending(g)) {
		g->aborted = true;
		gate_event(g, CP_GATE_FAIL_FAST_ABORT, row->step->name, now);
		skip_rest(g, "fail_fast.after_failure", row->step->name, now);
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
	step_finish(g, row, now);
	print_unprinted(g);
}

/* ---- work ---- */

static void command_fill(struct gate *g, struct gate_row *row, struct command_spec *spec)
{
	const struct gate_step *step = row->step;

	row->cwd = !step->cwd ? xstrdup(g->root)
		 : step->cwd[0] == '/' ? xstrdup(step->cwd) : path_join(g->root, step->cwd);
	*spec = (struct command_spec){
		.argv = step->argv.v, .cwd = row->cwd, .env_add = step->env.n ? step->env.v : NULL,
		.limit_ns = step->timeout_ms ? clock_ms_to_ns(step->timeout_ms) : 0,
		.limit_token = TOKEN_SUBPROCESS_WAIT, .parent = g->dispatch, .name = step->name, .user = row,
		.capture = row_holds(row), .held = row_holds(row), .held_fd = { row->held_fd[0], row->held_fd[1] },
	};
	g->running++;
}

/* Its output goes to files where others run beside it. Without room for one the step fails. */
static bool step_hold(struct gate *g, struct gate_row *row)
{
	for (int i = 0; i < 2 && g->o->gate_jobs > 1 && row->step->kind == GATE_COMMAND; i++) {
		row->held_fd[i] = held_file(g->envp);
		if (row->held_fd[i] >= 0)
			continue;
		row->exit_code = 125;
		row->message = xasprintf("no file for its output: %s", strerror(errno));
		err_set(&g->failure, ERR_FAILURE, "step '%s': %s", row->step->name, row->message);
		fd_close(&row->held_fd[0]);
		return false;
	}
	return true;
}

/* The step begins: prints what comes before its output. False: it has failed already. */
static bool step_open(struct gate *g, struct gate_row *row, int64_t now)
{
	row->status = STEP_RUNNING;
	row->begin_ns = now;
	g->now_ns = now;
	gate_event(g, CP_GATE_STEP_START, row->step->name, now);
	write_or_keep(g); /* where we are killed it tells which step was running */
	if (!step_hold(g, row)) {
		step_finish(g, row, now);
		return false;
	}
	group_begin(g, row);
	return true;
}

/* True: *spec is to be started. */
static bool step_start(struct gate *g, struct gate_row *row, struct command_spec *spec, int64_t now)
{
	struct err e = { 0 };

	g->now_ns = now;
	if (row->step->kind == GATE_COMMAND) {
		command_fill(g, row, spec);
		return true;
	}
	g->at = (size_t)(row - g->rows);
	if (gate_session_open(g, row, NULL, &e) < 0) {
		row->exit_code = e.kind == ERR_USAGE ? 2 : 125;
		row->message = xstrdup(e.msg);
		if (g->failure.kind == ERR_NONE)
			err_set(&g->failure, e.kind, "step '%s': %s", row->step->name, e.msg);
		step_finish(g, row, now);
	}
	return false;
}

static const struct gate_row *row_named(const struct gate *g, const char *name)
{
	for (size_t i = 0; i < g->row_count; i++)
		if (strcmp(g->rows[i].step->name, name) == 0)
			return &g->rows[i];
	return NULL;
}

/* Leaves out a step of which one that it needs has not passed. False where one has not ended yet. */
static bool needs_met(struct gate *g, struct gate_row *row, int64_t now)
{
	const struct strv *needs = &row->step->needs;
	bool met = true;

	for (size_t i = 0; i < needs->n; i++) {
		const struct gate_row *need = row_named(g, needs->v[i]);
		auto_free char *said = NULL;

		if (need->status == STEP_PASS)
			continue;
		met = false;
		if (need->status != STEP_FAIL && need->status != STEP_SKIPPED)
			continue;
		row->status = STEP_SKIPPED;
		row->skip_reason = "needs.not_passed";
		row->blocked_by = need->step->name;
		said = xasprintf("step '%s' is skipped: '%s' has not passed", row->step->name, need->step->name);
		print_say(said);
		gate_event(g, CP_GATE_STEP_SKIPPED, row->step->name, now);
		break;
	}
	return met;
}

/* The next step that may begin now, or NULL. */
static struct gate_row *step_pick(struct gate *g, int64_t now)
{
	if (g->running + g->session_open >= (size_t)g->o->gate_jobs)
		return NULL;
	for (size_t i = 0; i < g->row_count; i++) {
		struct gate_row *row = &g->rows[i];

		if (row->status == STEP_PENDING && needs_met(g, row, now) &&
		    !(g->session_open && row->step->kind != GATE_COMMAND))
			return row;
	}
	return NULL;
}

static const char *row_word(const struct gate_row *row)
{
	return row->status == STEP_SKIPPED || row->status == STEP_PENDING ? "skipped" : row->cancelled ? "cancelled" :
	       row->watchdog ? "ended" : row->exit_code ? "FAILED" : "passed";
}

/* All steps once more, for readers who look only at the end of a log. */
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

/* Of the step of cases that is open. WORK_END: it has ended, or there is none. */
static enum work_next session_next(struct gate *g, struct command_spec *spec, int64_t now_ns)
{
	enum work_next next;

	if (!g->session_open)
		return WORK_END;
	if (g->in_flight >= g->case_jobs || (g->triaging && g->in_flight))
		return WORK_WAIT; /* each check of triage alone */
	next = case_session_next(&g->session, spec, now_ns);
	g->in_flight += next == WORK_START;
	if (next == WORK_END)
		session_finish(g, false, now_ns);
	return next;
}

static enum work_next gate_next(void *ctx, struct command_spec *spec, int64_t now_ns)
{
	struct gate *g = ctx;

	for (;;) {
		bool was_open = g->session_open;
		enum work_next next = session_next(g, spec, now_ns);
		struct gate_row *row;

		if (next == WORK_START)
			return next;
		if (was_open && next == WORK_END)
			continue; /* triage may have begun */
		row = g->opening ? g->opening : step_pick(g, now_ns);
		if (!row && !g->running && !g->session_open && print_blocked_on() < 0)
			return WORK_END;
		if (!row)
			return WORK_WAIT;
		if (!g->opening && !step_open(g, row, now_ns))
			continue;
		/* what it prints goes behind what was printed before, which a slow reader has not taken yet */
		g->opening = row;
		if (!row_holds(row) && print_blocked_on() >= 0)
			return WORK_WAIT;
		g->opening = NULL;
		if (step_start(g, row, spec, now_ns))
			return WORK_START;
	}
}

static void gate_done(void *ctx, void *user, const struct command_result *r, int64_t now_ns)
{
	struct gate *g = ctx;
	struct gate_row *row = user;

	if (row < g->rows || row >= g->rows + g->row_count) {
		g->in_flight--;
		case_session_done(&g->session, user, r, now_ns);
		return;
	}
	g->running--;
	row->exit_code = r->exit_code;
	row->tokens = r->tokens;
	row->watchdog = r->ended_by_watchdog;
	row->cancelled = r->cancelled || r->lost;
	row->stall_phase = r->ended_by_watchdog ? span_name_text[SPAN_SUBPROCESS_WAIT] : NULL;
	row->tests = r->tests;
	row->tests_failed = r->tests_failed;
	if (r->spawn_errno)
		row->message = xasprintf("'%s' could not be started: %s", row->step->argv.v[0], strerror(r->spawn_errno));
	step_finish(g, row, now_ns);
}

static int gate_end(void *ctx, bool interrupted, int64_t now_ns)
{
	struct gate *g = ctx;
	struct err e = { 0 };

	g->interrupted = interrupted;
	if (g->session_open)
		session_finish(g, true, now_ns);
	if (g->opening) /* it never began */
		g->opening->status = STEP_PENDING;
	for (size_t i = 0; i < g->row_count; i++) /* nothing more is asked for: cancelled from outside */
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

	for (size_t i = 0; i < g->row_count && !v->step; i++)
		if (g->rows[i].status == STEP_RUNNING)
			v->step = g->rows[i].step->name;
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
