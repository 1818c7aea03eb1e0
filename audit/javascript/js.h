/* SPDX-License-Identifier: Apache-2.0 */
/* js.h - abstract execution of JavaScript and TypeScript sources: every module body in order, every function where it is
 * called, with what it is called with; afterwards those that nobody called. Nothing is imported or run. */
#ifndef AUDIT_JAVASCRIPT_JS_H
#define AUDIT_JAVASCRIPT_JS_H

#include "audit/python/value.h"
#include "audit/syntax/syntax.h"

/* An object of the language's own types: a is the text of its type, "Map". */
#define O_NATIVE O_CONTEXT

/* What is known of a function's runs; by definition. */
struct js_state {
	uint32_t runs, on_stack;
	uint32_t object;  /* the last function or class object made of it */
	uint32_t alone, alone_object; /* runs without a caller, and the object of the last of these */
	value_t returned;
};

/* Where a binding of an import statement comes from; by binding. */
struct js_import {
	uint32_t from; /* text of the specifier; 0: not imported */
	uint32_t name; /* text of the exported name; "*": the whole module */
};

struct js_export {
	uint32_t name;    /* text; "*": everything of from */
	uint32_t binding; /* + 1; 0: a value of its own ("default"), or of from */
	uint32_t from, from_name; /* texts: export { from_name as name } from "from" */
	uint32_t source;
};

struct js_module {
	uint32_t env;     /* O_MODULE: its variables; also what import * gives */
	uint32_t module;  /* the object "module" of CommonJS */
	value_t fallback; /* export default EXPRESSION */
	bool is_esm, started, hoisted;
};

struct js {
	struct syntax x;
	struct heap h;
	struct js_state *state;
	struct js_module *modules;
	struct js_import *imports;
	uint32_t import_cap;
	struct js_export *exports;
	uint32_t export_count, export_cap;
	struct syntax_site *sites;
	uint32_t site_count, site_cap;
	uint32_t *names; /* heap text -> how many definitions have that full name */
	uint32_t name_cap;
	const struct front_options *o;
	uint32_t depth, nested, importing;
	uint64_t steps, max_steps;
	struct front_source *kept; /* what x.sources point to */
};

#define ARGUMENTS_MAX 16
struct arguments {
	value_t v[ARGUMENTS_MAX];
	uint32_t count;
	value_t rest; /* of a spread: any further one */
};

struct frame {
	struct js *m;
	uint32_t source, def;
	uint32_t env;
	uint32_t home;      /* the object that a method was defined on, for super */
	value_t self;
	uint32_t making;    /* the instance that a constructor makes */
	const struct arguments *args;
	uint32_t space;     /* the object of the namespace around */
	value_t returned, yielded;
	bool dead;
	struct changes *leaving;
	uint32_t leaving_count;
};

struct side {
	uint32_t mark, objects;
	struct changes changes;
	bool dead;
};

#define H (&f->m->h)
#define KEY(z) heap_textz(H, z)
#define NODE(f, n) syntax_node(&(f)->m->x, (f)->source, n)

static inline uint32_t field(const struct frame *f, uint32_t node, enum tree_field which)
{
	return node ? syntax_field(&f->m->x, f->source, node, which) : 0;
}
static inline bool is_text(const struct frame *f, uint32_t node, const char *text)
{
	return syntax_is_text(&f->m->x, f->source, node, text);
}

/* define.c: scopes, names and definitions of one source. */
void js_define(struct js *m, uint32_t source);

/* machine.c */
struct side js_side_begin(struct frame *f);
void js_side_end(struct frame *f, struct side *s);
void js_sides_join(struct frame *f, struct side *a, struct side *b);
void js_leaving_apply(struct frame *f);
void js_block_run(struct frame *f, uint32_t node);
void js_statement_run(struct frame *f, uint32_t node);
/* Where a condition holds, or where its opposite does. */
void js_narrow(struct frame *f, uint32_t condition, bool holds);

