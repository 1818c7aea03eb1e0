/* SPDX-License-Identifier: Apache-2.0 */
/* json_read.h - reading JSON of any size piece by piece: the caller walks down into objects
 * and arrays and takes the pieces that fit into memory as small trees. A trace of a
 * million events is read in the memory of one event.
 *
 * Strict: RFC 8259, valid UTF-8, no member twice in one object, at most 64 levels. */
#ifndef BASE_JSON_READ_H
#define BASE_JSON_READ_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* A read-only tree. Texts end in NUL and may hold NULs. */
struct json_value {
	enum json_kind kind;
	bool is_integer;               /* a number without fraction or exponent that fits */
	int64_t integer;
	double number;
	const char *text;              /* JSON_STRING */
	size_t len;
	const char *key;               /* of an object's member, else NULL */
	size_t key_len;
	uint32_t count;                /* members or items */
	uint32_t key_hash;
	const struct json_value *first, *next;
};

#define json_each(item, parent_) for (const struct json_value *item = (parent_)->first; item; item = item->next)

/* The member under key, or NULL (also where v is NULL or no object). */
const struct json_value *json_get(const struct json_value *v, const char *key);
/* Its text, or NULL if it is not a string. */
const char *json_get_text(const struct json_value *v, const char *key);
/* The number under key where it is an integer that fits (as a number: any); else the last argument. */
int64_t json_get_int(const struct json_value *v, const char *key, int64_t otherwise);
double json_get_number(const struct json_value *v, const char *key, double otherwise);
/* "null", "boolean", "number", "string", "array", "object" */
const char *json_kind_text(enum json_kind kind);

struct json_reader;

/* fd stays the caller's and must live as long as the reader. name: for messages. */
struct json_reader *json_reader_new(int fd, const char *name);
/* A text in memory; borrowed. */
struct json_reader *json_reader_text(const char *text, size_t n, const char *name);
/* Values that json_take takes may have so many levels: call trees are deep. */
void json_reader_deep(struct json_reader *r, int levels);
void json_reader_free(struct json_reader *r);
void json_reader_free_ptr(struct json_reader **r);

/* All of these: -1 and an error with the byte offset where the text is no JSON. */

/* Which kind of value comes next? */
int json_peek(struct json_reader *r, enum json_kind *kind, struct err *e);
/* Goes into the object or array that comes next; anything else is an error. */
int json_enter(struct json_reader *r, enum json_kind kind, struct err *e);
/* In an object: 1 and the next member's name (valid until the next call), 0 at its end, which is
 * left then. Members that come twice are the caller's to notice. */
int json_next_key(struct json_reader *r, const char **key, size_t *len, struct err *e);
/* In an array: 1 when an item comes next, 0 at its end, which is left then. */
int json_next_item(struct json_reader *r, struct err *e);
/* Takes the whole value that comes next; it lives until the next call. */
int json_take(struct json_reader *r, const struct json_value **v, struct err *e);
/* Nothing but white space may follow. */
int json_end(struct json_reader *r, struct err *e);

#endif
