/* SPDX-License-Identifier: Apache-2.0 */
/* tree_walk.h - from the parser's tree to ours, by the parser's own structures: its cursor takes three times as long. */
#ifndef AUDIT_TREE_WALK_H
#define AUDIT_TREE_WALK_H

#include "audit/tree.h"

struct TSLanguage;
struct TSTree;

#define TREE_SYMBOLS_MAX 1024

/* A grammar's numbers of kinds and fields as ours. */
struct tree_symbols {
	const struct TSLanguage *language;
	uint16_t kind[TREE_SYMBOLS_MAX];
	bool kept[TREE_SYMBOLS_MAX]; /* a token that means something beside the kind of its parent */
	uint8_t field[256];
};

/* kind_of, field_of: of a grammar's name. */
void tree_symbols_read(struct tree_symbols *s, const struct TSLanguage *l, uint16_t (*kind_of)(const char *name),
	uint8_t (*field_of)(const char *name));

/* Appends the nodes of a tree to t, which has none. */
void tree_walk(struct tree *t, const struct TSTree *ts, const struct tree_symbols *s);

#endif
