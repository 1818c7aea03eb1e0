/* SPDX-License-Identifier: Apache-2.0 */
/* summary.h - the Markdown summary: the trace for people (contract 5). Size is bounded. */
#ifndef TRACE_SUMMARY_H
#define TRACE_SUMMARY_H

#include "base/err.h"
#include "trace/facts.h"

/* trace_out: where run-trace.json went, for the hints; NULL: nowhere. */
int summary_write(const struct facts *f, const char *trace_out, const char *path, struct err *e);
void summary_render(const struct facts *f, const char *trace_out, struct str *out);

#endif
