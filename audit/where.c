/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/where.h"
#include "audit/write.h"

#include "base/mem.h"
#include "evidence/write.h"

#include <stdlib.h>
#include <string.h>

struct place {
	char *file, *function; /* NULL: not said */
	uint32_t line;
};

static bool is_number(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s) && strlen(s) < 9;
}

/* file:function:line with any part but the file missing; a text without a colon is a function, or a file. */
static struct place place_parse(const struct graph *g, const char *text)
{
	struct place p = { 0 };
	auto_free char *rest = xstrdup(text);
	char *colon = strrchr(rest, ':');
	text_t whole = text_find(&g->texts, text);

	if (whole && graph_find(g, whole) != GRAPH_NONE) {
		p.function = xstrdup(text);
		return p;
	}
	if (colon && is_number(colon + 1)) {
		p.line = (uint32_t)strtoul(colon + 1, NULL, 10);
		*colon = '\0';
		colon = strrchr(rest, ':');
	}
	if (colon) {
		*colon = '\0';
		if (colon[1] && strcmp(colon + 1, "null") != 0)
			p.function = xstrdup(colon + 1);
	}
	p.file = xstrdup(rest);
	return p;
}

static bool is_file(const char *path, const char *said)
{
	size_t n = strlen(path), m = strlen(said);

	if (strncmp(said, "./", 2) == 0)
		return is_file(path, said + 2);
	if (n > m)
		return str_ends(path, said) && path[n - m - 1] == '/';
	return str_ends(said, path) && (n == m || said[m - n - 1] == '/');
}

static bool has_last_name(const char *name, const char *said)
{
	size_t n = strlen(name), m = strlen(said);

	return n >= m && strcmp(name + n - m, said) == 0 && (n == m || strchr("./:", name[n - m - 1]));
}

uint32_t where_find(const struct graph *g, const char *text, uint32_t *line)
{
	struct place p = place_parse(g, text);
	uint32_t best = GRAPH_NONE, best_lines = UINT32_MAX;

	*line = p.line;
	for (uint32_t i = 0; i < g->function_count; i++) {
		const struct graph_function *f = &g->functions[i];
		uint32_t lines = f->kind == GRAPH_MODULE ? UINT32_MAX - 1 : f->end_line - f->line;
		bool inside = !p.line || (p.line >= f->line && p.line <= f->end_line);

		if (f->file == GRAPH_NONE || (p.file && !is_file(graph_text(g, g->files[f->file].path), p.file)))
			continue;
		if (p.function ? !has_last_name(graph_text(g, f->name), p.function) || (p.file && !inside) : !inside)
			continue;
		if (!p.function && !p.line && f->kind != GRAPH_MODULE)
			continue;
		if (lines < best_lines || (lines == best_lines && best == GRAPH_NONE)) {
			best = i;
			best_lines = lines;
		}
	}
	if (best == GRAPH_NONE && p.function && p.file && p.line) {
		/* the line may have moved: the function's name counts */
		auto_free char *shorter = xasprintf("%s:%s", p.file, p.function);
		uint32_t ignored;

		best = where_find(g, shorter, &ignored);
	}
	free(p.file);
	free(p.function);
	return best;
}

uint32_t where_path(const struct profile *p, uint32_t to, uint32_t *path)
{
	const struct graph *g = p->g;
	uint32_t n = p->distance[to] + 1, at = to;

	for (uint32_t i = n; i-- > 0;) {
		path[i] = at;
		/* the caller that breadth-first search met first */
		for (uint32_t k = 0; i && k < p->count; k++) {
			uint32_t f = p->order[k];
			bool calls = false;

			if (p->distance[f] + 1 != p->distance[at])
				continue;
			for (uint32_t c = g->first_call[f]; c < g->first_call[f + 1] && !calls; c++)
				for (uint32_t t = 0; t < g->calls[c].targets.n; t++)
					calls |= graph_find(g, g->pool[g->calls[c].targets.at + t]) == at;
			if (calls) {
				at = f;
				break;
			}
		}
	}
	return n;
}

static int by_distance(const void *a, const void *b)
{
	const struct where_hit *x = a, *y = b;

	if (x->distance != y->distance)
		return x->distance < y->distance ? -1 : 1;
	return strcmp(x->p->action->name, y->p->action->name);
}

size_t where_hits(const struct profile *profiles, size_t n, uint32_t function, struct where_hit *hits)
{
	size_t count = 0;

	for (size_t i = 0; i < n && function != GRAPH_NONE; i++)
		if (profiles[i].distance[function] != GRAPH_NONE)
			hits[count++] = (struct where_hit){ &profiles[i], profiles[i].distance[function] };
	qsort(hits, count, sizeof(*hits), by_distance);
	return count;
}

