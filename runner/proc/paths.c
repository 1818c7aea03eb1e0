/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/paths.h"

#include "base/guard.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An option's own path, or NAME in the folder where this run's files go. */
static char *output_path(const char *given, bool is_given, const char *root, const char *dir, const char *name)
{
	return is_given ? path_resolve(root, given) : path_join(dir, name);
}

void run_paths_init(struct run_paths *p, const struct options *o, const char *root, const char *run_id,
		    bool nested)
{
	auto_free char *dir = NULL, *raw = NULL, *journal = xasprintf("%s.journal", run_id);
	struct stat st;

	memset(p, 0, sizeof(*p));
	p->nested = nested;
	p->artifacts = o->artifacts_dir_given ? path_resolve(root, o->artifacts_dir) :
						path_join(root, ".artifacts");
	dir = nested ? xasprintf("%s/nested/%s", p->artifacts, run_id) : xstrdup(p->artifacts);
	p->trace = output_path(o->profile_out, o->profile_out_given, root, dir, "run-trace.json");
	p->summary = output_path(o->profile_summary_out, o->profile_summary_out_given, root, dir,
				 "run-trace-summary.md");
	p->journal = path_join(p->artifacts, journal);
	raw = path_join(p->artifacts, "raw");
	p->raw = path_join(raw, run_id);
	if (path_descriptor(p->trace) >= 0 ||
	    (guard_stat(p->trace, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode)))
		p->trace_copy = path_join(p->raw, "run-trace.json");
}

