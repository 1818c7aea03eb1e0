/* SPDX-License-Identifier: Apache-2.0 */
/* metaclass.c - classes that are instances of audited classes. */
#include "audit/python/frame.h"

uint32_t metaclass_of(struct frame *f, uint32_t class_object)
{
	const struct class_order *order = class_order(f, class_object);

	for (uint32_t i = 0; order && i < order->n; i++) {
		value_t v = H->objects[order->v[i]].kind == O_CLASS ? slot_get(H, order->v[i], KEY("#metaclass")) : 0;

		if (v)
			return value_at(H, v, 0);
	}
	return 0;
}

uint32_t super_class(struct frame *f, uint32_t after, uint32_t self)
{
	const struct class_order *order;
	uint32_t meta;

	if (H->objects[self].kind == O_INSTANCE)
		return H->objects[self].a;
	order = class_order(f, self);
	for (uint32_t i = 0; order && i < order->n; i++)
		if (order->v[i] == after)
			return self;
	meta = metaclass_of(f, self);
	return meta ? meta : self;
}

void metaclass_run(struct frame *f, uint32_t node, uint32_t class_object)
{
	static const char *const methods[] = { "__new__", "__init__" };
	uint32_t meta = metaclass_of(f, class_object), around = f->m->made_class;
	value_t of = unknown(f, "parameter");

	f->m->made_class = class_object;
	for (size_t i = 0; meta && i < 2; i++) {
		value_t v = class_find(f, meta, heap_literal(H, methods[i]), 0);

		if (v && H->objects[value_at(H, v, 0)].kind == O_FUNCTION)
			call_value(f, node, v, &(struct arguments){ .count = 4,
				.position = { value_of(H, i ? class_object : meta), of, of, of } });
	}
	f->m->made_class = around;
}

value_t object_make(struct frame *f, uint32_t class_object)
{
	uint32_t made = f->m->made_class;

	if (made && metaclass_of(f, made) == class_object)
		return value_of(H, made);
	return value_of(H, object_new(H, O_INSTANCE, class_object, 0));
}
