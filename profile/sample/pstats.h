/* SPDX-License-Identifier: Apache-2.0 */
/* pstats.h - what Python's cProfile leaves, read without Python: somebody else's bytes, any of them may be wrong. */
#ifndef PROFILE_SAMPLE_PSTATS_H
#define PROFILE_SAMPLE_PSTATS_H

#include "base/err.h"
#include "profile/sample/intern.h"

struct pstats_function {
	const char *name, *file; /* file NULL: built in; valid during the call */
	int32_t line;
	double calls, primitive_calls, self_s, total_s;
};
/* Each function with caller NULL first, then its callers: what of it each of them caused. */
typedef void (*pstats_each)(void *arg, const struct pstats_function *f, const struct pstats_function *caller);
/* 0; -1: damaged (nothing was called then). */
int pstats_read(const char *bytes, size_t n, pstats_each each, void *arg, struct err *e);

#endif
