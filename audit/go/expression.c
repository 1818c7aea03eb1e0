/* SPDX-License-Identifier: Apache-2.0 */
/* expression.c - the types of expressions, and what the function of a call is. */
#include "audit/go/go.h"

#include "base/mem.h"

#include <string.h>

#define DEPTH_MAX 60

static uint32_t basic(struct golang *g, const char *name)
{
	return go_type_make(g, T_BASIC, text_ofz(&g->x.g->texts, name), 0, 0);
}

static uint32_t outside(struct golang *g, const char *name, bool pointer)
{
	uint32_t t = go_type_make(g, T_OUTSIDE, text_ofz(&g->x.g->texts, name), 0, 0);

	return pointer ? go_type_make(g, T_POINTER, t, 0, 0) : t;
}

/* What functions of Go's own library give back, the types whose methods matter for costs. */
static uint32_t library_result(struct golang *g, const char *path)
{
	static const struct { const char *path, *type; bool pair; } made[] = {
		{ "os.Open", "os.File", true }, { "os.Create", "os.File", true }, { "os.OpenFile", "os.File", true },
		{ "net/http.Get", "net/http.Response", true }, { "net/http.Post", "net/http.Response", true },
		{ "net/http.NewRequest", "net/http.Request", true }, { "net/http.NewServeMux", "net/http.ServeMux", false },
		{ "net/http.Client.Do", "net/http.Response", true }, { "bufio.NewReader", "bufio.Reader", false },
		{ "bufio.NewWriter", "bufio.Writer", false }, { "bufio.NewScanner", "bufio.Scanner", false },
		{ "bytes.NewBuffer", "bytes.Buffer", false }, { "bytes.NewReader", "bytes.Reader", false },
		{ "bytes.NewBufferString", "bytes.Buffer", false }, { "strings.NewReader", "strings.Reader", false },
		{ "encoding/json.NewEncoder", "encoding/json.Encoder", false },
		{ "encoding/json.NewDecoder", "encoding/json.Decoder", false }, { "os/exec.Command", "os/exec.Cmd", false },
		{ "encoding/gob.NewEncoder", "encoding/gob.Encoder", false }, { "regexp.MustCompile", "regexp.Regexp",
			false },
		{ "regexp.Compile", "regexp.Regexp", true }, { "log.New", "log.Logger", false },
		{ "flag.NewFlagSet", "flag.FlagSet", false }, { "database/sql.Open", "database/sql.DB", true },
		{ "time.NewTimer", "time.Timer", false }, { "time.NewTicker", "time.Ticker", false },
		{ "text/template.New", "text/template.Template", false }, { "html/template.New",
			"html/template.Template", false },
		{ "net.Listen", "net.Listener", true }, { "net.Dial", "net.Conn", true },
	};
	static const char *const errors[] = { "errors.New", "fmt.Errorf", "os.WriteFile", "os.Remove", "os.RemoveAll",
		"os.MkdirAll",
		"os.Mkdir", "os.Rename", "os/exec.Cmd.Run", "encoding/json.Unmarshal", NULL };
	static const char *const texts[] = { "fmt.Sprintf", "fmt.Sprint", "fmt.Sprintln", "strings.Join",
		"strings.TrimSpace",
		"strings.ToLower", "strings.ToUpper", "strings.Replace", "strings.ReplaceAll", "path/filepath.Join",
			"path.Join",
		"strconv.Itoa", "os.Getenv", NULL };
	uint32_t v[2];

	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++)
		if (strcmp(made[i].path, path) == 0) {
			v[0] = outside(g, made[i].type, strncmp(path, "net.", 4) != 0);
			v[1] = basic(g, "error");
			return made[i].pair ? go_type_make(g, T_TUPLE, go_list_make(g, v, 2), 0, 0) : v[0];
		}
	for (size_t i = 0; errors[i]; i++)
		if (strcmp(errors[i], path) == 0)
			return basic(g, "error");
	for (size_t i = 0; texts[i]; i++)
		if (strcmp(texts[i], path) == 0)
			return basic(g, "string");
	if (strcmp(path, "time.Now") == 0)
		return outside(g, "time.Time", false);
	return 0;
}

