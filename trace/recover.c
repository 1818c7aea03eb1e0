/* SPDX-License-Identifier: Apache-2.0 */
/* recover.c - journals that a dead supervisor left. The lock decides: it is on the open file
 * description that the processes of a run share, so it is free when the last of them is gone. */
#include "base/fd.h"
#include "base/guard.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "trace/cursor.h"
#include "trace/seal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define STALE_TMP_S 3600 /* an unfinished journal of that age has nobody behind it */

static int guard_lstat(const char *path, struct stat *st)
{
	return guard_covers(path) ? guard_stat(path, st) : lstat(path, st);
}

/* Is path still the file behind fd? Another recovery may have come first. */
static bool same_file(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && guard_lstat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* 1: locked and ours to seal; 0: gone meanwhile; -1: in use or not readable. */
static int take_journal(const char *path, int *fd, struct err *e)
{
	struct journal_header h;
	struct stat st;

	*fd = guard_open_regular(path, O_RDONLY);
	if (*fd < 0 && errno == ENOENT)
		return 0;
	if (*fd < 0 && errno == EINVAL)
		return err_set(e, ERR_FAILURE, "journal '%s' is not a regular file", path);
	if (*fd < 0)
		return err_sys(e, "opening journal '%s'", path);
	if (fstat(*fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_FAILURE, "journal '%s' is not a regular file", path);
	if (journal_lock(*fd) < 0) {
		if (errno != EWOULDBLOCK)
			return err_sys(e, "locking journal '%s'", path);
		if (pread(*fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h) && h.magic == JOURNAL_MAGIC)
			return err_set(e, ERR_FAILURE, "journal '%s' is in use by pid %d", path, h.owner_pid);
		return err_set(e, ERR_FAILURE, "journal '%s' is in use", path);
	}
	return same_file(*fd, path) ? 1 : 0;
}

static int set_aside(const char *path, struct err *e)
{
	auto_free char *aside = xasprintf("%s.damaged", path);

	/* only a file that has a journal's name is ours to rename: `recover FILE` may name any file */
	if (!str_ends(path, JOURNAL_SUFFIX))
		return err_add(e, "'%s' is damaged", path);
	if (guard_rename(path, aside) < 0)
		err_sys(e, "journal '%s' is damaged and cannot be set aside", path);
	else
		err_add(e, "journal '%s' is damaged and kept as '%s.damaged'", path, path);
	return -1;
}

static int seal_into(int fd, const char *artifacts_dir, const char *run_id, const char *dir, struct seal_result *r,
		     struct err *e)
{
	auto_free char *trace = path_join(dir, "run-trace.json"), *attrs = NULL;
	auto_free char *raw = xasprintf("%s/raw/%s", artifacts_dir, run_id);
	auto_free char *summary = path_join(dir, "run-trace-summary.md");
	struct seal_request q = { .journal_fd = fd, .trace_out = trace, .summary_out = summary, .lost = true };

	seal_take_span_attrs(&q, raw, &attrs);
	return seal_run(&q, r, e);
}

/* Sealing failed: is it the journal's fault, or that of the place to write to? */
static int give_up(int fd, const char *path, struct err *e)
{
	struct journal_header h;
	struct err why = { .kind = ERR_NONE };
	struct seal_result r;
	/* to nowhere, but read to its end: a seal without a trace does not look at every record */
	struct seal_request q = { .journal_fd = fd, .trace_out = "/dev/null", .lost = true };

	if (journal_read_header(fd, &h, &why) < 0 || seal_run(&q, &r, &why) < 0 || r.damaged_at)
		return set_aside(path, e);
	return err_add(e, "recovering journal '%s'", path);
}

/* 1: sealed and removed; 0: somebody else has dealt with it; -1. */
static int recover_journal(const char *path, const char *artifacts_dir, char *out_dir, struct err *e)
{
	auto_close int fd = -1;
	struct journal_header h;
	struct seal_result r;
	int rc;

	out_dir[0] = '\0';
	rc = take_journal(path, &fd, e);
	if (rc <= 0)
		return rc;
	if (journal_read_header(fd, &h, e) < 0)
		return set_aside(path, e);
	snprintf(out_dir, PATH_MAX, "%s/recovered/%s", artifacts_dir, h.run_id);
	if (seal_into(fd, artifacts_dir, h.run_id, out_dir, &r, e) < 0) {
		out_dir[0] = '\0';
		return give_up(fd, path, e);
	}
	if (r.damaged_at) {
		err_set(e, ERR_FAILURE, "unreadable from byte %llu on; sealed up to there in '%s'",
			(unsigned long long)r.damaged_at, out_dir);
		return set_aside(path, e);
	}
	if (guard_unlink(path) < 0 && errno != ENOENT)
		return err_sys(e, "removing journal '%s'", path);
	return 1;
}

int seal_recover_one(const char *journal_path, const char *artifacts_dir, char out_dir[4096], struct err *e)
{
	int rc = recover_journal(journal_path, artifacts_dir, out_dir, e);

	if (rc == 0)
		return err_set(e, ERR_FAILURE, "no such journal: '%s'", journal_path);
	return rc < 0 ? -1 : 0;
}

/* A writer killed before its journal had a name leaves ".RUN.journal.tmp-PID". */
static void drop_stale_tmp(int dirfd, const char *name)
{
	auto_close int fd = -1;
	struct stat st;

	if (name[0] != '.' || !strstr(name, JOURNAL_SUFFIX ".tmp-"))
		return;
	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0 && fstat(fd, &st) == 0 && time(NULL) - st.st_mtime > STALE_TMP_S && journal_lock(fd) == 0)
		unlinkat(dirfd, name, 0);
}

static bool in_use(const char *path)
{
	auto_close int fd = guard_open_regular(path, O_RDONLY);

	return fd >= 0 && journal_lock(fd) < 0 && errno == EWOULDBLOCK;
}

int seal_recover_each(const char *artifacts_dir, seal_told *told, void *arg, struct err *e)
{
	char out_dir[PATH_MAX];
	DIR *d = guard_opendir(artifacts_dir);
	int count = 0;

	if (!d)
		return errno == ENOENT ? 0 : err_sys(e, "reading folder '%s'", artifacts_dir);
	for (struct dirent *ent; (ent = readdir(d));) {
		auto_free char *path = NULL;
		struct err problem = { .kind = ERR_NONE };
		int rc;

		drop_stale_tmp(dirfd(d), ent->d_name);
		if (ent->d_name[0] == '.' || !str_ends(ent->d_name, JOURNAL_SUFFIX))
			continue;
		path = path_join(artifacts_dir, ent->d_name);
		if (in_use(path)) {
			if (told)
				told(arg, path, NULL, NULL);
			continue;
		}
		rc = recover_journal(path, artifacts_dir, out_dir, &problem);
		count += rc > 0;
		if (rc && told)
			told(arg, path, out_dir[0] ? out_dir : NULL, rc < 0 ? &problem : NULL);
	}
	closedir(d);
	return count;
}

struct first_problem {
	struct err *e;
	bool any;
};

static void keep_first(void *arg, const char *journal, const char *out_dir, const struct err *problem)
{
	struct first_problem *p = arg;

	(void)journal;
	(void)out_dir;
	if (problem && !p->any)
		*p->e = *problem;
	p->any = p->any || problem;
}

int seal_recover_all(const char *artifacts_dir, struct err *e)
{
	struct first_problem p = { e, false };
	int count = seal_recover_each(artifacts_dir, keep_first, &p, e);

	return p.any ? -1 : count;
}
