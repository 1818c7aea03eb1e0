/* SPDX-License-Identifier: Apache-2.0 */
/* calls.c - the calls of a C function: by name, through macros, through local pointers whose functions are known. */
#include "audit/c/c.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MACRO_DEPTH_MAX 16
#define TARGETS_MAX (4 * GRAPH_TARGETS_MAX)

struct local {
	text_t name;
	text_t values[GRAPH_TARGETS_MAX]; /* names of functions that were assigned to it */
	uint32_t count;
	bool unknown, is_parameter;
};

struct reader {
	struct c_program *p;
	struct c_file *f;
	const struct c_name *function;
	struct local *locals;
	uint32_t local_count;
	uint32_t loops;
	uint32_t at; /* byte of the file: what is looked at */
};

struct found {
	text_t targets[TARGETS_MAX];
	uint32_t count;
	enum graph_reason reason;
};

static void found_add(struct found *out, text_t target)
{
	for (uint32_t i = 0; i < out->count; i++)
		if (out->targets[i] == target)
			return;
	if (out->count < TARGETS_MAX)
		out->targets[out->count++] = target;
}

static void found_reason(struct found *out, enum graph_reason r)
{
	out->reason = out->reason ? out->reason : r;
}

static struct local *local_of(struct reader *r, text_t name)
{
	for (uint32_t i = 0; i < r->local_count; i++)
		if (r->locals[i].name == name)
			return &r->locals[i];
	return NULL;
}

/* f, &f, (f), or a cast of these: the identifier. */
static uint32_t plain_name(const struct c_file *f, uint32_t node)
{
	while (node) {
		const struct tree_node *n = C_NODE(f, node);

		if (n->kind == K_identifier)
			return node;
		if (n->kind == K_parenthesized_expression)
			node = n->first;
		else if (n->kind == K_pointer_expression)
			node = c_field(f, node, F_argument);
		else if (n->kind == K_cast_expression)
			node = c_field(f, node, F_value);
		else
			return 0;
	}
	return 0;
}

static void local_add(struct reader *r, uint32_t declarator, bool is_parameter)
{
	uint32_t function, name = c_declared(r->f, declarator, &function);
	text_t text = name && !function ? c_text(r->p, r->f, name) : 0;

	if (!text || local_of(r, text))
		return;
	r->locals = xreallocarray(r->locals, r->local_count + 1, sizeof(*r->locals));
	r->locals[r->local_count++] = (struct local){ .name = text, .is_parameter = is_parameter, .unknown = is_parameter };
}

static bool is_function(struct reader *r, text_t name)
{
	uint32_t from, to;

	for (c_names_find(r->p, name, &from, &to); from < to; from++)
		if (r->p->names[from].function != GRAPH_NONE)
			return true;
	return false;
}

static void local_assign(struct reader *r, uint32_t variable, uint32_t value)
{
	struct local *l = variable ? local_of(r, c_text(r->p, r->f, variable)) : NULL;
	uint32_t name = plain_name(r->f, value);
	text_t text = name ? c_text(r->p, r->f, name) : 0;

	if (!l || c_is_text(r->f, value, "NULL") || c_is_text(r->f, value, "0"))
		return;
	if (text && !local_of(r, text) && is_function(r, text) && l->count < GRAPH_TARGETS_MAX)
		l->values[l->count++] = text;
	else
		l->unknown = true;
}

/* Declarations first, then assignments: a name may be given its function after a jump back. */
static void locals_read(struct c_program *p, struct c_file *f, uint32_t node, void *arg)
{
	struct reader *r = arg;
	uint32_t function;

	switch (C_NODE(f, node)->kind) {
	case K_parameter_declaration:
		local_add(r, c_field(f, node, F_declarator), true);
		return;
	case K_declaration:
		for (uint32_t c = C_NODE(f, node)->first; c; c = C_NODE(f, c)->next)
			if (C_NODE(f, c)->field == F_declarator)
				local_add(r, c, false);
		break;
	case K_init_declarator:
		local_assign(r, c_declared(f, node, &function), c_field(f, node, F_value));
		break;
	case K_assignment_expression:
		local_assign(r, plain_name(f, c_field(f, node, F_left)), c_field(f, node, F_right));
		break;
	case K_pointer_expression: /* its address is taken: anybody may write it */
		if (f->source->text[C_NODE(f, node)->start] == '&') {
			uint32_t name = plain_name(f, c_field(f, node, F_argument));
			struct local *l = name ? local_of(r, c_text(p, f, name)) : NULL;

			if (l)
				l->unknown = true;
		}
		break;
	default:
		break;
	}
	c_live_children(p, f, node, locals_read, arg);
}

static void macro_expand(struct reader *r, const struct c_name *macro, uint32_t arguments, unsigned depth,
			 struct found *out);

