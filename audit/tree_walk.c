/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/tree_walk.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* of the parser's sources */
#include <language.h>
#include <tree.h>

/* A subtree whose children are visited. What the grammar hides is no node, but its children are, as those of the node
 * around it. */
struct level {
	const Subtree *children;
	uint32_t count, next;
	uint32_t structural; /* children so far, but extras */
	Length position;     /* of the next child, after the white space before it */
	const TSSymbol *aliases;
	const TSFieldMapEntry *fields, *fields_end;
	uint8_t field; /* of one that is hidden: what its children have that have none of their own */
	bool hidden;
};

struct walk {
	struct tree *t;
	const struct tree_symbols *s;
	struct level *levels;
	uint32_t count, cap;
	uint32_t parent[TREE_DEPTH_MAX + 1], last[TREE_DEPTH_MAX + 1];
	uint32_t depth; /* of the nodes that are visited: how many are around them */
};

void tree_symbols_read(struct tree_symbols *s, const TSLanguage *l, uint16_t (*kind_of)(const char *name),
	uint8_t (*field_of)(const char *name))
{
	uint32_t symbols = ts_language_symbol_count(l), fields = ts_language_field_count(l);

	s->language = l;
	for (uint32_t i = 0; i < symbols && i < TREE_SYMBOLS_MAX; i++) {
		TSSymbol shown = ts_language_public_symbol(l, (TSSymbol)i);
		const char *name = ts_language_symbol_name(l, (TSSymbol)i);

		s->kind[i] = ts_language_symbol_type(l, shown) == TSSymbolTypeRegular ?
			kind_of(ts_language_symbol_name(l, shown)) : K_TOKEN;
		s->kept[i] = strcmp(name, "async") == 0 || strcmp(name, "from") == 0;
	}
	for (uint32_t i = 1; i <= fields && i < 256; i++)
		s->field[i] = field_of(ts_language_field_name_for_id(l, (TSFieldId)i));
}

static uint32_t node_add(struct tree *t, struct tree_node n)
{
	if (t->count == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 256;
		t->nodes = xreallocarray(t->nodes, t->cap, sizeof(*t->nodes));
	}
	t->nodes[t->count] = n;
	return t->count++;
}

/* The index of a node, or 0 where it is left out: comments, continuations, punctuation. */
static uint32_t node_take(struct walk *w, Subtree n, TSSymbol symbol, uint8_t field, Length at)
{
	bool known = symbol < TREE_SYMBOLS_MAX;
	uint16_t kind = known ? w->s->kind[symbol] : symbol == ts_builtin_sym_error ? K_ERROR : K_OTHER;
	Length size = ts_subtree_size(n);

	if ((kind == K_OTHER && ts_subtree_extra(n)) || (kind == K_TOKEN && !field && !(known && w->s->kept[symbol])))
		return 0;
	return node_add(w->t, (struct tree_node){ .kind = kind, .field = field, .missing = ts_subtree_missing(n),
		.start = at.bytes, .end = at.bytes + size.bytes, .line = at.extent.row + 1,
		.end_line = at.extent.row + size.extent.row + 1 });
}

static void level_push(struct walk *w, Subtree n, Length at, bool hidden, uint8_t field)
{
	struct level *l;

	if (!ts_subtree_child_count(n))
		return;
	if (w->count == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 64;
		w->levels = xreallocarray(w->levels, w->cap, sizeof(*w->levels));
	}
	l = &w->levels[w->count++];
	*l = (struct level){ .children = ts_subtree_children(n), .count = ts_subtree_child_count(n), .position = at,
		.aliases = ts_language_alias_sequence(w->s->language, n.ptr->production_id),
		.hidden = hidden, .field = field };
	ts_language_field_map(w->s->language, n.ptr->production_id, &l->fields, &l->fields_end);
}

static uint8_t field_of(const struct walk *w, const struct level *l, Subtree child)
{
	if (ts_subtree_extra(child))
		return 0;
	for (const TSFieldMapEntry *e = l->fields; e < l->fields_end; e++)
		if (!e->inherited && e->child_index == l->structural)
			return w->s->field[e->field_id & 0xff];
	return l->hidden ? l->field : 0;
}

/* A child that is shown becomes a node, below which the walk goes on. */
static void child_take(struct walk *w, Subtree child, TSSymbol symbol, uint8_t field, Length at)
{
	uint32_t i = node_take(w, child, symbol, field, at), *last = &w->last[w->depth - 1];

	if (!i)
		return;
	if (*last)
		w->t->nodes[*last].next = i;
	else
		w->t->nodes[w->parent[w->depth - 1]].first = i;
	*last = i;
	if (w->depth == TREE_DEPTH_MAX) {
		w->t->has_errors = true;
	} else if (ts_subtree_child_count(child)) {
		w->parent[w->depth] = i;
		w->last[w->depth] = 0;
		w->depth++;
		level_push(w, child, at, false, 0);
	}
}

static void child_visit(struct walk *w)
{
	struct level *l = &w->levels[w->count - 1];
	Subtree child = l->children[l->next++];
	Length at = l->position;
	bool extra = ts_subtree_extra(child);
	TSSymbol alias = !extra && l->aliases ? l->aliases[l->structural] : 0;
	uint8_t field = field_of(w, l, child);

	l->structural += !extra;
	l->position = length_add(at, ts_subtree_size(child));
	if (l->next < l->count)
		l->position = length_add(l->position, ts_subtree_padding(l->children[l->next]));
	if (alias || ts_subtree_visible(child))
		child_take(w, child, alias ? alias : ts_subtree_symbol(child), field, at);
	else if (ts_subtree_visible_child_count(child))
		level_push(w, child, at, true, field);
}

void tree_walk(struct tree *t, const TSTree *ts, const struct tree_symbols *s)
{
	struct walk w = { .t = t, .s = s };
	Length at = ts_subtree_padding(ts->root);

	node_add(t, (struct tree_node){ .kind = K_NONE });
	w.parent[0] = node_take(&w, ts->root, ts_subtree_symbol(ts->root), 0, at);
	w.depth = 1;
	if (w.parent[0])
		level_push(&w, ts->root, at, false, 0);
	while (w.count) {
		struct level *l = &w.levels[w.count - 1];

		if (l->next < l->count) {
			child_visit(&w);
			continue;
		}
		w.depth -= !l->hidden;
		w.count--;
	}
	free(w.levels);
}
