/* SPDX-License-Identifier: Apache-2.0 */
/* junit.h - test results out of JUnit XML of any tool. There is no one schema: read leniently, entities
 * never expanded but the
 * five of XML and characters by number. */
#ifndef HISTORY_INGEST_JUNIT_H
#define HISTORY_INGEST_JUNIT_H

#include "base/err.h"
#include "history/run_writer.h"

struct junit_case {
	const char *suite, *name, *file;
	enum test_result result;
	int64_t duration_us, line; /* -1 unknown; 0 unknown */
};
/* Is told every attempt, in order. A negative return ends the reading. */
typedef int junit_told(void *arg, const struct junit_case *c, struct err *e);

/* ERR_USAGE where there is no <testsuite>. */
int junit_read(const char *text, size_t n, junit_told *told, void *arg, struct err *e);

#endif
