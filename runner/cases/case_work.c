/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/cases/case_state.h"

#include <stdlib.h>
#include <string.h>

const char *const case_result_text[] = { "not_started", "running", "pass", "flaky", "fail", "timeout", "cancelled",
					 NULL };

struct case_work *case_work_new(const struct case_work_config *cfg)
{
	struct case_work *w = xcalloc(1, sizeof(*w));

	w->cfg = *cfg;
	w->runs = xcalloc(cfg->set->count + 1, sizeof(*w->runs));
	for (uint32_t i = 0; i < cfg->set->count; i++)
		w->runs[i].owner = CASE_NONE;
	for (uint32_t i = 0; i < cfg->count; i++)
		w->runs[cfg->order[i]].ordered = true;
	w->active = xcalloc(cfg->set->count + 1, sizeof(*w->active));
	w->space = regex_space_new();
	return w;
}

static void job_free(struct case_job *j)
{
	free(j->cases);
	strv_release(&j->argv);
	strv_release(&j->env);
	free(j->cwd);
	free(j->text);
	free(j);
}

void case_work_free(struct case_work *w)
{
	if (!w)
		return;
	for (struct case_job *j = w->jobs, *next; j; j = next) {
		next = j->next;
		job_free(j);
	}
	for (uint32_t i = 0; i < w->cfg.set->count; i++) {
		struct case_run *run = &w->runs[i];

		for (uint32_t k = 0; run->exports && k < w->cfg.set->cases[i].export_count; k++)
			free(run->exports[k]);
		free(run->exports);
		free(run->message);
		free(run->out);
		free(run->err);
	}
	if (w->trace)
		attrs_release(&w->attrs);
	regex_space_free(w->space);
	free(w->active);
	free(w->runs);
	free(w);
}

void case_work_attach(struct case_work *w, struct trace *t, span_id parent)
{
	w->trace = t;
	w->parent = parent;
	if (t)
		attrs_init(&w->attrs, t);
}

const struct spec_case *case_work_case(const struct case_work *w, uint32_t which)
{
	return &w->cfg.set->cases[w->cfg.order[which]];
}

void case_work_outcome(const struct case_work *w, uint32_t which, struct case_outcome *o)
{
	const struct case_run *run = &w->runs[w->cfg.order[which]];

	*o = (struct case_outcome){
		.result = run->result, .attempts = run->attempts, .tokens = run->tokens, .message = run->message,
		.out = run->out, .err = run->err,
		.duration_ns = run->end_ns > run->begin_ns ? run->end_ns - run->begin_ns : 0,
	};
}

void case_work_totals(const struct case_work *w, struct case_totals *t)
{
	memset(t, 0, sizeof(*t));
	t->cases = w->cfg.count;
	for (uint32_t i = 0; i < w->cfg.count; i++) {
		t->count[w->runs[w->cfg.order[i]].result]++;
		t->tokens |= w->runs[w->cfg.order[i]].tokens;
	}
}

/* ---- spans ---- */

static enum span_status status_of(const struct case_run *run)
{
	switch (run->result) {
	case CASE_PASS: case CASE_FLAKY:
		return STATUS_OK;
	case CASE_ENDED:
		return run->tokens & (1u << TOKEN_CASE_HARNESS | 1u << TOKEN_CASE_CHAIN | 1u << TOKEN_HARD_CAP)
			       ? STATUS_TIMEOUT
			       : run->tokens & 1u << TOKEN_STALL_SUBPROCESS ? STATUS_STALLED : STATUS_TIMEOUT;
	case CASE_CANCELLED:
		return STATUS_CANCELLED;
	default:
		return STATUS_ERROR;
	}
}