static bool macro_holds(const struct reader *r, const struct c_name *macro)
{
	return c_macro_holds(r->p, macro, (uint32_t)(r->f - r->p->files), r->at);
}

/* What a call of that name reaches from the file that is read: macros and static functions that it sees, then functions of
 * any file, else something outside. */
static void name_resolve(struct reader *r, text_t name, uint32_t arguments, bool is_local, unsigned depth, struct found *out)
{
	struct c_program *p = r->p;
	struct local *l = is_local ? local_of(r, name) : NULL;
	uint32_t from, to, first;
	bool any = false;

	if (l) {
		for (uint32_t i = 0; i < l->count && !l->unknown; i++)
			name_resolve(r, l->values[i], 0, false, depth + 1, out);
		if (l->unknown || !l->count)
			found_reason(out, l->is_parameter ? REASON_parameter : REASON_attribute);
		return;
	}
	c_names_find(p, name, &first, &to);
	for (from = first; from < to && depth < MACRO_DEPTH_MAX; from++)
		if (p->names[from].function == GRAPH_NONE && !p->names[from].is_variable && p->sees[p->names[from].file] &&
		    (arguments || !p->names[from].has_arguments) && macro_holds(r, &p->names[from])) {
			macro_expand(r, &p->names[from], arguments, depth + 1, out);
			any = true;
		}
	for (from = first; from < to && !any; from++)
		if (p->names[from].is_static && p->names[from].function != GRAPH_NONE && p->sees[p->names[from].file]) {
			found_add(out, p->g->functions[p->names[from].function].name);
			any = true;
		}
	for (from = first; from < to && !any; from++)
		if (p->names[from].function != GRAPH_NONE && !p->names[from].is_static) {
			found_add(out, name);
			any = true;
		}
	for (from = first; from < to && !any; from++)
		any = p->names[from].is_variable && (p->sees[p->names[from].file] || !p->names[from].is_static);
	if (any && !out->count)
		found_reason(out, REASON_attribute);
	if (!any)
		found_add(out, name);
}

static bool is_keyword(const char *s, size_t n)
{
	static const char *const words[] = {
		"if",          "while",          "for",      "switch",   "return",     "sizeof",        "do",
		"else",        "defined",        "case",     "typeof",   "__typeof__", "__attribute__", "_Alignof",
		"__alignof__", "_Static_assert", "_Generic", "__asm__",  "asm",        "__extension__", "int",
		"void",        "char",           "long",     "unsigned", "signed",     "short",         "float",
		"double",      "struct"
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == n && memcmp(words[i], s, n) == 0)
			return true;
	return false;
}

/* The place of a parameter of a macro, counted from 1; 0 if it is not a parameter. */
static uint32_t parameter_place(const struct c_file *f, uint32_t macro, const char *s, size_t n)
{
	uint32_t list = c_field(f, macro, F_parameters), place = 0;

	for (uint32_t c = list ? C_NODE(f, list)->first : 0; c; c = C_NODE(f, c)->next) {
		const struct tree_node *t = C_NODE(f, c);

		place++;
		if (t->end - t->start == n && memcmp(f->source->text + t->start, s, n) == 0)
			return place;
	}
	return 0;
}

static uint32_t argument_at(const struct c_file *f, uint32_t list, uint32_t place)
{
	for (uint32_t c = list ? C_NODE(f, list)->first : 0; c; c = C_NODE(f, c)->next)
		if (--place == 0)
			return c;
	return 0;
}

/* The end of a literal that begins at s, or s itself. */
static const char *past_literal(const char *s, const char *end)
{
	char quote = *s;

	if (quote != '"' && quote != '\'')
		return s;
	for (s++; s < end && *s != quote; s++)
		s += *s == '\\' && s + 1 < end;
	return s < end ? s + 1 : end;
}

static void macro_expand(struct reader *r, const struct c_name *macro, uint32_t arguments, unsigned depth, struct found *out)
{
	const struct c_file *f = &r->p->files[macro->file];
	uint32_t value = c_field(f, macro->node, F_value);
	const char *s = value ? f->source->text + C_NODE(f, value)->start : "", *end = value ? f->source->text +
		C_NODE(f, value)->end : s, *all = s;

	while (s < end) {
		const char *from = s = past_literal(s, end), *after;
		uint32_t place, name;

		while (s < end && (isalnum((unsigned char)*s) || *s == '_'))
			s++;
		if (s == from) {
			s += s < end;
			continue;
		}
		for (after = s; after < end && (*after == ' ' || *after == '\t' || *after == '\\' ||
				*after == '\n'); after++)
			;
		bool called = after < end && *after == '(';
		bool alias = arguments && !macro->has_arguments && from == all && after == end;
		bool member = from > all && (from[-1] == '.' || (from - 1 > all && from[-1] == '>' && from[-2] == '-'));

		if (isdigit((unsigned char)*from) || is_keyword(from, (size_t)(s - from)) || member)
			continue;
		if (!called && !alias)
			continue;
		place = parameter_place(f, macro->node, from, (size_t)(s - from));
		if (place) {
			name = plain_name(r->f, argument_at(r->f, arguments, place));
			if (name)
				name_resolve(r, c_text(r->p, r->f, name), 0, true, depth, out);
			else
				found_reason(out, REASON_parameter);
		} else {
			name_resolve(r, text_of(&r->p->g->texts, from, (size_t)(s - from)), alias ? arguments : 1,
				     false, depth, out);
		}
	}
}

