/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/native/elf_file.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static bool in_file(const struct elf_file *f, uint64_t off, uint64_t n)
{
	return off <= f->size && n <= f->size - off;
}

bool elf_file_segment(const struct elf_file *f, unsigned i, Elf64_Phdr *ph)
{
	uint64_t off = f->head.e_phoff + (uint64_t)i * sizeof(*ph);

	if (i >= f->head.e_phnum || f->head.e_phentsize != sizeof(*ph) || f->head.e_phoff > f->size ||
	    !in_file(f, off, sizeof(*ph)))
		return false;
	memcpy(ph, f->bytes + off, sizeof(*ph));
	return true;
}

static bool section(const struct elf_file *f, unsigned i, Elf64_Shdr *sh)
{
	uint64_t off = f->head.e_shoff + (uint64_t)i * sizeof(*sh);

	if (i >= f->head.e_shnum || f->head.e_shentsize != sizeof(*sh) || f->head.e_shoff > f->size ||
	    !in_file(f, off, sizeof(*sh)))
		return false;
	memcpy(sh, f->bytes + off, sizeof(*sh));
	return true;
}

/* A text that ends within the section of strings. */
static const char *string_at(const struct elf_file *f, const Elf64_Shdr *strings, uint64_t off)
{
	const char *s;

	if (strings->sh_type != SHT_STRTAB || !in_file(f, strings->sh_offset, strings->sh_size) ||
	    off >= strings->sh_size)
		return NULL;
	s = (const char *)f->bytes + strings->sh_offset + off;
	return memchr(s, '\0', strings->sh_size - off) ? s : NULL;
}

static void note_build_id(struct elf_file *f, uint64_t off, uint64_t size)
{
	while (size >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr nh;
		uint64_t name, desc, whole;

		memcpy(&nh, f->bytes + off, sizeof(nh));
		name = ((uint64_t)nh.n_namesz + 3) & ~UINT64_C(3);
		desc = ((uint64_t)nh.n_descsz + 3) & ~UINT64_C(3);
		whole = sizeof(nh) + name + desc;
		if (whole > size)
			return;
		if (nh.n_type == NT_GNU_BUILD_ID && nh.n_namesz == 4 &&
		    memcmp(f->bytes + off + sizeof(nh), "GNU", 4) == 0 && nh.n_descsz <= BUILD_ID_MAX) {
			f->build_id_len = (uint8_t)nh.n_descsz;
			memcpy(f->build_id, f->bytes + off + sizeof(nh) + name, nh.n_descsz);
			return;
		}
		off += whole;
		size -= whole;
	}
}

int elf_file_from(struct elf_file *f, const void *bytes, size_t size)
{
	const unsigned char wanted_data = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
	Elf64_Phdr ph;

	*f = (struct elf_file){ .bytes = bytes, .size = size };
	if (size < sizeof(f->head) || memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return -1;
	memcpy(&f->head, bytes, sizeof(f->head));
	if (f->head.e_ident[EI_CLASS] != ELFCLASS64 || f->head.e_ident[EI_DATA] != wanted_data)
		return -1;
	for (unsigned i = 0; !f->build_id_len && elf_file_segment(f, i, &ph); i++)
		if (ph.p_type == PT_NOTE && in_file(f, ph.p_offset, ph.p_filesz))
			note_build_id(f, ph.p_offset, ph.p_filesz);
	return 0;
}

int elf_file_open(struct elf_file *f, int fd)
{
	struct stat st;
	void *bytes;

	*f = (struct elf_file){ 0 };
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(f->head))
		return -1;
	/* private: what is changed in it (eh_frame_sign.c) is changed for us alone */
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return -1;
	if (elf_file_from(f, bytes, (size_t)st.st_size) < 0) {
		munmap(bytes, (size_t)st.st_size);
		return -1;
	}
	f->mapped = true;
	return 0;
}

void elf_file_close(struct elf_file *f)
{
	if (f->mapped)
		munmap((void *)(uintptr_t)f->bytes, f->size);
	*f = (struct elf_file){ 0 };
}

bool elf_file_vaddr(const struct elf_file *f, uint64_t offset, uint64_t *vaddr)
{
	Elf64_Phdr ph;

	for (unsigned i = 0; elf_file_segment(f, i, &ph); i++)
		if (ph.p_type == PT_LOAD && offset >= ph.p_offset && offset - ph.p_offset < ph.p_filesz) {
			*vaddr = offset - ph.p_offset + ph.p_vaddr;
			return true;
		}
	return false;
}

