/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/config/config.h"

#include "base/fd.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/value.h"
#include "base/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEYS_MAX 32
#define TIMEOUT_MAX_MS INT64_C(31536000000)

const char *const gate_kind_text[] = { "command", "test", "governance", NULL };

/* Sections whose keys are options (runner/config/options.def); `gate` has its steps besides. */
static const char *const sections[] = { "version", "liveness", "profile", "run", "redact", "artifacts", "history", "ingest",
					"repro", "audit", "gate", "adapters", "optimize", "gateway", "explain", NULL };
/* Read by the verbs that they are for (optimize/setup.h). */
static const char *const others[] = { "adapters", "optimize", "gateway", "explain", NULL };

void config_init(struct config *c)
{
	memset(c, 0, sizeof(*c));
}

static void gate_step_release(struct gate_step *s)
{
	free(s->name);
	free(s->cwd);
	strv_release(&s->argv);
	strv_release(&s->paths);
	strv_release(&s->check_prefix);
	strv_release(&s->exclude_check_prefix);
	strv_release(&s->env);
	strv_release(&s->needs);
}

void config_release(struct config *c)
{
	for (size_t i = 0; i < c->step_count; i++)
		gate_step_release(&c->steps[i]);
	free(c->steps);
	config_release_actions(c);
	free(c->path);
	memset(c, 0, sizeof(*c));
}

/* A plain number, or a time with its unit, quoted or not. */
static int duration_node(const struct yaml_node *n, const struct option_row *row, struct err *e)
{
	int64_t ms, i, unit = row->type == OPTION_SECONDS ? 1000 : 1;

	if (n->kind == YAML_SCALAR && !value_int(n->text, &i) && value_duration(n->text, unit, &ms))
		return 0;
	if (n->kind == YAML_SCALAR && row->words && value_word(n->text, row->words) >= 0)
		return 0;
	return yaml_as_int(n, row->min, row->max, &i, e);
}

/* repro.select is a command, and written as commands are: {argv: [...]}. */
static const struct yaml_node *list_node(const struct yaml_node *n, const struct option_row *row, struct err *e)
{
	static const char *const keys[] = { "argv", NULL };

	if (strcmp(row->key, "repro.select") != 0)
		return n;
	if (n->kind != YAML_MAP) {
		yaml_error(n, e, "'repro.select' must be {argv: [WORD, ...]}");
		return NULL;
	}
	if (yaml_check_keys(n, keys, e) < 0)
		return NULL;
	if (!yaml_get(n, "argv"))
		yaml_error(n, e, "'repro.select' must be {argv: [WORD, ...]}");
	return yaml_get(n, "argv");
}

/* One option of the file. YAML's own types are held to first (a quoted number is a string), then
 * the row's rules. */
static int option_take_node(struct options *o, const struct option_row *row, const struct yaml_node *n,
			    struct err *e)
{
	char name[YAML_LABEL_SIZE];
	struct strv list = STRV_INIT;
	int64_t i;
	bool b;
	int rc = 0;

	switch (row->type) {
	case OPTION_BOOL:
	case OPTION_NOT:
		rc = yaml_as_bool(n, &b, e);
		break;
	case OPTION_INT:
		rc = yaml_as_int(n, row->min, row->max, &i, e);
		break;
	case OPTION_MS:
	case OPTION_SECONDS:
		rc = duration_node(n, row, e);
		break;
	case OPTION_WORD: {
		int at;

		rc = yaml_as_word(n, row->words, &at, e);
		break;
	}
	case OPTION_STRING:
	case OPTION_PATH:
	case OPTION_SIGNAL:
	case OPTION_TIME: {
		const char *text;

		rc = yaml_as_string(n, &text, e);
		break;
	}
	case OPTION_LIST: {
		const struct yaml_node *items = list_node(n, row, e);

		rc = items ? yaml_as_string_or_list(items, &list, e) : -1;
		break;
	}
	}
	snprintf(name, sizeof(name), "%s:%u:%u: '%s'", n->file, n->line, n->column, row->key);
	if (rc == 0 && row->type != OPTION_LIST)
		rc = option_set(o, row, name, n->text, SOURCE_FILE, e);
	for (size_t at = 0; rc == 0 && at < list.n; at++)
		rc = option_set(o, row, name, list.v[at], SOURCE_FILE, e);
	strv_release(&list);
	return rc;
}

