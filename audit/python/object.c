/* SPDX-License-Identifier: Apache-2.0 */
/* object.c - attributes, classes and the order of their bases, decorators. */
#include "audit/python/frame.h"

#include "base/mem.h"

#include <string.h>


/* One class's bases, or the order of one base: what is left of it begins at `at`. */
struct line {
	const uint32_t *v;
	uint32_t n, at;
};

static bool in_a_tail(const struct line *lines, uint32_t n, uint32_t class_object)
{
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = lines[i].at + 1; k < lines[i].n; k++)
			if (lines[i].v[k] == class_object)
				return true;
	return false;
}

/* C3 (docs.python.org/3/howto/mro.html): the first head that stands in no tail; where there is none, Python refuses
 * the class and the first head is taken. */
static uint32_t merge(struct line *lines, uint32_t n, uint32_t out[ORDER_MAX], uint32_t count)
{
	for (;;) {
		uint32_t next = 0;
		bool good = false;

		for (uint32_t i = 0; i < n && !good; i++) {
			if (lines[i].at == lines[i].n)
				continue;
			good = !in_a_tail(lines, n, lines[i].v[lines[i].at]);
			next = good || !next ? lines[i].v[lines[i].at] : next;
		}
		if (!next || count == ORDER_MAX)
			return count;
		out[count++] = next;
		for (uint32_t i = 0; i < n; i++)
			lines[i].at += lines[i].at < lines[i].n && lines[i].v[lines[i].at] == next;
	}
}

/* The method resolution order of a class, itself first. It is settled by class_make and kept. */
const struct class_order *class_order(struct frame *f, uint32_t class_object)
{
	uint32_t i = H->objects[class_object].kind == O_CLASS ? H->objects[class_object].c : 0;

	return i ? &f->m->orders[i - 1] : NULL;
}

static void order_settle(struct frame *f, uint32_t class_object, const uint32_t *bases, uint32_t n)
{
	struct machine *m = f->m;
	struct line lines[BASES_MAX + 1];
	struct class_order own = { .n = 1, .v = { class_object } };

	for (uint32_t i = 0; i < n; i++) {
		const struct class_order *o = class_order(f, bases[i]);

		lines[i] = o ? (struct line){ o->v, o->n, 0 } : (struct line){ &bases[i], 1, 0 };
	}
	lines[n] = (struct line){ bases, n, 0 };
	own.n = merge(lines, n + 1, own.v, own.n);
	m->orders = xreallocarray(m->orders, m->order_count + 1, sizeof(*m->orders));
	m->orders[m->order_count++] = own;
	H->objects[class_object].c = m->order_count;
}

value_t class_find(struct frame *f, uint32_t class_object, uint32_t name, uint32_t after)
{
	const struct class_order *order = class_order(f, class_object);
	bool on = !after;

	for (uint32_t i = 0; order && i < order->n; i++) {
		const struct object *o = &H->objects[order->v[i]];
		value_t v = on && o->kind == O_CLASS ? slot_get(H, order->v[i], name) : 0;

		if (v)
			return v;
		if (on && o->kind == O_EXTERNAL) {
			auto_free char *path = xasprintf("%s.%s", H->texts[o->a], H->texts[name]);

			return value_of(H, object_intern(H, O_EXTERNAL, KEY(path), 0));
		}
		on |= order->v[i] == after;
	}
	return 0;
}

uint32_t generic_instance(struct frame *f, uint32_t class_object)
{
	return instance_of_all(H, class_object, INSTANCE_GENERIC);
}

uint32_t open_instance(struct frame *f, uint32_t class_object)
{
	return instance_of_all(H, class_object, INSTANCE_OPEN);
}

/* What the subclasses of a class, down to the last, have of that name. */
static value_t subclasses_find(struct frame *f, uint32_t class_object, uint32_t name, uint32_t depth)
{
	value_t subs = slot_get(H, class_object, KEY("#subclasses")), out = 0;

	for (uint32_t i = 0; depth && i < value_count(H, subs); i++) {
		uint32_t c = value_at(H, subs, i);

		out = value_join(H, out, slot_get(H, c, name));
		out = value_join(H, out, subclasses_find(f, c, name, depth - 1));
	}
	return out;
}

