/* SPDX-License-Identifier: Apache-2.0 */
/* redact.h - no secret of the environment or of a known shape stays in the texts of a graph. */
#ifndef AUDIT_REDACT_H
#define AUDIT_REDACT_H

#include "audit/graph.h"

struct redactor;

/* Names and paths lose known values and shapes; source texts also what stands under a secret name. */
void redact_graph(struct graph *g, struct redactor *r);

/* Would neither find anything in a text? redactor: a struct redactor; as front.h's may_keep. */
bool redact_finds_nothing(void *redactor, const char *text, size_t n);

#endif
