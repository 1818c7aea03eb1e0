/* SPDX-License-Identifier: Apache-2.0 */
/* again.h - a session from an earlier repro.json: the same command, the same hang, its best setting. */
#ifndef RUNNER_REPRO_AGAIN_H
#define RUNNER_REPRO_AGAIN_H

#include "runner/repro/session.h"

/* Fills target, selection, seed and the one setting (plan.family[0], plan.fixed). low: rate.low as recorded.
 * ERR_USAGE with what is wrong of the file. */
int again_read(struct session *s, const char *path, double *low, struct err *e);

#endif
