/* SPDX-License-Identifier: Apache-2.0 */
/* record [--] CMD [ARG...] and record --pid PID: where does the time go? */
#include "runner/cli/cmd.h"

#include "base/mem.h"
#include "runner/proc/record.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_COLLECT "cpu,wall,proc"
#define LEVEL_DETAILED_WORD 2

int cmd_record(struct cli *cli)
{
	struct options *o = &cli->o;
	struct err e = { 0 };
	int code;

	if (!o->profiling.pid && option_source(o, option_by_flag("seconds", 7, 0)) == SOURCE_FLAG) {
		err_set(&e, ERR_USAGE, "record: --seconds is for --pid; a command is recorded until it ends");
		return cli_fail(&e);
	}
	if (!o->profiling.collect || !*o->profiling.collect) {
		free(o->profiling.collect);
		o->profiling.collect = xstrdup(RECORD_COLLECT);
		if (o->profile_level < LEVEL_DETAILED_WORD &&
		    (o->profile_level || option_source(o, option_by_flag("profile-level", 13, 0)) == SOURCE_DEFAULT))
			o->profile_level = LEVEL_DETAILED_WORD;
	}
	if (!o->profiling.pid)
		return cmd_run(cli);
	if (cli->operand_count || strcmp(o->profiling.collect, "none") == 0) {
		err_set(&e, ERR_USAGE, cli->operand_count ? "record: --pid and a command exclude each other" :
			"record: --pid and --collect none exclude each other: nothing would be recorded");
		return cli_fail(&e);
	}
	code = record_attached(o, cli->root, cli->verb, cli->all_args, cli->envp, &e);
	return e.kind ? cli_fail(&e) : code;
}
