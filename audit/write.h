/* SPDX-License-Identifier: Apache-2.0 */
/* write.h - the parts that several files of the audit have in common, as JSON. */
#ifndef AUDIT_WRITE_H
#define AUDIT_WRITE_H

#include "audit/cost.h"
#include "base/json_write.h"

/* call_graph.json, expensive_ops.json, state_mutations.json. */
void write_call_graph(const struct graph *g, const struct costs *c, struct str *out);
/* The same in pieces: it may be larger than the sources. */
void write_call_graph_to(const struct graph *g, const struct costs *c, json_sink *sink, void *arg);
void write_expensive_ops(const struct graph *g, const struct costs *c, const struct model *m, struct str *out);
void write_state_mutations(const struct graph *g, const struct costs *c, struct str *out);

/* "NAME": {…} of one node; "edges": {…}, only among functions with a distance where distance is given. */
void write_node(struct json *j, const struct graph *g, const struct costs *c, uint32_t function);
void write_edges(struct json *j, const struct graph *g, const uint32_t *distance);
void write_op(struct json *j, const struct graph *g, const struct op *o);
/* wide: with function and file, as actions have it. */
void write_mutation(struct json *j, const struct graph *g, const struct graph_mutation *m, bool wide);
void write_unresolved(struct json *j, const struct graph *g, const struct graph_call *c);
/* The kind's text: "attr_write". */
const char *write_mutation_kind(enum graph_mutation_kind k);
const char *write_scope(enum graph_scope s);

/* Up to five functions whose last name is that of an unresolved callee, by name. Returns their number. */
uint32_t unresolved_candidates(const struct graph *g, const struct graph_call *c, uint32_t out[5]);

#endif
