/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner analyze --run-id ID [--runtime|--static]: graphs and hotspots of a stored run. Exit 0; 1: no
 * such run, or nothing
 * in it to analyze; 2 usage; 125 the store failed. */
#include "base/mem.h"
#include "history/analyze.h"
#include "history/flags.h"
#include "history/real.h"
#include "history/view.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"
#include "runner/config/history_place.h"

#include <stdio.h>

static int analyze(struct cli *cli, struct store **s, struct str *out, struct err *e)
{
	const struct history_settings *h = &cli->o.history;
	auto_free char *dir = history_dir(&cli->o, cli->root);
	struct store_where w = { .dir = dir, .dsn = history_dsn(cli->envp, false), .network_ok = h->network_ok };
	const char *name = h->run_id ? h->run_id : cli->operand_count == 1 ? cli->operands[0] : NULL;
	char run_id[64];
	double damping;
	int rc;

	if (!name || cli->operand_count > 1)
		return err_set(e, ERR_USAGE, "analyze wants --run-id RUN (a run_id, latest, latest:BRANCH)");
	if (h->is_static)
		return err_set(e, ERR_FAILURE, "analyze --static: the reader of source code (spec-runner audit) is"
				" not part of this build");
	if (real_of("--damping", h->damping, 0, 1, 0.5, &damping, e) < 0 || store_open(s, &w, STORE_WRITE, e) < 0)
		return -1;
	rc = view_find_run(*s, name, run_id, e);
	if (rc == 0)
		rc = analyze_runtime(*s, run_id, h, damping, cli->o.json, out, e);
	return rc ? rc : flags_of_evaluation(*s, run_id, e);
}

static int analyze_body(struct cli *cli)
{
	auto_store *s = NULL;
	auto_str out = STR_INIT;
	struct err e = { 0 };
	int rc = analyze(cli, &s, &out, &e);

	fwrite(str_cstr(&out), 1, out.len, stdout);
	if (rc == 0)
		return cli_flush();
	return rc == 1 ? (cli_fail(&e), 1) : cli_fail(&e);
}

int main(int argc, char **argv)
{
	return program_main("analyze", argc, argv, analyze_body);
}
