/* SPDX-License-Identifier: Apache-2.0 */
/* artifact.h - files of runs, by the hash of what they hold: DIR/artifacts/ab/abcd….ext. Same bytes of two runs are two
 * rows and one file. */
#ifndef HISTORY_ARTIFACT_H
#define HISTORY_ARTIFACT_H

#include "history/store.h"

#define ARTIFACT_ID_SIZE 37 /* a UUID */
#define ARTIFACT_SHA256_SIZE 65
#define ARTIFACT_MAX_BYTES ((size_t)1 << 30)

struct artifact {
	char id[ARTIFACT_ID_SIZE];
	char sha256[ARTIFACT_SHA256_SIZE];
	char path[128];  /* below the store's folder */
	int64_t bytes;
	const char *kind, *mime;
};

struct artifact_kind {
	const char *name, *ext, *mime;
	bool text; /* redacted before it is stored */
};
/* Ends with a name of NULL. */
extern const struct artifact_kind artifact_kinds[];
/* Never NULL: an unknown kind is "bin". */
const struct artifact_kind *artifact_kind_find(const char *name);

void uuid_make(char out[ARTIFACT_ID_SIZE]);
/* The same id for the same words: what is made again is the same artifact. */
void uuid_of(const char *words, size_t n, char out[ARTIFACT_ID_SIZE]);
void sha256_hex(const void *p, size_t n, char out[ARTIFACT_SHA256_SIZE]);

/* Puts bytes or a file into the store's folder (no row yet). */
int artifact_put(const char *dir, const char *kind, const void *p, size_t n, struct artifact *a, struct err *e);
int artifact_put_file(const char *dir, const char *kind, const char *path, struct artifact *a, struct err *e);
/* The row. metadata_json: an object. */
int artifact_row(struct store *s, const char *run_id, const struct artifact *a, const char *metadata_json, struct err *e);

/* Reads a stored file whole; it must be a regular file. Caller frees *out. */
int artifact_read(const char *dir, const char *path, char **out, size_t *n, struct err *e);

#endif
