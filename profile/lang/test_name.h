/* SPDX-License-Identifier: Apache-2.0 */
/* test_name.h - which test a stack is in, where its runner names it only when it has ended. */
#ifndef PROFILE_LANG_TEST_NAME_H
#define PROFILE_LANG_TEST_NAME_H

#include "profile/snapshot/snapshot.h"

/* Sets `test` of threads and tasks: by the name of a function that is a test to the runner of its language, or by the
 * source around a frame of the program's own. After the frames are known; reads source files of the processes. */
void tests_name(struct snapshot *s, int64_t deadline_ns);

#endif
