/* SPDX-License-Identifier: Apache-2.0 */
/* fold.h - the text of `perf script` as stacks, by the rules that stackcollapse-perf.pl reads it; and folded stacks. */
#ifndef HISTORY_INGEST_FOLD_H
#define HISTORY_INGEST_FOLD_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct fold_options {
	bool pid, tid, kernel, jit, addrs;
	const char *event;      /* NULL: the first of the file */
};

/* Is told every stack, outermost first, joined by ';'. */
typedef void fold_stack(void *arg, const char *stack, size_t n, double weight);

struct fold;
struct fold *fold_new(const struct fold_options *o, fold_stack *stack, void *arg);
void fold_free(struct fold *f);
/* A line without its line end. False: nobody knows what it is. */
bool fold_line(struct fold *f, const char *line, size_t n);

/* A line of folded stacks: "a;b;c 12". False: it has no number at its end. Two numbers (difffolded) are none. */
bool folded_line(const char *line, size_t n, size_t *stack_n, double *weight);

/* Looks like an event line of perf script? */
bool fold_is_event(const char *line, size_t n);

#endif
