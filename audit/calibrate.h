/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate.h - measured profiles beside the heuristic weights. */
#ifndef AUDIT_CALIBRATE_H
#define AUDIT_CALIBRATE_H

#include "audit/cost.h"
#include "base/err.h"

/* One measured place. */
struct measured {
	char *function; /* "" unknown: the function's own name, or a fqname */
	char *file;     /* "" unknown */
	uint32_t line;  /* 0: unknown */
	int64_t self_ns, total_ns, calls, samples; /* calls 0: unknown */
	int64_t last; /* of the stack that was counted last, so that a place counts once a stack */
};

/* What one function took that another called, all its sites together. */
struct measured_call {
	char *file, *function; /* the caller's */
	char *callee;          /* its last name */
	char *callee_file;     /* "": built in */
	int32_t callee_line;
	int64_t ns, calls;
	uint32_t in;           /* file of the graph, once it was looked for */
};

struct calibration {
	struct measured *v;
	size_t n, cap;
	uint64_t *read;        /* hashes of the profiles: the same one twice changes nothing */
	size_t read_count;
	struct measured_call *called;
	size_t called_count, called_cap;
	uint32_t *slots; /* hash of places */
	size_t slot_count;
	int64_t stacks;
	size_t measured_ops, measured_functions;
	struct strv lines; /* the rows of "## Calibration": class, rows, quotient, weight, proposed */
	struct strv unresolved; /* "NS FUNCTION:LINE TEXT", the dearest first */
};

/* Reads one profile: folded stacks, {version, functions}, spec-runner's own profile.json, pstats. sample_ns: of one sample
 * where the file does not say it. ERR_USAGE. */
int calibration_read(struct calibration *c, const char *path, int64_t sample_ns, struct err *e);
/* Gives measured weights to operations, and sorts again. */
void calibration_apply(struct calibration *c, struct graph *g, struct costs *costs, const struct model *m);
void calibration_release(struct calibration *c);

#endif
