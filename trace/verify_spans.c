/* SPDX-License-Identifier: Apache-2.0 */
/* The spans of a trace by their id, and what must hold between them (contract 5). */
#include "trace/verify_internal.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Which span may lie directly in which: bit p of allowed[c] lets a c lie in a p. */
#define IN(name) (1u << SPAN_##name)
static const unsigned allowed_parents[SPAN_COUNT] = {
	[SPAN_RUN_TOTAL] = 0,
	[SPAN_RUNNER_DISPATCH] = IN(RUN_TOTAL),
	[SPAN_CASE_RUN] = IN(RUNNER_DISPATCH) | IN(CASE_CHAIN) | IN(SUBPROCESS_WAIT),
	[SPAN_CASE_CHAIN] = IN(CASE_RUN),
	[SPAN_CASE_HARNESS] = IN(CASE_RUN),
	[SPAN_CHECK_EXECUTE] = IN(CASE_RUN),
	[SPAN_SUBPROCESS_EXEC] = IN(RUNNER_DISPATCH) | IN(CASE_HARNESS),
	[SPAN_SUBPROCESS_WAIT] = IN(SUBPROCESS_EXEC),
};

static size_t slot_of(const struct verify *v, uint64_t id)
{
	size_t mask = v->slot_count - 1, at = (size_t)((id * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & mask;

	while (v->slots[at] && v->spans[v->slots[at] - 1].id != id)
		at = (at + 1) & mask;
	return at;
}

static void slots_grow(struct verify *v)
{
	v->slot_count = v->slot_count ? v->slot_count * 2 : 1024;
	free(v->slots);
	v->slots = xcalloc(v->slot_count, sizeof(*v->slots));
	for (size_t i = 0; i < v->span_count; i++)
		v->slots[slot_of(v, v->spans[i].id)] = (uint32_t)i + 1;
}

bool verify_span_add(struct verify *v, const struct verify_span *s)
{
	size_t slot;

	if (v->span_count * 2 >= v->slot_count)
		slots_grow(v);
	slot = slot_of(v, s->id);
	if (v->slots[slot])
		return false;
	if (v->span_count == v->span_cap) {
		v->span_cap = v->span_cap ? v->span_cap * 2 : 256;
		v->spans = xreallocarray(v->spans, v->span_cap, sizeof(*v->spans));
	}
	v->spans[v->span_count++] = *s;
	v->slots[slot] = (uint32_t)v->span_count;
	return true;
}

const struct verify_span *verify_span_find(const struct verify *v, uint64_t id)
{
	size_t slot;

	if (!v->slot_count)
		return NULL;
	slot = slot_of(v, id);
	return v->slots[slot] ? &v->spans[v->slots[slot] - 1] : NULL;
}

static void check_parent(struct verify *v, const struct verify_span *s, const struct schema_place *at)
{
	const struct verify_span *p;

	if (!s->has_parent) {
		if (s->name >= 0 && s->name != SPAN_RUN_TOTAL)
			verify_say(v, at, "only run.total may be without a parent");
		return;
	}
	if (s->name == SPAN_RUN_TOTAL) {
		verify_say(v, at, "run.total may have no parent");
		return;
	}
	p = verify_span_find(v, s->parent);
	if (!p) {
		verify_say(v, at, "parent_span_id names a span that does not exist");
		return;
	}
	if (s->name >= 0 && p->name >= 0 && !(allowed_parents[(int)s->name] & 1u << p->name))
		verify_say(v, at, "a %s may not lie in a %s", span_name_text[(int)s->name],
			   span_name_text[(int)p->name]);
	if (s->start_ns >= 0 && p->start_ns >= 0 && (s->start_ns < p->start_ns || s->end_ns > p->end_ns))
		verify_say(v, at, "does not lie within its parent");
}

/* A chain of parents that leads back to itself never reaches run.total. */
static void check_cycles(struct verify *v)
{
	struct schema_place root = { 0 }, list = { &root, "spans", 5, 0 }, here = { &list, NULL, 0, 0 };
	auto_free uint32_t *walk = xcalloc(v->span_count, sizeof(*walk)); /* number of the walk that saw it */

	for (size_t i = 0; i < v->span_count; i++) {
		const struct verify_span *s = &v->spans[i];

		while (s && !walk[s - v->spans]) {
			walk[s - v->spans] = (uint32_t)i + 1;
			s = s->has_parent ? verify_span_find(v, s->parent) : NULL;
		}
		if (s && walk[s - v->spans] == i + 1) {
			here.index = s->index;
			verify_say(v, &here, "is its own ancestor");
		}
	}
}

void verify_spans_close(struct verify *v)
{
	struct schema_place root = { 0 }, list = { &root, "spans", 5, 0 }, here = { &list, NULL, 0, 0 };

	for (size_t i = 0; i < v->span_count; i++) {
		here.index = v->spans[i].index;
		check_parent(v, &v->spans[i], &here);
	}
	if (!v->roots)
		verify_say(v, &list, "run.total is missing");
	check_cycles(v);
	v->spans_closed = true;
}

static void event_check(struct verify *v, uint64_t id, int64_t ts_ns, const struct schema_place *at)
{
	const struct verify_span *s = verify_span_find(v, id);

	if (!s)
		verify_say(v, at, "span_id names a span that does not exist");
	else if (s->start_ns >= 0 && s->end_ns >= 0 && (ts_ns < s->start_ns || ts_ns > s->end_ns))
		verify_say(v, at, "ts_ns lies outside its span");
}

void verify_event_span(struct verify *v, uint64_t id, int64_t ts_ns, const struct schema_place *at)
{
	if (v->spans_closed) {
		event_check(v, id, ts_ns, at);
		return;
	}
	if (v->pending_count == v->pending_cap) {
		v->pending_cap = v->pending_cap ? v->pending_cap * 2 : 1024;
		v->pending = xreallocarray(v->pending, v->pending_cap, sizeof(*v->pending));
	}
	v->pending[v->pending_count++] = (struct pending_event){ id, at->index, ts_ns };
}

void verify_events_pending(struct verify *v)
{
	struct schema_place root = { 0 }, list = { &root, "events", 6, 0 }, here = { &list, NULL, 0, 0 };

	for (size_t i = 0; i < v->pending_count; i++) {
		here.index = v->pending[i].index;
		event_check(v, v->pending[i].span, v->pending[i].ts_ns, &here);
	}
}

void verify_release(struct verify *v)
{
	free(v->spans);
	free(v->slots);
	free(v->pending);
}
