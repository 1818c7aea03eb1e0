/* SPDX-License-Identifier: Apache-2.0 */
/* facts.c - scopes, bindings and constants. */
#include "audit/python/facts.h"

#include "base/mem.h"
#include "base/hex.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define CONSTANT_DEPTH 8

static uint32_t heap_name(struct python *p, uint32_t source, uint32_t node)
{
	return machine_node_text(&p->m, &p->sources[source], node);
}

text_t pyfacts_text(struct python *p, struct graph *g, uint32_t text)
{
	if (text >= p->text_count) {
		uint32_t n = p->m.h.text_count * 2;

		p->texts = xreallocarray(p->texts, n, sizeof(*p->texts));
		memset(p->texts + p->text_count, 0, (n - p->text_count) * sizeof(*p->texts));
		p->text_count = n;
	}
	if (!p->texts[text])
		p->texts[text] = text_ofz(&g->texts, p->m.h.texts[text]);
	return p->texts[text];
}

text_t pyfacts_squeeze(struct python *p, struct graph *g, uint32_t source, uint32_t node, size_t max_bytes)
{
	const struct tree_node *n = pyfacts_node(p, source, node);

	if (n->kind == K_identifier && n->end - n->start <= max_bytes)
		return pyfacts_text(p, g, heap_name(p, source, node));
	return graph_squeeze(g, p->sources[source].text + n->start, n->end - n->start, max_bytes);
}

static bool has_clause(const struct tree *t, uint32_t node)
{
	for (uint32_t c = t->nodes[node].first; c; c = t->nodes[c].next)
		if (t->nodes[c].kind == K_for_in_clause)
			return true;
	return false;
}

/* Nodes come after their parents. */
static struct place *places_of(struct python *p, uint32_t source)
{
	const struct tree *t = &p->sources[source].tree;
	struct place *v = p->places[source];

	if (v)
		return v;
	v = p->places[source] = xcalloc((size_t)t->count + 1, sizeof(*v));
	v[1].scope = p->sources[source].body & PLACE_SCOPE;
	for (uint32_t i = 1; i < t->count; i++) {
		const struct tree_node *n = &t->nodes[i];
		uint32_t own = i == 1 ? 0 : machine_def_at(&p->m, source, i), inside = own ? own : v[i].scope;
		bool closes = n->kind == K_function_definition || n->kind == K_class_definition;
		bool may = n->kind == K_list_comprehension || n->kind == K_set_comprehension ||
			   n->kind == K_dictionary_comprehension || n->kind == K_generator_expression;
		bool around = !closes && (v[i].comprehension || (may && has_clause(t, i)));

		for (uint32_t c = n->first; c; c = t->nodes[c].next) {
			uint32_t scope = t->nodes[c].field == F_body ? inside : v[i].scope;

			v[c] = (struct place){ i, scope & PLACE_SCOPE, around };
		}
	}
	return v;
}

void pyfacts_leave(struct python *p, uint32_t source)
{
	mem_free_ptr(&p->places[source]);
}

uint32_t pyfacts_parent(struct python *p, uint32_t source, uint32_t node)
{
	return places_of(p, source)[node].parent;
}

uint32_t pyfacts_scope(struct python *p, uint32_t source, uint32_t node)
{
	return places_of(p, source)[node].scope;
}

uint32_t pyfacts_owner(struct python *p, uint32_t source, uint32_t node)
{
	return p->function_of[machine_owner(&p->m, pyfacts_scope(p, source, node))];
}

static struct binding *bind(struct python *p, uint32_t def, uint32_t name)
{
	struct bindings *b = &p->bindings[def];

	for (uint32_t i = 0; i < b->n; i++)
		if (b->v[i].name == name)
			return &b->v[i];
	if (b->n == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 8;
		b->v = xreallocarray(b->v, b->cap, sizeof(*b->v));
	}
	b->v[b->n] = (struct binding){ .name = name };
	return &b->v[b->n++];
}

static bool has(const uint32_t *list, uint32_t n, uint32_t name)
{
	while (n)
		if (list[--n] == name)
			return true;
	return false;
}

