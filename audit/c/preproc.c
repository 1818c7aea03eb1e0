/* SPDX-License-Identifier: Apache-2.0 */
/* preproc.c - which sides of a condition of the preprocessor are for this platform. */
#include "audit/c/c.h"

#include <stdlib.h>
#include <string.h>

/* What gcc defines on Linux and x86-64, and its numbers. Those of limits.h are here, too, for they are the same. */
static const struct {
	const char *name;
	uint64_t v;
	bool is_unsigned;
} usual[] = {
	{ "__linux__", 1, false }, { "__linux", 1, false }, { "linux", 1, false }, { "__unix__", 1, false },
	{ "__unix", 1, false }, { "unix", 1, false }, { "__gnu_linux__", 1, false }, { "__GNUC__", 12, false },
	{ "__STDC__", 1, false }, { "__STDC_VERSION__", 201710, false }, { "__STDC_HOSTED__", 1, false },
	{ "__ELF__", 1, false }, { "__x86_64__", 1, false }, { "__x86_64", 1, false }, { "__amd64__", 1, false },
	{ "__amd64", 1, false }, { "__LP64__", 1, false }, { "_LP64", 1, false }, { "__CHAR_BIT__", 8, false },
	{ "__BYTE_ORDER__", 1234, false }, { "__ORDER_LITTLE_ENDIAN__", 1234, false },
	{ "__ORDER_BIG_ENDIAN__", 4321, false }, { "__SIZEOF_POINTER__", 8, false }, { "__SIZEOF_INT__", 4, false },
	{ "__SIZEOF_LONG__", 8, false }, { "__SIZEOF_LONG_LONG__", 8, false }, { "__SIZEOF_SHORT__", 2, false },
	{ "__SIZEOF_SIZE_T__", 8, false }, { "__SIZEOF_INT128__", 16, false }, { "__INT_MAX__", INT32_MAX, false },
	{ "__LONG_MAX__", INT64_MAX, false }, { "__SSE__", 1, false }, { "__SSE2__", 1, false },
	{ "CHAR_BIT", 8, false }, { "INT_MAX", INT32_MAX, false }, { "UINT_MAX", UINT32_MAX, true },
	{ "LONG_MAX", INT64_MAX, false }, { "ULONG_MAX", UINT64_MAX, true }, { "SHRT_MAX", INT16_MAX, false },
	{ "USHRT_MAX", UINT16_MAX, false }, { "LLONG_MAX", INT64_MAX, false }, { "ULLONG_MAX", UINT64_MAX, true },
	{ "SCHAR_MAX", 127, false }, { "UCHAR_MAX", 255, false }, { "SIZE_MAX", UINT64_MAX, true },
};

/* Nothing is known of names that are neither usual nor of another system: they are a matter of configuration. */
enum c_truth c_usually_defined(const char *name, size_t n, struct c_number *value)
{
	static const char *const foreign[] = {
		"_WIN32",           "WIN32",       "_WIN64",       "WIN64",          "__WIN32__",
		"_MSC_VER",         "__MINGW32__", "__MINGW64__",  "__CYGWIN__",     "__APPLE__",
		"__MACH__",         "macintosh",   "__FreeBSD__",  "__NetBSD__",     "__OpenBSD__",
		"__DragonFly__",    "__sun",       "__sun__",      "_AIX",           "__hpux",
		"__HAIKU__",        "__cplusplus", "__BORLANDC__", "__WATCOMC__",    "__DJGPP__",
		"__MSDOS__",        "MSDOS",       "__OS2__",      "__VMS",          "__SYMBIAN32__",
		"__EMSCRIPTEN__",   "__wasm__",    "__i386__",     "__i386",         "i386",
		"__arm__",          "__aarch64__", "__powerpc__",  "__powerpc64__",  "__PPC__",
		"__ppc__",          "__mips__",    "__sparc__",    "__s390__",       "__s390x__",
		"__riscv",          "__ia64__",    "__alpha__",    "__hppa__",       "__m68k__",
		"__loongarch__",    "_M_IX86",     "_M_X64",       "_M_AMD64",       "_M_ARM",
		"_M_ARM64",         "__ARM_NEON",  "__ARM_NEON__", "__BIG_ENDIAN__", "__clang__",
		"__INTEL_COMPILER", "__TINYC__",   "__SUNPRO_C",   "__ICC",          "__STRICT_ANSI__"
	};

	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		if (strlen(usual[i].name) == n && memcmp(usual[i].name, name, n) == 0) {
			*value = (struct c_number){ true, usual[i].is_unsigned, usual[i].v };
			return C_TRUE;
		}
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		if (strlen(foreign[i]) == n && memcmp(foreign[i], name, n) == 0)
			return C_FALSE;
	return C_UNKNOWN;
}

