/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/redact.h"

#include "base/mem.h"
#include "trace/redact.h"

#include <stdlib.h>
#include <string.h>

#define SHORT 6 /* bytes; what is shorter is no secret */

/* Texts are copied into the blocks of the table: the number of a text stays, what it says changes. */
static bool replace(struct graph *g, text_t t, const struct str *out)
{
	if (out->len == g->texts.v[t].length && memcmp(str_cstr(out), g->texts.v[t].z, out->len) == 0)
		return false;
	g->texts.blocks = xreallocarray(g->texts.blocks, g->texts.block_count + 1, sizeof(*g->texts.blocks));
	g->texts.blocks[g->texts.block_count++] = g->texts.v[t].z = xstrdup(str_cstr(out));
	g->texts.v[t].length = (uint32_t)out->len; /* it is found no more */
	return true;
}

static bool is_source(const char *text)
{
	return strpbrk(text, "=:\"'") != NULL;
}

bool redact_finds_nothing(void *redactor, const char *text, size_t n)
{
	auto_str out = STR_INIT;
	bool found;

	if (n < SHORT)
		return true;
	redact_name(redactor, text, n, &out);
	found = out.len != n || memcmp(str_cstr(&out), text, n) != 0;
	if (found || !is_source(text))
		return !found;
	str_reset(&out);
	redact_text(redactor, text, n, &out);
	return out.len == n && memcmp(str_cstr(&out), text, n) == 0;
}

void redact_graph(struct graph *g, struct redactor *r)
{
	bool *source, changed = false;

	source = xcalloc((size_t)g->texts.n + 1, sizeof(*source));
	for (uint32_t i = 0; i < g->call_count; i++) {
		source[g->calls[i].text] = source[g->calls[i].receiver] = source[g->calls[i].first] = true;
		source[g->calls[i].opened] = true;
	}
	for (uint32_t i = 0; i < g->mutation_count; i++)
		source[g->mutations[i].target] = true;
	for (uint32_t i = 0; i < g->function_count; i++)
		source[g->functions[i].name] = false;
	for (uint32_t t = 1; t < g->texts.n; t++) {
		const char *text = g->texts.v[t].z;
		auto_str out = STR_INIT;

		if (strlen(text) < SHORT)
			continue;
		if (source[t] && is_source(text))
			redact_text(r, text, strlen(text), &out);
		else
			redact_name(r, text, strlen(text), &out);
		changed |= replace(g, t, &out);
	}
	if (changed)
		graph_index_last(g);
	free(source);
}
