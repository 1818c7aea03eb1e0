/* SPDX-License-Identifier: Apache-2.0 */
/* stream.h - one output stream of a command: read as it comes, handed on byte for byte, counted,
 * its tail kept. Constant memory whatever the volume.
 *
 * Pass-through streams live in a ring of shared memory: bytes are read straight into it and written
 * from it, and what was written stays there as the tail until it is overwritten. So nothing is
 * copied, and the other of our two processes can go on exactly where this one died. Captured streams
 * grow a buffer up to their limit; the rest is counted only. */
#ifndef RUNNER_PROC_STREAM_H
#define RUNNER_PROC_STREAM_H

#include "base/str.h"
#include "liveness/progress.h"
#include "runner/proc/outlet.h"
#include "runner/proc/shared.h"

struct stream {
	int fd;                     /* read end or pseudo-terminal master; -1: closed */
	bool ended;                 /* end of file, or nobody takes our output: close it */
	bool armed;                 /* in the loop's epoll set */
	int which;                  /* STREAM_OUT or STREAM_ERR */
	bool borrowed;              /* fd is a master that others use: not ours to close */
	/* pass-through */
	struct shared_ring *ring;   /* NULL: captured */
	unsigned char *data;
	size_t ring_bytes;
	struct outlet *outlet;
	/* captured */
	struct str kept;
	size_t keep_max;
	uint64_t total;             /* bytes read */
	struct progress_filter filter;
	uint64_t reads;
};

void stream_init_pass(struct stream *s, int which, int fd, bool borrowed, struct shared *sh,
		      struct outlet *outlet);
/* The same with a ring and an outlet of its own. */
void stream_init_ring(struct stream *s, int which, int fd, struct shared_ring *ring, unsigned char *data, size_t ring_bytes,
		      struct outlet *outlet);
void stream_init_capture(struct stream *s, int which, int fd, size_t keep_max);
void stream_close(struct stream *s);   /* epoll must have forgotten it: the front holds a duplicate */
void stream_release(struct stream *s);

enum stream_state {
	STREAM_MORE,    /* something was read; there may be more */
	STREAM_EMPTY,   /* nothing there now */
	STREAM_FULL,    /* our reader is slow: nothing was read, wait for the outlet */
	STREAM_END,     /* end of file: take it out of epoll, then stream_close */
};

/* Reads once. *bytes: how many; *progress: do they count (contract 6)? */
enum stream_state stream_read(struct stream *s, size_t *bytes, bool *progress);

/* Writes what is owed. Returns bytes written now; *owed: is anything left? -1: the reader of our
 * output went away: close the stream, so that the command gets its own SIGPIPE, as it would
 * without us. A write that fails for another reason (outlet->error) drops what follows. */
ssize_t stream_flush(struct stream *s, bool *owed);

uint64_t stream_owed(const struct stream *s);
uint64_t stream_total(const struct stream *s);

/* Copies the last `n` bytes that were read (fewer where there were fewer) into out. */
void stream_tail(const struct shared_ring *ring, const unsigned char *data, size_t ring_bytes, size_t n,
		 struct str *out);

#endif
