/* SPDX-License-Identifier: Apache-2.0 */
/* programs.c - which files of the repository the adapters run: a candidate must not change who judges it. */
#include "base/mem.h"
#include "base/path.h"
#include "runner/optimize/loop.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Programs whose first operand is the program that is meant. */
static const char *const interpreters[] = { "sh",      "bash", "dash", "zsh",  "ksh",     "python",   "pypy",
					    "node",    "deno", "bun",  "perl", "ruby",    "php",      "lua",
					    "Rscript", "env",  "time", "nice", "timeout", "xvfb-run", NULL };

static bool is_interpreter(const char *word)
{
	const char *slash = strrchr(word, '/'), *name = slash ? slash + 1 : word;

	for (size_t i = 0; interpreters[i]; i++) {
		size_t n = strlen(interpreters[i]);

		/* python3.11, ruby3.1 */
		if (strncmp(name, interpreters[i], n) == 0 && strspn(name + n, "0123456789.") == strlen(name + n))
			return true;
	}
	return false;
}

/* A word of argv as a path of the repository, if the baseline has a file there. */
static void add_path(const struct loop *l, const char *word, struct strv *out)
{
	const char *top = l->repo.top;
	size_t n = strlen(top);
	auto_free char *path = NULL;
	char mode[8];

	while (word[0] == '.' && word[1] == '/')
		word += 2;
	if (word[0] == '/')
		path = strncmp(word, top, n) == 0 && word[n] == '/' ? xstrdup(word + n + 1) : NULL;
	else
		path = xasprintf("%s%s", l->repo.prefix, word);
	if (!path || !*path)
		return;
	repo_mode(&l->repo, l->st.baseline_commit, path, mode);
	if (str_starts(mode, "100") && !strv_has(out, path))
		strv_add(out, path);
}

void adapter_programs(const struct loop *l, struct strv *out)
{
	for (int role = 0; role < ROLE_COUNT; role++) {
		const struct strv *argv = &l->setup.adapter[role].argv;
		size_t i = 0;

		/* up to the first word that is neither an interpreter, nor an option or variable of one */
		while (i < argv->n && (is_interpreter(argv->v[i]) || argv->v[i][0] == '-' || strchr(argv->v[i], '=')))
			i++;
		if (i < argv->n)
			add_path(l, argv->v[i], out);
	}
}
