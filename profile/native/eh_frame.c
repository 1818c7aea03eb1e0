/* SPDX-License-Identifier: Apache-2.0 */
/* eh_frame.c - where a function begins, by the table that every program carries for its own exceptions: a stripped file
 * has it, too. Unwinding itself is libdw's. */
#include "profile/native/elf_file.h"

#include <string.h>

/* The forms in which every linker writes the table: DW_EH_PE_udata4, and DW_EH_PE_datarel | DW_EH_PE_sdata4. */
enum { HEADER_VERSION = 1, COUNT_UDATA4 = 0x03, TABLE_DATAREL_SDATA4 = 0x3b, POINTER_SIZE_4 = 0x0b };

struct table_row {
	int32_t start, entry; /* from the header's own address */
};

static bool header_find(const struct elf_file *f, uint64_t *vaddr, const unsigned char **bytes, uint64_t *size)
{
	Elf64_Phdr ph;

	for (unsigned i = 0; elf_file_segment(f, i, &ph); i++)
		if (ph.p_type == PT_GNU_EH_FRAME && ph.p_offset <= f->size && ph.p_filesz <= f->size - ph.p_offset) {
			*vaddr = ph.p_vaddr;
			*bytes = f->bytes + ph.p_offset;
			*size = ph.p_filesz;
			return true;
		}
	return false;
}

static struct table_row row_at(const unsigned char *rows, size_t i)
{
	struct table_row row;

	memcpy(&row, rows + i * sizeof(row), sizeof(row));
	return row;
}

bool elf_file_function_start(const struct elf_file *f, uint64_t vaddr, uint64_t *start)
{
	enum { ROWS_AT = 12 };
	const unsigned char *b;
	uint64_t base, size;
	size_t lo = 0, hi;
	uint32_t count;

	if (!header_find(f, &base, &b, &size) || size < ROWS_AT || b[0] != HEADER_VERSION ||
	    (b[1] & POINTER_SIZE_4) != POINTER_SIZE_4 || b[2] != COUNT_UDATA4 || b[3] != TABLE_DATAREL_SDATA4)
		return false;
	memcpy(&count, b + 8, sizeof(count));
	if (count > (size - ROWS_AT) / sizeof(struct table_row))
		return false;
	hi = count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (base + (uint64_t)(int64_t)row_at(b + ROWS_AT, mid).start <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return false;
	*start = base + (uint64_t)(int64_t)row_at(b + ROWS_AT, lo - 1).start;
	return true;
}

bool elf_file_eh_frame(const struct elf_file *f, uint64_t *offset, uint64_t *size)
{
	enum { POINTER_PCREL_SDATA4 = 0x1b };
	const unsigned char *b, *table;
	uint64_t base, header_size, at;
	int32_t distance;
	Elf64_Phdr ph;

	if (!header_find(f, &base, &b, &header_size) || header_size < 8 || b[0] != HEADER_VERSION ||
	    b[1] != POINTER_PCREL_SDATA4)
		return false;
	memcpy(&distance, b + 4, sizeof(distance));
	at = base + 4 + (uint64_t)(int64_t)distance;
	table = elf_file_at(f, at, 1);
	for (unsigned i = 0; table && elf_file_segment(f, i, &ph); i++)
		if (ph.p_type == PT_LOAD && at >= ph.p_vaddr && at - ph.p_vaddr < ph.p_filesz) {
			*offset = (uint64_t)(table - f->bytes);
			*size = ph.p_filesz - (at - ph.p_vaddr);
			return *size <= f->size - *offset; /* segments of a broken file may overlap */
		}
	return false;
}
