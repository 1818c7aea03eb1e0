/* SPDX-License-Identifier: Apache-2.0 */
/* hiperf.h - reports of hiperf: text with or without call stacks, JSON, the page that holds it, and protobuf. Of several
 * events the first that has samples counts: cycles and instructions do not add up. */
#ifndef HISTORY_INGEST_HIPERF_H
#define HISTORY_INGEST_HIPERF_H

#include "base/err.h"
#include "history/ingest/samples.h"

#include <stdbool.h>

/* Reads any of them. *unreadable: rows that could not be read. ERR_USAGE where it is none. */
int hiperf_read(struct samples *s, const char *text, size_t n, uint64_t *unreadable, struct err *e);
bool hiperf_is_report(const char *text, size_t n);

#endif
