/* SPDX-License-Identifier: Apache-2.0 */
/* ci-gate-summary: run the gate of spec-runner.yaml (contract 8). */
#include "base/mem.h"
#include "runner/cli/cmd.h"
#include "runner/gate/gate.h"
#include "runner/proc/proc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GATES "SPEC_RUNNER_GATES="

/* The environment of the steps: ours, and the gates that run above them. A step that runs its own gate again
 * (mostly by way of `make`) would do so for ever, each time with processes of its own: that is refused. */
static int gates_enter(struct strv *envp, char *const ours[], const char *config, struct err *e)
{
	auto_free char *real = config ? realpath(config, NULL) : NULL;
	const char *above = ":";

	for (; *ours; ours++)
		if (strncmp(*ours, GATES, strlen(GATES)) == 0)
			above = *ours + strlen(GATES);
		else
			strv_add(envp, *ours);
	if (real) {
		auto_free char *entry = xasprintf(":%s:", real);

		if (strstr(above, entry))
			return err_set(e, ERR_USAGE, "a step of the gate of '%s' runs this gate again", real);
	}
	strv_take(envp, xasprintf(GATES "%s%s%s", above, real ? real : "", real ? ":" : ""));
	return 0;
}

/* What could not be written or read is said by the process that knows. */
static int gate_run_end(void *ctx, bool interrupted, int64_t now_ns)
{
	struct gate *g = ctx;
	int code = gate_ops.end(g, interrupted, now_ns);

	if (g->failure.kind != ERR_NONE)
		cli_fail(&g->failure);
	return code;
}

int cmd_gate(struct cli *cli)
{
	int64_t jobs = cli->o.jobs ? cli->o.jobs : sysconf(_SC_NPROCESSORS_ONLN);
	struct gate gate;
	struct work_ops ops = gate_ops;
	struct proc_setup setup = {
		.o = &cli->o, .root = cli->root, .verb = cli->verb, .config = cli->config.path,
		.args = cli->all_args, .envp = cli->envp,
		.ops = &ops, .ctx = &gate, .attach = gate_attach, .summary_json = gate_summary_json,
		.junit = cli->o.junit,
		.jobs = jobs < 1 ? 1 : jobs > PROC_JOBS_MAX ? PROC_JOBS_MAX : (int)jobs,
	};
	struct strv envp = STRV_INIT;
	struct err e = { 0 };
	int code;

	if (cli->operand_count) {
		err_set(&e, ERR_USAGE, "ci-gate-summary takes no operands; '%s' is one", cli->operands[0]);
		return cli_fail(&e);
	}
	ops.end = gate_run_end;
	if (gate_init(&gate, &cli->o, &cli->config, cli->root, cli->envp, &e) < 0)
		return cli_fail(&e);
	if (gates_enter(&envp, cli->envp, cli->config.path, &e) < 0) {
		code = cli_fail(&e);
		goto out;
	}
	setup.envp = envp.v;
	gate.case_jobs = (unsigned)setup.jobs;
	if (cli->o.gate_jobs > 1) /* commands beside the cases of a step */
		setup.jobs += (int)cli->o.gate_jobs;
	if (setup.jobs > PROC_JOBS_MAX)
		setup.jobs = PROC_JOBS_MAX;
	code = proc_run(&setup, &e);
	if (e.kind != ERR_NONE)
		code = cli_fail(&e);
out:
	strv_release(&envp);
	gate_release(&gate);
	return code;
}
