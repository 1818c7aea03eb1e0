/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles a schema out of its YAML; see schema.h for the words. */
#include "base/schema_internal.h"

#include "base/mem.h"
#include "base/yaml.h"

#include <pcre2.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int node_read(struct schema **out, struct schema *root, const struct yaml_node *n, struct err *e);

static struct schema *node_new(struct schema *root)
{
	struct schema *s = xcalloc(1, sizeof(*s));

	s->root = root ? root : s;
	s->min_length = s->max_length = s->min_items = s->max_items = -1;
	s->min_properties = s->max_properties = -1;
	if (root) {
		s->next_owned = root->next_owned;
		root->next_owned = s;
	}
	return s;
}

static void node_release(struct schema *s)
{
	free(s->description);
	free(s->ref);
	for (size_t i = 0; i < s->const_count; i++)
		free(s->consts[i].text);
	free(s->consts);
	free(s->pattern);
	pcre2_code_free(s->regex);
	strv_release(&s->required);
	for (size_t i = 0; i < s->property_count; i++)
		free(s->properties[i].key);
	free(s->properties);
	for (size_t i = 0; i < s->pattern_count; i++) {
		free(s->patterns[i].text);
		pcre2_code_free(s->patterns[i].regex);
	}
	free(s->patterns);
	free(s->alternatives);
	for (size_t i = 0; i < s->definition_count; i++)
		free(s->definitions[i].key);
	free(s->definitions);
	free(s);
}

void schema_free(struct schema *root)
{
	while (root) {
		struct schema *next = root->next_owned;

		node_release(root);
		root = next;
	}
}

void schema_free_ptr(struct schema **root)
{
	schema_free(*root);
	*root = NULL;
}

/* ---- scalars ------------------------------------------------------------------------------- */

static bool plain_number(const struct yaml_node *n, double *out)
{
	char *end;

	if (n->kind != YAML_SCALAR || n->quoted || !n->len || strchr(" \t+.iInN", n->text[0]))
		return false;
	*out = strtod(n->text, &end);
	return *end == '\0' && isfinite(*out) && !strpbrk(n->text, "xX");
}

static int const_read(struct schema *s, const struct yaml_node *n, struct err *e)
{
	struct schema_const *c;

	if (n->kind != YAML_SCALAR)
		return yaml_error(n, e, "must be a text, a number, a boolean or null");
	s->consts = xreallocarray(s->consts, s->const_count + 1, sizeof(*s->consts));
	c = &s->consts[s->const_count++];
	memset(c, 0, sizeof(*c));
	c->kind = JSON_STRING;
	if (yaml_is_null(n))
		c->kind = JSON_NULL;
	else if (!n->quoted && strcmp(n->text, "true") == 0)
		c->kind = JSON_TRUE;
	else if (!n->quoted && strcmp(n->text, "false") == 0)
		c->kind = JSON_FALSE;
	else if (plain_number(n, &c->number))
		c->kind = JSON_NUMBER;
	c->text = xstrdup(n->text);
	c->len = n->len;
	s->has_consts = true;
	return 0;
}

static int enum_read(struct schema *s, const struct yaml_node *n, struct err *e)
{
	if (yaml_want_seq(n, e) < 0)
		return -1;
	if (!n->count)
		return yaml_error(n, e, "an 'enum' without values allows nothing");
	yaml_each(item, n)
		if (const_read(s, item, e) < 0)
			return -1;
	return 0;
}

static int type_add(struct schema *s, const struct yaml_node *n, struct err *e)
{
	static const char *const words[] = { "null",   "boolean", "number", "integer",
					     "string", "array",	  "object", NULL };
	static const unsigned bits[] = {
		1u << JSON_NULL, TYPE_BOOLEAN, 1u << JSON_NUMBER, TYPE_INTEGER, 1u << JSON_STRING,
		1u << JSON_ARRAY, 1u << JSON_OBJECT,
	};
	int i;

	if (n->kind == YAML_SCALAR && yaml_is_null(n)) {
		s->types |= 1u << JSON_NULL;
		return 0;
	}
	if (yaml_as_word(n, words, &i, e) < 0)
		return -1;
	s->types |= bits[i];
	return 0;
}

static int type_read(struct schema *s, const struct yaml_node *n, struct err *e)
{
	if (n->kind != YAML_SEQ)
		return type_add(s, n, e);
	yaml_each(item, n)
		if (type_add(s, item, e) < 0)
			return -1;
	return 0;
}

static int regex_read(const struct yaml_node *at, const char *text, void **out, struct err *e)
{
	PCRE2_SIZE offset;
	PCRE2_UCHAR reason[160];
	int code;
	pcre2_code *re =
	    pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
			  PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_DOLLAR_ENDONLY, &code, &offset, NULL);

	if (!re) {
		pcre2_get_error_message(code, reason, sizeof(reason));
		return yaml_error(at, e, "pattern '%.80s' at offset %zu: %s", text, (size_t)offset,
				  (char *)reason);
	}
	pcre2_jit_compile(re, PCRE2_JIT_COMPLETE);
	*out = re;
	return 0;
}

