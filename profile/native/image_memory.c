/* SPDX-License-Identifier: Apache-2.0 */
/* image_memory.c - a mapped file that cannot be opened any more (deleted, replaced, of a mount that we may not enter), put
 * together from what the process has of it: code, unwind tables and public names are in memory, section headers are not. */
#include "profile/native/resolve.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { COPY_MAX_BYTES = 256 << 20, DYNAMIC_MAX = 512 };

static bool same_file(const struct map_entry *a, const struct map_entry *b)
{
	return a->inode == b->inode && strcmp(a->path, b->path) == 0;
}

/* Bytes of the file that are mapped; 0 where that is too much. */
static uint64_t mapped_size(const struct maps *maps, const struct map_entry *first)
{
	uint64_t size = 0;

	for (const struct map_entry *m = first; m < maps->v + maps->n; m++) {
		if (!same_file(m, first))
			continue;
		if (m->offset > COPY_MAX_BYTES || m->end - m->start > COPY_MAX_BYTES)
			return 0;
		if (m->offset + (m->end - m->start) > size)
			size = m->offset + (m->end - m->start);
	}
	return size <= COPY_MAX_BYTES ? size : 0;
}

static bool segment_of(const struct elf_file *f, uint32_t type, Elf64_Phdr *ph)
{
	for (unsigned i = 0; elf_file_segment(f, i, ph); i++)
		if (ph->p_type == type)
			return true;
	return false;
}

/* The program's linker may have turned addresses of the table into those of the process. */
static uint64_t own_address(uint64_t v, uint64_t bias)
{
	return bias && v >= bias ? v - bias : v;
}

/* Describes the public symbols by section headers behind the copy, as elf_file_names() reads them. The table has no
 * count; its texts follow it in what every linker writes. */
static void names_describe(struct image *im, uint64_t size, uint64_t bias)
{
	uint64_t symbols = 0, texts = 0, text_bytes = 0, at = (size + 7) & ~UINT64_C(7);
	Elf64_Shdr sh[3] = { 0 };
	Elf64_Phdr ph;
	Elf64_Dyn d;

	if (!segment_of(&im->elf, PT_DYNAMIC, &ph))
		return;
	for (uint64_t i = 0; i < DYNAMIC_MAX; i++) {
		const unsigned char *b = elf_file_at(&im->elf, ph.p_vaddr + i * sizeof(d), sizeof(d));

		if (!b)
			return;
		memcpy(&d, b, sizeof(d));
		if (d.d_tag == DT_NULL)
			break;
		if (d.d_tag == DT_SYMTAB)
			symbols = own_address(d.d_un.d_ptr, bias);
		else if (d.d_tag == DT_STRTAB)
			texts = own_address(d.d_un.d_ptr, bias);
		else if (d.d_tag == DT_STRSZ)
			text_bytes = d.d_un.d_val;
	}
	if (!symbols || texts <= symbols || !elf_file_at(&im->elf, symbols, texts - symbols) ||
	    !elf_file_at(&im->elf, texts, text_bytes))
		return;
	sh[1] = (Elf64_Shdr){ .sh_type = SHT_DYNSYM, .sh_link = 2, .sh_size = texts - symbols,
			      .sh_offset = (uint64_t)(elf_file_at(&im->elf, symbols, 1) - im->elf.bytes) };
	sh[2] = (Elf64_Shdr){ .sh_type = SHT_STRTAB, .sh_size = text_bytes,
			      .sh_offset = (uint64_t)(elf_file_at(&im->elf, texts, 1) - im->elf.bytes) };
	memcpy(im->copy + at, sh, sizeof(sh));
	im->elf.size = at + sizeof(sh);
	im->elf.head.e_shoff = at;
	im->elf.head.e_shnum = 3;
	im->elf.head.e_shentsize = sizeof(*sh);
}

bool image_from_memory(struct image *im)
{
	const struct maps *maps = &im->process->maps;
	uint64_t size = mapped_size(maps, im->map), first = 0;
	Elf64_Ehdr head;

	if (size < sizeof(head) || im->map->offset != 0)
		return false;
	im->copy = xcalloc(1, size + 8 + 3 * sizeof(Elf64_Shdr));
	for (const struct map_entry *m = im->map; m < maps->v + maps->n; m++)
		/* offset 0 once more is another loading of the same file */
		if (same_file(m, im->map) && m->r && (m == im->map || m->offset))
			(void)!peek_read(&im->process->peek, m->start, im->copy + m->offset, (size_t)(m->end - m->start));
	/* Section headers are not in memory, whatever the header says. */
	memcpy(&head, im->copy, sizeof(head));
	head.e_shoff = 0;
	head.e_shnum = head.e_shstrndx = 0;
	memcpy(im->copy, &head, sizeof(head));
	if (elf_file_from(&im->elf, im->copy, size) < 0 || !elf_file_vaddr(&im->elf, 0, &first))
		return false;
	names_describe(im, size, im->map->start - first);
	return true;
}
