/* SPDX-License-Identifier: Apache-2.0 */
/* front.c - JavaScript and TypeScript as a front end: parses on several threads, executes, hands over what it found. */
#include "audit/javascript/js.h"
#include "audit/parse.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define STACK_BYTES ((size_t)256 << 20)
#define STEPS_MIN 1000000

static const char *grammar_of(const char *path)
{
	if (str_ends(path, ".ts") || str_ends(path, ".mts") || str_ends(path, ".cts"))
		return "typescript";
	return str_ends(path, ".tsx") ? "tsx" : "javascript";
}

/* The sources of one grammar at a time. */
static void sources_parse(struct js *m, const struct front_source *sources, size_t n, const char *grammar)
{
	struct front_source *list = xcalloc(n + 1, sizeof(*list));
	uint32_t *index = xcalloc(n + 1, sizeof(*index)), count = 0;
	struct tree *trees;

	for (size_t i = 0; i < n; i++)
		if (strcmp(grammar_of(sources[i].path), grammar) == 0) {
			index[count] = (uint32_t)i;
			list[count++] = sources[i];
		}
	trees = count ? parse_trees(grammar, list, count, m->o) : NULL;
	for (uint32_t i = 0; i < count; i++)
		m->x.sources[index[i]].tree = trees[i];
	free(trees);
	free(list);
	free(index);
}

static int by_source(const void *a, const void *b)
{
	const struct syntax_site *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return (x->node > y->node) - (x->node < y->node);
}

/* Methods of Map and Set whose names mean something else elsewhere. */
static void keyed_mutation(struct js *m, const struct syntax_site *s)
{
	static const char *const names[] = { "<builtin>.Map.set", "<builtin>.Map.delete", "<builtin>.Set.delete",
		"<builtin>.WeakMap.set", "<builtin>.WeakMap.delete", "<builtin>.WeakSet.delete", NULL };
	uint32_t function = syntax_field(&m->x, s->source, s->node, F_function), object, name;
	uint32_t owner = m->x.definitions[s->caller].function;

	if (!s->count || owner == GRAPH_NONE || !function || !syntax_member(&m->x, s->source, function, &object, &name))
		return;
	for (size_t i = 0; names[i]; i++)
		if (strcmp(graph_text(m->x.g, s->targets[0]), names[i]) == 0)
			graph_add_mutation(m->x.g, (struct graph_mutation){ .function = owner,
				.line = syntax_node(&m->x, s->source, name)->line, .file =
					m->x.sources[s->source].file->file,
				.target = graph_squeeze(m->x.g, syntax_at(&m->x, s->source, object),
					syntax_length(&m->x, s->source, object), 80),
				.kind = MUTATION_CONTAINER, .scope = syntax_scope(&m->x, s->source, object) });
}

static void *build_run(void *arg)
{
	struct js *m = arg;

	heap_init(&m->h);
	for (uint32_t i = 0; i < m->x.source_count; i++)
		js_define(m, i);
	m->state = xcalloc((size_t)m->x.definition_count + 1, sizeof(*m->state));
	js_run(m);
	heap_release_values(&m->h);
	syntax_functions_add(&m->x);
	if (m->site_count)
		qsort(m->sites, m->site_count, sizeof(*m->sites), by_source);
	for (uint32_t i = 0; i < m->site_count; i++) {
		syntax_call_add(&m->x, &m->sites[i]);
		keyed_mutation(m, &m->sites[i]);
		if (i + 1 == m->site_count || m->sites[i + 1].source != m->sites[i].source)
			syntax_parents_drop(&m->x, m->sites[i].source);
	}
	syntax_mutations(&m->x);
	return NULL;
}

/* On a stack of its own: the depth of a source times that of its calls is bounded, but is more than usual stacks hold. */
static void build_deep(struct js *m)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	if (pthread_create(&thread, &attr, build_run, m) == 0)
		pthread_join(thread, NULL);
	else
		build_run(m);
	pthread_attr_destroy(&attr);
}

static void js_free(void *state)
{
	struct js *m = state;

	heap_release(&m->h);
	syntax_release(&m->x);
	free(m->state);
	free(m->modules);
	free(m->imports);
	free(m->exports);
	free(m->sites);
	free(m->names);
	free(m->kept);
	free(m);
}

static void *js_read(const struct front_source *sources, size_t n, const struct front_options *o, struct graph *g)
{
	static const char *const grammars[] = { "javascript", "typescript", "tsx", NULL };
	struct js *m = xcalloc(1, sizeof(*m));
	struct front_source *kept = xcalloc(n + 1, sizeof(*kept));

	m->x.g = g;
	m->x.language = LANGUAGE_JAVASCRIPT;
	m->x.sources = xcalloc(n + 1, sizeof(*m->x.sources));
	m->x.source_count = (uint32_t)n;
	m->modules = xcalloc(n + 1, sizeof(*m->modules));
	m->o = o;
	m->max_steps = STEPS_MIN;
	memcpy(kept, sources, n * sizeof(*kept));
	m->kept = kept;
	for (size_t i = 0; i < n; i++) {
		m->x.sources[i].file = &kept[i];
		m->x.sources[i].module = syntax_module(sources[i].path);
	}
	for (size_t i = 0; grammars[i]; i++)
		sources_parse(m, sources, n, grammars[i]);
	for (size_t i = 0; i < n; i++) {
		struct tree *t = &m->x.sources[i].tree;

		g->files[sources[i].file].lines = t->lines;
		g->files[sources[i].file].has_errors = t->has_errors;
		m->max_steps += 64ull * t->count;
	}
	build_deep(m);
	return m;
}

static void js_statements(void *state, struct graph *g, const bool *marked, struct front_statements *out)
{
	(void)g;
	syntax_statements(&((struct js *)state)->x, marked, out);
}

static const char *const endings[] = { ".js", ".mjs", ".cjs", ".jsx",
#ifdef GRAMMAR_typescript
	".ts", ".mts", ".cts",
#endif
#ifdef GRAMMAR_tsx
	".tsx",
#endif
	NULL };

const struct front front_javascript = { .name = "javascript", .language = LANGUAGE_JAVASCRIPT, .endings = endings,
	.read = js_read, .statements = js_statements, .free = js_free };
