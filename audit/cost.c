/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/cost.h"

#include "base/mem.h"
#include "base/path.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int64_t weight_times(int64_t a, int64_t b)
{
	int64_t out;

	return __builtin_mul_overflow(a, b, &out) ? INT64_MAX : out;
}

int64_t weight_plus(int64_t a, int64_t b)
{
	int64_t out;

	return __builtin_add_overflow(a, b, &out) ? INT64_MAX : out;
}

void ops_add(struct ops *o, struct op op)
{
	if (o->n == o->cap) {
		o->cap = o->cap ? o->cap * 2 : 64;
		o->v = xreallocarray(o->v, o->cap, sizeof(*o->v));
	}
	o->v[o->n++] = op;
}

static void mutation_add(struct costs *c, struct graph_mutation m)
{
	if (c->mutation_count == c->mutation_cap) {
		c->mutation_cap = c->mutation_cap ? c->mutation_cap * 2 : 64;
		c->mutations = xreallocarray(c->mutations, c->mutation_cap, sizeof(*c->mutations));
	}
	c->mutations[c->mutation_count++] = m;
}

static const struct graph_constant *constant_named(const struct graph *g, const struct graph_call *c,
	const char *keyword)
{
	for (uint32_t i = 0; i < c->constant_count; i++) {
		const struct graph_constant *k = &g->constants[c->constant + i];

		if (k->keyword && strcmp(graph_text(g, k->keyword), keyword) == 0)
			return k;
	}
	return NULL;
}

static const struct graph_constant *constant_at(const struct graph *g, const struct graph_call *c, uint32_t position)
{
	for (uint32_t i = 0; i < c->constant_count; i++) {
		const struct graph_constant *k = &g->constants[c->constant + i];

		if (!k->keyword && k->position == position)
			return k;
	}
	return NULL;
}

static int64_t file_size(const char *root, const char *path)
{
	auto_free char *whole = path[0] == '/' ? xstrdup(path) : path_join(root, path);
	struct stat st;

	return *path && stat(whole, &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
}

/* The file that a call of the class file_io opens. */
static int64_t opened_size(const struct graph *g, const struct graph_call *c, const char *root)
{
	const struct graph_constant *k = constant_at(g, c, 0);

	if (c->opened && !c->opens_read)
		return file_size(root, graph_text(g, c->opened));
	if (c->method && strcmp(graph_text(g, c->method), "open") != 0 && g->files[c->file].language == LANGUAGE_PYTHON)
		return -1; /* the first argument of write_text is its content */
	k = k ? k : constant_named(g, c, "file");
	return k && k->text ? file_size(root, graph_text(g, k->text)) : -1;
}

/* A literal object beside an address holds the options of a request in JavaScript, but where something is sent. */
static bool is_payload(const struct graph *g, const struct graph_call *c, const struct graph_constant *k)
{
	static const char *const sending[] = { "post", "put", "patch" };
	const char *method = graph_text(g, c->method);

	if (g->files[c->file].language != LANGUAGE_JAVASCRIPT || k->kind == CONSTANT_TEXT)
		return true;
	for (size_t i = 0; i < sizeof(sending) / sizeof(*sending); i++)
		if (strcmp(method, sending[i]) == 0)
			return true;
	return false;
}

static int64_t payload_size(const struct graph *g, const struct graph_call *c)
{
	static const char *const keywords[] = { "data", "json", "content", "body" };
	const struct graph_constant *k = NULL;

	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords) && !k; i++)
		k = constant_named(g, c, keywords[i]);
	if (!k && (k = constant_at(g, c, 1)) && !is_payload(g, c, k))
		k = NULL;
	return k ? k->size : -1;
}

static int64_t size_of(const struct graph *g, const struct graph_call *c, enum model_size size, const char *root)
{
	const struct graph_constant *k = constant_at(g, c, 0);

	switch (size) {
	case SIZE_FILE: return opened_size(g, c, root);
	case SIZE_PAYLOAD: return payload_size(g, c);
	case SIZE_SOURCE:
		if (c->opens_read)
			return file_size(root, graph_text(g, c->opened));
		return k && k->kind == CONSTANT_TEXT ? k->size : -1;
	case SIZE_CONTAINER: return k && k->kind == CONSTANT_CONTAINER ? k->size : -1;
	default: return -1;
	}
}

