/* SPDX-License-Identifier: Apache-2.0 */
/* source_map.h - from code that a tool has made (Babel, TypeScript, Vite) back to the line that a person wrote, by the map
 * that such a tool leaves in the code itself: a data: URL in its last comment. */
#ifndef PROFILE_LANG_SOURCE_MAP_H
#define PROFILE_LANG_SOURCE_MAP_H

#include <stdbool.h>
#include <stddef.h>

#define SOURCE_MAP_URL "data:application/json"

struct source_place {
	char *file; /* as the map names it; NULL: it names none. The caller frees */
	int line;   /* 0: nobody wrote it */
};

/* Where the code at line (from 1) and column (from 0) was written. False where the URL holds no such map. */
bool source_map_place(const char *url, size_t n, int line, int column, struct source_place *out);

#endif
