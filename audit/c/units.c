/* SPDX-License-Identifier: Apache-2.0 */
/* units.c - the preprocessor as far as its conditions go: each source is read as gcc would, with the headers of the audited
 * files, and what a condition was is kept. One that differs between units, or hangs on names of which nothing is known, is
 * open: both of its sides count. */
#include "audit/c/c.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define INCLUDED_MAX 40
#define NESTED_MAX 400
#define EVENTS_MAX UINT64_C(50000000) /* over all units: what is left over is open */
#define VALUE_DEPTH 24
#define VALUES_MAX 2000 /* of names within one condition: they may double with each step */

enum what { E_DEFINE, E_UNDEF, E_INCLUDE, E_IF, E_ELSE, E_END };

/* A directive; what lies between #if and #endif is between E_IF and E_END. */
struct event {
	enum what what;
	uint32_t node;
	uint32_t to;  /* E_IF: its E_ELSE or E_END; E_ELSE: its E_END; E_INCLUDE: a file, GRAPH_NONE */
	text_t name;  /* E_DEFINE, E_UNDEF */
	bool quoted;  /* E_INCLUDE */
};

struct events {
	struct event *v;
	uint32_t n, cap;
};

/* A name, in the unit that is read. */
struct macro {
	uint8_t state;   /* 1 + enum c_truth; 0: nothing was said of it */
	bool has_value;
	uint32_t file, node; /* of its #define; GRAPH_NONE: of the command line */
	const char *value;   /* of that */
};

struct unit {
	struct c_program *p;
	struct events *events; /* by file */
	struct macro *macros;  /* by text */
	uint32_t macro_count;
	text_t *touched;
	uint32_t touched_count, touched_cap, depth, value_depth, values;
	bool *open;     /* by file: it is being read */
	uint64_t left;
	bool has_flags; /* the command line is known */
	bool is_open;   /* a header of the project is not there */
};

bool c_is_undef(const struct c_file *f, uint32_t node)
{
	const struct tree_node *n = C_NODE(f, node);
	const char *s = f->source->text + n->start, *end = f->source->text + n->end;

	if (n->kind != K_OTHER || s == end || *s != '#')
		return false;
	for (s++; s < end && (*s == ' ' || *s == '\t'); s++)
		;
	return end - s > 5 && memcmp(s, "undef", 5) == 0;
}

text_t c_undef_name(struct c_program *p, const struct c_file *f, uint32_t node)
{
	const struct tree_node *n = C_NODE(f, node);
	const char *s = memmem(f->source->text + n->start, n->end - n->start, "undef", 5), *end = f->source->text + n->end;
	const char *from;

	for (s = s ? s + 5 : end; s < end && isspace((unsigned char)*s); s++)
		;
	for (from = s; s < end && (isalnum((unsigned char)*s) || *s == '_'); s++)
		;
	return text_of(&p->g->texts, from, (size_t)(s - from));
}

static uint32_t event_add(struct events *e, struct event x)
{
	if (e->n == e->cap) {
		e->cap = e->cap ? e->cap * 2 : 64;
		e->v = xreallocarray(e->v, e->cap, sizeof(*e->v));
	}
	e->v[e->n] = x;
	return e->n++;
}

static bool is_conditional(enum tree_kind kind)
{
	return kind == K_preproc_if || kind == K_preproc_ifdef || kind == K_preproc_elif || kind == K_preproc_elifdef;
}

static void events_add(struct c_program *p, const struct c_file *f, uint32_t node, struct events *e);

static void condition_add(struct c_program *p, const struct c_file *f, uint32_t node, struct events *e)
{
	uint32_t begin = event_add(e, (struct event){ .what = E_IF, .node = node }), other = 0, end;

	for (uint32_t c = C_NODE(f, node)->first; c; c = C_NODE(f, c)->next) {
		if (C_NODE(f, c)->field == F_condition || C_NODE(f, c)->field == F_name)
			continue;
		if (C_NODE(f, c)->field == F_alternative && !other)
			e->v[begin].to = other = event_add(e, (struct event){ .what = E_ELSE, .node = c });
		events_add(p, f, c, e);
	}
	end = event_add(e, (struct event){ .what = E_END, .node = node });
	e->v[other ? other : begin].to = end;
}

static void events_add(struct c_program *p, const struct c_file *f, uint32_t node, struct events *e)
{
	enum tree_kind kind = C_NODE(f, node)->kind;
	uint32_t name = kind == K_preproc_def || kind == K_preproc_function_def ? c_field(f, node, F_name) : 0;
	uint32_t path = kind == K_preproc_include ? c_field(f, node, F_path) : 0;

	if (name)
		event_add(e, (struct event){ .what = E_DEFINE, .node = node, .name = c_text(p, f, name) });
	else if (kind == K_preproc_include)
		event_add(e, (struct event){ .what = E_INCLUDE, .node = node, .to = c_included(p, f, node),
			.quoted = path && f->source->text[C_NODE(f, path)->start] == '"' });
	else if (c_is_undef(f, node))
		event_add(e, (struct event){ .what = E_UNDEF, .node = node, .name = c_undef_name(p, f, node) });
	else if (is_conditional(kind))
		condition_add(p, f, node, e);
	else
		for (uint32_t c = C_NODE(f, node)->first; c; c = C_NODE(f, c)->next)
			events_add(p, f, c, e);
}

