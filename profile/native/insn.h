/* SPDX-License-Identifier: Apache-2.0 */
/* insn.h - the length of an instruction of x86-64 and what it does to the stack pointer, and no more. Instructions of
 * vector extensions (VEX, EVEX) are not known. */
#ifndef PROFILE_NATIVE_INSN_H
#define PROFILE_NATIVE_INSN_H

#include <stdbool.h>
#include <stdint.h>

/* The longest instruction, and the bytes that are looked at. */
enum { INSN_LONGEST = 15, INSN_BYTES = 20 };

enum insn_effect {
	INSN_STEP, /* none */
	INSN_CALL,
	INSN_JUMP,
	INSN_BRANCH,
	INSN_RETURN,
	INSN_END, /* a trap, or a jump through a pointer */
	INSN_PADDING,
	INSN_POP,
	INSN_PUSH,
	INSN_ADD_SP,
	INSN_SP_FROM_FP,
	INSN_LOAD,
};

struct insn {
	unsigned length; /* bytes */
	enum insn_effect effect;
	int reg; /* POP, LOAD, and SP_FROM_FP where a word is popped behind it: number among DWARF registers; -1 none */
	int64_t value; /* bytes. JUMP, BRANCH: from the next instruction; ADD_SP, LOAD: from the stack pointer;
			  SP_FROM_FP: from the frame's */
};

/* b: INSN_BYTES, the instruction first. False: not known, or it leaves the stack pointer where nobody knows. */
bool insn_decode(const unsigned char *b, struct insn *i);

#endif
