/* SPDX-License-Identifier: Apache-2.0 */
/* finish.h - from a sampler's log to profile.json: frames get their names, waits their kinds, samples their tests, and
 * the sums are brought to what the kernel counted. */
#ifndef PROFILE_SAMPLE_FINISH_H
#define PROFILE_SAMPLE_FINISH_H

#include "profile/sample/profile.h"
#include "profile/sample/raw.h"

struct finish_options {
	const char *run_id, *root;   /* root: paths below it are shortened; NULL none */
	int rate_hz;
	int64_t end_ns;              /* since the run began: of what is still open; -1: the last record */
	bool wall, kernel_seen;
	bool lines;                  /* look for files and lines in DWARF */
};

/* images: those of the sampler that wrote the log, still open; NULL: opened again by their paths. */
void finish_profile(struct profile *p, struct raw *r, struct walk_images *images, const struct finish_options *o);

/* names.c: every entry's frames. */
struct named {
	uint32_t *first, *count;  /* by entry: into pool */
	uint32_t *pool;
	size_t pool_n;
	bool *evaluation;         /* by entry: this native function runs an interpreter's frames */
};
void names_resolve(struct named *n, struct profile *p, const struct raw *r, struct walk_images *images,
		   const struct finish_options *o);
void names_release(struct named *n);
/* The frames of a stack of the log, native and interpreted ones merged. */
uint32_t names_stack(const struct named *n, struct profile *p, const struct raw *r, uint32_t stack);

/* kinds.c: what a thread waits in. */
const char *wait_kind_of(const struct book_wait *w, const struct profile *p, uint32_t stack);

/* weights.c: sums as the kernel counted them. */
void weights_settle(struct raw *r, const struct finish_options *o, uint32_t kernel_stack, uint32_t unknown_stack,
		    int32_t unknown_wait);

#endif
