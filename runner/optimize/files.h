/* SPDX-License-Identifier: Apache-2.0 */
/* files.h - the configuration of optimize, gateway and explain: which files, and the variables that they name. */
#ifndef RUNNER_OPTIMIZE_FILES_H
#define RUNNER_OPTIMIZE_FILES_H

#include "optimize/setup.h"
#include "runner/config/options.h"

/* The value of a variable of the environment, or of --env-file. */
struct loop_env {
	char *const *envp;
	struct strv file;      /* NAME=value */
};
int loop_env_open(struct loop_env *v, const struct options *o, const char *root, char *const envp[], struct err *e);
const char *loop_env_get(void *ctx, const char *name);
void loop_env_release(struct loop_env *v);

/* Configuration files of the command line into s; config_path: spec-runner.yaml or --config, NULL none. */
int loop_setup_read(struct setup *s, const struct options *o, const char *root, const char *config_path, char *const envp[],
		    struct err *e);

#endif
