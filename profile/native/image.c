/* SPDX-License-Identifier: Apache-2.0 */
/* image.c - files that processes have mapped, each opened once however many processes share it, and only where a frame
 * lies in it: a desktop program has mapped a hundred libraries and stands in three. */
#include "profile/native/resolve.h"

#include "base/frame_home.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { VDSO_MAX = 64 * 1024 };

static bool same_file(int fd, const struct map_entry *map)
{
	struct stat st;

	/* Overlay and some other file systems show another device in maps than to stat: the inode has to do. */
	return fstat(fd, &st) == 0 && st.st_ino == map->inode;
}

/* The file as the process sees it: another mount namespace is entered by its root. A file that was replaced
 * since is not the one that is mapped. */
static int image_file(const struct snap_process *p, const struct map_entry *map)
{
	char path[4200];
	int fd = -1;

	if (!p->foreign_ns && !map->deleted) {
		fd = open(map->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0 && same_file(fd, map))
			return fd;
		fd_close(&fd);
	}
	snprintf(path, sizeof(path), "/proc/%d/root%s", (int)p->pid, map->path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && same_file(fd, map))
		return fd;
	fd_close(&fd);
	if (p->exe && strncmp(p->exe, map->path, strlen(map->path)) == 0) {
		snprintf(path, sizeof(path), "/proc/%d/exe", (int)p->pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && same_file(fd, map))
			return fd;
		fd_close(&fd);
	}
	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", (int)p->pid, (unsigned long long)map->start,
		 (unsigned long long)map->end);
	return open(path, O_RDONLY | O_CLOEXEC);
}

struct image *image_for(struct resolver *r, struct snap_process *p, const struct map_entry *map)
{
	struct image *im;

	for (size_t i = 0; i < r->image_count; i++) {
		im = r->images[i];
		if (im->ino == map->inode && im->dev_major == map->dev_major && im->dev_minor == map->dev_minor &&
		    strcmp(im->path, map->path) == 0)
			return im;
	}
	im = xcalloc(1, sizeof(*im));
	*im = (struct image){ .ino = map->inode, .dev_major = map->dev_major, .dev_minor = map->dev_minor,
			      .path = xstrdup(map->path), .fd = -1, .debug_fd = -1,
			      .runtime = frame_module_is_runtime(map->path),
			      .process = p, .map = map };
	r->images = xreallocarray(r->images, r->image_count + 1, sizeof(struct image *));
	r->images[r->image_count++] = im;
	return im;
}

static bool image_open(struct image *im)
{
	const struct map_entry *map = im->map;

	if (strcmp(map->path, "[vdso]") == 0) {
		size_t n = map->end - map->start < VDSO_MAX ? (size_t)(map->end - map->start) : VDSO_MAX;

		im->copy = xcalloc(1, n);
		return peek_full(&im->process->peek, map->start, im->copy, n) && elf_file_from(&im->elf, im->copy, n) == 0;
	}
	im->fd = image_file(im->process, map);
	return im->fd >= 0 ? elf_file_open(&im->elf, im->fd) == 0 : image_from_memory(im);
}

bool image_ready(struct image *im)
{
	if (im->tried)
		return im->readable;
	im->tried = true;
	im->readable = image_open(im);
	if (im->readable && im->elf.head.e_machine == EM_AARCH64) {
		uint64_t offset, size;

		if (elf_file_eh_frame(&im->elf, &offset, &size))
			eh_frame_unsign((unsigned char *)(uintptr_t)im->elf.bytes + offset, size);
	}
	return im->readable;
}

void image_free(struct image *im)
{
	free(im->units);
	if (im->dwarf)
		dwarf_end(im->dwarf);
	if (im->dwarf_elf)
		elf_end(im->dwarf_elf);
	elf_file_close(&im->elf);
	elf_file_close(&im->debug);
	elf_file_close(&im->mini);
	free(im->mini_bytes);
	fd_close(&im->fd);
	fd_close(&im->debug_fd);
	free(im->copy);
	free(im->path);
	free(im);
}

struct module *native_module(struct native *n, uint64_t addr)
{
	size_t lo = 0, hi = n->module_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr < n->modules[mid].start)
			hi = mid;
		else if (addr >= n->modules[mid].end)
			lo = mid + 1;
		else
			return &n->modules[mid];
	}
	return NULL;
}

bool module_vaddr(struct module *m, const struct maps *maps, uint64_t addr, uint64_t *vaddr)
{
	const struct map_entry *map = maps_find(maps, addr);

	if (!m->image || !image_ready(m->image))
		return false;
	if (!m->bias_known) {
		if (!map || !elf_file_vaddr(&m->image->elf, addr - map->start + map->offset, vaddr))
			return false;
		m->bias = addr - *vaddr;
		m->bias_known = true;
	}
	*vaddr = addr - m->bias;
	return true;
}

uint64_t native_symbol(struct native *n, struct module *m, const char *name)
{
	uint64_t vaddr, first;

	if (!m->image || !image_ready(m->image))
		return 0;
	vaddr = elf_file_symbol(&m->image->elf, name, !strstr(m->image->path, "python"));
	return vaddr && module_vaddr(m, &n->p->maps, m->start, &first) ? vaddr + m->bias : 0;
}
