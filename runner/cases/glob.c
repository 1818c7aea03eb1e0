/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/cases/glob.h"

#include "base/mem.h"
#include "base/value.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BRACE_ALTERNATIVES_MAX 256
#define WALK_DEPTH_MAX 256
#define COMPONENTS_MAX 64

struct glob {
	char *base;            /* "." or "/" or "..", "../.." …: where the walk begins */
	struct strv parts;
	struct strv wanted_text; /* the text, for equality */
};

struct glob_use {
	uint32_t glob, list;
	bool negative;
};

struct glob_set {
	struct glob *globs;
	uint32_t count;
	struct strv list_keys;  /* the lists as text, for equality */
	struct glob_use *uses;  /* sorted by glob once the walk begins */
	uint32_t use_count;
	uint32_t *first_use;    /* by glob; count + 1 entries */
};

/* One byte against a set `[…]`. *end: after the `]`. Returns 1, 0, or -1 if it is not closed. */
static int set_match(const char *set, unsigned char c, const char **end)
{
	const char *p = set + 1;
	bool invert = *p == '!' || *p == '^', in = false;

	if (invert)
		p++;
	for (bool first = true; *p && (first || *p != ']'); first = false) {
		unsigned char lo, hi;

		if (*p == '\\' && p[1])
			p++;
		lo = hi = (unsigned char)*p++;
		if (*p == '-' && p[1] && p[1] != ']') {
			p++;
			if (*p == '\\' && p[1])
				p++;
			hi = (unsigned char)*p++;
		}
		in |= c >= lo && c <= hi;
	}
	if (*p != ']')
		return -1;
	*end = p + 1;
	return in != invert;
}

/* Greedy with one point of return: a later star makes earlier ones final, so the time is
 * at most the product of both lengths. `/` in the glob or name matches only itself. */
static bool match_from(const char *g, const char *n)
{
	const char *star_g = NULL, *star_n = NULL;

	while (*n) {
		const char *end;

		if (*g == '*') {
			star_g = ++g;
			star_n = n;
			continue;
		}
		if (*g == '[' && *n != '/' && set_match(g, (unsigned char)*n, &end) == 1) {
			g = end;
			n++;
			continue;
		}
		if ((*g == '?' && *n != '/') || (*g && !strchr("?[\\", *g) && *g == *n)) {
			g++;
			n++;
			continue;
		}
		if (*g == '\\' && g[1] && g[1] == *n) {
			g += 2;
			n++;
			continue;
		}
		if (!star_g || *star_n == '/')
			return false;
		g = star_g;
		n = ++star_n;
	}
	while (*g == '*')
		g++;
	return !*g;
}

bool glob_match_name(const char *glob, const char *name)
{
	if (name[0] == '.' && glob[0] != '.' && !(glob[0] == '\\' && glob[1] == '.'))
		return false;
	return match_from(glob, name);
}

static bool has_wildcard(const char *s)
{
	return s[strcspn(s, "*?[\\")] != '\0';
}

/* Appends to out what `glob` stands for when its first brace is opened, again and again. */
static int braces_open(const char *glob, struct strv *out, struct err *e)
{
	const char *open = glob, *p;
	int depth = 0;

	while (*open && *open != '{')
		open += *open == '\\' && open[1] ? 2 : 1;
	for (p = open; *p; p += *p == '\\' && p[1] ? 2 : 1) {
		depth += *p == '{';
		depth -= *p == '}';
		if (!depth)
			break;
	}
	if (!*open || !*p) { /* none, or one that is not closed: then it is a plain byte */
		if (out->n >= BRACE_ALTERNATIVES_MAX)
			return err_set(e, ERR_USAGE, "glob opens into more than %d alternatives",
				       BRACE_ALTERNATIVES_MAX);
		strv_add(out, glob);
		return 0;
	}
	for (const char *from = open + 1, *q = from; from <= p; q++) {
		depth += *q == '{';
		depth -= *q == '}' && q < p;
		if (q == p || (*q == ',' && depth == 0)) {
			auto_free char *one = xasprintf("%.*s%.*s%s", (int)(open - glob), glob,
							(int)(q - from), from, p + 1);

			if (braces_open(one, out, e) < 0)
				return -1;
			from = q + 1;
		} else if (*q == '\\' && q + 1 < p) {
			q++;
		}
	}
	return 0;
}

static int parts_check(const char *glob, const struct strv *parts, struct err *e)
{
	for (size_t i = 0; i < parts->n; i++) {
		const char *p = parts->v[i], *end;
		char quoted[VALUE_QUOTE_SIZE];

		while (*p) {
			if (*p == '[' && set_match(p, 0, &end) < 0)
				return err_set(e, ERR_USAGE, "glob %s: '[' is not closed", value_quote(glob, quoted));
			p = *p == '[' ? end : *p == '\\' && p[1] ? p + 2 : p + 1;
		}
	}
	return 0;
}