/* expression.c */
value_t js_expression(struct frame *f, uint32_t node);
/* Gives a pattern its value. declare: names are declared here (let, var, parameters). */
void js_pattern_set(struct frame *f, uint32_t node, value_t v);
value_t js_unknown(struct frame *f, const char *reason);
value_t js_some_text(struct frame *f);
value_t js_some_number(struct frame *f);
uint32_t js_node_text(struct frame *f, uint32_t node);
/* The key of a property as it is written in an object, a class or a pattern; 0: a computed one that is not known. */
uint32_t js_key_of(struct frame *f, uint32_t node);
/* The keys that a value stands for: at most VALUE_TARGETS_MAX, 0: it may be any. */
uint32_t js_keys_of(struct frame *f, value_t v, uint32_t out[VALUE_TARGETS_MAX]);
void js_arguments_read(struct frame *f, uint32_t list, struct arguments *out);
value_t js_iterate(struct frame *f, uint32_t node, value_t v);
value_t js_awaited(struct frame *f, value_t v);
value_t js_promise_of(struct frame *f, value_t v);
value_t js_list_of(struct frame *f, value_t items);

/* name.c */
value_t js_name_get(struct frame *f, uint32_t node);
void js_name_set(struct frame *f, uint32_t node, value_t v);
void js_binding_set(struct frame *f, uint32_t binding, value_t v);
value_t js_binding_get(struct frame *f, uint32_t binding);
value_t js_global_get(struct frame *f, const char *name, size_t n);

/* object.c */
value_t js_property_get(struct frame *f, uint32_t node, value_t v, uint32_t name);
value_t js_item_get(struct frame *f, uint32_t node, value_t v, value_t key);
void js_property_set(struct frame *f, uint32_t node, value_t of, uint32_t name, value_t v);
/* key 0: any. */
void js_item_set(struct frame *f, uint32_t node, value_t of, value_t key, value_t v);
/* A property of an object or of what it inherits from, accessors as they are; 0: none. */
value_t js_find(struct frame *f, uint32_t object, uint32_t name);
void js_accessor_set(struct frame *f, uint32_t object, uint32_t name, const char *which, value_t function);
uint32_t js_open_instance(struct frame *f, uint32_t class_object);
/* The prototype object of a function or class. */
value_t js_prototype_of(struct frame *f, uint32_t function);
/* Functions that are stored in an object are its methods. */
void js_home_set(struct frame *f, value_t functions, uint32_t home);

/* class.c */
uint32_t js_function_make(struct frame *f, uint32_t node, uint32_t home);
value_t js_class_make(struct frame *f, uint32_t node);
void js_fields_run(struct js *m, uint32_t class_object, value_t self, bool is_static);
/* The object that an enum or a namespace is. */
value_t js_enum_make(struct frame *f, uint32_t node);
void js_decorators_run(struct frame *f, uint32_t node, value_t *v);
/* The audited class that a type names, as one of its instances; 0: it names none. */
value_t js_typed_instance(struct frame *f, uint32_t type);
uint32_t js_definition_at(const struct frame *f, uint32_t node);

/* call.c */
value_t js_call_value(struct frame *f, uint32_t node, value_t callee, value_t self, const struct arguments *a);
value_t js_construct(struct frame *f, uint32_t node, value_t callee, const struct arguments *a);
/* super(…): the constructor of the class that the home belongs to. */
void js_super_construct(struct frame *f, uint32_t node, const struct arguments *a);
value_t js_function_run(struct js *m, uint32_t function, value_t self, uint32_t making, const struct arguments *a,
		     bool uncalled);
void js_site_target(struct frame *f, uint32_t node, const char *name);
void js_site_reason(struct frame *f, uint32_t node, enum graph_reason reason);
/* Calls each function among the arguments. */
void js_callbacks_call(struct frame *f, uint32_t node, const struct arguments *a, uint32_t from, value_t with);
bool js_is_callable(struct frame *f, uint32_t object);

/* builtin.c */
value_t js_builtin_call(struct frame *f, uint32_t node, uint32_t object, const struct arguments *a);
value_t js_builtin_construct(struct frame *f, uint32_t node, uint32_t object, const struct arguments *a);
value_t js_external_call(struct frame *f, uint32_t node, uint32_t object, const struct arguments *a);
bool js_is_global(const char *name, size_t n);

/* module.c */
void js_modules_init(struct js *m);
void js_module_run(struct js *m, uint32_t source);
void js_module_hoist(struct js *m, uint32_t source);
value_t js_import_value(struct frame *f, uint32_t from, uint32_t name);
value_t js_require_value(struct frame *f, uint32_t from);
value_t js_export_get(struct frame *f, uint32_t source, uint32_t name, int depth);
void js_run(struct js *m);

#endif
