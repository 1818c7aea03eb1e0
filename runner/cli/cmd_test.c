/* SPDX-License-Identifier: Apache-2.0 */
/* test [PATH...]: run spec cases (contract 9). */
#include "base/mem.h"
#include "runner/cli/cmd.h"
#include "runner/proc/proc.h"
#include "runner/cases/session.h"

#include <string.h>
#include <unistd.h>

struct test_run {
	struct case_session session;
	struct err late; /* what could not be written at the end */
};

static void test_attach(void *ctx, struct trace *t, span_id dispatch, int64_t now_ns)
{
	struct test_run *r = ctx;

	case_session_begin(&r->session, t, dispatch, now_ns);
}

static enum work_next test_next(void *ctx, struct command_spec *spec, int64_t now_ns)
{
	struct test_run *r = ctx;

	return case_session_next(&r->session, spec, now_ns);
}

static void test_done(void *ctx, void *user, const struct command_result *result, int64_t now_ns)
{
	struct test_run *r = ctx;

	case_session_done(&r->session, user, result, now_ns);
}

static int test_end(void *ctx, bool interrupted, int64_t now_ns)
{
	struct test_run *r = ctx;
	int code = case_session_end(&r->session, interrupted, now_ns, &r->late);

	if (r->late.kind != ERR_NONE) { /* said here: only this process knows */
		cli_fail(&r->late);
		return code ? code : 125;
	}
	return code;
}

static int64_t test_due(void *ctx)
{
	struct test_run *r = ctx;

	return case_session_due(&r->session);
}

static void test_tick(void *ctx, int64_t now_ns)
{
	struct test_run *r = ctx;

	case_session_tick(&r->session, now_ns);
}

static void test_progress(void *ctx, struct status_view *v)
{
	struct test_run *r = ctx;

	case_session_progress(&r->session, v);
}

static void *test_end_early(void *ctx, enum token *token)
{
	struct test_run *r = ctx;

	return case_work_end_early(r->session.work, token);
}

static int test_run(struct cli *cli, struct test_run *r)
{
	static const struct work_ops ops = { .next = test_next, .done = test_done, .end = test_end, .due = test_due,
					     .tick = test_tick, .end_early = test_end_early, .progress = test_progress };
	int64_t jobs = cli->o.jobs ? cli->o.jobs : sysconf(_SC_NPROCESSORS_ONLN);
	struct proc_setup setup = {
		.o = &cli->o, .root = cli->root, .verb = cli->verb, .config = cli->config.path,
		.args = cli->all_args, .envp = cli->envp,
		.learn = r->session.learn.v, .ops = &ops, .ctx = r, .attach = test_attach,
		.light = true, .jobs = jobs < 1 ? 1 : jobs > PROC_JOBS_MAX ? PROC_JOBS_MAX : (int)jobs,
	};
	struct err e = { 0 };
	int code = proc_run(&setup, &e);

	return e.kind != ERR_NONE ? cli_fail(&e) : code;
}

void cli_note_empty_part(const struct cli *cli, const struct case_session *s)
{
	if (!s->count && !cli->o.quiet)
		cli_note("part %u of %u is empty: %u in all", s->cfg.select.shard, s->cfg.select.shards, s->selected);
}

int cmd_test(struct cli *cli)
{
	struct case_session_config cfg = {
		.o = &cli->o, .root = cli->root, .envp = cli->envp, .paths = cli->operands,
		.path_count = (size_t)cli->operand_count, .default_path = "specs",
		.select = { .filter = cli->o.filter },
		.format = case_format_find(cli->o.format ? cli->o.format : "tap"),
		.retries = (unsigned)cli->o.retries, .stop_at_failure = cli->o.stop_at_failure, .junit = cli->o.junit,
	};
	struct test_run r = { 0 };
	struct err e = { 0 };
	int code;

	if (cli->o.shard && shard_parse(cli->o.shard, cli->envp, &cfg.select.shard, &cfg.select.shards, &e) < 0)
		return cli_fail(&e);
	code = case_session_open(&r.session, &cfg, &e) < 0 ? cli_fail(&e) : 0;
	if (e.kind == ERR_NONE) {
		cli_note_empty_part(cli, &r.session);
		code = !cli->o.list ? test_run(cli, &r) : case_session_list(&r.session) < 0 ? 125 : 0;
	}
	case_session_close(&r.session);
	return code;
}
