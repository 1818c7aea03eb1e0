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

struct spool {
	struct store *s;
	const struct record_request *q;
	bool foreign; /* of a folder that is not ours to change */
	struct spool_result *r;
};

static void note_bad(struct spool *p, const char *path)
{
	auto_free char *bad = p->foreign ? xstrdup(path) : xasprintf("%s.bad", path);

	if (!p->foreign && rename(path, bad) < 0)
		return;
	p->r->bad++;
	if (!p->r->first_bad)
		p->r->first_bad = ptr_steal(&bad);
}

/* -1: the store failed. A trace that is wrong is named .bad and the next one is taken. */
static int take_one(struct spool *p, const char *path, struct err *e)
{
	static const struct history_settings nothing_said;
	struct record_request one = *p->q;
	struct record_result got;
	struct err why = { 0 };
	struct stat st;

	one.trace = path;
	one.own = false;
	one.settings = &nothing_said; /* what the user says now is of another run */
	if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return 0; /* another writer has it */
	if (record_trace(p->s, &one, &got, &why) == 0) {
		if (!p->foreign)
			unlink(path);
		p->r->taken += !got.there;
		record_result_release(&got);
		return 0;
	}
	record_result_release(&got);
	if (str_starts(why.msg, "history: ")) {
		*e = why;
		return -1;
	}
	if (access(path, F_OK) == 0)
		note_bad(p, path);
	return 0;
}

static int take_all(struct spool *p, const char *of, struct err *e)
{
	auto_free char *dir = path_join(of, "spool");
	struct dirent **list = NULL;
	int n, rc = 0;

	memset(p->r, 0, sizeof(*p->r));
	n = scandir(dir, &list, is_trace, alphasort);
	for (int i = 0; i < n; i++) {
		auto_free char *path = path_join(dir, list[i]->d_name);

		if (rc == 0 && !is_fresh(path, list[i]->d_name))
			rc = take_one(p, path, e);
		free(list[i]);
	}
	free(list);
	return rc;
}

int spool_take(struct store *s, const struct record_request *q, struct spool_result *r, struct err *e)
{
	struct spool p = { .s = s, .q = q, .r = r };

	return take_all(&p, store_dir(s), e);
}

int spool_take_first(struct store *s, const struct spool_reader *by, struct str *say, struct err *e)
{
	static const struct history_settings nothing_said;
	auto_free char *artifacts = path_resolve(by->root, by->artifacts_dir);
	const struct record_request q = { .artifacts_dir = artifacts, .settings = &nothing_said, .envp = by->envp,
					  .root = by->root, .redactor = by->redactor };
	struct spool_result r = { 0 };
	int rc = spool_take(s, &q, &r, e);

	spool_say(&r, say);
	return rc;
}

int spool_take_from(struct store *s, const char *dir, const struct record_request *q, struct spool_result *r, struct err *e)
{
	struct spool p = { .s = s, .q = q, .foreign = true, .r = r };

	return take_all(&p, dir, e);
}

void spool_say(struct spool_result *r, struct str *out)
{
	if (r->bad)
		str_addf(out, "history: %llu file%s in the spool could not be read: see %s", (unsigned long long)r->bad,
			 r->bad == 1 ? "" : "s", r->first_bad);
	free(r->first_bad);
	memset(r, 0, sizeof(*r));
}
