/* SPDX-License-Identifier: Apache-2.0 */
/* drift.h - what has changed since an earlier audit. */
#ifndef AUDIT_DRIFT_H
#define AUDIT_DRIFT_H

#include "audit/action.h"
#include "base/err.h"

struct drift;

/* Reads an earlier audit: a folder, its call_graph.json, or one actions/NAME.json. ERR_USAGE. */
int drift_read(struct drift **d, const char *path, struct err *e);
void drift_free(struct drift *d);

/* Compares; afterwards the documents can be written and the growth of actions asked for. */
void drift_compare(struct drift *d, const struct profile *profiles, size_t n);
void drift_json(const struct drift *d, struct str *out);
void drift_markdown(const struct drift *d, struct str *out);

/* Growth of an action's load in hundredths of a percent; false: it was not there, or had no load and has none. What had
 * no load and has some has grown by more than any limit (INT64_MAX). */
bool drift_increase(const struct drift *d, const char *action, int64_t *hundredths, int64_t *old_load);

#endif