/* The scope that a name bound in `def` belongs to. */
static uint32_t home_of(struct python *p, uint32_t def, uint32_t name)
{
	const struct definition *d = &p->m.defs[def];

	if (has(d->globals, d->global_count, name))
		return p->sources[d->source].body;
	while (has(d->nonlocals, d->nonlocal_count, name) && d->kind != DEF_MODULE) {
		def = d->parent;
		d = &p->m.defs[def];
	}
	return def;
}

static void bind_target(struct python *p, uint32_t source, uint32_t node, uint32_t def, uint32_t value, bool import)
{
	const struct tree_node *n = pyfacts_node(p, source, node);
	uint32_t from;

	if (n->kind == K_attribute || n->kind == K_subscript || n->kind == K_call)
		return;
	if (n->kind == K_identifier) {
		uint32_t name = heap_name(p, source, node);
		struct binding *b = bind(p, home_of(p, def, name), name);

		b->value = b->count++ ? 0 : value;
		b->is_import |= import;
		return;
	}
	from = n->first;
	if (from && (n->kind == K_class_pattern || n->kind == K_keyword_pattern))
		from = pyfacts_node(p, source, from)->next; /* names of classes and keywords are not bound */
	for (uint32_t c = from; c; c = pyfacts_node(p, source, c)->next)
		bind_target(p, source, c, def, 0, import);
}

static void bind_imports(struct python *p, uint32_t source, uint32_t node, uint32_t def)
{
	uint32_t module = pyfacts_field(p, source, node, F_module_name);

	for (uint32_t c = pyfacts_node(p, source, node)->first; c; c = pyfacts_node(p, source, c)->next) {
		uint32_t alias = pyfacts_field(p, source, c, F_alias), name = alias ? alias : c;

		if (c == module || pyfacts_node(p, source, c)->field != F_name)
			continue;
		if (!alias && pyfacts_node(p, source, c)->kind == K_dotted_name)
			name = pyfacts_node(p, source, c)->first; /* import a.b binds a */
		bind_target(p, source, name, def, 0, true);
	}
}

static void bind_parameters(struct python *p, uint32_t source, uint32_t node, uint32_t def)
{
	const struct definition *d = &p->m.defs[def];
	uint32_t list = pyfacts_field(p, source, node, F_parameters);
	bool first = d->is_method;

	for (uint32_t c = list ? pyfacts_node(p, source, list)->first : 0; c; c = pyfacts_node(p, source, c)->next) {
		const struct tree_node *n = pyfacts_node(p, source, c);
		uint32_t name = pyfacts_field(p, source, c, F_name);

		name = name ? name : n->kind == K_identifier ? c : n->first;
		while (name && pyfacts_node(p, source, name)->kind != K_identifier)
			name = pyfacts_node(p, source, name)->first;
		if (!name)
			continue;
		struct binding *b = bind(p, def, heap_name(p, source, name));

		b->count++;
		b->value = 0;
		b->is_parameter = true;
		b->is_self = first;
		first = false;
	}
}

static bool is_staticmethod(struct python *p, uint32_t source, uint32_t node)
{
	uint32_t around = pyfacts_parent(p, source, node);

	for (uint32_t c = around ? pyfacts_node(p, source, around)->first : 0; c; c = pyfacts_node(p, source,
		c)->next) {
		const struct tree_node *n = pyfacts_node(p, source, c);

		if (n->kind == K_decorator && n->first) {
			const struct tree_node *w = pyfacts_node(p, source, n->first);

			if (w->end - w->start == 12 && memcmp(p->sources[source].text + w->start, "staticmethod",
				12) == 0)
				return true;
		}
	}
	return false;
}

