/* SPDX-License-Identifier: Apache-2.0 */
/* where.h - which actions lead to a place in the source. */
#ifndef AUDIT_WHERE_H
#define AUDIT_WHERE_H

#include "audit/action.h"
#include "base/err.h"

/* place: file:function:line, file:line, file:function, or a function's name. */
void where_write(const struct graph *g, const struct costs *c, const struct profile *profiles, size_t n, const char *place,
		 struct str *out);

/* The function of a place, or GRAPH_NONE. line: 0 where the place says none. */
uint32_t where_find(const struct graph *g, const char *place, uint32_t *line);

#endif
