/* SPDX-License-Identifier: Apache-2.0 */
/* php.c - PHP's calls are records on a stack of its own, each with a pointer to its caller's; executor_globals leads to the
 * innermost. Where that pointer and a function's file lie differs by version: both are found by what they lead to. */
#include "profile/lang/php.h"

#include "base/mem.h"
#include "base/str.h"
#include "profile/lang/language.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* zend_execute_data {opline, call, return_value, func, This (16), prev}; zend_function {type, flags, name, scope}. */
enum { CALL_OPLINE = 0, CALL_FUNCTION = 24, CALL_PREVIOUS = 48, FUNCTION_FLAGS = 4, FUNCTION_NAME = 8, FUNCTION_SCOPE = 16,
       CLASS_NAME = 8, OP_LINE = 24 };
enum { INTERNAL = 1, USER = 2, EVAL = 4 }; /* zend_function.type */
enum { TRAMPOLINE = 1 << 18 };             /* stands for a call by name of a function that is not there */
/* Where fields were in 8.0 to 8.5, and some room on either side. */
enum { CURRENT_FIRST = 464, CURRENT_LAST = 560, FILE_FIRST = 120, FILE_LAST = 200 };
enum { STRING_TYPE = 6, TEXT_MAX = 2000 }; /* zend_string {refcount, type, hash, length, bytes} */

static const char *const binaries[] = { "php", "libphp", NULL };

static char *string_of(struct lang_mem *m, uint64_t at)
{
	if (!at || at & 7 || (lang_u32(m, at + 4) & 15) != STRING_TYPE || lang_u64(m, at + 16) > TEXT_MAX)
		return NULL;
	return lang_text(m, at + 24, lang_u64(m, at + 16), TEXT_MAX);
}

static bool function_fits(struct lang_mem *m, uint64_t function)
{
	uint8_t type = function && !(function & 7) ? lang_u8(m, function) : 0;

	return type == INTERNAL || type == USER || type == EVAL;
}

/* The chain ends by NULL, and each of its records has a function or none at all (a frame that PHP puts in between). */
static bool chain_read(struct lang_mem *m, uint64_t at, struct php_calls *out)
{
	size_t functions = 0;

	out->count = 0;
	for (; at; at = lang_u64(m, at + CALL_PREVIOUS)) {
		uint64_t record[7];

		if (at & 7 || !lang_read(m, at, record, sizeof(record)))
			return false;
		if (record[CALL_FUNCTION / 8] && !function_fits(m, record[CALL_FUNCTION / 8]))
			return false;
		if (out->count == PHP_CALLS_MAX)
			return functions > 0;
		functions += record[CALL_FUNCTION / 8] != 0;
		out->v[out->count++] = (struct php_call){ record[CALL_OPLINE / 8], record[CALL_FUNCTION / 8] };
	}
	return functions > 0;
}

bool php_calls_read(struct lang_mem *m, uint64_t executor, struct php_calls *out)
{
	for (uint64_t off = CURRENT_FIRST; executor && off <= CURRENT_LAST; off += 8)
		if (chain_read(m, lang_u64(m, executor + off), out))
			return true;
	return false;
}

/* The field of a function's file is followed by its first and last line, and the running line lies between them. */
static char *file_of(struct lang_mem *m, uint64_t function, uint32_t line)
{
	for (uint64_t off = FILE_FIRST; off <= FILE_LAST; off += 8) {
		uint32_t first = lang_u32(m, function + off + 8), last = lang_u32(m, function + off + 12);
		char *file;

		if (first > line || last < line || last > 1 << 24)
			continue;
		file = string_of(m, lang_u64(m, function + off));
		if (file && *file)
			return file;
		free(file);
	}
	return NULL;
}

static char *name_of(struct lang_mem *m, uint64_t function)
{
	uint64_t scope = lang_u64(m, function + FUNCTION_SCOPE);
	char *name = string_of(m, lang_u64(m, function + FUNCTION_NAME));
	auto_free char *class = scope ? string_of(m, lang_u64(m, scope + CLASS_NAME)) : NULL;
	char *whole;

	if (!name || !class)
		return name ? name : xstrdup("{main}");
	whole = xasprintf("%s::%s", class, name);
	free(name);
	return whole;
}

void php_calls_name(struct lang_mem *m, const struct php_calls *c, struct script_stack *out)
{
	for (size_t i = 0; i < c->count; i++) {
		uint64_t function = c->v[i].function;
		uint8_t type = function ? lang_u8(m, function) : 0;
		uint32_t line = type == USER || type == EVAL ? lang_u32(m, c->v[i].opline + OP_LINE) : 0;
		char *file = line ? file_of(m, function, line) : NULL;

		if (!type || lang_u32(m, function + FUNCTION_FLAGS) & TRAMPOLINE)
			continue;
		if (!script_stack_add(out, name_of(m, function), file, file ? (int)line : 0))
			return;
	}
}

struct php {
	struct lang_mem m;
	uint64_t executor;
	struct php_calls calls;
	bool read, still;
};

static struct module *php_module(struct native *n, const char *symbol)
{
	for (size_t i = 0; i < n->module_count; i++)
		if (n->modules[i].image && script_binary(n->modules[i].image->path, binaries) &&
		    native_symbol(n, &n->modules[i], symbol))
			return &n->modules[i];
	return NULL;
}

static bool php_detect(struct native *n)
{
	return php_module(n, "executor_globals") || php_module(n, "executor_globals_offset");
}

static void php_free(void *state)
{
	struct php *php = state;

	lang_mem_release(&php->m);
	free(php);
}

static void copy(void *arg)
{
	struct php *php = arg;

	lang_forget(&php->m);
	php->read = php_calls_read(&php->m, php->executor, &php->calls);
}

static void *php_collect(struct native *n, enum intrusion allowed, char *reason, size_t size)
{
	struct module *m = php_module(n, "executor_globals");
	struct php *php;

	if (!m) {
		snprintf(reason, size, "a thread-safe (ZTS) build of PHP: it keeps its calls elsewhere");
		return NULL;
	}
	php = xcalloc(1, sizeof(*php));
	lang_mem_init(&php->m, &n->p->peek);
	php->executor = native_symbol(n, m, "executor_globals");
	php->still = script_copy(n, native_thread(n, (uint64_t)n->p->ns_pid), allowed, copy, php);
	if (php->read)
		return php;
	/* between two requests, and before its script begins, it runs nothing: no fault */
	php_free(php);
	return NULL;
}

static size_t php_merge(struct native *n, void *state)
{
	struct php *php = state;
	struct snap_thread *t = native_thread(n, (uint64_t)n->p->ns_pid);
	struct script_stack *calls;

	if (!t || t->status == COLLECT_GONE)
		return 0;
	calls = xcalloc(1, sizeof(*calls));
	php_calls_name(&php->m, &php->calls, calls);
	script_stack_merge(calls, t, "php", binaries);
	free(calls);
	if (!php->still)
		thread_reason(t, COLLECT_PARTIAL, "it ran while its PHP frames were read");
	return 1;
}

const struct language_ops language_php = { .name = "php", .detect = php_detect, .collect = php_collect, .merge = php_merge,
					   .free = php_free };
