/* SPDX-License-Identifier: Apache-2.0 */
/* history_place.h - where the user wants runs to be remembered. */
#ifndef RUNNER_CONFIG_HISTORY_PLACE_H
#define RUNNER_CONFIG_HISTORY_PLACE_H

#include "runner/config/options.h"

#include <stdbool.h>

#define HISTORY_DSN_ENV "SPEC_RUNNER_HISTORY_DSN"
#define HISTORY_READ_DSN_ENV "SPEC_RUNNER_HISTORY_READ_DSN"

/* A store is named: by --history, its environment name or key, or by a database. */
bool history_is_named(const struct options *o, char *const envp[]);

/* ERR_USAGE where a flag or the file names a database: what it holds is secret, and flags are seen by everybody. */
int history_check(const struct options *o, struct err *e);

/* The folder, absolute where it is taken from the root; never NULL. "on", and nothing said: .artifacts/history of the root.
 * A relative path of spec-runner.yaml is taken from the root. Caller frees. */
char *history_dir(const struct options *o, const char *root);

/* The database of the environment, NULL: SQLite in the folder. reading: the one for reading, where there is one. */
const char *history_dsn(char *const envp[], bool reading);

#endif