static void span_open(struct case_work *w, uint32_t at, int64_t now)
{
	const struct spec_case *c = &w->cfg.set->cases[at];
	struct case_run *run = &w->runs[at];
	span_id under = run->owner == CASE_NONE ? w->parent : w->runs[run->owner].chain_span;

	if (!w->trace)
		return;
	attrs_init(&w->attrs, w->trace);
	attrs_str(&w->attrs, "suite", c->suite);
	attrs_str(&w->attrs, "case_id", c->id);
	if (c->check)
		attrs_str(&w->attrs, "check", c->check);
	attrs_str(&w->attrs, "file", c->file);
	attrs_int(&w->attrs, "line", c->line);
	run->span = trace_span_begin(w->trace, under, SPAN_CASE_RUN, NULL, now, &w->attrs);
}

/* What a failing case printed: `report` hands it on. */
static void output_put(struct case_work *w, const struct case_run *run)
{
	auto_str text = STR_INIT;

	if (run->out)
		str_addf(&text, "stdout:\n%s%s", run->out, str_ends(run->out, "\n") ? "" : "\n");
	if (run->err)
		str_addf(&text, "stderr:\n%s", run->err);
	if (text.len)
		attrs_str(&w->attrs, "output", str_cstr(&text));
}

static void span_close(struct case_work *w, uint32_t at, int64_t now)
{
	struct case_run *run = &w->runs[at];
	enum span_status status = status_of(run);
	enum err_category category = status == STATUS_OK ? CATEGORY_NONE
				     : run->result == CASE_ENDED ? CATEGORY_WATCHDOG
				     : run->result == CASE_CANCELLED ? CATEGORY_CANCELLED : CATEGORY_EXPECTATION;

	if (!w->trace)
		return;
	attrs_init(&w->attrs, w->trace);
	attrs_word(&w->attrs, "result", case_result_text[run->result]);
	if (run->attempts > 1)
		attrs_int(&w->attrs, "attempts", run->attempts);
	output_put(w, run);
	trace_span_end(w->trace, run->span, status, category, status == STATUS_OK ? NULL : run->message,
		       run->result == CASE_ENDED ? case_ended_by(run->tokens) : TOKEN_NONE, now, &w->attrs);
}

static void harness_open(struct case_work *w, uint32_t at, int64_t now)
{
	if (!w->trace)
		return;
	attrs_init(&w->attrs, w->trace);
	attrs_word(&w->attrs, "type", harness_type_text[w->cfg.set->cases[at].harness.type]);
	w->runs[at].harness_span =
		trace_span_begin(w->trace, w->runs[at].span, SPAN_CASE_HARNESS, NULL, now, &w->attrs);
}

static void harness_close(struct case_work *w, uint32_t at, const struct command_result *r, int64_t now)
{
	if (w->trace)
		trace_span_end(w->trace, w->runs[at].harness_span, r->status, r->category, r->message, r->token, now, NULL);
}

/* ---- cases ---- */

static void report_ready(struct case_work *w)
{
	struct case_outcome o;

	for (; w->next_report < w->cfg.count; w->next_report++) {
		if (w->runs[w->cfg.order[w->next_report]].stage != STAGE_DONE)
			return;
		if (!w->cfg.report)
			continue;
		case_work_outcome(w, w->next_report, &o);
		w->cfg.report(w->cfg.ctx, w->next_report, case_work_case(w, w->next_report), &o);
	}
}

/* The one door to STAGE_DONE. */
static void case_finish(struct case_work *w, uint32_t at, int64_t now)
{
	struct case_run *run = &w->runs[at];

	run->stage = STAGE_DONE;
	run->end_ns = now;
	w->failed |= run->ordered && (run->result == CASE_FAIL || run->result == CASE_ENDED);
	span_close(w, at, now);
}

static void case_fail(struct case_work *w, uint32_t at, const char *why, int64_t now)
{
	struct case_run *run = &w->runs[at];

	run->result = CASE_FAIL;
	free(run->message);
	run->message = case_text_keep(w, why, strlen(why));
	case_finish(w, at, now);
}

static void active_sweep(struct case_work *w)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->active_count; i++)
		if (w->runs[w->active[i]].stage != STAGE_DONE)
			w->active[n++] = w->active[i];
	w->active_count = n;
	report_ready(w);
}

