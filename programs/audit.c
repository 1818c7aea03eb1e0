/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner audit [PATH...]: the call graph of sources and what is expensive in it, without running them. Exit 0; 1 where
 * a limit of --fail-increase or --fail-load is passed; 2 usage; 125 the output cannot be written. */
#include "audit/drift.h"
#include "audit/graph_read.h"
#include "audit/output.h"
#include "audit/redact.h"
#include "audit/sarif.h"
#include "audit/sources.h"
#include "audit/stamp.h"
#include "audit/where.h"
#include "audit/write.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/path.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"
#include "trace/redact.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MERMAID_DEPTH 5
#define GRAPH_MAX_BYTES ((size_t)2 << 30)
#define PLACES_MAX_BYTES ((size_t)1 << 20)
#define STAMP_NAME "stamp.json"

struct audit {
	struct cli *cli;
	const struct audit_options *o;
	struct model model;
	struct sources sources;
	struct redactor *redactor;
	struct strv roots; /* of imports */
	char *cache_dir;
	struct tree_cache cache;
	struct front_options front;
	struct graph graph;
	struct costs costs;
	void *states[LANGUAGE_COUNT];
	char *graph_text; /* of --graph */
	size_t graph_len;
	struct stamp stamp; /* of --format places */
	struct calibration calibration;
	struct action *actions;
	size_t action_count;
	struct profile *profiles;
	struct front_statements statements;
	struct drift *drift;
};

static void audit_release(struct audit *a)
{
	for (size_t i = 0; a->profiles && i < a->action_count; i++)
		action_profile_release(&a->profiles[i]);
	for (size_t i = 0; i < a->action_count; i++)
		action_release(&a->actions[i]);
	free(a->profiles);
	free(a->actions);
	free(a->statements.v);
	free(a->graph_text);
	stamp_release(&a->stamp);
	drift_free(a->drift);
	calibration_release(&a->calibration);
	sources_done(a->states);
	tree_cache_close(&a->cache);
	sources_release(&a->sources);
	strv_release(&a->roots);
	free(a->cache_dir);
	redactor_free(a->redactor);
	costs_release(&a->costs);
	graph_release(&a->graph);
	model_release(&a->model);
}

static bool is_format(const struct audit *a, const char *name)
{
	return a->o->format && strcmp(a->o->format, name) == 0;
}

static bool is_given(const struct audit *a, const char *key)
{
	return option_source(&a->cli->o, option_by_key(key)) != SOURCE_DEFAULT;
}

/* The folders of imports: those that are given, else src and lib where they are. */
static void roots_find(const struct audit *a, struct strv *out)
{
	static const char *const usual[] = { "src", "lib" };

	strv_copy(out, &a->o->roots);
	for (size_t i = 0; !a->o->roots.n && i < 2; i++) {
		auto_free char *dir = path_join(a->cli->root, usual[i]);
		struct stat st;

		if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
			strv_add(out, usual[i]);
	}
}

/* Names of languages, also with commas between them; TypeScript is read as JavaScript is. */
static void languages_find(const struct audit *a, struct strv *out)
{
	for (size_t i = 0; i < a->o->languages.n; i++)
		for (const char *s = a->o->languages.v[i];;) {
			size_t n = strcspn(s, ",");
			auto_free char *name = xstrndup(s, n);
			bool typescript = strcmp(name, "typescript") == 0 || strcmp(name, "tsx") == 0;

			strv_add(out, typescript ? "javascript" : name);
			if (!s[n])
				break;
			s += n + 1;
		}
}

/* How the sources are read; it holds until audit_release(). */
static const struct front_options *front_options_take(struct audit *a)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	auto_free char *out = path_resolve(a->cli->root, a->o->out);

	a->cache_dir = path_join(out, "cache");
	a->cache.dir = a->o->no_cache ? NULL : a->cache_dir;
	a->cache.write = !a->o->format && !a->o->where;
	roots_find(a, &a->roots);
	a->front = (struct front_options){ .root = a->cli->root, .roots = a->roots.v, .root_count = a->roots.n,
		.cache = &a->cache, .may_keep = redact_finds_nothing, .may_keep_arg = a->redactor,
		.max_steps = (uint64_t)a->model.max_steps,
		.jobs = a->o->jobs ? (unsigned)a->o->jobs : processors > 0 ? (unsigned)processors : 1 };
	return &a->front;
}

