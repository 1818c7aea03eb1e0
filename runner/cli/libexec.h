/* libexec.h - verbs that are programs of their own, as git's are (HOUSE: the
 * supervisor stays dull). Looked for beside our own program (../libexec/spec-runner, then
 * .artifacts/libexec of a development tree), in SPEC_RUNNER_LIBEXECDIR as
 * compiled in, and on PATH. */
#ifndef RUNNER_CLI_LIBEXEC_H
#define RUNNER_CLI_LIBEXEC_H

#include "base/err.h"
#include "runner/cli/cmd.h"

/* Path of "spec-runner-NAME", NULL where it is not installed. Caller frees. */
char *cli_libexec_find(const char *name);

/* Becomes the program at path; returns -1 only on failure. args: everything but the verb. */
int libexec_exec(const char *path, char *const args[], struct err *e);

/* The main of runner/libexec/VERB.c: the same options, configuration, messages and help as in
 * the main program; argv[1..] is everything but the verb. Calls body unless help was asked for or the
 * words are wrong; body returns the exit code. Returns the exit code. */
int cli_libexec_main(const char *verb, int argc, char **argv, int (*body)(struct cli *cli));

#endif
