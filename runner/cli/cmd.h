/* SPDX-License-Identifier: Apache-2.0 */
/* cmd.h - what a verb gets, and the verbs that are part of the main program.
 * A verb is a function in runner/cli/cmd_VERB.c and a row in runner/cli/verbs.c; it
 * returns the exit code of the process (contract 3). */
#ifndef RUNNER_CLI_CMD_H
#define RUNNER_CLI_CMD_H

#include "runner/config/config.h"
#include "base/err.h"
#include "runner/config/options.h"

/* All of it lives until the process ends; argv's words are borrowed. */
struct cli {
	struct options o;      /* values after flag > environment > file > default */
	const char *verb;
	char **operands;       /* what is left: the command of `run`, paths, a pid; NULL-terminated */
	int operand_count;
	char **all_args;       /* everything but the verb, as given (contract 5 `args`); NULL-terminated */
	int all_argc;
	char *root;            /* contract 4; absolute */
	char **envp;
	struct config config;
};

int cmd_run(struct cli *cli);
int cmd_record(struct cli *cli);
int cmd_recover(struct cli *cli);
int cmd_test(struct cli *cli);
int cmd_governance(struct cli *cli);
int cmd_gate(struct cli *cli);
int cmd_help(struct cli *cli);
int cmd_version(struct cli *cli);
int cmd_completion(struct cli *cli);

/* Prints `spec-runner: MESSAGE` on stderr in one write. Returns the exit code that the kind asks
 * for: 2 for ERR_USAGE, else 125. */
int cli_fail(const struct err *e);

/* Like it, for a note that is not a failure: `spec-runner: …`, one line. */
void cli_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A matrix of more jobs than there are cases: a job without cases says so, and has not failed. */
struct case_session;
void cli_note_empty_part(const struct cli *cli, const struct case_session *s);

#endif