static int sources_take(struct audit *a, struct err *e)
{
	bool named = a->cli->operand_count > 0;
	struct strv paths = STRV_INIT, languages = STRV_INIT;
	struct sources_options so = { .root = a->cli->root, .include = &a->o->include, .exclude = &a->o->exclude,
		.languages = &languages, .max_bytes = (size_t)a->o->max_file_bytes };
	int rc;

	if (sodium_init() < 0) /* chooses the digest that is made for this processor */
		return err_set(e, ERR_FAILURE, "libsodium cannot be used here");
	for (size_t i = 0; !named && i < a->o->paths.n; i++) /* of the file: from the root */
		strv_take(&paths, a->o->paths.v[i][0] == '/' ? xstrdup(a->o->paths.v[i]) :
							       path_join(a->cli->root, a->o->paths.v[i]));
	languages_find(a, &languages);
	so.paths = named ? a->cli->operands : paths.v;
	so.path_count = named ? (size_t)a->cli->operand_count : paths.n;
	rc = sources_read(&a->sources, &so, e);
	if (rc == 0) {
		sources_graph(&a->sources, front_options_take(a), &a->graph, a->states);
		graph_finish(&a->graph, (uint32_t)a->model.max_targets);
		costs_find(&a->costs, &a->graph, &a->model, a->cli->root);
	}
	strv_release(&paths);
	strv_release(&languages);
	return rc;
}

/* The last audit's graph, for --format places: nothing is said from one that is not of the sources that are there. */
static int last_graph_take(struct audit *a, struct err *e)
{
	auto_free char *dir = path_resolve(a->cli->root, a->o->out), *stamp = path_join(dir, "cache/" STAMP_NAME);
	auto_free char *graph = path_join(dir, "call_graph.json");

	if (!a->o->where)
		return err_set(e, ERR_USAGE, "--format places needs --where FILE");
	if (file_read(graph, GRAPH_MAX_BYTES, &a->graph_text, &a->graph_len, e) < 0)
		return -1;
	stamp_read(&a->stamp, stamp);
	if (!stamp_holds(&a->stamp, a->cli->root, a->graph_text, a->graph_len))
		return err_set(e, ERR_FAILURE, "%s: the sources have changed since", graph);
	return graph_read(&a->graph, &a->costs, a->graph_text, a->graph_len, graph, e);
}

static int graph_take(struct audit *a, struct err *e)
{
	if (is_format(a, "places"))
		return last_graph_take(a, e);
	if (!a->o->graph)
		return sources_take(a, e);
	if (a->cli->operand_count)
		return err_set(e, ERR_USAGE, "--graph takes the place of sources: '%s' is too much", a->cli->operands[0]);
	if (file_read(a->o->graph, GRAPH_MAX_BYTES, &a->graph_text, &a->graph_len, e) < 0) {
		e->kind = ERR_USAGE;
		return err_add(e, "--graph");
	}
	return graph_read(&a->graph, &a->costs, a->graph_text, a->graph_len, a->o->graph, e) < 0 ? err_add(e,
		"--graph") : 0;
}

static struct action *action_new(struct audit *a, const char *name, const char *description)
{
	a->actions = xreallocarray(a->actions, a->action_count + 1, sizeof(*a->actions));
	a->actions[a->action_count] = (struct action){ .name = xstrdup(name), .description = xstrdup(description) };
	return &a->actions[a->action_count++];
}

static int declared_add(struct audit *a, const struct audit_action *d, struct err *e)
{
	struct action *x = action_new(a, d->name, d->description);

	strv_copy(&x->patterns, &d->entry_points);
	return action_resolve(x, &a->graph, d->place, e);
}

static int named_add(struct audit *a, const char *name, struct err *e)
{
	const struct config *c = &a->cli->config;
	struct nearest near;
	char hint[NEAREST_HINT_SIZE];

	for (size_t i = 0; i < a->action_count; i++)
		if (strcmp(a->actions[i].name, name) == 0)
			return err_set(e, ERR_USAGE, "--action: '%s' is given twice", name);
	nearest_init(&near, name);
	for (size_t i = 0; i < c->action_count; i++) {
		if (strcmp(c->actions[i].name, name) == 0)
			return declared_add(a, &c->actions[i], e);
		nearest_offer(&near, c->actions[i].name);
	}
	return err_set(e, ERR_USAGE, "--action: no action '%s' is declared in audit.actions%s", name,
		nearest_hint(near.best, hint));
}

