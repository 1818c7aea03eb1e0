/* SPDX-License-Identifier: Apache-2.0 */
/* repo.c - the tracked files of a repository at a commit, with the hash of each: git names the objects, and hands their
 * bytes out in one stream. */
#include "base/fd.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "history/ingest/ingest.h"
#include "trace/repo.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Starts git with stdin from in_fd (-1: /dev/null); returns a stream of its output. */
static FILE *git_open(const char *dir, char *const words[], int in_fd, pid_t *pid)
{
	char *argv[16] = { "git", "--no-optional-locks", "-C", (char *)dir };
	posix_spawn_file_actions_t files;
	int pair[2], n = 4;

	for (; *words && n < 15; words++)
		argv[n++] = *words;
	argv[n] = NULL;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return NULL;
	posix_spawn_file_actions_init(&files);
	if (in_fd >= 0)
		posix_spawn_file_actions_adddup2(&files, in_fd, 0);
	else
		posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, pair[1], 1);
	posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(pid, "git", &files, NULL, argv, environ) != 0)
		*pid = -1;
	posix_spawn_file_actions_destroy(&files);
	close(pair[1]);
	if (*pid > 0)
		return fdopen(pair[0], "re");
	close(pair[0]);
	return NULL;
}

static int git_close(FILE *out, pid_t pid)
{
	int status;

	fclose(out);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The first line that git says; "" where it says nothing. -1: it failed. */
static int git_line(const char *dir, char *const words[], char *line, int size)
{
	pid_t pid;
	FILE *out = git_open(dir, words, -1, &pid);

	line[0] = '\0';
	if (!out)
		return -1;
	if (!fgets(line, size, out))
		line[0] = '\0';
	while (fgetc(out) != EOF)
		;
	line[strcspn(line, "\n")] = '\0';
	return git_close(out, pid) == 0 ? 0 : -1;
}

struct manifest {
	struct strv paths;
	FILE *oids;
};

static int list_tree(const char *dir, char *rev, struct manifest *m)
{
	char *words[] = { "ls-tree", "-r", "-z", "--full-tree", rev, NULL };
	auto_free char *line = NULL;
	size_t cap = 0;
	pid_t pid;
	FILE *out = git_open(dir, words, -1, &pid);

	if (!out)
		return -1;
	while (getdelim(&line, &cap, '\0', out) > 0) {
		char *tab = strchr(line, '\t'), *oid = strrchr(line, ' ');

		for (char *p = line; tab && p < tab; p++)
			if (*p == ' ')
				oid = p;
		if (!tab || !oid || !strstr(line, " blob "))
			continue; /* a submodule is no file */
		fprintf(m->oids, "%.*s\n", (int)(tab - oid - 1), oid + 1);
		strv_add(&m->paths, tab + 1);
	}
	return git_close(out, pid) == 0 ? 0 : -1;
}

/* "OID blob BYTES\n", the bytes, a line end: in the order asked for. */
static int hash_blobs(const char *dir, struct manifest *m, struct json *j, struct err *e)
{
	char *words[] = { "cat-file", "--batch", NULL };
	char head[256], hex[ARTIFACT_SHA256_SIZE];
	pid_t pid;
	FILE *out;
	size_t i = 0;

	fflush(m->oids);
	rewind(m->oids);
	out = git_open(dir, words, fileno(m->oids), &pid);
	while (out && i < m->paths.n && fgets(head, sizeof(head), out)) {
		char *blob = strstr(head, " blob ");
		size_t n = blob ? strtoull(blob + 6, NULL, 10) : 0;
		auto_free char *bytes = blob ? xmalloc(n + 1) : NULL;

		if (!blob || fread(bytes, 1, n + 1, out) != n + 1)
			break;
		sha256_hex(bytes, n, hex);
		json_object(j, NULL);
		json_str(j, "path", m->paths.v[i++]);
		json_str(j, "sha256", hex);
		json_uint(j, "bytes", n);
		json_object_end(j);
	}
	if (out && git_close(out, pid) == 0 && i == m->paths.n)
		return 0;
	return err_set(e, ERR_FAILURE, "ingest repo: git cat-file did not return every file of '%s'", dir);
}

static int write_manifest(const char *dir, char *rev, bool dirty, struct str *text, struct err *e)
{
	struct manifest m = { .oids = tmpfile() };
	struct json j;
	int rc;

	if (!m.oids)
		return err_sys(e, "ingest repo: a temporary file");
	json_init(&j, text);
	json_object(&j, NULL);
	json_str(&j, "rev", rev);
	json_bool(&j, "dirty", dirty);
	json_array(&j, "files");
	rc = list_tree(dir, rev, &m);
	rc = rc < 0 ? err_set(e, ERR_FAILURE, "ingest repo: git ls-tree failed in '%s'", dir) : hash_blobs(dir, &m, &j, e);
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(text, '\n');
	fclose(m.oids);
	strv_release(&m.paths);
	return rc;
}

int ingest_repo(const struct ingest_request *q, const char *dir, const char *rev, struct ingest_result *r, struct err *e)
{
	auto_free char *spec = xasprintf("%s^{commit}", rev ? rev : "HEAD");
	char *parse[] = { "rev-parse", "--verify", "--quiet", "--end-of-options", spec, NULL },
			*head[] = { "rev-parse", "HEAD", NULL };
	char *top[] = { "rev-parse", "--show-toplevel", NULL };
	char *status[] = { "status", "--porcelain", "--untracked-files=no", NULL };
	char oid[128], now[128], changed[1024], root[4096];
	struct artifact a;
	auto_str text = STR_INIT;
	struct repo repo;
	bool dirty;
	int rc;

	memset(r, 0, sizeof(*r));
	if (git_line(dir, top, root, sizeof(root)) < 0)
		return err_set(e, ERR_USAGE, "ingest repo: '%s' is not the work tree of a git repository", dir);
	if (git_line(dir, parse, oid, sizeof(oid)) < 0 || !oid[0])
		return err_set(e, ERR_USAGE, "ingest repo: '%s' has no commit '%s'", dir, rev ? rev : "HEAD");
	dirty = git_line(dir, head, now, sizeof(now)) == 0 && strcmp(now, oid) == 0 &&
		git_line(dir, status, changed, sizeof(changed)) == 0 && changed[0];
	if (write_manifest(dir, oid, dirty, &text, e) < 0)
		return -1;
	rc = ingest_run(q, r->run_id, e);
	if (rc != 0)
		return rc;
	repo_read(root, &repo);
	if (store_begin(q->s, e) < 0)
		return -1;
	if (artifact_put(store_dir(q->s), "manifest", str_cstr(&text), text.len, &a, e) < 0 ||
	    artifact_row(q->s, r->run_id, &a, "{\"name\":\"manifest.json\"}", e) < 0 ||
	    store_run(q->s, e,
		      "UPDATE runs SET repo_uri = COALESCE(repo_uri, ?), repo_rev = COALESCE(repo_rev, ?),"
		      " repo_dirty = COALESCE(repo_dirty, ?) WHERE run_id = ?",
		      "ttit", repo.uri, oid, (int64_t)dirty, r->run_id) < 0) {
		store_rollback(q->s);
		return -1;
	}
	if (store_commit(q->s, e) < 0)
		return -1;
	r->artifacts = xreallocarray(NULL, 1, sizeof(*r->artifacts));
	r->artifacts[r->n_artifacts++] = a;
	return 0;
}
