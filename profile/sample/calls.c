/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/sample/calls.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/path.h"
#include "profile/sample/pstats.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)256 << 20)
enum { TOP = 50 };

struct key {
	const struct calls *c;
	struct call_function f;
};

static bool function_same(const void *arg, uint32_t id)
{
	const struct key *k = arg;
	const struct call_function *x = &k->c->v[id];

	return x->name == k->f.name && x->file == k->f.file && x->line == k->f.line;
}

static void on_function(void *arg, const struct pstats_function *f, const struct pstats_function *caller)
{
	struct calls *c = arg;
	struct key key = { c, { texts_keep(&c->texts, f->name), texts_keep(&c->texts, f->file), f->line, 0, 0, 0 } };
	uint64_t w[3] = { (uint64_t)(uintptr_t)key.f.name, (uint64_t)(uintptr_t)key.f.file, (uint64_t)(uint32_t)f->line };
	uint64_t hash = hash_bytes(4, w, sizeof(w));
	uint32_t id;

	if (caller)
		return;
	id = intern_find(&c->index, hash, function_same, &key);
	if (id == INTERN_NONE) {
		id = intern_add(&c->index, hash);
		if (id >= c->cap) {
			c->cap = c->cap ? c->cap * 2 : 256;
			c->v = xreallocarray(c->v, c->cap, sizeof(*c->v));
		}
		c->v[id] = key.f;
	}
	c->v[id].calls += f->calls;
	c->v[id].self_s += f->self_s;
	c->v[id].total_s += f->total_s;
	c->calls += f->calls;
}

static int slowest_first(const void *a, const void *b)
{
	const struct call_function *x = a, *y = b;
	int by_name;

	if (x->self_s > y->self_s || x->self_s < y->self_s)
		return x->self_s > y->self_s ? -1 : 1;
	by_name = strcmp(x->name, y->name);
	return by_name ? by_name : x->line < y->line ? -1 : x->line > y->line;
}

static void missed_add(struct calls *c, int32_t pid, const struct profile *p, const char *reason)
{
	struct call_missed *m;

	c->missed = xreallocarray(c->missed, c->missed_n + 1, sizeof(*c->missed));
	m = &c->missed[c->missed_n++];
	*m = (struct call_missed){ .pid = pid, .reason = xstrdup(reason) };
	for (size_t i = 0; p && i < p->thread_count; i++)
		if (p->threads[i].pid == pid && p->threads[i].tid == pid)
			m->argv = &p->threads[i].argv;
}

static bool is_python(const struct prof_thread *t)
{
	const char *word = t->argv.n ? t->argv.v[0] : t->comm, *slash = strrchr(word, '/');
	const char *base = slash ? slash + 1 : word;

	return t->pid == t->tid && (strncmp(base, "python3", 7) == 0 || strcmp(base, "python") == 0);
}

/* Options before the program that keep our folder from being looked at. */
static const char *option_of(const struct strv *argv)
{
	for (size_t i = 1; i < argv->n && argv->v[i][0] == '-' && argv->v[i][1] != '-'; i++) {
		if (strpbrk(argv->v[i], "cm"))
			break;
		if (strchr(argv->v[i], 'I'))
			return "it was started with -I, which ignores PYTHONPATH";
		if (strchr(argv->v[i], 'E'))
			return "it was started with -E, which ignores PYTHONPATH";
		if (strchr(argv->v[i], 'S'))
			return "it was started with -S, which runs no sitecustomize";
	}
	return NULL;
}

static bool has_file(const struct calls *c, int32_t pid)
{
	char name[64];

	snprintf(name, sizeof(name), "cprofile-%d.pstats", pid);
	return strv_has(&c->files, name);
}

static void missed_find(struct calls *c, const struct profile *p)
{
	for (size_t i = 0; p && i < p->thread_count; i++) {
		const struct prof_thread *t = &p->threads[i];
		const char *why;

		if (!is_python(t) || has_file(c, t->pid))
			continue;
		why = option_of(&t->argv);
		missed_add(c, t->pid, p, why ? why :
			   "its environment does not lead to our hook, it is not CPython 3.8 or later, or it was "
			   "killed within its first two seconds");
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void read_file(struct calls *c, const char *raw, const char *name, const struct profile *p)
{
	auto_free char *path = path_join(raw, name), *text = NULL;
	int32_t pid = (int32_t)strtol(name + strlen("cprofile-"), NULL, 10);
	struct err e = { 0 };
	size_t n;

	if (file_read(path, FILE_BYTES_MAX, &text, &n, &e) < 0) {
		missed_add(c, pid, p, e.msg);
	} else if (str_ends(name, ".missed")) {
		missed_add(c, pid, p, text);
		path_remove_tree(path, &e);
	} else if (pstats_read(text, n, on_function, c, &e) < 0) {
		missed_add(c, pid, p, e.msg);
	}
}

void calls_read(struct calls *c, const char *raw, const struct profile *p)
{
	struct strv all = STRV_INIT;
	DIR *d = opendir(raw);

	*c = (struct calls){ .files = STRV_INIT };
	for (struct dirent *ent; d && (ent = readdir(d));)
		if (str_starts(ent->d_name, "cprofile-") &&
		    (str_ends(ent->d_name, ".pstats") || str_ends(ent->d_name, ".missed")))
			strv_add(&all, ent->d_name);
	if (d)
		closedir(d);
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), by_text);
	for (size_t i = 0; i < all.n; i++) {
		if (str_ends(all.v[i], ".pstats"))
			strv_add(&c->files, all.v[i]);
		read_file(c, raw, all.v[i], p);
	}
	strv_release(&all);
	missed_find(c, p);
	if (c->index.n)
		qsort(c->v, c->index.n, sizeof(*c->v), slowest_first);
}

void calls_release(struct calls *c)
{
	for (size_t i = 0; i < c->missed_n; i++)
		free(c->missed[i].reason);
	free(c->missed);
	free(c->v);
	intern_release(&c->index);
	texts_release(&c->texts);
	strv_release(&c->files);
}

static void metrics_missed(const struct calls *c, struct json *j)
{
	json_array(j, "missed");
	for (size_t i = 0; i < c->missed_n; i++) {
		json_object(j, NULL);
		json_int(j, "pid", c->missed[i].pid);
		json_array(j, "argv");
		for (size_t k = 0; c->missed[i].argv && k < c->missed[i].argv->n; k++)
			json_str(j, NULL, c->missed[i].argv->v[k]);
		json_array_end(j);
		json_str(j, "reason", c->missed[i].reason);
		json_object_end(j);
	}
	json_array_end(j);
}

void calls_metrics(const struct calls *c, struct json *j)
{
	json_int(j, "call_count", (int64_t)c->calls);
	json_uint(j, "functions_count", c->index.n);
	json_uint(j, "processes_count", c->files.n);
	metrics_missed(c, j);
	json_array(j, "top");
	for (uint32_t i = 0; i < c->index.n && i < TOP; i++) {
		const struct call_function *f = &c->v[i];

		json_object(j, NULL);
		json_str(j, "function", f->name);
		json_str(j, "file", f->file);
		json_int(j, "line", f->line);
		json_int(j, "call_count", (int64_t)f->calls);
		json_fixed(j, "total_time_us", f->total_s * 1e6, 3);
		json_fixed(j, "self_time_us", f->self_s * 1e6, 3);
		json_fixed(j, "avg_time_us", f->calls > 0 ? f->total_s * 1e6 / f->calls : 0, 3);
		json_object_end(j);
	}
	json_array_end(j);
}
