/* SPDX-License-Identifier: Apache-2.0 */
/* regex.h - PCRE2 with JIT and limits, so that no pattern can hang us (contract 9).
 *
 * `^` and `$` match at each line. A pattern is read as UTF-8 where it holds a byte beyond ASCII, \p, \P,
 * \X or \x{…}; text that is no UTF-8 never makes it fail. */
#ifndef RUNNER_CASES_REGEX_H
#define RUNNER_CASES_REGEX_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct regex;
struct regex_space; /* what a match needs for itself: one for each thread */

/* ERR_USAGE: "pattern 'x(': missing closing parenthesis at offset 2". */
int regex_new(struct regex **r, const char *pattern, struct err *e);
void regex_free(struct regex *r);
const char *regex_pattern(const struct regex *r);

struct regex_space *regex_space_new(void);
void regex_space_free(struct regex_space *s);

struct regex_match {
	size_t start, end;             /* of the whole */
	bool has_group;                /* the first group took part */
	size_t group_start, group_end;
};

/* 1 match, 0 none, -1 given up at a limit (ERR_USAGE, "pattern '…': given up after …"). The
 * search begins at from. */
int regex_find(const struct regex *r, struct regex_space *s, const char *text, size_t n, size_t from,
	       struct regex_match *m, struct err *e);

/* Bytes that stand in every text that matches (the longest such run that is easy to see), or
 * NULL. Valid while r is. */
const char *regex_literal(const struct regex *r, size_t *n);

#endif
