/* SPDX-License-Identifier: Apache-2.0 */
/* hotspot.h - which Java method an address of a JVM's code belongs to, and how to go on to its caller, from outside and
 * without asking: HotSpot keeps a table of its own structures for debuggers (gHotSpotVMStructs), and compiled code says
 * itself how large its frames are and which methods were inlined where. What has another layout than expected is left
 * without a name. Read with reads alone; nothing stands for it. */
#ifndef PROFILE_LANG_HOTSPOT_H
#define PROFILE_LANG_HOTSPOT_H

#include "profile/lang/memory.h"

enum hotspot_kind { HOTSPOT_NONE, HOTSPOT_INTERPRETER, HOTSPOT_COMPILED, HOTSPOT_STUB };
struct hotspot_code {
	enum hotspot_kind kind;
	uint64_t blob, begin;   /* begin: of its instructions */
	uint64_t method;        /* of compiled code: the outermost one */
	int32_t frame_bytes;    /* with the return address; 0: it keeps a frame pointer */
	int32_t complete_at;    /* offset from begin where the frame is set up */
};
/* One frame of Java, as its language's users write it. Texts are owned by whoever asked. */
struct hotspot_frame {
	char *function;         /* "pkg.Class.method" */
	char *file;             /* NULL unknown */
	int32_t line;           /* 0 unknown */
};
enum { HOTSPOT_INLINED_MAX = 24 };

/* Addresses in the process of symbols that libjvm exports. */
struct hotspot_symbols {
	uint64_t structs, structs_stride, types, types_stride, ints; /* gHotSpotVMStructs …, 0 not there */
};
struct hotspot;

/* peek is borrowed. NULL: not a HotSpot that we know, or not started far enough (try again). */
struct hotspot *hotspot_open(struct peek *peek, const struct hotspot_symbols *at);
void hotspot_free(struct hotspot *h);
/* What was read counts no longer: before addresses of another moment are looked up. */
void hotspot_forget(struct hotspot *h);
/* The code that holds an address. False where it is none of the JVM's. */
bool hotspot_code_at(struct hotspot *h, uint64_t pc, struct hotspot_code *c);
/* Methods at an address of compiled code, or where a call in it returns to; innermost first. The count. */
size_t hotspot_compiled(struct hotspot *h, const struct hotspot_code *c, uint64_t pc,
			struct hotspot_frame out[HOTSPOT_INLINED_MAX]);
/* A frame of the interpreter: its method, and the place in its bytecode (one of two; what lies outside counts not). */
bool hotspot_interpreted(struct hotspot *h, uint64_t method, uint64_t bcp, uint64_t bcp_else, struct hotspot_frame *out);
void hotspot_frame_release(struct hotspot_frame *f);

/* HotSpot's packed numbers: *at goes on. excludes_zero: as JDK 20 and later write them. */
uint32_t hotspot_unsigned5(const unsigned char *b, size_t n, size_t *at, bool excludes_zero);

#endif
