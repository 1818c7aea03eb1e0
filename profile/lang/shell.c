/* SPDX-License-Identifier: Apache-2.0 */
/* shell.c - the script's own line of a bash: what it would say itself by LINENO, and FUNCNAME, BASH_SOURCE and
 * BASH_LINENO of the functions around. They are ordinary variables of it, and its table of variables is a public symbol.
 * dash keeps no list of functions, and of lines only that of the command that it runs (dash.c): in which script that
 * stands, and whether it does, its text says (script.c). */
#include "base/mem.h"
#include "base/str.h"
#include "profile/lang/dash.h"
#include "profile/lang/language.h"
#include "profile/lang/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64, BUCKETS_MAX = 1 << 16, CHAIN_MAX = 256, TEXT_MAX = 4096, TRAP_EXIT = 1 };

struct shell {
	size_t depth;
	struct shell_call {
		char *function, *file;
		int line;
	} v[DEPTH_MAX];
};

static struct module *bash_module(struct native *n)
{
	const char *slash = n->p->exe ? strrchr(n->p->exe, '/') : NULL;

	for (size_t i = 0; slash && strcmp(slash, "/bash") == 0 && i < n->module_count; i++)
		if (n->modules[i].image && strcmp(n->modules[i].image->path, n->p->exe) == 0 &&
		    native_symbol(n, &n->modules[i], "global_variables"))
			return &n->modules[i];
	return NULL;
}

static bool shell_detect(struct native *n)
{
	return bash_module(n) || dash_module(n);
}

static void shell_free(void *state)
{
	struct shell *s = state;

	for (size_t i = 0; i < s->depth; i++) {
		free(s->v[i].function);
		free(s->v[i].file);
	}
	free(s);
}

/* The value of a variable: an array's head. Tables are {buckets, count}; entries {next, name, variable}; variables
 * {name, value}. */
static uint64_t array_of(struct lang_mem *m, uint64_t variables, const char *name)
{
	uint64_t table = lang_u64(m, variables + 32), buckets = lang_u64(m, table), count = lang_u32(m, table + 8);

	for (uint64_t i = 0; i < count && count <= BUCKETS_MAX; i++) {
		uint64_t entry = lang_u64(m, buckets + 8 * i);

		for (int k = 0; entry && k < CHAIN_MAX; k++, entry = lang_u64(m, entry)) {
			auto_free char *key = lang_string(m, lang_u64(m, entry + 8), 64);

			if (key && strcmp(key, name) == 0)
				return lang_u64(m, lang_u64(m, lang_u64(m, entry + 16) + 8) + 16);
		}
	}
	return 0;
}

/* Elements {index, text, next} of a ring, from index 0 on. */
static size_t array_read(struct lang_mem *m, uint64_t head, char *out[DEPTH_MAX])
{
	uint64_t at = head ? lang_u64(m, head + 16) : 0;
	size_t n = 0;

	for (; at && at != head && n < DEPTH_MAX; at = lang_u64(m, at + 16)) {
		char *text = lang_u64(m, at) == n ? lang_string(m, lang_u64(m, at + 8), TEXT_MAX) : NULL;

		if (!text)
			break;
		out[n++] = text;
	}
	return n;
}

/* What bats makes of a test file, line by line, is gone after the run: the file itself is among the arguments of the
 * process that runs the test. */
static const char *source_of(const struct native *n, const char *file)
{
	const char *at = strstr(file, "/bats");
	const struct strv *argv = &n->p->argv;

	if (!at || !str_ends(file, ".src"))
		return file;
	for (size_t i = 1; i < argv->n; i++)
		if (str_ends(argv->v[i], ".bats"))
			return argv->v[i];
	return file;
}

static void *shell_collect(struct native *n, enum intrusion allowed, char *reason, size_t size)
{
	struct module *b = bash_module(n);
	char *functions[DEPTH_MAX], *files[DEPTH_MAX], *lines[DEPTH_MAX];
	struct shell *s = xcalloc(1, sizeof(*s));
	size_t count, named, numbered;
	struct lang_mem m;
	uint64_t variables;
	int line;

	(void)allowed, (void)reason, (void)size; /* a shell without a script has no lines, and that is no fault */
	if (!b) {
		n->p->script_line = dash_line(n);
		shell_free(s);
		return NULL;
	}
	lang_mem_init(&m, &n->p->peek);
	variables = lang_u64(&m, native_symbol(n, b, "global_variables"));
	/* while it waits for a command, LINENO is that of what is around it; the ERR trap's is the command's own */
	line = (int)lang_u32(&m, native_symbol(n, b, "line_number_for_err_trap"));
	if (line <= 0)
		line = (int)lang_u32(&m, native_symbol(n, b, "line_number"));
	/* lines of the trap of EXIT are those of its text: what is around it has none */
	if (lang_u32(&m, native_symbol(n, b, "running_trap")) == TRAP_EXIT)
		line = 0;
	named = array_read(&m, array_of(&m, variables, "FUNCNAME"), functions);
	count = array_read(&m, array_of(&m, variables, "BASH_SOURCE"), files);
	numbered = array_read(&m, array_of(&m, variables, "BASH_LINENO"), lines);
	for (size_t i = 0; i < count && i < named; i++) {
		int at = i == 0 ? line : i <= numbered ? (int)strtol(lines[i - 1], NULL, 10) : 0;

		s->v[s->depth++] = (struct shell_call){ xstrdup(functions[i]), xstrdup(source_of(n, files[i])),
							at > 0 ? at : 0 };
	}
	while (named)
		free(functions[--named]);
	while (count)
		free(files[--count]);
	while (numbered)
		free(lines[--numbered]);
	lang_mem_release(&m);
	if (!s->depth) {
		shell_free(s);
		return NULL;
	}
	return s;
}

/* Below the C library's frames, in the place of the shell's own. */
static size_t shell_merge(struct native *n, void *state)
{
	const struct shell *s = state;
	struct snap_thread *t = n->p->thread_count ? &n->p->threads[0] : NULL;
	size_t keep = 0;

	if (!t || t->status == COLLECT_GONE)
		return 0;
	while (keep < t->frame_count && t->frames[keep].module && n->p->exe &&
	       strcmp(t->frames[keep].module, n->p->exe) != 0)
		keep++;
	for (size_t i = keep; i < t->frame_count; i++)
		snap_frame_release(&t->frames[i]);
	t->frame_count = keep;
	for (size_t i = 0; i < s->depth; i++) {
		struct snap_frame *f = thread_frame_add(t);

		if (!f)
			break;
		f->language = "shell";
		f->function = xstrdup(s->v[i].function);
		f->file = xstrdup(s->v[i].file);
		f->line = s->v[i].line;
	}
	return 1;
}

const struct language_ops language_shell = { .name = "shell", .detect = shell_detect, .collect = shell_collect,
					     .merge = shell_merge, .free = shell_free };
