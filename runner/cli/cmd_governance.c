/* SPDX-License-Identifier: Apache-2.0 */
/* governance [PATH...]: run the cases that carry a check id (contract 1, 9). */
#include "base/mem.h"
#include "runner/cli/cmd.h"
#include "runner/gate/governance.h"
#include "runner/proc/proc.h"

#include <unistd.h>

struct governance_run {
	struct cli *cli;
	struct case_session session;
	struct trace *trace;
};

static void gov_attach(void *ctx, struct trace *t, span_id dispatch, int64_t now_ns)
{
	struct governance_run *r = ctx;

	r->trace = t;
	case_session_begin(&r->session, t, dispatch, now_ns);
}

static enum work_next gov_next(void *ctx, struct command_spec *spec, int64_t now_ns)
{
	struct governance_run *r = ctx;

	return case_session_next(&r->session, spec, now_ns);
}

static void gov_done(void *ctx, void *user, const struct command_result *result, int64_t now_ns)
{
	struct governance_run *r = ctx;

	case_session_done(&r->session, user, result, now_ns);
}

static int gov_end(void *ctx, bool interrupted, int64_t now_ns)
{
	struct governance_run *r = ctx;
	const char *run_id = trace_run_id(r->trace);
	auto_free char *folder = artifacts_folder(&r->cli->o, r->cli->root, r->cli->envp, run_id);
	struct err e = { 0 };
	int code = case_session_end(&r->session, interrupted, now_ns, &e);

	if (governance_write(&r->session, folder, run_id, &e) < 0) {
		cli_fail(&e);
		return code ? code : 125;
	}
	return code;
}

static int64_t gov_due(void *ctx)
{
	struct governance_run *r = ctx;

	return case_session_due(&r->session);
}

static void gov_tick(void *ctx, int64_t now_ns)
{
	struct governance_run *r = ctx;

	case_session_tick(&r->session, now_ns);
}

static void gov_progress(void *ctx, struct status_view *v)
{
	struct governance_run *r = ctx;

	case_session_progress(&r->session, v);
}

static void *gov_end_early(void *ctx, enum token *token)
{
	struct governance_run *r = ctx;

	return case_work_end_early(r->session.work, token);
}

static int governance_run(struct cli *cli, struct governance_run *r)
{
	static const struct work_ops ops = { .next = gov_next, .done = gov_done, .end = gov_end, .due = gov_due,
					     .tick = gov_tick, .end_early = gov_end_early, .progress = gov_progress };
	int64_t jobs = cli->o.jobs ? cli->o.jobs : sysconf(_SC_NPROCESSORS_ONLN);
	struct proc_setup setup = {
		.o = &cli->o, .root = cli->root, .verb = cli->verb, .config = cli->config.path,
		.args = cli->all_args, .envp = cli->envp,
		.learn = r->session.learn.v, .ops = &ops, .ctx = r, .attach = gov_attach,
		.light = true, .jobs = jobs < 1 ? 1 : jobs > PROC_JOBS_MAX ? PROC_JOBS_MAX : (int)jobs,
	};
	struct err e = { 0 };
	int code = proc_run(&setup, &e);

	return e.kind != ERR_NONE ? cli_fail(&e) : code;
}

int cmd_governance(struct cli *cli)
{
	struct strv only = STRV_INIT;
	struct case_session_config cfg = {
		.o = &cli->o, .root = cli->root, .envp = cli->envp, .paths = cli->operands,
		.path_count = (size_t)cli->operand_count, .default_path = "specs", .governance = true,
		.select = { .only_checks = true, .filter = cli->o.filter, .prefixes = &cli->o.check_prefix,
			    .excluded = &cli->o.exclude_check_prefix },
		.retries = (unsigned)cli->o.retries, .stop_at_failure = cli->o.stop_at_failure,
	};
	struct governance_run r = { .cli = cli };
	struct err e = { 0 };
	int code;

	if ((cli->o.shard && shard_parse(cli->o.shard, cli->envp, &cfg.select.shard, &cfg.select.shards, &e) < 0) ||
	    (cli->o.from_failures && governance_failures_read(cli->o.from_failures, &only, &e) < 0)) {
		strv_release(&only);
		return cli_fail(&e);
	}
	if (cli->o.from_failures)
		cfg.select.checks = &only;
	code = case_session_open(&r.session, &cfg, &e) < 0 ? cli_fail(&e) : 0;
	if (e.kind == ERR_NONE) {
		cli_note_empty_part(cli, &r.session);
		code = !cli->o.list ? governance_run(cli, &r) : case_session_list(&r.session) < 0 ? 125 : 0;
	}
	case_session_close(&r.session);
	strv_release(&only);
	return code;
}
