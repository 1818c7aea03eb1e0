/* SPDX-License-Identifier: Apache-2.0 */
/* json_scan.h - a strict look at JSON text without building anything: is it well formed, and
 * what are the members of an object? No allocation; depth and time are bounded. */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is s[0..n) one JSON value (strict RFC 8259, valid UTF-8, at most 32 levels)? */
bool json_scan_value(const char *s, size_t n);

/* Is it the inside of an object: zero or more members ("a":1,"b":[2])? */
bool json_scan_members(const char *s, size_t n);

/* One member of the inside of an object that json_scan_members accepts. */
struct json_member {
	const char *key;   /* without quotes, still escaped */
	size_t key_n;
	const char *value; /* JSON text, strings with their quotes */
	size_t value_n;
};
/* *at is 0 before the first call. False after the last member. */
bool json_next_member(const char *s, size_t n, size_t *at, struct json_member *m);
/* Finds a member by its (unescaped) key. */
bool json_find_member(const char *s, size_t n, const char *key, struct json_member *m);
/* An integer member, or `otherwise`. */
int64_t json_member_int(const char *s, size_t n, const char *key, int64_t otherwise);

#endif
