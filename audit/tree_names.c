/* SPDX-License-Identifier: Apache-2.0 */
/* tree_names.c - numbers the identifiers of a source by what they say, so that nobody has to read them again. */
#include "audit/tree.h"
#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct table {
	uint32_t *v, size; /* names + 1 */
};

static uint32_t start_of(const char *s, size_t n, uint32_t size)
{
	return (uint32_t)hash_bytes(0, s, n) & (size - 1);
}

/* The place of a name in the table: of it, or of the gap where it would be. */
static uint32_t place_of(const struct table *table, const struct tree *t, const char *text, const struct tree_node *n)
{
	size_t length = n->end - n->start;
	uint32_t at = start_of(text + n->start, length, table->size);

	for (; table->v[at]; at = (at + 1) & (table->size - 1)) {
		const struct tree_node *o = &t->nodes[t->names[table->v[at] - 1]];

		if (o->end - o->start == length && memcmp(text + o->start, text + n->start, length) == 0)
			break;
	}
	return at;
}

static void table_grow(struct table *table, const struct tree *t, const char *text)
{
	free(table->v);
	table->v = xcalloc(table->size *= 2, sizeof(*table->v));
	for (uint32_t i = 0; i < t->name_count; i++)
		table->v[place_of(table, t, text, &t->nodes[t->names[i]])] = i + 1;
}

void tree_number_names(struct tree *t, const char *text)
{
	struct table table = { xcalloc(64, sizeof(*table.v)), 64 };
	uint32_t cap = 0;

	for (uint32_t i = 1; i < t->count; i++) {
		uint32_t at;

		if (t->nodes[i].kind != K_identifier)
			continue;
		at = place_of(&table, t, text, &t->nodes[i]);
		if (table.v[at]) {
			t->nodes[i].name = table.v[at] - 1;
			continue;
		}
		if (t->name_count == cap) {
			cap = cap ? cap * 2 : 32;
			t->names = xreallocarray(t->names, cap, sizeof(*t->names));
		}
		t->nodes[i].name = t->name_count;
		t->names[t->name_count++] = i;
		table.v[at] = t->name_count;
		if (t->name_count * 2 >= table.size)
			table_grow(&table, t, text);
	}
	free(table.v);
}
