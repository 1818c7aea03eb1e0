/* SPDX-License-Identifier: Apache-2.0 */
/* c.h - C sources as they are written, before the preprocessor: what is defined where, which headers a file sees, which
 * branches of #if are for this platform. */
#ifndef AUDIT_C_C_H
#define AUDIT_C_C_H

#include "audit/front.h"
#include "audit/tree.h"

enum c_truth { C_FALSE, C_TRUE, C_UNKNOWN };

/* A number of the preprocessor, where it is known. */
struct c_number {
	bool known, is_unsigned;
	uint64_t v; /* two's complement */
};

/* What an expression of #if asks of names; names are not NUL-terminated. */
struct c_asks {
	void *arg;
	enum c_truth (*is_defined)(void *arg, const char *name, size_t n);
	struct c_number (*value)(void *arg, const char *name, size_t n);
};

/* A function that is defined, a macro, or a variable of a file. */
struct c_name {
	text_t name;
	uint32_t file, node; /* its definition; a macro's: of #define */
	bool is_static;      /* function: static; seen by its file and by those that include it */
	bool has_arguments;  /* macro: it is called */
	bool is_variable;
	uint32_t function;   /* of the graph; GRAPH_NONE: a macro or a variable */
};

struct c_file {
	const struct front_source *source;
	struct tree tree;
	uint32_t *includes, include_count; /* audited files */
	uint8_t *verdicts; /* of conditions, by node: 1 + enum c_truth; 0: none was found. NULL: none at all */
};

/* #undef of a file. */
struct c_undef {
	text_t name;
	uint32_t file, start;
};

struct c_program {
	struct c_file *files;
	uint32_t file_count;
	struct c_name *names; /* sorted by name, then file, then node */
	uint32_t name_count, name_cap;
	const struct front_options *o;
	struct graph *g;
	struct c_undef *undefs; /* by name, then file, then start */
	uint32_t undef_count, undef_cap;
	bool *maybe_defined; /* by text: a #define of a file that is compiled or included has that name */
	uint32_t maybe_count;
	bool configured;     /* a name that no source defines is not defined: for calls, not for what functions there are */
	/* of the file that is being read: which files it sees, itself included */
	bool *sees;
	uint32_t seen_by;
};

#define C_NODE(f, n) (&(f)->tree.nodes[n])

uint32_t c_field(const struct c_file *f, uint32_t node, enum tree_field field);
text_t c_text(struct c_program *p, const struct c_file *f, uint32_t node);
bool c_is_text(const struct c_file *f, uint32_t node, const char *text);

/* The identifier that a declarator declares, and in *function the function_declarator around it when what is declared is a
 * function (not a pointer to one); 0 where there is none. */
uint32_t c_declared(const struct c_file *f, uint32_t declarator, uint32_t *function);

/* Calls each for every child of node that the preprocessor leaves in on Linux with gcc, as far as that can be told: #if 0,
 * _WIN32, __cplusplus and the like, and where p->configured is set, names that no source defines; HAVE_, USE_ and the
 * like come from outside. The sides of all other conditions are walked. */
void c_live_children(struct c_program *p, struct c_file *f, uint32_t node,
		     void (*each)(struct c_program *p, struct c_file *f, uint32_t child, void *arg), void *arg);

/* expression.c: the value of what follows #if. */
struct c_number c_expression(const char *s, size_t n, const struct c_asks *asks);
enum c_truth c_truth_of(struct c_number n);

/* preproc.c: what is known of a name that no source has defined so far. *value: of one that is. */
enum c_truth c_usually_defined(const char *name, size_t n, struct c_number *value);
/* Is it for the build to say whether it is defined, or for a header of the system? */
bool c_is_of_the_build(const char *name);
bool c_is_of_the_system(const char *name);

/* commands.c: the flags of compile_commands.json. */
struct c_commands *c_commands_read(const char *root);
/* Calls each for every -D (value "1" if it gives none) and -U (value NULL) of a file of the root; false: it is not
 * named. */
bool c_commands_each(const struct c_commands *c, const char *path,
		     void (*each)(void *arg, const char *name, size_t n, const char *value), void *arg);
void c_commands_free(struct c_commands *c);

/* units.c: follows the definitions of each translation unit in order, and sets the verdicts of conditions. */
void c_units_follow(struct c_program *p);
bool c_is_undef(const struct c_file *f, uint32_t node);
/* The name of #undef. */
text_t c_undef_name(struct c_program *p, const struct c_file *f, uint32_t node);
/* The audited file that an #include names, or GRAPH_NONE. */
uint32_t c_included(const struct c_program *p, const struct c_file *f, uint32_t node);

/* names.c: fills names, includes and functions of the graph. */
void c_names_read(struct c_program *p);
/* Is a macro still what it was defined as at a byte of a file that sees it? */
bool c_macro_holds(const struct c_program *p, const struct c_name *macro, uint32_t file, uint32_t at);
/* Marks the files that file sees. */
void c_look_from(struct c_program *p, uint32_t file);
/* The range of names of that text: [*from, *to). */
void c_names_find(const struct c_program *p, text_t name, uint32_t *from, uint32_t *to);

/* balance.c: the text with one side left of those conditions whose sides open or close braces, the others blank; NULL where
 * there are none. The caller frees it. */
char *c_balance(const char *text, size_t n);

/* calls.c: adds the calls of one function to the graph. */
void c_calls_read(struct c_program *p, struct c_file *f, const struct c_name *function);

#endif
