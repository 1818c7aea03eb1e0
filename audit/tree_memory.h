/* SPDX-License-Identifier: Apache-2.0 */
/* tree_memory.h - what the parser allocates: out of blocks of its thread, which are given back at once when a source has
 * been read, for the parser asks for small pieces by the million. It also counts, so that what a source may cost is bounded
 * without a clock. */
#ifndef AUDIT_TREE_MEMORY_H
#define AUDIT_TREE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For ts_set_allocator(). */
void *tree_memory_malloc(size_t n);
void *tree_memory_calloc(size_t n, size_t size);
void *tree_memory_realloc(void *p, size_t n);
void tree_memory_free(void *p);

/* From now on this thread counts what is asked for, up to max_bytes. */
void tree_memory_bound(uint64_t max_bytes);
bool tree_memory_is_exceeded(void);
/* Everything this thread was given is free; true: that was done, and it must not be freed one by one. */
bool tree_memory_reset(void);
/* The thread ends: its blocks, too. */
void tree_memory_release(void);

#endif