/* What the model says of each text, proved and unresolved: the same ones are called again and again. */
struct answers {
	const struct model *m;
	uint32_t *class[2]; /* 0: not asked yet, 1: none, index + 2 */
	uint8_t *write[2], *ipc[2]; /* 0: not asked yet, 1: no, 2: yes */
	uint32_t n; /* further texts are asked for each time */
};

static void answers_init(struct answers *a, const struct model *m, uint32_t texts)
{
	*a = (struct answers){ .m = m, .n = texts };
	for (int i = 0; i < 2; i++) {
		a->class[i] = xcalloc((size_t)texts + 1, sizeof(*a->class[i]));
		a->write[i] = xcalloc((size_t)texts + 1, 1);
		a->ipc[i] = xcalloc((size_t)texts + 1, 1);
	}
}

static void answers_release(struct answers *a)
{
	for (int i = 0; i < 2; i++) {
		free(a->class[i]);
		free(a->write[i]);
		free(a->ipc[i]);
	}
}

static const struct model_class *class_of(struct answers *a, const struct graph *g, text_t t, bool unresolved)
{
	const struct model_class *class;

	if (t < a->n && a->class[unresolved][t])
		return a->class[unresolved][t] == 1 ? NULL : &a->m->classes[a->class[unresolved][t] - 2];
	class = model_class_of(a->m, graph_text(g, t), unresolved);
	if (t < a->n)
		a->class[unresolved][t] = class ? (uint32_t)(class - a->m->classes) + 2 : 1;
	return class;
}

static bool matches(const struct answers *a, uint8_t *const known[2], const struct strv *patterns, const struct graph *g,
		    text_t t, bool unresolved)
{
	bool yes;

	if (t < a->n && known[unresolved][t])
		return known[unresolved][t] == 2;
	yes = model_matches(patterns, graph_text(g, t), unresolved);
	if (t < a->n)
		known[unresolved][t] = yes ? 2 : 1;
	return yes;
}

static void op_find(struct costs *costs, struct graph *g, uint32_t index, text_t callee, struct answers *known,
	const char *root)
{
	const struct model *m = known->m;
	struct graph_call *c = &g->calls[index];
	const struct model_class *class = class_of(known, g, callee, !graph_is_edge(c));
	struct op o = { .call = index, .function = c->caller, .file = c->file, .line = c->line, .callee = callee };

	if (!class)
		return;
	o.base_class = text_ofz(&g->texts, class->name);
	o.cost_class = c->in_loop ? text_ofz(&g->texts, "loop_amplified") : o.base_class;
	o.size = size_of(g, c, class->size, root);
	o.base_weight = weight_times(class->weight, o.size < 0 ? 1 : o.size);
	o.in_loop = c->in_loop;
	o.loop_bound = c->in_loop ? c->loop_bound : 1;
	o.loop_known = !c->loop_unknown;
	o.weight = weight_times(o.base_weight, o.loop_bound);
	o.expensive = o.weight > m->threshold;
	ops_add(&costs->ops, o);
}

static const char *mode_of(const struct graph *g, const struct graph_call *c)
{
	bool on_path = c->opened && !c->opens_read;
	const struct graph_constant *k = constant_named(g, c, "mode");

	k = k ? k : constant_at(g, c, on_path ? 0 : 1);
	return k && k->text ? graph_text(g, k->text) : "";
}

/* "file:PATH" of a call that writes one; 0 where it only reads. */
static text_t written_file(struct graph *g, const struct graph_call *c, const char *callee)
{
	const char *dot = strrchr(callee, '.'), *name = dot ? dot + 1 : callee;
	const struct graph_constant *k = constant_at(g, c, 0);
	auto_str out = STR_INIT;

	str_add(&out, "file:");
	if ((strcmp(name, "open") == 0 || strncmp(name, "fopen", 5) == 0) && !strpbrk(mode_of(g, c), "wax+"))
		return 0;
	if (c->opened && !c->opens_read)
		str_add(&out, graph_text(g, c->opened));
	else if (c->method && c->scope != SCOPE_MODULE)
		str_add(&out, graph_text(g, c->receiver));
	else if (k && k->text)
		str_add(&out, graph_text(g, k->text));
	else if (c->first)
		str_add(&out, graph_text(g, c->first));
	else
		str_addc(&out, '?');
	return text_ofz(&g->texts, str_cstr(&out));
}

/* What a call changes by what it is called. */
static bool mutation_of(struct graph *g, const struct graph_call *c, text_t callee, const struct answers *known,
			struct graph_mutation *out)
{
	const struct model *m = known->m;
	bool unresolved = !graph_is_edge(c), on_module = c->scope == SCOPE_MODULE;

