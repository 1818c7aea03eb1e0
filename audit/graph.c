/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/graph.h"

#include "audit/python/machine.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct files {
	struct strv found;
	struct strv skipped;
};

static bool is_excluded(const char *name)
{
	static const char *const words[] = { "node_modules", "__pycache__", "venv", "site-packages", "build", "dist" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i], name) == 0)
			return true;
	return name[0] == '.';
}

/* Links to folders are not followed: no cycle. */
static void gather(struct files *f, const char *dir, int depth)
{
	DIR *d = depth < 64 ? opendir(dir) : NULL;
	struct dirent *item;

	while (d && (item = readdir(d))) {
		auto_free char *path = path_join(dir, item->d_name);
		struct stat st;

		if (item->d_name[0] == '.' || lstat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && !is_excluded(item->d_name))
			gather(f, path, depth + 1);
		else if (str_ends(item->d_name, ".py") && stat(path, &st) == 0 && S_ISREG(st.st_mode))
			strv_add(&f->found, path);
	}
	if (d)
		closedir(d);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *module_of(const char *path, bool *is_package)
{
	char *name = xstrndup(path, strlen(path) - strlen(".py"));
	size_t n = strlen(name);

	for (char *c = name; *c; c++)
		if (*c == '/')
			*c = '.';
	*is_package = str_ends(name, ".__init__");
	if (*is_package)
		name[n - strlen(".__init__")] = '\0';
	return name;
}

static struct source *sources_read(const char *root, struct files *f, size_t max_bytes, size_t *count)
{
	struct source *list = xcalloc(f->found.n + 1, sizeof(*list));
	size_t n = 0;

	if (f->found.n)
		qsort(f->found.v, f->found.n, sizeof(*f->found.v), by_text);
	for (size_t i = 0; i < f->found.n; i++) {
		struct source *s = &list[n];
		struct err ignored = { 0 };

		if (i && strcmp(f->found.v[i], f->found.v[i - 1]) == 0)
			continue;
		s->path = path_relative(root, f->found.v[i]);
		if (file_read(f->found.v[i], max_bytes, &s->text, &s->len, &ignored) < 0) {
			strv_take(&f->skipped, s->path);
			continue;
		}
		tree_parse("python", s->text, s->len, &s->tree);
		s->module = module_of(s->path, &s->is_package);
		n++;
	}
	*count = n;
	return list;
}

struct node {
	const char *name, *kind;
	const struct definition *def;
};

static int by_name(const void *a, const void *b)
{
	const struct node *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : (x->def < y->def) - (x->def > y->def); /* the later definition first */
}

static int by_place(const void *a, const void *b)
{
	const struct call_site *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return (x->node > y->node) - (x->node < y->node);
}

static bool is_shown(const struct call_site *s)
{
	return s->target_count && s->target_count <= VALUE_TARGETS_MAX;
}

static const char *caller_of(const struct machine *m, const struct call_site *s)
{
	return m->defs[s->caller].name;
}

/* The callee's text: spaces squeezed, at most 80 bytes. */
static void callee_text(const struct machine *m, const struct call_site *s, struct str *out)
{
	const struct source *f = &m->sources[s->source];
	const struct tree_node *n = &f->tree.nodes[s->node];
	bool space = false;

	for (uint32_t c = n->kind == K_call ? n->first : 0; c; c = f->tree.nodes[c].next)
		if (f->tree.nodes[c].field == F_function)
			n = &f->tree.nodes[c];
	for (uint32_t i = n->start; i < n->end && out->len < 80; i++) {
		bool blank = strchr(" \t\r\n", f->text[i]) != NULL;

		if (!blank && space)
			str_addc(out, ' ');
		if (!blank)
			str_addc(out, f->text[i]);
		space = blank;
	}
}

static void node_write(struct json *j, const struct machine *m, const struct node *n)
{
	const struct source *s = n->def ? &m->sources[n->def->source] : NULL;

	json_object(j, n->name);
	json_str(j, "fqname", n->name);
	json_str(j, "kind", n->kind);
	json_str(j, "language", "python");
	json_str(j, "file", s ? s->path : NULL);
	if (s) {
		json_int(j, "line", n->def->kind == DEF_MODULE ? 1 : s->tree.nodes[n->def->node].line);
		json_int(j, "end_line", n->def->kind == DEF_MODULE ?
			(int64_t)s->tree.lines : s->tree.nodes[n->def->node].end_line);
	} else {
		json_null(j, "line");
		json_null(j, "end_line");
	}
	json_array(j, "calls");
	for (uint32_t i = 0; n->def && i < m->site_count; i++) {
		const struct call_site *c = &m->sites[i];
		auto_str text = STR_INIT;

		if (strcmp(caller_of(m, c), n->name) != 0)
			continue;
		for (uint32_t k = 0; is_shown(c) && k < c->target_count; k++)
			json_str(j, NULL, m->h.texts[c->targets[k]]);
		callee_text(m, c, &text);
		if (!is_shown(c) && c->reason)
			json_strn(j, NULL, str_cstr(&text), text.len);
	}
	json_array_end(j);
	json_bool(j, "is_async", n->def && n->def->is_async);
	json_object_end(j);
}

static const char *kind_of(const struct definition *d)
{
	return d->kind == DEF_MODULE ? "module" : d->kind == DEF_LAMBDA ? "lambda" : d->is_method ?
		"method" : "function";
}

static void nodes_write(struct json *j, const struct machine *m)
{
	size_t n = 0, cap = m->def_count;
	struct node *list;

	for (uint32_t i = 0; i < m->site_count; i++)
		cap += m->sites[i].target_count;
	list = xcalloc(cap + 1, sizeof(*list));
	for (uint32_t i = 0; i < m->def_count; i++)
		if (m->defs[i].kind != DEF_CLASS)
			list[n++] = (struct node){ m->defs[i].name, kind_of(&m->defs[i]), &m->defs[i] };
	for (uint32_t i = 0; i < m->site_count; i++)
		for (uint32_t k = 0; is_shown(&m->sites[i]) && k < m->sites[i].target_count; k++) {
			const char *name = m->h.texts[m->sites[i].targets[k]];

			list[n++] = (struct node){ name, str_starts(name, "<builtin>") ? "builtin" : "external", NULL };
		}
	qsort(list, n, sizeof(*list), by_name);
	json_object(j, "nodes");
	for (size_t i = 0; i < n; i++)
		if (!i || strcmp(list[i].name, list[i - 1].name) != 0)
			node_write(j, m, &list[i]);
	json_object_end(j);
	free(list);
}

struct edge {
	const char *from, *to;
};

static int by_edge(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;
	int c = strcmp(x->from, y->from);

	return c ? c : strcmp(x->to, y->to);
}

static void edges_write(struct json *j, const struct machine *m)
{
	struct edge *list = xcalloc((size_t)m->site_count * VALUE_TARGETS_MAX + 1, sizeof(*list));
	size_t n = 0;

	for (uint32_t i = 0; i < m->site_count; i++)
		for (uint32_t k = 0; is_shown(&m->sites[i]) && k < m->sites[i].target_count; k++)
			list[n++] = (struct edge){ caller_of(m, &m->sites[i]), m->h.texts[m->sites[i].targets[k]] };
	qsort(list, n, sizeof(*list), by_edge);
	json_object(j, "edges");
	for (size_t i = 0; i < n; i++) {
		bool first = !i || strcmp(list[i].from, list[i - 1].from) != 0;

		if (first)
			json_array(j, list[i].from);
		if (first || strcmp(list[i].to, list[i - 1].to) != 0)
			json_str(j, NULL, list[i].to);
		if (i + 1 == n || strcmp(list[i].from, list[i + 1].from) != 0)
			json_array_end(j);
	}
	json_object_end(j);
	free(list);
}

static void unresolved_write(struct json *j, const struct machine *m)
{
	json_array(j, "unresolved");
	for (uint32_t i = 0; i < m->site_count; i++) {
		const struct call_site *c = &m->sites[i];
		const struct source *s = &m->sources[c->source];
		const char *reason = c->target_count > VALUE_TARGETS_MAX ? "too_many_targets" : c->reason;
		auto_str text = STR_INIT;

		if (!reason || (is_shown(c) && strcmp(reason, "eval_exec") != 0))
			continue;
		callee_text(m, c, &text);
		json_object(j, NULL);
		json_str(j, "function", caller_of(m, c));
		json_str(j, "file", s->path);
		json_int(j, "line", s->tree.nodes[c->node].line);
		json_strn(j, "callee", str_cstr(&text), text.len);
		json_str(j, "cost_class", "unresolved");
		json_int(j, "weight", 0);
		json_str(j, "reason", reason);
		json_object_end(j);
	}
	json_array_end(j);
}

static void document_write(const struct machine *m, const struct files *f, struct str *out)
{
	struct json j;
	int64_t lines = 0, functions = 0;

	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	for (size_t i = 0; i < m->source_count; i++)
		lines += m->sources[i].tree.lines;
	for (uint32_t i = 0; i < m->def_count; i++)
		functions += m->defs[i].kind == DEF_FUNCTION || m->defs[i].kind == DEF_LAMBDA;
	json_object(&j, "languages");
	json_object(&j, "python");
	json_int(&j, "files", (int64_t)m->source_count);
	json_int(&j, "lines", lines);
	json_int(&j, "functions", functions);
	json_array(&j, "parse_errors");
	for (size_t i = 0; i < m->source_count; i++)
		if (m->sources[i].tree.has_errors)
			json_str(&j, NULL, m->sources[i].path);
	json_array_end(&j);
	json_array(&j, "skipped");
	for (size_t i = 0; i < f->skipped.n; i++)
		json_str(&j, NULL, f->skipped.v[i]);
	json_array_end(&j);
	json_object_end(&j);
	json_object_end(&j);
	nodes_write(&j, m);
	edges_write(&j, m);
	unresolved_write(&j, m);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}

static int files_find(struct files *f, const char *root, char *const paths[], size_t count, struct err *e)
{
	if (!count)
		gather(f, root, 0);
	for (size_t i = 0; i < count; i++) {
		auto_free char *path = realpath(paths[i], NULL);
		struct stat st;

		if (!path || stat(path, &st) < 0)
			return err_set(e, ERR_USAGE, "audit: no file or folder '%s'", paths[i]);
		if (S_ISDIR(st.st_mode))
			gather(f, path, 0);
		else
			strv_add(&f->found, path);
	}
	return f->found.n ? 0 : err_set(e, ERR_USAGE, "audit: no Python source (*.py) there");
}

static void sources_free(struct source *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(s[i].path);
		free(s[i].module);
		free(s[i].text);
		tree_free_nodes(&s[i].tree);
	}
	free(s);
}

int graph_write(const char *root, char *const paths[], size_t count, size_t max_bytes, struct str *out, struct err *e)
{
	struct files f = { 0 };
	struct machine m;
	struct source *s;
	size_t n;
	int rc = files_find(&f, root, paths, count, e);

	if (rc == 0) {
		s = sources_read(root, &f, max_bytes, &n);
		machine_run(&m, s, n);
		if (m.site_count)
			qsort(m.sites, m.site_count, sizeof(*m.sites), by_place);
		document_write(&m, &f, out);
		machine_release(&m);
		sources_free(s, n);
	}
	strv_release(&f.found);
	strv_release(&f.skipped);
	return rc;
}
