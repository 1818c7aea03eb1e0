/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/stamp.h"

#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAMP_MAX_BYTES ((size_t)256 << 20)
#define SOURCE_MAX_BYTES ((size_t)1 << 30)
#define HEX_SIZE 17

static void hex_of(uint64_t hash, char out[HEX_SIZE])
{
	snprintf(out, HEX_SIZE, "%016" PRIx64, hash);
}

static void action_print(struct json *j, const struct profile *p)
{
	json_object(j, p->action->name);
	json_array(j, "entry_points");
	for (uint32_t i = 0; i < p->action->entry_count; i++)
		json_str(j, NULL, graph_text(p->g, p->g->functions[p->action->entries[i]].name));
	json_array_end(j);
	json_int(j, "max_depth", p->max_depth);
	json_int(j, "load", p->load);
	json_object_end(j);
}

void stamp_print(const struct graph *g, uint64_t graph_hash, const struct profile *profiles, size_t n, struct str *out)
{
	char hex[HEX_SIZE];
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	hex_of(graph_hash, hex);
	json_str(&j, "call_graph", hex);
	json_object(&j, "files");
	for (uint32_t i = 0; i < g->file_count; i++) {
		if (g->files[i].skipped)
			continue;
		hex_of(g->files[i].hash, hex);
		json_line(&j);
		json_str(&j, graph_text(g, g->files[i].path), hex);
	}
	json_object_end(&j);
	json_object(&j, "actions");
	for (size_t i = 0; i < n; i++)
		action_print(&j, &profiles[i]);
	json_object_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}

void stamp_read(struct stamp *s, const char *path)
{
	auto_free char *text = NULL;
	struct err ignored = { 0 };
	size_t n;

	*s = (struct stamp){ 0 };
	if (file_read(path, STAMP_MAX_BYTES, &text, &n, &ignored) < 0)
		return;
	s->reader = json_reader_text(text, n, path);
	if (json_take(s->reader, &s->v, &ignored) < 0 || s->v->kind != JSON_OBJECT)
		s->v = NULL;
}

void stamp_release(struct stamp *s)
{
	if (s->reader)
		json_reader_free(s->reader);
	*s = (struct stamp){ 0 };
}

static bool is_hash(const struct json_value *v, const char *text, size_t n)
{
	char hex[HEX_SIZE];

	hex_of(sources_hash(text, n), hex);
	return v && v->kind == JSON_STRING && strcmp(v->text, hex) == 0;
}

bool stamp_holds(const struct stamp *s, const char *root, const char *graph, size_t len)
{
	const struct json_value *files = s->v ? json_get(s->v, "files") : NULL;

	if (!files || files->kind != JSON_OBJECT || !is_hash(json_get(s->v, "call_graph"), graph, len))
		return false;
	json_each(file, files) {
		auto_free char *name = xstrndup(file->key, file->key_len), *text = NULL;
		auto_free char *path = name[0] == '/' ? xstrdup(name) : path_join(root, name);
		struct err ignored = { 0 };
		size_t n;

		if (file_read(path, SOURCE_MAX_BYTES, &text, &n, &ignored) < 0 || !is_hash(file, text, n))
			return false;
	}
	return true;
}

static bool has_entries(const struct json_value *list, const struct profile *p)
{
	uint32_t n = 0;

	if (!list || list->kind != JSON_ARRAY)
		return false;
	json_each(name, list) {
		if (n == p->action->entry_count || name->kind != JSON_STRING ||
		    strcmp(name->text, graph_text(p->g, p->g->functions[p->action->entries[n]].name)) != 0)
			return false;
		n++;
	}
	return n == p->action->entry_count;
}

int64_t stamp_load(const struct stamp *s, const struct profile *p)
{
	const struct json_value *actions = s->v ? json_get(s->v, "actions") : NULL;
	const struct json_value *a = actions && actions->kind == JSON_OBJECT ? json_get(actions, p->action->name) : NULL;
	const struct json_value *load = a ? json_get(a, "load") : NULL, *depth = a ? json_get(a, "max_depth") : NULL;

	if (!load || !load->is_integer || !depth || depth->integer != p->max_depth ||
	    !has_entries(json_get(a, "entry_points"), p))
		return -1;
	return load->integer;
}