static void case_begin(struct case_work *w, uint32_t at, uint32_t owner, int64_t now)
{
	const struct spec_case *c = &w->cfg.set->cases[at];
	struct case_run *run = &w->runs[at];

	run->owner = owner;
	run->begin_ns = now;
	run->result = CASE_RUNNING;
	run->stage = c->chain.present ? STAGE_CHAIN : STAGE_READY;
	w->active[w->active_count++] = at;
	span_open(w, at, now);
	if (!c->chain.present)
		return;
	run->chain_begin_ns = now;
	if (w->trace)
		run->chain_span = trace_span_begin(w->trace, run->span, SPAN_CASE_CHAIN, NULL, now, NULL);
}

/* A step of the chain is done: what that means for the case. True when the chain stops. */
static bool step_absorb(struct case_work *w, uint32_t at, const struct chain_step *step)
{
	const struct chain *chain = &w->cfg.set->cases[at].chain;
	const struct case_run *target = &w->runs[step->target];
	struct case_run *run = &w->runs[at];
	auto_free char *before = run->message;

	run->message = NULL;
	if (target->result == CASE_PASS || target->result == CASE_FLAKY || step->allow_continue) {
		run->message = ptr_steal(&before);
		return false;
	}
	run->chain_failed = true;
	run->tokens |= target->tokens;
	run->chain_ended |= target->result == CASE_ENDED;
	run->message = xasprintf("%s%sstep '%s' (%s): %s%s%s", before ? before : "", before ? "\n" : "", step->id,
				 w->cfg.set->cases[step->target].id, case_result_text[target->result],
				 target->message ? ": " : "", target->message ? target->message : "");
	return chain->fail_fast;
}

static void chain_close(struct case_work *w, uint32_t at, bool stopped, int64_t now)
{
	struct case_run *run = &w->runs[at];

	if (run->chain_timed_out) {
		run->tokens |= 1u << TOKEN_CASE_CHAIN;
		run->chain_ended = run->chain_failed = true;
		if (!run->message)
			run->message = xstrdup("the chain outlived its timeout_ms: timeout.case.chain");
	}
	if (w->trace)
		trace_span_end(w->trace, run->chain_span,
			       run->chain_timed_out ? STATUS_TIMEOUT : run->chain_failed ? STATUS_ERROR : STATUS_OK,
			       run->chain_timed_out ? CATEGORY_WATCHDOG
						    : run->chain_failed ? CATEGORY_EXPECTATION : CATEGORY_NONE,
			       run->chain_failed ? run->message : NULL, TOKEN_NONE, now, NULL);
	if (!stopped && w->cfg.set->cases[at].harness.type != HARNESS_NONE) {
		run->stage = STAGE_READY;
		return;
	}
	run->result = run->chain_ended ? CASE_ENDED : run->chain_failed ? CASE_FAIL : CASE_PASS;
	case_finish(w, at, now);
}

static void chain_advance(struct case_work *w, uint32_t at, int64_t now)
{
	const struct chain *chain = &w->cfg.set->cases[at].chain;
	struct case_run *run = &w->runs[at];

	while (run->step < chain->step_count) {
		const struct chain_step *step = &chain->steps[run->step];
		struct case_run *target = &w->runs[step->target];

		if (target->stage == STAGE_DONE) {
			run->step++;
			if (step_absorb(w, at, step) || run->chain_timed_out) {
				chain_close(w, at, true, now);
				return;
			}
		} else if (run->chain_timed_out && (target->stage == STAGE_IDLE || target->owner != at)) {
			if (w->trace && target->stage != STAGE_IDLE)
				trace_watchdog(w->trace, run->chain_span, TOKEN_CASE_CHAIN, now, NULL);
			chain_close(w, at, true, now);
			return;
		} else {
			if (target->stage == STAGE_IDLE)
				case_begin(w, step->target, at, now);
			return;
		}
	}
	chain_close(w, at, run->chain_timed_out, now);
}

