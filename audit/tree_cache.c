/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/tree_cache.h"

#include "base/mem.h"
#include "base/path.h"

#include <dirent.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIGEST 16
#define NAME_SIZE 40
#define ENDING ".tree"
#define FILE_MAX_BYTES ((size_t)1 << 31)

struct head {
	char magic[8];
	uint32_t count, lines, has_errors, source_bytes;
	unsigned char digest[DIGEST]; /* of the nodes */
};
static const char magic[8] = "srtree1";

static void name_of(const char *language, const char *text, size_t n, char out[NAME_SIZE])
{
	crypto_generichash_state s;
	unsigned char digest[DIGEST];
	auto_str identity = STR_INIT;

	tree_identity(language, &identity);
	crypto_generichash_init(&s, NULL, 0, DIGEST);
	crypto_generichash_update(&s, (const unsigned char *)str_cstr(&identity), identity.len + 1);
	crypto_generichash_update(&s, (const unsigned char *)text, n);
	crypto_generichash_final(&s, digest, DIGEST);
	sodium_bin2hex(out, 2 * DIGEST + 1, digest, DIGEST);
	memcpy(out + 2 * DIGEST, ENDING, sizeof(ENDING));
}

static void digest_of(const struct tree_node *nodes, uint32_t count, unsigned char out[DIGEST])
{
	crypto_generichash(out, DIGEST, (const unsigned char *)nodes, (size_t)count * sizeof(*nodes), NULL, 0);
}

/* Every child and sibling comes later in the array: there are no cycles. */
static bool is_tree(const struct tree_node *nodes, uint32_t count, size_t source_bytes)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct tree_node *n = &nodes[i];

		if ((n->first && (n->first <= i || n->first >= count)) || (n->next && (n->next <= i ||
			n->next >= count)) ||
		    n->start > n->end || n->end > source_bytes || n->kind >= K_COUNT || n->field >= F_COUNT)
			return false;
	}
	return count >= 2;
}

static bool read_cached(const char *path, size_t source_bytes, struct tree *t)
{
	auto_free char *bytes = NULL;
	unsigned char digest[DIGEST];
	struct err ignored = { 0 };
	struct head h;
	size_t n;

	if (file_read(path, FILE_MAX_BYTES, &bytes, &n, &ignored) < 0 || n < sizeof(h))
		return false;
	memcpy(&h, bytes, sizeof(h));
	if (memcmp(h.magic, magic, sizeof(magic)) != 0 || h.source_bytes != source_bytes ||
	    n - sizeof(h) != (size_t)h.count * sizeof(struct tree_node))
		return false;
	*t = (struct tree){ .nodes = xreallocarray(NULL, (size_t)h.count + 1, sizeof(*t->nodes)), .count = h.count,
		.cap = h.count + 1, .lines = h.lines, .has_errors = h.has_errors != 0 };
	memcpy(t->nodes, bytes + sizeof(h), n - sizeof(h));
	digest_of(t->nodes, t->count, digest);
	if (memcmp(digest, h.digest, DIGEST) == 0 && is_tree(t->nodes, t->count, source_bytes))
		return true;
	tree_free_nodes(t);
	return false;
}

/* A cache that cannot be written changes nothing. */
static void write_cached(const char *path, size_t source_bytes, const struct tree *t)
{
	struct head h = { .count = t->count, .lines = t->lines, .has_errors = t->has_errors,
		.source_bytes = (uint32_t)source_bytes };
	struct file_out f;
	struct err ignored = { 0 };

	memcpy(h.magic, magic, sizeof(magic));
	digest_of(t->nodes, t->count, h.digest);
	if (file_out_open(&f, path, &ignored) < 0)
		return;
	file_out_write(&f, &h, sizeof(h));
	file_out_write(&f, t->nodes, (size_t)t->count * sizeof(*t->nodes));
	(void)file_out_commit(&f, &ignored);
}

int tree_load(struct tree_cache *c, const char *language, const char *text, size_t n, struct tree *t)
{
	char name[NAME_SIZE];
	auto_free char *path = NULL;
	int rc;

	if (!c || !c->dir || !tree_has_language(language))
		return tree_parse(language, text, n, t);
	name_of(language, text, n, name);
	pthread_mutex_lock(&c->lock);
	strv_add(&c->used, name);
	pthread_mutex_unlock(&c->lock);
	path = path_join(c->dir, name);
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
