/* SPDX-License-Identifier: Apache-2.0 */
/* syntax.h - what the cost model reads from the syntax and scopes of a C-like language: constants, loops, arguments,
 * mutations, reads and writes. JavaScript and Go fill in the definitions and what each name is bound to. */
#ifndef AUDIT_SYNTAX_SYNTAX_H
#define AUDIT_SYNTAX_SYNTAX_H

#include "audit/front.h"
#include "audit/tree.h"

enum syntax_kind { SYNTAX_MODULE, SYNTAX_FUNCTION, SYNTAX_METHOD, SYNTAX_LAMBDA, SYNTAX_CLASS };

/* A module body, a function or a class. */
struct syntax_definition {
	enum syntax_kind kind;
	uint32_t source, node, body; /* body: the node whose statements or expression are run; 0: none */
	uint32_t parent;             /* the definition around it */
	char *name;                  /* the fqname */
	uint32_t lambdas;
	uint32_t function;           /* of the graph, before graph_finish() */
	bool is_async, is_generator, is_arrow, is_static;
};

/* A name in a scope. */
struct syntax_binding {
	text_t name;
	uint32_t definition, source;
	uint32_t node;   /* where it is declared */
	uint32_t writes; /* how often it is given a value */
	uint32_t value;  /* what it is given where writes is 1; 0: something else than an expression */
	bool is_import, is_parameter, is_self, is_block; /* is_block: it lives in a block, not in the whole function */
};

struct syntax_source {
	const struct front_source *file;
	char *module; /* src.a.b */
	struct tree tree;
	uint32_t body; /* definition of its module */
	/* By node: the binding of a name, the definition of a function or class, the call site of anything else; + 1. */
	uint32_t *link;
	uint32_t *parents; /* made where it is asked for */
};

struct syntax {
	struct syntax_source *sources;
	uint32_t source_count;
	struct syntax_definition *definitions;
	uint32_t definition_count, definition_cap;
	struct syntax_binding *bindings;
	uint32_t binding_count, binding_cap;
	struct graph *g;
	enum graph_language language;
};

void syntax_release(struct syntax *x);

static inline const struct tree_node *syntax_node(const struct syntax *x, uint32_t source, uint32_t node)
{
	return &x->sources[source].tree.nodes[node];
}
static inline uint32_t syntax_field(const struct syntax *x, uint32_t source, uint32_t node, enum tree_field field)
{
	for (uint32_t c = syntax_node(x, source, node)->first; c; c = syntax_node(x, source, c)->next)
		if (syntax_node(x, source, c)->field == field)
			return c;
	return 0;
}
static inline const char *syntax_at(const struct syntax *x, uint32_t source, uint32_t node)
{
	return x->sources[source].file->text + syntax_node(x, source, node)->start;
}
static inline uint32_t syntax_length(const struct syntax *x, uint32_t source, uint32_t node)
{
	return syntax_node(x, source, node)->end - syntax_node(x, source, node)->start;
}
text_t syntax_text(const struct syntax *x, uint32_t source, uint32_t node);
bool syntax_is_text(const struct syntax *x, uint32_t source, uint32_t node, const char *text);
bool syntax_is_function(enum tree_kind kind);

uint32_t syntax_definition_add(struct syntax *x, struct syntax_definition d);
uint32_t syntax_binding_add(struct syntax *x, struct syntax_binding b);
/* NULL: the name is bound nowhere in the sources. */
const struct syntax_binding *syntax_binding_of(const struct syntax *x, uint32_t source, uint32_t node);

uint32_t syntax_parent(struct syntax *x, uint32_t source, uint32_t node);
/* The definition whose body a node is part of; never a class. */
uint32_t syntax_owner(struct syntax *x, uint32_t source, uint32_t node);
void syntax_parents_drop(struct syntax *x, uint32_t source);

/* The fields of o.p and o[p]; false where a node is neither. */
bool syntax_member(const struct syntax *x, uint32_t source, uint32_t node, uint32_t *object, uint32_t *property);
bool syntax_subscript(const struct syntax *x, uint32_t source, uint32_t node, uint32_t *object, uint32_t *index);
/* The scope of the first name of an expression (this.a.b -> this). */
enum graph_scope syntax_scope(struct syntax *x, uint32_t source, uint32_t node);

/* constant.c. Where names are followed the node of the constant is returned, and in *source where it is; 0 where there is
 * none. */
uint32_t syntax_constant(const struct syntax *x, uint32_t *source, uint32_t node);
bool syntax_string(const struct syntax *x, uint32_t source, uint32_t node, struct str *out);
bool syntax_integer(const struct syntax *x, uint32_t source, uint32_t node, int64_t *out);
/* Elements at the top of a literal; -1: it is none. */
int64_t syntax_elements(const struct syntax *x, uint32_t source, uint32_t node);
/* The value of one string literal. */
bool syntax_literal(const struct syntax *x, uint32_t source, uint32_t node, struct str *out);

/* loop.c: how often a loop runs; -1: that is not known. */
int64_t syntax_loop_bound(const struct syntax *x, uint32_t source, uint32_t loop);

/* A place that calls, with what it is known to reach. */
struct syntax_site {
	uint32_t caller, source, node; /* caller: a definition */
	uint32_t targets[2 * GRAPH_TARGETS_MAX]; /* texts */
	uint32_t count;
	enum graph_reason reason;
};

/* call.c: adds a call with its loops, arguments, receiver and constants to the graph. */
void syntax_call_add(struct syntax *x, const struct syntax_site *site);

/* effects.c: adds the mutations that are no calls; front.h's statements(). */
void syntax_mutations(struct syntax *x);
void syntax_statements(struct syntax *x, const bool *marked, struct front_statements *out);

/* Adds the functions of the definitions to the graph. parameters: names of the positional ones of one. */
void syntax_functions_add(struct syntax *x);

/* path/of/file.js -> path.of.file. The caller frees it. */
char *syntax_module(const char *path);

#endif