/* Are the cases done whose exports it reads? Begins those that nobody has begun. */
static bool uses_ready(struct case_work *w, uint32_t at, int64_t now)
{
	const struct spec_case *c = &w->cfg.set->cases[at];
	bool ready = true;

	for (uint32_t i = 0; i < c->use_count; i++) {
		struct case_run *target = &w->runs[c->uses[i].target];

		if (target->stage == STAGE_IDLE)
			case_begin(w, c->uses[i].target, CASE_NONE, now);
		ready &= target->stage == STAGE_DONE;
	}
	return ready;
}

/* ---- commands ---- */

static int list_expand(struct case_work *w, uint32_t at, const struct strv *from, struct strv *to, struct err *e)
{
	for (size_t i = 0; i < from->n; i++) {
		auto_str out = STR_INIT;

		if (case_expand(w, at, from->v[i], &out, e) < 0)
			return -1;
		strv_add(to, str_cstr(&out));
	}
	return 0;
}

static int command_fill(struct case_work *w, uint32_t at, struct case_job *j, struct err *e)
{
	const struct harness *h = &w->cfg.set->cases[at].harness;
	auto_str cwd = STR_INIT;
	auto_str in = STR_INIT;

	if (list_expand(w, at, &h->argv, &j->argv, e) < 0 || list_expand(w, at, &h->env, &j->env, e) < 0)
		return -1;
	if (h->cwd && case_expand(w, at, h->cwd, &cwd, e) < 0)
		return -1;
	j->cwd = !cwd.len || strcmp(str_cstr(&cwd), ".") == 0 ? xstrdup(w->cfg.root)
		 : str_cstr(&cwd)[0] == '/'                   ? xstrdup(str_cstr(&cwd))
							      : path_join(w->cfg.root, str_cstr(&cwd));
	if (h->stdin_text && memchr(h->stdin_text, '\0', h->stdin_bytes)) {
		str_addn(&in, h->stdin_text, h->stdin_bytes); /* bytes: nothing is expanded in them */
	} else if (h->stdin_text && case_expand(w, at, h->stdin_text, &in, e) < 0) {
		return -1;
	}
	j->text_bytes = in.len;
	j->text = str_steal(&in);
	j->cases = xcalloc(1, sizeof(*j->cases));
	j->cases[j->count++] = at;
	return 0;
}

static bool is_helper_case(const struct spec_case *c)
{
	return c->harness.type == HARNESS_FILE_SCAN || c->harness.type == HARNESS_DATA_VALIDATE ||
	       c->harness.type == HARNESS_TRACE_VERIFY;
}

/* With the first check that only reads files go all others that could begin now, so that they
 * share one walk. Those with another limit make a group of their own. */
static void helper_fill(struct case_work *w, uint32_t at, struct case_job *j, int64_t now)
{
	const struct spec_case *lead = &w->cfg.set->cases[at];
	auto_str text = STR_INIT;

	j->cases = xcalloc(w->cfg.count + 1, sizeof(*j->cases));
	j->cases[j->count++] = at;
	for (uint32_t i = w->next_order; i < w->cfg.count; i++) {
		uint32_t k = w->cfg.order[i];
		const struct spec_case *c = &w->cfg.set->cases[k];

		if (w->runs[k].stage != STAGE_IDLE || !is_helper_case(c) || c->chain.present || c->use_count ||
		    c->harness.timeout_ms != lead->harness.timeout_ms)
			continue;
		case_begin(w, k, CASE_NONE, now);
		j->cases[j->count++] = k;
	}
	for (uint32_t i = 0; i < j->count; i++)
		str_addf(&text, "%s\t%s\n", w->cfg.set->cases[j->cases[i]].file, w->cfg.set->cases[j->cases[i]].id);
	j->text_bytes = text.len;
	j->text = str_steal(&text);
	strv_add(&j->argv, w->cfg.check_program);
	strv_add(&j->argv, w->cfg.root);
	strv_take(&j->argv, xasprintf("%u", w->cfg.jobs ? w->cfg.jobs : 1));
}

