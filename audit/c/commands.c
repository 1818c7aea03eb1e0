/* SPDX-License-Identifier: Apache-2.0 */
/* commands.c - compile_commands.json: what is defined for each source on the command line of its compiler. */
#include "audit/c/c.h"
#include "base/json_read.h"
#include "base/mem.h"
#include "base/path.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define COMMANDS_MAX_BYTES ((size_t)64 << 20)

struct command {
	char *path;        /* its folder and its file as written */
	struct strv flags; /* "-DNAME=VALUE", "-UNAME" */
};

struct c_commands {
	struct command *v;
	size_t n;
};

static void flag_add(struct command *c, const char *word, bool *wanted)
{
	bool define = strncmp(word, "-D", 2) == 0 || strncmp(word, "-U", 2) == 0;

	if (*wanted) {
		char **last = &c->flags.v[c->flags.n - 1], *whole = xasprintf("%s%s", *last, word);

		free(*last);
		*last = whole;
	} else if (define) {
		strv_add(&c->flags, word);
	}
	*wanted = !*wanted && define && !word[2];
}

/* Words of a shell's command line; quotes and backslashes as a shell takes them. */
static void command_split(struct command *c, const char *s)
{
	bool wanted = false;

	while (*s) {
		auto_str word = STR_INIT;
		char quote = 0;

		for (; isspace((unsigned char)*s); s++)
			;
		for (; *s && (quote || !isspace((unsigned char)*s)); s++) {
			if (quote ? *s == quote : *s == '"' || *s == '\'')
				quote = quote ? 0 : *s;
			else if (*s == '\\' && s[1] && quote != '\'')
				str_addc(&word, *++s);
			else
				str_addc(&word, *s);
		}
		if (word.len)
			flag_add(c, str_cstr(&word), &wanted);
	}
}

static void command_add(struct c_commands *all, const struct json_value *v)
{
	const char *file = json_get_text(v, "file"), *folder = json_get_text(v, "directory");
	const struct json_value *words = json_get(v, "arguments");
	const char *command = json_get_text(v, "command");
	struct command *c;
	bool wanted = false;

	if (!file)
		return;
	all->v = xreallocarray(all->v, all->n + 1, sizeof(*all->v));
	c = &all->v[all->n++];
	*c = (struct command){ .path = file[0] == '/' || !folder ? xstrdup(file) : path_join(folder, file) };
	if (command)
		command_split(c, command);
	if (words && words->kind == JSON_ARRAY)
		json_each(word, words)
			if (word->kind == JSON_STRING)
				flag_add(c, word->text, &wanted);
}

struct c_commands *c_commands_read(const char *root)
{
	static const char *const places[] = { "compile_commands.json", "build/compile_commands.json" };
	struct c_commands *all = NULL;

	for (size_t i = 0; root && !all && i < sizeof(places) / sizeof(*places); i++) {
		auto_free char *path = path_join(root, places[i]), *text = NULL;
		struct json_reader *r;
		const struct json_value *v;
		struct err ignored = { 0 };
		size_t n;

		if (file_read(path, COMMANDS_MAX_BYTES, &text, &n, &ignored) < 0)
			continue;
		r = json_reader_text(text, n, path);
		if (json_take(r, &v, &ignored) == 0 && v->kind == JSON_ARRAY) {
			all = xcalloc(1, sizeof(*all));
			json_each(item, v)
				command_add(all, item);
		}
		json_reader_free(r);
	}
	return all;
}

/* Does a path end with another one, as a whole name? */
static bool is_place(const char *path, const char *ending)
{
	size_t n = strlen(path), k = strlen(ending);

	return n >= k && strcmp(path + n - k, ending) == 0 && (n == k || path[n - k - 1] == '/');
}

bool c_commands_each(const struct c_commands *c, const char *path,
		     void (*each)(void *arg, const char *name, size_t n, const char *value), void *arg)
{
	const struct command *found = NULL;

	for (size_t i = 0; i < c->n && !found; i++)
		if (is_place(c->v[i].path, path))
			found = &c->v[i];
	for (size_t i = 0; found && i < found->flags.n; i++) {
		const char *name = found->flags.v[i] + 2, *equals = strchr(name, '=');

		each(arg, name, equals ? (size_t)(equals - name) : strlen(name),
		     found->flags.v[i][1] == 'U' ? NULL : equals ? equals + 1 : "1");
	}
	return found != NULL;
}

void c_commands_free(struct c_commands *c)
{
	for (size_t i = 0; c && i < c->n; i++) {
		free(c->v[i].path);
		strv_release(&c->v[i].flags);
	}
	if (c)
		free(c->v);
	free(c);
}