static int actions_find(struct audit *a, struct err *e)
{
	const struct config *c = &a->cli->config;
	struct action *x;

	for (size_t i = 0; i < a->o->actions.n; i++)
		if (named_add(a, a->o->actions.v[i], e) < 0)
			return -1;
	if (a->o->entries.n) {
		x = action_new(a, a->o->entries.v[0], "");
		strv_copy(&x->patterns, &a->o->entries);
		if (action_resolve(x, &a->graph, "--entry", e) < 0)
			return -1;
		for (size_t i = 0; i + 1 < a->action_count; i++)
			if (strcmp(a->actions[i].name, x->name) == 0)
				return err_set(e, ERR_USAGE, "--entry: there is an action '%s' besides", x->name);
	}
	for (size_t i = 0; !a->o->actions.n && !a->o->entries.n && i < c->action_count; i++)
		if (declared_add(a, &c->actions[i], e) < 0)
			return -1;
	return 0;
}

/* Statements of all functions that any action reaches. */
static void statements_find(struct audit *a)
{
	struct graph *g = &a->graph;
	auto_free bool *marked = xcalloc((size_t)g->function_count + 1, sizeof(*marked));
	auto_free uint32_t *distance = xcalloc((size_t)g->function_count + 1, sizeof(*distance));
	auto_free uint32_t *order = xcalloc((size_t)g->function_count + 1, sizeof(*order));

	for (size_t i = 0; i < a->action_count; i++) {
		uint32_t n = subgraph_find(g, &a->actions[i], (uint32_t)a->o->depth, distance, order);

		while (n)
			marked[order[--n]] = true;
	}
	for (size_t i = 0; fronts[i]; i++)
		if (a->states[fronts[i]->language] && fronts[i]->statements)
			fronts[i]->statements(a->states[fronts[i]->language], g, marked, &a->statements);
}

static int profiles_make(struct audit *a, struct err *e)
{
	if (actions_find(a, e) < 0)
		return -1;
	statements_find(a);
	a->profiles = xcalloc(a->action_count + 1, sizeof(*a->profiles));
	for (size_t i = 0; i < a->action_count; i++)
		action_profile_make(&a->profiles[i], &a->graph, &a->costs, &a->model, &a->actions[i],
			(uint32_t)a->o->depth,
			     a->graph_text ? NULL : &a->statements);
	if (a->drift)
		drift_compare(a->drift, a->profiles, a->action_count);
	return 0;
}

static int calibrate(struct audit *a, struct err *e)
{
	for (size_t i = 0; i < a->o->calibrate.n; i++)
		if (calibration_read(&a->calibration, a->o->calibrate.v[i], a->o->sample_ns, e) < 0)
			return -1;
	if (a->o->calibrate.n)
		calibration_apply(&a->calibration, &a->graph, &a->costs, &a->model);
	return 0;
}

/* The documents of one action. */
struct texts_of {
	struct str mermaid, markdown, json;
};

static void action_render(const struct audit *a, const struct profile *p, struct texts_of *t)
{
	uint32_t depth = is_given(a, "audit.depth") || a->o->depth < MERMAID_DEPTH ?
		(uint32_t)a->o->depth : MERMAID_DEPTH;

	output_mermaid(p, depth, &t->mermaid);
	output_markdown(p, str_cstr(&t->mermaid), &t->markdown);
	output_json(p, str_cstr(&t->mermaid), str_cstr(&t->markdown), false, &t->json);
}

static void texts_of_release(struct texts_of *t)
{
	str_release(&t->mermaid);
	str_release(&t->markdown);
	str_release(&t->json);
}

/* Files that are committed together. */
struct batch {
	struct file_out *files;
	size_t n;
	const char *dir;
};

static int batch_add(struct batch *b, const char *name, const struct str *text, struct err *e)
{
	auto_free char *path = path_join(b->dir, name);

	b->files = xreallocarray(b->files, b->n + 1, sizeof(*b->files));
	if (file_out_open(&b->files[b->n], path, e) < 0)
		return -1;
	file_out_write(&b->files[b->n++], str_cstr(text), text->len);
	return 0;
}

