/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/action.h"

#include "audit/glob.h"
#include "base/mem.h"
#include "base/nearest.h"

#include <stdlib.h>
#include <string.h>

void action_release(struct action *a)
{
	free(a->name);
	free(a->description);
	strv_release(&a->patterns);
	free(a->entries);
	memset(a, 0, sizeof(*a));
}

/* The whole name, or a part of it that starts after a dot; `*` is any run of letters within one part. */
static bool names(const char *pattern, const char *name)
{
	bool glob = strchr(pattern, '*') != NULL;

	for (const char *at = name; at; at = strpbrk(at, "./:")) {
		at += at != name;
		if (glob ? glob_is(pattern, at, "./:") : strcmp(pattern, at) == 0)
			return true;
	}
	return false;
}

static void entry_add(struct action *a, uint32_t function)
{
	for (uint32_t i = 0; i < a->entry_count; i++)
		if (a->entries[i] == function)
			return;
	a->entries = xreallocarray(a->entries, a->entry_count + 1, sizeof(*a->entries));
	a->entries[a->entry_count++] = function;
}

static int missing(const struct graph *g, const char *pattern, const char *what, struct err *e)
{
	struct nearest whole, last;
	char hint[NEAREST_HINT_SIZE];
	const char *dot = strrchr(pattern, '.');

	nearest_init(&whole, pattern);
	nearest_init(&last, dot ? dot + 1 : pattern);
	for (uint32_t i = 0; i < g->function_count; i++) {
		const char *name = graph_text(g, g->functions[i].name);

		if (g->functions[i].file == GRAPH_NONE)
			continue;
		nearest_offer(&whole, name);
		for (const char *at = strpbrk(name, "./:"); at; at = strpbrk(at + 1, "./:")) {
			nearest_offer(&whole, at + 1);
			nearest_offer(&last, at + 1);
		}
	}
	return err_set(e, ERR_USAGE, "%s: no function '%s' in the audited sources%s", what, pattern,
		       nearest_hint(whole.best ? whole.best : last.best, hint));
}

