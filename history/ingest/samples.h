/* SPDX-License-Identifier: Apache-2.0 */
/* samples.h - stacks with weights, whatever profiler they come of, and what is read out of them: functions with self and
 * total cost, edges of calls, rankings. A function counts once a stack, however deep it calls itself. Pure. */
#ifndef HISTORY_INGEST_SAMPLES_H
#define HISTORY_INGEST_SAMPLES_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct sample_node {
	char *symbol, *file;     /* file: module, or NULL */
	double self, total;
	double rank;             /* of funcrank, after samples_rank */
	uint32_t next_edge;      /* first of its edges as a caller; UINT32_MAX none */
	uint32_t seen;           /* serial of the last stack that had it */
};
struct sample_edge {
	uint32_t caller, callee, next; /* next: of the same caller */
	uint32_t seen;
	uint64_t count;
	double cost;
};
struct samples {
	struct sample_node *nodes;
	struct sample_edge *edges;
	size_t n_nodes, n_edges;
	uint64_t samples_total;
	double weight_total;     /* of all, shares are of it; may be more than what the rows tell */
	/* hashes and the stack in hand */
	uint32_t *node_hash, *edge_hash;
	size_t node_hash_size, edge_hash_size;
	uint32_t serial;
};

void samples_init(struct samples *s);
void samples_release(struct samples *s);

/* A stack from the outermost frame to the innermost, joined by ';'. Adds to the totals, too. */
void samples_add(struct samples *s, const char *stack, size_t n, double weight);
/* Frames as an array, outermost first. */
void samples_add_frames(struct samples *s, const char *const *frames, size_t n, double weight);
/* Like samples_add_frames, but the totals stay. */
void samples_put(struct samples *s, const char *const *frames, size_t n, double weight);

enum samples_ranker { SAMPLES_SELF, SAMPLES_FUNCRANK };
/* funcrank: x(v) = s(v) + d * sum over callees u of x(u) * cost(v, u) / sum over callers of cost(., u); each x over their
 * sum. Callers get what their callees cost, by as much as they called them. */
void samples_rank(struct samples *s, double damping);
/* Indices of nodes with the most of it, ties by symbol. Caller frees. */
uint32_t *samples_top(const struct samples *s, enum samples_ranker by);

/* {version: 1, kind: "PCG", nodes: [{id, symbol, file, self, total}], edges: [{caller, callee, count, cost}]} */
void samples_graph(const struct samples *s, struct str *out);

#endif
