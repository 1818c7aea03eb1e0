/* SPDX-License-Identifier: Apache-2.0 */
/* action.h - one action: what its entry points reach, what that costs, what could be saved. */
#ifndef AUDIT_ACTION_H
#define AUDIT_ACTION_H

#include "audit/cost.h"
#include "audit/front.h"
#include "base/err.h"

struct action {
	char *name, *description; /* "" where there is none */
	struct strv patterns;     /* entry points as they are declared */
	uint32_t *entries;        /* functions, sorted, once each */
	uint32_t entry_count;
};
void action_release(struct action *a);

/* Finds the functions that the patterns name. what: for messages, "--entry" or file:line:column. A pattern that matches
 * nothing, or more than one without *: ERR_USAGE with the nearest names. */
int action_resolve(struct action *a, const struct graph *g, const char *what, struct err *e);
/* One name: a fqname, a part of it that starts after a dot and is unique, or a pattern with * within parts of the name. */
int action_entry(const struct graph *g, const char *pattern, const char *what, struct action *a, struct err *e);

struct redundancy {
	text_t callee;
	uint32_t count;
};

/* A statement of a run. */
struct run_item {
	uint32_t function, file, line, start, end;
	text_t callee;  /* its greatest operation or call */
	int64_t weight; /* sum over the statement */
};
struct run {
	uint32_t at, n; /* in profile.items */
};

struct candidate {
	enum model_candidate kind;
	uint32_t function, file, line;
	text_t callee;
	int64_t cost, reduction;
	enum model_level effort, priority;
	char *why;
};

struct profile {
	const struct graph *g;
	const struct costs *costs;
	const struct action *action;
	uint32_t max_depth;
	uint32_t *order, count; /* functions in the order of breadth-first search */
	uint32_t *distance;     /* by function; GRAPH_NONE: not of the subgraph */
	int64_t *reach;         /* by function, 0 where it is not of the subgraph */
	struct ops ops;         /* by file, line, callee */
	struct graph_mutation *mutations;
	uint32_t mutation_count;
	uint32_t *unresolved, unresolved_count; /* calls */
	struct redundancy *redundancy;
	uint32_t redundancy_count;
	struct run *runs;
	uint32_t run_count;
	struct run_item *items;
	uint32_t item_count;
	struct candidate *candidates;
	uint32_t candidate_count;
	int64_t load;
};

/* statements: of the functions of the subgraph (may hold more), or NULL: no pipelining. */
void action_profile_make(struct profile *p, struct graph *g, const struct costs *c, const struct model *m,
			 const struct action *a, uint32_t max_depth, const struct front_statements *statements);
void action_profile_release(struct profile *p);

/* Distances of functions from a; GRAPH_NONE beyond max_depth. order gets the functions, their number is returned. */
uint32_t subgraph_find(const struct graph *g, const struct action *a, uint32_t max_depth, uint32_t *distance,
		       uint32_t *order);

/* effects.c: pipelining */
void action_profile_runs(struct profile *p, struct graph *g, const struct front_statements *statements);
/* candidate.c */
void action_profile_candidates(struct profile *p, const struct model *m);
/* By reduction, cost (both falling), file, line, callee, kind. */
int candidate_compare(const struct graph *g, const struct candidate *a, const struct candidate *b);

/* The weight that a call adds at its place: of its operations, or the reach of what it calls. callee: of the greatest. */
int64_t action_profile_call_weight(const struct profile *p, uint32_t call, text_t *callee);

#endif
