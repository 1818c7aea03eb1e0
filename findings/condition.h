/* SPDX-License-Identifier: Apache-2.0 */
/* condition.h - what a pattern may say about rows: references to columns, conditions on them, and
 * texts with `${column}`. Everything is resolved and typed when the pattern is loaded, so that
 * a mistake is an error with its place and never a silent "no match".
 *
 * A scope names the rows in reach: first the row of `over`, then each join under its name.
 * A reference is `column` (of a default row) or `name.column`.
 *
 * Forms of a condition, `column: FORM`:
 *   plain value        equals ("mutex", 3, true)
 *   "> 1e6"            also >= < <= == != ; the right side is a number, a word or ${column}
 *   [a, b]             one of
 *   {FORM...}          map of equals, not_equals, in, not_in, matches, not_matches, above,
 *                      at_least, below, at_most, known: all of them hold
 *   any_of: [{…}, …]   in place of a column: at least one of these maps holds
 * A value that is unknown satisfies nothing but `known: false`. */
#ifndef FINDINGS_CONDITION_H
#define FINDINGS_CONDITION_H

#include "base/yaml.h"
#include "evidence/fact.h"

#define SCOPE_MAX 9 /* the row of `over` and eight joins */

struct scope {
	const char *name[SCOPE_MAX]; /* [0] is "self" */
	enum fact_kind kind[SCOPE_MAX];
	unsigned n;
};

/* Rows bound to the names of a scope; NULL: an optional join found none, its values are unknown. */
struct binding {
	const struct fact_row *row[SCOPE_MAX];
};

struct ref {
	unsigned at; /* index in the scope */
	enum fact_col col;
};
/* Resolves text against the scope; a name without a dot belongs to scope entry `at`. */
int ref_parse(struct ref *r, const struct scope *s, unsigned at, const struct yaml_node *where,
	      const char *text, struct err *e);
const struct fact_value *ref_value(const struct ref *r, const struct binding *b);

struct condition;
/* n is a map. Unqualified keys belong to scope entry `at`; ${…} without a dot to entry 0. */
int condition_parse(struct condition **c, const struct scope *s, unsigned at,
		    const struct yaml_node *n, struct err *e);
void condition_free(struct condition *c);
/* NULL holds always. *cut is raised for each regular expression that its limits ended. */
bool condition_holds(const struct condition *c, const struct binding *b, unsigned *cut);
/* The columns that it looks at, in the order written; at most max. Returns the count. */
unsigned condition_refs(const struct condition *c, struct ref *out, unsigned max);

/* A text with ${references}; "$$" is a dollar sign. */
struct phrase;
int phrase_parse(struct phrase **t, const struct scope *s, const struct yaml_node *n, struct err *e);
void phrase_free(struct phrase *t);
/* Appends the text; false when a reference in it is unknown (then "?" stands in its place). */
bool phrase_expand(const struct phrase *t, const struct binding *b, struct str *out);

#endif
