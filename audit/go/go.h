/* SPDX-License-Identifier: Apache-2.0 */
/* go.h - Go sources: packages, the types of expressions, methods and embedding, and which functions a variable may
 * hold. Types
 * decide what a call reaches; a call through an interface reaches the types that implement it. */
#ifndef AUDIT_GO_GO_H
#define AUDIT_GO_GO_H

#include "audit/syntax/syntax.h"

enum go_kind {
	T_UNKNOWN, T_BASIC, T_NAMED, T_POINTER, T_SLICE, T_MAP, T_CHAN, T_FUNC, T_STRUCT, T_INTERFACE, T_TUPLE,
		T_OUTSIDE, T_PARAM,
};

/* By kind: a text; a declaration and a list of arguments; an element; a key and an element; a source and a node, with a
 * substitution in c; a list; a text; a binding. */
struct go_type {
	uint32_t kind; /* as wide as the others: types are compared as bytes */
	uint32_t a, b, c;
};

enum go_how { HOW_NONE, HOW_TYPE, HOW_VALUE, HOW_KEY, HOW_ELEMENT, HOW_RECEIVED, HOW_TYPE_NAME, HOW_TYPE_PARAMETER,
	HOW_PACKAGE,
	HOW_CASE };

/* How a binding gets its type; beside syntax_binding. */
struct go_binding {
	uint8_t how, state; /* state: 0 not asked, 1 being found, 2 known */
	bool variadic;
	uint32_t type_node, value, index, type;
	uint32_t declaration; /* of HOW_TYPE_NAME */
	text_t path;          /* of HOW_PACKAGE */
};

/* A type that has a name. */
struct go_declaration {
	uint32_t source, node, package;
	text_t name;
	uint32_t parameters[8], parameter_count; /* bindings */
	bool is_alias, is_made; /* is_made: a value of it is made somewhere */
	uint32_t underlying;
	uint8_t state;
	uint32_t *methods, method_count; /* definitions */
};

struct go_package {
	char *dir, *name;
	text_t path; /* import path */
};

enum go_object { OBJECT_FUNCTION, OBJECT_TYPE, OBJECT_VARIABLE };
struct go_name {
	uint32_t package;
	text_t name;
	enum go_object kind;
	uint32_t index; /* definition, declaration, binding */
};

/* What a function or method is, beside syntax_definition. */
struct go_function {
	uint32_t receiver;              /* declaration + 1 */
	uint32_t self;                  /* binding of the receiver + 1 */
	uint32_t signature;             /* node with parameters and result */
	uint32_t first, count;          /* bindings of its parameters, without the receiver */
	uint32_t package;
	bool is_variadic;
	text_t name;
};

/* Functions that a variable, a field, a result or a call may be. */
struct go_node {
	uint32_t v[GRAPH_TARGETS_MAX + 1], n;
	uint32_t out;   /* the last flow from it + 1 */
	bool is_queued; /* what it holds has to be handed on */
};

struct go_flow {
	uint32_t from, to, next; /* next: of the same from, + 1 */
};

struct go_call {
	struct syntax_site site;
	uint32_t node; /* flow node of what comes back; 0: nobody asked */
	uint32_t held; /* flow node of what is called, where that is a value */
	uint32_t reached[GRAPH_TARGETS_MAX * 2], reached_count; /* definitions */
	bool is_closed; /* nothing more to be found */
};

struct golang {
	struct syntax x;
	struct go_binding *bindings;
	uint32_t binding_cap;
	struct go_declaration *declarations;
	uint32_t declaration_count, declaration_cap;
	struct go_package *packages;
	uint32_t package_count;
	uint32_t *package_of; /* source -> package */
	bool *is_out;         /* source: for another system */
	struct go_name *names;
	uint32_t name_count, name_cap; /* sorted */
	struct go_function *functions; /* by definition */
	uint32_t function_cap;
	struct go_type *types;
	uint32_t type_count, type_cap, *type_hash, type_hash_cap;
	uint32_t *lists, list_count, list_cap;
	struct go_node *nodes;
	uint32_t node_count, node_cap;
	struct go_flow *flows;
	uint32_t flow_count, flow_cap;
	uint32_t *queue, queue_count, queue_cap; /* nodes */
	struct { uint32_t source, node, name, flow; } *fields;
	uint32_t field_count, field_cap, *field_hash, field_hash_cap;
	struct go_call *calls;
	uint32_t call_count, call_cap;
	struct go_implementers { uint32_t source, node, *v, n; } *implementers;
	uint32_t implementer_count;
	const struct front_options *o;
	struct front_source *kept;
	struct { char *dir; char *module; } *modules;
	uint32_t module_count;
	uint32_t depth;
	uint64_t steps, max_steps;
};

