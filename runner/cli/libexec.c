#include "runner/cli/libexec.h"

#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "runner/cli/cli.h"
#include "runner/cli/help.h"
#include "runner/cli/verbs.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* dir (n bytes) + below + "/" + program, where that is a program. */
static char *try_folder(const char *dir, size_t n, const char *below, const char *program)
{
	auto_free char *path = xasprintf("%.*s%s/%s", (int)n, dir, below, program);

	return is_program(path) ? ptr_steal(&path) : NULL;
}

static char *find_on_path(const char *program)
{
	const char *p = getenv("PATH");

	for (size_t n; p; p = p[n] ? p + n + 1 : NULL) {
		char *found;

		n = strcspn(p, ":");
		found = n ? try_folder(p, n, "", program) : try_folder(".", 1, "", program);
		if (found)
			return found;
	}
	return NULL;
}

char *cli_libexec_find(const char *name)
{
	auto_free char *program = xasprintf("spec-runner-%s", name);
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *found = NULL;

	/* A verb is one word: `spec-runner ../x` runs nothing. */
	if (strchr(program, '/'))
		return NULL;
	if (n > 0) {
		self[n] = '\0';
		n = strrchr(self, '/') - self;
		found = try_folder(self, (size_t)n, "/../libexec/spec-runner", program);
		if (!found)
			found = try_folder(self, (size_t)n, "/.artifacts/libexec", program);
	}
	if (!found)
		found = try_folder(SPEC_RUNNER_LIBEXECDIR, strlen(SPEC_RUNNER_LIBEXECDIR), "", program);
	return found ? found : find_on_path(program);
}

int libexec_exec(const char *path, char *const args[], struct err *e)
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

int cli_libexec_main(const char *verb, int argc, char **argv, int (*body)(struct cli *cli))
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
