/* SPDX-License-Identifier: Apache-2.0 */
/* frame_home.h - whose code is a stack frame: the program's own, an installed package's, a test runner's, a runtime's?
 * The rows are in frame_home.def. Pure; knows names alone, reads no file. */
#ifndef BASE_FRAME_HOME_H
#define BASE_FRAME_HOME_H

#include <stdbool.h>

enum frame_home {
	FRAME_PROGRAM,     /* the user's own */
	FRAME_UNPLACED,    /* the user's own, from text that is in no file: python -c, eval */
	FRAME_LIBRARY,     /* of an installed package */
	FRAME_RUNNER,      /* of a test runner */
	FRAME_INTERPRETER, /* native code of an interpreter or virtual machine */
	FRAME_RUNTIME,     /* of a language's runtime or standard library, the C library, the dynamic linker */
};

/* What is known of a frame. Borrowed; NULL or "" where unknown; language NULL: "native"; line 0: unknown. */
struct frame_words {
	const char *language, *function, *file, *module;
	long line;
	bool runtime; /* its reader knows that it is of a runtime, its library or a runner, whatever it is called */
};

enum frame_home frame_home(const struct frame_words *f);

/* How good a place is this frame for a person who looks for the user's own line: smaller is better, the innermost of
 * the best ones is meant. interpreted: the stack has frames of an interpreted language, so that native ones are
 * their interpreter. */
enum frame_place {
	PLACE_OWN_LINE, PLACE_OWN_NAME, PLACE_PACKAGE_LINE, PLACE_PACKAGE_NAME, PLACE_UNPLACED, PLACE_RUNTIME, PLACE_NONE
};
enum frame_place frame_place(const struct frame_words *f, bool interpreted);

/* Is this the binary of a runtime or interpreter, or a library of it? */
bool frame_module_is_runtime(const char *path);

#endif
