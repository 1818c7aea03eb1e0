/* SPDX-License-Identifier: Apache-2.0 */
/* front.c - Python as a front end: parses on several threads, runs the machine, hands over what it found. */
#include "audit/front.h"
#include "audit/parse.h"
#include "audit/python/facts.h"
#include "audit/python/kept.h"
#include "audit/python/machine.h"
#include "base/err.h"
#include "base/hash.h"
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

	for (uint32_t k = 0; k < p->sources[source].def_count; k++) {
		uint32_t i = p->sources[source].body + k;
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
		const char *name = solved_target(&p->m, c->targets[k]);

		targets[k] = name == p->m.h.texts[c->targets[k]] ? pyfacts_text(p, g, c->targets[k]) :
			text_ofz(&g->texts, name);
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
	struct graph *g;
	struct kept kept;
	const struct kept_source **known; /* source -> what it added the last time, if it has the same bytes */
	struct kept_out out;
	struct slice_writer writer;
};

static int by_source(const void *a, const void *b)
{
	const struct call_site *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return (x->node > y->node) - (x->node < y->node);
}

/* The trees of the sources that are wanted and have none. */
static void trees_load(struct python *p, bool *wanted)
{
	struct tree *trees = xcalloc(p->count + 1, sizeof(*trees));

	for (size_t i = 0; i < p->count; i++)
		wanted[i] &= !p->sources[i].tree.count;
	parse_wanted("python", p->given, p->count, p->options, p->names, wanted, trees);
	for (size_t i = 0; i < p->count; i++)
		if (wanted[i]) {
			p->sources[i].tree = trees[i];
			p->sources[i].meaning = trees[i].meaning;
		}
	free(trees);
}

static uint64_t text_hash(uint64_t h, const char *text)
{
	return hash_bytes(h, text, strlen(text));
}

/* Of all that a slice holds besides what is in its source: where calls lead, which names definitions have. */
static uint64_t sites_hash(const struct python *p, uint32_t source, const struct call_site *sites, uint32_t n)
{
	const struct source *s = &p->sources[source];
	uint64_t h = hash_step(n, s->def_count);

	for (uint32_t i = 0; i < n; i++) {
		const struct call_site *c = &sites[i];

		h = hash_step(h, c->node | (uint64_t)(c->caller - s->body) << 32);
		h = hash_step(h, c->target_count | (c->reason ? (uint64_t)graph_reason_of(c->reason) + 1 : 0) << 32);
		for (uint32_t k = 0; k < c->target_count; k++)
			h = text_hash(h, solved_target(&p->m, c->targets[k]));
	}
	for (uint32_t i = s->body; i < s->body + s->def_count; i++) {
		const struct definition *d = &p->m.defs[i];

		h = hash_step(h, d->is_dead | d->is_renamed << 1);
		h = d->is_renamed ? text_hash(h, d->name) : h;
	}
	return h;
}

static void lines_set(struct python *p, struct graph *g, uint32_t source, uint32_t lines, bool has_errors)
{
	g->files[p->files[source]].lines = lines;
	g->files[p->files[source]].has_errors = has_errors;
}

/* Adds a source by its tree, and keeps what it added. sites: its own. */
static void source_add(struct build *b, uint32_t source, const struct call_site *sites, uint32_t n, uint64_t hash)
{
	struct python *p = b->p;
	const struct source *s = &p->sources[source];
	struct slice_mark from = slice_mark(b->g);
	struct kept_source k = { .meaning = s->meaning, .path = hash_bytes(0, s->path, strlen(s->path)), .sites = hash,
		.body = s->body, .def_count = s->def_count, .lines = s->tree.lines, .has_errors = s->tree.has_errors };
	auto_str slice = STR_INIT;

	lines_set(p, b->g, source, s->tree.lines, s->tree.has_errors);
	pyfacts_bind(p, source);
	functions_add(p, b->g, source);
	for (uint32_t i = 0; i < n; i++)
		call_add(p, b->g, &sites[i]);
	pyfacts_mutations(p, b->g, source);
	pyfacts_leave(p, source);
	if (!b->out.is_open)
		return;
	memcpy(k.name, p->names[source].z, sizeof(k.name));
	slice_write(&b->writer, b->g, &from, s->body, &slice);
	kept_out_add(&b->out, k, str_cstr(&slice), slice.len);
}

