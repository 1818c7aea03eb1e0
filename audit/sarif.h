/* SPDX-License-Identifier: Apache-2.0 */
/* sarif.h - candidates of actions, or expensive operations where no action is audited, as SARIF 2.1.0. */
#ifndef AUDIT_SARIF_H
#define AUDIT_SARIF_H

#include "audit/action.h"

void sarif_write(const struct graph *g, const struct costs *c, const struct profile *profiles, size_t n, struct str *out);

#endif
