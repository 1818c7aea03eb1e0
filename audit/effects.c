/* SPDX-License-Identifier: Apache-2.0 */
/* effects.c - which statements do not need each other: runs of independent operations. What a statement reads and writes are
 * names and dotted chains, its own and those of what it calls, seen from where it is called. */
#include "audit/action.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define EFFECTS_MAX 400 /* of one function; one with more conflicts with everything */
#define ROUNDS_MAX 8

struct effect {
	text_t path; /* "self.items", "data", "<3>CONFIG" (global of file 3), "file:out.txt", "ipc" */
	enum graph_scope scope;
	bool write;
	bool exact; /* a read of the name alone, not of what is in it */
};

struct effects {
	struct effect *v;
	uint32_t n, cap;
	bool anything;
};

struct state {
	struct profile *p;
	struct graph *g;
	const struct front_statements *s;
	struct effects *of; /* function -> what a call of it does */
	uint32_t *first;    /* function -> its first statement */
};

static bool effect_add(struct effects *x, struct effect e)
{
	for (uint32_t i = 0; i < x->n; i++)
		if (x->v[i].path == e.path && x->v[i].write == e.write && x->v[i].exact <= e.exact)
			return false;
	if (x->n >= EFFECTS_MAX) {
		bool before = x->anything;

		x->anything = true;
		return !before;
	}
	if (x->n == x->cap) {
		x->cap = x->cap ? x->cap * 2 : 8;
		x->v = xreallocarray(x->v, x->cap, sizeof(*x->v));
	}
	x->v[x->n++] = e;
	return true;
}

static bool is_global(enum graph_scope scope)
{
	return scope == SCOPE_GLOBAL || scope == SCOPE_CLOSURE || scope == SCOPE_MODULE || scope == SCOPE_OUTSIDE;
}

/* A path as others see it: globals carry their file. */
static struct effect effect_of(struct state *s, enum graph_scope scope, text_t path, uint32_t file, bool write)
{
	auto_free char *text = NULL;

	if (is_global(scope) && graph_text(s->g, path)[0] != '<') {
		text = xasprintf("<%u>%s", file, graph_text(s->g, path));
		path = text_ofz(&s->g->texts, text);
	}
	return (struct effect){ path, scope, write, false };
}

/* The part of a path after its first name: ".items" of "self.items", "" of "self". */
static const char *rest_of(const char *path)
{
	size_t n = strcspn(path, ".[(");

	return path + n;
}

/* The effect of a callee at its call: self is the receiver, parameters are arguments. False: nobody here sees it. */
static bool effect_map(struct state *s, const struct graph_call *c, uint32_t callee, const struct effect *e,
	struct effect *out)
{
	const struct graph_function *f = &s->g->functions[callee];
	const char *path = graph_text(s->g, e->path), *rest = rest_of(path), *base = NULL;
	bool bound = f->kind == GRAPH_METHOD && c->receiver;
	enum graph_scope scope = SCOPE_LOCAL;
	uint32_t index = 0;

	if (e->scope == SCOPE_LOCAL)
		return false;
	if (e->scope == SCOPE_SELF) {
		base = bound ? graph_text(s->g, c->receiver) : NULL;
		scope = c->scope;
		if (base && strncmp(base, "super(", 6) == 0) {
			base = "self";
			scope = SCOPE_SELF;
		}
	} else if (e->scope == SCOPE_PARAMETER) {
		for (; index < f->parameters.n; index++) {
			const char *name = graph_text(s->g, s->g->pool[f->parameters.at + index]);

			if (strncmp(name, path, strlen(name)) == 0 && (size_t)(rest - path) == strlen(name))
				break;
		}
		index -= bound && index ? 1 : 0;
		if (index < c->argument_texts.n && s->g->pool[c->argument_texts.at + index])
			base = graph_text(s->g, s->g->pool[c->argument_texts.at + index]);
		scope = base && (strcmp(base, "self") == 0 || strcmp(base, "this") == 0) ? SCOPE_SELF : SCOPE_PARAMETER;
	} else {
		*out = *e;
		return true;
	}
	if (!base || base[strcspn(base, "([{\"' ")])
		return false;
	auto_free char *mapped = xasprintf("%s%s", base, rest);

	*out = effect_of(s, scope, text_ofz(&s->g->texts, mapped), c->file, e->write);
	out->exact = e->exact;
	return true;
}