static int batch_end(struct batch *b, int rc, struct err *e)
{
	for (size_t i = 0; i < b->n; i++)
		if (rc < 0)
			file_out_abort(&b->files[i]);
		else
			rc = file_out_commit(&b->files[i], e);
	free(b->files);
	return rc;
}

static int action_files(struct audit *a, struct batch *b, const struct profile *p, bool json, bool markdown, bool mermaid,
			struct err *e)
{
	struct texts_of t = { 0 };
	auto_free char *name = xstrdup(p->action->name);
	int rc = 0;

	for (char *c = name; *c; c++)
		if (*c == '/')
			*c = '_';
	action_render(a, p, &t);
	for (int k = 0; k < 3 && rc == 0; k++) {
		static const char *const endings[] = { "json", "md", "mmd" };
		const struct str *text = k == 0 ? &t.json : k == 1 ? &t.markdown : &t.mermaid;
		auto_free char *file = xasprintf("actions/%s.%s", name, endings[k]);

		if (k == 0 ? json : k == 1 ? markdown : mermaid)
			rc = batch_add(b, file, text, e);
	}
	texts_of_release(&t);
	return rc;
}

/* A file and the hash of what went into it. */
struct hashed_file {
	struct file_out *file;
	struct sources_hasher hasher;
};

static void file_sink(void *arg, const void *p, size_t n)
{
	struct hashed_file *h = arg;

	file_out_write(h->file, p, n);
	sources_hash_add(&h->hasher, p, n);
}

static void stdout_sink(void *arg, const void *p, size_t n)
{
	(void)arg;
	fwrite(p, 1, n, stdout); /* cli_flush() tells of what could not be written */
}

static int graph_files(struct audit *a, struct batch *b, struct err *e)
{
	auto_str ops = STR_INIT, mutations = STR_INIT, stamp = STR_INIT, empty = STR_INIT;
	struct hashed_file graph = { .file = NULL };

	if (batch_add(b, "call_graph.json", &empty, e) < 0)
		return -1;
	graph.file = &b->files[b->n - 1];
	write_call_graph_to(&a->graph, &a->costs, file_sink, &graph);
	stamp_print(&a->graph, sources_hash_end(&graph.hasher), a->profiles, a->action_count, &stamp);
	if (!a->o->no_cache && !a->graph_text && batch_add(b, "cache/" STAMP_NAME, &stamp, e) < 0)
		return -1;
	write_expensive_ops(&a->graph, &a->costs, &a->model, &ops);
	write_state_mutations(&a->graph, &a->costs, &mutations);
	if (batch_add(b, "expensive_ops.json", &ops, e) < 0)
		return -1;
	return batch_add(b, "state_mutations.json", &mutations, e);
}

static int summary_files(struct audit *a, struct batch *b, struct err *e)
{
	auto_str summary = STR_INIT, candidates = STR_INIT, drift = STR_INIT;
	size_t top = (size_t)a->o->top;

	output_summary(&a->graph, a->profiles, a->action_count, &a->calibration, top, &summary);
	output_candidates(&a->graph, a->profiles, a->action_count, top, &candidates);
	if (a->drift)
		drift_markdown(a->drift, &drift);
	if (batch_add(b, "summary.md", &summary, e) < 0 || batch_add(b, "optimization_candidates.md", &candidates, e) < 0)
		return -1;
	return a->drift ? batch_add(b, "drift.md", &drift, e) : 0;
}

static int files_write(struct audit *a, struct err *e)
{
	auto_free char *dir = path_resolve(a->cli->root, a->o->out);
	bool all = !a->o->json && !a->o->markdown && !a->o->mermaid;
	bool json = all || a->o->json, markdown = all || a->o->markdown, mermaid = all || a->o->mermaid;
	struct batch b = { .dir = dir };
	auto_str drift = STR_INIT;
	int rc = json ? graph_files(a, &b, e) : 0;

	for (size_t i = 0; rc == 0 && i < a->action_count; i++)
		rc = action_files(a, &b, &a->profiles[i], json, markdown, mermaid, e);
	if (rc == 0 && markdown)
		rc = summary_files(a, &b, e);
	if (rc == 0 && json && a->drift) {
		drift_json(a->drift, &drift);
		rc = batch_add(&b, "drift.json", &drift, e);
	}
	return batch_end(&b, rc, e);
}

