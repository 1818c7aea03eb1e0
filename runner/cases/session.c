/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/cases/session.h"

#include "base/clock.h"
#include "base/env.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/cases/part.h"
#include "runner/config/libexec.h"
#include "runner/proc/stop_commands.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLUSH_RETRY_NS (20 * NS_PER_MS)
#define FLUSH_INTERRUPTED_NS (2 * NS_PER_S)
#define STEP_SUMMARY_MAX_BYTES (1000 * 1000)

/* ---- stdout, never waited for while something runs ---- */

static void flush_some(struct case_session *s, int64_t now_ns)
{
	s->flush_due_ns = now_ns + FLUSH_RETRY_NS;
	while (s->outlet_ready && s->pending_at < s->pending.len) {
		ssize_t n = outlet_write(&s->outlet, s->pending.data + s->pending_at, s->pending.len - s->pending_at);

		if (n == 0)
			return;
		s->pending_at = n < 0 ? s->pending.len : s->pending_at + (size_t)n;
	}
	str_reset(&s->pending);
	s->pending_at = 0;
}

/* Ctrl-C and the like, which our process has blocked: a reader that does not read must not hold us. */
static bool is_cancelled(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 && (sigismember(&pending, SIGINT) > 0 || sigismember(&pending, SIGTERM) > 0 ||
					     sigismember(&pending, SIGHUP) > 0);
}

static void flush_all(struct case_session *s, int64_t until_ns)
{
	for (;;) {
		struct pollfd p = { .fd = s->outlet.fd, .events = POLLOUT };

		flush_some(s, clock_mono_ns());
		if (s->pending_at >= s->pending.len || clock_mono_ns() >= until_ns)
			return;
		poll(&p, 1, 100);
		if (until_ns == TIME_NEVER && is_cancelled())
			until_ns = clock_mono_ns() + FLUSH_INTERRUPTED_NS;
	}
}

/* ---- reports ---- */

static void governance_line(struct str *out, const struct spec_case *c, const struct case_outcome *o)
{
	const char *p = o->message ? o->message : case_result_text[o->result];

	if (o->result == CASE_PASS || o->result == CASE_FLAKY)
		return;
	str_addf(out, "ERROR: %s: ", c->id);
	for (; *p; p++) /* one line a check */
		if (*p == '\n')
			str_add(out, "; ");
		else
			str_addc(out, *p);
	str_addc(out, '\n');
}

static void governance_end(struct str *out, const struct case_work *w, int64_t duration_ns)
{
	struct case_totals t;

	case_work_totals(w, &t);
	str_addf(out, "%" PRIu32 " checks in %.3f s: %" PRIu32 " passed, %" PRIu32 " failed\n", t.cases,
		 (double)duration_ns / NS_PER_S, t.count[CASE_PASS] + t.count[CASE_FLAKY],
		 t.cases - t.count[CASE_PASS] - t.count[CASE_FLAKY]);
}

static void case_reported(void *ctx, uint32_t which, const struct spec_case *c, const struct case_outcome *o)
{
	struct case_session *s = ctx;

	auto_str text = STR_INIT;

	if (s->cfg.silent)
		return;
	if (s->cfg.governance)
		governance_line(&text, c, o);
	else if (s->cfg.format->one)
		s->cfg.format->one(&text, which + 1, c, o);
	if (s->wraps && (o->message || o->out || o->err))
		stop_commands_wrap(&s->pending, str_cstr(&text), text.len);
	else
		str_addn(&s->pending, str_cstr(&text), text.len);
}

/* ---- the session ---- */

static int selection_load(struct case_session *s, struct err *e)
{
	auto_free char *fallback = NULL;
	char *one[1];
	struct stat st;

	if (s->cfg.path_count)
		return case_set_load(&s->set, s->cfg.paths, s->cfg.path_count, e);
	/* from within the root the plain name reads better in messages */
	fallback = stat(s->cfg.default_path, &st) == 0 ? xstrdup(s->cfg.default_path)
						       : path_join(s->cfg.root, s->cfg.default_path);
	one[0] = fallback;
	return case_set_load(&s->set, one, 1, e);
}

