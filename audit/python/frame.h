/* SPDX-License-Identifier: Apache-2.0 */
/* frame.h - one activation of a body, and what the parts of the machine ask of each other. */
#ifndef AUDIT_PYTHON_FRAME_H
#define AUDIT_PYTHON_FRAME_H

#include "audit/python/machine.h"

struct frame {
	struct machine *m;
	struct source *s;
	uint32_t source, def;
	uint32_t env;          /* O_ENV or O_MODULE */
	uint32_t class_object; /* while a class body runs */
	uint32_t method_class; /* of super() */
	value_t self;
	value_t returned, yielded;
	bool dead, in_targets;
	uint64_t last_step; /* calls after it are not followed: the work on one function is bounded */
	struct changes *leaving;
	uint32_t leaving_count;
};

struct arguments {
	value_t position[16], keyword[16], rest, named_rest;
	uint32_t name[16], count, named;
};

struct side {
	uint32_t mark, objects;
	struct changes changes;
	bool dead;
};

#define NODE(f, n) (&(f)->s->tree.nodes[n])
#define H (&f->m->h)
/* The text of a string; of a literal it is kept. */
#define KEY(z) (__builtin_constant_p(z) ? heap_literal(H, z) : heap_textz(H, z))

/* machine.c */
uint32_t node_field(const struct frame *f, uint32_t node, enum tree_field field);
uint32_t node_text(struct frame *f, uint32_t node);
/* Valid as long as the heap. */
const char *node_name(struct frame *f, uint32_t node);
bool node_is_text(const struct frame *f, uint32_t node, const char *text);
value_t name_get(struct frame *f, uint32_t name);
void name_set(struct frame *f, uint32_t name, value_t v);
void block_run(struct frame *f, uint32_t node);
void statement_run(struct frame *f, uint32_t node);
struct side side_begin(struct frame *f);
void side_end(struct frame *f, struct side *s);
void sides_join(struct frame *f, struct side *a, struct side *b);
/* An instance of each class, of those in tuples, too. */
value_t instances_of(struct frame *f, value_t classes);

/* expression.c */
value_t expression(struct frame *f, uint32_t node);
void target_set(struct frame *f, uint32_t node, value_t v);
/* pattern.c */
void pattern_set(struct frame *f, uint32_t node, value_t v);
value_t iterate(struct frame *f, uint32_t node, value_t v);
bool is_filled(struct frame *f, value_t v);
value_t with_enter(struct frame *f, uint32_t node, value_t v);
value_t unknown(struct frame *f, const char *reason);
uint32_t item_key(struct frame *f, value_t v);
value_t some_text(struct frame *f);
value_t some_number(struct frame *f);

value_t item_get(struct frame *f, uint32_t node, value_t v, value_t key);
value_t index_of(struct frame *f, uint32_t i);

/* operator.c */
value_t operate(struct frame *f, uint32_t node, const char *operator, value_t a, value_t b);
/* -v, +v, ~v: what the class makes of it, 0: nothing. */
value_t operate_alone(struct frame *f, uint32_t node, const char *operator, value_t v);

/* made.c */
bool is_enumeration(struct frame *f, uint32_t class_object);
/* The class body declares a field with its type. */
void field_declare(struct frame *f, uint32_t name);
/* The i-th field of a dataclass, 0: none. */
uint32_t field_name(struct frame *f, uint32_t class_object, uint32_t i);
/* What the __init__ does that Python makes for dataclasses and NamedTuple. */
void made_init(struct frame *f, uint32_t node, uint32_t class_object, uint32_t instance, const struct arguments *a);
void dataclass_mark(struct frame *f, value_t classes);
/* dataclasses.field(…). */
value_t field_make(struct frame *f, const struct arguments *a);

/* A container of collections; 0: path names none. */
value_t container_make(struct frame *f, uint32_t node, const char *path, const struct arguments *a);
/* The class that namedtuple(…) returns, and an instance of one; 0 for any other call. */
value_t namedtuple_make(struct frame *f, const struct arguments *a);
value_t namedtuple_call(struct frame *f, uint32_t class_object, const struct arguments *a);
/* What a defaultdict creates for a missing key; 0 if o is not a defaultdict. */
value_t item_made(struct frame *f, uint32_t node, uint32_t o, uint32_t key);

/* object.c */
/* The method resolution order of a class, itself first; NULL for a class outside the audited sources. */
const struct class_order *class_order(struct frame *f, uint32_t class_object);
value_t attribute_get(struct frame *f, uint32_t node, value_t v, uint32_t name);
void attribute_set(struct frame *f, uint32_t node, value_t of, uint32_t name, value_t v);
void attribute_delete(struct frame *f, uint32_t node, value_t of, uint32_t name);
value_t class_find(struct frame *f, uint32_t class_object, uint32_t name, uint32_t after);
value_t method_call(struct frame *f, uint32_t node, uint32_t object, const char *name, const struct arguments *a);
void definition_run(struct frame *f, uint32_t node);
/* The instance that stands for all of a class; and the one that may be of a subclass, too. */
uint32_t generic_instance(struct frame *f, uint32_t class_object);
uint32_t open_instance(struct frame *f, uint32_t class_object);

/* annotation.c */
/* The audited classes that an annotation names, 0: none. Optional and the like are what they are about. */
value_t annotation_classes(struct frame *f, uint32_t type);
/* An instance of each, or of a subclass. */
value_t annotation_instances(struct frame *f, value_t classes);

/* metaclass.c */
/* The class that a class is an instance of, 0: type, or one from outside. */
uint32_t metaclass_of(struct frame *f, uint32_t class_object);
/* The class in whose order super() goes on: self's, or where self is a class, its own or its metaclass. */
uint32_t super_class(struct frame *f, uint32_t after, uint32_t self);
/* A class of a metaclass is one of its instances. */
void metaclass_run(struct frame *f, uint32_t node, uint32_t class_object);
/* What object.__new__ and type.__new__ return: an instance; within the __new__ of a metaclass, the class being made. */
value_t object_make(struct frame *f, uint32_t class_object);

/* call.c */
/* Makes an instance and calls what initialises it. */
value_t class_call(struct frame *f, uint32_t node, uint32_t class_object, const struct arguments *a);
/* g.send(v): the generator's body is run again with what its yields return now. */
value_t generator_send(struct frame *f, uint32_t generator, value_t v);
value_t call_value(struct frame *f, uint32_t node, value_t callee, const struct arguments *a);
value_t function_run(struct frame *f, uint32_t function, const struct arguments *a, bool uncalled);
/* text: of the heap */
void site_target(struct frame *f, uint32_t node, uint32_t text);
void site_reason(struct frame *f, uint32_t node, const char *reason);
/* type(x) and x.__class__. */
value_t class_of(struct frame *f, value_t v);
value_t builtin_name(struct frame *f, uint32_t name);
/* Calls what an operator or a builtin calls of each audited instance in v: method, or where its class has none,
 * otherwise. */
value_t dunder_call(struct frame *f, uint32_t node, value_t v, const char *method, const char *otherwise,
		    const struct arguments *a);
value_t builtin_call(struct frame *f, uint32_t node, uint32_t object, const struct arguments *a);

/* import.c */
void import_path(struct frame *f, uint32_t node, struct str *out);
value_t import_module(struct frame *f, const char *path);
value_t import_name(struct frame *f, const char *path, uint32_t name);
void import_star(struct frame *f, const char *path);
void module_run(struct machine *m, uint32_t source);

#endif
