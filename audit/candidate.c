/* SPDX-License-Identifier: Apache-2.0 */
/* candidate.c - what could be saved, ranked. */
#include "audit/action.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A site of a call that counts for "redundant": an operation, or a call of an audited function with a reach. */
struct site {
	uint32_t call;
	text_t callee;
	int64_t weight;
};

static void add(struct profile *p, const struct model *m, struct candidate c)
{
	double share = p->load > 0 ? (double)c.reduction / (double)p->load : 0;

	c.priority = share >= m->high && p->load > 0 ? LEVEL_HIGH : share >= m->medium && p->load > 0 ?
		LEVEL_MEDIUM : LEVEL_LOW;
	p->candidates = xreallocarray(p->candidates, p->candidate_count + 1, sizeof(*p->candidates));
	p->candidates[p->candidate_count++] = c;
}

static int compare_site(const struct graph *g, const struct site *x, const struct site *y)
{
	const struct graph_call *a = &g->calls[x->call], *b = &g->calls[y->call];

	if (x->callee != y->callee)
		return x->callee < y->callee ? -1 : 1;
	if (a->arguments != b->arguments)
		return a->arguments < b->arguments ? -1 : 1;
	return (a->receiver > b->receiver) - (a->receiver < b->receiver);
}

static int by_site(const void *a, const void *b, void *arg)
{
	const struct graph *g = arg;
	const struct site *x = a, *y = b;
	const struct graph_call *c = &g->calls[x->call], *d = &g->calls[y->call];
	int order = compare_site(g, x, y);

	if (order)
		return order;
	if (c->file != d->file)
		return strcmp(graph_text(g, g->files[c->file].path), graph_text(g, g->files[d->file].path));
	if (c->line != d->line)
		return c->line < d->line ? -1 : 1;
	return (c->start > d->start) - (c->start < d->start);
}

static struct site *sites_gather(const struct profile *p, uint32_t *count)
{
	const struct graph *g = p->g;
	uint32_t n = 0, cap = p->ops.n;
	struct site *list;

	for (uint32_t i = 0; i < p->count; i++)
		for (uint32_t k = g->first_call[p->order[i]]; k < g->first_call[p->order[i] + 1]; k++)
			cap += g->calls[k].targets.n;
	list = xcalloc((size_t)cap + 1, sizeof(*list));
	for (uint32_t i = 0; i < p->ops.n; i++)
		if (p->ops.v[i].call != GRAPH_NONE && strcmp(graph_text(g, p->ops.v[i].base_class), "call") != 0)
			list[n++] = (struct site){ p->ops.v[i].call, p->ops.v[i].callee, p->ops.v[i].weight };
	for (uint32_t i = 0; i < p->count; i++)
		for (uint32_t k = g->first_call[p->order[i]]; k < g->first_call[p->order[i] + 1]; k++)
			for (uint32_t t = 0; g->calls[k].is_expression && t < g->calls[k].targets.n; t++) {
				uint32_t to = graph_find(g, g->pool[g->calls[k].targets.at + t]);

				if (g->functions[to].file != GRAPH_NONE && p->distance[to] != GRAPH_NONE &&
					p->reach[to] > 0)
					list[n++] = (struct site){ k, g->functions[to].name, p->reach[to] };
			}
	qsort_r(list, n, sizeof(*list), by_site, (void *)(uintptr_t)g);
	*count = n;
	return list;
}

static void redundant_add(struct profile *p, const struct model *m, bool *named)
{
	uint32_t n;
	struct site *list = sites_gather(p, &n);

	for (uint32_t i = 0; i < n;) {
		const struct graph_call *first = &p->g->calls[list[i].call];
		uint32_t end = i;
		int64_t sum = 0, greatest = 0;
		bool one = true;

		while (end < n && compare_site(p->g, &list[i], &list[end]) == 0) {
			sum = weight_plus(sum, list[end].weight);
			greatest = list[end].weight > greatest ? list[end].weight : greatest;
			one &= p->g->calls[list[end].call].caller == first->caller;
			end++;
		}
		if (end - i > 1 && first->is_expression) {
			add(p, m, (struct candidate){ .kind = CANDIDATE_REDUNDANT, .function = first->caller,
				.file = first->file,
				.line = first->line, .callee = list[i].callee, .cost = sum, .reduction = sum - greatest,
				.effort = one ? m->effort_one_function : m->effort[CANDIDATE_REDUNDANT],
				.why = xasprintf("called at %u places with the same words as arguments", end - i) });
			for (uint32_t k = i; k < end; k++)
				named[list[k].call] = true;
		}
		i = end;
	}
	free(list);
}

static void loops_add(struct profile *p, const struct model *m, bool *named)
{
	for (uint32_t i = 0; i < p->ops.n; i++) {
		const struct op *o = &p->ops.v[i];
		bool call = strcmp(graph_text(p->g, o->base_class), "call") == 0;
		int64_t cost = call ? weight_times(o->base_weight, o->loop_bound) : o->weight;

		if (!o->in_loop || !o->loop_known || o->loop_bound <= 1 || o->call == GRAPH_NONE)
			continue;
		add(p, m, (struct candidate){ .kind = CANDIDATE_LOOP, .function = o->function, .file = o->file,
			.line = o->line,
			.callee = o->callee, .cost = cost, .reduction = cost - cost / o->loop_bound,
			.effort = m->effort[CANDIDATE_LOOP],
			.why = xasprintf("repeated %lld times by the loop around it", (long long)o->loop_bound) });
		named[o->call] = true;
	}
}

