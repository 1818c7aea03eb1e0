/* SPDX-License-Identifier: Apache-2.0 */
/* front.c - C as a front end. */
#include "audit/c/c.h"
#include "audit/parse.h"
#include "base/mem.h"

#include <stdlib.h>

/* The calls of functions in the order of files, so that what a file sees is looked up once. */
static void calls_read(struct c_program *p)
{
	for (uint32_t file = 0; file < p->file_count; file++)
		for (uint32_t i = 0; i < p->name_count; i++)
			if (p->names[i].file == file && p->names[i].function != GRAPH_NONE) {
				c_look_from(p, file);
				c_calls_read(p, &p->files[file], &p->names[i]);
			}
}

static void *c_read(const struct front_source *sources, size_t n, const struct front_options *o, struct graph *g)
{
	struct c_program p = { .files = xcalloc(n + 1, sizeof(*p.files)), .file_count = (uint32_t)n, .o = o, .g = g };
	struct front_source *kept = xcalloc(n + 1, sizeof(*kept));
	char **balanced = xcalloc(n + 1, sizeof(*balanced));
	struct tree *trees;

	for (size_t i = 0; i < n; i++) {
		kept[i] = sources[i];
		balanced[i] = c_balance(sources[i].text, sources[i].len);
		kept[i].text = balanced[i] ? balanced[i] : sources[i].text;
	}
	trees = parse_trees("c", kept, n, o);
	for (size_t i = 0; i < n; i++) {
		p.files[i].source = &kept[i];
		p.files[i].tree = trees[i];
		g->files[sources[i].file].lines = trees[i].lines;
		g->files[sources[i].file].has_errors = trees[i].has_errors;
	}
	c_names_read(&p);
	calls_read(&p);
	for (size_t i = 0; i < n; i++) {
		tree_free_nodes(&p.files[i].tree);
		free(p.files[i].includes);
		free(p.files[i].verdicts);
		free(balanced[i]);
	}
	free(trees);
	free(kept);
	free(balanced);
	free(p.files);
	free(p.names);
	free(p.undefs);
	free(p.sees);
	free(p.maybe_defined);
	return NULL;
}

static const char *const endings[] = { ".c", ".h", NULL };

const struct front front_c = { .name = "c", .language = LANGUAGE_C, .endings = endings, .read = c_read };
