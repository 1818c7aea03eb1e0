/* SPDX-License-Identifier: Apache-2.0 */
/* stamp.h - what an audit's call_graph.json was made from: the hash of each source and the load of each action, in
 * DIR/cache/stamp.json. Whoever reads the graph later can tell whether it still speaks of the sources that are there. */
#ifndef AUDIT_STAMP_H
#define AUDIT_STAMP_H

#include "audit/action.h"
#include "audit/sources.h"
#include "base/json_read.h"

/* The document. graph_hash: sources_hash() of call_graph.json. */
void stamp_print(const struct graph *g, uint64_t graph_hash, const struct profile *profiles, size_t n, struct str *out);

struct stamp {
	struct json_reader *reader;
	const struct json_value *v; /* NULL: there is no stamp */
};
/* Reads it. One that is missing or damaged holds for nothing. */
void stamp_read(struct stamp *s, const char *path);
void stamp_release(struct stamp *s);

/* Is this the graph that it speaks of, and are all its sources as they were? root: of the sources' paths. */
bool stamp_holds(const struct stamp *s, const char *root, const char *graph, size_t len);
/* The load that the action had, or -1 where its entry points or its depth were others. */
int64_t stamp_load(const struct stamp *s, const struct profile *p);

#endif
