/* SPDX-License-Identifier: Apache-2.0 */
#include "history/static_graph.h"

#include "base/json_read.h"
#include "base/mem.h"
#include "base/path.h"
#include "history/artifact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE_MAX_BYTES ((size_t)8 << 20)
#define SIGNATURE_MAX 200
#define NEIGHBOURS_MAX 20
#define NONE SIZE_MAX

struct node {
	char *symbol, *file, *signature;
	bool is_class;
	int64_t line, end_line;
	char body_hash[ARTIFACT_SHA256_SIZE]; /* empty: unknown */
	size_t owner;                         /* its class; NONE */
};
struct edge {
	size_t from, to;
};
struct static_graph {
	struct node *v;
	struct edge *calls;
	size_t n, n_calls, sorted; /* nodes [0, sorted) are in the order of their symbols */
	/* the source file in hand */
	char *path, *text;
	size_t text_n;
};

void static_graph_free(struct static_graph *g)
{
	for (size_t i = 0; g && i < g->n; i++) {
		free(g->v[i].symbol);
		free(g->v[i].file);
		free(g->v[i].signature);
	}
	if (!g)
		return;
	free(g->v);
	free(g->calls);
	free(g->path);
	free(g->text);
	free(g);
}

static struct node *add_node(struct static_graph *g, const char *symbol, bool is_class)
{
	if ((g->n & (g->n - 1)) == 0)
		g->v = xreallocarray(g->v, g->n ? g->n * 2 : 1, sizeof(*g->v));
	g->v[g->n] = (struct node){ .symbol = xstrdup(symbol), .is_class = is_class, .owner = NONE };
	return &g->v[g->n++];
}

static void add_call(struct static_graph *g, size_t from, size_t to)
{
	if ((g->n_calls & (g->n_calls - 1)) == 0)
		g->calls = xreallocarray(g->calls, g->n_calls ? g->n_calls * 2 : 1, sizeof(*g->calls));
	g->calls[g->n_calls++] = (struct edge){ from, to };
}

static int by_symbol(const void *a, const void *b)
{
	return strcmp(((const struct node *)a)->symbol, ((const struct node *)b)->symbol);
}

static size_t find(const struct static_graph *g, const char *symbol)
{
	struct node key = { .symbol = (char *)symbol };
	const struct node *found = g->sorted ? bsearch(&key, g->v, g->sorted, sizeof(*g->v), by_symbol) : NULL;

	return found ? (size_t)(found - g->v) : NONE;
}

static const char *last_part(const char *symbol)
{
	const char *p = symbol + strlen(symbol);

	while (p > symbol && p[-1] != '.' && p[-1] != ':')
		p--;
	return p;
}

/* By its whole name, else by its last part where only one function is called so. */
static size_t find_loose(const struct static_graph *g, const char *symbol)
{
	size_t found = find(g, symbol);

	if (found != NONE)
		return found;
	for (size_t i = 0; i < g->n; i++) {
		if (g->v[i].is_class || strcmp(last_part(g->v[i].symbol), last_part(symbol)) != 0)
			continue;
		if (found != NONE)
			return NONE;
		found = i;
	}
	return found;
}

/* ---- of the audit's graph ---- */

static const char *line_at(const char *text, int64_t line)
{
	for (; line > 1 && text; line--) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return text;
}

/* Signature and hash out of the source, where it can be read. */
static void read_body(struct static_graph *g, struct node *n, const char *root)
{
	auto_free char *path = path_join(root, n->file);
	struct err ignored = { 0 };
	const char *from, *to;
	size_t len;

	if (!g->path || strcmp(g->path, path) != 0) {
		mem_free_ptr(&g->text);
		mem_free_ptr(&g->path);
		if (file_read(path, SOURCE_MAX_BYTES, &g->text, &g->text_n, &ignored) < 0)
			return;
		g->path = xstrdup(path);
	}
	from = g->text ? line_at(g->text, n->line) : NULL;
	if (!from)
		return;
	to = line_at(from, n->end_line - n->line + 2);
	len = to ? (size_t)(to - from) : strlen(from);
	sha256_hex(from, len, n->body_hash);
	from += strspn(from, " \t");
	len = strcspn(from, "\r\n");
	n->signature = xstrndup(from, len < SIGNATURE_MAX ? len : SIGNATURE_MAX);
}

static int64_t number(const struct json_value *v, const char *key)
{
	const struct json_value *m = json_get(v, key);

	return m && m->kind == JSON_NUMBER && m->number > 0 && m->number < 1e9 ? m->integer : 0;
}

