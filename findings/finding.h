/* SPDX-License-Identifier: Apache-2.0 */
/* finding.h - what was recognised, with the evidence for it (contract 10). */
#ifndef FINDINGS_FINDING_H
#define FINDINGS_FINDING_H

#include "base/str.h"
#include "evidence/fact.h"
#include "findings/pattern.h"
#include "evidence/signature.h"

#include <stdbool.h>
#include <stdint.h>

/* One number or fact, and where it was read. */
struct evidence {
	char *name;                  /* "thread.wchan", "holder[2].line": unique in its finding */
	enum fact_col col;
	struct fact_value value;     /* known; texts belong to the facts */
	const char *file, *at;
};

struct finding {
	char id[SIGNATURE_SIZE];     /* the same evidence, the same id: no pid, address or time in it */
	const struct pattern *pattern;
	char *location;              /* "file:function:line" or NULL */
	struct evidence *evidence;
	size_t n_evidence;
	double confidence;           /* 0 to 1, the sum of the basis */
	struct strv basis;           /* "0.4: …" each */
	bool proved;
	bool after;                  /* behind all that are not */
	enum pattern_severity severity;
	int64_t order;               /* where the chain of waiting from the command leads to it; 0 first */
	char *summary;
	struct strv suggestions, verify;
	uint64_t occurrences;        /* rows with the same id */
};

/* Ranked: what the chain of waiting leads to first; then proved before possible, the more specific, the more confident. */
struct findings {
	struct finding **v;
	size_t n;
	uint64_t dropped;            /* beyond FINDINGS_MAX */
	unsigned cut;                /* regular expressions that their limits ended */
};
#define FINDINGS_MAX 200

void findings_init(struct findings *f);
void findings_release(struct findings *f);
/* Takes it; one with the same id grows instead, and keeps the more confident of the two. */
void findings_take(struct findings *f, struct finding *x);
void findings_rank(struct findings *f);

void finding_free(struct finding *x);
/* name, made unique with [2], [3] … Unknown values are left out. */
void finding_add_evidence(struct finding *x, const char *name, enum fact_col col,
			  const struct fact_value *v, const struct fact_row *from);

#endif
