/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/cli/program.h"

#include "base/mem.h"
#include "base/path.h"
#include "runner/cli/cli.h"
#include "runner/cli/help.h"
#include "runner/cli/verbs.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* The newest run-trace.json one folder below dir. Names of runs begin with their time. */
static void newest_below(const char *dir, char **best, struct timespec *when)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		auto_free char *path = xasprintf("%s/%s/run-trace.json", dir, names[i]->d_name);
		struct stat st;

		if (names[i]->d_name[0] != '.' && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
		    (!*best || st.st_mtim.tv_sec > when->tv_sec ||
		     (st.st_mtim.tv_sec == when->tv_sec && st.st_mtim.tv_nsec > when->tv_nsec))) {
			free(*best);
			*best = xstrdup(path);
			*when = st.st_mtim;
		}
		free(names[i]);
	}
	free(names);
}

char *program_newest_trace(const struct cli *cli)
{
	static const char *const below[] = { "runs", "recovered", "nested" };
	char *usual = path_resolve(cli->root, cli->o.profile_out), *best = NULL;
	auto_free char *artifacts = path_resolve(cli->root, cli->o.artifacts_dir);
	struct timespec when = { 0 };

	if (access(usual, F_OK) == 0)
		return usual;
	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		auto_free char *dir = path_join(artifacts, below[i]);

		newest_below(dir, &best, &when);
	}
	if (!best)
		return usual;
	free(usual);
	return best;
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
