/* SPDX-License-Identifier: Apache-2.0 */
/* repo.h - the loop's own repository: bare, below the loop's folder, borrowing the objects of the user's. Candidates are
 * commits in it and work trees of it, so nothing of the user's repository is ever written, not even a ref or an object; no
 * hook, filter or configuration of anybody is used. */
#ifndef RUNNER_OPTIMIZE_REPO_H
#define RUNNER_OPTIMIZE_REPO_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

#define OID_SIZE 80

struct repo {
	char *top;              /* of the user's work tree */
	char *prefix;           /* where the loop was started below it: "", "sub/" */
	char *dir;              /* the loop's folder */
	char *git;              /* dir/repo.git */
	char *index;            /* dir/index: of patches that are tried */
	struct strv env;        /* for git */
};

/* What git may see of the environment. home: a folder of the loop. */
void repo_env(struct strv *env, char *const envp[], const char *home);

/* Where are we? ERR_USAGE outside of a work tree. */
int repo_open(struct repo *r, const char *root, const char *dir, char *const envp[], struct err *e);
void repo_release(struct repo *r);
/* Makes dir/repo.git if it is not there. */
int repo_make(struct repo *r, struct err *e);

/* A commit of the user's repository. ERR_USAGE where there is none. */
int repo_commit_of(const struct repo *r, const char *rev, char commit[OID_SIZE], char tree[OID_SIZE], struct err *e);
/* Were tracked files of the user's changed? */
bool repo_is_dirty(const struct repo *r);
/* origin's URL without userinfo, or the folder's name. Caller frees. */
char *repo_uri(const struct repo *r);
bool repo_has_branch(const struct repo *r, const char *name);
/* Is the name fit for a branch? */
bool repo_branch_ok(const struct repo *r, const char *name);
/* A new branch of the user's repository at this commit of ours. */
int repo_publish(const struct repo *r, const char *name, const char *commit, struct err *e);

/* The mode of a path in a commit: "100644", "120000", "040000"; "" where it is not there. */
void repo_mode(const struct repo *r, const char *commit, const char *path, char mode[8]);
/* Applies a diff to a commit in an index of its own, and makes a commit of it: no file is touched. 1: it does not
 * apply (why says what git says). changed: its paths as "OLDMODE NEWMODE STATUS PATH". */
int repo_apply(const struct repo *r, const char *base, const char *diff, size_t n, char commit[OID_SIZE],
	       char tree[OID_SIZE], struct strv *changed, struct str *why, struct err *e);
/* The difference of two commits. */
int repo_diff(const struct repo *r, const char *from, const char *to, struct str *out, struct err *e);
/* Which lines changed by file, as git --stat says it. */
int repo_stat(const struct repo *r, const char *from, const char *to, struct str *out, struct err *e);

/* Plain files of a commit, and what one holds. */
int repo_files(const struct repo *r, const char *commit, struct strv *out, struct err *e);
int repo_file(const struct repo *r, const char *commit, const char *path, struct str *out, struct err *e);

/* A detached work tree of the commit at path, made anew. */
int repo_checkout(const struct repo *r, const char *commit, const char *path, struct err *e);
void repo_remove(const struct repo *r, const char *path);
/* Paths in a work tree that differ from its commit and are not ignored. */
int repo_changed(const struct repo *r, const char *path, struct strv *out, struct err *e);

#endif
