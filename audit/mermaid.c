/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/output.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define NODES_MAX 200
#define EDGES_MAX 400

/* Entities by number are what every Mermaid accepts in a quoted label. */
static void label(struct str *out, const char *text)
{
	for (const char *c = text; *c; c++) {
		unsigned char b = (unsigned char)*c;

		if (b < ' ' || b == 0x7f)
			str_addc(out, ' ');
		else if (b == '"')
			str_add(out, "#quot;");
		else if (b == '<')
			str_add(out, "#lt;");
		else if (b == '>')
			str_add(out, "#gt;");
		else if (strchr("#`\\&", b))
			str_addf(out, "#%d;", b);
		else
			str_addc(out, (char)b);
	}
}

struct edge {
	uint32_t from, to; /* places in the order of nodes */
	int64_t bound;     /* 1: no loop */
	bool loop, known;
};

static int by_edge(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	return (x->bound < y->bound) - (x->bound > y->bound); /* the greatest loop first */
}

static struct edge *edges_gather(const struct profile *p, const uint32_t *place, uint32_t nodes, uint32_t *count)
{
	const struct graph *g = p->g;
	uint32_t n = 0, cap = 0, kept = 0;
	struct edge *list;

	for (uint32_t i = 0; i < nodes; i++)
		for (uint32_t k = g->first_call[p->order[i]]; k < g->first_call[p->order[i] + 1]; k++)
			cap += g->calls[k].targets.n;
	list = xcalloc((size_t)cap + 1, sizeof(*list));
	for (uint32_t i = 0; i < nodes; i++)
		for (uint32_t k = g->first_call[p->order[i]]; k < g->first_call[p->order[i] + 1]; k++)
			for (uint32_t t = 0; t < g->calls[k].targets.n; t++) {
				uint32_t to = place[graph_find(g, g->pool[g->calls[k].targets.at + t])];

				if (to != GRAPH_NONE)
					list[n++] = (struct edge){ i, to, g->calls[k].in_loop ?
						g->calls[k].loop_bound : 1,
						g->calls[k].in_loop, !g->calls[k].loop_unknown };
			}
	qsort(list, n, sizeof(*list), by_edge);
	for (uint32_t i = 0; i < n; i++)
		if (!kept || list[kept - 1].from != list[i].from || list[kept - 1].to != list[i].to)
			list[kept++] = list[i];
	*count = kept;
	return list;
}

static bool is_expensive(const struct profile *p, uint32_t function)
{
	for (uint32_t i = 0; i < p->ops.n; i++)
		if (p->ops.v[i].function == function && p->ops.v[i].expensive)
			return true;
	return false;
}

void output_mermaid(const struct profile *p, uint32_t depth, struct str *out)
{
	const struct graph *g = p->g;
	uint32_t nodes = 0, edges, *place = xcalloc((size_t)g->function_count + 1, sizeof(*place)), all = 0, hidden;
	struct edge *list;

	while (all < p->count && p->distance[p->order[all]] <= depth)
		all++;
	nodes = all < NODES_MAX ? all : NODES_MAX;
	memset(place, 0xff, (g->function_count + 1) * sizeof(*place));
	for (uint32_t i = 0; i < all; i++)
		place[p->order[i]] = i;
	list = edges_gather(p, place, all, &edges);
	hidden = edges;
	str_add(out, "flowchart TD\n");
	for (uint32_t i = 0; i < nodes; i++) {
		bool entry = p->distance[p->order[i]] == 0;

		str_addf(out, "n%u%s", i, entry ? "([\"" : "[\"");
		label(out, graph_text(g, g->functions[p->order[i]].name));
		str_addf(out, "%s%s\n", entry ? "\"])" : "\"]", is_expensive(p, p->order[i]) ? ":::expensive" : "");
	}
	for (uint32_t i = 0, shown = 0; i < edges; i++) {
		if (list[i].from >= nodes || list[i].to >= nodes || shown == EDGES_MAX)
			continue;
		if (list[i].loop && list[i].known)
			str_addf(out, "n%u -->|\"x %lld\"| n%u\n", list[i].from, (long long)list[i].bound, list[i].to);
		else
			str_addf(out, "n%u --> n%u\n", list[i].from, list[i].to);
		shown++;
		hidden--;
	}
	if (all > nodes || hidden)
		str_addf(out, "%%%% %u nodes, %u edges not shown\n", all - nodes, hidden);
	free(list);
	free(place);
}
