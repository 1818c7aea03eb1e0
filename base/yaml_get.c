/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_get.c - typed reading of the nodes of base/yaml.h. */
#include "base/mem.h"
#include "base/nearest.h"
#include "base/value.h"
#include "base/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_text[] = { "a map", "a list", "a single value" };

int yaml_error(const struct yaml_node *n, struct err *e, const char *fmt, ...)
{
	char what[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(e, ERR_USAGE, "%s:%u:%u: %s", n->file, n->line, n->column, what);
}

const char *yaml_label(const struct yaml_node *n, char out[YAML_LABEL_SIZE])
{
	char quoted[VALUE_QUOTE_SIZE];

	if (n->key)
		snprintf(out, YAML_LABEL_SIZE, "%s", value_quoten(n->key->text, n->key->len, quoted));
	else if (n->parent && n->parent->key)
		snprintf(out, YAML_LABEL_SIZE, "item %u of %s", n->index + 1,
			 value_quoten(n->parent->key->text, n->parent->key->len, quoted));
	else if (n->parent)
		snprintf(out, YAML_LABEL_SIZE, "item %u", n->index + 1);
	else
		snprintf(out, YAML_LABEL_SIZE, "the document");
	return out;
}

/* "'stall_ms' must be WHAT, not 'abc'HINT" in one idiom for all types. */
static int type_error_hint(const struct yaml_node *n, struct err *e, const char *what, const char *hint)
{
	char label[YAML_LABEL_SIZE], quoted[VALUE_QUOTE_SIZE];

	yaml_label(n, label);
	if (n->kind != YAML_SCALAR)
		return yaml_error(n, e, "%s must be %s, not %s", label, what, kind_text[n->kind]);
	if (yaml_is_null(n) && !n->len)
		return yaml_error(n, e, "%s must be %s; nothing is given", label, what);
	return yaml_error(n, e, "%s must be %s, not %s%s%s", label, what, n->quoted ? "the quoted string " : "",
			  value_quoten(n->text, n->len, quoted), hint);
}

static int type_error(const struct yaml_node *n, struct err *e, const char *what)
{
	return type_error_hint(n, e, what, "");
}

const struct yaml_node *yaml_get(const struct yaml_node *n, const char *key)
{
	size_t len = strlen(key);

	yaml_each(item, n)
		if (item->key && item->key->len == len && memcmp(item->key->text, key, len) == 0)
			return item;
	return NULL;
}

bool yaml_is_null(const struct yaml_node *n)
{
	return n->kind == YAML_SCALAR && !n->quoted &&
	       (!n->len || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0);
}

int yaml_want_map(const struct yaml_node *n, struct err *e)
{
	return n->kind == YAML_MAP ? 0 : type_error(n, e, "a map");
}

int yaml_want_seq(const struct yaml_node *n, struct err *e)
{
	return n->kind == YAML_SEQ ? 0 : type_error(n, e, "a list");
}

static bool known_has(const char *const known[], const struct yaml_node *key)
{
	for (size_t i = 0; known[i]; i++)
		if (strlen(known[i]) == key->len && memcmp(known[i], key->text, key->len) == 0)
			return true;
	return false;
}

int yaml_check_keys(const struct yaml_node *n, const char *const known[], struct err *e)
{
	if (yaml_want_map(n, e) < 0)
		return -1;
	yaml_each(item, n) {
		char quoted[VALUE_QUOTE_SIZE], hint[NEAREST_HINT_SIZE];
		const char *best;

		if (known_has(known, item->key))
			continue;
		value_quoten(item->key->text, item->key->len, quoted);
		best = nearest_word(item->key->text, known);
		if (!best) {
			auto_str list = STR_INIT;

			value_words(&list, known);
			return yaml_error(item->key, e, "unknown key %s; accepted: %s", quoted, str_cstr(&list));
		}
		return yaml_error(item->key, e, "unknown key %s%s", quoted, nearest_hint(best, hint));
	}
	return 0;
}

int yaml_as_int(const struct yaml_node *n, int64_t min, int64_t max, int64_t *out, struct err *e)
{
	char what[120];
	int64_t v;

	snprintf(what, sizeof(what), "a whole number from %lld to %lld", (long long)min, (long long)max);
	/* 010 is 8 to one reader of YAML and 10 to another. */
	if (n->kind != YAML_SCALAR || n->quoted || n->len != strlen(n->text) || !value_int(n->text, &v) ||
	    v < min || v > max || (n->len > 1 && n->text[strspn(n->text, "+-")] == '0'))
		return type_error(n, e, what);
	*out = v;
	return 0;
}

int yaml_as_bool(const struct yaml_node *n, bool *out, struct err *e)
{
	if (n->kind != YAML_SCALAR || n->quoted || n->len != strlen(n->text) || !value_bool(n->text, out))
		return type_error(n, e, "true or false");
	return 0;
}

int yaml_as_word(const struct yaml_node *n, const char *const words[], int *index, struct err *e)
{
	int at = n->kind == YAML_SCALAR && n->len == strlen(n->text) ? value_word(n->text, words) : -1;
	char hint[NEAREST_HINT_SIZE];
	auto_str list = STR_INIT;

	if (at >= 0) {
		*index = at;
		return 0;
	}
	value_words(&list, words);
	nearest_hint(n->kind == YAML_SCALAR ? nearest_word(n->text, words) : NULL, hint);
	return type_error_hint(n, e, str_cstr(&list), hint);
}

int yaml_as_string(const struct yaml_node *n, const char **out, struct err *e)
{
	if (n->kind != YAML_SCALAR)
		return type_error(n, e, "a string");
	if (!n->len && !n->quoted)
		return type_error(n, e, "a string ('' for an empty one)");
	if (n->len != strlen(n->text))
		return type_error(n, e, "a string without a NUL byte");
	*out = n->text;
	return 0;
}

int yaml_as_strings(const struct yaml_node *n, struct strv *out, struct err *e)
{
	if (n->kind != YAML_SEQ)
		return type_error(n, e, "a list of strings");
	yaml_each(item, n) {
		const char *text;

		if (yaml_as_string(item, &text, e) < 0)
			return -1;
		strv_add(out, text);
	}
	return 0;
}

int yaml_as_string_or_list(const struct yaml_node *n, struct strv *out, struct err *e)
{
	const char *text;

	if (n->kind == YAML_SEQ)
		return yaml_as_strings(n, out, e);
	if (n->kind == YAML_MAP)
		return type_error(n, e, "a string or a list of strings");
	if (yaml_as_string(n, &text, e) < 0)
		return -1;
	strv_add(out, text);
	return 0;
}

/* The getters of a map's entry differ in their type alone. */
#define GET(call)                                            \
	const struct yaml_node *n = yaml_get(map, key);      \
	if (!n)                                              \
		return 0;                                    \
	return (call) < 0 ? -1 : 1

int yaml_get_int(const struct yaml_node *map, const char *key, int64_t min, int64_t max, int64_t *out,
		 struct err *e)
{
	GET(yaml_as_int(n, min, max, out, e));
}

int yaml_get_timeout(const struct yaml_node *map, int64_t max_ms, int64_t *out_ms, struct err *e)
{
	const struct yaml_node *in_ms = yaml_get(map, "timeout_ms"), *in_s = yaml_get(map, "timeout");
	const struct yaml_node *n = in_ms ? in_ms : in_s;
	int64_t v, unit = in_ms ? 1 : 1000;

	if (!n)
		return 0;
	if (in_ms && in_s)
		return yaml_error(in_s, e, "'timeout' and 'timeout_ms' are the same limit: give one of them");
	if (n->kind == YAML_SCALAR && !value_int(n->text, &v) && value_duration(n->text, unit, &v) && v <= max_ms) {
		*out_ms = v;
		return 1;
	}
	if (yaml_as_int(n, 0, max_ms / unit, &v, e) < 0)
		return -1;
	*out_ms = v * unit;
	return 1;
}

int yaml_get_bool(const struct yaml_node *map, const char *key, bool *out, struct err *e)
{
	GET(yaml_as_bool(n, out, e));
}

int yaml_get_word(const struct yaml_node *map, const char *key, const char *const words[], int *index,
		  struct err *e)
{
	GET(yaml_as_word(n, words, index, e));
}

int yaml_get_string(const struct yaml_node *map, const char *key, const char **out, struct err *e)
{
	GET(yaml_as_string(n, out, e));
}

int yaml_get_strings(const struct yaml_node *map, const char *key, struct strv *out, struct err *e)
{
	GET(yaml_as_strings(n, out, e));
}

int yaml_get_string_or_list(const struct yaml_node *map, const char *key, struct strv *out, struct err *e)
{
	GET(yaml_as_string_or_list(n, out, e));
}

int yaml_need_string(const struct yaml_node *map, const char *key, const char **out, struct err *e)
{
	int rc = yaml_get_string(map, key, out, e);

	if (rc == 0)
		return yaml_error(map, e, "'%s' is missing", key);
	if (rc > 0 && !**out)
		return yaml_error(yaml_get(map, key), e, "'%s' must not be empty", key);
	return rc < 0 ? -1 : 0;
}

int yaml_need_version(const struct yaml_node *map, int64_t version, struct err *e)
{
	const struct yaml_node *n = yaml_get(map, "version");
	int64_t found;

	if (!n)
		return yaml_error(map, e, "'version: %lld' is missing", (long long)version);
	if (yaml_as_int(n, INT32_MIN, INT32_MAX, &found, e) < 0)
		return -1;
	if (found != version)
		return yaml_error(n, e, "version %lld is not known; %lld is", (long long)found,
				  (long long)version);
	return 0;
}
