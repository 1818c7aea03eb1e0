/* SPDX-License-Identifier: Apache-2.0 */
/* write.h - the one writer of evidence. Whoever observes (a collector, a sampler, an audit, a
 * comparison of runs) adds rows of fact.def to a struct facts and writes them here; whoever
 * explains or keeps them reads rows (gather.h) and need not know who wrote them.
 *
 * The file is raw/RUN_ID/facts-NAME.json, schemas/facts_v1.yaml: one row a line, known columns only,
 * in the order of facts_sort, so that the same rows make the same bytes. Texts were redacted when
 * they entered the row (fact_set_text). */
#ifndef EVIDENCE_WRITE_H
#define EVIDENCE_WRITE_H

#include "base/err.h"
#include "base/str.h"
#include "evidence/fact.h"

/* Appends the whole document. Each row has "from": the file and place its values came from
 * ("raw/RUN/x.json#/samples/3"), where the row names one. Does not sort. */
void evidence_print(const struct facts *f, struct str *out);

/* facts_sort, then writes DIR/facts-NAME.json whole or not at all (folders are made).
 * name: a literal of letters, digits and dashes; rows of one collector replace those it wrote before.
 * 0 or -1 (the world's failure: disk, permission). */
int evidence_write(struct facts *f, const char *dir, const char *name, struct err *e);

#endif
