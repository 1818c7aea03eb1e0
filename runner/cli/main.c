/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - words in, a verb found, an exit code out. */
#include "base/mem.h"
#include "base/nearest.h"
#include "base/value.h"
#include "evidence/words.h"
#include "runner/cli/cli.h"
#include "runner/cli/help.h"
#include "runner/cli/program.h"
#include "runner/cli/verbs.h"
#include "runner/config/libexec.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

/* Is it the name of a program, as `make` is? Then the verb was forgotten. */
static bool is_on_path(const char *name)
{
	const char *path = getenv("PATH");

	if (strchr(name, '/'))
		return access(name, X_OK) == 0;
	while (path && *path) {
		size_t n = strcspn(path, ":");
		auto_free char *file = xasprintf("%.*s/%s", (int)n, path, name);

		if (n && access(file, X_OK) == 0)
			return true;
		path += n + (path[n] == ':');
	}
	return false;
}

/* A verb that is a program of its own, ours or anybody's. Returns only on failure. */
static int run_program(const struct verb *v, const struct command_line *cl)
{
	auto_free char *path = libexec_find(v ? v->program : cl->verb);
	char quoted[VALUE_QUOTE_SIZE], hint[NEAREST_HINT_SIZE];
	struct err e = { 0 };
	struct nearest n;

	if (path) {
		program_exec(path, cl->all_args, &e);
		return cli_fail(&e);
	}
	if (v) {
		err_set(&e, ERR_USAGE, "'%s' is not installed: no program spec-runner-%s beside this one, in "
				       "../libexec/spec-runner or on PATH",
			v->syntax.name, v->program);
		return cli_fail(&e);
	}
	if (is_on_path(cl->verb)) {
		auto_str line = STR_INIT;

		words_add(&line, cl->verb);
		for (int i = 0; i < cl->all_argc; i++)
			words_add(&line, cl->all_args[i]);
		err_set(&e, ERR_USAGE, "unknown verb %s; did you mean: spec-runner run -- %s", value_quote(cl->verb, quoted),
			str_cstr(&line) + (*str_cstr(&line) == ' '));
		return cli_fail(&e);
	}
	nearest_init(&n, cl->verb);
	for (size_t i = 0; i < verb_count; i++)
		if (verb_is_available(&verbs[i]))
			nearest_offer(&n, verbs[i].syntax.name);
	err_set(&e, ERR_USAGE, "unknown verb %s%s; 'spec-runner help' lists them", value_quote(cl->verb, quoted),
		nearest_hint(n.best, hint));
	return cli_fail(&e);
}

static int dispatch(struct command_line *cl)
{
	const struct verb *v = cl->verb ? verb_find(cl->verb) : NULL;
	static struct cli cli; /* lives as long as the process */
	struct err e = { 0 };

	if (cl->version)
		return cmd_version(NULL);
	if (cl->help && (!cl->verb || v))
		return v ? help_verb(v) : help_all();
	if (!cl->verb) {
		err_set(&e, ERR_USAGE, "a verb is missing; 'spec-runner help' lists them");
		return cli_fail(&e);
	}
	if (v)
		cl->verb = v->syntax.name; /* of a short name: the whole one, which the trace has */
	if (!v || v->program)
		return run_program(v, cl);
	if (cli_open(&cli, cl, environ, &e) < 0)
		return cli_fail(&e);
	return v->run(&cli);
}

/* Under the name hmopt the verbs are the same, but for `run`: that is a run of the optimiser. */
static void take_other_name(int argc, char **argv)
{
	const char *slash = argc ? strrchr(argv[0], '/') : NULL;

	if (argc < 2 || strcmp(slash ? slash + 1 : argv[0], "hmopt") != 0)
		return;
	if (strcmp(argv[1], "run") == 0)
		argv[1] = "optimize";
}

int main(int argc, char **argv)
{
	static struct command_line cl;
	struct err e = { 0 };

	take_other_name(argc, argv);

	if (command_line_split(&cl, argc, argv, verb_syntax_find, &e) < 0)
		return cli_fail(&e);
	return dispatch(&cl);
}
