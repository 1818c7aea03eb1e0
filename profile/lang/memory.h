/* SPDX-License-Identifier: Apache-2.0 */
/* memory.h - another program's memory by whole pages, each read once: what a runtime keeps of one thread lies close
 * together. What is cached is as old as its first reading: lang_forget() before something that must be new. */
#ifndef PROFILE_LANG_MEMORY_H
#define PROFILE_LANG_MEMORY_H

#include "profile/proc/maps.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LANG_PAGE = 4096, LANG_PAGES = 128 };
struct lang_page {
	uint64_t address; /* 0: none */
	unsigned char bytes[LANG_PAGE];
};
struct lang_mem {
	struct peek *peek; /* borrowed */
	struct lang_page *pages;
};

void lang_mem_init(struct lang_mem *m, struct peek *peek);
void lang_mem_release(struct lang_mem *m);
void lang_forget(struct lang_mem *m);
/* All or nothing. */
bool lang_read(struct lang_mem *m, uint64_t addr, void *buf, size_t n);
/* 0 where nothing can be read. */
uint64_t lang_u64(struct lang_mem *m, uint64_t addr);
uint32_t lang_u32(struct lang_mem *m, uint64_t addr);
uint8_t lang_u8(struct lang_mem *m, uint64_t addr);
/* So many bytes as a text, cut at a NUL, control characters and what is not UTF-8 replaced; NULL where they cannot be
 * read. A length above `max` is cut to it. Caller frees. */
char *lang_text(struct lang_mem *m, uint64_t addr, uint64_t n, size_t max);
/* A text that ends by NUL within `max` bytes. NULL otherwise. Caller frees. */
char *lang_string(struct lang_mem *m, uint64_t addr, size_t max);

/* Words of a copy that nobody checks twice: 0 beyond its end. */
uint64_t bytes_u64(const unsigned char *b, size_t n, uint64_t at);
uint32_t bytes_u32(const unsigned char *b, size_t n, uint64_t at);

#endif
