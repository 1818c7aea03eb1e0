/* python.h - CPython's frames out of another process's memory, 3.8 to 3.14. */
#ifndef PROFILE_NATIVE_PYTHON_H
#define PROFILE_NATIVE_PYTHON_H

#include "profile/maps.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where things are in one version. */
struct python_layout {
	unsigned minor;
	uint32_t runtime_interpreters, runtime_gil, interp_gil, gil_holder, gil_locked, interp_next, interp_threads;
	uint32_t thread_next, thread_frame, cframe_current, thread_id, thread_native_id;
	uint32_t frame_code, frame_back, frame_instr, frame_entry, frame_locals;
	uint32_t code_filename, code_name, code_firstlineno, code_linetable, code_instructions;
	uint32_t ascii_size, compact_size;
};
const struct python_layout *python_layout_of(unsigned minor);

/* The table that 3.13 and later keep at the start of _PyRuntime, as its n bytes. False where the cookie, the version or
 * an offset is out of bounds: a broken table is worse than none. */
#define PYTHON_DEBUG_OFFSETS_BYTES 512
bool python_debug_offsets(const unsigned char *bytes, size_t n, struct python_layout *l);

/* A frame as it stands in memory; its code object is read later. */
struct python_frame {
	uint64_t code, instr, address;
	bool entry; /* the last of those that one native evaluation runs */
	bool shim;  /* 3.12 and later: no Python frame, only the mark of such an end */
};
#define PYTHON_FRAMES_MAX 400
/* Walks from a thread state. The count. *torn: the chain broke off or went in circles. */
size_t python_walk(struct peek *p, const struct python_layout *l, uint64_t thread_state, struct python_frame *out,
		   size_t max, bool *torn);

/* What a code object and a position in it are called. Texts are UTF-8; caller frees. False where the memory is
 * none. */
struct python_place {
	char *function, *file;
	int line; /* 0 unknown */
};
bool python_place(struct peek *p, const struct python_layout *l, const struct python_frame *f, struct python_place *out);
/* A str object as UTF-8; NULL where it is none. Caller frees. */
char *python_text(struct peek *p, const struct python_layout *l, uint64_t object);
/* Line of byte offset `at` in a code object whose table is given. 0 unknown. */
int python_line(unsigned minor, const unsigned char *table, size_t n, int first_line, long at);

#endif
