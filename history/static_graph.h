/* SPDX-License-Identifier: Apache-2.0 */
/* static_graph.h - the PSG: functions and classes of the source code, who calls whom, what belongs to which class. Made of
 * the audit's call_graph.json, kept as a graph artifact of a run, and read back for evidence packs. */
#ifndef HISTORY_STATIC_GRAPH_H
#define HISTORY_STATIC_GRAPH_H

#include "base/json_write.h"
#include "history/store.h"

/* Of a call_graph.json as text; sources are read below root for signatures and hashes. Writes the graph in place of an
 * earlier one, gives hotspots of the run their file and lines, and appends what was found to out. */
int static_graph_write(struct store *s, const char *run_id, const char *call_graph, size_t n, const char *root, bool json,
		       struct str *out, struct err *e);

/* Gives hotspots that were made since then their file and lines, where the run has a graph. */
int static_graph_place(struct store *s, const char *run_id, struct err *e);

struct static_graph;
/* The stored one of a run; NULL in *g where it has none. */
int static_graph_read(struct store *s, const char *run_id, struct static_graph **g, struct err *e);
void static_graph_free(struct static_graph *g);
/* {callers, callees, owner, refs, config_guards} of a symbol; null where the graph does not know it. */
void static_graph_neighbours(const struct static_graph *g, const char *symbol, struct json *j, const char *key);

#endif
