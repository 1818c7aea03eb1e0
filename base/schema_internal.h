/* SPDX-License-Identifier: Apache-2.0 */
/* schema_internal.h - a compiled schema, shared by its reader and its checker. */
#ifndef BASE_SCHEMA_INTERNAL_H
#define BASE_SCHEMA_INTERNAL_H

#include "base/schema.h"
#include "base/str.h"

/* Bits of `types`; a boolean of JSON is one type. */
#define TYPE_INTEGER (1u << 16)
#define TYPE_BOOLEAN (1u << JSON_TRUE | 1u << JSON_FALSE)

struct schema_const {
	enum json_kind kind;
	char *text;
	size_t len;
	double number;
};

struct schema_property {
	char *key;
	size_t len;
	struct schema *schema;
};

struct schema_pattern_property {
	char *text;
	void *regex; /* pcre2_code */
	struct schema *schema;
};

struct schema {
	struct schema *next_owned;       /* of the root: all nodes */
	struct schema *root;
	char *description;
	char *ref;                       /* NAME of #/definitions/NAME, until it is resolved */
	struct schema *target;           /* resolved $ref */
	uint32_t line, column;           /* of its $ref */
	unsigned types;                  /* 1 << enum json_kind, TYPE_INTEGER; 0: any */
	struct schema_const *consts;     /* enum, or const as the only one */
	size_t const_count;
	bool has_consts, is_const;
	char *pattern;
	void *regex;                     /* pcre2_code */
	bool has_min, has_max;
	double min, max;
	int64_t min_length, max_length;  /* characters; -1: none. So are the following */
	int64_t min_items, max_items, min_properties, max_properties;
	bool unique_items;
	struct strv required;
	struct schema_property *properties; /* constants first, then in the schema's order */
	size_t property_count;
	struct schema_pattern_property *patterns;
	size_t pattern_count;
	bool additional_denied;
	struct schema *additional;
	struct schema *items;
	struct schema **alternatives;    /* anyOf, oneOf */
	size_t alternative_count;
	bool exactly_one;
	struct schema_property *definitions; /* of the root */
	size_t definition_count;
};

/* Follows references. */
static inline const struct schema *schema_real(const struct schema *s)
{
	while (s && s->target)
		s = s->target;
	return s;
}

#endif
