/* SPDX-License-Identifier: Apache-2.0 */
/* Any glob and any path: an answer in bounded time; a glob whose every byte is escaped matches itself alone; a list
 * that is refused leaves the set as it was. */
#include "base/mem.h"
#include "runner/cases/glob.h"

#include <stdlib.h>
#include <string.h>

static char *escaped(const char *s)
{
	auto_str out = STR_INIT;

	for (; *s; s++) {
		if (*s != '/')
			str_addc(&out, '\\');
		str_addc(&out, *s);
	}
	return xstrdup(str_cstr(&out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t split = size ? data[0] % size : 0;
	char *glob, *path, *same;
	struct glob_set *set;
	struct err e = { 0 };
	size_t before;

	if (size < 2 || size > 400)
		return 0;
	glob = xstrndup((const char *)data + 1, split);
	path = xstrndup((const char *)data + 1 + split, size - 1 - split);
	glob_match_path(glob, path);
	if (!strchr(path, '/'))
		glob_match_name(glob, path);
	same = escaped(path);
	if (*path && *path != '!' && !strchr(path, '/') && !glob_match_name(same, path))
		abort();
	set = glob_set_new();
	if (glob_set_add(set, (char *const[]){ same }, 1, &e) < 0 && *path && !strchr(path, '/'))
		abort();
	before = glob_set_lists(set);
	if (glob_set_add(set, (char *const[]){ glob, path }, 2, &e) < 0 && glob_set_lists(set) != before)
		abort();
	glob_set_free(set);
	free(glob);
	free(path);
	free(same);
	return 0;
}
