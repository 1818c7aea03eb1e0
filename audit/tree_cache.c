/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/tree_cache.h"

#include "base/fd.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/path.h"

#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGEST 16 /* of a name: nobody makes two sources with one */
#define ENDING ".tree"

struct head {
	char magic[8];
	uint32_t count, name_count, lines, has_errors, source_bytes, unused;
	uint64_t meaning, hash; /* of nodes and names: detects damage; it is no protection from those who may write here */
};
static const char magic[8] = "srtree3";

void tree_name_of(const char *language, const char *text, size_t n, struct tree_name *out)
{
	crypto_generichash_state s;
	unsigned char digest[DIGEST];
	auto_str identity = STR_INIT;

	tree_identity(language, &identity);
	crypto_generichash_init(&s, NULL, 0, DIGEST);
	crypto_generichash_update(&s, (const unsigned char *)str_cstr(&identity), identity.len + 1);
	crypto_generichash_update(&s, (const unsigned char *)text, n);
	crypto_generichash_final(&s, digest, DIGEST);
	sodium_bin2hex(out->z, 2 * DIGEST + 1, digest, DIGEST);
	memcpy(out->z + 2 * DIGEST, ENDING, sizeof(ENDING));
}

static uint64_t hash_of(const struct tree *t)
{
	uint64_t h = hash_bytes(t->count ^ t->meaning, t->nodes, (size_t)t->count * sizeof(*t->nodes));

	return t->name_count ? hash_bytes(h, t->names, (size_t)t->name_count * sizeof(*t->names)) : h;
}

/* Every child and sibling comes later in the array: there are no cycles. */
static bool is_tree(const struct tree *t, size_t source_bytes)
{
	uint32_t count = t->count;

	for (uint32_t i = 0; i < count; i++) {
		const struct tree_node *n = &t->nodes[i];

		if ((n->first && (n->first <= i || n->first >= count)) || (n->next && (n->next <= i ||
			n->next >= count)) ||
		    n->start > n->end || n->end > source_bytes || n->kind >= K_COUNT || n->field >= F_COUNT ||
		    (n->kind == K_identifier && n->name >= t->name_count))
			return false;
	}
	for (uint32_t i = 0; i < t->name_count; i++)
		if (t->names[i] >= count)
			return false;
	return count >= 2;
}

static bool read_all(int fd, void *to, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = read(fd, (char *)to + done, n - done);

		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

/* Opens a file of the cache; refuses one that another user owns or that others may write. Returns its size, or -1. */
static int64_t open_own(const char *path, int *fd)
{
	struct stat st;

	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (*fd < 0 || fstat(*fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)))
		return -1;
	return st.st_size;
}

bool tree_cache_read(const char *path, char **out, size_t *n)
{
	auto_close int fd = -1;
	int64_t size = open_own(path, &fd);

	if (size < 0)
		return false;
	*n = (size_t)size;
	*out = xmalloc(*n + 1);
	if (read_all(fd, *out, *n))
		return true;
	mem_free_ptr(out);
	return false;
}

/* Files of the cache are replaced, never written again: what is mapped stays as it was when it was checked. */
bool tree_cache_map(const char *path, void **out, size_t *n)
{
	auto_close int fd = -1;
	int64_t size = open_own(path, &fd);

	*n = size > 0 ? (size_t)size : 0;
	*out = size > 0 ? mmap(NULL, *n, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
	return *out != MAP_FAILED;
}

static bool read_cached(const char *path, size_t source_bytes, struct tree *t)
{
	auto_close int fd = -1;
	int64_t size = open_own(path, &fd);
	struct head h;
	char *map;

	if (size < (int64_t)sizeof(h) || !read_all(fd, &h, sizeof(h)) || memcmp(h.magic, magic, sizeof(magic)) != 0 ||
	    h.source_bytes != source_bytes ||
	    (uint64_t)size != sizeof(h) + (uint64_t)h.count * sizeof(struct tree_node) +
	    (uint64_t)h.name_count * sizeof(uint32_t))
		return false;
	map = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (map == MAP_FAILED)
		return false;
	*t = (struct tree){ .nodes = (struct tree_node *)(void *)(map + sizeof(h)), .count = h.count, .cap = h.count,
		.name_count = h.name_count, .lines = h.lines, .has_errors = h.has_errors != 0, .meaning = h.meaning,
		.mapped = map, .mapped_bytes = (size_t)size };
	t->names = (uint32_t *)(void *)(t->nodes + h.count);
	if (hash_of(t) == h.hash && is_tree(t, source_bytes))
		return true;
	tree_free_nodes(t);
	return false;
}

/* A cache that cannot be written changes nothing. */
static void write_cached(const char *path, size_t source_bytes, const struct tree *t)
{
	struct head h = { .count = t->count, .name_count = t->name_count, .lines = t->lines, .has_errors = t->has_errors,
		.source_bytes = (uint32_t)source_bytes, .meaning = t->meaning, .hash = hash_of(t) };
	struct file_out f;
	struct err ignored = { 0 };

	memcpy(h.magic, magic, sizeof(magic));
	if (file_out_open(&f, path, &ignored) < 0)
		return;
	file_out_write(&f, &h, sizeof(h));
	file_out_write(&f, t->nodes, (size_t)t->count * sizeof(*t->nodes));
	file_out_write(&f, t->names, (size_t)t->name_count * sizeof(*t->names));
	(void)file_out_commit(&f, &ignored);
}

void tree_cache_keep(struct tree_cache *c, const struct tree_name *name)
{
	pthread_mutex_lock(&c->lock);
	strv_add(&c->used, name->z);
	pthread_mutex_unlock(&c->lock);
}

int tree_load(struct tree_cache *c, const char *language, const char *text, size_t n, const struct tree_name *name,
	struct tree *t)
{
	struct tree_name own;
	auto_free char *path = NULL;
	int rc;

	if (!c || !c->dir || !tree_has_language(language))
		return tree_parse(language, text, n, t);
	if (!name) {
		tree_name_of(language, text, n, &own);
		name = &own;
	}
	tree_cache_keep(c, name);
	path = path_join(c->dir, name->z);
	if (read_cached(path, n, t))
		return 0;
	rc = tree_parse(language, text, n, t);
	if (rc == 0 && c->write && t->count >= 2)
		write_cached(path, n, t);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void tree_cache_close(struct tree_cache *c)
{
	DIR *d = c->dir && c->write ? opendir(c->dir) : NULL;
	struct dirent *item;

	if (c->used.n)
		qsort(c->used.v, c->used.n, sizeof(*c->used.v), by_name);
	while (d && (item = readdir(d))) {
		const char *name = item->d_name;

		if (str_ends(name, ENDING) && name[0] != '.' &&
		    !(c->used.n && bsearch(&name, c->used.v, c->used.n, sizeof(*c->used.v), by_name)))
			(void)unlinkat(dirfd(d), name, 0);
	}
	if (d)
		closedir(d);
	strv_release(&c->used);
}
