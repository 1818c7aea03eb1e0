/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/parse.h"

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
};

static void *parse_some(void *arg)
{
	struct parse *p = arg;
	size_t i;

	while ((i = atomic_fetch_add(&p->next, 1)) < p->n)
		tree_parse(p->language, p->sources[i].text, p->sources[i].len, &p->trees[i]);
	return NULL;
}

struct tree *parse_trees(const char *language, const struct front_source *sources, size_t n, unsigned jobs)
{
	struct parse p = { language, sources, xcalloc(n + 1, sizeof(struct tree)), n, 0 };
	pthread_t thread[THREADS_MAX];
	unsigned started = 0;

	while (started < THREADS_MAX && started + 1 < jobs && started + 1 < n &&
	       pthread_create(&thread[started], NULL, parse_some, &p) == 0)
		started++;
	parse_some(&p);
	while (started)
		pthread_join(thread[--started], NULL);
	return p.trees;
}
