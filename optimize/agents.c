/* SPDX-License-Identifier: Apache-2.0 */
#include "optimize/agents.h"

#include "base/embed.h"
#include "base/mem.h"
#include "base/value.h"
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>

EMBED(agents_yaml, "optimize/agents.yaml");

#define AGENTS_MAX 8
#define STRATEGIES_MAX 100

struct agents {
	struct yaml_doc *doc;
	struct agent agent[AGENTS_MAX];
	struct strategy strategy[STRATEGIES_MAX];
	struct strv classes;
	size_t n_agents, n_strategies;
};

static int read_agent(struct agents *a, const struct yaml_node *n, struct err *e)
{
	struct agent *g = &a->agent[a->n_agents];
	int route = -1;

	if (a->n_agents == AGENTS_MAX)
		return yaml_error(n, e, "more than %d agents", AGENTS_MAX);
	a->n_agents++;
	if (yaml_need_string(n, "name", &g->name, e) < 0 || yaml_need_string(n, "system", &g->system, e) < 0 ||
	    yaml_get_word(n, "route", gateway_route_text, &route, e) < 0)
		return -1;
	g->route = (enum gateway_route)(route < 0 ? ROUTE_GENERAL : route);
	return 0;
}

static int read_strategy(struct agents *a, const struct yaml_node *n, struct err *e)
{
	struct strategy *s = &a->strategy[a->n_strategies];

	if (a->n_strategies == STRATEGIES_MAX)
		return yaml_error(n, e, "more than %d strategies", STRATEGIES_MAX);
	a->n_strategies++;
	if (yaml_need_string(n, "id", &s->id, e) < 0 || yaml_need_string(n, "class", &s->class_, e) < 0 ||
	    yaml_need_string(n, "when", &s->when, e) < 0 || yaml_need_string(n, "title", &s->title, e) < 0 ||
	    yaml_need_string(n, "text", &s->text, e) < 0)
		return -1;
	return strv_has(&a->classes, s->class_) ? 0 : yaml_error(n, e, "'%s' is not a class", s->class_);
}

static int read_all(struct agents *a, struct err *e)
{
	const struct yaml_node *root, *list;

	if (yaml_parse(&a->doc, "optimize/agents.yaml", agents_yaml, EMBED_SIZE(agents_yaml), 1, NULL, e) < 0)
		return -1;
	root = yaml_root(a->doc);
	if (yaml_get_strings(root, "classes", &a->classes, e) < 0 || !(list = yaml_get(root, "agents")))
		return -1;
	yaml_each(n, list)
		if (read_agent(a, n, e) < 0)
			return -1;
	list = yaml_get(root, "strategies");
	for (const struct yaml_node *n = list ? list->first : NULL; n; n = n->next)
		if (read_strategy(a, n, e) < 0)
			return -1;
	return 0;
}

struct agents *agents_new(struct err *e)
{
	struct agents *a = xcalloc(1, sizeof(*a));

	if (read_all(a, e) == 0)
		return a;
	agents_free(a);
	return NULL;
}

void agents_free(struct agents *a)
{
	if (!a)
		return;
	yaml_doc_free(a->doc);
	strv_release(&a->classes);
	free(a);
}

const struct agent *agents_find(const struct agents *a, const char *name)
{
	for (size_t i = 0; i < a->n_agents; i++)
		if (strcmp(a->agent[i].name, name) == 0)
			return &a->agent[i];
	bug_at(__FILE__, __LINE__, name);
}

const struct strv *agents_classes(const struct agents *a)
{
	return &a->classes;
}

size_t agents_strategies(const struct agents *a, const struct strategy **list)
{
	*list = a->strategy;
	return a->n_strategies;
}
