/* SPDX-License-Identifier: Apache-2.0 */
/* glob.h - which files a list of globs selects, found in one walk.
 *
 * A glob is a path of components. In a component `*` is any run of bytes, `?` one byte,
 * `[a-z]` and `[!a-z]` one byte of a set, `\x` the byte x; `{a,b}` stands for either. A component
 * `**` is any number of folders. Wildcards do not match a name that begins with a dot: hidden files
 * and folders are selected only where the glob names them. A glob without wildcards that names a
 * folder, and any that ends in `/`, selects everything below. A glob that begins `!` takes away what the
 * others of its list select. Links to folders are not followed; links to files are. */
#ifndef RUNNER_CASES_GLOB_H
#define RUNNER_CASES_GLOB_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Does the one component `name` match? Both without `/`. */
bool glob_match_name(const char *glob, const char *name);
/* Does the whole path match? For lists of paths that are at hand. */
bool glob_match_path(const char *glob, const char *path);

struct glob_set;

struct glob_set *glob_set_new(void);
void glob_set_free(struct glob_set *s);

/* Adds a list of globs and returns its id, counted from 0; equal lists have one id.
 * -1 (ERR_USAGE): empty, a brace that opens too many alternatives, an unclosed set. */
int glob_set_add(struct glob_set *s, char *const globs[], size_t n, struct err *e);
size_t glob_set_lists(const struct glob_set *s);

/* Walks root and calls found once for each regular file that a list selects, with the
 * ids of these lists in rising order. path is relative to root. A non-zero return of
 * found ends the walk. Returns 0, what found returned, or -1 (a folder that cannot be read). */
int glob_set_walk(const struct glob_set *s, const char *root,
		  int (*found)(void *ctx, const char *path, const uint32_t *lists, size_t n), void *ctx,
		  struct err *e);

#endif