static void spec_fill(struct case_work *w, const struct case_job *j, struct command_spec *spec)
{
	const struct spec_case *c = &w->cfg.set->cases[j->cases[0]];

	memset(spec, 0, sizeof(*spec));
	spec->argv = j->argv.v;
	spec->cwd = j->cwd;
	spec->env_add = j->env.v;
	spec->stdin_text = j->text;
	spec->stdin_bytes = j->text_bytes;
	spec->capture = true;
	spec->capture_max_bytes = is_helper_case(c) ? 16 * (size_t)CAPTURE_MAX_BYTES : CAPTURE_MAX_BYTES;
	spec->own_tmpdir = !is_helper_case(c);
	spec->limit_ns = c->harness.timeout_ms ? clock_ms_to_ns(c->harness.timeout_ms) : 0;
	spec->limit_token = TOKEN_CASE_HARNESS;
	spec->parent = w->runs[j->cases[0]].harness_span;
	spec->name = c->id;
	spec->user = (void *)j;
}

/* A case whose turn it is: true when it has a command to run. */
static bool case_start(struct case_work *w, uint32_t at, struct command_spec *spec, int64_t now)
{
	struct case_job *j;
	struct err e = { 0 };

	if (!uses_ready(w, at, now))
		return false;
	j = xcalloc(1, sizeof(*j));
	if (is_helper_case(&w->cfg.set->cases[at])) {
		if (!w->cfg.check_program) {
			job_free(j);
			case_fail(w, at, "spec-runner-check is not installed", now);
			return false;
		}
		helper_fill(w, at, j, now);
	} else if (command_fill(w, at, j, &e) < 0) {
		job_free(j);
		case_fail(w, at, e.msg, now);
		return false;
	}
	j->next = w->jobs;
	w->jobs = j;
	for (uint32_t i = 0; i < j->count; i++) {
		struct case_run *run = &w->runs[j->cases[i]];

		run->stage = STAGE_HARNESS;
		run->result = CASE_RUNNING;
		run->attempts++;
		harness_open(w, j->cases[i], now);
	}
	spec_fill(w, j, spec);
	return true;
}

enum work_next case_work_next(struct case_work *w, struct command_spec *spec, int64_t now_ns)
{
	for (;;) {
		for (uint32_t i = 0; i < w->active_count; i++) { /* grows while chains begin their steps */
			uint32_t at = w->active[i];

			if (w->runs[at].stage == STAGE_CHAIN)
				chain_advance(w, at, now_ns);
			if (w->runs[at].stage == STAGE_READY && case_start(w, at, spec, now_ns))
				return WORK_START;
			if (w->runs[at].stage == STAGE_DONE)
				break;
		}
		if (w->active_count) {
			uint32_t before = w->active_count;

			active_sweep(w);
			if (w->active_count != before)
				continue; /* what has ended may let others go on */
		}
		while (w->next_order < w->cfg.count && w->runs[w->cfg.order[w->next_order]].stage != STAGE_IDLE)
			w->next_order++;
		if (w->next_order == w->cfg.count || (w->failed && w->cfg.stop_at_failure))
			return w->active_count ? WORK_WAIT : WORK_END;
		case_begin(w, w->cfg.order[w->next_order], CASE_NONE, now_ns);
	}
}

static bool wants_retry(const struct case_work *w, const struct case_run *run)
{
	for (uint32_t at = run->owner; at != CASE_NONE; at = w->runs[at].owner)
		if (w->runs[at].chain_timed_out)
			return false; /* it would come too late */
	return (run->result == CASE_FAIL || run->result == CASE_ENDED) && run->attempts <= w->cfg.retries;
}

