/* SPDX-License-Identifier: Apache-2.0 */
/* v8.h - JavaScript frames of V8 out of another process's memory, as in Node 16 to 24.
 *
 *   v8.c         where things are (constants that V8 exports for debuggers, v8dbg_*), objects, strings
 *   v8_frame.c   functions, their names, files and lines
 *   v8_stack.c   which of them lie in a stack, and are live
 *   v8_async.c   functions suspended at an await
 *   v8_held.c    functions whose promise a test runner awaits
 *   node_loop.c  what keeps Node's event loop alive
 *   node.c       threads and the native frames around
 *
 * A heap object's address has its low bits 01; a small number has its low bit 0 and its value in the upper 32. */
#ifndef PROFILE_LANG_V8_H
#define PROFILE_LANG_V8_H

#include "profile/lang/memory.h"
#include "profile/native/resolve.h"

/* Offsets are counted from the object's own address; types are instance types. */
struct v8_layout {
	int32_t tagged_size;
	int32_t fp_function, fp_bytecode_array, fp_bytecode_offset;
	int32_t map_type;
	int32_t function_shared, function_context;
	int32_t shared_name, shared_script;
	int32_t script_name, script_source, script_ends;
	int32_t string_length, cons_first, cons_second, thin_actual, sliced_parent, sliced_offset;
	int32_t string_limit, representation_mask, encoding_mask, one_byte;
	int32_t seq, cons, external, sliced, thin;
	int32_t type_shared, type_script, type_scope, type_bytecode, type_bytes, type_trusted_bytes, type_array, type_code;
	int32_t bytecode_data, code_inline;
	int32_t type_async, type_async_generator, type_promise, type_reaction, type_capability;
	int32_t type_properties;
	int32_t context_first, context_last, object_first; /* types from … to; -1 not known */
	int32_t map_words;                                 /* of a map: how many words an object of it has, one byte */
};

enum { V8_FRAMES_MAX = 400, V8_NAMES_MAX = 512 };
/* A copied stack, borrowed. */
struct v8_stack {
	uint64_t base;
	const unsigned char *bytes;
	size_t n;
};
/* What a frame's slots say of its function. bytecode 0: compiled code; raw: how far its bytecode has come. */
struct v8_function {
	uint64_t function, shared, bytecode;
	int32_t raw;
};
struct v8_frame {
	uint64_t fp, caller;      /* its frame pointer, and that of the frame around it */
	char *function, *file;    /* file NULL: of no script */
	int line;                 /* 0 unknown */
	bool optimised;           /* compiled by an optimiser */
	bool begins;              /* its line is only that where its function begins */
	bool hides;               /* calls that were inlined into it are not told */
	uint64_t pc;              /* of compiled code: where it stands, or is returned to; 0 unknown */
	bool unsure;              /* it may be returned to another place of it */
};

/* A place that was named already. */
struct v8_known {
	uint64_t shared;
	int64_t at;
	char *function, *file;
	int line;
	bool begins;
};

struct v8 {
	struct lang_mem m;
	struct v8_layout l;
	int32_t bias;             /* of bytecode offsets on the stack; 0: not known yet */
	uint64_t sizes, size_count; /* lengths of bytecodes, for so many of them; 0 unknown */
	uint64_t fp, pc;          /* registers of the thread whose stack is looked at; 0 unknown */
	struct v8_known known[V8_NAMES_MAX];
	size_t known_count;
};

/* False where the module exports no such constants, or has compressed pointers (reason). */
bool v8_open(struct v8 *v, struct native *n, struct module *m, char *reason, size_t size);
void v8_release(struct v8 *v);

static inline bool v8_is_object(uint64_t word)
{
	return (word & 3) == 1;
}
uint64_t v8_pointer(struct v8 *v, uint64_t object, int32_t offset); /* 0: no object there */
int32_t v8_type(struct v8 *v, uint64_t object);                     /* -1: none */
bool v8_small(uint64_t word, int32_t *value);
/* As UTF-8, at most max bytes; NULL where it is none. Caller frees. */
char *v8_string(struct v8 *v, uint64_t object, size_t max);
bool v8_is_string(struct v8 *v, uint64_t object);

/* What looks like frames of JavaScript in a copied stack, innermost first: old ones lie there as well, which the caller
 * tells apart by what native unwinding says (v8_frames_live). Free each with v8_frame_release. */
size_t v8_frames(struct v8 *v, const struct v8_stack *s, struct v8_frame out[V8_FRAMES_MAX]);
/* Keeps those that a native frame ends at, the frame pointer names, or one of those that are kept returns to. The count. */
size_t v8_frames_live(struct v8_frame *frames, size_t n, const struct v8_stack *s, const struct snap_frame *native,
		      size_t native_count, uint64_t fp, bool whole);
/* Appends the frame, with its fp, caller and pc, by names: one, or those that were inlined there, innermost first. returns:
 * pc is where a call returns to. room: at least 1. The count. */
size_t v8_frame_name(struct v8 *v, const struct v8_frame *frame, const struct v8_function *of, bool returns,
		     struct v8_frame *out, size_t room);
void v8_frame_release(struct v8_frame *f);
/* A frame of a function that is on no stack: where its bytecode has come to (raw, as it is saved), -1: where it begins.
 * False where it is no function with a script. */
bool v8_suspended_frame(struct v8 *v, uint64_t function, int32_t raw, struct v8_frame *out);
/* The file of a function's script; NULL: none. Caller frees. */
char *v8_function_file(struct v8 *v, uint64_t function);

/* A function that is suspended at an await, and those that await it: innermost first. */
struct v8_chain {
	uint64_t object;
	struct v8_frame *frames;
	size_t count;
	bool own;    /* it has a frame of the user's */
	bool runner; /* a test runner waits for it */
	bool held;   /* its innermost frame has returned: a test runner that knows the function awaits what it returned */
};
/* All that lie in the heap, those first that a test runner waits for; read until deadline_ns. The count; release each, and
 * free the list. */
size_t v8_chains(struct v8 *v, const struct snap_process *p, int64_t deadline_ns, struct v8_chain **out);
void v8_chain_release(struct v8_chain *c);
/* The one function of the user's that a suspended one of a test runner keeps nearest, where it begins. False where there
 * is none, or more than one. Release out with v8_frame_release. */
bool v8_held_function(struct v8 *v, uint64_t generator, struct v8_frame *out);

/* Position table entry at or before a code offset; false where there is none. exact: it is one's own. */
bool v8_position(const unsigned char *table, size_t n, int64_t code_offset, int32_t *position, bool *exact);

/* What keeps the default event loop of a node process alive, in words; NULL where it cannot be told. Caller frees.
 * due: a timer will wake it. */
char *node_loop_words(struct native *n, struct module *m, struct lang_mem *mem, bool *due, bool *alone);

#endif