/* The keys of a section: the rows that begin "SECTION.", and what the caller adds. */
static void section_keys(const char *section, const char *extra, const char *keys[KEYS_MAX])
{
	size_t n = strlen(section), at = 0;

	for (size_t i = 0; i < option_row_count; i++) {
		const char *key = option_rows[i].key;

		if (key && strncmp(key, section, n) == 0 && key[n] == '.') {
			BUG_ON(at + 2 >= KEYS_MAX);
			keys[at++] = key + n + 1;
		}
	}
	if (extra)
		keys[at++] = extra;
	keys[at] = NULL;
}

static int section_read(struct options *o, const struct yaml_node *map, const char *section, const char *extra,
			struct err *e)
{
	const char *keys[KEYS_MAX];

	section_keys(section, extra, keys);
	if (yaml_check_keys(map, keys, e) < 0)
		return -1;
	yaml_each(item, map) {
		char key[64];
		const struct option_row *row;

		snprintf(key, sizeof(key), "%s.%s", section, item->key->text);
		row = option_by_key(key);
		if (row && option_take_node(o, row, item, e) < 0)
			return -1;
	}
	return 0;
}

static int step_env(struct gate_step *s, const struct yaml_node *map, struct err *e)
{
	if (yaml_want_map(map, e) < 0)
		return -1;
	yaml_each(item, map) {
		const char *value;

		if (!item->key->len || strpbrk(item->key->text, "=") || strlen(item->key->text) != item->key->len)
			return yaml_error(item->key, e, "the name of a variable holds neither '=' nor NUL");
		if (yaml_as_string(item, &value, e) < 0)
			return -1;
		strv_take(&s->env, xasprintf("%s=%s", item->key->text, value));
	}
	return 0;
}

static const char *const step_keys_command[] = { "name", "kind", "argv", "cwd", "env", "timeout_ms", "timeout", "run",
						 "needs", NULL };
static const char *const step_keys_test[] = { "name", "kind", "paths", "timeout_ms", "timeout", "needs", NULL };
static const char *const step_keys_governance[] = { "name", "kind", "paths", "check_prefix",
						    "exclude_check_prefix",
						    "timeout_ms", "timeout", "needs", NULL };
static const char *const step_keys_any[] = { "name", "kind", "argv", "cwd", "env", "paths", "check_prefix",
					     "exclude_check_prefix", "timeout_ms", "timeout", "run", "needs", NULL };
static const char *const *const step_keys[] = {
	[GATE_COMMAND] = step_keys_command,
	[GATE_TEST] = step_keys_test,
	[GATE_GOVERNANCE] = step_keys_governance,
};

/* A key that another kind has is not mistyped but misplaced: say that. */
static int step_check_keys(const struct yaml_node *map, enum gate_kind kind, struct err *e)
{
	if (yaml_check_keys(map, step_keys_any, e) < 0)
		return -1;
	yaml_each(item, map)
		if (value_word(item->key->text, step_keys[kind]) < 0)
			return yaml_error(item->key, e, "a step of kind %s has no key '%s'", gate_kind_text[kind],
					  item->key->text);
	return 0;
}

static int step_words(struct gate_step *s, const struct yaml_node *map, struct err *e)
{
	const struct yaml_node *argv = yaml_get(map, "argv"), *env = yaml_get(map, "env");
	const char *cwd = NULL, *line = NULL;

	if (argv && yaml_get(map, "run"))
		return yaml_error(argv, e, "'argv' and 'run' are the same: give one of them");
	if (yaml_get_string(map, "run", &line, e) < 0)
		return -1;
	if (line) { /* a line or more for a shell, which ends at the first that fails */
		strv_add(&s->argv, "/bin/sh");
		strv_add(&s->argv, "-ec");
		strv_add(&s->argv, line);
	}
	if (s->kind == GATE_COMMAND && !argv && !line)
		return yaml_error(map, e, "'argv' is missing");
	if (argv && yaml_as_strings(argv, &s->argv, e) < 0)
		return -1;
	if (argv && (!s->argv.n || !*s->argv.v[0]))
		return yaml_error(argv, e, "'argv' must name a program");
	if (env && step_env(s, env, e) < 0)
		return -1;
	if (yaml_get_string(map, "cwd", &cwd, e) < 0)
		return -1;
	if (cwd && !*cwd)
		return yaml_error(yaml_get(map, "cwd"), e, "'cwd' must be a folder, not ''");
	s->cwd = cwd ? xstrdup(cwd) : NULL;
	if (yaml_get_string_or_list(map, "paths", &s->paths, e) < 0 ||
	    yaml_get_string_or_list(map, "check_prefix", &s->check_prefix, e) < 0 ||
	    yaml_get_string_or_list(map, "exclude_check_prefix", &s->exclude_check_prefix, e) < 0)
		return -1;
	return yaml_get_timeout(map, TIMEOUT_MAX_MS, &s->timeout_ms, e) < 0 ? -1 : 0;
}