/* ---- words --------------------------------------------------------------------------------- */

static int read_ref(struct schema *s, const struct yaml_node *n, struct err *e)
{
	static const char prefix[] = "#/definitions/";
	const char *text;

	if (yaml_as_string(n, &text, e) < 0)
		return -1;
	if (!str_starts(text, prefix) || !text[sizeof(prefix) - 1])
		return yaml_error(n, e, "'$ref' must be '#/definitions/NAME'");
	s->ref = xstrdup(text + sizeof(prefix) - 1);
	s->line = n->line;
	s->column = n->column;
	return 0;
}

static int read_const(struct schema *s, const struct yaml_node *n, struct err *e)
{
	s->is_const = true;
	return const_read(s, n, e);
}

static int read_pattern(struct schema *s, const struct yaml_node *n, struct err *e)
{
	const char *text;

	if (yaml_as_string(n, &text, e) < 0 || regex_read(n, text, &s->regex, e) < 0)
		return -1;
	s->pattern = xstrdup(text);
	return 0;
}

static int read_minimum(struct schema *s, const struct yaml_node *n, struct err *e)
{
	s->has_min = plain_number(n, &s->min);
	return s->has_min ? 0 : yaml_error(n, e, "must be a number");
}

static int read_maximum(struct schema *s, const struct yaml_node *n, struct err *e)
{
	s->has_max = plain_number(n, &s->max);
	return s->has_max ? 0 : yaml_error(n, e, "must be a number");
}

#define COUNT_WORD(field) \
	static int read_##field(struct schema *s, const struct yaml_node *n, struct err *e) \
	{ \
		return yaml_as_int(n, 0, INT32_MAX, &s->field, e); \
	}
COUNT_WORD(min_length)
COUNT_WORD(max_length)
COUNT_WORD(min_items)
COUNT_WORD(max_items)
COUNT_WORD(min_properties)
COUNT_WORD(max_properties)

static int read_unique(struct schema *s, const struct yaml_node *n, struct err *e)
{
	return yaml_as_bool(n, &s->unique_items, e);
}

static int read_required(struct schema *s, const struct yaml_node *n, struct err *e)
{
	return yaml_as_strings(n, &s->required, e);
}

static int read_named(struct schema *s, const struct yaml_node *n, struct schema_property **v, size_t *count,
		      struct err *e)
{
	if (yaml_want_map(n, e) < 0)
		return -1;
	yaml_each(item, n) {
		struct schema *child = NULL;

		if (node_read(&child, s->root, item, e) < 0)
			return -1;
		*v = xreallocarray(*v, *count + 1, sizeof(**v));
		(*v)[(*count)++] = (struct schema_property){ xstrdup(item->key->text), item->key->len, child };
	}
	return 0;
}

static int read_properties(struct schema *s, const struct yaml_node *n, struct err *e)
{
	size_t consts = 0;

	if (read_named(s, n, &s->properties, &s->property_count, e) < 0)
		return -1;
	/* What tells alternatives apart is looked at first. */
	for (size_t i = 0; i < s->property_count; i++) {
		struct schema_property p = s->properties[i];

		if (!p.schema->has_consts)
			continue;
		memmove(&s->properties[consts + 1], &s->properties[consts], (i - consts) * sizeof(p));
		s->properties[consts++] = p;
	}
	return 0;
}

static int read_pattern_properties(struct schema *s, const struct yaml_node *n, struct err *e)
{
	if (yaml_want_map(n, e) < 0)
		return -1;
	yaml_each(item, n) {
		struct schema_pattern_property p = { 0 };

		if (node_read(&p.schema, s->root, item, e) < 0 ||
		    regex_read(item->key, item->key->text, &p.regex, e) < 0)
			return -1;
		p.text = xstrdup(item->key->text);
		s->patterns = xreallocarray(s->patterns, s->pattern_count + 1, sizeof(p));
		s->patterns[s->pattern_count++] = p;
	}
	return 0;
}

static int read_additional(struct schema *s, const struct yaml_node *n, struct err *e)
{
	bool allowed;

	if (n->kind == YAML_MAP)
		return node_read(&s->additional, s->root, n, e);
	if (yaml_as_bool(n, &allowed, e) < 0)
		return -1;
	s->additional_denied = !allowed;
	return 0;
}

static int read_items(struct schema *s, const struct yaml_node *n, struct err *e)
{
	return node_read(&s->items, s->root, n, e);
}

static int read_alternatives(struct schema *s, const struct yaml_node *n, struct err *e)
{
	if (yaml_want_seq(n, e) < 0)
		return -1;
	if (s->alternatives)
		return yaml_error(n, e, "'anyOf' and 'oneOf' cannot stand side by side");
	yaml_each(item, n) {
		struct schema *child = NULL;

		if (node_read(&child, s->root, item, e) < 0)
			return -1;
		s->alternatives =
		    xreallocarray(s->alternatives, s->alternative_count + 1, sizeof(*s->alternatives));
		s->alternatives[s->alternative_count++] = child;
	}
	return s->alternative_count ? 0 : yaml_error(n, e, "needs at least one alternative");
}

