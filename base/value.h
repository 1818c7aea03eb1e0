/* SPDX-License-Identifier: Apache-2.0 */
/* value.h - the text of a value as what its key wants. One reading for flags, the
 * environment and files, so that "on" is the same everywhere. */
#ifndef BASE_VALUE_H
#define BASE_VALUE_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits with an optional sign, nothing around them. False: not such a number, or
 * none that fits. */
bool value_int(const char *text, int64_t *out);

/* 1 true yes on; 0 false no off (any case). False: neither. */
bool value_bool(const char *text, bool *out);

/* Index of text in a NULL-terminated list of words, or -1. */
int value_word(const char *text, const char *const words[]);

/* Seconds since 1970 (a fraction allowed) or RFC 3339 ("2026-11-21T01:30:00Z",
 * "2026-11-21 01:30:00.5+02:00") as nanoseconds since 1970. */
bool value_time(const char *text, int64_t *real_ns);

/* "90s", "10m", "1h30m", "500ms", "1.5s", "2d"; a bare whole number counts unit_ms milliseconds each. Out:
 * milliseconds. False: not such a time, or one that does not fit. */
bool value_duration(const char *text, int64_t unit_ms, int64_t *ms);

/* "a, b or c" of a NULL-terminated list. */
void value_words(struct str *out, const char *const words[]);

/* The text in single quotes, made fit for one line of a message: control characters as
 * \n \t \xHH, at most VALUE_QUOTE_SIZE bytes, what is longer ends in "…". Returns out. */
#define VALUE_QUOTE_SIZE 88
const char *value_quote(const char *text, char out[VALUE_QUOTE_SIZE]);
const char *value_quoten(const char *text, size_t n, char out[VALUE_QUOTE_SIZE]);

#endif