static void add_functions(struct static_graph *g, const struct json_value *nodes, const char *root)
{
	json_each (v, nodes) {
		const char *kind = json_get_text(v, "kind"), *file = json_get_text(v, "file");
		struct node *n;

		if (!kind || !file || strcmp(kind, "module") == 0 || strcmp(kind, "builtin") == 0 || strstr(file, ".."))
			continue;
		n = add_node(g, v->key, strcmp(kind, "class") == 0);
		n->file = xstrdup(file);
		n->line = number(v, "line");
		n->end_line = number(v, "end_line");
		if (n->line && n->end_line >= n->line)
			read_body(g, n, root);
	}
	if (g->n)
		qsort(g->v, g->n, sizeof(*g->v), by_symbol);
	g->sorted = g->n;
}

/* A method's class is a node of its own, though the audit, which asks who is called, has none for it. */
static void add_classes(struct static_graph *g, const struct json_value *nodes)
{
	json_each (v, nodes) {
		const char *kind = json_get_text(v, "kind"), *part = last_part(v->key);
		auto_free char *name = part > v->key ? xstrndup(v->key, (size_t)(part - v->key) - 1) : NULL;
		size_t method = find(g, v->key), class = NONE;

		if (!kind || strcmp(kind, "method") != 0 || method == NONE || !name)
			continue;
		class = find(g, name);
		for (size_t i = g->sorted; i < g->n && class == NONE; i++)
			class = strcmp(g->v[i].symbol, name) == 0 ? i : NONE;
		if (class == NONE) {
			class = g->n;
			add_node(g, name, true);
			g->v[class].file = xstrdup(g->v[method].file);
		}
		g->v[method].owner = class;
	}
}

static void add_calls(struct static_graph *g, const struct json_value *edges)
{
	json_each (v, edges) {
		size_t from = find(g, v->key);

		if (from == NONE || v->kind != JSON_ARRAY)
			continue;
		json_each (to, v) {
			size_t callee = to->kind == JSON_STRING ? find(g, to->text) : NONE;

			if (callee != NONE)
				add_call(g, from, callee);
		}
	}
}

static int of_call_graph(struct static_graph *g, const char *text, size_t n, const char *root, struct err *e)
{
	struct json_reader *in = json_reader_text(text, n, "call_graph.json");
	const struct json_value *v, *nodes, *edges;
	int rc = json_take(in, &v, e);

	if (rc == 0) {
		nodes = json_get(v, "nodes");
		edges = json_get(v, "edges");
		if (!nodes || nodes->kind != JSON_OBJECT || !edges || edges->kind != JSON_OBJECT) {
			rc = err_set(e, ERR_FAILURE, "analyze --static: the audit's answer is not a call graph");
		} else {
			add_functions(g, nodes, root);
			add_classes(g, nodes);
			add_calls(g, edges);
		}
	}
	json_reader_free(in);
	return rc;
}

/* ---- as an artifact ---- */

static void write_edge(struct json *j, const char *kind, size_t from, size_t to)
{
	json_line(j);
	json_object(j, NULL);
	json_str(j, "kind", kind);
	json_uint(j, "from", from);
	json_uint(j, "to", to);
	json_object_end(j);
}

