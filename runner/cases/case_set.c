/* SPDX-License-Identifier: Apache-2.0 */
/* case_set.c - files, fences, refs and cycles. A file is read once, however often it is named: its real path
 * is its name. Refs may bring in further files, whose cases are run only where they are needed. */
#include "base/mem.h"
#include "base/nearest.h"
#include "base/path.h"
#include "base/value.h"
#include "runner/cases/case_file.h"
#include "runner/cases/glob.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FENCE_INFO "yaml contract-spec"

struct case_source {
	char *real;            /* real path, or the name of a text */
	const char *name;      /* as the user wrote it; in set.texts */
	uint32_t first, count; /* its cases */
};

void case_set_init(struct case_set *s)
{
	memset(s, 0, sizeof(*s));
}

void case_set_release(struct case_set *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		spec_case_release(&s->cases[i]);
	for (uint32_t i = 0; i < s->source_count; i++)
		mem_free_ptr(&s->sources[i].real);
	mem_free_ptr(&s->cases);
	mem_free_ptr(&s->sources);
	mem_free_ptr(&s->index);
	strv_release(&s->texts);
	memset(s, 0, sizeof(*s));
}

static const char *text_keep(struct case_set *s, const char *text)
{
	char *copy = xstrdup(text);

	strv_take(&s->texts, copy);
	return copy;
}

/* ---- ids ---- */

static uint32_t id_hash(const char *id)
{
	uint32_t h = 2166136261u;

	for (; *id; id++)
		h = (h ^ (unsigned char)*id) * 16777619u;
	return h;
}

static uint32_t *index_slot(const struct case_set *s, const char *id)
{
	uint32_t i = id_hash(id) & (s->index_size - 1);

	while (s->index[i] && strcmp(s->cases[s->index[i] - 1].id, id) != 0)
		i = (i + 1) & (s->index_size - 1);
	return &s->index[i];
}

static void index_grow(struct case_set *s)
{
	s->index_size = s->index_size ? s->index_size * 2 : 64;
	mem_free_ptr(&s->index);
	s->index = xcalloc(s->index_size, sizeof(*s->index));
	for (uint32_t i = 0; i < s->count; i++)
		*index_slot(s, s->cases[i].id) = i + 1;
}

uint32_t case_set_find(const struct case_set *s, const char *id)
{
	return s->index_size && *index_slot(s, id) ? *index_slot(s, id) - 1 : CASE_NONE;
}

/* ---- one text ---- */

/* One text while it is read. */
struct case_text {
	struct case_set *set;
	const char *name;
	uint32_t first;        /* its first case */
};

static int text_case(void *ctx, const struct yaml_node *item, struct err *e)
{
	struct case_text *t = ctx;
	struct case_set *s = t->set;
	struct spec_case c;
	uint32_t twin;

	if (spec_case_read(&c, item, e) < 0) {
		spec_case_release(&c);
		return -1;
	}
	twin = case_set_find(s, c.id);
	if (twin != CASE_NONE) {
		const struct spec_case *other = &s->cases[twin];

		spec_case_release(&c);
		return yaml_error(yaml_get(item, "id"), e, "case '%s' is there already: %s:%u:%u", other->id, other->file,
				  other->line, other->column);
	}
	c.file = t->name;
	if (s->count == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 16;
		s->cases = xreallocarray(s->cases, s->cap, sizeof(*s->cases));
	}
	s->cases[s->count++] = c;
	if (s->count * 2 > s->index_size)
		index_grow(s);
	else
		*index_slot(s, c.id) = s->count;
	return 0;
}

/* What surrounds the cases; `suite` may come after them. */
static int text_frame(struct case_text *t, const struct yaml_node *root, struct err *e)
{
	static const char *const known[] = { "version", "suite", "cases", NULL };
	const struct yaml_node *cases;
	const char *suite = NULL;

	if (yaml_want_map(root, e) < 0 || yaml_check_keys(root, known, e) < 0 ||
	    yaml_need_version(root, 1, e) < 0 || yaml_get_string(root, "suite", &suite, e) < 0)
		return -1;
	cases = yaml_get(root, "cases");
	if (!cases)
		return yaml_error(root, e, "a spec needs 'cases'");
	if (yaml_want_seq(cases, e) < 0)
		return -1;
	suite = text_keep(t->set, suite && *suite ? suite : t->name);
	for (uint32_t i = t->first; i < t->set->count; i++)
		t->set->cases[i].suite = suite;
	return 0;
}

