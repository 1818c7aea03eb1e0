/* SPDX-License-Identifier: Apache-2.0 */
/* config_audit.c - the actions that spec-runner.yaml declares for `audit`. */
#include "runner/config/config.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static void action_release(struct audit_action *a)
{
	free(a->name);
	free(a->description);
	free(a->place);
	strv_release(&a->entry_points);
}

void config_release_actions(struct config *c)
{
	for (size_t i = 0; i < c->action_count; i++)
		action_release(&c->actions[i]);
	free(c->actions);
}

/* A name is part of file names. */
static int name_check(const struct yaml_node *n, const char *name, struct err *e)
{
	if (strchr(name, '/') || name[0] == '.' || strlen(name) > 200)
		return yaml_error(n, e,
			"the name of an action is that of a file: it holds no '/', does not begin with a dot and has "
				  "at most 200 bytes");
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return yaml_error(n, e, "the name of an action holds no control characters");
	return 0;
}

static int action_read(struct config *c, const struct yaml_node *n, struct err *e)
{
	static const char *const keys[] = { "name", "entry_points", "description", NULL };
	struct audit_action a = { 0 };
	const char *name, *description = "";
	const struct yaml_node *points;

	if (yaml_want_map(n, e) < 0 || yaml_check_keys(n, keys, e) < 0 || yaml_need_string(n, "name", &name, e) < 0 ||
	    yaml_get_string(n, "description", &description, e) < 0 || name_check(yaml_get(n, "name"), name, e) < 0)
		return -1;
	for (size_t i = 0; i < c->action_count; i++)
		if (strcmp(c->actions[i].name, name) == 0)
			return yaml_error(yaml_get(n, "name"), e, "action '%s' is declared twice", name);
	points = yaml_get(n, "entry_points");
	if (!points)
		return yaml_error(n, e, "'entry_points' is missing");
	if (yaml_as_string_or_list(points, &a.entry_points, e) < 0)
		return -1;
	if (!a.entry_points.n)
		return yaml_error(points, e, "'entry_points' must name a function");
	a.name = xstrdup(name);
	a.description = xstrdup(description);
	a.place = xasprintf("%s:%u:%u", points->file, points->line, points->column);
	c->actions = xreallocarray(c->actions, c->action_count + 1, sizeof(*c->actions));
	c->actions[c->action_count++] = a;
	return 0;
}

int config_read_actions(struct config *c, const struct yaml_node *list, struct err *e)
{
	if (!list)
		return 0;
	if (yaml_want_seq(list, e) < 0)
		return -1;
	yaml_each(item, list)
		if (action_read(c, item, e) < 0)
			return -1;
	return 0;
}
