/* SPDX-License-Identifier: Apache-2.0 */
/* define.c - the functions, lambdas, classes and local names of a file. */
#include "audit/python/machine.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

uint32_t machine_def_named(const struct machine *m, uint32_t text)
{
	return text < m->def_of_text_count && m->def_of_text[text] ? m->def_of_text[text] - 1 : UINT32_MAX;
}

static void name_index(struct machine *m, uint32_t text, uint32_t def)
{
	if (text >= m->def_of_text_count) {
		uint32_t n = m->h.text_cap;

		m->def_of_text = xreallocarray(m->def_of_text, n, sizeof(*m->def_of_text));
		memset(m->def_of_text + m->def_of_text_count, 0, (n - m->def_of_text_count) * sizeof(*m->def_of_text));
		m->def_of_text_count = n;
	}
	if (!m->def_of_text[text])
		m->def_of_text[text] = def + 1;
}

/* A second definition of a name is "name@2" until it is known whether both are called. Takes d->name. */
static void name_take(struct machine *m, struct definition *d)
{
	uint32_t before = machine_def_named(m, d->text = heap_textz(&m->h, d->name));

	d->first = before == UINT32_MAX ? m->def_count : before;
	d->shares_name = m->shares_name || d->kind == DEF_MODULE;
	for (uint32_t k = 2; before != UINT32_MAX && !d->shares_name; k++) {
		auto_free char *numbered = xasprintf("%s@%u", d->name, k);
		uint32_t text = heap_textz(&m->h, numbered);

		if (machine_def_named(m, text) == UINT32_MAX) {
			free(d->name);
			d->name = ptr_steal(&numbered);
			d->text = text;
			break;
		}
	}
	m->shares_name = false;
	name_index(m, d->text, m->def_count);
}

/* Marks what a call leads to, and what that is defined in. */
static void reached_mark(const struct machine *m, bool *alive)
{
	for (uint32_t i = 0; i < m->site_count; i++)
		for (uint32_t k = 0; k < m->sites[i].target_count; k++) {
			uint32_t def = machine_def_named(m, m->sites[i].targets[k]);

			for (; def != UINT32_MAX && !alive[def]; def = m->defs[def].parent) {
				alive[def] = true;
				if (m->defs[def].kind == DEF_MODULE)
					break;
			}
		}
}

/* May the name of a function or class of a module or class still be it, when the body has run? */
static bool is_bound(struct machine *m, uint32_t def)
{
	const struct definition *d = &m->defs[def], *around = &m->defs[d->parent];
	const char *last = strrchr(d->name, '.') + 1;
	uint32_t owner = around->kind == DEF_MODULE ? m->sources[d->source].object : around->kind == DEF_CLASS ?
		around->object : 0;
	value_t v = owner ? slot_get(&m->h, owner, heap_text(&m->h, last, strcspn(last, "@"))) : 0;

	for (uint32_t i = 0; i < value_count(&m->h, v); i++) {
		const struct object *o = &m->h.objects[value_at(&m->h, v, i)];

		if ((o->kind == O_FUNCTION || o->kind == O_CLASS) && o->a == def)
			return true;
	}
	return false;
}

/* Which definitions are alive; count: how many of those with one name, at the first of them. */
static void alive_find(struct machine *m, bool *alive, uint32_t *count)
{
	auto_free uint32_t *last = xcalloc((size_t)m->def_count + 1, sizeof(*last));

	for (uint32_t i = 0; i < m->def_count; i++)
		last[m->defs[i].first] = i;
	reached_mark(m, alive);
	for (uint32_t i = 0; i < m->def_count; i++) {
		const struct definition *d = &m->defs[i];

		if (d->shares_name || d->kind == DEF_LAMBDA || last[d->first] == i)
			alive[i] = true;
		else if (last[d->first] != d->first && !alive[i])
			alive[i] = is_bound(m, i);
		count[d->first] += alive[i] && !d->shares_name;
	}
}

void machine_settle_names(struct machine *m)
{
	auto_free bool *alive = xcalloc((size_t)m->def_count + 1, sizeof(*alive));
	auto_free uint32_t *count = xcalloc((size_t)m->def_count + 1, sizeof(*count));

	alive_find(m, alive, count);
	for (uint32_t i = 0; i < m->def_count; i++) { /* parents come before what is defined in them */
		struct definition *d = &m->defs[i];
		char *last = strrchr(d->name, '.'), *at = strrchr(d->name, '@'), *settled;

		if (d->kind == DEF_MODULE)
			continue;
		d->is_dead = !alive[i] || m->defs[d->parent].is_dead;
		if (at && at > last && count[d->first] < 2) {
			*at = '\0';
			d->is_renamed = true;
		}
		settled = xasprintf("%s%s", m->defs[d->parent].name, last);
		d->is_renamed |= at || strcmp(settled, d->name) != 0; /* where it is not what its place says */
		free(d->name);
		d->name = settled;
	}
}