static uint32_t element_of(struct golang *g, uint32_t type, bool key)
{
	struct go_type t = *go_type_at(g, go_underlying(g, type));

	if (t.kind == T_POINTER)
		t = *go_type_at(g, go_underlying(g, t.a));
	switch (t.kind) {
	case T_SLICE: return key ? basic(g, "int") : t.a;
	case T_MAP: return key ? t.a : t.b;
	case T_CHAN: return t.a;
	case T_BASIC: return key ? basic(g, "int") : basic(g, "rune");
	default: return 0;
	}
}

static uint32_t tuple_at(struct golang *g, uint32_t type, uint32_t i)
{
	struct go_type t = *go_type_at(g, type);

	if (t.kind != T_TUPLE)
		return i == 1 ? type : i == 2 ? basic(g, "bool") : 0; /* v, ok := */
	return t.a && i <= g->lists[t.a] ? g->lists[t.a + i] : 0;
}

uint32_t go_binding_type(struct golang *g, uint32_t binding)
{
	struct go_binding *b = &g->bindings[binding];
	uint32_t source = g->x.bindings[binding].source, type = 0;

	if (b->state)
		return b->state == 2 ? b->type : 0;
	b->state = 1;
	switch (b->how) {
	case HOW_TYPE:
		type = b->type_node ? go_type_of_node(g, source, b->type_node) : 0;
		if (b->variadic)
			type = go_type_make(g, T_SLICE, type, 0, 0);
		break;
	case HOW_VALUE:
		if (b->type_node)
			type = go_type_of_node(g, source, b->type_node);
		else if (b->index)
			type = tuple_at(g, go_expression_type(g, source, b->value), b->index);
		else
			type = go_expression_type(g, source, b->value);
		break;
	case HOW_KEY: case HOW_ELEMENT:
		type = b->value ? go_expression_type(g, source, b->value) : 0;
		type = go_type_at(g, go_underlying(g, type))->kind == T_CHAN ? element_of(g, type, false) :
			element_of(g, type, b->how == HOW_KEY);
		break;
	default: break;
	}
	g->bindings[binding].type = type;
	g->bindings[binding].state = 2;
	return type;
}

/* Which types a generic function's parameters stand for, by the types of the arguments. */
static void unify(struct golang *g, uint32_t parameter, uint32_t argument, uint32_t *v, uint32_t *n, int depth)
{
	struct go_type p = *go_type_at(g, parameter), a = *go_type_at(g, argument);

	if (!parameter || !argument || depth > 6)
		return;
	if (p.kind == T_PARAM) {
		for (uint32_t i = 0; i < *n; i += 2)
			if (v[i] == p.a)
				return;
		if (*n + 2 <= 16) {
			v[(*n)++] = p.a;
			v[(*n)++] = argument;
		}
		return;
	}
	if (p.kind != a.kind && a.kind == T_NAMED)
		a = *go_type_at(g, go_underlying(g, argument));
	if (p.kind != a.kind)
		return;
	if (p.kind == T_POINTER || p.kind == T_SLICE || p.kind == T_CHAN) {
		unify(g, p.a, a.a, v, n, depth + 1);
	} else if (p.kind == T_MAP) {
		unify(g, p.a, a.a, v, n, depth + 1);
		unify(g, p.b, a.b, v, n, depth + 1);
	} else if (p.kind == T_NAMED && p.a == a.a && p.b && a.b && g->lists[p.b] == g->lists[a.b]) {
		for (uint32_t i = 1; i <= g->lists[p.b]; i++)
			unify(g, g->lists[p.b + i], g->lists[a.b + i], v, n, depth + 1);
	} else if (p.kind == T_FUNC) {
		unify(g, go_result(g, parameter), go_result(g, argument), v, n, depth + 1);
	}
}

