/* SPDX-License-Identifier: Apache-2.0 */
/* tree_cache.h - syntax trees of files that an earlier audit has read, by content. What is in the folder may be damaged, or
 * somebody else's: a tree is taken only if it fits its source and its own digest. */
#ifndef AUDIT_TREE_CACHE_H
#define AUDIT_TREE_CACHE_H

#include "audit/tree.h"

#include <pthread.h>

struct tree_cache {
	const char *dir; /* NULL: none */
	bool write;      /* what is not there is added */
	/* its own */
	pthread_mutex_t lock;
	struct strv used;
};
#define TREE_CACHE_INIT(dir_, write_) { .dir = (dir_), .write = (write_), .lock = PTHREAD_MUTEX_INITIALIZER }

/* The name that a source's tree has in the cache: of its language and bytes. Nobody makes two sources with one. */
struct tree_name {
	char z[40];
};
void tree_name_of(const char *language, const char *text, size_t n, struct tree_name *out);

/* As tree_parse(), but out of the cache where it is there. c may be NULL; name: as tree_name_of() says, or NULL. Safe on
 * several threads. */
int tree_load(struct tree_cache *c, const char *language, const char *text, size_t n, const struct tree_name *name,
	struct tree *t);

/* The tree of that name is not loaded, but stays in the cache. */
void tree_cache_keep(struct tree_cache *c, const struct tree_name *name);

/* The bytes of another file of the cache. False if it is missing or others may write it. The caller frees *out. */
bool tree_cache_read(const char *path, char **out, size_t *n);
/* Maps them, read only; the caller unmaps. False also for an empty file. */
bool tree_cache_map(const char *path, void **out, size_t *n);

/* Removes what was not asked for, and what the cache holds in memory. */
void tree_cache_close(struct tree_cache *c);

#endif
