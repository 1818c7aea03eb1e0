/* SPDX-License-Identifier: Apache-2.0 */
/* sampling_recover.h - the profiles of runs none of whose processes is left: out of the logs of their samplers, before
 * their journals are sealed. Internal to runner. */
#ifndef RUNNER_PROC_SAMPLING_RECOVER_H
#define RUNNER_PROC_SAMPLING_RECOVER_H

#include "runner/config/options.h"

#include <stdint.h>

/* Of each unlocked journal in that folder which has a log beside it. What fails is left as it is. until_ns: absolute. */
void sampling_recover(const char *artifacts, const char *root, char *const envp[], const struct options *o,
		      int64_t until_ns);

#endif
