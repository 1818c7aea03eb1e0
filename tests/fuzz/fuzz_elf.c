/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_elf.c - other people's ELF files: headers, notes, sections, symbols, names. */
#include "profile/native/elf_file.h"

#include "base/err.h"
#include "base/mem.h"
#include "profile/lang/dash.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_name names[16] = { 0 };
	uint64_t vaddr, offset, bytes;
	struct elf_file f;

	if (elf_file_from(&f, data, size) < 0)
		return 0;
	for (size_t i = 0; i < 16; i++)
		names[i].vaddr = i * 0x333;
	elf_file_names(&f, names, 16);
	for (size_t i = 0; i < 16; i++) {
		char *name;

		if (!names[i].name)
			continue;
		BUG_ON((const uint8_t *)names[i].name < data || (const uint8_t *)names[i].name >= data + size);
		BUG_ON(names[i].at > names[i].vaddr);
		name = demangle(names[i].name);
		free(name);
	}
	elf_file_symbol(&f, "_PyRuntime", false);
	dash_line_variable(&f);
	for (uint64_t i = 0; i < 8192; i += 512)
		elf_file_vaddr(&f, i, &vaddr);
	elf_file_section(&f, ".debug_info", &vaddr, &offset, &bytes);
	BUG_ON(f.build_id_len > BUILD_ID_MAX);
	if (elf_file_eh_frame(&f, &offset, &bytes)) {
		auto_free unsigned char *copy = xmalloc(bytes);

		BUG_ON(offset > size || bytes > size - offset);
		memcpy(copy, data + offset, bytes);
		eh_frame_unsign(copy, bytes);
	}
	{
		auto_free unsigned char *copy = xmalloc(size);

		memcpy(copy, data, size);
		eh_frame_unsign(copy + 64, size - 64); /* the input itself as a table */
	}
	return 0;
}