int action_entry(const struct graph *g, const char *pattern, const char *what, struct action *a, struct err *e)
{
	bool glob = strchr(pattern, '*') != NULL;
	text_t whole = text_find(&g->texts, pattern);
	uint32_t exact = whole ? graph_find(g, whole) : GRAPH_NONE, first = GRAPH_NONE, found = 0, second = 0;

	if (exact != GRAPH_NONE && g->functions[exact].file != GRAPH_NONE) {
		entry_add(a, exact);
		return 0;
	}
	for (uint32_t i = 0; i < g->function_count; i++) {
		if (g->functions[i].file == GRAPH_NONE || !names(pattern, graph_text(g, g->functions[i].name)))
			continue;
		if (!found++)
			first = i;
		else
			second = i;
		if (glob)
			entry_add(a, i);
	}
	if (!found)
		return missing(g, pattern, what, e);
	if (!glob && found > 1)
		return err_set(e, ERR_USAGE, "%s: '%s' names %u functions, such as %s and %s", what, pattern, found,
			       graph_text(g, g->functions[first].name), graph_text(g, g->functions[second].name));
	entry_add(a, first);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int action_resolve(struct action *a, const struct graph *g, const char *what, struct err *e)
{
	for (size_t i = 0; i < a->patterns.n; i++)
		if (action_entry(g, a->patterns.v[i], what, a, e) < 0)
			return -1;
	if (a->entry_count)
		qsort(a->entries, a->entry_count, sizeof(*a->entries), by_number);
	return 0;
}

/* Callees of a function, with repetitions. */
#define EACH_TARGET(g, f, call_, target_)                                                                   \
	for (uint32_t call_ = (g)->first_call[f]; call_ < (g)->first_call[(f) + 1]; call_++)                \
		for (uint32_t t_ = 0, target_; t_ < (g)->calls[call_].targets.n &&                          \
		     ((target_ = graph_find(g, (g)->pool[(g)->calls[call_].targets.at + t_])), true); t_++)

uint32_t subgraph_find(const struct graph *g, const struct action *a, uint32_t max_depth, uint32_t *distance,
	uint32_t *order)
{
	uint32_t n = 0;

	memset(distance, 0xff, g->function_count * sizeof(*distance));
	for (uint32_t i = 0; i < a->entry_count; i++) {
		distance[a->entries[i]] = 0;
		order[n++] = a->entries[i];
	}
	for (uint32_t at = 0; at < n; at++) {
		uint32_t f = order[at];

		if (distance[f] == max_depth)
			continue;
		EACH_TARGET(g, f, c, to)
			if (distance[to] == GRAPH_NONE) {
				distance[to] = distance[f] + 1;
				order[n++] = to;
			}
	}
	return n;
}

/* Strongly connected components: after Tarjan, without recursion. Components are numbered callees first. */
struct components {
	const struct profile *p;
	uint32_t *number, *low, *component, *stack, *path, *at_call, *at_target;
	uint32_t next, top, count;
};

static void component_close(struct components *s, uint32_t f)
{
	uint32_t w;

	do {
		w = s->stack[--s->top];
		s->component[w] = s->count;
	} while (w != f);
	s->count++;
}

static void component_walk(struct components *s, uint32_t root)
{
	const struct graph *g = s->p->g;
	uint32_t depth = 0, f = root;

	s->path[depth++] = root;
	s->number[root] = s->low[root] = ++s->next;
	s->stack[s->top++] = root;
	s->at_call[root] = g->first_call[root];
	while (depth) {
		uint32_t down = GRAPH_NONE;

		f = s->path[depth - 1];
		while (s->at_call[f] < g->first_call[f + 1] && down == GRAPH_NONE) {
			const struct graph_call *c = &g->calls[s->at_call[f]];

			if (s->at_target[f] >= c->targets.n) {
				s->at_call[f]++;
				s->at_target[f] = 0;
				continue;
			}
			uint32_t to = graph_find(g, g->pool[c->targets.at + s->at_target[f]++]);

			if (s->p->distance[to] == GRAPH_NONE)
				continue;
			if (!s->number[to])
				down = to;
			else if (s->component[to] == GRAPH_NONE && s->number[to] < s->low[f])
				s->low[f] = s->number[to];
		}
		if (down != GRAPH_NONE) {
			s->number[down] = s->low[down] = ++s->next;
			s->stack[s->top++] = down;
			s->at_call[down] = g->first_call[down];
			s->path[depth++] = down;
			continue;
		}
		if (s->low[f] == s->number[f])
			component_close(s, f);
		depth--;
		if (depth && s->low[f] < s->low[s->path[depth - 1]])
			s->low[s->path[depth - 1]] = s->low[f];
	}
}

/* Own weights and reaches, callees first. */
struct reaching {
	struct profile *p;
	struct model const *m;
	int64_t *own;
	uint32_t *seen, *todo, stamp;
};

/* Everything that f reaches within the subgraph, each once. */
static int64_t reach_of(struct reaching *r, uint32_t f)
{
	const struct graph *g = r->p->g;
	uint32_t n = 0;
	int64_t sum = 0;

	r->stamp++;
	r->todo[n++] = f;
	r->seen[f] = r->stamp;
	while (n) {
		uint32_t at = r->todo[--n];

		sum = weight_plus(sum, r->own[at]);
		EACH_TARGET(g, at, c, to)
			if (r->p->distance[to] != GRAPH_NONE && r->seen[to] != r->stamp) {
				r->seen[to] = r->stamp;
				r->todo[n++] = to;
			}
	}
	return sum;
}

/* The calls of audited functions in loops of f. Their reaches are known, but those of f's own component. */
static void loops_add(struct reaching *r, uint32_t f, const uint32_t *component, text_t class, text_t amplified)
{
	const struct graph *g = r->p->g;

	EACH_TARGET(g, f, c, to) {
		const struct graph_call *call = &g->calls[c];
		bool again = component[to] == component[f];
		int64_t reach = r->p->distance[to] == GRAPH_NONE ? 0 : r->p->reach[to];
		struct op o = { .call = c, .function = f, .file = call->file, .line = call->line,
			.callee = g->functions[to].name,
			.cost_class = amplified, .base_class = class, .size = -1, .base_weight = reach, .in_loop = true,
			.loop_bound = call->loop_bound, .loop_known = !call->loop_unknown };

		if (!call->in_loop || g->functions[to].file == GRAPH_NONE || (!again && reach <= 0))
			continue;
		if (!again && call->loop_bound > 1)
			o.weight = weight_times(reach, call->loop_bound - 1);
		o.expensive = o.weight > r->m->threshold;
		r->own[f] = weight_plus(r->own[f], o.weight);
		ops_add(&r->p->ops, o);
	}
}

static void reaches_find(struct profile *p, struct graph *g, const struct model *m, struct components *s)
{
	uint32_t *sorted = xcalloc((size_t)p->count + 1, sizeof(*sorted)), n = g->function_count;
	uint32_t *head = xcalloc((size_t)s->count + 2, sizeof(*head));
	struct reaching r = { .p = p, .m = m, .own = xcalloc(n + 1, sizeof(int64_t)), .seen = xcalloc(n + 1,
		sizeof(uint32_t)),
		.todo = xcalloc(n + 1, sizeof(uint32_t)) };
	text_t call = text_ofz(&g->texts, "call"), amplified = text_ofz(&g->texts, "loop_amplified");

	for (uint32_t i = 0; i < p->count; i++)
		head[s->component[p->order[i]] + 1]++;
	for (uint32_t i = 0; i < s->count; i++)
		head[i + 1] += head[i];
	for (uint32_t i = 0; i < p->count; i++)
		sorted[head[s->component[p->order[i]]]++] = p->order[i];
	for (uint32_t i = 0; i < p->count; i++) {
		uint32_t f = p->order[i];

		for (uint32_t k = p->costs->first_op[f]; k < p->costs->first_op[f + 1]; k++) {
			ops_add(&p->ops, p->costs->ops.v[k]);
			r.own[f] = weight_plus(r.own[f], p->costs->ops.v[k].weight);
		}
	}
	for (uint32_t i = 0; i < p->count;) {
		uint32_t end = i;

		while (end < p->count && s->component[sorted[end]] == s->component[sorted[i]])
			loops_add(&r, sorted[end++], s->component, call, amplified);
		for (; i < end; i++)
			p->reach[sorted[i]] = reach_of(&r, sorted[i]);
	}
	free(r.own);
	free(r.seen);
	free(r.todo);
	free(sorted);
	free(head);
}

static int by_place(const void *a, const void *b, void *arg)
{
	const struct graph *g = arg;
	const struct op *x = a, *y = b;
	int c = graph_place_order(g, x->file, x->line, y->file, y->line);

	c = c ? c : strcmp(graph_text(g, x->callee), graph_text(g, y->callee));
	return c ? c : (x->call > y->call) - (x->call < y->call);
}

/* Recursive calls in loops have no weight, and count only where there is something to repeat. */
static void ops_settle(struct profile *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->ops.n; i++) {
		struct op o = p->ops.v[i];
		uint32_t callee = graph_find(p->g, o.callee);
		bool audited = callee != GRAPH_NONE && p->g->functions[callee].file != GRAPH_NONE &&
			       strcmp(graph_text(p->g, o.base_class), "call") == 0;

		if (audited) {
			o.base_weight = p->reach[callee];
			if (o.base_weight <= 0)
				continue;
		}
		p->ops.v[n++] = o;
		p->load = weight_plus(p->load, o.weight);
	}
	p->ops.n = n;
	if (n)
		qsort_r(p->ops.v, n, sizeof(*p->ops.v), by_place, (void *)(uintptr_t)p->g);
}

