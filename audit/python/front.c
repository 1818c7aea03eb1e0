/* SPDX-License-Identifier: Apache-2.0 */
/* front.c - Python as a front end: parses on several threads, runs the machine, hands over what it found. */
#include "audit/front.h"
#include "audit/parse.h"
#include "audit/python/facts.h"
#include "audit/python/machine.h"
#include "audit/python/solved.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define STACK_BYTES ((size_t)256 << 20)

static char *module_of(const char *path, bool *is_package)
{
	char *name = xstrndup(path, strlen(path) - strlen(strrchr(path, '.')));
	size_t n = strlen(name);

	for (char *c = name; *c; c++)
		if (*c == '/')
			*c = '.';
	*is_package = str_ends(name, ".__init__");
	if (*is_package)
		name[n - strlen(".__init__")] = '\0';
	return name;
}

static enum graph_kind kind_of(const struct definition *d)
{
	if (d->kind == DEF_MODULE)
		return GRAPH_MODULE;
	return d->kind == DEF_LAMBDA ? GRAPH_LAMBDA : d->is_method ? GRAPH_METHOD : GRAPH_FUNCTION;
}

/* The decorators' names as they are written, without their arguments. */
static struct graph_list decorators_of(struct python *p, struct graph *g, const struct definition *d)
{
	const struct source *s = &p->sources[d->source];
	const struct tree_node *nodes = s->tree.nodes;
	uint32_t list[16], n = 0, around = pyfacts_parent(p, d->source, d->node);

	if (d->kind != DEF_FUNCTION || !around || nodes[around].kind != K_decorated_definition)
		return (struct graph_list){ 0 };
	for (uint32_t c = nodes[around].first; c && n < 16; c = nodes[c].next) {
		uint32_t name = nodes[c].kind == K_decorator ? nodes[c].first : 0;

		while (name && nodes[name].kind == K_call)
			name = nodes[name].first;
		if (name)
			list[n++] = pyfacts_squeeze(p, g, d->source, name, 80);
	}
	return graph_add_list(g, list, n);
}

static struct graph_list parameters_of(struct python *p, struct graph *g, uint32_t def)
{
	const struct definition *d = &p->m.defs[def];
	uint32_t names[32], n = 0;

	for (uint32_t i = 0; d->kind != DEF_MODULE && i < p->bindings[def].n && n < 32; i++)
		if (p->bindings[def].v[i].is_parameter)
			names[n++] = pyfacts_text(p, g, p->bindings[def].v[i].name);
	return graph_add_list(g, names, n);
}

/* The functions of a source: its definitions are a run of those of all. */
static void functions_add(struct python *p, struct graph *g, uint32_t source)
{
	const struct machine *m = &p->m;

	for (uint32_t i = p->sources[source].body; i < m->def_count && m->defs[i].source == source; i++) {
		const struct definition *d = &m->defs[i];
		const struct source *s = &p->sources[d->source];
		bool module = d->kind == DEF_MODULE;

		p->function_of[i] = GRAPH_NONE;
		if (d->kind == DEF_CLASS || d->is_dead)
			continue;
		p->function_of[i] = graph_add_function(g, (struct graph_function){ .name = text_ofz(&g->texts, d->name),
			.kind = kind_of(d), .language = LANGUAGE_PYTHON, .file = p->files[d->source],
			.line = module ? 1 : s->tree.nodes[d->node].line, .start = s->tree.nodes[d->node].start,
			.end_line = module ? (s->tree.lines ? s->tree.lines : 1) : s->tree.nodes[d->node].end_line,
			.decorators = decorators_of(p, g, d),
			.parameters = parameters_of(p, g, i), .is_async = d->is_async, .key = i });
	}
}

