/* SPDX-License-Identifier: Apache-2.0 */
/* elf_file.h - names out of a 64-bit ELF file. It is somebody else's and may be broken: every offset is checked. */
#ifndef PROFILE_NATIVE_ELF_FILE_H
#define PROFILE_NATIVE_ELF_FILE_H

#include "profile/snapshot/snapshot.h"

#include <elf.h>

struct elf_file {
	const unsigned char *bytes;
	size_t size;
	bool mapped;             /* ours to unmap; else borrowed */
	Elf64_Ehdr head;
	uint8_t build_id[BUILD_ID_MAX];
	uint8_t build_id_len;
};

/* Maps the file behind fd. 0 or -1 (no 64-bit ELF file of this machine's byte order). */
int elf_file_open(struct elf_file *f, int fd);
/* The same over bytes of the caller's. */
int elf_file_from(struct elf_file *f, const void *bytes, size_t size);
void elf_file_close(struct elf_file *f);

/* Program header i; false behind the last, and where it is not in the file. */
bool elf_file_segment(const struct elf_file *f, unsigned i, Elf64_Phdr *ph);
/* n bytes that are loaded at vaddr, in the file's bytes; NULL where they are not in the file. */
const unsigned char *elf_file_at(const struct elf_file *f, uint64_t vaddr, size_t n);
/* Where the function begins that holds vaddr (eh_frame.c). False where the file has no table of them. Code without
 * an entry of its own counts to the function before it. */
bool elf_file_function_start(const struct elf_file *f, uint64_t vaddr, uint64_t *start);
/* The table behind the header of which elf_file_function_start() reads. False where there is none. */
bool elf_file_eh_frame(const struct elf_file *f, uint64_t *offset, uint64_t *size);
/* Turns arm64's instruction for signed return addresses into one that does nothing (eh_frame_sign.c). */
void eh_frame_unsign(unsigned char *table, uint64_t size);
/* Offset in the file to address in the file's own numbering. False where nothing is loaded from there. */
bool elf_file_vaddr(const struct elf_file *f, uint64_t offset, uint64_t *vaddr);
bool elf_file_has_section(const struct elf_file *f, const char *name);

/* One address to be named. Several are named in one pass over the symbols: no index has to be built,
 * sorted or kept, and a pass over 100,000 symbols takes about a millisecond. */
struct elf_name {
	uint64_t vaddr;
	const char *name;   /* out: in the file's bytes; NULL unknown */
	uint64_t at, size;  /* out: of the symbol */
	int rank;           /* inner: how good the name is */
};
/* names sorted by vaddr. Fills what it can better than before. True where the file has a full .symtab. */
bool elf_file_names(const struct elf_file *f, struct elf_name *names, size_t n);
/* Address of one symbol by name, 0 where it is not there. dynamic_only: among those for other files alone. */
uint64_t elf_file_symbol(const struct elf_file *f, const char *name, bool dynamic_only);
/* The same, with all that the table says of it. */
bool elf_file_symbol_entry(const struct elf_file *f, const char *name, bool dynamic_only, Elf64_Sym *sym);
/* A section's place in the file's own numbering; false where it is not there. */
bool elf_file_section(const struct elf_file *f, const char *name, uint64_t *vaddr, uint64_t *offset, uint64_t *size);

/* Name for people: C++ by the C++ library where it can be loaded, Rust by its own rules. NULL where name is
 * not mangled. Caller frees. */
char *demangle(const char *name);

#endif
