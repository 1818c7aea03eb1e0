/* SPDX-License-Identifier: Apache-2.0 */
/* test_tree.h - the processes that belong to one running test alone, where the tree tells them: what began with the test and
 * has a parent that is older (ctest, prove, automake's driver, nextest), or the one test binary below `go`. Internal to
 * runner/proc. */
#ifndef RUNNER_PROC_TEST_TREE_H
#define RUNNER_PROC_TEST_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct supervisor;
struct command;
struct running_test;

/* Finds them by a fresh scan, as they are below c. Returns their number, 0: they cannot be told from others'. The pids of
 * the topmost ones go to root (at most max of them are looked for: more is nobody's single test). */
size_t test_tree_find(struct supervisor *s, struct command *c, const struct running_test *t, pid_t *root, size_t max);

/* Sends sig to these and to all that is below them now; TERM is followed by CONT. Returns how many got it. */
size_t test_tree_signal(struct supervisor *s, const pid_t *root, size_t n, int sig);

#endif
