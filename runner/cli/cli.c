/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/cli/cli.h"

#include "base/fd.h"
#include "base/guard.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/config/history_place.h"
#include "trace/redact.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In one write, so that our lines never mix with the command's. */
static void say(const char *text)
{
	struct strv none = STRV_INIT;
	struct redactor *r = NULL;
	struct err e = { .kind = ERR_NONE };
	auto_str line = STR_INIT;

	/* what the user typed wrongly may be a secret (contract 7: no raw secret in any message) */
	str_add(&line, "spec-runner: ");
	if (redactor_new(&r, environ, &none, &none, &e) == 0) {
		redact_text(r, text, strlen(text), &line);
		redactor_free(r);
	}
	str_addc(&line, '\n');
	/* Where stderr is closed nobody is left to be told. */
	if (fd_write_all(STDERR_FILENO, line.data, line.len) < 0)
		return;
}

int cli_fail(const struct err *e)
{
	say(e->msg);
	return e->kind == ERR_USAGE ? 2 : 125;
}

void cli_note(const char *fmt, ...)
{
	char text[sizeof(((struct err *)0)->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say(text);
}

int cli_flush(void)
{
	struct err e = { 0 };

	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	err_sys(&e, "writing to standard output");
	return cli_fail(&e);
}

/* spec-runner.yaml may come with a pull request: it does not say where else on the machine to write. */
static int check_paths(const struct cli *cli, struct err *e)
{
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];
		const char *path = row->type == OPTION_PATH ? *(char *const *)((const char *)&cli->o + row->offset) : NULL;

		if (path && row->key && option_source(&cli->o, row) == SOURCE_FILE && path_leads_out(cli->root, path))
			return err_set(e, ERR_USAGE,
				       "%s: '%s' is '%s', which leads out of '%s'; --allow-outside-root allows it",
				       cli->config.path ? cli->config.path : "spec-runner.yaml", row->key, path, cli->root);
	}
	return 0;
}

int cli_open(struct cli *cli, struct command_line *cl, char **envp, struct err *e)
{
	auto_free char *artifacts = NULL;

	memset(cli, 0, sizeof(*cli));
	cli->verb = cl->verb;
	cli->operands = cl->operands;
	cli->operand_count = cl->operand_count;
	cli->all_args = cl->all_args;
	cli->all_argc = cl->all_argc;
	cli->envp = envp;
	cli->root = path_root();
	if (options_read(&cli->o, &cli->config, cl, envp, cli->root, e) < 0)
		return -1;
	if (history_check(&cli->o, e) < 0)
		return -1;
	if (!cli->o.allow_outside_root && check_paths(cli, e) < 0)
		return -1;
	if (cl->syntax && (cl->syntax->bit & SUPERVISE) && cli_check_outputs(cli, e) < 0)
		return -1;
	artifacts = cli->o.artifacts_dir_given ? path_resolve(cli->root, cli->o.artifacts_dir) :
						 path_join(cli->root, ".artifacts");
	guard_folder(artifacts, cli->o.artifacts_dir_given);
	for (size_t i = 0; i < cl->notes.n && !cli->o.quiet; i++)
		cli_note("%s", cl->notes.v[i]);
	return 0;
}

static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && (path[n] == '/' || !path[n]);
}

int cli_check_folder(const struct cli *cli, const char *what, const char *path, struct err *e)
{
	auto_free char *full = path_resolve(cli->root, path), *artifacts = path_resolve(cli->root, cli->o.artifacts_dir);
	char *slash = strrchr(full, '/');
	struct stat st;

	/* the kernel's own trees make no folders: writing there fails, and says so */
	if (is_below(full, "/proc") || is_below(full, "/sys") || is_below(full, "/dev"))
		return 0;
	if (!slash || slash == full || *full != '/' || is_below(full, artifacts) || is_below(full, cli->root))
		return 0;
	*slash = '\0';
	if (stat(full, &st) < 0)
		return err_set(e, ERR_USAGE, "%s: '%s' cannot be written: the folder '%s' does not exist", what, path, full);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_USAGE, "%s: '%s' cannot be written: '%s' is not a folder", what, path, full);
	return 0;
}

int cli_check_outputs(const struct cli *cli, struct err *e)
{
	const struct options *o = &cli->o;

	if ((o->junit && cli_check_folder(cli, "--junit", o->junit, e) < 0) ||
	    (o->profiling.mpa && cli_check_folder(cli, "--mpa", o->profiling.mpa, e) < 0) ||
	    (o->profile_out_given && cli_check_folder(cli, "--profile-out", o->profile_out, e) < 0) ||
	    (o->profile_summary_out_given && cli_check_folder(cli, "--profile-summary-out", o->profile_summary_out, e) < 0))
		return -1;
	return strcmp(cli->verb, "ci-gate-summary") == 0 ? cli_check_folder(cli, "--out", o->out, e) : 0;
}
