/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/cases/validate.h"

#include "base/json_read.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/schema.h"
#include "base/value.h"
#include "base/yaml.h"
#include "runner/cases/glob.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- YAML as JSON ---- */

static bool is_json_number(const char *s)
{
	const char *p = s + (*s == '-');

	if (*p == '0')
		p++;
	else if (*p >= '1' && *p <= '9')
		p += strspn(p, "0123456789");
	else
		return false;
	if (*p == '.') {
		if (!strspn(++p, "0123456789"))
			return false;
		p += strspn(p, "0123456789");
	}
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '+' || *p == '-';
		if (!strspn(p, "0123456789"))
			return false;
		p += strspn(p, "0123456789");
	}
	return !*p;
}

/* Numbers that YAML writes otherwise than JSON: +1, 0x1F, 0o17, 007, .5, 5. */
static bool yaml_number(const char *s, char out[40])
{
	char *end;
	const char *digits = s + (*s == '+' || *s == '-');
	double v;

	if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'o') && digits == s) {
		unsigned long long n = strtoull(digits + 2, &end, digits[1] == 'x' ? 16 : 8);

		if (*end || end == digits + 2 || strpbrk(digits + 2, "+- "))
			return false;
		snprintf(out, 40, "%llu", n);
		return true;
	}
	if (!*digits || digits[strspn(digits, "0123456789.eE+-")] || !strpbrk(digits, "0123456789") ||
	    strchr("eE", *digits))
		return false;
	v = strtod(s, &end);
	if (*end || v != v || v - v != 0)
		return false;
	snprintf(out, 40, "%.17g", v);
	return true;
}

static void scalar_json(struct json *j, const char *key, const struct yaml_node *n)
{
	const char *s = n->text;
	char number[40];

	if (n->quoted)
		json_strn(j, key, s, n->len);
	else if (yaml_is_null(n) || !strcmp(s, "Null") || !strcmp(s, "NULL"))
		json_null(j, key);
	else if (!strcmp(s, "true") || !strcmp(s, "True") || !strcmp(s, "TRUE"))
		json_bool(j, key, true);
	else if (!strcmp(s, "false") || !strcmp(s, "False") || !strcmp(s, "FALSE"))
		json_bool(j, key, false);
	else if (is_json_number(s))
		json_raw(j, key, s, n->len);
	else if (yaml_number(s, number))
		json_raw(j, key, number, strlen(number));
	else
		json_strn(j, key, s, n->len);
}

static void node_json(struct json *j, const char *key, const struct yaml_node *n)
{
	switch (n->kind) {
	case YAML_SCALAR:
		scalar_json(j, key, n);
		break;
	case YAML_SEQ:
		json_array(j, key);
		yaml_each (item, n)
			node_json(j, NULL, item);
		json_array_end(j);
		break;
	case YAML_MAP:
		json_object(j, key);
		yaml_each (item, n)
			node_json(j, item->key->text, item);
		json_object_end(j);
		break;
	}
}

int validate_yaml_to_json(const char *name, const char *text, size_t n, struct str *json, struct err *e)
{
	const struct yaml_limits limits = { .max_bytes = VALIDATE_FILE_MAX_BYTES, .max_depth = JSON_DEPTH_MAX - 2,
					    .max_nodes = 4000000 };
	auto_yaml *doc = NULL;
	struct json j;

	if (yaml_parse(&doc, name, text, n, 1, &limits, e) < 0)
		return -1;
	json_init(&j, json);
	node_json(&j, NULL, yaml_root(doc));
	json_finish(&j);
	return 0;
}

/* ---- one document ---- */

struct validation {
	const char *root;
	const struct schema *schema;
	const struct strv *keys;
	struct str *out;
	size_t lines, more, files;
	const char *path;      /* of the document at hand */
};

static void violation(struct validation *v, const char *where, const char *what)
{
	if (v->lines == VALIDATE_LINES_MAX) {
		v->more++;
		return;
	}
	v->lines++;
	str_addf(v->out, "%s: %s%s%s\n", v->path, where, *where ? ": " : "", what);
}

static bool schema_violation(void *arg, const struct schema_place *at, const char *what)
{
	struct validation *v = arg;
	auto_str where = STR_INIT;

	schema_place_write(at, &where);
	violation(v, str_cstr(&where), what);
	return true;
}

