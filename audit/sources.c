/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/sources.h"

#include "audit/glob.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/path.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDERS_MAX 64 /* levels */

void sources_hash_add(struct sources_hasher *h, const char *s, size_t n)
{
	while (n) {
		size_t take = sizeof(h->block) - h->filled < n ? sizeof(h->block) - h->filled : n;

		memcpy(h->block + h->filled, s, take);
		h->filled += take;
		s += take;
		n -= take;
		if (h->filled == sizeof(h->block)) {
			h->hash = hash_bytes(h->hash, h->block, h->filled);
			h->filled = 0;
		}
	}
}

uint64_t sources_hash_end(struct sources_hasher *h)
{
	return hash_bytes(h->hash, h->block, h->filled);
}

uint64_t sources_hash(const char *s, size_t n)
{
	uint64_t h = 0;

	for (; n >= SOURCES_HASH_BLOCK; s += SOURCES_HASH_BLOCK, n -= SOURCES_HASH_BLOCK)
		h = hash_bytes(h, s, SOURCES_HASH_BLOCK);
	return hash_bytes(h, s, n);
}

/* A glob names a file, or a folder with everything below it. */
static bool is_named(const struct strv *globs, const char *path)
{
	for (size_t i = 0; globs && i < globs->n; i++) {
		auto_free char *below = xasprintf("%s/**", globs->v[i]);

		if (glob_is(globs->v[i], path, "/") || glob_is(below, path, "/"))
			return true;
	}
	return false;
}

