/* SPDX-License-Identifier: Apache-2.0 */
/* annotation.c - the audited classes that an annotation names. */
#include "audit/python/frame.h"

#include "base/mem.h"

#include <ctype.h>
#include <string.h>

#define ANNOTATION_DEPTH 6

static value_t only_classes(struct frame *f, value_t v)
{
	value_t out = 0;

	for (uint32_t i = 0; i < value_count(H, v); i++)
		if (H->objects[value_at(H, v, i)].kind == O_CLASS)
			out = value_join(H, out, value_of(H, value_at(H, v, i)));
	return out;
}

/* "a.B": an annotation as a text, as far as it is a name. */
static value_t of_text(struct frame *f, uint32_t node)
{
	const struct tree_node *n = NODE(f, node);
	const char *s = f->s->text + n->start, *end = f->s->text + n->end;
	value_t v = 0;
	bool first = true;

	for (const char *p = s; p < end; p++)
		if (!isalnum((unsigned char)*p) && *p != '_' && *p != '.' && !((unsigned char)*p & 0x80))
			return 0;
	while (s < end) {
		const char *dot = memchr(s, '.', (size_t)(end - s)), *to = dot ? dot : end;
		uint32_t name = heap_text(H, s, (size_t)(to - s));

		v = first ? name_get(f, name) : attribute_get(f, node, v, name);
		first = false;
		s = to + 1;
	}
	return v;
}

static bool is_wrapper(struct frame *f, uint32_t node)
{
	static const char *const names[] = { "Optional", "Union", "Annotated", "Final", "ClassVar", "Required" };
	const struct tree_node *n = NODE(f, node);
	const char *s = f->s->text + n->start;
	size_t len = n->end - n->start;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t k = strlen(names[i]);

		if (len >= k && memcmp(s + len - k, names[i], k) == 0 && (len == k || s[len - k - 1] == '.'))
			return true;
	}
	return false;
}

static value_t classes_at(struct frame *f, uint32_t node, uint32_t depth)
{
	value_t v = 0;
	uint32_t from = NODE(f, node)->first;

	if (!depth)
		return 0;
	switch (NODE(f, node)->kind) {
	case K_identifier: case K_attribute: return only_classes(f, expression(f, node));
	case K_string_content: return only_classes(f, of_text(f, node));
	case K_subscript: case K_generic_type:
		if (!from || !is_wrapper(f, from))
			return from ? classes_at(f, from, depth - 1) : 0; /* C[int] is a C */
		from = NODE(f, from)->next;
		break;
	case K_type: case K_type_parameter: case K_string: case K_tuple: case K_expression_list: case K_union_type:
	case K_parenthesized_expression: case K_binary_operator:
		break;
	default: return 0;
	}
	for (uint32_t c = from; c; c = NODE(f, c)->next)
		v = value_join(H, v, classes_at(f, c, depth - 1));
	return v;
}

value_t annotation_classes(struct frame *f, uint32_t type)
{
	return type ? classes_at(f, type, ANNOTATION_DEPTH) : 0;
}

value_t annotation_instances(struct frame *f, value_t classes)
{
	value_t out = 0;

	for (uint32_t i = 0; i < value_count(H, classes); i++)
		out = value_join(H, out, value_of(H, open_instance(f, value_at(H, classes, i))));
	return out;
}