/* What a case puts into its own environment is as secret as what stands in ours. */
static void learn_cases(struct case_session *s)
{
	for (uint32_t i = 0; i < s->set.count; i++) {
		const struct strv *env = &s->set.cases[i].harness.env;

		if (s->set.cases[i].harness.type != HARNESS_CLI_RUN)
			continue;
		for (size_t k = 0; k < env->n; k++)
			strv_add(&s->learn, env->v[k]);
		redactor_learn_argv(s->redactor, s->set.cases[i].harness.argv.v);
	}
	redactor_learn_env(s->redactor, s->learn.v);
}

static int refuse_outside(const struct case_session *s, const struct spec_case *c, const char *path, struct err *e)
{
	if (path[0] == '!')
		path++;
	if (!path_leads_out(s->cfg.root, path))
		return 0;
	return err_set(e, ERR_USAGE, "%s:%u:%u: case '%s': path '%s' leads out of '%s'; --allow-outside-root allows it",
		       c->file, c->line, c->column, c->id, path, s->cfg.root);
}

/* Cases may come with a pull request, and what they find is shown: the files that they search lie in the project.
 * (A schema is no such file, and a command goes where it likes.) */
static int check_paths(const struct case_session *s, struct err *e)
{
	for (uint32_t i = 0; i < s->set.count; i++) {
		const struct spec_case *c = &s->set.cases[i];
		const struct harness *h = &c->harness;
		const struct strv *paths = h->type == HARNESS_FILE_SCAN ? &h->scan->paths :
			h->type == HARNESS_DATA_VALIDATE || h->type == HARNESS_TRACE_VERIFY ? &h->paths : NULL;

		for (size_t k = 0; paths && k < paths->n; k++)
			if (refuse_outside(s, c, paths->v[k], e) < 0)
				return -1;
	}
	return 0;
}

static int select_cases(struct case_session *s, struct err *e)
{
	const struct case_session_config *cfg = &s->cfg;
	struct case_selection all = cfg->select;
	bool plan = cfg->select.shards > 0 && part_has_plan(cfg->o, cfg->envp);

	all.shards = 0;
	s->order = case_select(&s->set, &all, &s->selected);
	s->count = s->selected;
	if (plan && s->count)
		return part_take(cfg->o, cfg->root, cfg->envp, &cfg->select, &s->set, s->order, &s->count, e);
	if (cfg->select.shards) {
		free(s->order);
		s->order = case_select(&s->set, &cfg->select, &s->count);
	}
	return 0;
}

int case_session_open(struct case_session *s, const struct case_session_config *cfg, struct err *e)
{
	struct case_work_config work;

	memset(s, 0, sizeof(*s));
	s->cfg = *cfg;
	s->wraps = stop_commands_wanted(cfg->o, cfg->envp);
	case_set_init(&s->set);
	s->set.root = cfg->o->allow_outside_root ? NULL : cfg->root;
	if (selection_load(s, e) < 0)
		return -1;
	if (!cfg->o->allow_outside_root && check_paths(s, e) < 0)
		return -1;
	if (select_cases(s, e) < 0)
		return -1;
	if (!s->selected)
		return err_set(e, ERR_USAGE, "no %s is selected (%" PRIu32 " cases were read)",
			       cfg->governance ? "check" : "case", s->set.count);
	if (redactor_new(&s->redactor, cfg->envp, &cfg->o->redact_env, &cfg->o->redact_patterns, e) < 0)
		return -1;
	learn_cases(s);
	s->check_program = libexec_find("check");
	work = (struct case_work_config){
		.set = &s->set, .order = s->order, .count = s->count, .root = cfg->root,
		.check_program = s->check_program, .jobs = cfg->o->jobs > 0 ? (unsigned)cfg->o->jobs : 1,
		.retries = cfg->retries, .stop_at_failure = cfg->stop_at_failure, .redactor = s->redactor,
		.report = case_reported, .ctx = s,
	};
	if (cfg->o->jobs == 0)
		work.jobs = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	s->work = case_work_new(&work);
	return 0;
}

void case_session_close(struct case_session *s)
{
	case_work_free(s->work);
	s->work = NULL;
	if (s->outlet_ready)
		outlet_release(&s->outlet);
	s->outlet_ready = false;
	redactor_free(s->redactor);
	s->redactor = NULL;
	strv_release(&s->learn);
	mem_free_ptr(&s->order);
	mem_free_ptr(&s->check_program);
	str_release(&s->pending);
	case_set_release(&s->set);
}

