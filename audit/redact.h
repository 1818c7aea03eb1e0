/* SPDX-License-Identifier: Apache-2.0 */
/* redact.h - no secret of the environment or of a known shape stays in the texts of a graph. */
#ifndef AUDIT_REDACT_H
#define AUDIT_REDACT_H

#include "audit/graph.h"
#include "base/err.h"

/* Names and paths lose known values and shapes; source texts also what stands under a secret name. ERR_USAGE: a bad
 * pattern. */
int redact_graph(struct graph *g, char *const envp[], const struct strv *names, const struct strv *patterns, struct err *e);

#endif
