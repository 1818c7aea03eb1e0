/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/parse.h"

#include "audit/tree_memory.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS_MAX 64

struct parse {
	const char *language;
	const struct front_source *sources;
	struct tree *trees;      /* NULL: names are asked for */
	struct tree_name *names; /* NULL: not known, and not asked for */
	const bool *wanted;      /* NULL: all are */
	size_t n;
	atomic_size_t next;
	struct tree_cache *cache;
};

static void parse_one(const struct parse *p, size_t i)
{
	const struct front_source *s = &p->sources[i];

	if (!p->trees)
		tree_name_of(p->language, s->text, s->len, &p->names[i]);
	else if (!p->wanted || p->wanted[i])
		tree_load(p->cache, p->language, s->text, s->len, p->names ? &p->names[i] : NULL, &p->trees[i]);
}

static void *parse_some(void *arg)
{
	struct parse *p = arg;
	size_t i;

	while ((i = atomic_fetch_add(&p->next, 1)) < p->n)
		parse_one(p, i);
	tree_memory_release();
	return NULL;
}

static void parse_all(struct parse *p, unsigned jobs)
{
	pthread_t thread[THREADS_MAX];
	unsigned started = 0;

	while (started < THREADS_MAX && started + 1 < jobs && started + 1 < p->n &&
	       pthread_create(&thread[started], NULL, parse_some, p) == 0)
		started++;
	parse_some(p);
	while (started)
		pthread_join(thread[--started], NULL);
}

struct tree *parse_trees(const char *language, const struct front_source *sources, size_t n,
			 const struct front_options *o)
{
	struct parse p = { .language = language, .sources = sources, .trees = xcalloc(n + 1, sizeof(*p.trees)), .n = n,
		.cache = o->cache };

	parse_all(&p, o->jobs);
	return p.trees;
}

struct tree_name *parse_names(const char *language, const struct front_source *sources, size_t n,
	const struct front_options *o)
{
	struct parse p = { .language = language, .sources = sources, .names = xcalloc(n + 1, sizeof(*p.names)), .n = n };

	parse_all(&p, o->jobs);
	return p.names;
}

void parse_wanted(const char *language, const struct front_source *sources, size_t n, const struct front_options *o,
	const struct tree_name *names, const bool *wanted, struct tree *trees)
{
	struct parse p = { .language = language, .sources = sources, .names = (struct tree_name *)(uintptr_t)names,
		.wanted = wanted, .trees = trees, .n = n, .cache = o->cache };

	parse_all(&p, o->jobs);
}
