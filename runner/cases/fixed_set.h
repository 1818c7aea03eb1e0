/* SPDX-License-Identifier: Apache-2.0 */
/* fixed_set.h - finds many fixed strings in one pass over a buffer.
 *
 * Strings are put in groups by length. A string of a group whose shortest has m bytes holds, wherever
 * it stands, exactly one 4-byte window that begins at a multiple of m - 3; so only every
 * (m-3)th window of the text is looked up, in a bit table that fits the first-level cache, and what
 * the table lets through is compared. Strings of one to three bytes are looked up by their
 * first two bytes at each place. No SIMD: the same on every machine. */
#ifndef RUNNER_CASES_FIXED_SET_H
#define RUNNER_CASES_FIXED_SET_H

#include <stddef.h>
#include <stdint.h>

struct fixed_set;

struct fixed_set *fixed_set_new(void);
void fixed_set_free(struct fixed_set *s);

/* Adds a string of at least one byte (copied). Returns its id, counted from 0; the same
 * string gets the same id. */
uint32_t fixed_set_add(struct fixed_set *s, const void *text, size_t n);
uint32_t fixed_set_count(const struct fixed_set *s);
size_t fixed_set_len(const struct fixed_set *s, uint32_t id);
const char *fixed_set_text(const struct fixed_set *s, uint32_t id);

/* After the last add, before the first find. Afterwards the set is read only: any number of
 * threads may search. */
void fixed_set_compile(struct fixed_set *s);

/* Calls hit once for each occurrence, overlapping ones included. Those of one string come
 * in rising order of at; those of different strings in no order. */
void fixed_set_find(const struct fixed_set *s, const char *text, size_t n,
		    void (*hit)(void *ctx, uint32_t id, size_t at), void *ctx);

#endif
