/* SPDX-License-Identifier: Apache-2.0 */
/* shrink.h - which of n earlier tests a hang needs, with few runs: the shortest prefix that hangs is found by
 * halving, its last test is needed, and the search goes on in front of it. k needed tests of n cost about
 * k * (log2(n) + 1) questions. Pure: asks questions, is told answers. */
#ifndef RUNNER_REPRO_SHRINK_H
#define RUNNER_REPRO_SHRINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shrink {
	size_t n;
	uint8_t *needed;  /* by index: found to be needed */
	size_t low, high; /* the prefix of `high` hangs; that of `low` does not */
	size_t end;       /* tests from here on are decided */
	enum { SHRINK_ALONE, SHRINK_HALVE, SHRINK_DONE } state;
};

void shrink_init(struct shrink *s, size_t n);
void shrink_release(struct shrink *s);

/* The next question: does it hang with exactly the tests of mask (n bytes)? false: there is none, and
 * `needed` is the answer. */
bool shrink_ask(const struct shrink *s, uint8_t *mask);
void shrink_answer(struct shrink *s, bool hangs);

#endif
