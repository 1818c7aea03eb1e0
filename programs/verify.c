/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner verify TRACE: holds a trace against the contract. Exit 0: it is good; 1: it is not, or
 * cannot be read; 2: usage (contract 1, 3). */
#include "base/fd.h"
#include "base/mem.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"
#include "trace/verify.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#define SHOWN_MAX 50

struct show {
	uint64_t shown;
};

static bool show_finding(void *arg, const char *pointer, const char *what)
{
	struct show *s = arg;

	if (s->shown++ < SHOWN_MAX)
		printf("%s: %s\n", *pointer ? pointer : "#", what);
	return s->shown < SHOWN_MAX;
}

static int verify_file(struct cli *cli, const char *path, struct verify_result *result, struct err *e)
{
	struct redactor *r = NULL;
	struct show show = { 0 };
	int fd, rc;

	if (redactor_new(&r, cli->envp, &cli->o.redact_env, &cli->o.redact_patterns, e) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		rc = err_sys(e, "%s", path);
	else
		rc = verify_run(fd, path, r, show_finding, &show, result, e);
	fd_close(&fd);
	redactor_free(r);
	return rc;
}

static int verify_body(struct cli *cli)
{
	struct verify_result result;
	struct err e = { 0 };
	auto_free char *path = NULL;
	int rc;

	if (cli->operand_count > 1) {
		err_set(&e, ERR_USAGE, "verify takes one trace; '%s' is another", cli->operands[1]);
		return cli_fail(&e);
	}
	path = cli->operand_count ? xstrdup(cli->operands[0]) : program_newest_trace(cli);
	if (verify_file(cli, path, &result, &e) < 0) {
		cli_flush();
		cli_fail(&e);
		return e.kind == ERR_USAGE ? 2 : 1;
	}
	if (result.findings > SHOWN_MAX)
		printf("… and %" PRIu64 " more\n", result.findings - SHOWN_MAX);
	if (!result.findings)
		printf("ok: %s, %" PRIu64 " spans, %" PRIu64 " events\n", result.run_id, result.span_count,
		       result.event_count);
	rc = cli_flush();
	if (rc)
		return rc;
	if (result.findings)
		cli_note("%s: %" PRIu64 " finding%s", path, result.findings,
			 result.findings == 1 ? "" : "s");
	return result.findings ? 1 : 0;
}

int main(int argc, char **argv)
{
	return program_main("verify", argc, argv, verify_body);
}
