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
	struct tree *trees;
	size_t n;
	atomic_size_t next;
	struct tree_cache *cache;
};

static void *parse_some(void *arg)
{
	struct parse *p = arg;
	size_t i;

	while ((i = atomic_fetch_add(&p->next, 1)) < p->n)
		tree_load(p->cache, p->language, p->sources[i].text, p->sources[i].len, &p->trees[i]);
	tree_memory_release();
	return NULL;
}

struct tree *parse_trees(const char *language, const struct front_source *sources, size_t n,
			 const struct front_options *o)
{
	struct parse p = { language, sources, xcalloc(n + 1, sizeof(struct tree)), n, 0, o->cache };
	pthread_t thread[THREADS_MAX];
	unsigned started = 0;

	while (started < THREADS_MAX && started + 1 < o->jobs && started + 1 < n &&
	       pthread_create(&thread[started], NULL, parse_some, &p) == 0)
		started++;
	parse_some(&p);
	while (started)
		pthread_join(thread[--started], NULL);
	return p.trees;
}