static bool is_empty(const struct json_value *v)
{
	return v->kind == JSON_NULL || (v->kind == JSON_STRING && !v->len) ||
	       ((v->kind == JSON_ARRAY || v->kind == JSON_OBJECT) && !v->count);
}

/* a.b.0.c: members by name, items by number. */
static const struct json_value *key_find(const struct json_value *v, const char *key)
{
	auto_free char *copy = xstrdup(key);
	char *save = NULL;

	for (char *part = strtok_r(copy, ".", &save); part && v; part = strtok_r(NULL, ".", &save)) {
		int64_t index;

		if (v->kind == JSON_ARRAY) {
			const struct json_value *found = NULL;

			if (!value_int(part, &index) || index < 0)
				return NULL;
			json_each(item, v)
				if (index-- == 0)
					found = item;
			v = found;
		} else {
			v = json_get(v, part);
		}
	}
	return v;
}

static void keys_check(struct validation *v, const struct json_value *doc)
{
	for (size_t i = 0; i < v->keys->n; i++) {
		const struct json_value *found = key_find(doc, v->keys->v[i]);

		if (!found)
			violation(v, v->keys->v[i], "is missing");
		else if (is_empty(found))
			violation(v, v->keys->v[i], "is empty");
	}
}

static void text_check(struct validation *v, const char *text, size_t n)
{
	__attribute__((cleanup(json_reader_free_ptr))) struct json_reader *reader = NULL;
	const struct json_value *doc;
	auto_str json = STR_INIT;
	struct err e = { 0 };

	if (!str_ends(v->path, ".json")) {
		if (validate_yaml_to_json(v->path, text, n, &json, &e) < 0) {
			/* the message begins with the path: not twice */
			violation(v, "", str_starts(e.msg, v->path) ? e.msg + strlen(v->path) + 1 : e.msg);
			return;
		}
		text = str_cstr(&json);
		n = json.len;
	}
	reader = json_reader_text(text, n, "");
	if (json_take(reader, &doc, &e) < 0) {
		violation(v, "", e.msg);
		return;
	}
	if (v->schema)
		schema_check(v->schema, doc, NULL, schema_violation, v);
	else
		keys_check(v, doc);
	if (json_end(reader, &e) < 0)
		violation(v, "", e.msg);
}

static int file_check(void *ctx, const char *path, const uint32_t *lists, size_t n)
{
	struct validation *v = ctx;
	auto_free char *full = path[0] == '/' ? xstrdup(path) : path_join(v->root, path);
	auto_free char *text = NULL;
	struct err e = { 0 };
	size_t len;

	(void)lists;
	(void)n;
	v->path = path;
	v->files++;
	if (file_read(full, VALIDATE_FILE_MAX_BYTES, &text, &len, &e) < 0)
		violation(v, "", e.msg);
	else
		text_check(v, text, len);
	return 0;
}

size_t validate_run(const char *root, const struct strv *globs, const char *schema, const struct strv *keys,
		    struct str *out)
{
	struct validation v = { .root = root, .keys = keys, .out = out };
	auto_schema *compiled = NULL;
	struct glob_set *set = glob_set_new();
	struct err e = { 0 };

	if (schema) {
		bool absolute = schema[0] == '/' && !str_starts(schema, "/.artifacts/");
		auto_free char *path = absolute ? xstrdup(schema) : path_join(root, schema + (schema[0] == '/'));

		if (schema_read(&compiled, path, &e) < 0)
			goto failed;
		v.schema = compiled;
	}
	if (glob_set_add(set, globs->v, globs->n, &e) < 0 || glob_set_walk(set, root, file_check, &v, &e) < 0)
		goto failed;
	glob_set_free(set);
	if (!v.files) {
		str_add(out, "no file matches");
		for (size_t i = 0; i < globs->n; i++)
			str_addf(out, "%s '%s'", i ? "," : "", globs->v[i]);
		str_addc(out, '\n');
		return 1;
	}
	if (v.more) {
		str_addf(out, "and %zu more\n", v.more);
		v.lines++;
	}
	return v.lines;
failed:
	glob_set_free(set);
	str_addf(out, "%s\n", e.msg);
	return 1;
}