static int yaml_text_cases(struct case_set *s, const char *name, const char *text, size_t len, uint32_t line,
			   struct err *e)
{
	const struct yaml_limits limits = { .max_bytes = CASE_FILE_MAX_BYTES, .max_nodes = CASE_FILE_MAX_NODES };
	struct case_text t = { .set = s, .name = name, .first = s->count };
	const struct yaml_items items = { .key = "cases", .item = text_case, .ctx = &t };
	auto_yaml *doc = NULL;

	if (yaml_parse_items(&doc, name, text, len, line, &limits, &items, e) < 0)
		return -1;
	return text_frame(&t, yaml_root(doc), e);
}

/* One line of Markdown at p: its length with the newline. */
static size_t line_len(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	return (size_t)((nl ? nl + 1 : end) - p);
}

/* Is the line a fence: up to three spaces, three or more of one of ` and ~? Its length, or 0;
 * *info: what follows. */
static size_t fence_at(const char *p, size_t n, char *mark, const char **info, size_t *info_n)
{
	size_t at = 0, run;

	while (at < n && at < 3 && p[at] == ' ')
		at++;
	if (at == n || (p[at] != '`' && p[at] != '~'))
		return 0;
	*mark = p[at];
	for (run = 0; at + run < n && p[at + run] == *mark; run++)
		;
	if (run < 3)
		return 0;
	*info = p + at + run;
	*info_n = n - at - run;
	while (*info_n && strchr(" \t\r\n", (*info)[*info_n - 1]))
		--*info_n;
	while (*info_n && (**info == ' ' || **info == '\t')) {
		++*info;
		--*info_n;
	}
	return run;
}

/* Every fence is followed to its end, so that one that shows a spec is not taken for one. */
static int markdown_cases(struct case_set *s, const char *name, const char *text, size_t len, struct err *e)
{
	const char *p = text, *end = text + len;
	uint32_t line = 1;

	while (p < end) {
		size_t n = line_len(p, end), info_n = 0, close_n = 0;
		char mark, close_mark;
		const char *info = NULL, *body, *rest;
		size_t run = fence_at(p, n, &mark, &info, &info_n);
		uint32_t body_line = line + 1;

		p += n;
		line++;
		if (!run)
			continue;
		for (body = p; p < end; p += n, line++) {
			n = line_len(p, end);
			if (fence_at(p, n, &close_mark, &rest, &close_n) >= run && close_mark == mark && !close_n)
				break;
		}
		if (info_n == strlen(FENCE_INFO) && memcmp(info, FENCE_INFO, info_n) == 0) {
			if (p >= end)
				return err_set(e, ERR_USAGE, "%s:%u:1: the fence is never closed", name, body_line - 1);
			if (yaml_text_cases(s, name, body, (size_t)(p - body), body_line, e) < 0)
				return -1;
		}
		if (p < end) {
			p += n;
			line++;
		}
	}
	return 0;
}

int case_set_read_text(struct case_set *s, const char *name, const char *text, size_t len, struct err *e)
{
	uint32_t first = s->count;
	const char *kept = text_keep(s, name);
	int rc = str_ends(name, ".md") ? markdown_cases(s, kept, text, len, e)
				       : yaml_text_cases(s, kept, text, len, 1, e);

	s->sources = xreallocarray(s->sources, s->source_count + 1, sizeof(*s->sources));
	s->sources[s->source_count++] =
		(struct case_source){ .real = xstrdup(name), .name = kept, .first = first, .count = s->count - first };
	return rc;
}

/* ---- files ---- */

