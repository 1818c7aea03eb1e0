/* SPDX-License-Identifier: Apache-2.0 */
/* graph.h - audited files and their call graph as call_graph.json. */
#ifndef AUDIT_GRAPH_H
#define AUDIT_GRAPH_H

#include "base/err.h"
#include "base/str.h"

/* Reads the Python files below paths (none: the root) and appends the document to out. Paths are from the root; files over
 * max_bytes are named as skipped. ERR_USAGE where a path is missing or nothing is there to read. */
int graph_write(const char *root, char *const paths[], size_t count, size_t max_bytes, struct str *out, struct err *e);

#endif