int case_session_list(const struct case_session *s)
{
	auto_str list = STR_INIT;

	for (uint32_t i = 0; i < s->count; i++) {
		const struct spec_case *c = &s->set.cases[s->order[i]];

		str_addf(&list, "%s%s%s\n", c->id, *c->title ? " " : "", c->title);
	}
	return fd_write_all(STDOUT_FILENO, str_cstr(&list), list.len);
}

void case_session_begin(struct case_session *s, struct trace *t, span_id parent, int64_t now_ns)
{
	s->begin_ns = now_ns;
	s->begin_real_ns = clock_real_ns();
	outlet_init(&s->outlet, 1, fcntl(1, F_GETFD) < 0);
	s->outlet_ready = true;
	case_work_attach(s->work, t, parent);
	if (s->cfg.format && s->cfg.format->begin)
		s->cfg.format->begin(&s->pending, s->count);
	flush_some(s, now_ns);
}

enum work_next case_session_next(struct case_session *s, struct command_spec *spec, int64_t now_ns)
{
	enum work_next next = case_work_next(s->work, spec, now_ns);

	flush_some(s, now_ns);
	return next;
}

void case_session_done(struct case_session *s, void *user, const struct command_result *r, int64_t now_ns)
{
	case_work_done(s->work, user, r, now_ns);
	flush_some(s, now_ns);
}

int64_t case_session_due(struct case_session *s)
{
	int64_t due = case_work_due(s->work);

	return s->pending_at < s->pending.len && s->flush_due_ns < due ? s->flush_due_ns : due;
}

void case_session_tick(struct case_session *s, int64_t now_ns)
{
	case_work_tick(s->work, now_ns);
	flush_some(s, now_ns);
}

void case_session_say(struct case_session *s, const char *text)
{
	str_add(&s->pending, text);
	flush_some(s, clock_mono_ns());
}

static int junit_write(struct case_session *s, struct err *e)
{
	auto_free char *path = path_resolve(s->cfg.root, s->cfg.junit);
	auto_str xml = STR_INIT;

	case_junit_write(&xml, s->work, s->end_ns - s->begin_ns, env_get(s->cfg.envp, "GITLAB_CI") != NULL);
	return file_write(path, str_cstr(&xml), xml.len, e);
}

/* Appends to the file that GitHub named; a summary that would grow past the limit is left out, as an
 * oversized one is dropped with all that was there. */
static void step_summary_write(const char *path, const struct str *text)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_size + (int64_t)text->len <= STEP_SUMMARY_MAX_BYTES)
		fd_write_all(fd, str_cstr(text), text->len);
	close(fd);
}

static void github_write(struct case_session *s)
{
	const char *on = env_get(s->cfg.envp, "GITHUB_ACTIONS");
	const char *path = env_get(s->cfg.envp, "GITHUB_STEP_SUMMARY");
	auto_str summary = STR_INIT;

	if (!on || strcmp(on, "true") != 0)
		return;
	if (s->cfg.governance || strcmp(s->cfg.format->name, "junit") != 0) /* commands would spoil the XML */
		case_github_annotations(&s->pending, s->work);
	if (!path || !*path)
		return;
	case_github_summary(&summary, s->work, s->cfg.governance ? "spec-runner governance" : "spec-runner test");
	step_summary_write(path, &summary);
}

void case_session_progress(const struct case_session *s, struct status_view *v)
{
	struct case_totals t;

	case_work_totals(s->work, &t);
	v->noun = s->cfg.governance ? "checks" : "cases";
	v->total = t.cases;
	v->done = t.cases - t.count[CASE_NOT_STARTED] - t.count[CASE_RUNNING];
	v->failed = t.count[CASE_FAIL] + t.count[CASE_ENDED];
}

int case_session_end(struct case_session *s, bool interrupted, int64_t now_ns, struct err *e)
{
	int code = case_work_end(s->work, interrupted, now_ns);

	s->end_ns = now_ns;
	if (s->cfg.format && s->cfg.format->end)
		s->cfg.format->end(&s->pending, s->work, now_ns - s->begin_ns,
				   env_get(s->cfg.envp, "GITLAB_CI") != NULL);
	if (s->cfg.governance && !s->cfg.silent)
		governance_end(&s->pending, s->work, now_ns - s->begin_ns);
	if (!s->cfg.silent)
		github_write(s);
	flush_all(s, interrupted ? now_ns + FLUSH_INTERRUPTED_NS : TIME_NEVER);
	if (s->cfg.junit)
		junit_write(s, e);
	return code;
}