/* Adds a source as it was. False: it is not known, or its calls led elsewhere. */
static bool source_again(struct build *b, uint32_t source, const uint64_t *sites)
{
	const struct kept_source *k = b->known[source];
	const struct source *s = &b->p->sources[source];

	if (!k || k->def_count != s->def_count || (sites && k->sites != *sites) ||
	    !kept_read(&b->kept, k, b->g, b->p->files[source], s->body))
		return false;
	lines_set(b->p, b->g, source, k->lines, k->has_errors != 0);
	kept_out_copy(&b->out, &b->kept, k, s->body);
	return true;
}

static void facts_begin(struct python *p)
{
	heap_release_values(&p->m.h);
	for (size_t i = 0; i < p->count; i++)
		mem_free_ptr(&p->m.node_site[i]);
	pyfacts_init(p);
	p->function_of = xcalloc(p->m.def_count + 1, sizeof(*p->function_of));
}

static void facts_end(struct python *p)
{
	mem_free_ptr(&p->m.sites);
	p->m.site_count = p->m.site_cap = 0;
}

/* The sources that must be read again where nothing but comments has changed; false: others have changed, too. */
static bool are_same(struct build *b, bool *changed, bool *any)
{
	struct python *p = b->p;
	unsigned char key[SOLVED_KEY];

	if (!b->kept.mapped || b->kept.count != p->count)
		return false;
	solved_key(&p->m, key);
	if (memcmp(key, b->kept.key, sizeof(key)) != 0)
		return false;
	for (uint32_t i = 0; i < p->count; i++) {
		const struct kept_source *k = &b->kept.sources[i];

		p->sources[i].body = k->body;
		p->sources[i].def_count = k->def_count;
		changed[i] = b->known[i] != k || !k->size;
		*any |= changed[i];
	}
	return true;
}

/* Defines the changed sources where they were, and finds their sites. */
static bool changed_solve(struct build *b, const bool *changed)
{
	struct python *p = b->p;

	for (uint32_t i = 0; i < p->count; i++)
		if (changed[i] && !machine_define_at(&p->m, i))
			return false;
	return solved_load(&p->m, changed);
}

/* All sources say what they said the last time: what they added is known, but for those where a comment changed.
 * False: they do not, and nothing was added. */
static bool build_again(struct build *b)
{
	struct python *p = b->p;
	auto_free bool *changed = xcalloc(p->count + 1, sizeof(*changed)), *wanted = xcalloc(p->count + 1, sizeof(*wanted));
	struct slice_mark from = slice_mark(b->g);
	bool any = false, good = true;

	if (!are_same(b, changed, &any))
		return false;
	memcpy(wanted, changed, p->count);
	trees_load(p, wanted);
	machine_make_room(&p->m, b->kept.def_count);
	if (any ? !changed_solve(b, changed) : !solved_is_there(&p->m, b->kept.def_count))
		return false;
	facts_begin(p);
	if (any)
		kept_out_open(&b->out, p->options->cache, p->count);
	for (uint32_t i = 0, at = 0; i < p->count && good; i++) {
		uint32_t n = 0;

		while (changed[i] && at + n < p->m.site_count && p->m.sites[at + n].source == i)
			n++;
		if (changed[i])
			source_add(b, i, p->m.sites + at, n, b->kept.sources[i].sites);
		else
			good = source_again(b, i, NULL);
		at += n;
	}
	if (!good) /* a damaged file */
		slice_rewind(b->g, &from);
	facts_end(p);
	kept_out_close(&b->out, b->kept.key, b->kept.def_count, good);
	return good;
}