static void actions_write(struct json *j, const struct graph *g, const struct profile *profiles, size_t n, uint32_t f)
{
	auto_free struct where_hit *hits = xcalloc(n + 1, sizeof(*hits));
	auto_free uint32_t *path = xcalloc((size_t)g->function_count + 1, sizeof(*path));
	size_t count = where_hits(profiles, n, f, hits);

	json_array(j, "actions");
	for (size_t i = 0; i < count; i++) {
		uint32_t steps = where_path(hits[i].p, f, path);

		json_object(j, NULL);
		json_str(j, "name", hits[i].p->action->name);
		json_int(j, "distance", hits[i].distance);
		json_array(j, "path");
		for (uint32_t k = 0; k < steps; k++)
			json_str(j, NULL, graph_text(g, g->functions[path[k]].name));
		json_array_end(j);
		json_object_end(j);
	}
	json_array_end(j);
}

/* A place that a machine named is in an audited file only if that is certain: an absolute path lies below the root, a
 * relative one is the path from there, or the end of one path only. The function, or GRAPH_NONE. */
static uint32_t find_exactly(const struct graph *g, const char *root, const char *text)
{
	struct place p = place_parse(g, text);
	const char *said = p.file, *path = NULL;
	uint32_t matches = 0, line, f = GRAPH_NONE;
	size_t n = strlen(root);
	bool below = said && strncmp(said, root, n) == 0 && said[n] == '/';

	if (below)
		said += n + 1;
	for (uint32_t i = 0; said && *said && (below || *said != '/') && i < g->file_count; i++) {
		const char *have = graph_text(g, g->files[i].path);

		if (strcmp(have, said) == 0) {
			path = have;
			matches = 1;
			break;
		}
		if (!below && is_file(have, said)) {
			path = have;
			matches++;
		}
	}
	if (matches == 1) {
		auto_free char *exact = p.line ? xasprintf("%s:%s:%u", path, p.function ? p.function : "", p.line) :
						 xasprintf("%s:%s", path, p.function ? p.function : "");

		f = where_find(g, exact, &line);
	}
	free(p.file);
	free(p.function);
	return f;
}

/* One row for each action that leads to the place. */
static void place_facts(const struct graph *g, const struct profile *profiles, size_t n, const int64_t *loads,
			const char *root, const char *place, const char *graph_name, struct facts *to)
{
	auto_free struct where_hit *hits = xcalloc(n + 1, sizeof(*hits));
	auto_free uint32_t *path = xcalloc((size_t)g->function_count + 1, sizeof(*path));
	uint32_t f = find_exactly(g, root, place);
	size_t count = where_hits(profiles, n, f, hits);

	for (size_t i = 0; i < count; i++) {
		struct fact_row *row = fact_add(to, FACT_ACTION, graph_name, "/edges");
		uint32_t steps = row ? where_path(hits[i].p, f, path) : 0;
		auto_str text = STR_INIT;

		for (uint32_t k = 0; k < steps; k++)
			str_addf(&text, "%s%s", k ? " → " : "", graph_text(g, g->functions[path[k]].name));
		if (!row)
			return;
		fact_set_text(to, row, FC_ACTION_place, place);
		fact_set_text(to, row, FC_ACTION_name, hits[i].p->action->name);
		fact_set_text(to, row, FC_ACTION_path, str_cstr(&text));
		if (loads[hits[i].p - profiles] >= 0)
			fact_set_int(row, FC_ACTION_load, loads[hits[i].p - profiles]);
		fact_set_int(row, FC_ACTION_distance, hits[i].distance);
	}
}

int where_facts(const struct graph *g, const struct profile *profiles, size_t n, const int64_t *loads, const char *root,
		const char *places, const char *graph_name, struct str *out, struct err *e)
{
	struct facts rows;

	if (facts_init(&rows, e) < 0)
		return -1;
	for (const char *at = places, *end; *at; at = *end ? end + 1 : end) {
		end = at + strcspn(at, "\n");
		auto_free char *place = xstrndup(at, (size_t)(end - at));

		if (*place)
			place_facts(g, profiles, n, loads, root, place, graph_name, &rows);
	}
	facts_sort(&rows);
	evidence_print(&rows, out);
	facts_release(&rows);
	return 0;
}

void where_write(const struct graph *g, const struct costs *c, const struct profile *profiles, size_t n,
	const char *place,
		 struct str *out)
{
	uint32_t line, f = where_find(g, place, &line);
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_str(&j, "place", place);
	json_str(&j, "function", f == GRAPH_NONE ? NULL : graph_text(g, g->functions[f].name));
	actions_write(&j, g, profiles, n, f);
	json_array(&j, "expensive_ops");
	for (uint32_t k = f == GRAPH_NONE ? 0 : c->first_op[f]; f != GRAPH_NONE && k < c->first_op[f + 1]; k++)
		write_op(&j, g, &c->ops.v[k]);
	json_array_end(&j);
	json_array(&j, "unresolved");
	for (uint32_t k = f == GRAPH_NONE ? 0 : g->first_call[f]; f != GRAPH_NONE && k < g->first_call[f + 1]; k++)
		if (graph_is_unresolved(&g->calls[k]))
			write_unresolved(&j, g, &g->calls[k]);
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}
