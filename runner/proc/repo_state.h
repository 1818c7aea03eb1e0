/* SPDX-License-Identifier: Apache-2.0 */
/* repo_state.h - environment.repo of the trace: which repository and revision a run was of. */
#ifndef RUNNER_PROC_REPO_STATE_H
#define RUNNER_PROC_REPO_STATE_H

#include "base/str.h"
#include "trace/redact.h"

#include <stdbool.h>

/* Appends the JSON object, redacted, or null where root is in no work tree. ask_git: git is asked whether tracked
 * files were changed, for half a second at most. */
void repo_state_write(const char *root, char *const envp[], bool ask_git, struct redactor *r, struct str *out);

#endif
