/* SPDX-License-Identifier: Apache-2.0 */
/* slice.h - what one file adds to a graph, as bytes that a cache may keep: functions, calls, constants, mutations and their
 * texts, without a number that another file has part in. Made and read before graph_finish(). */
#ifndef AUDIT_SLICE_H
#define AUDIT_SLICE_H

#include "audit/graph.h"

/* How much a graph holds; what is added later is a slice. */
struct slice_mark {
	uint32_t functions, calls, mutations, constants, pool;
};

struct slice_mark slice_mark(const struct graph *g);

/* Takes away what was added since the mark, but for texts. */
void slice_rewind(struct graph *g, const struct slice_mark *from);

/* A writer: what it knows of texts is kept from slice to slice. */
struct slice_writer {
	uint32_t *number; /* text of the graph -> its number in the slice + 1, where `slice` says that it is of this one */
	uint32_t *slice;
	uint8_t *shown;   /* of a text: 1 it may be kept, 2 it may not, 0 nobody asked yet */
	uint32_t cap, slices;
	text_t *texts; /* of the slice, in the order of their numbers */
	uint32_t text_count, text_cap;
	/* May a text be kept on a disk? NULL: each may. */
	bool (*may_keep)(void *arg, const char *text, size_t n);
	void *arg;
};

void slice_writer_release(struct slice_writer *w);

/* Appends the slice of what was added since the mark, all of one file. key_base: is subtracted from functions' keys.
 * False: a text in it must not be kept; nothing was appended. */
bool slice_write(struct slice_writer *w, const struct graph *g, const struct slice_mark *from, uint32_t key_base,
	struct str *out);

/* Adds a slice to a graph, as of that file. False: the bytes are not a slice; nothing but texts was added. */
bool slice_read(struct graph *g, uint32_t file, uint32_t key_base, const void *bytes, size_t n);

#endif
