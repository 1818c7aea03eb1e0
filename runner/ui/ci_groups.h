/* SPDX-License-Identifier: Apache-2.0 */
/* ci_groups.h - parts of a CI log that can be folded: what GitHub Actions, GitLab, Buildkite, TeamCity and
 * Azure Pipelines want to read before and after a step. Elsewhere, and below another spec-runner (whose
 * group it is), nothing is written.
 *
 * What failed must not lie in a fold. GitLab shows a section open unless it is told otherwise; Buildkite opens
 * the group by a mark at its end; the others cannot, so the caller repeats the step's last lines
 * behind it (ci_group_hides). Pure. */
#ifndef RUNNER_UI_CI_GROUPS_H
#define RUNNER_UI_CI_GROUPS_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum ci_provider { CI_NONE, CI_GITHUB, CI_GITLAB, CI_BUILDKITE, CI_TEAMCITY, CI_AZURE };

enum ci_provider ci_provider_of(char *const envp[]);

/* Each appends whole lines. id: the same at begin and end, unique in the log. real_ns: since 1970. */
void ci_group_begin(struct str *out, enum ci_provider p, const char *name, unsigned id, int64_t real_ns);
void ci_group_end(struct str *out, enum ci_provider p, const char *name, unsigned id, bool failed, int64_t real_ns);

/* Do the lines of a failed group stay folded away? */
bool ci_group_hides(enum ci_provider p);

#define CI_TAIL_PREFIX "spec-runner: | "
/* Appends the last lines of an output (at most `lines`, of at most 400 bytes each) behind a prefix that no
 * provider takes for a command of its own. tail: redacted. */
void ci_tail_lines(struct str *out, const char *tail, size_t n, unsigned lines);

#endif
