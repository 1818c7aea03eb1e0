/* SPDX-License-Identifier: Apache-2.0 */
/* maps.h - /proc/PID/maps, and reading another process's memory. No parser of binaries here. */
#ifndef PROFILE_PROC_MAPS_H
#define PROFILE_PROC_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct map_entry {
	uint64_t start, end, offset;
	bool r, w, x;
	unsigned dev_major, dev_minor;
	uint64_t inode;
	const char *path; /* "" where there is none; "[stack]", "[vdso]"; in the text of struct maps */
	bool deleted;     /* the kernel's " (deleted)", cut off from path */
};

struct maps {
	struct map_entry *v; /* by address */
	size_t n;
	char *text;
};

/* Parses text (taken over, also on failure). Lines that are no map are left out. */
void maps_parse(struct maps *m, char *text, size_t n);
/* 0, or -1 with errno. */
int maps_read(struct maps *m, pid_t pid);
void maps_release(struct maps *m);
/* The map that holds addr, or NULL. */
const struct map_entry *maps_find(const struct maps *m, uint64_t addr);

/* Memory of another process: process_vm_readv, or pread of an open /proc/PID/mem where the reader may not
 * look by itself but was handed a descriptor by one who may. Never writes. */
struct agent;
struct peek {
	pid_t pid;
	int mem_fd;     /* -1: none; closed with its snapshot */
	unsigned calls; /* made so far */
	bool off;       /* a read would hang on the lock of its memory: none is made */
	struct agent *agent; /* who stops a thread for us (agent.h); NULL: we do */
};
/* Copies n bytes. The count copied from the beginning (less than n at a hole), or -1 with errno. */
ssize_t peek_read(struct peek *p, uint64_t addr, void *buf, size_t n);
/* Copies several pieces with few calls. How many, from the first on, came whole. */
struct peek_piece {
	uint64_t addr;
	void *to;
	size_t n;
};
size_t peek_pieces(struct peek *p, const struct peek_piece *v, size_t count);
/* All or nothing. */
bool peek_full(struct peek *p, uint64_t addr, void *buf, size_t n);
static inline bool peek_u64(struct peek *p, uint64_t addr, uint64_t *v) { return peek_full(p, addr, v, sizeof(*v)); }
static inline bool peek_u32(struct peek *p, uint64_t addr, uint32_t *v) { return peek_full(p, addr, v, sizeof(*v)); }

#endif
