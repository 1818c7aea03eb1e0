/* SPDX-License-Identifier: Apache-2.0 */
/* json_write.h - the one writer of JSON. Output is always well formed: strings are escaped
 * and repaired to UTF-8, commas are counted here, integers stay integers. */
#ifndef BASE_JSON_WRITE_H
#define BASE_JSON_WRITE_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Appends "text" with its quotes: escaped, every byte sequence that is no UTF-8 as U+FFFD. */
void json_add_string(struct str *out, const char *s, size_t n);
/* Appends nanoseconds as milliseconds with three decimals: 1234567 -> 1.235 (rounded half up). */
void json_add_ms(struct str *out, int64_t ns);

/* Takes a piece of finished output; errors are the sink's own affair. */
typedef void json_sink(void *arg, const void *p, size_t n);

#define JSON_DEPTH_MAX 62

/* A writer. `key` is NULL within an array and at the top. Keys need no escaping to be
 * right: they are escaped like any string. */
struct json {
	struct str *out;    /* where text is gathered */
	struct str own;     /* the gathering buffer of a sink */
	json_sink *sink;
	void *sink_arg;
	uint64_t comma;     /* bit d: depth d has a member */
	int depth;
};
/* Into a string of the caller's. */
void json_init(struct json *j, struct str *out);
/* Into a sink, in pieces of about 32 KiB; json_finish hands over the rest. */
void json_init_sink(struct json *j, json_sink *sink, void *arg);
void json_finish(struct json *j); /* flushes and releases; every object must be closed */

void json_object(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array(struct json *j, const char *key);
void json_array_end(struct json *j);
void json_str(struct json *j, const char *key, const char *v); /* NULL: null */
void json_strn(struct json *j, const char *key, const char *v, size_t n);
void json_int(struct json *j, const char *key, int64_t v);
void json_uint(struct json *j, const char *key, uint64_t v);
void json_ms(struct json *j, const char *key, int64_t ns);
void json_fixed(struct json *j, const char *key, double v, int decimals); /* not finite: null */
void json_bool(struct json *j, const char *key, bool v);
void json_null(struct json *j, const char *key);
/* JSON text that we made ourselves, as one value. */
void json_raw(struct json *j, const char *key, const char *text, size_t n);
/* Ready-made members ("a":1,"b":2) into the open object; nothing when n is 0. */
void json_members(struct json *j, const char *members, size_t n);
/* A line break before the next member: one row a line, for people with grep. */
void json_line(struct json *j);

#endif