/* The harness of a case has ended and is judged. */
static void harness_done(struct case_work *w, uint32_t at, int64_t now)
{
	struct case_run *run = &w->runs[at];

	if (run->chain_failed && (run->result == CASE_PASS || run->result == CASE_FLAKY))
		run->result = run->chain_ended ? CASE_ENDED : CASE_FAIL;
	if (wants_retry(w, run) && !run->chain_failed && !is_helper_case(&w->cfg.set->cases[at])) {
		run->stage = STAGE_READY;
		return;
	}
	case_finish(w, at, now);
}

void case_work_done(struct case_work *w, void *user, const struct command_result *r, int64_t now_ns)
{
	struct case_job *j = user, **link = &w->jobs;

	for (uint32_t i = 0; i < j->count; i++)
		harness_close(w, j->cases[i], r, now_ns);
	if (is_helper_case(&w->cfg.set->cases[j->cases[0]]))
		case_judge_helper(w, j, r, now_ns);
	else
		case_judge_command(w, j->cases[0], j, r, now_ns);
	for (uint32_t i = 0; i < j->count; i++)
		harness_done(w, j->cases[i], now_ns);
	while (*link != j)
		link = &(*link)->next;
	*link = j->next;
	job_free(j);
	active_sweep(w);
}

/* ---- limits of chains ---- */

static int64_t chain_due(const struct case_work *w, uint32_t at)
{
	const struct case_run *run = &w->runs[at];
	const struct chain *chain = &w->cfg.set->cases[at].chain;

	if (run->stage != STAGE_CHAIN || !chain->timeout_ms || run->chain_timed_out)
		return TIME_NEVER;
	return clock_add(run->chain_begin_ns, clock_ms_to_ns(chain->timeout_ms));
}

/* A command that runs below a chain whose limit is over, and of which the supervisor was not told. */
static struct case_job *job_overdue(const struct case_work *w)
{
	for (struct case_job *j = w->jobs; j; j = j->next) {
		if (j->end_told || j->count != 1)
			continue;
		for (uint32_t at = w->runs[j->cases[0]].owner; at != CASE_NONE; at = w->runs[at].owner)
			if (w->runs[at].chain_timed_out)
				return j;
	}
	return NULL;
}

int64_t case_work_due(struct case_work *w)
{
	int64_t due = TIME_NEVER;

	if (job_overdue(w))
		return 0; /* at once */
	for (uint32_t i = 0; i < w->active_count; i++) {
		int64_t one = chain_due(w, w->active[i]);

		if (one < due)
			due = one;
	}
	return due;
}

void case_work_tick(struct case_work *w, int64_t now_ns)
{
	for (uint32_t i = 0; i < w->active_count; i++)
		if (chain_due(w, w->active[i]) <= now_ns)
			w->runs[w->active[i]].chain_timed_out = true;
}

void *case_work_end_early(struct case_work *w, enum token *token)
{
	struct case_job *j = job_overdue(w);

	if (!j)
		return NULL;
	j->end_told = true;
	*token = TOKEN_CASE_CHAIN;
	return j;
}

int case_work_end(struct case_work *w, bool interrupted, int64_t now_ns)
{
	struct case_totals t;

	for (uint32_t i = 0; i < w->cfg.count; i++) {
		struct case_run *run = &w->runs[w->cfg.order[i]];

		if (run->stage == STAGE_DONE)
			continue;
		if (run->stage != STAGE_IDLE) {
			run->result = CASE_CANCELLED;
			if (!run->message)
				run->message = xstrdup(interrupted ? "cancelled while it ran" : "its run has ended");
			case_finish(w, w->cfg.order[i], now_ns);
		}
		run->stage = STAGE_DONE;
	}
	report_ready(w);
	case_work_totals(w, &t);
	if (t.count[CASE_ENDED])
		return 124;
	return t.count[CASE_FAIL] || t.count[CASE_CANCELLED] || t.count[CASE_NOT_STARTED] ? 1 : 0;
}
