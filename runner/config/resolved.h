/* SPDX-License-Identifier: Apache-2.0 */
/* resolved.h - what a run was told, after flag > environment > file > default, as one JSON object: `runner.dispatch`
 * records it as attrs.config, so that the run can be repeated under the same limits. No secret can be in it. */
#ifndef RUNNER_CONFIG_RESOLVED_H
#define RUNNER_CONFIG_RESOLVED_H

#include "runner/config/options.h"

/* Appends {"file": FILE or null, "liveness": {…}, "run": {…}}. file: the configuration that was read, NULL none. */
void options_resolved_json(const struct options *o, const char *file, struct str *out);

#endif
