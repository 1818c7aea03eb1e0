/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - functions, macros and includes of C files. */
#include "audit/c/c.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

uint32_t c_field(const struct c_file *f, uint32_t node, enum tree_field field)
{
	for (uint32_t c = node ? C_NODE(f, node)->first : 0; c; c = C_NODE(f, c)->next)
		if (C_NODE(f, c)->field == field)
			return c;
	return 0;
}

text_t c_text(struct c_program *p, const struct c_file *f, uint32_t node)
{
	const struct tree_node *n = C_NODE(f, node);

	return text_of(&p->g->texts, f->source->text + n->start, n->end - n->start);
}

bool c_is_text(const struct c_file *f, uint32_t node, const char *text)
{
	const struct tree_node *n = C_NODE(f, node);
	size_t length = strlen(text);

	return node && n->end - n->start == length && memcmp(f->source->text + n->start, text, length) == 0;
}

/* "API type name(…)", where API is a macro: the grammar takes type for the name, and name for an error before the
 * parameters. */
static uint32_t after_modifier(const struct c_file *f, uint32_t function_declarator)
{
	uint32_t found = 0;

	for (uint32_t c = C_NODE(f, function_declarator)->first; c && C_NODE(f, c)->kind != K_parameter_list;
	     c = C_NODE(f, c)->next)
		if (C_NODE(f, c)->kind == K_ERROR && C_NODE(f, c)->first &&
		    C_NODE(f, C_NODE(f, c)->first)->kind == K_identifier)
			found = C_NODE(f, c)->first;
	return found;
}

/* "type API(name)(…)", where API is a macro: no function returns a function. */
static uint32_t within_macro(const struct c_file *f, uint32_t inner)
{
	uint32_t list = c_field(f, inner, F_parameters), only = list ? C_NODE(f, list)->first : 0, name;

	if (C_NODE(f, inner)->kind != K_function_declarator || !only || C_NODE(f, only)->next)
		return 0;
	name = c_field(f, only, F_type);
	return name && C_NODE(f, name)->kind == K_type_identifier && !C_NODE(f, name)->next ? name : 0;
}

uint32_t c_declared(const struct c_file *f, uint32_t declarator, uint32_t *function)
{
	bool pointer = false;

	*function = 0;
	while (declarator) {
		const struct tree_node *n = C_NODE(f, declarator);
		uint32_t inner = c_field(f, declarator, F_declarator);

		switch (n->kind) {
		case K_identifier:
			return declarator;
		case K_function_declarator:
			*function = declarator;
			pointer = false;
			if (after_modifier(f, declarator))
				return after_modifier(f, declarator);
			if (inner && within_macro(f, inner))
				return within_macro(f, inner);
			break;
		case K_pointer_declarator: case K_array_declarator:
			pointer = true;
			break;
		case K_parenthesized_declarator: case K_attributed_declarator: case K_init_declarator:
			break;
		default:
			return 0;
		}
		if (pointer)
			*function = 0; /* what lies inside of the function declarator is a pointer to it */
		declarator = inner ? inner : n->first;
	}
	return 0;
}

static void name_add(struct c_program *p, struct c_name n)
{
	if (p->name_count == p->name_cap) {
		p->name_cap = p->name_cap ? p->name_cap * 2 : 256;
		p->names = xreallocarray(p->names, p->name_cap, sizeof(*p->names));
	}
	p->names[p->name_count++] = n;
}

static bool is_static(const struct c_file *f, uint32_t node)
{
	for (uint32_t c = C_NODE(f, node)->first; c; c = C_NODE(f, c)->next)
		if (C_NODE(f, c)->kind == K_storage_class_specifier && c_is_text(f, c, "static"))
			return true;
	return false;
}