static int by_mutation(const void *a, const void *b, void *arg)
{
	const struct graph *g = arg;
	const struct graph_mutation *x = a, *y = b;
	int c = graph_place_order(g, x->file, x->line, y->file, y->line);

	c = c ? c : strcmp(graph_text(g, x->target), graph_text(g, y->target));
	return c ? c : (x->kind > y->kind) - (x->kind < y->kind);
}

static void lists_gather(struct profile *p)
{
	const struct graph *g = p->g;
	uint32_t mutations = 0, unresolved = 0;

	for (uint32_t i = 0; i < p->count; i++) {
		uint32_t f = p->order[i];

		mutations += p->costs->first_mutation[f + 1] - p->costs->first_mutation[f];
		unresolved += g->first_call[f + 1] - g->first_call[f];
	}
	p->mutations = xcalloc((size_t)mutations + 1, sizeof(*p->mutations));
	p->unresolved = xcalloc((size_t)unresolved + 1, sizeof(*p->unresolved));
	for (uint32_t i = 0; i < p->count; i++) {
		uint32_t f = p->order[i];

		for (uint32_t k = p->costs->first_mutation[f]; k < p->costs->first_mutation[f + 1]; k++)
			p->mutations[p->mutation_count++] = p->costs->mutations[k];
		for (uint32_t k = g->first_call[f]; k < g->first_call[f + 1]; k++)
			if (graph_is_unresolved(&g->calls[k]))
				p->unresolved[p->unresolved_count++] = k;
	}
	qsort_r(p->mutations, p->mutation_count, sizeof(*p->mutations), by_mutation, (void *)(uintptr_t)g);
	qsort_r(p->unresolved, p->unresolved_count, sizeof(*p->unresolved), graph_call_order, (void *)(uintptr_t)g);
}

