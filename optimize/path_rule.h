/* SPDX-License-Identifier: Apache-2.0 */
/* path_rule.h - which paths of a repository a patch may touch. Pure. */
#ifndef OPTIMIZE_PATH_RULE_H
#define OPTIMIZE_PATH_RULE_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* A glob over a whole relative path: `*` and `?` within one component, `**` over any number, [abc] [!a-z], \x. */
bool path_glob(const char *pattern, const char *path);
bool path_glob_any(const struct strv *patterns, const char *path);

/* Relative, normal, no "..", no empty part, no .git in any spelling, no control byte, valid UTF-8. */
bool path_is_plain(const char *path, size_t n);

/* Tests, CI, lock files, configuration of ours: never a candidate's to change. The rule that says so, or NULL. */
const char *path_denied_always(const char *path);
/* Only tests among them: what goal hang may allow by name. */
bool path_is_test(const char *path);

#endif