/* What autoconf writes for what is not there: a comment with #undef in it. */
static void comments_add(struct c_program *p, const struct c_file *f, struct events *e)
{
	static const char mark[] = "/* #undef ";
	const char *s = f->source->text, *end = s + f->source->len;

	while ((s = memmem(s, (size_t)(end - s), mark, sizeof(mark) - 1))) {
		const char *from = s += sizeof(mark) - 1;

		while (s < end && (isalnum((unsigned char)*s) || *s == '_'))
			s++;
		event_add(e, (struct event){ .what = E_UNDEF, .name = text_of(&p->g->texts, from, (size_t)(s - from)) });
	}
}

static struct macro *macro_of(struct unit *u, text_t name)
{
	if (name >= u->macro_count) {
		uint32_t n = name * 2 + 64;

		u->macros = xreallocarray(u->macros, n, sizeof(*u->macros));
		memset(u->macros + u->macro_count, 0, (n - u->macro_count) * sizeof(*u->macros));
		u->macro_count = n;
	}
	return &u->macros[name];
}

static void macro_set(struct unit *u, text_t name, struct macro m)
{
	struct macro *to = macro_of(u, name);

	if (!to->state) {
		if (u->touched_count == u->touched_cap) {
			u->touched_cap = u->touched_cap ? u->touched_cap * 2 : 256;
			u->touched = xreallocarray(u->touched, u->touched_cap, sizeof(*u->touched));
		}
		u->touched[u->touched_count++] = name;
	}
	*to = m;
}

/* Of a name of which the unit says nothing. */
static enum c_truth unsaid(struct unit *u, const char *s, size_t n, text_t name, struct c_number *value)
{
	enum c_truth t = c_usually_defined(s, n, value);
	const char *z = graph_text(u->p->g, name);

	if (t != C_UNKNOWN)
		return t;
	if (c_is_of_the_system(z) || z[0] == '_' || (c_is_of_the_build(z) && !u->has_flags))
		return C_UNKNOWN;
	return u->is_open && name < u->p->maybe_count && u->p->maybe_defined[name] ? C_UNKNOWN : C_FALSE;
}

static enum c_truth is_defined(void *arg, const char *s, size_t n)
{
	struct unit *u = arg;
	text_t name = text_of(&u->p->g->texts, s, n);
	struct c_number value;
	const struct macro *m = macro_of(u, name);

	return m->state ? (enum c_truth)(m->state - 1) : unsaid(u, s, n, name, &value);
}

static struct c_number value_of(void *arg, const char *s, size_t n);

static struct c_number text_value(struct unit *u, const char *s, size_t n)
{
	struct c_number v = { .known = false };
	const struct c_asks asks = { .arg = u, .is_defined = is_defined, .value = value_of };

	if (u->value_depth > VALUE_DEPTH || ++u->values > VALUES_MAX)
		return v;
	u->value_depth++;
	v = c_expression(s, n, &asks);
	u->value_depth--;
	return v;
}

static struct c_number value_of(void *arg, const char *s, size_t n)
{
	struct unit *u = arg;
	text_t name = text_of(&u->p->g->texts, s, n);
	const struct macro m = *macro_of(u, name);
	struct c_number value = { .known = false };
	enum c_truth t = m.state ? (enum c_truth)(m.state - 1) : unsaid(u, s, n, name, &value);

	if (t == C_FALSE)
		return (struct c_number){ .known = true };
	if (!m.state || t == C_UNKNOWN || !m.has_value)
		return t == C_TRUE ? value : (struct c_number){ .known = false };
	if (m.value)
		return text_value(u, m.value, strlen(m.value));
	const struct c_file *f = &u->p->files[m.file];
	uint32_t node = C_NODE(f, m.node)->kind == K_preproc_def ? c_field(f, m.node, F_value) : 0;

	return node ? text_value(u, f->source->text + C_NODE(f, node)->start, C_NODE(f, node)->end -
		C_NODE(f, node)->start) : value;
}

/* #if, #ifdef and the like. */
static enum c_truth evaluate(struct unit *u, const struct c_file *f, uint32_t node)
{
	const struct tree_node *n = C_NODE(f, node);
	const char *s = f->source->text + n->start;
	bool by_name = n->kind == K_preproc_ifdef || n->kind == K_preproc_elifdef;
	uint32_t of = c_field(f, node, by_name ? F_name : F_condition);
	enum c_truth t;

	u->values = 0;
	if (!of)
		return C_UNKNOWN;
	if (!by_name)
		return c_truth_of(text_value(u, f->source->text + C_NODE(f, of)->start, C_NODE(f, of)->end -
			C_NODE(f, of)->start));
	t = is_defined(u, f->source->text + C_NODE(f, of)->start, C_NODE(f, of)->end - C_NODE(f, of)->start);
	if (t != C_UNKNOWN && memmem(s, C_NODE(f, of)->start - n->start, "ndef", 4))
		t = t == C_TRUE ? C_FALSE : C_TRUE;
	return t;
}

