/* SPDX-License-Identifier: Apache-2.0 */
/* raw.h - the log of a sampler, read: what book.h wrote, up to the last whole record. */
#ifndef PROFILE_SAMPLE_RAW_H
#define PROFILE_SAMPLE_RAW_H

#include "base/err.h"
#include "profile/sample/book.h"

struct raw_thread {
	int32_t pid, tid, ppid;
	int64_t start_ns, end_ns, cpu_ns, delay_ns; /* end -1: the log ends before it; cpu -1 unknown */
	const char *comm, *name, *exe;
	struct strv argv;
};
struct raw_image {
	uint64_t inode;
	unsigned dev_major, dev_minor;
	const char *path;
};
struct raw_note {
	const char *kind, *text;
	size_t n;
};
struct raw {
	int64_t start_ns;
	struct texts texts;
	struct raw_thread *threads;
	size_t thread_count;
	struct raw_image *images;
	size_t image_count;
	struct book_entry *entries;
	size_t entry_count;
	uint32_t *pool, *stack_first, *stack_len;
	size_t pool_count, stack_count;
	struct book_wait *waits;
	size_t wait_count;
	struct book_sample *samples;
	size_t sample_count;
	struct raw_note *notes;
	size_t note_count;
	bool torn; /* the last record is not whole, or makes no sense: what lies before it counts */
};

/* -1: no such log at all. bytes must outlive raw only for its notes. */
int raw_parse(struct raw *r, const char *bytes, size_t n, struct err *e);
void raw_release(struct raw *r);

#endif
