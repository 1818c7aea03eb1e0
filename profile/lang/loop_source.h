/* SPDX-License-Identifier: Apache-2.0 */
/* loop_source.h - the loop around a line of a source file: what a thread that sleeps, or computes, there does again and
 * again. */
#ifndef PROFILE_LANG_LOOP_SOURCE_H
#define PROFILE_LANG_LOOP_SOURCE_H

#include "profile/snapshot/snapshot.h"

/* "while True: try: return connect() except OSError: time.sleep(1)": the innermost loop of the function that holds this line
 * (from 1), and its lines up to it, by their indentation, whatever the language. NULL where there is none. Caller
 * frees. */
char *loop_source(const char *text, int line);

/* Fills the loops of threads that sleep or compute, and of tasks. After the waits are known; reads the sources. */
void loops_name(struct snapshot *s);

#endif