static uint32_t call_substitution(struct golang *g, uint32_t source, uint32_t call, uint32_t definition)
{
	const struct go_function *f = &g->functions[definition];
	uint32_t list = go_field(g, source, call, F_arguments), generic, v[16], n = 0, i = 0;
	const struct syntax_definition *d = &g->x.definitions[definition];

	generic = go_field(g, d->source, d->node, F_type_parameters);
	if (!generic || !list)
		return 0;
	for (uint32_t c = GNODE(g, source, list)->first; c; c = GNODE(g, source, c)->next) {
		uint32_t at = f->first + (i < f->count ? i : f->count ? f->count - 1 : 0), type;

		if (GNODE(g, source, c)->kind == K_TOKEN || !f->count)
			continue;
		type = go_binding_type(g, at);
		if (g->bindings[at].variadic && GNODE(g, source, c)->kind != K_variadic_argument)
			type = go_type_at(g, type)->a;
		unify(g, type, go_expression_type(g, source, c), v, &n, 0);
		i++;
	}
	return n ? go_list_make(g, v, n) : 0;
}

static struct go_callee builtin(struct golang *g, uint32_t source, uint32_t node)
{
	static const char *const names[] = { "append", "cap", "clear", "close", "complex", "copy", "delete", "imag",
		"len", "make",
		"max", "min", "new", "panic", "print", "println", "real", "recover", NULL };
	struct go_callee out = { .kind = CALLEE_UNKNOWN, .reason = REASON_missing_import };

	for (size_t i = 0; names[i]; i++)
		if (go_is_text(g, source, node, names[i])) {
			auto_free char *name = xasprintf("<builtin>.%s", names[i]);

			return (struct go_callee){ .kind = CALLEE_BUILTIN, .name = text_ofz(&g->x.g->texts, name) };
		}
	return out;
}

static struct go_callee member_callee(struct golang *g, uint32_t source, uint32_t operand, uint32_t field)
{
	uint32_t type = go_expression_type(g, source, operand), named = go_named_type(g, source, operand);
	text_t name = syntax_text(&g->x, source, field);
	struct go_member m = go_member_find(g, named ? named : type, name);
	const struct syntax_binding *b;
	struct go_callee out = { .kind = CALLEE_UNKNOWN, .name = name, .type = m.type, .source = m.source, .node = m.node };

	switch (m.kind) {
	case MEMBER_METHOD:
		out.kind = CALLEE_FUNCTION;
		out.definition = m.definition;
		return out;
	case MEMBER_INTERFACE: out.kind = CALLEE_INTERFACE; return out;
	case MEMBER_FIELD: out.kind = CALLEE_VALUE; return out;
	case MEMBER_OUTSIDE:
		out.kind = CALLEE_OUTSIDE;
		out.name = m.path;
		out.type = library_result(g, graph_text(g->x.g, m.path));
		return out;
	default: break;
	}
	b = syntax_binding_of(&g->x, source, operand);
	out.reason = b && b->is_parameter && !type ? REASON_parameter : type ? REASON_attribute : REASON_outside_type;
	return out;
}

static struct go_callee package_callee(struct golang *g, text_t path, text_t name)
{
	uint32_t package = go_package_find(g, graph_text(g->x.g, path));
	const struct go_name *n = package != GRAPH_NONE ? go_name_find(g, package, name) : NULL;
	struct go_callee out = { .kind = CALLEE_UNKNOWN, .reason = REASON_missing_import };
	auto_free char *whole = NULL;

	if (n && n->kind == OBJECT_FUNCTION) {
		out.kind = CALLEE_FUNCTION;
		out.definition = n->index;
		out.type = go_type_make(g, T_FUNC, g->x.definitions[n->index].source, g->x.definitions[n->index].node, 0);
	} else if (n && n->kind == OBJECT_VARIABLE) {
		out.kind = CALLEE_VALUE;
		out.type = go_binding_type(g, n->index);
	}
	if (package != GRAPH_NONE)
		return out;
	whole = xasprintf("%s.%s", graph_text(g->x.g, path), graph_text(g->x.g, name));
	out.kind = CALLEE_OUTSIDE;
	out.name = text_ofz(&g->x.g->texts, whole);
	out.type = library_result(g, whole);
	return out;
}

static struct go_callee name_callee(struct golang *g, uint32_t source, uint32_t node)
{
	const struct syntax_binding *b = syntax_binding_of(&g->x, source, node);
	const struct go_name *n;

