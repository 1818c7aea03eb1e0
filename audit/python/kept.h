/* SPDX-License-Identifier: Apache-2.0 */
/* kept.h - what each Python source added to the graph the last time, in one file of the cache. It is good for a source with
 * the same path and bytes whose call sites lead to the same targets: such a source needs no tree. */
#ifndef AUDIT_PYTHON_KEPT_H
#define AUDIT_PYTHON_KEPT_H

#include "audit/python/solved.h"
#include "audit/slice.h"
#include "base/path.h"

/* A source as it was. */
struct kept_source {
	char name[32];     /* of its tree in the cache: of its bytes */
	uint64_t path;     /* hash of it */
	uint64_t meaning;  /* tree_meaning() */
	uint64_t sites;    /* hash of its call sites with their targets, and of its definitions' names */
	uint64_t at, size; /* the slice in the file; 0: not kept, because one of its texts would be redacted */
	uint64_t hash;     /* of the slice */
	uint32_t body, def_count, lines, has_errors;
};

struct kept {
	void *mapped; /* NULL: there is no such file, or it is of no use */
	size_t bytes;
	const struct kept_source *sources; /* in the order of paths */
	uint32_t count, def_count;
	unsigned char key[SOLVED_KEY]; /* of all sources */
	uint32_t *order; /* of the sources, for kept_find() */
};

void kept_open(struct kept *k, const struct tree_cache *c);
void kept_close(struct kept *k);

/* The source of that path and bytes, or NULL. */
const struct kept_source *kept_find(const struct kept *k, const char *path, const struct tree_name *name);

/* Adds its slice to the graph. False: it was not kept, or is damaged. body: its first definition now. */
bool kept_read(const struct kept *k, const struct kept_source *s, struct graph *g, uint32_t file, uint32_t body);

/* The next version of the file. */
struct kept_out {
	struct file_out file;
	bool is_open;
	uint64_t at;
	struct kept_source *sources;
	uint32_t count;
};

/* Opens a new file, if the cache may be written. sources: at most so many are added. */
void kept_out_open(struct kept_out *o, const struct tree_cache *c, size_t sources);
/* Adds a source whose slice is bytes[0..n), with n 0 if it must not be kept. Its place is filled in. */
void kept_out_add(struct kept_out *o, struct kept_source s, const void *bytes, size_t n);
/* Adds a source as it was, after kept_read(). */
void kept_out_copy(struct kept_out *o, const struct kept *k, const struct kept_source *s, uint32_t body);
/* Puts it in the place of the old one, or where commit is false throws it away. */
void kept_out_close(struct kept_out *o, const unsigned char key[SOLVED_KEY], uint32_t def_count, bool commit);

#endif
