/* SPDX-License-Identifier: Apache-2.0 */
/* where.h - which actions lead to a place in the source. */
#ifndef AUDIT_WHERE_H
#define AUDIT_WHERE_H

#include "audit/action.h"
#include "base/err.h"

/* place: file:function:line, file:line, file:function, or a function's name. */
void where_write(const struct graph *g, const struct costs *c, const struct profile *profiles, size_t n, const char *place,
		 struct str *out);

/* The actions that lead to a function, the shortest way first, then by name; returns their number. hits: room for n. */
struct where_hit {
	const struct profile *p;
	uint32_t distance;
};
size_t where_hits(const struct profile *profiles, size_t n, uint32_t function, struct where_hit *hits);
/* The functions on the shortest way there, both ends included: their number, at most distance + 1. */
uint32_t where_path(const struct profile *p, uint32_t function, uint32_t *path);

/* What `report` asks: rows "action" of the evidence (schemas/facts_v1.yaml) for each of the places, one a line. loads:
 * what each action weighs; negative: not known. root: absolute, of the paths in the graph. graph_name: where the rows come
 * from. */
int where_facts(const struct graph *g, const struct profile *profiles, size_t n, const int64_t *loads, const char *root,
		const char *places, const char *graph_name, struct str *out, struct err *e);

/* The function of a place, or GRAPH_NONE. line: 0 where the place says none. */
uint32_t where_find(const struct graph *g, const char *place, uint32_t *line);

#endif
