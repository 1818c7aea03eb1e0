/* SPDX-License-Identifier: Apache-2.0 */
/* cost.h - expensive operations and mutations by the model. */
#ifndef AUDIT_COST_H
#define AUDIT_COST_H

#include "audit/graph.h"
#include "audit/model.h"

/* One operation: a call whose callee is of a class, or (in actions) a call of an audited function in a loop. */
struct op {
	uint32_t call;     /* in graph.calls, GRAPH_NONE: read from a file */
	uint32_t function, file, line;
	text_t callee;
	text_t cost_class; /* "loop_amplified" in loops */
	text_t base_class;
	int64_t size;      /* -1: unknown */
	int64_t base_weight, weight, loop_bound;
	bool loop_known, expensive, in_loop;
	bool measured;     /* weight is measured; what it was before: */
	int64_t heuristic_weight, measured_ns, samples;
};

struct ops {
	struct op *v;
	uint32_t n, cap;
};

struct costs {
	struct ops ops;           /* by function, line, callee */
	uint32_t *first_op;       /* function -> its first op; [function_count] is the end */
	struct graph_mutation *mutations; /* by function, line, target */
	uint32_t mutation_count, mutation_cap;
	uint32_t *first_mutation;
	/* function -> measured own time that counts instead of its ops, -1: none. NULL: nothing measured */
	int64_t *self_ns;
};

/* root: of data files whose size counts. */
void costs_find(struct costs *c, struct graph *g, const struct model *m, const char *root);
void costs_release(struct costs *c);

/* Sorts by function, line, callee and makes first_op again. */
void costs_sort(struct costs *c, const struct graph *g);

void ops_add(struct ops *o, struct op op);
int64_t weight_times(int64_t a, int64_t b); /* saturates */
int64_t weight_plus(int64_t a, int64_t b);

#endif
