/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - numbers for names: tests, files, lanes. In the open transaction of a writer. */
#ifndef HISTORY_NAMES_H
#define HISTORY_NAMES_H

#include "history/store.h"

struct names;
struct names *names_new(struct store *s);
void names_free(struct names *n);
/* Of a test; made where it is new. -1 on failure. */
int64_t names_test(struct names *n, const char *suite, const char *case_id, struct err *e);
int64_t names_file(struct names *n, const char *path, struct err *e);
/* PostgreSQL: asks for many tests at once, so that names_test finds them without asking again. */
int names_prefetch(struct names *n, const char *const *suites, const char *const *cases, size_t count, struct err *e);

int64_t lane_number(struct store *s, const char *workload, const char *device, struct err *e);

#endif
