/* SPDX-License-Identifier: Apache-2.0 */
/* dialect_select.h - how a test runner is told to run only some tests, all but some, or all in a random order: the keys
 * `select`, `except` and `shuffle` of a dialect (schemas/dialect_v1.yaml). Pure. */
#ifndef LIVENESS_DIALECT_SELECT_H
#define LIVENESS_DIALECT_SELECT_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct yaml_node;
struct dialect_set;

/* WAY_EXCEPT is for tools that name a test only when it has ended: the one that hangs has no name to be selected by. */
enum dialect_way_kind { WAY_SELECT, WAY_EXCEPT, WAY_SHUFFLE };

/* One way: words for the command line, variables of the environment, or both. */
struct dialect_way {
	bool given;
	char *tool;       /* pattern of a command line that is the tool itself; NULL: any command */
	char *test;       /* how one test is written: {suite} {name} {file} and plain text */
	bool regex;       /* names are quoted for a regular expression */
	char *join;       /* between tests in {tests}; NULL: a word of args with {test} is repeated */
	struct strv args; /* words: {test}, {tests}, {seed} */
	char *before;     /* args go in front of this word of the command (behind it: after) … */
	char *after;      /* … or behind it, which is added where it is missing; NULL: at the end */
	char *drop;       /* pattern of the command's own words that args take the place of */
	struct strv env;  /* "NAME=value" with {tests} or {seed} */
};

struct dialect_pick {
	const char *suite, *name, *file; /* "" unknown */
};

/* Reads the value of `select`, `except` or `shuffle`. */
int dialect_way_load(struct dialect_way *w, const struct yaml_node *map, struct err *e);
void dialect_way_release(struct dialect_way *w);

/* The way of a dialect; NULL where it has none (or is unknown). */
const struct dialect_way *dialect_set_way(const struct dialect_set *set, const char *dialect,
					  enum dialect_way_kind kind);

/* Writes the command that runs only (or all but) these tests (n >= 1), or shuffles by the seed (n 0), into argv, and
 * variables into env. false: the command is not the tool itself, and *why says so; argv and env are empty then. */
bool dialect_way_apply(const struct dialect_way *w, char *const command[], const struct dialect_pick *tests, size_t n,
		       uint32_t seed, struct strv *argv, struct strv *env, const char **why);

#endif
