/* SPDX-License-Identifier: Apache-2.0 */
/* loops.c - the folder of loops: which there are, and what they left behind. */
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/value.h"
#include "runner/optimize/open.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

int loop_find(const char *dir, const char *name, char **run_id, struct err *e)
{
	bool latest = strcmp(name, "latest") == 0;
	struct dirent **names = NULL;
	char quoted[VALUE_QUOTE_SIZE];
	int n = scandir(dir, &names, NULL, alphasort);

	*run_id = NULL;
	for (int i = 0; i < n; i++) {
		auto_free char *path = xasprintf("%s/%s/setup.json", dir, names[i]->d_name);
		struct stat st;

		/* names begin with their time, so the last is the newest */
		if (names[i]->d_name[0] != '.' && (latest || strcmp(names[i]->d_name, name) == 0) && stat(path, &st) == 0) {
			free(*run_id);
			*run_id = xstrdup(names[i]->d_name);
		}
		free(names[i]);
	}
	free(names);
	if (*run_id)
		return 0;
	if (latest)
		err_set(e, ERR_FAILURE, "there is no loop in '%.200s'", dir);
	else
		err_set(e, ERR_FAILURE, "there is no loop %s in '%.200s'", value_quote(name, quoted), dir);
	return 1;
}

static bool clean_one(const char *path)
{
	static const char *const names[] = { "work", "home", "tmp", "runs", "repo.git", "index" };
	auto_free char *lock = path_join(path, "lock");
	auto_close int fd = open(lock, O_RDWR | O_CLOEXEC);
	struct err ignored = { 0 };
	bool any = false;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return false; /* it runs */
	leftovers_end(path);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		auto_free char *one = path_join(path, names[i]);
		struct stat st;

		if (lstat(one, &st) < 0)
			continue;
		any = true;
		if (S_ISDIR(st.st_mode))
			path_remove_tree(one, &ignored);
		else
			unlink(one);
	}
	return any;
}

int loops_clean(const struct options *o, const char *root, int *cleaned, struct err *e)
{
	auto_free char *dir = loops_dir(o, root);
	struct strv names = STRV_INIT;

	*cleaned = 0;
	if (loop_list(dir, "", &names, e) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *path = path_join(dir, names.v[i]);

		*cleaned += clean_one(path);
	}
	strv_release(&names);
	return 0;
}
