/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/model.h"

#include "base/embed.h"
#include "audit/glob.h"
#include "base/mem.h"
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>

EMBED(audit_model, "audit/model.yaml");

static const char *const levels[] = { "low", "medium", "high", NULL };
static const char *const sizes[] = { "none", "file", "payload", "source", "container", NULL };
static const char *const candidates[] = { "redundant", "loop", "pipeline", "expensive", NULL };

const char *model_level_text(enum model_level l)
{
	return levels[l];
}

const char *model_size_text(enum model_size s)
{
	return sizes[s];
}

const char *model_candidate_text(enum model_candidate c)
{
	return candidates[c];
}

static void class_release(struct model_class *c)
{
	free(c->name);
	strv_release(&c->match);
}

void model_release(struct model *m)
{
	for (size_t i = 0; i < m->class_count; i++)
		class_release(&m->classes[i]);
	free(m->classes);
	strv_release(&m->file_write);
	strv_release(&m->ipc_emit);
	strv_release(&m->container_mutate);
	memset(m, 0, sizeof(*m));
}

bool model_matches(const struct strv *patterns, const char *text, bool unresolved)
{
	for (size_t i = 0; i < patterns->n; i++)
		if ((!unresolved || patterns->v[i][0] == '*') && glob_is(patterns->v[i], text, ""))
			return true;
	return false;
}

const struct model_class *model_class_of(const struct model *m, const char *callee, bool unresolved)
{
	for (size_t i = 0; i < m->class_count; i++)
		if (model_matches(&m->classes[i].match, callee, unresolved))
			return &m->classes[i];
	return NULL;
}

/* A class of the file: changes the one of its name, or comes before those that are built in. */
static int class_read(struct model *m, const struct yaml_node *n, size_t *added, struct err *e)
{
	static const char *const keys[] = { "name", "weight", "size", "match", NULL };
	struct model_class *c = NULL;
	const char *name;
	struct strv match = STRV_INIT;
	int size = SIZE_NONE, has_size, has_match;

	if (yaml_want_map(n, e) < 0 || yaml_check_keys(n, keys, e) < 0 || yaml_need_string(n, "name", &name, e) < 0)
		return -1;
	if (strcmp(name, "loop_amplified") == 0 || strcmp(name, "unresolved") == 0 || strcmp(name, "call") == 0)
		return yaml_error(yaml_get(n, "name"), e, "'%s' is a name that the audit gives itself", name);
	for (size_t i = 0; i < m->class_count; i++)
		if (strcmp(m->classes[i].name, name) == 0)
			c = &m->classes[i];
	has_size = yaml_get_word(n, "size", sizes, &size, e);
	has_match = yaml_get_strings(n, "match", &match, e);
	if (has_size < 0 || has_match < 0) {
		strv_release(&match);
		return -1;
	}
	if (!c && (!yaml_get(n, "weight") || !has_match)) {
		strv_release(&match);
		return yaml_error(n, e, "class '%s' is new: it needs weight and match", name);
	}
	if (!c) {
		m->classes = xreallocarray(m->classes, m->class_count + 1, sizeof(*m->classes));
		memmove(m->classes + *added + 1, m->classes + *added, (m->class_count - *added) * sizeof(*m->classes));
		c = &m->classes[(*added)++];
		*c = (struct model_class){ .name = xstrdup(name) };
		m->class_count++;
	}
	if (has_size)
		c->size = (enum model_size)size;
	if (has_match) {
		strv_release(&c->match);
		c->match = match;
	}
	return yaml_get_int(n, "weight", 0, INT64_C(1000000000000), &c->weight, e);
}

static int list_read(const struct yaml_node *map, const char *key, struct strv *out, struct err *e)
{
	struct strv list = STRV_INIT;
	int rc = yaml_get_strings(map, key, &list, e);

	if (rc > 0) {
		strv_release(out);
		*out = list;
	} else {
		strv_release(&list);
	}
	return rc;
}

static int mutations_read(struct model *m, const struct yaml_node *n, struct err *e)
{
	static const char *const keys[] = { "file_write", "ipc_emit", "container_mutate", NULL };

	if (!n)
		return 0;
	if (yaml_want_map(n, e) < 0 || yaml_check_keys(n, keys, e) < 0 || list_read(n, "file_write", &m->file_write,
		e) < 0 ||
	    list_read(n, "ipc_emit", &m->ipc_emit, e) < 0 || list_read(n, "container_mutate", &m->container_mutate,
		e) < 0)
		return -1;
	return 0;
}

static int effort_read(struct model *m, const struct yaml_node *n, struct err *e)
{
	static const char *const keys[] = { "redundant", "redundant_in_one_function", "loop", "pipeline", "expensive",
		NULL };
	int level;

	if (!n)
		return 0;
	if (yaml_want_map(n, e) < 0 || yaml_check_keys(n, keys, e) < 0)
		return -1;
	yaml_each(item, n) {
		if (yaml_as_word(item, levels, &level, e) < 0)
			return -1;
		if (strcmp(item->key->text, "redundant_in_one_function") == 0)
			m->effort_one_function = (enum model_level)level;
		for (int k = 0; k < CANDIDATE_KINDS; k++)
			if (strcmp(item->key->text, candidates[k]) == 0)
				m->effort[k] = (enum model_level)level;
	}
	return 0;
}

