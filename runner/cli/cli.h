/* SPDX-License-Identifier: Apache-2.0 */
/* cli.h - what main and the libexec programs share. */
#ifndef RUNNER_CLI_CLI_H
#define RUNNER_CLI_CLI_H

#include "runner/config/command_line.h"
#include "runner/cli/cmd.h"

/* Root, configuration and values for a verb of ours; says what there is to note. The command line
 * must outlive cli. */
int cli_open(struct cli *cli, struct command_line *cl, char **envp, struct err *e);

/* Flushes stdout. 0, or the exit code (with a message) where what we printed could not be written. */
int cli_flush(void);

/* The folder of an output that the user named must be there, or lie below the root: a mistyped path makes no folders
 * elsewhere. what: "--junit". ERR_USAGE. */
int cli_check_folder(const struct cli *cli, const char *what, const char *path, struct err *e);
/* The same for every output that a flag, the environment or the file names. */
int cli_check_outputs(const struct cli *cli, struct err *e);

#endif