/* What the file's own #define makes of a name before the function is defined: the names of flex and bison are such. */
static text_t real_name(struct c_program *p, struct c_file *f, text_t name)
{
	for (uint32_t n = 1; n < f->tree.count; n++) {
		uint32_t value = C_NODE(f, n)->kind == K_preproc_def ? c_field(f, n, F_value) : 0, of = value ?
			c_field(f, n, F_name) : 0;
		const char *s = value ? f->source->text + C_NODE(f, value)->start : NULL;
		size_t length = value ? C_NODE(f, value)->end - C_NODE(f, value)->start : 0, word;

		if (!of || c_text(p, f, of) != name)
			continue;
		while (length && isspace((unsigned char)s[length - 1]))
			length--;
		for (word = 0; word < length && (isalnum((unsigned char)s[word]) || s[word] == '_'); word++)
			;
		if (length && word == length && !isdigit((unsigned char)*s))
			return text_of(&p->g->texts, s, length);
	}
	return name;
}

static void function_add(struct c_program *p, struct c_file *f, uint32_t node)
{
	uint32_t function, name = c_declared(f, c_field(f, node, F_declarator), &function);

	if (name && function)
		name_add(p, (struct c_name){ .name = real_name(p, f, c_text(p, f, name)), .file = (uint32_t)(f - p->files),
			.node = node, .is_static = is_static(f, node), .function = 0 });
}

static text_t full_name(struct c_program *p, const struct c_name *n)
{
	auto_str full = STR_INIT;

	if (n->is_static)
		str_addf(&full, "%s:", p->files[n->file].source->path);
	str_add(&full, graph_text(p->g, n->name));
	return text_of(&p->g->texts, str_cstr(&full), full.len);
}

static void live_mark(struct c_program *p, struct c_file *f, uint32_t node, void *arg)
{
	bool *live = arg;

	if (C_NODE(f, node)->kind == K_function_definition)
		live[node] = true;
	else
		c_live_children(p, f, node, live_mark, arg);
}

/* Functions of the graph. Where a condition of the preprocessor chooses between two of one name, it is the chosen one. */
static void functions_settle(struct c_program *p)
{
	bool **live = xcalloc((size_t)p->file_count + 1, sizeof(*live)), *known;
	text_t *full = xcalloc((size_t)p->name_count + 1, sizeof(*full));
	uint32_t kept = 0;

	for (uint32_t i = 0; i < p->file_count; i++) {
		live[i] = xcalloc((size_t)p->files[i].tree.count + 1, sizeof(**live));
		if (p->files[i].tree.count > 1)
			c_live_children(p, &p->files[i], 1, live_mark, live[i]);
	}
	for (uint32_t i = 0; i < p->name_count; i++)
		full[i] = p->names[i].is_variable ? 0 : full_name(p, &p->names[i]);
	known = xcalloc((size_t)p->g->texts.n + 1, sizeof(*known));
	for (uint32_t i = 0; i < p->name_count; i++)
		known[full[i]] |= full[i] && live[p->names[i].file][p->names[i].node];
	for (uint32_t i = 0; i < p->name_count; i++) {
		struct c_name n = p->names[i];
		const struct c_file *f = &p->files[n.file];
		const struct tree_node *at = C_NODE(f, n.node);

		if (full[i] && known[full[i]] && !live[n.file][n.node])
			continue;
		if (full[i])
			n.function = graph_add_function(p->g, (struct graph_function){ .name = full[i],
				.kind = GRAPH_FUNCTION, .language = LANGUAGE_C, .file = f->source->file, .line = at->line,
				.end_line = at->end_line, .start = at->start });
		p->names[kept++] = n;
	}
	p->name_count = kept;
	for (uint32_t i = 0; i < p->file_count; i++)
		free(live[i]);
	free(live);
	free(known);
	free(full);
}