static int share_read(const struct yaml_node *map, const char *key, double *out, struct err *e)
{
	const struct yaml_node *n = yaml_get(map, key);
	char *end;
	double v;

	if (!n)
		return 0;
	v = n->kind == YAML_SCALAR ? strtod(n->text, &end) : -1;
	if (n->kind != YAML_SCALAR || end == n->text || *end || !(v >= 0 && v <= 1))
		return yaml_error(n, e, "'%s' must be a share of the load: a number from 0 to 1", key);
	*out = v;
	return 1;
}

static int priority_read(struct model *m, const struct yaml_node *n, struct err *e)
{
	static const char *const keys[] = { "high", "medium", NULL };

	if (!n)
		return 0;
	if (yaml_want_map(n, e) < 0 || yaml_check_keys(n, keys, e) < 0 || share_read(n, "high", &m->high, e) < 0 ||
	    share_read(n, "medium", &m->medium, e) < 0)
		return -1;
	return 0;
}

static int document_read(struct model *m, const struct yaml_node *n, struct err *e)
{
	static const char *const keys[] = { "version", "threshold", "max_targets", "max_steps", "classes", "mutations",
					    "effort", "priority", NULL };
	const struct yaml_node *list = yaml_want_map(n, e) < 0 ? NULL : yaml_get(n, "classes");
	size_t added = 0;

	if (n->kind != YAML_MAP || yaml_check_keys(n, keys, e) < 0 || yaml_need_version(n, 1, e) < 0 ||
	    yaml_get_int(n, "threshold", 0, INT64_MAX, &m->threshold, e) < 0 ||
	    yaml_get_int(n, "max_targets", 1, 8, &m->max_targets, e) < 0 ||
	    yaml_get_int(n, "max_steps", 1000, INT64_C(1000000000), &m->max_steps, e) < 0)
		return -1;
	if (list && yaml_want_seq(list, e) < 0)
		return -1;
	if (list)
		yaml_each(item, list)
			if (class_read(m, item, &added, e) < 0)
				return -1;
	if (mutations_read(m, yaml_get(n, "mutations"), e) < 0 || effort_read(m, yaml_get(n, "effort"), e) < 0)
		return -1;
	return priority_read(m, yaml_get(n, "priority"), e);
}

int model_read(struct model *m, const char *path, struct err *e)
{
	auto_yaml *doc = NULL, *own = NULL;

	memset(m, 0, sizeof(*m));
	if (yaml_parse(&doc, "audit/model.yaml", audit_model, EMBED_SIZE(audit_model), 1, NULL, e) < 0 ||
	    document_read(m, yaml_root(doc), e) < 0)
		return -1;
	if (path && (yaml_read(&own, path, NULL, e) < 0 || document_read(m, yaml_root(own), e) < 0))
		return -1;
	return 0;
}

/* In double quotes: patterns begin with * and hold <. */
static void list_write(struct str *out, const char *indent, const struct strv *l)
{
	for (size_t i = 0; i < l->n; i++) {
		str_addf(out, "%s- \"", indent);
		for (const char *c = l->v[i]; *c; c++) {
			if (*c == '"' || *c == '\\')
				str_addc(out, '\\');
			if ((unsigned char)*c < ' ')
				str_addf(out, "\\x%02x", (unsigned)*c);
			else
				str_addc(out, *c);
		}
		str_add(out, "\"\n");
	}
}

static void mutations_write(const char *key, const struct strv *l, struct str *out)
{
	str_addf(out, "  %s:%s\n", key, l->n ? "" : " []");
	list_write(out, "    ", l);
}

void model_write(const struct model *m, struct str *out)
{
	str_addf(out, "version: 1\nthreshold: %lld\nmax_targets: %lld\nmax_steps: %lld\nclasses:\n",
		(long long)m->threshold,
		 (long long)m->max_targets, (long long)m->max_steps);
	for (size_t i = 0; i < m->class_count; i++) {
		const struct model_class *c = &m->classes[i];

		str_addf(out, "  - name: %s\n    weight: %lld\n    size: %s\n    match:%s\n", c->name,
			(long long)c->weight,
			 sizes[c->size], c->match.n ? "" : " []");
		list_write(out, "      ", &c->match);
	}
	str_add(out, "mutations:\n");
	mutations_write("file_write", &m->file_write, out);
	mutations_write("ipc_emit", &m->ipc_emit, out);
	mutations_write("container_mutate", &m->container_mutate, out);
	str_addf(out, "effort:\n  redundant: %s\n  redundant_in_one_function: %s\n",
		levels[m->effort[CANDIDATE_REDUNDANT]],
		 levels[m->effort_one_function]);
	for (int k = CANDIDATE_LOOP; k < CANDIDATE_KINDS; k++)
		str_addf(out, "  %s: %s\n", candidates[k], levels[m->effort[k]]);
	str_addf(out, "priority:\n  high: %g\n  medium: %g\n", m->high, m->medium);
}
