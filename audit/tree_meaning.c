/* SPDX-License-Identifier: Apache-2.0 */
/* tree_meaning.c - a hash of what a source says to whoever follows its values: of its nodes and the words in it, not of
 * where they are. Comments, blank lines, indentation and long texts do not change it. */
#include "audit/tree.h"
#include "base/hash.h"

#define LONG_TEXT 100 /* nobody compares these, or takes them for names */

static bool text_matters(const struct tree_node *n)
{
	switch (n->kind) {
	case K_string_content: return n->end - n->start <= LONG_TEXT;
	case K_unary_operator: case K_dotted_name: case K_relative_import: case K_slice: case K_decorator:
		return true; /* these are read as a whole */
	default: return !n->first;
	}
}

uint64_t tree_meaning(const struct tree *t, const char *text)
{
	uint64_t h = hash_step(t->count, t->has_errors);

	for (uint32_t i = 1; i < t->count; i++) {
		const struct tree_node *n = &t->nodes[i];

		h = hash_step(h, n->kind | (uint64_t)n->field << 16 | (uint64_t)n->missing << 24 | (uint64_t)n->first << 32);
		h = hash_step(h, n->next);
		if (text_matters(n))
			h = hash_bytes(h, text + n->start, n->end - n->start);
	}
	return h;
}