/* Steps run in their order, so a step comes after those that it needs. */
static int step_needs(const struct config *c, struct gate_step *s, const struct yaml_node *map, struct err *e)
{
	if (yaml_get_string_or_list(map, "needs", &s->needs, e) < 0)
		return -1;
	for (size_t i = 0; i < s->needs.n; i++) {
		bool found = false;

		for (size_t k = 0; k + 1 < c->step_count; k++)
			found |= strcmp(c->steps[k].name, s->needs.v[i]) == 0;
		if (!found)
			return yaml_error(yaml_get(map, "needs"), e, "no step above is named '%s'", s->needs.v[i]);
	}
	return 0;
}

static int step_read(struct config *c, const struct yaml_node *map, struct err *e)
{
	struct gate_step *s = &c->steps[c->step_count];
	const char *name;
	int kind = -1;

	memset(s, 0, sizeof(*s));
	c->step_count++; /* from here on config_release empties it */
	if (yaml_want_map(map, e) < 0 || yaml_check_keys(map, step_keys_any, e) < 0 ||
	    yaml_need_string(map, "name", &name, e) < 0)
		return -1;
	s->name = xstrdup(name);
	s->line = map->line;
	s->column = map->column;
	for (size_t i = 0; i + 1 < c->step_count; i++)
		if (strcmp(c->steps[i].name, name) == 0)
			return yaml_error(yaml_get(map, "name"), e, "a step named '%s' is already on line %u",
					  name, c->steps[i].line);
	if (yaml_get_word(map, "kind", gate_kind_text, &kind, e) < 0)
		return -1;
	if (kind < 0 && yaml_get(map, "run"))
		kind = GATE_COMMAND;
	if (kind < 0)
		return yaml_error(map, e, "'kind' is missing (command, test or governance)");
	s->kind = (enum gate_kind)kind;
	return step_check_keys(map, s->kind, e) < 0 || step_words(s, map, e) < 0 || step_needs(c, s, map, e) < 0 ? -1 : 0;
}

static int gate_read(struct config *c, const struct yaml_node *gate, struct err *e)
{
	const struct yaml_node *steps = yaml_get(gate, "steps");

	if (!steps)
		return yaml_error(gate, e, "'steps' is missing");
	if (yaml_want_seq(steps, e) < 0)
		return -1;
	if (!steps->count)
		return yaml_error(steps, e, "'steps' must hold at least one step");
	c->has_gate = true;
	c->steps = xreallocarray(NULL, steps->count, sizeof(*c->steps));
	yaml_each(item, steps)
		if (step_read(c, item, e) < 0)
			return -1;
	return 0;
}

/* A section's key that is not an option. */
static const char *section_extra(const char *section)
{
	if (strcmp(section, "gate") == 0)
		return "steps";
	if (strcmp(section, "audit") == 0)
		return "actions";
	return strcmp(section, "redact") == 0 ? "hosts" : NULL;
}

static int document_read(struct config *c, struct options *o, const struct yaml_node *root, struct err *e)
{
	if (c->takes_server && root->kind == YAML_MAP && yaml_get(root, "api_base"))
		return 0; /* the file of a model server */
	if (yaml_check_keys(root, sections, e) < 0 || yaml_need_version(root, 1, e) < 0)
		return -1;
	yaml_each(item, root) {
		const char *section = item->key->text;
		bool gate = strcmp(section, "gate") == 0, audit = strcmp(section, "audit") == 0;

		if (strcmp(section, "version") == 0 || value_word(section, others) >= 0)
			continue;
		if (section_read(o, item, section, section_extra(section), e) < 0 ||
		    (gate && gate_read(c, item, e) < 0) ||
		    (audit && config_read_actions(c, yaml_get(item, "actions"), e) < 0))
			return -1;
	}
	return 0;
}

/* A sandbox may refuse access(2): then by the call that would read it. */
static bool is_missing(const char *path)
{
	auto_close int fd = -1;

	if (access(path, F_OK) == 0)
		return false;
	if (errno != ENOENT && errno != ENOTDIR)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 && (errno == ENOENT || errno == ENOTDIR);
}

int config_read(struct config *c, struct options *o, const char *path, bool required, struct err *e)
{
	const struct yaml_limits limits = { .max_bytes = CONFIG_MAX_BYTES };
	auto_yaml *doc = NULL;

	/* The usual case without a file costs one system call. */
	if (!required && is_missing(path))
		return 0;
	if (yaml_read(&doc, path, &limits, e) < 0)
		return -1;
	c->path = xstrdup(path);
	return document_read(c, o, yaml_root(doc), e);
}
