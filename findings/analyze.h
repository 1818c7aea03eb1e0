/* SPDX-License-Identifier: Apache-2.0 */
/* analyze.h - rows and patterns make findings: a pure function of both. The order of patterns,
 * rows and files changes nothing. */
#ifndef FINDINGS_ANALYZE_H
#define FINDINGS_ANALYZE_H

#include "findings/finding.h"

/* facts must be sorted (facts_sort). Findings borrow from both. */
void analyze(const struct facts *facts, const struct patterns *patterns, struct findings *out);

#endif
