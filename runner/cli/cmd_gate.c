/* ci-gate-summary: run the gate of spec-runner.yaml (contract 8). */
#include "runner/cli/cmd.h"
#include "runner/gate/gate.h"
#include "runner/proc/proc.h"

#include <unistd.h>

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
		.o = &cli->o, .root = cli->root, .verb = cli->verb, .args = cli->all_args, .envp = cli->envp,
		.ops = &ops, .ctx = &gate, .attach = gate_attach, .summary_json = gate_summary_json,
		.junit = cli->o.junit,
		.jobs = jobs < 1 ? 1 : jobs > PROC_JOBS_MAX ? PROC_JOBS_MAX : (int)jobs,
	};
	struct err e = { 0 };
	int code;

	if (cli->operand_count) {
		err_set(&e, ERR_USAGE, "ci-gate-summary takes no operands; '%s' is one", cli->operands[0]);
		return cli_fail(&e);
	}
	ops.end = gate_run_end;
	if (gate_init(&gate, &cli->o, &cli->config, cli->root, cli->envp, &e) < 0)
		return cli_fail(&e);
	code = proc_run(&setup, &e);
	gate_release(&gate);
	return e.kind != ERR_NONE ? cli_fail(&e) : code;
}
