/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define HELPER_MEMORY_BYTES ((rlim_t)2 << 30)

static void (*last_words)(void);

void mem_on_failure(void (*fn)(void))
{
	last_words = fn;
}

#ifndef __has_feature
#define __has_feature(x) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
const char *__asan_default_options(void);

/* Who is started with an empty environment may be one that nobody may look into, or have no /proc: a search for leaks ends
 * it. Everybody else is told by ASAN_OPTIONS. */
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

void mem_limit_of_helper(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer) /* it maps terabytes that it never touches */
	struct rlimit r = { 0, 0 };

	if (getrlimit(RLIMIT_AS, &r) == 0 && (r.rlim_cur == RLIM_INFINITY || r.rlim_cur > HELPER_MEMORY_BYTES)) {
		r.rlim_cur = HELPER_MEMORY_BYTES;
		setrlimit(RLIMIT_AS, &r);
	}
#endif
}

static void *mem_check(void *p)
{
	static const char line[] = "spec-runner: out of memory\n";

	if (p)
		return p;
	if (last_words)
		last_words();
	if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0)
		_exit(125);
	_exit(125);
}

void *xmalloc(size_t size)
{
	return mem_check(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
	return mem_check(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t size)
{
	return mem_check(realloc(p, size ? size : 1));
}

void *xreallocarray(void *p, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		return mem_check(NULL);
	return xrealloc(p, count * size);
}

char *xstrdup(const char *s)
{
	return mem_check(strdup(s));
}

char *xstrndup(const char *s, size_t n)
{
	return mem_check(strndup(s, n));
}

char *xasprintf(const char *fmt, ...)
{
	char *out = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&out, fmt, ap);
	va_end(ap);
	return mem_check(n < 0 ? NULL : out);
}

void mem_free_ptr(void *pp)
{
	void *p;

	memcpy(&p, pp, sizeof(p));
	free(p);
	p = NULL;
	memcpy(pp, &p, sizeof(p));
}