/* Reads a file unless it was read before. *source: which it is. */
static int source_read(struct case_set *s, const char *path, uint32_t *source, struct err *e)
{
	auto_free char *real = realpath(path, NULL);
	auto_free char *text = NULL;
	char quoted[VALUE_QUOTE_SIZE];
	struct stat st;
	size_t len;

	if (!real || stat(real, &st) < 0)
		return err_set(e, ERR_USAGE, "reading %s: %s", value_quote(path, quoted), strerror(errno));
	for (*source = 0; *source < s->source_count; ++*source)
		if (strcmp(s->sources[*source].real, real) == 0)
			return 0;
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "reading '%s': not a regular file", path);
	if (file_read(path, CASE_FILE_MAX_BYTES, &text, &len, e) < 0) {
		e->kind = ERR_USAGE;
		return -1;
	}
	if (case_set_read_text(s, path, text, len, e) < 0)
		return -1;
	free(s->sources[*source].real);
	s->sources[*source].real = ptr_steal(&real);
	return 0;
}

static void source_select(struct case_set *s, uint32_t source)
{
	for (uint32_t i = 0; i < s->sources[source].count; i++)
		s->cases[s->sources[source].first + i].selected = true;
}

struct folder_read {
	struct case_set *s;
	const char *dir;
	struct err *e;
};

static int folder_file(void *ctx, const char *path, const uint32_t *lists, size_t n)
{
	struct folder_read *f = ctx;
	auto_free char *full = strcmp(f->dir, ".") == 0 ? xstrdup(path) : path_join(f->dir, path);
	uint32_t source;

	(void)lists;
	(void)n;
	if (source_read(f->s, full, &source, f->e) < 0)
		return -1;
	source_select(f->s, source);
	return 0;
}

static int folder_load(struct case_set *s, const char *dir, struct err *e)
{
	char *globs[] = { (char[]){ "**/*.spec.yaml" }, (char[]){ "**/*.spec.md" } };
	struct folder_read f = { s, dir, e };
	struct glob_set *g = glob_set_new();
	int rc = glob_set_add(g, globs, 2, e);

	if (rc >= 0)
		rc = glob_set_walk(g, dir, folder_file, &f, e);
	glob_set_free(g);
	return rc;
}

/* FILE#ID: that one case. */
static int one_load(struct case_set *s, const char *path, const char *hash, struct err *e)
{
	auto_free char *file = xstrndup(path, (size_t)(hash - path));
	uint32_t source, c;

	if (source_read(s, file, &source, e) < 0)
		return -1;
	c = case_set_find(s, hash + 1);
	if (c == CASE_NONE || s->cases[c].file != s->sources[source].name)
		return err_set(e, ERR_USAGE, "no case '%s' in '%s'", hash + 1, file);
	s->cases[c].selected = true;
	return 0;
}

static int path_load(struct case_set *s, const char *path, struct err *e)
{
	const char *hash = strrchr(path, '#');
	uint32_t source;
	struct stat st;

	if (stat(path, &st) < 0) {
		if (errno == ENOENT && hash && hash > path && hash[1])
			return one_load(s, path, hash, e);
		return err_set(e, ERR_USAGE, "reading '%s': %s", path, strerror(errno));
	}
	if (S_ISDIR(st.st_mode))
		return folder_load(s, path, e);
	if (source_read(s, path, &source, e) < 0)
		return -1;
	source_select(s, source);
	return 0;
}

/* ---- refs ---- */

static int step_error(const struct spec_case *c, const struct chain_step *step, struct err *e, const char *text)
{
	return err_set(e, ERR_USAGE, "%s:%u:%u: %s", c->file, step->line, step->column, text);
}

static uint32_t source_of(const struct case_set *s, const char *name)
{
	for (uint32_t i = 0; i < s->source_count; i++)
		if (s->sources[i].name == name)
			return i;
	BUG_ON(true);
}

/* A file that the user himself named outside of the root may refer to its neighbours there. */
static bool ref_leads_out(const struct case_set *s, const char *from, const char *to)
{
	auto_free char *cwd = s->root ? getcwd(NULL, 0) : NULL, *from_full = NULL, *to_full = NULL;

	if (!cwd)
		return false;
	from_full = from[0] == '/' ? xstrdup(from) : path_join(cwd, from);
	to_full = to[0] == '/' ? xstrdup(to) : path_join(cwd, to);
	return path_leads_out(s->root, to_full) && !path_leads_out(s->root, from_full);
}