int run_paths_make(struct run_paths *p, struct err *e)
{
	struct stat st;

	if (stat(p->artifacts, &st) == 0)
		return 0;
	if (path_mkdirs(p->artifacts, e) < 0)
		return -1;
	p->made_artifacts = true;
	return 0;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void ignore_for_git(const struct run_paths *p)
{
	auto_free char *path = path_join(p->artifacts, ".gitignore");
	struct stat st;
	struct err none;

	/* never in a folder that is not ours alone */
	if ((p->made_artifacts || strcmp(last_part(p->artifacts), ".artifacts") == 0) && guard_stat(path, &st) < 0)
		(void)file_write(path, "*\n", 2, &none);
}

/* Nothing but what git is told of it? */
static bool holds_nothing(const char *dir)
{
	DIR *d = guard_opendir(dir);
	const struct dirent *ent;
	bool empty = d != NULL;

	while (empty && (ent = readdir(d)))
		empty = strcmp(ent->d_name, ".") == 0 || strcmp(ent->d_name, "..") == 0 ||
			strcmp(ent->d_name, ".gitignore") == 0;
	if (d)
		closedir(d);
	return empty;
}

/* The folder that was made for a journal alone goes with it. Of several runs at once the last one takes it away,
 * whoever made it: by its .gitignore it is known to be ours. */
void run_paths_tidy(const struct run_paths *p)
{
	auto_free char *ignore = p->artifacts ? path_join(p->artifacts, ".gitignore") : NULL;
	struct stat st;
	bool ours;

	if (!p->artifacts) /* a usage error was found before there was any path */
		return;
	ours = p->made_artifacts || (strcmp(last_part(p->artifacts), ".artifacts") == 0 &&
				     guard_stat(ignore, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 2);
	if (!ours || !holds_nothing(p->artifacts))
		return;
	(void)guard_unlink(ignore);
	if (rmdir(p->artifacts) < 0 && errno == ENOTEMPTY) /* another run has come in between */
		ignore_for_git(p);
}

int run_paths_elsewhere(struct run_paths *p, const char *run_id, struct err *e)
{
	const char *const dirs[] = { getenv("TMPDIR"), "/tmp", "/var/tmp", "/dev/shm" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		char *dir = dirs[i] && *dirs[i] == '/' ? xasprintf("%s/spec-runner-%s-XXXXXX", dirs[i], run_id) : NULL;
		auto_free char *raw = NULL;

		if (!dir || !mkdtemp(dir)) {
			free(dir);
			continue;
		}
		free(p->artifacts);
		free(p->trace);
		free(p->summary);
		free(p->raw);
		p->artifacts = dir;
		p->trace = path_join(dir, "run-trace.json");
		p->summary = path_join(dir, "run-trace-summary.md");
		raw = path_join(dir, "raw");
		p->raw = path_join(raw, run_id);
		return 0;
	}
	return err_set(e, ERR_FAILURE, "no folder for temporary files can be written to");
}

static void keep_one(const char *from, const char *dir)
{
	auto_free char *to = path_join(dir, last_part(from));
	int from_dir = -1, to_dir = -1;
	const char *from_leaf, *to_leaf;
	struct stat st;

	if (guard_stat(from, &st) < 0 || !S_ISREG(st.st_mode) || guard_at(from, false, &from_dir, &from_leaf) < 0)
		return;
	if (guard_at(to, true, &to_dir, &to_leaf) == 0) {
		if (linkat(from_dir, from_leaf, to_dir, to_leaf, 0) < 0) {
			auto_free char *text = NULL;
			size_t n;
			struct err none;

			if (file_read(from, (size_t)st.st_size + 1, &text, &n, &none) == 0)
				(void)file_write(to, text, n, &none);
		}
		guard_close(&to_dir);
	}
	guard_close(&from_dir);
}

void run_paths_keep(const struct run_paths *p, const char *run_id, bool run_failed)
{
	static const char *const beside[] = { "findings.json", "report.md" };
	auto_free char *runs = path_join(p->artifacts, "runs"), *dir = path_join(runs, run_id);
	auto_free char *trace_dir = NULL;
	struct stat st;

	if (guard_stat(p->artifacts, &st) < 0)
		return;
	ignore_for_git(p);
	if (!run_failed || p->nested || p->trace_copy)
		return;
	trace_dir = xstrndup(p->trace, (size_t)(last_part(p->trace) - p->trace));
	keep_one(p->trace, dir);
	keep_one(p->summary, dir);
	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		auto_free char *file = xasprintf("%s%s", trace_dir, beside[i]);

		keep_one(file, dir);
	}
}

void run_paths_drop_raw(const struct run_paths *p)
{
	auto_free char *all = path_join(p->raw, "..");
	struct stat st;
	struct err e;

	if (guard_stat(p->raw, &st) < 0)
		return;
	all[strlen(all) - strlen("/..")] = '\0';
	*strrchr(all, '/') = '\0';
	path_remove_tree(p->raw, &e);
	rmdir(all); /* fails where other runs have theirs in it */
}

struct kept_run {
	char *name;
	int64_t bytes;
	time_t when;
};

static int64_t folder_bytes(const char *path)
{
	DIR *d = guard_opendir(path);
	int64_t sum = 0;

	if (!d)
		return 0;
	for (struct dirent *ent; (ent = readdir(d));) {
		struct stat st;

		if (fstatat(dirfd(d), ent->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			sum += st.st_size;
	}
	closedir(d);
	return sum;
}

static int newest_first(const void *a, const void *b)
{
	const struct kept_run *x = a, *y = b;

	if (x->when != y->when)
		return x->when < y->when ? 1 : -1;
	return strcmp(y->name, x->name);
}

static void retain_in(const struct run_paths *p, const char *sub, int64_t keep_runs, int64_t keep_bytes,
		      const char *run_id)
{
	auto_free char *dir = path_join(p->artifacts, sub);
	DIR *d = guard_opendir(dir);
	struct kept_run *run = NULL;
	size_t n = 0;
	int64_t sum = 0;

	if (!d)
		return;
	for (struct dirent *ent; (ent = readdir(d));) {
		auto_free char *path = path_join(dir, ent->d_name);
		struct stat st;

		if (strncmp(ent->d_name, "run-", 4) != 0 || guard_stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
			continue;
		run = xreallocarray(run, n + 1, sizeof(*run));
		run[n++] = (struct kept_run){ xstrdup(ent->d_name), folder_bytes(path), st.st_mtime };
	}
	closedir(d);
	if (n)
		qsort(run, n, sizeof(*run), newest_first);
	for (size_t i = 0; i < n; i++) {
		auto_free char *path = path_join(dir, run[i].name);
		auto_free char *journal = xasprintf("%s/%s.journal", p->artifacts, run[i].name);
		struct stat st;
		struct err e;

		sum += run[i].bytes;
		if (((int64_t)i >= keep_runs || sum > keep_bytes) && strcmp(run[i].name, run_id) != 0 &&
		    guard_stat(journal, &st) < 0)
			path_remove_tree(path, &e);
		free(run[i].name);
	}
	free(run);
}

void run_paths_retain(const struct run_paths *p, int64_t keep_runs, int64_t keep_bytes, const char *run_id)
{
	static const char *const subs[] = { "raw", "runs", "nested", "recovered" };

	for (size_t i = 0; i < sizeof(subs) / sizeof(*subs); i++)
		retain_in(p, subs[i], keep_runs, keep_bytes, run_id);
}
