/* SPDX-License-Identifier: Apache-2.0 */
/* held.h - the output of a command that runs beside others: read, counted and looked through for tests as that of any
 * other, but handed on to files of its own until it is its turn (print_held). Constant memory whatever the volume. */
#ifndef RUNNER_PROC_HELD_H
#define RUNNER_PROC_HELD_H

#include "runner/proc/outlet.h"
#include "runner/proc/shared.h"

struct held {
	struct shared_ring ring[STREAM_COUNT];
	unsigned char *data[STREAM_COUNT];
	struct outlet outlet[STREAM_COUNT];
};

#define HELD_RING_BYTES (4 * SHARED_READ_BYTES)

/* fd: a file for each stream, borrowed: it outlives the command. Caller frees. */
struct held *held_new(const int fd[STREAM_COUNT]);
void held_free(struct held *h); /* NULL is fine */

/* A file without a name: in TMPDIR of envp, else in memory. -1 and errno. */
int held_file(char *const envp[]);

#endif