static int step_resolve(struct case_set *s, uint32_t at, uint32_t which, struct err *e)
{
	const char *file = s->cases[at].file, *slash = strrchr(file, '/');
	struct chain_step *step = &s->cases[at].chain.steps[which];
	const char *hash = strrchr(step->ref, '#');
	uint32_t source = source_of(s, file);

	if (hash > step->ref) {
		auto_free char *path = xasprintf("%.*s%.*s", step->ref[0] == '/' || !slash ? 0 : (int)(slash - file + 1),
						 file, (int)(hash - step->ref), step->ref);
		struct err inner = { 0 };

		if (ref_leads_out(s, file, path))
			return err_set(e, ERR_USAGE,
				       "%s:%u:%u: ref '%s' leads out of '%s'; --allow-outside-root allows it",
				       file, step->line, step->column, step->ref, s->root);
		if (source_read(s, path, &source, &inner) < 0)
			return step_error(&s->cases[at], step, e, inner.msg);
	}
	step = &s->cases[at].chain.steps[which]; /* reading may have moved the cases */
	step->target = case_set_find(s, hash + 1);
	if (step->target == CASE_NONE || s->cases[step->target].file != s->sources[source].name) {
		struct nearest near;
		char hint[NEAREST_HINT_SIZE], quoted[VALUE_QUOTE_SIZE], text[400];

		nearest_init(&near, hash + 1);
		for (uint32_t i = 0; i < s->sources[source].count; i++)
			nearest_offer(&near, s->cases[s->sources[source].first + i].id);
		snprintf(text, sizeof(text), "no case %s in '%.128s'%s", value_quote(hash + 1, quoted),
			 s->sources[source].name, nearest_hint(near.best, hint));
		return step_error(&s->cases[at], step, e, text);
	}
	return 0;
}

enum colour { WHITE, GREY, BLACK };

static int cycle_visit(const struct case_set *s, uint32_t at, uint8_t *colour, uint32_t *path, uint32_t depth,
		       struct err *e)
{
	const struct spec_case *c = &s->cases[at];

	colour[at] = GREY;
	path[depth] = at;
	for (uint32_t i = 0; i < c->chain.step_count + c->use_count; i++) {
		bool is_step = i < c->chain.step_count;
		uint32_t target = is_step ? c->chain.steps[i].target : c->uses[i - c->chain.step_count].target;
		struct chain_step here = { .line = c->line, .column = c->column };
		const struct chain_step *step = is_step ? &c->chain.steps[i] : &here;
		auto_str text = STR_INIT;
		uint32_t from = 0;

		if (colour[target] == BLACK)
			continue;
		if (colour[target] == WHITE) {
			if (depth + 1 >= CHAIN_DEPTH_MAX)
				return step_error(c, step, e, "chains are nested too deep");
			if (cycle_visit(s, target, colour, path, depth + 1, e) < 0)
				return -1;
			continue;
		}
		while (path[from] != target)
			from++;
		str_add(&text, "cycle in chain: ");
		for (; from <= depth; from++)
			str_addf(&text, "%s -> ", s->cases[path[from]].id);
		str_add(&text, s->cases[target].id);
		return step_error(c, step, e, str_cstr(&text));
	}
	colour[at] = BLACK;
	return 0;
}

/* ---- ${step.export} ---- */

static int use_error(const struct spec_case *c, const struct template_ref *r, const char *why, struct err *e)
{
	return err_set(e, ERR_USAGE, "%s:%u:%u: case '%s': '%.*s': %s", c->file, c->line, c->column, c->id,
		       (int)(r->end - r->start), r->start, why);
}

static bool step_named(const struct chain_step *step, const struct template_ref *r)
{
	return strlen(step->id) == r->name_len && memcmp(step->id, r->name, r->name_len) == 0;
}

static bool has_export(const struct spec_case *c, const struct template_ref *r)
{
	for (uint32_t i = 0; i < c->export_count; i++)
		if (strlen(c->exports[i].name) == r->key_len && memcmp(c->exports[i].name, r->key, r->key_len) == 0)
			return true;
	return false;
}

/* Whose export a name means for case `at`: a step of its own chain, else an earlier step of the chains
 * that it is a step of - in all of them the same one. */
