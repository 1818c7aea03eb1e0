/* SPDX-License-Identifier: Apache-2.0 */
/* graph.h - what is known of the audited sources, without a word of any language: files, functions, call sites, mutations.
 *
 * A language front end (audit/front.h) fills it with graph_add_…(); the rest of the audit (costs, actions, drift, files)
 * reads nothing else. What a front end delivers:
 *   - a function for every function, method, lambda and module body of its files, called or not, in the order of the
 *     source. Its name is the contract's: "src.a.C.m"; C: "function", "path/file.c:function" where static. Two of one name:
 *     add both; the later one is the node, the others are dropped (where both can be reached, the front end names the
 *     second one "name@2");
 *   - a call for every call site: its targets where they are proved (full names: of functions of the graph, "<builtin>.len",
 *     or an import path "requests.get"), else a reason. Never a target by bare name. Operators, properties, `with` and the
 *     like that run a function are calls, too, with is_expression false; they need neither text nor reason.
 *     More than GRAPH_TARGETS_MAX targets: add them all, graph_finish() makes that too_many_targets;
 *   - for the cost model, where the language can tell: the loops around a call, its arguments as texts, what is constant
 *     among them; all of these may be left zero. Costs, classes and weights are not the front end's business;
 *   - mutations as far as syntax tells them; those by method name ("append") are found from the calls;
 *   - optionally the reads and writes of statements (front.h: statements()), for pipelining.
 * The order of adding does not matter: graph_finish() sorts, so that the same sources give the same bytes. */
#ifndef AUDIT_GRAPH_H
#define AUDIT_GRAPH_H

#include "audit/text.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRAPH_TARGETS_MAX 8 /* proved targets of one call; the model may say less */
#define GRAPH_NONE UINT32_MAX

enum graph_language { LANGUAGE_PYTHON, LANGUAGE_C, LANGUAGE_JAVASCRIPT, LANGUAGE_GO, LANGUAGE_COUNT };
const char *graph_language_text(enum graph_language l);

enum graph_kind { GRAPH_MODULE, GRAPH_FUNCTION, GRAPH_METHOD, GRAPH_LAMBDA, GRAPH_EXTERNAL, GRAPH_BUILTIN };

#define GRAPH_REASONS(X) \
	X(none) X(parameter) X(attribute) X(getattr) X(eval_exec) X(subscript) X(return_value) X(decorator) X(metaclass) \
	X(missing_import) X(outside_type) X(too_many_targets) X(syntax_error)
enum graph_reason {
#define X(name) REASON_##name,
	GRAPH_REASONS(X)
#undef X
	REASON_COUNT
};
const char *graph_reason_text(enum graph_reason r);
/* REASON_COUNT for a text that is none. */
enum graph_reason graph_reason_of(const char *text);

/* What a name belongs to, seen from the function that writes it. */
enum graph_scope { SCOPE_SELF, SCOPE_PARAMETER, SCOPE_LOCAL, SCOPE_GLOBAL, SCOPE_CLOSURE, SCOPE_OUTSIDE, SCOPE_MODULE };

enum graph_mutation_kind { MUTATION_ATTR_WRITE, MUTATION_CONTAINER, MUTATION_FILE, MUTATION_IPC, MUTATION_GLOBAL };

/* A run of numbers in graph.pool. */
struct graph_list {
	uint32_t at, n;
};

struct graph_file {
	text_t path; /* from the root */
	enum graph_language language;
	uint32_t lines;
	uint64_t hash; /* of its bytes */
	bool has_errors, skipped;
};

struct graph_function {
	text_t name; /* the fqname */
	enum graph_kind kind;
	enum graph_language language;
	uint32_t file;            /* GRAPH_NONE: outside of the audited files */
	uint32_t line, end_line;  /* 1-based */
	uint32_t start;           /* byte of the file: which of two of one name is the later one */
	struct graph_list decorators; /* texts */
	struct graph_list parameters; /* names of the positional ones, self included */
	bool is_async;
	uint32_t key;             /* the front end's own: its number for statements() */
};

/* A constant argument: of its keyword, else of its position. */
struct graph_constant {
	text_t keyword;
	uint32_t position;
	enum { CONSTANT_TEXT, CONSTANT_CONTAINER } kind;
	int64_t size; /* bytes in UTF-8, or elements */
	text_t text;  /* CONSTANT_TEXT of at most 4096 bytes: the text itself */
};

