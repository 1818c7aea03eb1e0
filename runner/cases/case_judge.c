/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/signal_name.h"
#include "runner/cases/case_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELPER_LINE_MAX 512

char *case_text_keep(struct case_work *w, const char *text, size_t n)
{
	auto_str out = STR_INIT;

	if (!n)
		return NULL;
	if (w->cfg.redactor)
		redact_text(w->cfg.redactor, text, n, &out);
	else
		str_addn(&out, text, n);
	return str_steal(&out);
}

static char *tail_keep(struct case_work *w, const char *text, size_t n)
{
	auto_str out = STR_INIT;

	if (!n)
		return NULL;
	if (w->cfg.redactor)
		redact_tail(w->cfg.redactor, text, n, TAIL_BYTES, &out);
	else
		str_addn(&out, n > TAIL_BYTES ? text + n - TAIL_BYTES : text, n > TAIL_BYTES ? TAIL_BYTES : n);
	return str_steal(&out);
}

/* ---- ${step.export} ---- */

struct expansion {
	struct case_work *w;
	uint32_t at;
};

static const char *use_value(void *ctx, const struct template_ref *r)
{
	const struct expansion *x = ctx;
	const struct spec_case *c = &x->w->cfg.set->cases[x->at];

	for (uint32_t i = 0; i < c->use_count; i++) {
		const struct spec_case *from = &x->w->cfg.set->cases[c->uses[i].target];
		char **values = x->w->runs[c->uses[i].target].exports;

		if (strlen(c->uses[i].name) != r->name_len || memcmp(c->uses[i].name, r->name, r->name_len) != 0)
			continue;
		for (uint32_t k = 0; k < from->export_count; k++)
			if (strlen(from->exports[k].name) == r->key_len &&
			    memcmp(from->exports[k].name, r->key, r->key_len) == 0)
				return values ? values[k] : NULL;
	}
	return NULL;
}

int case_expand(struct case_work *w, uint32_t at, const char *text, struct str *out, struct err *e)
{
	struct expansion x = { w, at };

	return template_expand(text, use_value, &x, out, e);
}

static int expand_operand(void *ctx, const char *text, struct str *out, struct err *e)
{
	const struct expansion *x = ctx;

	return case_expand(x->w, x->at, text, out, e);
}

/* ---- expectations ---- */

struct judgement {
	struct case_work *w;
	const struct spec_case *c;
	const struct outcome *o;
	struct str why;
	bool failed;
};

static void complain(struct judgement *v, const char *prefix, const char *text)
{
	if (v->why.len)
		str_addc(&v->why, '\n');
	str_add(&v->why, prefix);
	str_add(&v->why, text);
	v->failed = true;
}

static void judge_must(struct judgement *v, const struct expectations *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct err e = { 0 };
		auto_str why = STR_INIT;
		int rc = expectation_holds(&l->v[i], v->o, v->w->space, &why, &e);

		if (rc <= 0)
			complain(v, "must: ", rc < 0 ? e.msg : str_cstr(&why));
	}
}

static void judge_must_not(struct judgement *v, const struct expectations *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct err e = { 0 };
		auto_str why = STR_INIT;
		int rc = expectation_holds(&l->v[i], v->o, v->w->space, &why, &e);

		if (rc == 1)
			expectation_describe(&l->v[i], &why);
		if (rc)
			complain(v, "must not: ", rc < 0 ? e.msg : str_cstr(&why));
	}
}

static void judge_may(struct judgement *v, const struct expectations *l)
{
	auto_str all = STR_INIT;

	for (size_t i = 0; i < l->n; i++) {
		struct err e = { 0 };
		int rc = expectation_holds(&l->v[i], v->o, v->w->space, &all, &e);

		if (rc == 1)
			return;
		if (rc < 0)
			str_add(&all, e.msg);
		str_add(&all, i + 1 < l->n ? "; " : "");
	}
	if (l->n)
		complain(v, "may, none holds: ", str_cstr(&all));
}

static bool names_exit_code(const struct expectations *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].target == TARGET_EXIT_CODE)
			return true;
	return false;
}

static bool judges_exit_code(const struct spec_case *c)
{
	return names_exit_code(&c->must) || names_exit_code(&c->must_not) || names_exit_code(&c->may);
}

