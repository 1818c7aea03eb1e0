/* SPDX-License-Identifier: Apache-2.0 */
/* spans.h - which spans are open. Memory is bounded by how many are open at once, not by how
 * many there were. Also rebuilds that knowledge from a journal, record by record. */
#ifndef TRACE_SPANS_H
#define TRACE_SPANS_H

#include "trace/emit.h"
#include "trace/journal.h"

#define SPANS_ENDED_KEPT 1024

struct open_span {
	span_id id, parent;
	uint64_t begin_off;
	uint64_t end_off; /* while a journal is read: where its END is said to lie, 0 nowhere */
};

struct spans {
	struct open_span *v;  /* by rising id; a parent stands before its children */
	size_t n, cap;
	/* Parents of spans that ended lately, by id modulo; an older one counts as the root. */
	struct { span_id id, parent; } ended[SPANS_ENDED_KEPT];
	span_id last;         /* highest number given out */
	int64_t last_ns;      /* time of the last record */
	int64_t root_end_ns;  /* -1: the root is open or not there yet */
};
void spans_init(struct spans *s);
void spans_release(struct spans *s);

struct open_span *spans_find(struct spans *s, span_id id); /* NULL: not open */
/* id, or its nearest open ancestor, or 0 when the root has ended too. */
span_id spans_nearest(struct spans *s, span_id id);
bool spans_below(struct spans *s, const struct open_span *o, span_id ancestor);
void spans_begin(struct spans *s, span_id id, span_id parent, uint64_t begin_off);
void spans_end(struct spans *s, span_id id);

/* Takes one record in. -1 when it contradicts what came before it (a damaged journal). */
int spans_replay(struct spans *s, const struct journal_rec *r, uint64_t off);

#endif
