/* SPDX-License-Identifier: Apache-2.0 */
/* recover [JOURNAL] - seals a trace out of a journal that a dead supervisor left (contract 1, 4).
 * Exit code 0, or 1 where something could not be recovered whole. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/cli/cli.h"
#include "runner/proc/orphans.h"
#include "runner/proc/proc.h"
#include "runner/proc/sampling_recover.h"
#include "trace/seal.h"

#include <stdio.h>

/* For explaining one recovered run. */
#define EXPLAIN_NS (30 * NS_PER_S)
/* For the profiles of all of them. */
#define PROFILES_NS (60 * NS_PER_S)

struct told {
	struct cli *cli;
	bool failed;
	unsigned in_use;
};

static void tell(void *arg, const char *journal, const char *out_dir, const struct err *problem)
{
	struct told *t = arg;

	t->in_use += !out_dir && !problem;
	if (out_dir && orphans_end_of_journal(journal))
		printf("%s: ended what was left of it\n", journal);
	if (problem) {
		t->failed = true;
		cli_fail(problem);
	}
	if (out_dir) {
		auto_free char *trace = path_join(out_dir, "run-trace.json");
		struct err e = { .kind = ERR_NONE };

		printf("%s: sealed in %s\n", journal, out_dir);
		fflush(stdout);
		if (proc_explain(trace, t->cli->envp, &t->cli->o, t->cli->o.quiet,
				 clock_mono_ns() + EXPLAIN_NS, &e) < 0) {
			t->failed = true;
			cli_fail(&e);
		}
	}
}

int cmd_recover(struct cli *cli)
{
	auto_free char *dir = cli->o.artifacts_dir_given ? path_resolve(cli->root, cli->o.artifacts_dir) :
							   path_join(cli->root, ".artifacts");
	struct told told = { .cli = cli };
	struct err e = { .kind = ERR_NONE };
	char out_dir[4096];
	int rc, count;

	if (cli->operand_count > 1) {
		err_set(&e, ERR_USAGE, "'recover' takes one journal, or none for all of them");
		return cli_fail(&e);
	}
	sampling_recover(dir, cli->root, cli->envp, &cli->o, clock_mono_ns() + PROFILES_NS);
	if (cli->operand_count == 1) {
		rc = seal_recover_one(cli->operands[0], dir, out_dir, &e);
		tell(&told, cli->operands[0], out_dir[0] ? out_dir : NULL, rc < 0 ? &e : NULL);
	} else {
		count = seal_recover_each(dir, tell, &told, &e);
		if (count < 0) {
			cli_fail(&e);
			return 1;
		}
		if (count == 0 && !told.failed)
			printf("nothing to recover in %s\n", dir);
		if (told.in_use)
			printf("%u journal%s in use: %s\n", told.in_use, told.in_use == 1 ? " is" : "s are",
			       told.in_use == 1 ? "that run goes on" : "those runs go on");
	}
	rc = cli_flush();
	return rc ? rc : told.failed;
}