bool elf_file_section(const struct elf_file *f, const char *name, uint64_t *vaddr, uint64_t *offset, uint64_t *size)
{
	Elf64_Shdr names, sh;

	if (!section(f, f->head.e_shstrndx, &names))
		return false;
	for (unsigned i = 0; section(f, i, &sh); i++) {
		const char *n = string_at(f, &names, sh.sh_name);

		if (n && strcmp(n, name) == 0) {
			*vaddr = sh.sh_addr;
			*offset = sh.sh_offset;
			*size = sh.sh_size;
			return true;
		}
	}
	return false;
}

bool elf_file_has_section(const struct elf_file *f, const char *name)
{
	uint64_t a, b, size;

	return elf_file_section(f, name, &a, &b, &size) && size > 0;
}

/* Several names for one place: a sized one before one without an end, public before private, plain before
 * underlined. */
static int name_rank(const Elf64_Sym *sym, const char *name)
{
	int rank = sym->st_size ? 100 : 0;

	rank += ELF64_ST_BIND(sym->st_info) == STB_GLOBAL ? 10 : ELF64_ST_BIND(sym->st_info) == STB_WEAK ? 5 : 0;
	return rank + (name[0] == '_' ? 0 : 2) + (name[0] == '_' && name[1] == '_' ? 0 : 1);
}

/* First of names whose address is at or above vaddr. */
static size_t name_lower(const struct elf_name *names, size_t n, uint64_t vaddr)
{
	size_t lo = 0;

	while (lo < n) {
		size_t mid = lo + (n - lo) / 2;

		if (names[mid].vaddr < vaddr)
			lo = mid + 1;
		else
			n = mid;
	}
	return lo;
}

enum { UNSIZED_REACH = 4096 };

static void symbol_offer(const struct elf_file *f, const Elf64_Shdr *strings, const Elf64_Sym *sym,
			 struct elf_name *names, size_t n)
{
	uint64_t reach = sym->st_size ? sym->st_size : UNSIZED_REACH;
	const char *name = NULL;

	if (!n || sym->st_value > names[n - 1].vaddr ||
	    (names[0].vaddr >= sym->st_value && names[0].vaddr - sym->st_value >= reach))
		return;
	for (size_t i = name_lower(names, n, sym->st_value); i < n && names[i].vaddr - sym->st_value < reach; i++) {
		int rank;

		if (!name) {
			name = string_at(f, strings, sym->st_name);
			if (!name || !*name || *name == '$') /* $x, $d: marks of arm64 assemblers */
				return;
		}
		rank = name_rank(sym, name);
		/* Without an end the nearest counts; with one, the innermost. */
		if (names[i].name && (names[i].rank / 100 > rank / 100 ||
				      (names[i].rank / 100 == rank / 100 &&
				       (names[i].at > sym->st_value ||
					(names[i].at == sym->st_value && names[i].rank >= rank)))))
			continue;
		names[i].name = name;
		names[i].at = sym->st_value;
		names[i].size = sym->st_size;
		names[i].rank = rank;
	}
}

bool elf_file_names(const struct elf_file *f, struct elf_name *names, size_t n)
{
	Elf64_Shdr sh, strings;
	bool full = false;

	for (unsigned i = 0; section(f, i, &sh); i++) {
		if ((sh.sh_type != SHT_SYMTAB && sh.sh_type != SHT_DYNSYM) || !in_file(f, sh.sh_offset, sh.sh_size) ||
		    !section(f, sh.sh_link, &strings))
			continue;
		full |= sh.sh_type == SHT_SYMTAB;
		for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= sh.sh_size; at += sizeof(Elf64_Sym)) {
			Elf64_Sym sym;
			unsigned type;

			memcpy(&sym, f->bytes + sh.sh_offset + at, sizeof(sym));
			type = ELF64_ST_TYPE(sym.st_info);
			if ((type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE) &&
			    sym.st_shndx != SHN_UNDEF && sym.st_value)
				symbol_offer(f, &strings, &sym, names, n);
		}
	}
	return full;
}

