/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/slot_dir.h"

#include "base/mem.h"
#include "base/path.h"
#include "runner/proc/context.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *slot_dir_path(const struct context *c, int slot)
{
	const char *base = getenv("TMPDIR"), *id = strrchr(c->run_id, '-');

	return xasprintf("%s/spec-runner%s-%d", base && *base ? base : "/tmp", id ? id : "", slot);
}

void slot_dirs_sweep(const struct context *c)
{
	struct err e;

	for (int i = 0; i < c->setup->jobs; i++) {
		auto_free char *path = slot_dir_path(c, i);
		struct stat st;

		if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid())
			path_remove_tree(path, &e);
	}
}