static bool is_within(const struct run_item *item, const struct graph_call *c)
{
	return c->file == item->file && c->start >= item->start && c->start < item->end;
}

/* The functions of the subgraph that a call leads to, which nobody had before, are added to a list. */
static uint32_t targets_add(const struct profile *p, const struct graph_call *c, bool *seen, uint32_t *list, uint32_t n)
{
	for (uint32_t t = 0; t < c->targets.n; t++) {
		uint32_t to = graph_find(p->g, p->g->pool[c->targets.at + t]);

		if (p->distance[to] == GRAPH_NONE || seen[to])
			continue;
		seen[to] = true;
		list[n++] = to;
	}
	return n;
}

/* How many calls of a run, and of all that it calls, lead nobody knows where. */
static uint32_t run_unresolved(const struct profile *p, const struct run *r)
{
	const struct graph *g = p->g;
	auto_free bool *seen = xcalloc((size_t)g->function_count + 1, sizeof(*seen));
	auto_free uint32_t *list = xcalloc((size_t)p->count + 1, sizeof(*list));
	uint32_t n = 0, unresolved = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		const struct run_item *item = &p->items[r->at + i];

		for (uint32_t k = g->first_call[item->function]; k < g->first_call[item->function + 1]; k++)
			if (is_within(item, &g->calls[k])) {
				unresolved += graph_is_unresolved(&g->calls[k]);
				n = targets_add(p, &g->calls[k], seen, list, n);
			}
	}
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = g->first_call[list[i]]; k < g->first_call[list[i] + 1]; k++) {
			unresolved += graph_is_unresolved(&g->calls[k]);
			n = targets_add(p, &g->calls[k], seen, list, n);
		}
	return unresolved;
}

/* What is said of a run rests on the calls that could be resolved. */
static char *run_why(const struct profile *p, const struct run *r)
{
	uint32_t unresolved = run_unresolved(p, r);

	if (!unresolved)
		return xasprintf("%u statements in a row that do not need each other", r->n);
	return xasprintf("%u statements in a row that do not need each other, as far as is known: %u call%s below them "
		"%s unresolved", r->n, unresolved, unresolved == 1 ? "" : "s", unresolved == 1 ? "is" : "are");
}

static void runs_add(struct profile *p, const struct model *m, bool *named)
{
	for (uint32_t i = 0; i < p->run_count; i++) {
		const struct run_item *first = &p->items[p->runs[i].at];
		int64_t sum = 0, greatest = 0;

		for (uint32_t k = 0; k < p->runs[i].n; k++) {
			const struct run_item *item = first + k;

			sum = weight_plus(sum, item->weight);
			greatest = item->weight > greatest ? item->weight : greatest;
			for (uint32_t c = p->g->first_call[item->function]; c < p->g->first_call[item->function + 1]; c++)
				named[c] |= is_within(item, &p->g->calls[c]);
		}
		add(p, m, (struct candidate){ .kind = CANDIDATE_PIPELINE, .function = first->function,
			.file = first->file,
			.line = first->line, .callee = first->callee, .cost = sum, .reduction = sum - greatest,
			.effort = m->effort[CANDIDATE_PIPELINE],
			.why = run_why(p, &p->runs[i]) });
	}
}

int candidate_compare(const struct graph *g, const struct candidate *a, const struct candidate *b)
{
	int c;

	if (a->reduction != b->reduction)
		return a->reduction > b->reduction ? -1 : 1;
	if (a->cost != b->cost)
		return a->cost > b->cost ? -1 : 1;
	c = a->file == b->file ? 0 : strcmp(graph_text(g, g->files[a->file].path), graph_text(g,
		g->files[b->file].path));
	if (c)
		return c;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	c = strcmp(graph_text(g, a->callee), graph_text(g, b->callee));
	return c ? c : (a->kind > b->kind) - (a->kind < b->kind);
}

static int by_rank(const void *a, const void *b, void *arg)
{
	return candidate_compare(arg, a, b);
}

void action_profile_candidates(struct profile *p, const struct model *m)
{
	bool *named = xcalloc((size_t)p->g->call_count + 1, sizeof(*named));

	redundant_add(p, m, named);
	loops_add(p, m, named);
	runs_add(p, m, named);
	for (uint32_t i = 0; i < p->ops.n; i++) {
		const struct op *o = &p->ops.v[i];

		if (!o->expensive || (o->call != GRAPH_NONE && named[o->call]))
			continue;
		add(p, m, (struct candidate){ .kind = CANDIDATE_EXPENSIVE, .function = o->function, .file = o->file,
			.line = o->line, .callee = o->callee, .cost = o->weight,
				.effort = m->effort[CANDIDATE_EXPENSIVE],
			.why = xasprintf("over the threshold of %lld", (long long)m->threshold) });
	}
	if (p->candidate_count)
		qsort_r(p->candidates, p->candidate_count, sizeof(*p->candidates), by_rank, (void *)(uintptr_t)p->g);
	free(named);
}