/* Splits a glob without braces; `below` adds "everything below". */
static int glob_split(const char *text, bool below, struct glob *g, struct err *e)
{
	const char *p = text;
	auto_str base = STR_INIT;
	char quoted[VALUE_QUOTE_SIZE];

	if (*p == '/')
		str_add(&base, "/");
	while (*p) {
		size_t n = strcspn(p, "/");

		if (n == 2 && !g->parts.n && p[0] == '.' && p[1] == '.')
			str_add(&base, base.len && str_cstr(&base)[0] != '/' ? "/.." : "..");
		else if (n == 2 && p[0] == '*' && p[1] == '*' && g->parts.n &&
			 strcmp(g->parts.v[g->parts.n - 1], "**") == 0)
			;
		else if (n && !(n == 1 && *p == '.'))
			strv_take(&g->parts, xstrndup(p, n));
		p += n;
		if (*p == '/' && !*++p)
			below = true;
	}
	if (below && !(g->parts.n && strcmp(g->parts.v[g->parts.n - 1], "**") == 0))
		strv_add(&g->parts, "**");
	if (g->parts.n && strcmp(g->parts.v[g->parts.n - 1], "**") == 0)
		strv_add(&g->parts, "*");
	if (!g->parts.n || g->parts.n > COMPONENTS_MAX)
		return err_set(e, ERR_USAGE, "glob %s: %s", value_quote(text, quoted),
			       g->parts.n ? "too many components" : "it names nothing");
	g->base = xstrdup(base.len ? str_cstr(&base) : ".");
	return parts_check(text, &g->parts, e);
}

static void glob_release(struct glob *g)
{
	mem_free_ptr(&g->base);
	strv_release(&g->parts);
	strv_release(&g->wanted_text);
}

struct glob_set *glob_set_new(void)
{
	return xcalloc(1, sizeof(struct glob_set));
}

void glob_set_free(struct glob_set *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->count; i++)
		glob_release(&s->globs[i]);
	mem_free_ptr(&s->globs);
	strv_release(&s->list_keys);
	mem_free_ptr(&s->uses);
	mem_free_ptr(&s->first_use);
	mem_free_ptr(&s);
}

size_t glob_set_lists(const struct glob_set *s)
{
	return s->list_keys.n;
}

/* The glob's number: an equal one that is there already, or a new one. */
static int glob_add(struct glob_set *s, const char *text, bool below, uint32_t *id, struct err *e)
{
	struct glob g = { 0 };
	auto_free char *key = xasprintf("%s%s", text, below ? "/" : "");

	for (uint32_t i = 0; i < s->count; i++)
		if (strcmp(s->globs[i].wanted_text.v[0], key) == 0) {
			*id = i;
			return 0;
		}
	if (glob_split(text, below, &g, e) < 0) {
		glob_release(&g);
		return -1;
	}
	strv_add(&g.wanted_text, key);
	s->globs = xreallocarray(s->globs, s->count + 1, sizeof(*s->globs));
	s->globs[s->count] = g;
	*id = s->count++;
	return 0;
}

static int list_add_glob(struct glob_set *s, const char *text, bool below, bool negative, uint32_t list,
			 struct err *e)
{
	uint32_t id;

	if (glob_add(s, text, below, &id, e) < 0)
		return -1;
	s->uses = xreallocarray(s->uses, s->use_count + 1, sizeof(*s->uses));
	s->uses[s->use_count++] = (struct glob_use){ id, list, negative };
	return 0;
}

static int list_fill(struct glob_set *s, char *const globs[], size_t n, uint32_t list, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		__attribute__((cleanup(strv_release))) struct strv open = STRV_INIT;
		bool negative = globs[i][0] == '!';
		const char *text = globs[i] + negative;

		if (str_starts(text, "/.artifacts/"))
			text++; /* such a path is taken from the root (contract 4) */
		if (braces_open(text, &open, e) < 0)
			return -1;
		for (size_t k = 0; k < open.n; k++)
			if (list_add_glob(s, open.v[k], false, negative, list, e) < 0 ||
			    (!has_wildcard(open.v[k]) && !str_ends(open.v[k], "/") &&
			     list_add_glob(s, open.v[k], true, negative, list, e) < 0))
				return -1;
	}
	return 0;
}

