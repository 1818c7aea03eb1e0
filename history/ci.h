/* SPDX-License-Identifier: Apache-2.0 */
/* ci.h - what the CI system says of the job that runs: one row a system. Pure. */
#ifndef HISTORY_CI_H
#define HISTORY_CI_H

#include "base/str.h"

struct ci {
	const char *provider;               /* NULL: no CI system */
	char pipeline[256], attempt[64], job[256], branch[256], rev[80], uri[512], default_branch[256];
};
void ci_read(struct ci *c, char *const envp[]);
/* {"provider", "pipeline", "attempt", "job"}; null where there is none. */
void ci_write(const struct ci *c, struct str *out);

#endif
