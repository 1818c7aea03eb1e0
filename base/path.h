/* SPDX-License-Identifier: Apache-2.0 */
/* path.h - where files go, and files that are written whole or not at all
 * (contract 4). */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* The root: nearest ancestor of the working folder that holds `.git` or
 * `spec-runner.yaml`, else the working folder itself (contract 4). Caller frees. */
char *path_root(void);

/* A path that begins `/.artifacts/` is taken from root, any other is a plain
 * path (contract 4). Caller frees. */
char *path_resolve(const char *root, const char *path);

/* path as seen from root: "." for root itself, "a/b" below it, else as it is; a relative path stays. NULL for
 * NULL. Caller frees. */
char *path_relative(const char *root, const char *path);

/* Does a path, taken from the absolute folder root, lie outside of it? Read as it is written, without a look at
 * the file system; /.artifacts/…, /dev/null and the root itself are inside. */
bool path_leads_out(const char *root, const char *path);

/* dir + "/" + name. Caller frees. */
char *path_join(const char *dir, const char *name);

/* mkdir -p, mode 0777 & ~umask. 0 or -1. */
int path_mkdirs(const char *dir, struct err *e);

/* The same by name alone, for what does not lie below the guarded folder (base/guard.h). */
int path_mkdirs_plain(const char *dir, struct err *e);

/* mkdir -p of the folder that holds `path`. */
int path_mkdirs_for(const char *path, struct err *e);

/* rm -r of one folder below our artifacts folder; never follows a link. */
int path_remove_tree(const char *path, struct err *e);

/* The descriptor that a path names: /dev/stdin, /dev/stdout, /dev/stderr, /dev/fd/N, /proc/self/fd/N; else -1. */
int path_descriptor(const char *path);

/* A file under construction. Bytes go to a temporary name beside the target
 * (".NAME.tmp-PID"); file_out_commit renames it, file_out_abort removes it.
 * A target that exists and is not a regular file (/dev/stdout, a FIFO) is written
 * in place; so is an open file that is named by its descriptor: a rename would put
 * another file in its place, or in that of the link /dev/stdout. Behind a link the file that it leads to is
 * replaced, but for links below our artifacts folder (base/guard.h), which are replaced themselves: it is not the
 * user who put them there. Buffered; errors are kept and reported by commit. */
struct file_out {
	int fd, dir;  /* dir: the folder of both names, or AT_FDCWD */
	bool in_place, failed;
	int sys; /* errno of the first failed write */
	char *path;        /* for messages */
	char *name, *tmp;  /* in dir */
	char *buf;
	size_t len;
};

int file_out_open(struct file_out *f, const char *path, struct err *e); /* makes folders */
void file_out_write(struct file_out *f, const void *p, size_t n);
int file_out_commit(struct file_out *f, struct err *e);
void file_out_abort(struct file_out *f);

/* All of it at once. */
int file_write(const char *path, const void *p, size_t n, struct err *e);

/* Whole file into memory, at most max bytes (more is an error). Caller frees *out
 * (NUL-terminated). */
int file_read(const char *path, size_t max, char **out, size_t *len, struct err *e);
/* The same of an open file, from where it stands; path: for messages. */
int file_read_fd(int fd, const char *path, size_t max, char **out, size_t *len, struct err *e);

#endif