int glob_set_add(struct glob_set *s, char *const globs[], size_t n, struct err *e)
{
	auto_str key = STR_INIT;

	if (!n)
		return err_set(e, ERR_USAGE, "no globs");
	for (size_t i = 0; i < n; i++) {
		str_add(&key, globs[i]);
		str_addc(&key, '\n');
	}
	for (size_t i = 0; i < s->list_keys.n; i++)
		if (strcmp(s->list_keys.v[i], str_cstr(&key)) == 0)
			return (int)i;
	mem_free_ptr(&s->first_use);
	if (list_fill(s, globs, n, (uint32_t)s->list_keys.n, e) < 0)
		return -1;
	strv_add(&s->list_keys, str_cstr(&key));
	return (int)(s->list_keys.n - 1);
}

/* ---- the walk ---- */

struct state {
	uint32_t glob, part; /* this many parts of the glob are matched so far */
};

struct states {
	struct state *v;
	size_t n, cap;
};

struct walk {
	const struct glob_set *s;
	int root_fd;
	const char *root, *base;
	int (*found)(void *ctx, const char *path, const uint32_t *lists, size_t n);
	void *ctx;
	struct str path;
	unsigned depth;
	uint8_t *list_mark;   /* by list: bit 0 selected, bit 1 taken away */
	uint32_t *touched, *selected;
	struct err *e;
};

static void states_add(struct states *l, uint32_t glob, uint32_t part)
{
	for (size_t i = l->n; i-- > 0 && l->v[i].glob == glob;)
		if (l->v[i].part == part)
			return;
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 16;
		l->v = xreallocarray(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = (struct state){ glob, part };
}

/* One name of a folder whose states are `in`: the states below it, and the globs that end here. */
static void states_step(const struct glob_set *s, const struct states *in, const char *name,
			struct states *below, struct states *complete)
{
	for (size_t i = 0; i < in->n; i++) {
		uint32_t glob = in->v[i].glob, part = in->v[i].part;
		const struct strv *parts = &s->globs[glob].parts;

		if (strcmp(parts->v[part], "**") == 0) {
			if (name[0] != '.')
				states_add(below, glob, part);
			part++;
		}
		if (!glob_match_name(parts->v[part], name))
			continue;
		if (part + 1 == parts->n)
			states_add(complete, glob, part);
		else
			states_add(below, glob, part + 1);
	}
}

static int walk_file(struct walk *w, const struct states *complete)
{
	size_t touched = 0, n = 0;
	int rc;

	for (size_t i = 0; i < complete->n; i++) {
		uint32_t g = complete->v[i].glob;

		for (uint32_t u = w->s->first_use[g]; u < w->s->first_use[g + 1]; u++) {
			uint32_t list = w->s->uses[u].list;

			if (!w->list_mark[list])
				w->touched[touched++] = list;
			w->list_mark[list] |= w->s->uses[u].negative ? 2 : 1;
		}
	}
	for (size_t i = 0; i < touched; i++) {
		uint32_t list = w->touched[i];
		size_t at = n;

		if (w->list_mark[list] == 1) {
			for (; at > 0 && w->selected[at - 1] > list; at--)
				w->selected[at] = w->selected[at - 1];
			w->selected[at] = list;
			n++;
		}
		w->list_mark[list] = 0;
	}
	rc = n ? w->found(w->ctx, str_cstr(&w->path), w->selected, n) : 0;
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a + 1, *(char *const *)b + 1);
}

