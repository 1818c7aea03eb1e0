/* SPDX-License-Identifier: Apache-2.0 */
/* demangle.c - C++ and Rust (both of its schemes) by GNU's libiberty, whose files for this may be linked with anything.
 *
 * A name is other people's: 200 bytes can stand for a gigabyte, for a part may refer to an earlier one over and over. So the
 * text is taken piece by piece and left at a limit. libiberty keeps all that it needs on its stack, so leaving it by a
 * jump loses nothing. */
#include "profile/native/elf_file.h"

#include "base/mem.h"

#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

enum { MANGLED_MAX = 32 * 1024, TEXT_MAX = 1024 };

struct text {
	jmp_buf full;
	size_t n;
	char bytes[TEXT_MAX + sizeof("...")];
};

static void text_take(const char *s, size_t n, void *arg)
{
	struct text *t = arg;

	if (!n) /* s may be NULL then */
		return;
	if (n > TEXT_MAX - t->n) {
		memcpy(t->bytes + t->n, s, TEXT_MAX - t->n);
		memcpy(t->bytes + TEXT_MAX, "...", 3);
		t->n = TEXT_MAX + 3;
		longjmp(t->full, 1);
	}
	memcpy(t->bytes + t->n, s, n);
	t->n += n;
}

char *demangle(const char *name)
{
	enum { STYLE = DMGL_PARAMS | DMGL_ANSI };
	struct text *t;
	char *own = NULL;

	if (name[0] != '_' || (name[1] != 'Z' && name[1] != 'R') || strnlen(name, MANGLED_MAX) == MANGLED_MAX)
		return NULL;
	t = xmalloc(sizeof(*t));
	t->n = 0;
	/* Rust's older scheme is C++'s with a hash and escapes, so it is asked first. */
	if (setjmp(t->full) == 0 && !rust_demangle_callback(name, STYLE, text_take, t)) {
		t->n = 0;
		if (name[1] != 'Z' || !cplus_demangle_v3_callback(name, STYLE, text_take, t))
			t->n = 0;
	}
	if (t->n)
		own = xstrndup(t->bytes, t->n);
	free(t);
	return own;
}