const unsigned char *elf_file_at(const struct elf_file *f, uint64_t vaddr, size_t n)
{
	Elf64_Phdr ph;

	for (unsigned i = 0; elf_file_segment(f, i, &ph); i++)
		if (ph.p_type == PT_LOAD && vaddr >= ph.p_vaddr && vaddr - ph.p_vaddr < ph.p_filesz &&
		    n <= ph.p_filesz - (vaddr - ph.p_vaddr) && in_file(f, ph.p_offset, ph.p_filesz))
			return f->bytes + ph.p_offset + (vaddr - ph.p_vaddr);
	return NULL;
}

static bool symbol_matches(const struct elf_file *f, const Elf64_Shdr *symbols, const Elf64_Shdr *strings, uint64_t i,
			   const char *name, size_t len, Elf64_Sym *sym)
{
	if (i >= symbols->sh_size / sizeof(*sym))
		return false;
	memcpy(sym, f->bytes + symbols->sh_offset + i * sizeof(*sym), sizeof(*sym));
	return sym->st_shndx != SHN_UNDEF && sym->st_value && sym->st_name < strings->sh_size &&
	       len <= strings->sh_size - sym->st_name &&
	       memcmp(f->bytes + strings->sh_offset + sym->st_name, name, len) == 0;
}

static uint32_t word_of(const unsigned char *b, uint64_t i)
{
	uint32_t v;

	memcpy(&v, b + i * sizeof(v), sizeof(v));
	return v;
}

/* By the table that the dynamic linker uses: four words, a Bloom filter of 64-bit words, buckets, chains. 1 found, 0
 * it is not there, -1 there is no such table for these symbols, or a broken one. */
static int symbol_by_hash(const struct elf_file *f, unsigned table, const Elf64_Shdr *symbols, const Elf64_Shdr *strings,
			  const char *name, size_t len, Elf64_Sym *sym)
{
	uint64_t words, buckets, chains;
	const unsigned char *b;
	uint32_t hash = 5381;
	Elf64_Shdr sh;

	for (unsigned i = 0;; i++) {
		if (!section(f, i, &sh))
			return -1;
		if (sh.sh_type == SHT_GNU_HASH && sh.sh_link == table)
			break;
	}
	words = sh.sh_size / 4;
	if (words < 4 || !in_file(f, sh.sh_offset, sh.sh_size))
		return -1;
	b = f->bytes + sh.sh_offset;
	buckets = 4 + 2 * (uint64_t)word_of(b, 2);
	chains = buckets + word_of(b, 0);
	if (!word_of(b, 0) || chains > words)
		return -1;
	for (const char *c = name; *c; c++)
		hash = hash * 33 + (unsigned char)*c;
	for (uint64_t i = word_of(b, buckets + hash % word_of(b, 0)); i >= word_of(b, 1); i++) {
		uint64_t at = chains + i - word_of(b, 1);

		if (at >= words)
			return -1;
		if ((word_of(b, at) | 1) == (hash | 1) && symbol_matches(f, symbols, strings, i, name, len, sym))
			return 1;
		if (word_of(b, at) & 1)
			break;
	}
	return 0;
}

uint64_t elf_file_symbol(const struct elf_file *f, const char *name, bool dynamic_only)
{
	Elf64_Sym sym;

	return elf_file_symbol_entry(f, name, dynamic_only, &sym) ? sym.st_value : 0;
}

bool elf_file_symbol_entry(const struct elf_file *f, const char *name, bool dynamic_only, Elf64_Sym *sym)
{
	size_t len = strlen(name) + 1;
	Elf64_Shdr sh, strings;

	for (unsigned i = 0; section(f, i, &sh); i++) {
		int known = -1;

		if ((sh.sh_type != SHT_DYNSYM && (sh.sh_type != SHT_SYMTAB || dynamic_only)) ||
		    !in_file(f, sh.sh_offset, sh.sh_size) || !section(f, sh.sh_link, &strings) ||
		    strings.sh_type != SHT_STRTAB || !in_file(f, strings.sh_offset, strings.sh_size))
			continue;
		if (sh.sh_type == SHT_DYNSYM)
			known = symbol_by_hash(f, i, &sh, &strings, name, len, sym);
		if (known > 0)
			return true;
		for (uint64_t k = 0; known < 0 && k < sh.sh_size / sizeof(Elf64_Sym); k++)
			if (symbol_matches(f, &sh, &strings, k, name, len, sym))
				return true;
	}
	return false;
}
