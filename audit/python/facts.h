/* SPDX-License-Identifier: Apache-2.0 */
/* facts.h - what syntax alone tells for the cost model: constants, loops, arguments, mutations, reads and writes. */
#ifndef AUDIT_PYTHON_FACTS_H
#define AUDIT_PYTHON_FACTS_H

#include "audit/front.h"
#include "audit/python/machine.h"

/* A name and what binds it in one scope. */
struct binding {
	uint32_t name;  /* heap text */
	uint32_t count; /* how often it is bound */
	uint32_t value; /* the right side of a plain assignment, 0: something else */
	bool is_import, is_parameter, is_self;
};

struct bindings {
	struct binding *v;
	uint32_t n, cap;
};

/* Where a node is. */
#define PLACE_SCOPE 0x7fffffffu
struct place {
	uint32_t parent;
	uint32_t scope : 31;        /* the definition whose body it is part of */
	uint32_t comprehension : 1; /* a comprehension is around it, within its function */
};

/* The front end's state. */
struct python {
	struct source *sources;
	size_t count;
	const struct front_source *given; /* as long as the sources are read */
	const struct front_options *options;
	struct tree_name *names; /* of the sources' trees in the cache; NULL: there is no cache */
	uint32_t *files;         /* source -> file of the graph */
	struct machine m;
	uint32_t *function_of; /* definition -> function of the graph before graph_finish() */
	struct place **places; /* source -> node; made where it is asked for */
	struct bindings *bindings; /* by definition */
	bool *is_bound;            /* by source */
	text_t *texts;             /* text of the heap -> of the graph, once it was asked for */
	uint32_t text_count;
};

void pyfacts_init(struct python *p);
/* Parses and defines a source that came out of the cache, for pyfacts_statements(). */
void python_open(struct python *p, uint32_t source);
/* The bindings of a source's definitions; to be called before anything else is asked about it. Does it once. */
void pyfacts_bind(struct python *p, uint32_t source);
/* Forgets where the nodes of a source are. */
void pyfacts_leave(struct python *p, uint32_t source);
void pyfacts_release(struct python *p);

uint32_t pyfacts_parent(struct python *p, uint32_t source, uint32_t node);
/* The definition whose body a node is part of: a module, function, lambda or class. */
uint32_t pyfacts_scope(struct python *p, uint32_t source, uint32_t node);
/* The function of the graph that its calls belong to. */
uint32_t pyfacts_owner(struct python *p, uint32_t source, uint32_t node);
/* What a name means where it is read. NULL where nothing audited binds it. in: the definition that does. */
const struct binding *pyfacts_lookup(struct python *p, uint32_t source, uint32_t node, uint32_t *in);
/* Is a name a variable of a comprehension around it? */
bool pyfacts_is_comprehension_variable(struct python *p, uint32_t source, uint32_t node);
/* The scope of the first name of an expression (self.a.b -> self). */
enum graph_scope pyfacts_scope_of(struct python *p, uint32_t source, uint32_t node);

/* The constant that an expression is, through names with one binding: its node, else 0. */
uint32_t pyfacts_constant(struct python *p, uint32_t source, uint32_t node);
/* Appends the value of a constant string or bytes. False: it is none. */
bool pyfacts_string(struct python *p, uint32_t source, uint32_t node, struct str *out);
bool pyfacts_integer(struct python *p, uint32_t source, uint32_t node, int64_t *out);
/* Elements at the top of a constant list, tuple, set or dict; -1: it is none. */
int64_t pyfacts_elements(struct python *p, uint32_t source, uint32_t node);

/* A text of the heap as one of the graph. */
text_t pyfacts_text(struct python *p, struct graph *g, uint32_t text);
/* What a node says: graph_squeeze(). */
text_t pyfacts_squeeze(struct python *p, struct graph *g, uint32_t source, uint32_t node, size_t max_bytes);

/* Adds loops, arguments and constants to a call. */
void pyfacts_call(struct python *p, struct graph *g, uint32_t source, uint32_t node, struct graph_call *out);
/* Adds the mutations of a source that are no calls. */
void pyfacts_mutations(struct python *p, struct graph *g, uint32_t source);
/* front.h: statements */
void pyfacts_statements(void *state, struct graph *g, const bool *marked, struct front_statements *out);

static inline const struct tree_node *pyfacts_node(const struct python *p, uint32_t source, uint32_t node)
{
	return &p->sources[source].tree.nodes[node];
}
static inline uint32_t pyfacts_field(const struct python *p, uint32_t source, uint32_t node, enum tree_field field)
{
	for (uint32_t c = pyfacts_node(p, source, node)->first; c; c = pyfacts_node(p, source, c)->next)
		if (pyfacts_node(p, source, c)->field == field)
			return c;
	return 0;
}

#endif
