/* SPDX-License-Identifier: Apache-2.0 */
/* repo.h - which repository and revision a folder belongs to, out of git's own small files: no process is started.
 * Whether tracked files were changed (dirty) cannot be read so cheaply: git itself has to be asked. */
#ifndef TRACE_REPO_H
#define TRACE_REPO_H

#include "base/str.h"

#include <stdbool.h>

struct repo {
	char uri[512];    /* of the remote origin, without userinfo; else the name of the folder */
	char rev[72];     /* commit, in hex; "" unknown */
	char branch[256]; /* "" where HEAD is detached */
	int dirty;        /* 1: tracked files were changed; 0: none; -1: unknown */
};

/* root: the top of the work tree. False where it is none. */
bool repo_read(const char *root, struct repo *r);

/* Copies a URI without what stands before the '@' of its authority. */
void repo_strip_userinfo(const char *uri, char *out, size_t size);

/* As {"uri", "rev", "branch", "dirty"}; what is unknown is null. */
void repo_write(const struct repo *r, struct str *out);

#endif
