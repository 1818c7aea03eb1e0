/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner audit [PATH...]: the call graph of sources and what is expensive in it, without running them. Exit 0; 1 where
 * a limit of --fail-increase or --fail-load is passed; 2 usage; 125 the output cannot be written. */
#include "audit/cost.h"
#include "audit/sources.h"
#include "audit/write.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int audit_body(struct cli *cli)
{
	const struct audit_options *o = &cli->o.audit;
	struct err e = { 0 };
	auto_str out = STR_INIT;
	auto_free char *dir = path_resolve(cli->root, o->out), *file = path_join(dir, "call_graph.json");
	struct sources s;
	struct graph g = { 0 };
	struct costs c;
	struct model m;
	void *states[LANGUAGE_COUNT];
	struct sources_options so = { .root = cli->root, .paths = cli->operands,
		.path_count = (size_t)cli->operand_count,
		.max_bytes = (size_t)o->max_file_bytes };
	struct front_options fo = { .roots = (char *const[]){ "src", "lib" }, .root_count = 2, .jobs = 2 };

	if (cli->o.format && strcmp(cli->o.format, "call-graph") != 0) {
		err_set(&e, ERR_USAGE, "--format: audit prints call-graph, not '%s'", cli->o.format);
		return cli_fail(&e);
	}
	if (model_read(&m, NULL, &e) < 0 || sources_read(&s, &so, &e) < 0)
		return cli_fail(&e);
	sources_graph(&s, &fo, &g, states);
	graph_finish(&g, (uint32_t)m.max_targets);
	costs_find(&c, &g, &m, cli->root);
	write_call_graph(&g, &c, &out);
	sources_done(states);
	sources_release(&s);
	costs_release(&c);
	graph_release(&g);
	model_release(&m);
	if (!cli->o.format)
		return file_write(file, str_cstr(&out), out.len, &e) < 0 ? cli_fail(&e) : 0;
	fwrite(str_cstr(&out), 1, out.len, stdout);
	return cli_flush();
}

int main(int argc, char **argv)
{
	return program_main("audit", argc, argv, audit_body);
}
