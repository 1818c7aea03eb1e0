/* SPDX-License-Identifier: Apache-2.0 */
/* mem.h - allocation. A process of ours that runs out of memory says so and
 * ends with 125; its guardian (the other process) ends the tree and seals the
 * trace. So no caller checks for NULL. Cleanup attributes show ownership. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Called before the end for want of memory, once: to remove what would be left behind. It must not
 * allocate. */
void mem_on_failure(void (*fn)(void));

/* For a program that reads what others wrote, which may be made to need much more memory than there is (a debug section of
 * two gigabytes in a program of two megabytes): at most 2 GiB of address space from now on, for what it executes, too.
 * A lower limit stays. */
void mem_limit_of_helper(void);

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t size);
/* Array growth with overflow check: make room for `count` elements of `size`. */
void *xreallocarray(void *p, size_t count, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void mem_free_ptr(void *pp); /* frees *(void **)pp and clears it */
#define auto_free __attribute__((cleanup(mem_free_ptr)))

/* Hands an owned pointer over: returns *pp and clears it. */
#define ptr_steal(pp) ({ __typeof__(*(pp)) stolen_ = *(pp); *(pp) = NULL; stolen_; })

#endif
