/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/spans.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void spans_init(struct spans *s)
{
	memset(s, 0, sizeof(*s));
	s->root_end_ns = -1;
}

void spans_release(struct spans *s)
{
	free(s->v);
	s->v = NULL;
	s->n = s->cap = 0;
}

struct open_span *spans_find(struct spans *s, span_id id)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (s->v[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < s->n && s->v[low].id == id ? &s->v[low] : NULL;
}

span_id spans_nearest(struct spans *s, span_id id)
{
	/* A parent's number is lower than its child's, so this ends. */
	while (id && !spans_find(s, id)) {
		span_id parent = 0;

		if (s->ended[id % SPANS_ENDED_KEPT].id == id)
			parent = s->ended[id % SPANS_ENDED_KEPT].parent;
		id = parent < id ? parent : 0;
	}
	if (id)
		return id;
	return s->n ? s->v[0].id : 0;
}

bool spans_below(struct spans *s, const struct open_span *o, span_id ancestor)
{
	while (o && o->parent > ancestor)
		o = spans_find(s, o->parent);
	return o && o->parent == ancestor;
}

void spans_begin(struct spans *s, span_id id, span_id parent, uint64_t begin_off)
{
	BUG_ON(id <= s->last || parent >= id);
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 16;
		s->v = xreallocarray(s->v, s->cap, sizeof(*s->v));
	}
	s->v[s->n++] = (struct open_span){ id, parent, begin_off, 0 };
	s->last = id;
}

void spans_end(struct spans *s, span_id id)
{
	struct open_span *o = spans_find(s, id);

	if (!o)
		return;
	s->ended[id % SPANS_ENDED_KEPT].id = id;
	s->ended[id % SPANS_ENDED_KEPT].parent = o->parent;
	memmove(o, o + 1, (size_t)(s->v + s->n - (o + 1)) * sizeof(*o));
	s->n--;
}

static bool replay_begin(struct spans *s, const struct journal_rec *r, uint64_t off)
{
	bool root = s->last == 0;

	if (r->span != s->last + 1 || root != (r->kind == SPAN_RUN_TOTAL) ||
	    (root ? r->parent != 0 : !spans_find(s, r->parent)))
		return false;
	spans_begin(s, r->span, r->parent, off);
	s->v[s->n - 1].end_off = r->end_off;
	return true;
}

static bool replay_end(struct spans *s, const struct journal_rec *r, uint64_t off)
{
	struct open_span *o = spans_find(s, r->span);

	if (!o)
		return false;
	/* stored before the END was committed; 0: whoever reads while it is written came before that */
	if (o->end_off && o->end_off != off)
		return false;
	for (struct open_span *c = o + 1; c < s->v + s->n; c++)
		if (c->parent == r->span)
			return false; /* children end first */
	spans_end(s, r->span);
	if (r->span == 1)
		s->root_end_ns = r->ts_ns;
	return true;
}

int spans_replay(struct spans *s, const struct journal_rec *r, uint64_t off)
{
	bool good = r->ts_ns >= s->last_ns;

	switch (journal_rec_type(r->word)) {
	case REC_BEGIN:
		good = good && replay_begin(s, r, off);
		break;
	case REC_END:
		good = good && replay_end(s, r, off);
		break;
	case REC_EVENT:
		/* After the end of everything events lie at the very end of the root. */
		good = good && (spans_find(s, r->span) || (r->span == 1 && r->ts_ns == s->root_end_ns));
		break;
	default:
		break;
	}
	if (!good)
		return -1;
	s->last_ns = r->ts_ns;
	return 0;
}