static uint32_t file_named(const struct c_program *p, const char *path)
{
	uint32_t from = 0, to = p->file_count;

	while (from < to) {
		uint32_t middle = (from + to) / 2;
		int c = strcmp(p->files[middle].source->path, path);

		if (c == 0)
			return middle;
		if (c < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return GRAPH_NONE;
}

/* "a/b/../c.h" as "a/c.h"; false where it leaves the root. */
static bool path_tidy(char *path)
{
	char *out = path, *from = path;

	while (*from) {
		size_t n = strcspn(from, "/");
		char *next = from + n + (from[n] == '/');

		if (n == 2 && from[0] == '.' && from[1] == '.') {
			if (out == path)
				return false;
			for (out--; out > path && out[-1] != '/'; out--)
				;
		} else if (n && !(n == 1 && from[0] == '.')) {
			memmove(out, from, n);
			out += n;
			if (next[-1] == '/')
				*out++ = '/';
		}
		from = next;
	}
	*out = '\0';
	return out > path;
}

static uint32_t include_find(const struct c_program *p, const struct c_file *f, const char *name, size_t n)
{
	static const char *const usual[] = { "", "include/", "src/", "lib/" };
	const char *slash = strrchr(f->source->path, '/');
	auto_free char *beside =
		xasprintf("%.*s%.*s", slash ? (int)(slash + 1 - f->source->path) : 0, f->source->path, (int)n, name);
	uint32_t found = path_tidy(beside) ? file_named(p, beside) : GRAPH_NONE;

	for (size_t i = 0; found == GRAPH_NONE && i < sizeof(usual) / sizeof(*usual) + p->o->root_count; i++) {
		size_t k = i - sizeof(usual) / sizeof(*usual);
		auto_free char *path = i < sizeof(usual) / sizeof(*usual) ? xasprintf("%s%.*s", usual[i], (int)n, name) :
			xasprintf("%s/%.*s", p->o->roots[k], (int)n, name);

		found = path_tidy(path) ? file_named(p, path) : GRAPH_NONE;
	}
	return found;
}

uint32_t c_included(const struct c_program *p, const struct c_file *f, uint32_t node)
{
	uint32_t path = c_field(f, node, F_path);
	const struct tree_node *n = C_NODE(f, path);

	if (!path || n->end - n->start < 3)
		return GRAPH_NONE;
	return include_find(p, f, f->source->text + n->start + 1, n->end - n->start - 2);
}

static void include_add(struct c_program *p, struct c_file *f, uint32_t node)
{
	uint32_t found = c_included(p, f, node);

	if (found == GRAPH_NONE)
		return;
	f->includes = xreallocarray(f->includes, f->include_count + 1, sizeof(*f->includes));
	f->includes[f->include_count++] = found;
}

static void variables_add(struct c_program *p, struct c_file *f, uint32_t node)
{
	for (uint32_t c = C_NODE(f, node)->first; c; c = C_NODE(f, c)->next) {
		uint32_t function, name = C_NODE(f, c)->field == F_declarator ? c_declared(f, c, &function) : 0;

		if (name && !function)
			name_add(p, (struct c_name){ .name = c_text(p, f, name), .file =
					(uint32_t)(f - p->files), .node = node,
				.is_variable = true, .is_static = is_static(f, node), .function = GRAPH_NONE });
	}
}

/* What functions, variables and includes there are. */
static void top_level(struct c_program *p, struct c_file *f, uint32_t node, void *arg)
{
	switch (C_NODE(f, node)->kind) {
	case K_function_definition: function_add(p, f, node); break;
	case K_declaration: variables_add(p, f, node); break;
	case K_preproc_include: include_add(p, f, node); break;
	default: c_live_children(p, f, node, top_level, arg); break; /* extern "C", #if, what did not parse */
	}
}

static void undef_add(struct c_program *p, struct c_undef u)
{
	if (p->undef_count == p->undef_cap) {
		p->undef_cap = p->undef_cap ? p->undef_cap * 2 : 64;
		p->undefs = xreallocarray(p->undefs, p->undef_cap, sizeof(*p->undefs));
	}
	p->undefs[p->undef_count++] = u;
}

static int by_undef(const void *a, const void *b)
{
	const struct c_undef *x = a, *y = b;

	if (x->name != y->name)
		return x->name < y->name ? -1 : 1;
	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	return (x->start > y->start) - (x->start < y->start);
}

bool c_macro_holds(const struct c_program *p, const struct c_name *macro, uint32_t file, uint32_t at)
{
	uint32_t defined = C_NODE(&p->files[macro->file], macro->node)->start, low = 0, high = p->undef_count;

	if (macro->file == file && defined > at)
		return false;
	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (by_undef(&p->undefs[middle], &(struct c_undef){ macro->name, file, 0 }) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < p->undef_count && p->undefs[low].name == macro->name && p->undefs[low].file == file; low++)
		if (p->undefs[low].start < at && (macro->file != file || p->undefs[low].start > defined))
			return false;
	return true;
}

static void macro_add(struct c_program *p, struct c_file *f, uint32_t node, void *arg)
{
	enum tree_kind kind = C_NODE(f, node)->kind;
	uint32_t name = c_field(f, node, F_name);

	if ((kind == K_preproc_def || kind == K_preproc_function_def) && name)
		name_add(p, (struct c_name){ .name = c_text(p, f, name), .file = (uint32_t)(f - p->files),
			.node = node, .has_arguments = kind == K_preproc_function_def, .function = GRAPH_NONE });
	else if (c_is_undef(f, node))
		undef_add(p, (struct c_undef){ c_undef_name(p, f, node), (uint32_t)(f - p->files), C_NODE(f, node)->start });
	else
		c_live_children(p, f, node, macro_add, arg);
}

/* Which names are ever defined: a header that nobody includes does not count. */
static void defined_read(struct c_program *p)
{
	bool *included = xcalloc(p->file_count + 1, sizeof(*included));

	for (uint32_t i = 0; i < p->file_count; i++)
		for (uint32_t k = 0; k < p->files[i].include_count; k++)
			included[p->files[i].includes[k]] = true;
	for (uint32_t i = 0; i < p->file_count; i++) {
		struct c_file *f = &p->files[i];

		for (uint32_t n = 1; n < f->tree.count && (included[i] || str_ends(f->source->path, ".c")); n++) {
			uint32_t name = C_NODE(f, n)->kind == K_preproc_def || C_NODE(f, n)->kind == K_preproc_function_def ?
				c_field(f, n, F_name) : 0;
			text_t text = name ? c_text(p, f, name) : 0;

			if (text >= p->maybe_count) {
				p->maybe_defined = xreallocarray(p->maybe_defined, text * 2 + 64, sizeof(bool));
				memset(p->maybe_defined + p->maybe_count, 0, text * 2 + 64 - p->maybe_count);
				p->maybe_count = text * 2 + 64;
			}
			p->maybe_defined[text] = true;
		}
	}
	free(included);
}

static int by_name(const void *a, const void *b)
{
	const struct c_name *x = a, *y = b;

	if (x->name != y->name)
		return x->name < y->name ? -1 : 1;
	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	return (x->node > y->node) - (x->node < y->node);
}

void c_names_read(struct c_program *p)
{
	for (uint32_t i = 0; i < p->file_count; i++)
		if (p->files[i].tree.count > 1)
			c_live_children(p, &p->files[i], 1, top_level, NULL);
	defined_read(p);
	p->configured = true;
	c_units_follow(p);
	functions_settle(p);
	for (uint32_t i = 0; i < p->file_count; i++)
		if (p->files[i].tree.count > 1)
			c_live_children(p, &p->files[i], 1, macro_add, NULL);
	if (p->undef_count)
		qsort(p->undefs, p->undef_count, sizeof(*p->undefs), by_undef);
	if (p->name_count)
		qsort(p->names, p->name_count, sizeof(*p->names), by_name);
	p->sees = xcalloc(p->file_count + 1, sizeof(*p->sees));
	p->seen_by = GRAPH_NONE;
}

void c_look_from(struct c_program *p, uint32_t file)
{
	uint32_t *stack, n = 0;

	if (p->seen_by == file)
		return;
	memset(p->sees, 0, p->file_count * sizeof(*p->sees));
	stack = xcalloc(p->file_count + 1, sizeof(*stack));
	p->sees[file] = true;
	stack[n++] = file;
	while (n) {
		const struct c_file *f = &p->files[stack[--n]];

		for (uint32_t i = 0; i < f->include_count; i++)
			if (!p->sees[f->includes[i]]) {
				p->sees[f->includes[i]] = true;
				stack[n++] = f->includes[i];
			}
	}
	free(stack);
	p->seen_by = file;
}

void c_names_find(const struct c_program *p, text_t name, uint32_t *from, uint32_t *to)
{
	uint32_t low = 0, high = p->name_count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (p->names[middle].name < name)
			low = middle + 1;
		else
			high = middle;
	}
	for (*from = *to = low; *to < p->name_count && p->names[*to].name == name; (*to)++)
		;
}
