/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX_BYTES 64

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: three rows of the Damerau-Levenshtein table. Case does not count:
 * "Basic" is as near to "basic" as can be, and still a different word to everybody else. */
unsigned nearest_distance(const char *a, const char *b, unsigned limit)
{
	unsigned row[3][WORD_MAX_BYTES + 1];
	size_t n = strlen(a), m = strlen(b);
	unsigned *before = row[0], *above = row[1], *here = row[2];

	if (n > WORD_MAX_BYTES || m > WORD_MAX_BYTES || (n > m ? n - m : m - n) > limit)
		return limit + 1;
	for (size_t j = 0; j <= m; j++)
		above[j] = before[j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *spare;
		int ca = tolower((unsigned char)a[i - 1]);

		here[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			int cb = tolower((unsigned char)b[j - 1]);

			here[j] = least(above[j - 1] + (ca != cb), least(above[j], here[j - 1]) + 1);
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
			    cb == tolower((unsigned char)a[i - 2]))
				here[j] = least(here[j], before[j - 2] + 1);
		}
		spare = before;
		before = above;
		above = here;
		here = spare;
	}
	return least(above[m], limit + 1);
}

void nearest_init(struct nearest *n, const char *word)
{
	size_t len = strlen(word);

	n->word = word;
	n->best = NULL;
	n->limit = len < 2 ? 0 : len < 6 ? 1 : len < 9 ? 2 : 3;
}

void nearest_offer(struct nearest *n, const char *candidate)
{
	unsigned limit = n->limit, d;

	/* Two edits turn "ob" into "no": short candidates must share most of themselves. */
	if (limit > 1 && strlen(candidate) < 5)
		limit = 1;
	d = nearest_distance(n->word, candidate, limit);
	if (d > limit || (n->best && !n->limit))
		return;
	n->best = candidate;
	n->limit = d ? d - 1 : 0; /* from now on only a nearer one */
}

const char *nearest_word(const char *word, const char *const known[])
{
	struct nearest n;

	nearest_init(&n, word);
	for (size_t i = 0; known[i]; i++)
		nearest_offer(&n, known[i]);
	return n.best;
}

const char *nearest_hint(const char *best, char out[NEAREST_HINT_SIZE])
{
	if (best)
		snprintf(out, NEAREST_HINT_SIZE, " (did you mean '%s'?)", best);
	else
		out[0] = '\0';
	return out;
}