static int read_one_of(struct schema *s, const struct yaml_node *n, struct err *e)
{
	s->exactly_one = true;
	return read_alternatives(s, n, e);
}

static int read_definitions(struct schema *s, const struct yaml_node *n, struct err *e)
{
	if (s != s->root)
		return yaml_error(n, e, "'definitions' stand at the top of a schema");
	return read_named(s, n, &s->definitions, &s->definition_count, e);
}

static int read_description(struct schema *s, const struct yaml_node *n, struct err *e)
{
	const char *text;

	if (yaml_as_string(n, &text, e) < 0)
		return -1;
	s->description = xstrdup(text);
	return 0;
}

static int read_nothing(struct schema *s, const struct yaml_node *n, struct err *e)
{
	(void)s, (void)n, (void)e;
	return 0;
}

static const struct {
	const char *word;
	int (*read)(struct schema *s, const struct yaml_node *n, struct err *e);
} words[] = {
	{ "type", type_read },
	{ "enum", enum_read },
	{ "const", read_const },
	{ "pattern", read_pattern },
	{ "minLength", read_min_length },
	{ "maxLength", read_max_length },
	{ "minimum", read_minimum },
	{ "maximum", read_maximum },
	{ "required", read_required },
	{ "properties", read_properties },
	{ "patternProperties", read_pattern_properties },
	{ "additionalProperties", read_additional },
	{ "minProperties", read_min_properties },
	{ "maxProperties", read_max_properties },
	{ "items", read_items },
	{ "minItems", read_min_items },
	{ "maxItems", read_max_items },
	{ "uniqueItems", read_unique },
	{ "anyOf", read_alternatives },
	{ "oneOf", read_one_of },
	{ "$ref", read_ref },
	{ "definitions", read_definitions },
	{ "description", read_description },
	{ "title", read_nothing },
	{ "$schema", read_nothing },
	{ "$id", read_nothing },
	{ "examples", read_nothing },
	{ "default", read_nothing },
};
#define WORDS (sizeof(words) / sizeof(words[0]))

static int node_fill(struct schema *s, const struct yaml_node *n, struct err *e)
{
	const char *known[WORDS + 1];

	for (size_t i = 0; i < WORDS; i++)
		known[i] = words[i].word;
	known[WORDS] = NULL;
	if (yaml_check_keys(n, known, e) < 0)
		return -1;
	yaml_each(item, n)
		for (size_t i = 0; i < WORDS; i++)
			if (strcmp(words[i].word, item->key->text) == 0 && words[i].read(s, item, e) < 0)
				return -1;
	/* JSON Schema lets the neighbours of a $ref be without effect; here they are an error. */
	if (s->ref)
		yaml_each(other, n) if (strcmp(other->key->text, "$ref") != 0 &&
					strcmp(other->key->text, "description") !=
					    0) return yaml_error(other, e,
								 "'%.40s' has no effect beside '$ref'",
								 other->key->text);
	return 0;
}

static int node_read(struct schema **out, struct schema *root, const struct yaml_node *n, struct err *e)
{
	*out = node_new(root);
	return node_fill(*out, n, e);
}

/* Every reference finds its definition, and none leads only to references. */
static int refs_resolve(struct schema *root, const char *name, struct err *e)
{
	size_t nodes = 0;

	for (struct schema *s = root; s; s = s->next_owned, nodes++) {
		if (!s->ref)
			continue;
		for (size_t i = 0; i < root->definition_count; i++)
			if (strcmp(root->definitions[i].key, s->ref) == 0)
				s->target = root->definitions[i].schema;
		if (!s->target)
			return err_set(e, ERR_USAGE, "%s:%u:%u: no definition '%.80s'", name, s->line,
				       s->column, s->ref);
	}
	for (struct schema *s = root; s; s = s->next_owned) {
		size_t steps = 0;

		for (const struct schema *t = s; t->target; t = t->target)
			if (++steps > nodes)
				return err_set(e, ERR_USAGE, "%s:%u:%u: '$ref' leads back to itself", name,
					       s->line, s->column);
	}
	return 0;
}

static int from_doc(struct schema **root, const struct yaml_doc *doc, const char *name, struct err *e)
{
	struct schema *s = node_new(NULL);

	if (node_fill(s, yaml_root(doc), e) < 0 || refs_resolve(s, name, e) < 0) {
		schema_free(s);
		return -1;
	}
	*root = s;
	return 0;
}

int schema_parse(struct schema **root, const char *name, const char *text, size_t len, struct err *e)
{
	auto_yaml *doc = NULL;

	if (yaml_parse(&doc, name, text, len, 1, NULL, e) < 0)
		return -1;
	return from_doc(root, doc, name, e);
}

int schema_read(struct schema **root, const char *path, struct err *e)
{
	auto_yaml *doc = NULL;

	if (yaml_read(&doc, path, NULL, e) < 0)
		return -1;
	return from_doc(root, doc, path, e);
}
