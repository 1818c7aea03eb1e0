/* SPDX-License-Identifier: Apache-2.0 */
/* nearest.h - "did you mean …?": the known word nearest to a mistyped one. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

/* Edits (insert, delete, change, swap of neighbours) between a and b; at most `limit` are
 * counted, more returns limit + 1. Words over 64 bytes are never near. */
unsigned nearest_distance(const char *a, const char *b, unsigned limit);

/* Candidates are offered one by one; the first of the nearest wins. Near is at most
 * one edit for each three bytes of the word, at least one and at most three; a word of one byte
 * has no near one. Borrows its strings. */
struct nearest {
	const char *word, *best;
	unsigned limit;
};
void nearest_init(struct nearest *n, const char *word);
void nearest_offer(struct nearest *n, const char *candidate);

/* The nearest of a NULL-terminated list, or NULL. */
const char *nearest_word(const char *word, const char *const known[]);

/* " (did you mean 'BEST'?)" into out, or "" where best is NULL. Returns out. */
#define NEAREST_HINT_SIZE 96
const char *nearest_hint(const char *best, char out[NEAREST_HINT_SIZE]);

#endif
