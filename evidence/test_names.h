/* SPDX-License-Identifier: Apache-2.0 */
/* test_names.h - which test does a tool mean where it tells of a failure? */
#ifndef EVIDENCE_TEST_NAMES_H
#define EVIDENCE_TEST_NAMES_H

#include <stdbool.h>

/* Tools name a test in its failure in other words than in its line: "Calc.test_a", "Calc deep works". True where
 * `test` is `name`, or ends with it behind a space or a point, and `suite` ("" any) is, ends or stands in `of`. */
bool test_names(const char *test, const char *suite, const char *name, const char *of);

#endif
