/* SPDX-License-Identifier: Apache-2.0 */
/* options_serve.h - values of `spec-runner serve` (options_serve.def). */
#ifndef RUNNER_CONFIG_OPTIONS_SERVE_H
#define RUNNER_CONFIG_OPTIONS_SERVE_H

#include "base/str.h"

#include <stdbool.h>

struct serve_options {
	char *listen, *token_file, *prefix;
	struct strv host_names;
	bool allow_remote, allow_optimize;
};

#endif
