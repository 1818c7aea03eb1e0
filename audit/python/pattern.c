/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.c - what the patterns of match bind. */
#include "audit/python/frame.h"

#include <string.h>

/* The class that a class pattern names. */
static value_t classes_of(struct frame *f, uint32_t name)
{
	uint32_t part = NODE(f, name)->kind == K_dotted_name ? NODE(f, name)->first : name;
	value_t v = part ? name_get(f, node_text(f, part)) : 0;

	for (part = part ? NODE(f, part)->next : 0; NODE(f, name)->kind == K_dotted_name && part; part = NODE(f, part)->next)
		v = attribute_get(f, part, v, node_text(f, part));
	return v;
}

/* The name of the i-th positional part of a class pattern; 0: not known. */
static uint32_t match_name(struct frame *f, uint32_t class_object, uint32_t i)
{
	value_t all = class_find(f, class_object, KEY("__match_args__"), 0);
	value_t v = value_count(H, all) == 1 ? slot_get(H, value_at(H, all, 0), heap_index(H, i)) : 0;
	uint32_t key = v ? item_key(f, v) : field_name(f, class_object, i);

	if (!v)
		return key;
	return strncmp(H->texts[key], "s:", 2) == 0 ? heap_textz(H, H->texts[key] + 2) : 0;
}

/* What of v is an instance of the classes; where nothing of it is known, one of each. */
static value_t instances_among(struct frame *f, value_t v, value_t classes)
{
	value_t out = 0;
	bool open = !v;

	for (uint32_t i = 0; i < value_count(H, v); i++) {
		const struct object *o = &H->objects[value_at(H, v, i)];

		open |= o->kind == O_UNKNOWN;
		if (o->kind == O_INSTANCE && value_has(H, classes, o->a))
			out = value_join(H, out, value_of(H, value_at(H, v, i)));
	}
	return out || !open ? out : instances_of(f, classes);
}

static void class_pattern(struct frame *f, uint32_t node, value_t v)
{
	uint32_t name = NODE(f, node)->first, i = 0;
	value_t classes = name ? classes_of(f, name) : 0;
	uint32_t first = value_count(H, classes) == 1 ? value_at(H, classes, 0) : 0;

	if (!first || H->objects[first].kind != O_CLASS) {
		first = 0;
		v = unknown(f, "subscript");
	} else {
		v = instances_among(f, v, classes);
	}
	for (uint32_t c = name ? NODE(f, name)->next : 0; c; c = NODE(f, c)->next) {
		uint32_t part = NODE(f, c)->kind == K_case_pattern ? NODE(f, c)->first : c, key = 0, value = c;

		if (part && NODE(f, part)->kind == K_keyword_pattern) {
			key = NODE(f, part)->first ? node_text(f, NODE(f, part)->first) : 0;
			value = NODE(f, part)->first ? NODE(f, NODE(f, part)->first)->next : 0;
			while (value && NODE(f, value)->kind == K_TOKEN)
				value = NODE(f, value)->next;
		} else if (first) {
			key = match_name(f, first, i++);
		}
		if (value)
			pattern_set(f, value, key && first && v ? attribute_get(f, node, v, key) : unknown(f, "subscript"));
	}
}

static void sequence_pattern(struct frame *f, uint32_t node, value_t v)
{
	uint32_t i = 0;
	bool exact = true;

	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		uint32_t part = NODE(f, c)->kind == K_case_pattern ? NODE(f, c)->first : c;

		if (part && NODE(f, part)->kind == K_splat_pattern) {
			pattern_set(f, part, unknown(f, "subscript"));
			exact = false;
		} else {
			pattern_set(f, c, exact ? item_get(f, node, v, index_of(f, i++)) : unknown(f, "subscript"));
		}
	}
}

/* {key: pattern, …} */
static void dict_pattern(struct frame *f, uint32_t node, value_t v)
{
	value_t key = 0;

	for (uint32_t c = NODE(f, node)->first; c; c = NODE(f, c)->next) {
		if (NODE(f, c)->field == F_key)
			key = expression(f, c);
		else if (NODE(f, c)->kind != K_TOKEN)
			pattern_set(f, c, NODE(f, c)->field == F_value ? item_get(f, node, v, key) :
				unknown(f, "subscript"));
	}
}

/* Only what is a list or a tuple can be taken apart in order, and only what is a dict by its keys. */
static value_t containers_among(struct frame *f, value_t v, bool dicts)
{
	value_t out = 0;

	for (uint32_t i = 0; i < value_count(H, v); i++) {
		enum object_kind kind = H->objects[value_at(H, v, i)].kind;

		if (dicts ? kind == O_DICT : kind == O_LIST || kind == O_TUPLE)
			out = value_join(H, out, value_of(H, value_at(H, v, i)));
	}
	return out;
}

void pattern_set(struct frame *f, uint32_t node, value_t v)
{
	const struct tree_node *n = NODE(f, node);
	value_t containers;

	if (n->kind == K_identifier || (n->kind == K_dotted_name && n->first && !NODE(f, n->first)->next)) {
		if (!node_is_text(f, node, "_"))
			name_set(f, node_text(f, node), v);
		return;
	}
	if (n->kind == K_class_pattern) {
		class_pattern(f, node, v);
		return;
	}
	containers = n->kind == K_list_pattern || n->kind == K_tuple_pattern ? containers_among(f, v, false) :
		n->kind == K_dict_pattern ? containers_among(f, v, true) : 0;
	if (containers) {
		if (n->kind == K_dict_pattern)
			dict_pattern(f, node, containers);
		else
			sequence_pattern(f, node, containers);
		return;
	}
	for (uint32_t c = n->first; c && n->kind != K_dotted_name; c = NODE(f, c)->next)
		pattern_set(f, c, n->kind == K_case_pattern || n->kind == K_as_pattern || n->kind == K_union_pattern ?
			v : unknown(f, "subscript"));
}
