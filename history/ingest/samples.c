/* SPDX-License-Identifier: Apache-2.0 */
#include "history/ingest/samples.h"

#include "base/json_write.h"
#include "base/mem.h"
#include "history/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX
#define FRAMES_MAX 4096
#define ROUNDS_MAX 200

void samples_init(struct samples *s)
{
	memset(s, 0, sizeof(*s));
}

void samples_release(struct samples *s)
{
	for (size_t i = 0; i < s->n_nodes; i++) {
		free(s->nodes[i].symbol);
		free(s->nodes[i].file);
	}
	free(s->nodes);
	free(s->edges);
	free(s->node_hash);
	free(s->edge_hash);
	memset(s, 0, sizeof(*s));
}

static uint64_t hash_text(const char *p, size_t n)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * UINT64_C(1099511628211);
	return h ^ h >> 29;
}

static uint64_t hash_pair(uint32_t a, uint32_t b)
{
	uint64_t h = ((uint64_t)a << 32 | b) * UINT64_C(0x9E3779B97F4A7C15);

	return h ^ h >> 29;
}

static uint32_t *node_slot(const struct samples *s, const char *p, size_t n)
{
	for (size_t i = hash_text(p, n) & (s->node_hash_size - 1);; i = (i + 1) & (s->node_hash_size - 1)) {
		const char *known = s->node_hash[i] == NONE ? NULL : s->nodes[s->node_hash[i]].symbol;

		if (!known || (strncmp(known, p, n) == 0 && !known[n]))
			return &s->node_hash[i];
	}
}

static uint32_t *edge_slot(const struct samples *s, uint32_t caller, uint32_t callee)
{
	for (size_t i = hash_pair(caller, callee) & (s->edge_hash_size - 1);; i = (i + 1) & (s->edge_hash_size - 1)) {
		const struct sample_edge *x = s->edge_hash[i] == NONE ? NULL : &s->edges[s->edge_hash[i]];

		if (!x || (x->caller == caller && x->callee == callee))
			return &s->edge_hash[i];
	}
}

static void grow_hash(uint32_t **hash, size_t *size)
{
	*size = *size ? *size * 2 : 256;
	*hash = xreallocarray(*hash, *size, sizeof(**hash));
	memset(*hash, 0xff, *size * sizeof(**hash));
}

static uint32_t node_of(struct samples *s, const char *p, size_t n)
{
	uint32_t *slot;

	if (s->n_nodes * 2 >= s->node_hash_size) {
		grow_hash(&s->node_hash, &s->node_hash_size);
		for (size_t i = 0; i < s->n_nodes; i++)
			*node_slot(s, s->nodes[i].symbol, strlen(s->nodes[i].symbol)) = (uint32_t)i;
	}
	slot = node_slot(s, p, n);
	if (*slot != NONE)
		return *slot;
	if ((s->n_nodes & (s->n_nodes - 1)) == 0)
		s->nodes = xreallocarray(s->nodes, s->n_nodes ? s->n_nodes * 2 : 1, sizeof(*s->nodes));
	s->nodes[s->n_nodes] = (struct sample_node){ .symbol = xstrndup(p, n), .next_edge = NONE };
	return *slot = (uint32_t)s->n_nodes++;
}

static struct sample_edge *edge_of(struct samples *s, uint32_t caller, uint32_t callee)
{
	uint32_t *slot;

	if (s->n_edges * 2 >= s->edge_hash_size) {
		grow_hash(&s->edge_hash, &s->edge_hash_size);
		for (size_t i = 0; i < s->n_edges; i++)
			*edge_slot(s, s->edges[i].caller, s->edges[i].callee) = (uint32_t)i;
	}
	slot = edge_slot(s, caller, callee);
	if (*slot != NONE)
		return &s->edges[*slot];
	if ((s->n_edges & (s->n_edges - 1)) == 0)
		s->edges = xreallocarray(s->edges, s->n_edges ? s->n_edges * 2 : 1, sizeof(*s->edges));
	s->edges[s->n_edges] =
		(struct sample_edge){ .caller = caller, .callee = callee, .next = s->nodes[caller].next_edge };
	*slot = s->nodes[caller].next_edge = (uint32_t)s->n_edges;
	return &s->edges[s->n_edges++];
}

static void see_node(struct samples *s, uint32_t at, double weight)
{
	if (s->nodes[at].seen == s->serial)
		return;
	s->nodes[at].seen = s->serial;
	s->nodes[at].total += weight;
}

static void put(struct samples *s, const uint32_t *frames, size_t n, double weight)
{
	s->serial++;
	for (size_t i = 0; i < n; i++) {
		struct sample_edge *x;

		see_node(s, frames[i], weight);
		if (!i)
			continue;
		x = edge_of(s, frames[i - 1], frames[i]);
		if (x->seen == s->serial)
			continue;
		x->seen = s->serial;
		x->count++;
		x->cost += weight;
	}
	if (n)
		s->nodes[frames[n - 1]].self += weight;
}

