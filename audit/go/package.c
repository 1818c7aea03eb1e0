/* SPDX-License-Identifier: Apache-2.0 */
/* package.c - which files are one package, what it is imported as, and which files are for another system. */
#include "audit/go/go.h"

#include "base/mem.h"
#include "base/path.h"

#include <stdlib.h>
#include <string.h>

#define GO_MOD_MAX ((size_t)1 << 20)

/* The name in the module line of a go.mod; NULL where it has none. */
static char *module_of(const char *root, const char *dir)
{
	auto_free char *path = xasprintf("%s/%s%sgo.mod", root, dir, *dir ? "/" : ""), *text = NULL;
	struct err ignored = { 0 };
	size_t n = 0;

	if (file_read(path, GO_MOD_MAX, &text, &n, &ignored) < 0)
		return NULL;
	for (char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (strncmp(line, "module ", 7) == 0) {
			line += 7 + strspn(line + 7, " \t\"");
			return xstrndup(line, strcspn(line, " \t\r\n\"/") + strcspn(line + strcspn(line,
				" \t\r\n\"/"), " \t\r\n\""));
		}
	return NULL;
}

static void module_add(struct golang *g, const char *dir)
{
	char *module;

	for (uint32_t i = 0; i < g->module_count; i++)
		if (strcmp(g->modules[i].dir, dir) == 0)
			return;
	module = g->o->root ? module_of(g->o->root, dir) : NULL;
	g->modules = xreallocarray(g->modules, g->module_count + 1, sizeof(*g->modules));
	g->modules[g->module_count].dir = xstrdup(dir);
	g->modules[g->module_count++].module = module;
}

/* The folders around a package, each asked for its go.mod once. */
static void modules_find(struct golang *g, const char *dir)
{
	auto_free char *at = xstrdup(dir);

	for (;;) {
		char *slash = strrchr(at, '/');

		module_add(g, at);
		if (!*at)
			return;
		*(slash ? slash : at) = '\0';
	}
}

static text_t import_path_of(struct golang *g, const char *dir)
{
	const char *best = NULL, *module = NULL, *vendor = strstr(dir, "vendor/");
	auto_free char *path = NULL;

	if (vendor && (vendor == dir || vendor[-1] == '/'))
		return text_ofz(&g->x.g->texts, vendor + 7);
	for (uint32_t i = 0; i < g->module_count; i++) {
		size_t n = strlen(g->modules[i].dir);

		if (g->modules[i].module && strncmp(dir, g->modules[i].dir, n) == 0 && (!n || !dir[n] || dir[n] == '/') &&
		    (!best || n > strlen(best))) {
			best = g->modules[i].dir;
			module = g->modules[i].module;
		}
	}
	if (!best) { /* without modules a package is imported by its folder */
		for (size_t i = 0; i < g->o->root_count; i++) {
			size_t n = strlen(g->o->roots[i]);

			if (strncmp(dir, g->o->roots[i], n) == 0 && dir[n] == '/')
				return text_ofz(&g->x.g->texts, dir + n + 1);
		}
		return text_ofz(&g->x.g->texts, dir);
	}
	dir += strlen(best) + (*best && dir[strlen(best)] == '/');
	if (strcmp(module, "std") == 0) /* Go's own library */
		return text_ofz(&g->x.g->texts, dir);
	path = xasprintf("%s%s%s", module, *dir ? "/" : "", dir);
	return text_ofz(&g->x.g->texts, path);
}

static bool is_true(const char *word, size_t n)
{
	static const char *const words[] = { "linux", "amd64", "unix", "gc", "cgo", NULL };

	for (size_t i = 0; words[i]; i++)
		if (strlen(words[i]) == n && memcmp(words[i], word, n) == 0)
			return true;
	return n > 4 && memcmp(word, "go1.", 4) == 0;
}

/* A constraint of //go:build; *s is moved behind what was read. */
static bool constraint(const char **s, int depth)
{
	bool value = false, all = true;

	for (;;) {
		bool negate = false, one;

		for (; **s == ' ' || **s == '\t' || **s == '!'; (*s)++)
			negate ^= **s == '!';
		if (**s == '(' && depth < 16) {
			(*s)++;
			one = constraint(s, depth + 1);
			*s += **s == ')';
		} else {
			size_t n = strcspn(*s, " \t\r\n()!&|");

			if (!n)
				return value || all;
			one = is_true(*s, n);
			*s += n;
		}
		all &= one != negate;
		*s += strspn(*s, " \t");
		if (strncmp(*s, "&&", 2) == 0) {
			*s += 2;
			continue;
		}
		value |= all;
		if (strncmp(*s, "||", 2) != 0)
			return value;
		*s += 2;
		all = true;
	}
}

static bool is_other(const char *word, size_t n)
{
	static const char *const others[] = { "windows", "darwin", "freebsd", "netbsd", "openbsd", "dragonfly",
		"solaris", "illumos",
		"aix", "plan9", "js", "wasip1", "android", "ios", "386", "arm", "arm64", "ppc64", "ppc64le", "mips",
			"mipsle",
		"mips64", "mips64le", "riscv64", "s390x", "wasm", "loong64", "zos", NULL };

	for (size_t i = 0; others[i]; i++)
		if (strlen(others[i]) == n && memcmp(others[i], word, n) == 0)
			return true;
	return false;
}

/* name_windows.go, name_linux_arm64.go, //go:build windows. */
static bool is_for_another(const struct front_source *s)
{
	const char *slash = strrchr(s->path, '/'), *name = slash ? slash + 1 : s->path, *at = name;
	size_t end = strlen(name) - strlen(strrchr(name, '.'));

	if (end > 5 && memcmp(name + end - 5, "_test", 5) == 0)
		end -= 5;
	while ((at = memchr(at, '_', (size_t)(name + end - at)))) {
		size_t n;

		at++;
		n = strcspn(at, "_.");
		if (is_other(at, n))
			return true;
	}
	for (at = s->text; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
		if (strncmp(at, "package ", 8) == 0)
			return false;
		if (strncmp(at, "//go:build ", 11) == 0) {
			at += 11;
			return !constraint(&at, 0);
		}
	}
	return false;
}

static char *package_name(const struct golang *g, uint32_t source)
{
	const struct tree *t = &g->x.sources[source].tree;

	for (uint32_t c = t->count > 1 ? t->nodes[1].first : 0; c; c = t->nodes[c].next)
		if (t->nodes[c].kind == K_package_clause && t->nodes[c].first)
			return xstrndup(syntax_at(&g->x, source, t->nodes[c].first), syntax_length(&g->x, source,
				t->nodes[c].first));
	return xstrdup("");
}

void go_packages_read(struct golang *g)
{
	g->package_of = xcalloc((size_t)g->x.source_count + 1, sizeof(*g->package_of));
	g->is_out = xcalloc((size_t)g->x.source_count + 1, sizeof(*g->is_out));
	g->packages = xcalloc((size_t)g->x.source_count + 1, sizeof(*g->packages));
	for (uint32_t i = 0; i < g->x.source_count; i++) {
		const char *path = g->x.sources[i].file->path, *slash = strrchr(path, '/');
		auto_free char *dir = xstrndup(path, slash ? (size_t)(slash - path) : 0), *name = package_name(g, i);
		uint32_t p = g->package_count;

		g->is_out[i] = is_for_another(g->x.sources[i].file);
		/* sources are in the order of paths: a package's files are among the last ones */
		while (p && !(strcmp(g->packages[p - 1].dir, dir) == 0 && strcmp(g->packages[p - 1].name, name) == 0))
			p--;
		if (!p) {
			modules_find(g, dir);
			g->packages[g->package_count] = (struct go_package){ xstrdup(dir), xstrdup(name),
				import_path_of(g, dir) };
			p = ++g->package_count;
		}
		g->package_of[i] = p - 1;
	}
}

void go_packages_release(struct golang *g)
{
	for (uint32_t i = 0; i < g->package_count; i++) {
		free(g->packages[i].dir);
		free(g->packages[i].name);
	}
	for (uint32_t i = 0; i < g->module_count; i++) {
		free(g->modules[i].dir);
		free(g->modules[i].module);
	}
	free(g->packages);
	free(g->modules);
	free(g->package_of);
	free(g->is_out);
}

uint32_t go_package_find(const struct golang *g, const char *path)
{
	text_t text = text_find(&g->x.g->texts, path);
	uint32_t found = GRAPH_NONE;

	for (uint32_t i = 0; text && i < g->package_count; i++)
		if (g->packages[i].path == text && !str_ends(g->packages[i].name, "_test") &&
		    (found == GRAPH_NONE || strcmp(g->packages[i].name, "main") != 0))
			found = i;
	return found;
}

const struct go_name *go_name_find(const struct golang *g, uint32_t package, text_t name)
{
	uint32_t from = 0, to = g->name_count;

	while (from < to) {
		uint32_t middle = (from + to) / 2;
		const struct go_name *n = &g->names[middle];

		if (n->package < package || (n->package == package && n->name < name))
			from = middle + 1;
		else
			to = middle;
	}
	return from < g->name_count && g->names[from].package == package && g->names[from].name == name ?
		&g->names[from] : NULL;
}
