/* SPDX-License-Identifier: Apache-2.0 */
/* parse.h - the trees of many sources, on several threads. */
#ifndef AUDIT_PARSE_H
#define AUDIT_PARSE_H

#include "audit/front.h"
#include "audit/tree.h"

/* One tree a source. The caller frees the trees' nodes and the array. o: threads and cache. */
struct tree *parse_trees(const char *language, const struct front_source *sources, size_t n, const struct front_options *o);

/* The names of the sources' trees in the cache. The caller frees the array. */
struct tree_name *parse_names(const char *language, const struct front_source *sources, size_t n,
	const struct front_options *o);
/* As parse_trees(), of the sources that are wanted alone, into trees. */
void parse_wanted(const char *language, const struct front_source *sources, size_t n, const struct front_options *o,
	const struct tree_name *names, const bool *wanted, struct tree *trees);

#endif