/* Names of a folder, each with its type in front: 'd' folder, 'f' file, '?' anything else. */
static int folder_read(struct walk *w, struct strv *names)
{
	const char *dir = w->path.len ? str_cstr(&w->path) : ".";
	int fd = openat(w->root_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t cap = 0;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return errno == ENOENT ? 0 : err_sys(w->e, "reading folder '%s'", dir);
	}
	for (struct dirent *ent; (ent = readdir(d));) {
		unsigned char type = ent->d_type;
		struct stat st;
		char *item;

		if (strcmp(ent->d_name, ".") == 0 || strcmp(ent->d_name, "..") == 0)
			continue;
		if (type == DT_UNKNOWN && fstatat(fd, ent->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			type = IFTODT(st.st_mode);
		if (type == DT_LNK)
			type = fstatat(fd, ent->d_name, &st, 0) == 0 && S_ISREG(st.st_mode) ? DT_REG
											    : DT_LNK;
		item = xasprintf("%c%s", type == DT_DIR ? 'd' : type == DT_REG ? 'f' : '?', ent->d_name);
		if (names->n + 1 >= cap) {
			cap = cap ? cap * 2 : 64;
			names->v = xreallocarray(names->v, cap, sizeof(*names->v));
		}
		names->v[names->n++] = item;
		names->v[names->n] = NULL;
	}
	closedir(d);
	if (names->n)
		qsort(names->v, names->n, sizeof(*names->v), by_name);
	return 0;
}

static int walk_folder(struct walk *w, const struct states *in)
{
	__attribute__((cleanup(strv_release))) struct strv names = STRV_INIT;
	struct states below = { 0 }, complete = { 0 };
	size_t len = w->path.len;
	int rc;

	if (w->depth++ > WALK_DEPTH_MAX)
		rc = err_set(w->e, ERR_FAILURE, "folders nested deeper than %d at '%s'", WALK_DEPTH_MAX,
			     str_cstr(&w->path));
	else
		rc = folder_read(w, &names);
	for (size_t i = 0; rc == 0 && i < names.n; i++) {
		char type = names.v[i][0];
		const char *name = names.v[i] + 1;

		if (type == '?')
			continue;
		below.n = complete.n = 0;
		states_step(w->s, in, name, &below, &complete);
		if (type == 'f' ? !complete.n : !below.n)
			continue;
		if (len && str_cstr(&w->path)[len - 1] != '/')
			str_addc(&w->path, '/');
		str_add(&w->path, name);
		rc = type == 'f' ? walk_file(w, &complete) : walk_folder(w, &below);
		w->path.len = len;
		if (w->path.data)
			w->path.data[len] = '\0';
	}
	w->depth--;
	free(below.v);
	free(complete.v);
	return rc;
}

static int by_glob(const void *a, const void *b)
{
	const struct glob_use *x = a, *y = b;

	return x->glob != y->glob ? (x->glob < y->glob ? -1 : 1) : 0;
}

/* The walk of all globs that begin at one base. */
static int walk_base(struct walk *w, const char *base)
{
	struct states start = { 0 };
	int rc;

	for (uint32_t i = 0; i < w->s->count; i++)
		if (strcmp(w->s->globs[i].base, base) == 0)
			states_add(&start, i, 0);
	str_reset(&w->path);
	if (strcmp(base, ".") != 0)
		str_add(&w->path, base);
	rc = walk_folder(w, &start);
	free(start.v);
	return rc;
}

static void uses_sort(const struct glob_set *set)
{
	struct glob_set *s = (struct glob_set *)set; /* an index that the first walk makes */

	if (s->first_use)
		return;
	qsort(s->uses, s->use_count, sizeof(*s->uses), by_glob);
	s->first_use = xcalloc(s->count + 1, sizeof(*s->first_use));
	for (uint32_t i = 0; i < s->use_count; i++)
		s->first_use[s->uses[i].glob + 1]++;
	for (uint32_t i = 0; i < s->count; i++)
		s->first_use[i + 1] += s->first_use[i];
}

int glob_set_walk(const struct glob_set *s, const char *root,
		  int (*found)(void *ctx, const char *path, const uint32_t *lists, size_t n), void *ctx,
		  struct err *e)
{
	struct walk w = { .s = s, .root = root, .found = found, .ctx = ctx, .e = e };
	int rc = 0;

	if (!s->count)
		return 0;
	uses_sort(s);
	w.root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w.root_fd < 0)
		return err_sys(e, "reading folder '%s'", root);
	w.list_mark = xcalloc(s->list_keys.n, 1);
	w.touched = xcalloc(s->list_keys.n, sizeof(*w.touched));
	w.selected = xcalloc(s->list_keys.n + 1, sizeof(*w.selected));
	for (uint32_t i = 0; rc == 0 && i < s->count; i++) {
		uint32_t k = 0;

		while (strcmp(s->globs[k].base, s->globs[i].base) != 0)
			k++;
		if (k == i)
			rc = walk_base(&w, s->globs[i].base);
	}
	close(w.root_fd);
	str_release(&w.path);
	free(w.list_mark);
	free(w.touched);
	free(w.selected);
	return rc;
}

bool glob_match_path(const char *glob, const char *path)
{
	struct glob_set s = { 0 };
	struct states in = { 0 }, below = { 0 }, complete = { 0 };
	__attribute__((cleanup(strv_release))) struct strv open = STRV_INIT;
	struct err e = { 0 };
	auto_free char *copy = xstrdup(path);
	bool match = false;
	uint32_t id;

	if (braces_open(glob, &open, &e) < 0)
		return false;
	for (size_t i = 0; i < open.n; i++)
		if (glob_add(&s, open.v[i], false, &id, &e) == 0)
			states_add(&in, id, 0);
	for (char *save = NULL, *p = strtok_r(copy, "/", &save); p; p = strtok_r(NULL, "/", &save)) {
		struct states swap = in;

		below.n = complete.n = 0;
		states_step(&s, &in, p, &below, &complete);
		in = below;
		below = swap;
	}
	match = complete.n > 0;
	for (uint32_t i = 0; i < s.count; i++)
		glob_release(&s.globs[i]);
	free(s.globs);
	free(in.v);
	free(below.v);
	free(complete.v);
	return match;
}
