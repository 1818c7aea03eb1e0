/* SPDX-License-Identifier: Apache-2.0 */
/* perl.h - the calls of a Perl program out of another process's memory, 5.28 to 5.42. */
#ifndef PROFILE_LANG_PERL_H
#define PROFILE_LANG_PERL_H

#include "profile/lang/memory.h"
#include "profile/lang/script_stack.h"

struct perl_layout {
	unsigned version; /* 36 is 5.36 */
	uint32_t statement, stack_info; /* within an interpreter of a build with threads: PL_curcop, PL_curstackinfo */
	uint32_t kind, sub, context_bytes; /* si_type; blk_sub.cv; sizeof(struct context) */
	uint32_t hash_extra; /* of a symbol table's record, its name and others; 0: at the end of its array */
};
/* NULL where the version is not known. */
const struct perl_layout *perl_layout_of(unsigned version);

enum { PERL_CONTEXTS_MAX = 512 };
/* What is copied: contexts (blocks, loops, calls) as they stand in memory, innermost first. */
struct perl_calls {
	uint64_t statement, op; /* that run */
	struct perl_context {
		uint8_t type;
		uint64_t statement, returns, sub; /* around it; the op after the call; the function that it calls */
	} v[PERL_CONTEXTS_MAX];
	size_t count;
};

struct perl_mem {
	struct lang_mem m;
	struct perl_layout l;
	bool threads; /* built with them: the usual kind */
};

/* Where an interpreter keeps these: PL_curcop, PL_op, PL_curstackinfo. */
struct perl_places {
	uint64_t statement, op, stack_info;
};

bool perl_calls_read(struct perl_mem *p, const struct perl_places *at, struct perl_calls *out);
void perl_calls_name(struct perl_mem *p, const struct perl_calls *c, struct script_stack *out);

#endif
