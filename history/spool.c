/* SPDX-License-Identifier: Apache-2.0 */
#include "history/spool.h"

#include "base/mem.h"
#include "base/path.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A hidden one is being recorded by the run that made it, unless that run was killed: then it is old. */
#define FRESH_SECONDS 600

static int is_trace(const struct dirent *d)
{
	return str_ends(d->d_name, ".json") && strncmp(d->d_name, "..", 2) != 0;
}

static bool is_fresh(const char *path, const char *name)
{
	struct stat st;

	return name[0] == '.' && lstat(path, &st) == 0 && time(NULL) - st.st_mtime < FRESH_SECONDS;
}

/* -1: the store failed. A trace that is wrong is named .bad and the next one is taken. */
static int take_one(struct store *s, const struct record_request *q, const char *path, struct spool_result *r, struct err *e)
{
	static const struct history_settings nothing_said;
	struct record_request one = *q;
	struct record_result got;
	struct err why = { 0 };
	auto_free char *bad = NULL;
	struct stat st;

	one.trace = path;
	one.own = false;
	one.settings = &nothing_said; /* what the user says now is of another run */
	if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return 0; /* another writer has it */
	if (record_trace(s, &one, &got, &why) == 0) {
		unlink(path);
		record_result_release(&got);
		r->taken++;
		return 0;
	}
	record_result_release(&got);
	if (str_starts(why.msg, "history: ")) {
		*e = why;
		return -1;
	}
	if (access(path, F_OK) < 0)
		return 0;
	bad = xasprintf("%s.bad", path);
	if (rename(path, bad) < 0)
		return 0;
	r->bad++;
	if (!r->first_bad)
		r->first_bad = ptr_steal(&bad);
	return 0;
}

int spool_take(struct store *s, const struct record_request *q, struct spool_result *r, struct err *e)
{
	auto_free char *dir = path_join(store_dir(s), "spool");
	struct dirent **list = NULL;
	int n, rc = 0;

	memset(r, 0, sizeof(*r));
	n = scandir(dir, &list, is_trace, alphasort);
	for (int i = 0; i < n; i++) {
		auto_free char *path = path_join(dir, list[i]->d_name);

		if (rc == 0 && !is_fresh(path, list[i]->d_name))
			rc = take_one(s, q, path, r, e);
		free(list[i]);
	}
	free(list);
	return rc;
}