static value_t bind(struct frame *f, uint32_t node, value_t found, uint32_t self, bool on_class)
{
	value_t out = 0;

	for (uint32_t i = 0; i < value_count(H, found); i++) {
		uint32_t o = value_at(H, found, i);
		const struct object *p = &H->objects[o];

		if (p->kind == O_FUNCTION && !on_class)
			out = value_join(H, out, value_of(H, object_intern(H, O_BOUND, o, self)));
		else if (p->kind == O_CLASSMETHOD)
			out = value_join(H, out, value_of(H, object_intern(H, O_BOUND, p->a, p->kind == O_CLASSMETHOD &&
				H->objects[self].kind == O_INSTANCE ? H->objects[self].a : self)));
		else if (p->kind == O_STATIC)
			out = value_join(H, out, value_of(H, p->a));
		else if (p->kind == O_PROPERTY && !on_class)
			out = value_join(H, out, call_value(f, node, slot_get(H, o, KEY("get")),
							    &(struct arguments){ .count = 1, .position = { value_of(H,
								self) } }));
		else if (p->kind == O_INSTANCE && class_find(f, p->a, KEY("__get__"), 0))
			out = value_join(H, out, method_call(f, node, o, "__get__", &(struct arguments){ .count = 2,
				.position = { value_of(H, self), class_of(f, value_of(H, self)) } }));
		else
			out = value_join(H, out, value_of(H, o));
	}
	return out;
}

static bool is_property(struct frame *f, value_t v)
{
	return value_count(H, v) == 1 && H->objects[value_at(H, v, 0)].kind == O_PROPERTY;
}

static bool is_ours(struct frame *f, value_t v)
{
	return value_count(H, v) == 1 && H->objects[value_at(H, v, 0)].kind == O_FUNCTION;
}

static value_t instance_get(struct frame *f, uint32_t node, uint32_t o, uint32_t name)
{
	uint32_t class_object = H->objects[o].a;
	value_t own = slot_get(H, o, name), found = class_find(f, class_object, name, 0);
	value_t always = class_find(f, class_object, KEY("__getattribute__"), 0);
	bool open = H->objects[o].b == INSTANCE_OPEN;

	if (is_ours(f, always) && H->objects[value_at(H, always, 0)].a != f->def)
		call_value(f, node, bind(f, node, always, o, false), &(struct arguments){ .count = 1 });
	if (open)
		found = value_join(H, found, subclasses_find(f, class_object, name, 8));
	if (own && !is_property(f, found) && !value_has(H, own, OBJECT_ABSENT) && !H->objects[o].weak)
		return own;
	if (!found || H->objects[o].weak)
		own = value_join(H, own, slot_get(H, generic_instance(f, class_object), name));
	own = value_without(H, own, OBJECT_ABSENT);
	if (found || own)
		return value_join(H, own, found ? bind(f, node, found, o, false) : 0);
	found = class_find(f, class_object, KEY("__getattr__"), 0);
	return found ? call_value(f, node, bind(f, node, found, o, false), &(struct arguments){ .count = 1 }) : 0;
}

static const char *builtin_type(enum object_kind kind)
{
	switch (kind) {
	case O_LIST: return "list";
	case O_TUPLE: return "tuple";
	case O_DICT: return "dict";
	case O_SET: return "set";
	case O_TEXT: return "str";
	case O_NUMBER: return "int";
	case O_GENERATOR: return "generator";
	default: return NULL;
	}
}

/* A member of an enumeration is an instance of it; what a class lacks its metaclass may have. */
static value_t class_get(struct frame *f, uint32_t node, uint32_t class_object, uint32_t name)
{
	value_t v = class_find(f, class_object, name, 0);
	uint32_t meta;
	enum object_kind kind = value_count(H, v) == 1 ? H->objects[value_at(H, v, 0)].kind : O_UNKNOWN;
	bool data = kind == O_NUMBER || kind == O_TEXT || kind == O_TUPLE || kind == O_LIST || kind == O_DICT ||
		    kind == O_NONE || (v && kind == O_UNKNOWN);

	if (data && H->texts[name][0] != '_' && is_enumeration(f, class_object))
		return value_of(H, generic_instance(f, class_object));
	if (!v && (meta = metaclass_of(f, class_object)))
		return bind(f, node, class_find(f, meta, name, 0), class_object, false);
	return bind(f, node, v, class_object, true);
}