static size_t write_graph(const struct static_graph *g, struct str *out)
{
	size_t edges = g->n_calls;
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_str(&j, "kind", "PSG");
	json_array(&j, "nodes");
	for (size_t i = 0; i < g->n; i++) {
		const struct node *n = &g->v[i];

		json_line(&j);
		json_object(&j, NULL);
		json_uint(&j, "id", i);
		json_str(&j, "kind", n->is_class ? "class" : "function");
		json_str(&j, "symbol", n->symbol);
		json_str(&j, "file", n->file);
		n->line ? json_int(&j, "line", n->line) : json_null(&j, "line");
		n->end_line ? json_int(&j, "end_line", n->end_line) : json_null(&j, "end_line");
		json_str(&j, "signature", n->signature);
		json_str(&j, "body_hash", n->body_hash[0] ? n->body_hash : NULL);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_array(&j, "edges");
	for (size_t i = 0; i < g->n_calls; i++)
		write_edge(&j, "call_static", g->calls[i].from, g->calls[i].to);
	for (size_t i = 0; i < g->n; i++) {
		if (g->v[i].owner == NONE)
			continue;
		write_edge(&j, "hasmember", g->v[i].owner, i);
		write_edge(&j, "ismember", i, g->v[i].owner);
		edges += 2;
	}
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
	return edges;
}

/* Hotspots are known by their symbols alone until the source says where they are. */
static int place_hotspots(struct store *s, const char *run_id, const struct static_graph *g, struct err *e)
{
	struct strv symbols = STRV_INIT;
	auto_query *q = query_new(s, "SELECT DISTINCT symbol FROM hotspots WHERE run_id = ? ORDER BY symbol", e);
	int rc = q ? 0 : -1;

	if (q)
		query_bind(q, "t", run_id);
	while (q && (rc = query_step(q, e)) == 1)
		strv_add(&symbols, query_text(q, 0));
	for (size_t i = 0; i < symbols.n && rc == 0; i++) {
		size_t at = find_loose(g, symbols.v[i]);

		if (at != NONE && g->v[at].line && g->v[at].file)
			rc = store_run(
				s, e,
				"UPDATE hotspots SET file_path = ?, line_start = ?, line_end = ? WHERE run_id = ?"
				" AND symbol = ?",
				"tiitt", g->v[at].file, g->v[at].line, g->v[at].end_line, run_id, symbols.v[i]);
	}
	strv_release(&symbols);
	return rc;
}

static int put(struct store *s, const char *run_id, const struct static_graph *g, char id[ARTIFACT_ID_SIZE], size_t *edges,
	       struct err *e)
{
	auto_str text = STR_INIT, meta = STR_INIT;
	struct artifact a;

	*edges = write_graph(g, &text);
	str_addf(&meta, "{\"nodes\":%zu,\"edges\":%zu,\"tool\":\"spec-runner audit\"}", g->n, *edges);
	if (store_run(s, e,
		      "DELETE FROM artifacts WHERE artifact_id IN (SELECT payload_artifact_id FROM graphs WHERE"
		      " run_id = ? AND kind = 'PSG')",
		      "t", run_id) < 0 ||
	    artifact_put(store_dir(s), "graph", str_cstr(&text), text.len, &a, e) < 0 ||
	    artifact_row(s, run_id, &a, "{\"name\":\"psg.json\"}", e) < 0 ||
	    store_run(s, e,
		      "INSERT INTO graphs (run_id, kind, format, payload_artifact_id, metadata_json) VALUES"
		      " (?, 'PSG', 'json', ?, ?)",
		      "ttt", run_id, a.id, str_cstr(&meta)) < 0)
		return -1;
	snprintf(id, ARTIFACT_ID_SIZE, "%s", a.id);
	return place_hotspots(s, run_id, g, e);
}

static void say(const struct static_graph_size *size, const char *run_id, bool json, struct str *out)
{
	struct json j;

	if (!json) {
		str_addf(out, "source: %zu functions and classes, %zu edges\n", size->nodes, size->edges);
		return;
	}
	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_str(&j, "run_id", run_id);
	json_object(&j, "graph");
	json_str(&j, "kind", "PSG");
	json_str(&j, "artifact_id", size->artifact_id);
	json_uint(&j, "nodes", size->nodes);
	json_uint(&j, "edges", size->edges);
	json_object_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}

int static_graph_put(struct store *s, const char *run_id, const char *call_graph, size_t n, const char *root,
		     struct static_graph_size *size, struct err *e)
{
	struct static_graph *g = xcalloc(1, sizeof(*g));
	int rc = of_call_graph(g, call_graph, n, root, e);

	if (rc == 0)
		rc = put(s, run_id, g, size->artifact_id, &size->edges, e);
	size->nodes = g->n;
	static_graph_free(g);
	return rc;
}

int static_graph_write(struct store *s, const char *run_id, const char *call_graph, size_t n, const char *root,
		       bool json, struct str *out, struct err *e)
{
	struct static_graph_size size = { .nodes = 0 };
	int rc;

	if (store_begin(s, e) < 0)
		return -1;
	rc = static_graph_put(s, run_id, call_graph, n, root, &size, e);
	if (rc == 0)
		rc = store_commit(s, e);
	else
		store_rollback(s);
	if (rc == 0)
		say(&size, run_id, json, out);
	return rc;
}

/* ---- back out of the store ---- */

static void read_nodes(struct static_graph *g, const struct json_value *nodes)
{
	json_each (v, nodes) {
		const char *symbol = json_get_text(v, "symbol"), *kind = json_get_text(v, "kind");

		struct node *n;

		if (!symbol || !kind)
			continue;
		n = add_node(g, symbol, strcmp(kind, "class") == 0);
		n->file = json_get_text(v, "file") ? xstrdup(json_get_text(v, "file")) : NULL;
		n->line = number(v, "line");
		n->end_line = number(v, "end_line");
	}
}

/* Nodes of another writer may be in any order: then they are found one by one. */
static void read_edges(struct static_graph *g, const struct json_value *edges)
{
	while (g->sorted < g->n && (!g->sorted || strcmp(g->v[g->sorted - 1].symbol, g->v[g->sorted].symbol) < 0))
		g->sorted++;
	json_each (v, edges) {
		const char *kind = json_get_text(v, "kind");
		const struct json_value *from = json_get(v, "from"), *to = json_get(v, "to");
		size_t a = from && from->kind == JSON_NUMBER && from->number >= 0 ? (size_t)from->integer : NONE;
		size_t b = to && to->kind == JSON_NUMBER && to->number >= 0 ? (size_t)to->integer : NONE;

		if (!kind || a >= g->n || b >= g->n)
			continue;
		if (strcmp(kind, "call_static") == 0)
			add_call(g, a, b);
		else if (strcmp(kind, "ismember") == 0)
			g->v[a].owner = b;
	}
}

static int graph_path(struct store *s, const char *run_id, char **path, struct err *e)
{
	return store_one_text(s, path, e,
			      "SELECT a.path FROM graphs g JOIN artifacts a ON a.artifact_id ="
			      " g.payload_artifact_id WHERE g.run_id = ? AND g.kind = 'PSG' LIMIT 1",
			      "t", run_id);
}

/* Candidates of an optimise loop share the graph of its baseline, which is kept with the loop. */
static int candidate_parent(struct store *s, const char *run_id, char **parent, struct err *e)
{
	return store_one_text(s, parent, e, "SELECT parent_run_id FROM runs WHERE run_id = ? AND kind = 'candidate'", "t",
			      run_id);
}

int static_graph_read(struct store *s, const char *run_id, struct static_graph **g, struct err *e)
{
	auto_free char *path = NULL, *text = NULL, *parent = NULL;
	const struct json_value *v, *nodes, *edges;
	struct json_reader *in;
	size_t n;
	int rc = graph_path(s, run_id, &path, e);

	if (rc == 0 && candidate_parent(s, run_id, &parent, e) == 1 && parent)
		rc = graph_path(s, parent, &path, e);

	*g = NULL;
	if (rc <= 0)
		return rc;
	if (artifact_read(store_dir(s), path, &text, &n, e) < 0)
		return -1;
	in = json_reader_text(text, n, path);
	rc = json_take(in, &v, e);
	nodes = rc == 0 ? json_get(v, "nodes") : NULL;
	edges = rc == 0 ? json_get(v, "edges") : NULL;
	if (nodes && nodes->kind == JSON_ARRAY && edges && edges->kind == JSON_ARRAY) {
		*g = xcalloc(1, sizeof(**g));
		read_nodes(*g, nodes);
		read_edges(*g, edges);
	}
	json_reader_free(in);
	return rc;
}

int static_graph_place(struct store *s, const char *run_id, struct err *e)
{
	struct static_graph *g;
	int rc = static_graph_read(s, run_id, &g, e);

	if (rc == 0 && g)
		rc = store_begin(s, e);
	if (rc == 0 && g) {
		rc = place_hotspots(s, run_id, g, e);
		if (rc == 0)
			rc = store_commit(s, e);
		else
			store_rollback(s);
	}
	static_graph_free(g);
	return rc;
}

static void write_side(const struct static_graph *g, size_t at, bool callers, struct json *j, const char *key)
{
	size_t n = 0;

	json_array(j, key);
	for (size_t i = 0; i < g->n_calls && n < NEIGHBOURS_MAX; i++) {
		const struct edge *c = &g->calls[i];

		if ((callers ? c->to : c->from) != at)
			continue;
		json_str(j, NULL, g->v[callers ? c->from : c->to].symbol);
		n++;
	}
	json_array_end(j);
}

void static_graph_neighbours(const struct static_graph *g, const char *symbol, struct json *j, const char *key)
{
	size_t at = g ? find_loose(g, symbol) : NONE;

	if (at == NONE) {
		json_null(j, key);
		return;
	}
	json_object(j, key);
	write_side(g, at, true, j, "callers");
	write_side(g, at, false, j, "callees");
	json_str(j, "owner", g->v[at].owner != NONE ? g->v[g->v[at].owner].symbol : NULL);
	json_array(j, "refs");
	json_array_end(j);
	json_array(j, "config_guards");
	json_array_end(j);
	json_object_end(j);
}
