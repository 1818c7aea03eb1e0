/* SPDX-License-Identifier: Apache-2.0 */
/* script_stack.h - the calls of an interpreter's program, put in the place of the interpreter's own native frames. */
#ifndef PROFILE_LANG_SCRIPT_STACK_H
#define PROFILE_LANG_SCRIPT_STACK_H

#include "profile/native/resolve.h"

struct script_call {
	char *function, *file; /* file NULL: a function in C */
	int line;              /* 0 unknown */
};
struct script_stack {
	struct script_call v[SNAP_FRAMES_MAX];
	size_t count;
};

/* Takes function and file, which were allocated. False where no more fit; they are freed then. */
bool script_stack_add(struct script_stack *s, char *function, char *file, int line);
void script_stack_release(struct script_stack *s);

/* Is that file, by the last component of its path, one of these (beginnings, ended by NULL)? */
bool script_binary(const char *path, const char *const names[]);

/* Has `copy` read what lies in the memory of a thread while that stood still: where it has not run since its native
 * stack was copied, without a stop; else during one, where that is allowed. False: it ran meanwhile. t NULL: nothing is
 * known of it. */
bool script_copy(struct native *n, struct snap_thread *t, enum intrusion allowed, void (*copy)(void *), void *arg);

/* Moves the calls into the thread's frames: native ones further in than the interpreter, the calls, native ones that are
 * not the interpreter's. The calls are released. */
void script_stack_merge(struct script_stack *s, struct snap_thread *t, const char *language, const char *const binaries[]);

#endif
