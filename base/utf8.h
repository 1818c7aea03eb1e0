/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.h - any bytes become valid UTF-8. Output of commands, file names and process names may
 * hold anything; everything that we write as text holds only well-formed UTF-8. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the well-formed sequence at s (1 to 4), or 0 where the bytes at s form none
 * (overlong, surrogate, beyond U+10FFFF, cut off at n). n must be at least 1. */
size_t utf8_sequence(const char *s, size_t n);

bool utf8_valid(const char *s, size_t n);

/* Writes the code point c (up to U+10FFFF; 1 to 4 bytes) at o, which has room. Returns the place after it. */
char *utf8_put(char *o, uint32_t c);
/* Appends it; nothing where c is beyond U+10FFFF. */
void utf8_add(struct str *out, uint32_t c);

/* Appends s[0..n); each byte that belongs to no sequence becomes U+FFFD. */
void utf8_add_clean(struct str *out, const char *s, size_t n);

/* Appends s[0..n) as one line of plain text for a terminal: C0, DEL and C1 controls, characters that turn the
 * direction of writing or are invisible, and bytes of no sequence become '?' (line breaks and tabs a blank).
 * "##[", which GitHub's and Azure's runners take for a command anywhere in a line, is broken apart. */
void utf8_add_plain(struct str *out, const char *s, size_t n);

/* Would utf8_add_plain replace the sequence of `len` bytes at s? */
bool utf8_is_unsafe(const char *s, size_t len);

/* The longest prefix of s[0..n) of at most `max` bytes that cuts no sequence apart. */
size_t utf8_cut(const char *s, size_t n, size_t max);

#endif