static int format_check(const struct audit *a, struct err *e)
{
	static const char *const one[] = { "json", "markdown", "mermaid" };

	for (size_t i = 0; i < 3; i++)
		if (is_format(a, one[i]) && a->action_count != 1)
			return err_set(e, ERR_USAGE,
				"--format %s needs exactly one action (--action NAME or --entry FQNAME), not %zu",
				       one[i], a->action_count);
	if (is_format(a, "drift") && !a->drift)
		return err_set(e, ERR_USAGE, "--format drift needs --against OLD");
	if (is_format(a, "where") && !a->o->where)
		return err_set(e, ERR_USAGE, "--format where needs --where PLACE");
	return 0;
}

/* Best effort: without places there is nothing to say. */
static void places_print(struct audit *a, struct str *out)
{
	auto_free int64_t *loads = xcalloc(a->action_count + 1, sizeof(*loads));
	auto_free char *places = NULL, *dir = path_resolve(a->cli->root, a->o->out);
	auto_free char *shown = path_relative(a->cli->root, dir), *graph = path_join(shown, "call_graph.json");
	struct err ignored = { 0 };
	size_t n;

	for (size_t i = 0; i < a->action_count; i++)
		loads[i] = stamp_load(&a->stamp, &a->profiles[i]);
	if (file_read(a->o->where, PLACES_MAX_BYTES, &places, &n, &ignored) == 0)
		where_facts(&a->graph, a->profiles, a->action_count, loads, a->cli->root, places, graph, out, &ignored);
}

static void document_print(struct audit *a, struct str *out)
{
	struct texts_of t = { 0 };

	if (is_format(a, "call-graph")) {
		if (a->graph_text)
			str_addn(out, a->graph_text, a->graph_len);
		else
			write_call_graph_to(&a->graph, &a->costs, stdout_sink, NULL);
	} else if (is_format(a, "summary")) {
		output_summary(&a->graph, a->profiles, a->action_count, &a->calibration, (size_t)a->o->top, out);
	} else if (is_format(a, "candidates")) {
		output_candidates(&a->graph, a->profiles, a->action_count, (size_t)a->o->top, out);
	} else if (is_format(a, "drift")) {
		drift_json(a->drift, out);
	} else if (is_format(a, "sarif")) {
		sarif_write(&a->graph, &a->costs, a->profiles, a->action_count, out);
	} else if (is_format(a, "places")) {
		places_print(a, out);
	} else if (is_format(a, "where") || a->o->where) {
		where_write(&a->graph, &a->costs, a->profiles, a->action_count, a->o->where, out);
	} else {
		action_render(a, &a->profiles[0], &t);
		str_add(out, str_cstr(is_format(a, "json") ? &t.json : is_format(a, "markdown") ?
			&t.markdown : &t.mermaid));
	}
	texts_of_release(&t);
}

/* Percent with decimals, as hundredths. */
static int percent_read(const char *text, int64_t *hundredths, struct err *e)
{
	char *end;
	double v = strtod(text, &end);

	if (end != text && *end == '%')
		end++;
	if (end == text || *end || !(v >= 0 && v <= 1e9))
		return err_set(e, ERR_USAGE, "--fail-increase: '%s' is not a number of percent from 0 on", text);
	*hundredths = (int64_t)(v * 100 + 0.5);
	return 0;
}

/* "(FUNCTION:LINE CALLEE WEIGHT …)": the heaviest operation. */
static void heaviest_add(const struct profile *p, struct str *out)
{
	const struct op *top = NULL;

	for (uint32_t i = 0; i < p->ops.n; i++)
		if (!top || p->ops.v[i].weight > top->weight)
			top = &p->ops.v[i];
	if (top)
		str_addf(out, " (%s:%u %s %lld%s)", graph_text(p->g, p->g->functions[top->function].name), top->line,
			 graph_text(p->g, top->callee), (long long)top->weight, p->ops.n > 1 ? " …" : "");
}

static void unresolved_add(const struct profile *p, struct str *out)
{
	const struct graph_call *c = &p->g->calls[p->unresolved[0]];

	str_addf(out, " (%s:%u %s%s)", graph_text(p->g, p->g->functions[c->caller].name), c->line, graph_text(p->g,
		c->text),
		 p->unresolved_count > 1 ? " …" : "");
}