static void call_add(struct python *p, struct graph *g, const struct call_site *c)
{
	const struct source *s = &p->sources[c->source];
	const struct tree_node *n = &s->tree.nodes[c->node];
	uint32_t shown = c->node;
	uint32_t targets[2 * VALUE_TARGETS_MAX];
	struct graph_call out = { .caller = p->function_of[c->caller], .file = p->files[c->source], .line = n->line,
		.start = n->start, .end = n->end, .is_expression = n->kind == K_call };

	if (out.caller == GRAPH_NONE)
		return;
	for (uint32_t k = n->kind == K_call ? n->first : 0; k; k = s->tree.nodes[k].next)
		if (s->tree.nodes[k].field == F_function)
			shown = k;
	for (uint32_t k = 0; k < c->target_count; k++) {
		uint32_t def = machine_def_named(&p->m, c->targets[k]);

		targets[k] = def == UINT32_MAX || !p->m.defs[def].is_renamed ? pyfacts_text(p, g, c->targets[k]) :
			text_ofz(&g->texts, p->m.defs[def].name);
	}
	out.targets = graph_add_list(g, targets, c->target_count);
	out.text = pyfacts_squeeze(p, g, c->source, shown, 80);
	if (c->reason && (!c->target_count || strcmp(c->reason, "eval_exec") == 0))
		out.reason = graph_reason_of(c->reason);
	if (out.reason == REASON_COUNT)
		out.reason = REASON_attribute;
	if (out.reason == REASON_none && !c->target_count)
		return;
	pyfacts_call(p, g, c->source, c->node, &out);
	graph_add_call(g, out);
}

struct build {
	struct python *p;
	const struct front_options *o;
	struct graph *g;
};

static int by_source(const void *a, const void *b)
{
	const struct call_site *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return (x->node > y->node) - (x->node < y->node);
}

static void *build_run(void *arg)
{
	struct build *b = arg;
	struct python *p = b->p;

	machine_prepare(&p->m, p->sources, p->count, b->o);
	if (!solved_load(&p->m)) {
		machine_execute(&p->m);
		machine_settle_names(&p->m);
		if (p->m.site_count)
			qsort(p->m.sites, p->m.site_count, sizeof(*p->m.sites), by_source);
		solved_save(&p->m);
	}
	heap_release_values(&p->m.h);
	for (size_t i = 0; i < p->count; i++)
		mem_free_ptr(&p->m.node_site[i]);
	pyfacts_init(p);
	p->function_of = xcalloc(p->m.def_count + 1, sizeof(*p->function_of));
	for (uint32_t i = 0, at = 0; i < p->count; i++) {
		pyfacts_bind(p, i);
		functions_add(p, b->g, i);
		for (; at < p->m.site_count && p->m.sites[at].source == i; at++)
			call_add(p, b->g, &p->m.sites[at]);
		pyfacts_mutations(p, b->g, i);
		pyfacts_leave(p, i);
	}
	mem_free_ptr(&p->m.sites);
	p->m.site_count = p->m.site_cap = 0;
	return NULL;
}

/* On a stack of its own: the depth of a source times that of its calls is bounded, but is more than usual stacks hold. */
static void build_deep(struct build *b)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	if (pthread_create(&thread, &attr, build_run, b) == 0)
		pthread_join(thread, NULL);
	else
		build_run(b);
	pthread_attr_destroy(&attr);
}

static void *python_read(const struct front_source *sources, size_t n, const struct front_options *o, struct graph *g)
{
	struct python *p = xcalloc(1, sizeof(*p));
	struct tree *trees;

	p->sources = xcalloc(n + 1, sizeof(*p->sources));
	p->files = xcalloc(n + 1, sizeof(*p->files));
	p->count = n;
	for (size_t i = 0; i < n; i++) {
		struct source *s = &p->sources[i];

		s->path = xstrdup(sources[i].path);
		s->module = module_of(s->path, &s->is_package);
		s->text = sources[i].text;
		s->len = sources[i].len;
		p->files[i] = sources[i].file;
	}
	trees = parse_trees("python", sources, n, o);
	for (size_t i = 0; i < n; i++) {
		p->sources[i].tree = trees[i];
		g->files[p->files[i]].lines = p->sources[i].tree.lines;
		g->files[p->files[i]].has_errors = p->sources[i].tree.has_errors;
	}
	free(trees);
	build_deep(&(struct build){ p, o, g });
	return p;
}

static void python_free(void *state)
{
	struct python *p = state;

	pyfacts_release(p);
	machine_release(&p->m);
	for (size_t i = 0; i < p->count; i++) {
		free(p->sources[i].path);
		free(p->sources[i].module);
		tree_free_nodes(&p->sources[i].tree);
	}
	free(p->sources);
	free(p->files);
	free(p->function_of);
	free(p);
}

const struct front front_python = {
	.name = "python",
	.language = LANGUAGE_PYTHON,
	.endings = (const char *const[]){ ".py", NULL },
	.read = python_read,
	.statements = pyfacts_statements,
	.free = python_free,
};