/* What one node binds, below it not looked at. */
static void bind_node(struct python *p, uint32_t source, uint32_t node, uint32_t def)
{
	uint32_t value = 0, t = 0;

	switch (pyfacts_node(p, source, node)->kind) {
	case K_assignment:
		value = pyfacts_field(p, source, node, F_right);
		if (value && pyfacts_node(p, source, value)->kind == K_assignment)
			value = 0;
		t = pyfacts_field(p, source, node, F_left);
		if (!pyfacts_field(p, source, node, F_right))
			t = 0; /* a bare annotation binds nothing */
		break;
	case K_augmented_assignment: case K_for_statement:
		t = pyfacts_field(p, source, node, F_left);
		break;
	case K_named_expression:
		t = pyfacts_field(p, source, node, F_name);
		break;
	case K_as_pattern_target: case K_case_pattern: case K_delete_statement:
		t = node;
		break;
	case K_import_statement: case K_import_from_statement:
		bind_imports(p, source, node, def);
		break;
	case K_function_definition: case K_class_definition:
		t = pyfacts_field(p, source, node, F_name);
		break;
	default:
		break;
	}
	if (t)
		bind_target(p, source, t, def, value, false);
}

void pyfacts_init(struct python *p)
{
	p->places = xcalloc(p->count + 1, sizeof(*p->places));
	p->bindings = xcalloc(p->m.def_count + 1, sizeof(*p->bindings));
	p->is_bound = xcalloc(p->count + 1, sizeof(*p->is_bound));
}

void pyfacts_bind(struct python *p, uint32_t s)
{
	const struct tree *t = &p->sources[s].tree;
	const struct place *v;

	if (p->is_bound[s])
		return;
	p->is_bound[s] = true;
	v = places_of(p, s);
	for (uint32_t i = 1; i < t->count; i++) {
		uint32_t own = i == 1 ? 0 : machine_def_at(&p->m, s, i);

		bind_node(p, s, i, v[i].scope);
		if (!own)
			continue;
		bind_parameters(p, s, i, own);
		if (p->bindings[own].n && is_staticmethod(p, s, i))
			p->bindings[own].v[0].is_self = false;
	}
}

void pyfacts_release(struct python *p)
{
	for (size_t i = 0; p->places && i < p->count; i++)
		free(p->places[i]);
	for (uint32_t i = 0; p->bindings && i < p->m.def_count; i++)
		free(p->bindings[i].v);
	mem_free_ptr(&p->places);
	mem_free_ptr(&p->texts);
	mem_free_ptr(&p->bindings);
	mem_free_ptr(&p->is_bound);
	p->text_count = 0;
}

bool pyfacts_is_comprehension_variable(struct python *p, uint32_t source, uint32_t node)
{
	uint32_t name;

	if (!places_of(p, source)[node].comprehension)
		return false;
	name = heap_name(p, source, node);
	for (uint32_t at = pyfacts_parent(p, source, node); at; at = pyfacts_parent(p, source, at)) {
		const struct tree_node *n = pyfacts_node(p, source, at);

		if (n->kind == K_function_definition || n->kind == K_class_definition)
			return false;
		for (uint32_t c = n->first; c; c = pyfacts_node(p, source, c)->next) {
			uint32_t left = pyfacts_node(p, source, c)->kind == K_for_in_clause ? pyfacts_field(p, source,
				c, F_left) : 0;
			uint32_t k = left;

			/* the target is a small tree: its nodes are one run of the array */
			for (; left && k < p->sources[source].tree.count && pyfacts_node(p, source,
				k)->start < pyfacts_node(p,
				source, left)->end; k++)
				if (pyfacts_node(p, source, k)->kind == K_identifier && heap_name(p, source, k) == name)
					return true;
		}
	}
	return false;
}

const struct binding *pyfacts_lookup(struct python *p, uint32_t source, uint32_t node, uint32_t *in)
{
	uint32_t name = heap_name(p, source, node), def = pyfacts_scope(p, source, node);
	bool first = true;

	for (;; def = p->m.defs[def].parent, first = false) {
		const struct definition *d = &p->m.defs[def];
		const struct bindings *b = &p->bindings[home_of(p, def, name)];

		*in = home_of(p, def, name);
		for (uint32_t i = 0; i < b->n && (first || d->kind != DEF_CLASS); i++)
			if (b->v[i].name == name)
				return &b->v[i];
		if (d->kind == DEF_MODULE)
			return NULL;
	}
}

