/* SPDX-License-Identifier: Apache-2.0 */
/* ui_facts.c - the pictures of report.html out of a run's stored files: they are laid out as a run leaves them, in a
 * folder of links that lives for one request. */
#include "base/mem.h"
#include "base/path.h"
#include "evidence/gather.h"
#include "history/artifact.h"
#include "serve/ui_part.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FACTS_MOST ((int64_t)24 << 20) /* bytes of files; larger runs are described by their rows alone */
#define FILES_MOST 200

static bool name_is_plain(const char *name)
{
	return name && *name && *name != '.' && strlen(name) < 200 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == strlen(name);
}

/* The name that a file had; NULL: none. Caller frees. */
static char *name_in(const char *metadata)
{
	__attribute__((cleanup(json_reader_free_ptr))) struct json_reader *r =
		json_reader_text(metadata, strlen(metadata), "x");
	const struct json_value *v;
	struct err ignored = { 0 };
	const char *name = json_take(r, &v, &ignored) == 0 ? json_get_text(v, "name") : NULL;

	return name_is_plain(name) ? xstrdup(name) : NULL;
}

static int link_file(const char *store, const char *path, const char *to)
{
	auto_free char *from = path_join(store, path);
	struct stat st;

	if (lstat(from, &st) < 0 || !S_ISREG(st.st_mode))
		return -1;
	return symlink(from, to);
}

/* 1: there is a trace, and everything is laid out; 0: not. */
static int lay_out(struct call *c, const char *run_id, const char *dir, const char *raw, struct err *e)
{
	auto_query *q = query_new(c->s,
				  "SELECT kind, path, metadata_json FROM artifacts WHERE run_id = ? AND kind IN"
				  " ('trace', 'raw') ORDER BY kind, artifact_id LIMIT ?",
				  e);
	auto_free char *trace = path_join(dir, GATHER_TRACE_NAME);
	bool found = false;
	int rc;

	if (!q)
		return -1;
	query_bind(q, "ti", run_id, (int64_t)FILES_MOST);
	while ((rc = query_step(q, e)) == 1) {
		auto_free char *name = name_in(query_text(q, 2)), *to = name ? path_join(raw, name) : NULL;

		if (!call_path_is_stored(query_text(q, 1)))
			continue;
		if (strcmp(query_text(q, 0), "trace") == 0)
			found = link_file(store_dir(c->s), query_text(q, 1), trace) == 0 || found;
		else if (to && link_file(store_dir(c->s), query_text(q, 1), to) < 0)
			continue;
	}
	return rc < 0 ? -1 : found;
}

static void remove_folder(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *f;

	while (d && (f = readdir(d))) {
		auto_free char *path = path_join(dir, f->d_name);

		if (f->d_name[0] != '.')
			unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

static int read_facts(struct call *c, const char *run_id, const char *dir, struct facts *f, struct err *e)
{
	auto_free char *raws = path_join(dir, "raw"), *raw = path_join(raws, run_id);
	auto_free char *trace = path_join(dir, GATHER_TRACE_NAME);
	const char *const dirs[] = { raws, NULL };
	struct err bad_file = { 0 };
	int rc;

	if (mkdir(raws, 0700) < 0 || mkdir(raw, 0700) < 0)
		return 0;
	rc = lay_out(c, run_id, dir, raw, e);
	if (rc == 1 && facts_init(f, e) == 0 && gather(f, trace, dirs, &bad_file) < 0) {
		facts_release(f); /* not readable by this version: the rows are there */
		rc = 0;
	}
	remove_folder(raw);
	remove_folder(raws);
	return rc;
}

int ui_facts(struct call *c, const char *run_id, struct facts *f, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	auto_free char *dir = xasprintf("%s/spec-runner-serve-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
	int64_t bytes;
	int rc;

	if (store_one_int(c->s, &bytes, 0, e,
			  "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM artifacts WHERE run_id = ? AND kind"
			  " IN ('trace', 'raw')",
			  "t", run_id) < 0)
		return -1;
	if (!bytes || bytes > FACTS_MOST || !mkdtemp(dir))
		return 0;
	rc = read_facts(c, run_id, dir, f, e);
	remove_folder(dir);
	return rc;
}

#define LABEL "aria-label=\"Picture "

/* What is wider than the window scrolls, and can be scrolled by keys. */
void ui_part(struct str *out, void (*write)(struct str *, const struct facts *), const struct facts *f)
{
	static const char wide[] = "<div class=\"wide\">";
	auto_str part = STR_INIT;
	const char *p, *at;
	int number = 1;

	for (p = str_cstr(out); (at = strstr(p, LABEL)); p = at + 1)
		number++;
	write(&part, f);
	for (p = str_cstr(&part); (at = strstr(p, wide)); p = at + sizeof(wide) - 1) {
		str_addn(out, p, (size_t)(at - p));
		str_addf(out, "<div class=\"wide\" tabindex=\"0\" role=\"region\" " LABEL "%d\">", number++);
	}
	str_add(out, p);
}
