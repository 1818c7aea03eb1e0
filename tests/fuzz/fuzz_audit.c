/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are a source: they end in a graph, its costs, an action over all of it and documents. The first byte says
 * what the rest is: g a call_graph.json, m a cost model, p a measured profile, s a slice of the cache, else a source of one
 * of the languages.
 * FUZZ_AUDIT_LANGUAGE=python (c, javascript, go) in the environment: all inputs are sources of that language. */
#include "audit/calibrate.h"
#include "audit/graph_read.h"
#include "audit/output.h"
#include "audit/sarif.h"
#include "audit/slice.h"
#include "audit/where.h"
#include "audit/write.h"
#include "base/mem.h"
#include "base/path.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void documents_make(struct graph *g, struct costs *c, const struct model *m, const struct front_statements *s)
{
	struct action a = { .name = xstrdup("all"), .description = xstrdup("") };
	struct calibration none = { 0 };
	struct profile p;
	auto_str out = STR_INIT, mermaid = STR_INIT;
	struct err e = { 0 };

	for (uint32_t i = 0; i < g->function_count && i < 4; i++)
		if (g->functions[i].file != GRAPH_NONE)
			(void)action_entry(g, graph_text(g, g->functions[i].name), "fuzz", &a, &e);
	(void)action_entry(g, "*a*", "fuzz", &a, &e);
	action_profile_make(&p, g, c, m, &a, 6, s);
	output_mermaid(&p, 5, &mermaid);
	output_markdown(&p, str_cstr(&mermaid), &out);
	output_json(&p, str_cstr(&mermaid), "", false, &out);
	output_summary(g, &p, 1, &none, 20, &out);
	sarif_write(g, c, &p, 1, &out);
	where_write(g, c, &p, 1, "x.py:f:3", &out);
	write_call_graph(g, c, &out);
	write_expensive_ops(g, c, m, &out);
	write_state_mutations(g, c, &out);
	action_profile_release(&p);
	action_release(&a);
}

static void source_try(const struct front *f, unsigned ending, const char *text, size_t n, const struct model *m)
{
	size_t endings = 0;

	while (f->endings[endings])
		endings++;
	auto_free char *path = xasprintf("x%s", f->endings[ending % endings]);
	struct front_source s = { .path = path, .text = text, .len = n };
	struct front_options o = { .max_steps = 20000, .jobs = 1 };
	struct graph g = { 0 };
	struct costs c;
	struct front_statements list = { 0 };
	bool *marked;
	void *state;

	graph_add_file(&g, (struct graph_file){ .path = text_ofz(&g.texts, path), .language = f->language });
	state = f->read(&s, 1, &o, &g);
	graph_finish(&g, GRAPH_TARGETS_MAX);
	costs_find(&c, &g, m, "/nowhere");
	marked = xcalloc((size_t)g.function_count + 1, sizeof(*marked));
	memset(marked, 1, (size_t)g.function_count + 1);
	if (f->statements)
		f->statements(state, &g, marked, &list);
	documents_make(&g, &c, m, &list);
	free(marked);
	free(list.v);
	if (f->free)
		f->free(state);
	costs_release(&c);
	graph_release(&g);
}

static void graph_try(const char *text, size_t n, const struct model *m)
{
	struct graph g = { 0 };
	struct costs c = { 0 };
	struct err e = { 0 };

	if (graph_read(&g, &c, text, n, "input", &e) == 0)
		documents_make(&g, &c, m, NULL);
	costs_release(&c);
	graph_release(&g);
}

/* A slice that fits is one that can be written again, with the same bytes from then on. */
static void slice_try(const char *bytes, size_t n)
{
	struct slice_writer w = { .cap = 0 };
	struct graph g = { 0 };
	struct slice_mark from = slice_mark(&g);
	auto_str once = STR_INIT, twice = STR_INIT;

	graph_add_file(&g, (struct graph_file){ .path = text_ofz(&g.texts, "x.py") });
	if (slice_read(&g, 0, 7, bytes, n)) {
		slice_write(&w, &g, &from, 7, &once);
		slice_rewind(&g, &from);
		if (!slice_read(&g, 0, 7, str_cstr(&once), once.len) || !slice_write(&w, &g, &from, 7, &twice) ||
		    once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0)
			abort();
		graph_finish(&g, GRAPH_TARGETS_MAX);
	}
	slice_writer_release(&w);
	graph_release(&g);
}

static void file_try(const char *text, size_t n, bool model)
{
	auto_free char *path = xasprintf("/tmp/fuzz_audit.%ld", (long)getpid());
	struct calibration c = { 0 };
	struct model m;
	struct err e = { 0 };

	if (file_write(path, text, n, &e) < 0)
		return;
	if (model) {
		(void)model_read(&m, path, &e);
		model_release(&m);
	} else {
		(void)calibration_read(&c, path, 0, &e);
		calibration_release(&c);
	}
	unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = NULL;
	const char *language = getenv("FUZZ_AUDIT_LANGUAGE");
	const struct front *only = language ? front_named(language) : NULL;
	struct model m;
	struct err e = { 0 };
	size_t kinds = 0;

	if (!size || size > 1 << 16 || model_read(&m, NULL, &e) < 0)
		return 0;
	text = xmalloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	while (fronts[kinds])
		kinds++;
	if (only)
		source_try(only, data[0], text, size - 1, &m);
	else if (data[0] == 'g')
		graph_try(text, size - 1, &m);
	else if (data[0] == 's')
		slice_try(text, size - 1);
	else if (data[0] == 'm' || data[0] == 'p')
		file_try(text, size - 1, data[0] == 'm');
	else
		source_try(fronts[data[0] % kinds], data[0] / (unsigned)kinds, text, size - 1, &m);
	model_release(&m);
	return 0;
}
