/* SPDX-License-Identifier: Apache-2.0 */
/* static_graph.h - the PSG: functions and classes of the source code, who calls whom, what belongs to which class. Made of
 * the audit's call_graph.json, kept as a graph artifact of a run, and read back for evidence packs. */
#ifndef HISTORY_STATIC_GRAPH_H
#define HISTORY_STATIC_GRAPH_H

#include "base/json_write.h"
#include "history/artifact.h"
#include "history/store.h"

struct static_graph_size {
	char artifact_id[ARTIFACT_ID_SIZE];
	size_t nodes, edges;
};

/* Of a call_graph.json as text; sources are read below root for signatures and hashes. Writes the graph in place of an
 * earlier one, and gives hotspots of the run their file and lines. Within the caller's transaction. */
int static_graph_put(struct store *s, const char *run_id, const char *call_graph, size_t n, const char *root,
		     struct static_graph_size *size, struct err *e);
/* The same in a transaction of its own; appends what was found to out. */
int static_graph_write(struct store *s, const char *run_id, const char *call_graph, size_t n, const char *root, bool json,
		       struct str *out, struct err *e);

/* Gives hotspots that were made since then their file and lines, where the run has a graph. */
int static_graph_place(struct store *s, const char *run_id, struct err *e);

struct static_graph;
/* The stored one of a run, for a candidate without one that of its loop; NULL in *g where there is none. */
int static_graph_read(struct store *s, const char *run_id, struct static_graph **g, struct err *e);
void static_graph_free(struct static_graph *g);
/* {callers, callees, owner, refs, config_guards} of a symbol; null where the graph does not know it. */
void static_graph_neighbours(const struct static_graph *g, const char *symbol, struct json *j, const char *key);

#endif
