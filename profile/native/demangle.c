/* demangle.c - C++ names by libstdc++ where there is one, loaded on first use: a helper that looks at a C program
 * need not carry it. Rust's older scheme borrows C++'s and adds a hash and escapes. */
#include "profile/native/elf_file.h"

#include "base/mem.h"

#include <ctype.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef char *cxa_demangle(const char *, char *, size_t *, int *);

static cxa_demangle *demangler(void)
{
	static cxa_demangle *f;
	static bool tried;
	void *lib;

	if (!tried) {
		tried = true;
		lib = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_LOCAL);
		if (lib)
			f = (cxa_demangle *)(uintptr_t)dlsym(lib, "__cxa_demangle");
	}
	return f;
}

/* "std::io::read::h0123456789abcdef" without its hash. */
static bool rust_hash_cut(char *name)
{
	size_t n = strlen(name);

	if (n < 20 || strncmp(name + n - 19, "::h", 3) != 0)
		return false;
	for (size_t i = n - 16; i < n; i++)
		if (!isxdigit((unsigned char)name[i]))
			return false;
	name[n - 19] = '\0';
	return true;
}

/* $LT$ and its kin, in place: what replaces them is never longer. */
static void rust_unescape(char *s)
{
	static const struct { const char *code, *text; } codes[] = {
		{ "$LT$", "<" }, { "$GT$", ">" }, { "$RF$", "&" }, { "$BP$", "*" }, { "$LP$", "(" }, { "$RP$", ")" },
		{ "$C$", "," }, { "$SP$", "@" }, { "$u20$", " " }, { "$u27$", "'" }, { "$u5b$", "[" }, { "$u5d$", "]" },
		{ "$u7b$", "{" }, { "$u7d$", "}" }, { "$u3b$", ";" }, { "$u2b$", "+" }, { "$u22$", "\"" }, { "..", "::" } };
	char *to = s;

	while (*s) {
		size_t i, count = sizeof(codes) / sizeof(*codes);

		for (i = 0; i < count && strncmp(s, codes[i].code, strlen(codes[i].code)) != 0; i++)
			;
		if (i < count) {
			size_t n = strlen(codes[i].text);

			memcpy(to, codes[i].text, n);
			to += n;
			s += strlen(codes[i].code);
		} else {
			if (*s == '_' && s[1] == '$') /* an underscore that only keeps a name from beginning with $ */
				s++;
			else
				*to++ = *s++;
		}
	}
	*to = '\0';
}

char *demangle(const char *name)
{
	cxa_demangle *f;
	char *text, *own;

	if (strncmp(name, "_Z", 2) != 0 || !(f = demangler()))
		return NULL;
	text = f(name, NULL, NULL, NULL);
	if (!text)
		return NULL;
	own = xstrdup(text);
	free(text);
	if (rust_hash_cut(own))
		rust_unescape(own);
	return own;
}
