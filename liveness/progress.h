/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - what counts as progress (contract 6), as pure functions. */
#ifndef LIVENESS_PROGRESS_H
#define LIVENESS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a stream count, but not the lines that a nested spec-runner prints about itself
 * ("spec-runner: …"): its heartbeat must not keep a hung test alive. One filter a stream. */
struct progress_filter {
	unsigned matched; /* bytes of the prefix matched on this line; UINT_MAX: not such a line */
	bool own_line;
};
void progress_filter_init(struct progress_filter *f);
/* Does this chunk hold a byte that is not part of such a line? */
bool progress_filter_bytes(struct progress_filter *f, const char *p, size_t n);

/* Command lines seen in one tree. A new one is progress; one seen before is not. Bounded: a full
 * set takes nothing more in and calls nothing new. */
#define PROGRESS_SEEN_MAX 16384
struct progress_seen {
	uint64_t *slot;
	uint32_t size, count;
};
void progress_seen_init(struct progress_seen *s);
void progress_seen_release(struct progress_seen *s);
/* True when this command line was not there before. */
bool progress_seen_add(struct progress_seen *s, const char *cmdline, size_t n);

#endif
