/* SPDX-License-Identifier: Apache-2.0 */
/* go_table.h - the table of functions that every Go program carries and needs itself (pclntab), also when stripped: which
 * function an address lies in, how large its frame is there, which file and line, and what was inlined.
 *
 * Two formats are in use: that of Go 1.18 and 1.19, and that of 1.20 and later. Every offset in it is checked: the file is
 * somebody else's. Addresses are those of the running process. */
#ifndef PROFILE_LANG_GO_TABLE_H
#define PROFILE_LANG_GO_TABLE_H

#include "profile/lang/memory.h"
#include "profile/native/elf_file.h"

struct go_table {
	const unsigned char *b; /* borrowed */
	size_t n;
	bool v20;               /* of Go 1.20 and later */
	unsigned quantum;
	uint64_t count;         /* functions */
	uint64_t names, units, files, values, functions; /* offsets */
	uint64_t text, etext;   /* where the code begins and ends: go_table_place() */
	uint64_t gofunc;        /* what functions' own data counts from; 0: no inlined calls */
	uint32_t steps;         /* made within its lists of values: a table that was made to be slow ends here */
};

struct go_function {
	uint64_t entry, end; /* addresses */
	uint64_t at;         /* of its record, in the table */
	int32_t name;
	uint32_t pcsp, pcfile, pcln, npcdata, unit;
	uint8_t id, nfuncdata; /* id: 0, or which of those that the runtime treats in its own way */
	bool top, writes_sp; /* outermost of its stack; changes the stack pointer in a way that no table describes */
};

/* False where the bytes are no such table. */
bool go_table_open(struct go_table *t, const unsigned char *b, size_t n);
/* That of a file, with addresses as the file numbers them. False where it has none: no Go program. */
bool go_table_of_file(struct go_table *t, const struct elf_file *elf);
/* Where the program's code is. False where its functions do not fit there. */
bool go_table_place(struct go_table *t, uint64_t text);
/* The function that holds pc; false where none does. */
bool go_function_at(const struct go_table *t, uint64_t pc, struct go_function *f);
/* By its number, 0 … count - 1. */
bool go_function(const struct go_table *t, uint64_t i, struct go_function *f);
/* A name within the table; "?" where the offset leads out of it. */
const char *go_name(const struct go_table *t, int64_t offset);
/* Value of the table at `values` for pc in f: the frame's size with pcsp. -1 unknown. */
int32_t go_value(struct go_table *t, const struct go_function *f, uint32_t table, uint64_t pc);
/* "?" and 0 where unknown. */
const char *go_place(struct go_table *t, const struct go_function *f, uint64_t pc, int *line);

/* One call, inlined ones before the function around them. Texts are within the table. */
struct go_call {
	const char *function, *file;
	int line;
	bool inlined;
};
enum { GO_INLINED_MAX = 32 };
/* The calls at pc of f, innermost first; the count (at least 1). m: where functions' own data is read. */
size_t go_calls(struct go_table *t, struct lang_mem *m, const struct go_function *f, uint64_t pc,
		struct go_call out[GO_INLINED_MAX]);

/* A function that was inlined into f, directly or within another such one. */
struct go_inline {
	const char *function;
	uint64_t at;         /* address that stands for the call */
};
enum { GO_INLINE_NODES_MAX = 512 };
/* All of f, by their numbers; the count. */
size_t go_inlines(struct go_table *t, struct lang_mem *m, const struct go_function *f,
		  struct go_inline out[GO_INLINE_NODES_MAX]);
/* The number of the innermost one at pc; -1 where the code is f's own. */
int32_t go_inline_at(struct go_table *t, const struct go_function *f, uint64_t pc);

#endif
