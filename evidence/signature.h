/* SPDX-License-Identifier: Apache-2.0 */
/* signature.h - the same hang is recognised again: across pids, addresses, times and line drift.
 * Numbers, hexadecimal words, folders and compiler suffixes are taken away; what is
 * left is hashed (BLAKE2b). */
#ifndef EVIDENCE_SIGNATURE_H
#define EVIDENCE_SIGNATURE_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Appends s with what changes from run to run taken out: runs of digits and 0x… words are '#',
 * a temporary name (mixed letters and digits behind /tmp/) too. */
void signature_add_text(struct str *out, const char *s);

/* Appends a function's name without arguments, template parameters, Rust's hash, and
 * `.isra.0`-like suffixes. */
void signature_add_function(struct str *out, const char *function);

/* Appends the last component of a path, numbers taken out (libc-2.36.so -> libc-#.so). */
void signature_add_file(struct str *out, const char *path);

/* "prefix" and 16 hexadecimal digits of the hash of n bytes. */
#define SIGNATURE_SIZE 24
void signature_make(char out[SIGNATURE_SIZE], const char *prefix, const void *p, size_t n);

#endif