static void callee_resolve(struct reader *r, uint32_t node, uint32_t arguments, struct found *out)
{
	const struct c_file *f = r->f;
	const struct tree_node *n = C_NODE(f, node);

	switch (n->kind) {
	case K_identifier: name_resolve(r, c_text(r->p, f, node), arguments, true, 0, out); break;
	case K_parenthesized_expression: callee_resolve(r, n->first, arguments, out); break;
	case K_pointer_expression: callee_resolve(r, c_field(f, node, F_argument), arguments, out); break;
	case K_cast_expression: callee_resolve(r, c_field(f, node, F_value), arguments, out); break;
	case K_subscript_expression: found_reason(out, REASON_subscript); break;
	case K_call_expression: found_reason(out, REASON_return_value); break;
	default: found_reason(out, REASON_attribute); break;
	}
}

static void found_write(struct reader *r, uint32_t node, uint32_t callee, uint32_t list, const struct found *found)
{
	const struct c_file *f = r->f;
	const struct tree_node *n = C_NODE(f, node), *c = C_NODE(f, callee), *l = C_NODE(f, list);
	struct graph *g = r->p->g;

	if (!found->count && !found->reason)
		return; /* a macro that calls nothing */
	graph_add_call(g, (struct graph_call){ .caller = r->function->function, .file = f->source->file, .line = n->line,
		.start = n->start, .end = n->end, .is_expression = true,
		.text = graph_squeeze(g, f->source->text + c->start, c->end - c->start, 80),
		.arguments = list ? graph_arguments(f->source->text + l->start, l->end - l->start) : 0,
		.targets = graph_add_list(g, found->targets, found->count),
		.reason = found->count ? REASON_none : found->reason,
		.in_loop = r->loops > 0, .loop_unknown = r->loops > 0, .loop_bound = 1 });
}

static void call_add(struct reader *r, uint32_t node)
{
	uint32_t callee = c_field(r->f, node, F_function), list = c_field(r->f, node, F_arguments);
	struct found found = { .count = 0 };

	if (!callee)
		return;
	callee_resolve(r, callee, list ? list : 1, &found);
	found_write(r, node, callee, list, &found);
}

/* A macro without arguments may stand for calls. */
static void mention_add(struct reader *r, uint32_t node)
{
	text_t name = c_text(r->p, r->f, node);
	struct found found = { .count = 0 };
	uint32_t from, to;

	if (local_of(r, name))
		return;
	for (c_names_find(r->p, name, &from, &to); from < to; from++) {
		const struct c_name *n = &r->p->names[from];

		if (n->function == GRAPH_NONE && !n->is_variable && !n->has_arguments && r->p->sees[n->file] &&
		    macro_holds(r, n))
			macro_expand(r, n, 0, 1, &found);
	}
	if (found.count)
		found_write(r, node, node, 0, &found);
}

static void body_read(struct c_program *p, struct c_file *f, uint32_t node, void *arg)
{
	struct reader *r = arg;
	enum tree_kind kind = C_NODE(f, node)->kind;
	bool loop = kind == K_for_statement || kind == K_while_statement || kind == K_do_statement;

	if (kind == K_preproc_function_def || kind == K_preproc_def || kind == K_sizeof_expression)
		return;
	r->at = C_NODE(f, node)->start;
	if (kind == K_call_expression)
		call_add(r, node);
	if (kind == K_identifier && C_NODE(f, node)->field != F_function && C_NODE(f, node)->field != F_declarator)
		mention_add(r, node);
	r->loops += loop;
	c_live_children(p, f, node, body_read, arg);
	r->loops -= loop;
}

void c_calls_read(struct c_program *p, struct c_file *f, const struct c_name *function)
{
	struct reader r = { .p = p, .f = f, .function = function };
	uint32_t body = c_field(f, function->node, F_body);

	if (!body)
		return;
	for (uint32_t c = C_NODE(f, function->node)->first; c; c = C_NODE(f, c)->next)
		if (c != body)
			locals_read(p, f, c, &r);
	locals_read(p, f, body, &r);
	body_read(p, f, body, &r);
	free(r.locals);
}