static uint32_t def_add(struct machine *m, struct definition d)
{
	name_take(m, &d);
	if (m->def_count == m->def_cap) {
		m->def_cap = m->def_cap ? m->def_cap * 2 : 64;
		m->defs = xreallocarray(m->defs, m->def_cap, sizeof(*m->defs));
	}
	m->defs[m->def_count] = d;
	return m->def_count++;
}

uint32_t machine_owner(const struct machine *m, uint32_t def)
{
	while (m->defs[def].kind == DEF_CLASS)
		def = m->defs[def].parent;
	return def;
}

static void add_name(uint32_t **list, uint32_t *n, uint32_t name)
{
	for (uint32_t i = 0; i < *n; i++)
		if ((*list)[i] == name)
			return;
	*list = xreallocarray(*list, *n + 1, sizeof(**list));
	(*list)[(*n)++] = name;
}

/* Every identifier below a target is bound, but for those within attributes and subscripts. */
static void bind_targets(struct machine *m, uint32_t source, uint32_t node, uint32_t def)
{
	const struct source *s = &m->sources[source];
	const struct tree_node *n = &s->tree.nodes[node];

	if (n->kind == K_identifier)
		add_name(&m->defs[def].locals, &m->defs[def].local_count, machine_node_text(m, &m->sources[source], node));
	if (n->kind == K_attribute || n->kind == K_subscript || n->kind == K_call)
		return;
	for (uint32_t c = n->first; c; c = s->tree.nodes[c].next)
		bind_targets(m, source, c, def);
}

/* A pattern of match binds its names, but not those of classes, of keywords, and of constants (a.b). */
static void bind_pattern(struct machine *m, uint32_t source, uint32_t node, uint32_t def)
{
	const struct source *s = &m->sources[source];
	const struct tree_node *n = &s->tree.nodes[node];
	uint32_t from = n->first;

	if (n->kind == K_identifier)
		add_name(&m->defs[def].locals, &m->defs[def].local_count, machine_node_text(m, &m->sources[source], node));
	if (from && (n->kind == K_class_pattern || n->kind == K_keyword_pattern))
		from = s->tree.nodes[from].next;
	else if (from && n->kind == K_dotted_name && s->tree.nodes[from].next)
		from = 0;
	for (uint32_t c = from; c; c = s->tree.nodes[c].next)
		bind_pattern(m, source, c, def);
}

static uint32_t field(const struct source *s, uint32_t node, enum tree_field f)
{
	for (uint32_t c = s->tree.nodes[node].first; c; c = s->tree.nodes[c].next)
		if (s->tree.nodes[c].field == f)
			return c;
	return 0;
}

static void walk(struct machine *m, uint32_t source, uint32_t node, uint32_t def);

static void bind_parameters(struct machine *m, uint32_t source, uint32_t list, uint32_t def)
{
	const struct source *s = &m->sources[source];

	for (uint32_t c = s->tree.nodes[list].first; list && c; c = s->tree.nodes[c].next) {
		uint32_t name = field(s, c, F_name);

		bind_targets(m, source, name ? name : s->tree.nodes[c].kind == K_identifier ?
			c : s->tree.nodes[c].first, def);
	}
}

static void define(struct machine *m, uint32_t source, uint32_t node, uint32_t def)
{
	const struct source *s = &m->sources[source];
	const struct tree_node *n = &s->tree.nodes[node];
	struct definition d = { .kind = n->kind == K_lambda ? DEF_LAMBDA : n->kind == K_class_definition ?
		DEF_CLASS : DEF_FUNCTION,
				.source = source, .node = node, .parent = def };
	uint32_t name = field(s, node, F_name), own, body = field(s, node, F_body), params = field(s, node,
		F_parameters);

	if (d.kind == DEF_LAMBDA) {
		d.name = xasprintf("%s.<lambda%u>", m->defs[def].name, ++m->defs[def].lambdas);
	} else {
		d.name = xasprintf("%s.%.*s", m->defs[def].name, name ?
			(int)(s->tree.nodes[name].end - s->tree.nodes[name].start) : 0,
				   name ? s->text + s->tree.nodes[name].start : "");
		if (name)
			bind_targets(m, source, name, def);
	}
	d.is_method = m->defs[def].kind == DEF_CLASS && d.kind == DEF_FUNCTION;
	d.is_async = n->first && s->tree.nodes[n->first].kind == K_TOKEN;
	own = def_add(m, d);
	bind_parameters(m, source, params, own);
	for (uint32_t c = s->tree.nodes[node].first; c; c = s->tree.nodes[c].next)
		if (c != body)
			walk(m, source, c, def); /* defaults and bases belong to the scope around */
	if (body)
		walk(m, source, body, own);
}