#define GNODE(g, s, n) syntax_node(&(g)->x, s, n)
static inline uint32_t go_field(const struct golang *g, uint32_t source, uint32_t node, enum tree_field f)
{
	return node ? syntax_field(&g->x, source, node, f) : 0;
}
static inline bool go_is_text(const struct golang *g, uint32_t source, uint32_t node, const char *text)
{
	return node && syntax_is_text(&g->x, source, node, text);
}
static inline const struct go_type *go_type_at(const struct golang *g, uint32_t type)
{
	return &g->types[type];
}

/* package.c: packages, import paths, files for other systems. */
void go_packages_read(struct golang *g);
void go_packages_release(struct golang *g);
/* The package that an import path names; GRAPH_NONE: it is outside. */
uint32_t go_package_find(const struct golang *g, const char *path);
const struct go_name *go_name_find(const struct golang *g, uint32_t package, text_t name);

/* define.c: definitions, declarations and what each name is bound to. */
void go_define(struct golang *g);

/* type.c */
uint32_t go_type_make(struct golang *g, enum go_kind kind, uint32_t a, uint32_t b, uint32_t c);
uint32_t go_list_make(struct golang *g, const uint32_t *v, uint32_t n);
/* [0] is the number of what follows. */
static inline const uint32_t *go_list_at(const struct golang *g, uint32_t list)
{
	return &g->lists[list];
}
/* The type that a node of a type is. */
uint32_t go_type_of_node(struct golang *g, uint32_t source, uint32_t node);
/* The type that an expression names: T, *T, p.T, T[int]; 0: it is a value. */
uint32_t go_named_type(struct golang *g, uint32_t source, uint32_t node);
uint32_t go_underlying(struct golang *g, uint32_t type);
uint32_t go_deref(struct golang *g, uint32_t type);
uint32_t go_binding_type(struct golang *g, uint32_t binding);
uint32_t go_substitute(struct golang *g, uint32_t type, uint32_t substitution);
/* The results of a function type: its only one, a T_TUPLE, 0. */
uint32_t go_result(struct golang *g, uint32_t function_type);

struct go_member {
	enum { MEMBER_NONE, MEMBER_FIELD, MEMBER_METHOD, MEMBER_INTERFACE, MEMBER_OUTSIDE } kind;
	uint32_t definition;        /* of MEMBER_METHOD */
	uint32_t type;              /* of a field; the T_FUNC of a method */
	uint32_t source, node;      /* the struct or interface that has it */
	text_t path;                /* of MEMBER_OUTSIDE */
};
/* A field or method, promoted ones included. */
struct go_member go_member_find(struct golang *g, uint32_t type, text_t name);
/* The declarations that implement an interface. */
const struct go_implementers *go_implementers_of(struct golang *g, uint32_t source, uint32_t node);

/* expression.c */
uint32_t go_expression_type(struct golang *g, uint32_t source, uint32_t node);
/* What a call's function is. */
struct go_callee {
	enum { CALLEE_UNKNOWN, CALLEE_FUNCTION, CALLEE_VALUE, CALLEE_INTERFACE, CALLEE_OUTSIDE, CALLEE_BUILTIN,
		CALLEE_CONVERSION } kind;
	uint32_t definition;
	uint32_t type;         /* T_FUNC, or the type that is converted to */
	uint32_t source, node; /* the interface */
	text_t name;           /* method, outside path, builtin */
	enum graph_reason reason;
};
struct go_callee go_callee_of(struct golang *g, uint32_t source, uint32_t call);
/* The import path of the package named before a dot; 0 if the name is not a package. */
text_t go_package_path(const struct golang *g, uint32_t source, uint32_t node);

/* flow.c */
void go_flow_read(struct golang *g);

#endif
