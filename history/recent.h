/* SPDX-License-Identifier: Apache-2.0 */
/* recent.h - the last passing durations of a test in a lane (a workload on a device): what limits and shards need,
 * without reading the rows of hundreds of runs. A blob of LEB128 numbers, microseconds, oldest first. */
#ifndef HISTORY_RECENT_H
#define HISTORY_RECENT_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

#define RECENT_MAX 200

/* Appends v. */
void recent_put(struct str *blob, uint64_t us);
/* Decodes at most RECENT_MAX numbers, the newest; returns how many. A damaged end is left out. */
size_t recent_get(const void *blob, size_t n, uint64_t us[RECENT_MAX]);
/* Where the newest `keep` numbers begin. */
size_t recent_skip(const void *blob, size_t n, size_t keep);

#endif
