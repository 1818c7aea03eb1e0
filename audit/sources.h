/* SPDX-License-Identifier: Apache-2.0 */
/* sources.h - which files are audited, and their bytes. */
#ifndef AUDIT_SOURCES_H
#define AUDIT_SOURCES_H

#include "audit/front.h"
#include "base/err.h"

struct sources_options {
	const char *root;      /* absolute */
	char *const *paths;    /* files or folders; none: the root */
	size_t path_count;
	const struct strv *include, *exclude; /* globs from the root: * within a folder, ** across, ? one byte */
	const struct strv *languages;         /* none: all that are built in */
	size_t max_bytes;
};

struct sources {
	struct strv paths; /* from the root, sorted, once each */
	char **texts;      /* NULL: skipped */
	size_t *lens;
	const struct front **fronts;
};

/* Finds and reads them. A path that is missing, no source at all, a language that is not built in: ERR_USAGE. A file that
 * vanished or cannot be read counts as skipped. */
int sources_read(struct sources *s, const struct sources_options *o, struct err *e);
void sources_release(struct sources *s);

/* Adds them to g, language by language. states: what each front's read() returned, for statements(); the caller passes it to
 * sources_done(). The texts must live as long. */
void sources_graph(const struct sources *s, const struct front_options *o, struct graph *g, void *states[LANGUAGE_COUNT]);
void sources_done(void *states[LANGUAGE_COUNT]);

/* 64 bits of some bytes, for change detection. In pieces: begin with a hasher of zeros; the pieces may be cut anywhere. */
#define SOURCES_HASH_BLOCK 4096
struct sources_hasher {
	uint64_t hash;
	size_t filled;
	char block[SOURCES_HASH_BLOCK];
};
void sources_hash_add(struct sources_hasher *h, const char *s, size_t n);
uint64_t sources_hash_end(struct sources_hasher *h);
uint64_t sources_hash(const char *s, size_t n);

#endif