void samples_put(struct samples *s, const char *const *frames, size_t n, double weight)
{
	uint32_t ids[FRAMES_MAX];

	n = n < FRAMES_MAX ? n : FRAMES_MAX;
	for (size_t i = 0; i < n; i++)
		ids[i] = node_of(s, frames[i], strlen(frames[i]));
	put(s, ids, n, weight);
}

void samples_add_frames(struct samples *s, const char *const *frames, size_t n, double weight)
{
	samples_put(s, frames, n, weight);
	s->samples_total++;
	s->weight_total += weight;
}

void samples_add(struct samples *s, const char *stack, size_t n, double weight)
{
	uint32_t ids[FRAMES_MAX];
	size_t count = 0;

	for (size_t at = 0; at <= n && count < FRAMES_MAX;) {
		const char *end = memchr(stack + at, ';', n - at);
		size_t len = end ? (size_t)(end - stack) - at : n - at;

		ids[count++] = node_of(s, stack + at, len);
		at += len + 1;
	}
	put(s, ids, count, weight);
	s->samples_total++;
	s->weight_total += weight;
}

/* ---- rankings ---- */

/* One round: x = self + damping * what the callees hand up. Returns the largest change. */
static double rank_round(struct samples *s, const double *incoming, const double *x, double *next, double damping)
{
	double most = 0;

	for (size_t v = 0; v < s->n_nodes; v++) {
		double up = 0;

		for (uint32_t e = s->nodes[v].next_edge; e != NONE; e = s->edges[e].next) {
			const struct sample_edge *edge = &s->edges[e];

			if (edge->callee != v && incoming[edge->callee] > 0)
				up += x[edge->callee] * edge->cost / incoming[edge->callee];
		}
		next[v] = s->nodes[v].self + damping * up;
		if (fabs(next[v] - x[v]) > most)
			most = fabs(next[v] - x[v]);
	}
	return most;
}

void samples_rank(struct samples *s, double damping)
{
	auto_free double *incoming = xcalloc(s->n_nodes + 1, sizeof(*incoming));
	auto_free double *x = xcalloc(s->n_nodes + 1, sizeof(*x)), *next = xcalloc(s->n_nodes + 1, sizeof(*next));
	double sum = 0;

	for (size_t i = 0; i < s->n_edges; i++)
		if (s->edges[i].caller != s->edges[i].callee)
			incoming[s->edges[i].callee] += s->edges[i].cost;
	for (size_t i = 0; i < s->n_nodes; i++)
		x[i] = s->nodes[i].self;
	for (int round = 0; round < ROUNDS_MAX; round++) {
		double most = rank_round(s, incoming, x, next, damping);

		memcpy(x, next, s->n_nodes * sizeof(*x));
		if (most <= 1e-12 * (s->weight_total + 1))
			break;
	}
	for (size_t i = 0; i < s->n_nodes; i++)
		sum += x[i];
	for (size_t i = 0; i < s->n_nodes; i++)
		s->nodes[i].rank = sum > 0 ? x[i] / sum : 0;
}

struct ranked {
	double score;
	const char *symbol;
	uint32_t at;
};

static int by_score(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	return strcmp(x->symbol, y->symbol);
}

uint32_t *samples_top(const struct samples *s, enum samples_ranker by)
{
	auto_free struct ranked *r = xcalloc(s->n_nodes + 1, sizeof(*r));
	uint32_t *out = xcalloc(s->n_nodes + 1, sizeof(*out));

	for (size_t i = 0; i < s->n_nodes; i++)
		r[i] = (struct ranked){ by == SAMPLES_SELF ? s->nodes[i].self : s->nodes[i].rank, s->nodes[i].symbol,
					(uint32_t)i };
	qsort(r, s->n_nodes, sizeof(*r), by_score);
	for (size_t i = 0; i < s->n_nodes; i++)
		out[i] = r[i].at;
	return out;
}

void samples_graph(const struct samples *s, struct str *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_str(&j, "kind", "PCG");
	json_array(&j, "nodes");
	for (size_t i = 0; i < s->n_nodes; i++) {
		json_object(&j, NULL);
		json_uint(&j, "id", i);
		json_str(&j, "symbol", s->nodes[i].symbol);
		json_str(&j, "file", s->nodes[i].file);
		view_real(&j, "self", s->nodes[i].self);
		view_real(&j, "total", s->nodes[i].total);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_array(&j, "edges");
	for (size_t i = 0; i < s->n_edges; i++) {
		json_object(&j, NULL);
		json_uint(&j, "caller", s->edges[i].caller);
		json_uint(&j, "callee", s->edges[i].callee);
		json_uint(&j, "count", s->edges[i].count);
		view_real(&j, "cost", s->edges[i].cost);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
}