static enum c_truth judge(struct unit *u, struct c_file *f, uint32_t node)
{
	enum c_truth t = evaluate(u, f, node);
	uint8_t *v = &f->verdicts[node];

	*v = *v && *v != t + 1 ? C_UNKNOWN + 1 : (uint8_t)(t + 1);
	return t;
}

static void define(struct unit *u, uint32_t file, const struct event *e, bool certain)
{
	const struct macro *old = macro_of(u, e->name);
	struct macro m = { .file = file, .node = e->node, .state = C_UNKNOWN + 1 };

	if (e->what == E_DEFINE && (certain || old->state == C_TRUE + 1))
		m.state = C_TRUE + 1;
	if (e->what == E_UNDEF && (certain || old->state == C_FALSE + 1))
		m.state = C_FALSE + 1;
	m.has_value = certain && e->what == E_DEFINE;
	macro_set(u, e->name, m);
}

static void file_read(struct unit *u, uint32_t file, bool certain)
{
	const struct events *e = &u->events[file];
	bool taken[NESTED_MAX], before[NESTED_MAX];
	uint32_t depth = 0;

	if (u->depth > INCLUDED_MAX || !u->p->files[file].verdicts || u->open[file])
		return;
	u->depth++;
	u->open[file] = true;
	for (uint32_t i = 0; i < e->n && u->left; i++, u->left--) {
		const struct event *x = &e->v[i];
		enum c_truth t;

		switch (x->what) {
		case E_DEFINE: case E_UNDEF: define(u, file, x, certain); break;
		case E_INCLUDE:
			u->is_open |= x->to == GRAPH_NONE && x->quoted;
			if (x->to != GRAPH_NONE)
				file_read(u, x->to, certain);
			break;
		case E_IF:
			t = judge(u, &u->p->files[file], x->node);
			if (depth == NESTED_MAX)
				goto out;
			before[depth] = certain;
			taken[depth++] = t == C_TRUE;
			certain = certain && t != C_UNKNOWN;
			if (t == C_FALSE)
				i = e->v[x->to].what == E_ELSE ? x->to : x->to - 1;
			break;
		case E_ELSE:
			if (taken[depth - 1])
				i = x->to - 1;
			break;
		case E_END:
			certain = before[--depth];
			break;
		}
	}
out:
	u->open[file] = false;
	u->depth--;
}

static void flag_set(void *arg, const char *name, size_t n, const char *value)
{
	struct unit *u = arg;
	struct macro m = { .file = GRAPH_NONE, .state = value ? C_TRUE + 1 : C_FALSE + 1, .has_value = value != NULL,
		.value = value };

	macro_set(u, text_of(&u->p->g->texts, name, n), m);
}

static void unit_read(struct unit *u, uint32_t file, const struct c_commands *commands)
{
	while (u->touched_count)
		u->macros[u->touched[--u->touched_count]] = (struct macro){ 0 };
	u->is_open = false;
	u->has_flags = commands && c_commands_each(commands, u->p->files[file].source->path, flag_set, u);
	file_read(u, file, true);
}

/* Sources, then headers that none of them includes. */
static void units_read(struct unit *u, const struct c_commands *commands)
{
	struct c_program *p = u->p;
	auto_free bool *included = xcalloc((size_t)p->file_count + 1, sizeof(*included));

	for (uint32_t i = 0; i < p->file_count; i++)
		for (uint32_t k = 0; k < u->events[i].n; k++)
			if (u->events[i].v[k].what == E_INCLUDE && u->events[i].v[k].to != GRAPH_NONE)
				included[u->events[i].v[k].to] = true;
	for (uint32_t i = 0; i < p->file_count; i++)
		if (!included[i] || str_ends(p->files[i].source->path, ".c"))
			unit_read(u, i, commands);
}

void c_units_follow(struct c_program *p)
{
	struct unit u = { .p = p, .left = EVENTS_MAX, .events = xcalloc((size_t)p->file_count + 1, sizeof(*u.events)),
		.open = xcalloc((size_t)p->file_count + 1, sizeof(*u.open)) };
	struct c_commands *commands = c_commands_read(p->o->root);

	for (uint32_t i = 0; i < p->file_count; i++) {
		struct c_file *f = &p->files[i];

		if (f->tree.count < 2)
			continue;
		comments_add(p, f, &u.events[i]);
		events_add(p, f, 1, &u.events[i]);
		f->verdicts = xcalloc((size_t)f->tree.count + 1, 1);
	}
	units_read(&u, commands);
	for (uint32_t i = 0; i < p->file_count; i++) {
		if (!u.left) /* not all was seen: what was is no more than a part */
			mem_free_ptr(&p->files[i].verdicts);
		free(u.events[i].v);
	}
	c_commands_free(commands);
	free(u.events);
	free(u.macros);
	free(u.open);
	free(u.touched);
}
