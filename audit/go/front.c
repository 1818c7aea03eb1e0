/* SPDX-License-Identifier: Apache-2.0 */
/* front.c - Go as a front end. */
#include "audit/go/go.h"
#include "audit/parse.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define STACK_BYTES ((size_t)256 << 20)
#define STEPS_MIN 10000000

/* What is sent on a channel is seen by others. */
static void sends_add(struct golang *g, uint32_t source)
{
	for (uint32_t i = 1; i < g->x.sources[source].tree.count; i++) {
		uint32_t channel = GNODE(g, source, i)->kind == K_send_statement ? go_field(g, source, i, F_channel) :
			0, owner;

		if (!channel)
			continue;
		owner = g->x.definitions[syntax_owner(&g->x, source, i)].function;
		if (owner != GRAPH_NONE)
			graph_add_mutation(g->x.g, (struct graph_mutation){ .function = owner,
				.line = GNODE(g, source, i)->line, .file = g->x.sources[source].file->file, .kind =
					MUTATION_IPC,
				.target = graph_squeeze(g->x.g, syntax_at(&g->x, source, channel),
					syntax_length(&g->x, source, channel), 80), .scope = syntax_scope(&g->x,
						source, channel) });
	}
}

static int by_source(const void *a, const void *b)
{
	const struct go_call *x = a, *y = b;

	if (x->site.source != y->site.source)
		return x->site.source < y->site.source ? -1 : 1;
	return (x->site.node > y->site.node) - (x->site.node < y->site.node);
}

static void *build_run(void *arg)
{
	struct golang *g = arg;

	go_type_make(g, T_UNKNOWN, 0, 0, 0);
	go_list_make(g, NULL, 0);
	go_packages_read(g);
	go_define(g);
	go_flow_read(g);
	syntax_functions_add(&g->x);
	if (g->call_count)
		qsort(g->calls, g->call_count, sizeof(*g->calls), by_source);
	for (uint32_t i = 0; i < g->call_count; i++)
		syntax_call_add(&g->x, &g->calls[i].site);
	for (uint32_t i = 0; i < g->x.source_count; i++) {
		sends_add(g, i);
		syntax_parents_drop(&g->x, i);
	}
	syntax_mutations(&g->x);
	return NULL;
}

static void build_deep(struct golang *g)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	if (pthread_create(&thread, &attr, build_run, g) == 0)
		pthread_join(thread, NULL);
	else
		build_run(g);
	pthread_attr_destroy(&attr);
}

static void go_free(void *state)
{
	struct golang *g = state;

	for (uint32_t i = 0; i < g->declaration_count; i++)
		free(g->declarations[i].methods);
	for (uint32_t i = 0; i < g->implementer_count; i++)
		free(g->implementers[i].v);
	go_packages_release(g);
	syntax_release(&g->x);
	free(g->implementers);
	free(g->bindings);
	free(g->declarations);
	free(g->names);
	free(g->functions);
	free(g->types);
	free(g->type_hash);
	free(g->lists);
	free(g->nodes);
	free(g->flows);
	free(g->queue);
	free(g->fields);
	free(g->field_hash);
	free(g->calls);
	free(g->kept);
	free(g);
}

static void *go_read(const struct front_source *sources, size_t n, const struct front_options *o, struct graph *graph)
{
	struct golang *g = xcalloc(1, sizeof(*g));
	struct tree *trees;

	g->x.g = graph;
	g->x.language = LANGUAGE_GO;
	g->x.sources = xcalloc(n + 1, sizeof(*g->x.sources));
	g->x.source_count = (uint32_t)n;
	g->o = o;
	g->max_steps = STEPS_MIN;
	g->kept = xcalloc(n + 1, sizeof(*g->kept));
	memcpy(g->kept, sources, n * sizeof(*sources));
	trees = parse_trees("go", sources, n, o);
	for (size_t i = 0; i < n; i++) {
		g->x.sources[i].file = &g->kept[i];
		g->x.sources[i].module = syntax_module(sources[i].path);
		g->x.sources[i].tree = trees[i];
		g->max_steps += 256ull * trees[i].count;
		graph->files[sources[i].file].lines = trees[i].lines;
		graph->files[sources[i].file].has_errors = trees[i].has_errors;
	}
	free(trees);
	build_deep(g);
	return g;
}

static void go_statements(void *state, struct graph *graph, const bool *marked, struct front_statements *out)
{
	(void)graph;
	syntax_statements(&((struct golang *)state)->x, marked, out);
}

static const char *const endings[] = { ".go", NULL };

const struct front front_go = { .name = "go", .language = LANGUAGE_GO, .endings = endings, .read = go_read,
	.statements = go_statements, .free = go_free };
