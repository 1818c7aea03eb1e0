/* SPDX-License-Identifier: Apache-2.0 */
/* insn.c - how long an instruction of x86-64 is: the manual's opcode maps, by ranges. */
#include "profile/native/insn.h"

#include <string.h>

enum { DWARF_RBP = 6 };

static const signed char dwarf_of[16] = { 0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15 };

struct decoder {
	const unsigned char *b;
	unsigned at;
	bool operand_16, rex_w;
	unsigned rex_r, rex_b;
	unsigned mod, reg, rm;
	bool sp_base; /* memory at a distance from the stack pointer alone */
	int64_t displacement;
};

static int64_t signed_at(const unsigned char *b, unsigned n)
{
	int8_t v1;
	int32_t v4;

	if (n == 1) {
		memcpy(&v1, b, 1);
		return v1;
	}
	memcpy(&v4, b, 4);
	return v4;
}

/* The bytes behind the opcode that say which operands there are. False: they go on behind the longest instruction. */
static bool operands(struct decoder *d)
{
	unsigned char modrm, sib = 0;
	unsigned distance;

	if (d->at >= INSN_LONGEST)
		return false;
	modrm = d->b[d->at++];
	d->mod = modrm >> 6;
	d->reg = modrm >> 3 & 7;
	d->rm = modrm & 7;
	if (d->mod == 3)
		return true;
	if (d->rm == 4) {
		if (d->at >= INSN_LONGEST)
			return false;
		sib = d->b[d->at++];
	}
	distance = d->mod == 1 ? 1 : d->mod == 2 || d->rm == 5 || (d->rm == 4 && (sib & 7) == 5) ? 4 : 0;
	if (d->at + distance > INSN_LONGEST)
		return false;
	d->displacement = distance ? signed_at(d->b + d->at, distance) : 0;
	d->at += distance;
	d->sp_base = d->rm == 4 && sib == 0x24 && !d->rex_b;
	return true;
}

/* 0x0f and another byte. */
static bool decode_two(struct decoder *d, struct insn *i)
{
	unsigned char op = d->b[d->at++];
	unsigned immediate = 0;

	if (op == 0x0b) { /* ud2 */
		i->effect = INSN_END;
		return true;
	}
	if (op >= 0x80 && op <= 0x8f) {
		i->effect = INSN_BRANCH;
		i->value = signed_at(d->b + d->at, 4);
		d->at += 4;
		return true;
	}
	if (op == 0x05 || op == 0x31 || op == 0xa2 || (op >= 0xc8 && op <= 0xcf))
		return true;
	if (op == 0x38 || op == 0x3a) {
		d->at++;
		immediate = op == 0x3a;
	} else if (op == 0x1f) {
		i->effect = INSN_PADDING;
	} else if ((op >= 0x70 && op <= 0x73) || op == 0xa4 || op == 0xac || op == 0xba || op == 0xc2 ||
		   (op >= 0xc4 && op <= 0xc6)) {
		immediate = 1;
	} else if (op < 0x10 || (op >= 0x20 && op <= 0x27) || (op >= 0x30 && op <= 0x3f) || op == 0x77 || op == 0xa0 ||
		   op == 0xa1 || op == 0xa8 || op == 0xa9 || op == 0xaa || op == 0xff) {
		return false;
	}
	if (!operands(d))
		return false;
	d->at += immediate;
	return true;
}

/* Instructions with operands that have to do with the stack pointer. */
static bool decode_sp(struct decoder *d, unsigned char op, struct insn *i)
{
	bool to_sp = d->mod == 3 && d->rm == 4 && !d->rex_b, from_memory = d->mod != 3;

	switch (op) {
	case 0x81:
	case 0x83:
		if (!to_sp)
			return true;
		if (!d->rex_w || (d->reg != 0 && d->reg != 5))
			return d->reg == 7; /* a comparison; all else (and: an alignment) leads to an unknown place */
		i->effect = INSN_ADD_SP;
		i->value = signed_at(d->b + d->at, op == 0x83 ? 1 : 4) * (d->reg == 5 ? -1 : 1);
		return true;
	case 0x8d: /* lea */
		if (d->reg != 4 || d->rex_r)
			return true;
		i->value = d->displacement;
		i->effect = d->sp_base ? INSN_ADD_SP : INSN_SP_FROM_FP;
		return d->sp_base || (d->rm == 5 && d->mod != 0 && !d->rex_b);
	case 0x89: /* mov: from a register */
		if (to_sp)
			i->effect = INSN_SP_FROM_FP;
		return !to_sp || (d->reg == 5 && !d->rex_r);
	case 0x8b: /* mov: to a register */
		if (d->reg == 4 && !d->rex_r) {
			i->effect = INSN_SP_FROM_FP;
			return d->mod == 3 && d->rm == 5 && !d->rex_b;
		}
		if (from_memory && d->sp_base && d->rex_w) {
			i->effect = INSN_LOAD;
			i->reg = dwarf_of[d->reg | d->rex_r];
			i->value = d->displacement;
		}
		return true;
	case 0x01:
	case 0x03:
	case 0x29:
	case 0x2b: /* add, sub of registers */ return op & 2 ? d->reg != 4 || d->rex_r : !to_sp;
	case 0x8f:
		i->effect = INSN_POP;
		i->reg = from_memory ? -1 : dwarf_of[d->rm | d->rex_b];
		return true;
	case 0xff:
		i->effect = d->reg == 2 ? INSN_CALL : d->reg == 6 ? INSN_PUSH : d->reg == 4 ? INSN_END : INSN_STEP;
		return d->reg != 3 && d->reg != 5 && d->reg != 7;
	default: return !(to_sp && (op == 0x87 || op == 0xc7));
	}
}

