/* SPDX-License-Identifier: Apache-2.0 */
/* plain.h - text as it would be read on paper: without what only a terminal understands; and as a page shows it. */
#ifndef BASE_PLAIN_H
#define BASE_PLAIN_H

#include "base/str.h"

#include <stddef.h>

/* Copies p[0..n) without ESC sequences and control characters but TAB; a backspace takes the byte before it back. out may be
 * p, and needs n bytes. Returns the length. */
size_t plain_text(const char *p, size_t n, char *out);

/* Appends s as text of an HTML page, or of an attribute between double quotes. */
void plain_html(struct str *out, const char *s);

#endif