	if (b)
		return (struct go_callee){ .kind = CALLEE_VALUE, .type = go_binding_type(g, (uint32_t)(b - g->x.bindings)),
			.reason = b->is_parameter ? REASON_parameter : REASON_attribute };
	n = go_name_find(g, g->package_of[source], syntax_text(&g->x, source, node));
	if (n && n->kind == OBJECT_FUNCTION)
		return (struct go_callee){ .kind = CALLEE_FUNCTION, .definition = n->index, .type = go_type_make(g, T_FUNC,
			g->x.definitions[n->index].source, g->x.definitions[n->index].node, 0) };
	return builtin(g, source, node);
}

/* What an expression is that stands before the arguments. */
static struct go_callee function_callee(struct golang *g, uint32_t source, uint32_t node)
{
	uint32_t a, b, type;

	while (GNODE(g, source, node)->kind == K_parenthesized_expression && GNODE(g, source, node)->first)
		node = GNODE(g, source, node)->first;
	type = go_named_type(g, source, node);
	if (type)
		return (struct go_callee){ .kind = CALLEE_CONVERSION, .type = type };
	switch (GNODE(g, source, node)->kind) {
	case K_identifier: return name_callee(g, source, node);
	case K_selector_expression:
		a = go_field(g, source, node, F_operand);
		b = go_field(g, source, node, F_field);
		if (!a || !b)
			break;
		if (go_package_path(g, source, a))
			return package_callee(g, go_package_path(g, source, a), syntax_text(&g->x, source, b));
		return member_callee(g, source, a, b);
	case K_func_literal:
		if (!g->x.sources[source].link[node])
			break; /* what stands around it could not be read */
		return (struct go_callee){ .kind = CALLEE_FUNCTION, .definition = g->x.sources[source].link[node] - 1,
			.type = go_type_make(g, T_FUNC, source, node, 0) };
	case K_index_expression: case K_type_instantiation_expression: /* f[int](…), or an element that is called */
		a = go_field(g, source, node, GNODE(g, source, node)->kind == K_index_expression ? F_operand : F_type);
		if (a && GNODE(g, source, a)->kind != K_call_expression) {
			struct go_callee c = function_callee(g, source, a);

			if (c.kind == CALLEE_FUNCTION)
				return c;
		}
		return (struct go_callee){ .kind = CALLEE_VALUE, .type = go_expression_type(g, source, node),
			.reason = REASON_subscript };
	default: break;
	}
	return (struct go_callee){ .kind = CALLEE_VALUE, .type = go_expression_type(g, source, node),
		.reason = REASON_return_value };
}

/* "f[int](x)" is read as a conversion by the grammar. */
static struct go_callee instantiated(struct golang *g, uint32_t source, uint32_t type)
{
	uint32_t name = GNODE(g, source, type)->kind == K_generic_type ? go_field(g, source, type, F_type) : 0;
	const struct go_name *n;

	if (!name || GNODE(g, source, name)->kind != K_type_identifier || g->x.sources[source].link[name])
		return (struct go_callee){ .kind = CALLEE_CONVERSION, .type = go_type_of_node(g, source, type) };
	n = go_name_find(g, g->package_of[source], syntax_text(&g->x, source, name));
	if (n && n->kind == OBJECT_FUNCTION)
		return (struct go_callee){ .kind = CALLEE_FUNCTION, .definition = n->index, .type = go_type_make(g, T_FUNC,
			g->x.definitions[n->index].source, g->x.definitions[n->index].node, 0) };
	return (struct go_callee){ .kind = CALLEE_CONVERSION, .type = go_type_of_node(g, source, type) };
}

struct go_callee go_callee_of(struct golang *g, uint32_t source, uint32_t call)
{
	struct go_callee out = { .reason = REASON_syntax_error };
	uint32_t function = go_field(g, source, call, F_function), type = go_field(g, source, call, F_type);

	if (g->depth > DEPTH_MAX || g->steps++ > g->max_steps)
		return (struct go_callee){ .reason = REASON_too_many_targets };
	g->depth++;
	if (GNODE(g, source, call)->kind == K_type_conversion_expression)
		out = type ? instantiated(g, source, type) : out;
	else if (function)
		out = function_callee(g, source, function);
	g->depth--;
	return out;
}