static bool is_left_out(const char *name)
{
	static const char *const names[] = { "node_modules", "__pycache__", "venv", "site-packages", "build", "dist",
		NULL };

	for (size_t i = 0; names[i]; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return name[0] == '.';
}

/* May something below a folder that is left out be included? */
static bool leads_to(const struct strv *globs, const char *folder)
{
	size_t n = strlen(folder);

	for (size_t i = 0; globs && i < globs->n; i++) {
		const char *g = globs->v[i];
		size_t plain = strcspn(g, "*?");

		if (strncmp(g, folder, plain < n ? plain : n) == 0)
			return true;
	}
	return false;
}

struct walk {
	const struct sources_options *o;
	struct strv *found;
};

static bool is_wanted(const struct walk *w, const char *path)
{
	const struct front *f = front_of_path(path);

	if (!f || (w->o->languages && w->o->languages->n && !strv_has(w->o->languages, f->name)))
		return false;
	return !is_named(w->o->exclude, path) || is_named(w->o->include, path);
}

/* Links to folders are not followed: no cycle. */
static void folder_walk(struct walk *w, const char *dir, int depth, bool hidden)
{
	DIR *d = depth < FOLDERS_MAX ? opendir(dir) : NULL;
	struct dirent *item;

	while (d && (item = readdir(d))) {
		auto_free char *path = path_join(dir, item->d_name), *shown = NULL;
		struct stat st;

		if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0 || lstat(path, &st) < 0)
			continue;
		shown = path_relative(w->o->root, path);
		if (S_ISDIR(st.st_mode)) {
			bool out = hidden || is_left_out(item->d_name);

			if (!out || leads_to(w->o->include, shown))
				folder_walk(w, path, depth + 1, out);
		} else if (is_wanted(w, shown) && (!hidden || is_named(w->o->include, shown)) && stat(path, &st) == 0 &&
			   S_ISREG(st.st_mode)) {
			strv_take(w->found, ptr_steal(&shown));
		}
	}
	if (d)
		closedir(d);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int languages_check(const struct sources_options *o, struct err *e)
{
	for (size_t i = 0; o->languages && i < o->languages->n; i++)
		if (!front_named(o->languages->v[i])) {
			auto_str known = STR_INIT;

			for (size_t k = 0; fronts[k]; k++)
				str_addf(&known, "%s%s", k ? ", " : "", fronts[k]->name);
			return err_set(e, ERR_USAGE, "--languages: '%s' is not built in (there are %s)",
				       o->languages->v[i], str_cstr(&known));
		}
	return 0;
}

static int paths_find(struct strv *found, const struct sources_options *o, struct err *e)
{
	struct walk w = { o, found };

	if (!o->path_count)
		folder_walk(&w, o->root, 0, false);
	for (size_t i = 0; i < o->path_count; i++) {
		auto_free char *path = realpath(o->paths[i], NULL);
		struct stat st;

		if (!path || stat(path, &st) < 0)
			return err_set(e, ERR_USAGE, "audit: no file or folder '%s'", o->paths[i]);
		if (S_ISDIR(st.st_mode))
			folder_walk(&w, path, 0, false);
		else if (!front_of_path(path))
			return err_set(e, ERR_USAGE,
				"audit: '%s' is not a source file of a language that is built in", o->paths[i]);
		else
			strv_take(found, path_relative(o->root, path));
	}
	return 0;
}

/* -1: skipped. */
static int source_load(struct sources *s, size_t i, const struct sources_options *o)
{
	auto_free char *whole = s->paths.v[i][0] == '/' ? xstrdup(s->paths.v[i]) : path_join(o->root, s->paths.v[i]);
	struct err ignored = { 0 };

	return file_read(whole, o->max_bytes, &s->texts[i], &s->lens[i], &ignored);
}

int sources_read(struct sources *s, const struct sources_options *o, struct err *e)
{
	size_t n = 0;

	memset(s, 0, sizeof(*s));
	if (languages_check(o, e) < 0 || paths_find(&s->paths, o, e) < 0)
		return -1;
	if (!s->paths.n)
		return err_set(e, ERR_USAGE, "audit: no source file below %s", o->path_count ? o->paths[0] : o->root);
	qsort(s->paths.v, s->paths.n, sizeof(*s->paths.v), by_text);
	for (size_t i = 0; i < s->paths.n; i++) {
		if (n && strcmp(s->paths.v[i], s->paths.v[n - 1]) == 0)
			free(s->paths.v[i]);
		else
			s->paths.v[n++] = s->paths.v[i];
	}
	s->paths.n = n;
	s->paths.v[n] = NULL;
	s->texts = xcalloc(n, sizeof(*s->texts));
	s->lens = xcalloc(n, sizeof(*s->lens));
	s->fronts = xcalloc(n, sizeof(*s->fronts));
	for (size_t i = 0; i < n; i++) {
		s->fronts[i] = front_of_path(s->paths.v[i]);
		if (source_load(s, i, o) < 0)
			s->texts[i] = NULL;
	}
	return 0;
}

void sources_release(struct sources *s)
{
	for (size_t i = 0; s->texts && i < s->paths.n; i++)
		free(s->texts[i]);
	free(s->texts);
	free(s->lens);
	free(s->fronts);
	strv_release(&s->paths);
	memset(s, 0, sizeof(*s));
}

void sources_graph(const struct sources *s, const struct front_options *o, struct graph *g,
	void *states[LANGUAGE_COUNT])
{
	struct front_source *list = xcalloc(s->paths.n + 1, sizeof(*list));

	memset(states, 0, LANGUAGE_COUNT * sizeof(*states));
	for (size_t i = 0; i < s->paths.n; i++)
		graph_add_file(g, (struct graph_file){ .path = text_ofz(&g->texts, s->paths.v[i]),
			.language = s->fronts[i]->language, .skipped = !s->texts[i],
			.hash = s->texts[i] ? sources_hash(s->texts[i], s->lens[i]) : 0 });
	for (size_t k = 0; fronts[k]; k++) {
		size_t n = 0;

		for (uint32_t i = 0; i < s->paths.n; i++)
			if (s->fronts[i] == fronts[k] && s->texts[i])
				list[n++] = (struct front_source){ s->paths.v[i], s->texts[i], s->lens[i], i };
		if (n)
			states[fronts[k]->language] = fronts[k]->read(list, n, o, g);
	}
	free(list);
}

void sources_done(void *states[LANGUAGE_COUNT])
{
	for (size_t k = 0; fronts[k]; k++)
		if (states[fronts[k]->language] && fronts[k]->free)
			fronts[k]->free(states[fronts[k]->language]);
}