enum graph_scope pyfacts_scope_of(struct python *p, uint32_t source, uint32_t node)
{
	const struct binding *b;
	uint32_t in, own;

	for (;;) {
		const struct tree_node *n = pyfacts_node(p, source, node);

		if (n->kind == K_identifier)
			break;
		if ((n->kind != K_attribute && n->kind != K_subscript && n->kind != K_parenthesized_expression) ||
			!n->first)
			return SCOPE_OUTSIDE;
		node = n->first;
	}
	if (pyfacts_is_comprehension_variable(p, source, node))
		return SCOPE_LOCAL;
	b = pyfacts_lookup(p, source, node, &in);
	if (!b)
		return SCOPE_OUTSIDE;
	if (b->is_import)
		return SCOPE_MODULE;
	own = pyfacts_scope(p, source, node);
	if (p->m.defs[in].kind == DEF_MODULE)
		return SCOPE_GLOBAL;
	if (in != own)
		return SCOPE_CLOSURE;
	return b->is_self ? SCOPE_SELF : b->is_parameter ? SCOPE_PARAMETER : SCOPE_LOCAL;
}

static uint32_t constant_at(struct python *p, uint32_t source, uint32_t node, int depth)
{
	const struct binding *b;
	uint32_t in;

	for (; node && pyfacts_node(p, source, node)->kind == K_parenthesized_expression; node = pyfacts_node(p,
		source, node)->first)
		;
	if (!node || depth > CONSTANT_DEPTH)
		return 0;
	switch (pyfacts_node(p, source, node)->kind) {
	case K_string: case K_concatenated_string: case K_integer: case K_unary_operator: case K_list: case K_tuple:
	case K_set:
	case K_dictionary: case K_true: case K_false: case K_none: case K_float:
		return node;
	case K_identifier:
		if (pyfacts_is_comprehension_variable(p, source, node))
			return 0;
		b = pyfacts_lookup(p, source, node, &in);
		return b && b->count == 1 && b->value ? constant_at(p, source, b->value, depth + 1) : 0;
	default:
		return 0;
	}
}

uint32_t pyfacts_constant(struct python *p, uint32_t source, uint32_t node)
{
	return constant_at(p, source, node, 0);
}

/* One escape after its backslash; returns the bytes it takes, 0 where it names a character by its name. */
static size_t escape(const char *s, size_t n, bool bytes, struct str *out)
{
	static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
	const char *at = memchr(from, s[0], sizeof(from) - 1);
	size_t used = 0;
	uint32_t v;

	if (at) {
		str_addc(out, to[at - from]);
		return 1;
	}
	if (s[0] == '\n' || s[0] == '\r')
		return s[0] == '\r' && n > 1 && s[1] == '\n' ? 2 : 1;
	if (s[0] >= '0' && s[0] <= '7') {
		v = hex_digits(s, n < 3 ? n : 3, 8, &used);
	} else if (s[0] == 'x' || (!bytes && (s[0] == 'u' || s[0] == 'U'))) {
		size_t want = s[0] == 'x' ? 2 : s[0] == 'u' ? 4 : 8;

		v = hex_digits(s + 1, n - 1 < want ? n - 1 : want, 16, &used);
		used++;
	} else if (s[0] == 'N' && !bytes) {
		return 0;
	} else {
		str_addc(out, '\\');
		return SIZE_MAX; /* no escape: the backslash stays, and so does what follows */
	}
	if (bytes || v < 0x80) {
		str_addc(out, (char)v);
	} else {
		char buf[4] = { (char)(0xf0 | v >> 18), (char)(0x80 | (v >> 12 & 63)), (char)(0x80 | (v >> 6 & 63)),
				(char)(0x80 | (v & 63)) };
		int skip = v < 0x800 ? 2 : v < 0x10000 ? 1 : 0;

		if (skip == 2)
			buf[2] = (char)(0xc0 | v >> 6);
		else if (skip == 1)
			buf[1] = (char)(0xe0 | v >> 12);
		str_addn(out, buf + skip, 4 - (size_t)skip);
	}
	return used;
}

