/* SPDX-License-Identifier: Apache-2.0 */
/* debug_file.c - where the names of a stripped file are: a debug file of its own, found by build-id or by the name
 * that the file gives (.gnu_debuglink), or a small compressed ELF file within it (.gnu_debugdata). Never the network. */
#include "profile/native/resolve.h"

#include "base/mem.h"

#include <fcntl.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 4400, MINI_MAX_BYTES = 64 << 20, LZMA_MEMORY_BYTES = 128 << 20 };

static const unsigned char *section_bytes(const struct elf_file *f, const char *name, uint64_t *size)
{
	uint64_t vaddr, offset;

	if (!elf_file_section(f, name, &vaddr, &offset, size) || offset > f->size || *size > f->size - offset)
		return NULL;
	return f->bytes + offset;
}

static bool same_build(const struct elf_file *a, const struct elf_file *b)
{
	return a->build_id_len && a->build_id_len == b->build_id_len &&
	       memcmp(a->build_id, b->build_id, a->build_id_len) == 0;
}

/* The checksum of a .gnu_debuglink: CRC-32 as of zlib and Ethernet. */
static uint32_t crc32_of(const unsigned char *b, size_t n)
{
	uint32_t table[256], crc = UINT32_MAX;

	for (uint32_t i = 0; i < 256; i++) {
		uint32_t v = i;

		for (int k = 0; k < 8; k++)
			v = v & 1 ? UINT32_C(0xedb88320) ^ v >> 1 : v >> 1;
		table[i] = v;
	}
	while (n--)
		crc = table[(crc ^ *b++) & 0xff] ^ crc >> 8;
	return ~crc;
}

/* Takes the file if it belongs to the image. crc: its checksum where the name came from a link, else NULL. */
static bool debug_take(struct image *im, const char *path, const uint32_t *crc)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct elf_file f;

	if (fd < 0)
		return false;
	if (elf_file_open(&f, fd) < 0) {
		fd_close(&fd);
		return false;
	}
	if (same_build(&im->elf, &f) || (crc && !im->elf.build_id_len && crc32_of(f.bytes, f.size) == *crc)) {
		im->debug = f;
		im->debug_fd = fd;
		return true;
	}
	elf_file_close(&f);
	fd_close(&fd);
	return false;
}

/* /usr/lib/debug/.build-id/ab/cdef….debug, as Debian and Fedora install them. */
static bool by_build_id(struct image *im, const char *root)
{
	char path[PATH_SIZE];
	size_t at;

	if (im->elf.build_id_len < 3)
		return false;
	at = (size_t)snprintf(path, sizeof(path), "%s/usr/lib/debug/.build-id/%02x/", root, im->elf.build_id[0]);
	for (int i = 1; i < im->elf.build_id_len && at < sizeof(path) - 16; i++)
		at += (size_t)snprintf(path + at, sizeof(path) - at, "%02x", im->elf.build_id[i]);
	snprintf(path + at, sizeof(path) - at, ".debug");
	return debug_take(im, path, NULL);
}

/* gdb's places for a name out of a .gnu_debuglink. */
static bool by_link(struct image *im, const char *root)
{
	static const char *const forms[] = { "%s%.*s/%s", "%s%.*s/.debug/%s", "%s/usr/lib/debug%.*s/%s" };
	const char *slash = strrchr(im->path, '/'), *name;
	const unsigned char *link;
	char path[PATH_SIZE];
	uint64_t size, end;
	uint32_t crc;

	link = section_bytes(&im->elf, ".gnu_debuglink", &size);
	if (!link || !slash || !memchr(link, '\0', size))
		return false;
	name = (const char *)link;
	end = (strlen(name) + 4) & ~UINT64_C(3);
	if (!*name || strchr(name, '/') || end + sizeof(crc) > size)
		return false;
	memcpy(&crc, link + end, sizeof(crc));
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		int n = snprintf(path, sizeof(path), forms[i], root, (int)(slash - im->path), im->path, name);

		if (n > 0 && (size_t)n < sizeof(path) && debug_take(im, path, &crc))
			return true;
	}
	return false;
}

struct elf_file *image_debug(struct image *im)
{
	char root[40] = "";

	if (im->debug_tried)
		return im->debug.size ? &im->debug : NULL;
	im->debug_tried = true;
	if (by_build_id(im, root) || by_link(im, root))
		return &im->debug;
	if (im->process && im->process->foreign_ns) {
		snprintf(root, sizeof(root), "/proc/%d/root", (int)im->process->pid);
		if (by_build_id(im, root) || by_link(im, root))
			return &im->debug;
	}
	return NULL;
}

unsigned char *debug_data_unpack(const void *packed, size_t n, size_t *size)
{
	lzma_stream z = LZMA_STREAM_INIT;
	unsigned char *out = NULL;
	size_t cap = 0;
	lzma_ret rc = lzma_stream_decoder(&z, LZMA_MEMORY_BYTES, 0);

	z.next_in = packed;
	z.avail_in = n;
	while (rc == LZMA_OK && z.total_out < MINI_MAX_BYTES) {
		cap = cap ? cap * 2 : n * 4 + 4096;
		out = xrealloc(out, cap);
		z.next_out = out + z.total_out;
		z.avail_out = cap - (size_t)z.total_out;
		rc = lzma_code(&z, LZMA_FINISH);
	}
	*size = (size_t)z.total_out;
	lzma_end(&z);
	if (rc != LZMA_STREAM_END)
		mem_free_ptr(&out);
	return out;
}

struct elf_file *image_mini(struct image *im)
{
	const unsigned char *packed;
	uint64_t size;
	size_t n;

	if (im->mini_tried)
		return im->mini.size ? &im->mini : NULL;
	im->mini_tried = true;
	packed = section_bytes(&im->elf, ".gnu_debugdata", &size);
	if (!packed)
		return NULL;
	im->mini_bytes = debug_data_unpack(packed, size, &n);
	if (!im->mini_bytes || elf_file_from(&im->mini, im->mini_bytes, n) < 0) {
		im->mini = (struct elf_file){ 0 };
		return NULL;
	}
	return &im->mini;
}