static int use_target(const struct case_set *s, uint32_t at, const struct template_ref *r, uint32_t *target,
		      struct err *e)
{
	const struct spec_case *c = &s->cases[at];

	*target = CASE_NONE;
	for (uint32_t i = 0; i < c->chain.step_count; i++)
		if (step_named(&c->chain.steps[i], r)) {
			*target = c->chain.steps[i].target;
			return 0;
		}
	for (uint32_t k = 0; k < s->count; k++) {
		const struct chain *chain = &s->cases[k].chain;
		uint32_t seen = CASE_NONE;

		for (uint32_t i = 0; i < chain->step_count; i++) {
			if (step_named(&chain->steps[i], r))
				seen = chain->steps[i].target;
			if (chain->steps[i].target != at)
				continue;
			if (seen == CASE_NONE || (*target != CASE_NONE && *target != seen))
				return use_error(c, r, "not the same step before it in every chain that it is a step of", e);
			*target = seen;
		}
	}
	return *target == CASE_NONE ? use_error(c, r, "no step of that name comes before it", e) : 0;
}

static int text_uses(struct case_set *s, uint32_t at, const char *text, struct err *e)
{
	struct spec_case *c = &s->cases[at];
	struct template_ref r;

	while (text && template_next(&text, &r)) {
		uint32_t target;
		bool known = false;

		if (use_target(s, at, &r, &target, e) < 0)
			return -1;
		if (!has_export(&s->cases[target], &r))
			return use_error(c, &r, "the step exports no such name", e);
		for (uint32_t i = 0; i < c->use_count; i++)
			known |= strlen(c->uses[i].name) == r.name_len && memcmp(c->uses[i].name, r.name, r.name_len) == 0;
		if (known)
			continue;
		c->uses = xreallocarray(c->uses, c->use_count + 1, sizeof(*c->uses));
		c->uses[c->use_count++] = (struct case_use){ xstrndup(r.name, r.name_len), target };
	}
	return 0;
}

static int list_uses(struct case_set *s, uint32_t at, const struct strv *l, struct err *e)
{
	for (size_t i = 0; i < l->n; i++)
		if (text_uses(s, at, l->v[i], e) < 0)
			return -1;
	return 0;
}

static int expectations_uses(struct case_set *s, uint32_t at, const struct expectations *l, struct err *e)
{
	for (size_t i = 0; i < l->n; i++)
		if (text_uses(s, at, l->v[i].text, e) < 0 || text_uses(s, at, l->v[i].path, e) < 0)
			return -1;
	return 0;
}

static int case_uses(struct case_set *s, uint32_t at, struct err *e)
{
	const struct spec_case *c = &s->cases[at];
	const struct harness *h = &c->harness;

	if (h->type == HARNESS_CLI_RUN &&
	    (list_uses(s, at, &h->argv, e) < 0 || list_uses(s, at, &h->env, e) < 0 ||
	     text_uses(s, at, h->cwd, e) < 0 || text_uses(s, at, h->stdin_text, e) < 0))
		return -1;
	if (expectations_uses(s, at, &c->must, e) < 0 || expectations_uses(s, at, &c->must_not, e) < 0 ||
	    expectations_uses(s, at, &c->may, e) < 0)
		return -1;
	return 0;
}

int case_set_resolve(struct case_set *s, struct err *e)
{
	auto_free uint8_t *colour = NULL;
	uint32_t path[CHAIN_DEPTH_MAX + 1];

	for (uint32_t i = 0; i < s->count; i++) /* count grows while refs bring in files */
		for (uint32_t k = 0; k < s->cases[i].chain.step_count; k++)
			if (step_resolve(s, i, k, e) < 0)
				return -1;
	for (uint32_t i = 0; i < s->count; i++)
		if (case_uses(s, i, e) < 0)
			return -1;
	colour = xcalloc(s->count + 1, 1);
	for (uint32_t i = 0; i < s->count; i++)
		if (colour[i] == WHITE && cycle_visit(s, i, colour, path, 0, e) < 0)
			return -1;
	return 0;
}

int case_set_load(struct case_set *s, char *const paths[], size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (path_load(s, paths[i], e) < 0)
			return -1;
	return case_set_resolve(s, e);
}
