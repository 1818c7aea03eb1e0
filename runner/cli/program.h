/* SPDX-License-Identifier: Apache-2.0 */
/* program.h - starts a verb that is a program of its own, and the main() that all of them share. */
#ifndef RUNNER_CLI_PROGRAM_H
#define RUNNER_CLI_PROGRAM_H

#include "base/err.h"
#include "runner/cli/cmd.h"

/* Becomes the program at path; returns -1 only on failure. args: everything but the verb. */
int program_exec(const char *path, char *const args[], struct err *e);

/* The trace that is meant where none is named: --profile-out, else the newest below the artifacts folder; where there is
 * none, the first path, for the message. Caller frees. */
char *program_newest_trace(const struct cli *cli);

/* The main of programs/VERB.c: the same options, configuration, messages and help as in the main
 * program. argv[1..] is everything but the verb. Calls body unless help was asked for or the command
 * line is in error; body returns the exit code. Returns the exit code. */
int program_main(const char *verb, int argc, char **argv, int (*body)(struct cli *cli));

#endif