/* What one call does: the model's mutations, files, and what is called. Returns: something new. */
static bool call_effects(struct state *s, uint32_t call, struct effects *out)
{
	const struct graph_call *c = &s->g->calls[call];
	bool changed = false;

	for (uint32_t k = s->p->costs->first_op[c->caller]; k < s->p->costs->first_op[c->caller + 1]; k++) {
		const struct op *o = &s->p->costs->ops.v[k];
		text_t name = c->opened;

		if (o->call != call || strcmp(graph_text(s->g, o->base_class), "file_io") != 0)
			continue;
		for (uint32_t i = 0; !name && i < c->constant_count; i++)
			if (s->g->constants[c->constant + i].position == 0)
				name = s->g->constants[c->constant + i].text;
		name = name ? name : c->first;
		auto_free char *path = name ? xasprintf("file:%s", graph_text(s->g, name)) : NULL;

		if (path)
			changed |= effect_add(out, (struct effect){ text_ofz(&s->g->texts, path), SCOPE_OUTSIDE,
				false, false });
	}
	for (uint32_t t = 0; t < c->targets.n; t++) {
		uint32_t to = graph_find(s->g, s->g->pool[c->targets.at + t]);
		struct effect e;

		if (s->p->distance[to] == GRAPH_NONE)
			continue;
		out->anything |= s->of[to].anything;
		for (uint32_t i = 0; i < s->of[to].n; i++)
			if (effect_map(s, c, to, &s->of[to].v[i], &e))
				changed |= effect_add(out, e);
	}
	return changed;
}

static bool mutation_effects(struct state *s, uint32_t function, uint32_t from_line, uint32_t to_line,
	struct effects *out)
{
	bool changed = false;

	for (uint32_t k = s->p->costs->first_mutation[function]; k < s->p->costs->first_mutation[function + 1]; k++) {
		const struct graph_mutation *m = &s->p->costs->mutations[k];

		if (m->line < from_line || m->line > to_line)
			continue;
		if (m->kind == MUTATION_IPC)
			changed |= effect_add(out, (struct effect){ text_ofz(&s->g->texts, "ipc"), SCOPE_OUTSIDE,
				true, false });
		else if (m->kind == MUTATION_FILE)
			changed |= effect_add(out, (struct effect){ m->target, SCOPE_OUTSIDE, true, false });
		else
			changed |= effect_add(out, effect_of(s, m->scope, m->target, m->file, true));
	}
	return changed;
}

/* Do all calls of a statement reach audited functions, whose reads are known? */
static bool calls_are_audited(const struct state *s, const struct front_statement *st)
{
	for (uint32_t k = s->g->first_call[st->function]; k < s->g->first_call[st->function + 1]; k++) {
		const struct graph_call *c = &s->g->calls[k];

		if (c->file != st->file || c->start < st->start || c->start >= st->end)
			continue;
		if (graph_is_unresolved(c) || !c->targets.n)
			return false;
		for (uint32_t t = 0; t < c->targets.n; t++)
			if (s->p->distance[graph_find(s->g, s->g->pool[c->targets.at + t])] == GRAPH_NONE ||
			    s->g->functions[graph_find(s->g, s->g->pool[c->targets.at + t])].file == GRAPH_NONE)
				return false;
	}
	return true;
}

static bool statement_effects(struct state *s, const struct front_statement *st, struct effects *out)
{
	bool changed = false, audited = calls_are_audited(s, st);

	for (int write = 0; write < 2; write++) {
		const struct graph_list *l = write ? &st->writes : &st->reads;

		for (uint32_t i = 0; i + 1 < l->n; i += 2) {
			uint32_t scope = s->g->pool[l->at + i];
			struct effect e = effect_of(s, scope & ~(uint32_t)FRONT_HANDED, s->g->pool[l->at + i + 1],
				st->file, write);

			e.exact = audited && (scope & FRONT_HANDED);
			changed |= effect_add(out, e);
		}
	}
	return changed;
}

/* Summaries of functions until nothing changes; what has not settled after that conflicts with everything. */
static void summaries_make(struct state *s)
{
	bool changed = true;

	for (int round = 0; changed && round < ROUNDS_MAX; round++) {
		changed = false;
		for (uint32_t i = s->p->count; i-- > 0;) {
			uint32_t f = s->p->order[i];
			struct effects *x = &s->of[f];

			if (s->g->functions[f].file == GRAPH_NONE)
				continue;
			for (uint32_t k = s->first[f]; round == 0 && k < s->s->n && s->s->v[k].function == f; k++)
				changed |= statement_effects(s, &s->s->v[k], x);
			if (round == 0)
				changed |= mutation_effects(s, f, 0, UINT32_MAX, x);
			for (uint32_t k = s->g->first_call[f]; k < s->g->first_call[f + 1]; k++)
				changed |= call_effects(s, k, x);
		}
	}
	for (uint32_t i = 0; changed && i < s->p->count; i++)
		s->of[s->p->order[i]].anything = true;
}

static bool overlap(const struct graph *g, const struct effect *p, const struct effect *q)
{
	const char *a = graph_text(g, p->path), *b = graph_text(g, q->path);
	size_t x = strlen(a), y = strlen(b), n = x < y ? x : y;

	if (strncmp(a, b, n) != 0 || (x != y && !strchr(".[", (x < y ? b : a)[n])))
		return false;
	/* a write below a name that is only handed on does not write the name */
	return !(p->exact && y > x) && !(q->exact && x > y);
}

static bool conflicts(const struct graph *g, const struct effects *a, const struct effects *b)
{
	if (a->anything || b->anything)
		return true;
	for (uint32_t i = 0; i < a->n; i++)
		for (uint32_t k = 0; k < b->n; k++)
			if ((a->v[i].write || b->v[k].write) && overlap(g, &a->v[i], &b->v[k]))
				return true;
	return false;
}

