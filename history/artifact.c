/* SPDX-License-Identifier: Apache-2.0 */
#include "history/artifact.h"

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

const struct artifact_kind artifact_kinds[] = {
	{ "build_log", "log", "text/plain", true },
	{ "test_log", "log", "text/plain", true },
	{ "hitrace", "txt", "text/plain", true },
	{ "hiperf", "txt", "text/plain", true },
	{ "flamegraph", "txt", "text/plain", true },
	{ "report", "md", "text/markdown", true },
	{ "patch_diff", "diff", "text/x-diff", true },
	{ "binary", "bin", "application/octet-stream", false },
	{ "trace", "json", "application/json", true },
	{ "findings", "json", "application/json", true },
	{ "raw", "txt", "text/plain", true },
	{ "junit", "xml", "application/xml", true },
	{ "folded", "txt", "text/plain", true },
	{ "perf-script", "txt", "text/plain", true },
	{ "manifest", "json", "application/json", true },
	{ "graph", "json", "application/json", true },
	{ "evidence_pack", "json", "application/json", true },
	{ "prompt", "txt", "text/plain", true },
	{ "output", "txt", "text/plain", true },
	{ "loop_log", "jsonl", "application/jsonl", true },
	{ "dataset", "jsonl", "application/jsonl", true },
	{ "config", "yaml", "application/yaml", true },
	{ NULL, "bin", "application/octet-stream", false },
};

const struct artifact_kind *artifact_kind_find(const char *name)
{
	const struct artifact_kind *k = artifact_kinds;

	while (k->name && strcmp(k->name, name) != 0)
		k++;
	return k;
}

static void uuid_write(unsigned char b[16], int version, char out[ARTIFACT_ID_SIZE])
{
	char hex[33];

	b[6] = (unsigned char)((b[6] & 0x0f) | version << 4);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	sodium_bin2hex(hex, sizeof(hex), b, 16);
	snprintf(out, ARTIFACT_ID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

void uuid_make(char out[ARTIFACT_ID_SIZE])
{
	unsigned char b[16];

	randombytes_buf(b, sizeof(b));
	uuid_write(b, 4, out);
}

void uuid_of(const char *words, size_t n, char out[ARTIFACT_ID_SIZE])
{
	unsigned char h[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(h, (const unsigned char *)words, n);
	uuid_write(h, 8, out);
}

void sha256_hex(const void *p, size_t n, char out[ARTIFACT_SHA256_SIZE])
{
	unsigned char h[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(h, p, n);
	sodium_bin2hex(out, ARTIFACT_SHA256_SIZE, h, sizeof(h));
}

/* Hashes on the way, so that a file of any size needs one buffer. */
struct copy {
	crypto_hash_sha256_state hash;
	int fd;
	int64_t bytes;
};

static int copy_piece(struct copy *c, const void *p, size_t n)
{
	crypto_hash_sha256_update(&c->hash, p, n);
	c->bytes += (int64_t)n;
	return fd_write_all(c->fd, p, n);
}

static int copy_file(struct copy *c, int in)
{
	auto_free char *buf = xmalloc(65536);
	ssize_t n;

	while ((n = fd_read_full(in, buf, 65536)) > 0)
		if (copy_piece(c, buf, (size_t)n) < 0)
			return -1;
	return (int)n;
}

/* Into place under its name; what is there already has the same bytes. */
static int copy_finish(struct copy *c, const char *dir, const char *tmp, const char *kind, struct artifact *a,
		       struct err *e)
{
	const struct artifact_kind *k = artifact_kind_find(kind);
	unsigned char h[crypto_hash_sha256_BYTES];
	auto_free char *full = NULL;

	crypto_hash_sha256_final(&c->hash, h);
	sodium_bin2hex(a->sha256, sizeof(a->sha256), h, sizeof(h));
	uuid_make(a->id);
	a->kind = kind;
	a->mime = k->mime;
	a->bytes = c->bytes;
	snprintf(a->path, sizeof(a->path), "artifacts/%.2s/%s.%s", a->sha256, a->sha256, k->ext);
	full = path_join(dir, a->path);
	if (path_mkdirs_for(full, e) < 0 || rename(tmp, full) < 0) {
		if (e->kind == ERR_NONE)
			err_sys(e, "history: storing '%s'", a->path);
		unlink(tmp);
		return -1;
	}
	return 0;
}

static char *temporary(const char *dir, int *fd, struct err *e)
{
	char id[ARTIFACT_ID_SIZE];
	char *path;

	uuid_make(id);
	path = xasprintf("%s/artifacts/.tmp-%s", dir, id);
	*fd = path_mkdirs_for(path, e) < 0 ? -2 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd == -1)
		err_sys(e, "history: storing an artifact");
	return path;
}

int artifact_put(const char *dir, const char *kind, const void *p, size_t n, struct artifact *a, struct err *e)
{
	struct copy c = { .fd = -1 };
	auto_free char *tmp = temporary(dir, &c.fd, e);
	int rc;

	if (c.fd < 0)
		return -1;
	crypto_hash_sha256_init(&c.hash);
	rc = copy_piece(&c, p, n);
	if (rc < 0)
		err_sys(e, "history: storing an artifact");
	close(c.fd);
	if (rc == 0)
		return copy_finish(&c, dir, tmp, kind, a, e);
	unlink(tmp);
	return -1;
}

int artifact_put_file(const char *dir, const char *kind, const char *path, struct artifact *a, struct err *e)
{
	auto_close int in = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct copy c = { .fd = -1 };
	auto_free char *tmp = NULL;
	struct stat st;
	int rc;

	if (in < 0 || fstat(in, &st) < 0)
		return err_sys(e, "reading '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_FAILURE, "'%s' is not a regular file", path);
	tmp = temporary(dir, &c.fd, e);
	if (c.fd < 0)
		return -1;
	crypto_hash_sha256_init(&c.hash);
	rc = copy_file(&c, in);
	if (rc < 0)
		err_sys(e, "history: storing '%s'", path);
	close(c.fd);
	if (rc == 0)
		return copy_finish(&c, dir, tmp, kind, a, e);
	unlink(tmp);
	return -1;
}

int artifact_row(struct store *s, const char *run_id, const struct artifact *a, const char *metadata_json, struct err *e)
{
	return store_run(s, e,
			 "INSERT INTO artifacts (artifact_id, run_id, kind, sha256, path, bytes, mime, metadata_json)"
			 " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			 "tttttitt", a->id, run_id, a->kind, a->sha256, a->path, a->bytes, a->mime, metadata_json);
}

int artifact_read(const char *dir, const char *path, char **out, size_t *n, struct err *e)
{
	auto_free char *full = path_join(dir, path);
	struct stat st;

	if (strstr(path, "..") || path[0] == '/')
		return err_set(e, ERR_FAILURE, "history: '%s' is not a path of the store", path);
	if (lstat(full, &st) < 0)
		return err_sys(e, "history: '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_FAILURE, "history: '%s' is not a regular file", path);
	return file_read(full, ARTIFACT_MAX_BYTES, out, n, e);
}
