/* SPDX-License-Identifier: Apache-2.0 */
/* machine.h - abstract execution of Python sources: every module body in order, every function where it is called, with
 * what it is called with; afterwards those that nobody called. Nothing is imported or run. */
#ifndef AUDIT_PYTHON_MACHINE_H
#define AUDIT_PYTHON_MACHINE_H

#include "audit/front.h"
#include "audit/python/value.h"
#include "audit/tree.h"
#include "base/str.h"

/* One audited file. */
struct source {
	char *path;   /* from the root */
	char *module; /* its name: src.a.b */
	const char *text;
	size_t len;
	struct tree tree;
	uint64_t meaning; /* tree_meaning(): also where the tree is not loaded */
	bool is_package;
	/* the machine's */
	uint32_t object, body; /* its module object, the definition of its body: the first of its definitions */
	uint32_t def_count;    /* its definitions, which are a run of those of all */
	uint32_t *names;       /* names of the tree as texts of the heap; 0: not asked for yet. NULL: nothing is defined */
	bool started;
};

enum definition_kind { DEF_MODULE, DEF_FUNCTION, DEF_LAMBDA, DEF_CLASS };

#define RUNS_MAX 8 /* of one body; more find little more */

struct definition {
	enum definition_kind kind;
	uint32_t source, node, parent; /* parent: the definition around it */
	char *name;                    /* the fqname; while the machine runs, "name@2" for the second one of a name */
	uint32_t text, first;          /* heap text of that; the first definition of the name, perhaps this one */
	uint32_t lambdas;
	uint32_t runs;                 /* how often its body was executed */
	uint32_t on_stack, seen[RUNS_MAX]; /* what with */
	bool is_method, is_async, is_generator;
	bool shares_name;              /* with the one before it: an accessor of a property, an overload */
	bool is_renamed;               /* by machine_settle_names() */
	bool is_dead;                  /* a later definition of its name is all that can be reached */
	value_t returned, sent; /* sent: to its generators */
	uint32_t *locals, local_count, *globals, global_count, *nonlocals, nonlocal_count;
	uint32_t object;               /* last function or class object made of it */
};

#define BASES_MAX 16
#define ORDER_MAX 32
struct class_order {
	uint32_t n, v[ORDER_MAX]; /* class objects, and outside classes */
};

struct call_site {
	uint32_t caller, source, node;
	uint32_t targets[2 * VALUE_TARGETS_MAX]; /* texts */
	uint32_t target_count;
	const char *reason;
};

struct machine {
	struct heap h;
	struct source *sources;
	size_t source_count;
	struct definition *defs;
	uint32_t def_count, def_cap;
	struct call_site *sites;
	uint32_t site_count, site_cap;
	struct class_order *orders;
	uint32_t order_count;
	uint32_t **node_def;  /* source -> node -> definition, where definitions are not in the order of nodes */
	uint32_t **node_site; /* source -> node -> call site + 1 */
	const struct front_options *options;
	uint32_t *def_of_text, def_of_text_count; /* heap text -> definition of that name + 1 */
	uint32_t made_class; /* whose metaclass's __new__ or __init__ runs; 0: none */
	bool shares_name;    /* the next definition is an accessor of a property, or an overload */
	uint32_t *by_module; /* heap text -> source + 1 */
	uint32_t by_module_count;
	value_t *builtin_values; /* heap text -> the builtin of that name */
	uint32_t builtin_count;
	uint32_t depth, nested;
	uint64_t steps, max_steps;
	bool is_settled; /* the sites' targets have the names that machine_settle_names() made */
};

/* Sources must be sorted by path and stay where they are. */
void machine_begin(struct machine *m, struct source *sources, size_t n, const struct front_options *o);
/* Finds all definitions. */
void machine_prepare(struct machine *m);
void machine_execute(struct machine *m);
void machine_release(struct machine *m);

/* What a node says, as a text of the heap. */
uint32_t machine_node_text(struct machine *m, struct source *s, uint32_t node);

/* The definition's full name of the function that a scope's calls belong to. */
uint32_t machine_owner(const struct machine *m, uint32_t def);

/* define.c */
void machine_define(struct machine *m, uint32_t source);
/* Where not all sources are defined: room for the definitions of all. */
void machine_make_room(struct machine *m, uint32_t count);
/* As machine_define(), of a source whose body and def_count say where in that room. False: there are not as many. */
bool machine_define_at(struct machine *m, uint32_t source);
/* The definition of a node, 0: it is none, or the module's. */
uint32_t machine_def_at(const struct machine *m, uint32_t source, uint32_t node);
/* The definition of that name, or UINT32_MAX. */
uint32_t machine_def_named(const struct machine *m, uint32_t text);
/* After the run: a definition that a later one of its name hides is dead, unless a call leads to it or the name may still
 * be it. Where two are alive, the second one is "name@2". */
void machine_settle_names(struct machine *m);

#endif
