/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_eh_frame.c - unwinding by other people's tables: a file whose .eh_frame is the input, a stack that is, too. libdw does the
 * unwinding; what leads there and what is made of it is ours. */
#include "profile/native/resolve.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BASE = 0x400000, CODE_AT = 0x1000, CODE_BYTES = 0x1000, ROWS = 4, STACK_BYTES = 512, TABLE_AT = 0x200, FRAMES_AT = 0x300,
       FRAMES_MAX = CODE_AT - FRAMES_AT };
#define STACK_BASE UINT64_C(0x7ffd0000)

/* Headers, a table of four functions, the input as their descriptions, and code that calls all over the place. */
static unsigned char *file_make(const uint8_t *frames, size_t n, const uint8_t *rows)
{
	unsigned char *b = xcalloc(1, CODE_AT + CODE_BYTES);
	Elf64_Ehdr head = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = ET_DYN,
			    .e_version = EV_CURRENT, .e_phoff = sizeof(head), .e_ehsize = sizeof(head),
			    .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2 };
	Elf64_Phdr ph[2] = {
		{ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = CODE_AT + CODE_BYTES, .p_memsz = CODE_AT + CODE_BYTES,
		  .p_align = 0x1000 },
		{ .p_type = PT_GNU_EH_FRAME, .p_flags = PF_R, .p_offset = TABLE_AT, .p_vaddr = TABLE_AT, .p_paddr = TABLE_AT,
		  .p_filesz = 12 + ROWS * 8, .p_memsz = 12 + ROWS * 8, .p_align = 4 } };
	int32_t value = FRAMES_AT - (TABLE_AT + 4);
	uint32_t count = ROWS;

#if defined(__x86_64__)
	head.e_machine = EM_X86_64;
#else
	head.e_machine = EM_AARCH64;
#endif
	memcpy(b, &head, sizeof(head));
	memcpy(b + sizeof(head), ph, sizeof(ph));
	memcpy(b + TABLE_AT, "\x01\x1b\x03\x3b", 4);
	memcpy(b + TABLE_AT + 4, &value, sizeof(value));
	memcpy(b + TABLE_AT + 8, &count, sizeof(count));
	for (int i = 0; i < ROWS; i++) {
		int32_t row[2] = { CODE_AT + i * (CODE_BYTES / ROWS) - TABLE_AT, FRAMES_AT + rows[i] * 4 - TABLE_AT };

		memcpy(b + TABLE_AT + 12 + i * 8, row, sizeof(row));
	}
	memcpy(b + FRAMES_AT, frames, n < FRAMES_MAX ? n : FRAMES_MAX);
	for (size_t i = 0; i < CODE_BYTES; i++)
		b[CODE_AT + i] = i % 5 ? (unsigned char)(i >> 4) : 0xe8;
	return b;
}

static void stack_fill(struct snap_thread *t, const uint8_t *seed)
{
	t->stack = xcalloc(1, STACK_BYTES);
	t->stack_base = STACK_BASE;
	t->stack_size = STACK_BYTES;
	for (size_t i = 0; i < STACK_BYTES / 8; i++) {
		uint64_t v = i % 2 ? BASE + CODE_AT + (seed[i % 8] * 16 + i) % CODE_BYTES : STACK_BASE + i * 8 + seed[i % 8] % 64 * 8;

		memcpy(t->stack + i * 8, &v, sizeof(v));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { HEAD = 16 };
	struct map_entry map = { .start = BASE, .end = BASE + CODE_AT + CODE_BYTES, .r = true, .x = true, .inode = 1, .path = "/f" };
	struct image im = { .path = (char *)"/f", .fd = -1, .debug_fd = -1, .tried = true, .debug_tried = true };
	struct snap_thread t = { .tid = 1 };
	struct snap_process p = { .pid = 1, .maps = { .v = &map, .n = 1 }, .peek = { .pid = 0, .mem_fd = -1 }, .threads = &t,
				  .thread_count = 1 };
	struct module m = { .start = map.start, .end = map.end, .image = &im };
	struct native n = { .p = &p, .modules = &m, .module_count = 1 };
	uint64_t start;

	if (size < HEAD)
		return 0;
	elf_version(EV_CURRENT);
	im.copy = file_make(data + HEAD, size - HEAD, data);
	BUG_ON(elf_file_from(&im.elf, im.copy, CODE_AT + CODE_BYTES) < 0);
	im.readable = true;
	stack_fill(&t, data + 4);
	t.regs.pc = BASE + CODE_AT + (data[12] * 16 + data[13]) % CODE_BYTES;
	t.regs.r[SNAP_REG_SP] = STACK_BASE + data[14] % 32 * 8;
	t.regs.have = UINT64_C(1) << SNAP_REG_SP;
	n.dwfl = unwind_begin(&n);
	if (n.dwfl) {
		if (!unwind_thread(&n, &t) && !frame_pointer_prove(&n, &t))
			frame_pointer_try(&n, &t);
		BUG_ON(!t.frame_count || t.frame_count > SNAP_FRAMES_MAX);
		dwfl_end(n.dwfl);
	}
	for (uint64_t at = 0; at < CODE_AT + CODE_BYTES; at += 0x111)
		BUG_ON(elf_file_function_start(&im.elf, at, &start) && start > at);
	for (size_t i = 0; i < t.frame_count; i++)
		snap_frame_release(&t.frames[i]);
	free(t.frames);
	free(t.stack);
	free(im.copy);
	return 0;
}