static bool string_value(const struct python *p, uint32_t source, uint32_t node, struct str *out)
{
	const char *text = p->sources[source].text;
	bool raw = false, bytes = false;
	uint32_t from = 0, to = 0;

	for (uint32_t c = pyfacts_node(p, source, node)->first; c; c = pyfacts_node(p, source, c)->next) {
		const struct tree_node *n = pyfacts_node(p, source, c);

		if (n->kind == K_interpolation)
			return false;
		if (n->kind == K_string_start)
			from = n->end;
		for (uint32_t i = n->start; n->kind == K_string_start && i < n->end; i++) {
			raw |= (text[i] | 32) == 'r';
			bytes |= (text[i] | 32) == 'b';
		}
		if (n->kind == K_string_end)
			to = n->start;
	}
	for (uint32_t i = from; i < to;) {
		if (text[i] != '\\' || raw || i + 1 >= to) {
			str_addc(out, text[i++]);
			continue;
		}
		size_t used = escape(text + i + 1, to - i - 1, bytes, out);

		if (!used)
			return false;
		i += used == SIZE_MAX ? 1 : (uint32_t)used + 1;
	}
	return from && to >= from;
}

bool pyfacts_string(struct python *p, uint32_t source, uint32_t node, struct str *out)
{
	uint32_t at = pyfacts_constant(p, source, node);

	if (!at)
		return false;
	if (pyfacts_node(p, source, at)->kind == K_string)
		return string_value(p, source, at, out);
	if (pyfacts_node(p, source, at)->kind != K_concatenated_string)
		return false;
	for (uint32_t c = pyfacts_node(p, source, at)->first; c; c = pyfacts_node(p, source, c)->next)
		if (pyfacts_node(p, source, c)->kind == K_string && !string_value(p, source, c, out))
			return false;
	return true;
}

bool pyfacts_integer(struct python *p, uint32_t source, uint32_t node, int64_t *out)
{
	uint32_t at = pyfacts_constant(p, source, node);
	const struct tree_node *n = at ? pyfacts_node(p, source, at) : NULL;
	const char *text = p->sources[source].text;
	int64_t sign = 1, v = 0;
	char buf[24];
	size_t len = 0, used;
	unsigned base = 10;

	if (n && n->kind == K_unary_operator && text[n->start] == '-') {
		at = pyfacts_field(p, source, at, F_argument);
		n = at ? pyfacts_node(p, source, at) : NULL;
		sign = -1;
	}
	if (!n || n->kind != K_integer)
		return false;
	for (uint32_t i = n->start; i < n->end; i++) {
		if (text[i] == '_')
			continue;
		if (len + 1 >= sizeof(buf))
			return false;
		buf[len++] = text[i];
	}
	buf[len] = '\0';
	if (buf[0] == '0' && strchr("xXoObB", buf[1]) && buf[1]) {
		base = (buf[1] | 32) == 'x' ? 16 : (buf[1] | 32) == 'o' ? 8 : 2;
		v = hex_digits(buf + 2, len - 2, base, &used);
		*out = sign * v;
		return used == len - 2 && len <= 9;
	}
	if (len > 18 || strspn(buf, "0123456789") != len)
		return false;
	*out = sign * strtoll(buf, NULL, 10);
	return true;
}

int64_t pyfacts_elements(struct python *p, uint32_t source, uint32_t node)
{
	uint32_t at = pyfacts_constant(p, source, node);
	const struct tree_node *n = at ? pyfacts_node(p, source, at) : NULL;
	int64_t count = 0;

	if (!n || (n->kind != K_list && n->kind != K_tuple && n->kind != K_set && n->kind != K_dictionary))
		return -1;
	for (uint32_t c = n->first; c; c = pyfacts_node(p, source, c)->next) {
		enum tree_kind kind = pyfacts_node(p, source, c)->kind;

		if (kind == K_list_splat || kind == K_dictionary_splat || kind == K_ERROR)
			return -1;
		count += kind != K_TOKEN;
	}
	return count;
}