static uint32_t call_type(struct golang *g, uint32_t source, uint32_t node)
{
	struct go_callee c = go_callee_of(g, source, node);
	uint32_t list = go_field(g, source, node, F_arguments), first = list ? GNODE(g, source, list)->first : 0, t;

	switch (c.kind) {
	case CALLEE_CONVERSION: return c.type;
	case CALLEE_OUTSIDE: return c.type;
	case CALLEE_FUNCTION:
		t = call_substitution(g, source, node, c.definition);
		return go_result(g, t ? go_substitute(g, c.type, t) : c.type);
	case CALLEE_VALUE: case CALLEE_INTERFACE: return go_result(g, c.type);
	case CALLEE_BUILTIN:
		if (strcmp(graph_text(g->x.g, c.name), "<builtin>.new") == 0) {
			t = first ? go_named_type(g, source, first) : 0;
			return t ? go_type_make(g, T_POINTER, t, 0, 0) : 0;
		}
		if (strcmp(graph_text(g->x.g, c.name), "<builtin>.make") == 0)
			return first ? go_named_type(g, source, first) : 0;
		if (strcmp(graph_text(g->x.g, c.name), "<builtin>.append") == 0)
			return first ? go_expression_type(g, source, first) : 0;
		return basic(g, "int");
	default: return 0;
	}
}

static uint32_t selector_type(struct golang *g, uint32_t source, uint32_t node)
{
	struct go_callee c = function_callee(g, source, node);

	return c.kind == CALLEE_OUTSIDE || c.kind == CALLEE_CONVERSION ? 0 : c.type;
}

static uint32_t expression_type(struct golang *g, uint32_t source, uint32_t node)
{
	const struct tree_node *n = GNODE(g, source, node);
	uint32_t a, t;

	switch (n->kind) {
	case K_identifier: case K_selector_expression: return selector_type(g, source, node);
	case K_call_expression: case K_type_conversion_expression: return call_type(g, source, node);
	case K_composite_literal:
		a = go_field(g, source, node, F_type);
		return a ? go_type_of_node(g, source, a) : 0;
	case K_parenthesized_expression: case K_literal_element: case K_expression_list: case K_variadic_argument:
		return n->first ? go_expression_type(g, source, n->first) : 0;
	case K_func_literal: return go_type_make(g, T_FUNC, source, node, 0);
	case K_unary_expression:
		a = go_field(g, source, node, F_operand);
		t = a ? go_expression_type(g, source, a) : 0;
		if (!t)
			return 0;
		switch (*syntax_at(&g->x, source, node)) {
		case '&': return go_type_make(g, T_POINTER, t, 0, 0);
		case '*': return go_deref(g, t);
		case '<': return element_of(g, t, false);
		default: return t;
		}
	case K_binary_expression:
		a = go_field(g, source, node, F_operator);
		if (a && strchr("=!<>&|", *syntax_at(&g->x, source, a)) && !go_is_text(g, source, a, "&") &&
		    !go_is_text(g, source, a, "|") && !go_is_text(g, source, a, "<<") && !go_is_text(g, source, a, ">>"))
			return basic(g, "bool");
		a = go_field(g, source, node, F_left);
		return a ? go_expression_type(g, source, a) : 0;
	case K_index_expression:
		a = go_field(g, source, node, F_operand);
		t = a ? go_expression_type(g, source, a) : 0;
		return go_type_at(g, t)->kind == T_FUNC ? t : element_of(g, t, false);
	case K_slice_expression:
		a = go_field(g, source, node, F_operand);
		return a ? go_expression_type(g, source, a) : 0;
	case K_type_assertion_expression:
		a = go_field(g, source, node, F_type);
		return a ? go_type_of_node(g, source, a) : 0;
	case K_interpreted_string_literal: case K_raw_string_literal: return basic(g, "string");
	case K_int_literal: return basic(g, "int");
	case K_float_literal: return basic(g, "float64");
	case K_rune_literal: return basic(g, "rune");
	case K_true: case K_false: return basic(g, "bool");
	default: return 0;
	}
}

uint32_t go_expression_type(struct golang *g, uint32_t source, uint32_t node)
{
	uint32_t out;

	if (g->depth > DEPTH_MAX || g->steps++ > g->max_steps)
		return 0;
	g->depth++;
	out = expression_type(g, source, node);
	g->depth--;
	return out;
}
