/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner audit [PATH...]: the call graph of Python sources, without running them. Exit 0; 2 usage; 125 the output
 * cannot be written. */
#include "audit/graph.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"

#include <stdio.h>
#include <string.h>

static int audit_body(struct cli *cli)
{
	const struct audit_options *o = &cli->o.audit;
	struct err e = { 0 };
	auto_str out = STR_INIT;
	auto_free char *dir = path_resolve(cli->root, o->out), *file = path_join(dir, "call_graph.json");
	int code;

	if (graph_write(cli->root, cli->operands, (size_t)cli->operand_count, (size_t)o->max_file_bytes, &out, &e) < 0)
		return cli_fail(&e);
	if (!cli->o.format) {
		if (file_write(file, str_cstr(&out), out.len, &e) < 0)
			return cli_fail(&e);
		return 0;
	}
	if (strcmp(cli->o.format, "call-graph") != 0) {
		err_set(&e, ERR_USAGE, "--format: audit prints call-graph, not '%s'", cli->o.format);
		return cli_fail(&e);
	}
	fwrite(str_cstr(&out), 1, out.len, stdout);
	code = cli_flush();
	return code;
}

int main(int argc, char **argv)
{
	return program_main("audit", argc, argv, audit_body);
}