/* "a.b" of what is outside: a's text. */
static uint32_t outside_attribute(struct frame *f, enum object_kind kind, uint32_t of, uint32_t name)
{
	uint32_t known = *heap_memo(H, MEMO_ATTRIBUTE, of << 1 | (kind == O_BUILTIN), name);
	auto_free char *path = known ? NULL : xasprintf("%s.%s", H->texts[of], H->texts[name]);

	if (!known) {
		known = object_intern(H, kind, KEY(path), 0);
		*heap_memo(H, MEMO_ATTRIBUTE, of << 1 | (kind == O_BUILTIN), name) = known;
	}
	return known;
}

/* "<builtin>.list.append", or of a class of collections: its text. */
static uint32_t method_path(struct frame *f, uint32_t class_text, const char *type, uint32_t name)
{
	uint32_t of = class_text ? class_text : heap_literal(H, type), known = *heap_memo(H, MEMO_METHOD, of, name);
	auto_free char *path = NULL;

	if (known)
		return known;
	path = class_text ? xasprintf("%s.%s", H->texts[of], H->texts[name]) :
		xasprintf("<builtin>.%s.%s", type, H->texts[name]);
	known = KEY(path);
	*heap_memo(H, MEMO_METHOD, of, name) = known;
	return known;
}

static value_t one_attribute(struct frame *f, uint32_t node, uint32_t o, uint32_t name)
{
	struct object p = H->objects[o];
	const char *type = builtin_type(p.kind), *text = H->texts[name];
	auto_free char *path = NULL;
	value_t v;

	switch (p.kind) {
	case O_UNKNOWN: return value_of(H, o);
	case O_INSTANCE:
		v = name == KEY("__class__") ? value_of(H, p.a) : instance_get(f, node, o, name);
		break;
	case O_CLASS: v = class_get(f, node, o, name); break;
	case O_SUPER:
		v = bind(f, node, class_find(f, super_class(f, p.a, p.b), name, p.a), p.b, false);
		if (!v && name == KEY("__new__"))
			return value_of(H, object_intern(H, O_BUILTIN, KEY("<builtin>.object.__new__"), 0));
		if (!v && name == KEY("__call__") && H->objects[p.b].kind == O_CLASS)
			return value_of(H, object_intern(H, O_METHOD, KEY("<builtin>.type.__call__"), p.b));
		break;
	case O_MODULE:
		v = slot_get(H, o, name);
		path = xasprintf("%s.%s", f->m->sources[p.a].module, text);
		v = v ? v : import_name(f, f->m->sources[p.a].module, name);
		if (value_count(H, v) == 1 && H->objects[value_at(H, v, 0)].kind == O_UNKNOWN &&
		    is_ours(f, slot_get(H, o, KEY("__getattr__"))))
			v = call_value(f, node, slot_get(H, o, KEY("__getattr__")),
				       &(struct arguments){ .count = 1, .position = { some_text(f) } });
		break;
	case O_EXTERNAL: case O_BUILTIN: return value_of(H, outside_attribute(f, p.kind, p.a, name));
	case O_PROPERTY:
		return value_of(H, object_intern(H, O_METHOD, name, o));
	default:
		v = slot_get(H, o, name);
		if (type && !v) {
			uint32_t class_text = p.kind == O_LIST || p.kind == O_DICT ? p.c : 0;

			return value_of(H, object_intern(H, O_METHOD, method_path(f, class_text, type, name), o));
		}
		break;
	}
	return v ? v : unknown(f, "attribute");
}

value_t attribute_get(struct frame *f, uint32_t node, value_t v, uint32_t name)
{
	value_t out = 0;

	for (uint32_t i = 0; i < value_count(H, v); i++)
		out = value_join(H, out, one_attribute(f, node, value_at(H, v, i), name));
	return out ? out : unknown(f, "attribute");
}