static bool has_operands(unsigned char op)
{
	return (op < 0x40 && (op & 7) < 4) || op == 0x63 || op == 0x69 || op == 0x6b ||
	       (op >= 0x80 && op <= 0x8f && op != 0x82) || op == 0xc0 || op == 0xc1 || op == 0xc6 || op == 0xc7 ||
	       (op >= 0xd0 && op <= 0xd3) || (op >= 0xd8 && op <= 0xdf) || op == 0xf6 || op == 0xf7 || op == 0xfe ||
	       op == 0xff;
}

/* Bytes of the constant at the end. */
static unsigned immediate_of(const struct decoder *d, unsigned char op)
{
	unsigned full = d->operand_16 ? 2 : 4;

	if (op < 0x40)
		return (op & 7) == 4 ? 1 : (op & 7) == 5 ? full : 0;
	if (op >= 0xb8 && op <= 0xbf)
		return d->rex_w ? 8 : full;
	if (op == 0x6a || op == 0x6b || op == 0x80 || op == 0x83 || op == 0xa8 || (op >= 0xb0 && op <= 0xb7) ||
	    op == 0xc0 || op == 0xc1 || op == 0xc6)
		return 1;
	if (op == 0x68 || op == 0x69 || op == 0x81 || op == 0xa9 || op == 0xc7)
		return full;
	if ((op == 0xf6 || op == 0xf7) && d->reg < 2)
		return op == 0xf6 ? 1 : full;
	return 0;
}

/* One byte, without operands behind it. */
static bool decode_one(struct decoder *d, unsigned char op, struct insn *i)
{
	if (op >= 0x50 && op <= 0x5f) {
		i->effect = op < 0x58 ? INSN_PUSH : INSN_POP;
		i->reg = dwarf_of[(op & 7) | d->rex_b];
	} else if ((op >= 0x70 && op <= 0x7f) || op == 0xeb || op == 0xe3) {
		i->effect = op == 0xeb ? INSN_JUMP : INSN_BRANCH;
		i->value = signed_at(d->b + d->at, 1);
		d->at++;
	} else if (op == 0xe8 || op == 0xe9) {
		i->effect = op == 0xe8 ? INSN_CALL : INSN_JUMP;
		i->value = signed_at(d->b + d->at, 4);
		d->at += 4;
	} else if (op == 0xc3 || op == 0xf4 || op == 0xcc) {
		i->effect = op == 0xc3 ? INSN_RETURN : INSN_END;
	} else if (op == 0xc9) { /* leave: the stack pointer from the frame's, and one word popped */
		i->effect = INSN_SP_FROM_FP;
		i->reg = DWARF_RBP;
	} else if (op == 0x68 || op == 0x6a) {
		i->effect = INSN_PUSH;
	} else if (op == 0x90) {
		i->effect = INSN_PADDING;
	} else {
		return (op < 0x40 && (op & 7) < 6) || (op > 0x90 && op <= 0x99) || (op >= 0xa4 && op <= 0xbf) ||
		       op == 0xf5 || (op >= 0xf8 && op <= 0xfd);
	}
	return true;
}

bool insn_decode(const unsigned char *b, struct insn *i)
{
	struct decoder d = { .b = b };
	unsigned char op, rex = 0;

	*i = (struct insn){ .effect = INSN_STEP, .reg = -1 };
	for (; d.at < 6; d.at++) {
		op = b[d.at];
		if (op == 0x66)
			d.operand_16 = true;
		else if (op != 0xf2 && op != 0xf3 && op != 0xf0 && op != 0x2e && op != 0x36 && op != 0x3e &&
			 op != 0x26 && op != 0x64 && op != 0x65)
			break;
	}
	if ((b[d.at] & 0xf0) == 0x40)
		rex = b[d.at++];
	d.rex_w = rex & 8;
	d.rex_r = (rex & 4) << 1;
	d.rex_b = (rex & 1) << 3;
	op = b[d.at++];
	if (op == 0x0f) {
		if (!decode_two(&d, i))
			return false;
	} else if (has_operands(op)) {
		if (!operands(&d) || !decode_sp(&d, op, i))
			return false;
		d.at += immediate_of(&d, op);
	} else {
		if (!decode_one(&d, op, i))
			return false;
		d.at += immediate_of(&d, op);
	}
	i->length = d.at;
	return d.at <= INSN_LONGEST;
}
