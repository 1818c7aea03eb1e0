/* SPDX-License-Identifier: Apache-2.0 */
/* slot_dir.h - the TMPDIR of a case: one folder a slot, named by the run and the slot, so that whichever of our
 * processes is left knows them all. */
#ifndef RUNNER_PROC_SLOT_DIR_H
#define RUNNER_PROC_SLOT_DIR_H

struct context;

/* "$TMPDIR/spec-runner-<end of the run id>-<slot>": short, for sockets in it want short paths. Caller frees. */
char *slot_dir_path(const struct context *c, int slot);

/* Removes those that are there: of a supervisor that died. */
void slot_dirs_sweep(const struct context *c);

#endif