/* Also for the instances that stand for all: of its class, and of the class whose method writes. */
static void instance_set(struct frame *f, uint32_t node, uint32_t o, uint32_t name, value_t v, bool weak)
{
	value_t hook = class_find(f, H->objects[o].a, KEY("__setattr__"), 0);
	uint32_t writer = f->method_class;

	if (is_ours(f, hook) && H->objects[value_at(H, hook, 0)].a != f->def)
		call_value(f, node, bind(f, node, hook, o, false),
			   &(struct arguments){ .count = 2, .position = { unknown(f, "parameter"), v } });
	slot_set(H, o, name, v, weak);
	slot_set(H, generic_instance(f, H->objects[o].a), name, v, true);
	if (writer && writer != H->objects[o].a && H->objects[writer].kind == O_CLASS)
		slot_set(H, generic_instance(f, writer), name, v, true);
}

/* True: what the class has of that name is an instance with the method, which was called. */
static bool descriptor_call(struct frame *f, uint32_t node, value_t found, const char *method, const struct arguments *a)
{
	uint32_t o = value_count(H, found) == 1 ? value_at(H, found, 0) : 0;

	return found && H->objects[o].kind == O_INSTANCE && method_call(f, node, o, method, a);
}

void attribute_delete(struct frame *f, uint32_t node, value_t of, uint32_t name)
{
	const struct arguments with_name = { .count = 1, .position = { some_text(f) } };

	for (uint32_t i = 0; i < value_count(H, of); i++) {
		uint32_t o = value_at(H, of, i);
		value_t found = H->objects[o].kind == O_INSTANCE ? class_find(f, H->objects[o].a, name, 0) : 0;
		const struct arguments with = { .count = 1, .position = { value_of(H, o) } };

		dunder_call(f, node, value_of(H, o), "__delattr__", NULL, &with_name);
		if (is_property(f, found)) {
			value_t deleter = slot_get(H, value_at(H, found, 0), KEY("del"));

			if (deleter)
				call_value(f, node, deleter, &with);
		} else {
			descriptor_call(f, node, found, "__delete__", &with);
		}
	}
}

void attribute_set(struct frame *f, uint32_t node, value_t of, uint32_t name, value_t v)
{
	for (uint32_t i = 0; i < value_count(H, of); i++) {
		uint32_t o = value_at(H, of, i);
		enum object_kind kind = H->objects[o].kind;
		value_t found = kind == O_INSTANCE ? class_find(f, H->objects[o].a, name, 0) : 0;

		if (is_property(f, found)) {
			call_value(f, node, slot_get(H, value_at(H, found, 0), KEY("set")),
				   &(struct arguments){ .count = 2, .position = { value_of(H, o), v } });
			continue;
		}
		if (descriptor_call(f, node, found, "__set__", &(struct arguments){ .count = 2,
			.position = { value_of(H, o), v } }))
			continue;
		if (kind != O_INSTANCE && kind != O_CLASS && kind != O_MODULE && kind != O_FUNCTION)
			continue;
		if (kind == O_INSTANCE)
			instance_set(f, node, o, name, v, value_count(H, of) > 1);
		else
			slot_set(H, o, name, v, value_count(H, of) > 1);
	}
}

value_t method_call(struct frame *f, uint32_t node, uint32_t object, const char *name, const struct arguments *a)
{
	value_t found = class_find(f, H->objects[object].a, heap_literal(H, name), 0); /* names are literals */

	return found ? call_value(f, node, bind(f, node, found, object, false), a) : 0;
}

/* Reads the bases from a class's head: their order, and for each base that it has one more subclass. The other arguments
 * there go to __init_subclass__. */
static void bases_set(struct frame *f, uint32_t class_object, uint32_t list, struct arguments *rest)
{
	uint32_t bases[BASES_MAX], n = 0;

	for (uint32_t c = list ? NODE(f, list)->first : 0; c; c = NODE(f, c)->next) {
		bool keyword = NODE(f, c)->kind == K_keyword_argument;
		value_t v = keyword ? 0 : expression(f, c), meta;

		if (keyword && node_is_text(f, node_field(f, c, F_name), "metaclass")) {
			meta = expression(f, node_field(f, c, F_value));
			if (value_count(H, meta) == 1 && H->objects[value_at(H, meta, 0)].kind == O_CLASS)
				slot_set(H, class_object, KEY("#metaclass"), meta, false);
		} else if (keyword && rest->named < 16) {
			rest->name[rest->named] = node_text(f, node_field(f, c, F_name));
			rest->keyword[rest->named++] = expression(f, node_field(f, c, F_value));
		}
		for (uint32_t i = 0; i < value_count(H, v) && n < BASES_MAX; i++) {
			enum object_kind kind = H->objects[value_at(H, v, i)].kind;

			if (kind == O_CLASS || kind == O_EXTERNAL)
				bases[n++] = value_at(H, v, i);
			if (kind == O_CLASS)
				slot_set(H, value_at(H, v, i), KEY("#subclasses"), value_of(H, class_object), true);
		}
	}
	order_settle(f, class_object, bases, n);
}

