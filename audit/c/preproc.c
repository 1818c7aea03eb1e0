/* SPDX-License-Identifier: Apache-2.0 */
/* preproc.c - which sides of a condition of the preprocessor are for this platform. */
#include "audit/c/c.h"

#include <stdlib.h>
#include <string.h>

enum truth { FALSE, TRUE, UNKNOWN };

/* What gcc on Linux defines, and what only others do. Nothing is known of all other names: they are a matter of
 * configuration. */
static enum truth is_defined(const char *name, size_t n)
{
	static const char *const defined[] = { "__linux__", "__linux", "linux", "__unix__", "__unix", "unix",
			"__GNUC__", "__STDC__",
		"__STDC_VERSION__", "__ELF__" };
	static const char *const foreign[] = { "_WIN32", "WIN32", "_WIN64", "WIN64", "__WIN32__", "_MSC_VER", "__MINGW32__",
		"__MINGW64__", "__CYGWIN__", "__APPLE__", "__MACH__", "macintosh", "__FreeBSD__", "__NetBSD__",
				"__OpenBSD__",
		"__DragonFly__", "__sun", "__sun__", "_AIX", "__hpux", "__HAIKU__", "__cplusplus",
				"__BORLANDC__", "__WATCOMC__",
		"__DJGPP__", "__MSDOS__", "MSDOS", "__OS2__", "__VMS", "__SYMBIAN32__", "__EMSCRIPTEN__", "__wasm__" };

	for (size_t i = 0; i < sizeof(defined) / sizeof(*defined); i++)
		if (strlen(defined[i]) == n && memcmp(defined[i], name, n) == 0)
			return TRUE;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		if (strlen(foreign[i]) == n && memcmp(foreign[i], name, n) == 0)
			return FALSE;
	return UNKNOWN;
}

/* The build says whether these are defined. */
static bool is_of_the_build(const char *name)
{
	static const char *const prefixes[] = { "HAVE_", "USE_", "WITH_", "ENABLE_", "CONFIG_", "HAS_" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (strstr(name, prefixes[i]))
			return true;
	return name[0] == '_';
}

static enum truth node_is_defined(struct c_program *p, const struct c_file *f, uint32_t name)
{
	const struct tree_node *n = C_NODE(f, name);
	enum truth t = name ? is_defined(f->source->text + n->start, n->end - n->start) : UNKNOWN;
	text_t text;

	if (!name || t != UNKNOWN || !p->configured)
		return t;
	text = c_text(p, f, name);
	if ((text < p->maybe_count && p->maybe_defined[text]) || is_of_the_build(text_z(&p->g->texts, text)))
		return UNKNOWN;
	return FALSE;
}

static enum truth condition(struct c_program *p, const struct c_file *f, uint32_t node)
{
	const struct tree_node *n = C_NODE(f, node);
	enum truth a, b;
	char digits[24];

	if (!node)
		return UNKNOWN;
	switch (n->kind) {
	case K_parenthesized_expression: return condition(p, f, n->first);
	case K_preproc_defined: return node_is_defined(p, f, n->first);
	case K_identifier: /* a name that is not defined counts as 0 */
		return node_is_defined(p, f, node) == FALSE ? FALSE : UNKNOWN;
	case K_unary_expression:
		a = condition(p, f, c_field(f, node, F_argument));
		return !c_is_text(f, c_field(f, node, F_operator), "!") || a == UNKNOWN ? UNKNOWN : a == TRUE ? FALSE : TRUE;
	case K_number_literal:
		if (n->end - n->start >= sizeof(digits))
			return UNKNOWN;
		memcpy(digits, f->source->text + n->start, n->end - n->start);
		digits[n->end - n->start] = '\0';
		return strtol(digits, NULL, 0) ? TRUE : FALSE;
	case K_binary_expression:
		a = condition(p, f, c_field(f, node, F_left));
		b = condition(p, f, c_field(f, node, F_right));
		if (c_is_text(f, c_field(f, node, F_operator), "&&"))
			return a == FALSE || b == FALSE ? FALSE : a == TRUE && b == TRUE ? TRUE : UNKNOWN;
		if (c_is_text(f, c_field(f, node, F_operator), "||"))
			return a == TRUE || b == TRUE ? TRUE : a == FALSE && b == FALSE ? FALSE : UNKNOWN;
		return UNKNOWN;
	default: return UNKNOWN;
	}
}

static enum truth opens(struct c_program *p, const struct c_file *f, uint32_t node)
{
	const struct tree_node *n = C_NODE(f, node);
	enum truth t;

	switch (n->kind) {
	case K_preproc_if: case K_preproc_elif: return condition(p, f, c_field(f, node, F_condition));
	case K_preproc_ifdef: case K_preproc_elifdef:
		t = node_is_defined(p, f, c_field(f, node, F_name));
		if (t != UNKNOWN && memmem(f->source->text + n->start, n->end - n->start < 12 ?
				n->end - n->start : 12, "ndef", 4))
			t = t == TRUE ? FALSE : TRUE;
		return t;
	default: return TRUE; /* #else */
	}
}

/* Nesting as deep as a tree is. */
void c_live_children(struct c_program *p, struct c_file *f, uint32_t node,
		     void (*each)(struct c_program *p, struct c_file *f, uint32_t child, void *arg), void *arg)
{
	enum tree_kind kind = C_NODE(f, node)->kind;
	bool conditional = kind == K_preproc_if || kind == K_preproc_ifdef || kind == K_preproc_elif ||
			kind == K_preproc_elifdef;
	enum truth t = conditional ? opens(p, f, node) : TRUE;

	for (uint32_t c = C_NODE(f, node)->first; c; c = C_NODE(f, c)->next) {
		bool other = conditional && C_NODE(f, c)->field == F_alternative;

		if (conditional && (C_NODE(f, c)->field == F_condition || C_NODE(f, c)->field == F_name))
			continue;
		if (other ? t != TRUE : t != FALSE)
			each(p, f, c, arg);
	}
}
