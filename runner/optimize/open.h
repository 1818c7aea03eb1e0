/* SPDX-License-Identifier: Apache-2.0 */
/* open.h - a loop is begun, or found again. */
#ifndef RUNNER_OPTIMIZE_OPEN_H
#define RUNNER_OPTIMIZE_OPEN_H

#include "runner/optimize/files.h"
#include "runner/optimize/loop.h"

#define LOOP_FOLDER "optimize"

/* .artifacts/optimize, absolute. Caller frees. */
char *loops_dir(const struct options *o, const char *root);
/* keep.c: what --resume must know again: the words of the command line, and which files were read. */
int keep_write(const struct loop *l, struct err *e);
/* Into o and setup files (absolute). ERR_USAGE where one of them changed. */
int keep_read(struct loop *l, struct strv *files, struct err *e);

/* The newest loop of the folder, or the one named. 1: there is none. Caller frees. */
int loop_find(const char *dir, const char *name, char **run_id, struct err *e);
/* Removes work trees and processes of loops that do not run. */
int loops_clean(const struct options *o, const char *root, int *cleaned, struct err *e);

#endif