	*out = (struct graph_mutation){ .function = c->caller, .line = c->line, .file = c->file, .scope = c->scope };
	if (matches(known, known->write, &m->file_write, g, callee, unresolved)) {
		out->kind = MUTATION_FILE;
		out->scope = SCOPE_OUTSIDE;
		out->target = written_file(g, c, graph_text(g, callee));
		return out->target != 0;
	}
	if (matches(known, known->ipc, &m->ipc_emit, g, callee, unresolved || !on_module) && !(on_module && unresolved)) {
		out->kind = MUTATION_IPC;
		out->target = c->receiver && !on_module ? c->receiver : c->text;
		return true;
	}
	if (!c->method || on_module || !strv_has(&m->container_mutate, graph_text(g, c->method)))
		return false;
	out->kind = MUTATION_CONTAINER;
	out->target = c->receiver;
	return true;
}

static void call_look(struct costs *c, struct graph *g, uint32_t i, struct answers *known, const char *root)
{
	const struct graph_call *call = &g->calls[i];
	struct graph_mutation mutation, found = { 0 };
	bool any = false, audited = false;

	if (!call->is_expression)
		return;
	for (uint32_t k = 0; k < call->targets.n; k++)
		audited |= g->functions[graph_find(g, g->pool[call->targets.at + k])].file != GRAPH_NONE;
	for (uint32_t k = 0; k < (call->targets.n ? call->targets.n : 1); k++) {
		text_t callee = call->targets.n ? g->pool[call->targets.at + k] : call->text;

		if (call->targets.n && g->functions[graph_find(g, callee)].file != GRAPH_NONE)
			continue;
		op_find(c, g, i, callee, known, root);
		if (!any && !audited && mutation_of(g, &g->calls[i], callee, known, &mutation)) {
			found = mutation;
			any = true;
		}
	}
	if (any)
		mutation_add(c, found);
}

static int by_op(const void *a, const void *b, void *arg)
{
	const struct graph *g = arg;
	const struct op *x = a, *y = b;
	int c;

	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	c = strcmp(graph_text(g, x->callee), graph_text(g, y->callee));
	return c ? c : (x->call > y->call) - (x->call < y->call);
}

static int by_mutation(const void *a, const void *b, void *arg)
{
	const struct graph *g = arg;
	const struct graph_mutation *x = a, *y = b;
	int c;

	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	c = strcmp(graph_text(g, x->target), graph_text(g, y->target));
	return c ? c : (x->kind > y->kind) - (x->kind < y->kind);
}

void costs_sort(struct costs *c, const struct graph *g)
{
	uint32_t at = 0;

	if (c->ops.n)
		qsort_r(c->ops.v, c->ops.n, sizeof(*c->ops.v), by_op, (void *)(uintptr_t)g);
	if (c->mutation_count)
		qsort_r(c->mutations, c->mutation_count, sizeof(*c->mutations), by_mutation, (void *)(uintptr_t)g);
	free(c->first_op);
	free(c->first_mutation);
	c->first_op = xcalloc((size_t)g->function_count + 1, sizeof(*c->first_op));
	c->first_mutation = xcalloc((size_t)g->function_count + 1, sizeof(*c->first_mutation));
	for (uint32_t i = 0; i <= g->function_count; i++) {
		while (at < c->ops.n && c->ops.v[at].function < i)
			at++;
		c->first_op[i] = at;
	}
	at = 0;
	for (uint32_t i = 0; i <= g->function_count; i++) {
		while (at < c->mutation_count && c->mutations[at].function < i)
			at++;
		c->first_mutation[i] = at;
	}
}

void costs_find(struct costs *c, struct graph *g, const struct model *m, const char *root)
{
	struct answers known;

	memset(c, 0, sizeof(*c));
	answers_init(&known, m, g->texts.n);
	for (uint32_t i = 0; i < g->mutation_count; i++)
		mutation_add(c, g->mutations[i]);
	for (uint32_t i = 0; i < g->call_count; i++)
		call_look(c, g, i, &known, root);
	answers_release(&known);
	costs_sort(c, g);
}

void costs_release(struct costs *c)
{
	free(c->ops.v);
	free(c->first_op);
	free(c->mutations);
	free(c->first_mutation);
	free(c->self_ns);
	memset(c, 0, sizeof(*c));
}
