/* SPDX-License-Identifier: Apache-2.0 */
/* python_objects.h - CPython's frames and objects out of another process's memory, 3.8 to 3.14, with and without a
 * global lock.
 *
 *   python_read.c    frames, names and lines: structures as bytes
 *   python_object.c  dicts, attributes, numbers, sets
 *   python.c         the threads of a process: found, walked, merged into their native stacks
 *   python_wait.c    what a thread waits in, by its innermost frames of the standard library; who holds it
 *   python_task.c    tasks of asyncio
 *   python_trio.c    tasks of trio
 *
 * All of it is another program's memory, read through struct peek alone: any pointer may lead nowhere or in a circle. */
#ifndef PROFILE_LANG_PYTHON_OBJECTS_H
#define PROFILE_LANG_PYTHON_OBJECTS_H

#include "profile/lang/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where things are in one version. Members that a version does not have are 0. */
struct python_layout {
	unsigned minor;
	bool free_threaded;
	uint32_t runtime_interpreters, runtime_gil, interp_gil, gil_holder, gil_locked;
	uint32_t interp_next, interp_id, interp_threads;
	uint32_t interp_modules, interp_tasks;
	uint32_t thread_next, thread_frame, cframe_current, thread_id, thread_native_id, thread_tasks;
	uint32_t frame_code, frame_back, frame_instr, frame_entry, frame_locals, frame_values, frame_top, frame_tlbc;
	uint32_t frame_blocks, frame_block_count;
	uint32_t code_filename, code_name, code_firstlineno, code_linetable, code_instructions, code_locals, code_tlbc;
	uint32_t code_exceptions;
	uint32_t object_type, object_size, var_count, var_size;
	uint32_t ascii_size, compact_size, text_length, text_state, bytes_data;
	uint32_t type_name, type_basicsize, type_flags, type_dictoffset, type_cached_keys;
	uint32_t dict_keys, dict_values, tuple_items, list_items, set_table, set_mask, method_self, builtin_self;
	uint32_t long_digits, gen_frame, gen_state;
};
const struct python_layout *python_layout_of(unsigned minor, bool free_threaded);

/* The table that 3.13 and later keep at the start of _PyRuntime, as its n bytes. False where the cookie, the version or
 * an offset is out of bounds: a broken table is worse than none. */
#define PYTHON_DEBUG_OFFSETS_BYTES 512
bool python_debug_offsets(const unsigned char *bytes, size_t n, struct python_layout *l);

/* Its memory, and how this version lays it out. */
enum { PYTHON_PAGE = LANG_PAGE };
struct python_mem {
	struct peek *peek;
	struct python_layout l;
	struct lang_mem mem;
};
void python_mem_init(struct python_mem *m, struct peek *peek);
void python_mem_release(struct python_mem *m);
void python_forget(struct python_mem *m);
/* All or nothing. */
static inline bool python_read(struct python_mem *m, uint64_t addr, void *buf, size_t n)
{
	return lang_read(&m->mem, addr, buf, n);
}
static inline bool python_u64(struct python_mem *m, uint64_t addr, uint64_t *v) { return python_read(m, addr, v, 8); }
static inline bool python_u32(struct python_mem *m, uint64_t addr, uint32_t *v) { return python_read(m, addr, v, 4); }

/* A frame as it stands in memory; its code object is read later. */
struct python_frame {
	uint64_t code, instr, address;
	int32_t tlbc; /* which copy of the instructions it runs; 0: those of the code object */
	bool entry;   /* the last of those that one native evaluation runs */
	bool shim;    /* 3.12 and later: no Python frame, only the mark of such an end */
};
#define PYTHON_FRAMES_MAX 400
/* Walks from a thread state; outwards from a frame. The count. *torn: the chain broke off or went in circles. */
size_t python_walk(struct python_mem *m, uint64_t thread_state, struct python_frame *out, size_t max, bool *torn);
size_t python_walk_from(struct python_mem *m, uint64_t frame, struct python_frame *out, size_t max, bool *torn);

/* What a code object and a position in it are called. Texts are UTF-8; caller frees. False where the memory is
 * none. */
struct python_place {
	char *function, *file;
	int line; /* 0 unknown */
};
bool python_place(struct python_mem *m, const struct python_frame *f, struct python_place *out);
/* A str object as UTF-8; NULL where it is none. Caller frees. */
char *python_text(struct python_mem *m, uint64_t object);
/* Line of byte offset `at` in a code object whose table is given. 0 unknown. */
int python_line(unsigned minor, const unsigned char *table, size_t n, int first_line, long at);
/* Depth of the value stack that a handler around byte offset `at` would find: so many values live there for certain.
 * 0 where none encloses it (3.11 and later). */
unsigned python_handler_depth(const unsigned char *table, size_t n, long at);

/* python_object.c. Objects by address; 0 is none. */
#define PYTHON_TYPE_MAX 64
/* "_thread.lock": the type's name, as much as fits. */
bool python_type(struct python_mem *m, uint64_t object, char name[PYTHON_TYPE_MAX]);
bool python_is(struct python_mem *m, uint64_t object, const char *type);
typedef bool (*python_each)(void *arg, uint64_t key, uint64_t value); /* true: no further */
void python_dict_each(struct python_mem *m, uint64_t dict, python_each call, void *arg);
void python_set_each(struct python_mem *m, uint64_t set, python_each call, void *arg); /* value 0 */
/* Borrowed object; 0 where there is none of that name. */
uint64_t python_dict_get(struct python_mem *m, uint64_t dict, const char *name);
uint64_t python_attr(struct python_mem *m, uint64_t object, const char *name);
/* A global of an imported module. */
uint64_t python_global(struct python_mem *m, uint64_t interpreter, const char *module, const char *name);
bool python_number(struct python_mem *m, uint64_t object, uint64_t *out);
/* str attribute; NULL. Caller frees. */
char *python_attr_text(struct python_mem *m, uint64_t object, const char *name);
/* Local variable i of a frame; the number of locals and value stack slots that live for certain. */
uint64_t python_local(struct python_mem *m, const struct python_frame *f, size_t i);
struct python_live {
	size_t locals, end; /* slots [locals, end) are the value stack */
};
struct python_live python_live(struct python_mem *m, const struct python_frame *f);

#endif