/* The statement's own weight, -1: it has neither operation nor call; callee: of the greatest. */
static int64_t statement_weight(struct state *s, const struct front_statement *st, text_t *callee)
{
	int64_t sum = -1, greatest = -1;

	for (uint32_t k = s->g->first_call[st->function]; k < s->g->first_call[st->function + 1]; k++) {
		const struct graph_call *c = &s->g->calls[k];
		text_t name = 0;
		int64_t w;

		if (c->file != st->file || c->start < st->start || c->start >= st->end)
			continue;
		w = action_profile_call_weight(s->p, k, &name);
		if (w < 0)
			continue;
		sum = weight_plus(sum < 0 ? 0 : sum, w);
		if (w > greatest) {
			greatest = w;
			*callee = name;
		}
	}
	return sum;
}

/* All that a statement does, calls included. */
static void whole_effects(struct state *s, const struct front_statement *st, struct effects *out)
{
	uint32_t lines = 0;

	statement_effects(s, st, out);
	for (uint32_t k = s->g->first_call[st->function]; k < s->g->first_call[st->function + 1]; k++) {
		const struct graph_call *c = &s->g->calls[k];

		if (c->file != st->file || c->start < st->start || c->start >= st->end)
			continue;
		call_effects(s, k, out);
		lines = c->line > lines ? c->line : lines;
	}
	mutation_effects(s, st->function, st->line, lines > st->line ? lines : st->line, out);
}

struct open_run {
	struct effects effects[64];
	uint32_t at, n;
};

static void run_close(struct state *s, struct open_run *r)
{
	struct profile *p = s->p;

	if (r->n >= 2) {
		p->runs = xreallocarray(p->runs, p->run_count + 1, sizeof(*p->runs));
		p->runs[p->run_count++] = (struct run){ r->at, r->n };
	} else {
		p->item_count = r->at;
	}
	for (uint32_t i = 0; i < r->n; i++)
		free(r->effects[i].v);
	r->n = 0;
	r->at = p->item_count;
}

static void item_add(struct state *s, struct open_run *r, const struct front_statement *st, text_t callee,
	int64_t weight,
		     struct effects *own)
{
	struct profile *p = s->p;

	p->items = xreallocarray(p->items, p->item_count + 1, sizeof(*p->items));
	p->items[p->item_count++] = (struct run_item){ st->function, st->file, st->line, st->start, st->end, callee,
		weight };
	r->effects[r->n++] = *own;
	*own = (struct effects){ 0 };
}

static void statement_take(struct state *s, struct open_run *r, const struct front_statement *st)
{
	struct effects own = { 0 };
	text_t callee = 0;
	int64_t weight;
	bool conflict = false;

	if (st->ends_run) {
		run_close(s, r);
		return;
	}
	weight = statement_weight(s, st, &callee);
	whole_effects(s, st, &own);
	for (uint32_t i = 0; i < r->n; i++)
		conflict |= conflicts(s->g, &r->effects[i], &own);
	if (conflict || r->n == sizeof(r->effects) / sizeof(*r->effects))
		run_close(s, r);
	if (weight >= 0)
		item_add(s, r, st, callee, weight, &own);
	if (st->is_return)
		run_close(s, r);
	free(own.v);
}

static int by_run(const void *a, const void *b, void *arg)
{
	const struct profile *p = arg;
	const struct run_item *x = &p->items[((const struct run *)a)->at], *y = &p->items[((const struct run *)b)->at];

	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

void action_profile_runs(struct profile *p, struct graph *g, const struct front_statements *statements)
{
	struct state s = { .p = p, .g = g, .s = statements, .of = xcalloc((size_t)g->function_count + 1, sizeof(*s.of)),
		.first = xcalloc((size_t)g->function_count + 1, sizeof(*s.first)) };
	struct open_run *r = xcalloc(1, sizeof(*r));

	memset(s.first, 0xff, (g->function_count + 1) * sizeof(*s.first));
	for (uint32_t i = statements->n; i-- > 0;)
		s.first[statements->v[i].function] = i;
	summaries_make(&s);
	for (uint32_t i = 0; i < p->count; i++) {
		uint32_t f = p->order[i], last = 0;

		/* blocks are nested: each is walked by itself */
		for (uint32_t k = s.first[f]; k < statements->n && statements->v[k].function == f; k++) {
			if (statements->v[k].block <= last)
				continue;
			last = statements->v[k].block;
			for (uint32_t n = k; n < statements->n && statements->v[n].function == f; n++)
				if (statements->v[n].block == last)
					statement_take(&s, r, &statements->v[n]);
			run_close(&s, r);
		}
	}
	if (p->run_count)
		qsort_r(p->runs, p->run_count, sizeof(*p->runs), by_run, p);
	for (uint32_t i = 0; i < g->function_count; i++)
		free(s.of[i].v);
	free(s.of);
	free(s.first);
	free(r);
}
