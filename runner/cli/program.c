/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/cli/program.h"

#include "base/mem.h"
#include "runner/cli/cli.h"
#include "runner/cli/help.h"
#include "runner/cli/verbs.h"

#include <string.h>
#include <unistd.h>

extern char **environ;

int program_exec(const char *path, char *const args[], struct err *e)
{
	auto_free char *program = xstrdup(strrchr(path, '/') + 1);
	auto_free char **argv = NULL;
	size_t n = 0;

	while (args[n])
		n++;
	argv = xreallocarray(NULL, n + 2, sizeof(*argv));
	argv[0] = program;
	memcpy(argv + 1, args, (n + 1) * sizeof(*argv));
	execv(path, argv);
	return err_sys(e, "running '%s'", path);
}

int program_main(const char *verb, int argc, char **argv, int (*body)(struct cli *cli))
{
	const struct verb *v = verb_find(verb);
	static struct command_line cl;
	static struct cli cli; /* lives as long as the process */
	struct err e = { 0 };

	BUG_ON(!v);
	if (command_line_split_behind(&cl, &v->syntax, argc, argv, &e) < 0)
		return cli_fail(&e);
	if (cl.help)
		return help_verb(v);
	if (cl.version)
		return cmd_version(NULL);
	if (cli_open(&cli, &cl, environ, &e) < 0)
		return cli_fail(&e);
	return body(&cli);
}