static void take_exports(struct judgement *v, struct case_run *run)
{
	if (!v->c->export_count || v->failed)
		return;
	if (!run->exports)
		run->exports = xcalloc(v->c->export_count, sizeof(*run->exports));
	for (uint32_t i = 0; i < v->c->export_count; i++) {
		struct err e = { 0 };
		auto_str out = STR_INIT;

		if (export_take(&v->c->exports[i], v->o, v->w->space, &out, &e) < 0) {
			complain(v, "", e.msg);
			continue;
		}
		mem_free_ptr(&run->exports[i]);
		run->exports[i] = str_steal(&out);
	}
}

/* The expectations below one check.execute span. problem: what is wrong already, or NULL. */
static void judge_case(struct case_work *w, uint32_t at, const struct outcome *o, const char *problem, int64_t now)
{
	struct judgement v = { .w = w, .c = &w->cfg.set->cases[at], .o = o, .why = STR_INIT };
	struct case_run *run = &w->runs[at];
	span_id span = w->trace ? trace_span_begin(w->trace, run->span, SPAN_CHECK_EXECUTE, NULL, now, NULL) : 0;

	if (problem)
		complain(&v, "", problem);
	judge_must(&v, &v.c->must);
	judge_must_not(&v, &v.c->must_not);
	judge_may(&v, &v.c->may);
	take_exports(&v, run);
	run->result = v.failed ? CASE_FAIL : run->attempts > 1 ? CASE_FLAKY : CASE_PASS;
	if (v.failed) {
		mem_free_ptr(&run->message);
		run->message = case_text_keep(w, str_cstr(&v.why), v.why.len);
	}
	if (w->trace)
		trace_span_end(w->trace, span, v.failed ? STATUS_ERROR : STATUS_OK,
			       v.failed ? CATEGORY_EXPECTATION : CATEGORY_NONE, v.failed ? str_cstr(&v.why) : NULL,
			       TOKEN_NONE, now, NULL);
	str_release(&v.why);
}

enum token case_ended_by(uint32_t tokens)
{
	static const enum token order[] = { TOKEN_CASE_HARNESS, TOKEN_CASE_CHAIN, TOKEN_HARD_CAP,
					    TOKEN_SUBPROCESS_WAIT, TOKEN_STALL_SUBPROCESS };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (tokens & 1u << order[i])
			return order[i];
	return TOKEN_NONE;
}

/* What needs no expectation: it was ended or cancelled. True when that is all there is to say. */
static bool judge_end(struct case_work *w, uint32_t at, const struct command_result *r)
{
	struct case_run *run = &w->runs[at];
	char text[200];

	run->tokens |= r->tokens;
	if (r->cancelled || r->lost) {
		run->result = CASE_CANCELLED;
		snprintf(text, sizeof(text), "cancelled while it ran");
	} else if (r->ended_by_watchdog) {
		run->result = CASE_ENDED;
		snprintf(text, sizeof(text), "ended after %" PRId64 " ms: %s", r->duration_ns / NS_PER_MS,
			 case_ended_by(r->tokens) ? token_text[case_ended_by(r->tokens)] : "deadline");
	} else {
		return false;
	}
	mem_free_ptr(&run->message);
	run->message = xstrdup(text);
	return true;
}

/* What an audit said: the limits that were passed, or why it could not tell. */
static char *threshold_problem(const struct command_result *r)
{
	static const char prefix[] = "spec-runner: ";
	bool passed = r->exit_code == 1 && r->out_bytes;
	const char *text = passed ? r->out : r->err;
	size_t n = passed ? r->out_bytes : r->err_bytes;

	if (!passed && n >= sizeof(prefix) - 1 && memcmp(text, prefix, sizeof(prefix) - 1) == 0) {
		text += sizeof(prefix) - 1;
		n -= sizeof(prefix) - 1;
	}
	while (n && text[n - 1] == '\n')
		n--;
	return n ? xstrndup(text, n) : xasprintf("exit code %d", r->exit_code);
}