/* Forgets what build_again() began. */
static void machine_again(struct python *p)
{
	pyfacts_release(p);
	mem_free_ptr(&p->function_of);
	machine_release(&p->m);
	for (size_t i = 0; i < p->count; i++)
		p->sources[i].names = NULL;
	machine_begin(&p->m, p->sources, p->count, p->options);
}

static void build_anew(struct build *b)
{
	struct python *p = b->p;
	auto_free bool *all = xcalloc(p->count + 1, sizeof(*all));
	unsigned char key[SOLVED_KEY];

	memset(all, true, p->count);
	trees_load(p, all);
	machine_prepare(&p->m);
	if (!solved_load(&p->m, NULL)) {
		machine_execute(&p->m);
		machine_settle_names(&p->m);
		if (p->m.site_count)
			qsort(p->m.sites, p->m.site_count, sizeof(*p->m.sites), by_source);
		solved_save(&p->m);
	}
	facts_begin(p);
	kept_out_open(&b->out, p->options->cache, p->count);
	for (uint32_t i = 0, at = 0; i < p->count; i++) {
		uint32_t n = 0;
		uint64_t hash = 0;

		while (at + n < p->m.site_count && p->m.sites[at + n].source == i)
			n++;
		if (p->names)
			hash = sites_hash(p, i, p->m.sites + at, n);
		if (!source_again(b, i, &hash))
			source_add(b, i, p->m.sites + at, n, hash);
		at += n;
	}
	facts_end(p);
	solved_key(&p->m, key);
	kept_out_close(&b->out, key, p->m.def_count, true);
}

static void *build_run(void *arg)
{
	struct build *b = arg;
	struct python *p = b->p;
	auto_free bool *unknown = xcalloc(p->count + 1, sizeof(*unknown));

	machine_begin(&p->m, p->sources, p->count, p->options);
	b->known = xcalloc(p->count + 1, sizeof(*b->known));
	if (p->names)
		kept_open(&b->kept, p->options->cache);
	for (size_t i = 0; i < p->count; i++) {
		b->known[i] = b->kept.mapped ? kept_find(&b->kept, p->sources[i].path, &p->names[i]) : NULL;
		unknown[i] = !b->known[i];
		if (b->known[i]) {
			p->sources[i].meaning = b->known[i]->meaning;
			tree_cache_keep(p->options->cache, &p->names[i]);
		}
	}
	trees_load(p, unknown);
	if (!build_again(b)) {
		machine_again(p);
		build_anew(b);
	}
	kept_close(&b->kept);
	slice_writer_release(&b->writer);
	free(b->known);
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

void python_open(struct python *p, uint32_t source)
{
	struct source *s = &p->sources[source];

	if (!s->tree.count)
		tree_load(p->options->cache, "python", s->text, s->len, p->names ? &p->names[source] : NULL, &s->tree);
	if (!s->names)
		BUG_ON(!machine_define_at(&p->m, source)); /* the same bytes */
	pyfacts_bind(p, source);
}

static void *python_read(const struct front_source *sources, size_t n, const struct front_options *o, struct graph *g)
{
	struct python *p = xcalloc(1, sizeof(*p));
	struct build b = { .p = p, .g = g, .writer = { .may_keep = o->may_keep, .arg = o->may_keep_arg } };

	p->sources = xcalloc(n + 1, sizeof(*p->sources));
	p->files = xcalloc(n + 1, sizeof(*p->files));
	p->count = n;
	p->given = sources;
	p->options = o;
	for (size_t i = 0; i < n; i++) {
		struct source *s = &p->sources[i];

		s->path = xstrdup(sources[i].path);
		s->module = module_of(s->path, &s->is_package);
		s->text = sources[i].text;
		s->len = sources[i].len;
		p->files[i] = sources[i].file;
	}
	if (o->cache && o->cache->dir)
		p->names = parse_names("python", sources, n, o);
	build_deep(&b);
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
	free(p->names);
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