/* What the class body made learns its name. */
static void names_tell(struct frame *f, uint32_t node, uint32_t class_object)
{
	const struct arguments a = { .count = 2, .position = { value_of(H, class_object), some_text(f) } };

	for (uint32_t s = H->objects[class_object].slots; s; s = H->slots[s].next)
		if (value_count(H, H->slots[s].v) == 1)
			dunder_call(f, node, H->slots[s].v, "__set_name__", NULL, &a);
}

static uint32_t class_make(struct frame *f, uint32_t node, uint32_t def)
{
	uint32_t o = object_new(H, O_CLASS, def, f->env);
	uint32_t around = f->class_object, own = f->def;
	struct arguments rest = { .count = 1, .position = { value_of(H, o) } };

	bases_set(f, o, node_field(f, node, F_superclasses), &rest);
	f->m->defs[def].object = o;
	f->class_object = o;
	f->def = def;
	block_run(f, node_field(f, node, F_body));
	f->class_object = around;
	f->def = own;
	metaclass_run(f, node, o);
	names_tell(f, node, o);
	value_t hook = class_find(f, o, KEY("__init_subclass__"), o);

	if (hook && H->objects[value_at(H, hook, 0)].kind == O_FUNCTION)
		call_value(f, node, hook, &rest);
	return o;
}

static uint32_t function_make(struct frame *f, uint32_t node, uint32_t def)
{
	uint32_t o = object_new(H, O_FUNCTION, def, f->env), list = node_field(f, node, F_parameters);

	H->objects[o].c = f->class_object;
	for (uint32_t c = list ? NODE(f, list)->first : 0; c; c = NODE(f, c)->next) {
		uint32_t value = node_field(f, c, F_value), name = node_field(f, c, F_name), type = node_field(f, c,
			F_type);
		uint32_t text = node_text(f, name ? name : NODE(f, c)->kind == K_identifier ? c : NODE(f, c)->first);

		if (value)
			slot_set(H, o, heap_prefixed(H, PREFIX_DEFAULT, text), expression(f, value), false);
		value_t classes = annotation_classes(f, type);

		if (classes)
			slot_set(H, o, heap_prefixed(H, PREFIX_TYPE, text), classes, false);
	}
	f->m->defs[def].object = o;
	return o;
}

void definition_run(struct frame *f, uint32_t node)
{
	uint32_t inner = NODE(f, node)->kind == K_decorated_definition ? node_field(f, node, F_definition) : node,
		name, def, o;
	uint32_t decorators[16], n = 0, n_decorators;
	value_t made[16], v;

	for (uint32_t c = inner != node ? NODE(f, node)->first : 0; c && c != inner && n < 16; c = NODE(f, c)->next)
		if (NODE(f, c)->kind == K_decorator && NODE(f, c)->first) {
			decorators[n] = c;
			made[n++] = expression(f, NODE(f, c)->first);
		}
	if (!inner || !(def = machine_def_at(f->m, f->source, inner)))
		return;
	o = NODE(f, inner)->kind == K_class_definition ? class_make(f, inner, def) : function_make(f, inner, def);
	v = value_of(H, o);
	n_decorators = n;
	while (n--)
		v = call_value(f, decorators[n], made[n], &(struct arguments){ .count = 1, .position = { v } });
	if (n_decorators && value_count(H, v) == 1 && H->objects[value_at(H, v, 0)].kind == O_UNKNOWN)
		v = unknown(f, "decorator");
	name = node_field(f, inner, F_name);
	if (name)
		name_set(f, node_text(f, name), v);
}
