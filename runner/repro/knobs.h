/* SPDX-License-Identifier: Apache-2.0 */
/* knobs.h - the table of what runtimes read from their environment (knobs.yaml). */
#ifndef RUNNER_REPRO_KNOBS_H
#define RUNNER_REPRO_KNOBS_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

struct knobs;

int knobs_load(struct knobs **k, struct err *e);
void knobs_free(struct knobs *k);

/* The knobs of one run as "NAME=value", chosen by the seed alone. Names that envp sets are left out. Python's switch
 * interval is the name "python.switch_interval". */
void knobs_draw(const struct knobs *k, uint64_t seed, char *const envp[], struct strv *out);

#endif
