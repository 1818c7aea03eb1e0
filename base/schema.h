/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h - validates JSON against the schemas of schemas/: JSON Schema's words, written as
 * YAML, as many of them as we need:
 *
 *   type (one or a list), enum, const, pattern (PCRE2), minLength, maxLength, minimum, maximum,
 *   required, properties, patternProperties, additionalProperties, minProperties, maxProperties,
 *   items, minItems, maxItems, uniqueItems, anyOf, oneOf, $ref "#/definitions/NAME";
 *   without effect: description, title, $schema, $id, examples, default, definitions.
 *
 * Any other word is an error of the schema, so that no rule is silently without effect.
 * Where alternatives (anyOf, oneOf) differ in a property that is `const` or `enum`, that property
 * chooses the alternative whose complaints are reported. */
#ifndef BASE_SCHEMA_H
#define BASE_SCHEMA_H

#include "base/err.h"
#include "base/json_read.h"

#include <stdbool.h>
#include <stddef.h>

struct schema; /* a node; all nodes belong to their root */

/* Compiles a schema. name: for messages (file:line:column). */
int schema_parse(struct schema **root, const char *name, const char *text, size_t len, struct err *e);
int schema_read(struct schema **root, const char *path, struct err *e);
void schema_free(struct schema *root);
void schema_free_ptr(struct schema **root);
#define auto_schema __attribute__((cleanup(schema_free_ptr))) struct schema

/* Where in the document a value is: a chain that grows on the way down. */
struct schema_place {
	const struct schema_place *up; /* NULL: the document itself */
	const char *key;               /* a member, or NULL: an item */
	size_t key_len;
	uint64_t index;
};
/* "/spans/3/attrs" (RFC 6901); "" for the document. */
struct str;
void schema_place_write(const struct schema_place *p, struct str *out);

/* Is told every violation: where, and what must be. Return false to hear no more. */
typedef bool schema_report(void *arg, const struct schema_place *at, const char *what);

/* True when v obeys. report may be NULL. */
bool schema_check(const struct schema *s, const struct json_value *v, const struct schema_place *at,
		  schema_report *report, void *arg);

/* For documents that are read piece by piece: the schema of a member (NULL: any value may stand
 * there, with *allowed; none may, without), of the items of an array (NULL: any), and
 * the i-th required member (NULL after the last). */
const struct schema *schema_member(const struct schema *s, const char *key, size_t len, bool *allowed);
const struct schema *schema_items(const struct schema *s);
const char *schema_required(const struct schema *s, size_t i);
/* The i-th text of the schema's `enum`, for tests that hold lists in step. */
const char *schema_enum_text(const struct schema *s, size_t i);
/* Its own description, or that of what it refers to; NULL if there is none. */
const char *schema_description(const struct schema *s);
/* The i-th named property, for documentation and tests; NULL after the last. */
const struct schema *schema_property_at(const struct schema *s, size_t i, const char **name);

#endif