int64_t action_profile_call_weight(const struct profile *p, uint32_t call, text_t *callee)
{
	const struct graph *g = p->g;
	const struct graph_call *c = &g->calls[call];
	int64_t sum = 0, greatest = -1;

	for (uint32_t k = p->costs->first_op[c->caller]; k < p->costs->first_op[c->caller + 1]; k++) {
		const struct op *o = &p->costs->ops.v[k];

		if (o->call != call)
			continue;
		sum = weight_plus(sum, o->weight);
		if (o->weight > greatest) {
			greatest = o->weight;
			*callee = o->callee;
		}
	}
	for (uint32_t t = 0; t < c->targets.n; t++) {
		uint32_t to = graph_find(g, g->pool[c->targets.at + t]);
		int64_t w = g->functions[to].file == GRAPH_NONE || p->distance[to] == GRAPH_NONE ? 0 : p->reach[to];

		if (w <= 0)
			continue;
		sum = weight_plus(sum, w);
		if (w > greatest) {
			greatest = w;
			*callee = g->functions[to].name;
		}
	}
	return greatest < 0 ? -1 : sum;
}

static int by_count(const void *a, const void *b, void *arg)
{
	const struct graph *g = arg;
	const struct redundancy *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(graph_text(g, x->callee), graph_text(g, y->callee));
}

static int by_text(const void *a, const void *b)
{
	return by_number(a, b);
}

static void redundancy_find(struct profile *p)
{
	const struct graph *g = p->g;
	uint32_t cap = 0, n = 0, kept = 0;
	text_t *list;

	for (uint32_t i = 0; i < p->count; i++)
		for (uint32_t k = g->first_call[p->order[i]]; k < g->first_call[p->order[i] + 1]; k++)
			cap += g->calls[k].targets.n;
	list = xcalloc((size_t)cap + p->ops.n + 1, sizeof(*list));
	for (uint32_t i = 0; i < p->ops.n; i++)
		if (strcmp(graph_text(g, p->ops.v[i].base_class), "call") != 0)
			list[n++] = p->ops.v[i].callee;
	for (uint32_t i = 0; i < p->count; i++)
		EACH_TARGET(g, p->order[i], c, to)
			if (g->functions[to].file != GRAPH_NONE && p->reach[to] > 0)
				list[n++] = g->functions[to].name;
	qsort(list, n, sizeof(*list), by_text);
	p->redundancy = xcalloc((size_t)n + 1, sizeof(*p->redundancy));
	for (uint32_t i = 0; i < n;) {
		uint32_t end = i;

		while (end < n && list[end] == list[i])
			end++;
		if (end - i > 1)
			p->redundancy[kept++] = (struct redundancy){ list[i], end - i };
		i = end;
	}
	p->redundancy_count = kept;
	qsort_r(p->redundancy, kept, sizeof(*p->redundancy), by_count, (void *)(uintptr_t)g);
	free(list);
}

static void components_find(struct profile *p, struct components *s)
{
	uint32_t n = p->g->function_count + 1;
	uint32_t *block = xcalloc((size_t)n * 7, sizeof(*block));

	*s = (struct components){ .p = p, .number = block, .low = block + n, .component = block + 2 * (size_t)n,
		.stack = block + 3 * (size_t)n, .path = block + 4 * (size_t)n, .at_call = block + 5 * (size_t)n,
		.at_target = block + 6 * (size_t)n };
	memset(s->component, 0xff, n * sizeof(*s->component));
	for (uint32_t i = 0; i < p->count; i++)
		if (!s->number[p->order[i]])
			component_walk(s, p->order[i]);
}

void action_profile_make(struct profile *p, struct graph *g, const struct costs *c, const struct model *m,
	const struct action *a,
		  uint32_t max_depth, const struct front_statements *statements)
{
	struct components s;
	size_t n = (size_t)g->function_count + 1;

	*p = (struct profile){ .g = g, .costs = c, .action = a, .max_depth = max_depth,
		.order = xcalloc(n, sizeof(*p->order)),
		.distance = xcalloc(n, sizeof(*p->distance)), .reach = xcalloc(n, sizeof(*p->reach)) };
	p->count = subgraph_find(g, a, max_depth, p->distance, p->order);
	components_find(p, &s);
	reaches_find(p, g, m, &s);
	free(s.number);
	ops_settle(p);
	lists_gather(p);
	redundancy_find(p);
	if (statements)
		action_profile_runs(p, g, statements);
	action_profile_candidates(p, m);
}

void action_profile_release(struct profile *p)
{
	for (uint32_t i = 0; i < p->candidate_count; i++)
		free(p->candidates[i].why);
	free(p->order);
	free(p->distance);
	free(p->reach);
	free(p->ops.v);
	free(p->mutations);
	free(p->unresolved);
	free(p->redundancy);
	free(p->runs);
	free(p->items);
	free(p->candidates);
	memset(p, 0, sizeof(*p));
}
