/* SPDX-License-Identifier: Apache-2.0 */
/* run [--] CMD [ARG...]: supervise one command (contract 1). */
#include "base/clock.h"
#include "runner/cli/cmd.h"
#include "runner/config/history_place.h"
#include "runner/proc/learned.h"
#include "runner/proc/proc.h"

#include <string.h>
#include <unistd.h>

struct run_one {
	struct cli *cli;
	span_id dispatch;
	bool started;
	struct command_result result;
};

static void run_attach(void *ctx, struct trace *t, span_id dispatch, int64_t now_ns)
{
	struct run_one *r = ctx;

	(void)t;
	(void)now_ns;
	r->dispatch = dispatch;
}

static enum work_next run_next(void *ctx, struct command_spec *spec, int64_t now_ns)
{
	struct run_one *r = ctx;

	(void)now_ns;
	if (r->started)
		return WORK_END;
	r->started = true;
	spec->argv = r->cli->operands;
	spec->limit_ns = clock_ms_to_ns(r->cli->o.timeout_ms);
	spec->limit_token = TOKEN_SUBPROCESS_WAIT;
	spec->parent = r->dispatch;
	return WORK_START;
}

static void run_done(void *ctx, void *user, const struct command_result *result, int64_t now_ns)
{
	struct run_one *r = ctx;

	(void)user;
	(void)now_ns;
	r->result = *result;
}

static int run_end(void *ctx, bool interrupted, int64_t now_ns)
{
	struct run_one *r = ctx;

	(void)interrupted;
	(void)now_ns;
	return r->result.exit_code;
}

/* `spec-runner run 'make && make check'`: a line for a shell, given as the name of a program. */
static bool is_shell_line(const char *word)
{
	return strpbrk(word, "&|;<>$`* ") && access(word, F_OK) < 0;
}

/* auto: what the history gives; without an answer there is no such limit. The usual length of a run is for the status line,
 * and not worth a moment's wait elsewhere. */
static void run_learn(struct cli *cli, struct learned *l)
{
	struct options *o = &cli->o;
	bool run_auto = o->timeout_ms == OPTION_AUTO_MS, tests_auto = o->test_timeout_ms == OPTION_AUTO_MS;

	if (!run_auto && !tests_auto && !(history_is_named(o, cli->envp) && isatty(STDERR_FILENO)))
		return;
	learned_read(l, o, cli->root, cli->verb, cli->all_args, cli->operands, cli->envp);
	if (run_auto)
		o->timeout_ms = l->run_limit_ms;
	else
		l->run_limit_ms = 0;
	if (tests_auto)
		o->test_timeout_ms = 0;
	else
		l->n_tests = 0;
}

int cmd_run(struct cli *cli)
{
	struct learned learned = { 0 };
	static const struct work_ops ops = { .next = run_next, .done = run_done, .end = run_end };
	struct run_one one = { .cli = cli, .result.exit_code = 125 };
	struct proc_setup setup = {
		.o = &cli->o, .root = cli->root, .verb = cli->verb, .config = cli->config.path,
		.args = cli->all_args, .envp = cli->envp,
		.command = cli->operands,
		.ops = &ops, .ctx = &one, .attach = run_attach, .jobs = 1,
		.junit = cli->o.junit,
	};
	struct err e = { 0 };
	int code;

	if (cli->operand_count == 0) {
		err_set(&e, ERR_USAGE, "%s: no command given; usage: spec-runner %s [OPTIONS] [--] CMD [ARG...]", cli->verb,
			cli->verb);
		return cli_fail(&e);
	}
	run_learn(cli, &learned);
	setup.learned = &learned;
	code = proc_run(&setup, &e);
	learned_release(&learned);
	if (code == 127 && cli->operand_count == 1 && is_shell_line(cli->operands[0]))
		cli_note("'%s' is one word, and no program has that name; a shell reads such a line: "
			 "spec-runner run -- sh -c '%s'", cli->operands[0], cli->operands[0]);
	return e.kind ? cli_fail(&e) : code;
}
