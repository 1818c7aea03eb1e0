/* SPDX-License-Identifier: Apache-2.0 */
/* dash.c - the line of the command that a dash (the /bin/sh of Debian and Ubuntu) runs. It keeps that for its messages of
 * errors, "NAME: LINE: ...", in a variable without a symbol. The function that writes those messages loads the addresses of
 * both texts that it may write them with, and between them one integer: the line. */
#include "profile/lang/dash.h"

#include <string.h>

struct module *dash_module(struct native *n)
{
	static const char *const names[] = { "/dash", "/sh", NULL };
	const char *slash = n->p->exe ? strrchr(n->p->exe, '/') : NULL;

	for (size_t k = 0; slash && names[k]; k++)
		for (size_t i = 0; strcmp(slash, names[k]) == 0 && i < n->module_count; i++)
			if (n->modules[i].image && strcmp(n->modules[i].image->path, n->p->exe) == 0)
				return &n->modules[i];
	return NULL;
}

#if defined(__x86_64__)
static const char with_command[] = "%s: %d: %s: ", without[] = "%s: %d: ";
enum { WINDOW = 96, FILE_BYTES_MAX = 1 << 20, LINE_MAX_NUMBER = 1 << 24 };

/* Where a whole text lies in the file's own numbering; 0 where it does not. */
static uint64_t text_vaddr(const struct elf_file *f, const char *text, size_t n)
{
	const unsigned char *at = f->bytes;
	uint64_t vaddr;

	for (size_t left = f->size; (at = memmem(at, left, text, n)); left = f->size - (size_t)(++at - f->bytes))
		if (at > f->bytes && at[-1] == '\0' && elf_file_vaddr(f, (uint64_t)(at - f->bytes), &vaddr))
			return vaddr;
	return 0;
}

static bool is_written_to(const struct elf_file *f, uint64_t vaddr)
{
	Elf64_Phdr ph;

	for (unsigned i = 0; elf_file_segment(f, i, &ph); i++)
		if (ph.p_type == PT_LOAD && ph.p_flags & PF_W && vaddr >= ph.p_vaddr && vaddr - ph.p_vaddr < ph.p_memsz)
			return true;
	return false;
}

/* Address that an instruction of n bytes, the last four a distance, speaks of. */
static uint64_t target(const unsigned char *b, size_t n, uint64_t vaddr)
{
	return vaddr + n + (uint64_t)(int64_t)(int32_t)bytes_u32(b, n, n - 4);
}

/* The one integer that is loaded around `at`, in the same function; 0 where there is none, or more. */
static uint64_t integer_near(const struct elf_file *f, const unsigned char *code, uint64_t size, uint64_t at, uint64_t vaddr)
{
	uint64_t found = 0, function, other;

	if (!elf_file_function_start(f, vaddr + at, &function))
		return 0;

	for (uint64_t i = at > WINDOW ? at - WINDOW : 0; i + 6 <= size && i < at + WINDOW; i++) {
		uint64_t to = target(code + i, 6, vaddr + i);

		/* mov r32, [rip + d], without a prefix that would make it a word of 8 bytes */
		if (code[i] != 0x8b || (code[i + 1] & 0xc7) != 5 || (i && (code[i - 1] & 0xf8) == 0x48) ||
		    !is_written_to(f, to) || to == found || !elf_file_function_start(f, vaddr + i, &other) ||
		    other != function)
			continue;
		if (found)
			return 0;
		found = to;
	}
	return found;
}

uint64_t dash_line_variable(const struct elf_file *f)
{
	uint64_t one = text_vaddr(f, with_command, sizeof(with_command)), two = text_vaddr(f, without, sizeof(without));
	uint64_t vaddr, offset, size;
	const unsigned char *code;

	if (!one || !two || f->size > FILE_BYTES_MAX || !elf_file_section(f, ".text", &vaddr, &offset, &size) ||
	    offset > f->size || size > f->size - offset)
		return 0;
	code = f->bytes + offset;
	for (uint64_t i = 0; i + 7 <= size; i++) {
		/* lea r64, [rip + d] of the one text, and of the other one close to it */
		if ((code[i] & 0xfb) != 0x48 || code[i + 1] != 0x8d || (code[i + 2] & 0xc7) != 5 ||
		    target(code + i, 7, vaddr + i) != one)
			continue;
		for (uint64_t k = i > WINDOW ? i - WINDOW : 0; k + 7 <= size && k < i + WINDOW; k++)
			if ((code[k] & 0xfb) == 0x48 && code[k + 1] == 0x8d && target(code + k, 7, vaddr + k) == two)
				return integer_near(f, code, size, i, vaddr);
	}
	return 0;
}

int dash_line(struct native *n)
{
	struct module *m = dash_module(n);
	uint64_t at = m && image_ready(m->image) ? dash_line_variable(&m->image->elf) : 0, first;
	unsigned char b[4];
	uint32_t line;

	if (!at || !module_vaddr(m, &n->p->maps, m->start, &first) || !peek_full(&n->p->peek, at + m->bias, b, sizeof(b)))
		return 0;
	line = bytes_u32(b, sizeof(b), 0);
	return line < LINE_MAX_NUMBER ? (int)line : 0;
}
#else
uint64_t dash_line_variable(const struct elf_file *f)
{
	(void)f;
	return 0;
}

int dash_line(struct native *n)
{
	(void)n;
	return 0;
}
#endif