/* The build says whether these are defined. */
bool c_is_of_the_build(const char *name)
{
	static const char *const prefixes[] = { "HAVE_", "USE_", "WITH_", "ENABLE_", "CONFIG_", "HAS_" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (strstr(name, prefixes[i]))
			return true;
	return name[0] == '_';
}

/* Names that headers of the system give to constants. */
bool c_is_of_the_system(const char *name)
{
	static const char *const prefixes[] = {
		"O_", "SEEK_", "SIG", "S_I", "AF_", "PF_", "SO_", "SOCK_", "IPPROTO_", "TCP_", "CLOCK_", "MAP_",
		"PROT_", "MADV_", "RLIMIT_", "POLL", "EPOLL", "F_", "FD_", "LC_", "PRI", "SYS_", "M_", "RTLD_",
		"PTHREAD_", "SA_", "SI_", "ST_", "TIOC", "FIO", "IN_", "INADDR_", "NI_", "AI_", "MSG_", "PR_"
	};
	static const char *const names[] = {
		"EOF", "BUFSIZ", "NULL", "INFINITY", "NAN", "va_copy", "L_tmpnam", "TMP_MAX", "EXIT_SUCCESS",
		"EXIT_FAILURE", "RAND_MAX", "FILENAME_MAX", "PATH_MAX", "NAME_MAX", "PAGE_SIZE", "BYTE_ORDER",
		"errno", "stdin", "stdout", "stderr", "bool", "true", "false", "alloca", "offsetof", "isnan",
		"isinf", "signbit", "static_assert", "noreturn", "thread_local", "assert", "unix", "putc", "getc"
	};
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	if (n > 4 && (strcmp(name + n - 4, "_MAX") == 0 || strcmp(name + n - 4, "_MIN") == 0))
		return true;
	return name[0] == 'E' && n > 3 && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == n;
}

static enum c_truth node_is_defined(struct c_program *p, const struct c_file *f, uint32_t name)
{
	const struct tree_node *n = C_NODE(f, name);
	struct c_number value;
	enum c_truth t = name ? c_usually_defined(f->source->text + n->start, n->end - n->start, &value) : C_UNKNOWN;
	text_t text;

	if (!name || t != C_UNKNOWN || !p->configured)
		return t;
	text = c_text(p, f, name);
	if ((text < p->maybe_count && p->maybe_defined[text]) || c_is_of_the_build(text_z(&p->g->texts, text)))
		return C_UNKNOWN;
	return C_FALSE;
}

static enum c_truth condition(struct c_program *p, const struct c_file *f, uint32_t node)
{
	const struct tree_node *n = C_NODE(f, node);
	enum c_truth a, b;
	char digits[24];

	if (!node)
		return C_UNKNOWN;
	switch (n->kind) {
	case K_parenthesized_expression: return condition(p, f, n->first);
	case K_preproc_defined: return node_is_defined(p, f, n->first);
	case K_identifier: /* a name that is not defined counts as 0 */
		return node_is_defined(p, f, node) == C_FALSE ? C_FALSE : C_UNKNOWN;
	case K_unary_expression:
		a = condition(p, f, c_field(f, node, F_argument));
		if (!c_is_text(f, c_field(f, node, F_operator), "!") || a == C_UNKNOWN)
			return C_UNKNOWN;
		return a == C_TRUE ? C_FALSE : C_TRUE;
	case K_number_literal:
		if (n->end - n->start >= sizeof(digits))
			return C_UNKNOWN;
		memcpy(digits, f->source->text + n->start, n->end - n->start);
		digits[n->end - n->start] = '\0';
		return strtol(digits, NULL, 0) ? C_TRUE : C_FALSE;
	case K_binary_expression:
		a = condition(p, f, c_field(f, node, F_left));
		b = condition(p, f, c_field(f, node, F_right));
		if (c_is_text(f, c_field(f, node, F_operator), "&&"))
			return a == C_FALSE || b == C_FALSE ? C_FALSE : a == C_TRUE && b == C_TRUE ? C_TRUE : C_UNKNOWN;
		if (c_is_text(f, c_field(f, node, F_operator), "||"))
			return a == C_TRUE || b == C_TRUE ? C_TRUE : a == C_FALSE && b == C_FALSE ? C_FALSE : C_UNKNOWN;
		return C_UNKNOWN;
	default: return C_UNKNOWN;
	}
}

static enum c_truth opens(struct c_program *p, const struct c_file *f, uint32_t node)
{
	const struct tree_node *n = C_NODE(f, node);
	enum c_truth t;

	switch (n->kind) {
	case K_preproc_if: case K_preproc_elif: return condition(p, f, c_field(f, node, F_condition));
	case K_preproc_ifdef: case K_preproc_elifdef:
		t = node_is_defined(p, f, c_field(f, node, F_name));
		if (t != C_UNKNOWN && memmem(f->source->text + n->start, n->end - n->start < 12 ?
				n->end - n->start : 12, "ndef", 4))
			t = t == C_TRUE ? C_FALSE : C_TRUE;
		return t;
	default: return C_TRUE; /* #else */
	}
}

/* Nesting as deep as a tree is. */
void c_live_children(struct c_program *p, struct c_file *f, uint32_t node,
		     void (*each)(struct c_program *p, struct c_file *f, uint32_t child, void *arg), void *arg)
{
	enum tree_kind kind = C_NODE(f, node)->kind;
	bool conditional = kind == K_preproc_if || kind == K_preproc_ifdef || kind == K_preproc_elif ||
			kind == K_preproc_elifdef;
	uint8_t verdict = conditional && p->configured && f->verdicts ? f->verdicts[node] : 0;
	enum c_truth t = verdict ? (enum c_truth)(verdict - 1) : conditional ? opens(p, f, node) : C_TRUE;

	for (uint32_t c = C_NODE(f, node)->first; c; c = C_NODE(f, c)->next) {
		bool other = conditional && C_NODE(f, c)->field == F_alternative;

		if (conditional && (C_NODE(f, c)->field == F_condition || C_NODE(f, c)->field == F_name))
			continue;
		if (other ? t != C_TRUE : t != C_FALSE)
			each(p, f, c, arg);
	}
}