void case_judge_command(struct case_work *w, uint32_t at, const struct case_job *job, const struct command_result *r,
			int64_t now_ns)
{
	const struct spec_case *c = &w->cfg.set->cases[at];
	struct case_run *run = &w->runs[at];
	struct expansion x = { w, at };
	struct outcome o = {
		.exit_code = r->exit_code, .out = r->out, .err = r->err, .out_bytes = r->out_bytes,
		.err_bytes = r->err_bytes, .out_cut = r->out_total > r->out_bytes,
		.err_cut = r->err_total > r->err_bytes, .duration_ns = r->duration_ns, .dir = job->cwd,
		.expand = expand_operand, .ctx = &x,
	};
	auto_free char *problem = NULL;
	bool any = c->must.n || c->must_not.n || c->may.n;

	if (!judge_end(w, at, r)) {
		if (r->spawn_errno && !judges_exit_code(c))
			problem = xasprintf("'%s' could not be started: %s", job->argv.v[0], strerror(r->spawn_errno));
		else if (!any && r->signal)
			problem = xasprintf("killed by signal %d (%s)", r->signal, signal_text(r->signal));
		else if (r->exit_code && c->harness.type == HARNESS_AUDIT_THRESHOLD)
			problem = threshold_problem(r);
		else if (!any && r->exit_code)
			problem = xasprintf("exit code %d", r->exit_code);
		judge_case(w, at, &o, problem, now_ns);
	}
	mem_free_ptr(&run->out);
	mem_free_ptr(&run->err);
	if (run->result == CASE_FAIL || run->result == CASE_ENDED) {
		run->out = tail_keep(w, r->out, r->out_bytes);
		run->err = tail_keep(w, r->err, r->err_bytes);
	}
}

/* ---- what the helper said ---- */

/* "ID PROBLEMS BYTES\n" and so many bytes of text, for each case. */
static bool helper_next(const char **p, const char *end, char id[CASE_ID_MAX_BYTES + 1], unsigned *problems,
			const char **text, size_t *n)
{
	const char *nl = memchr(*p, '\n', (size_t)(end - *p));
	char line[HELPER_LINE_MAX];

	if (!nl || nl - *p >= HELPER_LINE_MAX)
		return false;
	memcpy(line, *p, (size_t)(nl - *p));
	line[nl - *p] = '\0';
	if (sscanf(line, "%128s %u %zu", id, problems, n) != 3 || *n > (size_t)(end - nl - 1))
		return false;
	*text = nl + 1;
	*p = *text + *n;
	return true;
}

static void helper_case(struct case_work *w, uint32_t at, unsigned problems, const char *text, size_t n,
			const struct command_result *r, int64_t now)
{
	const struct spec_case *c = &w->cfg.set->cases[at];
	struct expansion x = { w, at };
	struct outcome o = {
		.exit_code = problems ? 1 : 0, .out = text, .out_bytes = n, .duration_ns = r->duration_ns,
		.dir = w->cfg.root, .expand = expand_operand, .ctx = &x,
	};
	auto_free char *problem = problems && !judges_exit_code(c) ? xstrndup(text, n) : NULL;

	while (problem && *problem && problem[strlen(problem) - 1] == '\n')
		problem[strlen(problem) - 1] = '\0';
	judge_case(w, at, &o, problem, now);
}

void case_judge_helper(struct case_work *w, const struct case_job *job, const struct command_result *r,
		       int64_t now_ns)
{
	const char *p = r->out, *end = r->out + r->out_bytes, *text;
	char id[CASE_ID_MAX_BYTES + 1];
	unsigned problems;
	size_t n;

	while (p && helper_next(&p, end, id, &problems, &text, &n)) {
		uint32_t at = case_set_find(w->cfg.set, id);

		if (at != CASE_NONE && w->runs[at].stage == STAGE_HARNESS && w->runs[at].result == CASE_RUNNING)
			helper_case(w, at, problems, text, n, r, now_ns);
	}
	for (uint32_t i = 0; i < job->count; i++) {
		uint32_t at = job->cases[i];
		struct case_run *run = &w->runs[at];

		if (run->result != CASE_RUNNING || judge_end(w, at, r))
			continue;
		run->result = CASE_FAIL;
		mem_free_ptr(&run->message);
		run->message = xasprintf("the helper gave no result (exit code %d)", r->exit_code);
		run->err = tail_keep(w, r->err, r->err_bytes);
	}
}