/* One line for each limit that an action passes. */
static void action_limits(const struct audit *a, const struct profile *p, int64_t most_hundredths, struct str *out)
{
	const char *name = p->action->name;
	int64_t expensive = 0, growth, old;

	for (uint32_t i = 0; i < p->ops.n; i++)
		expensive += p->ops.v[i].expensive;
	if (a->o->fail_load >= 0 && p->load > a->o->fail_load) {
		str_addf(out, "action %s: load %lld > %lld", name, (long long)p->load, (long long)a->o->fail_load);
		heaviest_add(p, out);
		str_addc(out, '\n');
	}
	if (a->o->fail_expensive >= 0 && expensive > a->o->fail_expensive) {
		str_addf(out, "action %s: expensive operations %lld > %lld", name, (long long)expensive,
			 (long long)a->o->fail_expensive);
		heaviest_add(p, out);
		str_addc(out, '\n');
	}
	if (a->o->fail_unresolved >= 0 && p->unresolved_count > a->o->fail_unresolved) {
		str_addf(out, "action %s: unresolved calls %u > %lld", name, p->unresolved_count,
			(long long)a->o->fail_unresolved);
		unresolved_add(p, out);
		str_addc(out, '\n');
	}
	if (a->o->fail_increase && a->drift && drift_increase(a->drift, name, &growth, &old) &&
		growth > most_hundredths) {
		str_addf(out, "action %s: load %lld, was %lld: more than %s %% dearer", name, (long long)p->load,
			(long long)old,
			 a->o->fail_increase);
		heaviest_add(p, out);
		str_addc(out, '\n');
	}
}

/* Says what was passed: as messages, or as the document of --format limits. Returns the exit code. */
static int limits_check(struct audit *a, int64_t most_hundredths)
{
	auto_str out = STR_INIT;

	for (size_t i = 0; i < a->action_count; i++)
		action_limits(a, &a->profiles[i], most_hundredths, &out);
	if (is_format(a, "limits")) {
		fwrite(str_cstr(&out), 1, out.len, stdout);
		return out.len ? (cli_flush(), 1) : cli_flush();
	}
	for (char *line = out.data, *end; line && *line; line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		cli_note("%s", line);
	}
	return out.len ? 1 : 0;
}

static int audit_run(struct audit *a, int64_t *most, struct err *e)
{
	if (model_read(&a->model, a->o->model, e) < 0)
		return -1;
	if (a->o->threshold >= 0)
		a->model.threshold = a->o->threshold;
	if (is_format(a, "model"))
		return 0;
	if (a->o->fail_increase && percent_read(a->o->fail_increase, most, e) < 0)
		return -1;
	if (a->o->fail_increase && !a->o->against)
		return err_set(e, ERR_USAGE, "--fail-increase needs --against OLD");
	if (a->o->against && drift_read(&a->drift, a->o->against, e) < 0)
		return -1;
	if (redactor_new(&a->redactor, a->cli->envp, &a->cli->o.redact_env, &a->cli->o.redact_patterns, e) < 0 ||
	    graph_take(a, e) < 0)
		return -1;
	redact_graph(&a->graph, a->redactor);
	if (calibrate(a, e) < 0 || profiles_make(a, e) < 0)
		return -1;
	return format_check(a, e);
}

static int audit_body(struct cli *cli)
{
	struct audit a = { .cli = cli, .o = &cli->o.audit, .cache = TREE_CACHE_INIT(NULL, false) };
	struct err e = { 0 };
	auto_str out = STR_INIT;
	int64_t most = 0;
	int code;

	if (audit_run(&a, &most, &e) < 0) {
		code = cli_fail(&e);
	} else if (a.o->format || a.o->where) {
		if (is_format(&a, "model"))
			model_write(&a.model, &out);
		else if (!is_format(&a, "limits"))
			document_print(&a, &out);
		fwrite(str_cstr(&out), 1, out.len, stdout);
		code = cli_flush();
		code = code ? code : limits_check(&a, most);
	} else {
		code = files_write(&a, &e) < 0 ? cli_fail(&e) : limits_check(&a, most);
	}
	audit_release(&a);
	return code;
}

int main(int argc, char **argv)
{
	return program_main("audit", argc, argv, audit_body);
}