struct graph_call {
	uint32_t caller; /* index of a function */
	uint32_t file, line;
	uint32_t start, end; /* bytes of the file; sites of a function are in the order of start, then of adding */
	text_t text;         /* the callee as it is written, spaces squeezed, at most 80 bytes */
	struct graph_list targets; /* texts: full names */
	enum graph_reason reason;  /* why there is none, or why there may be more; else REASON_none */
	bool is_expression;
	/* for the cost model */
	bool in_loop, loop_unknown;
	int64_t loop_bound;        /* product of the loops around it; 1 outside of loops */
	uint64_t arguments;        /* graph_arguments(): equal numbers are the same arguments */
	text_t receiver;           /* "self.items" of self.items.append(x); 0: a plain name is called */
	text_t method;             /* "append" */
	enum graph_scope scope;    /* of the receiver's first name, or of the plain name */
	text_t first;              /* text of the first argument, where it is no constant with a text */
	struct graph_list argument_texts;    /* positional ones, each a name or a dotted chain, else 0 */
	uint32_t constant, constant_count;   /* in graph.constants */
	text_t opened;             /* the constant path P of Path(P).m(…), or of a first argument open(P).read() */
	text_t mode;               /* constant mode of an open call */
	bool opens_read;           /* `opened` belongs to the first argument */
};

struct graph_mutation {
	uint32_t function, line, file;
	text_t target;
	enum graph_mutation_kind kind;
	enum graph_scope scope;
};

/* A function's last name: "save" of "src.a.C.save". */
struct graph_last {
	const char *name;
	uint32_t function;
};

struct graph {
	struct text_table texts;
	struct graph_file *files;
	struct graph_function *functions;
	struct graph_call *calls;
	struct graph_mutation *mutations;
	struct graph_constant *constants;
	uint32_t *pool;
	uint32_t file_count, file_cap, function_count, function_cap, call_count, call_cap, mutation_count, mutation_cap,
		constant_count, constant_cap, pool_count, pool_cap;
	/* after graph_finish() */
	uint32_t *by_name;      /* text -> function, GRAPH_NONE */
	uint32_t by_name_count;
	struct graph_last *by_last; /* functions of the audited files but modules */
	uint32_t by_last_count;
	uint32_t *by_last_text; /* text -> the first of by_last of that name + 1 */
	uint32_t by_last_text_count;
	uint32_t *first_call;   /* function -> its first call; [function_count] is call_count */
	uint32_t *file_rank;    /* file -> its place in the order of paths */
};

void graph_release(struct graph *g);

/* All of these copy; they return the index. */
uint32_t graph_add_file(struct graph *g, struct graph_file f);
uint32_t graph_add_function(struct graph *g, struct graph_function f);
uint32_t graph_add_call(struct graph *g, struct graph_call c);
uint32_t graph_add_mutation(struct graph *g, struct graph_mutation m);
uint32_t graph_add_constant(struct graph *g, struct graph_constant c);
struct graph_list graph_add_list(struct graph *g, const uint32_t *v, uint32_t n);

/* The callee's text as the files show it: runs of white space as one blank, at most 80 bytes, no broken UTF-8 sequence. */
text_t graph_squeeze(struct graph *g, const char *s, size_t n, size_t max_bytes);

/* A digest of a list of arguments as it is written, but for white space. */
uint64_t graph_arguments(const char *s, size_t n);

/* Sorts functions by name and calls by function and place, gives outside names nodes of their own, settles doubled names and
 * too many targets. max_targets: of the model. To be called once. */
void graph_finish(struct graph *g, uint32_t max_targets);

/* The function of that name, or GRAPH_NONE. */
uint32_t graph_find(const struct graph *g, text_t name);
static inline const char *graph_text(const struct graph *g, text_t t)
{
	return text_z(&g->texts, t);
}

/* The functions whose last name is this, in the order of names: *n of them, at most as many as it was before. */
const struct graph_last *graph_find_last(const struct graph *g, const char *last, uint32_t *n);

/* Makes by_last again: names have changed. */
void graph_index_last(struct graph *g);

/* By path, then line. */
int graph_place_order(const struct graph *g, uint32_t file, uint32_t line, uint32_t other_file, uint32_t other_line);
/* For qsort_r over indices of calls, with the graph as its argument: by path, line, text, byte. */
int graph_call_order(const void *a, const void *b, void *graph);

/* The call is an edge: its targets count. */
static inline bool graph_is_edge(const struct graph_call *c)
{
	return c->targets.n > 0;
}
/* The call belongs to the list of the unresolved. */
static inline bool graph_is_unresolved(const struct graph_call *c)
{
	return c->reason != REASON_none;
}

#endif
