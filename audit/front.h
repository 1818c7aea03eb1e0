/* SPDX-License-Identifier: Apache-2.0 */
/* front.h - the languages. One row a language in front.c; one folder a language. */
#ifndef AUDIT_FRONT_H
#define AUDIT_FRONT_H

#include "audit/graph.h"
#include "audit/tree_cache.h"

/* One source file in memory, in the order of paths. */
struct front_source {
	const char *path;  /* from the root */
	const char *text;
	size_t len;
	uint32_t file;     /* index in graph.files */
};

/* One simple statement, or the head of a compound one, for pipelining. */
struct front_statement {
	uint32_t function;       /* index in the graph, after graph_finish() */
	uint32_t file, line, start, end;
	uint32_t block;          /* statements that follow each other in one block have the same number */
	bool ends_run;           /* compound statements, break, continue, raise */
	bool is_return;
	/* Pairs (enum graph_scope, text of a name or dotted chain), two numbers each. FRONT_HANDED beside the scope of a
	 * read: the receiver or an argument of a call, of which nothing but what the callee reads is read here. */
	struct graph_list reads, writes;
};
#define FRONT_HANDED 0x100

struct front_statements {
	struct front_statement *v;
	uint32_t n, cap;
};

struct front_options {
	const char *root;   /* folder that the paths of sources are below; NULL: nothing beside the sources is read */
	char *const *roots; /* audit.roots: folders from the root in which imports are looked for */
	size_t root_count;
	uint64_t max_steps;
	unsigned jobs;
	struct tree_cache *cache; /* for tree_load(); NULL: none */
	/* May a text of a source be kept on a disk? NULL: each may. */
	bool (*may_keep)(void *arg, const char *text, size_t n);
	void *may_keep_arg;
};

struct front {
	const char *name;     /* the language's word of --languages and of the files */
	enum graph_language language;
	const char *const *endings; /* NULL-terminated: ".py" */
	/* Adds everything of its sources to g and sets lines and has_errors of their files. Any bytes are an input.
	 * Returns a state for statements(), or NULL. */
	void *(*read)(const struct front_source *sources, size_t n, const struct front_options *o, struct graph *g);
	/* The statements of the functions that are marked (by index), in the order of the source. May be NULL. */
	void (*statements)(void *state, struct graph *g, const bool *marked, struct front_statements *out);
	void (*free)(void *state);
};

/* NULL-terminated. */
extern const struct front *const fronts[];
/* The language of a file by its ending, or NULL. */
const struct front *front_of_path(const char *path);
const struct front *front_named(const char *name);

#endif