/* Accessors of one property, overloads and the like are one function with one name. */
static bool shares_name(const struct source *s, uint32_t node)
{
	static const char *const last[] = { "setter", "getter", "deleter", "overload" };

	for (uint32_t c = s->tree.nodes[node].first; c; c = s->tree.nodes[c].next) {
		const struct tree_node *n = &s->tree.nodes[c];
		const char *end = s->text + n->end;

		for (size_t i = 0; n->kind == K_decorator && i < sizeof(last) / sizeof(*last); i++) {
			size_t len = strlen(last[i]);

			if (n->end - n->start > len && memcmp(end - len, last[i], len) == 0)
				return true;
		}
	}
	return false;
}

static void walk(struct machine *m, uint32_t source, uint32_t node, uint32_t def)
{
	const struct source *s = &m->sources[source];
	const struct tree_node *n = &s->tree.nodes[node];
	struct definition *d = &m->defs[def];
	uint32_t t = 0;

	switch (n->kind) {
	case K_decorated_definition:
		for (uint32_t c = n->first; c; c = s->tree.nodes[c].next) {
			m->shares_name = s->tree.nodes[c].field == F_definition && shares_name(s, node);
			walk(m, source, c, def);
		}
		return;
	case K_function_definition: case K_lambda: case K_class_definition:
		define(m, source, node, def);
		return;
	case K_global_statement: case K_nonlocal_statement:
		for (uint32_t c = n->first; c; c = s->tree.nodes[c].next)
			if (n->kind == K_global_statement)
				add_name(&d->globals, &d->global_count, machine_node_text(m, &m->sources[source], c));
			else
				add_name(&d->nonlocals, &d->nonlocal_count, machine_node_text(m, &m->sources[source], c));
		return;
	case K_assignment: case K_augmented_assignment: case K_for_statement:
		t = field(s, node, F_left);
		break;
	case K_named_expression:
		t = field(s, node, F_name);
		break;
	case K_case_pattern:
		bind_pattern(m, source, node, def);
		return; /* nothing in it is an expression that binds */
	case K_as_pattern_target: case K_import_statement: case K_import_from_statement: case K_delete_statement:
		t = node;
		break;
	case K_yield:
		d->is_generator = true;
		break;
	default:
		break;
	}
	if (t)
		bind_targets(m, source, t, def);
	for (uint32_t c = n->first; c; c = s->tree.nodes[c].next)
		walk(m, source, c, def);
}

/* Definitions come in the order of their nodes, but where errors of syntax put something after a body. */
static void nodes_index(struct machine *m, uint32_t source)
{
	const struct source *s = &m->sources[source];
	uint32_t end = s->body + s->def_count;
	bool ordered = true;

	for (uint32_t i = s->body + 1; i < end; i++)
		ordered &= m->defs[i].node > m->defs[i - 1].node;
	if (ordered)
		return;
	m->node_def[source] = xcalloc(s->tree.count + 1, sizeof(uint32_t));
	for (uint32_t i = s->body + 1; i < end; i++)
		m->node_def[source][m->defs[i].node] = i;
}

void machine_define(struct machine *m, uint32_t source)
{
	struct source *s = &m->sources[source];
	struct definition d = { .kind = DEF_MODULE, .source = source, .node = 1, .name = xstrdup(s->module) };

	s->names = xcalloc((size_t)s->tree.name_count + 1, sizeof(*s->names));
	s->body = def_add(m, d);
	walk(m, source, 1, s->body);
	s->def_count = m->def_count - s->body;
	nodes_index(m, source);
}

uint32_t machine_def_at(const struct machine *m, uint32_t source, uint32_t node)
{
	const struct source *s = &m->sources[source];
	uint32_t from = s->body + 1, to = s->body + s->def_count;
	enum tree_kind kind = s->tree.nodes[node].kind;

	if (kind != K_function_definition && kind != K_lambda && kind != K_class_definition)
		return 0;
	if (m->node_def[source])
		return m->node_def[source][node];
	while (from < to) {
		uint32_t mid = from + (to - from) / 2;

		if (m->defs[mid].node == node)
			return mid;
		if (m->defs[mid].node < node)
			from = mid + 1;
		else
			to = mid;
	}
	return 0;
}

void machine_make_room(struct machine *m, uint32_t count)
{
	m->defs = xcalloc((size_t)count + 1, sizeof(*m->defs));
	m->def_cap = count + 1;
	m->def_count = count;
}

bool machine_define_at(struct machine *m, uint32_t source)
{
	struct source *s = &m->sources[source];
	uint32_t expected = s->def_count, count = m->def_count;

	m->def_count = s->body;
	machine_define(m, source);
	m->def_count = m->def_count > count ? m->def_count : count;
	return s->def_count == expected;
}
