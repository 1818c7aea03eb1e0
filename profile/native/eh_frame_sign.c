/* SPDX-License-Identifier: Apache-2.0 */
/* eh_frame_sign.c - arm64's signed return addresses. DW_CFA_AARCH64_negate_ra_state has the number of a SPARC
 * instruction that libdw 0.188 carries out: half of the registers are taken from nowhere then. We strip signatures
 * ourselves (unwind.c), so in our private copy of a table the instruction becomes one that does nothing. */
#include "profile/native/elf_file.h"

#include <dwarf.h>
#include <string.h>

struct reader {
	unsigned char *at, *end;
};

static uint64_t number(struct reader *r)
{
	uint64_t v = 0;
	unsigned shift = 0;

	while (r->at < r->end) {
		unsigned char b = *r->at++;

		if (shift < 64)
			v |= (uint64_t)(b & 0x7f) << shift;
		shift += 7;
		if (!(b & 0x80))
			return v;
	}
	return v;
}

static void skip(struct reader *r, uint64_t n)
{
	r->at = n < (uint64_t)(r->end - r->at) ? r->at + n : r->end;
}

/* Steps over one instruction's operands. False: unknown, nothing behind it can be read. */
static bool operands_skip(struct reader *r, unsigned char op)
{
	switch (op) {
	case DW_CFA_nop: case DW_CFA_remember_state: case DW_CFA_restore_state: case DW_CFA_GNU_window_save:
		return true;
	case DW_CFA_advance_loc1: skip(r, 1); return true;
	case DW_CFA_advance_loc2: skip(r, 2); return true;
	case DW_CFA_advance_loc4: skip(r, 4); return true;
	case DW_CFA_restore_extended: case DW_CFA_undefined: case DW_CFA_same_value: case DW_CFA_def_cfa_register:
	case DW_CFA_def_cfa_offset: case DW_CFA_def_cfa_offset_sf: case DW_CFA_GNU_args_size:
		number(r);
		return true;
	case DW_CFA_offset_extended: case DW_CFA_register: case DW_CFA_def_cfa: case DW_CFA_offset_extended_sf:
	case DW_CFA_def_cfa_sf: case DW_CFA_val_offset: case DW_CFA_val_offset_sf: case DW_CFA_GNU_negative_offset_extended:
		number(r);
		number(r);
		return true;
	case DW_CFA_def_cfa_expression:
		skip(r, number(r));
		return true;
	case DW_CFA_expression: case DW_CFA_val_expression:
		number(r);
		skip(r, number(r));
		return true;
	default:
		return false;
	}
}

static void instructions_patch(struct reader r)
{
	while (r.at < r.end) {
		unsigned char *op = r.at++;

		if ((*op & 0xc0) == DW_CFA_offset)
			number(&r);
		else if (!(*op & 0xc0) && !operands_skip(&r, *op))
			return;
		if (*op == DW_CFA_GNU_window_save)
			*op = DW_CFA_nop;
	}
}

/* Where the instructions of a CIE begin; pointer_bytes: of addresses in its FDEs, 0 where we do not know. */
static bool cie_open(struct reader *r, unsigned *pointer_bytes)
{
	static const unsigned char sizes[16] = { [DW_EH_PE_absptr] = 8, [DW_EH_PE_udata4] = 4, [DW_EH_PE_udata8] = 8,
						 [DW_EH_PE_sdata4] = 4, [DW_EH_PE_sdata8] = 8 };
	const char *augmentation;
	unsigned char version;
	uint64_t length;

	*pointer_bytes = 8;
	if (r->end - r->at < 8)
		return false;
	version = *r->at++;
	augmentation = (const char *)r->at;
	if ((version != 1 && version != 3) || !memchr(augmentation, '\0', (size_t)(r->end - r->at)))
		return false;
	skip(r, strlen(augmentation) + 1);
	number(r);
	number(r);
	number(r);
	if (augmentation[0] != 'z')
		return augmentation[0] == '\0';
	length = number(r);
	/* "zR" is all that C has; where a personality comes before it, its address does not tell the size of another */
	if (augmentation[1] == 'R' && r->at < r->end)
		*pointer_bytes = sizes[*r->at & 0x0f];
	else if (augmentation[1])
		*pointer_bytes = 4;
	skip(r, length);
	return *pointer_bytes != 0;
}

static void entry_patch(unsigned char *table, unsigned char *entry, uint32_t length)
{
	struct reader r = { entry + 8, entry + 4 + length };
	unsigned pointer_bytes;
	uint32_t id, cie_length;

	memcpy(&id, entry + 4, sizeof(id));
	if (id == 0) {
		if (cie_open(&r, &pointer_bytes))
			instructions_patch(r);
		return;
	}
	if (id > (uint64_t)(entry + 4 - table))
		return;
	struct reader cie = { entry + 4 - id, r.end };

	if (cie.end - cie.at < 16)
		return;
	memcpy(&cie_length, cie.at, sizeof(cie_length));
	if (cie_length > (uint64_t)(cie.end - cie.at - 4))
		return;
	cie.end = cie.at + 4 + cie_length;
	cie.at += 8;
	if (cie.at > cie.end || !cie_open(&cie, &pointer_bytes))
		return;
	skip(&r, 2 * (uint64_t)pointer_bytes);
	skip(&r, number(&r)); /* its augmentation: every writer's begins with z */
	instructions_patch(r);
}

void eh_frame_unsign(unsigned char *table, uint64_t size)
{
	for (uint64_t at = 0; size - at >= 12;) {
		uint32_t length;

		memcpy(&length, table + at, sizeof(length));
		if (length < 8 || length > size - at - 4)
			return;
		entry_patch(table, table + at, length);
		at += 4 + (uint64_t)length;
	}
}
