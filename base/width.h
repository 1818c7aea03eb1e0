/* SPDX-License-Identifier: Apache-2.0 */
/* width.h - how many columns of a terminal a text takes, and how to make a text safe to show there. */
#ifndef BASE_WIDTH_H
#define BASE_WIDTH_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Columns of one code point: 0 for marks that combine with what comes before them, 2 for East Asian wide ones and
 * emoji, else 1. Control characters: 0. Unicode 14. */
int width_of(uint32_t code);

/* Columns of s[0..n); a byte that belongs to no sequence takes one. */
size_t width_text(const char *s, size_t n);

/* Appends s[0..n) as it may stand on a terminal: control characters (C0, DEL, C1, and those that turn the
 * direction of writing) become '?', invalid bytes U+FFFD. Without unicode every character beyond
 * ASCII is a '?'. */
void width_add_safe(struct str *out, const char *s, size_t n, bool unicode);

/* The longest prefix of s[0..n) that takes at most `columns`. In bytes. */
size_t width_cut(const char *s, size_t n, size_t columns);
/* The same from the end: bytes to leave out so that the rest takes at most `columns`. */
size_t width_cut_front(const char *s, size_t n, size_t columns);

#endif
