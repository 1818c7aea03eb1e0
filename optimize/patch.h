/* SPDX-License-Identifier: Apache-2.0 */
/* patch.h - a candidate's diff: read, held to rules, and written anew, so that only what was understood here ever
 * reaches git. Pure: what the repository holds is asked through a callback. */
#ifndef OPTIMIZE_PATCH_H
#define OPTIMIZE_PATCH_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct patch_file {
	char *old_path, *new_path;  /* NULL: /dev/null */
	bool renamed, copied;
	char *old_mode, *new_mode;  /* as the headers say, or NULL */
	int64_t added, removed;
	struct str hunks;           /* text of all its hunks */
};
struct patch {
	struct patch_file *files;
	size_t n_files;
	int64_t added, removed;
	size_t bytes;               /* as it came */
	bool binary, redacted; /* redacted: it holds what stands for a secret */
	char error[200];            /* why it is not a diff; "" it is one */
};

struct patch_rules {
	const struct strv *paths, *deny, *adapters; /* adapters: paths of the repository that the adapters run */
	bool tests_by_name;         /* goal hang: paths may name tests outright */
	int64_t max_files, max_lines, max_bytes;
	/* Is this path of the base's tree a symbolic link? */
	bool (*is_link)(void *ctx, const char *path);
	void *ctx;
};

/* Reads a text; always returns something to judge. */
void patch_read(struct patch *p, const char *text, size_t n);
void patch_release(struct patch *p);

/* NULL: allowed. Else the rule ("path.escape" …), and detail says what offends. */
const char *patch_judge(const struct patch *p, const struct patch_rules *r, struct str *detail);

/* The same diff in one spelling; empty where nothing could be read. */
void patch_write(const struct patch *p, struct str *out);
/* Every path that it touches, once, as a JSON list. */
void patch_paths_json(const struct patch *p, struct str *out);

/* May this path be touched? NULL or the rule. */
const char *patch_judge_path(const struct patch_rules *r, const char *path);

#endif
