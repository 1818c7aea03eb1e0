/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner evidence --run-id ID [--finding F|--symbol S]: the evidence pack of a stored run, on stdout.
 * Exit 0; 1: no such
 * thing; 2 usage; 125 the store failed. */
#include "base/mem.h"
#include "history/evidence_pack.h"
#include "history/view.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"
#include "runner/config/history_place.h"

#include <stdio.h>

static int make(struct cli *cli, struct redactor *r, struct store **s, struct str *out, struct err *e)
{
	const struct history_settings *h = &cli->o.history;
	auto_free char *dir = history_dir(&cli->o, cli->root);
	struct store_where w = { .dir = dir, .dsn = history_dsn(cli->envp, true), .network_ok = h->network_ok };
	struct pack_request q = { .settings = h, .redactor = r, .root = cli->root };
	const char *name = h->run_id ? h->run_id : cli->operand_count == 1 ? cli->operands[0] : NULL;
	char run_id[64];
	int rc;

	if (!name || cli->operand_count > 1)
		return err_set(e, ERR_USAGE, "evidence needs --run-id RUN (a run_id, latest, latest:BRANCH)");
	if (h->finding && h->symbol)
		return err_set(e, ERR_USAGE, "evidence takes --finding or --symbol, not both");
	rc = store_open(s, &w, STORE_READ, e);
	if (rc == 1)
		err_set(e, ERR_FAILURE, "no history in '%s'", dir);
	if (rc != 0)
		return rc;
	q.s = *s;
	rc = view_find_run(*s, name, run_id, e);
	return rc ? rc : pack_write(&q, run_id, out, e);
}

static int evidence_body(struct cli *cli)
{
	struct redactor *r = NULL;
	auto_store *s = NULL;
	auto_str out = STR_INIT;
	struct err e = { 0 };
	int rc = redactor_new(&r, cli->envp, &cli->o.redact_env, &cli->o.redact_patterns, &e);

	if (rc == 0)
		rc = make(cli, r, &s, &out, &e);
	redactor_free(r);
	if (rc == 0) {
		fwrite(str_cstr(&out), 1, out.len, stdout);
		return cli_flush();
	}
	return rc == 1 ? (cli_fail(&e), 1) : cli_fail(&e);
}

int main(int argc, char **argv)
{
	return program_main("evidence", argc, argv, evidence_body);
}
