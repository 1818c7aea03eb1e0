/* SPDX-License-Identifier: Apache-2.0 */
/* graph_read.h - a call_graph.json as the graph it was written from, as far as it tells: no loops, arguments, blocks. */
#ifndef AUDIT_GRAPH_READ_H
#define AUDIT_GRAPH_READ_H

#include "audit/cost.h"
#include "base/err.h"

/* text: the file's bytes; name: for messages. Finishes g and fills c. ERR_USAGE. */
int graph_read(struct graph *g, struct costs *c, const char *text, size_t n, const char *name, struct err *e);

#endif
